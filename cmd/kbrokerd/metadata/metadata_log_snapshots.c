/*
 * metadata_log_snapshots.c - the snapshots of the metadata log
 *
 * The newest is read at start.  A new one is written whole and synced before
 * it has its name; only then older ones go, and the log below them.
 */
#include "metadata_log_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "kbrokerd/metadata/snapshot.h"

enum { SNAPSHOT_BYTES_MAX = 1 << 30 };

/* Snapshots there are, newest first. */

struct snapshot_list {
	const struct metadata_log *log;
	struct snapshot_id *ids;
	size_t count;
	size_t capacity;
};

static int add_snapshot(struct snapshot_list *list, struct snapshot_id id)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
		struct snapshot_id *ids =
			realloc(list->ids, capacity * sizeof(*ids));

		if (ids == NULL)
			return -ENOMEM;
		list->ids = ids;
		list->capacity = capacity;
	}
	list->ids[list->count++] = id;
	return 0;
}

static bool ends_with(const char *name, const char *end)
{
	size_t a = strlen(name);
	size_t b = strlen(end);

	return a >= b && strcmp(name + a - b, end) == 0;
}

static int on_name(void *arg, const char *name)
{
	struct snapshot_list *list = arg;
	struct vfs *vfs = list->log->params.vfs;
	char path[METADATA_LOG_PATH_BYTES];
	struct snapshot_id id;

	if (snapshot_parse_name(name, &id) == 0)
		return add_snapshot(list, id);
	if ((ends_with(name, ".checkpoint.part") ||
	     ends_with(name, ".checkpoint.deleted")) &&
	    metadata_log_path(list->log, name, path) == 0)
		vfs->unlink(vfs, path);
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct snapshot_id *x = a;
	const struct snapshot_id *y = b;

	return (x->end_offset < y->end_offset) -
	       (x->end_offset > y->end_offset);
}

static int list_snapshots(const struct metadata_log *log,
			  struct snapshot_list *list)
{
	struct vfs *vfs = log->params.vfs;
	int rc;

	*list = (struct snapshot_list){ .log = log };
	rc = vfs->list(vfs, log->dir, on_name, list);
	if (rc < 0 && rc != -ENOENT) {
		free(list->ids);
		return rc;
	}
	if (list->count > 0) /* qsort(3) takes no NULL */
		qsort(list->ids, list->count, sizeof(*list->ids), newest_first);
	return 0;
}

static int read_snapshot(const struct metadata_log *log, struct snapshot_id id,
			 struct replay *replay)
{
	char name[SNAPSHOT_NAME_BYTES];
	char path[METADATA_LOG_PATH_BYTES];
	char *data = NULL;
	size_t len = 0;
	int rc;

	snapshot_name(id, name);
	rc = metadata_log_path(log, name, path);
	if (rc == 0)
		rc = file_read(log->params.vfs, path, SNAPSHOT_BYTES_MAX, &data,
			       &len);
	if (rc < 0)
		return rc;
	rc = replay_batches(replay, (struct slice){ (uint8_t *)data, len }, 0);
	free(data);
	if (rc == 0 && !replay->snapshot_ended) {
		replay->problem = "it has no footer";
		rc = -EBADMSG;
	}
	replay->offset = id.end_offset - 1;
	replay->epoch = id.epoch;
	replay->timestamp_ms = replay->snapshot_timestamp_ms;
	return rc;
}

int metadata_log_load_snapshot(struct metadata_log *log, struct replay *replay,
			       const struct metadata_log_complaint *complaint)
{
	struct snapshot_list list;
	int rc = list_snapshots(log, &list);

	if (rc < 0)
		return metadata_log_complain(complaint, rc,
					     "cannot list %s: %s", log->dir,
					     strerror(-rc));
	log->snapshot_end = -1;
	for (size_t i = 0; i < list.count; i++) {
		rc = read_snapshot(log, list.ids[i], replay);
		if (rc == 0) {
			log->snapshot_end = list.ids[i].end_offset;
			break;
		}
		metadata_log_complain(
			complaint, rc,
			"cannot read the snapshot at offset %lld in %s: %s",
			(long long)list.ids[i].end_offset, log->dir,
			replay->problem != NULL ? replay->problem
						: strerror(-rc));
		if (rc != -EBADMSG)
			break;
		replay_clear(replay);
		if (replay_init(replay) < 0)
			rc = -ENOMEM;
	}
	free(list.ids);
	return rc;
}

/* Dropping what is old */

static int64_t file_bytes(struct vfs *vfs, const char *path,
			  int64_t *modified_ms_out)
{
	int fd = vfs->open(vfs, path, O_RDONLY | O_CLOEXEC, 0);
	int64_t size;

	*modified_ms_out = 0;
	if (fd < 0)
		return 0;
	size = vfs->size(vfs, fd);
	*modified_ms_out = vfs->modified_ms(vfs, fd);
	vfs->close(vfs, fd);
	return size < 0 ? 0 : size;
}

/* Is the oldest of these snapshots to go, with another to take its place? */
static bool oldest_is_over(const struct metadata_log *log,
			   const struct snapshot_list *list, int64_t now_ms)
{
	int64_t total = log_size_bytes(log->log);
	int64_t modified_ms = 0;

	if (list->count < 2)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		char name[SNAPSHOT_NAME_BYTES];
		char path[METADATA_LOG_PATH_BYTES];

		snapshot_name(list->ids[i], name);
		if (metadata_log_path(log, name, path) == 0)
			total +=
				file_bytes(log->params.vfs, path, &modified_ms);
	}
	return (log->params.retention_ms >= 0 &&
		now_ms - modified_ms > log->params.retention_ms) ||
	       (log->params.retention_bytes >= 0 &&
		total > log->params.retention_bytes);
}

static void clean(struct metadata_log *log, int64_t now_ms)
{
	struct snapshot_list list;

	if (list_snapshots(log, &list) < 0)
		return;
	while (oldest_is_over(log, &list, now_ms)) {
		char name[SNAPSHOT_NAME_BYTES];
		char path[METADATA_LOG_PATH_BYTES];

		snapshot_name(list.ids[list.count - 1], name);
		if (metadata_log_path(log, name, path) == 0)
			log->params.vfs->unlink(log->params.vfs, path);
		list.count--;
		log_set_start_offset(log->log,
				     list.ids[list.count - 1].end_offset);
	}
	free(list.ids);
}

int metadata_log_snapshot(struct metadata_log *log, const struct image *image)
{
	struct snapshot_id id = { image_offset(image) + 1, image_epoch(image) };
	int64_t now_ms = log->params.clock->wall_ms(log->params.clock);
	struct buffer bytes = { 0 };
	char name[SNAPSHOT_NAME_BYTES];
	char path[METADATA_LOG_PATH_BYTES];
	int rc;

	if (id.end_offset == log->snapshot_end)
		return 0;
	snapshot_name(id, name);
	rc = metadata_log_path(log, name, path);
	if (rc == 0)
		rc = snapshot_encode(image, now_ms, &bytes);
	if (rc == 0)
		rc = metadata_log_replace(log, path, ".part",
					  buffer_slice(&bytes));
	buffer_clear(&bytes);
	if (rc < 0)
		return rc;
	log->snapshot_end = id.end_offset;
	log->snapshot_ms = now_ms;
	log->unsnapshot_bytes = 0;
	clean(log, now_ms);
	return 0;
}
