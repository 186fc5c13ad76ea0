/*
 * broker.c - one kbrokerd: everything wired together
 *
 * Started in the order of need, stopped the other way round: no handler runs
 * once the server has stopped, so that metadata and partitions may go.
 */
#include "kbrokerd/broker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kbrokerd/api/fetch_session.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/complaints.h"
#include "kbrokerd/group/coordinator.h"
#include "kbrokerd/http/http.h"
#include "kbrokerd/listener_address.h"
#include "kbrokerd/metrics/metrics.h"
#include "kbrokerd/quota/follow.h"
#include "kbrokerd/quota/quotas.h"
#include "kbrokerd/server/server.h"
#include "kbrokerd/telemetry/telemetry.h"

enum { STOP_PATIENCE_MS = 25000, DEFAULT_NODE_ID = 1 };

/* The data directory */

static void explain_data_dir(const struct broker *broker, int rc, char *error,
			     size_t error_size)
{
	const struct config *config = broker->config;
	const struct data_dir_identity *found = &broker->identity;
	const char *path = config->data_dir;
	char wanted[96];

	if (config->node_id >= 0 && config->node_id != found->node_id)
		snprintf(wanted, sizeof(wanted), "node.id is %d",
			 config->node_id);
	else
		snprintf(wanted, sizeof(wanted), "cluster.id is %s",
			 config->cluster_id);
	switch (rc) {
	case -EBUSY:
		if (broker->found.locked_by > 0)
			snprintf(error, error_size,
				 "data directory %s is in use by process %d",
				 path, broker->found.locked_by);
		else
			snprintf(error, error_size,
				 "data directory %s is in use by another "
				 "process",
				 path);
		break;
	case -ENOTEMPTY:
		snprintf(error, error_size,
			 "%s holds files but no meta.properties: it is not a "
			 "data directory of kbrokerd or Apache Kafka, and is "
			 "left alone; set log.dirs to an empty one",
			 path);
		break;
	case -EEXIST:
		snprintf(error, error_size,
			 "%s belongs to node %d of cluster %s, but %s", path,
			 found->node_id, found->cluster_id, wanted);
		break;
	case -ENOTSUP:
		snprintf(error, error_size,
			 "%s is of version %" PRId64 " (meta.properties), and "
			 "this kbrokerd knows %d: it was written by a newer "
			 "one, which is needed to read it",
			 path, broker->found.version, DATA_DIR_VERSION);
		break;
	case -EBADMSG:
		snprintf(error, error_size,
			 "%s/meta.properties cannot be understood: it must "
			 "have version=%d, cluster.id and node.id (one of "
			 "ZooKeeper's time is migrated by Apache Kafka 3); or "
			 "set log.dirs to an empty directory",
			 path, DATA_DIR_VERSION);
		break;
	default:
		snprintf(error, error_size, "data directory %s: %s", path,
			 strerror(-rc));
	}
}

static int try_data_dir(struct broker *broker, int32_t node_id)
{
	const struct config *config = broker->config;
	struct data_dir_identity wanted = { .node_id = node_id };

	memcpy(wanted.cluster_id, config->cluster_id,
	       sizeof(wanted.cluster_id));
	return data_dir_open(broker->vfs, config->data_dir, &wanted,
			     broker->random, &broker->dir, &broker->identity,
			     &broker->found);
}

static int open_data_dir(struct broker *broker, char *error, size_t error_size)
{
	const struct config *config = broker->config;
	int32_t node_id = config->node_id;
	int rc = try_data_dir(broker, node_id < 0 ? DEFAULT_NODE_ID : node_id);

	/* What is there decides when the configuration does not. */
	if (rc == -EEXIST && node_id < 0 &&
	    broker->identity.node_id != DEFAULT_NODE_ID)
		rc = try_data_dir(broker, broker->identity.node_id);
	if (rc < 0)
		explain_data_dir(broker, rc, error, error_size);
	return rc;
}

/* Metadata */

/* What the cluster is told of a listener; clients that come in on it are told
 * by request_advertised(). */
static struct broker_endpoint endpoint_of(const struct listener *l,
					  char *hostname, size_t hostname_size)
{
	const struct listener_config *config = l->config;
	struct broker_endpoint e = { .name = config->name,
				     .host = config->host,
				     .port = l->port };

	if (config->advertised_host[0] != '\0') {
		e.host = config->advertised_host;
		if (config->advertised_port > 0)
			e.port = config->advertised_port;
	} else if (host_is_wildcard(config->host)) {
		if (gethostname(hostname, hostname_size) < 0)
			snprintf(hostname, hostname_size, "localhost");
		e.host = hostname;
	}
	return e;
}

/* Asked by the controller: only the node knows its listeners. */
static int check_setting(void *arg, const char *name, const char *value,
			 char *error, size_t error_size)
{
	const struct broker *broker = arg;
	struct listener_config told[LISTENERS_MAX];

	if (strcmp(name, "advertised.listeners") != 0)
		return 0;
	return config_parse_advertised(broker->config, value, told, error,
				       error_size);
}

static int start_metadata(struct broker *broker, char *error, size_t error_size)
{
	const struct config *config = broker->config;
	struct broker_endpoint endpoints[LISTENERS_MAX];
	struct broker_endpoint controllers[LISTENERS_MAX];
	struct metadata_params params = {
		.vfs = broker->vfs,
		.clock = broker->clock,
		.random = broker->random,
		.dir = data_dir_path(broker->dir),
		.node_id = broker->identity.node_id,
		.directory_id = broker->identity.directory_id,
		.fresh = broker->found.fresh,
		.sync = config->sync_metadata,
		.default_partitions = config->default_partitions,
		.default_replication_factor =
			config->default_replication_factor,
		.properties = &config->properties,
		.check_setting = check_setting,
		.check_arg = broker,
		.endpoints = endpoints,
		.controller_endpoints = controllers,
		.rack = config->rack[0] == '\0' ? NULL : config->rack,
	};
	char hostname[256] = "";

	memcpy(params.cluster_id, broker->identity.cluster_id,
	       sizeof(params.cluster_id));
	for (size_t i = 0; i < broker->server->listener_count; i++) {
		const struct listener *l = &broker->server->listeners[i];

		if (l->port > 0 && l->config->controller)
			controllers[params.controller_endpoint_count++] =
				endpoint_of(l, hostname, sizeof(hostname));
		else if (l->port > 0)
			endpoints[params.endpoint_count++] =
				endpoint_of(l, hostname, sizeof(hostname));
	}
	return metadata_start(&params, &broker->metadata, error, error_size);
}

/* Partitions */

static void on_log(void *arg, int level, const char *text)
{
	const struct broker *broker = arg;

	logger_tell(broker->logger, (enum logger_level)level, "partition", text,
		    NULL);
}

static int start_partitions(struct broker *broker, char *error,
			    size_t error_size)
{
	const struct config *config = broker->config;
	struct partition_table_params params = {
		.vfs = broker->vfs,
		.clock = broker->clock,
		.random = broker->random,
		.dir = broker->dir,
		.metadata = broker->metadata,
		.properties = &config->properties,
		.node_id = broker->identity.node_id,
		.flush_mode = config->flush_commit ? FLUSH_COMMIT : FLUSH_OS,
		.clean = broker->found.clean || broker->found.fresh,
		.retention_check_ms =
			config_int(config, "log.retention.check.interval.ms"),
		.min_free_bytes = config->min_free_bytes,
		.log = on_log,
		.log_arg = broker,
	};

	return partition_table_start(&params, &broker->partitions, error,
				     error_size);
}

/* Life */

/* Whatever has been started; returns 0 when all is on disk. */
static int release(struct broker *broker)
{
	int rc = -EINVAL;

	http_enter(broker->http, HTTP_OVER, NULL);
	if (broker->dir != NULL)
		data_dir_free_reserve(broker->dir);
	coordinator_stop(broker->coordinator);
	if (broker->metadata != NULL)
		metadata_stop(broker->metadata);
	server_free(broker->server);
	metrics_free(broker->metrics);
	complaints_free(broker->complaints);
	fetch_sessions_free(broker->fetch_sessions);
	quotas_free(broker->quotas);
	telemetry_free(broker->telemetry);
	coordinator_free(broker->coordinator);
	if (broker->partitions != NULL)
		rc = partition_table_stop(broker->partitions);
	if (broker->dir != NULL) {
		int closed = data_dir_close(broker->dir, rc == 0);

		rc = rc == 0 ? closed : rc;
	}
	http_stop(broker->http);
	for (size_t i = 0; i < broker->reloaded_count; i++)
		config_free(broker->reloaded[i]);
	free(broker->reloaded);
	free(broker->advertised);
	pthread_mutex_destroy(&broker->settings_lock);
	free(broker);
	return rc;
}

static bool is_formatted(const struct broker *broker)
{
	const struct config *config = broker->config;
	char path[sizeof(config->data_dir) + 32];

	snprintf(path, sizeof(path), "%s/meta.properties", config->data_dir);
	return access(path, F_OK) == 0;
}

/* Who holds the directory is told before who has the port; but a directory is
 * not made for a broker that gets no port. */
static int open_dir_and_ports(struct broker *broker, char *error,
			      size_t error_size)
{
	bool dir_first = is_formatted(broker);
	int rc = 0;

	if (dir_first)
		rc = open_data_dir(broker, error, error_size);
	if (rc == 0)
		rc = server_open_ports(broker, api_find, &broker->server, error,
				       error_size);
	if (rc == 0)
		rc = http_start(broker, &broker->http, error, error_size);
	if (rc == 0 && !dir_first)
		rc = open_data_dir(broker, error, error_size);
	if (rc == 0)
		rc = server_open_locals(broker->server, error, error_size);
	return rc;
}

static void on_image(void *arg, const struct image *before,
		     const struct image *after)
{
	(void)before;
	(void)after; /* it is the newest, or there is a newer one already */
	broker_apply_dynamic(arg);
}

static void listen_to_metadata(struct broker *broker)
{
	metadata_listen(broker->metadata, on_image, broker);
	broker_apply_dynamic(broker);
}

static int start(struct broker *broker, char *error, size_t error_size)
{
	const struct config *config = broker->config;
	int rc = open_dir_and_ports(broker, error, error_size);

	/* Leading the metadata log and stopping take a little room. */
	if (rc == 0)
		data_dir_free_reserve(broker->dir);
	if (rc == 0)
		rc = start_metadata(broker, error, error_size);
	if (rc == 0)
		rc = start_partitions(broker, error, error_size);
	if (rc == 0)
		rc = fetch_sessions_new((size_t)config->fetch_sessions_max, 0,
					broker->random,
					&broker->fetch_sessions);
	if (rc == 0)
		rc = quotas_follow(broker->metadata, config, &broker->quotas);
	if (rc == 0)
		rc = telemetry_follow(broker->metadata, config, broker->random,
				      &broker->telemetry);
	if (rc == 0)
		rc = coordinator_new(broker, &broker->coordinator);
	if (rc == 0) {
		listen_to_metadata(broker);
		rc = wanted_topics_apply(&config->topics, broker, error,
					 error_size);
	}
	if (rc == 0 && broker->logger != NULL)
		rc = complaints_new(broker, &broker->complaints);
	if (rc == 0 && broker->http != NULL)
		rc = metrics_new(broker, &broker->metrics);
	if (rc == 0 && broker->observer != NULL)
		rc = server_observe(broker->server, broker->observer);
	if (rc == 0)
		rc = server_start(broker->server);
	if (rc == 0) {
		data_dir_keep_reserve(broker->dir);
		http_enter(broker->http, HTTP_SERVING, broker->metrics);
	}
	return rc;
}

int broker_start(const struct config *config, struct logger *logger,
		 struct broker **broker_out, char *error, size_t error_size)
{
	const struct broker_seams none = { .observer = NULL };

	return broker_start_with(config, logger, &none, broker_out, error,
				 error_size);
}

int broker_start_with(const struct config *config, struct logger *logger,
		      const struct broker_seams *seams,
		      struct broker **broker_out, char *error,
		      size_t error_size)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	int rc;

	snprintf(error, error_size, "out of memory");
	if (broker == NULL)
		return -ENOMEM;
	pthread_mutex_init(&broker->settings_lock, NULL);
	atomic_init(&broker->config, config);
	broker->logger = logger;
	broker->observer = seams->observer;
	broker->clock = seams->clock != NULL ? seams->clock : clock_system();
	broker->random = random_system();
	broker->vfs = seams->vfs != NULL ? seams->vfs : vfs_system();
	rc = start(broker, error, error_size);
	if (rc < 0) {
		release(broker);
		return rc;
	}
	*broker_out = broker;
	return 0;
}

int broker_port(const struct broker *broker)
{
	return server_port(broker->server);
}

int broker_listener_port(const struct broker *broker, size_t i)
{
	return broker->server->listeners[i].port;
}

int broker_stop(struct broker *broker)
{
	http_enter(broker->http, HTTP_STOPPING, NULL);
	server_stop(broker->server, STOP_PATIENCE_MS);
	return release(broker);
}
