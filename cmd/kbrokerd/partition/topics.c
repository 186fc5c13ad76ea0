/*
 * topics.c - which topics and partitions are hosted
 *
 * Objects are made when somebody asks for a partition for the first time (or
 * when it has a directory at the start), from the newest image; a topic that
 * nobody asked for costs nothing.  They are found by topic id in one of a few
 * hash tables, each with a lock that is held for the look-up only: some tens
 * of nanoseconds.
 *
 * An object is made under the shard's lock from the newest image, and the
 * listener takes the same lock after an image was published: so no topic is
 * hosted that the newest image does not have, and no configuration is missed.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/partition/internal.h"

enum { BUCKETS_FIRST = 16 };

static uint64_t hash_of(struct uuid id)
{
	uint64_t hash;

	/* Random bits, but for the version's. */
	memcpy(&hash, id.bytes + 8, sizeof(hash));
	return hash;
}

static struct topic_shard *shard_of(struct partition_table *table,
				    struct uuid id)
{
	return &table->shards[(hash_of(id) >> 8) % SHARDS];
}

static struct hosted_topic **bucket_of(struct topic_shard *shard,
				       struct uuid id)
{
	return &shard->buckets[(hash_of(id) >> 16) & (shard->bucket_count - 1)];
}

int topics_init(struct partition_table *table)
{
	for (size_t i = 0; i < SHARDS; i++) {
		struct topic_shard *shard = &table->shards[i];

		pthread_mutex_init(&shard->lock, NULL);
		shard->buckets =
			calloc(BUCKETS_FIRST, sizeof(struct hosted_topic *));
		if (shard->buckets == NULL)
			return -ENOMEM;
		shard->bucket_count = BUCKETS_FIRST;
	}
	return 0;
}

/* Topics */

struct hosted_topic *hosted_topic_retain(struct hosted_topic *topic)
{
	atomic_fetch_add_explicit(&topic->references, 1, memory_order_relaxed);
	return topic;
}

void hosted_topic_release(struct hosted_topic *topic)
{
	if (topic == NULL ||
	    atomic_fetch_sub_explicit(&topic->references, 1,
				      memory_order_acq_rel) > 1)
		return;
	free(topic->slots);
	free(topic->name);
	free(topic);
}

static struct hosted_topic *hosted_topic_new(struct partition_table *table,
					     const struct image *image,
					     const struct topic_image *from)
{
	struct hosted_topic *topic = calloc(1, sizeof(*topic));

	if (topic == NULL)
		return NULL;
	topic->table = table;
	topic->id = from->id;
	atomic_init(&topic->references, 1);
	topic->name = strndup((const char *)from->name.data, from->name.len);
	if (topic->name == NULL) {
		hosted_topic_release(topic);
		return NULL;
	}
	topic_config_resolve(image, from, table->params.node_id,
			     table->params.properties, &topic->config);
	return topic;
}

/* The rest of this part is under the shard's lock. */

static struct hosted_topic **find(struct topic_shard *shard, struct uuid id)
{
	struct hosted_topic **at = bucket_of(shard, id);

	while (*at != NULL && !uuid_equal((*at)->id, id))
		at = &(*at)->next_in_bucket;
	return at;
}

/* Twice the buckets; staying as it was does no harm. */
static void grow(struct topic_shard *shard)
{
	struct topic_shard larger = { .bucket_count = shard->bucket_count * 2 };

	larger.buckets =
		calloc(larger.bucket_count, sizeof(struct hosted_topic *));
	if (larger.buckets == NULL)
		return;
	for (size_t i = 0; i < shard->bucket_count; i++) {
		struct hosted_topic *topic = shard->buckets[i];

		while (topic != NULL) {
			struct hosted_topic *next = topic->next_in_bucket;
			struct hosted_topic **at =
				bucket_of(&larger, topic->id);

			topic->next_in_bucket = *at;
			*at = topic;
			topic = next;
		}
	}
	free(shard->buckets);
	shard->buckets = larger.buckets;
	shard->bucket_count = larger.bucket_count;
}

static struct hosted_topic *insert(struct partition_table *table,
				   struct topic_shard *shard,
				   const struct image *newest,
				   const struct topic_image *from)
{
	struct hosted_topic *topic = hosted_topic_new(table, newest, from);
	struct hosted_topic **at;

	if (topic == NULL)
		return NULL;
	if (shard->topic_count >= shard->bucket_count)
		grow(shard);
	at = bucket_of(shard, topic->id);
	topic->next_in_bucket = *at;
	*at = topic;
	shard->topic_count++;
	return topic;
}

static int make_slots(struct hosted_topic *topic, int32_t count)
{
	struct partition **slots = realloc(
		topic->slots, (size_t)count * sizeof(struct partition *));

	if (slots == NULL)
		return -ENOMEM;
	for (int32_t i = topic->slot_count; i < count; i++)
		slots[i] = NULL;
	topic->slots = slots;
	topic->slot_count = count;
	return 0;
}

/* Make what is missing for a partition that the newest image has. */
static struct partition *make(struct partition_table *table,
			      struct topic_shard *shard,
			      const struct image *newest, struct uuid id,
			      int32_t index)
{
	const struct topic_image *from = image_topic_by_id(newest, id);
	struct hosted_topic *topic = *find(shard, id);

	if (from == NULL || index >= from->partition_count ||
	    from->partitions[index].leader != table->params.node_id)
		return NULL;
	if (topic == NULL)
		topic = insert(table, shard, newest, from);
	if (topic == NULL)
		return NULL;
	if (topic->slot_count < from->partition_count &&
	    make_slots(topic, from->partition_count) < 0)
		return NULL;
	if (topic->slots[index] == NULL)
		topic->slots[index] = partition_new(
			topic, index, from->partitions[index].leader_epoch);
	return topic->slots[index];
}

/* Looking up */

static void note_epoch(struct partition *p, int32_t epoch)
{
	int32_t known = partition_leader_epoch(p);

	while (known < epoch &&
	       !atomic_compare_exchange_weak(&p->leader_epoch, &known, epoch))
		;
}

struct partition *partition_find(struct partition_table *table,
				 const struct image *image,
				 const struct topic_image *topic, int32_t index)
{
	struct topic_shard *shard = shard_of(table, topic->id);
	struct partition *p = NULL;
	struct hosted_topic *hosted;

	(void)image;
	if (index < 0 || index >= topic->partition_count ||
	    topic->partitions[index].leader != table->params.node_id)
		return NULL;
	pthread_mutex_lock(&shard->lock);
	hosted = *find(shard, topic->id);
	if (hosted != NULL && index < hosted->slot_count)
		p = hosted->slots[index];
	if (p == NULL) {
		const struct image *newest =
			metadata_image(table->params.metadata);

		p = make(table, shard, newest, topic->id, index);
		image_release(newest);
	}
	if (p != NULL)
		partition_retain(p);
	pthread_mutex_unlock(&shard->lock);
	if (p != NULL)
		note_epoch(p, topic->partitions[index].leader_epoch);
	return p;
}

void partition_topic_config(struct partition *p, struct topic_config *out)
{
	struct topic_shard *shard = shard_of(p->table, p->topic->id);

	pthread_mutex_lock(&shard->lock);
	*out = p->topic->config;
	pthread_mutex_unlock(&shard->lock);
}

/* Changes */

/* Append the topic's partitions to the list, with a reference each; NULL, and
 * none held, when out of memory. */
static struct partition **add_slots(struct partition **all, size_t *count,
				    const struct hosted_topic *topic)
{
	size_t most = *count + (size_t)topic->slot_count + 1;
	struct partition **larger =
		realloc(all, most * sizeof(struct partition *));

	if (larger == NULL) {
		topics_give_back(all, *count);
		*count = 0;
		return NULL;
	}
	for (int32_t i = 0; i < topic->slot_count; i++) {
		if (topic->slots[i] == NULL)
			continue;
		partition_retain(topic->slots[i]);
		larger[(*count)++] = topic->slots[i];
	}
	return larger;
}

/* Takes the slots of a topic that nobody finds any more. */
static void drop(struct hosted_topic *topic)
{
	for (int32_t i = 0; i < topic->slot_count; i++) {
		if (topic->slots[i] == NULL)
			continue;
		partition_drop(topic->slots[i]);
		partition_release(topic->slots[i]);
	}
	hosted_topic_release(topic);
}

/* What a new image means for topics. */
struct comparison {
	struct partition_table *table;
	const struct image *after;
	struct hosted_topic *dropped; /* taken out of their shards */
	struct partition **changed;   /* their configuration, that is */
	size_t changed_count;
};

/* Under the shard's lock: take the topic at *at out, or configure it anew.
 * Returns where the next one stands. */
static struct hosted_topic **renew(struct comparison *c,
				   struct topic_shard *shard,
				   struct hosted_topic **at,
				   const struct topic_image *new)
{
	struct hosted_topic *topic = *at;

	if (new == NULL) {
		*at = topic->next_in_bucket;
		shard->topic_count--;
		topic->next_in_bucket = c->dropped;
		c->dropped = topic;
		return at;
	}
	topic_config_resolve(c->after, new, c->table->params.node_id,
			     c->table->params.properties, &topic->config);
	c->changed = add_slots(c->changed, &c->changed_count, topic);
	return &topic->next_in_bucket;
}

/* Without a lock: tell the partitions. */
static void configure(struct comparison *c)
{
	struct topic_config config;

	for (size_t i = 0; i < c->changed_count; i++) {
		partition_topic_config(c->changed[i], &config);
		partition_set_config(c->changed[i], &config);
	}
	topics_give_back(c->changed, c->changed_count);
	c->changed = NULL;
	c->changed_count = 0;
}

static void renew_shard(struct comparison *c, struct topic_shard *shard)
{
	pthread_mutex_lock(&shard->lock);
	for (size_t i = 0; i < shard->bucket_count; i++) {
		struct hosted_topic **at = &shard->buckets[i];

		while (*at != NULL)
			at = renew(c, shard, at,
				   image_topic_by_id(c->after, (*at)->id));
	}
	pthread_mutex_unlock(&shard->lock);
	configure(c);
}

/* A topic that is new in the image is hosted when somebody asks for it. */
static void on_change(void *arg, const struct topic_image *old,
		      const struct topic_image *new)
{
	struct comparison *c = arg;
	struct topic_shard *shard;
	struct hosted_topic **at;

	if (old == NULL || (new != NULL && old->configs == new->configs))
		return;
	shard = shard_of(c->table, old->id);
	pthread_mutex_lock(&shard->lock);
	at = find(shard, old->id);
	if (*at != NULL)
		renew(c, shard, at, new);
	pthread_mutex_unlock(&shard->lock);
	configure(c);
}

void topics_compare(struct partition_table *table, const struct image *before,
		    const struct image *after, bool refresh)
{
	struct comparison c = { .table = table, .after = after };
	struct hosted_topic *topic;

	if (!refresh)
		image_each_changed_topic(before, after, on_change, &c);
	for (size_t i = 0; refresh && i < SHARDS; i++)
		renew_shard(&c, &table->shards[i]);
	while ((topic = c.dropped) != NULL) {
		c.dropped = topic->next_in_bucket;
		drop(topic);
	}
}

/* The image is taken under the shard's lock: so what a newer one changes comes
 * after it. */
static void refresh_shard(struct partition_table *table,
			  struct topic_shard *shard)
{
	struct comparison c = { .table = table };

	pthread_mutex_lock(&shard->lock);
	c.after = metadata_image(table->params.metadata);
	for (size_t i = 0; i < shard->bucket_count; i++) {
		for (struct hosted_topic **at = &shard->buckets[i]; *at != NULL;
		     at = &(*at)->next_in_bucket) {
			const struct topic_image *topic =
				image_topic_by_id(c.after, (*at)->id);

			/* One that has gone is dropped by who says so. */
			if (topic != NULL)
				renew(&c, shard, at, topic);
		}
	}
	pthread_mutex_unlock(&shard->lock);
	configure(&c);
	image_release(c.after);
}

void partition_table_set_properties(struct partition_table *table,
				    const struct properties *properties)
{
	table->params.properties = properties;
	for (size_t i = 0; i < SHARDS; i++)
		refresh_shard(table, &table->shards[i]);
}

struct partition **topics_all(struct partition_table *table, size_t *count_out)
{
	struct partition **all = malloc(sizeof(struct partition *));
	size_t count = 0;

	for (size_t i = 0; i < SHARDS && all != NULL; i++) {
		struct topic_shard *shard = &table->shards[i];

		pthread_mutex_lock(&shard->lock);
		for (size_t b = 0; b < shard->bucket_count && all != NULL; b++)
			for (struct hosted_topic *t = shard->buckets[b];
			     t != NULL; t = t->next_in_bucket)
				all = add_slots(all, &count, t);
		pthread_mutex_unlock(&shard->lock);
	}
	*count_out = count;
	return all;
}

void topics_give_back(struct partition **all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		partition_release(all[i]);
	free(all);
}

static void clear_topic(struct hosted_topic *topic)
{
	for (int32_t i = 0; i < topic->slot_count; i++)
		partition_release(topic->slots[i]);
	hosted_topic_release(topic);
}

void topics_clear(struct partition_table *table)
{
	for (size_t i = 0; i < SHARDS; i++) {
		struct topic_shard *shard = &table->shards[i];

		for (size_t b = 0; b < shard->bucket_count; b++) {
			struct hosted_topic *topic = shard->buckets[b];

			while (topic != NULL) {
				struct hosted_topic *next =
					topic->next_in_bucket;

				clear_topic(topic);
				topic = next;
			}
		}
		free(shard->buckets);
		pthread_mutex_destroy(&shard->lock);
	}
}
