# clients.bash - one client's cases, run once for a file and told by test
#
#	setup_file() { run_cases confluent-kafka; }
#	@test "create" { is_passed; }
#
# The name of a test is the name of its case: see clients/suite.

bats_require_minimum_version 1.5.0

SUITE=$BATS_TEST_DIRNAME/clients/suite

# run_cases CLIENT [PROGRAM THAT IT NEEDS, AND WHAT TO SAY WITHOUT IT]
run_cases() {
	export CLIENT_MISSING=
	if [ $# -gt 1 ] && ! command -v "$2" >/dev/null; then
		CLIENT_MISSING=$3
		return
	fi
	"$SUITE" run "$1" >"$BATS_FILE_TMPDIR/tap" 2>"$BATS_FILE_TMPDIR/err" \
		3>&- || : # each test tells
}

# Whether the case of this test's name has passed.
is_passed() {
	local name=$BATS_TEST_DESCRIPTION

	[ -z "$CLIENT_MISSING" ] || skip "$CLIENT_MISSING"
	grep -qE "^ok [0-9]+ $name \(" "$BATS_FILE_TMPDIR/tap" && return
	cat "$BATS_FILE_TMPDIR/err"
	grep -A 2 -E "^not ok [0-9]+ $name \(" "$BATS_FILE_TMPDIR/tap" ||
		cat "$BATS_FILE_TMPDIR/tap"
	return 1
}
