/*
 * config_texts.c - settings as texts: the file, the environment, -X
 *
 * Every key must be one that we, Kafka, or the Kafka of ZooKeeper's time know,
 * and every value one that its definition takes.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "kbrokerd/config_private.h"

enum { NAMES_MAX = 512 };

/* Kafka's keys that have an effect here; besides those that are a topic
 * config's default. */
static const char *const used_keys[] = {
	"advertised.listeners",
	"auto.create.topics.enable",
	"broker.id",
	"broker.rack",
	"connections.max.idle.ms",
	"controller.listener.names",
	"controller.quorum.voters",
	"controller.quota.window.num",
	"controller.quota.window.size.seconds",
	"controller.quorum.bootstrap.servers",
	"default.replication.factor",
	"delete.topic.enable",
	"fetch.max.bytes",
	"group.consumer.assignors",
	"group.consumer.heartbeat.interval.ms",
	"group.consumer.max.heartbeat.interval.ms",
	"group.consumer.max.session.timeout.ms",
	"group.consumer.max.size",
	"group.consumer.migration.policy",
	"group.consumer.min.heartbeat.interval.ms",
	"group.consumer.min.session.timeout.ms",
	"group.consumer.regex.refresh.interval.ms",
	"group.consumer.session.timeout.ms",
	"group.coordinator.rebalance.protocols",
	"group.initial.rebalance.delay.ms",
	"group.max.session.timeout.ms",
	"group.max.size",
	"group.min.session.timeout.ms",
	"inter.broker.listener.name",
	"listener.security.protocol.map",
	"listeners",
	"log.dir",
	"log.dirs",
	"log.retention.check.interval.ms",
	"max.connection.creation.rate",
	"max.connections",
	"max.connections.per.ip",
	"max.connections.per.ip.overrides",
	"max.incremental.fetch.session.cache.slots",
	"max.request.partition.size.limit",
	"metadata.log.max.record.bytes.between.snapshots",
	"metadata.log.max.snapshot.interval.ms",
	"metadata.log.segment.bytes",
	"metadata.log.segment.ms",
	"metadata.max.retention.bytes",
	"metadata.max.retention.ms",
	"node.id",
	"num.network.threads",
	"num.partitions",
	"offset.metadata.max.bytes",
	"offsets.commit.timeout.ms",
	"offsets.load.buffer.size",
	"offsets.retention.check.interval.ms",
	"offsets.retention.minutes",
	"offsets.topic.compression.codec",
	"offsets.topic.num.partitions",
	"offsets.topic.replication.factor",
	"offsets.topic.segment.bytes",
	"process.roles",
	"producer.id.expiration.ms",
	"queued.max.request.bytes",
	"quota.window.num",
	"quota.window.size.seconds",
	"security.inter.broker.protocol",
	"share.coordinator.state.topic.num.partitions",
	"share.coordinator.state.topic.replication.factor",
	"share.coordinator.state.topic.segment.bytes",
	"socket.listen.backlog.size",
	"socket.receive.buffer.bytes",
	"socket.request.max.bytes",
	"socket.send.buffer.bytes",
	"telemetry.max.bytes",
	"transaction.state.log.num.partitions",
	"transaction.state.log.replication.factor",
	"transaction.state.log.segment.bytes",
};

/* Of the time before KRaft: told, and left out. */
static const char *const zookeeper_keys[] = {
	"broker.id.generation.enable",
	"control.plane.listener.name",
	"inter.broker.protocol.version",
	"log.message.format.version",
	"log.message.timestamp.difference.max.ms",
	"password.encoder.secret",
	"reserved.broker.max.id",
	"zookeeper.",
};

/* KAFKA_* that images, tools and Kubernetes use for themselves. */
static const char *const foreign_variables[] = {
	"KAFKA_BOOTSTRAP_SERVERS",
	"KAFKA_CONFIG",
	"KAFKA_DEBUG",
	"KAFKA_GC_LOG_OPTS",
	"KAFKA_HEAP_OPTS",
	"KAFKA_HOME",
	"KAFKA_JMX_",
	"KAFKA_JVM_PERFORMANCE_OPTS",
	"KAFKA_LOG4J_",
	"KAFKA_OPTS",
	"KAFKA_PORT",
	"KAFKA_PORT_",
	"KAFKA_PROFILE",
	"KAFKA_SERVICE_",
	"KAFKA_SSL_KEYSTORE_CREDENTIALS",
	"KAFKA_SSL_KEYSTORE_FILENAME",
	"KAFKA_SSL_KEY_CREDENTIALS",
	"KAFKA_SSL_TRUSTSTORE_CREDENTIALS",
	"KAFKA_SSL_TRUSTSTORE_FILENAME",
	"KAFKA_TOOLS_LOG4J_",
	"KAFKA_VERSION",
};

bool config_has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_zookeeper_key(const char *key)
{
	for (size_t i = 0; i < CONFIG_COUNT(zookeeper_keys); i++) {
		if (config_has_prefix(key, zookeeper_keys[i]))
			return true;
	}
	return false;
}

/* Keys of plugins and listeners, which no table can list. */
static bool is_open_key(const char *key)
{
	return config_has_prefix(key, "listener.name.") ||
	       config_has_prefix(key, "metric.reporters.") ||
	       config_has_prefix(key, "remote.log.") ||
	       config_has_prefix(key, "rlmm.") ||
	       config_has_prefix(key, "confluent.");
}

static const char *nearest_key(const char *key)
{
	const char *names[NAMES_MAX];
	size_t count;
	size_t n = 0;
	size_t own_count;
	const struct config_def *own = config_own_defs(&own_count);
	const struct config_def *defs = config_defs(CONFIG_BROKER, &count);

	for (size_t i = 0; i < own_count; i++)
		names[n++] = own[i].name;
	for (size_t i = 0; i < count && n < NAMES_MAX; i++)
		names[n++] = defs[i].name;
	return nearest_name(key, names, n);
}

/* "server.properties:12: " or "-X: " */
void config_place(const struct property *p, char *text, size_t size)
{
	if (p->line > 0)
		snprintf(text, size, "%s:%d", p->origin, p->line);
	else
		snprintf(text, size, "%s", p->origin);
}

static int unknown_key(struct loading *l, const char *place, const char *key,
		       bool lenient)
{
	const char *near = nearest_key(key);
	char meant[128] = "";

	if (near != NULL)
		snprintf(meant, sizeof(meant), "; did you mean '%s'?", near);
	if (!lenient)
		return config_fail(l, "%s: unknown property '%s'%s", place, key,
				   meant);
	config_notice(l, LOGGER_WARN,
		      "%s: unknown property '%s' has no effect%s", place, key,
		      meant);
	return 0;
}

static int check_property(struct loading *l, const struct property *p)
{
	const struct config_def *def = config_def(p->key);
	char place[PATH_MAX];
	char why[256];

	config_place(p, place, sizeof(place));
	if (def == NULL && is_zookeeper_key(p->key)) {
		config_notice(l, LOGGER_WARN,
			      "%s: '%s' is of the time of ZooKeeper and has no "
			      "effect",
			      place, p->key);
		return 0;
	}
	if (def == NULL && is_open_key(p->key))
		return 0;
	if (def == NULL)
		return unknown_key(l, place, p->key, l->input->lenient);
	if (config_value_check(def, p->value, why, sizeof(why)) < 0)
		return config_fail(l, "%s: %s: %s", place, p->key, why);
	return 0;
}

/* Where the image of Apache Kafka has its users put it. */
#define IMAGE_FILE "/mnt/shared/config/server.properties"

static const char *default_file(void)
{
	if (access("/etc/kbrokerd.conf", F_OK) == 0)
		return "/etc/kbrokerd.conf";
	if (config_in_container() && access(IMAGE_FILE, F_OK) == 0)
		return IMAGE_FILE;
	return NULL;
}

static int read_file(struct loading *l)
{
	const char *path = l->input->file;
	int line = 0;
	int rc;

	if (path == NULL && !l->input->no_default_file)
		path = default_file();
	if (path == NULL)
		return 0;
	rc = properties_read(&l->config->properties, path, &line);
	if (rc == -EINVAL)
		return config_fail(l, "%s:%d: a broken \\u escape", path, line);
	if (rc < 0)
		config_fail(l, "cannot read %s: %s", path, strerror(-rc));
	return rc;
}

static bool is_foreign_variable(const char *variable, size_t name_len)
{
	for (size_t i = 0; i < CONFIG_COUNT(foreign_variables); i++) {
		size_t len = strlen(foreign_variables[i]);
		bool is_prefix = foreign_variables[i][len - 1] == '_';

		if (strncmp(variable, foreign_variables[i], len) == 0 &&
		    (is_prefix || len == name_len))
			return true;
	}
	return false;
}

/* KAFKA_LOG_RETENTION_MS: log.retention.ms; __ is _, ___ is -. */
static void key_of_variable(const char *name, size_t len, char *key)
{
	static const char signs[] = { 0, '.', '_', '-' };
	size_t at = strlen("KAFKA_");

	while (at < len) {
		size_t run = 0;

		while (at + run < len && name[at + run] == '_')
			run++;
		if (run == 0)
			*key++ = (char)tolower((unsigned char)name[at++]);
		else
			*key++ = signs[run > 3 ? 3 : run];
		at += run > 3 ? 3 : run;
	}
	*key = '\0';
}

static int read_variable(struct loading *l, const char *variable)
{
	const char *equals = strchr(variable, '=');
	char key[256];
	char name[256];
	size_t len;

	/* The image of Apache Kafka takes this one without a prefix. */
	if (config_has_prefix(variable, "CLUSTER_ID="))
		return properties_set(&l->config->properties, "cluster.id",
				      equals + 1, "CLUSTER_ID");
	if (!config_has_prefix(variable, "KAFKA_") || equals == NULL)
		return 0;
	len = (size_t)(equals - variable);
	if (len >= sizeof(key) || is_foreign_variable(variable, len))
		return 0;
	key_of_variable(variable, len, key);
	snprintf(name, sizeof(name), "%.*s", (int)len, variable);
	if (config_def(key) == NULL && !is_zookeeper_key(key) &&
	    !is_open_key(key))
		return unknown_key(l, name, key, true);
	return properties_set(&l->config->properties, key, equals + 1, name);
}

static int read_set(struct loading *l, const char *set)
{
	const char *equals = strchr(set, '=');
	char key[256];

	if (equals == NULL || equals == set ||
	    (size_t)(equals - set) >= sizeof(key))
		return config_fail(l, "-X %s: should be key=value", set);
	memcpy(key, set, (size_t)(equals - set));
	key[equals - set] = '\0';
	return properties_set(&l->config->properties, key, equals + 1, "-X");
}

int config_read_texts(struct loading *l)
{
	const struct properties *properties = &l->config->properties;
	int rc = read_file(l);

	for (char *const *e = l->input->environment;
	     rc == 0 && e != NULL && *e != NULL; e++)
		rc = read_variable(l, *e);
	for (size_t i = 0; rc == 0 && i < l->input->set_count; i++)
		rc = read_set(l, l->input->sets[i]);
	for (size_t i = 0; rc == 0 && i < properties->count; i++)
		rc = check_property(l, &properties->items[i]);
	return rc;
}

bool config_is_topic_default(const char *key)
{
	size_t count;
	const struct config_def *topics = config_defs(CONFIG_TOPIC, &count);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < topics[i].synonym_count; j++) {
			if (strcmp(topics[i].synonyms[j].name, key) == 0)
				return true;
		}
	}
	return false;
}

/* What Kafka knows and we have no use for yet. */
static bool is_used(const char *key)
{
	for (size_t i = 0; i < CONFIG_COUNT(used_keys); i++) {
		if (strcmp(used_keys[i], key) == 0)
			return true;
	}
	/* Ours all have. */
	return config_is_topic_default(key) ||
	       config_def_find(CONFIG_BROKER, key) == NULL;
}

void config_tell_unused(struct loading *l)
{
	const struct properties *p = &l->config->properties;
	char keys[400] = "";
	size_t len = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (is_used(p->items[i].key) ||
		    is_zookeeper_key(p->items[i].key) ||
		    config_def_find(CONFIG_BROKER, p->items[i].key) == NULL)
			continue;
		if (len + strlen(p->items[i].key) + 8 > sizeof(keys)) {
			snprintf(keys + len, sizeof(keys) - len, " ...");
			break;
		}
		len += (size_t)snprintf(keys + len, sizeof(keys) - len, "%s%s",
					len == 0 ? "" : ", ", p->items[i].key);
	}
	if (len > 0)
		config_notice(l, LOGGER_INFO, "known, but of no effect: %s",
			      keys);
}
