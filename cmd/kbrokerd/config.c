/*
 * config.c - the settings of one broker
 *
 * Texts are gathered first, each over the one before it, every one checked
 * against its definition with its origin at hand; then what the broker needs
 * as a number is read from them, once, and what belongs together is checked.
 */
#include "kbrokerd/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/units.h"
#include "kbrokerd/logger.h"

enum { NETWORK_THREADS_MAX = 64, NAMES_MAX = 512 };

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
	  .name = "min.free.bytes",
	  .type = CONFIG_TYPE_LONG,
	  .default_value = "-1",
	  .valid = ">=-1",
	  .update = CONFIG_UPDATE_READ_ONLY,
	  .doc = "refuse records when the disk has less than this left; -1 is "
		 "the smaller of 5 % and 1 GiB" },
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

/* Kafka's keys that have an effect here; besides those that are a topic
 * config's default. */
static const char *const used_keys[] = {
	"advertised.listeners",
	"auto.create.topics.enable",
	"broker.id",
	"broker.rack",
	"cluster.id",
	"connections.max.idle.ms",
	"controller.listener.names",
	"controller.quorum.voters",
	"controller.quorum.bootstrap.servers",
	"default.replication.factor",
	"delete.topic.enable",
	"fetch.max.bytes",
	"flush.mode",
	"inter.broker.listener.name",
	"listener.security.protocol.map",
	"listeners",
	"log.dir",
	"log.dirs",
	"log.retention.check.interval.ms",
	"max.connections",
	"max.incremental.fetch.session.cache.slots",
	"node.id",
	"num.network.threads",
	"num.partitions",
	"process.roles",
	"producer.id.expiration.ms",
	"queued.max.request.bytes",
	"security.inter.broker.protocol",
	"socket.listen.backlog.size",
	"socket.receive.buffer.bytes",
	"socket.request.max.bytes",
	"socket.send.buffer.bytes",
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

/* KAFKA_* that images and tools use for themselves. */
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
	"KAFKA_PROFILE",
	"KAFKA_TOOLS_LOG4J_",
	"KAFKA_VERSION",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What config_load() works with. */
struct loading {
	const struct config_input *input;
	struct config *config;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int fail(struct loading *l,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->error, l->error_size, format, args);
	va_end(args);
	return -EINVAL;
}

__attribute__((format(printf, 3, 4))) static void notice(
	struct loading *l, enum logger_level level, const char *format, ...)
{
	char text[512];
	va_list args;

	if (l->input->notice == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	l->input->notice(l->input->notice_arg, (int)level, text);
}

/* Definitions and values */

const struct config_def *config_def(const char *key)
{
	for (size_t i = 0; i < COUNT(own_defs); i++) {
		if (strcmp(own_defs[i].name, key) == 0)
			return &own_defs[i];
	}
	return config_def_find(CONFIG_BROKER, key);
}

const char *config_default(const char *key)
{
	for (size_t i = 0; i < COUNT(own_defaults); i++) {
		if (strcmp(own_defaults[i].key, key) == 0)
			return own_defaults[i].value;
	}
	for (size_t i = 0; i < COUNT(own_defs); i++) {
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

/* Reading texts */

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_zookeeper_key(const char *key)
{
	for (size_t i = 0; i < COUNT(zookeeper_keys); i++) {
		if (has_prefix(key, zookeeper_keys[i]))
			return true;
	}
	return false;
}

/* Keys of plugins and listeners, which no table can list. */
static bool is_open_key(const char *key)
{
	return has_prefix(key, "listener.name.") ||
	       has_prefix(key, "metric.reporters.") ||
	       has_prefix(key, "remote.log.") || has_prefix(key, "rlmm.") ||
	       has_prefix(key, "confluent.");
}

static const char *nearest_key(const char *key)
{
	const char *names[NAMES_MAX];
	size_t count;
	size_t n = 0;
	const struct config_def *defs = config_defs(CONFIG_BROKER, &count);

	for (size_t i = 0; i < COUNT(own_defs); i++)
		names[n++] = own_defs[i].name;
	for (size_t i = 0; i < count && n < NAMES_MAX; i++)
		names[n++] = defs[i].name;
	return nearest_name(key, names, n);
}

/* "server.properties:12: " or "-X: " */
static void place_of(const struct property *p, char *text, size_t size)
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
		return fail(l, "%s: unknown property '%s'%s", place, key,
			    meant);
	notice(l, LOGGER_WARN, "%s: unknown property '%s' has no effect%s",
	       place, key, meant);
	return 0;
}

static int check_property(struct loading *l, const struct property *p)
{
	const struct config_def *def = config_def(p->key);
	char place[PATH_MAX];
	char why[256];

	place_of(p, place, sizeof(place));
	if (def == NULL && is_zookeeper_key(p->key)) {
		notice(l, LOGGER_WARN,
		       "%s: '%s' is of the time of ZooKeeper and has no effect",
		       place, p->key);
		return 0;
	}
	if (def == NULL && is_open_key(p->key))
		return 0;
	if (def == NULL)
		return unknown_key(l, place, p->key, l->input->lenient);
	if (config_value_check(def, p->value, why, sizeof(why)) < 0)
		return fail(l, "%s: %s: %s", place, p->key, why);
	return 0;
}

static int read_file(struct loading *l)
{
	const char *path = l->input->file;
	int line = 0;
	int rc;

	if (path == NULL) {
		path = "/etc/kbrokerd.conf";
		if (l->input->no_default_file || access(path, F_OK) < 0)
			return 0;
	}
	rc = properties_read(&l->config->properties, path, &line);
	if (rc == -EINVAL)
		return fail(l, "%s:%d: a broken \\u escape", path, line);
	if (rc < 0)
		fail(l, "cannot read %s: %s", path, strerror(-rc));
	return rc;
}

static bool is_foreign_variable(const char *variable, size_t name_len)
{
	for (size_t i = 0; i < COUNT(foreign_variables); i++) {
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

	if (!has_prefix(variable, "KAFKA_") || equals == NULL)
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
		return fail(l, "-X %s: should be key=value", set);
	memcpy(key, set, (size_t)(equals - set));
	key[equals - set] = '\0';
	return properties_set(&l->config->properties, key, equals + 1, "-X");
}

static int read_texts(struct loading *l)
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

/* What Kafka knows and we have no use for yet. */
static bool is_used(const char *key)
{
	size_t count;
	const struct config_def *topics = config_defs(CONFIG_TOPIC, &count);

	for (size_t i = 0; i < COUNT(used_keys); i++) {
		if (strcmp(used_keys[i], key) == 0)
			return true;
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < topics[i].synonym_count; j++) {
			if (strcmp(topics[i].synonyms[j].name, key) == 0)
				return true;
		}
	}
	return false;
}

static void tell_unused(struct loading *l)
{
	const struct properties *p = &l->config->properties;
	char keys[400] = "";
	size_t len = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (is_used(p->items[i].key) ||
		    is_zookeeper_key(p->items[i].key) ||
		    config_def(p->items[i].key) == NULL)
			continue;
		if (len + strlen(p->items[i].key) + 8 > sizeof(keys)) {
			snprintf(keys + len, sizeof(keys) - len, " ...");
			break;
		}
		len += (size_t)snprintf(keys + len, sizeof(keys) - len, "%s%s",
					len == 0 ? "" : ", ", p->items[i].key);
	}
	if (len > 0)
		notice(l, LOGGER_INFO, "known, but of no effect: %s", keys);
}

/* Listeners */

/* The next of text's comma separated items without blanks; false at its end. */
static bool next_item(const char **text, char *item, size_t size)
{
	const char *at = *text;
	size_t len;

	while (*at == ',' || isspace((unsigned char)*at))
		at++;
	len = strcspn(at, ",");
	*text = at + len;
	while (len > 0 && isspace((unsigned char)at[len - 1]))
		len--;
	snprintf(item, size, "%.*s", (int)len, at);
	return len > 0;
}

static bool list_has(const char *list, const char *word)
{
	char item[256];

	while (list != NULL && next_item(&list, item, sizeof(item))) {
		if (strcasecmp(item, word) == 0)
			return true;
	}
	return false;
}

/* NAME://HOST:PORT; HOST may be empty, or v6 in brackets. */
static int parse_endpoint(struct loading *l, const char *key, const char *text,
			  struct listener_config *to)
{
	const char *host = strstr(text, "://");
	const char *colon = strrchr(text, ':');
	int64_t port;
	size_t len;

	if (host == NULL || colon <= host || host == text ||
	    parse_int64_in(colon + 1, 0, UINT16_MAX, &port) < 0)
		return fail(l, "%s: '%s' should be NAME://HOST:PORT", key,
			    text);
	snprintf(to->name, sizeof(to->name), "%.*s", (int)(host - text), text);
	host += 3;
	len = (size_t)(colon - host);
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= sizeof(to->host))
		return fail(l, "%s: the host of '%s' is too long", key, text);
	snprintf(to->host, sizeof(to->host), "%.*s", (int)len, host);
	to->port = (int32_t)port;
	return 0;
}

/* PLAINTEXT, SSL ... of a listener's name. */
static int check_protocol(struct loading *l, const char *name)
{
	const char *map =
		config_text(l->config, "listener.security.protocol.map");
	char item[256];
	char protocol[64] = "";

	while (map != NULL && next_item(&map, item, sizeof(item))) {
		char *colon = strchr(item, ':');

		if (colon == NULL)
			continue;
		*colon = '\0';
		if (strcasecmp(item, name) == 0)
			snprintf(protocol, sizeof(protocol), "%s", colon + 1);
	}
	/* One name more than Kafka's map has, since it is our default. */
	if (protocol[0] == '\0' && strcasecmp(name, "CONTROLLER") == 0)
		return 0;
	if (protocol[0] == '\0')
		return fail(l,
			    "listeners: '%s' is not in "
			    "listener.security.protocol.map",
			    name);
	if (strcasecmp(protocol, "PLAINTEXT") != 0)
		return fail(l,
			    "listeners: '%s' is %s, which kbrokerd does not "
			    "speak yet; PLAINTEXT it does",
			    name, protocol);
	return 0;
}

static int add_listener(struct loading *l, const char *text)
{
	struct config *config = l->config;
	struct listener_config *to = &config->listeners[config->listener_count];
	int rc;

	if (config->listener_count == LISTENERS_MAX)
		return fail(l, "listeners: more than %d", LISTENERS_MAX);
	if (has_prefix(text, "unix:")) {
		snprintf(to->name, sizeof(to->name), "unix");
		if (snprintf(to->host, sizeof(to->host), "%s", text + 5) >=
			    (int)sizeof(to->host) ||
		    to->host[0] != '/')
			return fail(l, "listeners: '%s' should be unix:/PATH",
				    text);
		to->port = -1;
	} else {
		rc = parse_endpoint(l, "listeners", text, to);
		if (rc == 0)
			rc = check_protocol(l, to->name);
		if (rc < 0)
			return rc;
	}
	to->controller = list_has(
		config_text(config, "controller.listener.names"), to->name);
	config->listener_count++;
	return 0;
}

static int advertise(struct loading *l, const char *text)
{
	struct config *config = l->config;
	struct listener_config told = { 0 };
	int rc = parse_endpoint(l, "advertised.listeners", text, &told);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < config->listener_count; i++) {
		struct listener_config *to = &config->listeners[i];

		if (strcasecmp(to->name, told.name) != 0)
			continue;
		memcpy(to->advertised_host, told.host, sizeof(told.host));
		to->advertised_port = told.port;
		return 0;
	}
	return fail(l, "advertised.listeners: there is no listener '%s'",
		    told.name);
}

static int read_listeners(struct loading *l)
{
	const char *listeners = config_text(l->config, "listeners");
	const char *advertised = config_text(l->config, "advertised.listeners");
	char item[PATH_MAX];
	int rc = 0;

	while (rc == 0 && next_item(&listeners, item, sizeof(item)))
		rc = add_listener(l, item);
	if (rc == 0 && l->config->listener_count == 0)
		return fail(l, "listeners: there is none");
	if (strcmp(advertised, "auto") == 0)
		return rc;
	while (rc == 0 && next_item(&advertised, item, sizeof(item)))
		rc = advertise(l, item);
	return rc;
}

/* Places and roles */

static int default_data_dir(struct loading *l, char *path, size_t size)
{
	const char *state = getenv("STATE_DIRECTORY");
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	int n;

	if (state != NULL && state[0] == '/')
		n = snprintf(path, size, "%.*s", (int)strcspn(state, ":"),
			     state);
	else if (geteuid() == 0)
		n = snprintf(path, size, "/var/lib/kbrokerd");
	else if (data != NULL && data[0] == '/')
		n = snprintf(path, size, "%s/kbrokerd", data);
	else if (home != NULL && home[0] == '/')
		n = snprintf(path, size, "%s/.local/share/kbrokerd", home);
	else
		return fail(l, "no home directory: set log.dirs, or use --tmp");
	return (size_t)n < size ? 0 : fail(l, "log.dirs: too long");
}

static int read_data_dir(struct loading *l)
{
	struct config *config = l->config;
	const char *dirs = properties_get(&config->properties, "log.dirs");
	char item[PATH_MAX];
	int rc;

	if (dirs == NULL)
		dirs = properties_get(&config->properties, "log.dir");
	if (l->input->temporary_dir != NULL) {
		snprintf(config->data_dir, sizeof(config->data_dir), "%s",
			 l->input->temporary_dir);
		config->temporary = true;
	} else if (dirs == NULL || !next_item(&dirs, item, sizeof(item))) {
		rc = default_data_dir(l, config->data_dir,
				      sizeof(config->data_dir));
		if (rc < 0)
			return rc;
	} else {
		snprintf(config->data_dir, sizeof(config->data_dir), "%s",
			 item);
		if (next_item(&dirs, item, sizeof(item)))
			return fail(l, "log.dirs: kbrokerd has one data "
				       "directory; this names more");
	}
	return properties_set(&config->computed, "log.dirs", config->data_dir,
			      "default");
}

static int read_roles(struct loading *l)
{
	const struct config *config = l->config;
	const char *roles = config_text(config, "process.roles");
	const char *voters = config_text(config, "controller.quorum.voters");

	if (!list_has(roles, "broker") || !list_has(roles, "controller"))
		return fail(l, "process.roles: kbrokerd is broker,controller: "
			       "a node alone cannot join a cluster yet");
	if (voters != NULL && strchr(voters, ',') != NULL)
		return fail(l, "controller.quorum.voters: kbrokerd is a quorum "
			       "of one and cannot join a larger one yet");
	return 0;
}

static int read_identity(struct loading *l)
{
	struct config *config = l->config;
	const struct properties *p = &config->properties;
	const char *cluster = config_text(config, "cluster.id");
	const char *rack = config_text(config, "broker.rack");

	config->node_id = -1;
	if (properties_get(p, "node.id") != NULL)
		config->node_id = (int32_t)config_int(config, "node.id");
	else if (properties_get(p, "broker.id") != NULL)
		config->node_id = (int32_t)config_int(config, "broker.id");
	if (cluster != NULL &&
	    snprintf(config->cluster_id, sizeof(config->cluster_id), "%s",
		     cluster) >= (int)sizeof(config->cluster_id))
		return fail(l, "cluster.id: too long");
	if (rack != NULL && snprintf(config->rack, sizeof(config->rack), "%s",
				     rack) >= (int)sizeof(config->rack))
		return fail(l, "broker.rack: too long");
	return 0;
}

static int32_t processor_count(void)
{
	cpu_set_t set;
	int count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
	return count < NETWORK_THREADS_MAX ? count : NETWORK_THREADS_MAX;
}

static int32_t int32_of(const struct config *config, const char *key)
{
	return (int32_t)config_int(config, key);
}

static void read_numbers(struct config *config)
{
	int32_t threads = int32_of(config, "num.network.threads");

	config->network_threads =
		threads < NETWORK_THREADS_MAX ? threads : NETWORK_THREADS_MAX;
	config->request_bytes_max =
		int32_of(config, "socket.request.max.bytes");
	config->queued_bytes_max =
		config_int(config, "queued.max.request.bytes");
	if (config->queued_bytes_max < 0)
		config->queued_bytes_max = INT64_MAX / 2;
	config->connections_max = int32_of(config, "max.connections");
	config->connections_max_idle_ms =
		config_int(config, "connections.max.idle.ms");
	config->listen_backlog = int32_of(config, "socket.listen.backlog.size");
	config->send_buffer_bytes =
		int32_of(config, "socket.send.buffer.bytes");
	config->receive_buffer_bytes =
		int32_of(config, "socket.receive.buffer.bytes");
	config->auto_create_topics =
		config_bool(config, "auto.create.topics.enable");
	config->delete_topics = config_bool(config, "delete.topic.enable");
	config->default_partitions = int32_of(config, "num.partitions");
	config->default_replication_factor =
		(int16_t)config_int(config, "default.replication.factor");
	config->fetch_bytes_max = int32_of(config, "fetch.max.bytes");
	config->fetch_sessions_max =
		int32_of(config, "max.incremental.fetch.session.cache.slots");
	config->min_free_bytes = config_int(config, "min.free.bytes");
	config->flush_commit =
		strcmp(config_text(config, "flush.mode"), "commit") == 0;
	config->sync_metadata = !config->temporary;
}

/* Are we what a container runs?  Then localhost would reach nobody. */
static bool is_container(void)
{
	return getpid() == 1 && (access("/.dockerenv", F_OK) == 0 ||
				 access("/run/.containerenv", F_OK) == 0 ||
				 getenv("KUBERNETES_SERVICE_HOST") != NULL);
}

/* Defaults that depend on the machine or on --tmp. */
static int compute_defaults(struct loading *l)
{
	struct properties *to = &l->config->computed;
	char threads[16];
	int rc;

	snprintf(threads, sizeof(threads), "%d", processor_count());
	rc = properties_set(to, "num.network.threads", threads, "default");
	if (rc == 0)
		rc = properties_set(to, "node.id", "1", "default");
	if (rc == 0 && is_container()) {
		notice(l, LOGGER_INFO,
		       "in a container, so listening on all addresses");
		rc = properties_set(to, "listeners", "PLAINTEXT://0.0.0.0:9092",
				    "container");
	}
	if (rc == 0 && l->input->temporary_dir != NULL)
		rc = properties_set(to, "flush.mode", "os", "--tmp");
	return rc;
}

static int load(struct loading *l)
{
	int rc = compute_defaults(l);

	if (rc == 0)
		rc = read_texts(l);
	if (rc == 0)
		rc = read_roles(l);
	if (rc == 0)
		rc = read_identity(l);
	if (rc == 0)
		rc = read_data_dir(l);
	if (rc == 0)
		rc = read_listeners(l);
	if (rc == 0) {
		read_numbers(l->config);
		tell_unused(l);
	}
	return rc;
}

int config_load(const struct config_input *input, struct config **config_out,
		char *error, size_t error_size)
{
	struct loading l = { .input = input,
			     .config = calloc(1, sizeof(struct config)),
			     .error = error,
			     .error_size = error_size };
	int rc = -ENOMEM;

	snprintf(error, error_size, "out of memory");
	if (l.config != NULL)
		rc = load(&l);
	if (rc < 0) {
		config_free(l.config);
		return rc;
	}
	*config_out = l.config;
	return 0;
}

int config_for_test(const char *data_dir, const char *const *sets,
		    size_t set_count, struct config **config_out)
{
	const char *all[32] = { "listeners=PLAINTEXT://127.0.0.1:0",
				"num.network.threads=2" };
	char dir[PATH_MAX];
	char error[256];
	struct config_input input = { .sets = all,
				      .set_count = 3,
				      .no_default_file = true };

	snprintf(dir, sizeof(dir), "log.dirs=%s", data_dir);
	all[2] = dir;
	for (size_t i = 0; i < set_count; i++) {
		assert(input.set_count < COUNT(all));
		all[input.set_count++] = sets[i];
	}
	return config_load(&input, config_out, error, sizeof(error));
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	properties_clear(&config->properties);
	properties_clear(&config->computed);
	free(config);
}

/* Printing */

static void print_row(const struct config *config, const struct config_def *def,
		      FILE *to)
{
	const struct property *set =
		properties_find(&config->properties, def->name);
	const char *value = config_text(config, def->name);
	char place[PATH_MAX] = "default";

	if (set != NULL)
		place_of(set, place, sizeof(place));
	if (def->type == CONFIG_TYPE_PASSWORD && value != NULL)
		value = "********";
	if (value == NULL && set == NULL)
		return;
	fprintf(to, "%s=%s\t# %s\n", def->name, value == NULL ? "" : value,
		place);
}

void config_print(const struct config *config, FILE *to)
{
	size_t count;
	const struct config_def *defs = config_defs(CONFIG_BROKER, &count);

	for (size_t i = 0; i < COUNT(own_defs); i++)
		print_row(config, &own_defs[i], to);
	for (size_t i = 0; i < count; i++)
		print_row(config, &defs[i], to);
}
