#!/usr/bin/env bats
# kgroups: what a user types, what comes out, and with which status.
#
# A group without members is made by committing for it; one with members is a
# kconsume -G in the background.

load helper

TERMINAL=$BATS_TEST_DIRNAME/terminal.py

# new_group [OFFSET...]: $group, which has committed these for the partitions
# of $topic from 0 on.
new_group() {
	local partition=0 offset

	group=g-$topic
	for offset in "$@"; do
		echo "$group,$topic,$((partition++)),$offset"
	done | kgroups import --undo made.csv >/dev/null
}

# fill N: so many records, "1" to N, into partition 0 of $topic.
fill() {
	seq "$1" | kproduce -t "$topic" -p 0
}

# join [OPTION...]: a member of $group that reads $topic; its id in $pid.
join_group() {
	group=${group:-g-$topic}
	start kconsume -G "$group" "$topic" "$@" >>read 2>>errors
	kgroups wait "$group" --members 1 --state stable --timeout 30
}

leave_group() {
	kill -TERM "$pid"
	reap "$pid" 143
}

# Without a broker: the command line

@test "a command line that makes no sense is a usage error that says so" {
	expect 2 kgroups
	expect_text "$stderr" "kgroups: error: a verb is missing: one of list, describe, members, lag, why, check, wait"
	expect 2 kgroups lagg
	expect_same "$stderr" "kgroups: error: unknown verb 'lagg'; did you mean 'lag'?"
	expect 2 kgroups wait app
	expect_same "$stderr" "kgroups: error: wait for what? --lag N, --state STATE or --members N"
	expect 2 kgroups reset app -t orders
	expect_text "$stderr" "kgroups: error: --to says where: earliest, latest"
	expect 2 kgroups reset app --to earliest
	expect_same "$stderr" "kgroups: error: of which partitions? -t TOPIC, -t TOPIC:0,1 or --all-topics"
	expect 2 kgroups reset app --to soon -t orders
	expect_same "$stderr" "kgroups: error: --to: 'soon' is not earliest, latest, current, N, +N, -N, a time, group:G or file:F"
	expect 2 kgroups reset app --to latest -t orders --all-topics
	expect_same "$stderr" "kgroups: error: -t or --all-topics, not both"
	expect 2 kgroups lag app -t orders:x
	expect_same "$stderr" "kgroups: error: -t: 'orders:x' is not TOPIC or TOPIC:0,2-5"
	expect 2 kgroups lag app -t orders:5-2
	expect 2 kgroups lag app --watch=soon
	expect_same "$stderr" "kgroups: error: --watch: 'soon' is not a duration, such as 2s"
	expect 2 kgroups lag app -o group,lagg
	expect_same "$stderr" "kgroups: error: -o: no column 'lagg'; did you mean 'lag'?"
	expect 2 kgroups skip app -t a -t b -p 0
	expect_same "$stderr" "kgroups: error: skip wants one topic: -t TOPIC"
	expect 2 kgroups skip app -t a
	expect_same "$stderr" "kgroups: error: skip wants a partition: -p N"
	expect 2 kgroups skip app -t a -p 0 --to-dlq a
	expect_same "$stderr" "kgroups: error: --to-dlq: 'a' is the topic itself"
	expect 2 kgroups forget app
	expect_same "$stderr" "kgroups: error: forget which topics? -t TOPIC"
	expect 2 kgroups forget app -t orders
	expect_same "$stderr" "kgroups: error: forgetting asks first, and stdin is no terminal; -y says yes"
	expect 2 kgroups delete app </dev/null
	expect_same "$stderr" "kgroups: error: deleting asks first, and stdin is no terminal; -y says yes"
	expect 2 kgroups delete app app -y
	expect_same "$stderr" "kgroups: error: group 'app' is named twice"
	expect 2 kgroups list '~('
}

@test "a broker that is not there is 3, of check too" {
	expect 3 kgroups list -b 127.0.0.1:1 -m 1
	expect 3 kgroups lag app -b 127.0.0.1:1 -m 1
	expect 3 kgroups wait app --lag 0 -b 127.0.0.1:1 -m 1 --timeout 1
	expect_text "$stderr" "(--timeout)"
	expect 3 kgroups check app -b 127.0.0.1:1 -m 1
	expect_text "$output" "LAG UNKNOWN - cannot reach any of 127.0.0.1:1"
}

# Looking

@test "list: names, states, types and patterns" {
	start_broker
	new_topic 2
	fill 10
	new_group 3 0
	expect 0 kgroups list "$group"
	expect_same "$output" "$group"
	expect 0 kgroups list -l --header "g-$topic*"
	expect_same "$output" "group	state	type	protocol	coordinator	members	lag
$group	Empty	simple		$(kgroups list "$group" -o coordinator)	0	7"
	expect 0 kgroups list "~^$group\$" --state EMPTY,dead --type simple
	expect_same "$output" "$group"
	expect 0 kgroups list "$group" --state stable
	expect_same "$output" ""
	expect 5 kgroups list "$group-none"
	expect_same "$stderr" "kgroups: error: group '$group-none' does not exist"
	expect 5 kgroups list "$group-none*"
	expect_same "$stderr" "kgroups: error: no group matches '$group-none*'"
	expect 0 kgroups list "$group" -J -o group,state
	expect_same "$output" "{\"group\":\"$group\",\"state\":\"Empty\"}"
}

@test "list: many groups, each once, with their lag" {
	start_broker
	new_topic
	fill 9
	for i in $(seq 1200); do
		echo "$topic-$i,$topic,0,$((i % 10))"
	done | kgroups import -m 60 --undo made.csv >rows
	[ "$(grep -c 'true	$' rows)" -eq 1200 ]
	[ "$(kgroups list "$topic-*" | sort -u | wc -l)" -eq 1200 ]
	[ "$(kgroups list -l "$topic-*" | awk '{n += $NF} END {print n}')" -eq 5400 ]
}

@test "describe and members: a group with a member" {
	start_broker
	new_topic 2
	fill 3
	join_group -o beginning --commit none -X client.id=me
	expect 0 kgroups describe "$group" -o group,state,members,partitions
	expect_same "$output" "$group	Stable	1	2"
	expect 0 kgroups members "$group" -o group,client_id,host,partitions,assigned,subscribed
	expect_same "$output" "$group	me	127.0.0.1	2	$topic:0,1	$topic"
	kgroups describe "$group" -J >described
	expect_same "$(jq -c '[.members[0].client_id, .members[0].assigned[], .members[0].topics[]]' described)" \
		"[\"me\",[0,1],\"$topic\"]"
	expect_same "$(jq -c '[.partitions[] | [.partition, .end, .lag]]' described)" "[[0,3,3],[1,0,0]]"
	expect 0 kgroups list -l "$group" -o state,members,lag
	expect_same "$output" "Stable	1	3"
	leave_group
	expect 5 kgroups describe "$group-none"
	expect_same "$stderr" "kgroups: error: group '$group-none' does not exist"
}

@test "lag: from the committed offset to the end, never below 0" {
	start_broker
	new_topic 3
	fill 10
	new_group 4 0
	expect 0 kgroups lag "$group" --header
	expect_same "$output" "group	topic	partition	committed	start	end	lag	time_lag	rate	eta	member	host	lost
$group	$topic	0	4	0	10	6						0
$group	$topic	1	0	0	0	0	0		0			0"
	expect 0 kgroups lag "$group" -t "$topic:0" -J -o partition,lag,eta
	expect_same "$output" '{"partition":0,"lag":6,"eta":null}'
	expect 0 kgroups lag "$group" --by group -o group,partitions,lag
	expect_same "$output" "$group	2	6"
	expect 0 kgroups lag "$group" --by topic -o topic,partitions,lag
	expect_same "$output" "$topic	2	6"
	# What is gone was lost, and does not wait.
	ktopics trim "$topic" -p 0 --offset 7 -y
	expect 0 kgroups lag "$group" -t "$topic:0" -o committed,start,end,lag,lost
	expect_same "$output" "4	7	10	3	3"
	ktopics trim "$topic" -p 0 --offset 10 -y
	expect 0 kgroups lag "$group" -t "$topic:0" -o lag,lost
	expect_same "$output" "0	6"
	expect 5 kgroups lag "$group-none"
	for verb in lag export; do
		expect 5 kgroups "$verb" "$group" -t "$topic-none"
		expect_text "$stderr" "nothing is committed where -t looks"
	done
}

# Java makes U+FFFD of such bytes.
# bats test_tags=kbrokerd
@test "a group whose name is any bytes can be told from others, and fed back" {
	start_broker
	new_topic
	fill 10
	group=$'b\xff\xfed'
	echo "$group,$topic,0,4" | kgroups import --undo made.csv >/dev/null
	expect 0 kgroups lag "$group" -J -o group,lag
	expect_same "$output" '{"group":"Yv/+ZA==","group_enc":"b64","lag":6}'
	expect_same "$(kgroups describe "$group" -J | jq -c '[.group, .group_enc]')" '["Yv/+ZA==","b64"]'
	kgroups export "$group" -J >exported
	kgroups reset "$group" -t "$topic" --to 2 -J >plan
	expect 0 kgroups apply plan --undo back.csv
	expect_same "$(kgroups lag "$group" -o group,committed)" "$group	2"
	expect 0 kgroups import exported --undo back.csv
	expect_same "$(kgroups lag "$group" -o committed)" 4
	expect 6 kgroups apply <<<'{"group":"Yv!","group_enc":"b64","topic":"t","partition":0,"to":1}'
	expect_same "$stderr" 'kgroups: error: stdin:1: "group" is not base64 of a name; nothing changed'
	expect 6 kgroups apply <<<'{"group":"Yv","group_enc":"hex","topic":"t","partition":0,"to":1}'
	expect_same "$stderr" 'kgroups: error: stdin:1: "group_enc" is not b64; nothing changed'
}

@test "lag --time: how long the first record waits, by its own timestamp" {
	start_broker
	new_topic 2
	now=$(date +%s%3N)
	printf '{"payload":"a","ts":%s}\n{"payload":"b","ts":%s}\n' \
		$((now - 7200000)) $((now - 3600000)) |
		kproduce -J -t "$topic" -p 0
	new_group 1 0
	kgroups lag "$group" --time -o time_lag >lag
	read -r first <lag
	[ "$first" -ge 3600000 ]
	[ "$first" -lt 3900000 ]
	expect_same "$(tail -1 lag)" 0
	expect 0 kgroups lag "$group" -o time_lag -t "$topic:0"
	expect_same "$output" ""
}

@test "lag --watch: blocks with their time on a pipe, rates from the second on" {
	start_broker
	new_topic
	fill 10
	new_group 4
	kgroups lag "$group" --watch=100ms --count 3 --header >out
	[ "$(wc -l <out)" -eq 4 ]
	[ "$(grep -c '^group' out)" -eq 1 ]
	[ "$(cut -f 14 out | tail -n +2 | sort -u | wc -l)" -eq 3 ]
	expect_same "$(cut -f 9 out | tail -n +2 | paste -sd,)" ",0,0"
	kgroups lag "$group" --watch=100ms --count 2 -J >out
	expect_same "$(jq -c '[.lag, .rate]' out | paste -sd' ')" "[6,null] [6,0]"
	expect 0 kgroups lag "$group" --over 100ms -o lag,rate
	expect_same "$output" "6	0"
}

@test "lag --watch: drawn over the last one on a terminal" {
	start_broker
	new_topic
	fill 10
	new_group 4
	run python3 "$TERMINAL" "TOPIC=" "TOPIC=" -- \
		"$BIN/kgroups" lag "$group" --watch=100ms --count 2
	[ "$status" -eq 0 ]
	[ "$(grep -c $'\033\[H\033\[2J' <<<"$output")" -eq 2 ]
}

@test "why: an empty group, and one that does not lag" {
	start_broker
	new_topic
	fill 10
	new_group 4
	expect 0 kgroups why "$group" --over 100ms
	expect_text "$output" "$group	critical	empty	the group has no members: nobody reads, and 6 records wait in 1 partitions"
	new_group 10
	expect 0 kgroups why "$group" --over 100ms -J -o severity,finding
	expect_same "$output" '{"severity":"info","finding":"fine"}'
	expect 5 kgroups why "$group-none" --over 100ms
}

@test "why: a member that commits nothing is stuck" {
	start_broker
	new_topic
	fill 10
	join_group -o beginning --commit none -X client.id=lazy
	expect 0 kgroups why "$group" --over 300ms -o finding,partition,text
	expect_text "$output" "stuck	0	$topic[0]: client lazy at 127.0.0.1 sends heartbeats but has committed nothing"
	leave_group
}

# For scripts

@test "check: one line with figures, and the status of a monitoring plugin" {
	start_broker
	new_topic
	fill 10
	new_group 4
	expect 0 kgroups check "$group" -w 6 -c 8
	expect_same "$output" "LAG OK - $group/$topic[0] lag 6 | lag=6;6;8;0"
	expect 1 kgroups check "$group" -w 5 -c 8
	expect_same "$output" "LAG WARNING - $group/$topic[0] lag 6 | lag=6;5;8;0"
	expect 2 kgroups check "$group" -w 2 -c 5
	expect_same "$output" "LAG CRITICAL - $group/$topic[0] lag 6 | lag=6;2;5;0"
	expect 3 kgroups check "$group-none" -w 5
	expect_same "$output" "LAG UNKNOWN - group $group-none: does not exist"
	expect_same "$stderr" ""
	expect 3 kgroups check "$group" -w 5 -t "$topic-other"
	expect_same "$output" "LAG UNKNOWN - group $group: nothing is committed, and no member has a partition"
	expect 2 kgroups check "$group" -c 5 -J
	expect_same "$(jq -c '[.status, .code, .lag, .partition]' <<<"$output")" '["CRITICAL",2,6,0]'
	expect 3 kgroups check "$group-none" -w 5 -J
	expect_same "$(jq -c '[.status, .code, .lag]' <<<"$output")" '["UNKNOWN",3,null]'
	expect 3 kgroups check "$group-*-none" -w 5
	expect_same "$output" "LAG UNKNOWN - no group matches"
	# The line has one bar, whatever names are.
	echo "a|b,$topic,0,4" | kgroups import >/dev/null
	expect 0 kgroups check "a|b" -w 6
	expect_same "$output" "LAG OK - a?b/$topic[0] lag 6 | lag=6;6;;0"
}

@test "check: records that wait for long, and nothing that commits" {
	start_broker
	new_topic
	printf '{"payload":"a","ts":%s}\n' "$(($(date +%s%3N) - 3600000))" |
		kproduce -J -t "$topic" -p 0
	new_group 0
	expect 1 kgroups check "$group" --time-w 50m --time-c 2h
	expect_text "$output" "LAG WARNING - $group/$topic[0] lag 1 (1h 0m) | lag=1;;;0 time_lag=36"
	expect_text "$output" "s;3000;7200;0"
	[[ $output =~ \ time_lag=36[0-9]{2}\.[0-9]{3}s ]]
	expect 2 kgroups check "$group" --stalled 50m --over 100ms
	expect_text "$output" "(1h 0m), stalled: nothing is committed | "
	expect 0 kgroups check "$group" --stalled 2h --over 100ms
}

# bats test_tags=kbrokerd
@test "looking at a group leaves no warning in the broker's log" {
	start_broker
	new_topic
	fill 3
	for protocol in classic consumer; do
		group=$protocol
		join_group -o beginning -X "group.protocol=$protocol"
		leave_group
		kgroups lag "$group" >/dev/null
		kgroups describe "$group" >/dev/null
	done
	expect 5 kgroups lag none
	expect 5 kgroups delete none -y
	stop_broker
	# Who wants to delete it is told of, so the others would be.
	grep 'level=warn.*GROUP_ID_NOT_FOUND.*api=DeleteGroups' broker.log
	! grep 'level=warn.*GROUP_ID_NOT_FOUND.*api=[A-Za-z]*Describe' broker.log
}

@test "wait: a barrier of lag, state and members" {
	start_broker
	new_topic
	fill 10
	new_group 4
	expect 0 kgroups wait "$group" --lag 6 --state empty --members 0
	expect 3 kgroups wait "$group" --lag 5 --timeout 300ms
	expect_text "$stderr" "$group/$topic[0] lags by 6 records, not 5"
	expect 3 kgroups wait "$group" --members 1 --timeout 300ms
	expect_text "$stderr" "group '$group' has 0 members, not 1"
	expect 3 kgroups wait "$group-none" --lag 0 --timeout 300ms
	expect_text "$stderr" "group '$group-none' is not there"
	expect 3 kgroups wait "$group" --lag 0 -t "$topic-other" --timeout 300ms
	expect_text "$stderr" "group '$group' has committed nothing"
	expect 0 kgroups wait "$group-none" --state dead
	join_group -o stored
	expect 0 kgroups wait "$group" --lag 0 --state stable --timeout 30
	leave_group
	expect 0 kgroups wait "$group" --state empty --timeout 30
	expect_same "$(paste -sd, read)" "5,6,7,8,9,10"
}

# Changing

@test "reset prints a plan and changes nothing; all ways to say where" {
	start_broker
	new_topic 2
	now=$(date +%s%3N)
	for i in 1 2 3 4; do
		printf '{"payload":"%s","ts":%s}\n' "$i" $((now - (5 - i) * 3600000))
	done | kproduce -J -t "$topic" -p 0
	new_group 2 0
	expect 0 kgroups reset "$group" --all-topics --to earliest
	expect_text "$output" "group,topic,partition,from,to,records,from_time,to_time
$group,$topic,0,2,0,-2,20"
	expect_text "$output" "Z
$group,$topic,1,0,0,0,,"
	reset_to() {
		kgroups reset "$group" -t "$topic:0" --to "$1" -J 2>said | jq .to
	}
	[ "$(reset_to latest)" = 4 ]
	[ "$(reset_to current)" = 2 ]
	[ "$(reset_to 3)" = 3 ]
	[ "$(reset_to +1)" = 3 ]
	[ "$(reset_to -1)" = 1 ]
	[ "$(reset_to -3h)" = 2 ]
	[ "$(reset_to "$(date -u -d '-150 minutes' +%Y-%m-%dT%H:%MZ)")" = 2 ]
	[ "$(reset_to now)" = 4 ]
	[ "$(reset_to group:"$group")" = 2 ]
	echo "$topic,0,1" >other
	[ "$(reset_to file:other)" = 1 ]
	[ "$(reset_to 99)" = 4 ]
	expect_same "$(cat said)" "kgroups: warning: $group/$topic[0]: 99 is outside what is there; 4 is taken"
	expect_same "$(kgroups export "$group")" "$group,$topic,0,2
$group,$topic,1,0"
	expect 5 kgroups reset "$group-none" --all-topics --to earliest
	expect 5 kgroups reset "$group" -t "$topic:7" --to earliest
	expect_text "$stderr" "topic '$topic' has no partition 7, only 2"
	# A group that is not there gets offsets for a topic that is named.
	expect 0 kgroups reset "$group-new" -t "$topic" --to latest -J
	expect_same "$(jq -c '[.from, .to]' <<<"$output" | paste -sd' ')" "[null,4] [null,0]"
	expect_same "$stderr" "kgroups: warning: group '$group-new' does not exist yet; apply will make it"
	expect 0 kgroups reset "$group" -t "$topic" --to latest
	expect_same "$stderr" ""
}

@test "apply compares, commits, and writes the way back" {
	start_broker
	new_topic 2
	fill 10
	new_group 4 0
	kgroups reset "$group" -t "$topic:0" --to 7 >plan
	expect 0 kgroups apply plan -n
	expect_same "$output" "$group	$topic	0	4	7	true	"
	expect_same "$(kgroups lag "$group" -t "$topic:0" -o committed)" 4
	expect 0 kgroups apply plan
	expect_same "$output" "$group	$topic	0	4	7	true	"
	expect_same "$(kgroups lag "$group" -t "$topic:0" -o committed)" 7
	back=(kgroups-undo-*.csv)
	[ "${#back[@]}" -eq 1 ]
	# A second time it is not what the plan says any more.
	expect 1 kgroups apply plan -J
	expect_same "$(jq -c '[.ok, .from, .error]' <<<"$output")" '[false,4,"NOT_AS_PLANNED"]'
	expect_same "$stderr" "kgroups: error: $group/$topic[0]: 7 is committed, not 4 as the plan says; --force sets it all the same"
	expect 1 kgroups apply plan -n
	[ "$(ls kgroups-undo-* | wc -l)" -eq 1 ]
	expect 0 kgroups apply "${back[0]}" --undo forth.csv
	expect_same "$(kgroups lag "$group" -t "$topic:0" -o committed)" 4
	expect 0 kgroups apply forth.csv --undo back.csv
	expect_same "$(kgroups lag "$group" -t "$topic:0" -o committed)" 7
	expect 0 kgroups apply plan --force --undo back.csv
}

@test "apply: an empty file is no plan" {
	expect 6 kgroups apply </dev/null
	expect_same "$stderr" "kgroups: error: stdin is empty, not a plan"
}

@test "apply: a plan of another group than -G is bad, all of it" {
	start_broker
	new_topic 2
	fill 10
	new_group 4 0
	printf '%s,0,5\n%s,%s,1,0\n' "$topic" "$group" "$topic" >plan
	expect 6 kgroups apply plan -G "$group-b"
	expect_same "$stderr" "kgroups: error: line 2 of the plan is for group '$group', -G says '$group-b'; nothing changed"
	expect_same "$output" ""
	expect_same "$(kgroups export "$group")" "$group,$topic,0,4
$group,$topic,1,0"
	expect 6 kgroups apply plan -G "$group-b" -n
	expect 0 kgroups apply plan -G "$group" --undo back.csv
	expect_same "$(kgroups export "$group")" "$group,$topic,0,5
$group,$topic,1,0"
}

@test "apply refuses what cannot be meant, row by row" {
	start_broker
	new_topic 2
	fill 10
	new_group 4 0
	printf '%s,0,11\n%s,1,0\nnone-%s,0,0\n' "$topic" "$topic" "$topic" >plan
	expect 1 kgroups apply plan -G "$group" --undo back.csv -o topic,partition,error,code
	expect_text "$output" "$topic	0	OFFSET_OUT_OF_RANGE	1"
	expect_text "$stderr" "$group/$topic[0]: 11 is beyond the end, 10; --force sets it all the same"
	expect_text "$stderr" "$group/none-$topic[0]: "
	expect_same "$(kgroups export "$group")" "$group,$topic,0,4
$group,$topic,1,0"
	# Only what was done is in the way back.
	expect_same "$(tail -n +2 back.csv)" "$group,$topic,1,0,0,0,,"
	expect 6 kgroups apply <<<"$topic,0,1"
	expect_same "$stderr" "kgroups: error: stdin:1: no group is named; -G names one; nothing changed"
	expect 6 kgroups apply -G g <<<"$topic,0,1
$topic,0,2"
	expect_text "$stderr" "$topic[0] is in the plan twice, also in line 2; nothing changed"
	expect 5 kgroups apply nowhere
	expect 1 kgroups apply --undo /nowhere/x <<<"$group,$topic,0,5"
	expect_text "$stderr" "cannot write the way back to '/nowhere/x'"
	expect_same "$(kgroups lag "$group" -t "$topic:0" -o committed)" 4
}

@test "apply: plans of many files are one, or nothing" {
	start_broker
	new_topic 2
	fill 10
	new_group 4 0
	echo "$group,$topic,0,5" >first
	echo "$group,$topic,1,0" >second
	echo "$group,$topic,0,x" >bad
	expect 6 kgroups apply bad second
	expect_text "$stderr" "bad:1: "
	expect_same "$output" ""
	expect 0 kgroups apply first second --undo back.csv
	expect_same "$(cut -f 3 <<<"$output" | paste -sd,)" 0,1
}

@test "apply: a group in use is refused, or waited for" {
	start_broker
	new_topic
	fill 3
	new_group 3
	join_group -o stored
	expect 1 kgroups reset "$group" --all-topics --to 0 --execute --undo back.csv
	expect_text "$stderr" "the group is in use (Stable, members: 1)"
	[ ! -e back.csv ]
	kgroups reset "$group" --all-topics --to 1 >plan
	start kgroups apply plan --wait-empty 60s --undo back.csv >rows
	applying=$pid
	kill -TERM "${started_pids[0]}"
	reap "${started_pids[0]}" 143
	reap "$applying"
	expect_same "$(cat rows)" "$group	$topic	0	3	1	true	"
}

@test "plans of other tools are read" {
	start_broker
	new_topic 4
	fill 10
	group=g-$topic
	printf '"%s",%s,0,3\n%s,1,0\n%s 2 0\n{"topic":"%s","partition":3,"offset":0}\n' \
		"$group" "$topic" "$topic" "$topic" "$topic" |
		kgroups apply -G "$group" --undo back.csv
	expect_same "$(kgroups export "$group" | cut -d, -f3- | paste -sd' ')" "0,3 1,0 2,0 3,0"
	# Back is to nothing at all.
	expect 0 kgroups apply back.csv --undo forth.csv
	expect_same "$(kgroups export "$group" 2>/dev/null)" ""
}

@test "skip copies records that cannot be read, and steps over them" {
	start_broker
	new_topic
	dlq=$topic-dlq
	ktopics create "$dlq"
	printf '{"key":"k%s","payload":"v%s","headers":["h","x"]}\n' 1 1 2 2 3 3 |
		kproduce -J -t "$topic" -p 0
	new_group 1
	expect 0 kgroups skip "$group" -t "$topic" -p 0 --to-dlq "$dlq" -n
	expect_same "$output" "$group	$topic	0	1	2	true	"
	expect_same "$(kconsume -t "$dlq" -e)" ""
	expect 0 kgroups skip "$group" -t "$topic" -p 0 --to-dlq "$dlq" --undo back.csv
	expect_same "$(kgroups lag "$group" -o committed)" 2
	expect_same "$(kconsume -t "$dlq" -e -J | jq -c '[.key, .payload, .headers[0:10]]')" \
		"[\"k2\",\"v2\",[\"h\",\"x\",\"x-origin-group\",\"$group\",\"x-origin-topic\",\"$topic\",\"x-origin-partition\",\"0\",\"x-origin-offset\",\"1\"]]"
	expect 0 kgroups skip "$group" -t "$topic" -p 0 --count 5 --undo more.csv
	expect_text "$stderr" "only 1 records wait, not 5"
	expect 5 kgroups skip "$group" -t "$topic" -p 0
	expect_text "$stderr" "no record waits at 3, the end is 3"
	expect 0 kgroups apply more.csv --undo x.csv
	expect 0 kgroups apply back.csv --undo x.csv
	expect_same "$(kgroups lag "$group" -o committed)" 1
	# Where the copy fails nothing is stepped over.
	expect 5 kgroups skip "$group" -t "$topic" -p 0 --to-dlq "$dlq-none"
	expect_text "$stderr" "nothing is skipped"
	expect_same "$(kgroups lag "$group" -o committed)" 1
}

@test "peek shows the records around the committed offset" {
	start_broker
	new_topic 2
	printf 'a\nb\xff\nc\nd\n' | kproduce -t "$topic" -p 0
	new_group 2 0
	expect 0 kgroups peek "$group" -B 2 -A 1 -o offset,place,value
	expect_same "$output" '0	-2	a
1	-1	b\\xff
2	0	c'
	expect 0 kgroups peek "$group" -o offset,value
	expect_same "$output" "2	c"
	expect 0 kgroups peek "$group" -B 1 -o offset
	expect_same "$output" "1"
	expect 0 kgroups peek "$group" -B 9 -A 9 -t "$topic:1"
	expect_same "$output" ""
	kgroups peek "$group" -B 1 -A 1 -J | kproduce -J -t "$topic" -p 1
	expect_same "$(kconsume -t "$topic" -p 1 -e | sha1sum)" "$(printf 'b\xff\nc\n' | sha1sum)"
	expect 5 kgroups peek "$group-none"
	expect 5 kgroups peek "$group" -t "$topic:5"
}

@test "export, import and clone carry offsets over" {
	start_broker
	new_topic 2
	fill 10
	new_group 4 0
	kgroups export "$group" >offsets
	expect_same "$(cat offsets)" "$group,$topic,0,4
$group,$topic,1,0"
	expect 0 kgroups import offsets -G "$group-b" --undo back.csv
	expect_same "$(kgroups export "$group-b" | cut -d, -f3-)" "$(cut -d, -f3- offsets)"
	expect_same "$(kgroups export "$group" -t "$topic:0" -J | jq -c '[.offset, .metadata]')" '[4,""]'
	expect 0 kgroups clone "$group" "$group-c" --undo back.csv
	expect_same "$(kgroups export "$group-c" | cut -d, -f3-)" "$(cut -d, -f3- offsets)"
	expect 1 kgroups clone "$group" "$group-c" --undo back.csv
	expect_text "$stderr" "4 is committed, not nothing as the plan says"
	expect 0 kgroups clone "$group" "$group-c" --force --undo back.csv
	expect 5 kgroups clone "$group-none" "$group-d"
}

@test "delete and forget: what they take away, and what they refuse" {
	start_broker
	new_topic 2
	fill 10
	new_group 4 0
	expect 0 kgroups forget "$group" -t "$topic:1" -n -y
	expect 0 kgroups forget "$group" -t "$topic:1" -y --undo back.csv
	expect_same "$(kgroups export "$group")" "$group,$topic,0,4"
	expect 0 kgroups apply back.csv --undo forth.csv
	expect_same "$(kgroups export "$group" | wc -l)" 2
	expect 5 kgroups forget "$group" -t "$topic-none" -y
	expect 0 kgroups delete "$group" -n
	expect 0 kgroups delete "$group" -y -J
	expect_same "$output" "{\"group\":\"$group\",\"ok\":true}"
	expect 5 kgroups delete "$group" -y
	expect_same "$stderr" "kgroups: error: group '$group' does not exist"
	expect 5 kgroups delete "$group" -n
	expect 0 kgroups delete "$group" -y --if-exists
	join_group -o beginning --commit none
	expect 1 kgroups delete "$group" -y
	expect_text "$stderr" "NON_EMPTY_GROUP"
	expect 1 kgroups delete "$group" -n
	leave_group
}

@test "delete asks on a terminal" {
	start_broker
	new_topic
	fill 1
	new_group 0
	run python3 "$TERMINAL" "[y/N] =n
" -- "$BIN/kgroups" delete "$group"
	[ "$status" -eq 1 ]
	expect_text "$output" "Delete 1 group and all committed offsets: $group?"
	[ "$(kgroups list "$group")" = "$group" ]
	run python3 "$TERMINAL" "[y/N] =y
" -- "$BIN/kgroups" delete "$group"
	[ "$status" -eq 0 ]
	expect 5 kgroups list "$group"
}

@test "ktopics who: members, groups that only committed, and producers" {
	start_broker
	new_topic 2
	fill 3
	new_group 1 0
	expect 0 ktopics who "$topic" -o role,group,state,partitions
	expect_same "$output" "reader	$group	Empty	0,1
writer			0"
	[ "$(ktopics who "$topic" -J | jq 'select(.role == "writer") | .last_write > 0')" = true ]
	join_group -o beginning --commit none -X client.id=me
	expect 0 ktopics who "$topic" -o role,group,client_id,host,partitions
	expect_same "$output" "reader	$group	me	127.0.0.1	0,1
writer				0"
	leave_group
	expect 5 ktopics who "$topic-none"
}

@test "ktopics who: who was silent for long is shown by -a" {
	start_broker
	new_topic 2
	echo '{"payload":"a","ts":1600000000000}' | kproduce -J -t "$topic" -p 0
	fill 3
	expect 0 ktopics who "$topic" -o role,last_write
	[ "$(wc -l <<<"$output")" -eq 1 ]
	expect 0 ktopics who "$topic" -v -o role,last_write
	expect_text "$stderr" "ktopics: notice: left out 1 that were silent for an hour; -a shows them"
	expect 0 ktopics who "$topic" -a -o role,last_write
	[ "$(wc -l <<<"$output")" -eq 2 ]
	expect_text "$output" "writer	1600000000000"
}

# bats test_tags=kbrokerd
@test "ktopics who --http: names of who writes, and of who reads in no group" {
	start_broker -X http.listeners=127.0.0.1:0 --http-port-file http-port
	page=127.0.0.1:$(cat http-port)
	new_topic
	seq 3 | kproduce -t "$topic" -X client.id=shop
	kconsume -t "$topic" -e -X client.id=billing >/dev/null
	join_group -o beginning --commit none -X client.id=me
	wait_for_line read '^3$'
	expect 0 ktopics who "$topic" --http "$page" -o role,group,client_id,host
	expect_same "$(sort <<<"$output")" "$(printf '%s\n' "reader		billing	127.0.0.1" \
		"reader	$group	me	127.0.0.1" "writer			" "writer		shop	127.0.0.1" | sort)"
	expect 0 ktopics who "$topic" --http "http://$page/" -J -o role,client_id,last_write
	[ "$(jq 'select(.client_id == "shop") | .last_write > 1600000000000' <<<"$output")" = true ]
	leave_group
	expect 3 ktopics who "$topic" --http 127.0.0.1:1
	expect_text "$stderr" "--http 127.0.0.1:1: topic '$topic': Connection refused"
	expect 2 ktopics who "$topic" --http :80
	expect_text "$stderr" "--http :80: topic '$topic': that is not HOST:PORT"
}
