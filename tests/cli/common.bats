#!/usr/bin/env bats
# common: what all programs share - options, configuration, man pages,
# completions.  No broker is needed but where one is started.

load helper

ROOT=$BATS_TEST_DIRNAME/../..
PROGRAMS="kbrokerd kconsume kgroups kproduce ktopics"
TOOLS="kconsume kgroups kproduce ktopics"

# What -X dump says of a property, for the options given.
dumped() {
	local name=$1

	shift
	ktopics -X dump "$@" | sed -n "s/^$name=//p"
}

# Options, help, version

@test "every program has --help, --version and --help-json that agree" {
	for program in $PROGRAMS; do
		expect 0 "$BIN/$program" --version
		[[ $output =~ ^$program\ \(kspool\)\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
		expect 0 "$BIN/$program" --help-json
		json=$output
		[ "$(jq -r .name <<<"$json")" = "$program" ]
		expect 0 "$BIN/$program" --help
		help=$output
		[ "$(awk 'length > 80' <<<"$help")" = "" ]
		while read -r name; do
			expect_text "$help" "--$name"
		done < <(jq -r '.options[].name | values' <<<"$json")
		while read -r verb; do
			expect 0 "$BIN/$program" "$verb" --help
			expect_text "$output" "Usage: $program $verb [OPTION...]"
		done < <(jq -r '.verbs[].name' <<<"$json")
	done
}

@test "every program refuses an unknown option with the nearest one" {
	for program in $PROGRAMS; do
		expect 2 "$BIN/$program" --verbsoe
		expect_same "$stderr" "$program: error: unknown option '--verbsoe'; did you mean '--verbose'?"
		expect_same "$output" ""
	done
}

# Loading libstdc++ takes longer than all else that a tool does at its start.
@test "no program loads a library of C++" {
	# A sanitizer's own runtime does.
	[ -z "${KSPOOL_SANITIZED:-}" ] || return 0
	for program in $PROGRAMS; do
		ldd "$BIN/$program"
	done >loaded
	expect_same "$(grep -e stdc++ -e snappy -e gcc_s loaded)" ""
}

@test "help on a full disk is not success" {
	for program in $PROGRAMS; do
		run bash -c "$BIN/$program --help >/dev/full"
		[ "$status" -eq 1 ]
		expect_same "$output" "$program: error: cannot write to stdout: No space left on device"
	done
}

@test "every tool says 3 where nobody listens" {
	expect 3 kconsume -b 127.0.0.1:1 -t t -e -m 1
	expect_text "$stderr" "kconsume: error: "
	expect 3 kproduce -b 127.0.0.1:1 -t t -m 1 </dev/null
	expect_text "$stderr" "kproduce: error: "
	expect 3 ktopics list -b 127.0.0.1:1 -m 1
	expect_text "$stderr" "ktopics: error: "
}

# Properties

@test "-X: an unknown name, a bad value and no value are usage errors" {
	for tool in $TOOLS; do
		expect 2 "$tool" -X dump -X bootstrap.servres=x
		expect_text "$stderr" "$tool: error: -X: "
		expect_text "$stderr" "bootstrap.servers"
		expect 2 "$tool" -X dump -X linger.ms=soon
		expect_text "$stderr" "linger.ms"
		expect 2 "$tool" -X dump -X acks=7
		expect_text "$stderr" "acks"
		expect 2 "$tool" -X dump -X acks
		expect_same "$stderr" "$tool: error: -X: 'acks' is not NAME=VALUE, 'list' or 'dump'"
	done
}

@test "-X list is a file of properties with all defaults, and can be read back" {
	expect 0 ktopics -X list
	expect_text "$output" "linger.ms=5"
	echo "$output" >all.conf
	[ "$(ktopics -F all.conf -X dump)" = "$(ktopics -F none -X dump)" ]
}

@test "what others know is taken without effect, and -v tells" {
	expect 0 ktopics -X dump -X statistics.interval.ms=1000 -X key.serializer=x
	expect_same "$stderr" ""
	expect 0 ktopics -X dump -v -X statistics.interval.ms=1000
	expect_text "$stderr" "ktopics: info: -X: 'statistics.interval.ms' has no effect here"
}

@test "librdkafka's and Java's names are one" {
	[ "$(dumped linger.ms -X queue.buffering.max.ms=7)" = 7 ]
	[ "$(dumped compression.codec -X compression.type=lz4)" = lz4 ]
	[ "$(dumped acks -X topic.request.required.acks=1)" = 1 ]
}

@test "security that is not there yet is refused, not ignored" {
	expect 2 ktopics -X dump -X security.protocol=SSL
	expect_text "$stderr" "security.protocol"
}

@test "where a value comes from: -X, environment, profile, top of the file" {
	cat >file.conf <<-'E'
		# a comment
		bootstrap.servers = top:1
		linger.ms = 10
		client.id : c
		[one]
		bootstrap.servers=one:1
		[two]
		linger.ms=22
	E
	[ "$(dumped bootstrap.servers -F file.conf)" = top:1 ]
	[ "$(dumped client.id -F file.conf)" = c ]
	[ "$(dumped bootstrap.servers -F file.conf --profile one)" = one:1 ]
	[ "$(dumped linger.ms -F file.conf --profile one)" = 10 ]
	[ "$(KAFKA_PROFILE=two dumped linger.ms -F file.conf)" = 22 ]
	[ "$(KAFKA_BOOTSTRAP_SERVERS=env:1 dumped bootstrap.servers -F file.conf --profile one)" = env:1 ]
	[ "$(KAFKA_BOOTSTRAP_SERVERS=env:1 dumped bootstrap.servers -b argv:1)" = argv:1 ]
	[ "$(dumped linger.ms -F file.conf --profile two -X linger.ms=3)" = 3 ]
}

@test "which file is read: -F, KAFKA_CONFIG, kafka-tools.conf, KCAT_CONFIG, kcat.conf" {
	mkdir -p .config
	name() { dumped client.id "$@"; }
	[ "$(name)" = kspool ]
	echo client.id=kcat >.config/kcat.conf
	[ "$(name)" = kcat ]
	echo client.id=kcat-env >kcat-env
	[ "$(KCAT_CONFIG=kcat-env name)" = kcat-env ]
	echo client.id=tools >.config/kafka-tools.conf
	[ "$(KCAT_CONFIG=kcat-env name)" = tools ]
	echo client.id=env >env
	[ "$(KAFKA_CONFIG=env name)" = env ]
	echo client.id=argv >argv
	[ "$(KAFKA_CONFIG=env name -F argv)" = argv ]
	[ "$(KAFKA_CONFIG=env name -F none)" = kspool ]
	[ "$(KAFKA_CONFIG=none name)" = kspool ]
}

@test "errors of a file name it and the line" {
	expect 2 ktopics -X dump -F missing.conf
	expect_same "$stderr" "ktopics: error: cannot read 'missing.conf': No such file or directory"
	printf 'client.id=x\n\nlinger.mss=5\n' >bad.conf
	expect 2 ktopics -X dump -F bad.conf
	expect_text "$stderr" "ktopics: error: bad.conf:3: "
	expect_text "$stderr" "linger.ms"
	printf '[a]\nclient.id=x\n[b]\nlinger.ms=x\n' >bad.conf
	expect 0 ktopics -X dump -F bad.conf --profile a
	expect 2 ktopics -X dump -F bad.conf --profile b
	expect_text "$stderr" "ktopics: error: bad.conf:4: "
	expect 2 ktopics -X dump -F bad.conf --profile c
	expect_same "$stderr" "ktopics: error: bad.conf: no profile [c] in it"
	expect 2 ktopics -X dump --profile c
	expect_same "$stderr" "ktopics: error: profile 'c' wants a config file, and there is none"
	printf 'client.id=\\u12\n' >bad.conf
	expect 2 ktopics -X dump -F bad.conf
	expect_same "$stderr" "ktopics: error: bad.conf:1: not a property line"
}

@test "values come from the environment, from files and from commands" {
	echo secret-of-file >value
	printf 'a=1\nkey=of-properties\n' >value.properties
	export VALUE=of-env
	[ "$(dumped client.id -X 'client.id=x-${env:VALUE}-y')" = x-of-env-y ]
	[ "$(dumped client.id -X 'client.id=${file:value}')" = secret-of-file ]
	[ "$(dumped client.id -X 'client.id=${file:value.properties:key}')" = of-properties ]
	[ "$(dumped client.id -X 'client.id=${cmd:echo ${VALUE}}')" = of-env ]
	expect 2 ktopics -X dump -X 'client.id=${env:NONE}'
	expect_same "$stderr" "ktopics: error: -X: NONE: is not set in the environment"
	expect 2 ktopics -X dump -X 'client.id=${file:none}'
	expect_same "$stderr" "ktopics: error: -X: none: No such file or directory"
	expect 2 ktopics -X dump -X 'client.id=${file:value.properties:none}'
	expect_same "$stderr" "ktopics: error: -X: value.properties: has no such key"
	expect 2 ktopics -X dump -X 'client.id=${cmd:exit 3}'
	expect_same "$stderr" "ktopics: error: -X: exit 3: the command failed"
	expect 2 ktopics -X dump -X 'client.id=${vault:x}'
	expect_same "$stderr" 'ktopics: error: -X: vault:x: is none of ${env:}, ${file:} and ${cmd:}'
	expect 2 ktopics -X dump -X 'client.id=${env:VALUE'
	expect_same "$stderr" 'ktopics: error: -X: ${env:VALUE: the brace is not closed'
}

@test "a secret is hidden, and a file of it that all can read is warned of" {
	echo 'sasl.password=hunter2' >secret.conf
	chmod 644 secret.conf
	run ktopics -X dump -F secret.conf
	[[ $output != *hunter2* ]]
	expect_text "$output" "ktopics: warning: secret.conf:1: everybody can read this file, and sasl.password in it; chmod 600 helps"
	chmod 600 secret.conf
	run ktopics -X dump -F secret.conf
	[[ $output != *"can read"* ]]
	[[ $output != *hunter2* ]]
	echo 'sasl.password=${env:HOME}' >secret.conf
	chmod 644 secret.conf
	run ktopics -X dump -F secret.conf
	[[ $output != *"can read"* ]]
}

@test "what a broker or a file says cannot steer the terminal" {
	expect 2 ktopics $'li\e[31mst'
	expect_same "$stderr" "ktopics: error: unknown verb 'li\\x1b[31mst'; see ktopics --help"
}

# Man pages

# Compare what .It lines of a page name with --help-json; prints differences.
page_differs() {
	python3 - "$ROOT/man/$1.1" "$("$BIN/$1" --help-json)" <<'P'
import json, re, sys

page = open(sys.argv[1]).read()
tool = json.loads(sys.argv[2])


def documented(text):
    names = set()
    for line in re.findall(r"^\.It (Fl .*)$", text, re.M):
        for word in re.findall(r"Fl (\S+)", line):
            names.add("-" + word)
    return names


def spelled(options):
    return {word for o in options for word in
            (o["letter"] and "-" + o["letter"], o["name"] and "--" + o["name"])
            if word}


def compare(where, text, options):
    for name in sorted(spelled(options) - documented(text)):
        print(f"{where}: {name} is not documented")
    for name in sorted(documented(text) - spelled(options)):
        print(f"{where}: {name} is documented, but there is none")


if tool["verbs"]:
    sections = dict(zip(*[iter(re.split(r"^\.Ss (.*)$", page, flags=re.M)[1:])] * 2))
    for verb in tool["verbs"]:
        text = sections.pop(verb["name"], "").split("\n.Sh ")[0]
        if f".It Cm {verb['name']}" not in text:
            print(f"{verb['name']}: the verb is not documented")
        compare(verb["name"], text, verb["options"])
    if sections:
        print("verbs that are none:", *sections)
    page = page[page.index(".Sh COMMON OPTIONS"):]
compare("page", page, tool["options"])
P
}

@test "each man page documents the options that there are, and no others" {
	for program in $PROGRAMS; do
		run page_differs "$program"
		expect_same "$output" ""
	done
}

@test "man pages are clean mdoc with the sections that users look for" {
	for page in "$ROOT"/man/*.[15]; do
		run mandoc -T lint -W warning "$page"
		expect_same "$output" ""
		text=$(mandoc -T utf8 "$page" | col -b)
		for section in NAME ENVIRONMENT FILES "EXIT STATUS" EXAMPLES; do
			grep -q "^$section" <<<"$text" || {
				echo "$page: no $section"
				return 1
			}
		done
	done
}

# Completions

@test "completions are those that --help-json makes" {
	run python3 "$ROOT/completions/generate" --check "$BIN"
	expect_same "$output" ""
	[ "$status" -eq 0 ]
}

@test "completions are good shell" {
	for program in $PROGRAMS; do
		bash -n "$ROOT/completions/$program.bash"
		! command -v zsh >/dev/null || zsh -n "$ROOT/completions/_$program"
		! command -v fish >/dev/null || fish -n "$ROOT/completions/$program.fish"
	done
}

# complete WORD...: what bash offers for the last one
complete_line() {
	COMP_WORDS=("$@")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	"_$1"
	printf '%s\n' "${COMPREPLY[@]}"
}

@test "bash completes verbs, options, choices and properties" {
	for program in $PROGRAMS; do
		source "$ROOT/completions/$program.bash"
	done
	expect_same "$(complete_line ktopics de)" "describe
delete"
	expect_same "$(complete_line ktopics delete --if)" "--if-exists"
	expect_same "$(complete_line ktopics create t -o reten)" "retention.bytes=
retention.ms="
	expect_same "$(complete_line kproduce -z z)" "zstd"
	expect_same "$(complete_line kconsume --exit)" "--exit-at-end"
	expect_same "$(complete_line kproduce -X linger)" "linger.ms="
	expect_same "$(complete_line kbrokerd -X num.part)" "num.partitions="
	touch some-file
	expect_same "$(complete_line kbrokerd -F some)" "some-file"
}

@test "bash completes topics from the cluster, and does not wait for it" {
	source "$ROOT/completions/kproduce.bash"
	source "$ROOT/completions/ktopics.bash"
	start_broker
	name_topic
	command ktopics create "$topic-a" "$topic-b" --wait
	expect_same "$(complete_line kproduce -t "$topic")" "$topic-a
$topic-b"
	expect_same "$(complete_line ktopics -b "$broker" delete "$topic-b")" "$topic-b"
	# Something that listens and never answers: 300 ms.
	coproc silent { exec python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True)
input()'; }
	read -r port <&"${silent[0]}"
	start_ms=$(date +%s%3N)
	expect_same "$(complete_line kproduce -b "127.0.0.1:$port" -t x)" ""
	[ $(($(date +%s%3N) - start_ms)) -lt 1500 ]
	echo >&"${silent[1]}"
}

@test "what belongs to security is not silently without effect" {
	start_broker
	expect 0 ktopics list -X sasl.mechanism=PLAIN
	expect_same "$stderr" "ktopics: warning: -X: sasl.mechanism has no effect: security.protocol is plaintext"
}

@test "a broker that accepts and does not answer is named, with the time" {
	python3 -c 'import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(9)
print(s.getsockname()[1], flush=True)
import signal; signal.pause()' >mute 2>/dev/null 3>&- &
	started_pids+=($!)
	wait_for_line mute '[0-9]'
	at=127.0.0.1:$(cat mute)
	expect 3 kproduce -b "$at" -t t -m 1 </dev/null
	expect_text "$stderr" "cannot reach any of $at: it accepts connections but does not answer (tried for 1000 ms)"
	expect 3 kconsume -b "$at" -t t -m 1
	expect_text "$stderr" "(tried for 1000 ms)"
	expect 3 ktopics list -b "$at" -m 1
	expect_text "$stderr" "(tried for 1000 ms)"
}
