/*
 * shard.h - the groups of one partition of __consumer_offsets
 *
 * The core of the coordinator: no thread, socket, clock or file.  Each
 * function is called with the shard locked by its owner and `now` set.
 *
 * What must outlive a crash is in the log's records (internal_topics.def), and
 * memory is what they say: a decision gathers its changes, group_commit()
 * appends them as one batch and, when that has worked, applies each, by the
 * same functions that loading uses.  When it has not, nothing has changed.
 * What is not in records (who waits, deadlines) is changed at once.
 *
 * A decision is made wholly before its changes are committed: nothing that
 * group_commit() may refuse comes after an answer.
 */
#ifndef KBROKERD_GROUP_SHARD_H
#define KBROKERD_GROUP_SHARD_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"
#include "base/random.h"
#include "kbrokerd/group/settings.h"

/* Most groups have few of anything: tables start small.  What could not be
 * added, for lack of memory, has a NULL hh.tbl. */
#undef HASH_INITIAL_NUM_BUCKETS
#undef HASH_INITIAL_NUM_BUCKETS_LOG2
#define HASH_INITIAL_NUM_BUCKETS      4U
#define HASH_INITIAL_NUM_BUCKETS_LOG2 2U

struct group;
struct group_memory;
struct group_shard;
struct wire_desc;

/* The types of records (type ids of internal_topics.def) that are kept. */
enum group_record_type {
	RECORD_OFFSET_COMMIT_LEGACY = 0,
	RECORD_OFFSET_COMMIT = 1,
	RECORD_GROUP_METADATA = 2,
	RECORD_CONSUMER_METADATA = 3,
	RECORD_CONSUMER_PARTITION_METADATA = 4, /* read, not written */
	RECORD_CONSUMER_MEMBER = 5,
	RECORD_CONSUMER_TARGET_METADATA = 6,
	RECORD_CONSUMER_TARGET_MEMBER = 7,
	RECORD_CONSUMER_CURRENT_MEMBER = 8,
	RECORD_CONSUMER_REGEX = 16,
};

/* One record: the wire structs of its key and value. */
struct group_change {
	int16_t type;
	int16_t version; /* of the value */
	const void *key;
	const void *value; /* NULL: a tombstone */
	struct group_change *next;
};

/* Changes of one decision, in order; lives in one arena. */
struct group_changes {
	struct arena *arena;
	struct group_change *first, **last;
	int32_t count;
	bool failed; /* out of memory: group_commit() will say so */
};

void group_changes_init(struct group_changes *changes, struct arena *arena);

/* key and value (NULL: delete) must live until the commit; version of the
 * value as Kafka 4.2 writes it. */
void group_changes_add(struct group_changes *changes, int16_t type,
		       const void *key, int16_t version, const void *value);

/* How a type of record is read and applied; one row each, in records.c. */
struct group_record_kind {
	int16_t type;
	const struct wire_desc *key_desc, *value_desc;
	/* value NULL: a tombstone.  offset: behind the record.  Copies what it
	 * keeps.  Returns 0 or -ENOMEM. */
	int (*apply)(struct group_shard *shard, const void *key,
		     const void *value, int16_t version, int64_t offset);
};
const struct group_record_kind *group_record_kind(int16_t type);

/* Where records go: one batch each call. */
struct group_log {
	void *arg;
	/* Returns 0 with the offset behind the last, or a negative errno;
	 * -EMSGSIZE: more than a batch may have. */
	int (*append)(void *arg, const struct group_changes *changes,
		      int64_t wall_ms, int64_t *end_offset_out);
};

/*
 * Deadlines: a pairing heap, so that setting one takes no memory and cannot
 * fail.  A timer that fires is no longer set, and may be set again.  Zeroed,
 * with fire filled in, it is not set.
 */
struct group_timer {
	int64_t due_ms; /* monotonic */
	int64_t at_ms;  /* its place in the heap, at latest when it is due */
	void (*fire)(struct group_shard *shard, struct group_timer *timer);
	bool is_set;
	struct group_timer *child, *next, **link; /* the heap's */
};

struct group_counters {
	int64_t commits;            /* partitions' offsets committed */
	int64_t expired;            /* offsets gone with age */
	int64_t classic_rebalances; /* completed */
	int64_t consumer_rebalances;
	int64_t regex_steps; /* that trying patterns took */
};

struct group_shard {
	struct group *groups; /* uthash by id */
	struct group_log log;
	struct random *random;
	const struct group_settings *settings;
	const struct group_topics *topics; /* the newest */
	int64_t now_ms;                    /* monotonic, set by each call */
	int64_t wall_ms;
	struct group_timer *timers; /* the first to fire */
	struct group_counters counters;
	struct group_timer offsets_timer; /* the next look for expired ones */
	struct arena scratch;             /* of one record while loading */
	bool applying;                    /* group_commit() does */
	struct group *doubtful;           /* those that may be void after it */
	struct group_memory *memory;      /* memory.h; NULL: not counted */
	/* Why a group rebalances, for people; NULL: nobody reads it. */
	void (*tell)(const struct group *group, const char *why);
	bool loaded;
	/* A record that was appended could not be applied, for lack of memory:
	 * the owner must throw the shard away and load it again. */
	bool broken;
};

void group_shard_init(struct group_shard *shard, struct random *random,
		      const struct group_settings *settings,
		      const struct group_topics *topics, struct group_log log);

/* Everything in it is freed; asks that wait are answered NOT_COORDINATOR. */
void group_shard_clear(struct group_shard *shard);

/* One record while loading, in the log's order.  Records of a type or version
 * that is not known are passed over: returns 0, -EBADMSG or -ENOMEM. */
int group_shard_load(struct group_shard *shard, struct slice key,
		     struct slice value, int64_t offset);

/* All is loaded: groups that have members get their deadlines. */
void group_shard_loaded(struct group_shard *shard);

/* Other topics from now on; the consumer groups that it concerns follow. */
void group_shard_set_topics(struct group_shard *shard,
			    const struct group_topics *topics);

/* When group_shard_run() is to be called next, monotonic ms, or INT64_MAX. */
int64_t group_shard_next_ms(const struct group_shard *shard);

/* Do what is due at now. */
void group_shard_run(struct group_shard *shard);

/* Set it, or set it to another time. */
void group_timer_set(struct group_shard *shard, struct group_timer *timer,
		     int64_t at_ms);
/* Harmless when it is not set. */
void group_timer_stop(struct group_shard *shard, struct group_timer *timer);

/*
 * Append the changes and apply them.  Returns 0 with the offset behind them
 * (0 changes: 0 and the offset 0), or a negative errno and nothing changed; but
 * when they cannot be applied for lack of memory the shard is broken: -ENOMEM.
 * offset_out may be NULL.
 */
int group_commit(struct group_shard *shard, const struct group_changes *changes,
		 int64_t *offset_out);

/* What Kafka answers when an append fails so (-ENOSPC, -EMSGSIZE ...). */
int16_t group_commit_error(int rc);

#endif /* KBROKERD_GROUP_SHARD_H */
