#!/usr/bin/env bats
# A broker that is killed again and again under load, and loses nothing.
#
# The producer is kcat with idempotence, so that it may send again what it does
# not know to be written: it ends with 0 once all is acknowledged.  Then every
# line must be there, once, in order.  Each kill waits for a number of records
# to be seen by a consumer, so that it comes in the middle of the load.

load ../cli/helper

ROUNDS=${CRASH_ROUNDS:-15}
BATCH=4000 # lines between two kills

# kcat's patience: the broker is away for moments only.
PATIENT=(-X reconnect.backoff.ms=20 -X reconnect.backoff.max.ms=100
	-X retry.backoff.ms=20 -X message.timeout.ms=120000)

consume() {
	timeout 60 kcat -b "$broker" -C -t "$1" -q -e -o beginning "${@:2}"
}

# Feed lines $1..$2 into the producer.
feed() {
	seq "$1" "$2" >&8
}

start_producer() {
	mkfifo feed
	kcat -b "$broker" -P -t "$1" -E "${PATIENT[@]}" \
		-X enable.idempotence=true -X linger.ms=2 "${@:2}" \
		<feed 2>producer.log 3>&- &
	producer=$!
	started_pids+=("$producer")
	exec 8>feed
}

# One that sees every record as it becomes visible, across the kills.
start_watcher() {
	kcat -b "$broker" -C -t "$1" -q -u -o beginning -E "${PATIENT[@]}" \
		-X topic.metadata.refresh.interval.ms=1000 -f '%o %s\n' \
		>seen 2>watcher.log 3>&- 8>&- &
	started_pids+=("$!")
}

# Wait until the watcher has seen line $1.  (wait_for_line is for few lines.)
wait_until_seen() {
	local found=0 fd tail_pid

	exec {fd}< <(exec tail -n +1 -F seen 2>/dev/null 3>&- 8>&-)
	tail_pid=$!
	timeout "$TEST_LIMIT_SECONDS" grep -q -m 1 " $1\$" <&"$fd" || found=$?
	kill "$tail_pid" 2>/dev/null
	exec {fd}<&-
	return "$found"
}

make_topic() {
	topic=crash
	echo 0 | timeout 60 kcat -b "$broker" -P -t "$topic" "${PATIENT[@]}"
}

survive() { # broker options
	local round

	start_broker "$@"
	make_topic
	start_watcher "$topic"
	wait_until_seen 0
	start_producer "$topic"
	for ((round = 0; round < ROUNDS; round++)); do
		feed $((round * BATCH + 1)) $(((round + 1) * BATCH))
		# Somewhere in the middle of it; kcat keeps the last few back.
		wait_until_seen $((round * BATCH + 1 + RANDOM % 3000))
		kill_broker
		start_broker "$@" 8>&-
	done
	exec 8>&-
	wait "$producer"
	seq 0 $((ROUNDS * BATCH)) >sent
	consume "$topic" >got
	cmp sent got
	# And nobody saw what was taken back later.
	wait_until_seen $((ROUNDS * BATCH))
	awk '{ print $2 }' seen | cmp - sent
}

# bats test_tags=kbrokerd
@test "kill -9 under load: nothing acknowledged is lost, nothing is twice" {
	survive -X flush.mode=commit
}

# bats test_tags=kbrokerd
@test "the same with flush.mode=os: the page cache outlives the process" {
	survive -X flush.mode=os
}

# bats test_tags=kbrokerd
@test "the same with segments of a few milliseconds" {
	survive -X flush.mode=commit -X log.roll.ms=20 \
		-X log.index.interval.bytes=500
}

# bats test_tags=kbrokerd
@test "kill -9 of an idle broker: what was deleted stays deleted" {
	start_broker
	make_topic
	kill_broker
	start_broker
	[ "$(consume "$topic")" = 0 ]
	ktopics delete "$topic" -y
	kill_broker
	start_broker
	run ! consume "$topic"
	echo 1 | timeout 60 kcat -b "$broker" -P -t "$topic" "${PATIENT[@]}"
	[ "$(consume "$topic")" = 1 ]
}
