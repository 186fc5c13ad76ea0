# helper.bash - the programs' own helper, and other people's programs
#
# BOOTSTRAP of a kbrokerd is $broker, as in tests/cli/helper.bash.

CLI=$BATS_TEST_DIRNAME/../cli
INTEROP=$BATS_TEST_DIRNAME

BIN=${BIN:-$BATS_TEST_DIRNAME/../../build/bin}
load ../cli/helper

# Where other people's programs are: see interop/clients/install.
KAFKA_JARS=${KAFKA_JARS:-$INTEROP/../../build/kafka}
INTEROP_BUILD=${INTEROP_BUILD:-$INTEROP/../../build/interop}

# Apache Kafka: see interop/kafka/kafka.
kafka() {
	KAFKA_HOME=$KAFKA_JARS \
		"$INTEROP/kafka/kafka" "$@"
}

# A command-line tool of Kafka's, on our broker.
kafka_tool() { # CLASS ARGUMENT...
	kafka tool "$@" 2>tool.err || {
		cat tool.err >&2
		return 1
	}
}

need_java() {
	command -v java >/dev/null || skip "no JDK: Apache Kafka cannot be run"
}

# kcat, which may not hang a test.
kcat() {
	timeout --foreground "$TEST_LIMIT_SECONDS" kcat -b "$broker" "$@"
}
