#!/usr/bin/env bats
# The table of clients and cases is whole and says what is run.

SUITE=$BATS_TEST_DIRNAME/clients/suite

@test "cases.md has a row for each case and a column for each client" {
	diff <("$SUITE" table) <(grep '^|' "$BATS_TEST_DIRNAME/cases.md")
}

@test "each client's file has a test for each case, and no other" {
	local file
	for file in "$BATS_TEST_DIRNAME"/client-*.bats; do
		diff <("$SUITE" cases) <(sed -n 's/^@test "\(.*\)" {.*/\1/p' "$file")
	done
	"$SUITE" clients | while read -r client; do
		grep -qF "run_cases '$client'" "$BATS_TEST_DIRNAME"/client-*.bats
	done
}
