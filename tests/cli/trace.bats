#!/usr/bin/env bats
# kbrokerd --trace: requests and answers as lines of JSON.

bats_require_minimum_version 1.5.0
load helper

# bats test_tags=kbrokerd

# Those of the trace that jq's condition is true of, compact.
lines() { jq -c "select($1)" trace.json; }

@test "--trace: each request and its answer are a line of JSON" {
	start_broker --topic t --trace=trace.json
	echo hello | kproduce -t t -X client.id=app
	stop_broker
	jq -e . trace.json >parsed
	expect_same "$(lines '.api == "Produce"' |
		jq -c '[.kind, .client, .version]')" \
		'["request","app",13]
["response","app",13]'
	lines '.kind == "response" and .api == "Produce"' | jq -e '
		.us >= 0 and .bytes > 0 and (.peer | startswith("127.0.0.1:")) and
		.body.responses[0].partition_responses[0].error_code == 0'
	expect_same "$(lines '.kind == "lost"')" ""
}

@test "--trace: requests and answers of a connection have its numbers" {
	start_broker --topic t --trace=trace.json
	kconsume -t t -e
	stop_broker
	expect_same "$(lines '.kind == "request"' | jq .correlation | sort -n)" \
		"$(lines '.kind == "response"' | jq .correlation | sort -n)"
	expect_same "$(jq -r 'select(.kind | test("connected|closed")) | .kind' \
		trace.json | sort | uniq -c | xargs)" "1 closed 1 connected"
}

@test "--trace: records are only counted, unless asked for" {
	start_broker --topic t --trace=trace.json
	echo not-to-be-seen | kproduce -t t
	stop_broker
	lines '.kind == "request" and .api == "Produce"' | jq -e '
		.body.topic_data[0].partition_data[0].records |
		.bytes > 60 and (has("base64") | not)'

	start_broker --trace=trace.json --trace-records
	kconsume -t t -e
	stop_broker
	lines '.kind == "response" and .api == "Fetch"' |
		jq -r '.body.responses[]?.partitions[].records.base64 // empty' |
		base64 -d | grep -a not-to-be-seen
}

@test "--trace: only the APIs and clients that are asked for" {
	start_broker --topic t --trace=trace.json --trace-api metadata,Produce \
		--trace-client 'app-*'
	echo x | kproduce -t t -X client.id=app-1
	echo x | kproduce -t t -X client.id=other
	stop_broker
	expect_same "$(jq -r '.api // empty' trace.json | sort -u | xargs)" \
		"Metadata Produce"
	expect_same "$(jq -r '.client // empty' trace.json | sort -u)" app-1
	expect 2 "$BIN/kbrokerd" --tmp --trace --trace-api Produse
	expect_text "$stderr" "'Produse' is not an API; did you mean Produce?"
}

@test "--trace: a password is not in it" {
	start_broker --topic t --trace=trace.json
	ktopics set retention.ms=7d t
	run kcat -b "$broker" -L -X security.protocol=SASL_PLAINTEXT \
		-X sasl.mechanism=PLAIN -X sasl.username=u \
		-X sasl.password=not-to-be-seen -m 1
	stop_broker
	lines '.api == "IncrementalAlterConfigs" and .kind == "request"' |
		grep 604800000
	! grep not-to-be-seen trace.json
}

@test "--trace: SIGHUP goes on in a file of that name" {
	start_broker --topic t --trace=trace.json
	echo hello | kproduce -t t
	wait_for_line trace.json '"response".*"Produce"'
	mv trace.json before.json
	kill -HUP "$broker_pid"
	wait_for_line broker.log 'no setting changed'
	kconsume -t t -e
	stop_broker
	lines '.api == "Fetch"' | grep -q Fetch
}

@test "--trace: a file that cannot be written is told" {
	expect 2 "$BIN/kbrokerd" --tmp --trace=/nosuch/file
	expect_text "$stderr" "--trace: /nosuch/file: No such file or directory"
}

@test "--trace: a reader that does not read holds nothing up" {
	mkfifo trace
	exec 5<>trace
	start_broker --topic t --trace=trace
	for n in 1 2 3; do
		head -c 200000 /dev/zero | tr '\0' '\n' | kproduce -t t -u
	done
	kconsume -t t -c 600000 | wc -l | grep -qx 600000
	stop_broker
}

@test "--trace with --run: the command's own output is clean" {
	expect 0 "$BIN/kbrokerd" --trace=trace.json --run --topic t -- \
		sh -c 'echo x | kproduce -t t'
	expect_same "$output$stderr" ""
	lines '.api == "Produce"' | grep -q response
}
