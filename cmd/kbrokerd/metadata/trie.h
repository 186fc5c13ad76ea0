/*
 * trie.h - a hash trie whose versions share what they have in common
 *
 * What an image finds its topics by.  Nodes are counted: sharing a trie costs
 * one reference, and changing a shared one copies the few nodes on the way to
 * the change.  Nodes that nobody shares are changed where they lie, so that
 * filling a trie that is not shared yet copies nothing.
 *
 * Items are the caller's, counted by the functions of the trie's type; a trie
 * holds one reference of each.  There is no locking but of the counts: a trie
 * that is being changed belongs to one thread, others may read and drop the
 * versions they hold.
 */
#ifndef KBROKERD_METADATA_TRIE_H
#define KBROKERD_METADATA_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trie_node;

struct trie_type {
	uint64_t (*hash)(const void *item);
	bool (*matches)(const void *item, const void *key);
	void (*retain)(void *item);
	void (*release)(void *item);
	/* What matches() takes; NULL where versions are not compared. */
	const void *(*key)(const void *item);
};

struct trie {
	const struct trie_type *type;
	struct trie_node *root; /* NULL: empty */
};

void trie_init(struct trie *trie, const struct trie_type *type);

/* trie becomes a version that starts out as from; it was not in use. */
void trie_share(struct trie *trie, const struct trie *from);

/* Give back everything; the trie is empty. */
void trie_clear(struct trie *trie);

size_t trie_count(const struct trie *trie);

/* The item of that key, or NULL.  hash is what type->hash() says of it. */
void *trie_find(const struct trie *trie, uint64_t hash, const void *key);

/*
 * Put item, in place of the one of that key if there is one; takes over one
 * reference of item's, also on failure.  Returns 0 or -ENOMEM with the trie
 * as it was.
 */
int trie_put(struct trie *trie, uint64_t hash, const void *key, void *item);

/* Returns 1 when the item of that key has gone, 0 when there is none, or
 * -ENOMEM with the trie as it was. */
int trie_remove(struct trie *trie, uint64_t hash, const void *key);

/* Item i below trie_count(), in the order of the hashes. */
void *trie_at(const struct trie *trie, size_t i);

/* Call on_item for each in that order; stops when it is not 0 and returns
 * that. */
int trie_each(const struct trie *trie, int (*on_item)(void *arg, void *item),
	      void *arg);

/*
 * Call on_change for each key whose item is not the same in both: NULL for
 * none.  What they share is not looked at.
 */
void trie_each_change(const struct trie *before, const struct trie *after,
		      void (*on_change)(void *arg, void *old, void *new),
		      void *arg);

#endif /* KBROKERD_METADATA_TRIE_H */
