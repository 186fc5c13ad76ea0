#!/usr/bin/env bats
# The process kbrokerd: how it starts, what it says, how it ends.

bats_require_minimum_version 1.5.0

setup() {
	KBROKERD=${BIN:?the folder of the programs}/kbrokerd
	# Nothing of the machine's: neither files nor variables.
	while IFS= read -r name; do unset "$name"; done < <(compgen -e KAFKA_)
	export HOME=$BATS_TEST_TMPDIR/home
	mkdir "$HOME"
	data=$BATS_TEST_TMPDIR/data
	pids=()
}

teardown() {
	for pid in "${pids[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# Start a broker on any port and wait until it is ready: $pid, $port, and what
# it says in $out and $err.
start() {
	local line ready=$BATS_TEST_TMPDIR/ready

	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
	[ -p "$ready" ] || mkfifo "$ready"
	"$KBROKERD" -X log.dirs="$data" -X listeners=PLAINTEXT://localhost:0 \
		--port-file "$BATS_TEST_TMPDIR/port" --ready-fd 9 "$@" \
		>"$out" 2>"$err" 3>&- 9>"$ready" &
	pid=$!
	pids+=("$pid")
	# It closes the fifo when it is ready, and when it dies.
	read -r line <"$ready" || { cat "$err" >&2; return 1; }
	port=$(<"$BATS_TEST_TMPDIR/port")
}

# wait_for FILE PATTERN: until a line of it matches, while the broker lives.
wait_for() {
	local line tail_pid fd found=1

	exec {fd}< <(exec tail -n +1 -F "$1" 2>/dev/null 3>&-)
	tail_pid=$!
	while IFS= read -r -t 60 -u "$fd" line; do
		[[ $line =~ $2 ]] || continue
		found=0
		break
	done
	kill "$tail_pid" 2>/dev/null
	exec {fd}<&-
	return "$found"
}

# End it in order; its status is the function's.
stop() {
	kill -TERM "$pid"
	wait "$pid"
}

# Send the bytes that printf makes of $1, print the answer in hex.
ask() {
	exec 9<>"/dev/tcp/127.0.0.1/$port"
	printf "$1" >&9
	timeout 60 head -c "$2" <&9 | od -An -v -tx1 | tr -d ' \n'
	exec 9>&-
}

# ApiVersions 0, correlation id 7: error 0 is in byte 9 and 10.
is_serving() {
	[ "$(ask '\0\0\0\x0a\0\x12\0\0\0\0\0\x07\xff\xff' 10 | cut -c 9-)" = 000000070000 ]
}

@test "it starts without any setting and says where it is ready" {
	start
	is_serving
	[ "$(wc -l <"$out")" -eq 1 ]
	grep -Eq "^kbrokerd: ready PLAINTEXT://localhost:$port cluster=[A-Za-z0-9_-]{22} data=$data flush.mode=commit$" "$out"
	stop
}

@test "localhost is each of its addresses that the machine has, on one port" {
	start
	is_serving
	if [ -s /proc/net/if_inet6 ]; then
		exec 9<>"/dev/tcp/::1/$port"
		exec 9>&-
	fi
}

@test "it ends on SIGTERM with status 0 and a clean data directory" {
	start
	stop
	[ -e "$data/.kafka_cleanshutdown" ]
	[ -e "$data/meta.properties" ]
}

@test "SIGINT ends it too" {
	start
	# A background job of a shell ignores it, unless it is told not to.
	kill -INT "$pid"
	run timeout 60 tail --pid="$pid" -f /dev/null
	[ "$status" -eq 0 ]
	[ -e "$data/.kafka_cleanshutdown" ]
}

@test "a second start has the same data and the same cluster" {
	start
	first=$(grep -o 'cluster=[^ ]*' "$out")
	stop
	start
	[ "$(grep -o 'cluster=[^ ]*' "$out")" = "$first" ]
	is_serving
	stop
}

@test "it starts again after kill -9" {
	start
	first=$(grep -o 'cluster=[^ ]*' "$out")
	kill -9 "$pid"
	wait "$pid" || true
	start
	[ "$(grep -o 'cluster=[^ ]*' "$out")" = "$first" ]
	is_serving
	stop
}

@test "a data directory in use is refused, with the pid that holds it" {
	start
	run "$KBROKERD" -X log.dirs="$data" -X listeners=PLAINTEXT://localhost:0
	[ "$status" -eq 1 ]
	[ "$output" = "kbrokerd: error: data directory $data is in use by process $pid" ]
	is_serving
}

@test "a directory of something else is refused and left alone" {
	mkdir "$data"
	echo precious >"$data/letter.txt"
	run "$KBROKERD" -X log.dirs="$data" -X listeners=PLAINTEXT://localhost:0
	[ "$status" -eq 1 ]
	[[ $output == *"kbrokerd: error: $data holds files but no meta.properties"* ]]
	[ "$(cat "$data/letter.txt")" = precious ]
	[ "$(ls -A "$data")" = letter.txt ]
}

@test "whoever listens beyond this machine is told that anybody may come" {
	run "$KBROKERD" -t -X listeners=PLAINTEXT://0.0.0.0:0
	[ "$status" -eq 0 ]
	[[ $output == *"PLAINTEXT listens on 0.0.0.0, and there is no access control"* ]]
	run "$KBROKERD" -t -X 'listeners=PLAINTEXT://127.0.0.1:0,SIX://[::1]:0' \
		-X listener.security.protocol.map=SIX:PLAINTEXT,PLAINTEXT:PLAINTEXT
	[ "$status" -eq 0 ]
	[[ $output != *"access control"* ]]
}

@test "a directory of another node is refused" {
	start -X node.id=4
	stop
	run "$KBROKERD" -X log.dirs="$data" -X node.id=5 -X listeners=PLAINTEXT://localhost:0
	[ "$status" -eq 1 ]
	[[ $output == *"$data belongs to node 4 of cluster "*", but node.id is "* ]]
	start # without node.id the directory's is taken
	stop
}

@test "a port in use is refused" {
	start
	run "$KBROKERD" -X log.dirs="$data.2" -X "listeners=PLAINTEXT://localhost:$port"
	[ "$status" -eq 1 ]
	[ "$output" = "kbrokerd: error: cannot listen on PLAINTEXT://localhost:$port: Address already in use" ]
	[ ! -e "$data.2" ]
	run "$KBROKERD" -X log.dirs="$data.2" -X listeners=PLAINTEXT://localhost:0 \
		-X "http.listeners=localhost:$port"
	[ "$status" -eq 1 ]
	[ "$output" = "kbrokerd: error: http.listeners: cannot listen on localhost:$port: Address already in use" ]
	[ ! -e "$data.2" ]
}

# Does the kernel hold answers of the server at port $1 that nobody reads?
has_unsent() {
	awk -v port="$(printf ':%04X' "$1")" '
		substr($2, 9) == port && $4 == "01" {
			split($5, queue, ":")
			if (queue[1] "" > "00010000") found = 1
		}
		END { exit !found }' /proc/net/tcp
}

@test "a second signal ends it at once" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	start --tmp
	# A client that asks and asks and never reads is waited for a little.
	exec 8<>"/dev/tcp/127.0.0.1/$port"
	(yes | head -n 400000 | sed 's/y/\x00\x00\x00\x0b\x00\x12\x00\x00\x00\x00\x00\x07\x00\x01c/' |
		tr -d '\n' >&8) 2>/dev/null 3>&- &
	pids+=($!)
	until has_unsent "$port"; do kill -0 "$pid"; done
	# Two kinds, since two of a kind may be one; either may come first.
	kill -TERM "$pid"
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 143 ] || [ "$status" -eq 130 ]
	[ -z "$(ls "$TMPDIR")" ]
}

@test "--tmp leaves nothing behind and says that nothing is synced" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	start --tmp
	grep -q "data=$TMPDIR/kbrokerd\..* flush.mode=os$" "$out"
	grep -q 'nothing is synced' "$err"
	[ -n "$(ls "$TMPDIR")" ]
	is_serving
	stop
	[ -z "$(ls "$TMPDIR")" ]
	[ ! -e "$data" ]
}

@test "--ready-fd gets the ready line and is closed" {
	mkfifo "$BATS_TEST_TMPDIR/ready"
	"$KBROKERD" --tmp -X listeners=PLAINTEXT://localhost:0 --ready-fd 7 \
		>"$BATS_TEST_TMPDIR/out" 2>&1 7>"$BATS_TEST_TMPDIR/ready" 3>&- &
	pids+=($!)
	run timeout 60 cat "$BATS_TEST_TMPDIR/ready"
	[ "$status" -eq 0 ]
	[[ $output == "kbrokerd: ready PLAINTEXT://localhost:"* ]]
	kill "${pids[0]}"
	wait "${pids[0]}"
}

@test "a unix socket is a listener that goes with the broker" {
	start -X "listeners=PLAINTEXT://localhost:0,unix:$BATS_TEST_TMPDIR/socket"
	[ -S "$BATS_TEST_TMPDIR/socket" ]
	grep -q " unix:$BATS_TEST_TMPDIR/socket cluster=" "$out"
	stop
	[ ! -e "$BATS_TEST_TMPDIR/socket" ]
}

@test "tools that come by the unix socket stay on it" {
	local socket=$BATS_TEST_TMPDIR/socket
	start -X "listeners=unix:$socket" -X http.listeners=
	"${KBROKERD%/*}/ktopics" create -b "unix:$socket" t
	"${KBROKERD%/*}/kproduce" -b "unix:$socket" -t t <<<hello
	run "${KBROKERD%/*}/kconsume" -b "unix:$socket" -t t -e
	[ "$output" = hello ]
	run "$KBROKERD" --probe "unix:$socket"
	[ "$status" -eq 0 ]
	stop
}

@test "settings come from the file, over it KAFKA_*, over it -X" {
	printf 'num.partitions=2\nlog.retention.ms=5\nmessage.max.bytes=7\n' >"$BATS_TEST_TMPDIR/p"
	KAFKA_NUM_PARTITIONS=3 KAFKA_LOG_RETENTION_MS=6 run "$KBROKERD" -F "$BATS_TEST_TMPDIR/p" -X num.partitions=4 -T
	[ "$status" -eq 0 ]
	[[ $output == *$'num.partitions=4\t# -X\n'* ]]
	[[ $output == *$'log.retention.ms=6\t# KAFKA_LOG_RETENTION_MS\n'* ]]
	[[ $output == *$'message.max.bytes=7\t# '"$BATS_TEST_TMPDIR/p:3"* ]]
}

@test "-t checks the settings, makes nothing, and says nothing" {
	run "$KBROKERD" -t -X log.dirs="$data"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ ! -e "$data" ]
}

@test "an unknown property is an error that names the nearest" {
	run "$KBROKERD" -t -X num.partition=3
	[ "$status" -eq 2 ]
	[ "$output" = "kbrokerd: error: -X: unknown property 'num.partition'; did you mean 'num.partitions'?" ]
	run "$KBROKERD" -t --lenient -X num.partition=3
	[ "$status" -eq 0 ]
	[[ $output == *"unknown property 'num.partition' has no effect"* ]]
}

@test "an unknown KAFKA_ variable is a warning" {
	KAFKA_NUM_PARTITION=3 KAFKA_HEAP_OPTS=-Xmx1g run "$KBROKERD" -t
	[ "$status" -eq 0 ]
	[[ $output == *"KAFKA_NUM_PARTITION: unknown property 'num.partition' has no effect"* ]]
	[[ $output != *HEAP* ]]
}

@test "a wrong value is an error with its place" {
	printf '\nnum.partitions=none\n' >"$BATS_TEST_TMPDIR/p"
	run "$KBROKERD" -t -F "$BATS_TEST_TMPDIR/p"
	[ "$status" -eq 2 ]
	[ "$output" = "kbrokerd: error: $BATS_TEST_TMPDIR/p:2: num.partitions: 'none' is not a whole number" ]
}

@test "a listener that it does not speak is an error" {
	run "$KBROKERD" -t -X listeners=SASL_SSL://:9093
	[ "$status" -eq 2 ]
	[[ $output == *"listeners: 'SASL_SSL' is SASL_SSL, which kbrokerd does not speak yet; PLAINTEXT it does" ]]
}

@test "a missing file of settings is an error" {
	run "$KBROKERD" -F /no/such/file
	[ "$status" -eq 2 ]
	[ "$output" = "kbrokerd: error: cannot read /no/such/file: No such file or directory" ]
}

@test "an unknown option is an error" {
	run "$KBROKERD" --tmpp
	[ "$status" -eq 2 ]
	[[ $output == "kbrokerd: error: "* ]]
	run "$KBROKERD" operand
	[ "$status" -eq 2 ]
}

@test "help and version are answers on stdout" {
	for flag in -h --help -V --help-json; do
		run --separate-stderr "$KBROKERD" "$flag"
		[ "$status" -eq 0 ]
		[ -n "$output" ]
		[ -z "$stderr" ]
	done
}

@test "too few files are refused with the line to fix it" {
	run bash -c 'ulimit -n 1024 && exec "$0" --tmp' "$KBROKERD"
	[ "$status" -eq 1 ]
	[[ $output == *"only 1024 files may be open, and 4096 are needed; as root type: ulimit -n 4096 "* ]]
}

say_and_hear_nothing() { # what, as printf has it
	exec 8<>"/dev/tcp/127.0.0.1/$port"
	printf "$1" >&8
	[ "$(timeout 60 cat <&8 | wc -c)" -eq 0 ]
	exec 8>&-
}

@test "what a bad client sends is told once, and hurts nobody else" {
	start
	say_and_hear_nothing '\x7f\0\0\0what is this'
	is_serving
	[ "$(grep -c 'msg="connection closed"' "$err")" -eq 1 ]
	grep -q 'why="request of 2130706432 bytes, socket.request.max.bytes is 104857600" peer=127.0.0.1:' "$err"
}

@test "who speaks another protocol is told by its name" {
	start
	say_and_hear_nothing 'GET / HTTP/1.1\r\n\r\n'
	say_and_hear_nothing '\x16\x03\x01\x02\0\x01\0'
	is_serving
	grep -q 'why="HTTP spoken at a listener of Kafka.s protocol, in plaintext; http.listeners is where the status page is" peer=' "$err"
	grep -q 'why="TLS spoken at a listener of Kafka.s protocol, in plaintext: the client has another security.protocol" peer=' "$err"
}

@test "--log json writes one object a line" {
	start --log json
	stop
	jq -e .msg "$err" >/dev/null
}

@test "-q is silent" {
	start -q
	stop
	[ ! -s "$err" ]
}

@test "a server.properties of Kafka works, and clients are told what it advertises" {
	cat >"$BATS_TEST_TMPDIR/server.properties" <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@localhost:9093
		listeners=PLAINTEXT://:9092,CONTROLLER://:9093
		inter.broker.listener.name=PLAINTEXT
		advertised.listeners=PLAINTEXT://localhost:9092
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
		num.io.threads=8
	END
	start -F "$BATS_TEST_TMPDIR/server.properties" \
		-X listeners=PLAINTEXT://:0,CONTROLLER://:0
	is_serving
	grep -q 'known, but of no effect: num.io.threads' "$err"
	stop
}

# Settings

@test "-T says which value is from where and hides what is secret" {
	run "$KBROKERD" -T -X ssl.key.password=hunter2 -X listener.name.a.sasl.jaas.config=hunter2
	[ "$status" -eq 0 ]
	[[ $output == *$'ssl.key.password=********\t# -X\n'* ]]
	[[ $output != *hunter2* ]]
	[[ $output == *$'listeners=PLAINTEXT://localhost:9092,unix:'"$HOME/.local/share/kbrokerd/kbrokerd.sock"$'\t# default\n'* ]] ||
		[ "$(id -u)" -eq 0 ]
}

@test "--tmp says that log.dirs is not used" {
	start --tmp
	grep -q "msg=\"--tmp: log.dirs=$data is not used\"" "$err"
	stop
}

@test "keys of ZooKeeper's time are told and left out" {
	run "$KBROKERD" -t -X zookeeper.connect=localhost:2181
	[ "$status" -eq 0 ]
	[[ $output == *"'zookeeper.connect' is of the time of ZooKeeper and has no effect"* ]]
}

@test "keys that are in use are not called without effect" {
	run "$KBROKERD" -t -X metadata.log.max.record.bytes.between.snapshots=1000 -X num.io.threads=3
	[ "$status" -eq 0 ]
	[[ $output == *"known, but of no effect: num.io.threads"* ]]
}

@test "the environment of a compose file of apache/kafka works as it is" {
	env KAFKA_NODE_ID=1 \
		KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT \
		KAFKA_ADVERTISED_LISTENERS=PLAINTEXT_HOST://localhost:9092,PLAINTEXT://broker:19092 \
		KAFKA_PROCESS_ROLES=broker,controller \
		KAFKA_CONTROLLER_QUORUM_VOTERS=1@broker:29093 \
		KAFKA_LISTENERS=CONTROLLER://:0,PLAINTEXT_HOST://:0,PLAINTEXT://:0 \
		KAFKA_INTER_BROKER_LISTENER_NAME=PLAINTEXT \
		KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER \
		CLUSTER_ID=4L6g3nShT-eMCtK--X86sw \
		KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1 \
		KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0 \
		KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1 \
		KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1 \
		KAFKA_LOG_DIRS="$data" KAFKA_HTTP_LISTENERS=off \
		"$KBROKERD" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	pids+=("$pid")
	wait_for "$BATS_TEST_TMPDIR/out" '^kbrokerd: ready '
	grep -q 'cluster=4L6g3nShT-eMCtK--X86sw' "$BATS_TEST_TMPDIR/out"
	run ! grep -q unknown "$BATS_TEST_TMPDIR/err"
	# the controller's listener answers
	port=$(sed -n 's/.* CONTROLLER:\/\/:\([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/out")
	is_serving
	stop
}

# Listeners

@test "without listeners there is localhost and a socket in the data directory" {
	run "$KBROKERD" -T -X log.dirs="$data"
	[[ $output == *$'\n'"listeners=PLAINTEXT://localhost:9092,unix:$data/kbrokerd.sock"* ]]
}

@test "as a container's first process it listens on all addresses and says so" {
	unshare --user --map-root-user --pid --fork true 2>/dev/null || skip "no name spaces"
	run env KUBERNETES_SERVICE_HOST=1 unshare --user --map-root-user --pid --fork \
		"$KBROKERD" -T -X log.dirs="$data"
	[ "$status" -eq 0 ]
	[[ $output == *"in a container, so listening on all addresses; there is no access control"* ]]
	[[ $output == *$'\n'"listeners=PLAINTEXT://0.0.0.0:9092,unix:$data/kbrokerd.sock"$'\t# container\n'* ]]
}

@test "as process 1 it reaps what is left to it" {
	local line orphan=$BATS_TEST_TMPDIR/orphan ready=$BATS_TEST_TMPDIR/ready

	unshare --user --map-root-user --pid --fork true 2>/dev/null || skip "no name spaces"
	mkfifo "$orphan" "$ready"
	# The shell leaves a process behind and becomes the broker.
	unshare --user --map-root-user --pid --fork --kill-child bash -c '
		(read -r <"$1" 9>&- &)
		exec "$0" -X log.dirs="$2" -X http.listeners=off \
			-X listeners=PLAINTEXT://localhost:0 --ready-fd 9
	' "$KBROKERD" "$orphan" "$data" >/dev/null 2>&1 3>&- 9>"$ready" &
	pids+=($!)
	read -r line <"$ready"
	pid=$(pgrep -P "$!")
	[ -n "$(pgrep -P "$pid")" ]
	echo >"$orphan"
	for _ in {1..5000}; do [ -n "$(pgrep -P "$pid")" ] || break; done
	[ -z "$(pgrep -P "$pid")" ]
	kill -TERM "$pid"
	wait "$!"
}

@test "a second start says who holds the data even when the port is taken too" {
	start
	run "$KBROKERD" -X log.dirs="$data" -X "listeners=PLAINTEXT://localhost:$port"
	[ "$status" -eq 1 ]
	[[ $output == *"is in use by process $pid" ]]
}

# Signals and the log

@test "SIGHUP takes what may change, says what needs a restart, reopens the log" {
	conf=$BATS_TEST_TMPDIR/conf log=$BATS_TEST_TMPDIR/log
	echo 'max.connections=100' >"$conf"
	start -F "$conf" --log-file "$log"
	mv "$log" "$log.1"
	printf 'max.connections=200\nnum.partitions=7\nadvertised.listeners=PLAINTEXT://told.example:99\n' >"$conf"
	kill -HUP "$pid"
	wait_for "$log" 'changed settings are in effect'
	grep -q 'msg="changed settings that need a restart" keys=num.partitions' "$log"
	grep -q 'keys=max.connections,advertised.listeners\|keys=advertised.listeners,max.connections' "$log"
	# Metadata 1 of no topics tells host and port of the broker.
	[[ $(ask '\0\0\0\x0e\0\x03\0\x01\0\0\0\x07\xff\xff\0\0\0\0' 44) == *"$(printf told.example | od -An -tx1 | tr -d ' \n')00000063"* ]]
	# A file that is wrong changes nothing.
	echo 'num.partitions=none' >"$conf"
	kill -HUP "$pid"
	wait_for "$log" 'the settings stay as they were'
	is_serving
	stop
	run ! grep -q stopped "$log.1"
	grep -q stopped "$log"
}

@test "SIGUSR1 tells how things stand" {
	start --topic t:3
	kill -USR1 "$pid"
	wait_for "$err" 'state of a listener'
	grep -Eq 'msg=state connections=0 topics=1 partitions=3 metadata_offset=[0-9]+ metadata_epoch=1 resident_bytes=[0-9]+' "$err"
	grep -q 'msg="state of a thread" thread=0' "$err"
	stop
}

@test "levels may be those of one subsystem" {
	start --log-level error --log-level broker=info
	stop
	grep -q 'sub=broker msg=stopped' "$err"
	run "$KBROKERD" -t --log-level partitions=debug
	[ "$status" -eq 2 ]
	[ "$output" = "kbrokerd: error: --log-level: there is no subsystem 'partitions'" ]
	run "$KBROKERD" -t --log-level loud
	[ "$status" -eq 2 ]
	[[ $output == *"'loud' is not one of error, warn, info, debug" ]]
}

@test "the journal gets priorities, and nobody else" {
	JOURNAL_STREAM=1:1 start
	stop
	[[ $(head -c 3 "$err") == ts=* ]]
	: >"$err"
	JOURNAL_STREAM=$(stat -c %d:%i "$err") start
	stop
	[ "$(grep -c '^<6>ts=' "$err")" -eq "$(wc -l <"$err")" ]
}

@test "an error that a client gets is told once, with client, API and topic" {
	start -X auto.create.topics.enable=false
	for i in 1 2 3; do
		# Metadata 1 of client c, for topic no
		ask '\0\0\0\x13\0\x03\0\x01\0\0\0\x07\0\x01c\0\0\0\x01\0\x02no' 10 >/dev/null
	done
	stop
	[ "$(grep -c 'msg="a client got an error"' "$err")" -eq 1 ]
	grep -q 'error=UNKNOWN_TOPIC_OR_PARTITION api=Metadata topic=no client=c peer=127.0.0.1:' "$err"
}

# systemd

# Take what a broker tells systemd: a line for each datagram, in $told.
listen_for_notices() {
	told=$BATS_TEST_TMPDIR/told
	python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.write(1, b"bound\n")
while True:
    os.write(1, s.recv(4096).replace(b"\n", b" ") + b"\n")
' "$BATS_TEST_TMPDIR/notify" >"$told" 3>&- &
	pids+=($!)
	wait_for "$told" bound
}

@test "systemd is told of start, reload, life and stop" {
	listen_for_notices
	NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify WATCHDOG_USEC=200000 start
	wait_for "$told" '^READY=1 STATUS=Serving PLAINTEXT://localhost:'
	wait_for "$told" '^WATCHDOG=1 STATUS=.*: 0 connections, 0 topics, 0 partitions'
	kill -HUP "$pid"
	wait_for "$told" '^RELOADING=1 MONOTONIC_USEC=[0-9]'
	stop
	wait_for "$told" '^STOPPING=1'
}

@test "sockets that systemd opened are the listeners, and one serves HTTP" {
	local line ready=$BATS_TEST_TMPDIR/ready http_port

	cat >"$BATS_TEST_TMPDIR/activate" <<-'END'
		import os, socket, sys
		sockets = [socket.create_server(("127.0.0.1", 0)) for _ in "ab"]
		copies = [os.dup(s.fileno()) for s in sockets]
		for i, fd in enumerate(copies):
		    os.dup2(fd, 3 + i)
		os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2",
		                  LISTEN_FDNAMES="PLAINTEXT:http")
		os.execv(sys.argv[1], sys.argv[1:])
	END
	mkfifo "$ready"
	python3 "$BATS_TEST_TMPDIR/activate" "$KBROKERD" --ready-fd 9 \
		-X log.dirs="$data" --port-file "$BATS_TEST_TMPDIR/port" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- 9>"$ready" &
	pid=$!
	pids+=("$pid")
	read -r line <"$ready"
	port=$(<"$BATS_TEST_TMPDIR/port")
	[[ $line == "kbrokerd: ready PLAINTEXT://127.0.0.1:$port cluster="* ]]
	is_serving
	http_port=$(sed -n 's/.*url=http:.*:\([0-9]*\)\/$/\1/p' "$BATS_TEST_TMPDIR/err")
	exec 9<>"/dev/tcp/127.0.0.1/$http_port"
	printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&9
	read -r line <&9
	exec 9>&-
	[[ $line == "HTTP/1."*" 200 "* ]]
	stop
}

@test "the unit files are right" {
	command -v systemd-analyze >/dev/null || skip "no systemd"
	cd "$BATS_TEST_DIRNAME/../../packaging/systemd"
	sed 's,@BINDIR@/kbrokerd,/bin/true,' kbrokerd.service >"$BATS_TEST_TMPDIR/kbrokerd.service"
	cp kbrokerd.socket "$BATS_TEST_TMPDIR"
	run systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/kbrokerd.service" "$BATS_TEST_TMPDIR/kbrokerd.socket"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run systemd-analyze security --offline=yes --threshold=15 "$BATS_TEST_TMPDIR/kbrokerd.service"
	[ "$status" -eq 0 ]
}

# Topics

@test "--topic has topics there when it is ready, and makes them grow" {
	start --topic orders:3,retention.ms=1000 --topic plain
	kill -USR1 "$pid"
	wait_for "$err" 'msg=state '
	grep -q 'topics=2 partitions=4' "$err"
	stop
	start --topic orders:5 --topic plain:1 # the rest stays
	kill -USR1 "$pid"
	wait_for "$err" 'msg=state '
	grep -q 'topics=2 partitions=6' "$err"
	stop
	start --topic orders:2
	grep -q 'a topic has more partitions than are wanted; none is taken away" topic=orders partitions=5 wanted=2' "$err"
	stop
}

@test "topics.conf has a topic a line, and SIGHUP reads it again" {
	topics=$BATS_TEST_TMPDIR/topics.conf
	printf '# ours\none:2\n' >"$topics"
	start -X topics.file="$topics"
	grep -q 'msg="creating a topic that is wanted" topic=one partitions=2' "$err"
	echo 'two,cleanup.policy=compact,delete' >>"$topics"
	kill -HUP "$pid"
	wait_for "$err" 'msg="creating a topic that is wanted" topic=two'
	stop
}

@test "a topic that cannot be is refused before anything is served" {
	run "$KBROKERD" -t --topic 'orders:many'
	[ "$status" -eq 2 ]
	[ "$output" = "kbrokerd: error: --topic 'orders:many': should be NAME[:PARTITIONS][,KEY=VALUE...]" ]
	run "$KBROKERD" -X log.dirs="$data" -X listeners=PLAINTEXT://localhost:0 \
		-X http.listeners=off --topic 'orders,retention.ms=soon'
	[ "$status" -eq 1 ]
	[[ $output == *"kbrokerd: error: topic 'orders': INVALID_CONFIG: "* ]]
}

# Data

@test "data of a newer format is refused with both versions" {
	start
	stop
	sed -i 's/^version=1/version=3/' "$data/meta.properties"
	run "$KBROKERD" -X log.dirs="$data" -X listeners=PLAINTEXT://localhost:0 -X http.listeners=off
	[ "$status" -eq 1 ]
	[[ $output == *"$data is of version 3 (meta.properties), and this kbrokerd knows 1: "* ]]
}
