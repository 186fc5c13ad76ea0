/*
 * image_topics.c - the coordinator's topics, out of an image of the metadata
 */
#include "image_topics.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { GROUP_RESOURCE = 32 /* ConfigResourceType */ };

static const struct image_topics *of(const struct group_topics *topics)
{
	return (const struct image_topics *)topics;
}

static bool fill(const struct topic_image *topic, struct group_topic *out)
{
	if (topic == NULL)
		return false;
	*out = (struct group_topic){ topic->name, topic->id,
				     topic->partition_count };
	return true;
}

static bool by_name(const struct group_topics *topics, struct slice name,
		    struct group_topic *out)
{
	return fill(image_topic(of(topics)->image, name), out);
}

static bool by_id(const struct group_topics *topics, const struct uuid *id,
		  struct group_topic *out)
{
	return fill(image_topic_by_id(of(topics)->image, *id), out);
}

static int32_t racks(const struct group_topics *topics,
		     const struct group_topic *topic, int32_t partition,
		     struct slice *out, int32_t most)
{
	const struct image *image = of(topics)->image;
	const struct topic_image *t = image_topic_by_id(image, topic->id);
	const struct partition_image *p;
	int32_t count = 0;

	if (t == NULL || partition >= t->partition_count)
		return 0;
	p = &t->partitions[partition];
	for (int32_t i = 0; i < p->replica_count && count < most; i++) {
		const struct broker_image *b =
			image_broker(image, p->replicas[i]);

		if (b != NULL && b->rack != NULL)
			out[count++] = slice_of(b->rack);
	}
	return count;
}

/* Each, in order */

struct gathered {
	const struct topic_image **items;
	size_t count;
};

static int gather(void *arg, const struct topic_image *topic)
{
	struct gathered *g = arg;

	g->items[g->count++] = topic;
	return 0;
}

static int order(const void *a, const void *b)
{
	struct slice x = (*(const struct topic_image *const *)a)->name;
	struct slice y = (*(const struct topic_image *const *)b)->name;
	int c = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);

	return c != 0 ? c : (x.len > y.len) - (x.len < y.len);
}

static void each(const struct group_topics *topics,
		 void (*on_topic)(void *arg, const struct group_topic *t),
		 void *arg)
{
	const struct image *image = of(topics)->image;
	struct gathered g = { .items = calloc(image_topic_count(image) + 1,
					      sizeof(void *)) };
	struct group_topic topic;

	if (g.items == NULL)
		return;
	image_each_topic(image, gather, &g);
	qsort(g.items, g.count, sizeof(void *), order);
	for (size_t i = 0; i < g.count; i++) {
		fill(g.items[i], &topic);
		on_topic(arg, &topic);
	}
	free(g.items);
}

/* Settings of a group */

/* The broker's, of one setting; read once, since each heartbeat asks. */
static struct bounded read_bounded(const struct config *config, const char *key,
				   const char *min_key, const char *max_key)
{
	return (struct bounded){ config_int(config, key),
				 config_int(config, min_key),
				 config_int(config, max_key) };
}

/* The group's own, else the broker's; within the broker's bounds, which may
 * be other ones than when it was set. */
static int32_t setting(const struct bounded *broker,
		       const struct config_set *own, const char *name)
{
	const char *text = own == NULL ? NULL : config_set_get(own, name);
	int64_t value = text == NULL ? broker->value : strtoll(text, NULL, 10);

	return (int32_t)(value < broker->min   ? broker->min
			 : value > broker->max ? broker->max
					       : value);
}

static void consumer_settings(const struct group_topics *topics,
			      struct slice group_id,
			      struct group_consumer_settings *out)
{
	const struct image_topics *t = of(topics);
	const struct config_set *own =
		image_configs(t->image, GROUP_RESOURCE, group_id);

	out->session_timeout_ms =
		setting(&t->session, own, "consumer.session.timeout.ms");
	out->heartbeat_interval_ms =
		setting(&t->heartbeat, own, "consumer.heartbeat.interval.ms");
}

/* Life */

static void count_deletion(void *arg, const struct topic_image *old,
			   const struct topic_image *new)
{
	uint64_t *count = arg;

	if (old != NULL && (new == NULL || !uuid_equal(old->id, new->id)))
		++*count;
}

struct image_topics *image_topics_new(const struct image *image,
				      const struct config *config,
				      const struct image_topics *before)
{
	struct image_topics *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->topics = (struct group_topics){
		.by_name = by_name,
		.by_id = by_id,
		.racks = racks,
		.each = each,
		.consumer_settings = consumer_settings,
		.version = before == NULL ? 1 : before->topics.version + 1,
	};
	image_retain(image);
	t->image = image;
	t->session = read_bounded(config, "group.consumer.session.timeout.ms",
				  "group.consumer.min.session.timeout.ms",
				  "group.consumer.max.session.timeout.ms");
	t->heartbeat =
		read_bounded(config, "group.consumer.heartbeat.interval.ms",
			     "group.consumer.min.heartbeat.interval.ms",
			     "group.consumer.max.heartbeat.interval.ms");
	atomic_init(&t->refs, 1);
	if (before != NULL) {
		t->deletions = before->deletions;
		image_each_changed_topic(before->image, image, count_deletion,
					 &t->deletions);
	}
	return t;
}

void image_topics_retain(struct image_topics *t)
{
	atomic_fetch_add(&t->refs, 1);
}

void image_topics_release(struct image_topics *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	image_release(t->image);
	free(t);
}

static void note_change(void *arg, const struct topic_image *old,
			const struct topic_image *new)
{
	bool *differ = arg;

	/* A leader that changes is nothing to groups. */
	if (old == NULL || new == NULL || !uuid_equal(old->id, new->id) ||
	    old->partition_count != new->partition_count)
		*differ = true;
}

bool image_topics_differ(const struct image *before, const struct image *after)
{
	bool differ = image_configs_may_differ(before, after);

	if (!differ)
		image_each_changed_topic(before, after, note_change, &differ);
	return differ;
}
