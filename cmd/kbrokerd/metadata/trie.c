/*
 * trie.c - a hash trie whose versions share what they have in common
 *
 * A node takes six bits of the hash; for each of their 64 values that occurs
 * it has a slot with an item or another node, in order.  Behind the last bit
 * stand buckets: nodes whose slots are all items of one hash.
 *
 * Rules:
 *  - a node with one reference, reached through nodes with one reference, is
 *    nobody else's and is changed in place; any other is copied first
 *  - a node other than the root has two items below it, or more
 */
#include "trie.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 6, HASH_BITS = 64 };

struct trie_node {
	_Atomic uint32_t refs;
	uint32_t slot_count;
	size_t count;     /* items below */
	uint64_t present; /* values that have a slot; 0 in buckets */
	uint64_t items;   /* those whose slot is an item */
	void *slots[];
};

static bool is_bucket(unsigned shift)
{
	return shift >= HASH_BITS;
}

static uint64_t bit_of(uint64_t hash, unsigned shift)
{
	return UINT64_C(1) << (hash >> shift & ((1 << BITS) - 1));
}

static size_t slot_of(const struct trie_node *node, uint64_t bit)
{
	return (size_t)__builtin_popcountll(node->present & (bit - 1));
}

static size_t node_bytes(size_t slots)
{
	return sizeof(struct trie_node) + slots * sizeof(void *);
}

/* As deep as the trie: 11 nodes and a bucket.
 * NOLINTBEGIN(misc-no-recursion) */

static void release_node(const struct trie_type *type, struct trie_node *node,
			 unsigned shift)
{
	uint64_t present;

	if (node == NULL || atomic_fetch_sub(&node->refs, 1) != 1)
		return;
	present = node->present;
	for (size_t i = 0; i < node->slot_count; i++) {
		uint64_t bit = present & -present;

		if (is_bucket(shift) || (node->items & bit) != 0)
			type->release(node->slots[i]);
		else
			release_node(type, node->slots[i], shift + BITS);
		present ^= bit;
	}
	free(node);
}

/* Make *at one's own, by a copy if it is shared. */
static int own(const struct trie_type *type, struct trie_node **at,
	       unsigned shift)
{
	struct trie_node *old = *at;
	struct trie_node *copy;
	uint64_t present = old->present;

	if (atomic_load(&old->refs) == 1)
		return 0;
	copy = malloc(node_bytes(old->slot_count));
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, old, node_bytes(old->slot_count));
	atomic_init(&copy->refs, 1);
	for (size_t i = 0; i < copy->slot_count; i++) {
		uint64_t bit = present & -present;

		if (is_bucket(shift) || (copy->items & bit) != 0)
			type->retain(copy->slots[i]);
		else
			atomic_fetch_add(
				&((struct trie_node *)copy->slots[i])->refs, 1);
		present ^= bit;
	}
	*at = copy;
	release_node(type, old, shift);
	return 0;
}

static struct trie_node *new_node(void)
{
	struct trie_node *node = calloc(1, node_bytes(2));

	if (node != NULL)
		atomic_init(&node->refs, 1);
	return node;
}

/* Make room for a slot before slot i of one's own node. */
static int open_slot(struct trie_node **at, size_t i)
{
	struct trie_node *node = *at;

	node = realloc(node, node_bytes((size_t)node->slot_count + 1));
	if (node == NULL)
		return -ENOMEM;
	memmove(node->slots + i + 1, node->slots + i,
		(node->slot_count - i) * sizeof(void *));
	node->slot_count++;
	*at = node;
	return 0;
}

static void close_slot(struct trie_node *node, size_t i)
{
	node->slot_count--;
	memmove(node->slots + i, node->slots + i + 1,
		(node->slot_count - i) * sizeof(void *));
}

static int add_item(struct trie_node **at, uint64_t bit, size_t i, void *item)
{
	int rc = open_slot(at, i);

	if (rc < 0)
		return rc;
	(*at)->slots[i] = item;
	(*at)->present |= bit;
	(*at)->items |= bit;
	(*at)->count++;
	return 1;
}

/* What a change is about. */
struct change {
	const struct trie_type *type;
	uint64_t hash;
	const void *key;
	void *item;
};

/* In a bucket: the slot of the key, or slot_count. */
static size_t find_in_bucket(const struct trie_node *node,
			     const struct trie_type *type, const void *key)
{
	size_t i = 0;

	while (i < node->slot_count && !type->matches(node->slots[i], key))
		i++;
	return i;
}

static void replace(const struct change *c, void **slot)
{
	c->type->release(*slot);
	*slot = c->item;
}

static int put_in_bucket(const struct change *c, struct trie_node **at)
{
	size_t i = find_in_bucket(*at, c->type, c->key);

	if (i == (*at)->slot_count)
		return add_item(at, 0, i, c->item);
	replace(c, &(*at)->slots[i]);
	return 0;
}

/* A node in which the item of a slot stands alone. */
static int push_down(const struct change *c, void *item, unsigned shift,
		     struct trie_node **node_out)
{
	struct trie_node *node = new_node();
	uint64_t bit = 0;
	int rc;

	if (node == NULL)
		return -ENOMEM;
	if (!is_bucket(shift))
		bit = bit_of(c->type->hash(item), shift);
	rc = add_item(&node, bit, 0, item);
	if (rc < 0)
		free(node);
	else
		*node_out = node;
	return rc < 0 ? rc : 0;
}

/* Returns 1 when an item was added, 0 when one was replaced, or -ENOMEM. */
static int put(const struct change *c, struct trie_node **at, unsigned shift)
{
	struct trie_node *below;
	uint64_t bit;
	size_t i;
	int rc = own(c->type, at, shift);

	if (rc < 0)
		return rc;
	if (is_bucket(shift))
		return put_in_bucket(c, at);
	bit = bit_of(c->hash, shift);
	i = slot_of(*at, bit);
	if (((*at)->present & bit) == 0)
		return add_item(at, bit, i, c->item);
	if (((*at)->items & bit) != 0) {
		if (c->type->matches((*at)->slots[i], c->key)) {
			replace(c, &(*at)->slots[i]);
			return 0;
		}
		rc = push_down(c, (*at)->slots[i], shift + BITS, &below);
		if (rc < 0)
			return rc;
		rc = put(c, &below, shift + BITS);
		if (rc < 0) {
			free(below); /* its item is still in the slot */
			return rc;
		}
		(*at)->slots[i] = below;
		(*at)->items &= ~bit;
	} else {
		rc = put(c, (struct trie_node **)&(*at)->slots[i],
			 shift + BITS);
		if (rc < 0)
			return rc;
	}
	(*at)->count += (size_t)rc;
	return rc;
}

int trie_put(struct trie *trie, uint64_t hash, const void *key, void *item)
{
	struct change c = { trie->type, hash, key, item };
	int rc;

	if (trie->root == NULL)
		trie->root = new_node();
	rc = trie->root == NULL ? -ENOMEM : put(&c, &trie->root, 0);
	if (rc < 0)
		trie->type->release(item);
	return rc < 0 ? rc : 0;
}

/* Where a node below has become a single item, that stands in its place. */
static void pull_up(struct trie_node *node, uint64_t bit, size_t i)
{
	struct trie_node *below = node->slots[i];

	if (below->count != 1)
		return;
	assert(below->slot_count == 1);
	node->slots[i] = below->slots[0];
	node->items |= bit;
	free(below);
}

/* The key is known to be there. */
static int drop(const struct change *c, struct trie_node **at, unsigned shift)
{
	uint64_t bit = 0;
	size_t i;
	int rc = own(c->type, at, shift);

	if (rc < 0)
		return rc;
	if (is_bucket(shift)) {
		i = find_in_bucket(*at, c->type, c->key);
	} else {
		bit = bit_of(c->hash, shift);
		i = slot_of(*at, bit);
	}
	if (is_bucket(shift) || ((*at)->items & bit) != 0) {
		c->type->release((*at)->slots[i]);
		close_slot(*at, i);
		(*at)->present &= ~bit;
		(*at)->items &= ~bit;
	} else {
		rc = drop(c, (struct trie_node **)&(*at)->slots[i],
			  shift + BITS);
		if (rc < 0)
			return rc;
		pull_up(*at, bit, i);
	}
	(*at)->count--;
	return 1;
}

int trie_remove(struct trie *trie, uint64_t hash, const void *key)
{
	struct change c = { trie->type, hash, key, NULL };

	if (trie_find(trie, hash, key) == NULL)
		return 0;
	return drop(&c, &trie->root, 0);
}

void *trie_find(const struct trie *trie, uint64_t hash, const void *key)
{
	const struct trie_node *node = trie->root;
	unsigned shift = 0;

	for (; node != NULL && !is_bucket(shift); shift += BITS) {
		uint64_t bit = bit_of(hash, shift);
		void *slot;

		if ((node->present & bit) == 0)
			return NULL;
		slot = node->slots[slot_of(node, bit)];
		if ((node->items & bit) != 0)
			return trie->type->matches(slot, key) ? slot : NULL;
		node = slot;
	}
	if (node != NULL) {
		size_t i = find_in_bucket(node, trie->type, key);

		if (i < node->slot_count)
			return node->slots[i];
	}
	return NULL;
}

/* The slot below which item *i stands, and whether it is an item itself; *i is
 * counted from there on. */
static void *slot_at(const struct trie_node *node, unsigned shift, size_t *i,
		     bool *is_item_out)
{
	uint64_t present = node->present;

	for (size_t slot = 0; slot < node->slot_count; slot++) {
		uint64_t bit = present & -present;
		bool is_item = is_bucket(shift) || (node->items & bit) != 0;
		size_t below = 1;

		if (!is_item)
			below = ((struct trie_node *)node->slots[slot])->count;
		if (*i < below) {
			*is_item_out = is_item;
			return node->slots[slot];
		}
		*i -= below;
		present ^= bit;
	}
	abort();
}

void *trie_at(const struct trie *trie, size_t i)
{
	void *at = trie->root;
	bool is_item = false;

	assert(i < trie_count(trie));
	for (unsigned shift = 0; !is_item; shift += BITS)
		at = slot_at(at, shift, &i, &is_item);
	return at;
}

static int each(const struct trie_node *node, unsigned shift,
		int (*on_item)(void *arg, void *item), void *arg)
{
	uint64_t present = node->present;

	for (size_t i = 0; i < node->slot_count; i++) {
		uint64_t bit = present & -present;
		int rc;

		if (is_bucket(shift) || (node->items & bit) != 0)
			rc = on_item(arg, node->slots[i]);
		else
			rc = each(node->slots[i], shift + BITS, on_item, arg);
		if (rc != 0)
			return rc;
		present ^= bit;
	}
	return 0;
}

int trie_each(const struct trie *trie, int (*on_item)(void *arg, void *item),
	      void *arg)
{
	return trie->root == NULL ? 0 : each(trie->root, 0, on_item, arg);
}

/* Differences.  A side of a comparison is a node, or one item that stands
 * where the other side may have a node, or nothing. */

struct side {
	const struct trie_node *node;
	void *item;
};

struct comparison {
	const struct trie_type *type;
	void (*on_change)(void *arg, void *old, void *new);
	void *arg;
};

static struct side side_at(const struct comparison *c, struct side from,
			   unsigned shift, uint64_t bit)
{
	struct side side = { NULL, NULL };
	const struct trie_node *node = from.node;

	if (from.item != NULL && bit_of(c->type->hash(from.item), shift) == bit)
		side.item = from.item;
	if (node == NULL || (node->present & bit) == 0)
		return side;
	if ((node->items & bit) != 0)
		side.item = node->slots[slot_of(node, bit)];
	else
		side.node = node->slots[slot_of(node, bit)];
	return side;
}

static size_t side_count(struct side side)
{
	return side.node != NULL ? side.node->slot_count : side.item != NULL;
}

static void *side_item(struct side side, size_t i)
{
	return side.node != NULL ? side.node->slots[i] : side.item;
}

/* The item of a bucket, or lone one, that has the key of this one. */
static void *twin(const struct comparison *c, struct side side, void *of)
{
	for (size_t i = 0; i < side_count(side); i++) {
		if (c->type->matches(side_item(side, i), c->type->key(of)))
			return side_item(side, i);
	}
	return NULL;
}

static void compare_items(const struct comparison *c, struct side before,
			  struct side after)
{
	for (size_t i = 0; i < side_count(before); i++) {
		void *old = side_item(before, i);
		void *new = twin(c, after, old);

		if (old != new)
			c->on_change(c->arg, old, new);
	}
	for (size_t i = 0; i < side_count(after); i++) {
		void *new = side_item(after, i);

		if (twin(c, before, new) == NULL)
			c->on_change(c->arg, NULL, new);
	}
}

static uint64_t bits_of(const struct comparison *c, struct side side,
			unsigned shift)
{
	if (side.node != NULL)
		return side.node->present;
	return side.item == NULL ? 0 : bit_of(c->type->hash(side.item), shift);
}

static void compare(const struct comparison *c, struct side before,
		    struct side after, unsigned shift)
{
	uint64_t bits;

	if (before.node == after.node && before.item == after.item)
		return;
	if (is_bucket(shift) || (before.node == NULL && after.node == NULL)) {
		compare_items(c, before, after);
		return;
	}
	bits = bits_of(c, before, shift) | bits_of(c, after, shift);
	for (; bits != 0; bits &= bits - 1) {
		uint64_t bit = bits & -bits;

		compare(c, side_at(c, before, shift, bit),
			side_at(c, after, shift, bit), shift + BITS);
	}
}

void trie_each_change(const struct trie *before, const struct trie *after,
		      void (*on_change)(void *arg, void *old, void *new),
		      void *arg)
{
	struct comparison c = { after->type, on_change, arg };
	struct side old = { before->root, NULL };
	struct side new = { after->root, NULL };

	compare(&c, old, new, 0);
}

/* NOLINTEND(misc-no-recursion) */

void trie_init(struct trie *trie, const struct trie_type *type)
{
	*trie = (struct trie){ .type = type };
}

void trie_share(struct trie *trie, const struct trie *from)
{
	*trie = *from;
	if (trie->root != NULL)
		atomic_fetch_add(&trie->root->refs, 1);
}

void trie_clear(struct trie *trie)
{
	release_node(trie->type, trie->root, 0);
	trie->root = NULL;
}

size_t trie_count(const struct trie *trie)
{
	return trie->root == NULL ? 0 : trie->root->count;
}
