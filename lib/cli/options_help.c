/*
 * options_help.c - the tables of options as text and as JSON
 *
 * --help is for 80 columns: spellings on the left, sentences on the right,
 * under the headings of the rows in the order in which they first appear.
 */
#include "cli/options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/json_writer.h"

enum { HELP_COLUMNS = 79, HELP_INDENT = 28 };

#ifndef KSPOOL_VERSION
#define KSPOOL_VERSION "0"
#endif

/* Text */

/* Append text, broken at blanks; every line after the first is indented. */
static void put_wrapped(struct buffer *out, size_t column, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column + len > HELP_COLUMNS && column > HELP_INDENT) {
			/* The blank before the word goes. */
			out->len--;
			buffer_printf(out, "\n%*s", HELP_INDENT, "");
			column = HELP_INDENT;
		}
		buffer_put(out, text, len);
		column += len;
		text += len;
		if (*text == ' ') {
			buffer_put_u8(out, ' ');
			column++;
			text++;
		}
	}
	buffer_put_u8(out, '\n');
}

/* A spelling at the left and a sentence at the right. */
static void put_entry(struct buffer *out, const char *left, const char *right)
{
	size_t len = strlen(left) + 2;

	buffer_printf(out, "  %s", left);
	if (len + 2 > HELP_INDENT) {
		buffer_put_u8(out, '\n');
		len = 0;
	}
	buffer_printf(out, "%*s", HELP_INDENT - (int)len, "");
	put_wrapped(out, HELP_INDENT, right);
}

static void put_row(struct buffer *out, const struct option_row *row)
{
	char left[120];
	char right[600];
	const char *gap = row->arg == NULL || row->arg[0] == '[' ? "" : " ";
	const char *arg = row->arg == NULL ? "" : row->arg;

	if (row->letter != 0 && row->name != NULL)
		snprintf(left, sizeof(left), "-%c, --%s%s%s", row->letter,
			 row->name, gap, arg);
	else if (row->letter != 0)
		snprintf(left, sizeof(left), "-%c%s%s", row->letter, gap, arg);
	else
		snprintf(left, sizeof(left), "    --%s%s%s", row->name, gap,
			 arg);
	if (row->def != NULL)
		snprintf(right, sizeof(right), "%s (default: %s)", row->doc,
			 row->def);
	else
		snprintf(right, sizeof(right), "%s", row->doc);
	put_entry(out, left, right);
}

/* A section's heading and rows; nothing when it has none. */
static void put_section(struct buffer *out,
			const struct option_row *const *tables,
			const char *section)
{
	buffer_printf(out, "\n%s:\n", section);
	for (size_t i = 0; tables[i] != NULL; i++) {
		const struct option_row *row = tables[i];

		for (; row->kind != OPTION_END; row++) {
			if (row->doc != NULL &&
			    strcmp(row->section, section) == 0)
				put_row(out, row);
		}
	}
}

static bool is_seen(const char *const *seen, size_t count, const char *section)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(seen[i], section) == 0)
			return true;
	}
	return false;
}

enum { SECTIONS_MAX = 32 };

static void put_sections(struct buffer *out,
			 const struct option_row *const *tables)
{
	const char *seen[SECTIONS_MAX];
	size_t count = 0;

	for (size_t i = 0; tables[i] != NULL; i++) {
		const struct option_row *row = tables[i];

		for (; row->kind != OPTION_END; row++) {
			if (row->doc == NULL || count == SECTIONS_MAX ||
			    is_seen(seen, count, row->section))
				continue;
			seen[count++] = row->section;
			put_section(out, tables, row->section);
		}
	}
}

static void put_verbs(struct buffer *out, const struct option_tool *tool)
{
	buffer_put_text(out, "\nVerbs:\n");
	for (const struct option_verb *v = tool->verbs; v->name != NULL; v++) {
		char left[120];

		snprintf(left, sizeof(left), "%s%s%s %s", v->name,
			 v->alias == NULL ? "" : ", ",
			 v->alias == NULL ? "" : v->alias, v->operands);
		put_entry(out, left, v->doc);
	}
	buffer_printf(out, "\n%s VERB --help shows what a verb takes.\n",
		      tool->name);
}

static void put_exit_status(struct buffer *out)
{
	buffer_put_text(
		out,
		"\nExit status: 0 done, 1 done in part or refused, 2 usage, "
		"3 unreachable or\ntimed out, 4 denied, 5 no such thing, "
		"6 bad data.\n");
}

static void help_verb(const struct option_tool *tool,
		      const struct option_verb *verb, struct buffer *out)
{
	const struct option_row *tables[16] = { NULL };
	size_t count = 0;

	buffer_printf(out, "Usage: %s %s [OPTION...]%s%s\n%s.\n", tool->name,
		      verb->name, verb->operands[0] == '\0' ? "" : " ",
		      verb->operands, verb->doc);
	if (verb->options != NULL)
		tables[count++] = verb->options;
	for (size_t i = 0; tool->tables[i] != NULL && count < 15; i++)
		tables[count++] = tool->tables[i];
	put_sections(out, tables);
	if (verb->example != NULL)
		buffer_printf(out, "\nExample:\n  %s\n", verb->example);
}

void options_help(const struct option_tool *tool,
		  const struct option_verb *verb, struct buffer *out)
{
	const char *operands;

	if (verb != NULL) {
		help_verb(tool, verb, out);
		return;
	}
	operands = tool->verbs == NULL ? tool->operands : "[OPERAND...]";
	buffer_printf(out, "Usage: %s %s[OPTION...]%s%s\n%s.\n", tool->name,
		      tool->verbs == NULL ? "" : "VERB ",
		      operands[0] == '\0' ? "" : " ", operands, tool->doc);
	if (tool->verbs != NULL)
		put_verbs(out, tool);
	put_sections(out, tool->tables);
	put_exit_status(out);
	if (tool->examples == NULL)
		return;
	buffer_put_text(out, "\nExamples:\n");
	for (size_t i = 0; tool->examples[i] != NULL; i++)
		buffer_printf(out, "  %s\n", tool->examples[i]);
}

/* JSON */

static void put_words(struct json_writer *w, const char *words)
{
	json_put_open(w, '[');
	while (*words != '\0') {
		size_t len = strcspn(words, "|");

		json_put_slice(w,
			       (struct slice){ (const uint8_t *)words, len });
		words += len + (words[len] == '|' ? 1 : 0);
	}
	json_put_close(w, ']');
}

static void put_row_json(struct json_writer *w, const struct option_row *row)
{
	char letter[2] = { row->letter, '\0' };
	bool optional = row->arg != NULL && row->arg[0] == '[';

	json_put_open(w, '{');
	json_member_text(w, "letter", row->letter == 0 ? NULL : letter);
	json_member_text(w, "name", row->name);
	json_member_text(w, "arg", row->arg);
	json_member_bool(w, "optional", optional);
	json_member_bool(w, "repeat",
			 row->kind == OPTION_TEXTS ||
				 row->kind == OPTION_COUNT);
	json_member_text(w, "section", row->section);
	json_member_text(w, "doc", row->doc);
	json_member_text(w, "default", row->def);
	json_put_key(w, "choices");
	if (row->choices == NULL)
		json_put_null(w);
	else
		put_words(w, row->choices);
	json_member_text(w, "complete", row->complete);
	json_put_close(w, '}');
}

static void put_rows_json(struct json_writer *w, const struct option_row *row)
{
	for (; row != NULL && row->kind != OPTION_END; row++) {
		if (row->doc != NULL)
			put_row_json(w, row);
	}
}

static void put_verb_json(struct json_writer *w, const struct option_verb *verb)
{
	json_put_open(w, '{');
	json_member_text(w, "name", verb->name);
	json_member_text(w, "alias", verb->alias);
	json_member_text(w, "operands", verb->operands);
	json_member_text(w, "doc", verb->doc);
	json_member_text(w, "complete", verb->complete);
	json_member_text(w, "example", verb->example);
	json_put_key(w, "options");
	json_put_open(w, '[');
	put_rows_json(w, verb->options);
	json_put_close(w, ']');
	json_put_close(w, '}');
}

void options_help_json(const struct option_tool *tool, struct buffer *out)
{
	struct json_writer w = json_writer(out);

	json_put_open(&w, '{');
	json_member_text(&w, "name", tool->name);
	json_member_text(&w, "version", KSPOOL_VERSION);
	json_member_text(&w, "doc", tool->doc);
	json_member_text(&w, "operands", tool->operands);
	json_member_text(&w, "complete", tool->complete);
	json_put_key(&w, "options");
	json_put_open(&w, '[');
	for (size_t i = 0; tool->tables[i] != NULL; i++)
		put_rows_json(&w, tool->tables[i]);
	json_put_close(&w, ']');
	json_put_key(&w, "verbs");
	json_put_open(&w, '[');
	for (const struct option_verb *v = tool->verbs;
	     v != NULL && v->name != NULL; v++)
		put_verb_json(&w, v);
	json_put_close(&w, ']');
	json_put_close(&w, '}');
	buffer_put_u8(out, '\n');
}
