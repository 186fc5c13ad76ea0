/*
 * run.c - the run of a verb, for tools that administer a cluster
 *
 * A tool that has no memory left dies here, as all tools do: it can only say
 * so.
 */
#include "cli/run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/exit_code.h"
#include "cli/json_writer.h"
#include "wire/errors.h"

_Noreturn void run_out_of_memory(struct run *run)
{
	exit(message_fail(&run->messages, EXIT_REFUSED, "out of memory"));
}

int run_connect(struct run *run)
{
	struct client_error error = { 0 };

	if (loop_new(&run->loop) < 0)
		run_out_of_memory(run);
	if (client_new(run->loop, &run->config, &run->client, &error) == 0)
		return EXIT_GO_ON;
	return message_fail(&run->messages, (int)error.kind, "%s", error.text);
}

int run_can_confirm(struct run *run, const char *doing)
{
	if (run->options->yes || run->options->dry_run || isatty(STDIN_FILENO))
		return EXIT_GO_ON;
	return message_usage(&run->messages,
			     "%s asks first, and stdin is no terminal; -y says "
			     "yes",
			     doing);
}

int run_confirm(struct run *run, const char *doing, const char *question)
{
	int status = run_can_confirm(run, doing);
	char answer[16];

	if (status != EXIT_GO_ON || run->options->yes || run->options->dry_run)
		return status;
	fprintf(stderr, "%s? [y/N] ", question);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return EXIT_GO_ON;
	return message_fail(&run->messages, EXIT_REFUSED, "nothing deleted");
}

struct client_request *run_request(struct run *run, int16_t api_key)
{
	struct client_request *request =
		client_request_new(run->client, api_key);

	if (request == NULL)
		run_out_of_memory(run);
	return request;
}

bool run_call(struct run *run, struct client_request *request, int32_t node)
{
	if (client_call(request, node, run->options->common.step_timeout_ms) ==
	    0)
		return true;
	run_fail(run, client_request_error(request));
	return false;
}

void run_fail(struct run *run, const struct client_error *error)
{
	message_error(&run->messages, "%s", error->text);
	run->status = exit_worse(run->status, (int)error->kind);
}

char *run_text(struct run *run, struct slice s)
{
	char *text = slice_is_null(s) ? NULL : arena_text(&run->arena, s);

	if (text == NULL && !slice_is_null(s))
		run_out_of_memory(run);
	return text;
}

char *run_printf(struct run *run, const char *format, ...)
{
	char *text;
	char *copy;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		run_out_of_memory(run);
	copy = run_text(run, (struct slice){ (uint8_t *)text, (size_t)len });
	free(text);
	return copy;
}

void *run_alloc(struct run *run, size_t count, size_t size)
{
	void *memory = arena_calloc(&run->arena, count, size);

	if (memory == NULL)
		run_out_of_memory(run);
	return memory;
}

/* {"topic":"t","ok":true}, or false with error, code and message. */
static void put_result(struct run *run, const char *kind, const char *name,
		       int16_t code, const char *text)
{
	struct json_writer w = json_writer(&run->out.buffer);

	if (!run->options->common.json)
		return;
	json_put_open(&w, '{');
	json_member_text(&w, kind, name);
	json_member_bool(&w, "ok", code == WIRE_NONE);
	if (run->options->dry_run)
		json_member_bool(&w, "dry_run", true);
	if (code != WIRE_NONE) {
		json_member_text(&w, "error", client_code_name(code));
		json_member_int(&w, "code", code);
		json_member_text(&w, "message", text);
	}
	json_put_close(&w, '}');
	buffer_put_u8(&run->out.buffer, '\n');
	output_filled(&run->out, 0);
}

/* Named things of which a code says that they do not exist. */
static bool says_missing(int16_t code)
{
	return code == WIRE_UNKNOWN_TOPIC_OR_PARTITION ||
	       code == WIRE_GROUP_ID_NOT_FOUND;
}

void run_refused(struct run *run, const char *kind, const char *name,
		 int16_t code, struct slice text)
{
	const char *why = run_text(run, text);
	struct client_error error = { 0 };
	char subject[300];

	snprintf(subject, sizeof(subject), "%s '%s'", kind, name);
	if (why != NULL && why[0] == '\0')
		why = NULL;
	client_error_from_code(&error, code, subject, why);
	if (says_missing(code))
		snprintf(error.text, sizeof(error.text), "%s does not exist",
			 subject);
	run_fail(run, &error);
	put_result(run, kind, name, code,
		   why == NULL ? wire_error_text(code) : why);
}

void run_done(struct run *run, const char *kind, const char *name,
	      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(&run->messages, MESSAGE_NOTICE, format, args);
	va_end(args);
	put_result(run, kind, name, WIRE_NONE, NULL);
}

void run_tell_done(struct run *run)
{
	if (run->messages.verbosity == 0)
		run->messages.verbosity = 1;
}

struct table *run_table(struct run *run, const struct column *columns,
			size_t count, const char *default_columns)
{
	struct table *table =
		table_new(columns, count,
			  table_style_for(&run->out, run->options->common.json),
			  run->options->header, &run->out);
	const char *names = run->options->columns;
	const char *unknown;
	const char *known[64];

	if (table == NULL)
		run_out_of_memory(run);
	if (names == NULL)
		names = default_columns;
	if (names == NULL || table_select(table, names, &unknown) == 0)
		return table;
	for (size_t i = 0; i < count; i++)
		known[i] = columns[i].name;
	unknown = run_text(run, (struct slice){ (const uint8_t *)unknown,
						strcspn(unknown, ",") });
	names = nearest_name(unknown, known, count);
	message_usage(&run->messages, "-o: no column '%s'%s%s%s", unknown,
		      names == NULL ? "" : "; did you mean '",
		      names == NULL ? "" : names, names == NULL ? "" : "'?");
	table_free(table);
	return NULL;
}

int run_finish(struct run *run, struct table *table)
{
	/* After an error a header alone says nothing. */
	if ((run->status == EXIT_OK || !table_is_empty(table)) &&
	    table_finish(table) == -ENOMEM)
		run_out_of_memory(run);
	table_free(table);
	return run->status;
}

void run_sleep(struct run *run, int64_t ms)
{
	int64_t end_ms = loop_now_ms(run->loop) + ms;

	for (int64_t left = ms; left > 0;
	     left = end_ms - loop_now_ms(run->loop))
		loop_run_once(run->loop, left);
}

static void release(struct run *run)
{
	if (run->client != NULL)
		client_free(run->client);
	loop_free(run->loop);
	client_config_clear(&run->config);
	option_texts_clear(&run->options->common.x);
	output_clear(&run->out);
	arena_clear(&run->arena);
}

int run_main(const struct option_tool *tool, struct run *run,
	     struct run_options *options, int argc, char **argv)
{
	struct option_result result;
	int status;

	*run = (struct run){ .options = options };
	output_guard_stdio();
	messages_init(&run->messages, tool->name, STDERR_FILENO);
	output_init(&run->out, STDOUT_FILENO);
	status = options_parse(tool, argc, argv, options, &run->messages,
			       &result);
	if (status == EXIT_GO_ON)
		status = common_begin(&options->common, &run->messages,
				      &run->config);
	if (status == EXIT_GO_ON) {
		run->operands = result.operands;
		run->operand_count = result.operand_count;
		status = result.verb->run(run);
	}
	status = output_finish(&run->out, &run->messages, status);
	release(run);
	return status;
}
