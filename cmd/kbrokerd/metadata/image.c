/*
 * image.c - what the cluster is, at one offset of the metadata log
 *
 * Looking things up, and the counts.  Making images is image_apply.c's.
 */
#include "image.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "kbrokerd/metadata/image_private.h"
#include "wire/messages.h"

/* Hashes and keys */

uint64_t image_name_hash(struct slice name)
{
	return hash_bytes(name.data, name.len);
}

uint64_t image_id_hash(struct uuid id)
{
	return hash_bytes(id.bytes, sizeof(id.bytes));
}

static uint8_t undotted(uint8_t c)
{
	return c == '.' ? '_' : c;
}

uint64_t image_collision_hash(struct slice name)
{
	uint8_t plain[256];
	size_t len = name.len < sizeof(plain) ? name.len : sizeof(plain);

	for (size_t i = 0; i < len; i++)
		plain[i] = undotted(name.data[i]);
	return hash_bytes(plain, len);
}

uint64_t image_config_hash(struct config_key key)
{
	return image_name_hash(key.name) + (uint64_t)key.type;
}

uint64_t image_kept_hash(struct kept_key key)
{
	return image_name_hash(key.key) + (uint64_t)key.type;
}

bool image_name_may_collide(struct slice name)
{
	return memchr(name.data, '.', name.len) != NULL ||
	       memchr(name.data, '_', name.len) != NULL;
}

static uint64_t topic_name_hash(const void *item)
{
	return ((const struct topic_node *)item)->name_hash;
}

static bool topic_name_matches(const void *item, const void *key)
{
	const struct topic_node *node = item;
	const struct slice *name = key;

	return slice_equal(node->image.name, *name);
}

static uint64_t topic_id_hash(const void *item)
{
	return image_id_hash(((const struct topic_node *)item)->image.id);
}

static bool topic_id_matches(const void *item, const void *key)
{
	const struct topic_node *node = item;
	const struct uuid *id = key;

	return uuid_equal(node->image.id, *id);
}

static uint64_t topic_collision_hash(const void *item)
{
	return image_collision_hash(
		((const struct topic_node *)item)->image.name);
}

static bool topic_collides(const void *item, const void *key)
{
	const struct slice a = ((const struct topic_node *)item)->image.name;
	const struct slice *b = key;

	if (a.len != b->len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (undotted(a.data[i]) != undotted(b->data[i]))
			return false;
	}
	return true;
}

static void topic_retain(void *item)
{
	atomic_fetch_add(&((struct topic_node *)item)->refs, 1);
}

static void topic_release(void *item)
{
	image_topic_release(item);
}

static uint64_t config_hash(const void *item)
{
	return ((const struct config_node *)item)->hash;
}

static bool config_matches(const void *item, const void *key)
{
	const struct config_node *node = item;
	const struct config_key *k = key;

	return node->type == k->type && slice_equal(node->resource, k->name);
}

static void config_retain(void *item)
{
	atomic_fetch_add(&((struct config_node *)item)->refs, 1);
}

static void config_release(void *item)
{
	image_config_release(item);
}

static uint64_t kept_hash(const void *item)
{
	return ((const struct kept_record *)item)->hash;
}

static bool kept_matches(const void *item, const void *key)
{
	const struct kept_record *kept = item;
	const struct kept_key *k = key;

	return kept->type == k->type && kept->key_len == k->key.len &&
	       memcmp(kept->bytes, k->key.data, k->key.len) == 0;
}

static void kept_retain(void *item)
{
	atomic_fetch_add(&((struct kept_record *)item)->refs, 1);
}

static void kept_release(void *item)
{
	struct kept_record *kept = item;

	if (atomic_fetch_sub(&kept->refs, 1) == 1)
		free(kept);
}

static const void *topic_name_key(const void *item)
{
	return &((const struct topic_node *)item)->image.name;
}

static const void *topic_id_key(const void *item)
{
	return &((const struct topic_node *)item)->image.id;
}

const struct trie_type image_topic_names = { topic_name_hash,
					     topic_name_matches, topic_retain,
					     topic_release, topic_name_key };
const struct trie_type image_topic_ids = { topic_id_hash, topic_id_matches,
					   topic_retain, topic_release,
					   topic_id_key };
const struct trie_type image_topic_collisions = { topic_collision_hash,
						  topic_collides, topic_retain,
						  topic_release,
						  topic_name_key };
const struct trie_type image_config_sets = { config_hash, config_matches,
					     config_retain, config_release,
					     NULL };
const struct trie_type image_kept_records = { kept_hash, kept_matches,
					      kept_retain, kept_release, NULL };

/* References */

struct partition_arrays *image_partition_arrays(const struct partition_image *p)
{
	if (p->replicas == NULL)
		return NULL;
	return (void *)((uint8_t *)p->replicas -
			offsetof(struct partition_arrays, data));
}

void image_arrays_release(struct partition_arrays *arrays)
{
	if (arrays != NULL && atomic_fetch_sub(&arrays->refs, 1) == 1)
		free(arrays);
}

void image_block_release(struct partition_block *block)
{
	if (block == NULL || atomic_fetch_sub(&block->refs, 1) != 1)
		return;
	for (int32_t i = 0; i < block->count; i++)
		image_arrays_release(
			image_partition_arrays(&block->partitions[i]));
	free(block);
}

void image_config_release(struct config_node *node)
{
	if (node != NULL && atomic_fetch_sub(&node->refs, 1) == 1)
		free(node);
}

void image_topic_release(struct topic_node *node)
{
	if (node == NULL || atomic_fetch_sub(&node->refs, 1) != 1)
		return;
	image_block_release(node->block);
	image_config_release(node->configs);
	free(node);
}

void image_broker_release(struct broker_node *node)
{
	if (node != NULL && atomic_fetch_sub(&node->refs, 1) == 1)
		free(node);
}

void image_broker_list_release(struct broker_list *list)
{
	if (list == NULL || atomic_fetch_sub(&list->refs, 1) != 1)
		return;
	for (size_t i = 0; i < list->count; i++)
		image_broker_release(list->nodes[i]);
	free(list);
}

void image_feature_list_release(struct feature_list *list)
{
	if (list != NULL && atomic_fetch_sub(&list->refs, 1) == 1)
		free(list);
}

static void drop_memos(struct image *image)
{
	struct image_memo *memo = atomic_load(&image->memos);

	while (memo != NULL) {
		struct image_memo *next = memo->next;

		free((void *)memo->bytes.data);
		free(memo);
		memo = next;
	}
}

void image_retain(const struct image *image)
{
	atomic_fetch_add_explicit(&((struct image *)image)->refs, 1,
				  memory_order_relaxed);
}

void image_release(const struct image *const_image)
{
	struct image *image = (struct image *)const_image;

	if (image == NULL || atomic_fetch_sub(&image->refs, 1) != 1)
		return;
	drop_memos(image);
	trie_clear(&image->topics);
	trie_clear(&image->topic_ids);
	trie_clear(&image->collisions);
	trie_clear(&image->configs);
	trie_clear(&image->kept);
	image_broker_list_release(image->brokers);
	image_feature_list_release(image->features);
	free(image);
}

int64_t image_offset(const struct image *image)
{
	return image->offset;
}

int32_t image_epoch(const struct image *image)
{
	return image->epoch;
}

int64_t image_timestamp_ms(const struct image *image)
{
	return image->timestamp_ms;
}

/* Topics */

struct topic_node *image_topic_node(const struct image *image,
				    struct slice name)
{
	return trie_find(&image->topics, image_name_hash(name), &name);
}

struct topic_node *image_topic_node_by_id(const struct image *image,
					  struct uuid id)
{
	return trie_find(&image->topic_ids, image_id_hash(id), &id);
}

const struct topic_image *image_topic(const struct image *image,
				      struct slice name)
{
	return (const struct topic_image *)image_topic_node(image, name);
}

const struct topic_image *image_topic_by_id(const struct image *image,
					    struct uuid id)
{
	return (const struct topic_image *)image_topic_node_by_id(image, id);
}

const struct topic_image *image_colliding_topic(const struct image *image,
						struct slice name)
{
	if (!image_name_may_collide(name))
		return NULL;
	return trie_find(&image->collisions, image_collision_hash(name), &name);
}

size_t image_topic_count(const struct image *image)
{
	return trie_count(&image->topics);
}

size_t image_partition_count(const struct image *image)
{
	return image->partition_count;
}

const struct topic_image *image_topic_at(const struct image *image, size_t i)
{
	return trie_at(&image->topics, i);
}

struct topic_visit {
	int (*on_topic)(void *arg, const struct topic_image *topic);
	void *arg;
};

static int visit_topic(void *arg, void *item)
{
	const struct topic_visit *visit = arg;

	return visit->on_topic(visit->arg, item);
}

int image_each_topic(const struct image *image,
		     int (*on_topic)(void *arg,
				     const struct topic_image *topic),
		     void *arg)
{
	struct topic_visit visit = { on_topic, arg };

	return trie_each(&image->topics, visit_topic, &visit);
}

struct topic_change {
	void (*on_change)(void *arg, const struct topic_image *old,
			  const struct topic_image *new);
	void *arg;
};

static void on_topic_change(void *arg, void *old, void *new)
{
	const struct topic_change *change = arg;

	change->on_change(change->arg, old, new);
}

void image_each_changed_topic(const struct image *before,
			      const struct image *after,
			      void (*on_change)(void *arg,
						const struct topic_image *old,
						const struct topic_image *new),
			      void *arg)
{
	struct topic_change change = { on_change, arg };

	trie_each_change(&before->topic_ids, &after->topic_ids, on_topic_change,
			 &change);
}

/* Answers */

enum { MEMOS_MAX = 4 };

struct slice image_memo(const struct image *image, uint32_t key)
{
	const struct image_memo *memo = atomic_load_explicit(
		&((struct image *)image)->memos, memory_order_acquire);

	while (memo != NULL && memo->key != key)
		memo = memo->next;
	return memo == NULL ? SLICE_NULL : memo->bytes;
}

struct slice image_keep_memo(const struct image *const_image, uint32_t key,
			     struct buffer *bytes)
{
	struct image *image = (struct image *)const_image;
	struct image_memo *memo = NULL;

	assert(!bytes->failed);
	if (atomic_fetch_add(&image->memo_count, 1) < MEMOS_MAX)
		memo = malloc(sizeof(*memo));
	if (memo == NULL)
		return SLICE_NULL;
	memo->key = key;
	memo->bytes = buffer_slice(bytes);
	*bytes = (struct buffer){ 0 };
	memo->next = atomic_load(&image->memos);
	while (!atomic_compare_exchange_weak(&image->memos, &memo->next, memo))
		;
	return memo->bytes;
}

/* Brokers */

size_t image_broker_count(const struct image *image)
{
	return image->brokers == NULL ? 0 : image->brokers->count;
}

const struct broker_image *image_broker_at(const struct image *image, size_t i)
{
	assert(i < image_broker_count(image));
	return &image->brokers->nodes[i]->image;
}

const struct broker_image *image_broker(const struct image *image, int32_t id)
{
	for (size_t i = 0; i < image_broker_count(image); i++) {
		if (image->brokers->nodes[i]->image.id == id)
			return &image->brokers->nodes[i]->image;
	}
	return NULL;
}

struct slice image_controller(const struct image *image, int32_t id)
{
	uint8_t bytes[sizeof(int32_t)];
	struct kept_key key = { wire_desc_type_id(
					&register_controller_record_desc),
				{ bytes, sizeof(bytes) } };
	const struct kept_record *kept;

	put_be32(bytes, (uint32_t)id);
	kept = trie_find(&image->kept, image_kept_hash(key), &key);
	if (kept == NULL)
		return SLICE_NULL;
	return (struct slice){ kept->bytes + kept->key_len, kept->value_len };
}

/* Configs */

struct config_node *image_config_node(const struct image *image,
				      struct config_key key)
{
	return trie_find(&image->configs, image_config_hash(key), &key);
}

const struct config_set *image_configs(const struct image *image, int8_t type,
				       struct slice name)
{
	const struct config_node *node;

	if (type == 2) {
		const struct topic_image *topic = image_topic(image, name);

		if (topic != NULL)
			return topic->configs;
	}
	node = image_config_node(image, (struct config_key){ type, name });
	return node == NULL ? NULL : &node->set;
}

struct config_walk {
	int (*on_resource)(void *arg, int8_t type, struct slice name);
	void *arg;
};

static int tell_config(void *arg, void *item)
{
	const struct config_walk *walk = arg;
	const struct config_node *node = item;

	return walk->on_resource(walk->arg, node->type, node->resource);
}

bool image_configs_may_differ(const struct image *a, const struct image *b)
{
	return a->configs.root != b->configs.root;
}

int image_each_config(const struct image *image,
		      int (*on_resource)(void *arg, int8_t type,
					 struct slice name),
		      void *arg)
{
	struct config_walk walk = { on_resource, arg };

	return trie_each(&image->configs, tell_config, &walk);
}

const char *config_set_get(const struct config_set *set, const char *name)
{
	size_t low = 0;
	size_t high = set == NULL ? 0 : set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(set->entries[middle].name, name);

		if (order == 0)
			return set->entries[middle].value;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Features, producer ids */

int16_t image_feature(const struct image *image, const char *name)
{
	for (size_t i = 0; i < image_feature_count(image); i++) {
		if (strcmp(image->features->entries[i].name, name) == 0)
			return image->features->entries[i].level;
	}
	return 0;
}

size_t image_feature_count(const struct image *image)
{
	return image->features == NULL ? 0 : image->features->count;
}

const char *image_feature_at(const struct image *image, size_t i,
			     int16_t *level_out)
{
	assert(i < image_feature_count(image));
	*level_out = image->features->entries[i].level;
	return image->features->entries[i].name;
}

int64_t image_next_producer_id(const struct image *image)
{
	return image->next_producer_id;
}
