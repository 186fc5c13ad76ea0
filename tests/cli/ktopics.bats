#!/usr/bin/env bats
# ktopics: what a user types, what comes out, and with which status.

load helper

# A topic of that many partitions, made by ktopics.
create_topic() {
	name_topic
	ktopics create "$topic" -p "${1:-1}" --wait
}

# Without a broker: the command line

@test "no verb, a wrong verb and a wrong option are usage errors that say what was meant" {
	expect 2 ktopics
	expect_same "$stderr" "ktopics: error: a verb is missing: one of list, describe, create, delete, get, set, unset, partitions, offsets, trim, du, who"
	expect 2 ktopics lst
	expect_same "$stderr" "ktopics: error: unknown verb 'lst'; did you mean 'list'?"
	expect 2 ktopics xyzzy
	expect_same "$stderr" "ktopics: error: unknown verb 'xyzzy'; see ktopics --help"
	expect 2 ktopics list --hedaer
	expect_same "$stderr" "ktopics: error: unknown option '--hedaer'; did you mean '--header'?"
	expect 2 ktopics list -Z
	expect_same "$stderr" "ktopics: error: unknown option '-Z'; see ktopics --help"
	expect 2 ktopics list -p 3
	expect_same "$stderr" "ktopics: error: 'list' has no option '-p'; 'create' has"
	expect 2 ktopics list --json=yes
	expect_same "$stderr" "ktopics: error: '--json' takes no value"
	expect 2 ktopics create t -p
	expect_same "$stderr" "ktopics: error: '--partitions' wants a value: N"
}

@test "a value that makes no sense is a usage error that names it" {
	expect 2 ktopics create t -p x
	expect_same "$stderr" "ktopics: error: --partitions: 'x' is not a number"
	expect 2 ktopics create t -p 0
	expect_same "$stderr" "ktopics: error: --partitions: '0' is not in 1..1000000"
	expect 2 ktopics create t -r 0
	expect_same "$stderr" "ktopics: error: --replicas: '0' is not in 1..32767"
	expect 2 ktopics create t --wait=soon
	expect_same "$stderr" "ktopics: error: --wait: 'soon' is not a duration, such as 90s or 5m"
	expect 2 ktopics create t --assign 1:x
	expect_same "$stderr" "ktopics: error: --assign: '1:x' is not broker ids such as 1:2,2:3"
	expect 2 ktopics create t --assign 1 -p 2
	expect_same "$stderr" "ktopics: error: --assign excludes -p and -r"
	expect 2 ktopics create t -o retention
	expect_same "$stderr" "ktopics: error: 'retention' is not NAME=VALUE"
	expect 2 ktopics list -m never
	expect_same "$stderr" "ktopics: error: --step-timeout: 'never' is not a duration, such as 90s or 5m"
	expect 2 ktopics partitions t many
	expect_same "$stderr" "ktopics: error: 'many' is not a number of partitions"
	expect 2 ktopics offsets t --at noon
	expect_same "$stderr" "ktopics: error: --at: 'noon' is not a time, such as -1h or 2026-08-01T10:00Z"
	expect 2 ktopics list -o name,partitons
	expect_same "$stderr" "ktopics: error: -o: no column 'partitons'; did you mean 'partitions'?"
	expect 2 ktopics list '~('
	expect_text "$stderr" "ktopics: error: '~(' is no regular expression: "
}

@test "a missing or needless operand is a usage error" {
	expect 2 ktopics create
	expect_same "$stderr" "ktopics: error: 'create' wants TOPIC..."
	expect 2 ktopics delete -y
	expect_same "$stderr" "ktopics: error: 'delete' wants TOPIC..."
	expect 2 ktopics get
	expect_same "$stderr" "ktopics: error: 'get' wants all|NAME,... [GLOB...]"
	expect 2 ktopics set
	expect_same "$stderr" "ktopics: error: 'set' wants NAME=VALUE... [TOPIC...]"
	expect 2 ktopics set orders
	expect_same "$stderr" "ktopics: error: 'orders' is not NAME=VALUE; properties come before topics"
	expect 2 ktopics set retention.ms=1d
	expect_same "$stderr" "ktopics: error: a topic is missing (or --broker ID)"
	expect 2 ktopics unset retention.ms
	expect_same "$stderr" "ktopics: error: a topic is missing (or --broker ID)"
	expect 2 ktopics unset , orders
	expect_same "$stderr" "ktopics: error: no property is named"
	expect 2 ktopics set --broker 1 a=b orders
	expect_same "$stderr" "ktopics: error: --broker and topic 'orders' exclude each other"
	expect 2 ktopics partitions orders
	expect_same "$stderr" "ktopics: error: 'partitions' wants TOPIC N"
	expect 2 ktopics partitions orders 3 4
	expect_same "$stderr" "ktopics: error: unexpected operand '4'"
	expect 2 ktopics create a b a
	expect_same "$stderr" "ktopics: error: topic 'a' is named twice"
}

@test "delete takes names only, and asks unless -y says yes" {
	expect 2 ktopics delete 'app-*' -y
	expect_same "$stderr" "ktopics: error: 'app-*' is not a topic's name; delete takes no patterns"
	expect 2 ktopics delete orders </dev/null
	expect_same "$stderr" "ktopics: error: deleting asks first, and stdin is no terminal; -y says yes"
}

@test "a broker that is not there is status 3, within the timeout" {
	expect 3 ktopics list -b 127.0.0.1:1 -m 1
	expect_text "$stderr" "ktopics: error: cannot reach any of 127.0.0.1:1"
	expect_same "$output" ""
}

@test "--timeout ends the run with status 3" {
	# Something listens and never answers.
	coproc silent { exec python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True)
input()'; }
	read -r port <&"${silent[0]}"
	expect 3 ktopics list -b "127.0.0.1:$port" --timeout 0.2
	expect_same "$stderr" "ktopics: error: not done after 200ms (--timeout)"
	expect 3 ktopics list -b "127.0.0.1:$port" -m 0.2
	expect_text "$stderr" "ktopics: error: "
	echo >&"${silent[1]}"
}

# With one

@test "a topic is created, described and deleted" {
	start_broker
	name_topic
	expect 0 ktopics create "$topic" -p 3 --wait
	expect_same "$output$stderr" ""
	expect 0 ktopics list "$topic"
	expect_same "$output" "$topic"
	expect 0 ktopics describe "$topic" --header -o topic,partition,offline,start,end
	expect_same "$output" "topic	partition	offline	start	end
$topic	0		0	0
$topic	1		0	0
$topic	2		0	0"
	expect 0 ktopics delete "$topic" -y --wait
	expect_same "$output$stderr" ""
	expect 5 ktopics list "$topic"
	expect_same "$stderr" "ktopics: error: topic '$topic' does not exist"
}

@test "create: what is there already is refused, and -n gives the same statuses" {
	start_broker
	name_topic
	expect 0 ktopics create "$topic" -n
	expect 5 ktopics list "$topic"
	ktopics create "$topic" --wait
	for n in '' -n; do
		expect 1 ktopics create "$topic" $n
		expect_text "$stderr" "ktopics: error: topic '$topic': TOPIC_ALREADY_EXISTS: "
	done
}

@test "create --if-not-exists is idempotent, and names every difference" {
	start_broker
	name_topic
	for n in '' '' -n; do
		expect 0 ktopics create "$topic" --if-not-exists -p 3 -o retention.ms=7d $n
		expect_same "$output$stderr" ""
		ktopics list "$topic" >/dev/null || ktopics create "$topic" --if-not-exists -p 3 -o retention.ms=7d --wait
	done
	for n in '' -n; do
		expect 1 ktopics create "$topic" --if-not-exists -p 4 -r 2 -o retention.ms=8d -o cleanup.policy=delete $n
		expect_same "$stderr" "ktopics: error: topic '$topic' exists with partitions 3, not 4
ktopics: error: topic '$topic' exists with replicas 1, not 2
ktopics: error: topic '$topic' exists with retention.ms 604800000, not 691200000"
	done
}

@test "create: the broker's reasons are told, with the name that was meant" {
	start_broker
	name_topic
	expect 1 ktopics create 'no/slash'
	expect_text "$stderr" "ktopics: error: topic 'no/slash': INVALID_TOPIC_EXCEPTION: "
	expect 1 ktopics create "$topic" -o retention.msx=1d
	expect_text "$stderr" "ktopics: error: topic '$topic': INVALID_CONFIG: "
	expect_text "$stderr" "ktopics: error: no property 'retention.msx'; did you mean 'retention.ms'?"
	expect 1 ktopics create "$topic" -o segment.bytes=-5 -n
	expect_text "$stderr" "INVALID_CONFIG"
	expect 1 ktopics create "$topic" -r 9
	expect_text "$stderr" "INVALID_REPLICATION_FACTOR"
	expect 1 ktopics create "$topic" --assign 77
	expect_text "$stderr" "INVALID_REPLICA_ASSIGNMENT"
	expect 5 ktopics list "$topic"
}

@test "create: one of several that fails does not hide the others" {
	start_broker
	create_topic
	expect 1 ktopics create -J "$topic" "$topic-b"
	expect_same "$(jq -r '[.topic, .ok, .error, .code] | @tsv' <<<"$output" | sort)" \
		"$topic	false	TOPIC_ALREADY_EXISTS	36
$topic-b	true		"
	expect 0 ktopics list "$topic-b"
}

@test "delete: a missing topic is status 5, --if-exists makes it 0, -n the same" {
	start_broker
	create_topic
	expect 0 ktopics delete "$topic" -n
	expect 0 ktopics list "$topic"
	for n in -y -n; do
		expect 5 ktopics delete "$topic-none" $n
		expect_same "$stderr" "ktopics: error: topic '$topic-none' does not exist"
		expect 0 ktopics delete "$topic-none" $n --if-exists
		expect_same "$output$stderr" ""
	done
	expect 5 ktopics delete "$topic-none" "$topic" -y --wait
	expect 5 ktopics list "$topic"
}

@test "delete takes a name literally: a dot is not a dash" {
	start_broker
	name_topic
	ktopics create "$topic.audit-events" --wait
	expect 5 ktopics delete "$topic.audit.events" -y
	expect 0 ktopics list "$topic.audit-events"
}

@test "list: globs, regular expressions, columns, JSON" {
	start_broker
	name_topic
	ktopics create "$topic-a" "$topic-b" "$topic-c" -p 2 --wait
	expect 0 ktopics list "$topic-[ab]"
	expect_same "$output" "$topic-a
$topic-b"
	expect 0 ktopics list "~^$topic-[bc]$"
	expect_same "$output" "$topic-b
$topic-c"
	expect 5 ktopics list "$topic-z*" "$topic-c"
	expect_same "$output" "$topic-c"
	expect_same "$stderr" "ktopics: error: no topic matches '$topic-z*'"
	expect 0 ktopics ls --header "$topic-a" -o partitions,name
	expect_same "$output" "partitions	name
2	$topic-a"
	expect 0 ktopics list -J -o name,partitions,replicas,internal "$topic-a"
	expect_same "$output" "{\"name\":\"$topic-a\",\"partitions\":2,\"replicas\":1,\"internal\":false}"
}

@test "list -l counts records" {
	start_broker
	create_topic 2
	seq 10 | kcat -P -b "$broker" -t "$topic"
	expect 0 ktopics list -l "$topic" -o name,partitions,replicas,records
	expect_same "$output" "$topic	2	1	10"
	expect 0 ktopics list -l "$topic" -J
	jq -e '.records == 10 and .last_write > 1600000000000' <<<"$output"
}

@test "a table is for terminals: aligned, with a header, and -q hides notices" {
	start_broker
	create_topic
	expect 0 script -qec "ktopics list '$topic' -o name,partitions" /dev/null
	expect_text "$output" "NAME"
	expect_text "$output" "PARTITIONS"
	expect 0 script -qec "ktopics create '$topic-2'" /dev/null
	expect_text "$output" "ktopics: notice: topic '$topic-2' created"
	expect 0 script -qec "ktopics create '$topic-3' -q" /dev/null
	expect_same "$output" ""
	expect 5 script -qec "ktopics list '$topic-none'" /dev/null
	expect_same "$output" "ktopics: error: topic '$topic-none' does not exist"$'\r'
}

@test "delete asks on a terminal" {
	start_broker
	create_topic
	expect 1 script -qec "ktopics delete '$topic'" /dev/null <<<n
	expect_text "$output" "Delete 1 topic and all records: $topic? [y/N]"
	expect_text "$output" "ktopics: error: nothing deleted"
	expect 0 ktopics list "$topic"
	expect 0 script -qec "ktopics delete '$topic' --wait" /dev/null <<<y
	expect 5 ktopics list "$topic"
}

@test "describe -J has partitions and own settings in it" {
	start_broker
	name_topic
	ktopics create "$topic" -p 2 -o retention.ms=1h -o cleanup.policy=compact --wait
	expect 0 ktopics describe -J "$topic"
	jq -e --arg t "$topic" '.name == $t and .internal == false and
		(.id | length) == 22 and (.partitions | length) == 2 and
		(.partitions[1] | .partition == 1 and .leader >= 0 and
		.replicas == [.leader] and .isr == .replicas and .offline == []
		and .start == 0 and .end == 0) and
		.configs == {"cleanup.policy":"compact","retention.ms":"3600000"}' \
		<<<"$output"
}

@test "describe --fail: nothing to complain of is status 0" {
	start_broker
	create_topic
	expect 0 ktopics describe --under-replicated --unavailable --under-min-isr --fail "$topic"
	expect_same "$output" ""
	expect 1 ktopics describe --at-min-isr --fail "$topic" -o partition
	expect_same "$output" "0"
	expect 5 ktopics describe "$topic-none"
	expect_same "$stderr" "ktopics: error: topic '$topic-none' does not exist"
}

@test "set, get and unset: human values in, raw values out" {
	start_broker
	create_topic
	expect 0 ktopics set retention.ms=7d segment.bytes=256MiB "$topic"
	expect_same "$output$stderr" ""
	expect 0 ktopics get retention.ms,segment.bytes "$topic" --header
	expect_same "$output" "topic	property	value	source	default	read_only
$topic	retention.ms	604800000	topic	604800000	false
$topic	segment.bytes	268435456	topic	1073741824	false"
	expect 0 ktopics unset segment.bytes "$topic"
	expect 0 ktopics get segment.bytes "$topic" -J
	expect_same "$output" "{\"topic\":\"$topic\",\"property\":\"segment.bytes\",\"value\":\"1073741824\",\"source\":\"default\",\"default\":\"1073741824\",\"read_only\":false}"
	expect 0 ktopics get all "$topic" -o property
	expect_text "$output" "max.message.bytes"
}

@test "set -n changes nothing and finds the same errors" {
	start_broker
	create_topic
	expect 0 ktopics set retention.ms=1h -n "$topic"
	expect 0 ktopics get retention.ms "$topic" -o value
	expect_same "$output" "604800000"
	for n in '' -n; do
		expect 1 ktopics set segment.bytes=-5 $n "$topic"
		expect_text "$stderr" "ktopics: error: topic '$topic': INVALID_CONFIG: "
		expect 1 ktopics set retentoin.ms=1 $n "$topic"
		expect_text "$stderr" "ktopics: error: no property 'retentoin.ms'; did you mean 'retention.ms'?"
		expect 5 ktopics set retention.ms=1d $n "$topic-none"
		expect_same "$stderr" "ktopics: error: topic '$topic-none' does not exist"
	done
}

@test "get: an unknown property is status 5, with the name that was meant" {
	start_broker
	create_topic
	expect 5 ktopics get retention.sm,retention.ms "$topic" -o property
	expect_same "$output" "retention.ms"
	expect_same "$stderr" "ktopics: error: no property 'retention.sm'; did you mean 'retention.ms'?"
}

@test "get --broker shows a broker's properties; one that is not there is status 5" {
	start_broker
	id=$(kcat -L -J -b "$broker" | jq '.brokers[0].id')
	expect 0 ktopics get log.retention.ms,num.partitions --broker "$id" -o broker,property
	expect_same "$output" "$id	log.retention.ms
$id	num.partitions"
	# Its default is told in hours, by another name.
	expect 0 ktopics set --broker "$id" log.retention.ms=1h
	expect 0 ktopics get --broker "$id" log.retention.ms -o value,default
	expect_same "$output" "3600000	604800000"
	expect 0 ktopics unset --broker "$id" log.retention.ms
	expect 5 ktopics get all --broker 4711
	expect_same "$stderr" "ktopics: error: there is no broker 4711 in the cluster"
}

@test "unset --broker takes back where nobody can reach the broker" {
	[ -z "${KSPOOL_TEST_BROKER:-}" ] || skip "changes the broker's address"
	start_broker
	expect 0 ktopics create t -p 1
	expect 0 ktopics set --broker 1 advertised.listeners=PLAINTEXT://127.0.0.1:1
	expect 3 ktopics offsets
	expect_text "$stderr" "broker 1 is advertised as 127.0.0.1:1"
	expect 0 ktopics get --broker 1 advertised.listeners -o value
	expect_text "$output" "PLAINTEXT://127.0.0.1:1"
	expect 0 ktopics unset --broker 1 advertised.listeners
	expect_text "$stderr" "warning: bootstrap $broker worked, but broker 1 is advertised as 127.0.0.1:1: Connection refused; asking the former"
	expect 0 ktopics offsets
}

@test "partitions: up, but not down and not for a missing topic" {
	start_broker
	create_topic 2
	expect 0 ktopics partitions "$topic" 4 -n
	expect 0 ktopics list "$topic" -o partitions
	expect_same "$output" "2"
	expect 0 ktopics partitions "$topic" 4 --wait
	expect_same "$stderr" "ktopics: warning: topic '$topic': keys go to other partitions than before"
	expect 0 ktopics list "$topic" -o partitions
	expect_same "$output" "4"
	for n in '' -n; do
		expect 1 ktopics partitions "$topic" 3 $n
		expect_text "$stderr" "ktopics: error: topic '$topic': INVALID_PARTITIONS: "
		expect 5 ktopics partitions "$topic-none" 3 $n
		expect_same "$stderr" "ktopics: error: topic '$topic-none' does not exist"
	done
}

@test "offsets: start, end, and the first record at a time" {
	start_broker
	create_topic
	seq 3 | kcat -P -b "$broker" -t "$topic"
	expect 0 ktopics offsets "$topic" --header
	expect_same "$output" "topic	partition	start	end	records
$topic	0	0	3	3"
	expect 0 ktopics offsets "$topic" --at -1h -o start,end,at
	expect_same "$output" "0	3	0"
	# No record is that late: the end.
	expect 0 ktopics offsets "$topic" --at 2100-01-01 -J
	expect_same "$output" "{\"topic\":\"$topic\",\"partition\":0,\"start\":0,\"end\":3,\"records\":3,\"at\":3,\"at_time\":null}"
	expect 5 ktopics offsets "$topic-none"
	expect_same "$stderr" "ktopics: error: topic '$topic-none' does not exist"
}

@test "asking for a topic never creates it" {
	start_broker
	name_topic
	expect 5 ktopics describe "$topic"
	expect 5 ktopics offsets "$topic"
	expect 5 ktopics get all "$topic"
	expect 5 ktopics list "$topic"
}

@test "a full disk and a reader that has gone are told from success" {
	start_broker
	create_topic
	run bash -c "$BIN/ktopics list '$topic' >/dev/full"
	[ "$status" -eq 1 ]
	expect_same "$output" "ktopics: error: cannot write to stdout: No space left on device"
	# Closed: the next file that is opened must not be taken for it.
	run bash -c "$BIN/ktopics list '$topic' >&-"
	[ "$status" -eq 1 ]
	expect_same "$output" "ktopics: error: cannot write to stdout: Bad file descriptor"
	# A pipe that nobody reads: dies of SIGPIPE, silently.
	run python3 -c '
import os, subprocess, sys
r, w = os.pipe()
os.close(r)
p = subprocess.run(sys.argv[1:], stdout=w, stderr=subprocess.PIPE)
print(p.returncode, p.stderr.decode())' "$BIN/ktopics" get all "$topic"
	expect_same "$output" "-13 "
}

@test "unset: a property that nobody knows is 5" {
	start_broker
	new_topic
	expect 5 ktopics unset retention.mss "$topic"
	expect_same "$stderr" "ktopics: error: no property 'retention.mss'; did you mean 'retention.ms'?"
	expect 0 ktopics unset retention.ms "$topic"
}

@test "delete: what was deleted is told when not all was" {
	start_broker
	new_topic
	expect 5 ktopics delete -y "$topic" nosuch
	expect_text "$stderr" "ktopics: notice: topic '$topic' deleted"
	expect_text "$stderr" "ktopics: error: topic 'nosuch' does not exist"
}

@test "partitions: -n says that nothing is changed" {
	start_broker
	new_topic
	expect 0 ktopics partitions -n "$topic" 3
	expect_text "$stderr" "keys would go to other partitions than before; dry run: nothing is changed"
	expect_same "$(ktopics list "$topic" -o partitions)" 1
}

# trim and du

@test "trim: the oldest records go, and what goes is shown" {
	start_broker
	new_topic
	seq 10 | kproduce -t "$topic"
	expect 0 ktopics trim "$topic" --offset 4 -n -o topic,partition,start,to,records
	expect_same "$output" "$topic	0	0	4	4"
	expect_same "$(ktopics offsets "$topic" -o start)" 0
	expect 0 ktopics trim "$topic" --offset 4 -y -o start,to,records
	expect_same "$output" "0	4	4"
	expect_same "$(kconsume -t "$topic" -e | head -1)" 5
	expect 0 ktopics trim "$topic" --before end -y -J
	expect_same "$(jq -r .to <<<"$output")" 10
	expect_same "$(kconsume -t "$topic" -e)" ""
}

@test "trim: by time, up to the first record that is not older" {
	start_broker
	new_topic
	now=$(date +%s)
	for hours in 3 2 1; do
		echo "{\"ts\":$(((now - hours * 3600) * 1000)),\"payload\":\"$hours\"}"
	done | kproduce -J -t "$topic"
	expect 0 ktopics trim "$topic" --before -90m -y -o to
	expect_same "$output" 2
	expect_same "$stderr" ""
	expect_same "$(kconsume -t "$topic" -e)" 1
}

@test "trim: timestamps that go back are warned of" {
	start_broker
	new_topic
	now=$(date +%s)
	for hours in 3 1 2; do
		echo "{\"ts\":$(((now - hours * 3600) * 1000)),\"payload\":\"$hours\"}"
	done | kproduce -J -t "$topic"
	expect 0 ktopics trim "$topic" --before -90m -n
	expect_text "$stderr" "$topic[0]: timestamps go back after offset 1; records older than the time may stay"
}

@test "trim: an offset beyond the end is refused, -n the same" {
	start_broker
	new_topic
	seq 10 | kproduce -t "$topic"
	for flag in -y -n; do
		expect 1 ktopics trim "$topic" --offset 11 $flag
		expect_text "$stderr" "$topic[0]: offset 11 is beyond its end, 10"
	done
	expect_same "$(ktopics offsets "$topic" -o start)" 0
}

@test "trim: one partition, and none that there is not" {
	start_broker
	new_topic 2
	for p in 0 1; do seq 5 | kproduce -t "$topic" -p $p; done
	expect 0 ktopics trim "$topic" -p 1 --before end -y
	expect_same "$(ktopics offsets "$topic" -o partition,start)" "0	0
1	5"
	expect 5 ktopics trim "$topic" -p 2 --before end -y
	expect_text "$stderr" "there is no partition 2"
	expect 5 ktopics trim nosuch --before end -y
}

@test "trim: it asks first, and wants to know how far" {
	start_broker
	new_topic
	seq 5 | kproduce -t "$topic"
	expect 2 ktopics trim "$topic" --before end </dev/null
	expect_text "$stderr" "trimming asks first, and stdin is no terminal; -y says yes"
	run python3 "$BATS_TEST_DIRNAME/terminal.py" '[y/N]=n\n' -- \
		"$BIN/ktopics" trim "$topic" --before end
	[ "$status" -eq 1 ]
	expect_text "$output" "Delete 5 records (about "
	expect_same "$(ktopics offsets "$topic" -o start)" 0
	run python3 "$BATS_TEST_DIRNAME/terminal.py" '[y/N]=y\n' -- \
		"$BIN/ktopics" trim "$topic" --before end
	[ "$status" -eq 0 ]
	expect_same "$(ktopics offsets "$topic" -o start)" 5
	expect 2 ktopics trim "$topic" -y
	expect 2 ktopics trim "$topic" -y --before end --offset 3
	expect 2 ktopics trim "$topic" -y --before yesterday
}

@test "du: each replica's bytes, and with -s each topic's" {
	start_broker
	new_topic 2
	head -c 10000 /dev/urandom | kproduce -t "$topic" -p 1 --whole
	expect 0 ktopics du "$topic" -o partition,bytes
	expect_same "$(sed -n 1p <<<"$output")" "0	0"
	bytes=$(sed -n 's/^1	//p' <<<"$output")
	[ "$bytes" -gt 10000 ]
	expect 0 ktopics du -s "$topic"
	expect_same "$output" "$topic	$bytes"
	expect_same "$(ktopics list "$topic" -o bytes)" "$bytes"
	expect 0 ktopics du -J "$topic" -o partition,broker,dir,lag,future
	jq -e '.lag == 0 and .future == false and (.dir | startswith("/"))' <<<"$output"
	expect 5 ktopics du nosuch
}

@test "a broker's properties: get, set and unset" {
	start_broker
	id=$(ktopics describe -J -i | jq -s '.[0].leader // empty' | head -1)
	[ -n "$id" ] || { new_topic; id=$(ktopics describe "$topic" -o leader); }
	expect 0 ktopics set log.retention.ms=1h --broker "$id"
	expect 0 ktopics get log.retention.ms --broker "$id" -o value,source
	expect_same "$output" "3600000	broker"
	expect 0 ktopics unset log.retention.ms --broker "$id"
	expect 5 ktopics unset nosuch.property --broker "$id"
	expect 1 ktopics set node.id=7 --broker "$id"
}
