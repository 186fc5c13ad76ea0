/*
 * config_private.h - what the files of config.h share
 */
#ifndef KBROKERD_CONFIG_PRIVATE_H
#define KBROKERD_CONFIG_PRIVATE_H

#include "kbrokerd/config.h"
#include "kbrokerd/logger.h"

#define CONFIG_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What config_load() works with. */
struct loading {
	const struct config_input *input;
	struct config *config;
	char *error;
	size_t error_size;
};

/* Say what is wrong; returns -EINVAL. */
__attribute__((format(printf, 2, 3))) int config_fail(struct loading *l,
						      const char *format, ...);

/* Tell a line worth reading. */
__attribute__((format(printf, 3, 4))) void config_notice(
	struct loading *l, enum logger_level level, const char *format, ...);

/* Our own keys. */
const struct config_def *config_own_defs(size_t *count_out);

/* Where a property is from: "server.properties:12", "-X". */
void config_place(const struct property *p, char *text, size_t size);

bool config_has_prefix(const char *text, const char *prefix);

/* The next of text's comma separated items without blanks; false at its end. */
bool config_next_item(const char **text, char *item, size_t size);
bool config_list_has(const char *list, const char *word);

/* In config_texts.c: the file, the environment, -X; each key checked. */
int config_read_texts(struct loading *l);
/* Is it what a topic has that does not say otherwise? */
bool config_is_topic_default(const char *key);
/* Name, in one notice, what Kafka knows and we have no use for. */
void config_tell_unused(struct loading *l);

/* In config_listeners.c: the default that depends on the machine, if they are
 * not set; then all of them. */
int config_default_listeners(struct loading *l);
int config_read_listeners(struct loading *l);

/* Are we what a container runs?  Then localhost would reach nobody. */
bool config_in_container(void);

/* In config.c: the fields that are numbers, from the texts. */
void config_read_numbers(struct config *config);

/* In config_http.c: http.listeners. */
int config_read_http(struct loading *l);

#endif /* KBROKERD_CONFIG_PRIVATE_H */
