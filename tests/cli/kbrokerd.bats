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

# End it in order; its status is the function's.
stop() {
	kill -TERM "$pid"
	wait "$pid"
}

# Send the bytes that printf makes of $1, print the answer in hex.
ask() {
	exec 9<>"/dev/tcp/127.0.0.1/$port"
	printf "$1" >&9
	timeout 5 head -c "$2" <&9 | od -An -v -tx1 | tr -d ' \n'
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
	run timeout 5 tail --pid="$pid" -f /dev/null
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
	[[ $output == "kbrokerd: error: $data holds files but no meta.properties"* ]]
	[ "$(cat "$data/letter.txt")" = precious ]
	[ ! -e "$data/meta.properties" ]
}

@test "a directory of another node is refused" {
	start -X node.id=4
	stop
	run "$KBROKERD" -X log.dirs="$data" -X node.id=5 -X listeners=PLAINTEXT://localhost:0
	[ "$status" -eq 1 ]
	[[ $output == *"$data belongs to node 4 of cluster "* ]]
	start # without node.id the directory's is taken
	stop
}

@test "a port in use is refused" {
	start
	run "$KBROKERD" -X log.dirs="$data.2" -X "listeners=PLAINTEXT://localhost:$port"
	[ "$status" -eq 1 ]
	[ "$output" = "kbrokerd: error: cannot listen on PLAINTEXT://localhost:$port: Address already in use" ]
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
	kill -TERM "$pid"
	until grep -q msg=stopping "$err"; do kill -0 "$pid"; done
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 143 ]
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
	run timeout 5 cat "$BATS_TEST_TMPDIR/ready"
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
	[[ $output == *"type: ulimit -Hn 4096" ]]
}

@test "what a bad client sends is told once, and hurts nobody else" {
	start
	exec 8<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET / HTTP/1.1\r\n\r\n' >&8
	[ "$(timeout 5 cat <&8 | wc -c)" -eq 0 ]
	exec 8>&-
	is_serving
	[ "$(grep -c 'msg="connection closed"' "$err")" -eq 1 ]
	grep -q 'why="request of 1195725856 bytes, socket.request.max.bytes is 104857600" peer=127.0.0.1:' "$err"
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
