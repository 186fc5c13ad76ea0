/*
 * settings.h - properties by librdkafka's and Java's names
 *
 * Where a value comes from, the first that has it: -X and -b, the environment
 * (KAFKA_BOOTSTRAP_SERVERS), the profile of the config file, the top of the
 * file, the built-in default.  The file is -F, else $KAFKA_CONFIG, else
 * ~/.config/kafka-tools.conf, else $KCAT_CONFIG, else ~/.config/kcat.conf; -F
 * none reads none.  It is a .properties file in which "[prod]" starts the
 * section of profile "prod".
 *
 * A value may hold ${env:NAME}, ${file:PATH} (one trailing newline is cut),
 * ${file:PATH:KEY} (of a .properties file), ${cmd:COMMAND} (its stdout, one
 * trailing newline cut).
 *
 * Names are librdkafka's; Java's are aliases of them ("max.request.size" is
 * "message.max.bytes"), and so is kcat's prefix "topic.".  A getter is asked
 * by librdkafka's name and knows it: another one is a bug of the caller's and
 * is asserted.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/properties.h"
#include "cli/exit_code.h"
#include "cli/messages.h"

struct settings {
	struct properties values; /* by librdkafka's name, ${} replaced */
};

struct settings_source {
	const char *bootstrap;   /* -b, or NULL */
	const char *config_file; /* -F, or NULL */
	const char *profile;     /* --profile, or NULL: $KAFKA_PROFILE */
	const char *const *x;    /* -X k=v, in order */
	size_t x_count;
};

/*
 * Gather and check all values: unknown names (with the nearest one), values
 * out of range, secrets in files that others can read (a warning), what is
 * known to librdkafka or Java but not used here (told at -v), what cannot be
 * ignored safely (security.protocol other than PLAINTEXT: an error).
 *
 * Returns EXIT_GO_ON, or EXIT_USAGE after an error has been said.
 */
int settings_load(struct settings *settings,
		  const struct settings_source *source,
		  struct messages *messages);
void settings_clear(struct settings *settings);

/* The value given, else the default, else NULL. */
const char *settings_text(const struct settings *settings, const char *name);
int64_t settings_int(const struct settings *settings, const char *name);
bool settings_bool(const struct settings *settings, const char *name);

/* For values of a fixed set ("none|gzip|..."): which one, from 0. */
int settings_choice(const struct settings *settings, const char *name);

/* Was it given, and by whom ("-X", a path)?  NULL: it is the default. */
const char *settings_origin(const struct settings *settings, const char *name);

/*
 * Set a value as a tool's own option does (-z is compression.codec).  Returns
 * NULL, or why the value is refused, which is valid until the next call.
 */
const char *settings_set(struct settings *settings, const char *name,
			 const char *value, const char *origin);

/* Append what -X list and -X dump print; secrets in dump are "********". */
void settings_list(struct buffer *out);
void settings_dump(const struct settings *settings, struct buffer *out);

#endif /* CLI_SETTINGS_H */
