/*
 * main.c - ktopics: create, look at and change topics
 *
 * Reads the options, runs the verb, and turns what happened into an exit
 * status.  The verbs are in a file each.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/exit_code.h"
#include "cli/json_writer.h"
#include "ktopics/ktopics.h"
#include "wire/errors.h"

enum { WAIT_DEFAULT_MS = 30 * 1000 };

_Noreturn void ktopics_out_of_memory(struct ktopics *k)
{
	exit(message_fail(&k->messages, EXIT_REFUSED, "out of memory"));
}

int ktopics_connect(struct ktopics *k)
{
	struct client_error error = { 0 };

	if (loop_new(&k->loop) < 0)
		ktopics_out_of_memory(k);
	if (client_new(k->loop, &k->config, &k->client, &error) == 0)
		return EXIT_GO_ON;
	return message_fail(&k->messages, (int)error.kind, "%s", error.text);
}

int ktopics_can_confirm(struct ktopics *k, const char *doing)
{
	if (k->options.yes || k->options.dry_run || isatty(STDIN_FILENO))
		return EXIT_GO_ON;
	return message_usage(&k->messages,
			     "%s asks first, and stdin is no terminal; -y says "
			     "yes",
			     doing);
}

int ktopics_confirm(struct ktopics *k, const char *doing, const char *question)
{
	int status = ktopics_can_confirm(k, doing);
	char answer[16];

	if (status != EXIT_GO_ON || k->options.yes || k->options.dry_run)
		return status;
	fprintf(stderr, "%s? [y/N] ", question);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return EXIT_GO_ON;
	return message_fail(&k->messages, EXIT_REFUSED, "nothing deleted");
}

bool ktopics_wait_ms(struct ktopics *k, int64_t *ms_out)
{
	*ms_out = WAIT_DEFAULT_MS;
	if (k->options.wait == NULL || k->options.wait[0] == '\0' ||
	    parse_duration(k->options.wait, 1000, ms_out) == 0)
		return true;
	message_usage(&k->messages,
		      "--wait: '%s' is not a duration, such as 90s or 5m",
		      k->options.wait);
	return false;
}

struct client_request *ktopics_request(struct ktopics *k, int16_t api_key)
{
	struct client_request *request = client_request_new(k->client, api_key);

	if (request == NULL)
		ktopics_out_of_memory(k);
	return request;
}

bool ktopics_call(struct ktopics *k, struct client_request *request,
		  int32_t node)
{
	if (client_call(request, node, k->options.common.step_timeout_ms) == 0)
		return true;
	ktopics_fail(k, client_request_error(request));
	return false;
}

void ktopics_fail(struct ktopics *k, const struct client_error *error)
{
	message_error(&k->messages, "%s", error->text);
	k->status = exit_worse(k->status, (int)error->kind);
}

char *ktopics_text(struct ktopics *k, struct slice s)
{
	char *text = slice_is_null(s) ? NULL : arena_text(&k->arena, s);

	if (text == NULL && !slice_is_null(s))
		ktopics_out_of_memory(k);
	return text;
}

/* {"topic":"t","ok":true}, or false with error, code and message. */
static void put_result(struct ktopics *k, const char *kind, const char *name,
		       int16_t code, const char *text)
{
	struct json_writer w = json_writer(&k->out.buffer);

	if (!k->options.common.json)
		return;
	json_put_open(&w, '{');
	json_member_text(&w, kind, name);
	json_member_bool(&w, "ok", code == WIRE_NONE);
	if (k->options.dry_run)
		json_member_bool(&w, "dry_run", true);
	if (code != WIRE_NONE) {
		json_member_text(&w, "error", client_code_name(code));
		json_member_int(&w, "code", code);
		json_member_text(&w, "message", text);
	}
	json_put_close(&w, '}');
	buffer_put_u8(&k->out.buffer, '\n');
	output_filled(&k->out, 0);
}

void ktopics_refused(struct ktopics *k, const char *kind, const char *name,
		     int16_t code, struct slice text)
{
	const char *why = ktopics_text(k, text);
	struct client_error error = { 0 };
	char subject[300];

	snprintf(subject, sizeof(subject), "%s '%s'", kind, name);
	if (why != NULL && why[0] == '\0')
		why = NULL;
	client_error_from_code(&error, code, subject, why);
	if (code == WIRE_UNKNOWN_TOPIC_OR_PARTITION)
		snprintf(error.text, sizeof(error.text), "%s does not exist",
			 subject);
	ktopics_fail(k, &error);
	put_result(k, kind, name, code,
		   why == NULL ? wire_error_text(code) : why);
}

void ktopics_done(struct ktopics *k, const char *kind, const char *name,
		  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(&k->messages, MESSAGE_NOTICE, format, args);
	va_end(args);
	put_result(k, kind, name, WIRE_NONE, NULL);
}

void ktopics_tell_done(struct ktopics *k)
{
	if (k->messages.verbosity == 0)
		k->messages.verbosity = 1;
}

struct table *ktopics_table(struct ktopics *k, const struct column *columns,
			    size_t count, const char *default_columns)
{
	struct table *table =
		table_new(columns, count,
			  table_style_for(&k->out, k->options.common.json),
			  k->options.header, &k->out);
	const char *names = k->options.columns;
	const char *unknown;
	const char *known[64];

	if (table == NULL)
		ktopics_out_of_memory(k);
	if (names == NULL)
		names = default_columns;
	if (names == NULL || table_select(table, names, &unknown) == 0)
		return table;
	for (size_t i = 0; i < count; i++)
		known[i] = columns[i].name;
	unknown = ktopics_text(k, (struct slice){ (const uint8_t *)unknown,
						  strcspn(unknown, ",") });
	names = nearest_name(unknown, known, count);
	message_usage(&k->messages, "-o: no column '%s'%s%s%s", unknown,
		      names == NULL ? "" : "; did you mean '",
		      names == NULL ? "" : names, names == NULL ? "" : "'?");
	table_free(table);
	return NULL;
}

int ktopics_finish(struct ktopics *k, struct table *table)
{
	/* After an error a header alone says nothing. */
	if ((k->status == EXIT_OK || !table_is_empty(table)) &&
	    table_finish(table) == -ENOMEM)
		ktopics_out_of_memory(k);
	table_free(table);
	return k->status;
}

static void release(struct ktopics *k)
{
	if (k->client != NULL)
		client_free(k->client);
	loop_free(k->loop);
	client_config_clear(&k->config);
	option_texts_clear(&k->options.configs);
	option_texts_clear(&k->options.common.x);
	output_clear(&k->out);
	arena_clear(&k->arena);
}

int main(int argc, char **argv)
{
	struct ktopics k = {
		.options = { .partitions = -1,
			     .replicas = -1,
			     .broker = -1,
			     .to_offset = -1,
			     .partition = -1 },
	};
	struct option_result result;
	int status;

	output_guard_stdio();
	messages_init(&k.messages, ktopics_tool.name, STDERR_FILENO);
	output_init(&k.out, STDOUT_FILENO);
	status = options_parse(&ktopics_tool, argc, argv, &k.options,
			       &k.messages, &result);
	if (status == EXIT_GO_ON)
		status =
			common_begin(&k.options.common, &k.messages, &k.config);
	if (status == EXIT_GO_ON) {
		k.operands = result.operands;
		k.operand_count = result.operand_count;
		status = result.verb->run(&k);
	}
	status = output_finish(&k.out, &k.messages, status);
	release(&k);
	return status;
}
