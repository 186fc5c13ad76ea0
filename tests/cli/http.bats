#!/usr/bin/env bats
# What kbrokerd serves by HTTP: health, metrics, settings and the status page.

load helper

# start_http [OPTION...]: a broker, its page at $url.
start_http() {
	local port=0

	[ ! -e http-port ] || port=$(cat http-port)
	start_broker -X "http.listeners=127.0.0.1:$port" \
		--http-port-file http-port "$@"
	url=http://127.0.0.1:$(cat http-port)
}

# get PATH [CURL OPTION...]: the body; fails unless the status is 2xx.
get() {
	local path=$1

	shift
	curl -fsS --max-time "$TEST_LIMIT_SECONDS" "$@" "$url$path"
}

# status_of PATH [CURL OPTION...]
status_of() {
	local path=$1

	shift
	curl -sS -o /dev/null -w '%{http_code}' \
		--max-time "$TEST_LIMIT_SECONDS" "$@" "$url$path"
}

# metric NAME{LABELS}: its value.
metric() {
	get /metrics | awk -v name="$1" '$1 == name { print $2 }'
}

# status_json FILTER [QUERY]: of /status.
status_json() {
	get "/status?${2:-}" | jq -c "$1"
}

# await WANTED COMMAND...: until it prints that.  Topics are looked at once a
# second at most, groups too, and seldom on a slow machine.
await() {
	local wanted=$1 is=

	shift
	for _ in $(seq 600); do
		is=$("$@" || true)
		[ "$is" != "$wanted" ] || return 0
		read -r -t 0.1 <> <(:) || true
	done
	expect_same "$is" "$wanted"
}

@test "a broker that serves is alive and ready" {
	start_http
	expect_same "$(get /livez)" ok
	expect_same "$(get /readyz)" ready
}

@test "a page has the methods that it says" {
	start_http
	expect_same "$(status_of /status)" 200
	expect_same "$(status_of /status --head)" 200
	expect_same "$(status_of /status -X DELETE)" 405
	expect_same "$(status_of /advertised)" 405
	expect_same "$(status_of /nosuch)" 404
}

@test "what was produced and consumed is counted" {
	start_http
	seq 1000 | kproduce -t orders --create=3
	kconsume -t orders -e >/dev/null
	expect_same "$(metric kbrokerd_received_records_total)" 1000
	expect_same "$(metric kbrokerd_sent_records_total)" 1000
	await 1000 metric 'kbrokerd_topic_end_offset{topic="orders"}'
	expect_same "$(metric 'kbrokerd_topic_partitions{topic="orders"}')" 3
	[ "$(metric kbrokerd_received_bytes_total)" -gt 1000 ]
	[ "$(metric 'kbrokerd_requests_total{api="Produce"}')" -ge 1 ]
	[ "$(metric 'kbrokerd_request_duration_seconds_count{api="Produce"}')" -ge 1 ]
	[ "$(metric kbrokerd_fsync_duration_seconds_count)" -ge 1 ]
	[ "$(metric 'kbrokerd_topic_last_write_timestamp_seconds{topic="orders"}' | cut -d. -f1)" -gt 1700000000 ]
}

@test "an error in an answer is counted by its code" {
	start_http
	expect 5 kconsume -t nosuch -e
	[ "$(metric 'kbrokerd_request_errors_total{api="Metadata",error="UNKNOWN_TOPIC_OR_PARTITION"}')" -ge 1 ]
}

@test "the metrics of all pages are as promtool wants them" {
	start_http -X metrics.partitions=true
	seq 10 | kproduce -t orders --create=3
	kconsume -t orders -e >/dev/null
	get /metrics | promtool check metrics
	get /metrics/kafka | promtool check metrics
	expect_text "$(get /metrics)" \
		'kbrokerd_partition_end_offset{topic="orders",partition="0"}'
	expect_text "$(get /metrics/kafka)" \
		'kafka_topic_partition_current_offset{topic="orders",partition="2"}'
}

@test "topics beyond the limit have no series" {
	start_http -X metrics.topic.limit=2
	for t in c a b; do ktopics create "$t"; done
	await 1 metric kbrokerd_topics_not_exported
	expect_same "$(get /metrics | grep -c '^kbrokerd_topic_partitions{')" 2
	expect_same "$(metric 'kbrokerd_topic_partitions{topic="c"}')" ""
}

@test "a group's lag is told in records and seconds until it is deleted" {
	start_http -X metrics.partitions=true
	seq 5 | kproduce -t orders --create=1
	timeout 60 kcat -b "$broker" -G readers -q -c 3 -o beginning \
		-X auto.offset.reset=earliest orders >read 2>kcat.log
	expect_same "$(metric 'kbrokerd_group_lag_records{group="readers",topic="orders"}')" 2
	expect_same "$(metric 'kbrokerd_group_partition_offset{group="readers",topic="orders",partition="0"}')" 3
	expect_text "$(get /metrics)" 'kbrokerd_groups{type="classic",state="Empty"} 1'
	metric 'kbrokerd_group_lag_seconds{group="readers",topic="orders"}' >seconds
	awk '$1 > 0 { found = 1 } END { exit !found }' seconds
	start kconsume -G live -X group.protocol=classic orders
	kgroups wait live --members 1 --state stable
	get /metrics >page
	grep -Fx 'kbrokerd_groups{type="classic",state="Empty"} 1' page
	grep -Fx 'kbrokerd_groups{type="classic",state="Stable"} 1' page
	expect_text "$(get /metrics/kafka)" \
		'kafka_consumergroup_lag{consumergroup="readers",topic="orders",partition="0"} 2'
	kgroups delete readers -y
	! get /metrics | grep 'group="readers"'
}

# expect_same_lag GROUP...: of each in all, here and from kgroups.
expect_same_lag() {
	local group

	get /metrics >page
	for group; do
		expect_same "$(awk -v name="kbrokerd_group_lag_records{group=\"$group\"," \
			'index($1, name) == 1 { n += $2 } END { print n }' page)" \
			"$(kgroups lag "$group" --by group -o lag)"
	done
}

@test "a group's lag is the one that kgroups tells, commit or none" {
	start_http
	seq 30 | kproduce -t orders --create=3 -p 0
	seq 40 | kproduce -t orders -p 1
	ktopics trim orders -p 1 --offset 10 -y
	# Committed for one, and for one before its start.
	printf 'some,orders,0,12\nsome,orders,1,3\n' |
		kgroups import --undo made.csv >/dev/null
	for protocol in classic consumer; do
		start kconsume -G "$protocol" orders -o beginning --commit none \
			-X "group.protocol=$protocol" >"$protocol"
		kgroups wait "$protocol" --members 1 --state stable --timeout 30
	done
	expect_same_lag some classic consumer
	expect_same "$(metric 'kbrokerd_group_lag_records{group="some",topic="orders"}')" 48
	expect_same "$(metric 'kbrokerd_group_lag_records{group="classic",topic="orders"}')" 60
	expect_same "$(metric 'kbrokerd_group_lag_records{group="consumer",topic="orders"}')" 60
}

@test "groups whose names are any bytes have series of their own" {
	start_http
	seq 5 | kproduce -t orders --create=1
	long=$(printf '%3000s' | tr ' ' a)
	printf '%b,orders,0,1\n' 'a\xff' 'b\xff' 'a\\xff' "${long}b" "${long}c" |
		kgroups import --undo made.csv >/dev/null
	get /metrics >page
	promtool check metrics <page
	expect_same "$(grep -v '^#' page | sed 's/ [^ ]*$//' | sort | uniq -d)" ""
	expect_same "$(grep -c '^kbrokerd_group_members{' page)" 5
	expect_same "$(grep -c '^kbrokerd_group_lag_records{.*,topic="orders"} 4$' page)" 5
	expect_text "$(<page)" 'kbrokerd_group_members{group="b\\xff"} 0'
}

@test "a topic that is deleted has no series any more" {
	start_http
	echo x | kproduce -t gone --create=1
	expect_text "$(get /metrics)" 'topic="gone"'
	ktopics delete gone -y
	# The topics are looked at once a second at most.
	for _ in $(seq 100); do
		get /metrics >page
		grep -q 'topic="gone"' page || break
		read -r -t 0.1 <> <(:) || true
	done
	! grep 'topic="gone"' page
}

# query EXPRESSION: the value, as of the last scrape.
query() {
	curl -fsS --get --data-urlencode "query=$1" \
		"http://127.0.0.1:$prometheus_port/api/v1/query" 2>/dev/null |
		jq -r '.data.result[0].value[1] // empty'
}

@test "Prometheus scrapes it and knows how many records came" {
	start_http
	seq 123 | kproduce -t orders --create=3
	prometheus_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	cat >prometheus.yml <<-END
		scrape_configs:
		  - job_name: kbrokerd
		    scrape_interval: 1s
		    scrape_timeout: 1s
		    static_configs: [{targets: ["127.0.0.1:$(cat http-port)"]}]
	END
	prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb \
		--web.listen-address="127.0.0.1:$prometheus_port" \
		--log.level=error >prometheus.log 2>&1 3>&- &
	started_pids+=("$!")
	await 1 query 'up{job="kbrokerd"}'
	await 123 query 'sum(kbrokerd_topic_end_offset{topic="orders"})'
	await 123 query 'sum(kbrokerd_received_records_total)'
	await 3 query 'sum(kbrokerd_leader_partitions)'
	await 1 query 'histogram_quantile(0.99, kbrokerd_request_duration_seconds_bucket{api="Produce"}) > bool 0'
}

@test "the settings are told with their origin, and no secret" {
	start_http -X ssl.keystore.password=hunter2 -X num.partitions=6
	get /config >settings
	grep -q '^num.partitions=6.*# -X' settings
	grep -q '^ssl.keystore.password=\*' settings
	! grep hunter2 settings || false
	get /config -H 'Accept: application/json' |
		jq -e '.[] | select(.key == "num.partitions") | .value == "6"'
}

@test "who writes and reads a topic is told" {
	start_http
	echo x | kproduce -t orders --create=1 -X client.id=shop
	kconsume -t orders -e -X client.id=billing >/dev/null
	get '/clients?topic=orders' >who
	expect_same "$(jq -r '.producers[0].client_id' who)" shop
	expect_same "$(jq -r '.consumers[].client_id' who)" billing
	expect_same "$(jq -r '.producers[0].host' who)" 127.0.0.1
	expect_same "$(status_of '/clients?topic=nosuch')" 404
	expect_same "$(status_of /clients)" 400
}

@test "where clients are told to find the broker can be set" {
	start_http
	get /advertised -d 'PLAINTEXT://broker.example:1234'
	expect_text "$(kcat -L -b "$broker")" 'broker 1 at broker.example:1234'
	expect_same "$(status_of /advertised -d nonsense)" 400
	get /advertised -d auto
	expect_text "$(kcat -L -b "$broker")" "broker 1 at $broker"
}

@test "the status is JSON, searched and sorted" {
	start_http
	for t in one two three; do echo x | kproduce -t "$t" --create=2; done
	await '["one","three","two"]' status_json '[.topics.rows[].name]' sort=name
	expect_same "$(get '/status?sort=-name&limit=1' | jq -c '[.topics.rows[].name]')" '["two"]'
	expect_same "$(get '/status?q=TW' | jq -c '[.topics.matched, .topics.total]')" '[1,3]'
	expect_same "$(get '/status?topic=two' | jq '.topic.rows | length')" 2
	expect_same "$(get '/status?topic=nosuch' | jq -c .topic)" null
	get '/status?limit=-1&since=x&sort=%00&topic=%ff&q=%22' | jq -e .broker
}

@test "the status has the groups, the one that lags the most first" {
	start_http
	seq 9 | kproduce -t orders --create=2 -p 0
	expect_same "$(get /status | jq -c .groups)" '{"total":0,"matched":0,"rows":[]}'
	printf '%b,orders,0,%d\n' near 8 far 2 done 9 'odd\xff' 5 |
		kgroups import --undo made.csv >/dev/null
	printf 'far,orders,1,0\n' | kgroups import --undo made.csv >/dev/null
	await 4 status_json .groups.total
	get /status >status
	expect_same "$(jq -c '[.groups.rows[] | [.name, .lag_records, .partitions]]' status)" \
		'[["far",7,2],["odd\\xff",4,1],["near",1,1],["done",0,1]]'
	expect_same "$(jq -c '.groups.rows[3] | [.type, .state, .members, .lag_ms]' status)" \
		'["classic","Empty",0,0]'
	jq -e '.groups.rows[0].lag_ms >= 0' status
	expect_same "$(get '/status?gsort=name&glimit=2' | jq -c '[.groups.rows[].name]')" '["done","far"]'
	expect_same "$(get '/status?gsort=-name&gq=O' | jq -c '[.groups.matched, .groups.total, [.groups.rows[].name]]')" \
		'[2,4,["odd\\xff","done"]]'
	get '/status?gsort=%00&gq=%ff&glimit=-1' | jq -e .groups
}

@test "a status of many groups is that of the worst" {
	start_http
	seq 10 | kproduce -t orders --create=1
	for i in $(seq 1000); do echo "g$i,orders,0,$((i % 10))"; done |
		kgroups import -m 60 --undo made.csv >/dev/null
	await 1000 status_json .groups.total
	get '/status?glimit=2' >status
	expect_same "$(jq -c '[.groups.rows[] | [.name, .lag_records]]' status)" '[["g10",10],["g100",10]]'
	[ "$(wc -c <status)" -lt 100000 ]
}

@test "a page of a stranger may not ask" {
	start_http -X http.allowed.hosts=broker.corp
	expect_same "$(status_of /status -H 'Host: evil.example')" 403
	expect_same "$(status_of /status -H 'Host: broker.corp')" 200
	expect_same "$(status_of /advertised -d auto -H 'Origin: http://evil.example')" 403
	expect_same "$(status_of /metrics -H 'Host: broker.svc')" 200
}

@test "a port that is taken is said when it was set, and gone without when not" {
	start_http
	expect 1 "$BIN/kbrokerd" -X log.dirs=other -X listeners=PLAINTEXT://127.0.0.1:0 \
		-X "http.listeners=127.0.0.1:$(cat http-port)"
	expect_text "$stderr" "http.listeners: cannot listen on 127.0.0.1:$(cat http-port)"
	expect 2 "$BIN/kbrokerd" -t -X http.listeners=here:and:there
	expect_text "$stderr" "http.listeners: 'here:and:there' should be HOST:PORT"
}

@test "the status page shows topics, partitions and charts" {
	start_http
	seq 1000 | kproduce -t orders --create=3
	for t in a-topic idle-1 idle-2; do ktopics create "$t"; done
	printf '%s,orders,0,%d\n' near 1000 '<b>far</b>' 0 |
		kgroups import --force --undo made.csv >/dev/null
	python3 "$BATS_TEST_DIRNAME/status_page.py" shows "$url/"
}

@test "the status page fits a phone, and the dark" {
	start_http
	new_topic
	for i in 1 2; do
		ktopics create "a.topic.of.a.very.long.name.that.goes.on.and.on.for.a.hundred.characters.and.then.some.more.to.be.sure-$i"
	done
	seq 1000 | kproduce -t orders --create=3
	echo "a.group.$topic$topic$topic$topic$topic$topic$topic$topic$topic,orders,0,0" |
		kgroups import --undo made.csv >/dev/null
	python3 "$BATS_TEST_DIRNAME/status_page.py" fits "$url/#topic=orders"
}

@test "the status page outlives its broker" {
	start_http
	mkfifo said
	python3 "$BATS_TEST_DIRNAME/status_page.py" lasts "$url/" >said 3>&- &
	page_pid=$!
	started_pids+=("$page_pid")
	exec 6<said
	read -r line <&6
	expect_same "$line" seen
	kill_broker
	read -r line <&6
	expect_same "$line" gone
	start_http
	reap "$page_pid"
}
