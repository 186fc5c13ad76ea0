/*
 * doorman.h - who may come in: connections of each address, new ones a second
 *
 * max.connections.per.ip with its overrides, max.connection.creation.rate, and
 * the connection_creation_rate of quotas.  Any thread.
 */
#ifndef KBROKERD_SERVER_DOORMAN_H
#define KBROKERD_SERVER_DOORMAN_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "kbrokerd/quota/rate.h"

struct quotas;
struct door_count;
struct door_override;
union peer_address;

enum { DOOR_BUCKETS = 1024 };

struct door_limits {
	int32_t per_address;   /* max.connections.per.ip */
	const char *overrides; /* "10.0.0.1:5,::1:7" */
	int32_t creation_rate; /* max.connection.creation.rate */
	struct rate_windows windows;
};

struct doorman {
	pthread_mutex_t lock; /* of all */
	int32_t per_address;
	int32_t creation_rate;
	struct rate_windows windows;
	struct rate *rate; /* of new connections */
	struct door_override *overrides;
	size_t override_count;
	struct door_count *buckets[DOOR_BUCKETS];
};

void doorman_init(struct doorman *d);
void doorman_clear(struct doorman *d);

/*
 * These count from now on, for those who come.  Overrides of what is no
 * address are left out.  Returns 0 or -ENOMEM with the old ones.
 */
int doorman_set(struct doorman *d, const struct door_limits *limits);

/*
 * One from peer has come: count it.  false: it may not stay, *why_out says
 * why, and it does not count.  What has no address always may.
 */
bool doorman_admit(struct doorman *d, const union peer_address *peer,
		   struct quotas *quotas, int64_t now_ms, const char **why_out);

/* It has gone. */
void doorman_leave(struct doorman *d, const union peer_address *peer);

/* Milliseconds before another may come; 0 most often. */
int64_t doorman_wait_ms(struct doorman *d, int64_t now_ms);

#endif /* KBROKERD_SERVER_DOORMAN_H */
