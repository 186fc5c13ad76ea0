#!/usr/bin/env bats
# kbrokerd --run: a private broker for the time of one command.
#
# The programs of a run inherit descriptor 8, the writing end of a fifo: its
# reader sees the end of file when the last of them has gone.

bats_require_minimum_version 1.5.0
load helper

# bats test_tags=kbrokerd

run_setup() {
	mkdir tmp
	export TMPDIR=$PWD/tmp
}

with_broker() { timeout --foreground "$TEST_LIMIT_SECONDS" "$BIN/kbrokerd" --run "$@"; }

# start_run ARG...: in the background, its id in $pid.
start_run() {
	run_setup
	mkfifo gone told
	exec 6<>told
	env --default-signal=INT "$BIN/kbrokerd" --run "$@" 8>gone 3>&- 6>&- &
	pid=$!
	started_pids+=("$pid")
	exec 5<gone
}

# Until all programs of the run are gone.
wait_for_the_last() {
	local line

	! read -r -t "$TEST_LIMIT_SECONDS" line <&5 && [ $? -le 128 ]
}

expect_nothing_left() {
	expect_same "$(ls -A tmp)" ""
}

@test "--run: the command talks to a broker of its own" {
	run_setup
	expect 0 with_broker -- sh -c 'kproduce -t t </etc/passwd &&
		kconsume -t t -e | cmp - /etc/passwd'
	expect_same "$output$stderr" ""
	KPRODUCE_CREATE= expect 5 with_broker -- sh -c 'kproduce -t t </etc/passwd'
	expect_nothing_left
}

@test "--run: the command's status is the status" {
	run_setup
	expect 7 with_broker -- sh -c 'exit 7'
	expect 137 with_broker -- sh -c 'kill -KILL $$'
	expect 143 with_broker -- sh -c 'kill -TERM $$'
	run -127 --separate-stderr with_broker -- ./nosuch
	expect_same "$stderr" \
		"kbrokerd: error: --run: ./nosuch: No such file or directory"
	touch plain
	expect 126 with_broker -- ./plain
	expect_nothing_left
}

@test "--run: the command has our input and output, and its own arguments" {
	run_setup
	expect 0 with_broker -- sh -c 'cat; echo "$@" >&2' sh -t --run a <<<hello
	expect_same "$output" hello
	expect_same "$stderr" "-t --run a"
}

@test "--run: no setting of the environment gets in its way" {
	run_setup
	export KAFKA_LISTENERS=PLAINTEXT://10.1.1.1:1 KAFKA_LOG_DIRS=/nosuch \
		KAFKA_PROFILE=prod KAFKA_CONFIG=/nosuch KCAT_CONFIG=/nosuch \
		KAFKA_BOOTSTRAP_SERVERS=10.1.1.1:9092 KAFKA_TOPIC=mine
	expect 0 with_broker -- sh -c 'ktopics list -i && env | grep ^K'
	expect_text "$output" KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:
	expect_text "$output" KAFKA_TOPIC=mine
	[[ $output != *PROFILE* && $output != *KCAT_CONFIG* ]]
	expect_same "$stderr" ""
}

@test "--run: limits and signals of the command are those of its caller" {
	run_setup
	ulimit -Sn 200
	expect 0 with_broker -- sh -c 'ulimit -Sn; grep SigBlk /proc/self/status'
	expect_same "$output" "200
$(grep SigBlk /proc/self/status)"
}

@test "--run: -X reaches the broker" {
	run_setup
	expect 0 with_broker -X num.partitions=7 -- sh -c \
		'ktopics create t && ktopics describe t -J'
	expect_same "$(jq -r '.partitions | length' <<<"$output")" 7
}

@test "--run: a broker that cannot start is 125, and the command does not run" {
	run_setup
	expect 125 with_broker -X listeners=PLAINTEXT://192.0.2.1:9 -- touch ran
	expect_text "$stderr" 192.0.2.1
	[ ! -e ran ]
	expect_nothing_left
}

@test "--run: without a command, and a command without it, are usage errors" {
	expect 2 with_broker
	expect 2 "$BIN/kbrokerd" make
	expect 2 "$BIN/kbrokerd" --data x
}

@test "--run: a data directory by -X is refused, not passed over" {
	expect 2 "$BIN/kbrokerd" --run -X log.dirs=x -- true
	expect_same "$stderr" "kbrokerd: error: --run has a data directory of its own; --data DIR in place of -X log.dirs=DIR uses one that stays"
}

@test "--run: --data keeps the data for the next run" {
	run_setup
	expect 0 with_broker --data kept -- sh -c 'echo a | kproduce -t t --create'
	expect 0 with_broker --data kept -- kconsume -t t -e
	expect_same "$output" a
	expect_nothing_left
}

@test "--run: --keep-on-failure leaves the data only of a command that failed" {
	run_setup
	expect 0 with_broker --keep-on-failure kept -- true
	[ ! -e kept ]
	expect 1 with_broker --keep-on-failure kept -- \
		sh -c 'echo a | kproduce -t t --create; exit 1'
	[ -s kept/t-0/00000000000000000000.log ]
	expect 125 with_broker --keep-on-failure kept -- touch ran
	expect_text "$stderr" "kept: File exists"
	[ ! -e ran ]
}

@test "--run: a signal is passed on to the command" {
	start_run -- python3 -c 'import os, signal, sys
def end(*_): sys.exit(9)
signal.signal(signal.SIGTERM, end)
os.write(os.open("told", os.O_WRONLY), b"ready\n")
while True: signal.pause()'
	read -r -u 6 line
	kill -TERM "$pid"
	wait_for_the_last
	reap "$pid" 9
	expect_nothing_left
}

@test "--run: dies of the signal that the command dies of" {
	start_run -- sh -c 'echo ready >told; exec sleep 1000'
	read -r -u 6 line
	kill -INT "$pid"
	reap "$pid" 130
	wait_for_the_last
	expect_nothing_left
}

@test "--run: killed, it leaves neither processes nor data" {
	start_run -- sh -c '(setsid sleep 1000 &) ; sleep 1000 &
		echo ready >told; sleep 1000'
	read -r -u 6 line
	kill -KILL "$pid"
	wait_for_the_last
	reap "$pid" 137
	expect_nothing_left
}

@test "--run: its guard killed, it leaves neither processes nor data" {
	start_run -- sh -c '(setsid sleep 1000 &); echo $PPID >told; sleep 1000'
	read -r -u 6 guard
	kill -KILL "$guard"
	wait_for_the_last
	reap "$pid" 137
	expect_nothing_left
}

@test "--run: what the command leaves running ends with it" {
	start_run -- sh -c '(setsid sleep 1000 &) ; trap "" TERM; exit 4'
	wait_for_the_last
	reap "$pid" 4
	expect_nothing_left
}

@test "--run: what does not want to end is killed" {
	start_run -- sh -c '(trap "" TERM; echo x >told; exec sleep 1000) &
		read line <told; exit 4'
	echo go >&6
	wait_for_the_last
	reap "$pid" 4
	expect_nothing_left
}

@test "--run: ^C reaches the command once" {
	run_setup
	cat >counts.py <<-'END'
	import signal, sys
	seen = []
	def on(*_):
	    seen.append(1)
	    print("seen", len(seen), flush=True)
	signal.signal(signal.SIGINT, on)
	print("ready", flush=True)
	sys.stdin.readline() # is not ended by the signal
	print("in all", len(seen))
	END
	expect 0 python3 "$BATS_TEST_DIRNAME/terminal.py" 'ready=\x03' \
		'seen 1=\n' -- "$BIN/kbrokerd" --run -- python3 counts.py
	expect_text "$output" "in all 1"
	expect_nothing_left
}

@test "--run: ^Z stops it, and fg takes it up again" {
	run_setup
	cat >talk.py <<-'END'
	import signal
	signal.signal(signal.SIGCONT, lambda *_: print("again", flush=True))
	print("begun", flush=True)
	print("heard", input(), flush=True)
	END
	expect 0 python3 "$BATS_TEST_DIRNAME/terminal.py" \
		"\$ =$BIN/kbrokerd --run -- python3 talk.py\\n" \
		'begun=\x1a' 'Stopped=' '$ =fg\n' 'again=hello\n' 'heard hello=' \
		'$ =exit\n' -- env PS1='$ ' bash --norc -i
	expect_nothing_left
}

@test "--run: --topic has the topic ready for the command" {
	run_setup
	sort /etc/passwd >sorted
	expect 0 with_broker --topic t:3,retention.ms=3600000 -- sh -c '
		kproduce -t t </etc/passwd && kconsume -t t -e | sort |
		cmp - sorted && ktopics list t -o partitions'
	expect_same "$output" 3
}
