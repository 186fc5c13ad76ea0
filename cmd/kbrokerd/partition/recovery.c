/*
 * recovery.c - what the data directory holds when the broker starts
 *
 * Every directory "<topic>-<number>" is matched with the metadata.  Those it
 * knows are hosted, with what the checkpoints say of them.  After a clean
 * shutdown that is all: no log is opened.  After any other each is recovered
 * now, by as many threads as there are processors.
 *
 * A directory of a topic that the metadata does not know (deleted just before
 * a crash) is renamed to end in "-stray", as Kafka does, and left to people:
 * records are never removed because of what is not known.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbrokerd/partition/internal.h"
#include "log/partition_metadata.h"

enum {
	NAME_BYTES_MAX = 255, /* of a directory, for file systems */
	/* Some read while others wait for the disk. */
	RECOVERY_THREADS = 16,
	PROGRESS_US = 1000000,
};

#define METADATA_TOPIC "__cluster_metadata"

/* Directories */

struct name_list {
	char **names;
	size_t count, capacity;
};

static void name_list_clear(struct name_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
}

static int name_list_add(struct name_list *list, const char *name)
{
	if (list->count == list->capacity) {
		size_t capacity = 2 * list->capacity + 64;
		char **names = realloc(list->names, capacity * sizeof(*names));

		if (names == NULL)
			return -ENOMEM;
		list->names = names;
		list->capacity = capacity;
	}
	list->names[list->count] = strdup(name);
	if (list->names[list->count] == NULL)
		return -ENOMEM;
	list->count++;
	return 0;
}

/* Is it "<topic>-<number>"?  The number goes to *index_out. */
static bool parse_name(const char *name, struct slice *topic_out,
		       int32_t *index_out)
{
	const char *dash = strrchr(name, '-');
	long long number = 0;

	if (dash == NULL || dash == name || dash[1] == '\0' ||
	    strlen(dash) > 11)
		return false;
	for (const char *c = dash + 1; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return false;
		number = number * 10 + (*c - '0');
	}
	if (number > INT32_MAX)
		return false;
	*topic_out =
		(struct slice){ (const uint8_t *)name, (size_t)(dash - name) };
	*index_out = (int32_t)number;
	return !slice_is(*topic_out, METADATA_TOPIC);
}

static int on_name(void *arg, const char *name)
{
	struct slice topic;
	int32_t index;

	return parse_name(name, &topic, &index) ? name_list_add(arg, name) : 0;
}

bool recovery_is_of_topic(struct partition_table *table, const char *path,
			  struct uuid id)
{
	char file[4096];
	struct uuid found;
	int n = snprintf(file, sizeof(file), "%s/%s", path,
			 PARTITION_METADATA_NAME);

	if (n < 0 || (size_t)n >= sizeof(file))
		return true;
	/* Old directories have none; a torn one does not speak against it. */
	if (partition_metadata_read(table->params.vfs, file, &found) < 0)
		return true;
	return uuid_equal(found, id);
}

int recovery_rename(struct partition_table *table, const char *path,
		    const char *suffix, char **to_out)
{
	struct uuid id = uuid_random(table->params.random);
	const char *name = strrchr(path, '/') + 1;
	char hex[2 * UUID_BYTES + 1];
	int keep;

	for (size_t i = 0; i < UUID_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", id.bytes[i]);
	keep = NAME_BYTES_MAX - (int)(1 + strlen(hex) + strlen(suffix));
	if (asprintf(to_out, "%.*s%.*s.%s%s", (int)(name - path), path, keep,
		     name, hex, suffix) < 0) {
		*to_out = NULL;
		return -ENOMEM;
	}
	return table->params.vfs->rename(table->params.vfs, path, *to_out);
}

int recovery_set_aside(struct partition_table *table, const char *path)
{
	struct vfs *vfs = table->params.vfs;
	char *to;
	int rc = recovery_rename(table, path, STRAY_SUFFIX, &to);

	if (rc == 0)
		rc = vfs->sync_dir(vfs, data_dir_path(table->params.dir));
	table_log(table, LOGGER_WARN,
		  rc == 0 ? "%s is of no topic of this cluster: renamed to %s, "
			    "to be removed by hand"
			  : "%s is of no topic of this cluster, and cannot be "
			    "renamed to %s",
		  path, to == NULL ? "anything" : to);
	free(to);
	return rc;
}

/* Hosting */

struct recovery {
	struct partition_table *table;
	const struct image *image;
	struct partition **found; /* those with a directory; references */
	size_t count;
	atomic_size_t done, failed;
	_Atomic int64_t scanned_bytes, cut_bytes;
	_Atomic int64_t told_us; /* when progress was told */
};

static int host(struct recovery *r, const char *name)
{
	const struct topic_image *topic;
	struct partition *p;
	struct slice topic_name;
	int32_t index;
	char path[4096];

	if (!parse_name(name, &topic_name, &index))
		return 0;
	topic = image_topic(r->image, topic_name);
	if (topic == NULL || index >= topic->partition_count) {
		snprintf(path, sizeof(path), "%s/%s",
			 data_dir_path(r->table->params.dir), name);
		return recovery_set_aside(r->table, path);
	}
	/* NULL also when another node leads it now: left alone. */
	p = partition_find(r->table, r->image, topic, index);
	if (p == NULL)
		return 0;
	pthread_mutex_lock(&p->lock);
	p->has_directory = true;
	pthread_mutex_unlock(&p->lock);
	r->found[r->count++] = p;
	return 0;
}

static int host_all(struct recovery *r)
{
	struct partition_table_params *params = &r->table->params;
	struct name_list list = { 0 };
	int rc = params->vfs->list(params->vfs, data_dir_path(params->dir),
				   on_name, &list);

	if (rc == 0) {
		r->found = calloc(list.count + 1, sizeof(struct partition *));
		rc = r->found == NULL ? -ENOMEM : 0;
	}
	for (size_t i = 0; i < list.count && rc == 0; i++)
		rc = host(r, list.names[i]);
	name_list_clear(&list);
	return rc;
}

/* Checkpoints */

struct checkpoint_reader {
	struct recovery *recovery;
	enum checkpoint_kind kind;
};

static void on_entry(void *arg, const struct checkpoint_entry *e)
{
	struct checkpoint_reader *reader = arg;
	struct recovery *r = reader->recovery;
	const struct topic_image *topic =
		image_topic(r->image, slice_of(e->topic));
	struct partition *p;

	if (topic == NULL || e->offset < 0)
		return;
	p = partition_find(r->table, r->image, topic, e->partition);
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	if (p->has_directory && reader->kind == CHECKPOINT_RECOVERY_POINT)
		p->recovery_point = e->offset;
	else if (p->has_directory && reader->kind == CHECKPOINT_LOG_START)
		p->log_start_offset = e->offset;
	else if (p->has_directory)
		p->high_watermark = e->offset;
	pthread_mutex_unlock(&p->lock);
	partition_release(p);
}

/* A checkpoint that cannot be read costs reading the logs, no more. */
static void read_checkpoints(struct recovery *r)
{
	for (int kind = 0; kind < 3; kind++) {
		struct checkpoint_reader reader = {
			r,
			(enum checkpoint_kind)kind,
		};
		int rc = data_dir_read_checkpoint(
			r->table->params.dir, reader.kind, on_entry, &reader);

		if (rc < 0)
			table_log(r->table, LOGGER_WARN,
				  "cannot read checkpoint %d: %s", kind,
				  strerror(-rc));
	}
}

/* Recovering */

static void tell_progress(struct recovery *r, size_t done)
{
	int64_t now_us = table_now_us(r->table);
	int64_t told_us = atomic_load(&r->told_us);

	if (now_us - told_us < PROGRESS_US ||
	    !atomic_compare_exchange_strong(&r->told_us, &told_us, now_us))
		return;
	table_log(r->table, LOGGER_INFO, "recovered %zu of %zu partitions",
		  done, r->count);
}

static void recover_one(void *arg, struct partition *p)
{
	struct recovery *r = arg;
	struct log_recovery found;

	if (partition_recover(p, &found) < 0)
		atomic_fetch_add(&r->failed, 1);
	atomic_fetch_add(&r->scanned_bytes, found.scanned_bytes);
	atomic_fetch_add(&r->cut_bytes, found.truncated_bytes);
	tell_progress(r, atomic_fetch_add(&r->done, 1) + 1);
}

static void recover_all(struct recovery *r)
{
	int64_t began_us = table_now_us(r->table);

	if (r->count == 0)
		return;
	atomic_store(&r->told_us, began_us);
	table_each(r->found, r->count, RECOVERY_THREADS, recover_one, r);
	table_log(r->table, LOGGER_INFO,
		  "not stopped in order the last time: recovered %zu "
		  "partitions in %" PRId64 " ms, read %" PRId64
		  " bytes, cut %" PRId64 " bytes, lost %zu partitions",
		  r->count, (table_now_us(r->table) - began_us) / 1000,
		  atomic_load(&r->scanned_bytes), atomic_load(&r->cut_bytes),
		  atomic_load(&r->failed));
}

int recovery_run(struct partition_table *table, char *error, size_t error_size)
{
	struct recovery r = {
		.table = table,
		.image = metadata_image(table->params.metadata),
	};
	int rc = host_all(&r);

	if (rc == 0) {
		read_checkpoints(&r);
		if (!table->params.clean)
			recover_all(&r);
	} else {
		snprintf(error, error_size, "%s: %s",
			 data_dir_path(table->params.dir), strerror(-rc));
	}
	topics_give_back(r.found, r.count);
	image_release(r.image);
	return rc;
}
