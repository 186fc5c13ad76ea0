# helper.bash - what the tests of the programs share
#
#	load helper
#
#	@test "a record comes out as it went in" {
#		start_broker
#		new_topic
#		echo hello | kproduce -t "$topic"
#		run kconsume -t "$topic" -e
#		[ "$output" = hello ]
#	}
#
# Each test has a directory of its own, which it starts in and which is its
# HOME, and a broker of its own.  Nothing sleeps: wait for events, by reading
# from a fifo or with wait_for_line.  What a test leaves running is killed.
#
# BIN                 the programs (default: build/bin)
# KSPOOL_TEST_BROKER  HOST:PORT of a broker to use instead of a kbrokerd of the
#                     test's own (tests/interop/kafka.bats); tests that need
#                     kbrokerd itself have the tag "kbrokerd"

bats_require_minimum_version 1.5.0

BIN=${BIN:-$BATS_TEST_DIRNAME/../../build/bin}
BIN=$(cd "$BIN" && pwd)
PATH=$BIN:$PATH

# The longest that one program may run in a test.
TEST_LIMIT_SECONDS=${TEST_LIMIT_SECONDS:-60}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export HOME=$BATS_TEST_TMPDIR LC_ALL=C.UTF-8 TZ=UTC
	unset "${!KAFKA_@}" "${!KCAT_@}"
	broker_pid=
	started_pids=()
}

teardown() {
	local pid

	for pid in "${started_pids[@]}" $broker_pid; do
		kill -CONT "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null # or bash tells of it
	done
	return 0
}

# The programs, none of which may hang a test.
kproduce() { timeout --foreground "$TEST_LIMIT_SECONDS" "$BIN/kproduce" "$@"; }
kconsume() { timeout --foreground "$TEST_LIMIT_SECONDS" "$BIN/kconsume" "$@"; }
kgroups() { timeout --foreground "$TEST_LIMIT_SECONDS" "$BIN/kgroups" "$@"; }
ktopics() { timeout --foreground "$TEST_LIMIT_SECONDS" "$BIN/ktopics" "$@"; }

# Run in the background, its id in $pid: start kconsume -t x >out
#
# To hold the other end of its fifo, open it before as descriptor 5 or 6, for
# reading and writing, since one end alone would wait for the other; they are
# not passed on:  mkfifo in; exec 5<>in; start kproduce -t x <in
start() {
	local program=$1

	shift
	# In the background stdin is /dev/null unless said, and SIGINT is ignored.
	env --default-signal=INT "$BIN/$program" "$@" <&0 3>&- 5>&- 6>&- &
	pid=$!
	started_pids+=("$pid")
}

# Brokers

# start_broker [OPTION...]: a kbrokerd on a free port, in $dir/data unless told
# otherwise.  Sets $broker and $broker_pid; the tools find it by themselves.
# Started again it is on the same port and data.
start_broker() {
	if [ -n "${KSPOOL_TEST_BROKER:-}" ]; then
		broker=$KSPOOL_TEST_BROKER
	else
		run_broker "$@"
		broker=127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")
	fi
	export KAFKA_BOOTSTRAP_SERVERS=$broker
}

run_broker() {
	local dir=$BATS_TEST_TMPDIR line port=0

	[ ! -e "$dir/port" ] || port=$(cat "$dir/port")
	[ -p "$dir/ready" ] || mkfifo "$dir/ready"
	env -u KAFKA_BOOTSTRAP_SERVERS "$BIN/kbrokerd" -X "log.dirs=$dir/data" \
		-X "listeners=PLAINTEXT://127.0.0.1:$port" \
		--port-file "$dir/port" --ready-fd 9 "$@" \
		>>"$dir/broker.log" 2>&1 3>&- 5>&- 6>&- 9>"$dir/ready" &
	broker_pid=$!
	# It closes the fifo once it is ready, and when it dies.
	if ! read -r line <"$dir/ready"; then
		echo "kbrokerd did not start:" >&2
		cat "$dir/broker.log" >&2
		return 1
	fi
}

# reap PID [STATUS]: wait for a process of ours; it must end with that (0).
reap() {
	local ended=0

	wait "$1" 2>/dev/null || ended=$?
	[ "$ended" -eq "${2:-0}" ] && return
	echo "process $1 ended with status $ended, not ${2:-0}"
	return 1
}

# One thread of it hears the signal and stops the others, which may take long
# on a busy machine.
freeze_broker() {
	local task

	kill -STOP "$broker_pid"
	for task in "/proc/$broker_pid/task"/*; do
		while ! grep -q '^State:.T' "$task/status"; do :; done
	done
}

kill_broker() {
	kill -KILL "$broker_pid"
	reap "$broker_pid" 137
	broker_pid=
}

# In order.  Fails if the broker does.
stop_broker() {
	local pid=$broker_pid

	broker_pid=
	kill -TERM "$pid"
	reap "$pid"
}

# Topics

# A name that no other test uses, $topic; nothing is made.
name_topic() {
	topic=t$BATS_TEST_NUMBER-$RANDOM$RANDOM
}

# new_topic [PARTITIONS]: make one with a name of its own, $topic.
new_topic() {
	name_topic
	kproduce -t "$topic" --create="${1:-1}" </dev/null
}

# Waiting

# wait_for_line FILE PATTERN [N]: until FILE has N (1) lines that match.
wait_for_line() {
	local count=0 line fd tail_pid found=1

	exec {fd}< <(exec tail -n +1 -F "$1" 2>/dev/null 3>&-)
	tail_pid=$!
	while IFS= read -r -t "$TEST_LIMIT_SECONDS" -u "$fd" line; do
		[[ $line =~ $2 ]] || continue
		count=$((count + 1))
		[ "$count" -lt "${3:-1}" ] || { found=0; break; }
	done
	kill "$tail_pid" 2>/dev/null
	exec {fd}<&-
	return "$found"
}

# Expectations, which say what they see

# expect STATUS COMMAND...: run it; $output is stdout, $stderr the rest.
expect() {
	local wanted=$1

	shift
	run --separate-stderr "$@"
	[ "$status" -eq "$wanted" ] && return
	echo "status $status, not $wanted: $*"
	echo "stdout: $output"
	echo "stderr: $stderr"
	return 1
}

# expect_text HAYSTACK NEEDLE
expect_text() {
	[[ $1 == *"$2"* ]] && return
	echo "not found: $2"
	echo "in: $1"
	return 1
}

# expect_same ACTUAL WANTED
expect_same() {
	[ "$1" = "$2" ] && return
	printf 'is:     %s\nshould: %s\n' "$1" "$2"
	return 1
}
