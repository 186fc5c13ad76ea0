/*
 * partition_metadata.h - the file that says which topic a directory is of
 *
 * partition.metadata, ASCII, two lines, of which the second has no newline:
 *
 *	version: 0
 *	topic_id: <22 characters, as uuid.h has it>
 */
#ifndef LOG_PARTITION_METADATA_H
#define LOG_PARTITION_METADATA_H

#include "base/uuid.h"
#include "log/vfs.h"

#define PARTITION_METADATA_NAME "partition.metadata"

/* Read the file at path.  Returns 0, -ENOENT, -EBADMSG, -ENOMEM or an error
 * of the file system. */
int partition_metadata_read(struct vfs *vfs, const char *path,
			    struct uuid *topic_id_out);

/* Replace the file at path, synced. */
int partition_metadata_write(struct vfs *vfs, const char *path,
			     struct uuid topic_id);

#endif /* LOG_PARTITION_METADATA_H */
