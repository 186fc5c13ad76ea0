#!/usr/bin/env bats
# One data directory, served in turn by kbrokerd and by Apache Kafka 4.2.
#
# Each finds what the other has written: records, topics, their settings, the
# cluster's settings, quotas, producers, where records were deleted.

load helper

HOME_DIR=kafka # what the fixture of Kafka calls DIR; the data are in data/

serve_ours() {
	start_broker -X "log.dirs=$BATS_TEST_TMPDIR/$HOME_DIR/data" -X node.id=1 \
		-X log.retention.ms=-1 -X auto.create.topics.enable=false \
		-X log.segment.bytes=1048576
}

serve_kafka() {
	broker=$(KAFKA_OPTIONS=$'log.retention.ms=-1\nlog.segment.bytes=1048576' \
		kafka start "$BATS_TEST_TMPDIR/$HOME_DIR")
	export KAFKA_BOOTSTRAP_SERVERS=$broker
	kafka_pid=$(cat "$HOME_DIR/pid")
	started_pids+=("$kafka_pid")
}

stop_kafka() { kafka stop "$BATS_TEST_TMPDIR/$HOME_DIR"; }

kill_kafka() {
	kill -KILL "$kafka_pid"
	tail --pid="$kafka_pid" -f /dev/null
}

# Topics "a", "compacted", "gone", "cut"; settings and quotas; one producer.
write_all() {
	ktopics create a -p 3 -o retention.ms=-1 \
		-o max.message.bytes=2000000
	ktopics create compacted -p 1 -o cleanup.policy=compact
	ktopics create gone -p 2
	ktopics create cut -p 1
	ktopics delete gone --yes
	local codec
	for codec in none gzip snappy lz4 zstd; do
		"$CLI/random_records.py" 1 300 3 |
			kproduce -t a -J -p keep -z "$codec" -H "codec=$codec"
	done
	head -c 1500000 /dev/urandom | base64 -w 100 | kproduce -t a -p 0
	seq 1 1000 | kcat -P -t cut -X enable.idempotence=true
	printf 'k:1\nk:2\n' | kproduce -t compacted -K :
	"$INTEROP/differential/ask" "$broker" DeleteRecords '{"timeout_ms": 9000,
		"topics": [{"name": "cut", "partitions": [
			{"partition_index": 0, "offset": 300}]}]}' >/dev/null
	"$INTEROP/differential/ask" "$broker" IncrementalAlterConfigs \
		'{"resources": [{"resource_type": 4, "resource_name": "",
			"configs": [{"name": "message.max.bytes",
				"config_operation": 0, "value": "1500000"}]}]}' >/dev/null
	"$INTEROP/differential/ask" "$broker" AlterClientQuotas \
		'{"entries": [{"entity": [{"entity_type": "user",
			"entity_name": "ann"}], "ops": [
			{"key": "producer_byte_rate", "value": 1048576.0}]}]}' \
		>/dev/null
}

# All that must be the same whoever serves it, in a file.
tell_all() {
	local topic

	{
		"$INTEROP/differential/tell" "$broker" a compacted cut
		for topic in a compacted cut; do
			echo "$topic $(kconsume -t "$topic" -e -J | sort | sha256sum)"
		done
	} >"$1"
	grep -q 'cluster.*\["a", "compacted", "cut"\]' "$1"
}

# Records on top, by whoever serves.
write_more() {
	seq 1 500 | kproduce -t a -z lz4 -p 1
	seq 1 50 | kcat -P -t cut -X enable.idempotence=true
}

# Voters are in the log from then on (kraft.version 1).
upgrade_all() {
	kafka tool org.apache.kafka.tools.FeatureCommand \
		--bootstrap-server "$broker" upgrade --release-version 4.2
}

@test "Kafka serves what kbrokerd wrote, and the other way, there and back" {
	need_java
	mkdir "$HOME_DIR"
	serve_ours
	write_all
	tell_all 1
	stop_broker

	serve_kafka
	tell_all 2
	diff 1 2
	write_more
	tell_all 3
	kill_kafka

	serve_ours
	tell_all 4
	diff 3 4
	write_more
	upgrade_all
	tell_all 5
	grep -q 'features.*\["kraft.version", 1\]' 5
	kill_broker

	serve_kafka
	tell_all 6
	diff 5 6
	stop_kafka

	serve_ours
	tell_all 7
	diff 6 7
}

@test "kbrokerd serves what Apache Kafka alone has made" {
	need_java
	mkdir "$HOME_DIR"
	serve_kafka
	write_all
	tell_all 1
	stop_kafka
	serve_ours
	tell_all 2
	diff 1 2
	write_more
}
