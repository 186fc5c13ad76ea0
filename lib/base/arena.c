/*
 * arena.c - memory that is freed as a whole
 *
 * Blocks hang in a list, the newest first, and only the newest is handed out
 * from; what is left of an older one is given up.  Since sizes double that is
 * never more than half.
 */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_FIRST_BYTES = 2048, ARENA_ALIGN = 16 };

struct arena_block {
	struct arena_block *older;
	size_t size; /* of bytes */
	_Alignas(ARENA_ALIGN) uint8_t bytes[];
};

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){ .limit = limit };
}

void arena_clear(struct arena *a)
{
	while (a->block != NULL) {
		struct arena_block *block = a->block;

		a->block = block->older;
		free(block);
	}
	a->used = 0;
	a->total = 0;
	a->is_over = false;
}

void arena_reset(struct arena *a)
{
	struct arena_block *kept = NULL;

	while (a->block != NULL) {
		struct arena_block *block = a->block;

		a->block = block->older;
		if (block->size <= ARENA_KEEP_BYTES &&
		    (kept == NULL || block->size > kept->size)) {
			free(kept);
			kept = block;
		} else {
			free(block);
		}
	}
	if (kept != NULL)
		kept->older = NULL;
	a->block = kept;
	a->used = 0;
	a->total = kept == NULL ? 0 : kept->size;
	a->is_over = false;
}

/* How large the next block is to be, for size bytes at least; 0 for none. */
static size_t next_size(const struct arena *a, size_t size)
{
	size_t want = a->block == NULL ? ARENA_FIRST_BYTES : a->block->size * 2;
	size_t left = a->limit == 0 ? SIZE_MAX : a->limit - a->total;

	if (size > left)
		return 0;
	if (want > left)
		want = left;
	return want < size ? size : want;
}

static int add_block(struct arena *a, size_t size)
{
	size_t block_size = next_size(a, size);
	struct arena_block *block;

	a->is_over = a->is_over || block_size == 0;
	if (block_size == 0 || block_size > SIZE_MAX / 2)
		return -1;
	block = malloc(sizeof(*block) + block_size);
	if (block == NULL)
		return -1;
	block->older = a->block;
	block->size = block_size;
	a->block = block;
	a->used = 0;
	a->total += block_size;
	return 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *at;

	if (size > SIZE_MAX - ARENA_ALIGN)
		return NULL;
	size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (size == 0)
		size = ARENA_ALIGN;
	if (a->block == NULL || size > a->block->size - a->used) {
		if (add_block(a, size) < 0)
			return NULL;
	}
	at = a->block->bytes + a->used;
	a->used += size;
	assert(a->used <= a->block->size);
	return at;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
	size_t bytes;
	void *at;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	at = arena_alloc(a, bytes);
	if (at != NULL)
		memset(at, 0, bytes);
	return at;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	uint8_t *copy;

	if (slice_is_null(s))
		return SLICE_NULL;
	copy = arena_alloc(a, s.len);
	if (copy == NULL)
		return SLICE_NULL;
	memcpy(copy, s.data, s.len);
	return (struct slice){ copy, s.len };
}

char *arena_text(struct arena *a, struct slice s)
{
	char *text;

	if (slice_is_null(s) || s.len == SIZE_MAX)
		return NULL;
	text = arena_alloc(a, s.len + 1);
	if (text == NULL)
		return NULL;
	memcpy(text, s.data, s.len);
	text[s.len] = '\0';
	return text;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(len >= 0);

	text = arena_alloc(a, (size_t)len + 1);
	if (text == NULL)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}
