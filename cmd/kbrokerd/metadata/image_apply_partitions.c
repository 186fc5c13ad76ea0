/*
 * image_apply_partitions.c - records of partitions
 *
 * A partition's arrays lie behind each other in one piece of memory, which
 * partitions that say the same share.  A topic's partitions are one block: it
 * is copied when the image before has it too, else changed where it lies.
 */
#include "image_apply.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/image_private.h"
#include "wire/messages.h"

/* A bound for what comes from disk: more cannot be meant. */
enum { PARTITION_ID_MAX = 1 << 24 };

/* Arrays */

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

/* Blocks of one's own */

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

void image_set_block(struct topic_node *node, struct partition_block *block)
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
	image_set_block(node, block);
	return 0;
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
	int rc = image_own_topic(image, &node);

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

/* Records */

int image_apply_partition(struct image *image, const void *message)
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

int image_apply_partition_change(struct image *image, const void *message)
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

int image_apply_clear_elr(struct image *image, const void *message)
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
