#!/usr/bin/env bats
# kconsume -G: members of a group share what there is, and leave in order.
# Which records are committed when is tested in kconsume-commit.bats.

load helper

# member NAME OPTION...: in the background, its records in NAME.out and what it
# says in NAME.err; its id in $pid
member() {
	local name=$1

	shift
	start kconsume -G app -u -v "$@" >"$name.out" 2>"$name.err"
}

# settled NAME COUNT [N]: until NAME was told of so many new partitions, N times
settled() {
	wait_for_line "$1.err" "generation .* $2 new partitions" "${3:-1}"
}

# stop PID: in order
stop() {
	kill -TERM "$1"
	reap "$1" 143
}

lines() {
	cat "$@" | wc -l
}

# in_each N: N numbers to each of the four partitions
in_each() {
	local p

	for p in 0 1 2 3; do
		seq $((p * 1000 + 1)) $((p * 1000 + $1)) |
			kproduce -t "$topic" -p "$p"
	done
}

# quick: heartbeats that do not make a test wait
quick=(-X heartbeat.interval.ms=100)

# A broker whose groups do not wait: for more members, for a next heartbeat.
start_quick_broker() {
	start_broker -X group.initial.rebalance.delay.ms=0 \
		-X group.min.session.timeout.ms=100 \
		-X group.consumer.min.heartbeat.interval.ms=100 \
		-X group.consumer.heartbeat.interval.ms=100
}

# What to read

@test "-G reads all partitions, goes on where it was, and leaves nothing" {
	start_quick_broker
	new_topic 4
	in_each 100
	for protocol in classic consumer auto; do
		expect 0 kconsume -G "$protocol" -X "group.protocol=$protocol" \
			-o beginning --only-new -e "$topic"
		expect_same "$(sort -n <<<"$output" | md5sum)" \
			"$(for p in 0 1 2 3; do seq $((p * 1000 + 1)) $((p * 1000 + 100)); done | md5sum)"
		# stored: nothing is left
		expect 0 kconsume -G "$protocol" -X "group.protocol=$protocol" \
			-o beginning --only-new -e "$topic"
		expect_same "$output" ""
		expect_same "$(kgroups members "$protocol")" ""
	done
}

@test "-o really seeks; stored and auto.offset.reset do not" {
	start_quick_broker
	new_topic
	seq 0 9 | kproduce -t "$topic"
	from() { # GROUP WANTED OPTION...
		local group=$1 wanted=$2

		shift 2
		expect 0 kconsume -G "$group" -e "$@" "$topic"
		expect_same "$(tr '\n' ' ' <<<"$output")" "$wanted "
	}
	from a "" # latest
	from b "0 1 2 3 4 5 6 7 8 9" -X auto.offset.reset=earliest
	from b "" -o stored
	from b "8 9" -o 8
	from b "7 8 9" -o -3
	from b "9" -o +9
	from b "5 6 7 8 9" -o 0=5
	from b "" --only-new -o beginning
	from c "0 1 2 3 4 5 6 7 8 9" --only-new -o beginning
	expect 1 kconsume -G d -e -X auto.offset.reset=error "$topic"
	expect_text "$stderr" "has stored no offset for topic '$topic' partition 0"
}

@test "topics by name, with -t and by pattern, in both protocols" {
	start_quick_broker
	name_topic
	for n in a b c; do
		echo "$n" | kproduce -t "$topic.$n" --create=1
	done
	for protocol in classic consumer; do
		all=(kconsume -X "group.protocol=$protocol" -o beginning -c 2)
		expect 0 "${all[@]}" -G "1$protocol" "$topic.a" -t "$topic.c"
		expect_same "$(sort <<<"$output")" $'a\nc'
		expect 0 "${all[@]}" -G "2$protocol" "^$topic.[bc]"
		expect_same "$(sort <<<"$output")" $'b\nc'
		expect 0 "${all[@]}" -G "3$protocol" "$topic.a" "^$topic.b\$"
		expect_same "$(sort <<<"$output")" $'a\nb'
	done
}

@test "a pattern finds topics that are made later" {
	start_quick_broker
	name_topic
	kproduce -t "$topic.a" --create=1 </dev/null
	member one -X group.protocol=classic -X metadata.max.age.ms=100 \
		"${quick[@]}" -o beginning "^$topic"
	settled one 1
	echo late | kproduce -t "$topic.b" --create=1
	wait_for_line one.out late
	stop "$pid"
}

# while_away COMMAND...: what the member cannot see before it is over
while_away() {
	kill -STOP "$pid"
	"$@"
	kill -CONT "$pid"
}

grow_and_fill() {
	ktopics partitions "$topic" 3
	printf 'new%s\n' 1 | kproduce -t "$topic" -p 1
	printf 'new%s\n' 2 | kproduce -t "$topic" -p 2
}

@test "partitions that come later are read from their beginning" {
	start_quick_broker
	for protocol in classic consumer; do
		for option in "" "-o end" "-o -1"; do
			new_topic
			seq 3 | kproduce -t "$topic"
			rm -f one.out one.err
			# shellcheck disable=SC2086 # it is words
			member one -X "group.protocol=$protocol" \
				-X metadata.max.age.ms=100 "${quick[@]}" \
				$option "$topic"
			settled one 1
			[ "$option" != "-o -1" ] || wait_for_line one.out '^3$'
			while_away grow_and_fill
			wait_for_line one.out new1
			wait_for_line one.out new2
			stop "$pid"
			# what was there before: as was asked for
			expect_same "$(grep -vc new one.out)" \
				"$([ "$option" = "-o -1" ] && echo 1 || echo 0)"
		done
	done
}

@test "a partition that comes later: stored, -o for it, or error are first" {
	start_quick_broker
	new_topic
	member one -X "group.protocol=consumer" "${quick[@]}" -o 1=1 "$topic"
	settled one 1
	while_away grow_and_fill
	wait_for_line one.out new2
	stop "$pid"
	run cat one.out
	expect_same "$output" new2

	new_topic
	member two -X "group.protocol=consumer" "${quick[@]}" \
		-X auto.offset.reset=latest -o stored "$topic"
	settled two 1
	while_away grow_and_fill
	wait_for_line two.out new2
	stop "$pid"

	new_topic
	kproduce -t "$topic" </dev/null
	expect 0 kconsume -G app -e "$topic" # stored
	start kconsume -G app -X auto.offset.reset=error -v "${quick[@]}" \
		-X "group.protocol=consumer" "$topic" >three.out 2>three.err
	settled three 1
	while_away grow_and_fill
	reap "$pid" 1
	wait_for_line three.err "has stored no offset for topic '$topic'"
}

@test "a topic that comes to match a pattern is read from its beginning" {
	start_quick_broker
	fill_late() {
		echo late | kproduce -t "$topic.b" --create=1
	}
	for protocol in classic consumer; do
		name_topic
		echo early | kproduce -t "$topic.a" --create=1
		rm -f one.out one.err
		member one -X "group.protocol=$protocol" \
			-X metadata.max.age.ms=100 "${quick[@]}" "^$topic"
		settled one 1
		while_away fill_late
		wait_for_line one.out late
		stop "$pid"
		expect_same "$(cat one.out)" late
	done
}

@test "where a group begins it goes on: nothing between two runs is lost" {
	start_quick_broker
	new_topic 2
	echo before | kproduce -t "$topic" -p 0
	for protocol in classic consumer; do
		expect 0 kconsume -G "$protocol" -X "group.protocol=$protocol" \
			-e "$topic"
		[ -z "$output" ]
	done
	printf 'a\n' | kproduce -t "$topic" -p 0
	printf 'b\n' | kproduce -t "$topic" -p 1
	for protocol in classic consumer; do
		expect 0 kconsume -G "$protocol" -X "group.protocol=$protocol" \
			-e "$topic"
		[ "$(sort <<<"$output")" = $'a\nb' ]
	done
}

@test "where a group begins is committed although nothing is read" {
	start_quick_broker
	new_topic
	echo before | kproduce -t "$topic"
	start kconsume -G app "$topic"
	expect 0 kgroups wait app --lag 0
	stop "$pid"
}

@test "-c ends after that many, and the next member goes on behind them" {
	start_quick_broker
	new_topic
	seq 1 9 | kproduce -t "$topic"
	expect 0 kconsume -G app -X auto.offset.reset=earliest -c 3 "$topic"
	expect_same "$output" $'1\n2\n3'
	expect 0 kconsume -G app -X auto.offset.reset=earliest -c 3 "$topic"
	expect_same "$output" $'4\n5\n6'
}

@test "--commit none leaves no trace" {
	start_quick_broker
	new_topic
	seq 1 3 | kproduce -t "$topic"
	for _ in 1 2; do
		expect 0 kconsume -G app --commit none -e \
			-X auto.offset.reset=earliest "$topic"
		expect_same "$output" $'1\n2\n3'
	done
}

# Members come and go

# share NAME-OF-ASSIGNOR OPTION...: one member, then two, then the other
share() {
	local assignor=$1 one two wait_one=1

	shift
	new_topic 4
	member one --assignor "$assignor" "${quick[@]}" "$@" "$topic"
	one=$pid
	settled one 4
	member two --assignor "$assignor" "${quick[@]}" "$@" "$topic"
	two=$pid
	settled two 2
	wait_for_line one.err 'to give up'
	[ "$assignor" != range ] && [ "$assignor" != roundrobin ] &&
		[ "$assignor" != sticky ] || settled one 2
	in_each 50
	wait_for_line one.out '^' 100
	wait_for_line two.out '^' 100
	expect_same "$(sort -u one.out two.out | wc -l)" 200
	# who leaves does so at once: nobody waits for a session to end
	stop "$one"
	settled two '[24]' 2
	in_each 50
	wait_for_line two.out '^' 300
	stop "$two"
	expect_same "$(lines one.out two.out)" 400
}

@test "who is thrown out before anything is stored begins again at -o" {
	start_quick_broker
	new_topic
	echo old | kproduce -t "$topic"
	member one --commit none -o beginning -X group.protocol=classic \
		-X session.timeout.ms=1000 "${quick[@]}" "$topic"
	wait_for_line one.out old
	kill -STOP "$pid"
	kgroups wait app --state empty --timeout 60
	echo new | kproduce -t "$topic"
	kill -CONT "$pid"
	wait_for_line one.out new
	stop "$pid"
	# once more at least: a slow machine throws it out more often
	[ "$(grep -c old one.out)" -ge 2 ]
}

@test "two members share: range, then all goes to the other" {
	start_quick_broker
	share range -X group.protocol=classic
}

@test "two members share: cooperative-sticky, then all goes to the other" {
	start_quick_broker
	share cooperative-sticky -X group.protocol=classic
}

@test "two members share: uniform, then all goes to the other" {
	start_quick_broker
	share uniform
}

@test "a group of classic members is joined as one" {
	start_quick_broker
	new_topic 2
	member one -X group.protocol=classic "${quick[@]}" "$topic"
	local one=$pid
	settled one 2
	member two "${quick[@]}" "$topic"
	settled two 1
	expect_text "$(cat two.err)" "(classic)"
	stop "$pid"
	stop "$one"
}

@test "a static member comes back to its place without a rebalance" {
	start_quick_broker
	new_topic 2
	member one -X group.protocol=classic --instance-id i1 "${quick[@]}" "$topic"
	local one=$pid
	settled one 2
	stop "$one"
	# its place is kept: nobody said goodbye
	expect_text "$(kgroups members app)" "i1"
	member again -X group.protocol=classic --instance-id i1 "${quick[@]}" "$topic"
	settled again 2
	expect_text "$(cat again.err)" "generation 1,"
	stop "$pid"
}

@test "a second of the same instance fences the first" {
	start_quick_broker
	new_topic
	member one -X group.protocol=classic --instance-id i1 "${quick[@]}" "$topic"
	local one=$pid
	settled one 1
	member two -X group.protocol=classic --instance-id i1 "${quick[@]}" "$topic"
	reap "$one" 1
	expect_text "$(cat one.err)" "FENCED_INSTANCE_ID"
	stop "$pid"
}

# The end

@test "a reader that goes ends it by SIGPIPE, and it leaves the group" {
	start_quick_broker
	new_topic
	mkfifo out
	exec 6<>out
	seq 1 5 | kproduce -t "$topic"
	start kconsume -G app -o beginning "$topic" >out
	read -r -t 20 line <&6
	[ "$line" = 1 ]
	exec 6<&-
	reap "$pid" 141
	expect_same "$(kgroups members app)" ""
}

@test "a signal ends it in order: it commits, leaves and dies of it" {
	start_quick_broker
	new_topic
	seq 1 5 | kproduce -t "$topic"
	for signal in INT:130 TERM:143 HUP:129; do
		start kconsume -G "g$signal" -o beginning --only-new "$topic" >out
		wait_for_line out 5
		kill "-${signal%:*}" "$pid"
		reap "$pid" "${signal#*:}"
		expect_same "$(kgroups members "g$signal")" ""
		expect 0 kconsume -G "g$signal" -o beginning --only-new -e "$topic"
		expect_same "$output" ""
	done
}

@test "while the reader takes nothing the member lives, and says so" {
	start_quick_broker
	new_topic
	seq 1 200000 | kproduce -t "$topic"
	mkfifo out
	exec 6<>out
	start kconsume -G app -X group.protocol=classic -o beginning \
		-X session.timeout.ms=10000 -X heartbeat.interval.ms=100 \
		-X max.poll.interval.ms=1500 -e "$topic" >out 2>err
	# longer than a session: without heartbeats it would be over
	wait_for_line err 'the reader of stdout has taken nothing for 1.5s' 7
	expect_text "$(kgroups members app)" "kspool"
	head -c "$(seq 1 200000 | wc -c)" <&6 >all &
	local reader=$!
	started_pids+=("$reader")
	reap "$reader"
	reap "$pid"
	exec 6<&-
	[ "$(grep -c 'taken this member for dead' err)" = 0 ]
	cmp all <(seq 1 200000)
}

@test "a broker that dies and comes back keeps the member" {
	start_quick_broker
	new_topic
	member one -o beginning "$topic" -m 30
	settled one 1
	echo before | kproduce -t "$topic"
	wait_for_line one.out before
	kill_broker
	start_quick_broker
	echo after | kproduce -t "$topic"
	wait_for_line one.out after
	stop "$pid"
	expect_same "$(cat one.out)" $'before\nafter'
}

@test "who starts at the end since nothing is stored is told the way out" {
	local hint="has stored nothing for"

	start_quick_broker
	new_topic 2
	seq 3 | kproduce -t "$topic"
	expect 0 kconsume -G quiet -e "$topic"
	expect_same "$stderr" ""
	expect 0 kconsume -G app -e -v "$topic"
	expect_same "$(grep -c "$hint" <<<"$stderr")" 1
	expect_text "$stderr" "group 'app' $hint $topic 0 1: starts at the end \
(auto.offset.reset=latest); -o beginning --only-new reads all"
	# now there is something stored; or it is what was asked for
	expect 0 kconsume -G app -e -v "$topic"
	[[ $stderr != *"$hint"* ]]
	expect 0 kconsume -G asked -e -v -o end "$topic"
	[[ $stderr != *"$hint"* ]]
	expect 0 kconsume -G first -e -v -X auto.offset.reset=earliest "$topic"
	[[ $stderr != *"$hint"* ]]
}

@test "--timeout tells of a broker that is gone" {
	start_quick_broker
	new_topic
	member one --timeout 1000 -m 1000 "${quick[@]}" "$topic"
	wait_for_line one.err "has $topic 0"
	kill_broker
	wait_for_line one.err "info: broker 1"
	kill -ALRM "$pid" # as if the time were over
	reap "$pid" 3
	expect_text "$(cat one.err)" "not done after 16m 40s (--timeout); "
	tail -n 1 one.err |
		grep -E '(broker 1 |cannot reach any of ).*, for [0-9].*s$'
}

# What is wrong

@test "-G refuses what makes no sense" {
	refused() { # TEXT OPTION...
		local text=$1

		shift
		expect 2 kconsume "$@"
		expect_text "$stderr" "$text"
	}
	refused "no topic" -G app
	refused "-p goes without -G" -G app -p 1 t
	refused "-n goes without -G" -G app -n 1 t
	refused "a second place to start" -G app -o stored -o 5 t
	refused "--only-new goes with -o" -G app --only-new t
	refused "go with -G" --instance-id x -t t
	refused "given as operands with -G" t
	refused "no such assignor" -G app -X partition.assignment.strategy=best t
	refused "topic pattern '^(': missing" -G app '^('
	refused "topic pattern '^[': missing" -G app '^good' '^['
}

@test "a topic that is not there is exit 5, a broker that is not there exit 3" {
	start_quick_broker
	name_topic
	expect 5 kconsume -G app -e "$topic"
	expect_text "$stderr" "$topic"
	stop_broker
	expect 3 kconsume -G app -m 0.2 -e "$topic"
}
