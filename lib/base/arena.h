/*
 * arena.h - memory that is freed as a whole
 *
 * A request's decoded message lives in one: many small allocations, one reset.
 * Blocks double from the first size; a reset keeps the largest block unless it
 * is over the keep limit, so that a big request does not stay in memory.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"

enum { ARENA_KEEP_BYTES = 64 << 10 };

struct arena_block;

struct arena {
	struct arena_block *block; /* the newest; NULL until the first use */
	size_t used;               /* bytes handed out of it */
	size_t total;              /* bytes of all blocks */
	size_t limit;              /* most bytes of all blocks; 0 is none */
	bool is_over; /* an allocation was refused because of the limit */
};

/* All zeroes is an empty arena without limit. */
void arena_init(struct arena *a, size_t limit);

/* Free all; usable again. */
void arena_clear(struct arena *a);

/* Forget all that was allocated; keep one block of up to ARENA_KEEP_BYTES. */
void arena_reset(struct arena *a);

/*
 * size bytes aligned for any type, not zeroed, valid until reset or clear;
 * NULL when memory or the limit is out.  Size 0 gives a valid pointer.
 */
void *arena_alloc(struct arena *a, size_t size);

/* The same, zeroed; for count elements of size, checked for overflow. */
void *arena_calloc(struct arena *a, size_t count, size_t size);

/* A copy of the bytes of s; null stays null.  NULL data also on no memory. */
struct slice arena_copy(struct arena *a, struct slice s);

/* A copy of s as C string, or NULL. */
char *arena_text(struct arena *a, struct slice s);

/* printf(3) into the arena; NULL when out of memory. */
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *a,
							 const char *format,
							 ...);

#endif /* BASE_ARENA_H */
