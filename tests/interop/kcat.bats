#!/usr/bin/env bats
# kcat, which is librdkafka, with kbrokerd and with our tools, both ways.

load helper

@test "kcat to kcat through kbrokerd, with each codec" {
	start_broker
	new_topic
	seq 1 20000 >in
	local codec
	for codec in none gzip snappy lz4 zstd; do
		kcat -P -t "$topic" -z "$codec" <in
	done
	kcat -C -q -t "$topic" -e >out
	cmp out <(for _ in {1..5}; do cat in; done)
}

@test "what kcat writes kconsume reads, and the other way, with each codec" {
	start_broker
	seq 1 20000 >in
	local codec
	for codec in none gzip snappy lz4 zstd; do
		new_topic
		kcat -P -t "$topic" -z "$codec" <in
		kconsume -t "$topic" -e | cmp - in
		new_topic
		kproduce -t "$topic" -z "$codec" <in
		kcat -C -q -t "$topic" -e | cmp - in
	done
}

@test "keys, values and headers, null and empty, from kcat" {
	start_broker
	new_topic
	printf 'k:v\n:v\n' | kcat -P -t "$topic" -K : -H a=1 -H b= -H n
	printf ':v\nk:\n' | kcat -P -t "$topic" -K : -Z
	printf 'v\n' | kcat -P -t "$topic" -k key
	kconsume -t "$topic" -e -J | jq -c '[.key, .payload, .headers]' >out
	diff out - <<-'E'
	["k","v",["a","1","b","","n",null]]
	["","v",["a","1","b","","n",null]]
	[null,"v",null]
	["k",null,null]
	["key","v",null]
	E
}

@test "keys, values and headers, null and empty, to kcat" {
	start_broker
	new_topic
	kproduce -t "$topic" -J <<-'E'
	{"key":"k","payload":"v","headers":["a","1","b","","n",null,"a","2"]}
	{"key":null,"payload":null}
	{"key":"","payload":""}
	E
	kcat -C -q -t "$topic" -e -Z -f '%k(%K) %s(%S) %h\n' >out
	diff out - <<-'E'
	k(1) v(1) a=1,b=,n=NULL,a=2
	NULL(-1) NULL(-1) 
	NULL(0) NULL(0) 
	E
}

@test "kcat and kconsume print the same envelopes" {
	start_broker
	new_topic 2
	kproduce -t "$topic" -J -p keep <<-'E'
	{"partition":0,"key":"k","payload":"é \u0001 \" \\ /","ts":1600000000000,"headers":["a","1"]}
	{"partition":1,"key":null,"payload":"😀"}
	{"partition":0,"key":"","payload":null}
	E
	local p
	for p in 0 1; do
		kcat -C -q -t "$topic" -p "$p" -e -J | jq -cS . >theirs
		kconsume -t "$topic" -p "$p" -e -J | jq -cS . >ours
		diff theirs ours
	done
}

@test "kcat -J is input for kproduce -J" {
	start_broker
	new_topic
	local first=$topic
	new_topic
	printf 'k:v\nk2:\n' | kcat -P -t "$first" -K : -Z -H h=1
	kcat -C -q -t "$first" -e -J | kproduce -J -t "$topic"
	kconsume -t "$first" -e -J >first.json
	kconsume -t "$topic" -e -J | "$CLI/same_records.py" first.json /dev/stdin
}

@test "offsets and times mean the same to kcat and kconsume" {
	start_broker
	new_topic
	for i in {0..9}; do
		echo "{\"payload\":\"$i\",\"ts\":$((1600000000000 + i * 1000))}"
	done | kproduce -t "$topic" -J
	local o
	for o in beginning end 3 9 10 -1 -4 s@1600000004000 s@1600000004001; do
		diff <(kcat -C -q -t "$topic" -e -o "$o" -f '%o %T %s\n') \
			<(kconsume -t "$topic" -e -o "$o" -f '%o %T %s\n')
	done
	diff <(kcat -C -q -t "$topic" -o s@1600000002000 -o e@1600000006000) \
		<(kconsume -t "$topic" -o s@1600000002000 -o e@1600000006000)
}

@test "kcat's idempotent producer: in order, none lost, none twice" {
	start_broker
	new_topic 3
	local p
	for p in 0 1 2; do
		seq 1 30000 | kcat -P -t "$topic" -p "$p" \
			-X enable.idempotence=true -X batch.num.messages=50
	done
	for p in 0 1 2; do
		kcat -C -q -t "$topic" -p "$p" -e | cmp - <(seq 1 30000)
	done
}

# bats test_tags=kbrokerd
@test "kcat's idempotent producer outlives a broker killed and started again" {
	start_broker
	new_topic
	mkfifo in
	exec 5<>in
	timeout 60 kcat -b "$broker" -P -E -t "$topic" \
		-X enable.idempotence=true -X reconnect.backoff.max.ms=100 \
		<in 2>err 3>&- 5>&- 6>&- &
	local producer=$! round
	started_pids+=("$producer")
	for round in {0..2}; do
		seq $((round * 10000)) $((round * 10000 + 9999)) >&5
		kill_broker
		start_broker
	done
	exec 5>&-
	reap "$producer"
	kconsume -t "$topic" -e | cmp - <(seq 0 29999)
}

@test "kcat -C follows: a record is there as soon as it is produced" {
	start_broker
	new_topic
	mkfifo out
	exec 6<>out
	timeout 60 kcat -b "$broker" -C -q -u -t "$topic" \
		>out 3>&- 5>&- 6>&- &
	started_pids+=($!)
	local word line
	for word in one two three; do
		echo "$word" | kproduce -t "$topic"
		read -r -t 20 line <&6
		[ "$line" = "$word" ]
	done
}

@test "kcat -L lists brokers, topics and partitions" {
	start_broker -X auto.create.topics.enable=false
	new_topic 3
	run kcat -L
	expect_text "$output" "at $broker (controller)"
	expect_text "$output" "topic \"$topic\" with 3 partitions:"
	expect_text "$output" 'partition 2, leader '
	kcat -L -J | jq -e --arg t "$topic" \
		'.topics[] | select(.topic == $t) | .partitions | length == 3'
	run kcat -L -t nosuch-topic
	expect_text "$output" 'nosuch-topic'
	expect_text "$output" 'Unknown topic or partition'
}

@test "kcat -Q finds offsets by time" {
	start_broker
	new_topic
	for i in 0 1 2; do
		echo "{\"payload\":\"$i\",\"ts\":$((1600000000000 + i * 1000))}"
	done | kproduce -t "$topic" -J
	query() {
		kcat -Q -t "$topic:0:$1" | sed 's/.* //'
	}
	expect_same "$(query 1600000001000)" 1
	expect_same "$(query 1600000000001)" 1
	expect_same "$(query -1)" 3
	expect_same "$(query -2)" 0
}

@test "a key goes to the same partition from kcat and from kproduce" {
	start_broker
	for i in {1..300}; do echo "key-$i:$i"; done >in
	local partitioner
	for partitioner in murmur2_random consistent_random fnv1a_random consistent; do
		new_topic 5
		local first=$topic
		new_topic 5
		kcat -P -t "$first" -K : -X "topic.partitioner=$partitioner" <in
		kproduce -t "$topic" -K : -X "partitioner=$partitioner" <in
		diff <(kconsume -t "$first" -e -f '%p %k\n' | sort) \
			<(kconsume -t "$topic" -e -f '%p %k\n' | sort)
	done
}

# bats test_tags=kbrokerd
@test "a topic that kcat produces to is made, one that it asks for by -L is not" {
	start_broker -X auto.create.topics.enable=true
	echo x | kcat -P -t by-producing
	expect_same "$(kconsume -t by-producing -e)" x
}

@test "old protocol versions: kcat made to speak as to Kafka 0.11" {
	start_broker
	new_topic
	echo x | kcat -P -t "$topic" -X api.version.request=false \
		-X broker.version.fallback=0.11.0
	expect_same "$(kcat -C -q -t "$topic" -e -X api.version.request=false \
		-X broker.version.fallback=0.11.0)" x
}
