#!/usr/bin/env bats
# kconsume -G: what is committed, and when, in each way of --commit and --exec.
#
# KSPOOL_KILLS says how often each row of the table of guarantees is put to the
# proof of commit_kills.py.

load helper

HERE=$BATS_TEST_DIRNAME
# A sanitized kconsume takes long to start.
KILLS=${KSPOOL_KILLS:-${KSPOOL_SANITIZED:+20}}
KILLS=${KILLS:-100}

start_group_broker() {
	start_broker -X group.initial.rebalance.delay.ms=0
	new_topic
}

# read_group GROUP OPTION...: kconsume itself: a timeout(1) around it would
# hold its stdout open.
read_group() {
	"$BIN/kconsume" --timeout "${TEST_LIMIT_SECONDS}s" \
		-X auto.offset.reset=earliest -t "$topic" -G "$@"
}

# expect_committed GROUP OFFSET: so far it is; "" where nothing is committed.
# The next reader of the group begins there.
expect_committed() {
	expect_same "$(committed "$1")" "$2"
}

committed() {
	kgroups lag "$1" | awk -v topic="$topic" '$2 == topic { print $4 }'
}

kill_readers() { # ROW KILLS
	start_group_broker
	expect 0 python3 "$HERE/commit_kills.py" "$1" "$topic" "$2"
	echo "# $output" >&3
}

# The table of guarantees

@test "--commit none: nothing is ever committed" {
	kill_readers none "$KILLS"
}

@test "--commit write: a reader that dies loses what it read, and the pipe" {
	kill_readers write "$KILLS"
}

@test "--commit drain: a reader that dies loses what it had read, no more" {
	kill_readers drain "$KILLS"
}

@test "--commit ack: nothing is lost, what was acknowledged is not repeated" {
	kill_readers ack "$KILLS"
}

@test "--ack exact: nor is it where acknowledgements come in any order" {
	kill_readers exact 20
}

@test "--commit ack through kproduce --ack-src: nothing is lost" {
	kill_readers pipeline 20
}

@test "--exec: nothing is lost, one batch comes twice at most" {
	kill_readers exec "$KILLS"
}

# --commit drain

@test "drain: not committed before the reader has read it" {
	start_group_broker
	seq 100 | kproduce -t "$topic"
	mkfifo out
	exec 6<>out
	start kconsume -t "$topic" -G g -e -X auto.offset.reset=earliest >out
	read -r line <&6 # bash reads a byte at a time
	[ "$line" = 1 ]
	# That one may be by now, and nothing more.
	[[ $(committed g) =~ ^1?$ ]]
	head -n 99 <&6 | cmp - <(seq 2 100)
	reap "$pid"
	expect_committed g 100
}

@test "drain: a file that has it on disk is enough" {
	start_group_broker
	seq 100000 | kproduce -t "$topic"
	read_group g -e >out
	seq 100000 | cmp - out
	expect_committed g 100000
}

@test "drain: of a socket it says that it cannot know" {
	start_group_broker
	seq 10 | kproduce -t "$topic"
	export -f read_group
	export BIN topic TEST_LIMIT_SECONDS
	expect 0 python3 - <<-'PYTHON'
		import socket, subprocess
		ours, theirs = socket.socketpair()
		done = subprocess.run(["bash", "-c", "read_group g -e"],
		                      stdout=theirs, stderr=subprocess.PIPE)
		print(done.returncode, ours.recv(100).split(), done.stderr.decode())
	PYTHON
	expect_text "$output" "0 [b'1', b'2'"
	expect_text "$output" "stdout is a socket: records are committed when they are written"
	expect_committed g 10
}

@test "a signal lets the reader have what was written, and commits it" {
	start_group_broker
	seq 10 | kproduce -t "$topic"
	mkfifo out
	exec 6<>out
	start kconsume -t "$topic" -G g -X auto.offset.reset=earliest >out
	for i in {1..10}; do read -r line <&6; done
	kill -TERM "$pid"
	reap "$pid" 143
	expect_committed g 10
}

# --commit ack

@test "ack: a pipeline that drops records ends with all committed" {
	start_group_broker
	seq 1000 | kproduce -t "$topic"
	ktopics create "even-$topic"
	mkfifo acks
	# Not by read_group: that shell would hold the pipe open.
	"$BIN/kconsume" -t "$topic" -G g -X auto.offset.reset=earliest -e -J \
		--ack-fd 4 4<acks --timeout "${TEST_LIMIT_SECONDS}s" |
		jq -c 'select((.payload | tonumber) % 2 == 0)' |
		kproduce -J -t "even-$topic" --ack-src >acks
	[ "${PIPESTATUS[*]}" = "0 0 0" ]
	expect_committed g 1000
	kconsume -t "even-$topic" -e | cmp - <(seq 2 2 1000)
}

@test "ack: envelopes say by whom they were read" {
	start_group_broker
	echo x | kproduce -t "$topic"
	read_group g -e -J --ack-fd 4 >out \
		4< <(wait_for_line out payload && echo 1)
	jq -e '.group == "g" and .gen >= 1 and (.member | length) > 0' out
	expect_committed g 1
}

@test "ack: a count, a record, or one of a partition before it" {
	start_group_broker
	seq 10 | kproduce -t "$topic"
	# Too early they name what is not written yet: after the reader's end.
	late() { # GROUP STATUS OPTIONS LINE...
		local group=$1 wanted=$2 ended=0

		mkfifo "out.$group" "acks.$group"
		read_group "$group" -e $3 --ack-fd 4 <>"out.$group" \
			4<"acks.$group" >"out.$group" 2>errors 3>&- &
		exec 5>"acks.$group"
		head -n 10 <"out.$group" >/dev/null
		printf '%s\n' "${@:4}" >&5
		exec 5>&-
		wait $! || ended=$?
		expect_same "$ended" "$wanted"
	}
	late count 0 "" 4 6
	expect_committed count 10
	late some 1 "" "$topic 0 4"
	expect_committed some 5
	expect_text "$(cat errors)" "5 records that were written are not"
	late exact 1 "--ack exact" "$topic 0 4" "$topic 0 1" "$topic 0 0"
	expect_committed exact 2
	late bad 6 "" "$topic 0 2" "$topic zero 3"
	expect_committed bad 3
	expect_text "$(cat errors)" "line 2: '$topic zero 3' has a partition that is no number"
	late other 6 "" "$topic 1 0"
	expect_text "$(cat errors)" "line 1: nothing of $topic [1] was written"
	late far 6 "" "$topic 0 10"
	expect_text "$(cat errors)" "offset 10 of $topic [0] was not written, the last is 9"
	late many 6 "" 4 7
	expect_text "$(cat errors)" "7 records are acknowledged, but only 6 more were written"
	expect_committed many 4
}

@test "ack: an end that comes before our own is not believed" {
	start_group_broker
	seq 10 | kproduce -t "$topic"
	mkfifo acks out
	exec 6<>out
	read_group g --ack-fd 4 4<acks >out 2>errors 3>&- 6>&- &
	pid=$!
	exec 5>acks
	for i in {1..10}; do read -r line <&6; done
	printf '%s 0 3\nend\n' "$topic" >&5
	exec 5>&-
	reap "$pid" 1
	expect_text "$(cat errors)" "has ended: nothing more can be acknowledged; 6 records that were written are not"
	expect_committed g 4
}

@test "ack: the example of a pipeline does as it says" {
	expect 0 "$HERE/../../examples/pipeline"
	expect_text "$output" "4000 records, "
	expect_text "$output" "none lost"
}

# --exec

@test "--exec: batches by count, the last one smaller, with -f and -J" {
	start_group_broker
	seq 10 | kproduce -t "$topic"
	expect 0 read_group g -e --exec 'tr "\n" " "; echo' --batch 4 --batch 1h
	expect_same "$output" $'1 2 3 4 \n5 6 7 8 \n9 10 '
	expect_committed g 10
	expect 0 read_group f -e --exec cat --batch 9 --batch 1h -f '%o:%s,'
	expect_same "$output" "0:1,1:2,2:3,3:4,4:5,5:6,6:7,7:8,8:9,9:10,"
	expect 0 read_group j -e --exec 'jq -cs "map(.offset)"' --batch 5 --batch 1h \
		-J
	expect_same "$output" $'[0,1,2,3,4]\n[5,6,7,8,9]'
}

@test "--exec: a batch of N does not wait for ever to fill" {
	start_group_broker
	seq 3 | kproduce -t "$topic"
	start kconsume -t "$topic" -G g --exec cat --batch 2000 -o beginning \
		>out
	wait_for_line out 3
	kill -TERM "$pid"
	reap "$pid" 143
	expect_committed g 3
}

@test "--exec: a signal leaves a batch that is not full to the next run" {
	start_group_broker
	seq 3 | kproduce -t "$topic"
	start kconsume -t "$topic" -G g --exec cat --batch 2000 --batch 1h -v \
		-o beginning --only-new >out 2>err
	wait_for_line err "end of $topic \\[0\\] at offset 3"
	kill -TERM "$pid"
	reap "$pid" 143
	expect_same "$(cat out)" ""
	expect 0 kconsume -t "$topic" -G g --exec cat -o beginning --only-new -e
	expect_same "$output" $'1\n2\n3'
}

@test "--exec: a batch by time does not wait for more" {
	start_group_broker
	mkfifo out
	exec 6<>out
	start kconsume -t "$topic" -G g --exec cat --batch 1000 --batch 50ms \
		-o beginning >out
	for word in one two; do
		echo "$word" | kproduce -t "$topic"
		read -r -t 30 line <&6
		[ "$line" = "$word" ]
	done
}

@test "--exec: what fails ends the run, and comes again" {
	start_group_broker
	seq 10 | kproduce -t "$topic"
	expect 1 read_group g -e --exec 'grep -q 1' --batch 3 --batch 1h
	expect_text "$stderr" "'grep -q 1' ended with exit status 1; not committed: 3 records: $topic [0] 3 to $topic [0] 5"
	expect_committed g 3
	expect 0 read_group g -e --exec cat --batch 100
	expect_same "$output" "$(seq 4 10)"
}

@test "--exec: what fails at first comes again to who says not where to begin" {
	start_group_broker
	seq 10 | kproduce -t "$topic"
	expect 1 kconsume -G g -o beginning -e "$topic" --exec false --batch 5
	expect_committed g 0
	expect 0 kconsume -G g -e "$topic" # auto.offset.reset=latest
	expect_same "$output" "$(seq 10)"
}

@test "--exec --retries: as often as asked for" {
	start_group_broker
	seq 2 | kproduce -t "$topic"
	# It fails twice, then it is well.
	expect 0 read_group g -e --batch 2 --batch 1h --retries 2 \
		--exec 'echo try >>tries; [ "$(wc -l <tries)" -ge 3 ]'
	[ "$(wc -l <tries)" -eq 3 ]
	expect_committed g 2
	rm tries
	expect 1 read_group h -e --batch 2 --batch 1h --retries 1 --exec 'echo try >>tries; exit 7'
	[ "$(wc -l <tries)" -eq 2 ]
	expect_committed h 0
}

@test "--exec --dlq FILE: what fails is appended as the command got it" {
	start_group_broker
	seq 6 | kproduce -t "$topic"
	echo before >dead
	expect 0 read_group g -e --batch 2 --batch 1h --exec 'grep -qv 3' --dlq ./dead
	expect_same "$(cat dead)" "before"
	expect 0 read_group h -e --batch 2 --batch 1h --exec '! grep -q 3' --dlq ./dead
	expect_same "$(cat dead)" $'before\n3\n4'
	expect_committed h 6
	expect 2 read_group i -e --exec false --dlq ./no/such/dir
}

@test "--exec --dlq TOPIC: records go there with where they came from" {
	start_group_broker
	ktopics create "dead-$topic"
	printf 'k:v\nbad:\n' | kproduce -t "$topic" -K : -H h=1
	expect 0 read_group g -e --exec 'kill -TERM $$' --dlq "dead-$topic"
	expect_committed g 2
	kconsume -t "dead-$topic" -e -J >got
	[ "$(wc -l <got)" -eq 2 ]
	expect_same "$(jq -c '[.key, .payload, .headers[0:6], .headers[8:]]' <got | tail -n 1)" \
		"[\"bad\",\"\",[\"h\",\"1\",\"x-origin-topic\",\"$topic\",\"x-origin-partition\",\"0\"],[\"x-origin-timestamp\",$(kconsume -t "$topic" -e -J | jq '.ts | tostring' | tail -n 1),\"x-origin-group\",\"g\",\"x-origin-error\",\"killed by signal 15 (Terminated)\"]]"
	expect 5 read_group i -e --exec false --dlq no-such-topic
}

@test "--exec --dlq: what it does not take is not committed" {
	start_group_broker
	printf 'a\nb\n' | kproduce -t "$topic"
	expect 1 read_group g -e --exec false --dlq /dev/full
	expect_text "$stderr" "No space left on device"
	expect_committed g 0
	ktopics create "dead-$topic" -o cleanup.policy=compact
	expect 1 read_group g -e --exec false --dlq "dead-$topic"
	expect_committed g 0
	expect_same "$(kconsume -t "dead-$topic" -e)" ""
}

@test "--exec --dlq TOPIC: more than its queue holds, from any partition" {
	start_group_broker
	ktopics create "dead-$topic"
	ktopics create "two-$topic" -p 2 -o retention.ms=-1
	seq 500 | jq -c '{payload: tostring, ts: 1000}' |
		kproduce -J -t "two-$topic" -p 1
	topic=two-$topic expect 0 read_group g -e --batch 500 --exec false \
		--dlq "dead-$topic" -X queue.buffering.max.messages=20
	kconsume -t "dead-$topic" -e -J >got
	expect_same "$(jq -r .payload <got)" "$(seq 500)"
	expect_same "$(jq -c '.headers[2:8]' <got | tail -n 1)" \
		'["x-origin-partition","1","x-origin-offset","499","x-origin-timestamp","1000"]'
	# Written now: retention must not take it at once.
	expect_same "$(jq -s 'map(.ts > 1000) | all' <got)" true
}

@test "--exec: the first signal lets the command end, and commits its batch" {
	start_group_broker
	seq 4 | kproduce -t "$topic"
	mkfifo go begun
	exec 5<>go 6<>begun
	start kconsume -t "$topic" -G g -X auto.offset.reset=earliest --batch 2 \
		--batch 1h \
		--exec 'cat >/dev/null; echo begun >begun; read x <go'
	read -r line <&6
	kill -TERM "$pid"
	echo >&5
	reap "$pid" 143
	expect_committed g 2
}

# Rebalances

@test "members that come and go in order lose nothing and repeat nothing" {
	start_group_broker
	new_topic 6
	for p in {0..5}; do
		seq "$p" 6 599 | kproduce -t "$topic" -p "$p"
	done
	touch done
	# They hear of a rebalance at once.
	quick=(-X group.protocol=classic -X heartbeat.interval.ms=50)
	for i in 1 2 3; do
		start kconsume -t "$topic" -G g -X auto.offset.reset=earliest \
			"${quick[@]}" --batch 10 --exec 'cat >>done'
		pids[i]=$pid
	done
	for i in 1 2 3; do
		wait_for_line done '' $((i * 100))
		kill -TERM "${pids[i]}"
		reap "${pids[i]}" 143
	done
	# Alone it is given all that is left.
	read_group g -e --exec 'cat >>done' --batch 10 "${quick[@]}"
	sort -n done | cmp - <(seq 0 599)
}

# Command lines

@test "options of commits go together, or are refused" {
	refused() { # MESSAGE OPTION...
		expect 2 kconsume -t x "${@:2}"
		expect_text "$stderr" "$1"
	}
	refused "go with -G" --commit drain
	refused "go with -G" --exec cat
	refused "go with --exec" -G g --batch 5
	refused "go with --exec" -G g --dlq x
	refused "goes without --commit" -G g --exec cat --commit write
	refused "--ack-fd N says where" -G g --commit ack
	refused "go with --commit ack" -G g --commit drain --ack-fd 4
	refused "is neither a number of records" -G g --exec cat --batch 0
	refused "is neither a number of records" -G g --exec cat --batch x
}

@test "--ack-fd wants a pipe that can be read" {
	start_group_broker
	expect 2 read_group g -e --ack-fd 99
	expect_text "$stderr" "--ack-fd 99: Bad file descriptor"
	# Nor one that the program opened for itself.
	for fd in 5 6 7 8 9; do
		expect 2 read_group g -e --ack-fd $fd
		expect_text "$stderr" "--ack-fd $fd: Bad file descriptor"
	done
	expect 2 read_group g -e --ack-fd 4 4</etc/passwd
	expect_text "$stderr" "a file cannot be waited for"
	expect 2 read_group g -e --ack-fd 4 4>/dev/null
	expect_text "$stderr" "open for writing only"
}
