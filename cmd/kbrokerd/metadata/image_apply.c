/*
 * image_apply.c - records of the metadata log become an image
 *
 * A record that is asked about is interpreted; any other that says something
 * lasting is kept as it came, under the key that a later record of its kind
 * would replace or remove it by, so that the next snapshot still has it.
 */
#include "image_edit.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "kbrokerd/metadata/image_private.h"
#include "wire/config_defs.h"
#include "wire/enums.h"
#include "wire/messages.h"

/* A bound for what comes from disk: more cannot be meant. */
enum { PARTITION_ID_MAX = 1 << 24 };

/* Partitions */

/* What a partition's arrays are to hold. */
struct arrays_spec {
	const int32_t *replicas, *isr, *removing, *adding, *eligible,
		*last_known;
	int32_t replica_count, isr_count, removing_count, adding_count,
		eligible_count, last_known_count;
	const struct uuid *directories; /* replica_count; NULL: not known */
};

static const int32_t *put_ids(int32_t **to, const int32_t *from, int32_t count)
{
	int32_t *start = *to;

	if (count > 0)
		memcpy(start, from, (size_t)count * sizeof(*from));
	*to = start + count;
	return start;
}

/* What Kafka writes for replicas of before log directories had ids. */
static const struct uuid directory_migrating = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
						   0, 0, 0, 0, 0, 2 } };

static void put_directories(int32_t *to, const struct arrays_spec *spec)
{
	struct uuid *dirs = (struct uuid *)to;

	for (int32_t i = 0; i < spec->replica_count; i++)
		dirs[i] = spec->directories == NULL ? directory_migrating
						    : spec->directories[i];
}

/* Point p at new arrays with what spec says; the reference is p's. */
static int set_arrays(struct partition_image *p, const struct arrays_spec *spec)
{
	size_t ids = (size_t)spec->replica_count + (size_t)spec->isr_count +
		     (size_t)spec->removing_count + (size_t)spec->adding_count +
		     (size_t)spec->eligible_count +
		     (size_t)spec->last_known_count;
	size_t bytes = ids * sizeof(int32_t) +
		       (size_t)spec->replica_count * sizeof(struct uuid);
	struct partition_arrays *arrays = malloc(sizeof(*arrays) + bytes);
	int32_t *at;

	if (arrays == NULL)
		return -ENOMEM;
	atomic_init(&arrays->refs, 1);
	arrays->bytes = (uint32_t)bytes;
	at = arrays->data;
	p->replicas = put_ids(&at, spec->replicas, spec->replica_count);
	p->isr = put_ids(&at, spec->isr, spec->isr_count);
	p->removing = put_ids(&at, spec->removing, spec->removing_count);
	p->adding = put_ids(&at, spec->adding, spec->adding_count);
	p->eligible = put_ids(&at, spec->eligible, spec->eligible_count);
	p->last_known = put_ids(&at, spec->last_known, spec->last_known_count);
	p->directories = (const struct uuid *)at;
	put_directories(at, spec);
	p->replica_count = spec->replica_count;
	p->isr_count = spec->isr_count;
	p->removing_count = spec->removing_count;
	p->adding_count = spec->adding_count;
	p->eligible_count = spec->eligible_count;
	p->last_known_count = spec->last_known_count;
	return 0;
}

/* Do both hold the same arrays, cut at the same places? */
static bool same_arrays(const struct partition_image *a,
			const struct partition_image *b)
{
	const struct partition_arrays *x = image_partition_arrays(a);
	const struct partition_arrays *y = image_partition_arrays(b);

	return x != NULL && y != NULL && x->bytes == y->bytes &&
	       a->replica_count == b->replica_count &&
	       a->isr_count == b->isr_count &&
	       a->removing_count == b->removing_count &&
	       a->adding_count == b->adding_count &&
	       a->eligible_count == b->eligible_count &&
	       a->last_known_count == b->last_known_count &&
	       memcmp(x->data, y->data, x->bytes) == 0;
}

/* Use from's arrays instead of one's own, which are equal. */
static void share_arrays(struct partition_image *p,
			 const struct partition_image *from)
{
	image_arrays_release(image_partition_arrays(p));
	p->replicas = from->replicas;
	p->isr = from->isr;
	p->removing = from->removing;
	p->adding = from->adding;
	p->eligible = from->eligible;
	p->last_known = from->last_known;
	p->directories = from->directories;
	atomic_fetch_add(&image_partition_arrays(p)->refs, 1);
}

static void share_with_neighbours(const struct partition_block *block,
				  int32_t index, struct partition_image *p)
{
	const struct partition_image *all = block->partitions;

	if (index > 0 && same_arrays(&all[index - 1], p))
		share_arrays(p, &all[index - 1]);
	else if (index > 1 && same_arrays(&all[0], p))
		share_arrays(p, &all[0]);
}

/* Blocks and topics of one's own */

static size_t block_bytes(int32_t capacity)
{
	return sizeof(struct partition_block) +
	       (size_t)capacity * sizeof(struct partition_image);
}

/* A block of one's own with what old has and room for count partitions. */
static struct partition_block *copy_block(const struct image *image,
					  const struct partition_block *old,
					  int32_t count)
{
	int32_t used = old == NULL ? 0 : old->count;
	struct partition_block *block;

	if (count < used)
		count = used;
	block = malloc(block_bytes(count));
	if (block == NULL)
		return NULL;
	block->count = used;
	block->holes = old == NULL ? 0 : old->holes;
	block->capacity = count;
	block->edit = image->edit;
	atomic_init(&block->refs, 1);
	for (int32_t i = 0; i < used; i++) {
		struct partition_arrays *arrays =
			image_partition_arrays(&old->partitions[i]);

		block->partitions[i] = old->partitions[i];
		if (arrays != NULL)
			atomic_fetch_add(&arrays->refs, 1);
	}
	return block;
}

static void set_block(struct topic_node *node, struct partition_block *block)
{
	node->block = block;
	node->image.partitions = block->partitions;
	node->image.partition_count = block->count;
}

/* Make room for count partitions in the block, which becomes node's own. */
static int own_block(const struct image *image, struct topic_node *node,
		     int32_t count)
{
	struct partition_block *block = node->block;

	if (block == NULL || block->edit != image->edit) {
		block = copy_block(image, node->block, count);
		if (block == NULL)
			return -ENOMEM;
		image_block_release(node->block);
	} else if (block->capacity < count) {
		if (count < 2 * block->capacity)
			count = 2 * block->capacity;
		block = realloc(block, block_bytes(count));
		if (block == NULL)
			return -ENOMEM;
		block->capacity = count;
	}
	set_block(node, block);
	return 0;
}

/* Put the node in place of the one of its name and id.  Takes a reference. */
static int put_topic(struct image *image, struct topic_node *node)
{
	int rc;

	atomic_fetch_add(&node->refs, 2);
	rc = trie_put(&image->topics, node->name_hash, &node->image.name, node);
	if (rc < 0)
		image_topic_release(node);
	else
		rc = trie_put(&image->topic_ids, image_id_hash(node->image.id),
			      &node->image.id, node);
	if (rc < 0 || !image_name_may_collide(node->image.name)) {
		image_topic_release(node);
		return rc;
	}
	return trie_put(&image->collisions,
			image_collision_hash(node->image.name),
			&node->image.name, node);
}

static struct topic_node *new_topic(const struct image *image,
				    struct slice name, struct uuid id)
{
	struct topic_node *node = calloc(1, sizeof(*node) + name.len);

	if (node == NULL)
		return NULL;
	atomic_init(&node->refs, 1);
	node->edit = image->edit;
	node->name_hash = image_name_hash(name);
	memcpy(node->name, name.data, name.len);
	node->image.name = (struct slice){ node->name, name.len };
	node->image.id = id;
	return node;
}

/* Make *node_io the image's own. */
static int own_topic(struct image *image, struct topic_node **node_io)
{
	const struct topic_node *old = *node_io;
	struct topic_node *node;

	if (old->edit == image->edit)
		return 0;
	node = new_topic(image, old->image.name, old->image.id);
	if (node == NULL)
		return -ENOMEM;
	if (old->block != NULL) {
		atomic_fetch_add(&old->block->refs, 1);
		set_block(node, old->block);
	}
	if (old->configs != NULL) {
		atomic_fetch_add(&old->configs->refs, 1);
		node->configs = old->configs;
		node->image.configs = &node->configs->set;
	}
	*node_io = node;
	return put_topic(image, node);
}

static void add_holes(struct image *image, struct topic_node *node, int32_t end)
{
	struct partition_block *block = node->block;

	while (block->count < end) {
		block->partitions[block->count++] =
			(struct partition_image){ .leader = -1 };
		block->holes++;
		image->holes++;
	}
	node->image.partition_count = block->count;
}

static void fill_hole(struct image *image, struct topic_node *node)
{
	node->block->holes--;
	image->holes--;
	image->partition_count++;
}

/* The topic's partition becomes *p; takes over its arrays. */
static int put_partition(struct image *image, struct topic_node *node,
			 int32_t index, struct partition_image *p)
{
	struct partition_image *old;
	int rc = own_topic(image, &node);

	if (rc == 0)
		rc = own_block(image, node, index + 1);
	if (rc < 0) {
		image_arrays_release(image_partition_arrays(p));
		return rc;
	}
	add_holes(image, node, index + 1);
	old = &node->block->partitions[index];
	if (image_partition_arrays(old) == NULL)
		fill_hole(image, node);
	share_with_neighbours(node->block, index, p);
	image_arrays_release(image_partition_arrays(old));
	*old = *p;
	return 0;
}

/* Topic records */

/* Configs that were there before their topic. */
static int take_orphan_configs(struct image *image, struct topic_node *node)
{
	struct config_key key = { WIRE_CONFIG_RESOURCE_TYPE_TOPIC,
				  node->image.name };
	struct config_node *configs = image_config_node(image, key);
	int rc;

	if (configs == NULL)
		return 0;
	atomic_fetch_add(&configs->refs, 1);
	rc = trie_remove(&image->configs, image_config_hash(key), &key);
	if (rc < 0) {
		image_config_release(configs);
		return rc;
	}
	node->configs = configs;
	node->image.configs = &configs->set;
	return 0;
}

static int apply_topic(struct image *image, const void *message)
{
	const struct topic_record *r = message;
	struct topic_node *node;
	int rc;

	if (image_topic_node(image, r->name) != NULL ||
	    image_topic_node_by_id(image, r->topic_id) != NULL)
		return -EBADMSG;
	node = new_topic(image, r->name, r->topic_id);
	if (node == NULL)
		return -ENOMEM;
	rc = take_orphan_configs(image, node);
	if (rc < 0) {
		image_topic_release(node);
		return rc;
	}
	return put_topic(image, node);
}

static int forget_collision(struct image *image, const struct topic_node *node)
{
	const struct topic_image *found =
		image_colliding_topic(image, node->image.name);

	if (found == NULL || !uuid_equal(found->id, node->image.id))
		return 0;
	return trie_remove(&image->collisions,
			   image_collision_hash(node->image.name),
			   &node->image.name);
}

static int apply_remove_topic(struct image *image, const void *message)
{
	const struct remove_topic_record *r = message;
	struct topic_node *node = image_topic_node_by_id(image, r->topic_id);
	int rc;

	if (node == NULL)
		return -EBADMSG;
	if (node->block != NULL) {
		image->holes -= node->block->holes;
		image->partition_count -=
			(size_t)(node->block->count - node->block->holes);
	}
	atomic_fetch_add(&node->refs, 1);
	rc = forget_collision(image, node);
	if (rc >= 0)
		rc = trie_remove(&image->topics, node->name_hash,
				 &node->image.name);
	if (rc >= 0)
		rc = trie_remove(&image->topic_ids,
				 image_id_hash(node->image.id),
				 &node->image.id);
	image_topic_release(node);
	return rc < 0 ? rc : 0;
}

static int apply_partition(struct image *image, const void *message)
{
	const struct partition_record *r = message;
	struct topic_node *node = image_topic_node_by_id(image, r->topic_id);
	struct partition_image p = { 0 };
	struct arrays_spec spec = {
		.replicas = r->replicas,
		.isr = r->isr,
		.removing = r->removing_replicas,
		.adding = r->adding_replicas,
		.eligible = r->eligible_leader_replicas,
		.last_known = r->last_known_elr,
		.replica_count = r->replicas_count,
		.isr_count = r->isr_count,
		.removing_count = r->removing_replicas_count,
		.adding_count = r->adding_replicas_count,
		.directories = r->directories,
	};

	if (node == NULL || r->partition_id < 0 ||
	    r->partition_id >= PARTITION_ID_MAX)
		return -EBADMSG;
	if (r->directories_count <= 0)
		spec.directories = NULL;
	else if (r->directories_count != r->replicas_count)
		return -EBADMSG;
	/* Null says no more than empty. */
	if (r->eligible_leader_replicas_count > 0)
		spec.eligible_count = r->eligible_leader_replicas_count;
	if (r->last_known_elr_count > 0)
		spec.last_known_count = r->last_known_elr_count;
	if (set_arrays(&p, &spec) < 0)
		return -ENOMEM;
	p.leader = r->leader;
	p.leader_epoch = r->leader_epoch;
	p.partition_epoch = r->partition_epoch;
	p.recovering = r->leader_recovery_state != 0;
	return put_partition(image, node, r->partition_id, &p);
}

static struct arrays_spec spec_of(const struct partition_image *p)
{
	return (struct arrays_spec){
		.replicas = p->replicas,
		.isr = p->isr,
		.removing = p->removing,
		.adding = p->adding,
		.eligible = p->eligible,
		.last_known = p->last_known,
		.replica_count = p->replica_count,
		.isr_count = p->isr_count,
		.removing_count = p->removing_count,
		.adding_count = p->adding_count,
		.eligible_count = p->eligible_count,
		.last_known_count = p->last_known_count,
		.directories = p->directories,
	};
}

/* A list of a PartitionChangeRecord: null is unchanged. */
static void change_ids(const int32_t **ids, int32_t *count,
		       const int32_t *new_ids, int32_t new_count)
{
	if (new_count < 0)
		return;
	*ids = new_ids;
	*count = new_count;
}

static int change_spec(struct arrays_spec *spec,
		       const struct partition_change_record *r)
{
	change_ids(&spec->isr, &spec->isr_count, r->isr, r->isr_count);
	change_ids(&spec->removing, &spec->removing_count, r->removing_replicas,
		   r->removing_replicas_count);
	change_ids(&spec->adding, &spec->adding_count, r->adding_replicas,
		   r->adding_replicas_count);
	change_ids(&spec->eligible, &spec->eligible_count,
		   r->eligible_leader_replicas,
		   r->eligible_leader_replicas_count);
	change_ids(&spec->last_known, &spec->last_known_count,
		   r->last_known_elr, r->last_known_elr_count);
	if (r->replicas_count >= 0) {
		/* Directories go by place: they are told anew too. */
		if (spec->replica_count != r->replicas_count)
			spec->directories = NULL;
		spec->replicas = r->replicas;
		spec->replica_count = r->replicas_count;
	}
	if (r->directories_count >= 0) {
		if (r->directories_count != spec->replica_count)
			return -EBADMSG;
		spec->directories = r->directories;
	}
	return 0;
}

static int apply_partition_change(struct image *image, const void *message)
{
	const struct partition_change_record *r = message;
	struct topic_node *node = image_topic_node_by_id(image, r->topic_id);
	struct partition_image p;
	struct arrays_spec spec;

	if (node == NULL || r->partition_id < 0 ||
	    r->partition_id >= node->image.partition_count)
		return -EBADMSG;
	p = node->image.partitions[r->partition_id];
	if (image_partition_arrays(&p) == NULL)
		return -EBADMSG;
	spec = spec_of(&p);
	if (change_spec(&spec, r) < 0)
		return -EBADMSG;
	if (set_arrays(&p, &spec) < 0)
		return -ENOMEM;
	if (r->leader != -2) {
		p.leader = r->leader;
		p.leader_epoch++;
	}
	if (r->leader_recovery_state >= 0)
		p.recovering = r->leader_recovery_state != 0;
	p.partition_epoch++;
	return put_partition(image, node, r->partition_id, &p);
}

/* Drop the eligible leader replicas of a topic's partitions. */
static int clear_elr_of(struct image *image, struct topic_node *node)
{
	for (int32_t i = 0; i < node->image.partition_count; i++) {
		struct partition_image p = node->image.partitions[i];
		struct arrays_spec spec = spec_of(&p);
		int rc;

		if (p.eligible_count == 0 && p.last_known_count == 0)
			continue;
		spec.eligible_count = 0;
		spec.last_known_count = 0;
		rc = set_arrays(&p, &spec);
		if (rc == 0)
			rc = put_partition(image, node, i, &p);
		if (rc < 0)
			return rc;
		node = image_topic_node(image, node->image.name);
	}
	return 0;
}

static int apply_clear_elr(struct image *image, const void *message)
{
	const struct clear_elr_record *r = message;
	struct topic_node *node;
	int rc = 0;

	if (r->topic_name.len > 0) {
		node = image_topic_node(image, r->topic_name);
		return node == NULL ? -EBADMSG : clear_elr_of(image, node);
	}
	for (size_t i = 0; i < image_topic_count(image) && rc == 0; i++)
		rc = clear_elr_of(image, trie_at(&image->topics, i));
	return rc;
}

/* Configs */

/* The table's own text for a name that it has: nothing to store. */
static const char *known_config_name(int8_t type, const char *name)
{
	static const struct {
		int8_t type;
		enum config_scope scope;
	} scopes[] = {
		{ WIRE_CONFIG_RESOURCE_TYPE_TOPIC, CONFIG_TOPIC },
		{ WIRE_CONFIG_RESOURCE_TYPE_BROKER, CONFIG_BROKER },
		{ WIRE_CONFIG_RESOURCE_TYPE_CLIENT_METRICS,
		  CONFIG_CLIENT_METRICS },
		{ WIRE_CONFIG_RESOURCE_TYPE_GROUP, CONFIG_GROUP },
	};
	const struct config_def *def = NULL;

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if (scopes[i].type == type)
			def = config_def_find(scopes[i].scope, name);
	}
	return def == NULL ? NULL : def->name;
}

struct config_list {
	int8_t type;
	size_t count;
	struct config_entry *entries; /* one more than the old set */
};

/* entries with name set to value, or without it when value is NULL. */
static void change_entries(struct config_list *list,
			   const struct config_set *old, const char *name,
			   const char *value)
{
	size_t i = 0;
	size_t n = 0;
	size_t count = old == NULL ? 0 : old->count;

	for (; i < count && strcmp(old->entries[i].name, name) < 0; i++)
		list->entries[n++] = old->entries[i];
	if (i < count && strcmp(old->entries[i].name, name) == 0)
		i++;
	if (value != NULL)
		list->entries[n++] = (struct config_entry){ name, value };
	for (; i < count; i++)
		list->entries[n++] = old->entries[i];
	list->count = n;
}

static char *put_text(char **to, const char *text)
{
	char *start = *to;
	size_t size = strlen(text) + 1;

	memcpy(start, text, size);
	*to = start + size;
	return start;
}

static size_t entries_bytes(const struct config_list *list)
{
	size_t bytes = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct config_entry *e = &list->entries[i];

		if (known_config_name(list->type, e->name) == NULL)
			bytes += strlen(e->name) + 1;
		bytes += strlen(e->value) + 1;
	}
	return bytes;
}

static struct config_node *new_config_node(const struct config_list *list,
					   struct slice resource)
{
	size_t table = list->count * sizeof(struct config_entry);
	struct config_node *node = malloc(sizeof(*node) + table +
					  entries_bytes(list) + resource.len);
	char *at;

	if (node == NULL)
		return NULL;
	at = (char *)node->entries + table;
	for (size_t i = 0; i < list->count; i++) {
		const struct config_entry *e = &list->entries[i];
		const char *known = known_config_name(list->type, e->name);

		node->entries[i].name =
			known != NULL ? known : put_text(&at, e->name);
		node->entries[i].value = put_text(&at, e->value);
	}
	memcpy(at, resource.data, resource.len);
	node->resource = (struct slice){ (uint8_t *)at, resource.len };
	node->type = list->type;
	node->hash =
		image_config_hash((struct config_key){ list->type, resource });
	node->set = (struct config_set){ list->count, node->entries };
	atomic_init(&node->refs, 1);
	return node;
}

/*
 * A set like old with one key changed: *node_out is NULL when none is left.
 * scratch is only used meanwhile.
 */
static int change_configs(const struct config_set *old,
			  const struct config_record *r, struct arena *scratch,
			  struct config_node **node_out)
{
	struct config_list list = { .type = r->resource_type };
	char *name = arena_text(scratch, r->name);
	char *value = NULL;

	*node_out = NULL;
	if (!slice_is_null(r->value))
		value = arena_text(scratch, r->value);
	list.entries = arena_calloc(scratch, (old == NULL ? 0 : old->count) + 1,
				    sizeof(*list.entries));
	if (name == NULL || list.entries == NULL ||
	    (value == NULL && !slice_is_null(r->value)))
		return -ENOMEM;
	change_entries(&list, old, name, value);
	if (list.count == 0)
		return 0;
	*node_out = new_config_node(&list, r->resource_name);
	return *node_out == NULL ? -ENOMEM : 0;
}

static int change_topic_configs(struct image *image, struct topic_node *node,
				const struct config_record *r,
				struct arena *scratch)
{
	struct config_node *configs = NULL;
	int rc = own_topic(image, &node);

	if (rc == 0)
		rc = change_configs(node->image.configs, r, scratch, &configs);
	if (rc < 0)
		return rc;
	image_config_release(node->configs);
	node->configs = configs;
	node->image.configs = configs == NULL ? NULL : &configs->set;
	return 0;
}

static int change_other_configs(struct image *image,
				const struct config_record *r,
				struct arena *scratch)
{
	struct config_key key = { r->resource_type, r->resource_name };
	struct config_node *old = image_config_node(image, key);
	struct config_node *configs;
	int rc = change_configs(old == NULL ? NULL : &old->set, r, scratch,
				&configs);

	if (rc < 0)
		return rc;
	if (configs != NULL)
		return trie_put(&image->configs, configs->hash, &key, configs);
	rc = trie_remove(&image->configs, image_config_hash(key), &key);
	return rc < 0 ? rc : 0;
}

static int apply_config(struct image *image, const void *message)
{
	const struct config_record *r = message;
	struct topic_node *node = NULL;
	struct arena scratch = { 0 };
	int rc;

	if (r->resource_type == WIRE_CONFIG_RESOURCE_TYPE_TOPIC)
		node = image_topic_node(image, r->resource_name);
	if (node != NULL)
		rc = change_topic_configs(image, node, r, &scratch);
	else
		rc = change_other_configs(image, r, &scratch);
	arena_clear(&scratch);
	return rc;
}

/* Features */

static int apply_feature_level(struct image *image, const void *message)
{
	const struct feature_level_record *r = message;
	size_t old_count = image_feature_count(image);
	size_t bytes = r->name.len + 1;
	struct feature_list *list;
	char *at;
	size_t n = 0;
	bool placed = r->feature_level == 0;

	for (size_t i = 0; i < old_count; i++)
		bytes += strlen(image->features->entries[i].name) + 1;
	list = malloc(sizeof(*list) +
		      (old_count + 1) * sizeof(list->entries[0]) + bytes);
	if (list == NULL)
		return -ENOMEM;
	atomic_init(&list->refs, 1);
	at = (char *)&list->entries[old_count + 1];
	for (size_t i = 0; i <= old_count; i++) {
		const struct feature_level_entry *e =
			i < old_count ? &image->features->entries[i] : NULL;
		int order =
			e == NULL ? 1
				  : strncmp(e->name, (const char *)r->name.data,
					    r->name.len);

		if (order == 0 && e->name[r->name.len] != '\0')
			order = 1;
		if (!placed && order >= 0) {
			memcpy(at, r->name.data, r->name.len);
			at[r->name.len] = '\0';
			list->entries[n].name = at;
			list->entries[n++].level = r->feature_level;
			at += r->name.len + 1;
			placed = true;
		}
		if (e != NULL && order != 0) {
			list->entries[n].name = put_text(&at, e->name);
			list->entries[n++].level = e->level;
		}
	}
	list->count = n;
	image_feature_list_release(image->features);
	image->features = list;
	return 0;
}

/* Brokers */

static size_t text_bytes(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1;
}

static size_t broker_bytes(const struct broker_image *b)
{
	size_t bytes = b->endpoint_count * sizeof(*b->endpoints) +
		       b->feature_count * sizeof(*b->features) +
		       b->log_dir_count * sizeof(*b->log_dirs) +
		       text_bytes(b->rack);

	for (size_t i = 0; i < b->endpoint_count; i++)
		bytes += text_bytes(b->endpoints[i].name) +
			 text_bytes(b->endpoints[i].host);
	for (size_t i = 0; i < b->feature_count; i++)
		bytes += text_bytes(b->features[i].name);
	return bytes;
}

/* A node of its own with all that b points to. */
static struct broker_node *copy_broker(const struct broker_image *b)
{
	struct broker_node *node = malloc(sizeof(*node) + broker_bytes(b));
	struct broker_endpoint *endpoints;
	struct broker_feature *features;
	struct uuid *dirs;
	char *at;

	if (node == NULL)
		return NULL;
	node->image = *b;
	atomic_init(&node->refs, 1);
	endpoints = (struct broker_endpoint *)(node + 1);
	features = (struct broker_feature *)(endpoints + b->endpoint_count);
	dirs = (struct uuid *)(features + b->feature_count);
	at = (char *)(dirs + b->log_dir_count);
	for (size_t i = 0; i < b->endpoint_count; i++) {
		endpoints[i] = b->endpoints[i];
		endpoints[i].name = put_text(&at, b->endpoints[i].name);
		endpoints[i].host = put_text(&at, b->endpoints[i].host);
	}
	for (size_t i = 0; i < b->feature_count; i++) {
		features[i] = b->features[i];
		features[i].name = put_text(&at, b->features[i].name);
	}
	for (size_t i = 0; i < b->log_dir_count; i++)
		dirs[i] = b->log_dirs[i];
	if (b->rack != NULL)
		node->image.rack = put_text(&at, b->rack);
	node->image.endpoints = endpoints;
	node->image.features = features;
	node->image.log_dirs = dirs;
	return node;
}

/* A list with the broker of node's id replaced, added, or with node NULL
 * dropped.  Takes over the reference. */
static int put_broker(struct image *image, int32_t id, struct broker_node *node)
{
	size_t old_count = image_broker_count(image);
	struct broker_list *list = malloc(
		sizeof(*list) + (old_count + 1) * sizeof(struct broker_node *));
	size_t n = 0;

	if (list == NULL) {
		image_broker_release(node);
		return -ENOMEM;
	}
	atomic_init(&list->refs, 1);
	for (size_t i = 0; i < old_count; i++) {
		struct broker_node *old = image->brokers->nodes[i];

		if (node != NULL && old->image.id > id) {
			list->nodes[n++] = node;
			node = NULL;
		}
		if (old->image.id == id)
			continue;
		atomic_fetch_add(&old->refs, 1);
		list->nodes[n++] = old;
	}
	if (node != NULL)
		list->nodes[n++] = node;
	list->count = n;
	image_broker_list_release(image->brokers);
	image->brokers = list;
	return 0;
}

/* endpoints and features of the record, their texts in scratch. */
static int read_registration(const struct register_broker_record *r,
			     struct broker_image *b, struct arena *scratch)
{
	struct broker_endpoint *endpoints;
	struct broker_feature *features;

	endpoints = arena_calloc(scratch, (size_t)r->end_points_count,
				 sizeof(*endpoints));
	features = arena_calloc(scratch, (size_t)r->features_count,
				sizeof(*features));
	if (endpoints == NULL || features == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < r->end_points_count; i++) {
		endpoints[i].name = arena_text(scratch, r->end_points[i].name);
		endpoints[i].host = arena_text(scratch, r->end_points[i].host);
		endpoints[i].port = r->end_points[i].port;
		endpoints[i].security_protocol =
			r->end_points[i].security_protocol;
		if (endpoints[i].name == NULL || endpoints[i].host == NULL)
			return -ENOMEM;
	}
	for (int32_t i = 0; i < r->features_count; i++) {
		features[i].name = arena_text(scratch, r->features[i].name);
		features[i].min_level = r->features[i].min_supported_version;
		features[i].max_level = r->features[i].max_supported_version;
		if (features[i].name == NULL)
			return -ENOMEM;
	}
	b->endpoints = endpoints;
	b->features = features;
	b->rack = slice_is_null(r->rack) ? NULL : arena_text(scratch, r->rack);
	return 0;
}

static int apply_register_broker(struct image *image, const void *message)
{
	const struct register_broker_record *r = message;
	struct broker_image b = {
		.id = r->broker_id,
		.epoch = r->broker_epoch,
		.incarnation_id = r->incarnation_id,
		.fenced = r->fenced,
		.in_controlled_shutdown = r->in_controlled_shutdown,
		.migrating = r->is_migrating_zk_broker,
		.endpoint_count = (size_t)r->end_points_count,
		.feature_count = (size_t)r->features_count,
		.log_dir_count = (size_t)r->log_dirs_count,
		.log_dirs = r->log_dirs,
	};
	struct arena scratch = { 0 };
	struct broker_node *node = NULL;

	if (read_registration(r, &b, &scratch) == 0)
		node = copy_broker(&b);
	arena_clear(&scratch);
	return node == NULL ? -ENOMEM : put_broker(image, b.id, node);
}

static int apply_unregister_broker(struct image *image, const void *message)
{
	const struct unregister_broker_record *r = message;

	if (image_broker(image, r->broker_id) == NULL)
		return -EBADMSG;
	return put_broker(image, r->broker_id, NULL);
}

/* The broker becomes *changed. */
static int change_broker(struct image *image,
			 const struct broker_image *changed)
{
	struct broker_node *node = copy_broker(changed);

	return node == NULL ? -ENOMEM : put_broker(image, changed->id, node);
}

static int apply_registration_change(struct image *image, const void *message)
{
	const struct broker_registration_change_record *r = message;
	const struct broker_image *old = image_broker(image, r->broker_id);
	struct broker_image b;

	if (old == NULL)
		return -EBADMSG;
	b = *old;
	if (r->fenced != 0)
		b.fenced = r->fenced > 0;
	if (r->in_controlled_shutdown != 0)
		b.in_controlled_shutdown = true;
	if (r->log_dirs_count > 0) {
		b.log_dirs = r->log_dirs;
		b.log_dir_count = (size_t)r->log_dirs_count;
	}
	return change_broker(image, &b);
}

static int set_fenced(struct image *image, int32_t id, bool fenced)
{
	const struct broker_image *old = image_broker(image, id);
	struct broker_image b;

	if (old == NULL)
		return -EBADMSG;
	b = *old;
	b.fenced = fenced;
	return change_broker(image, &b);
}

static int apply_fence_broker(struct image *image, const void *message)
{
	return set_fenced(
		image, ((const struct fence_broker_record *)message)->id, true);
}

static int apply_unfence_broker(struct image *image, const void *message)
{
	return set_fenced(image,
			  ((const struct unfence_broker_record *)message)->id,
			  false);
}

static int apply_producer_ids(struct image *image, const void *message)
{
	const struct producer_ids_record *r = message;

	image->next_producer_id = r->next_producer_id;
	return 0;
}

static int apply_nothing(struct image *image, const void *message)
{
	(void)image;
	(void)message;
	return 0;
}

/* Kept records: what each kind is known by */

static void key_of_controller(struct buffer *key, const void *message)
{
	const struct register_controller_record *r = message;

	buffer_put_be32(key, (uint32_t)r->controller_id);
}

static void key_of_acl(struct buffer *key, const void *message)
{
	const struct access_control_entry_record *r = message;

	buffer_put(key, r->id.bytes, sizeof(r->id.bytes));
}

static void key_of_removed_acl(struct buffer *key, const void *message)
{
	const struct remove_access_control_entry_record *r = message;

	buffer_put(key, r->id.bytes, sizeof(r->id.bytes));
}

static void key_of_credential(struct buffer *key, const void *message)
{
	const struct user_scram_credential_record *r = message;

	buffer_put_u8(key, (uint8_t)r->mechanism);
	buffer_put(key, r->name.data, r->name.len);
}

static void key_of_removed_credential(struct buffer *key, const void *message)
{
	const struct remove_user_scram_credential_record *r = message;

	buffer_put_u8(key, (uint8_t)r->mechanism);
	buffer_put(key, r->name.data, r->name.len);
}

static void key_of_token(struct buffer *key, const void *message)
{
	const struct delegation_token_record *r = message;

	buffer_put(key, r->token_id.data, r->token_id.len);
}

static void key_of_removed_token(struct buffer *key, const void *message)
{
	const struct remove_delegation_token_record *r = message;

	buffer_put(key, r->token_id.data, r->token_id.len);
}

static void put_key_text(struct buffer *key, struct slice text)
{
	buffer_put_be32(key,
			slice_is_null(text) ? UINT32_MAX : (uint32_t)text.len);
	buffer_put(key, text.data, text.len);
}

static int order_of_slices(struct slice a, struct slice b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* An entity is a set: its parts in the order of their types. */
void image_quota_key(struct buffer *key, const void *message)
{
	const struct client_quota_record *r = message;
	const struct client_quota_record_entity *last = NULL;

	for (int32_t n = 0; n < r->entity_count; n++) {
		const struct client_quota_record_entity *next = NULL;

		for (int32_t i = 0; i < r->entity_count; i++) {
			const struct client_quota_record_entity *e =
				&r->entity[i];

			if (last != NULL &&
			    order_of_slices(e->entity_type,
					    last->entity_type) <= 0)
				continue;
			if (next == NULL ||
			    order_of_slices(e->entity_type, next->entity_type) <
				    0)
				next = e;
		}
		if (next == NULL)
			break;
		put_key_text(key, next->entity_type);
		put_key_text(key, next->entity_name);
		last = next;
	}
	put_key_text(key, r->key);
}

static bool quota_is_removed(const void *message)
{
	return ((const struct client_quota_record *)message)->remove;
}

static const struct kept_row {
	const struct wire_desc *desc;
	void (*key)(struct buffer *key, const void *message);
	const struct wire_desc *removes; /* the kind that this one removes */
	bool (*is_removal)(const void *message);
} kept_rows[] = {
	{ &register_controller_record_desc, key_of_controller, NULL, NULL },
	{ &access_control_entry_record_desc, key_of_acl, NULL, NULL },
	{ &remove_access_control_entry_record_desc, key_of_removed_acl,
	  &access_control_entry_record_desc, NULL },
	{ &user_scram_credential_record_desc, key_of_credential, NULL, NULL },
	{ &remove_user_scram_credential_record_desc, key_of_removed_credential,
	  &user_scram_credential_record_desc, NULL },
	{ &delegation_token_record_desc, key_of_token, NULL, NULL },
	{ &remove_delegation_token_record_desc, key_of_removed_token,
	  &delegation_token_record_desc, NULL },
	{ &client_quota_record_desc, image_quota_key, NULL, quota_is_removed },
};

static int put_kept(struct image *image, int32_t type, struct slice key,
		    struct slice value)
{
	struct kept_key k = { type, key };
	struct kept_record *kept = malloc(sizeof(*kept) + key.len + value.len);

	if (kept == NULL)
		return -ENOMEM;
	atomic_init(&kept->refs, 1);
	kept->hash = image_kept_hash(k);
	kept->type = type;
	kept->key_len = (uint32_t)key.len;
	kept->value_len = (uint32_t)value.len;
	memcpy(kept->bytes, key.data, key.len);
	memcpy(kept->bytes + key.len, value.data, value.len);
	return trie_put(&image->kept, kept->hash, &k, kept);
}

static int apply_kept(struct image *image, const struct kept_row *row,
		      const void *message, struct slice value)
{
	const struct wire_desc *kind = row->removes;
	struct buffer key = { 0 };
	struct kept_key k;
	int rc;

	row->key(&key, message);
	if (key.failed || buffer_reserve(&key, 1) == NULL)
		return -ENOMEM;
	k.key = buffer_slice(&key);
	if (kind == NULL && row->is_removal != NULL && row->is_removal(message))
		kind = row->desc;
	if (kind != NULL) {
		k.type = wire_desc_type_id(kind);
		rc = trie_remove(&image->kept, image_kept_hash(k), &k);
	} else {
		rc = put_kept(image, wire_desc_type_id(row->desc), k.key,
			      value);
	}
	buffer_clear(&key);
	return rc < 0 ? rc : 0;
}

int image_edit_keep_control(struct image *image, int16_t type,
			    struct slice value)
{
	return put_kept(image, KEPT_CONTROL + type, slice_of(""), value);
}

/* All */

static const struct row {
	const struct wire_desc *desc;
	int (*apply)(struct image *image, const void *message);
} rows[] = {
	{ &partition_record_desc, apply_partition },
	{ &topic_record_desc, apply_topic },
	{ &config_record_desc, apply_config },
	{ &partition_change_record_desc, apply_partition_change },
	{ &remove_topic_record_desc, apply_remove_topic },
	{ &register_broker_record_desc, apply_register_broker },
	{ &unregister_broker_record_desc, apply_unregister_broker },
	{ &broker_registration_change_record_desc, apply_registration_change },
	{ &fence_broker_record_desc, apply_fence_broker },
	{ &unfence_broker_record_desc, apply_unfence_broker },
	{ &feature_level_record_desc, apply_feature_level },
	{ &producer_ids_record_desc, apply_producer_ids },
	{ &clear_elr_record_desc, apply_clear_elr },
	{ &no_op_record_desc, apply_nothing },
	/* A leftover that Kafka 4 reads and forgets. */
	{ &zk_migration_state_record_desc, apply_nothing },
	/* The replay sees to transactions (replay.c). */
	{ &begin_transaction_record_desc, apply_nothing },
	{ &end_transaction_record_desc, apply_nothing },
	{ &abort_transaction_record_desc, apply_nothing },
};

int image_edit_apply(struct image *image, const struct wire_desc *desc,
		     int16_t version, const void *message, struct slice value)
{
	(void)version;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].desc == desc)
			return rows[i].apply(image, message);
	}
	for (size_t i = 0; i < sizeof(kept_rows) / sizeof(kept_rows[0]); i++) {
		if (kept_rows[i].desc == desc)
			return apply_kept(image, &kept_rows[i], message, value);
	}
	return -ENOTSUP;
}

int image_edit_apply_bytes(struct image *image, struct slice value,
			   struct arena *scratch)
{
	const struct wire_desc *desc;
	int16_t version;
	void *message;
	int rc;

	arena_reset(scratch);
	rc = wire_metadata_decode(value, scratch, &desc, &version, &message);
	if (rc < 0)
		return rc;
	return image_edit_apply(image, desc, version, message, value);
}

struct image *image_edit_begin(const struct image *base)
{
	struct image *image = calloc(1, sizeof(*image));

	if (image == NULL)
		return NULL;
	if (base == NULL) {
		trie_init(&image->topics, &image_topic_names);
		trie_init(&image->topic_ids, &image_topic_ids);
		trie_init(&image->collisions, &image_topic_collisions);
		trie_init(&image->configs, &image_config_sets);
		trie_init(&image->kept, &image_kept_records);
		image->offset = -1;
		image->edit = 1;
		atomic_init(&image->refs, 1);
		return image;
	}
	/* All but refs, which readers of base change meanwhile. */
	memcpy(&image->edit, &base->edit,
	       sizeof(*image) - offsetof(struct image, edit));
	trie_share(&image->topics, &base->topics);
	trie_share(&image->topic_ids, &base->topic_ids);
	trie_share(&image->collisions, &base->collisions);
	trie_share(&image->configs, &base->configs);
	trie_share(&image->kept, &base->kept);
	if (image->brokers != NULL)
		atomic_fetch_add(&image->brokers->refs, 1);
	if (image->features != NULL)
		atomic_fetch_add(&image->features->refs, 1);
	image->edit = base->edit + 1;
	atomic_init(&image->refs, 1);
	return image;
}

int image_edit_end(struct image *image, int64_t offset, int32_t epoch,
		   int64_t timestamp_ms)
{
	image->offset = offset;
	image->epoch = epoch;
	image->timestamp_ms = timestamp_ms;
	return image->holes == 0 ? 0 : -EBADMSG;
}
