#!/usr/bin/env bats
# What unit tests take for the decisions of Apache Kafka's assignors is theirs.

load helper

@test "racks: the recorded assignments are those of Apache Kafka" {
	local recorded=$BATS_TEST_DIRNAME/../unit/client/rack_vectors.h
	local jars=${KAFKA_JARS:-$INTEROP/../../build/kafka}/libs

	command -v javac >/dev/null || skip "no JDK: Apache Kafka cannot be run"
	"$INTEROP/clients/install"
	java -Dorg.slf4j.simpleLogger.defaultLogLevel=off -cp \
		"$INTEROP_BUILD/java:$jars/*" Assignors >now.h
	diff -u "$recorded" now.h
}
