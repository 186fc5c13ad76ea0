/*
 * input.c - received bytes that are no whole request yet
 *
 * What is left of a read is kept in the cheapest way: nothing, a few bytes
 * (stash), the pool's buffer, or, for a request larger than that, a buffer
 * that grows as bytes come, so that a lying size costs nothing.  All but the
 * first is taken from the budget; when that is at its end the connection
 * starves: it is not read from until its thread feeds it.
 */
#include "kbrokerd/server/input.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/server.h"

enum {
	STASH_MAX = 4096, /* bytes that are cheap to copy twice */
	FRAME_START_MIN = 16
			  << 10, /* received of it, before it gets a buffer */
	HELD_MAX = 64,           /* pool buffers of a thread with a part in */
};

static struct budget *budget_of(const struct conn *conn)
{
	return &conn->thread->server->budget;
}

void input_free(struct conn *conn)
{
	struct input *in = &conn->in;

	if (in->kind == INPUT_POOL)
		receive_pool_give(&conn->thread->receive_pool, in->data);
	else
		free(in->data);
	if (in->charged > 0)
		budget_give(budget_of(conn), in->charged);
	*in = (struct input){ 0 };
	if (conn->thread->exempt == conn)
		conn->thread->exempt = NULL;
}

size_t input_frame_bytes(const struct conn *conn, size_t at)
{
	const struct input *in = &conn->in;
	uint32_t size;

	if (in->len - at < FRAME_SIZE_BYTES)
		return 0;
	size = get_be32(in->data + at);
	if (size > (uint32_t)conn->thread->server->config->request_bytes_max)
		return 0;
	return size + FRAME_SIZE_BYTES;
}

static bool charge(struct conn *conn, uint32_t size, bool force)
{
	if (force)
		budget_force(budget_of(conn), size);
	else if (!budget_take(budget_of(conn), size))
		return false;
	conn->in.charged += size;
	return true;
}

static void starve(struct conn *conn)
{
	io_thread_starve(conn->thread, conn);
	conn_mark(conn);
}

/* Keep len bytes from at in memory of just that size. */
static int stash(struct conn *conn, size_t at, size_t len)
{
	struct input *in = &conn->in;
	uint8_t *copy = malloc(len);

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, in->data + at, len);
	input_free(conn);
	in->kind = INPUT_STASH;
	in->data = copy;
	in->len = in->capacity = (uint32_t)len;
	if (!charge(conn, (uint32_t)len, false)) {
		charge(conn, (uint32_t)len, true);
		starve(conn);
	}
	return 0;
}

/* A larger buffer for a frame of so many bytes.  -EAGAIN: no budget. */
static int grow_frame(struct conn *conn, size_t frame, bool force)
{
	struct input *in = &conn->in;
	size_t capacity = (size_t)in->capacity * 2;
	uint8_t *data;

	if (capacity < (size_t)RECEIVE_BYTES * 2)
		capacity = (size_t)RECEIVE_BYTES * 2;
	if (capacity > frame)
		capacity = frame;
	assert(capacity > 0);
	if (!charge(conn, (uint32_t)(capacity - in->charged), force))
		return -EAGAIN;
	data = realloc(in->kind == INPUT_FRAME ? in->data : NULL, capacity);
	if (data == NULL)
		return -ENOMEM;
	in->kind = INPUT_FRAME;
	in->data = data;
	in->capacity = (uint32_t)capacity;
	in->frame = (uint32_t)frame;
	return 0;
}

/* Move a frame that starts in a pool buffer or stash to one of its own. */
static int begin_frame(struct conn *conn, size_t frame, bool force)
{
	struct input *in = &conn->in;
	uint8_t *from = in->data;
	bool pooled = in->kind == INPUT_POOL;
	int rc;

	in->kind = INPUT_NONE;
	rc = grow_frame(conn, frame, force);
	if (rc < 0) {
		in->kind = pooled ? INPUT_POOL : INPUT_STASH;
		return rc;
	}
	memcpy(in->data, from, in->len);
	if (pooled)
		receive_pool_give(&conn->thread->receive_pool, from);
	else
		free(from);
	return 0;
}

/* Does the frame at the front need a buffer of its own, or a larger one? */
static bool wants_room(const struct conn *conn)
{
	const struct input *in = &conn->in;
	size_t frame = input_frame_bytes(conn, 0);

	if (in->kind == INPUT_FRAME)
		return in->len == in->capacity && in->len < in->frame;
	return frame > RECEIVE_BYTES && in->len < frame &&
	       in->len >= FRAME_START_MIN;
}

static int make_room(struct conn *conn, bool force)
{
	if (conn->in.kind == INPUT_FRAME)
		return grow_frame(conn, conn->in.frame, force);
	return begin_frame(conn, input_frame_bytes(conn, 0), force);
}

bool input_feed(struct conn *conn, bool force)
{
	int rc = 0;

	if (wants_room(conn))
		rc = make_room(conn, force);
	else if (!force && !budget_take(budget_of(conn), 0))
		rc = -EAGAIN;
	if (rc == -ENOMEM)
		conn_fail(conn, "out of memory", -1, -1, SLICE_NULL);
	return rc == 0;
}

void input_keep(struct conn *conn, size_t at)
{
	struct input *in = &conn->in;
	size_t rest = in->len - at;
	int rc = 0;

	if (rest == 0) {
		input_free(conn);
		return;
	}
	if (in->kind == INPUT_POOL &&
	    (rest <= STASH_MAX || conn->mute != NULL ||
	     conn->thread->receive_pool.held > HELD_MAX)) {
		rc = stash(conn, at, rest);
	} else {
		if (at > 0)
			memmove(in->data, in->data + at, rest);
		in->len = (uint32_t)rest;
		if (in->kind == INPUT_POOL && in->charged == 0 &&
		    !charge(conn, RECEIVE_BYTES, false))
			rc = stash(conn, 0, rest);
	}
	if (rc == 0 && !conn->stalled && wants_room(conn))
		rc = make_room(conn, false);
	if (rc == -EAGAIN)
		starve(conn);
	else if (rc < 0)
		conn_fail(conn, "out of memory", -1, -1, SLICE_NULL);
}

int input_prepare(struct conn *conn)
{
	struct input *in = &conn->in;
	struct input stashed = *in;
	uint8_t *buffer;

	if (in->kind == INPUT_POOL || in->kind == INPUT_FRAME)
		return 0;
	buffer = receive_pool_take(&conn->thread->receive_pool);
	if (buffer == NULL)
		return -ENOMEM;
	if (stashed.len > 0)
		memcpy(buffer, stashed.data, stashed.len);
	input_free(conn);
	in->kind = INPUT_POOL;
	in->data = buffer;
	in->len = stashed.len;
	in->capacity = RECEIVE_BYTES;
	return 0;
}

bool input_is_stuck(const struct conn *conn, int64_t since_us)
{
	return conn->in.kind != INPUT_NONE && conn->reading &&
	       conn->heard_us < since_us;
}

int input_shrink(struct conn *conn)
{
	if (conn->in.kind != INPUT_POOL)
		return 0;
	return stash(conn, 0, conn->in.len);
}
