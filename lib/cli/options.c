/*
 * options.c - one table of options for each tool
 *
 * The rows that are in force (the tool's, the common ones, the verb's) are
 * gathered in a scan, which makes what getopt_long(3) wants of them.  A tool
 * with verbs is read twice: first with the options of all verbs, up to the
 * first operand, which is the verb; then again with the verb's own.
 */
#include "cli/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/output.h"

#ifndef KSPOOL_VERSION
#define KSPOOL_VERSION "0"
#endif

enum { ROWS_MAX = 256, LONG_BASE = 256 };

struct scan {
	const struct option_tool *tool;
	const struct option_row *rows[ROWS_MAX];
	size_t count;
	struct option longs[ROWS_MAX + 1];
	char shorts[3 * ROWS_MAX + 3];
	struct messages *messages;
	void *options;
};

/* The rows in force */

static void add_rows(struct scan *s, const struct option_row *rows)
{
	for (; rows != NULL && rows->kind != OPTION_END; rows++) {
		assert(s->count < ROWS_MAX);
		assert(rows->letter != 0 || rows->name != NULL);
		s->rows[s->count++] = rows;
	}
}

static bool is_optional(const struct option_row *row)
{
	return row->arg != NULL && row->arg[0] == '[';
}

/* What getopt wants of row: 0, required_argument, optional_argument. */
static int has_arg(const struct option_row *row)
{
	if (row->arg == NULL)
		return no_argument;
	return is_optional(row) ? optional_argument : required_argument;
}

/* lead: "+:" stops at the first operand, ":" does not. */
static void make_getopt(struct scan *s, const char *lead)
{
	char *to = stpcpy(s->shorts, lead);
	size_t longs = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct option_row *row = s->rows[i];

		if (row->letter != 0) {
			*to++ = row->letter;
			for (int n = has_arg(row); n > 0; n--)
				*to++ = ':';
		}
		if (row->name != NULL)
			s->longs[longs++] = (struct option){
				.name = row->name,
				.has_arg = has_arg(row),
				.val = LONG_BASE + (int)i,
			};
	}
	*to = '\0';
	s->longs[longs] = (struct option){ 0 };
}

/* verb NULL: the rows of all verbs. */
static void scan_init(struct scan *s, const struct option_tool *tool,
		      const struct option_verb *verb, const char *lead)
{
	s->tool = tool;
	s->count = 0;
	for (size_t i = 0; tool->tables[i] != NULL; i++)
		add_rows(s, tool->tables[i]);
	if (verb != NULL) {
		add_rows(s, verb->options);
	} else {
		for (verb = tool->verbs; verb != NULL && verb->name != NULL;
		     verb++)
			add_rows(s, verb->options);
	}
	make_getopt(s, lead);
}

/* The row that getopt's result stands for; the last one with the letter, so
 * that a verb's own option hides a common one. */
static const struct option_row *row_of(const struct scan *s, int val)
{
	if (val >= LONG_BASE)
		return s->rows[val - LONG_BASE];
	for (size_t i = s->count; i-- > 0;) {
		if (s->rows[i]->letter == val)
			return s->rows[i];
	}
	return NULL;
}

/* Values */

enum { SPELLING_MAX = 80 };

/* "-t" or "--topic", as the user may know it. */
static const char *spelling(const struct option_row *row, char *text)
{
	if (row->name != NULL)
		snprintf(text, SPELLING_MAX, "--%s", row->name);
	else
		snprintf(text, SPELLING_MAX, "-%c", row->letter);
	return text;
}

static int bad_value(struct scan *s, const struct option_row *row,
		     const char *text, const char *why)
{
	char name[SPELLING_MAX];

	return message_usage(s->messages, "%s: '%s' %s", spelling(row, name),
			     text, why);
}

static int add_text(struct option_texts *texts, const char *text)
{
	const char **items =
		realloc(texts->items, (texts->count + 1) * sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	texts->items = items;
	items[texts->count++] = text;
	return 0;
}

void option_texts_clear(struct option_texts *texts)
{
	free(texts->items);
	*texts = (struct option_texts){ 0 };
}

static int store_int(struct scan *s, const struct option_row *row,
		     const char *text, int64_t *value)
{
	bool any = row->low == 0 && row->high == 0;
	char why[80];
	int rc;

	rc = any ? parse_int64(text, value)
		 : parse_int64_in(text, row->low, row->high, value);
	if (rc == 0)
		return EXIT_GO_ON;
	if (rc != -ERANGE || any)
		return bad_value(s, row, text, "is not a number");
	snprintf(why, sizeof(why), "is not in %lld..%lld", (long long)row->low,
		 (long long)row->high);
	return bad_value(s, row, text, why);
}

static int store_amount(struct scan *s, const struct option_row *row,
			const char *text, int64_t *value)
{
	bool size = row->kind == OPTION_SIZE;
	int rc = size ? parse_size(text, value)
		      : parse_duration(text, 1000, value);

	if (rc == 0 && *value >= row->low)
		return EXIT_GO_ON;
	if (rc == 0)
		return bad_value(s, row, text, "is too small");
	return bad_value(s, row, text,
			 size ? "is not a size, such as 10MiB"
			      : "is not a duration, such as 90s or 5m");
}

static int store_choice(struct scan *s, const struct option_row *row,
			const char *text, int *value)
{
	const char *at = row->choices;
	char why[160];

	for (int n = 0; *at != '\0'; n++) {
		size_t len = strcspn(at, "|");

		if (strlen(text) == len && strncmp(at, text, len) == 0) {
			*value = n;
			return EXIT_GO_ON;
		}
		at += len + (at[len] == '|' ? 1 : 0);
	}
	snprintf(why, sizeof(why), "is none of %s", row->choices);
	return bad_value(s, row, text, why);
}

static int store_parsed(struct scan *s, const struct option_row *row,
			const char *text)
{
	const char *why = row->parse(text, s->options);

	if (why == NULL)
		return EXIT_GO_ON;
	return bad_value(s, row, text == NULL ? "" : text, why);
}

static int say_version(struct scan *s);
static int say_help(struct scan *s, const struct option_verb *verb);
static int say_help_json(struct scan *s);

static int store(struct scan *s, const struct option_verb *verb,
		 const struct option_row *row, const char *text)
{
	void *at = (char *)s->options + row->offset;

	switch (row->kind) {
	case OPTION_END:
		break;
	case OPTION_FLAG:
		*(bool *)at = true;
		break;
	case OPTION_COUNT:
		++*(int *)at;
		break;
	case OPTION_TEXT:
		*(const char **)at = text == NULL ? "" : text;
		break;
	case OPTION_TEXTS:
		if (add_text(at, text == NULL ? "" : text) < 0)
			return message_fail(s->messages, EXIT_REFUSED,
					    "out of memory");
		break;
	case OPTION_INT:
		return store_int(s, row, text, at);
	case OPTION_SIZE:
	case OPTION_DURATION:
		return store_amount(s, row, text, at);
	case OPTION_CHOICE:
		return store_choice(s, row, text, at);
	case OPTION_PARSE:
		return store_parsed(s, row, text);
	case OPTION_IGNORED:
		break;
	case OPTION_HELP:
		return say_help(s, verb);
	case OPTION_HELP_JSON:
		return say_help_json(s);
	case OPTION_VERSION:
		return say_version(s);
	}
	return EXIT_GO_ON;
}

/* Errors of spelling */

static const struct option_row *find_name(const struct option_row *rows,
					  const char *name, char letter)
{
	for (; rows != NULL && rows->kind != OPTION_END; rows++) {
		if (letter != 0 ? rows->letter == letter
				: rows->name != NULL &&
					  strcmp(rows->name, name) == 0)
			return rows;
	}
	return NULL;
}

/* A verb other than verb that has the option, or NULL. */
static const struct option_verb *other_verb(const struct scan *s,
					    const struct option_verb *verb,
					    const char *name, char letter)
{
	const struct option_verb *v = s->tool->verbs;

	for (; v != NULL && v->name != NULL; v++) {
		if (v != verb && find_name(v->options, name, letter) != NULL)
			return v;
	}
	return NULL;
}

static const char *nearest_long(const struct scan *s, const char *name)
{
	const char *names[ROWS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (s->rows[i]->name != NULL && s->rows[i]->doc != NULL)
			names[count++] = s->rows[i]->name;
	}
	return nearest_name(name, names, count);
}

/* text: "-x" or "--name", as typed, without a value. */
static int unknown_option(struct scan *s, const struct option_verb *verb,
			  const char *text)
{
	bool is_long = text[1] == '-';
	char letter = text[1];
	const char *near = is_long ? nearest_long(s, text + 2) : NULL;
	const struct option_verb *other = NULL;

	if (is_long)
		letter = '\0';
	if (verb != NULL)
		other = other_verb(s, verb, is_long ? text + 2 : "", letter);
	if (other != NULL)
		return message_usage(s->messages,
				     "'%s' has no option '%s'; '%s' has",
				     verb->name, text, other->name);
	if (near != NULL)
		return message_usage(
			s->messages,
			"unknown option '%s'; did you mean '--%s'?", text,
			near);
	return message_usage(s->messages, "unknown option '%s'; see %s --help",
			     text, s->tool->name);
}

static int bad_option(struct scan *s, const struct option_verb *verb,
		      const char *typed)
{
	char text[SPELLING_MAX];

	if (optopt >= LONG_BASE)
		return message_usage(s->messages, "'%s' takes no value",
				     spelling(row_of(s, optopt), text));
	if (optopt != 0)
		snprintf(text, sizeof(text), "-%c", optopt);
	else
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(typed, "="),
			 typed);
	return unknown_option(s, verb, text);
}

static int missing_value(struct scan *s)
{
	const struct option_row *row = row_of(s, optopt);
	char text[SPELLING_MAX];

	return message_usage(s->messages, "'%s' wants a value: %s",
			     spelling(row, text), row->arg);
}

/*
 * Read the options, as far as getopt goes.  keep: store them; else only look
 * for those that print and end.
 */
static int scan_options(struct scan *s, const struct option_verb *verb,
			int argc, char **argv, bool keep)
{
	int status = EXIT_GO_ON;
	int val;

	optind = 0; /* glibc: start anew */
	opterr = 0;
	while (status == EXIT_GO_ON &&
	       (val = getopt_long(argc, argv, s->shorts, s->longs, NULL)) !=
		       -1) {
		const struct option_row *row;

		if (val == '?')
			return bad_option(s, verb, argv[optind - 1]);
		if (val == ':')
			return missing_value(s);
		row = row_of(s, val);
		if (keep || row->kind == OPTION_HELP ||
		    row->kind == OPTION_HELP_JSON ||
		    row->kind == OPTION_VERSION)
			status = store(s, verb, row, optarg);
	}
	return status;
}

/* Verbs */

static const struct option_verb *find_verb(const struct option_tool *tool,
					   const char *name)
{
	const struct option_verb *verb = tool->verbs;

	for (; verb->name != NULL; verb++) {
		if (strcmp(verb->name, name) == 0 ||
		    (verb->alias != NULL && strcmp(verb->alias, name) == 0))
			return verb;
	}
	return NULL;
}

static int no_verb(const struct scan *s)
{
	struct buffer names = { 0 };
	int status;

	for (const struct option_verb *v = s->tool->verbs; v->name != NULL; v++)
		buffer_printf(&names, "%s%s", names.len == 0 ? "" : ", ",
			      v->name);
	status = message_usage(s->messages, "a verb is missing: one of %s",
			       buffer_text(&names));
	buffer_clear(&names);
	return status;
}

static int unknown_verb(const struct scan *s, const char *name)
{
	const char *names[ROWS_MAX];
	const char *near;
	size_t count = 0;

	for (const struct option_verb *v = s->tool->verbs; v->name != NULL; v++)
		names[count++] = v->name;
	near = nearest_name(name, names, count);
	if (near != NULL)
		return message_usage(s->messages,
				     "unknown verb '%s'; did you mean '%s'?",
				     name, near);
	return message_usage(s->messages, "unknown verb '%s'; see %s --help",
			     name, s->tool->name);
}

static bool no_verb_needed(struct scan *s, int argc, char **argv)
{
	return s->tool->verbless != NULL &&
	       scan_options(s, NULL, argc, argv, true) == EXIT_GO_ON &&
	       s->tool->verbless(s->options);
}

/* Find the verb and take it out of argv. */
static int take_verb(struct scan *s, int *argc, char **argv,
		     const struct option_verb **verb_out)
{
	int status;

	scan_init(s, s->tool, NULL, "+:");
	status = scan_options(s, NULL, *argc, argv, false);
	if (status != EXIT_GO_ON)
		return status;
	if (optind >= *argc)
		return no_verb_needed(s, *argc, argv) ? EXIT_GO_ON : no_verb(s);
	*verb_out = find_verb(s->tool, argv[optind]);
	if (*verb_out == NULL)
		return unknown_verb(s, argv[optind]);
	memmove(&argv[optind], &argv[optind + 1],
		(size_t)(*argc - optind) * sizeof(*argv));
	--*argc;
	return EXIT_GO_ON;
}

static int check_operands(const struct scan *s, const struct option_verb *verb,
			  const struct option_result *result)
{
	int low = verb == NULL ? s->tool->operands_min : verb->operands_min;
	int high = verb == NULL ? s->tool->operands_max : verb->operands_max;
	const char *wanted = verb == NULL ? s->tool->operands : verb->operands;
	const char *name = verb == NULL ? s->tool->name : verb->name;

	if (result->operand_count < low)
		return message_usage(s->messages, "'%s' wants %s", name,
				     wanted);
	if (high >= 0 && result->operand_count > high)
		return message_usage(s->messages, "unexpected operand '%s'",
				     result->operands[high]);
	return EXIT_GO_ON;
}

int options_parse(const struct option_tool *tool, int argc, char **argv,
		  void *options, struct messages *messages,
		  struct option_result *result_out)
{
	struct scan s = {
		.tool = tool,
		.messages = messages,
		.options = options,
	};
	const struct option_verb *verb = NULL;
	int status = EXIT_GO_ON;

	if (tool->verbs != NULL)
		status = take_verb(&s, &argc, argv, &verb);
	if (status != EXIT_GO_ON)
		return status;
	if (tool->verbs != NULL && verb == NULL) {
		*result_out = (struct option_result){ 0 };
		return EXIT_GO_ON;
	}
	scan_init(&s, tool, verb, ":");
	status = scan_options(&s, verb, argc, argv, true);
	if (status != EXIT_GO_ON)
		return status;
	*result_out = (struct option_result){
		.verb = verb,
		.operands = argv + optind,
		.operand_count = argc - optind,
	};
	return check_operands(&s, verb, result_out);
}

/* --version */

static int print(struct scan *s, struct buffer *text)
{
	struct output out;
	int status;

	output_init(&out, STDOUT_FILENO);
	output_put(&out, text->data, text->len);
	status = output_finish(&out, s->messages, EXIT_OK);
	output_clear(&out);
	buffer_clear(text);
	return status;
}

static int say_version(struct scan *s)
{
	struct buffer text = { 0 };

	buffer_printf(&text, "%s (kspool) %s\n", s->tool->name, KSPOOL_VERSION);
	return print(s, &text);
}

static int say_help(struct scan *s, const struct option_verb *verb)
{
	struct buffer text = { 0 };

	options_help(s->tool, verb, &text);
	return print(s, &text);
}

static int say_help_json(struct scan *s)
{
	struct buffer text = { 0 };

	options_help_json(s->tool, &text);
	return print(s, &text);
}
