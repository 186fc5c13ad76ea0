#!/usr/bin/env bats
# One data directory, served in turn by kbrokerd and by Apache Kafka 4.2.
#
# Each finds what the other has written: records, topics, their settings, the
# cluster's settings, quotas, producers, where records were deleted, groups and
# their offsets.

load helper

HOME_DIR=kafka # what the fixture of Kafka calls DIR; the data are in data/

serve_ours() {
	start_broker -X "log.dirs=$BATS_TEST_TMPDIR/$HOME_DIR/data" -X node.id=1 \
		-X log.retention.ms=-1 -X auto.create.topics.enable=false \
		-X log.segment.bytes=1048576 -X group.initial.rebalance.delay.ms=0
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
	write_groups
}

ask() { "$INTEROP/differential/ask" "$broker" "$@"; }

# A group's member as static one by KIP-848, of topic "a": by hand, so that it
# stays when the broker goes.  $1 is its epoch, 0 to join.
beat() {
	ask ConsumerGroupHeartbeat "$(jq -n --argjson epoch "$1" '{
		group_id: "new", member_id: "m", member_epoch: $epoch,
		instance_id: "i", rack_id: null, server_assignor: null,
		rebalance_timeout_ms: 300000} + if $epoch == 0 then {
		subscribed_topic_names: ["a"], topic_partitions: []} else {
		subscribed_topic_names: null, topic_partitions: null} end')" 0
}

# Groups "simple", only ever committed to; "old", which had a classic member;
# "new", which has one by KIP-848.
write_groups() {
	# The first that asks for a coordinator makes the topic of offsets.
	kcat -G old -X auto.offset.reset=earliest -e -q cut >/dev/null
	commit simple cut 0 17
	commit simple a 1 5
	eventually beats 0
	commit new a 0 3 m "$(epoch)"
}

beats() { [ "$(beat "$1" | jq .error_code)" = 0 ]; }

eventually() {
	local end=$((SECONDS + TEST_LIMIT_SECONDS))
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || { echo "never: $*" >&2; return 1; }
	done
}

epoch() {
	ask ConsumerGroupDescribe '{"group_ids": ["new"]}' |
		jq '.groups[0].members[0].member_epoch'
}

# GROUP TOPIC PARTITION OFFSET [MEMBER EPOCH]; a broker needs a moment to lead
# what it has just made.
commit() {
	local body
	body=$(jq -n --arg g "$1" --arg t "$2" --argjson p "$3" --argjson o "$4" \
		--arg m "${5:-}" --argjson e "${6:--1}" '{group_id: $g, member_id: $m,
		generation_id_or_member_epoch: $e, topics: [{name: $t, partitions: [{
			partition_index: $p, committed_offset: $o,
			committed_metadata: "by hand"}]}]}')
	eventually committed "$body"
}

committed() {
	[ "$(ask OffsetCommit "$1" 9 |
		jq '.topics[0].partitions[0].error_code')" = 0 ]
}

# It answers for no group until it has read all.
offsets_are_loaded() {
	ask OffsetFetch '{"groups": [{"group_id": "simple", "topics": null},
		{"group_id": "old", "topics": null},
		{"group_id": "new", "topics": null}]}' 9 >offsets.json &&
		jq -e '[.groups[].error_code] == [0, 0, 0]' offsets.json >/dev/null
}

# What is known of them: offsets, types and states, the member's assignment.
tell_groups() {
	eventually offsets_are_loaded
	jq -cS '.groups[].topics[].partitions |= sort_by(.partition_index) |
		.groups[].topics |= sort_by(.name) | .groups | sort_by(.group_id)' \
		offsets.json
	ask ListGroups '{}' | jq -cS '.groups | sort_by(.group_id)'
	ask ConsumerGroupDescribe '{"group_ids": ["new"]}' | jq -cS '.groups'
}

# All that must be the same whoever serves it, in a file.
tell_all() {
	local topic

	{
		"$INTEROP/differential/tell" "$broker" a compacted cut
		for topic in a compacted cut; do
			echo "$topic $(kconsume -t "$topic" -e -J | sort | sha256sum)"
		done
		tell_groups
	} >"$1"
	grep -q 'cluster.*\["__consumer_offsets", "a", "compacted", "cut"\]' "$1"
	grep -q '"group_state":"Stable","group_type":"consumer"' "$1"
}

# Records and offsets on top, by whoever serves.
write_more() {
	beats "$(epoch)"
	commit new a 2 "$1" m "$(epoch)"
	commit simple cut 0 "$1"
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
	write_more 21
	tell_all 3
	kill_kafka

	serve_ours
	tell_all 4
	diff 3 4
	write_more 22
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
	write_more 23
}
