#!/usr/bin/env bats
# kafka-python with kbrokerd.

load clients

setup_file() { run_cases 'kafka-python'; }

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
