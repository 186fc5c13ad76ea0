/*
 * configs.h - properties of topics and brokers
 */
#ifndef KTOPICS_CONFIGS_H
#define KTOPICS_CONFIGS_H

#include "ktopics/topics.h"
#include "wire/config_defs.h"

/* A topic, or with --broker a broker. */
struct config_resource {
	int8_t type; /* WIRE_CONFIG_RESOURCE_TYPE_... */
	const char *name;
};

struct config_setting {
	const char *name;
	const char *value; /* NULL: unset */
};

/*
 * Part NAME=VALUE; a value for people becomes what the broker takes (7d is
 * 604800000 where the name ends in .ms, 1MiB 1048576 in .bytes).  false with
 * a usage error said.
 */
bool configs_parse(struct ktopics *k, const char *text,
		   struct config_setting *out);

/* The name that was meant by one that is not known, or NULL. */
const char *configs_nearest(enum config_scope scope, const char *name);

/*
 * Ask for the properties of count resources of one type; names NULL: all.
 * NULL when the request failed, which has been said.  Free it with
 * client_request_free().
 */
struct client_request *configs_describe(struct ktopics *k,
					const struct config_resource *resources,
					size_t count, const char *const *names,
					size_t name_count);

/* The value in force of a topic's property in such an answer, or NULL. */
const struct describe_configs_response_results_configs *configs_find(
	const struct describe_configs_response_results *result,
	const char *name);

#endif /* KTOPICS_CONFIGS_H */
