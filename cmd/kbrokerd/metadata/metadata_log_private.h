/*
 * metadata_log_private.h - what the metadata log is: for metadata_log*.c alone
 */
#ifndef KBROKERD_METADATA_METADATA_LOG_PRIVATE_H
#define KBROKERD_METADATA_METADATA_LOG_PRIVATE_H

#include "base/buffer.h"
#include "base/limits.h"
#include "kbrokerd/metadata/metadata_log.h"
#include "kbrokerd/metadata/replay.h"
#include "log/log.h"

/* Room for a path and a name, of which only PATH_BYTES_MAX may be used. */
#define METADATA_LOG_PATH_BYTES ((size_t)2 * PATH_BYTES_MAX)

struct metadata_log {
	struct metadata_log_params params;
	char data_dir[PATH_BYTES_MAX];
	char dir[PATH_BYTES_MAX + 32];
	struct log *log;
	bool late; /* the files below are still to be written */
	struct quorum_state late_quorum;
	struct buffer late_bootstrap;
	int64_t snapshot_end; /* of the newest; -1: none */
	int64_t snapshot_ms;
	int64_t unsnapshot_bytes;
};

/* Where a text of what went wrong goes. */
struct metadata_log_complaint {
	char *text;
	size_t size;
};

/* Files (metadata_log_files.c) */

/* Say what went wrong; returns rc. */
__attribute__((format(printf, 3, 4))) int metadata_log_complain(
	const struct metadata_log_complaint *to, int rc, const char *format,
	...);

/* The path of a file beside the log; 0 or -ENAMETOOLONG. */
int metadata_log_path(const struct metadata_log *log, const char *name,
		      char path[METADATA_LOG_PATH_BYTES]);

/* Replace the file at path, by way of one with suffix behind its name.
 * Returns 0 or a negative errno: the old one is still there then. */
int metadata_log_replace(const struct metadata_log *log, const char *path,
			 const char *suffix, struct slice data);

/* Read quorum-state if it is there.  Returns 0, or a negative errno with a
 * text in complaint. */
int metadata_log_read_quorum(const struct metadata_log *log,
			     struct metadata_log_found *found,
			     const struct metadata_log_complaint *complaint);

/* Write these files now.  Return 0 or a negative errno. */
int metadata_log_put_quorum(const struct metadata_log *log,
			    const struct quorum_state *state);
int metadata_log_put_bootstrap(const struct metadata_log *log,
			       struct slice bytes);

/* Snapshots (metadata_log_snapshots.c) */

/*
 * Read the newest snapshot that can be read; older ones only serve where the
 * log still reaches back to them, which is seen when it is read.  Returns 0,
 * also when there is none, or a negative errno with a text in complaint.
 */
int metadata_log_load_snapshot(struct metadata_log *log, struct replay *replay,
			       const struct metadata_log_complaint *complaint);

#endif /* KBROKERD_METADATA_METADATA_LOG_PRIVATE_H */
