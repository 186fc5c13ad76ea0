#!/usr/bin/env bats
# Groups of several clients with kbrokerd.  Made by clients/suite files.

load clients

setup_file() { run_cases 'mixed' javac 'no JDK: Apache Kafka cannot be run'; }

@test "a group by range" { is_passed; }
@test "a group by roundrobin" { is_passed; }
@test "a sticky group" { is_passed; }
@test "a cooperative group" { is_passed; }
@test "a group of kip 848" { is_passed; }
@test "a group moves to kip 848 and back" { is_passed; }
