#!/usr/bin/env bats
# kproduce: what goes in comes out, what cannot is told, nothing is lost.

load helper

# The records of $topic, one field each line: values KEY VALUE HEADERS...
records() {
	kconsume -t "$topic" -e -J | jq -c "${1:-[.key, .payload]}"
}

# Input

@test "each line of stdin is a record, empty ones too, the last without newline" {
	start_broker
	new_topic
	printf 'a\n\nb\nlast' | kproduce -t "$topic"
	run kconsume -t "$topic" -e
	expect_same "$output" $'a\n\nb\nlast'
	[ "$(kconsume -t "$topic" -e | wc -l)" -eq 4 ]
}

@test "no input is no record" {
	start_broker
	new_topic
	expect 0 kproduce -t "$topic" </dev/null
	[ -z "$output$stderr" ]
	[ -z "$(kconsume -t "$topic" -e)" ]
}

@test "-D parts records by any bytes" {
	start_broker
	new_topic
	printf 'a\nb<>c\\<>d' | kproduce -t "$topic" -D '<>'
	printf 'e\tf\xff\tg' | kproduce -t "$topic" -D '\t'
	printf 'h\xffi' | kproduce -t "$topic" -D '\xff'
	expect_same "$(records .payload | tr '\n' ' ')" \
		'"a\nb" "c\\" "d" "e" "Zv8=" "g" "h" "i" '
}

@test "-0 takes what find -print0 gives" {
	start_broker
	new_topic
	printf 'a\nb\0\0c\0' >in
	kproduce -t "$topic" -0 <in
	kconsume -t "$topic" -e -0 | cmp - in
}

@test "a FILE is one record, byte for byte" {
	start_broker
	new_topic
	head -c 70000 /dev/urandom >a
	printf 'x\ny' >b
	: >c
	kproduce -t "$topic" a b c
	kconsume -t "$topic" -o 0 -c 1 -D '' | cmp - a
	kconsume -t "$topic" -o 1 -c 1 -D '' | cmp - b
	[ "$(records .payload | tail -1)" = '""' ]
	[ "$(records .payload | wc -l)" -eq 3 ]
}

@test "-l parts FILEs too, and - is stdin" {
	start_broker
	new_topic
	printf 'a\nb' >one
	printf 'e\n' >two
	printf 'c\nd' | kproduce -t "$topic" -l one - two
	expect_same "$(kconsume -t "$topic" -e | tr '\n' ' ')" 'a b c d e '
}

@test "--whole makes one record of stdin" {
	start_broker
	new_topic
	head -c 300000 /dev/urandom >in
	kproduce -t "$topic" --whole <in
	kconsume -t "$topic" -e -D '' | cmp - in
	kproduce -t "$topic" --whole </dev/null
	[ "$(records .payload | tail -1)" = '""' ]
}

# Keys, headers, nulls, times

@test "-K splits at the first delimiter, -k sets one key" {
	start_broker
	new_topic
	printf 'k:v:w\n:v\nk:\n' | kproduce -t "$topic" -K :
	printf 'a==b=c\n' | kproduce -t "$topic" -K ==
	echo x | kproduce -t "$topic" -k key
	echo y | kproduce -t "$topic" -k ''
	expect_same "$(records | tr '\n' ' ')" \
		'["k","v:w"] ["","v"] ["k",""] ["a","b=c"] ["key","x"] ["","y"] '
}

@test "a record without the key delimiter is an error, unless --no-key-ok" {
	start_broker
	new_topic
	printf 'a:b\nplain\nc:d\n' >in
	expect 6 kproduce -t "$topic" -K : <in
	expect_text "$stderr" \
		"kproduce: error: stdin: record 2 (byte 4): no key delimiter ':' (--no-key-ok takes such a record)"
	expect_text "$stderr" 'sent 1 acked 1 failed 1 unread 1'
	expect_same "$(records)" '["a","b"]'
	expect 0 kproduce -t "$topic" -K : --no-key-ok <in
	expect_same "$(records | tail -3 | tr '\n' ' ')" \
		'["a","b"] [null,"plain"] ["c","d"] '
}

@test "-H adds headers in order, null, empty, repeated and binary ones" {
	start_broker
	new_topic
	echo x | kproduce -t "$topic" -H b=1 -H a -H b=2=3 -H e= -H u=ü
	echo y | kproduce -t "$topic" -H 'bin:=/wA=' -H 'text:=aGk='
	expect_same "$(records .headers | head -1)" \
		'["b","1","a",null,"b","2=3","e","","u","ü"]'
	expect_same "$(records '[.headers, .headers_enc]' | tail -1)" \
		'[["bin","/wA=","text","aGk="],"b64"]'
}

@test "-Z and --null make nulls, --skip-empty drops" {
	start_broker
	new_topic
	printf ':v\nk:\n:\n' | kproduce -t "$topic" -K : -Z
	printf 'NIL:NIL\nk:NILx\n:\n' | kproduce -t "$topic" -K : --null NIL
	printf '\nz\n\n' | kproduce -t "$topic" --skip-empty
	expect_same "$(records | tr '\n' ' ')" \
		'[null,"v"] ["k",null] [null,null] [null,null] ["k","NILx"] ["",""] [null,"z"] '
}

@test "--ts sets the time, keep is the envelope's, now is the clock's" {
	start_broker
	new_topic
	echo a | kproduce -t "$topic" --ts 1600000000123
	echo b | kproduce -t "$topic" --ts 2020-09-13T12:26:40Z
	echo c | kproduce -t "$topic" --ts 1600000001
	echo '{"ts":1500000000000,"payload":"d"}' | kproduce -t "$topic" -J
	echo '{"ts":1500000000000,"payload":"e"}' | kproduce -t "$topic" -J --ts 1600000002
	echo '{"ts":"2017-07-14T02:40:00.5Z","payload":"f"}' | kproduce -t "$topic" -J
	local before after now
	before=$(date +%s%3N)
	echo '{"ts":1500000000000,"payload":"g"}' | kproduce -t "$topic" -J --ts now
	echo h | kproduce -t "$topic"
	after=$(date +%s%3N)
	expect_same "$(records .ts | head -6 | tr '\n' ' ')" \
		'1600000000123 1600000000000 1600000001000 1500000000000 1600000002000 1500000000500 '
	for now in $(records .ts | tail -2); do
		[ "$before" -le "$now" ]
		[ "$now" -le "$after" ]
	done
}

# Partitions

@test "-p chooses the partition, and one that is not there is told" {
	start_broker
	new_topic 3
	echo a | kproduce -t "$topic" -p 2
	expect_same "$(records .partition)" 2
	expect 5 kproduce -t "$topic" -p 3 <<<x
	expect_text "$stderr" "topic '$topic' has no partition 3: it has 3, from 0 on"
}

@test "a key always goes to Java's partition, and spreads by -X partitioner" {
	start_broker
	new_topic 7
	for i in {1..200}; do echo "key$i:$i"; done >in
	kproduce -t "$topic" -K : <in
	kproduce -t "$topic" -K : <in
	records '[.key, .partition]' | sort | uniq -c | awk '{ print $1 }' |
		sort -u >counts
	expect_same "$(cat counts)" 2
	# murmur2("key1") and so on of Kafka's own clients, modulo 7.
	expect_same "$(records '[.key, .partition]' | sort -u |
		grep -E '"key[1-5]"' | tr '\n' ' ')" \
		'["key1",5] ["key2",0] ["key3",4] ["key4",2] ["key5",3] '
	new_topic 7
	kproduce -t "$topic" -K : -X partitioner=consistent_random <in
	expect_same "$(records '[.key, .partition]' | sort -u |
		grep -E '"key[1-5]"' | tr '\n' ' ')" \
		'["key1",1] ["key2",6] ["key3",5] ["key4",5] ["key5",0] '
}

@test "without keys records stick to a partition for a batch, then move on" {
	start_broker
	new_topic 4
	seq 1 200000 | kproduce -t "$topic" -X batch.size=16384
	[ "$(kconsume -t "$topic" -e -f '%p\n' | sort -u | wc -l)" -gt 1 ]
	kconsume -t "$topic" -e | sort -n | cmp - <(seq 1 200000)
}

# JSON

@test "-J reads envelopes: one a line, several, pretty-printed" {
	start_broker
	new_topic
	kproduce -t "$topic" -J <<-'E'
	{"payload":"a"}{"payload":"b"} {"payload":null,"key":"k"}

	{
	  "key": null,
	  "payload": "c\n\u00e9\ud83d\ude00",
	  "headers": [ "n", "v", "z", null ],
	  "note": { "deep": [1, {"x": "}"}] }
	}
	E
	expect_same "$(records '[.key, .payload, .headers]' | tr '\n' ' ')" \
		'[null,"a",null] [null,"b",null] ["k",null,null] [null,"c\né😀",["n","v","z",null]] '
}

@test "-J takes the output of rpk, kaf, kafkactl and kt" {
	start_broker
	new_topic
	kproduce -t "$topic" -J <<-'E'
	{"topic":"x","key":"k","value":"rpk","headers":[{"key":"h","value":"v"}],"timestamp":1600000000000,"partition":0,"offset":3}
	{"Key":"k","Value":"kafkactl","Headers":{"h":"v"}}
	{"partition":0,"offset":3,"key":"k","value":"kt","timestamp":"2020-09-13T12:26:40Z"}
	{"headers":[{"key":"h","value":"v"}],"key":"k","payload":"kaf","partition":0,"offset":9}
	E
	expect_same "$(records '[.key, .payload, .headers]' | tr '\n' ' ')" \
		'["k","rpk",["h","v"]] ["k","kafkactl",["h","v"]] ["k","kt",null] ["k","kaf",["h","v"]] '
}

@test "-J honours b64 and hex" {
	start_broker
	new_topic
	kproduce -t "$topic" -J <<-'E'
	{"key":"AP8=","key_enc":"b64","payload":"00ff0a","payload_enc":"hex","headers":["h","AP8="],"headers_enc":"b64"}
	E
	expect_same "$(kconsume -t "$topic" -e -f '%{key:hex} %{value:hex} %{header.h:hex}\n')" \
		'00ff 00ff0a 00ff'
}

@test "-J takes the topic of the envelope, -t overrides it, -p keep its partition" {
	start_broker
	new_topic 3
	local first=$topic
	new_topic 3
	printf '{"topic":"%s","partition":2,"payload":"a"}\n{"topic":"%s","partition":1,"payload":"b"}\n' \
		"$first" "$topic" >in
	kproduce -J -p keep <in
	expect_same "$(records '[.partition, .payload]')" '[1,"b"]'
	topic=$first
	expect_same "$(records '[.partition, .payload]')" '[2,"a"]'
	kproduce -J -t "$topic" -p 0 <in
	expect_same "$(records '[.partition, .payload]' | sort | tr '\n' ' ')" \
		'[0,"a"] [0,"b"] [2,"a"] '
	expect 6 kproduce -J <<<'{"payload":"a"}'
	expect_text "$stderr" 'stdin: line 1, record 1: no topic, neither here nor by -t'
}

@test "-J: numbers up to 2^63-1 are exact" {
	start_broker
	new_topic
	echo '{"topic":"s","partition":7,"offset":9223372036854775807,"payload":"a"}' >in
	expect 0 kproduce -t "$topic" -J \
		--report '%{src.topic} %{src.partition} %{src.offset} %{src.record}\n' <in
	expect_same "$output" 's 7 9223372036854775807 1'
}

@test "a line cut by a crash is told with its number, and nothing comes of it" {
	start_broker
	new_topic
	printf '{"payload":"a"}\n{"payload":"b"}\n{"payload":"c' >in
	expect 6 kproduce -t "$topic" -J <in
	expect_text "$stderr" 'kproduce: error: stdin: line 3, record 3: not a whole JSON object'
	expect_same "$(records .payload | tr '\n' ' ')" '"a" "b" '
	new_topic
	printf '{"payload":"a"}\n{"payload":"b","key":"x\n{"payload":"c"}\n' >in
	expect 6 kproduce -t "$topic" -J -E <in
	expect_text "$stderr" 'stdin: line 2, record 2: not a whole JSON object'
	expect_same "$(records .payload | tr '\n' ' ')" '"a" "c" '
}

@test "bad envelopes are told for what they are" {
	start_broker
	new_topic
	bad() { # TEXT REASON
		expect 6 kproduce -t "$topic" -J <<<"$1"
		expect_text "$stderr" "kproduce: error: stdin: line 1, record 1: "
		expect_text "$stderr" "$2"
	}
	bad '{"key":"k"}' 'payload'
	bad '{"payload":"a","headers":["odd"]}' 'headers'
	bad '{"payload":"a","ts":"yesterday-ish"}' 'ts'
	bad '{"payload":"%%","payload_enc":"b64"}' 'payload'
	bad '{"payload":"a","payload_enc":"rot13"}' 'payload_enc'
	bad '{"payload":"a",}' ''
	bad 'payload' 'not a whole JSON object'
	[ -z "$(kconsume -t "$topic" -e)" ]
}

# Sending

@test "-z: each codec comes back as it was" {
	start_broker
	new_topic
	seq 1 20000 >in
	local codec
	for codec in none gzip snappy lz4 zstd gzip:9 zstd:19 lz4:12; do
		kproduce -t "$topic" -z "$codec" <in
	done
	kconsume -t "$topic" -e >out
	cmp out <(for _ in {1..8}; do cat in; done)
}

@test "-c stops after N records" {
	start_broker
	new_topic
	yes | head -100 | kproduce -t "$topic" -c 7
	[ "$(kconsume -t "$topic" -e | wc -l)" -eq 7 ]
	printf '{"payload":"a"}{"payload":"b"}' | kproduce -t "$topic" -J -c 1
	[ "$(kconsume -t "$topic" -e | wc -l)" -eq 8 ]
}

@test "acks 0 and 1 work as well" {
	start_broker
	new_topic
	seq 1 1000 | kproduce -t "$topic" -X acks=1
	seq 1001 2000 | kproduce -t "$topic" -X acks=0
	kconsume -t "$topic" -c 2000 | cmp - <(seq 1 2000)
}

@test "--create makes a missing topic, and does not mind one that is there" {
	start_broker
	topic=created-$RANDOM$RANDOM
	expect 5 kproduce -t "$topic" <<<x
	expect_text "$stderr" "kproduce: error: topic '$topic'"
	expect_text "$stderr" '; --create makes it'
	expect 0 kproduce -t "$topic" --create=3 <<<x
	kcat -b "$broker" -L -t "$topic" | grep -q 'with 3 partitions'
	expect 0 kproduce -t "$topic" --create=5 <<<y
	kcat -b "$broker" -L -t "$topic" | grep -q 'with 3 partitions'
	expect 1 kproduce -t "$topic-r" --create=1:9 <<<x
	expect_text "$stderr" INVALID_REPLICATION_FACTOR
	expect 1 kproduce -t 'no/good' --create <<<x
	expect_text "$stderr" INVALID_TOPIC_EXCEPTION
}

@test "--report tells of each delivered record, in order" {
	start_broker
	new_topic
	printf 'a:1\nb:2\n' >in
	expect 0 kproduce -t "$topic" -K : --report '%t %p %o %k=%s %{src.record}\n' <in
	expect_same "$output" "$topic 0 0 a=1 1"$'\n'"$topic 0 1 b=2 2"
	kproduce -t "$topic" -K : --report json <in >report
	expect_same "$(jq -c '[.topic, .partition, .offset]' report | tr '\n' ' ')" \
		"[\"$topic\",0,2] [\"$topic\",0,3] "
	seq 1 5000 | kproduce -t "$topic" --report '%s\n' | cmp - <(seq 1 5000)
}

@test "a full disk under --report is an error" {
	start_broker
	new_topic
	expect 1 bash -c "'$BIN/kproduce' -t '$topic' --report '%s\n' <<<x >/dev/full"
	expect_text "$stderr" 'cannot write to stdout: No space left on device'
}

@test "-E goes on after a bad record, and --failed keeps it to be run again" {
	start_broker
	new_topic
	printf 'a:1\nbad\nb:2\nworse\n' >in
	expect 6 kproduce -t "$topic" -K : -E --failed failed <in
	expect_text "$stderr" 'record 2 (byte 4)'
	expect_text "$stderr" 'record 4 (byte 12)'
	expect_text "$stderr" 'sent 2 acked 2 failed 2 unread 0'
	expect_same "$(records | tr '\n' ' ')" '["a","1"] ["b","2"] '
	expect_same "$(cat failed)" $'bad\nworse'
	expect 0 kproduce -t "$topic" -K : --no-key-ok <failed
	expect_same "$(records | tail -2 | tr '\n' ' ')" '[null,"bad"] [null,"worse"] '
}

@test "--failed keeps what was read and not sent, and what the broker refused" {
	start_broker
	new_topic
	head -c 1200000 /dev/zero | tr '\0' x >large
	{ echo first; cat large; echo; echo last; } >in
	expect 6 kproduce -t "$topic" -u --failed failed <in
	{ cat large; echo; } | cmp - failed
	expect_same "$(kconsume -t "$topic" -e | tr '\n' ' ')" 'first last '
	# Parsing stops it at once: what it has read and not sent is kept too.
	printf 'bad\na:b\nmore\n' >in
	expect 6 kproduce -t "$topic" -K : --failed failed <in
	expect_text "$stderr" 'sent 0 acked 0 failed 1 unread 2'
	cmp in failed
}

@test "--failed with -J keeps envelopes" {
	start_broker
	new_topic
	printf '{"payload":"a"}\n{"key":"x"}\n{"payload":"b"}\n' >in
	expect 6 kproduce -t "$topic" -J -E --failed failed <in
	expect_same "$(cat failed)" '{"key":"x"}'
}

@test "-E goes on after what the broker has refused" {
	start_broker
	ktopics create small -o max.message.bytes=200
	mkfifo in
	exec 5<>in
	start kproduce -t small -E <in 2>errors
	printf '%01000d\n' 0 >&5
	wait_for_line errors MESSAGE_TOO_LARGE
	echo well >&5
	exec 5>&-
	reap "$pid" 6
	expect_text "$(cat errors)" "sent 1 acked 1 failed 1 unread 0"
	expect_same "$(kconsume -t small -e)" well
	# It is told by where it stood.
	echo well >a
	printf '%01000d\n' 0 >b
	expect 6 kproduce -t small a b
	expect_text "$stderr" "kproduce: error: b: record 1 (byte 0): MESSAGE_TOO_LARGE"
}

@test "a record too large for kproduce is told with both sizes" {
	start_broker
	new_topic
	head -c 3000000 /dev/zero >in
	expect 6 kproduce -t "$topic" --whole <in
	expect_text "$stderr" 3000000
	expect_text "$stderr" 'broker limit 1048588 (topic max.message.bytes)'
	expect 6 kproduce -t "$topic" --whole -X message.max.bytes=1000 <in
	expect_text "$stderr" 'record of 3000000 bytes, limit 1000 (message.max.bytes)'
	[ -z "$(kconsume -t "$topic" -e)" ]
}

@test "a record too large for the broker is told with both sizes, and the rest" {
	start_broker
	new_topic
	{ echo ok; head -c 1200000 /dev/zero | tr '\0' x; echo; echo more; } >in
	expect 6 kproduce -t "$topic" -u -X message.max.bytes=4000000 <in
	expect_text "$stderr" "kproduce: error: stdin: record 2 (byte 3): MESSAGE_TOO_LARGE: 1200000 bytes, broker limit 1048588 (topic max.message.bytes)"
	# The line after it was on its way already, or not yet.
	[[ $stderr == *' failed 1 unread '[01]' '* ]]
	expect_same "$(kconsume -t "$topic" -c 1)" ok
}

@test "nothing is said when all went well, unless -v asks" {
	start_broker
	new_topic
	expect 0 kproduce -t "$topic" <<<x
	[ -z "$output$stderr" ]
	expect 0 kproduce -t "$topic" -v <<<x
	expect_text "$stderr" 'sent 1 acked 1 failed 0 unread 0 (0.0 MB'
	expect 0 kproduce -t "$topic" -J -v <<<'{"payload":"x"}'
	expect_same "$(jq -c '[.sent, .acked, .failed, .unread, .bytes]' <<<"${stderr##*$'\n'}")" \
		'[1,1,0,0,1]'
}

# Flow

@test "a line is delivered at once while stdin stays open, whatever linger.ms says" {
	start_broker
	new_topic
	mkfifo in out
	exec 5<>in 6<>out
	start kproduce -t "$topic" -X linger.ms=60000 <in
	local producer=$pid
	start kconsume -t "$topic" >out
	echo a >&5
	read -r -t 20 line <&6
	[ "$line" = a ]
	echo b >&5
	read -r -t 20 line <&6
	[ "$line" = b ]
	exec 5>&-
	reap "$producer"
}

@test "a bulk load fills batches, -u does not wait for more" {
	start_broker
	new_topic
	seq 1 10000 >in
	kproduce -t "$topic" <in
	[ "$(batches "$topic")" -le 10 ]
	new_topic
	kproduce -t "$topic" -u -X linger.ms=60000 <in
	kconsume -t "$topic" -e | cmp - in
}

# How many batches the topic has: those of a fetch are told apart by their
# header, whose magic stands at byte 16.
batches() {
	python3 - "$broker" "$1" <<-'E'
	import socket, struct, sys
	host, port = sys.argv[1].rsplit(":", 1)
	topic = sys.argv[2].encode()
	s = socket.create_connection((host, int(port)))
	body = struct.pack(">iiiiB", -1, 100, 1, 50 << 20, 0) + struct.pack(">i", 1)
	body += struct.pack(">h", len(topic)) + topic
	body += struct.pack(">iiqi", 1, 0, 0, 50 << 20)
	head = struct.pack(">hhih", 1, 4, 1, -1)
	s.sendall(struct.pack(">i", len(head + body)) + head + body)
	f = s.makefile("rb")
	data = f.read(struct.unpack(">i", f.read(4))[0])
	at = 4 + 4 + 4 + 2 + len(topic) + 4 + 4 + 2 + 8 + 8
	aborted = struct.unpack_from(">i", data, at)[0]
	at += 4 + max(aborted, 0) * 16 + 4
	count = 0
	while at + 12 < len(data):
	    at += 12 + struct.unpack_from(">i", data, at + 8)[0]
	    count += 1
	print(count)
	E
}

# bats test_tags=kbrokerd
@test "with the broker at a stand, memory is bounded and stdin is not read" {
	start_broker
	new_topic
	freeze_broker
	mkfifo in
	exec 5<>in
	start kproduce -t "$topic" -m 60 <in
	# Feeds the pipe until it has been full for two seconds; then lets go.
	python3 - "$pid" "$broker_pid" <<-'E'
	import os, select, signal, sys
	pipe = os.open("in", os.O_WRONLY)
	os.set_blocking(pipe, False)
	block, fed = b"y\n" * 4096, 0
	poll = select.poll()
	poll.register(pipe, select.POLLOUT)
	while poll.poll(2000):
	    fed += os.write(pipe, block)
	    assert fed < 512 << 20, "stdin is read without end"
	with open(f"/proc/{sys.argv[1]}/status") as f:
	    peak = [int(l.split()[1]) for l in f if l.startswith("VmHWM")][0]
	assert peak < 128 << 10, f"{peak} KiB"
	open("fed", "w").write(str(fed // 2))
	os.kill(int(sys.argv[2]), signal.SIGCONT)
	E
	exec 5>&-
	reap "$pid"
	[ "$(kconsume -t "$topic" -e | wc -l)" -eq "$(cat fed)" ]
}

# bats test_tags=kbrokerd
@test "a broker killed under load and started again loses and doubles nothing" {
	start_broker
	new_topic
	mkfifo in
	exec 5<>in
	start kproduce -t "$topic" <in
	local producer=$pid round
	for round in {0..4}; do
		seq $((round * 20000)) $((round * 20000 + 19999)) >&5
		kill_broker
		start_broker
	done
	exec 5>&-
	reap "$producer"
	kconsume -t "$topic" -e | cmp - <(seq 0 99999)
}

# Signals

@test "SIGTERM is the end of input: what was read is delivered, then it dies of it" {
	start_broker
	new_topic
	mkfifo in
	exec 5<>in
	start kproduce -t "$topic" <in
	echo a >&5
	kconsume -t "$topic" -c 1 >/dev/null
	kill -TERM "$pid"
	reap "$pid" 143
	expect_same "$(kconsume -t "$topic" -e)" a
	exec 5>&-
}

# bats test_tags=kbrokerd
@test "a signal drains for -m at most, and tells what was not acknowledged" {
	start_broker
	new_topic
	mkfifo in
	exec 5<>in
	start kproduce -t "$topic" -m 3 --report '%o\n' <in >out 2>err
	echo a >&5
	wait_for_line out '^0$'
	freeze_broker
	echo b >&5
	# It has read b once the pipe is empty.
	python3 -c '
import array, fcntl, termios
n = array.array("i", [1])
while n[0]:
    fcntl.ioctl(5, termios.FIONREAD, n)'
	kill -INT "$pid"
	reap "$pid" 130
	expect_text "$(cat err)" 'sent 2 acked 1 failed 0 unread 0'
	exec 5>&-
}

@test "a signal while it waits for a topic ends it" {
	start_broker
	new_topic
	# Nothing listens there and nothing refuses: a socket that is never accepted.
	python3 - >silent <<-'E' &
	import os, signal, socket
	s = socket.socket()
	s.bind(("127.0.0.1", 0))
	s.listen(1)
	print(s.getsockname()[1], flush=True)
	connection = s.accept()
	print("accepted", flush=True)
	signal.pause()
	E
	started_pids+=($!)
	wait_for_line silent '^[0-9]+$'
	start kproduce -b "127.0.0.1:$(head -1 silent)" -t "$topic" -m 60 </dev/null 2>err
	wait_for_line silent accepted
	kill -TERM "$pid"
	reap "$pid" 143
}

@test "SIGUSR1 prints the progress once" {
	start_broker
	new_topic
	mkfifo in
	exec 5<>in
	start kproduce -t "$topic" <in 2>err
	printf 'a\nb\n' >&5
	kconsume -t "$topic" -c 2 >/dev/null
	kill -USR1 "$pid"
	wait_for_line err '^kproduce: 2 records, '
	exec 5>&-
	reap "$pid"
}

# What goes wrong

@test "a broker that is not there is exit 3, soon" {
	expect 3 kproduce -b localhost:1 -t t -m 1 <<<x
	expect_text "$stderr" 'localhost:1'
	expect 3 kproduce -b no.such.host.invalid -t t <<<x
	expect_text "$stderr" 'no.such.host.invalid'
}

@test "--timeout ends the run with exit 3" {
	start_broker
	new_topic
	mkfifo in
	exec 5<>in
	expect 3 kproduce -t "$topic" --timeout 0.2 <&5
	expect_text "$stderr" 'kproduce: error: not done after 200ms (--timeout)'
}

# bats test_tags=kbrokerd
@test "what is not delivered within delivery.timeout.ms is exit 3" {
	start_broker
	new_topic
	mkfifo in
	exec 5<>in
	start kproduce -t "$topic" -X delivery.timeout.ms=4000 \
		-X request.timeout.ms=2000 -X socket.timeout.ms=3000 \
		--report '%o\n' <in >out 2>err
	echo a >&5
	wait_for_line out '^0$'
	freeze_broker
	echo b >&5
	reap "$pid" 3
	expect_text "$(cat err)" 'kproduce: error: stdin: record 2 (byte 2): '
	expect_text "$(cat err)" 'sent 1 acked 1 failed 1 unread 0'
	exec 5>&-
}

@test "input that cannot be read is told" {
	start_broker
	new_topic
	echo good >good
	expect 1 kproduce -t "$topic" missing good
	expect_text "$stderr" "kproduce: error: cannot open 'missing': No such file or directory"
	[ -z "$(kconsume -t "$topic" -e)" ]
	expect 1 kproduce -t "$topic" -E missing good
	expect_same "$(kconsume -t "$topic" -e)" good
	expect 1 kproduce -t "$topic" .
	expect_text "$stderr" "kproduce: error: cannot open '.': Is a directory"
	expect 1 bash -c "'$BIN/kproduce' -t '$topic' <&-"
	expect_text "$stderr" "cannot read 'stdin': Bad file descriptor"
}

@test "a command line that makes no sense is exit 2, and says why" {
	wrong() { # TEXT ARGUMENT...
		local text=$1

		shift
		expect 2 kproduce -b localhost:1 "$@" </dev/null
		[ -z "$output" ]
		expect_text "$stderr" 'kproduce: error: '
		expect_text "$stderr" "$text"
	}
	wrong 'no topic: -t TOPIC'
	wrong '-p' -t t -p x
	wrong 'is not a partition' -t t -p -2
	wrong '-p keep goes with -J' -t t -p keep
	wrong '-0 and -D: which delimiter?' -t t -0 -D x
	wrong '-D: an empty delimiter' -t t -D ''
	wrong "-D '\\xZ': bad escape" -t t -D '\xZ'
	wrong '-K: an empty delimiter' -t t -K ''
	wrong '-k and -K: which key?' -t t -k a -K :
	wrong '--no-key-ok goes with -K' -t t --no-key-ok
	wrong "-H '=v': a header needs a name" -t t -H =v
	wrong "-H 'n:=***': not base64" -t t -H 'n:=***'
	wrong '--whole is one record' -t t --whole -l
	wrong '-J reads JSON' -t t -J -K :
	wrong '--ts keep goes with -J' -t t --ts keep
	wrong '--ts' -t t --ts whenever
	wrong "-z 'brotli': none, gzip, snappy, lz4 or zstd" -t t -z brotli
	wrong "-z 'gzip:x'" -t t -z gzip:x
	wrong '-c' -t t -c 0
	wrong '--failed wants a file' -t t --failed -
	wrong "cannot open '/no/where'" -t t --failed /no/where
	wrong "--report '%{nope}'" -t t --report '%{nope}'
	wrong '--create' -t t --create=0
	wrong '--create' -t t --create=3:x
	wrong 'frobnicate' -t t --frobnicate
	wrong 'acks' -t t -X ack=all
	wrong 'acks' -t t -X acks=many
	wrong 'linger.ms' -t t -X linger.ms=soon
	wrong 'missing.conf' -t t -F missing.conf
	wrong 'bootstrap.servers' -t t -b 'host:port'
}

@test "the config file, the environment and -X are heard in this order" {
	start_broker
	new_topic
	mkdir -p .config
	echo "bootstrap.servers=$broker" >.config/kafka-tools.conf
	unset KAFKA_BOOTSTRAP_SERVERS
	expect 0 kproduce -t "$topic" <<<file
	KAFKA_BOOTSTRAP_SERVERS=localhost:1 expect 3 kproduce -t "$topic" -m 1 <<<environment
	KAFKA_BOOTSTRAP_SERVERS=localhost:1 expect 0 kproduce -t "$topic" -b "$broker" <<<option
	expect 0 kproduce -t "$topic" -F none -X bootstrap.servers="$broker" <<<property
	printf 'bootstrap.servers=localhost:1\n[here]\nbootstrap.servers=%s\n' "$broker" >conf
	expect 0 kproduce -t "$topic" -F conf --profile here <<<profile
	expect_same "$(kconsume -t "$topic" -b "$broker" -e | tr '\n' ' ')" \
		'file option property profile '
}

@test "-h, -V and --help-json answer on stdout" {
	expect 0 kproduce -h
	expect_text "$output" '--report'
	expect 0 kproduce -V
	expect_text "$output" 'kproduce '
	kproduce --help-json | jq -e . >/dev/null
	expect 0 kproduce -X dump
	expect_text "$output" 'linger.ms'
}

# What is told

@test "a record that a signal cuts off is told, and not sent" {
	start_broker
	new_topic
	mkfifo in
	exec 5<>in
	start kproduce -t "$topic" --report '%s\n' <in >out 2>err
	printf 'whole\npart' >&5
	wait_for_line out whole
	kill -INT "$pid"
	reap "$pid" 130
	expect_text "$(cat err)" \
		"stdin: record 2 (byte 6): the signal came before its end; its 4 bytes are not sent"
	expect_text "$(cat err)" "sent 1 acked 1 failed 0 unread 1"
	expect_same "$(kconsume -t "$topic" -e)" whole
}

@test "a file that is not there is found before anything is sent" {
	start_broker
	new_topic
	echo a >a
	expect 1 kproduce -t "$topic" a nosuch .
	expect_text "$stderr" "cannot open 'nosuch': No such file or directory"
	expect_text "$stderr" "cannot open '.': Is a directory"
	expect_text "$stderr" "sent 0 acked 0 failed 0 unread 0"
	expect_same "$(kconsume -t "$topic" -e)" ""
	expect 1 kproduce -t "$topic" -E a nosuch
	expect_same "$(kconsume -t "$topic" -e)" a
}

@test "a report that cannot be written is told after what was sent" {
	start_broker
	new_topic
	run bash -c "echo a | '$BIN/kproduce' -t $topic --report json >/dev/full"
	[ "$status" -eq 1 ]
	expect_text "$output" "cannot write to stdout: No space left on device"
	expect_text "$output" "sent 1 acked 1"
}

@test "--create makes as many partitions as the envelopes ask for" {
	start_broker
	name_topic
	printf '{"partition":%d,"payload":"p%d"}\n' 2 2 0 0 5 5 |
		kproduce -J -t "$topic" --create -p keep
	expect_same "$(kconsume -t "$topic" -e -f '%p %s\n' | sort)" "0 p0
2 p2
5 p5"
	expect 5 kproduce -J -t "$topic" --create -p keep \
		<<<'{"partition":6,"payload":"x"}'
	expect_text "$stderr" "has no partition 6: it has 6, from 0 on"
	name_topic
	expect 5 kproduce -J -t "$topic" --create=2 -p keep \
		<<<'{"partition":2,"payload":"x"}'
	expect_text "$stderr" "has no partition 2: it has 2, from 0 on"
}

@test "-z names the levels of its codec" {
	expect 2 kproduce -t t -z gzip:99 </dev/null
	expect_text "$stderr" "-z 'gzip:99': levels of gzip are 1 to 9"
	expect 2 kproduce -t t -z snappy:1 </dev/null
	expect_text "$stderr" "-z 'snappy:1': snappy has no levels"
	expect 2 kproduce -t t -z lz4 -X compression.level=40 </dev/null
	expect 2 kproduce -t t -z zstd:x </dev/null
}

@test "a name that cannot be is told with what can" {
	start_broker
	expect 1 kproduce -t 'a b' </dev/null
	expect_text "$stderr" "topic 'a b': INVALID_TOPIC_EXCEPTION: a name is 1 to 249 ASCII letters, digits, '.', '_' and '-'"
}
