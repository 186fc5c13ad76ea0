/*
 * metadata_log_files.c - the small files of the metadata log
 *
 * quorum-state lies beside the log, bootstrap.checkpoint in the data
 * directory.  Each is written under another name, synced, and then renamed.
 */
#include "metadata_log_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BOOTSTRAP_BYTES_MAX = 1 << 20, QUORUM_STATE_BYTES_MAX = 1 << 16 };

__attribute__((format(printf, 3, 4))) int metadata_log_complain(
	const struct metadata_log_complaint *to, int rc, const char *format,
	...)
{
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is started */
	vsnprintf(to->text, to->size, format, args);
	va_end(args);
	return rc;
}

int metadata_log_path(const struct metadata_log *log, const char *name,
		      char path[METADATA_LOG_PATH_BYTES])
{
	int n = snprintf(path, METADATA_LOG_PATH_BYTES, "%s/%s", log->dir,
			 name);

	return n < 0 || n >= PATH_BYTES_MAX ? -ENAMETOOLONG : 0;
}

static int write_file(const struct metadata_log *log, const char *path,
		      struct slice data)
{
	struct vfs *vfs = log->params.vfs;
	int fd = vfs->open(vfs, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			   0644);
	int rc;

	if (fd < 0)
		return fd;
	rc = vfs_write_all(vfs, fd, data.data, data.len, 0);
	if (rc == 0 && log->params.sync)
		rc = vfs->fdatasync(vfs, fd);
	vfs->close(vfs, fd);
	return rc;
}

/* Replace the file at path, by way of one with suffix behind its name. */
int metadata_log_replace(const struct metadata_log *log, const char *path,
			 const char *suffix, struct slice data)
{
	struct vfs *vfs = log->params.vfs;
	char part[METADATA_LOG_PATH_BYTES + 16];
	int rc;

	snprintf(part, sizeof(part), "%s%s", path, suffix);
	rc = write_file(log, part, data);
	if (rc == 0)
		rc = vfs->rename(vfs, part, path);
	if (rc < 0) {
		vfs->unlink(vfs, part);
		return rc;
	}
	return log->params.sync ? vfs_sync_parent(vfs, path) : 0;
}

/* The directory is there before the log makes it at its first append. */
static int make_dir(const struct metadata_log *log)
{
	int rc = log->params.vfs->mkdir(log->params.vfs, log->dir, 0755);

	if (rc == 0 && log->params.sync)
		rc = vfs_sync_parent(log->params.vfs, log->dir);
	return rc == -EEXIST ? 0 : rc;
}

/* Quorum */

int metadata_log_read_quorum(const struct metadata_log *log,
			     struct metadata_log_found *found,
			     const struct metadata_log_complaint *complaint)
{
	char path[METADATA_LOG_PATH_BYTES];
	char *data;
	size_t len;
	int rc = metadata_log_path(log, "quorum-state", path);

	if (rc == 0)
		rc = file_read(log->params.vfs, path, QUORUM_STATE_BYTES_MAX,
			       &data, &len);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0) {
		rc = quorum_state_parse(data, len, &found->quorum);
		free(data);
	}
	if (rc < 0)
		return metadata_log_complain(complaint, rc,
					     "cannot read %s: %s", path,
					     strerror(-rc));
	found->has_quorum_state = true;
	return 0;
}

int metadata_log_put_quorum(const struct metadata_log *log,
			    const struct quorum_state *state)
{
	struct buffer text = { 0 };
	char path[METADATA_LOG_PATH_BYTES];
	int rc = metadata_log_path(log, "quorum-state", path);

	if (rc == 0)
		rc = make_dir(log);
	if (rc == 0) {
		quorum_state_format(state, &text);
		rc = text.failed ? -ENOMEM
				 : metadata_log_replace(log, path, ".tmp",
							buffer_slice(&text));
	}
	buffer_clear(&text);
	return rc;
}

/* Bootstrap */

static void bootstrap_path(const struct metadata_log *log,
			   char path[METADATA_LOG_PATH_BYTES])
{
	snprintf(path, METADATA_LOG_PATH_BYTES, "%s/bootstrap.checkpoint",
		 log->data_dir);
}

int metadata_log_put_bootstrap(const struct metadata_log *log,
			       struct slice bytes)
{
	char path[METADATA_LOG_PATH_BYTES];

	bootstrap_path(log, path);
	return metadata_log_replace(log, path, ".part", bytes);
}

static int take_records(struct slice bytes, struct record_list *records)
{
	struct record_iter *iter = NULL;
	struct batch_header header;
	struct record record;
	int rc = 0;

	while (bytes.len > 0 && rc == 0) {
		if (batch_header_read(bytes, &header) < 0 ||
		    header.size > bytes.len ||
		    !batch_crc_holds(bytes.data, &header)) {
			rc = -EBADMSG;
			break;
		}
		rc = record_iter_reset(
			&iter, (struct slice){ bytes.data, header.size },
			BOOTSTRAP_BYTES_MAX);
		while (rc == 0 && (header.attributes & BATCH_CONTROL) == 0 &&
		       (rc = record_next(iter, &record)) > 0) {
			record_list_add_bytes(records, record.value);
			rc = records->error;
		}
		bytes.data += header.size;
		bytes.len -= header.size;
	}
	record_iter_free(iter);
	return rc;
}

int metadata_log_read_bootstrap(struct metadata_log *log,
				struct record_list *records)
{
	char path[METADATA_LOG_PATH_BYTES];
	char *data;
	size_t len;
	int rc;

	bootstrap_path(log, path);
	rc = file_read(log->params.vfs, path, BOOTSTRAP_BYTES_MAX, &data, &len);
	if (rc < 0)
		return rc;
	rc = take_records((struct slice){ (uint8_t *)data, len }, records);
	free(data);
	return rc;
}
