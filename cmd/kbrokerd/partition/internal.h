/*
 * internal.h - what the files of this folder share
 *
 *	partition.c  one partition: log, high watermark, sync
 *	waiter.c     waiters and wait sets
 *	topics.c     which topics and partitions are hosted
 *	flusher.c    the threads that sync
 *	clock_watch.c  did the clock jump?
 *	room.c       is there room on the disk?
 *	keeper.c     the thread that looks after the rest, from time to time
 *	retention.c  what is too old, or too much
 *	recovery.c   what the data directory holds when the broker starts
 *	traffic.c    what went in and out
 *	facts.c      what can be told of them, for metrics and people
 *	table.c      all of it together
 */
#ifndef KBROKERD_PARTITION_INTERNAL_H
#define KBROKERD_PARTITION_INTERNAL_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "kbrokerd/logger.h"
#include "kbrokerd/partition/clock_watch.h"
#include "kbrokerd/partition/partition.h"
#include "kbrokerd/partition/traffic.h"

#define DELETED_SUFFIX "-delete"
#define STRAY_SUFFIX   "-stray"

enum partition_state {
	PARTITION_CLOSED, /* its log was not asked for yet */
	PARTITION_OPEN,
	PARTITION_OFFLINE, /* its disk failed: nothing is served any more */
	PARTITION_GONE,    /* deleted */
};

struct partition {
	struct partition_table *table;
	struct hosted_topic *topic; /* a reference */
	int32_t index;
	atomic_int references;
	atomic_int leader_epoch;

	pthread_mutex_t lock; /* for all below */
	uint8_t state;        /* enum partition_state */
	bool has_directory;
	bool commit;     /* the high watermark is the synced offset */
	bool unsynced;   /* appended to since the last sync began */
	bool promised;   /* an appender will start a sync */
	bool queued;     /* in the flusher's queue */
	bool syncing;    /* a sync runs without the lock */
	struct log *log; /* NULL: CLOSED */
	int64_t high_watermark;
	/* While it is CLOSED, what the checkpoints said. */
	int64_t log_start_offset;
	int64_t recovery_point;
	int64_t looked_at_us; /* by retention, while CLOSED */
	int64_t flush_messages;
	int64_t flush_us; /* unsynced for so long at most */
	int64_t delete_delay_us;
	struct partition_waiter *waiters;
	struct traffic_counts traffic; /* since it was made */
	int64_t bytes_seen;            /* of that, when retention looked */
	/* What its files say, for facts.c, once it has looked. */
	bool looked_at_files;
	int32_t file_count;
	int64_t file_bytes, last_write_ms;

	TAILQ_ENTRY(partition) in_queue; /* under the flusher's lock */
	/* Under the keeper's lock. */
	TAILQ_ENTRY(partition) in_due;
	int64_t due_us;
	bool due; /* in the list */
};

TAILQ_HEAD(partition_list, partition);

struct hosted_topic {
	struct partition_table *table;
	struct uuid id;
	char *name;
	atomic_int references; /* the table's and its partitions' */
	struct hosted_topic *next_in_bucket;

	/* Under the shard's lock. */
	struct topic_config config;
	int32_t slot_count;
	struct partition **slots; /* by index; NULL: not made yet */
};

enum { SHARDS = 16 };

struct topic_shard {
	pthread_mutex_t lock;
	struct hosted_topic **buckets;
	size_t bucket_count; /* a power of two */
	size_t topic_count;
} __attribute__((aligned(64)));

enum { FLUSHER_THREADS = 2 };

/* Partitions that are to be synced now, and who does it. */
struct flusher {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct partition_list queue;
	pthread_t threads[FLUSHER_THREADS];
	int32_t thread_count;
	bool stopping;
};

/* What is to be done later, and who does it. */
struct keeper {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct partition_list due;     /* by rising due_us */
	int64_t checkpoint_us;         /* when; INT64_MAX: nothing changed */
	atomic_bool checkpoint_wanted; /* the same, without the lock */
	/* Those who wait for log starts to be written. */
	LIST_HEAD(checkpoint_waiters, checkpoint_waiter) waiting;
	int64_t retention_us;
	struct clock_watch clock;
	bool purge; /* deleted directories wait to be removed */
	pthread_t thread;
	bool started, stopping;
};

struct partition_table {
	struct partition_table_params params;
	struct topic_shard shards[SHARDS];
	struct flusher flusher;
	struct keeper keeper;
	atomic_int commits; /* requests that wait for a sync */
	_Atomic int64_t sync_us;
	struct {
		pthread_mutex_t lock;
		struct room room;
		/* Without the lock: until when it need not be taken. */
		atomic_bool watched; /* there may be too little */
		_Atomic int64_t look_us, budget_bytes;
	} disk;
	struct traffic traffic;
	/* A deleted partition whose sync has ended. */
	pthread_mutex_t drop_lock;
	pthread_cond_t dropped;
};

/* table.c */

__attribute__((format(printf, 3, 4))) void table_log(
	struct partition_table *table, int level, const char *format, ...);
int64_t table_now_us(const struct partition_table *table);
/* Look at the disk, and tell what is worth telling. */
void table_look_at_disk(struct partition_table *table, int64_t now_us);
/* Appending has failed for lack of room, or has worked. */
void table_note_append(struct partition_table *table, int rc);
/* Run it on each of them, by so many threads at once. */
void table_each(struct partition **all, size_t count, size_t threads,
		void (*run)(void *arg, struct partition *p), void *arg);

/* partition.c */

/* A partition that is CLOSED, with one reference, or NULL. */
struct partition *partition_new(struct hosted_topic *topic, int32_t index,
				int32_t leader_epoch);

/* Under its lock: open the log if that is still to be done. */
int partition_open(struct partition *p);

/* Open after a crash and tell what was cut; the lock is taken. */
int partition_recover(struct partition *p, struct log_recovery *recovery);

/* Delete it and its directory; no new references may be given out. */
void partition_drop(struct partition *p);

/* Close the log, synced.  Returns 0 when all is on disk. */
int partition_close(struct partition *p);

/* Sync it because it was queued. */
void partition_sync_queued(struct partition *p);

/* Its sync is due: hand it to the flusher. */
void partition_sync_due(struct partition *p);

void partition_set_config(struct partition *p,
			  const struct topic_config *config);

/* What the checkpoints are to say of it; false: nothing. */
struct partition_marks {
	int64_t recovery_point, log_start, high_watermark;
};
bool partition_marks(struct partition *p, struct partition_marks *out);

/* For retention.c, under the lock. */

/* Segments went: a sync also removes their files. */
void partition_remove_files_later(struct partition *p);
/* Its disk failed: say so, and let all who wait go. */
void partition_set_offline(struct partition *p, const char *what, int rc);
/* Close the log and keep what the checkpoints are to say. */
int partition_close_log(struct partition *p);

/* retention.c */

/* Drop old segments, and by_age forget silent producers; now_us decides
 * whether a closed one is looked at.  With may_close the log of one that was
 * not used since the last time is closed. */
void partition_retention(struct partition *p, int64_t now_us, bool by_age,
			 bool may_close);

/* waiter.c, under the partition's lock */

void waiters_advance(struct partition *p); /* the high watermark moved */
void waiters_fire_all(struct partition *p);

/* topics.c */

int topics_init(struct partition_table *table);
void topics_clear(struct partition_table *table);

struct hosted_topic *hosted_topic_retain(struct hosted_topic *topic);
void hosted_topic_release(struct hosted_topic *topic);

/* A new image was published: drop the topics that are no more, with their
 * partitions; resolve configurations that changed, or all with refresh. */
void topics_compare(struct partition_table *table, const struct image *before,
		    const struct image *after, bool refresh);

/* All partitions, with a reference each, malloced; NULL: out of memory. */
struct partition **topics_all(struct partition_table *table, size_t *count_out);
void topics_give_back(struct partition **all, size_t count);

/* flusher.c */

int flusher_start(struct partition_table *table);
void flusher_stop(struct partition_table *table);
/* Under the partition's lock. */
void flusher_add(struct partition *p);

/* keeper.c */

int keeper_start(struct partition_table *table);
void keeper_stop(struct partition_table *table);
/* Under the partition's lock: sync it in so many us, if not before. */
void keeper_add(struct partition *p, int64_t after_us);
/* The checkpoints are out of date. */
void keeper_want_checkpoint(struct partition_table *table);
/* There are deleted directories to remove. */
void keeper_want_purge(struct partition_table *table);
int keeper_write_checkpoints(struct partition_table *table);
void keeper_apply_retention(struct partition_table *table);

/* recovery.c */

/* Host every partition that has a directory; recover them after a crash. */
int recovery_run(struct partition_table *table, char *error, size_t error_size);
/* Does the directory belong to this topic? */
bool recovery_is_of_topic(struct partition_table *table, const char *path,
			  struct uuid id);
/* Rename it to <name>.<uuid>-stray, and tell. */
int recovery_set_aside(struct partition_table *table, const char *path);
/* Rename the directory at path to <name>.<uuid><suffix>; *to_out is the new
 * path, malloced, also on failure unless that is -ENOMEM. */
int recovery_rename(struct partition_table *table, const char *path,
		    const char *suffix, char **to_out);

#endif /* KBROKERD_PARTITION_INTERNAL_H */
