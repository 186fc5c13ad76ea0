#!/usr/bin/env bats
# kconsume: what is there comes out, byte for byte, at once, and it ends well.

load helper

HERE=$BATS_TEST_DIRNAME

# timed N@MS...: a record with value N and that timestamp, to partition -p
timed() {
	local partition=$1 record

	shift
	for record; do
		echo "{\"partition\":$partition,\"ts\":${record#*@},\"payload\":\"${record%@*}\"}"
	done | kproduce -J -t "$topic" -p keep
}

words() {
	tr '\n' ' ' <<<"$output"
}

# Where to start and to stop

@test "-e prints all there is in order and ends" {
	start_broker
	new_topic
	seq 1 100000 | kproduce -t "$topic"
	kconsume -t "$topic" -e | cmp - <(seq 1 100000)
}

@test "-e on an empty topic prints nothing and is exit 0" {
	start_broker
	new_topic 3
	expect 0 kconsume -t "$topic" -e
	[ -z "$output$stderr" ]
}

@test "without -e it follows: a record is printed as soon as it is there" {
	start_broker
	new_topic
	echo old | kproduce -t "$topic"
	mkfifo out
	exec 6<>out
	start kconsume -t "$topic" >out
	local word line
	for word in old new newer; do
		[ "$word" = old ] || echo "$word" | kproduce -t "$topic"
		read -r -t 20 line <&6
		[ "$line" = "$word" ]
	done
}

@test "-o: where to start" {
	start_broker
	new_topic
	seq 0 9 | kproduce -t "$topic"
	from() { # OFFSET WANTED
		expect 0 kconsume -t "$topic" -e -o "$1"
		expect_same "$(words)" "$2 "
	}
	from beginning '0 1 2 3 4 5 6 7 8 9'
	from 7 '7 8 9'
	from -2 '8 9'
	from -100 '0 1 2 3 4 5 6 7 8 9'
	from +8 '8 9'
	from end ''
	from 10 ''
	from 0=8 '8 9'
}

@test "-o s@ and e@: an hour of records" {
	start_broker
	new_topic
	timed 0 a@1600000000000 b@1600000001000 c@1600000002000 d@1600000003000
	expect 0 kconsume -t "$topic" -e -o s@1600000001000
	expect_same "$(words)" 'b c d '
	expect 0 kconsume -t "$topic" -e -o s@1600000001
	expect_same "$(words)" 'b c d '
	expect 0 kconsume -t "$topic" -o s@1600000000001 -o e@1600000003000
	expect_same "$(words)" 'b c '
	expect 0 kconsume -t "$topic" -o e@2020-09-13T12:26:42Z
	expect_same "$(words)" 'a b '
	expect 0 kconsume -t "$topic" -e -o s@1700000000000
	expect_same "$(words)" ' '
}

@test "-o for each partition, and -p to choose some" {
	start_broker
	new_topic 4
	local p
	for p in 0 1 2 3; do
		printf '%s\n' "$p"{a,b,c} | kproduce -t "$topic" -p "$p"
	done
	sorted() {
		kconsume -t "$topic" -e "$@" | sort | tr '\n' ' '
	}
	expect_same "$(sorted -p 1)" '1a 1b 1c '
	expect_same "$(sorted -p 0,2-3 -o 2)" '0c 2c 3c '
	expect_same "$(sorted -o 0=2,1=1,2=3 -o end)" '0c 1b 1c '
	expect_same "$(sorted -o -1)" '0c 1c 2c 3c '
	expect 5 kconsume -t "$topic" -p 4 -e
	expect_text "$stderr" "topic '$topic' has no partition 4: it has 4, from 0 on"
	expect 5 kconsume -t "$topic" -o 9=1 -e
	expect_text "$stderr" "topic '$topic' has no partition 9"
}

@test "several topics at once" {
	start_broker
	new_topic
	local first=$topic
	new_topic
	echo a | kproduce -t "$first"
	echo b | kproduce -t "$topic"
	expect_same "$(kconsume -t "$first" -t "$topic" -t "$first" -e | sort | tr '\n' ' ')" 'a b '
}

@test "-c ends after that many" {
	start_broker
	new_topic 2
	seq 1 1000 | kproduce -t "$topic"
	expect_same "$(kconsume -t "$topic" -c 5 | wc -l)" 5
	expect_same "$(kconsume -t "$topic" -e -c 5000 | wc -l)" 1000
}

@test "-n is the last of all partitions, by their time" {
	start_broker
	new_topic 3
	timed 0 a@1000 d@4000 g@7000
	timed 1 b@2000 e@5000 h@8000
	timed 2 c@3000 f@6000 i@9000
	last() {
		expect 0 kconsume -t "$topic" "$@"
		expect_same "$(words)" "$wanted "
	}
	wanted='g h i' last -n 3
	wanted='f g h i' last --tail 4
	wanted='a b c d e f g h i' last -n 100
	wanted='' last -n 0
	wanted='e h' last -n 2 -p 1
	# A partition stays in its own order, even where its times go back.
	timed 0 j@1 k@2
	wanted='g j k h i' last -n 5
	expect 5 kconsume -t nosuch -n 1
}

@test "an offset out of range starts where auto.offset.reset says" {
	start_broker
	new_topic
	seq 0 9 | kproduce -t "$topic"
	expect 0 kconsume -t "$topic" -o 1000 -c 10 -X auto.offset.reset=earliest
	expect_same "$(words)" '0 1 2 3 4 5 6 7 8 9 '
	expect_text "$stderr" 'kconsume: warning: '
	expect_text "$stderr" 'partition 0: offset 1000 is out of range: going on at the beginning'
	expect 0 kconsume -t "$topic" -o 1000 -e
	expect_same "$(words)" ' '
	expect_text "$stderr" 'offset 1000 is out of range: going on at the end'
	expect 5 kconsume -t "$topic" -o 1000 -X auto.offset.reset=error
	expect_text "$stderr" 'partition 0: offset 1000 is out of range'
}

@test "-e ends while a producer writes without pause" {
	start_broker
	new_topic
	mkfifo in
	exec 5<>in
	start kproduce -t "$topic" <in
	yes >in 3>&- 5>&- 6>&- &
	started_pids+=($!)
	kconsume -t "$topic" -c 1000 >/dev/null
	expect 0 bash -c "timeout 60 '$BIN/kconsume' -t '$topic' -e | tail -c 1"
}

# Output

@test "-D, -0 and -K: delimiters" {
	start_broker
	new_topic
	printf 'k:v\n:w\n' | kproduce -t "$topic" -K :
	echo x | kproduce -t "$topic"
	kconsume -t "$topic" -e -K = | cmp - <(printf 'k=v\n=w\n=x\n')
	kconsume -t "$topic" -e -D '<>' | cmp - <(printf 'v<>w<>x<>')
	kconsume -t "$topic" -e -D '\t\x01' -K '\0' |
		cmp - <(printf 'k\0v\t\1\0w\t\1\0x\t\1')
	kconsume -t "$topic" -e -0 | cmp - <(printf 'v\0w\0x\0')
	kconsume -t "$topic" -e -D '' | cmp - <(printf 'vwx')
}

@test "-O prints offsets, -Z and --null print nulls" {
	start_broker
	new_topic
	printf '{"key":null,"payload":"v"}{"key":"k","payload":null}{"key":"","payload":""}' |
		kproduce -t "$topic" -J
	expect_same "$(kconsume -t "$topic" -e -O -K : | tr '\n' ' ')" '0::v 1:k: 2:: '
	expect_same "$(kconsume -t "$topic" -e -Z -K : | tr '\n' ' ')" 'NULL:v k:NULL : '
	expect_same "$(kconsume -t "$topic" -e --null '\N' -K : | tr '\n' ' ')" \
		'\N:v k:\N : '
}

@test "-f prints what it is told" {
	start_broker
	new_topic 2
	echo '{"key":"k","payload":"value","ts":1600000000000,"headers":["h","1","n",null],"partition":1}' |
		kproduce -t "$topic" -J -p keep
	shown() {
		kconsume -t "$topic" -e -f "$1"
	}
	expect_same "$(shown '%t [%p] at %o: %k(%K)=%s(%S) %T %h %%\n')" \
		"$topic [1] at 0: k(1)=value(5) 1600000000000 h=1,n=NULL %"
	expect_same "$(shown '%{ts:iso} %{value:hex} %{value:b64} %{header.h} %{headers:json}')" \
		'2020-09-13T12:26:40.000Z 76616c7565 dmFsdWU= 1 ["h","1","n",null]'
	shown '%R%s\0\x41' | cmp - <(printf '\0\0\0\5value\0A')
	expect_same "$(shown '%{ts:%Y/%m/%d} %{lag} %{size}')" '2020/09/13 0 13'
}

@test "-J prints kcat's envelope" {
	start_broker
	new_topic
	echo '{"key":"k","payload":"v\n\u0000é","ts":1600000000000,"headers":["h","1","n",null]}' |
		kproduce -t "$topic" -J
	printf '\xff' | kproduce -t "$topic" --ts 1600000000000 -H 'b:=/w=='
	expect 0 kconsume -t "$topic" -e -J
	local broker_id
	broker_id=$(jq .broker <<<"${output%%$'\n'*}")
	expect_same "$output" "{\"topic\":\"$topic\",\"partition\":0,\"offset\":0,\"tstype\":\"create\",\"ts\":1600000000000,\"broker\":$broker_id,\"headers\":[\"h\",\"1\",\"n\",null],\"key\":\"k\",\"payload\":\"v\\n\\u0000é\"}
{\"topic\":\"$topic\",\"partition\":0,\"offset\":1,\"tstype\":\"create\",\"ts\":1600000000000,\"broker\":$broker_id,\"headers\":[\"b\",\"/w==\"],\"headers_enc\":\"b64\",\"key\":null,\"payload\":\"/w==\",\"payload_enc\":\"b64\"}"
}

@test "-J --enc and --meta" {
	start_broker
	new_topic
	echo k:hi | kproduce -t "$topic" -K :
	expect_same "$(kconsume -t "$topic" -e -J --enc b64 | jq -c '[.key, .key_enc, .payload]')" \
		'["aw==","b64","aGk="]'
	expect_same "$(kconsume -t "$topic" -e -J --enc hex | jq -c '[.key, .payload, .payload_enc]')" \
		'["6b","6869","hex"]'
	expect_same "$(kconsume -t "$topic" -e -J --meta | jq -c '[has("key"), has("payload"), .size, .offset]')" \
		'[false,false,3,0]'
}

# The laws of the envelope

@test "kconsume -J | kproduce -J copies any records as they are" {
	set -o pipefail
	start_broker
	new_topic 3
	local first=$topic
	new_topic 3
	"$HERE/random_records.py" 7 20000 3 >in
	kproduce -J -t "$first" -p keep -z zstd <in
	kconsume -e -J -t "$first" | kproduce -J -t "$topic" -p keep
	kconsume -e -J -t "$topic" >out
	"$HERE/same_records.py" in out
	kconsume -e -J -t "$first" >first
	"$HERE/same_records.py" first out
	# Each line is JSON and UTF-8, for other programs too.
	jq -e . out >/dev/null
	iconv -f utf-8 -t utf-8 out >/dev/null
	# And so in the other encodings.
	new_topic 3
	kconsume -e -J -t "$first" --enc hex | kproduce -J -t "$topic" -p keep
	kconsume -e -J -t "$topic" --enc b64 | "$HERE/same_records.py" first /dev/stdin
}

# Ends

@test "a reader that has enough ends it at once, by SIGPIPE, without a word" {
	start_broker
	new_topic
	seq 1 200000 | kproduce -t "$topic"
	"$BIN/kconsume" -t "$topic" 2>err | head -1 >out
	[ "${PIPESTATUS[0]}" -eq 141 ]
	[ ! -s err ]
	[ "$(cat out)" = 1 ]
}

@test "it sees that its reader has gone even while no record comes" {
	start_broker
	new_topic
	echo only | kproduce -t "$topic"
	mkfifo out
	exec 6<>out
	start kconsume -t "$topic" >out 2>err
	head -1 <out >line
	exec 6>&-
	reap "$pid" 141
	[ "$(cat line)" = only ]
	[ ! -s err ]
}

@test "a full disk is an error" {
	start_broker
	new_topic
	echo x | kproduce -t "$topic"
	expect 1 bash -c "'$BIN/kconsume' -t '$topic' -e >/dev/full"
	expect_same "$stderr" \
		'kconsume: error: cannot write to stdout: No space left on device'
}

@test "a signal ends it in order, and it dies of it" {
	start_broker
	new_topic
	echo x | kproduce -t "$topic"
	local name
	for name in INT TERM HUP; do
		start kconsume -t "$topic" >out 2>err
		wait_for_line out x
		kill "-$name" "$pid"
		reap "$pid" $((128 + $(kill -l "$name")))
		[ ! -s err ]
	done
}

@test "a reader that does not read does not keep it from dying" {
	start_broker
	new_topic
	head -c 3000000 /dev/zero | tr '\0' x | fold -w 1000 | kproduce -t "$topic"
	mkfifo out
	exec 6<>out
	start kconsume -t "$topic" >out
	# The pipe is full, so it waits there, now or in a moment.
	wait_until_full 6
	kill -TERM "$pid"
	while catches_term "$pid"; do :; done
	kill -TERM "$pid"
	reap "$pid" 143
}

# Until the pipe behind that descriptor takes no more.  Not by its bytes: writes
# leave pages half full.
wait_until_full() {
	timeout "$TEST_LIMIT_SECONDS" python3 -c '
import select, sys
while select.select([], [int(sys.argv[1])], [], 0)[1]:
    pass' "$1"
}

# Has it a handler for SIGTERM, which the first one takes away?
catches_term() {
	local mask

	mask=$(sed -n 's/^SigCgt:[[:space:]]*/0x/p' "/proc/$1/status")
	((mask & 1 << 14))
}

# What goes wrong

@test "a topic that is not there is exit 5, and is not made by asking" {
	start_broker -X auto.create.topics.enable=true
	expect 5 kconsume -t nosuch
	expect_text "$stderr" "kconsume: error: topic 'nosuch': UNKNOWN_TOPIC_OR_PARTITION"
	expect 5 kconsume -t nosuch -e
	! kcat -b "$broker" -L | grep -q nosuch
}

@test "a broker that is not there is exit 3, soon" {
	expect 3 kconsume -b localhost:1 -t t -m 1
	expect_text "$stderr" 'kconsume: error: cannot reach any of localhost:1: Connection refused'
}

# bats test_tags=kbrokerd
@test "a broker that goes away for longer than -m is exit 3" {
	start_broker
	new_topic
	echo x | kproduce -t "$topic"
	start kconsume -t "$topic" -m 1 >out 2>err
	wait_for_line out x
	kill_broker
	reap "$pid" 3
	expect_text "$(cat err)" 'kconsume: error: '
}

# bats test_tags=kbrokerd
@test "a broker that comes back within -m is gone on with" {
	start_broker
	new_topic
	echo a | kproduce -t "$topic"
	start kconsume -t "$topic" -m 60 >out
	wait_for_line out a
	kill_broker
	start_broker
	echo b | kproduce -t "$topic"
	wait_for_line out b
	expect_same "$(tr '\n' ' ' <out)" 'a b '
}

# bats test_tags=kbrokerd
@test "a record that was changed on disk is exit 6, and is not printed" {
	start_broker
	new_topic
	echo good | kproduce -t "$topic"
	echo first | kproduce -t "$topic"
	stop_broker
	sed -i 's/first/f1rst/' "data/$topic-0/00000000000000000000.log"
	start_broker
	expect 6 kconsume -t "$topic" -e
	expect_same "$output" good
	expect_text "$stderr" "$topic"
	expect 0 kconsume -t "$topic" -e -X check.crcs=false
	expect_same "$(words)" 'good f1rst '
}

@test "--timeout ends it with exit 3" {
	start_broker
	new_topic
	expect 3 kconsume -t "$topic" --timeout 0.2
	expect_text "$stderr" 'kconsume: error: not done after 200ms (--timeout)'
}

@test "a command line that makes no sense is exit 2, and says why" {
	wrong() { # TEXT ARGUMENT...
		local text=$1

		shift
		expect 2 kconsume -b localhost:1 "$@"
		[ -z "$output" ]
		expect_text "$stderr" 'kconsume: error: '
		expect_text "$stderr" "$text"
	}
	wrong 'no topic: -t TOPIC'
	wrong 'is not a list of partitions' -t t -p x
	wrong 'is not a list of partitions' -t t -p 1,,2
	wrong 'ends before it begins' -t t -p 3-1
	wrong 'is not an offset' -t t -o middle
	wrong 'is not an offset' -t t -o s@whenever
	wrong 'is not an offset' -t t -o 0=x
	wrong 'a second place to start' -t t -o 1 -o end
	wrong '-o stored' -t t -o stored
	wrong '-n reads the end' -t t -n 3 -o 1
	wrong '-n reads the end' -t t -n 3 -c 1
	wrong '--tail' -t t -n -1
	wrong '--count' -t t -c -1
	wrong "-f '%{nope}'" -t t -f '%{nope}'
	wrong "-f 'a%'" -t t -f 'a%'
	wrong '-f says all of the output' -t t -f '%s' -K :
	wrong '-J prints JSON' -t t -J -f '%s'
	wrong '--meta and --enc go with -J' -t t --meta
	wrong '--enc' -t t -J --enc rot13
	wrong '-0 and -D' -t t -0 -D x
	wrong "-D '\\x': bad escape" -t t -D '\x'
	wrong '--isolation' -t t --isolation dirty
	wrong 'fetch.min.bytes' -t t -X fetch.min.byte=1
	wrong 'operand' -t t operand
	wrong 'bogus' -t t --bogus
}

@test "-v tells of ends, -q tells nothing but errors" {
	start_broker
	new_topic
	echo x | kproduce -t "$topic"
	expect 0 kconsume -t "$topic" -e -v
	expect_text "$stderr" "kconsume: info: end of $topic [0] at offset 1"
	expect 0 kconsume -t "$topic" -e -q
	[ -z "$stderr" ]
}

@test "-h, -V and --help-json answer on stdout" {
	expect 0 kconsume -h
	expect_text "$output" '--isolation'
	expect 0 kconsume -V
	expect_text "$output" 'kconsume '
	kconsume --help-json | jq -e . >/dev/null
}

@test "kcat's -C -q -u are taken" {
	start_broker
	new_topic
	echo x | kproduce -P -t "$topic"
	expect 0 kconsume -C -t "$topic" -e -q -u
	[ "$output" = x ]
}

@test "no records are asked for by -c 0 as by -n 0" {
	start_broker
	new_topic
	echo a | kproduce -t "$topic"
	expect 0 kconsume -t "$topic" -c 0
	expect_same "$output" ""
	expect 0 kconsume -t "$topic" -n 0
	expect_same "$output" ""
	expect 5 kconsume -t nosuch -c 0
}

# bats test_tags=kbrokerd
@test "a broker that is only starting is waited for" {
	start_broker
	new_topic
	echo a | kproduce -t "$topic"
	stop_broker
	start kconsume -t "$topic" -e >out
	start_broker
	reap "$pid"
	expect_same "$(cat out)" a
}
