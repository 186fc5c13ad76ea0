#!/usr/bin/env bats
# kbrokerd --probe: can clients reach what a broker tells them?

bats_require_minimum_version 1.5.0
load helper

# bats test_tags=kbrokerd

probe() { timeout --foreground "$TEST_LIMIT_SECONDS" "$BIN/kbrokerd" --probe "$@"; }

@test "--probe: what is advertised can be reached" {
	start_broker
	expect 0 probe "$broker"
	expect_same "$output" "1	$broker	ok"
	expect_same "$stderr" ""
}

@test "--probe: an advertised address that cannot be reached is named" {
	start_broker -X advertised.listeners=PLAINTEXT://127.0.0.1:1
	expect 1 probe "$broker"
	expect_same "$output" "1	127.0.0.1:1	failed"
	expect_same "$stderr" "kbrokerd: error: bootstrap $broker worked, but broker 1 is advertised as 127.0.0.1:1: Connection refused"
}

@test "--probe: nobody there is 3" {
	expect 3 probe 127.0.0.1:1
	expect_text "$stderr" "cannot reach any of 127.0.0.1:1: Connection refused"
	expect_same "$output" ""
}

@test "--probe without address asks the broker of these settings" {
	start_broker
	expect 0 probe -X "listeners=PLAINTEXT://0.0.0.0:${broker#*:}"
	KAFKA_LISTENERS=PLAINTEXT://$broker expect 0 probe
	KAFKA_LISTENERS=PLAINTEXT://127.0.0.1:1 expect 3 probe
}

@test "--probe without address only warns of what others are told" {
	start_broker -X advertised.listeners=PLAINTEXT://127.0.0.1:1
	expect 0 probe -X "listeners=PLAINTEXT://$broker"
	expect_text "$stderr" "kbrokerd: warning: bootstrap $broker worked, but"
}

@test "clients name the advertised address that they cannot reach" {
	start_broker --topic t -X advertised.listeners=PLAINTEXT://127.0.0.1:1
	expect 3 kconsume -t t -e -m 1
	expect_text "$stderr" "bootstrap $broker worked, but broker 1 is advertised as 127.0.0.1:1: Connection refused"
	expect 3 kproduce -t t -m 1 -X delivery.timeout.ms=1000 <<<x
	expect_text "$stderr" "broker 1 is advertised as 127.0.0.1:1: Connection refused"
	expect 3 ktopics offsets t -m 1
	expect_text "$stderr" "broker 1 is advertised as 127.0.0.1:1: Connection refused"
}

@test "--probe takes one address, and does not go with --run" {
	expect 2 probe a b
	expect 2 "$BIN/kbrokerd" --run --probe -- true
}
