/*
 * coordinator.c - the group coordinator of one broker
 *
 * The metadata's thread says which shards are wanted; the loader loads them
 * and lets go of those that are not; the runner does what is due in those
 * that are active.  A shard takes newer topics when it is entered, so that
 * nobody who has seen a topic is told that there is none.
 *
 * While a shard is being loaded its core is the loader's alone: others see its
 * state, under its lock, and go away.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "kbrokerd/group/coordinator_private.h"
#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"

enum {
	LOAD_RETRY_MS = 2000,
	TELL_FULL_MS = 60000,
	NS_PER_S = 1000000000,
};

static int64_t now_ms(const struct coordinator *c)
{
	struct clock *clock = c->broker->clock;

	return clock->monotonic_us(clock) / 1000;
}

static void set_time(struct coordinator_shard *s)
{
	struct clock *clock = s->coordinator->broker->clock;

	s->core.now_ms = now_ms(s->coordinator);
	s->core.wall_ms = clock->wall_ms(clock);
}

/* Topics */

/* The newest, with a reference. */
static struct image_topics *newest_topics(struct coordinator *c)
{
	struct image_topics *t;

	pthread_mutex_lock(&c->lock);
	t = c->topics;
	image_topics_retain(t);
	pthread_mutex_unlock(&c->lock);
	return t;
}

static void take_topics(struct coordinator_shard *s)
{
	struct image_topics *before = s->topics;
	struct image_topics *after;

	if (before->topics.version == s->coordinator->topics_version)
		return;
	after = newest_topics(s->coordinator);
	s->topics = after;
	s->topics_version = after->topics.version;
	group_shard_set_topics(&s->core, &after->topics);
	if (after->deletions != before->deletions)
		group_offsets_forget_topics(&s->core, &before->topics);
	image_topics_release(before);
}

/* Entering */

size_t coordinator_shard_count(struct coordinator *c)
{
	size_t count;

	pthread_mutex_lock(&c->lock);
	count = c->partition_count;
	pthread_mutex_unlock(&c->lock);
	return count;
}

static struct coordinator_shard *shard_at(struct coordinator *c, size_t i)
{
	struct coordinator_shard *s;

	pthread_mutex_lock(&c->lock);
	s = i < c->shard_count ? c->shards[i] : NULL;
	pthread_mutex_unlock(&c->lock);
	return s;
}

static int16_t enter(struct coordinator_shard *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->state == SHARD_ACTIVE) {
		set_time(s);
		take_topics(s);
		return WIRE_NONE;
	}
	pthread_mutex_unlock(&s->lock);
	return s->wanted ? WIRE_COORDINATOR_LOAD_IN_PROGRESS
			 : WIRE_NOT_COORDINATOR;
}

int16_t coordinator_enter_at(struct coordinator *c, size_t i,
			     struct coordinator_shard **shard_out)
{
	*shard_out = shard_at(c, i);
	if (*shard_out == NULL)
		return WIRE_NOT_COORDINATOR;
	return enter(*shard_out);
}

int16_t coordinator_enter(struct coordinator *c, struct slice group_id,
			  struct coordinator_shard **shard_out)
{
	size_t count = coordinator_shard_count(c);
	size_t hash = (size_t)hash_java_positive(group_id.data, group_id.len);

	*shard_out = NULL;
	if (count == 0)
		return WIRE_NOT_COORDINATOR;
	return coordinator_enter_at(c, hash % count, shard_out);
}

const struct group_settings *coordinator_settings(const struct coordinator *c)
{
	return &c->settings;
}

struct group_shard *coordinator_core(struct coordinator_shard *s)
{
	return &s->core;
}

struct partition *coordinator_log(struct coordinator_shard *s)
{
	partition_retain(s->partition);
	return s->partition;
}

/* Leaving */

static void wake_loader(struct coordinator *c)
{
	pthread_mutex_lock(&c->lock);
	c->work_for_loader = true;
	pthread_cond_signal(&c->on_loader);
	pthread_mutex_unlock(&c->lock);
}

void coordinator_unload(struct coordinator_shard *s)
{
	if (s->state == SHARD_IDLE)
		return;
	group_shard_clear(&s->core);
	s->next_ms = INT64_MAX;
	image_topics_release(s->topics);
	partition_release(s->partition);
	s->topics = NULL;
	s->partition = NULL;
	s->state = SHARD_IDLE;
}

/* The runner is woken for what is due before it would look. */
static void plan(struct coordinator_shard *s)
{
	struct coordinator *c = s->coordinator;
	int64_t next_ms = group_shard_next_ms(&s->core);

	if (next_ms == s->next_ms)
		return;
	s->next_ms = next_ms;
	pthread_mutex_lock(&c->lock);
	if (next_ms < c->planned_ms) {
		c->planned_ms = next_ms;
		pthread_cond_signal(&c->on_runner);
	}
	pthread_mutex_unlock(&c->lock);
}

static void tell_rebalance(const struct group *group, const char *why)
{
	const char *core = (const char *)group->shard;
	const struct coordinator_shard *s =
		(const void *)(core - offsetof(struct coordinator_shard, core));
	const struct logger *logger = s->coordinator->broker->logger;
	char id[256];

	if (!logger_tells(logger, LOGGER_DEBUG, "group"))
		return;
	snprintf(id, sizeof(id), "%.*s", (int)group->id.len,
		 (const char *)group->id.data);
	logger_tell(logger, LOGGER_DEBUG, "group", "rebalance", "group", id,
		    "why", why, NULL);
}

/* Now and then, while it is full. */
static void tell_full(struct coordinator *c, const struct group_shard *core)
{
	char bytes[32];
	char max[32];

	if (!group_memory_is_full(core, 0) ||
	    core->now_ms < c->told_full_ms + TELL_FULL_MS)
		return;
	c->told_full_ms = core->now_ms;
	snprintf(bytes, sizeof(bytes), "%" PRId64, c->memory.bytes);
	snprintf(max, sizeof(max), "%" PRId64, c->memory.max);
	logger_tell(c->broker->logger, LOGGER_WARN, "group",
		    "new groups, members and offsets are refused: groups take "
		    "more memory than group.memory.max.bytes",
		    "bytes", bytes, "max", max, NULL);
}

void coordinator_leave(struct coordinator_shard *s)
{
	struct partition *to_sync = NULL;

	if (s->owes_sync) {
		s->owes_sync = false;
		to_sync = coordinator_log(s);
	}
	if (s->core.broken) {
		logger_tell(s->coordinator->broker->logger, LOGGER_ERROR,
			    "group", "out of memory: groups are loaded again",
			    NULL);
		coordinator_unload(s);
		wake_loader(s->coordinator);
	} else {
		tell_full(s->coordinator, &s->core);
		plan(s);
	}
	pthread_mutex_unlock(&s->lock);
	if (to_sync != NULL)
		partition_sync_start(to_sync);
	partition_release(to_sync);
}

void coordinator_drop(struct coordinator_shard *s, struct group_ask *ask)
{
	pthread_mutex_lock(&s->lock);
	group_ask_drop(ask);
	pthread_mutex_unlock(&s->lock);
}

/* Loading */

static struct partition *find_partition(struct coordinator_shard *s,
					struct uuid topic_id)
{
	struct broker *broker = s->coordinator->broker;
	const struct image *image = metadata_image(broker->metadata);
	const struct topic_image *topic = image_topic_by_id(image, topic_id);
	struct partition *p = NULL;

	if (topic != NULL && s->index < topic->partition_count)
		p = partition_find(broker->partitions, image, topic, s->index);
	image_release(image);
	return p;
}

static int begin(struct coordinator_shard *s, struct uuid topic_id)
{
	struct coordinator *c = s->coordinator;
	struct partition *p = find_partition(s, topic_id);

	if (p == NULL)
		return -ENOENT;
	s->partition = p;
	s->topic_id = topic_id;
	s->topics = newest_topics(c);
	s->topics_version = s->topics->topics.version;
	s->state = SHARD_LOADING;
	group_shard_init(&s->core, c->broker->random, &c->settings,
			 &s->topics->topics,
			 (struct group_log){ s, coordinator_append });
	s->core.memory = &c->memory;
	s->core.tell = tell_rebalance;
	set_time(s);
	return 0;
}

static int load(struct coordinator_shard *s, struct uuid topic_id)
{
	char partition[16];
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = begin(s, topic_id);
	pthread_mutex_unlock(&s->lock);
	if (rc == 0)
		rc = coordinator_read_log(s);
	pthread_mutex_lock(&s->lock);
	if (rc == 0) {
		set_time(s);
		s->state = SHARD_ACTIVE;
		group_shard_loaded(&s->core);
	} else {
		coordinator_unload(s);
	}
	snprintf(partition, sizeof(partition), "%d", s->index);
	if (rc < 0 && rc != -ECANCELED)
		logger_tell(s->coordinator->broker->logger, LOGGER_ERROR,
			    "group", "cannot load groups, trying again",
			    "partition", partition, "error", strerror(-rc),
			    NULL);
	if (rc < 0)
		pthread_mutex_unlock(&s->lock);
	else
		coordinator_leave(s);
	return rc;
}

/* Have it as it is wanted. */
static int follow(struct coordinator_shard *s)
{
	struct coordinator *c = s->coordinator;
	struct uuid topic_id;
	bool wanted;
	bool stale;
	bool idle;

	pthread_mutex_lock(&s->lock);
	pthread_mutex_lock(&c->lock);
	wanted = s->wanted;
	topic_id = s->wanted_id;
	pthread_mutex_unlock(&c->lock);
	stale = !wanted || !uuid_equal(topic_id, s->topic_id);
	if (stale)
		coordinator_unload(s);
	idle = s->state == SHARD_IDLE;
	pthread_mutex_unlock(&s->lock);
	return idle && wanted ? load(s, topic_id) : 0;
}

static void wait_until(struct coordinator *c, pthread_cond_t *cond,
		       int64_t at_ms)
{
	int64_t left_ms = at_ms - now_ms(c);
	struct timespec until;

	if (at_ms == INT64_MAX) {
		pthread_cond_wait(cond, &c->lock);
		return;
	}
	if (left_ms <= 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += left_ms / 1000;
	until.tv_nsec += left_ms % 1000 * 1000000;
	if (until.tv_nsec >= NS_PER_S) {
		until.tv_sec++;
		until.tv_nsec -= NS_PER_S;
	}
	pthread_cond_timedwait(cond, &c->lock, &until);
}

static bool follow_all(struct coordinator *c)
{
	struct coordinator_shard *s;
	bool failed = false;

	for (size_t i = 0; (s = shard_at(c, i)) != NULL; i++) {
		if (c->stopping)
			break;
		failed = follow(s) < 0 || failed;
	}
	return !failed;
}

static void *run_loader(void *arg)
{
	struct coordinator *c = arg;
	int64_t again_ms = INT64_MAX;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		if (!c->work_for_loader && again_ms > now_ms(c)) {
			wait_until(c, &c->on_loader, again_ms);
			continue;
		}
		c->work_for_loader = false;
		pthread_mutex_unlock(&c->lock);
		again_ms =
			follow_all(c) ? INT64_MAX : now_ms(c) + LOAD_RETRY_MS;
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* What is due */

/* There are newer topics than it has; those without deadlines are idle. */
static bool is_behind(const struct coordinator *c,
		      const struct coordinator_shard *s)
{
	return s->next_ms != INT64_MAX &&
	       s->topics_version != c->topics_version;
}

static void run_due(struct coordinator *c)
{
	struct coordinator_shard *s;

	for (size_t i = 0; (s = shard_at(c, i)) != NULL; i++) {
		if (s->next_ms > now_ms(c) && !is_behind(c, s))
			continue;
		if (enter(s) != WIRE_NONE)
			continue;
		group_shard_run(&s->core);
		coordinator_leave(s);
	}
}

static int64_t next_due_ms(const struct coordinator *c)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < c->shard_count; i++) {
		int64_t ms =
			is_behind(c, c->shards[i]) ? 0 : c->shards[i]->next_ms;

		if (ms < next_ms)
			next_ms = ms;
	}
	return next_ms;
}

static void *run_runner(void *arg)
{
	struct coordinator *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		c->planned_ms = next_due_ms(c);
		if (c->planned_ms > now_ms(c)) {
			wait_until(c, &c->on_runner, c->planned_ms);
			continue;
		}
		pthread_mutex_unlock(&c->lock);
		run_due(c);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Life */

static void init_locks(struct coordinator *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->on_loader, &attr);
	pthread_cond_init(&c->on_runner, &attr);
	pthread_condattr_destroy(&attr);
}

static int start_threads(struct coordinator *c)
{
	int rc = pthread_create(&c->loader, NULL, run_loader, c);

	c->has_loader = rc == 0;
	if (rc == 0)
		rc = pthread_create(&c->runner, NULL, run_runner, c);
	c->has_runner = c->has_loader && rc == 0;
	return -rc;
}

int coordinator_new(struct broker *broker, struct coordinator **c_out)
{
	struct coordinator *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return -ENOMEM;
	*c_out = c;
	c->broker = broker;
	coordinator_read_settings(c, broker->config);
	init_locks(c);
	metadata_listen(broker->metadata, coordinator_on_image, c);
	rc = coordinator_take_newest_image(c);
	return rc < 0 ? rc : start_threads(c);
}

void coordinator_stop(struct coordinator *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->on_loader);
	pthread_cond_signal(&c->on_runner);
	pthread_mutex_unlock(&c->lock);
	if (c->has_loader)
		pthread_join(c->loader, NULL);
	if (c->has_runner)
		pthread_join(c->runner, NULL);
	c->has_loader = false;
	c->has_runner = false;
}

void coordinator_free(struct coordinator *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->shard_count; i++)
		coordinator_shard_free(c->shards[i]);
	free(c->shards);
	image_topics_release(c->topics);
	pthread_cond_destroy(&c->on_loader);
	pthread_cond_destroy(&c->on_runner);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
