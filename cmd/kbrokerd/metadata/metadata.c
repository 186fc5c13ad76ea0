/*
 * metadata.c - the cluster's metadata: the controller's thread
 *
 * Changes queue up.  The thread takes all there are, decides them one after
 * the other, each on the image that the ones before it will have made, writes
 * their records, syncs once, publishes the last of the images, and only then
 * completes the changes.  Nothing is seen that is not committed.
 */
#include "metadata.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/image_edit.h"
#include "kbrokerd/metadata/producer_ids.h"
#include "kbrokerd/metadata/quorum.h"
#include "wire/errors.h"

enum {
	LISTENERS_MAX = 8,
	BATCH_BYTES = 1 << 20 /* a batch is ended when it holds this much */
};

struct metadata {
	struct clock *clock;
	struct random *random;
	int32_t node_id;
	int32_t default_partitions;
	int16_t default_replication_factor;
	_Atomic(const struct properties *) properties;
	int (*check_setting)(void *arg, const char *name, const char *value,
			     char *error, size_t error_size);
	void *check_arg;
	struct quorum *quorum;
	struct producer_ids *producer_ids;

	_Atomic(const struct image *) current;
	pthread_mutex_t image_lock; /* for taking a reference of current */

	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct metadata_change *first, **last; /* the queue */
	bool stopping;
	struct {
		metadata_on_image *on_image;
		void *arg;
	} listeners[LISTENERS_MAX];
	size_t listener_count;

	/* The thread's own. */
	pthread_t thread;
	struct record_list records;
	struct arena scratch;
};

/* Images */

const struct image *metadata_image(struct metadata *m)
{
	const struct image *image;

	pthread_mutex_lock(&m->image_lock);
	image = atomic_load_explicit(&m->current, memory_order_relaxed);
	image_retain(image);
	pthread_mutex_unlock(&m->image_lock);
	return image;
}

const struct image *metadata_image_cached(struct metadata *m,
					  const struct image **cached)
{
	/* A reference is held: no other image can have this address. */
	if (*cached == atomic_load_explicit(&m->current, memory_order_acquire))
		return *cached;
	image_release(*cached);
	*cached = metadata_image(m);
	return *cached;
}

/* Returns the image before, with the reference that was current's. */
static const struct image *publish(struct metadata *m,
				   const struct image *image)
{
	const struct image *before;

	pthread_mutex_lock(&m->image_lock);
	before = atomic_exchange_explicit(&m->current, image,
					  memory_order_acq_rel);
	pthread_mutex_unlock(&m->image_lock);
	return before;
}

void metadata_listen(struct metadata *m, metadata_on_image *on_image, void *arg)
{
	pthread_mutex_lock(&m->lock);
	assert(m->listener_count < LISTENERS_MAX);
	m->listeners[m->listener_count].on_image = on_image;
	m->listeners[m->listener_count].arg = arg;
	m->listener_count++;
	pthread_mutex_unlock(&m->lock);
}

static void tell_listeners(struct metadata *m, const struct image *before,
			   const struct image *after)
{
	size_t count;

	pthread_mutex_lock(&m->lock);
	count = m->listener_count;
	pthread_mutex_unlock(&m->lock);
	/* Listeners are added, never changed. */
	for (size_t i = 0; i < count; i++)
		m->listeners[i].on_image(m->listeners[i].arg, before, after);
}

/* Groups of changes */

struct group {
	struct metadata *m;
	struct metadata_change *changes;
	struct image *image; /* as all decided so far make it */
	bool has_voters;     /* they were appended too, kraft.version 1 */
	size_t appended;     /* records that are in the log */
	size_t appended_bytes;
	int64_t now_ms;
};

/* Apply records first to the last to the group's image. */
static int apply_from(struct group *g, size_t first)
{
	const struct record_list *records = &g->m->records;
	int rc = 0;

	for (size_t i = first; i < records->count && rc == 0; i++)
		rc = image_edit_apply_bytes(
			g->image, record_list_at(records, i), &g->m->scratch);
	return rc;
}

/* Forget records from count on, which may be half applied. */
static int undo_to(struct group *g, size_t count)
{
	const struct image *current =
		atomic_load_explicit(&g->m->current, memory_order_relaxed);
	int rc;

	record_list_cut(&g->m->records, count);
	image_release(g->image);
	g->image = image_edit_begin(current);
	rc = g->image == NULL ? -ENOMEM : apply_from(g, 0);
	if (rc == 0 && g->has_voters)
		rc = quorum_keep_voters(g->m->quorum, g->image);
	return rc;
}

static int append(struct group *g)
{
	struct metadata *m = g->m;
	int rc = quorum_append(m->quorum, &m->records, g->appended,
			       m->records.count, g->now_ms);

	g->appended = m->records.count;
	g->appended_bytes = m->records.bytes.len;
	return rc;
}

/* Behind all that was decided so far. */
static int append_voters(struct group *g)
{
	int rc = append(g);

	if (rc == 0)
		rc = quorum_append_voters(g->m->quorum, g->image, g->now_ms);
	g->has_voters = rc == 0;
	return rc;
}

static int decide(struct group *g, struct metadata_change *change)
{
	struct metadata *m = g->m;
	size_t count = m->records.count;
	bool wants_voters = false;
	const struct controller c = {
		.image = g->image,
		.change = change,
		.random = m->random,
		.node_id = m->node_id,
		.default_partitions = m->default_partitions,
		.default_replication_factor = m->default_replication_factor,
		.properties = m->properties,
		.check_setting = m->check_setting,
		.check_arg = m->check_arg,
		.records = &m->records,
		.wants_voters = &wants_voters,
	};
	int rc = controller_decide(&c, change);

	if (rc == 0)
		rc = apply_from(g, count);
	if (rc == 0)
		return wants_voters ? append_voters(g) : 0;
	controller_refuse(change, WIRE_UNKNOWN_SERVER_ERROR, NULL);
	return undo_to(g, count);
}

static int decide_all(struct group *g)
{
	int rc = 0;

	for (struct metadata_change *change = g->changes;
	     change != NULL && rc == 0; change = change->next) {
		rc = decide(g, change);
		if (rc == 0 &&
		    g->m->records.bytes.len - g->appended_bytes >= BATCH_BYTES)
			rc = append(g);
	}
	return rc == 0 ? append(g) : rc;
}

static void commit_image(struct group *g)
{
	struct metadata *m = g->m;
	const struct image *before;

	image_retain(g->image); /* ours, beside current's */
	before = publish(m, g->image);
	tell_listeners(m, before, g->image);
	image_release(before);
}

static int run(struct group *g)
{
	struct metadata *m = g->m;
	int rc;

	g->image = image_edit_begin(
		atomic_load_explicit(&m->current, memory_order_relaxed));
	if (g->image == NULL)
		return -ENOMEM;
	rc = decide_all(g);
	if (rc == 0 && m->records.count == 0 && !g->has_voters)
		return 0;
	if (rc == 0)
		rc = quorum_commit(m->quorum);
	if (rc == 0)
		rc = image_edit_end(g->image, quorum_next_offset(m->quorum) - 1,
				    quorum_epoch(m->quorum), g->now_ms);
	if (rc == 0)
		commit_image(g);
	else
		quorum_take_back(m->quorum);
	return rc;
}

/* What a client is told when nothing of a group could be written. */
static const char *why_not_written(int rc)
{
	if (rc == -ENOSPC || rc == -EDQUOT)
		return "The disk of the metadata log is full: make room where "
		       "log.dirs is, and try again.";
	if (rc == -ENOMEM)
		return "The broker is out of memory.";
	return "The metadata log cannot be written to: its disk failed. "
	       "Restart the broker when the disk works again.";
}

static void complete(struct metadata_change *change, int rc)
{
	struct metadata_change *next;

	for (; change != NULL; change = next) {
		next = change->next; /* done() may free it */
		if (rc < 0)
			controller_refuse(change, WIRE_KAFKA_STORAGE_ERROR,
					  why_not_written(rc));
		change->done(change);
	}
}

static void run_group(struct metadata *m, struct metadata_change *changes)
{
	struct group g = { .m = m,
			   .changes = changes,
			   .now_ms = m->clock->wall_ms(m->clock) };
	int rc = run(&g);

	record_list_reset(&m->records);
	image_release(g.image);
	complete(changes, rc);
}

/* The thread */

/* Wait for a change, or for the time of a snapshot. */
static void wait_until(struct metadata *m, int64_t due_ms)
{
	struct timespec due = { .tv_sec = due_ms / 1000,
				.tv_nsec = due_ms % 1000 * 1000000 };

	if (due_ms == INT64_MAX)
		pthread_cond_wait(&m->wanted, &m->lock);
	else
		pthread_cond_timedwait(&m->wanted, &m->lock, &due);
}

/* All changes there are; none when it was time for a snapshot.  Returns false
 * when it is over. */
static bool take_queue(struct metadata *m, struct metadata_change **changes_out)
{
	int64_t due_ms = quorum_snapshot_due_ms(m->quorum);
	bool goes_on;

	pthread_mutex_lock(&m->lock);
	while (m->first == NULL && !m->stopping &&
	       m->clock->wall_ms(m->clock) < due_ms)
		wait_until(m, due_ms);
	*changes_out = m->first;
	m->first = NULL;
	m->last = &m->first;
	goes_on = *changes_out != NULL || !m->stopping;
	pthread_mutex_unlock(&m->lock);
	return goes_on;
}

static void write_snapshot(struct metadata *m)
{
	quorum_snapshot_if_due(
		m->quorum,
		atomic_load_explicit(&m->current, memory_order_relaxed),
		m->clock->wall_ms(m->clock));
}

static void *main_loop(void *arg)
{
	struct metadata *m = arg;
	struct metadata_change *changes;

	pthread_setname_np(pthread_self(), "metadata");
	quorum_commit(m->quorum); /* of a new cluster; fails again later */
	while (take_queue(m, &changes)) {
		if (changes != NULL)
			run_group(m, changes);
		write_snapshot(m);
	}
	return NULL;
}

void metadata_submit(struct metadata *m, struct metadata_change *change)
{
	assert(controller_takes(change->api_key));
	change->next = NULL;
	pthread_mutex_lock(&m->lock);
	*m->last = change;
	m->last = &change->next;
	pthread_cond_signal(&m->wanted);
	pthread_mutex_unlock(&m->lock);
}

void metadata_set_properties(struct metadata *m,
			     const struct properties *properties)
{
	m->properties = properties;
}

struct producer_ids *metadata_producer_ids(struct metadata *m)
{
	return m->producer_ids;
}

int64_t metadata_committed_offset(struct metadata *m)
{
	const struct image *image = metadata_image(m);
	int64_t offset = image_offset(image);

	image_release(image);
	return offset;
}

int32_t metadata_leader_epoch(struct metadata *m)
{
	return quorum_epoch(m->quorum);
}

/* Start and stop */

static void metadata_free(struct metadata *m)
{
	const struct image *image =
		atomic_load_explicit(&m->current, memory_order_relaxed);

	quorum_stop(m->quorum, image);
	producer_ids_free(m->producer_ids);
	image_release(image);
	record_list_clear(&m->records);
	arena_clear(&m->scratch);
	pthread_mutex_destroy(&m->image_lock);
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->wanted);
	free(m);
}

static struct metadata *metadata_new(const struct metadata_params *params)
{
	struct metadata *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->clock = params->clock;
	m->random = params->random;
	m->node_id = params->node_id;
	m->default_partitions = params->default_partitions;
	m->default_replication_factor = params->default_replication_factor;
	atomic_init(&m->properties, params->properties);
	m->check_setting = params->check_setting;
	m->check_arg = params->check_arg;
	m->last = &m->first;
	pthread_mutex_init(&m->image_lock, NULL);
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->wanted, NULL);
	m->producer_ids = producer_ids_new(m, params->node_id);
	if (m->producer_ids == NULL) {
		metadata_free(m);
		return NULL;
	}
	return m;
}

int metadata_start(const struct metadata_params *params,
		   struct metadata **metadata_out, char *error,
		   size_t error_size)
{
	struct metadata *m = metadata_new(params);
	const struct image *image;
	int rc;

	if (m == NULL) {
		snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	rc = quorum_start(params, &m->quorum, &image, error, error_size);
	if (rc == 0) {
		atomic_store(&m->current, image);
		rc = -pthread_create(&m->thread, NULL, main_loop, m);
		if (rc < 0)
			snprintf(error, error_size, "cannot start a thread: %s",
				 strerror(-rc));
	}
	if (rc < 0) {
		metadata_free(m);
		return rc;
	}
	*metadata_out = m;
	return 0;
}

void metadata_stop(struct metadata *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_signal(&m->wanted);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	metadata_free(m);
}
