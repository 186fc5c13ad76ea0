/*
 * config.c - the settings of one broker
 *
 * Texts are gathered first, each over the one before it, every one checked
 * against its definition with its origin at hand; then what the broker needs
 * as a number is read from them, once, and what belongs together is checked.
 */
#include "kbrokerd/config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kbrokerd/cgroup.h"
#include "kbrokerd/config_private.h"

enum { NETWORK_THREADS_MAX = 64, QUEUE_SHARE = 4, GROUPS_SHARE = 8 };

#define TOPICS_FILE "/etc/kbrokerd/topics.conf"

int config_fail(struct loading *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->error, l->error_size, format, args);
	va_end(args);
	return -EINVAL;
}

void config_notice(struct loading *l, enum logger_level level,
		   const char *format, ...)
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
		return config_fail(
			l, "no home directory: set log.dirs, or use --tmp");
	return (size_t)n < size ? 0 : config_fail(l, "log.dirs: too long");
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
		if (dirs != NULL)
			config_notice(l, LOGGER_WARN,
				      "--tmp: log.dirs=%s is not used", dirs);
		snprintf(config->data_dir, sizeof(config->data_dir), "%s",
			 l->input->temporary_dir);
		config->temporary = true;
	} else if (dirs == NULL ||
		   !config_next_item(&dirs, item, sizeof(item))) {
		rc = default_data_dir(l, config->data_dir,
				      sizeof(config->data_dir));
		if (rc < 0)
			return rc;
	} else {
		snprintf(config->data_dir, sizeof(config->data_dir), "%s",
			 item);
		if (config_next_item(&dirs, item, sizeof(item)))
			return config_fail(l, "log.dirs: kbrokerd has one data "
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

	if (!config_list_has(roles, "broker") ||
	    !config_list_has(roles, "controller"))
		return config_fail(
			l, "process.roles: kbrokerd is broker,controller: "
			   "a node alone cannot join a cluster yet");
	if (voters != NULL && strchr(voters, ',') != NULL)
		return config_fail(
			l, "controller.quorum.voters: kbrokerd is a quorum "
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
		return config_fail(l, "cluster.id: too long");
	if (rack != NULL && snprintf(config->rack, sizeof(config->rack), "%s",
				     rack) >= (int)sizeof(config->rack))
		return config_fail(l, "broker.rack: too long");
	return 0;
}

static int32_t processor_count(void)
{
	cpu_set_t set;
	int count = 1;
	int quota = cgroup_processors(NULL);

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
	if (quota > 0 && quota < count)
		count = quota;
	return count < NETWORK_THREADS_MAX ? count : NETWORK_THREADS_MAX;
}

static int limit_share(struct loading *l, const char *key, int64_t most)
{
	char text[32];

	if (most >= strtoll(config_default(key), NULL, 10))
		return 0;
	snprintf(text, sizeof(text), "%" PRId64, most);
	return properties_set(&l->config->computed, key, text, "memory limit");
}

/* Half received requests, and groups, must not take what a container has. */
static int limit_memory(struct loading *l)
{
	int64_t most = cgroup_memory_bytes(NULL);
	int rc;

	if (most < 0)
		return 0;
	rc = limit_share(l, "queued.max.request.bytes", most / QUEUE_SHARE);
	return rc < 0 ? rc
		      : limit_share(l, "group.memory.max.bytes",
				    most / GROUPS_SHARE);
}

static int32_t int32_of(const struct config *config, const char *key)
{
	return (int32_t)config_int(config, key);
}

void config_read_numbers(struct config *config)
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
	if (rc == 0)
		rc = limit_memory(l);
	if (rc == 0 && l->input->temporary_dir != NULL)
		rc = properties_set(to, "flush.mode", "os", "--tmp");
	return rc;
}

/* The file's first: the command line has the last word. */
static int read_topics(struct loading *l)
{
	struct wanted_topics *topics = &l->config->topics;
	const char *path = config_text(l->config, "topics.file");
	char why[512] = "out of memory";
	int rc = 0;

	if (path == NULL && !l->input->no_default_file &&
	    access(TOPICS_FILE, F_OK) == 0)
		path = TOPICS_FILE;
	if (path != NULL)
		rc = wanted_topics_read(topics, path, l->error, l->error_size);
	for (size_t i = 0; rc == 0 && i < l->input->topic_count; i++) {
		rc = wanted_topics_add(topics, l->input->topics[i], why,
				       sizeof(why));
		if (rc < 0)
			config_fail(l, "--topic %s", why);
	}
	return rc;
}

static int check_levels(struct loading *l)
{
	const char *text = config_text(l->config, "logging.level");
	char why[256];

	if (text == NULL ||
	    logger_set_levels(NULL, text, why, sizeof(why)) == 0)
		return 0;
	return config_fail(l, "logging.level: %s", why);
}

static int load(struct loading *l)
{
	int rc = compute_defaults(l);

	if (rc == 0)
		rc = config_read_texts(l);
	if (rc == 0)
		rc = read_roles(l);
	if (rc == 0)
		rc = read_identity(l);
	if (rc == 0)
		rc = read_data_dir(l);
	if (rc == 0)
		rc = config_default_listeners(l);
	if (rc == 0)
		rc = config_read_listeners(l);
	if (rc == 0)
		rc = config_read_http(l);
	if (rc == 0)
		rc = check_levels(l);
	if (rc == 0)
		rc = read_topics(l);
	if (rc == 0) {
		config_read_numbers(l->config);
		config_tell_unused(l);
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
	if (l.config != NULL) {
		l.config->http_fd = -1;
		rc = load(&l);
	}
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
				"num.network.threads=2", "http.listeners=off" };
	char dir[PATH_MAX];
	char error[256];
	struct config_input input = { .sets = all,
				      .set_count = 4,
				      .no_default_file = true };

	snprintf(dir, sizeof(dir), "log.dirs=%s", data_dir);
	all[3] = dir;
	for (size_t i = 0; i < set_count; i++) {
		assert(input.set_count < CONFIG_COUNT(all));
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
	wanted_topics_clear(&config->topics);
	free(config);
}
