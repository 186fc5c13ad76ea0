/*
 * image_private.h - what an image is made of: for image*.c alone
 *
 * Everything below an image is counted and shared between images.  A node
 * whose edit is the image's own is not shared yet and may be changed where it
 * lies; any other is copied first.
 */
#ifndef KBROKERD_METADATA_IMAGE_PRIVATE_H
#define KBROKERD_METADATA_IMAGE_PRIVATE_H

#include <stdatomic.h>

#include "base/buffer.h"
#include "kbrokerd/metadata/image_edit.h"
#include "kbrokerd/metadata/trie.h"

/* The arrays of a partition, one behind the other: replicas, ISR, removing,
 * adding, eligible, last known, directories.  Partitions that say the same
 * share them. */
struct partition_arrays {
	_Atomic uint32_t refs;
	uint32_t bytes; /* of data */
	int32_t data[];
};

struct partition_block {
	_Atomic uint32_t refs;
	int32_t count;
	int32_t capacity;
	int32_t holes; /* partitions that no record has told of yet */
	uint64_t edit;
	struct partition_image partitions[];
};

struct config_node {
	struct config_set set; /* entries behind it, then their strings */
	_Atomic uint32_t refs;
	int8_t type;
	uint64_t hash; /* of type and name */
	struct slice resource;
	struct config_entry entries[];
};

struct topic_node {
	struct topic_image image;
	_Atomic uint32_t refs;
	uint64_t edit;
	uint64_t name_hash;
	struct partition_block *block; /* NULL: no partition yet */
	struct config_node *configs;   /* NULL: none */
	uint8_t name[];
};

struct broker_node {
	struct broker_image image; /* arrays and strings behind it */
	_Atomic uint32_t refs;
};

/* Ascending by id. */
struct broker_list {
	_Atomic uint32_t refs;
	size_t count;
	struct broker_node *nodes[];
};

/* Ascending by name. */
struct feature_list {
	_Atomic uint32_t refs;
	size_t count;
	struct feature_level_entry {
		const char *name; /* behind the entries */
		int16_t level;
	} entries[];
};

/* A record that is not interpreted, kept for the next snapshot. */
struct kept_record {
	_Atomic uint32_t refs;
	uint64_t hash;
	int32_t type; /* type id, or KEPT_CONTROL + control type */
	uint32_t key_len, value_len;
	uint8_t bytes[]; /* key, value */
};

enum { KEPT_CONTROL = 1 << 16 };

struct image_memo {
	struct image_memo *next;
	uint32_t key;
	struct slice bytes; /* malloc()ed */
};

struct image {
	_Atomic uint32_t refs;
	_Atomic uint32_t memo_count;
	_Atomic(struct image_memo *) memos;
	uint64_t edit; /* what a new image starts with, from here on */
	int64_t offset;
	int64_t timestamp_ms;
	int32_t epoch;
	int32_t holes; /* of all blocks */
	size_t partition_count;
	struct trie topics;     /* topic_node by name */
	struct trie topic_ids;  /* by id */
	struct trie collisions; /* with . or _, by name with all dots as _ */
	struct trie configs;    /* config_node of what is no topic here */
	struct trie kept;       /* kept_record */
	struct broker_list *brokers;   /* NULL: none */
	struct feature_list *features; /* NULL: none */
	int64_t next_producer_id;
};

extern const struct trie_type image_topic_names, image_topic_ids,
	image_topic_collisions, image_config_sets, image_kept_records;

/* Keys to look up by. */
struct config_key {
	int8_t type;
	struct slice name;
};

struct kept_key {
	int32_t type;
	struct slice key;
};

uint64_t image_name_hash(struct slice name);
uint64_t image_id_hash(struct uuid id);
uint64_t image_collision_hash(struct slice name);
uint64_t image_config_hash(struct config_key key);
uint64_t image_kept_hash(struct kept_key key);

/* What a ClientQuotaRecord is kept by: its entity and key. */
void image_quota_key(struct buffer *key, const void *message);

/* What a UserScramCredentialRecord is kept by. */
void image_scram_key(struct buffer *key, struct slice user, int8_t mechanism);

/* The message of a kept record, in the arena, pointing into the record; NULL
 * when memory is short.  It was checked when it was kept. */
const void *image_kept_message(const struct kept_record *kept,
			       struct arena *arena);

/* Has the name a character that makes it collide with others? */
bool image_name_may_collide(struct slice name);

/* The nodes themselves. */
struct topic_node *image_topic_node(const struct image *image,
				    struct slice name);
struct topic_node *image_topic_node_by_id(const struct image *image,
					  struct uuid id);
struct config_node *image_config_node(const struct image *image,
				      struct config_key key);

/* Drop one reference; NULL is allowed. */
void image_topic_release(struct topic_node *node);
void image_block_release(struct partition_block *block);
void image_config_release(struct config_node *node);
void image_broker_list_release(struct broker_list *list);
void image_broker_release(struct broker_node *node);
void image_feature_list_release(struct feature_list *list);

/* The arrays that a partition's pointers lie in; NULL for a hole. */
struct partition_arrays *image_partition_arrays(
	const struct partition_image *p);
void image_arrays_release(struct partition_arrays *arrays);

#endif /* KBROKERD_METADATA_IMAGE_PRIVATE_H */
