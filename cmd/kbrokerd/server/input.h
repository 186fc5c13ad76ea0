/*
 * input.h - received bytes that are no whole request yet
 *
 * A part of a connection.
 */
#ifndef KBROKERD_SERVER_INPUT_H
#define KBROKERD_SERVER_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

enum { FRAME_SIZE_BYTES = 4 }; /* in front of a frame */

/* Where they are. */
enum input_kind {
	INPUT_NONE,
	INPUT_POOL,  /* a buffer of the thread's receive pool */
	INPUT_STASH, /* a few bytes, in memory of just that size */
	INPUT_FRAME, /* a frame larger than a pool buffer, growing */
};

/* All zeroes is an empty one. */
struct input {
	uint8_t *data;
	uint32_t len, capacity;
	uint32_t frame; /* INPUT_FRAME: bytes of the whole frame */
	enum input_kind kind;
	uint32_t charged; /* taken from the budget */
};

/* Drop the bytes, give the memory back. */
void input_free(struct conn *conn);

/* Make a place to receive into, behind the bytes.  Returns 0 or -ENOMEM. */
int input_prepare(struct conn *conn);

/* Bytes of the frame that starts at at, its size's included; 0 when they are
 * not known or not lawful. */
size_t input_frame_bytes(const struct conn *conn, size_t at);

/*
 * Keep the bytes from at on.  The connection fails when there is no memory,
 * and starves when there is no budget.
 */
void input_keep(struct conn *conn, size_t at);

/* Leave the thread's pool.  Returns 0 or -ENOMEM; it may starve then. */
int input_shrink(struct conn *conn);

/* Try for the memory it starves for, beyond the budget with force.  Returns
 * whether it has got it. */
bool input_feed(struct conn *conn, bool force);

/* Is there half a request, of which nothing came since then? */
bool input_is_stuck(const struct conn *conn, int64_t since_us);

#endif /* KBROKERD_SERVER_INPUT_H */
