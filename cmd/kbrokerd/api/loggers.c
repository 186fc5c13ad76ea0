/*
 * loggers.c - the broker's log as resources of type BROKER_LOGGER
 *
 * A resource's changes are all checked before the first is made.
 */
#include "kbrokerd/api/loggers.h"

#include <assert.h>

#include "kbrokerd/broker.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

typedef struct incremental_alter_configs_request_resources logger_changes;
typedef struct incremental_alter_configs_request_resources_configs
	logger_change;

/* log4j has more levels than we tell apart. */
static const struct {
	const char *name;
	enum logger_level level;
} levels[] = {
	{ "DEBUG", LOGGER_DEBUG }, { "ERROR", LOGGER_ERROR },
	{ "FATAL", LOGGER_ERROR }, { "INFO", LOGGER_INFO },
	{ "TRACE", LOGGER_DEBUG }, { "WARN", LOGGER_WARN },
};

enum { LEVEL_COUNT = sizeof(levels) / sizeof(levels[0]) };

const char *loggers_level(const struct logger *logger, const char *name)
{
	enum logger_level level = logger_level(
		logger, strcmp(name, LOGGERS_ROOT) == 0 ? NULL : name);
	size_t i = 0;

	while (levels[i].level != level)
		i++;
	return levels[i].name;
}

static bool find_level(struct slice name, enum logger_level *level_out)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (slice_is(name, levels[i].name)) {
			*level_out = levels[i].level;
			return true;
		}
	}
	return false;
}

/* The subsystem of that name, or NULL. */
static const char *find_subsystem(struct slice name)
{
	size_t count;
	const char *const *names = logger_subsystems(&count);

	for (size_t i = 0; i < count; i++) {
		if (slice_is(name, names[i]))
			return names[i];
	}
	return NULL;
}

struct problem {
	int16_t code;
	const char *text;
};

static struct problem check_operation(const logger_change *c, bool is_root,
				      struct arena *arena)
{
	struct problem p = { WIRE_INVALID_REQUEST, NULL };

	switch (c->config_operation) {
	case WIRE_ALTER_CONFIG_OP_SET:
		break;
	case WIRE_ALTER_CONFIG_OP_DELETE:
		if (is_root)
			p.text = "Removing the log level of the root logger is "
				 "not allowed";
		break;
	case WIRE_ALTER_CONFIG_OP_APPEND:
		p.text = "APPEND operation is not allowed for the "
			 "BROKER_LOGGER resource";
		break;
	case WIRE_ALTER_CONFIG_OP_SUBTRACT:
		p.text = "SUBTRACT operation is not allowed for the "
			 "BROKER_LOGGER resource";
		break;
	default:
		p.code = WIRE_UNKNOWN_SERVER_ERROR;
		p.text = arena_printf(arena, "Unknown operations type %d",
				      c->config_operation);
		return p;
	}
	if (p.text == NULL)
		p.code = WIRE_NONE;
	return p;
}

static struct problem check_change(const logger_change *c, struct arena *arena)
{
	bool is_root = slice_is(c->name, LOGGERS_ROOT);
	struct problem p;
	enum logger_level level;

	if (!is_root && find_subsystem(c->name) == NULL) {
		p.code = WIRE_INVALID_CONFIG;
		p.text = arena_printf(arena, "Logger %.*s does not exist!",
				      (int)c->name.len,
				      (const char *)c->name.data);
		return p;
	}
	p = check_operation(c, is_root, arena);
	if (p.code == WIRE_NONE &&
	    c->config_operation == WIRE_ALTER_CONFIG_OP_SET &&
	    !find_level(c->value, &level)) {
		p.code = WIRE_INVALID_CONFIG;
		p.text = arena_printf(
			arena,
			"Cannot set the log level of %.*s to %.*s as it is "
			"not a supported log level. Valid log levels are "
			"DEBUG, ERROR, FATAL, INFO, TRACE, WARN",
			(int)c->name.len, (const char *)c->name.data,
			(int)c->value.len, (const char *)c->value.data);
	}
	return p;
}

static void make_change(struct logger *logger, const logger_change *c)
{
	const char *subsystem = find_subsystem(c->name);
	enum logger_level level = LOGGER_INFO;

	if (c->config_operation == WIRE_ALTER_CONFIG_OP_DELETE) {
		logger_unset_level(logger, subsystem);
		return;
	}
	if (find_level(c->value, &level))
		logger_set_level(logger, subsystem, level);
}

static struct problem alter(struct request *req, const logger_changes *changes,
			    bool validate_only)
{
	struct logger *logger = req->broker->logger;
	struct problem p = { WIRE_NONE, NULL };

	for (int32_t i = 0; i < changes->configs_count && p.code == WIRE_NONE;
	     i++)
		p = check_change(&changes->configs[i], &req->arena);
	if (p.code != WIRE_NONE || validate_only || logger == NULL)
		return p;
	for (int32_t i = 0; i < changes->configs_count; i++)
		make_change(logger, &changes->configs[i]);
	return p;
}

void loggers_alter(struct request *req, const void *request, void *response)
{
	const struct incremental_alter_configs_request *asked = request;
	struct incremental_alter_configs_response *to = response;

	/* A refused request may have no answers. */
	for (int32_t i = 0; i < to->responses_count; i++) {
		const logger_changes *changes = &asked->resources[i];
		struct problem p;

		if (changes->resource_type !=
			    WIRE_CONFIG_RESOURCE_TYPE_BROKER_LOGGER ||
		    to->responses[i].error_code != WIRE_NONE)
			continue;
		p = alter(req, changes, asked->validate_only);
		to->responses[i].error_code = p.code;
		to->responses[i].error_message = slice_of(p.text);
	}
}
