/*
 * settings.h - where the properties of a run come from
 *
 * Names, types and meanings are those of client/client_config.h.  Where a
 * value comes from, the first that has it: -X and -b, the environment
 * (KAFKA_BOOTSTRAP_SERVERS), the profile of the config file, the top of the
 * file, the built-in default.  The file is -F, else $KAFKA_CONFIG, else
 * ~/.config/kafka-tools.conf, else $KCAT_CONFIG, else ~/.config/kcat.conf; -F
 * none reads none.  It is a .properties file in which "[prod]" starts the
 * section of profile "prod".
 *
 * A value may hold ${env:NAME}, ${file:PATH} (one trailing newline is cut),
 * ${file:PATH:KEY} (of a .properties file, as Kafka's FileConfigProvider) and
 * ${cmd:COMMAND} (its stdout, one trailing newline cut).
 *
 * kcat's prefix "topic." on a name is taken off.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/buffer.h"
#include "cli/exit_code.h"
#include "cli/messages.h"
#include "client/client_config.h"

struct settings_source {
	const char *bootstrap;   /* -b, or NULL */
	const char *config_file; /* -F, or NULL */
	const char *profile;     /* --profile, or NULL: $KAFKA_PROFILE */
	const char *const *x;    /* -X k=v, in order */
	size_t x_count;
};

/*
 * Set all values in config, which client_config_init() has filled.  Said:
 * unknown names with the nearest one, bad values (both with the place they
 * are at), at -v what is known elsewhere but without effect here, a warning
 * where others can read a file with a secret in it.
 *
 * Returns EXIT_GO_ON, or EXIT_USAGE after an error has been said.
 */
int settings_load(struct client_config *config,
		  const struct settings_source *source,
		  struct messages *messages);

/* Append what -X list and -X dump print; secrets in dump are hidden. */
void settings_list(struct buffer *out);
void settings_dump(const struct client_config *config, struct buffer *out);

#endif /* CLI_SETTINGS_H */
