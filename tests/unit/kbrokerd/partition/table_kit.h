/*
 * table_kit.h - a partition table on a directory of its own, for tests
 *
 * The metadata is the test's: topics appear and go as it says.  The file
 * system is the machine's, but syncs can be held at a gate and counted, and
 * syncs and writes can be made to fail.
 */
#ifndef TESTS_KBROKERD_PARTITION_TABLE_KIT_H
#define TESTS_KBROKERD_PARTITION_TABLE_KIT_H

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buffer.h"
#include "kbrokerd/metadata/image_edit.h"
#include "kbrokerd/partition/partition.h"
#include "support/log_kit.h"
#include "wire/messages.h"

enum { KIT_NODE = 1, KIT_WAIT_S = 60, KIT_LINE_MAX = 1024 };

/* The file system */

struct gate_vfs {
	struct vfs vfs; /* first */
	struct vfs *below;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool held;
	int at_gate; /* syncs that wait */
	int syncs;   /* begun */
	int opens;   /* of segment files */
	int rmdirs;  /* done */
	int sync_error, write_error, space_error;
	int looks;              /* at the space */
	struct vfs_space space; /* total 0: what the machine says */
};

static inline struct gate_vfs *gate_of(struct vfs *vfs)
{
	return (struct gate_vfs *)vfs;
}

static inline int gate_fdatasync(struct vfs *vfs, int fd)
{
	struct gate_vfs *g = gate_of(vfs);
	int rc;

	pthread_mutex_lock(&g->lock);
	g->syncs++;
	g->at_gate++;
	pthread_cond_broadcast(&g->changed);
	while (g->held)
		pthread_cond_wait(&g->changed, &g->lock);
	g->at_gate--;
	rc = g->sync_error;
	pthread_mutex_unlock(&g->lock);
	return rc < 0 ? rc : g->below->fdatasync(g->below, fd);
}

static inline ssize_t gate_pwritev(struct vfs *vfs, int fd,
				   const struct iovec *iov, int iov_count,
				   int64_t position)
{
	struct gate_vfs *g = gate_of(vfs);
	int rc;

	pthread_mutex_lock(&g->lock);
	rc = g->write_error;
	pthread_mutex_unlock(&g->lock);
	return rc < 0 ? rc
		      : g->below->pwritev(g->below, fd, iov, iov_count,
					  position);
}

static inline int gate_open(struct vfs *vfs, const char *path, int flags,
			    mode_t mode)
{
	struct gate_vfs *g = gate_of(vfs);
	const char *dot = strrchr(path, '.');

	if (dot != NULL && strcmp(dot, ".log") == 0) {
		pthread_mutex_lock(&g->lock);
		g->opens++;
		pthread_mutex_unlock(&g->lock);
	}
	return g->below->open(g->below, path, flags, mode);
}

static inline int gate_space(struct vfs *vfs, const char *path,
			     struct vfs_space *space_out)
{
	struct gate_vfs *g = gate_of(vfs);
	int rc;

	pthread_mutex_lock(&g->lock);
	g->looks++;
	*space_out = g->space;
	rc = g->space_error;
	pthread_mutex_unlock(&g->lock);
	if (rc < 0)
		return rc;
	return space_out->total_bytes > 0
		       ? 0
		       : g->below->space(g->below, path, space_out);
}

static inline int gate_rmdir(struct vfs *vfs, const char *path)
{
	struct gate_vfs *g = gate_of(vfs);
	int rc = g->below->rmdir(g->below, path);

	pthread_mutex_lock(&g->lock);
	g->rmdirs++;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

static inline void gate_init(struct gate_vfs *g)
{
	*g = (struct gate_vfs){ .below = vfs_system() };
	g->vfs = *g->below;
	g->vfs.fdatasync = gate_fdatasync;
	g->vfs.pwritev = gate_pwritev;
	g->vfs.open = gate_open;
	g->vfs.space = gate_space;
	g->vfs.rmdir = gate_rmdir;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
}

static inline void gate_hold(struct gate_vfs *g, bool held)
{
	pthread_mutex_lock(&g->lock);
	g->held = held;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static inline void gate_fail(struct gate_vfs *g, int sync_error,
			     int write_error)
{
	pthread_mutex_lock(&g->lock);
	g->sync_error = sync_error;
	g->write_error = write_error;
	pthread_mutex_unlock(&g->lock);
}

static inline void gate_fail_space(struct gate_vfs *g, int error)
{
	pthread_mutex_lock(&g->lock);
	g->space_error = error;
	pthread_mutex_unlock(&g->lock);
}

static inline void gate_set_space(struct gate_vfs *g, int64_t total_bytes,
				  int64_t usable_bytes)
{
	pthread_mutex_lock(&g->lock);
	g->space = (struct vfs_space){ total_bytes, usable_bytes };
	pthread_mutex_unlock(&g->lock);
}

/* Wait until *counter, one of the gate's, is at least wanted. */
static inline void gate_await(struct gate_vfs *g, const int *counter,
			      int wanted)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += KIT_WAIT_S;
	pthread_mutex_lock(&g->lock);
	while (*counter < wanted && rc == 0)
		rc = pthread_cond_timedwait(&g->changed, &g->lock, &until);
	pthread_mutex_unlock(&g->lock);
	assert_int_equal(rc, 0);
}

static inline int gate_count(struct gate_vfs *g, const int *counter)
{
	int count;

	pthread_mutex_lock(&g->lock);
	count = *counter;
	pthread_mutex_unlock(&g->lock);
	return count;
}

/* The metadata */

struct metadata {
	pthread_mutex_t lock;
	const struct image *image;
	metadata_on_image *on_image;
	void *arg;
	int64_t offset;
};

const struct image *metadata_image(struct metadata *m)
{
	const struct image *image;

	pthread_mutex_lock(&m->lock);
	image = m->image;
	image_retain(image);
	pthread_mutex_unlock(&m->lock);
	return image;
}

void metadata_listen(struct metadata *m, metadata_on_image *on_image, void *arg)
{
	m->on_image = on_image;
	m->arg = arg;
}

static inline void apply(struct image *image, const struct wire_desc *desc,
			 int16_t version, const void *record)
{
	struct arena scratch = { 0 };
	struct buffer value = { 0 };

	assert_int_equal(wire_metadata_encode(desc, version, record, &value),
			 0);
	assert_int_equal(
		image_edit_apply_bytes(image, buffer_slice(&value), &scratch),
		0);
	buffer_clear(&value);
	arena_clear(&scratch);
}

static inline struct image *metadata_edit(struct metadata *m)
{
	struct image *image = image_edit_begin(m->image);

	assert_non_null(image);
	return image;
}

static inline void metadata_publish(struct metadata *m, struct image *image)
{
	const struct image *before = m->image;

	assert_int_equal(image_edit_end(image, m->offset++, 1, 0), 0);
	pthread_mutex_lock(&m->lock);
	m->image = image;
	pthread_mutex_unlock(&m->lock);
	if (m->on_image != NULL)
		m->on_image(m->arg, before, image);
	image_release(before);
}

static inline struct uuid kit_topic_id(int n)
{
	struct uuid id = UUID_ZERO;

	id.bytes[0] = 7;
	id.bytes[15] = (uint8_t)n;
	return id;
}

static inline void metadata_add_topic(struct metadata *m, const char *name,
				      int id, int32_t partitions)
{
	struct image *image = metadata_edit(m);
	struct topic_record topic = { .name = slice_of(name),
				      .topic_id = kit_topic_id(id) };
	int32_t node = KIT_NODE;
	struct uuid directory = { { 9 } };

	apply(image, &topic_record_desc, 0, &topic);
	for (int32_t i = 0; i < partitions; i++) {
		struct partition_record record;

		wire_init(&partition_record_desc, &record);
		record.partition_id = i;
		record.topic_id = topic.topic_id;
		record.replicas = record.isr = &node;
		record.replicas_count = record.isr_count = 1;
		record.leader = KIT_NODE;
		record.leader_epoch = record.partition_epoch = 0;
		record.directories = &directory;
		record.directories_count = 1;
		apply(image, &partition_record_desc, 1, &record);
	}
	metadata_publish(m, image);
}

static inline void metadata_remove_topic(struct metadata *m, int id)
{
	struct image *image = metadata_edit(m);
	struct remove_topic_record record = { .topic_id = kit_topic_id(id) };

	apply(image, &remove_topic_record_desc, 0, &record);
	metadata_publish(m, image);
}

static inline void metadata_set(struct metadata *m, const char *topic,
				const char *name, const char *value)
{
	struct image *image = metadata_edit(m);
	struct config_record record = {
		.resource_type = 2,
		.resource_name = slice_of(topic),
		.name = slice_of(name),
		.value = slice_of(value),
	};

	apply(image, &config_record_desc, 0, &record);
	metadata_publish(m, image);
}

/* The table */

struct kit {
	char path[KIT_PATH_MAX];
	struct gate_vfs gate;
	struct metadata metadata;
	struct seeded_random random;
	struct properties properties;
	struct data_dir *dir;
	struct partition_table *table;
	enum flush_mode flush_mode;
	int64_t min_free_bytes;
	pthread_mutex_t log_lock;
	char log[64 * KIT_LINE_MAX];
	size_t log_len;
};

static inline void kit_on_log(void *arg, int level, const char *text)
{
	struct kit *k = arg;

	(void)level;
	pthread_mutex_lock(&k->log_lock);
	k->log_len += (size_t)snprintf(
		k->log + k->log_len, sizeof(k->log) - k->log_len, "%s\n", text);
	pthread_mutex_unlock(&k->log_lock);
}

static inline bool kit_logged(struct kit *k, const char *text)
{
	bool found;

	pthread_mutex_lock(&k->log_lock);
	found = strstr(k->log, text) != NULL;
	pthread_mutex_unlock(&k->log_lock);
	return found;
}

static inline void kit_start(struct kit *k, bool clean)
{
	struct data_dir_identity wanted = { .cluster_id = "kit",
					    .node_id = KIT_NODE };
	struct data_dir_identity identity;
	struct data_dir_found found;
	struct partition_table_params params = {
		.vfs = &k->gate.vfs,
		.clock = clock_system(),
		.random = &k->random.random,
		.metadata = &k->metadata,
		.properties = &k->properties,
		.node_id = KIT_NODE,
		.flush_mode = k->flush_mode,
		.min_free_bytes = k->min_free_bytes,
		.clean = clean,
		.log = kit_on_log,
		.log_arg = k,
	};
	char error[256] = "";

	assert_int_equal(data_dir_open(vfs_system(), k->path, &wanted,
				       &k->random.random, &k->dir, &identity,
				       &found),
			 0);
	params.dir = k->dir;
	assert_int_equal(
		partition_table_start(&params, &k->table, error, sizeof(error)),
		0);
}

/* Returns what partition_table_stop() does. */
static inline int kit_stop(struct kit *k)
{
	int rc = partition_table_stop(k->table);

	k->table = NULL;
	k->metadata.on_image = NULL;
	data_dir_close(k->dir, rc == 0);
	return rc;
}

static inline struct kit *kit_new(enum flush_mode flush_mode)
{
	struct kit *k = calloc(1, sizeof(*k));
	struct image *image;

	assert_non_null(k);
	kit_make_dir(k->path);
	gate_init(&k->gate);
	seeded_random_init(&k->random, 1);
	pthread_mutex_init(&k->log_lock, NULL);
	pthread_mutex_init(&k->metadata.lock, NULL);
	k->flush_mode = flush_mode;
	image = image_edit_begin(NULL);
	assert_non_null(image);
	metadata_publish(&k->metadata, image);
	kit_start(k, true);
	return k;
}

static inline void kit_free(struct kit *k)
{
	if (k->table != NULL)
		kit_stop(k);
	image_release(k->metadata.image);
	kit_remove_dir(k->path);
	free(k);
}

static inline struct partition *kit_find(struct kit *k, const char *topic,
					 int32_t index)
{
	const struct image *image = metadata_image(&k->metadata);
	const struct topic_image *t = image_topic(image, slice_of(topic));
	struct partition *p =
		t == NULL ? NULL : partition_find(k->table, image, t, index);

	image_release(image);
	return p;
}

/* Append one record of some bytes. */
static inline int kit_append(struct partition *p, size_t value_bytes)
{
	struct kit_batch what = { .value_bytes = value_bytes };
	struct log_appended appended;
	enum log_refusal refusal;
	struct batch_header header;
	struct buffer bytes = { 0 };
	int rc;

	kit_make_batch(&what, &bytes, &header);
	rc = partition_append(p, bytes.data, &header, &appended, &refusal);
	buffer_clear(&bytes);
	return rc;
}

static inline struct partition_offsets kit_offsets(struct partition *p)
{
	struct partition_offsets offsets = { 0 };

	assert_int_equal(partition_offsets(p, &offsets), 0);
	return offsets;
}

/* Somebody who waits, as a request does */

struct sleeper {
	pthread_mutex_t lock;
	pthread_cond_t woken;
	int wakes;
	struct partition_wait_set set;
	struct partition_waiter waiter;
};

static inline void sleeper_wake(void *arg)
{
	struct sleeper *s = arg;

	pthread_mutex_lock(&s->lock);
	s->wakes++;
	pthread_cond_broadcast(&s->woken);
	pthread_mutex_unlock(&s->lock);
}

static inline void sleeper_init(struct sleeper *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->woken, NULL);
	partition_wait_set_init(&s->set);
	s->waiter.set = &s->set;
	partition_wait_set_listen(&s->set, sleeper_wake, s);
}

/* Wait until the high watermark is above; false: it is already. */
static inline bool sleeper_hook(struct sleeper *s, struct partition *p,
				int64_t above)
{
	s->waiter.above = above;
	return partition_wait(p, &s->waiter);
}

static inline int sleeper_wakes(struct sleeper *s)
{
	int wakes;

	pthread_mutex_lock(&s->lock);
	wakes = s->wakes;
	pthread_mutex_unlock(&s->lock);
	return wakes;
}

static inline void sleeper_await(struct sleeper *s, int wakes)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += KIT_WAIT_S;
	pthread_mutex_lock(&s->lock);
	while (s->wakes < wakes && rc == 0)
		rc = pthread_cond_timedwait(&s->woken, &s->lock, &until);
	pthread_mutex_unlock(&s->lock);
	assert_int_equal(rc, 0);
}

static inline void sleeper_clear(struct sleeper *s)
{
	partition_wait_set_ignore(&s->set, s);
	partition_unwait(&s->waiter);
	partition_wait_set_clear(&s->set);
}

/* Wait until the high watermark is at least so much. */
static inline void kit_await_high_watermark(struct partition *p, int64_t wanted)
{
	struct sleeper s;

	sleeper_init(&s);
	if (sleeper_hook(&s, p, wanted - 1))
		sleeper_await(&s, 1);
	sleeper_clear(&s);
}

#endif /* TESTS_KBROKERD_PARTITION_TABLE_KIT_H */
