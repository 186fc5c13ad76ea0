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

struct server;
struct fetch_sessions;

struct broker {
	const struct config *config; /* effective settings, the caller's */
	const struct logger *logger; /* may be NULL: silent */
	struct clock *clock;
	struct random *random;
	struct vfs *vfs;
	struct data_dir *dir;
	struct data_dir_identity identity;
	struct data_dir_found found;
	struct metadata *metadata;
	struct partition_table *partitions;
	struct fetch_sessions *fetch_sessions;
	struct server *server;
};

/*
 * Open the data directory, recover, start threads, listen.  Returns 0, or a
 * negative errno with what went wrong in error, everything undone.  config and
 * logger must outlive the broker.
 */
int broker_start(const struct config *config, const struct logger *logger,
		 struct broker **broker_out, char *error, size_t error_size);

/* The port of the first listener (after port 0 was resolved). */
int broker_port(const struct broker *broker);

/* The port of the configuration's listener number i; -1 for a unix socket. */
int broker_listener_port(const struct broker *broker, size_t i);

/* Clean stop: answer what waits, sync, write the marker.  Returns 0 when the
 * shutdown was clean. */
int broker_stop(struct broker *broker);

#endif /* KBROKERD_BROKER_H */
