/*
 * data_dir.h - a log directory: identity, lock, checkpoints
 *
 * What stands in a data directory beside the partitions' directories, as
 * Apache Kafka writes it: meta.properties (version=1, cluster.id, node.id,
 * directory.id), recovery-point-offset-checkpoint,
 * log-start-offset-checkpoint, replication-offset-checkpoint,
 * .kafka_cleanshutdown, and .lock, which one process holds.
 */
#ifndef LOG_DATA_DIR_H
#define LOG_DATA_DIR_H

#include "base/random.h"
#include "base/uuid.h"
#include "log/vfs.h"

struct data_dir;

enum { DATA_DIR_VERSION = 1, DATA_DIR_RESERVE_BYTES = 1 << 20 };

struct data_dir_identity {
	char cluster_id[64];
	int32_t node_id;
	struct uuid directory_id;
};

/* What opening found, for the one line that tells the user. */
struct data_dir_found {
	bool fresh;      /* was empty: formatted now */
	bool clean;      /* had the clean shutdown marker */
	int locked_by;   /* with -EBUSY: the pid that holds the lock, or 0 */
	int64_t version; /* with -ENOTSUP: of meta.properties */
};

/*
 * Make the directory if it is missing, lock it, read its identity or, when it
 * is empty, format it with wanted (an empty cluster_id is made up, a zero
 * directory id too).  Removes the clean shutdown marker.
 *
 * Returns 0; -EBUSY when another process holds it; -ENOTEMPTY when it holds
 * files but no meta.properties (a foreign directory: never touched);
 * -ENOTSUP for a newer version than DATA_DIR_VERSION of meta.properties;
 * -EBADMSG for one that cannot be read; -EEXIST when wanted
 * contradicts what is there (cluster id or node id; *identity_out is then
 * what is there); or an error of the file system.
 */
int data_dir_open(struct vfs *vfs, const char *path,
		  const struct data_dir_identity *wanted, struct random *random,
		  struct data_dir **dir_out,
		  struct data_dir_identity *identity_out,
		  struct data_dir_found *found_out);

/*
 * Keep DATA_DIR_RESERVE_BYTES in a file, or give them back: on a disk that
 * others have filled a broker can then still stop and start, and let room be
 * made.  Kept as well as can be: no error.  What was given back and not kept
 * again data_dir_close() keeps.
 */
void data_dir_keep_reserve(struct data_dir *dir);
void data_dir_free_reserve(struct data_dir *dir);

/* With clean the marker is written (every log must be closed and synced). */
int data_dir_close(struct data_dir *dir, bool clean);

const char *data_dir_path(const struct data_dir *dir);

/*
 * Checkpoints: one number for each partition.  A file is Kafka's: version 0,
 * count, then "topic partition offset" lines.
 */
enum checkpoint_kind {
	CHECKPOINT_RECOVERY_POINT,
	CHECKPOINT_LOG_START,
	CHECKPOINT_HIGH_WATERMARK,
};

struct checkpoint_entry {
	const char *topic;
	int32_t partition;
	int64_t offset;
};

/* Read all entries; on_entry's topic is valid during the call.  A missing
 * file has none.  -EBADMSG when malformed. */
int data_dir_read_checkpoint(struct data_dir *dir, enum checkpoint_kind kind,
			     void (*on_entry)(void *arg,
					      const struct checkpoint_entry *e),
			     void *arg);

/* Replace the file, synced. */
int data_dir_write_checkpoint(struct data_dir *dir, enum checkpoint_kind kind,
			      const struct checkpoint_entry *entries,
			      size_t count);

/*
 * Delete a partition's directory as Kafka does: rename it to
 * <topic>-<n>.<uuid>-delete at once, remove its files later or at the next
 * start (data_dir_open finds leftovers and removes them).
 */
int data_dir_drop_partition(struct data_dir *dir, const char *topic,
			    int32_t partition, struct random *random);

/* The name of a partition's directory in dir: malloced "<path>/<topic>-<n>". */
char *data_dir_partition_path(const struct data_dir *dir, const char *topic,
			      int32_t partition);

#endif /* LOG_DATA_DIR_H */
