#!/usr/bin/env bats
# Our tools against Apache Kafka 4.2, and Kafka's own tools against kbrokerd.
#
# Kafka is started once for all.  Its own programs take a second or two each,
# so a test asks them for as much as it can at once.

load helper

setup_file() {
	command -v java >/dev/null || return 0
	# Tests write records of long ago, which are not to be deleted meanwhile.
	APACHE_KAFKA=$(KAFKA_OPTIONS=log.retention.ms=-1 \
		kafka start "$BATS_FILE_TMPDIR/kafka")
	export APACHE_KAFKA
}

teardown_file() {
	command -v java >/dev/null || return 0
	kafka stop "$BATS_FILE_TMPDIR/kafka"
}

# The tests of that file against Kafka, without those about kbrokerd itself.
passes_on_kafka() {
	need_java
	KSPOOL_TEST_BROKER=$APACHE_KAFKA BIN=$BIN \
		env -u BATS_TEST_NUMBER bats --tap --filter-tags '!kbrokerd' \
		"$1" >tap 3>&- || {
		grep -v '^ok' tap
		return 1
	}
}

@test "kproduce does with Apache Kafka what it does with kbrokerd" {
	passes_on_kafka "$CLI/kproduce.bats"
}

@test "kconsume does with Apache Kafka what it does with kbrokerd" {
	passes_on_kafka "$CLI/kconsume.bats"
}

@test "kgroups does with Apache Kafka what it does with kbrokerd" {
	need_java
	# The first question makes it create __consumer_offsets, which takes long.
	kgroups wait nobody --state dead -b "$APACHE_KAFKA" -m 60
	passes_on_kafka "$CLI/kgroups.bats"
}

@test "our tools and kcat do with Apache Kafka what they do with kbrokerd" {
	passes_on_kafka "$INTEROP/kcat.bats"
}

use_kafka() {
	need_java
	export KSPOOL_TEST_BROKER=$APACHE_KAFKA
	start_broker
}

@test "Kafka's transactions: --isolation says which records show" {
	use_kafka
	new_topic
	echo committed | kcat -P -t "$topic" -X transactional.id=a
	mkfifo in
	exec 5<>in
	timeout 60 kcat -b "$broker" -P -t "$topic" \
		-X transactional.id=b <in 2>err 3>&- 5>&- 6>&- &
	started_pids+=($!)
	# kcat sends what it has read by blocks.
	seq 1 5000 >&5
	expect_same "$(kconsume -t "$topic" --isolation ru -c 2 | tr '\n' ' ')" \
		'committed 1 '
	expect_same "$(kconsume -t "$topic" -e)" committed
	expect_same "$(kconsume -t "$topic" -n 5)" committed
	# A second producer of that id aborts what the first has begun.
	echo second | kcat -P -t "$topic" -X transactional.id=b
	expect_same "$(kconsume -t "$topic" -e | tr '\n' ' ')" 'committed second '
	expect_same "$(kconsume -t "$topic" -n 5 | tr '\n' ' ')" 'committed second '
	[ "$(kconsume -t "$topic" -e --isolation ru | wc -l)" -gt 2 ]
	exec 5>&-
}

# Kafka's tools on kbrokerd

TopicCommand=org.apache.kafka.tools.TopicCommand
ConsoleProducer=org.apache.kafka.tools.ConsoleProducer
ConsoleConsumer=org.apache.kafka.tools.consumer.ConsoleConsumer

@test "Kafka's topic command creates, lists, describes, grows and deletes" {
	need_java
	start_broker
	topics() {
		kafka_tool "$TopicCommand" --bootstrap-server "$broker" "$@"
	}
	topics --create --topic orders --partitions 2 --config retention.ms=1234567
	run topics --list
	[ "$output" = orders ]
	topics --alter --topic orders --partitions 5
	run topics --describe --topic orders
	expect_text "$output" 'PartitionCount: 5'
	expect_text "$output" 'ReplicationFactor: 1'
	expect_text "$output" 'retention.ms=1234567'
	expect_text "$output" 'Partition: 4'
	kafka tool kafka.admin.ConfigCommand --bootstrap-server "$broker" \
		--alter --topic orders --add-config max.message.bytes=2000
	run kafka tool kafka.admin.ConfigCommand --bootstrap-server "$broker" \
		--describe --topic orders
	expect_text "$output" 'max.message.bytes=2000'
	topics --delete --topic orders
	run kcat -L
	[[ $output != *orders* ]]
}

@test "Kafka's producer to kbrokerd: each codec, keys, headers, its partitions" {
	need_java
	start_broker
	new_topic 7
	local codec
	for codec in none gzip snappy lz4 zstd; do
		for i in {1..500}; do
			printf 'h:%s,n:NIL\t%s\t%s\n' "$codec" "key$i" "value $i of $codec"
		done | kafka_tool "$ConsoleProducer" \
			--bootstrap-server "$broker" --topic "$topic" \
			--compression-codec "$codec" --reader-property null.marker=NIL \
			--reader-property parse.key=true --reader-property parse.headers=true
	done
	kconsume -t "$topic" -e -J | jq -c '[.key, .payload, .headers]' | sort >out
	for codec in none gzip snappy lz4 zstd; do
		for i in {1..500}; do
			echo "[\"key$i\",\"value $i of $codec\",[\"h\",\"$codec\",\"n\",null]]"
		done
	done | sort | diff - out
	# kproduce puts each key where Java's producer put it.
	kconsume -t "$topic" -e -f '%p %k\n' | sort -u >theirs
	new_topic 7
	for i in {1..500}; do echo "key$i:x"; done | kproduce -t "$topic" -K :
	kconsume -t "$topic" -e -f '%p %k\n' | sort -u | diff theirs -
}

@test "Kafka's consumer from kbrokerd: each codec of kproduce, keys, headers" {
	need_java
	start_broker
	new_topic
	local codec
	for codec in none gzip snappy lz4 zstd; do
		for i in {1..500}; do
			echo "{\"key\":\"k$i\",\"payload\":\"$codec $i\",\"headers\":[\"h\",\"v\"],\"ts\":1600000000000}"
		done | kproduce -t "$topic" -J -z "$codec"
	done
	echo '{"key":null,"payload":null}' | kproduce -t "$topic" -J --ts 1600000000000
	kafka_tool "$ConsoleConsumer" --bootstrap-server "$broker" \
		--topic "$topic" --partition 0 --offset earliest \
		--max-messages 2501 --timeout-ms 60000 \
		--formatter-property print.key=true \
		--formatter-property print.headers=true \
		--formatter-property print.timestamp=true \
		--formatter-property print.offset=true >out
	local offset=0
	{
		for codec in none gzip snappy lz4 zstd; do
			for i in {1..500}; do
				printf 'CreateTime:1600000000000\tOffset:%d\th:v\tk%d\t%s %d\n' \
					"$offset" "$i" "$codec" "$i"
				offset=$((offset + 1))
			done
		done
		printf 'CreateTime:1600000000000\tOffset:2500\tNO_HEADERS\tnull\tnull\n'
	} | diff - out
}

@test "Kafka's offset command asks kbrokerd where partitions end" {
	need_java
	start_broker
	new_topic 2
	seq 1 10 | kproduce -t "$topic" -p 1
	run kafka tool org.apache.kafka.tools.GetOffsetShell \
		--bootstrap-server "$broker" --topic "$topic" --time latest
	expect_text "$output" "$topic:0:0"
	expect_text "$output" "$topic:1:10"
}

@test "Kafka's dump tool reads kbrokerd's segments, indexes and metadata" {
	need_java
	start_broker -X log.segment.bytes=1048576 -X log.index.interval.bytes=1000
	new_topic
	local codec first second
	for codec in none gzip snappy lz4 zstd; do
		"$CLI/random_records.py" 1 2000 1 |
			kproduce -t "$topic" -J -z "$codec" -H codec="$codec"
	done
	head -c 1500000 /dev/urandom | base64 -w 100 | kproduce -t "$topic"
	kconsume -t "$topic" -e | wc -l >/dev/null
	stop_broker
	dump() { # OPTION... FILES
		kafka_tool kafka.tools.DumpLogSegments "$@" >dumped
		! grep -iE 'invalid|mismatch|error|corrupt|exception' dumped tool.err
	}
	local logs indexes
	logs=$(printf '%s,' "data/$topic-0/"*.log)
	indexes=$(printf '%s,' "data/$topic-0/"*.{index,timeindex})
	[ "$(ls "data/$topic-0/"*.log | wc -l)" -gt 1 ]
	dump --deep-iteration --files "${logs%,}"
	[ "$(grep -c '^| offset:' dumped)" -gt 25000 ]
	[ "$(grep -c 'isvalid: true' dumped)" -gt 10 ]
	dump --index-sanity-check --files "${indexes%,}"
	dump --verify-index-only --files "${indexes%,}"
	dump --files "$(printf '%s,' "data/$topic-0/"*.snapshot | sed 's/,$//')"
	dump --cluster-metadata-decoder \
		--files "data/__cluster_metadata-0/00000000000000000000.log"
	grep -q '"type":"TOPIC_RECORD"' dumped
	grep -q "\"name\":\"$topic\"" dumped
}
