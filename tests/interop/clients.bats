#!/usr/bin/env bats
# The table of clients and cases is whole and says what is run.

SUITE=$BATS_TEST_DIRNAME/clients/suite

@test "cases.md has a row for each case and a column for each client" {
	diff <("$SUITE" table) <(grep '^|' "$BATS_TEST_DIRNAME/cases.md")
}

@test "each client's file is what the suite makes of its cases" {
	local client file
	{ "$SUITE" clients; echo mixed; } | while read -r client; do
		file=$(grep -lF "run_cases '$client'" "$BATS_TEST_DIRNAME"/client-*.bats)
		diff <("$SUITE" bats "$client") "$file"
	done
}
