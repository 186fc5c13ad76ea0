/*
 * error_walk.h - the error codes in an answer
 *
 * Of each API's response only the way to its error_code fields is kept, so
 * that looking at an answer costs next to nothing.
 */
#ifndef KBROKERD_METRICS_ERROR_WALK_H
#define KBROKERD_METRICS_ERROR_WALK_H

#include <stddef.h>
#include <stdint.h>

struct error_walk;
struct wire_desc;

/* NULL when out of memory.  Of a message without error codes it is one that
 * finds nothing. */
struct error_walk *error_walk_new(const struct wire_desc *desc);
void error_walk_free(struct error_walk *walk);

/* Call on_error for each code that is not 0 (NONE) in a message of desc. */
void error_walk_run(const struct error_walk *walk, const void *message,
		    void (*on_error)(void *arg, int16_t code), void *arg);

/* What the message says of throttling, ms; 0 when it cannot. */
int32_t error_walk_throttle_ms(const struct error_walk *walk,
			       const void *message);

#endif /* KBROKERD_METRICS_ERROR_WALK_H */
