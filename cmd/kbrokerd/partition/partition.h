/*
 * partition.h - a hosted partition: its log, high watermark and waiters
 *
 * One mutex each, held for the short append or look-up, never across fsync,
 * compression or a send.  The log is opened at first use after a clean start:
 * a partition that nobody asks for costs little memory and no file.
 *
 * High watermark on one node: under flush.mode=os the log end offset; under
 * commit the synced offset, so that nobody reads what a crash can take back.
 *
 * Locks, in the order in which they may be taken: a partition's, then one of
 * a wait set, a shard of the table, or a queue of the background threads.
 */
#ifndef KBROKERD_PARTITION_PARTITION_H
#define KBROKERD_PARTITION_PARTITION_H

#include <pthread.h>
#include <sys/queue.h>

#include "kbrokerd/metadata/metadata.h"
#include "kbrokerd/metadata/topic_config.h"
#include "kbrokerd/partition/room.h"
#include "log/data_dir.h"
#include "log/log.h"

struct partition;
struct partition_table;

enum flush_mode { FLUSH_OS, FLUSH_COMMIT };

struct partition_table_params {
	struct vfs *vfs;
	struct clock *clock;
	struct random *random;
	struct data_dir *dir;
	struct metadata *metadata;
	/* The node's, for topic configs. */
	_Atomic(const struct properties *) properties;
	int32_t node_id;
	enum flush_mode flush_mode;
	bool clean;                 /* the last shutdown was */
	int64_t retention_check_ms; /* log.retention.check.interval.ms; 0: its
				       default */
	int64_t min_free_bytes;     /* room.h; 0: no limit */
	/* Called for each line worth telling (recovery, lost logs), with a
	 * level of logger.h; any thread.  May be NULL. */
	void (*log)(void *arg, int level, const char *text);
	void *log_arg;
};

/*
 * Host what the image says this node leads.  After an unclean shutdown every
 * partition that has a directory is recovered here, in parallel; after a clean
 * one nothing is read.  A directory that the metadata does not know is set
 * aside as <name>.<uuid>-stray.  Starts the background threads (sync,
 * deletion, retention, checkpoints).
 *
 * Returns 0, or a negative errno with a text in error.
 */
int partition_table_start(const struct partition_table_params *params,
			  struct partition_table **table_out, char *error,
			  size_t error_size);

/*
 * Close and sync every log, write the checkpoints, free the table; nobody may
 * hold a partition any more.  0 when all is on disk, so that the clean
 * shutdown marker may be written; else the first error.  NULL does nothing.
 */
int partition_table_stop(struct partition_table *table);

/* The data directory; valid as long as the table. */
const char *partition_table_dir(const struct partition_table *table);

/* How much room there is on its file system.  Returns 0 or an error. */
int partition_table_space(struct partition_table *table,
			  struct vfs_space *space_out);

/*
 * May bytes be appended, as far as room on the disk goes?  Looks at the disk
 * from time to time.  now_us is monotonic.  When they may not, text says why;
 * it may be NULL.  Any thread.
 */
enum room_verdict partition_table_room(struct partition_table *table,
				       size_t bytes, int64_t now_us, char *text,
				       size_t text_size);

/* Is less room left than is to stay free, by what the disk said last? */
bool partition_table_is_short(struct partition_table *table);

/*
 * Have the log start offsets of this moment written to their checkpoint, at
 * once: wake is called, on another thread, when they are on disk (rc 0) or
 * could not be written (a negative errno).  The waiter must stay until then,
 * or until unwait returns.
 */
struct checkpoint_waiter {
	void (*wake)(struct checkpoint_waiter *waiter);
	int rc;
	LIST_ENTRY(checkpoint_waiter) in_list;
	bool listed, under_way;
};
void partition_table_wait_checkpoint(struct partition_table *table,
				     struct checkpoint_waiter *waiter);
void partition_table_unwait_checkpoint(struct partition_table *table,
				       struct checkpoint_waiter *waiter);

/*
 * The node's settings were read again: have its topics configured by them.
 * They must outlive the table.  Any thread.
 */
void partition_table_set_properties(struct partition_table *table,
				    const struct properties *properties);

/*
 * The partition, with a reference, or NULL when this node does not host it
 * (image is the caller's newest), or out of memory.  Any thread.
 */
struct partition *partition_find(struct partition_table *table,
				 const struct image *image,
				 const struct topic_image *topic,
				 int32_t index);
void partition_retain(struct partition *p);
void partition_release(struct partition *p); /* NULL does nothing */

/* What its topic's configuration says now. */
void partition_topic_config(struct partition *p, struct topic_config *out);

/* The epoch of this node's leadership. */
int32_t partition_leader_epoch(const struct partition *p);

/*
 * Append a batch that has been validated; it is patched where it lies.
 * Returns 0 or what log_append() does; -ENOENT when it is being deleted; -EIO
 * when it is offline.  Wakes who waits for records.  Under flush.mode=commit a
 * sync is started unless one runs.
 */
int partition_append(struct partition *p, uint8_t *batch,
		     const struct batch_header *header,
		     struct log_appended *appended_out,
		     enum log_refusal *refusal_out);

/*
 * The same, but it leaves starting the sync to the caller: when *sync_out is
 * set he must soon call partition_sync_start() or partition_sync_run().  Those
 * who append meanwhile count on him.  So many appends share one sync.
 */
int partition_append_deferred(struct partition *p, uint8_t *batch,
			      const struct batch_header *header,
			      struct log_appended *appended_out,
			      enum log_refusal *refusal_out, bool *sync_out);

/* Have a background thread sync it now. */
void partition_sync_start(struct partition *p);

/* Sync it on this thread, unless a sync runs: that one is then followed by
 * another. */
void partition_sync_run(struct partition *p);

/*
 * How long a sync takes, us, as seen lately; 0 before the first.
 */
int64_t partition_table_sync_us(const struct partition_table *table);

/* How many requests wait for a sync: adds delta and returns the count. */
int32_t partition_table_count_commits(struct partition_table *table,
				      int32_t delta);

/* Offsets at one moment. */
struct partition_offsets {
	int64_t log_start;
	int64_t high_watermark;
	int64_t last_stable; /* the high watermark until transactions exist */
	int64_t log_end;
	int32_t leader_epoch;
};

/* Returns 0, -ENOENT or -EIO as partition_append(), or what log_open() does. */
int partition_offsets(struct partition *p, struct partition_offsets *out);

/* Bytes of its records on disk; -EIO or -ENOENT as above.  The log of one that
 * is not in use is not opened for that. */
int64_t partition_size_bytes(struct partition *p);

/*
 * Read for a consumer, up to the high watermark: log_read() under the lock,
 * and the offsets of the same moment.  An offset between high watermark and
 * log end gives an empty slice.  Returns also -ERANGE; *offsets_out is then
 * filled too.
 */
int partition_read(struct partition *p, int64_t offset, size_t max_bytes,
		   bool at_least_one, struct log_slice *slice_out,
		   struct partition_offsets *offsets_out);

/*
 * Waiting for the high watermark of partitions to move.
 *
 * A wait set belongs to one request, or to a fetch session.  Its waiters hang
 * each on one partition.  When the partition's high watermark passes what the
 * waiter waits for (or its log start moves, or it goes away) the waiter fires:
 * it leaves the partition, joins the set's ready ones and the set's owner is
 * told.  So who waits for a thousand partitions looks only at those that
 * moved.
 *
 * The functions on waiters are for one thread at a time (the owner's).
 */
struct partition_wait_set {
	pthread_mutex_t lock;
	void (*on_ready)(void *arg); /* NULL: nobody listens */
	void *arg;
	struct partition_waiter *ready;
};

struct partition_waiter {
	struct partition_wait_set *set;
	int64_t above;               /* fires when the high watermark is */
	struct partition *partition; /* a reference; NULL: not hooked */
	struct partition_waiter *next, **prev; /* of the partition, or ready */
};

void partition_wait_set_init(struct partition_wait_set *set);
/* No waiter of it may be hooked any more. */
void partition_wait_set_clear(struct partition_wait_set *set);

/*
 * Have on_ready called for each waiter that fires, on the thread that made it
 * fire and under locks: it may only pass the news on.  Replaces who listened
 * before.  Called at once when some are ready already.
 */
void partition_wait_set_listen(struct partition_wait_set *set,
			       void (*on_ready)(void *arg), void *arg);

/* After it returns on_ready is not called with arg any more. */
void partition_wait_set_ignore(struct partition_wait_set *set, void *arg);

/* Take one that has fired, or NULL. */
struct partition_waiter *partition_wait_set_take(
	struct partition_wait_set *set);

/*
 * Hook w, whose set and above are filled in.  Returns false, not hooked, when
 * the high watermark is above already or the partition is going away.
 */
bool partition_wait(struct partition *p, struct partition_waiter *w);

/* Unhook, also when it has fired; harmless when it was never hooked. */
void partition_unwait(struct partition_waiter *w);

/* Run a function on the log under the partition's lock, for what is rare
 * (ListOffsets by time, epochs, deletes).  Returns what it returns, or as
 * partition_offsets(). */
int partition_with_log(struct partition *p,
		       int (*run)(void *arg, struct log *log,
				  const struct partition_offsets *offsets),
		       void *arg);

#endif /* KBROKERD_PARTITION_PARTITION_H */
