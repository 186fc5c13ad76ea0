/*
 * config.h - the settings of one broker
 *
 * Kafka's own keys (lib/wire/schema/configs.def) and a few of ours, from, in
 * this order, the defaults in the binary, a server.properties, KAFKA_* of the
 * environment, and -X.  Each overrides just itself.  A config never changes:
 * when settings are read again there is another one.
 *
 * What code asks for often is a field; the rest is asked for by name.
 */
#ifndef KBROKERD_CONFIG_H
#define KBROKERD_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/properties.h"
#include "kbrokerd/notify.h"
#include "kbrokerd/wanted_topics.h"
#include "wire/config_defs.h"

enum { LISTENERS_MAX = 16, LISTENER_SOCKETS_MAX = 8 };

/* A listener as it is configured, e.g. PLAINTEXT://localhost:9092. */
struct listener_config {
	char name[64];  /* "PLAINTEXT" */
	char host[256]; /* "" is every address; of unix: the path */
	int32_t port;   /* 0: any free one; -1: a unix socket */
	bool controller;
	/* What clients are told, when it is set; else the address that they
	 * came in on. */
	char advertised_host[256]; /* "": auto */
	int32_t advertised_port;
	/* Sockets that were open when the process began; else it opens its
	 * own. */
	int inherited[LISTENER_SOCKETS_MAX];
	size_t inherited_count;
};

/* Where HTTP is served, e.g. localhost:9644. */
struct http_listener_config {
	char host[256]; /* "": every address */
	int32_t port;   /* 0: any free one */
};

enum { HTTP_LISTENERS_MAX = 4 };

struct config {
	/* What was set, and by whom: for topic defaults, DescribeConfigs. */
	struct properties properties;
	struct properties computed; /* defaults that depend on the machine */

	char data_dir[4096];
	bool temporary; /* --tmp: made for this run, removed after it */
	struct listener_config listeners[LISTENERS_MAX];
	size_t listener_count;
	int32_t node_id;     /* -1: the directory's, or 1 for a new one */
	char cluster_id[64]; /* "": the directory's, or a new one */
	char rack[256];      /* "": none */
	bool flush_commit;   /* flush.mode=commit: acks=all waits for fsync */
	bool sync_metadata;  /* false with --tmp */

	int32_t network_threads;
	int32_t request_bytes_max;       /* socket.request.max.bytes */
	int64_t queued_bytes_max;        /* queued.max.request.bytes */
	int32_t connections_max;         /* max.connections */
	int64_t connections_max_idle_ms; /* connections.max.idle.ms */
	int32_t listen_backlog;          /* socket.listen.backlog.size */
	int32_t send_buffer_bytes; /* socket.send.buffer.bytes; -1: kernel's */
	int32_t receive_buffer_bytes; /* socket.receive.buffer.bytes */

	bool auto_create_topics;
	bool delete_topics;
	int32_t default_partitions; /* num.partitions */
	int16_t default_replication_factor;
	int32_t fetch_bytes_max;    /* fetch.max.bytes */
	int32_t fetch_sessions_max; /* max.incremental.fetch.session.cache.slots
				     */
	int64_t min_free_bytes;     /* -1: the smaller of 5 % and 1 GiB */

	struct wanted_topics topics; /* to be there before it is ready */
	/* A listening socket named "http" that was open when the process began;
	 * -1: none. */
	int http_fd;
	struct {
		struct http_listener_config listeners[HTTP_LISTENERS_MAX];
		size_t count;    /* 0: off */
		bool is_default; /* nobody has set it */
	} http;
};

/* Where settings come from: what main.c was told. */
struct config_input {
	const char *file;        /* -F, or NULL: /etc/kbrokerd.conf if there */
	const char *const *sets; /* -X "key=value", in order */
	size_t set_count;
	const char *const *topics; /* --topic, in order */
	size_t topic_count;
	char *const *environment;          /* environ, or NULL for none */
	const struct inherited *inherited; /* sockets; NULL: none */
	const char *temporary_dir;         /* --tmp: made for it; else NULL */
	bool no_default_file;              /* leave /etc/kbrokerd.conf alone */
	bool lenient; /* unknown keys are notices, not errors */
	/* Told each line worth reading; level as in logger.h. */
	void (*notice)(void *arg, int level, const char *text);
	void *notice_arg;
};

/*
 * Read and check everything.  Returns 0 with *config_out the caller's, or
 * -EINVAL, -ENOMEM, or an error of reading the file, with a text in error
 * that names key and origin.
 */
int config_load(const struct config_input *input, struct config **config_out,
		char *error, size_t error_size);

/* The defaults and these "key=value" sets alone, for tests. */
int config_for_test(const char *data_dir, const char *const *sets,
		    size_t set_count, struct config **config_out);

void config_free(struct config *config);

/*
 * What may change while the broker runs, taken from loaded; the rest stays as
 * in current.  loaded keeps all but its topics, which pass to *merged_out.
 * on_change is told each key whose value differs and whether that was taken.
 * Returns 0 or -ENOMEM.
 */
int config_merge(const struct config *current, struct config *loaded,
		 void (*on_change)(void *arg, const char *key, bool taken),
		 void *arg, struct config **merged_out);

/*
 * Read a value of advertised.listeners ("auto", or NAME://HOST:PORT,...) into
 * copies of the listeners.  Returns 0, or -EINVAL with a text.
 */
int config_parse_advertised(const struct config *config, const char *text,
			    struct listener_config told[LISTENERS_MAX],
			    char *error, size_t error_size);

/*
 * The value of a broker key as text: what was set, else our default, else
 * Kafka's; NULL is null.  Asserts that the key exists.
 */
const char *config_text(const struct config *config, const char *key);

/* The same as a number or truth; the value was checked when it was read. */
int64_t config_int(const struct config *config, const char *key);
bool config_bool(const struct config *config, const char *key);

/* The definition of a broker key, Kafka's or ours, or NULL. */
const struct config_def *config_def(const char *key);

/* Our own default where it differs from Kafka's or the key is ours; NULL when
 * configs.def tells it. */
const char *config_default(const char *key);

/*
 * Each setting in effect that is not null, by name: what passwords are is
 * hidden, and origin is "default", "-X", "server.properties:12" ...
 */
void config_each(const struct config *config,
		 void (*on_setting)(void *arg, const char *key,
				    const char *value, const char *origin),
		 void *arg);

/* kbrokerd -T: each effective setting with its origin, one a line. */
void config_print(const struct config *config, FILE *to);

#endif /* KBROKERD_CONFIG_H */
