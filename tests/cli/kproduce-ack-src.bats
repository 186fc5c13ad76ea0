#!/usr/bin/env bats
# kproduce --ack-src: what it prints of a source is delivered, with all before
# it, and a last line "end" says that nothing was left out.

load helper

# source PARTITION OFFSET [PAYLOAD]: an envelope that came from there
source_of() {
	echo "{\"topic\":\"src\",\"partition\":$1,\"offset\":$2,\"payload\":\"${3:-x}\"}"
}

@test "--ack-src prints each source in order, then end" {
	start_broker
	new_topic 3
	for i in {0..99}; do
		source_of $((i % 4)) "$i"
	done >in
	expect 0 kproduce -J -t "$topic" --ack-src <in
	[ "$(wc -l <<<"$output")" -eq 101 ]
	[ "$(tail -n 1 <<<"$output")" = end ]
	for partition in 0 1 2 3; do
		expect_same "$(grep "^src $partition " <<<"$output")" \
			"$(seq -f "src $partition %g" "$partition" 4 99)"
	done
	[ "$(kconsume -t "$topic" -e | wc -l)" -eq 100 ]
}

@test "--ack-src answers at once, while input stays open" {
	start_broker
	new_topic
	mkfifo in out
	exec 5<>in 6<>out
	start kproduce -J -t "$topic" --ack-src <in >out
	local i line
	for i in 0 1 2; do
		source_of 0 "$i" >&5
		read -r -t 20 line <&6
		expect_same "$line" "src 0 $i"
	done
}

@test "--ack-src: several records of one source are acknowledged as one" {
	start_broker
	new_topic
	{ source_of 0 1; source_of 0 1; source_of 0 1; source_of 0 2; } >in
	expect 0 kproduce -J -t "$topic" --ack-src <in
	expect_same "$output" $'src 0 1\nsrc 0 2\nend'
}

@test "--ack-src: after a failed record nothing of its partition, and no end" {
	start_broker
	new_topic
	{
		source_of 0 1
		source_of 1 1
		echo "{\"topic\":\"src\",\"partition\":0,\"offset\":2,\"payload\":1,\"payload_enc\":\"b64\"}"
		source_of 1 2
	} >in
	# Of what the third came from nothing is known: it was not understood.
	run --separate-stderr kproduce -E -J -t "$topic" --ack-src <in
	[ "$status" -eq 6 ]
	[[ $output != *end* ]]
	[[ $output != *'src 1 2'* ]]

	large=$(head -c 1200000 /dev/zero | tr '\0' x)
	{
		source_of 0 1
		source_of 0 2 "$large"
		source_of 0 3
		source_of 1 1
	} >in
	run --separate-stderr kproduce -E -J -t "$topic" --ack-src <in
	[ "$status" -eq 6 ]
	[[ $output == *'src 1 1'* ]]
	[[ $output != *'src 0 2'* ]]
	[[ $output != *'src 0 3'* ]]
	[[ $output != *end* ]]
}

@test "--ack-src: a bad line takes no acknowledgement from those before it" {
	start_broker
	new_topic
	{
		for i in {1..8}; do source_of 0 "$i"; done
		source_of 0 9 | sed 's/"payload":"x"/"payload":{/'
	} >in
	expect 6 kproduce -J -t "$topic" --ack-src <in
	expect_same "$output" "$(seq -f 'src 0 %g' 8)"
	# What is of the last source before it, or may be, is held back.
	# All lines are read at once here, before anything is delivered.
	bad='"payload":1,"payload_enc":"b64"}'
	{ source_of 0 1; source_of 0 2; source_of 0 2 | sed "s/\"payload.*/$bad/"; } >in
	expect 6 kproduce -J -t "$topic" --ack-src <in
	expect_same "$output" 'src 0 1'
	{ source_of 0 1; source_of 0 2; echo "{$bad"; } >in
	expect 6 kproduce -J -t "$topic" --ack-src <in
	expect_same "$output" 'src 0 1'
}

@test "--ack-src: no end when a signal or -c ends the run" {
	start_broker
	new_topic
	for i in 1 2 3; do source_of 0 "$i"; done >in
	expect 0 kproduce -J -t "$topic" --ack-src -c 2 <in
	expect_same "$output" $'src 0 1\nsrc 0 2'

	mkfifo pipe
	exec 5<>pipe
	start kproduce -J -t "$topic" --ack-src <pipe >out
	cat in >&5
	wait_for_line out '^src 0 3$'
	kill -TERM "$pid"
	reap "$pid" 143
	expect_same "$(cat out)" $'src 0 1\nsrc 0 2\nsrc 0 3'
}

@test "--ack-src: an envelope without a source is bad data" {
	start_broker
	new_topic
	for line in '{"payload":"x"}' '{"topic":"s","payload":"x"}' \
		'{"topic":"s","partition":0,"payload":"x"}' \
		'{"topic":"s p","partition":0,"offset":1,"payload":"x"}'; do
		expect 6 kproduce -J -t "$topic" --ack-src <<<"$line"
		expect_text "$stderr" "no topic, partition and offset of the source"
		expect_same "$output" ""
	done
}

@test "--ack-src dies when nobody reads what it says" {
	start_broker
	new_topic
	mkfifo in out
	exec 5<>in
	head -n 1 <out >first 3>&- 5>&- &
	head_pid=$!
	start kproduce -J -t "$topic" --ack-src <in >out
	source_of 0 1 >&5
	wait "$head_pid"
	expect_same "$(cat first)" "src 0 1"
	source_of 0 2 >&5
	reap "$pid" 141
}

@test "--ack-src: who has all acknowledgements may go before the end" {
	start_broker
	new_topic
	mkfifo in out
	exec 5<>in
	head -n 1 <out >first 3>&- 5>&- &
	head_pid=$!
	start kproduce -J -t "$topic" --ack-src <in >out 5>&-
	source_of 0 1 >&5
	wait "$head_pid"
	exec 5>&-
	reap "$pid" 0
}

@test "--ack-src goes with -J and without --report" {
	expect 2 kproduce -t x --ack-src </dev/null
	expect_text "$stderr" "--ack-src goes with -J"
	expect 2 kproduce -J -t x --ack-src --report json </dev/null
	expect_text "$stderr" "--ack-src and --report"
}
