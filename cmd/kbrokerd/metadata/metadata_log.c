/*
 * metadata_log.c - the metadata log on disk: __cluster_metadata-0
 *
 * Rules:
 *  - a snapshot is written whole and synced before it has its name, and the
 *    log below it goes only after that
 *  - the log is known to be on disk up to the newest snapshot: recovery after
 *    a crash starts there
 *  - where there was nothing before, the log alone is written, and nothing
 *    synced, until the first metadata_log_sync(): the other files follow then,
 *    so that a crash before it leaves a log that may be torn, and no more
 */
#include "metadata_log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "kbrokerd/metadata/replay.h"
#include "kbrokerd/metadata/snapshot.h"
#include "kbrokerd/metadata/topic_name.h"

enum {
	SNAPSHOT_BYTES_MAX = 1 << 30,
	BOOTSTRAP_BYTES_MAX = 1 << 20,
	QUORUM_STATE_BYTES_MAX = 1 << 16,
	READ_BYTES = 1 << 20
};

/* Room for a path and a name, of which only PATH_BYTES_MAX may be used. */
#define PATH_MAX_BYTES ((size_t)2 * PATH_BYTES_MAX)

/* Kafka's id of the topic: the first of the reserved ones. */
static const struct uuid metadata_topic_id = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
						 0, 0, 0, 0, 0, 1 } };

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

/* Texts */

struct complaint {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int complain(
	const struct complaint *to, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is started */
	vsnprintf(to->text, to->size, format, args);
	va_end(args);
	return rc;
}

/* Files */

static int path_of(const struct metadata_log *log, const char *name,
		   char path[PATH_MAX_BYTES])
{
	int n = snprintf(path, PATH_MAX_BYTES, "%s/%s", log->dir, name);

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
static int replace(const struct metadata_log *log, const char *path,
		   const char *suffix, struct slice data)
{
	struct vfs *vfs = log->params.vfs;
	char part[PATH_MAX_BYTES + 16];
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
	char path[PATH_MAX_BYTES];
	struct snapshot_id id;

	if (snapshot_parse_name(name, &id) == 0)
		return add_snapshot(list, id);
	if ((ends_with(name, ".checkpoint.part") ||
	     ends_with(name, ".checkpoint.deleted")) &&
	    path_of(list->log, name, path) == 0)
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
	char path[PATH_MAX_BYTES];
	char *data;
	size_t len;
	int rc;

	snapshot_name(id, name);
	rc = path_of(log, name, path);
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

/* The newest snapshot that can be read; older ones only serve where the log
 * still reaches back to them, which is seen when it is read. */
static int load_snapshot(struct metadata_log *log, struct replay *replay,
			 const struct complaint *complaint)
{
	struct snapshot_list list;
	int rc = list_snapshots(log, &list);

	if (rc < 0)
		return complain(complaint, rc, "cannot list %s: %s", log->dir,
				strerror(-rc));
	log->snapshot_end = -1;
	for (size_t i = 0; i < list.count; i++) {
		rc = read_snapshot(log, list.ids[i], replay);
		if (rc == 0) {
			log->snapshot_end = list.ids[i].end_offset;
			break;
		}
		complain(complaint, rc,
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

/* The log */

static int open_log(struct metadata_log *log, const struct complaint *complaint)
{
	struct log_open params = {
		.vfs = log->params.vfs,
		.clock = log->params.clock,
		.dir = log->dir,
		.topic_id = metadata_topic_id,
		.config = log_config_default,
		.recovery_point = log->snapshot_end < 0 ? 0 : log->snapshot_end,
	};
	int64_t from = params.recovery_point;
	int rc;

	if (log->params.segment_bytes > 0)
		params.config.segment_bytes = log->params.segment_bytes;
	if (log->params.segment_ms > 0)
		params.config.segment_ms = log->params.segment_ms;
	rc = log_open(&params, &log->log, NULL);

	if (rc < 0)
		return complain(complaint, rc, "cannot open %s: %s", log->dir,
				strerror(-rc));
	if (log_end_offset(log->log) < from)
		rc = log_truncate_fully(log->log, from);
	if (rc < 0)
		return complain(complaint, rc, "cannot empty %s: %s", log->dir,
				strerror(-rc));
	if (log_start_offset(log->log) > from)
		return complain(complaint, -EBADMSG,
				"%s starts at offset %lld, and no snapshot "
				"reaches it: the newest ends at %lld",
				log->dir, (long long)log_start_offset(log->log),
				(long long)log->snapshot_end);
	return 0;
}

/* Bytes of the whole batches at the front; *next is moved behind them. */
static size_t whole_batches(struct slice bytes, int64_t *next)
{
	struct batch_header header;
	size_t whole = 0;

	while (batch_header_read(
		       (struct slice){ bytes.data + whole, bytes.len - whole },
		       &header) == 0 &&
	       header.size <= bytes.len - whole) {
		whole += header.size;
		*next = batch_last_offset(&header) + 1;
	}
	return whole;
}

static int replay_slice(const struct metadata_log *log,
			const struct log_slice *slice, struct replay *replay,
			int64_t from, int64_t *next)
{
	uint8_t *data = malloc(slice->len);
	size_t whole;
	int rc;

	if (data == NULL)
		return -ENOMEM;
	rc = vfs_read_all(log->params.vfs, slice->fd, data, slice->len,
			  slice->position);
	if (rc == 0) {
		whole = whole_batches((struct slice){ data, slice->len }, next);
		if (whole == 0)
			rc = -EBADMSG;
		else
			rc = replay_batches(
				replay, (struct slice){ data, whole }, from);
	}
	free(data);
	return rc;
}

static int replay_log(struct metadata_log *log, struct replay *replay,
		      const struct complaint *complaint)
{
	int64_t end = log_end_offset(log->log);
	int64_t from = log->snapshot_end < 0 ? 0 : log->snapshot_end;
	int64_t next = from;
	int rc = 0;

	while (next < end && rc == 0) {
		struct log_slice slice;

		rc = log_read(log->log, next, READ_BYTES, end, true, &slice);
		if (rc == 0) {
			log->unsnapshot_bytes += (int64_t)slice.len;
			rc = replay_slice(log, &slice, replay, from, &next);
			log_slice_release(&slice);
		}
	}
	if (rc < 0)
		return complain(complaint, rc,
				"cannot read %s from offset %lld on: %s",
				log->dir, (long long)next,
				rc == -ENOTSUP ? "a record is of a later "
						 "release of Kafka"
				: replay->problem != NULL ? replay->problem
							  : strerror(-rc));
	return 0;
}

static int read_quorum(const struct metadata_log *log,
		       struct metadata_log_found *found,
		       const struct complaint *complaint)
{
	char path[PATH_MAX_BYTES];
	char *data;
	size_t len;
	int rc = path_of(log, "quorum-state", path);

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
		return complain(complaint, rc, "cannot read %s: %s", path,
				strerror(-rc));
	found->has_quorum_state = true;
	return 0;
}

static int max_epoch(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

static int load(struct metadata_log *log, struct metadata_log_found *found,
		struct replay *replay, const struct complaint *complaint)
{
	int rc = load_snapshot(log, replay, complaint);

	if (rc == 0)
		rc = open_log(log, complaint);
	if (rc == 0)
		rc = replay_log(log, replay, complaint);
	if (rc == 0)
		rc = read_quorum(log, found, complaint);
	if (rc < 0)
		return rc;
	found->empty = log->snapshot_end < 0 && log_end_offset(log->log) == 0;
	log->late =
		log->params.sync && found->empty && !found->has_quorum_state;
	found->in_transaction = replay_in_transaction(replay);
	found->last_epoch = max_epoch(log_leader_epoch(log->log),
				      found->empty ? -1 : replay->epoch);
	if (found->has_quorum_state)
		found->last_epoch = max_epoch(found->last_epoch,
					      found->quorum.leader_epoch);
	rc = replay_take(replay, &found->image);
	if (rc < 0)
		return complain(complaint, rc, "%s does not hold together: %s",
				log->dir,
				replay->problem != NULL ? replay->problem
							: strerror(-rc));
	return 0;
}

/* NOLINTBEGIN(readability-non-const-parameter): complain() writes to error */
int metadata_log_open(const struct metadata_log_params *params,
		      struct metadata_log **log_out,
		      struct metadata_log_found *found_out, char *error,
		      size_t error_size)
{
	struct complaint complaint = { error, error_size };
	struct metadata_log *log = calloc(1, sizeof(*log));
	struct replay replay;
	int rc;

	*found_out = (struct metadata_log_found){ .last_epoch = -1 };
	if (log == NULL || replay_init(&replay) < 0) {
		free(log);
		return complain(&complaint, -ENOMEM, "out of memory");
	}
	log->params = *params;
	snprintf(log->data_dir, sizeof(log->data_dir), "%s", params->dir);
	log->params.dir = log->data_dir;
	snprintf(log->dir, sizeof(log->dir), "%s/" METADATA_TOPIC "-0",
		 log->data_dir);
	log->snapshot_ms = params->clock->wall_ms(params->clock);
	rc = load(log, found_out, &replay, &complaint);
	replay_clear(&replay);
	if (rc < 0) {
		log_close(log->log, false);
		free(log);
		return rc;
	}
	*log_out = log;
	return 0;
}

/* NOLINTEND(readability-non-const-parameter) */

int metadata_log_close(struct metadata_log *log)
{
	int rc;

	if (log == NULL)
		return 0;
	rc = log_close(log->log, log->params.sync);
	buffer_clear(&log->late_bootstrap);
	free(log);
	return rc;
}

int64_t metadata_log_end(const struct metadata_log *log)
{
	return log_end_offset(log->log);
}

int metadata_log_append(struct metadata_log *log, struct buffer *batch)
{
	struct log_appended appended;
	struct batch_header header;
	int rc = batch_header_read(buffer_slice(batch), &header);

	assert(rc == 0);
	assert(header.size == batch->len);
	assert(header.base_offset == metadata_log_end(log));
	rc = log_append_internal(log->log, batch->data, &header,
				 header.leader_epoch, &appended);
	if (rc < 0)
		return rc;
	assert(appended.base_offset == header.base_offset);
	log->unsnapshot_bytes += header.size;
	return 0;
}

static void bootstrap_path(const struct metadata_log *log,
			   char path[PATH_MAX_BYTES])
{
	snprintf(path, PATH_MAX_BYTES, "%s/bootstrap.checkpoint",
		 log->data_dir);
}

static int write_bootstrap(const struct metadata_log *log, struct slice bytes)
{
	char path[PATH_MAX_BYTES];

	bootstrap_path(log, path);
	return replace(log, path, ".part", bytes);
}

static int write_quorum(const struct metadata_log *log,
			const struct quorum_state *state)
{
	struct buffer text = { 0 };
	char path[PATH_MAX_BYTES];
	int rc = path_of(log, "quorum-state", path);

	if (rc == 0)
		rc = make_dir(log);
	if (rc == 0) {
		quorum_state_format(state, &text);
		rc = text.failed
			     ? -ENOMEM
			     : replace(log, path, ".tmp", buffer_slice(&text));
	}
	buffer_clear(&text);
	return rc;
}

/* Write what a new directory has been without. */
static int catch_up(struct metadata_log *log)
{
	struct slice bootstrap = buffer_slice(&log->late_bootstrap);
	int rc = write_quorum(log, &log->late_quorum);

	if (rc == 0 && bootstrap.len > 0)
		rc = write_bootstrap(log, bootstrap);
	if (rc < 0)
		return rc;
	buffer_clear(&log->late_bootstrap);
	log->late = false;
	return 0;
}

int metadata_log_sync(struct metadata_log *log)
{
	int rc = 0;

	if (!log->params.sync)
		return 0;
	if (log->late)
		rc = catch_up(log);
	return rc == 0 ? log_sync(log->log) : rc;
}

bool metadata_log_has_failed(const struct metadata_log *log)
{
	return log_has_failed(log->log);
}

int metadata_log_truncate(struct metadata_log *log, int64_t offset)
{
	return log_truncate(log->log, offset);
}

int metadata_log_start_epoch(struct metadata_log *log, int32_t epoch)
{
	return log_start_epoch(log->log, epoch);
}

int metadata_log_write_quorum(struct metadata_log *log,
			      const struct quorum_state *state)
{
	if (!log->late)
		return write_quorum(log, state);
	log->late_quorum = *state;
	return 0;
}

int64_t metadata_log_unsnapshot_bytes(const struct metadata_log *log)
{
	return log->unsnapshot_bytes;
}

int64_t metadata_log_snapshot_ms(const struct metadata_log *log)
{
	return log->snapshot_ms;
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
		char path[PATH_MAX_BYTES];

		snapshot_name(list->ids[i], name);
		if (path_of(log, name, path) == 0)
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
		char path[PATH_MAX_BYTES];

		snapshot_name(list.ids[list.count - 1], name);
		if (path_of(log, name, path) == 0)
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
	char path[PATH_MAX_BYTES];
	int rc;

	if (id.end_offset == log->snapshot_end)
		return 0;
	snapshot_name(id, name);
	rc = path_of(log, name, path);
	if (rc == 0)
		rc = snapshot_encode(image, now_ms, &bytes);
	if (rc == 0)
		rc = replace(log, path, ".part", buffer_slice(&bytes));
	buffer_clear(&bytes);
	if (rc < 0)
		return rc;
	log->snapshot_end = id.end_offset;
	log->snapshot_ms = now_ms;
	log->unsnapshot_bytes = 0;
	clean(log, now_ms);
	return 0;
}

/* Bootstrap */

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
	char path[PATH_MAX_BYTES];
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

int metadata_log_write_bootstrap(struct metadata_log *log,
				 const struct record_list *records)
{
	struct buffer bytes = { 0 };
	int rc = snapshot_encode_records(
		records, log->params.clock->wall_ms(log->params.clock), &bytes);

	if (rc == 0 && log->late) {
		buffer_clear(&log->late_bootstrap);
		log->late_bootstrap = bytes;
		return 0;
	}
	if (rc == 0)
		rc = write_bootstrap(log, buffer_slice(&bytes));
	buffer_clear(&bytes);
	return rc;
}
