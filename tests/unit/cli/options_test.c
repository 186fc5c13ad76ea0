/*
 * options_test.c - lib/cli/options, on two small tools
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"

struct values {
	bool flag;
	int count;
	const char *text;
	const char *maybe;
	struct option_texts texts;
	int64_t number, size, duration;
	int choice;
	int64_t parsed;
};

#define AT(field) OPTION_AT(struct values, field)

static const char *parse_even(const char *text, void *options)
{
	struct values *v = options;

	v->parsed = text[0] - '0';
	return v->parsed % 2 == 0 ? NULL : "is odd";
}

static const struct option_row rows[] = {
	{ .letter = 'f',
	  .name = "flag",
	  .kind = OPTION_FLAG,
	  .offset = AT(flag),
	  .section = "S",
	  .doc = "A flag" },
	{ .letter = 'v',
	  .name = "verbose",
	  .kind = OPTION_COUNT,
	  .offset = AT(count),
	  .section = "S",
	  .doc = "More" },
	{ .letter = 't',
	  .name = "text",
	  .arg = "TEXT",
	  .kind = OPTION_TEXT,
	  .offset = AT(text),
	  .section = "S",
	  .doc = "A text",
	  .def = "none" },
	{ .name = "maybe",
	  .arg = "[=T]",
	  .kind = OPTION_TEXT,
	  .offset = AT(maybe),
	  .section = "T",
	  .doc = "Perhaps" },
	{ .letter = 'H',
	  .arg = "H",
	  .kind = OPTION_TEXTS,
	  .offset = AT(texts),
	  .section = "T",
	  .doc = "Many" },
	{ .name = "number",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(number),
	  .low = 1,
	  .high = 9,
	  .section = "S",
	  .doc = "A number" },
	{ .name = "size",
	  .arg = "SIZE",
	  .kind = OPTION_SIZE,
	  .offset = AT(size),
	  .low = 10,
	  .section = "S",
	  .doc = "A size" },
	{ .letter = 'm',
	  .name = "time",
	  .arg = "SEC",
	  .kind = OPTION_DURATION,
	  .offset = AT(duration),
	  .section = "S",
	  .doc = "A time" },
	{ .name = "color",
	  .arg = "C",
	  .kind = OPTION_CHOICE,
	  .offset = AT(choice),
	  .choices = "red|green",
	  .section = "S",
	  .doc = "A color" },
	{ .name = "even",
	  .arg = "N",
	  .kind = OPTION_PARSE,
	  .parse = parse_even,
	  .section = "S",
	  .doc = "An even number" },
	{ .letter = 'P', .kind = OPTION_IGNORED, .section = "S" },
	{ 0 },
};

static const struct option_row *const tables[] = { rows, NULL };

static const struct option_tool tool = {
	.name = "tool",
	.doc = "Do something",
	.operands = "FILE...",
	.tables = tables,
	.operands_max = 3,
};

static const struct option_row verb_rows[] = {
	{ .letter = 'o',
	  .name = "only-here",
	  .arg = "X",
	  .kind = OPTION_TEXT,
	  .offset = AT(text),
	  .section = "V",
	  .doc = "Of one verb" },
	{ 0 },
};

static const struct option_verb verbs[] = {
	{ .name = "walk",
	  .operands = "WHERE",
	  .doc = "Go",
	  .operands_min = 1,
	  .operands_max = 1,
	  .options = verb_rows },
	{ .name = "run", .alias = "r", .operands = "", .doc = "Go fast" },
	{ 0 },
};

static const struct option_tool verb_tool = {
	.name = "vtool",
	.doc = "Do something",
	.tables = tables,
	.verbs = verbs,
};

/* The run of one command line; what it said is in said. */
struct run {
	struct values values;
	struct option_result result;
	int status;
	char said[1000];
};

enum { ARGS_MAX = 32 };

static void parse(struct run *run, const struct option_tool *of,
		  const char *line)
{
	static char text[1000];
	static char *argv[ARGS_MAX + 1];
	struct messages messages;
	int argc = 0;
	ssize_t len;
	int fds[2];

	*run = (struct run){ .values = { .number = -1 } };
	assert_int_equal(pipe(fds), 0);
	messages_init(&messages, of->name, fds[1]);
	strcpy(text, line);
	for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " "))
		argv[argc++] = at;
	argv[argc] = NULL;
	run->status = options_parse(of, argc, argv, &run->values, &messages,
				    &run->result);
	close(fds[1]);
	len = read(fds[0], run->said, sizeof(run->said) - 1);
	close(fds[0]);
	run->said[len < 0 ? 0 : len] = '\0';
	option_texts_clear(&run->values.texts);
}

static void test_values_of_each_kind_are_stored(void **state)
{
	struct run run;

	(void)state;
	parse(&run, &tool,
	      "tool -fvv --text=a --maybe -P -t b --number 9 --size 1k "
	      "-m1.5 --color green --even 4 x -v y");
	assert_string_equal(run.said, "");
	assert_int_equal(run.status, EXIT_GO_ON);
	assert_true(run.values.flag);
	assert_int_equal(run.values.count, 3);
	assert_string_equal(run.values.text, "b");
	assert_string_equal(run.values.maybe, "");
	assert_int_equal(run.values.number, 9);
	assert_int_equal(run.values.size, 1024);
	assert_int_equal(run.values.duration, 1500);
	assert_int_equal(run.values.choice, 1);
	assert_int_equal(run.values.parsed, 4);
	assert_int_equal(run.result.operand_count, 2);
	assert_string_equal(run.result.operands[0], "x");
	assert_string_equal(run.result.operands[1], "y");
}

static void test_two_dashes_end_the_options(void **state)
{
	struct run run;

	(void)state;
	parse(&run, &tool, "tool -- -f --text");
	assert_int_equal(run.status, EXIT_GO_ON);
	assert_false(run.values.flag);
	assert_int_equal(run.result.operand_count, 2);
}

static void test_what_is_wrong_is_said_with_what_was_meant(void **state)
{
	static const struct {
		const char *line;
		const char *said;
	} lines[] = {
		{ "tool --txt x",
		  "unknown option '--txt'; did you mean '--text'?" },
		{ "tool --qqqqqq=1", "unknown option '--qqqqqq'; see tool "
				     "--help" },
		{ "tool -Q", "unknown option '-Q'; see tool --help" },
		{ "tool -t", "'--text' wants a value: TEXT" },
		{ "tool -H", "'-H' wants a value: H" },
		{ "tool --flag=1", "'--flag' takes no value" },
		{ "tool --number 0", "--number: '0' is not in 1..9" },
		{ "tool --number 1x", "--number: '1x' is not a number" },
		{ "tool --size 9", "--size: '9' is too small" },
		{ "tool --size big",
		  "--size: 'big' is not a size, such as 10MiB" },
		{ "tool -m x",
		  "--time: 'x' is not a duration, such as 90s or 5m" },
		{ "tool --color blue", "--color: 'blue' is none of red|green" },
		{ "tool --even 3", "--even: '3' is odd" },
		{ "tool a b c d", "unexpected operand 'd'" },
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char want[200];

		parse(&run, &tool, lines[i].line);
		snprintf(want, sizeof(want), "tool: error: %s\n",
			 lines[i].said);
		assert_string_equal(run.said, want);
		assert_int_equal(run.status, EXIT_USAGE);
	}
}

static void test_options_stand_before_and_after_the_verb(void **state)
{
	static const char *const lines[] = {
		"vtool -f walk -o x there -v",
		"vtool -vf walk there -o x",
		"vtool walk there -v -o x -f",
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		parse(&run, &verb_tool, lines[i]);
		assert_string_equal(run.said, "");
		assert_int_equal(run.status, EXIT_GO_ON);
		assert_string_equal(run.result.verb->name, "walk");
		assert_true(run.values.flag && run.values.count == 1);
		assert_string_equal(run.values.text, "x");
		assert_int_equal(run.result.operand_count, 1);
		assert_string_equal(run.result.operands[0], "there");
	}
	parse(&run, &verb_tool, "vtool r");
	assert_string_equal(run.result.verb->name, "run");
}

static void test_verbs_know_their_own_options_and_operands(void **state)
{
	static const struct {
		const char *line;
		const char *said;
	} lines[] = {
		{ "vtool", "a verb is missing: one of walk, run" },
		{ "vtool wals x", "unknown verb 'wals'; did you mean 'walk'?" },
		{ "vtool run -o x", "'run' has no option '-o'; 'walk' has" },
		{ "vtool run --only-here=x",
		  "'run' has no option '--only-here'; 'walk' has" },
		{ "vtool walk", "'walk' wants WHERE" },
		{ "vtool run x", "unexpected operand 'x'" },
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char want[200];

		parse(&run, &verb_tool, lines[i].line);
		snprintf(want, sizeof(want), "vtool: error: %s\n",
			 lines[i].said);
		assert_string_equal(run.said, want);
		assert_int_equal(run.status, EXIT_USAGE);
	}
}

static void test_help_has_each_option_under_its_heading(void **state)
{
	struct buffer out = { 0 };

	(void)state;
	options_help(&tool, NULL, &out);
	assert_non_null(strstr(buffer_text(&out),
			       "Usage: tool [OPTION...] FILE...\n"
			       "Do something.\n\nS:\n"
			       "  -f, --flag                A flag\n"));
	assert_non_null(strstr((char *)out.data,
			       "  -t, --text TEXT           A text "
			       "(default: none)\n"));
	assert_non_null(strstr((char *)out.data,
			       "\nT:\n      --maybe[=T]           Perhaps\n"
			       "  -H H                      Many\n"));
	assert_null(strstr((char *)out.data, "-P"));
	buffer_clear(&out);
}

static void test_help_json_is_the_whole_table(void **state)
{
	struct buffer out = { 0 };

	(void)state;
	options_help_json(&verb_tool, &out);
	assert_non_null(
		strstr(buffer_text(&out),
		       "{\"letter\":null,\"name\":\"color\",\"arg\":\"C\","
		       "\"optional\":false,\"repeat\":false,\"section\":\"S\","
		       "\"doc\":\"A color\",\"default\":null,"
		       "\"choices\":[\"red\",\"green\"],\"complete\":null}"));
	assert_non_null(
		strstr((char *)out.data, "{\"name\":\"run\",\"alias\":\"r\","));
	buffer_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_of_each_kind_are_stored),
		cmocka_unit_test(test_two_dashes_end_the_options),
		cmocka_unit_test(
			test_what_is_wrong_is_said_with_what_was_meant),
		cmocka_unit_test(test_options_stand_before_and_after_the_verb),
		cmocka_unit_test(
			test_verbs_know_their_own_options_and_operands),
		cmocka_unit_test(test_help_has_each_option_under_its_heading),
		cmocka_unit_test(test_help_json_is_the_whole_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
