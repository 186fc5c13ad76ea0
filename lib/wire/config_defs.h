/*
 * config_defs.h - Kafka's configurations as a table (schema/configs.def)
 *
 * Generated rows; sorted by scope, then name.
 */
#ifndef WIRE_CONFIG_DEFS_H
#define WIRE_CONFIG_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_scope {
	CONFIG_TOPIC,
	CONFIG_GROUP,
	CONFIG_CLIENT_METRICS,
	CONFIG_QUOTA,
	CONFIG_BROKER,
};

/* The ConfigType of DescribeConfigs responses. */
enum config_type {
	CONFIG_TYPE_UNKNOWN,
	CONFIG_TYPE_BOOLEAN,
	CONFIG_TYPE_STRING,
	CONFIG_TYPE_INT,
	CONFIG_TYPE_SHORT,
	CONFIG_TYPE_LONG,
	CONFIG_TYPE_DOUBLE,
	CONFIG_TYPE_LIST,
	CONFIG_TYPE_CLASS,
	CONFIG_TYPE_PASSWORD,
};

enum config_update {
	CONFIG_UPDATE_NONE, /* "-" */
	CONFIG_UPDATE_READ_ONLY,
	CONFIG_UPDATE_PER_BROKER,
	CONFIG_UPDATE_CLUSTER,
};

/* A broker config from which a topic's default comes, times factor. */
struct config_synonym {
	const char *name;
	int64_t factor;
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): read by people */
struct config_def {
	enum config_scope scope;
	const char *name;
	enum config_type type;
	const char *default_value; /* NULL: null, or required */
	bool required;
	const char *valid; /* as in configs.def: ">=0", "1..9", "{a,b}*", "-" */
	enum config_update update;
	const char *doc;
	const struct config_synonym *synonyms; /* first one set wins */
	size_t synonym_count;
};

/* The row, or NULL. */
const struct config_def *config_def_find(enum config_scope scope,
					 const char *name);

/* The rows of a scope. */
const struct config_def *config_defs(enum config_scope scope,
				     size_t *count_out);

/*
 * Is value one that def takes (type and valid)?  Returns 0 or -EINVAL with a
 * reason in text.
 */
int config_value_check(const struct config_def *def, const char *value,
		       char *text, size_t text_size);

#endif /* WIRE_CONFIG_DEFS_H */
