#!/usr/bin/env bats
# Apache Kafka's command-line tools on kbrokerd, all of them in one JVM.
#
# setup_file runs them in the order they stand there, a test looks at what one
# of them has printed.

load helper

TOOLS=org.apache.kafka.tools

# NAME INPUT CLASS ARGUMENT...: a line of the script; INPUT is a file or -
tool() {
	local IFS=$'\t'
	echo "$*" >>script
}

# Topic "read": five records in each of two partitions, a second apart; a group
# "live" whose one member has all of it.
start_reader() {
	local p i
	kproduce -t read --create=2 </dev/null
	for p in 0 1; do
		for i in {0..4}; do
			echo "{\"partition\":$p,\"payload\":\"$i\",\"ts\":$((1600000000000 + i * 1000))}"
		done
	done | kproduce -t read -J -p keep
	command kcat -b "$broker" -G live -X client.id=reader \
		-X auto.offset.reset=earliest read >read.out 2>read.err </dev/null 3>&- &
	echo "$!" >reader.pid
	wait_for_line read.err 'assigned: read'
}

setup_file() {
	command -v javac >/dev/null || return 0
	cd "$BATS_FILE_TMPDIR" || return 1
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR start_broker -X node.id=1 \
		-X group.initial.rebalance.delay.ms=0
	echo "$broker_pid" >broker.pid
	start_reader
	local at="--bootstrap-server $broker" t=orders
	# shellcheck disable=SC2086 # $at is two words
	{
		tool versions - "$TOOLS.BrokerApiVersionsCommand" $at
		tool cluster-id - "$TOOLS.ClusterTool" cluster-id $at
		tool cluster-list - "$TOOLS.ClusterTool" list-endpoints $at
		tool features - "$TOOLS.FeatureCommand" $at describe
		tool quorum-status - "$TOOLS.MetadataQuorumCommand" $at describe --status
		tool quorum-replicas - "$TOOLS.MetadataQuorumCommand" $at describe \
			--replication

		tool topic-create - "$TOOLS.TopicCommand" $at --create --topic $t \
			--partitions 2 --config retention.ms=-1
		tool topic-again - "$TOOLS.TopicCommand" $at --create --topic $t
		tool topic-alter - "$TOOLS.TopicCommand" $at --alter --topic $t \
			--partitions 3
		tool topic-list - "$TOOLS.TopicCommand" $at --list
		tool topic-describe - "$TOOLS.TopicCommand" $at --describe --topic $t

		local c=kafka.admin.ConfigCommand
		tool config-topic - $c $at --alter --topic $t \
			--add-config max.message.bytes=2000000,segment.ms=70000
		tool config-topic-delete - $c $at --alter --topic $t \
			--delete-config segment.ms
		tool config-topic-show - $c $at --describe --topic $t
		tool config-topic-all - $c $at --describe --topic $t --all
		tool config-bad - $c $at --alter --topic $t --add-config no.such=1
		tool config-broker - $c $at --alter --broker 1 \
			--add-config log.cleaner.threads=2
		tool config-broker-show - $c $at --describe --broker 1
		tool config-default - $c $at --alter --broker-defaults \
			--add-config message.max.bytes=1500000
		tool config-default-show - $c $at --describe --broker-defaults
		tool config-app - $c $at --alter --client app \
			--add-config producer_byte_rate=1048576
		tool config-app-show - $c $at --describe --client app
		tool config-user - $c $at --alter --user ann \
			--add-config 'SCRAM-SHA-256=[password=secret]'
		tool config-user-show - $c $at --describe --user ann
		tool config-client - $c $at --alter --client-defaults \
			--add-config request_percentage=2000
		tool config-client-show - $c $at --describe --client-defaults
		tool config-metrics - $c $at --alter --client-metrics cm \
			--add-config interval.ms=1000
		tool config-metrics-show - $c $at --describe --client-metrics cm

		seq 1 50 >numbers
		tool produce numbers "$TOOLS.ConsoleProducer" $at --topic $t \
			--compression-codec lz4
		tool perf - "$TOOLS.ProducerPerformance" --topic $t \
			--num-records 5000 --record-size 100 --throughput -1 \
			--bootstrap-server "$broker"
		printf '%s\n' one two three >words
		tool topic-words - "$TOOLS.TopicCommand" $at --create --topic words
		tool produce-words words "$TOOLS.ConsoleProducer" $at --topic words
		tool consume - "$TOOLS.consumer.ConsoleConsumer" $at --topic words \
			--partition 0 --offset earliest --max-messages 3 \
			--timeout-ms 60000
		tool offsets - "$TOOLS.GetOffsetShell" $at --topic words
		tool offsets-earliest - "$TOOLS.GetOffsetShell" $at --topic words \
			--time earliest
		tool offsets-time - "$TOOLS.GetOffsetShell" $at --topic words \
			--time 1000

		echo '{"partitions":[{"topic":"words","partition":0,"offset":2}],"version":1}' \
			>delete.json
		tool delete-records - "$TOOLS.DeleteRecordsCommand" $at \
			--offset-json-file delete.json
		tool offsets-after - "$TOOLS.GetOffsetShell" $at --topic words \
			--time earliest
		tool log-dirs - "$TOOLS.LogDirsCommand" $at --describe \
			--topic-list words

		tool elect - "$TOOLS.LeaderElectionCommand" $at \
			--election-type preferred --all-topic-partitions
		echo '{"version":1,"partitions":[{"topic":"words","partition":0,"replicas":[1]}]}' \
			>move.json
		local r=$TOOLS.reassign.ReassignPartitionsCommand
		tool reassign - "$r" $at --reassignment-json-file move.json --execute
		tool reassign-verify - "$r" $at --reassignment-json-file move.json \
			--verify
		tool reassign-list - "$r" $at --list

		local g="$TOOLS.consumer.group.ConsumerGroupCommand"
		local reset="--reset-offsets --group g --topic read"
		tool g-consume - "$TOOLS.consumer.ConsoleConsumer" $at \
			--topic read --group g --from-beginning --max-messages 10 \
			--timeout-ms 60000
		tool g-list - "$g" $at --list
		tool g-list-state - "$g" $at --list --state
		tool g-list-empty - "$g" $at --list --state Empty
		tool g-list-type - "$g" $at --list --type
		tool g-describe - "$g" $at --describe --group g
		tool g-describe-verbose - "$g" $at --describe --group live --verbose
		tool g-offsets - "$g" $at --describe --group live --offsets
		tool g-state - "$g" $at --describe --group live --state --verbose
		tool g-members - "$g" $at --describe --group live --members
		tool g-members-verbose - "$g" $at --describe --group live \
			--members --verbose
		tool g-all - "$g" $at --describe --all-groups --state
		tool g-absent - "$g" $at --describe --group absent
		tool g-dry - "$g" $at $reset --to-earliest --dry-run
		tool g-after-dry - "$g" $at --describe --group g
		tool g-earliest - "$g" $at $reset --to-earliest --execute
		tool g-latest - "$g" $at $reset --to-latest --execute
		tool g-shift - "$g" $at $reset --shift-by -2 --execute
		tool g-current - "$g" $at $reset --to-current --execute
		tool g-offset - "$g" $at $reset:0 --to-offset 4 --execute
		tool g-datetime - "$g" $at $reset \
			--to-datetime 2020-09-13T12:26:43.000Z --execute
		tool g-duration - "$g" $at $reset --by-duration PT1H --execute
		tool g-export - "$g" $at $reset --to-current --export
		printf '"read",0,3\n"read",1,1\n' >plan.csv
		tool g-file - "$g" $at --reset-offsets --group g \
			--from-file plan.csv --execute
		tool g-after - "$g" $at --describe --group g
		tool g-live - "$g" $at --reset-offsets --group live --topic read \
			--to-earliest --execute
		tool g-delete-offsets - "$g" $at --delete-offsets --group g \
			--topic read:1
		tool g-after-offsets - "$g" $at --describe --group g
		tool g-delete-live - "$g" $at --delete --group live
		tool g-groups - "$TOOLS.GroupsCommand" $at --list
		tool g-groups-type - "$TOOLS.GroupsCommand" $at --list \
			--group-type classic
		tool g-delete - "$g" $at --delete --group g
		tool g-list-after - "$g" $at --list

		tool topic-delete - "$TOOLS.TopicCommand" $at --delete --topic words
		tool topic-list-after - "$TOOLS.TopicCommand" $at --list
	}
	mkdir said
	java -Xshare:auto -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m \
		-Dorg.slf4j.simpleLogger.defaultLogLevel=off \
		-cp "$INTEROP_BUILD/java:$KAFKA_JARS/libs/*" Tools said \
		<script >err 2>&1 3>&- || cat err >&2
}

teardown_file() {
	local file
	# kcat ends by itself when it has no broker any more.
	for file in "$BATS_FILE_TMPDIR"/{reader,broker}.pid; do
		[ ! -e "$file" ] || kill -KILL "$(cat "$file")" 2>/dev/null || :
	done
}

# said NAME STATUS: what that tool has printed is $output.
said() {
	command -v javac >/dev/null || skip "no JDK: Apache Kafka cannot be run"
	output=$(cat "$BATS_FILE_TMPDIR/said/$1")
	expect_text "$output" "exit status $2"
}

# prints NAME TEXT...
prints() {
	said "$1" 0
	shift
	local text
	for text in "$@"; do expect_text "$output" "$text"; done
}

@test "kafka-broker-api-versions lists what kbrokerd has" {
	prints versions '(id: 1 ' 'Produce(0): 0 to 13 [usable: 13]' \
		'ApiVersions(18): 0 to 4 [usable: 4]'
}

@test "kafka-cluster tells the id and the endpoints" {
	prints cluster-id 'Cluster ID: '
	prints cluster-list '127.0.0.1' 'broker'
}

@test "kafka-features tells the features" {
	prints features 'Feature: metadata.version' 'Feature: group.version'
}

@test "kafka-metadata-quorum tells the leader and its replicas" {
	prints quorum-status 'LeaderId:' 'HighWatermark:' 'CurrentVoters:'
	prints quorum-replicas 'Leader' 'LogEndOffset'
}

@test "kafka-topics creates, refuses a second, grows, lists and describes" {
	prints topic-create 'Created topic orders.'
	said topic-again 1
	expect_text "$output" 'already exists'
	prints topic-alter
	prints topic-list orders
	prints topic-describe 'PartitionCount: 3' 'ReplicationFactor: 1' \
		'retention.ms=-1' 'Partition: 2' 'Leader: 1' 'Isr: 1'
}

@test "kafka-topics deletes" {
	prints topic-delete
	prints topic-list-after orders
	[[ $output != *words* ]]
}

@test "kafka-configs changes and shows a topic" {
	prints config-topic 'Completed updating config for topic orders.'
	prints config-topic-delete 'Completed updating config'
	prints config-topic-show 'max.message.bytes=2000000 sensitive=false' \
		'DYNAMIC_TOPIC_CONFIG:max.message.bytes=2000000' \
		'DEFAULT_CONFIG:message.max.bytes=1048588'
	[[ $output != *segment.ms* ]]
	prints config-topic-all 'segment.bytes=1073741824' 'cleanup.policy=delete'
	said config-bad 1
	expect_text "$output" no.such
}

@test "kafka-configs changes and shows a broker, and all brokers' defaults" {
	prints config-broker 'Completed updating config for broker 1.'
	prints config-broker-show 'log.cleaner.threads=2' \
		'DYNAMIC_BROKER_CONFIG:log.cleaner.threads=2'
	prints config-default 'Completed updating default config for brokers'
	prints config-default-show 'message.max.bytes=1500000'
}

@test "kafka-configs changes and shows quotas and credentials" {
	prints config-app 'Completed updating config for client app.'
	prints config-app-show 'producer_byte_rate=1048576'
	prints config-user 'Completed updating config for user ann.'
	prints config-user-show 'SCRAM-SHA-256=iterations=4096'
	prints config-client 'Completed updating default config for clients'
	prints config-client-show 'request_percentage=2000'
}

@test "kafka-configs changes and shows a subscription of clients' metrics" {
	prints config-metrics 'Completed updating config'
	prints config-metrics-show 'interval.ms=1000'
}

@test "kafka-console-producer and kafka-console-consumer" {
	prints produce
	prints produce-words
	prints consume $'one\ntwo\nthree\nProcessed a total of 3 messages'
}

@test "kafka-producer-perf-test" {
	prints perf '5000 records sent'
}

@test "kafka-get-offsets: latest, earliest, of a time" {
	prints offsets 'words:0:3'
	prints offsets-earliest 'words:0:0'
	prints offsets-time 'words:0:0'
}

@test "kafka-delete-records" {
	prints delete-records 'words-0' 'low_watermark: 2'
	prints offsets-after 'words:0:2'
}

@test "kafka-log-dirs" {
	prints log-dirs '"broker":1' '"partition":"words-0"' '"error":null'
}

@test "kafka-leader-election" {
	prints elect
	[[ $output != *Error* ]]
}

@test "kafka-reassign-partitions: to where they are" {
	prints reassign 'Successfully started partition reassignment'
	prints reassign-verify 'Reassignment of partition words-0 is completed.'
	prints reassign-list 'No partition reassignments found.'
}

# Groups

# Each of these patterns matches.
says() {
	local pattern
	for pattern in "$@"; do
		grep -qE "$pattern" <<<"$output" && continue
		echo "not found: $pattern"
		echo "in: $output"
		return 1
	done
}

@test "kafka-console-consumer in a group" {
	prints g-consume 'Processed a total of 10 messages'
}

@test "kafka-consumer-groups lists, by state and by type" {
	prints g-list g live
	prints g-list-state
	says '^g +Empty' '^live +Stable'
	prints g-list-empty
	says '^g +Empty'
	[[ $output != *live* ]]
	prints g-list-type
	says '^g +Classic' '^live +Classic'
}

@test "kafka-consumer-groups describes offsets, members and state" {
	prints g-describe
	says '^g +read +0 +5 +5 +0 +- ' '^g +read +1 +5 +5 +0 +- '
	prints g-describe-verbose
	says '^live +read +0 ' 'reader'
	prints g-offsets
	says '^live +read +1 .*/127.0.0.1 +reader'
	prints g-state
	says '^live +127.0.0.1:[0-9]+ +\(1\) +range +Stable .* 1$'
	prints g-members
	says '^live +reader-[0-9a-f-]+ +/127.0.0.1 +reader +2'
	prints g-members-verbose
	says 'read:0,1|read\(0,1\)'
	prints g-all
	says '^ *g +.*Empty +0' '^ *live +.*Stable +1'
	prints g-absent 'Group absent not found.'
}

@test "kafka-consumer-groups resets offsets: each of its ways" {
	prints g-dry
	says '^g +read +0 +0' '^g +read +1 +0'
	prints g-after-dry
	says '^g +read +0 +5 +5 +0'
	prints g-earliest
	says '^g +read +0 +0' '^g +read +1 +0'
	prints g-latest
	says '^g +read +0 +5' '^g +read +1 +5'
	prints g-shift
	says '^g +read +0 +3' '^g +read +1 +3'
	prints g-current
	says '^g +read +0 +3' '^g +read +1 +3'
	prints g-offset
	says '^g +read +0 +4'
	prints g-datetime
	says '^g +read +0 +3' '^g +read +1 +3'
	prints g-duration
	says '^g +read +0 +5' '^g +read +1 +5'
	prints g-export
	says '"?read"?,0,5'
	prints g-file
	says '^g +read +0 +3' '^g +read +1 +1'
	prints g-after
	says '^g +read +0 +3 +5 +2' '^g +read +1 +1 +5 +4'
	prints g-live
	expect_text "$output" 'inactive'
}

@test "kafka-consumer-groups deletes offsets and groups" {
	prints g-delete-offsets
	says 'read +1 +Successful'
	prints g-after-offsets
	says '^g +read +0 +3'
	! says '^g +read +1 +1' >/dev/null
	prints g-delete-live
	expect_text "$output" 'not empty'
	prints g-delete "'g'"
	prints g-list-after live
	! says '^g$' >/dev/null
}

@test "kafka-groups lists groups and their types" {
	prints g-groups
	says '^g +Classic +consumer' '^live +Classic +consumer'
	prints g-groups-type
	says '^live +Classic +consumer'
}
