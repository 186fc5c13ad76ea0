#!/usr/bin/env bats
# kbrokerd answers what Apache Kafka answers, but for what
# differential/accepted.md says.

load helper

teardown_file() {
	kafka stop "$BATS_FILE_TMPDIR/kafka"
}

@test "every API at every version, good input and bad" {
	need_java
	local same=$'log.retention.ms=-1\nauto.create.topics.enable=false' other
	other=$(KAFKA_OPTIONS=$same kafka start "$BATS_FILE_TMPDIR/kafka")
	start_broker -X node.id=1 -X log.retention.ms=-1 \
		-X auto.create.topics.enable=false
	"$INTEROP/differential/run" "$broker" "$other"
}
