/*
 * config_keys.c - the keys of our own, our own defaults, and values by name
 */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kbrokerd/config_private.h"

/* Our own keys. */
static const struct config_def own_defs[] = {
	{ .scope = CONFIG_BROKER,
	  .name = "cluster.id",
	  .type = CONFIG_TYPE_STRING,
	  .valid = "-",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "the cluster's id; made up for a new data directory" },
	{ .scope = CONFIG_BROKER,
	  .name = "flush.mode",
	  .type = CONFIG_TYPE_STRING,
	  .default_value = "commit",
	  .valid = "{commit,os}",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "commit: acks=all is answered after fsync; os: Kafka's way, "
		 "the page cache and replicas" },
	{ .scope = CONFIG_BROKER,
	  .name = "group.memory.max.bytes",
	  .type = CONFIG_TYPE_LONG,
	  .default_value = "268435456",
	  .valid = ">=0",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "what groups, members and committed offsets may take of the "
		 "memory; new ones are refused beyond it; an eighth of a "
		 "container's memory if that is less" },
	{ .scope = CONFIG_BROKER,
	  .name = "http.allowed.hosts",
	  .type = CONFIG_TYPE_LIST,
	  .valid = "-",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "names by which browsers may ask for the status page, besides "
		 "localhost, addresses and this machine's name" },
	{ .scope = CONFIG_BROKER,
	  .name = "http.listeners",
	  .type = CONFIG_TYPE_LIST,
	  .default_value = "localhost:9644",
	  .valid = "-",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "HOST:PORT,... for the status page, health and metrics; port "
		 "0 is any free one, no host is every address; off for none" },
	{ .scope = CONFIG_BROKER,
	  .name = "logging.level",
	  .type = CONFIG_TYPE_STRING,
	  .valid = "-",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "LEVEL or SUBSYSTEM=LEVEL,...: which lines are told; levels "
		 "are error, warn, info, debug" },
	{ .scope = CONFIG_BROKER,
	  .name = "metrics.group.limit",
	  .type = CONFIG_TYPE_INT,
	  .default_value = "1000",
	  .valid = "0..100000",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "how many groups, the first by name, have series in "
		 "/metrics" },
	{ .scope = CONFIG_BROKER,
	  .name = "metrics.partitions",
	  .type = CONFIG_TYPE_BOOLEAN,
	  .default_value = "false",
	  .valid = "-",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "whether /metrics has series for each partition too" },
	{ .scope = CONFIG_BROKER,
	  .name = "metrics.topic.limit",
	  .type = CONFIG_TYPE_INT,
	  .default_value = "1000",
	  .valid = "0..100000",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "how many topics, the first by name, have series in "
		 "/metrics" },
	{ .scope = CONFIG_BROKER,
	  .name = "min.free.bytes",
	  .type = CONFIG_TYPE_LONG,
	  .default_value = "-1",
	  .valid = ">=-1",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "refuse records when the disk has less than this left; -1 is "
		 "the smaller of 5 % and 1 GiB" },
	{ .scope = CONFIG_BROKER,
	  .name = "topics.file",
	  .type = CONFIG_TYPE_STRING,
	  .valid = "-",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "a file with a topic a line, "
		 "NAME[:PARTITIONS][,KEY=VALUE...], "
		 "to be there at the start; /etc/kbrokerd/topics.conf where "
		 "there is one" },
};

/* Kafka's keys of which our default is another. */
static const struct {
	const char *key;
	const char *value;
} own_defaults[] = {
	{ "advertised.listeners", "auto" },
	{ "controller.listener.names", "CONTROLLER" },
	{ "group.initial.rebalance.delay.ms", "0" },
	{ "listeners", "PLAINTEXT://localhost:9092" },
	{ "process.roles", "broker,controller" },
	{ "queued.max.request.bytes", "268435456" },
	{ "socket.listen.backlog.size", "4096" },
	{ "socket.receive.buffer.bytes", "-1" },
	{ "socket.send.buffer.bytes", "-1" },
};

const struct config_def *config_own_defs(size_t *count_out)
{
	*count_out = CONFIG_COUNT(own_defs);
	return own_defs;
}

const struct config_def *config_def(const char *key)
{
	for (size_t i = 0; i < CONFIG_COUNT(own_defs); i++) {
		if (strcmp(own_defs[i].name, key) == 0)
			return &own_defs[i];
	}
	return config_def_find(CONFIG_BROKER, key);
}

const char *config_default(const char *key)
{
	for (size_t i = 0; i < CONFIG_COUNT(own_defaults); i++) {
		if (strcmp(own_defaults[i].key, key) == 0)
			return own_defaults[i].value;
	}
	for (size_t i = 0; i < CONFIG_COUNT(own_defs); i++) {
		if (strcmp(own_defs[i].name, key) == 0)
			return own_defs[i].default_value;
	}
	return NULL;
}

const char *config_text(const struct config *config, const char *key)
{
	const struct config_def *def = config_def(key);
	const char *text = properties_get(&config->properties, key);

	assert(def != NULL);
	if (text == NULL)
		text = properties_get(&config->computed, key);
	if (text == NULL)
		text = config_default(key);
	if (text == NULL)
		text = def->default_value;
	return text;
}

int64_t config_int(const struct config *config, const char *key)
{
	const char *text = config_text(config, key);

	assert(text != NULL);
	return strtoll(text, NULL, 10);
}

bool config_bool(const struct config *config, const char *key)
{
	const char *text = config_text(config, key);

	assert(text != NULL);
	while (isspace((unsigned char)*text))
		text++;
	return strncasecmp(text, "true", 4) == 0;
}
