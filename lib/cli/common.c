/*
 * common.c - the options that every tool has
 */
#include "cli/common.h"

#include <string.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/settings.h"
#include "cli/signals.h"

#define AT(field) OPTION_AT(struct common_options, field)

static const char section[] = "Common options";

const struct option_row common_options_table[] = {
	{ .letter = 'b',
	  .name = "bootstrap-server",
	  .arg = "HOST[:PORT],...",
	  .kind = OPTION_TEXT,
	  .offset = AT(bootstrap),
	  .section = section,
	  .doc = "Brokers to ask first",
	  .def = "$KAFKA_BOOTSTRAP_SERVERS, the config file, localhost:9092",
	  .complete = "host" },
	{ .letter = 'F',
	  .name = "config",
	  .arg = "FILE",
	  .kind = OPTION_TEXT,
	  .offset = AT(config_file),
	  .section = section,
	  .doc = "Read properties from FILE, in librdkafka's or Java's names; "
		 "'none' reads no file",
	  .def = "$KAFKA_CONFIG, ~/.config/kafka-tools.conf, $KCAT_CONFIG, "
		 "~/.config/kcat.conf",
	  .complete = "file" },
	{ .name = "profile",
	  .arg = "NAME",
	  .kind = OPTION_TEXT,
	  .offset = AT(profile),
	  .section = section,
	  .doc = "Use the section [NAME] of the config file too",
	  .def = "$KAFKA_PROFILE" },
	{ .letter = 'X',
	  .name = "property",
	  .arg = "NAME=VALUE",
	  .kind = OPTION_TEXTS,
	  .offset = AT(x),
	  .section = section,
	  .doc = "Set a property; 'list' shows all of them, 'dump' those in "
		 "force",
	  .complete = "property" },
	{ .letter = 'm',
	  .name = "step-timeout",
	  .arg = "SEC",
	  .kind = OPTION_DURATION,
	  .offset = AT(step_timeout_ms),
	  .section = section,
	  .low = 1,
	  .def = "5",
	  .doc = "Longest wait for one step: connecting, metadata, a change" },
	{ .name = "timeout",
	  .arg = "SEC",
	  .kind = OPTION_DURATION,
	  .offset = AT(timeout_ms),
	  .section = section,
	  .low = 1,
	  .doc = "End the whole run after that time, with status 3" },
	{ .letter = 'J',
	  .name = "json",
	  .kind = OPTION_FLAG,
	  .offset = AT(json),
	  .section = section,
	  .doc = "JSON, one object per line" },
	{ .letter = 'q',
	  .name = "quiet",
	  .kind = OPTION_FLAG,
	  .offset = AT(quiet),
	  .section = section,
	  .doc = "Say only errors on stderr" },
	{ .letter = 'v',
	  .name = "verbose",
	  .kind = OPTION_COUNT,
	  .offset = AT(verbose),
	  .section = section,
	  .doc = "Say more on stderr; twice: even more" },
	{ .letter = 'V',
	  .name = "version",
	  .kind = OPTION_VERSION,
	  .section = section,
	  .doc = "Show the version" },
	{ .letter = 'h',
	  .name = "help",
	  .kind = OPTION_HELP,
	  .section = section,
	  .doc = "Show this help" },
	{ .name = "help-json",
	  .kind = OPTION_HELP_JSON,
	  .section = section,
	  .doc = "Show all options as JSON" },
	{ 0 },
};

enum { STEP_TIMEOUT_MS = 5000 };

static int print(struct buffer *text, struct messages *messages)
{
	struct output out;
	int status;

	output_init(&out, STDOUT_FILENO);
	output_put(&out, text->data, text->len);
	status = output_finish(&out, messages, EXIT_OK);
	output_clear(&out);
	buffer_clear(text);
	return status;
}

static bool has_word(const struct option_texts *x, const char *word)
{
	for (size_t i = 0; i < x->count; i++) {
		if (strcmp(x->items[i], word) == 0)
			return true;
	}
	return false;
}

bool common_verbless(const void *options)
{
	const struct common_options *common = options;

	return has_word(&common->x, "list") || has_word(&common->x, "dump");
}

int common_begin(struct common_options *options, struct messages *messages,
		 struct client_config *config)
{
	struct settings_source source = {
		.bootstrap = options->bootstrap,
		.config_file = options->config_file,
		.profile = options->profile,
		.x = options->x.items,
		.x_count = options->x.count,
	};
	struct buffer text = { 0 };
	int status;

	messages->verbosity = options->quiet ? -1 : options->verbose;
	if (options->step_timeout_ms == 0)
		options->step_timeout_ms = STEP_TIMEOUT_MS;
	if (options->timeout_ms > 0)
		signals_timeout(messages->tool, options->timeout_ms,
				options->timeout_ms);
	if (has_word(&options->x, "list")) {
		settings_list(&text);
		return print(&text, messages);
	}
	if (client_config_init(config) < 0)
		return message_fail(messages, EXIT_REFUSED, "out of memory");
	status = settings_load(config, &source, messages);
	if (status == EXIT_GO_ON && has_word(&options->x, "dump")) {
		settings_dump(config, &text);
		return print(&text, messages);
	}
	return status;
}
