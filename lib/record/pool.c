/*
 * pool.c - what a thread keeps from one batch to the next
 *
 * The table hangs on a pthread key for its destructor's sake, and on a
 * thread-local pointer for speed.
 */
#include "record/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct pool {
	struct {
		void *object;
		void (*release)(void *);
	} kept[POOL_KINDS];
};

static pthread_key_t key;
static bool key_works;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static _Thread_local struct pool *own_pool;

static void on_thread_end(void *arg)
{
	struct pool *pool = arg;

	for (int kind = 0; kind < POOL_KINDS; kind++) {
		if (pool->kept[kind].object != NULL)
			pool->kept[kind].release(pool->kept[kind].object);
	}
	own_pool = NULL;
	free(pool);
}

static void make_key(void)
{
	key_works = pthread_key_create(&key, on_thread_end) == 0;
}

/* This thread's table, made at its first use; NULL when that fails. */
static struct pool *find_pool(void)
{
	struct pool *pool;

	if (own_pool != NULL)
		return own_pool;
	pthread_once(&key_once, make_key);
	if (!key_works)
		return NULL;
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL || pthread_setspecific(key, pool) != 0) {
		free(pool);
		return NULL;
	}
	own_pool = pool;
	return pool;
}

void *pool_take(enum pool_kind kind)
{
	void *object;

	assert(kind < POOL_KINDS);
	if (own_pool == NULL)
		return NULL;
	object = own_pool->kept[kind].object;
	own_pool->kept[kind].object = NULL;
	return object;
}

void pool_give(enum pool_kind kind, void *object, void (*release)(void *))
{
	struct pool *pool = find_pool();

	assert(kind < POOL_KINDS);
	if (pool == NULL || pool->kept[kind].object != NULL) {
		release(object);
		return;
	}
	pool->kept[kind].object = object;
	pool->kept[kind].release = release;
}
