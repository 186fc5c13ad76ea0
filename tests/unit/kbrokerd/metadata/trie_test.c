/*
 * trie_test.c - the persistent hash trie
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/random.h"
#include "kbrokerd/metadata/trie.h"

/* An item is a key with a value, counted; all that live are counted too. */
struct item {
	int refs;
	uint64_t hash;
	uint32_t key;
	uint32_t value;
};

static int live_items;

static uint64_t item_hash(const void *item)
{
	return ((const struct item *)item)->hash;
}

static bool item_matches(const void *item, const void *key)
{
	return ((const struct item *)item)->key == *(const uint32_t *)key;
}

static void item_retain(void *item)
{
	((struct item *)item)->refs++;
}

static void item_release(void *item)
{
	struct item *i = item;

	if (--i->refs == 0) {
		live_items--;
		free(i);
	}
}

static const void *item_key(const void *item)
{
	return &((const struct item *)item)->key;
}

static const struct trie_type items = { item_hash, item_matches, item_retain,
					item_release, item_key };

static uint64_t good_hash(uint32_t key)
{
	return hash_bytes(&key, sizeof(key));
}

/* Three hashes in all, that differ only in their last bits. */
static uint64_t bad_hash(uint32_t key)
{
	return (uint64_t)(key % 3) << 62;
}

static struct item *new_item(uint64_t hash, uint32_t key, uint32_t value)
{
	struct item *item = calloc(1, sizeof(*item));

	assert_non_null(item);
	*item = (struct item){ 1, hash, key, value };
	live_items++;
	return item;
}

enum { KEYS = 300, VERSIONS = 8, STEPS = 20000 };

/* A version of the trie, and what it should hold: 0 is no value. */
struct version {
	struct trie trie;
	uint32_t values[KEYS];
};

struct model {
	struct seeded_random random;
	uint64_t (*hash)(uint32_t key);
	struct version versions[VERSIONS];
};

static uint32_t pick(struct model *m, uint32_t below)
{
	return (uint32_t)random_below(&m->random.random, below);
}

static void put_random(struct model *m, struct version *v)
{
	uint32_t key = pick(m, KEYS);
	uint32_t value = 1 + pick(m, 1000);
	uint64_t hash = m->hash(key);

	assert_int_equal(
		trie_put(&v->trie, hash, &key, new_item(hash, key, value)), 0);
	v->values[key] = value;
}

static void remove_random(struct model *m, struct version *v)
{
	uint32_t key = pick(m, KEYS);

	assert_int_equal(trie_remove(&v->trie, m->hash(key), &key),
			 v->values[key] != 0);
	v->values[key] = 0;
}

static void share_random(struct model *m, struct version *v)
{
	struct version *from = &m->versions[pick(m, VERSIONS)];

	if (from == v)
		return;
	trie_clear(&v->trie);
	trie_share(&v->trie, &from->trie);
	memcpy(v->values, from->values, sizeof(v->values));
}

static int count_item(void *arg, void *item)
{
	const struct item *i = item;
	uint32_t *values = arg;

	assert_int_equal(values[i->key], i->value);
	values[i->key] = 0;
	return 0;
}

static void assert_version(struct model *m, struct version *v)
{
	uint32_t left[KEYS];
	size_t count = 0;

	for (uint32_t key = 0; key < KEYS; key++) {
		struct item *item = trie_find(&v->trie, m->hash(key), &key);

		assert_int_equal(item == NULL ? 0 : item->value,
				 v->values[key]);
		count += item != NULL;
	}
	assert_int_equal(trie_count(&v->trie), count);
	memcpy(left, v->values, sizeof(left));
	assert_int_equal(trie_each(&v->trie, count_item, left), 0);
	for (uint32_t key = 0; key < KEYS; key++)
		assert_int_equal(left[key], 0);
	memcpy(left, v->values, sizeof(left));
	for (size_t i = 0; i < count; i++)
		count_item(left, trie_at(&v->trie, i));
}

/* Differences between two versions, as they were told. */
struct told {
	const struct version *before, *after;
	bool seen[KEYS];
	size_t count;
};

static void note_change(void *arg, void *old, void *new)
{
	struct told *told = arg;
	const struct item *before = old;
	const struct item *after = new;
	uint32_t key = before != NULL ? before->key : after->key;

	assert_ptr_not_equal(old, new);
	assert_false(told->seen[key]);
	told->seen[key] = true;
	told->count++;
	assert_int_equal(before == NULL ? 0 : before->value,
			 told->before->values[key]);
	assert_int_equal(after == NULL ? 0 : after->value,
			 told->after->values[key]);
}

static void assert_changes(const struct version *before,
			   const struct version *after)
{
	struct told told = { .before = before, .after = after };

	trie_each_change(&before->trie, &after->trie, note_change, &told);
	for (uint32_t key = 0; key < KEYS; key++) {
		if (before->values[key] != after->values[key])
			assert_true(told.seen[key]);
	}
}

static void run_model(uint64_t (*hash)(uint32_t key))
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->hash = hash;
	seeded_random_init(&m->random, 7);
	for (int i = 0; i < VERSIONS; i++)
		trie_init(&m->versions[i].trie, &items);
	for (int step = 0; step < STEPS; step++) {
		struct version *v = &m->versions[pick(m, VERSIONS)];

		switch (pick(m, 20)) {
		case 0:
			share_random(m, v);
			break;
		case 1:
		case 2:
		case 3:
		case 4:
		case 5:
		case 6:
		case 7:
			remove_random(m, v);
			break;
		default:
			put_random(m, v);
			break;
		}
		if (step % 100 == 0)
			assert_version(m, &m->versions[pick(m, VERSIONS)]);
		if (step % 50 == 0)
			assert_changes(v, &m->versions[pick(m, VERSIONS)]);
	}
	for (int i = 0; i < VERSIONS; i++) {
		assert_version(m, &m->versions[i]);
		trie_clear(&m->versions[i].trie);
	}
	free(m);
	assert_int_equal(live_items, 0);
}

static void versions_agree_with_model(void **state)
{
	(void)state;
	run_model(good_hash);
}

static void versions_agree_with_model_when_hashes_collide(void **state)
{
	(void)state;
	run_model(bad_hash);
}

static void a_shared_version_keeps_what_it_had(void **state)
{
	struct trie before;
	struct trie after;
	uint32_t key = 5;

	(void)state;
	trie_init(&before, &items);
	trie_put(&before, good_hash(key), &key,
		 new_item(good_hash(key), key, 1));
	trie_share(&after, &before);

	trie_put(&after, good_hash(key), &key,
		 new_item(good_hash(key), key, 2));

	assert_int_equal(
		((struct item *)trie_find(&before, good_hash(key), &key))
			->value,
		1);
	assert_int_equal(
		((struct item *)trie_find(&after, good_hash(key), &key))->value,
		2);
	trie_clear(&before);
	trie_clear(&after);
	assert_int_equal(live_items, 0);
}

static void only_what_changed_is_told(void **state)
{
	struct version before = { 0 };
	struct version after = { 0 };
	struct told told = { .before = &before, .after = &after };
	uint32_t changed = 17;

	(void)state;
	trie_init(&before.trie, &items);
	for (uint32_t key = 0; key < KEYS; key++) {
		trie_put(&before.trie, good_hash(key), &key,
			 new_item(good_hash(key), key, 1));
		before.values[key] = 1;
	}
	trie_share(&after.trie, &before.trie);
	memcpy(after.values, before.values, sizeof(after.values));
	trie_put(&after.trie, good_hash(changed), &changed,
		 new_item(good_hash(changed), changed, 2));
	after.values[changed] = 2;

	trie_each_change(&before.trie, &after.trie, note_change, &told);

	assert_int_equal(told.count, 1);
	trie_clear(&before.trie);
	trie_clear(&after.trie);
	assert_int_equal(live_items, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shared_version_keeps_what_it_had),
		cmocka_unit_test(only_what_changed_is_told),
		cmocka_unit_test(versions_agree_with_model),
		cmocka_unit_test(versions_agree_with_model_when_hashes_collide),
	};

	return cmocka_run_group_tests_name("trie", tests, NULL, NULL);
}
