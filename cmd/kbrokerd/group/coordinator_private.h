/*
 * coordinator_private.h - shared by coordinator*.c only
 */
#ifndef KBROKERD_GROUP_COORDINATOR_PRIVATE_H
#define KBROKERD_GROUP_COORDINATOR_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/group/coordinator.h"
#include "kbrokerd/group/image_topics.h"
#include "kbrokerd/group/memory.h"
#include "record/builder.h"

enum shard_state {
	SHARD_IDLE,
	SHARD_LOADING, /* the loader's alone */
	SHARD_ACTIVE
};

struct coordinator_shard {
	pthread_mutex_t lock;
	struct coordinator *coordinator;
	int32_t index; /* of the partition */
	enum shard_state state;
	struct group_shard core;
	struct image_topics *topics; /* a reference, what the core has */
	struct partition *partition; /* a reference, unless idle */
	struct uuid topic_id;        /* of the log that was loaded */
	bool owes_sync;
	/* Read without the lock: the next deadline, monotonic ms, and which
	 * topics it has. */
	_Atomic int64_t next_ms;
	_Atomic uint64_t topics_version;
	/* Is it to be hosted?  Read without the lock. */
	_Atomic bool wanted;
	struct uuid wanted_id; /* under the coordinator's lock */
	/* For batches. */
	struct batch_builder builder;
	struct buffer record, batch;
};

struct coordinator {
	struct broker *broker;
	struct group_settings settings;
	struct group_memory memory;
	_Atomic int64_t told_full_ms; /* when it was told last to be full */
	char assignors[512];          /* what settings point to */
	enum codec codec;
	pthread_mutex_t lock; /* of what is below */
	struct image_topics *topics;
	_Atomic uint64_t topics_version;
	struct coordinator_shard **shards;
	size_t shard_count;
	size_t partition_count; /* of the topic now: at most shard_count */
	bool work_for_loader;
	_Atomic bool stopping;
	int64_t planned_ms; /* when the runner looks again */
	pthread_cond_t on_loader, on_runner;
	pthread_t loader, runner;
	bool has_loader, has_runner;
};

/* Let go of the log: who waits is answered NOT_COORDINATOR.  The shard's lock
 * is held, or nobody else knows the shard. */
void coordinator_unload(struct coordinator_shard *s);

/* coordinator_settings.c */
void coordinator_read_settings(struct coordinator *c,
			       const struct config *config);

/* coordinator_follow.c: have the shards that the newest image wants.  0 or
 * -ENOMEM, and what was is kept. */
int coordinator_take_newest_image(struct coordinator *c);

/* A listener to the metadata, with the coordinator. */
void coordinator_on_image(void *arg, const struct image *before,
			  const struct image *after);

void coordinator_shard_free(struct coordinator_shard *s);

/* coordinator_log.c: struct group_log's append, with a shard. */
int coordinator_append(void *arg, const struct group_changes *changes,
		       int64_t wall_ms, int64_t *end_offset_out);

/* Read all of its log into the core.  0, -ECANCELED when the coordinator stops,
 * or another negative errno. */
int coordinator_read_log(struct coordinator_shard *s);

#endif /* KBROKERD_GROUP_COORDINATOR_PRIVATE_H */
