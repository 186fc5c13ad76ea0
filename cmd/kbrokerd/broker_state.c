/*
 * broker_state.c - a broker that runs: its settings change, and how it stands
 *
 * What clients are told to connect to is, in this order, the dynamic
 * configuration of this broker, that of all brokers, and the settings.  A
 * dynamic value that makes no sense here, as one of a data directory that had
 * other listeners, is told once and passed over.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/change_wait.h"
#include "kbrokerd/server/io_thread.h"
#include "kbrokerd/server/server.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

#define ADVERTISED "advertised.listeners"

/* The value that somebody set while the broker ran, or NULL. */
static const char *dynamic_value(const struct broker *broker,
				 const struct image *image, const char *key)
{
	const struct config_set *set;
	const char *text;
	char id[16];

	snprintf(id, sizeof(id), "%d", broker->identity.node_id);
	set = image_configs(image, WIRE_CONFIG_RESOURCE_TYPE_BROKER,
			    slice_of(id));
	text = set == NULL ? NULL : config_set_get(set, key);
	if (text != NULL)
		return text;
	set = image_configs(image, WIRE_CONFIG_RESOURCE_TYPE_BROKER,
			    slice_of(""));
	return set == NULL ? NULL : config_set_get(set, key);
}

/* Advertised addresses */

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Under the lock.  Returns false when it cannot be. */
static bool tell_clients(struct broker *broker, const char *text,
			 const char *origin)
{
	char error[512];

	if (advertised_set(&broker->server->advertised, broker->config, text,
			   error, sizeof(error)) == 0) {
		logger_tell(broker->logger, LOGGER_INFO, "broker",
			    "clients are told other addresses", ADVERTISED,
			    text, "origin", origin, NULL);
		return true;
	}
	logger_tell(broker->logger, LOGGER_ERROR, "broker",
		    "clients cannot be told these addresses", ADVERTISED, text,
		    "origin", origin, "error", error, NULL);
	return false;
}

/* Under the lock. */
static void apply_advertised(struct broker *broker, const struct image *image)
{
	const char *dynamic = dynamic_value(broker, image, ADVERTISED);

	if (same(dynamic, broker->advertised))
		return;
	free(broker->advertised);
	broker->advertised = dynamic == NULL ? NULL : strdup(dynamic);
	if (dynamic == NULL || !tell_clients(broker, dynamic, "dynamic"))
		tell_clients(broker, config_text(broker->config, ADVERTISED),
			     "settings");
}

static void apply_connections_max(struct broker *broker,
				  const struct image *image)
{
	const struct config *config = broker->config;
	const char *dynamic = dynamic_value(broker, image, "max.connections");
	int64_t value = config->connections_max;

	if (dynamic != NULL &&
	    parse_int64_in(dynamic, 0, INT32_MAX, &value) < 0)
		value = config->connections_max;
	atomic_store(&broker->server->connections_max, (int32_t)value);
}

/* A number that may be changed while the broker runs. */
static int64_t number_of(struct broker *broker, const struct image *image,
			 const char *key)
{
	const char *dynamic = dynamic_value(broker, image, key);
	int64_t value;

	if (dynamic == NULL ||
	    parse_int64_in(dynamic, 0, INT32_MAX, &value) < 0)
		value = config_int(broker->config, key);
	return value;
}

static void apply_door_limits(struct broker *broker, const struct image *image)
{
	static const char overrides[] = "max.connections.per.ip.overrides";
	const struct config *config = broker->config;
	const char *dynamic = dynamic_value(broker, image, overrides);
	const struct door_limits limits = {
		.per_address = (int32_t)number_of(broker, image,
						  "max.connections.per.ip"),
		.creation_rate = (int32_t)number_of(
			broker, image, "max.connection.creation.rate"),
		.overrides = dynamic != NULL ? dynamic
					     : config_text(config, overrides),
		.windows = {
			(int32_t)config_int(config, "quota.window.num"),
			config_int(config, "quota.window.size.seconds") * 1000,
		},
	};

	doorman_set(&broker->server->doorman, &limits);
}

/* The image is taken under the lock: so what a newer one changes comes after
 * it. */
void broker_apply_dynamic(struct broker *broker)
{
	const struct image *image;

	pthread_mutex_lock(&broker->settings_lock);
	image = metadata_image(broker->metadata);
	apply_door_limits(broker, image);
	apply_advertised(broker, image);
	apply_connections_max(broker, image);
	image_release(image);
	pthread_mutex_unlock(&broker->settings_lock);
}

static int set_dynamic(struct broker *broker, const char *text, char *error,
		       size_t error_size)
{
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_request_resources resource;
	struct incremental_alter_configs_request_resources_configs config;
	struct incremental_alter_configs_response response;
	struct arena arena = { 0 };
	char id[16];
	int16_t code = WIRE_NONE;

	snprintf(id, sizeof(id), "%d", broker->identity.node_id);
	wire_init(&incremental_alter_configs_request_desc, &request);
	wire_init(&incremental_alter_configs_request_resources_desc, &resource);
	wire_init(&incremental_alter_configs_request_resources_configs_desc,
		  &config);
	config.name = slice_of(ADVERTISED);
	config.value = text[0] == '\0' ? SLICE_NULL : slice_of(text);
	config.config_operation = text[0] == '\0' ? WIRE_ALTER_CONFIG_OP_DELETE
						  : WIRE_ALTER_CONFIG_OP_SET;
	resource.resource_type = WIRE_CONFIG_RESOURCE_TYPE_BROKER;
	resource.resource_name = slice_of(id);
	resource.configs = &config;
	resource.configs_count = 1;
	request.resources = &resource;
	request.resources_count = 1;
	wire_init(&incremental_alter_configs_response_desc, &response);
	change_wait(broker->metadata, 44, 1, &request, &response, &arena);
	if (response.responses_count != 1)
		code = WIRE_UNKNOWN_SERVER_ERROR;
	else
		code = response.responses[0].error_code;
	if (code != WIRE_NONE)
		snprintf(error, error_size, "%s: %.*s", wire_error_name(code),
			 response.responses_count == 1
				 ? (int)response.responses[0].error_message.len
				 : 0,
			 response.responses_count == 1
				 ? (const char *)response.responses[0]
					   .error_message.data
				 : "");
	arena_clear(&arena);
	return code == WIRE_NONE ? 0 : -EIO;
}

int broker_set_advertised(struct broker *broker, const char *text, char *error,
			  size_t error_size)
{
	struct listener_config told[LISTENERS_MAX];
	int rc = 0;

	if (text[0] != '\0')
		rc = config_parse_advertised(broker->config, text, told, error,
					     error_size);
	return rc < 0 ? rc : set_dynamic(broker, text, error, error_size);
}

/* Settings */

struct changes {
	struct broker *broker;
	char taken[512], left[512];
	bool advertised;
};

static void add_name(char *list, size_t size, const char *name)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len == 0 ? "" : ",", name);
}

static void on_change(void *arg, const char *key, bool taken)
{
	struct changes *c = arg;

	if (taken)
		add_name(c->taken, sizeof(c->taken), key);
	else
		add_name(c->left, sizeof(c->left), key);
	if (strcmp(key, ADVERTISED) == 0)
		c->advertised = true;
}

static void tell_changes(const struct changes *c)
{
	const struct logger *logger = c->broker->logger;

	if (c->left[0] != '\0')
		logger_tell(logger, LOGGER_WARN, "config",
			    "changed settings that need a restart", "keys",
			    c->left, NULL);
	if (c->taken[0] != '\0')
		logger_tell(logger, LOGGER_INFO, "config",
			    "changed settings are in effect", "keys", c->taken,
			    NULL);
	if (c->taken[0] == '\0' && c->left[0] == '\0')
		logger_tell(logger, LOGGER_INFO, "config", "no setting changed",
			    NULL);
}

/* Keep it as long as the broker. */
static int keep(struct broker *broker, struct config *config)
{
	struct config **all =
		realloc(broker->reloaded,
			(broker->reloaded_count + 1) * sizeof(struct config *));

	if (all == NULL)
		return -ENOMEM;
	all[broker->reloaded_count++] = config;
	broker->reloaded = all;
	return 0;
}

static void want_topics(struct broker *broker, const struct config *config)
{
	char error[512];

	if (wanted_topics_apply(&config->topics, broker, error, sizeof(error)) <
	    0)
		logger_tell(broker->logger, LOGGER_ERROR, "broker",
			    "topics are not all as wanted", "error", error,
			    NULL);
}

void broker_reload(struct broker *broker, struct config *loaded)
{
	struct changes changes = { .broker = broker };
	struct config *merged;
	int rc = config_merge(broker->config, loaded, on_change, &changes,
			      &merged);

	if (rc == 0 && keep(broker, merged) < 0) {
		config_free(merged);
		rc = -ENOMEM;
	}
	if (rc < 0) {
		logger_tell(broker->logger, LOGGER_ERROR, "config",
			    "the settings stay as they were", "error",
			    strerror(-rc), NULL);
		return;
	}
	pthread_mutex_lock(&broker->settings_lock);
	broker->config = merged;
	broker->server->config = merged;
	if (changes.advertised && broker->advertised == NULL)
		tell_clients(broker, config_text(merged, ADVERTISED),
			     "settings");
	pthread_mutex_unlock(&broker->settings_lock);
	metadata_set_properties(broker->metadata, &merged->properties);
	partition_table_set_properties(broker->partitions, &merged->properties);
	broker_apply_dynamic(broker);
	tell_changes(&changes);
	want_topics(broker, merged);
}

/* How it stands */

bool broker_is_alive(struct broker *broker, int64_t patience_ms)
{
	return server_is_alive(broker->server, patience_ms);
}

void broker_summary(struct broker *broker, char *text, size_t size)
{
	const struct image *image = metadata_image(broker->metadata);

	snprintf(text, size, "%d connections, %zu topics, %zu partitions",
		 atomic_load(&broker->server->conn_count),
		 image_topic_count(image), image_partition_count(image));
	image_release(image);
}

/* The second number of statm, in pages. */
static int64_t resident_bytes(void)
{
	char line[128] = "";
	FILE *file = fopen("/proc/self/statm", "re");
	char *space;

	if (file != NULL && fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	if (file != NULL)
		fclose(file);
	space = strchr(line, ' ');
	return space == NULL ? 0
			     : strtoll(space, NULL, 10) * sysconf(_SC_PAGESIZE);
}

struct number {
	char text[24];
};

static const char *number(struct number *to, int64_t value)
{
	snprintf(to->text, sizeof(to->text), "%" PRId64, value);
	return to->text;
}

static void tell_thread(const struct broker *broker, struct io_thread *t)
{
	struct number n[5];

	logger_tell(broker->logger, LOGGER_INFO, "broker", "state of a thread",
		    "#thread", number(&n[0], t->number), "#connections",
		    number(&n[1], atomic_load(&t->conn_count)), "#busy_percent",
		    number(&n[2], atomic_load(&t->busy_percent)), "#moved_away",
		    number(&n[3], atomic_load(&t->moved)), "#turns",
		    number(&n[4], atomic_load(&t->turns)), NULL);
}

static void tell_listener(const struct broker *broker, size_t i)
{
	const struct listener *l = &broker->server->listeners[i];
	char host[256];
	int32_t port = 0;
	bool told = advertised_get(&broker->server->advertised, i, host, &port);
	struct number n[3];

	logger_tell(broker->logger, LOGGER_INFO, "broker",
		    "state of a listener", "listener", l->config->name, "host",
		    l->config->host[0] == '\0' ? "*" : l->config->host, "#port",
		    number(&n[0], l->port), "accepting",
		    l->paused ? "paused" : "yes", "advertised_host",
		    told ? host : "auto", "#advertised_port",
		    told ? number(&n[1], port) : NULL, NULL);
}

void broker_tell_state(struct broker *broker)
{
	const struct image *image = metadata_image(broker->metadata);
	struct server *s = broker->server;
	struct mallinfo2 heap = mallinfo2();
	struct number n[8];

	logger_tell(broker->logger, LOGGER_INFO, "broker", "state",
		    "#connections", number(&n[0], atomic_load(&s->conn_count)),
		    "#topics", number(&n[1], (int64_t)image_topic_count(image)),
		    "#partitions",
		    number(&n[2], (int64_t)image_partition_count(image)),
		    "#metadata_offset", number(&n[3], image_offset(image)),
		    "#metadata_epoch", number(&n[4], image_epoch(image)),
		    "#resident_bytes", number(&n[5], resident_bytes()),
		    "#heap_bytes", number(&n[6], (int64_t)heap.uordblks),
		    "uptime", NULL, NULL);
	for (int32_t i = 0; i < s->thread_count; i++)
		tell_thread(broker, &s->threads[i]);
	for (size_t i = 0; i < s->listener_count; i++)
		tell_listener(broker, i);
	image_release(image);
}
