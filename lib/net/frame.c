/*
 * frame.c - memory of received frames
 *
 * Only large buffers are kept to be used again: the small ones come from the
 * heap cheaply, the large ones as fresh pages that the kernel has to clear.
 */
#include "net/frame_conn.h"

#include <stdlib.h>

enum {
	FRAME_KEEP_BYTES_MIN = 64 << 10,
	FRAME_KEEP_COUNT_MAX = 4,
	FRAME_ROUND_BYTES = 64 << 10,
};

/* The first spare that has room for len, out of the pool; or NULL. */
static struct frame *take_spare(struct frame_pool *pool, size_t len)
{
	struct frame *frame;

	SLIST_FOREACH(frame, &pool->spares, spare)
	{
		if (frame->capacity < len)
			continue;
		SLIST_REMOVE(&pool->spares, frame, frame, spare);
		pool->count--;
		return frame;
	}
	return NULL;
}

static void release(struct frame *frame)
{
	free(frame->data);
	free(frame);
}

static struct frame *make(size_t capacity)
{
	struct frame *frame = calloc(1, sizeof(*frame));

	if (frame == NULL)
		return NULL;
	frame->data = malloc(capacity > 0 ? capacity : 1);
	frame->capacity = capacity;
	if (frame->data == NULL) {
		free(frame);
		return NULL;
	}
	return frame;
}

struct frame *frame_new(struct frame_pool *pool, size_t len)
{
	struct frame *frame = NULL;
	size_t capacity = len;

	if (pool != NULL && len >= FRAME_KEEP_BYTES_MIN) {
		frame = take_spare(pool, len);
		capacity = (len + FRAME_ROUND_BYTES - 1) / FRAME_ROUND_BYTES *
			   FRAME_ROUND_BYTES;
	}
	if (frame == NULL)
		frame = make(capacity);
	if (frame == NULL)
		return NULL;
	frame->len = len;
	frame->pool = pool;
	return frame;
}

void frame_free(struct frame *frame)
{
	struct frame_pool *pool;

	if (frame == NULL)
		return;
	pool = frame->pool;
	if (pool == NULL || frame->capacity < FRAME_KEEP_BYTES_MIN) {
		release(frame);
		return;
	}
	/* The newest is the likeliest to have the size wanted next. */
	if (pool->count == FRAME_KEEP_COUNT_MAX) {
		struct frame *old = SLIST_FIRST(&pool->spares);

		SLIST_REMOVE_HEAD(&pool->spares, spare);
		pool->count--;
		release(old);
	}
	SLIST_INSERT_HEAD(&pool->spares, frame, spare);
	pool->count++;
}

void frame_pool_clear(struct frame_pool *pool)
{
	struct frame *frame;

	while ((frame = SLIST_FIRST(&pool->spares)) != NULL) {
		SLIST_REMOVE_HEAD(&pool->spares, spare);
		release(frame);
	}
	pool->count = 0;
}
