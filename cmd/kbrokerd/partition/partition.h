/*
 * partition.h - a hosted partition: its log, high watermark and waiters
 *
 * One mutex each, held for the short append or look-up, never across fsync,
 * compression or a send.  The log is opened at first use after a clean start:
 * a partition that nobody asks for costs little memory and no file.
 *
 * High watermark on one node: under flush.mode=os the log end offset; under
 * commit the synced offset, so that nobody reads what a crash can take back.
 */
#ifndef KBROKERD_PARTITION_PARTITION_H
#define KBROKERD_PARTITION_PARTITION_H

#include "kbrokerd/metadata/metadata.h"
#include "kbrokerd/metadata/topic_config.h"
#include "kbrokerd/server/request.h"
#include "log/data_dir.h"
#include "log/log.h"

struct partition;
struct partition_table;

enum flush_mode {
	FLUSH_OS,
	FLUSH_COMMIT
};

struct partition_table_params {
	struct vfs *vfs;
	struct clock *clock;
	struct random *random;
	struct data_dir *dir;
	struct metadata *metadata;
	const struct properties *properties; /* the node's, for topic configs */
	int32_t node_id;
	enum flush_mode flush_mode;
	bool clean; /* the last shutdown was */
	/* Called for each line worth telling (recovery, lost logs). */
	void (*log)(void *arg, int level, const char *text);
	void *log_arg;
};

/*
 * Host what the image says this node leads.  After an unclean shutdown every
 * partition that has a directory is recovered here, in parallel; after a clean
 * one nothing is read.  Starts the background threads (sync, deletion,
 * retention, checkpoints).
 */
int partition_table_start(const struct partition_table_params *params,
			  struct partition_table **table_out, char *error,
			  size_t error_size);

/* Close and sync every log, write the checkpoints.  0 when all is on disk, so
 * that the clean shutdown marker may be written. */
int partition_table_stop(struct partition_table *table);

/*
 * The partition, with a reference, or NULL when this node does not host it
 * (image is the caller's newest).  Any thread.
 */
struct partition *partition_find(struct partition_table *table,
				 const struct image *image,
				 const struct topic_image *topic,
				 int32_t index);
void partition_release(struct partition *p);

/*
 * Append a batch that has been validated; it is patched where it lies.
 * Returns 0 or what log_append() does; -ENOENT when it is being deleted.
 * Wakes who waits for records.  Under flush.mode=commit a sync is started
 * unless one runs.
 */
int partition_append(struct partition *p, uint8_t *batch,
		     const struct batch_header *header,
		     struct log_appended *appended_out,
		     enum log_refusal *refusal_out);

/* Offsets at one moment. */
struct partition_offsets {
	int64_t log_start;
	int64_t high_watermark;
	int64_t last_stable; /* the high watermark until transactions exist */
	int64_t log_end;
	int32_t leader_epoch;
};
int partition_offsets(struct partition *p, struct partition_offsets *out);

/* Read for a consumer, up to the high watermark: log_read() under the lock,
 * and the offsets of the same moment. */
int partition_read(struct partition *p, int64_t offset, size_t max_bytes,
		   bool at_least_one, struct log_slice *slice_out,
		   struct partition_offsets *offsets_out);

/*
 * Something that waits for the high watermark (or log end, or deletion) of a
 * partition to move.  Embedded in the waiting request's state; hooked to one
 * partition at most.
 */
struct partition_waiter {
	struct request *request;     /* woken by request_wake() */
	int64_t above;               /* wake when the high watermark exceeds it */
	struct partition *partition; /* NULL: not hooked */
	struct partition_waiter *next, **prev;
};

/* Returns false, not hooked, when the high watermark is above already (or the
 * partition is going away). */
bool partition_wait(struct partition *p, struct partition_waiter *w);

/* Unhook; harmless when it is not hooked.  After it returns the partition
 * does not wake the request any more. */
void partition_unwait(struct partition_waiter *w);

/* Run a function on the log under the partition's lock, for what is rare
 * (ListOffsets by time, epochs, deletes). */
int partition_with_log(struct partition *p,
		       int (*run)(void *arg, struct log *log,
				  const struct partition_offsets *offsets),
		       void *arg);

#endif /* KBROKERD_PARTITION_PARTITION_H */
