/*
 * broker.h - one kbrokerd: everything wired together
 *
 * A library: main.c starts one, tests start as many as they like in one
 * process.  Nothing here is global.
 */
#ifndef KBROKERD_BROKER_H
#define KBROKERD_BROKER_H

#include "base/clock.h"
#include "base/properties.h"
#include "base/random.h"
#include "kbrokerd/config.h"
#include "kbrokerd/logger.h"
#include "kbrokerd/metadata/metadata.h"
#include "kbrokerd/partition/partition.h"
#include "log/data_dir.h"

struct complaints;
struct coordinator;
struct server;
struct server_observer;
struct fetch_sessions;
struct quotas;
struct telemetry;
struct http;
struct metrics;

struct broker {
	/* Effective settings.  Another one takes its place when they are read
	 * again; each lives as long as the broker. */
	_Atomic(const struct config *) config;
	struct logger *logger;                  /* may be NULL: silent */
	const struct server_observer *observer; /* one more, or NULL */
	struct clock *clock;
	struct random *random;
	struct vfs *vfs;
	struct data_dir *dir;
	struct data_dir_identity identity;
	struct data_dir_found found;
	struct metadata *metadata;
	struct partition_table *partitions;
	struct fetch_sessions *fetch_sessions;
	struct quotas *quotas;
	struct telemetry *telemetry;
	struct coordinator *coordinator;
	struct server *server;
	struct complaints *complaints;
	struct http *http;             /* NULL: off */
	struct metrics *metrics;       /* NULL: nobody could ask for them */
	pthread_mutex_t settings_lock; /* of what is below */
	struct config **reloaded; /* all but the first, which is not ours */
	size_t reloaded_count;
	char *advertised; /* what is told in place of the setting, or NULL */
};

/*
 * Open the data directory, recover, start threads, listen.  Returns 0, or a
 * negative errno with what went wrong in error, everything undone.  config and
 * logger must outlive the broker.
 */
int broker_start(const struct config *config, struct logger *logger,
		 struct broker **broker_out, char *error, size_t error_size);

/* What may be another's than the machine's; all must outlive the broker. */
struct broker_seams {
	const struct server_observer *observer; /* one more; NULL: none */
	struct clock *clock;                    /* NULL: the machine's */
	struct vfs *vfs;                        /* NULL: the machine's */
};

/* The same with these. */
int broker_start_with(const struct config *config, struct logger *logger,
		      const struct broker_seams *seams,
		      struct broker **broker_out, char *error,
		      size_t error_size);

/* The port of the first listener (after port 0 was resolved). */
int broker_port(const struct broker *broker);

/* The port of the configuration's listener number i; -1 for a unix socket. */
int broker_listener_port(const struct broker *broker, size_t i);

/*
 * Take what may change while it runs from settings that were read again, of
 * which the topics pass to the broker; the rest needs a restart.  All is told
 * in the log.
 */
void broker_reload(struct broker *broker, struct config *loaded);

/*
 * Have clients told to find this broker at these addresses from now on: text
 * as advertised.listeners, NAME://HOST:PORT,... or "auto"; "" is what the
 * settings say.  It is kept, as the dynamic configuration of this broker, and
 * is in effect for all connections when this returns.  Any thread but the
 * metadata's; waits for the disk.
 *
 * Returns 0; -EINVAL when it cannot be so, or -EIO, with a text in error.
 */
int broker_set_advertised(struct broker *broker, const char *text, char *error,
			  size_t error_size);

/* Do its threads turn?  Waits patience_ms at most; none of its threads. */
bool broker_is_alive(struct broker *broker, int64_t patience_ms);

/* "3 connections, 2 topics, 12 partitions" */
void broker_summary(struct broker *broker, char *text, size_t size);

/* Tell in the log how things stand: threads, connections, partitions, memory,
 * metadata. */
void broker_tell_state(struct broker *broker);

/* For broker.c: what of the dynamic configuration is in effect outside of the
 * metadata; on each change of that. */
void broker_apply_dynamic(struct broker *broker);

/* Clean stop: answer what waits, sync, write the marker.  Returns 0 when the
 * shutdown was clean. */
int broker_stop(struct broker *broker);

#endif /* KBROKERD_BROKER_H */
