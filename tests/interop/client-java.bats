#!/usr/bin/env bats
# Apache Kafka's own clients in Java with kbrokerd.  Made by clients/suite files.

load clients

setup_file() { run_cases 'Apache Kafka' javac 'no JDK: Apache Kafka cannot be run'; }

@test "create" { is_passed; }
@test "create with a bad config" { is_passed; }
@test "describe" { is_passed; }
@test "describe configs" { is_passed; }
@test "alter configs" { is_passed; }
@test "add partitions" { is_passed; }
@test "delete" { is_passed; }
@test "not compressed" { is_passed; }
@test "gzip" { is_passed; }
@test "snappy" { is_passed; }
@test "lz4" { is_passed; }
@test "zstd" { is_passed; }
@test "keys and headers" { is_passed; }
@test "null and empty" { is_passed; }
@test "null in a header" { is_passed; }
@test "timestamps" { is_passed; }
@test "too large" { is_passed; }
@test "consume from an offset" { is_passed; }
@test "offsets by time" { is_passed; }
@test "watermarks" { is_passed; }
@test "delete records" { is_passed; }
@test "idempotent producer outlives kill 9" { is_passed; }
@test "idempotent producer whose answers are lost" { is_passed; }
@test "a hundred topics of a hundred partitions" { is_passed; }
@test "classic group: commit and go on" { is_passed; }
@test "consumer group: commit and go on" { is_passed; }
@test "classic group: members share and leave" { is_passed; }
@test "consumer group: members share and leave" { is_passed; }
@test "classic group: a member is killed" { is_passed; }
@test "consumer group: a member is killed" { is_passed; }
@test "classic group: a static member comes back" { is_passed; }
@test "consumer group: a static member comes back" { is_passed; }
@test "classic group: a second of an instance" { is_passed; }
@test "consumer group: a second of an instance" { is_passed; }
@test "classic group: the topic grows" { is_passed; }
@test "consumer group: the topic grows" { is_passed; }
@test "classic group: seek by time" { is_passed; }
@test "consumer group: seek by time" { is_passed; }
@test "classic group: a pattern of topics" { is_passed; }
@test "consumer group: a pattern of topics" { is_passed; }
@test "classic group: each assignor" { is_passed; }
@test "consumer group: each assignor" { is_passed; }
@test "classic group: described" { is_passed; }
@test "consumer group: described" { is_passed; }
@test "group: offsets are altered" { is_passed; }
@test "group: offsets are deleted" { is_passed; }
@test "group: deleted" { is_passed; }
