/*
 * coordinator_follow.c - which shards there are, as the metadata says
 *
 * Runs on the metadata's thread, which only notes what is wanted and wakes
 * those who do it.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/coordinator_private.h"

static struct coordinator_shard *new_shard(struct coordinator *c, size_t i)
{
	struct coordinator_shard *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->coordinator = c;
	s->index = (int32_t)i;
	s->next_ms = INT64_MAX;
	pthread_mutex_init(&s->lock, NULL);
	batch_builder_init(&s->builder);
	return s;
}

void coordinator_shard_free(struct coordinator_shard *s)
{
	coordinator_unload(s);
	batch_builder_clear(&s->builder);
	buffer_clear(&s->record);
	buffer_clear(&s->batch);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* As many shards as partitions; they never get fewer. */
static void grow(struct coordinator *c, size_t count)
{
	struct coordinator_shard **more =
		reallocarray(c->shards, count, sizeof(void *));

	if (more == NULL)
		return;
	c->shards = more;
	while (c->shard_count < count) {
		struct coordinator_shard *s = new_shard(c, c->shard_count);

		if (s == NULL)
			return;
		c->shards[c->shard_count++] = s;
	}
}

static void want(struct coordinator *c, const struct image *image)
{
	const struct topic_image *topic =
		image_topic(image, slice_of("__consumer_offsets"));
	size_t count = topic == NULL ? 0 : (size_t)topic->partition_count;

	if (count > c->shard_count)
		grow(c, count);
	c->partition_count = count < c->shard_count ? count : c->shard_count;
	for (size_t i = 0; i < c->shard_count; i++) {
		struct coordinator_shard *s = c->shards[i];

		s->wanted = i < count && topic->partitions[i].leader ==
						 c->broker->identity.node_id;
		if (topic != NULL && s->wanted)
			s->wanted_id = topic->id;
	}
	c->work_for_loader = true;
	pthread_cond_signal(&c->on_loader);
}

/* Without memory shards keep the topics that they have until the next time. */
static int take_image(struct coordinator *c, const struct image *image)
{
	struct image_topics *before = c->topics;
	struct image_topics *t;

	if (before != NULL &&
	    image_offset(before->image) >= image_offset(image))
		return 0;
	t = image_topics_new(image, c->broker->config, before);
	if (t == NULL)
		return -ENOMEM;
	c->topics = t;
	c->topics_version = t->topics.version;
	want(c, image);
	/* So that each shard sees them soon. */
	pthread_cond_signal(&c->on_runner);
	image_topics_release(before);
	return 0;
}

int coordinator_take_newest_image(struct coordinator *c)
{
	const struct image *image = metadata_image(c->broker->metadata);
	int rc;

	pthread_mutex_lock(&c->lock);
	rc = take_image(c, image);
	pthread_mutex_unlock(&c->lock);
	image_release(image);
	return rc;
}

static void note_leader(void *arg, const struct topic_image *old,
			const struct topic_image *new)
{
	const struct topic_image *any = old != NULL ? old : new;
	bool *changed = arg;

	if (slice_is(any->name, "__consumer_offsets"))
		*changed = true;
}

void coordinator_on_image(void *arg, const struct image *before,
			  const struct image *after)
{
	struct coordinator *c = arg;
	bool changed = image_topics_differ(before, after);

	if (!changed)
		image_each_changed_topic(before, after, note_leader, &changed);
	if (changed)
		coordinator_take_newest_image(c);
}
