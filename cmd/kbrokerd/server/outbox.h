/*
 * outbox.h - the answers of a connection that are not sent yet
 *
 * Encoded bytes in one buffer, and between them slices of segment files that
 * go from the page cache to the socket by sendfile(2).  Answers of one read
 * are gathered here and leave in as few system calls as can be.
 */
#ifndef KBROKERD_SERVER_OUTBOX_H
#define KBROKERD_SERVER_OUTBOX_H

#include "log/log.h"
#include "wire/wire.h"

struct outbox {
	struct buffer bytes;
	struct wire_holes holes;  /* where the slices belong */
	struct log_slice *slices; /* one for each hole; references */
	size_t slice_capacity;
	size_t sent;      /* of the bytes */
	size_t hole;      /* the first that is not sent whole */
	size_t hole_sent; /* of it */
	struct outbox *next;
};

/* All zeroes is an empty one. */
void outbox_clear(struct outbox *o);

/* Drop what is unsent; keep memory, but no more than a little. */
void outbox_reset(struct outbox *o);

static inline bool outbox_is_empty(const struct outbox *o)
{
	return o->sent == o->bytes.len && o->hole == o->holes.count;
}

/* Bytes of memory that wait to be sent. */
static inline size_t outbox_unsent(const struct outbox *o)
{
	return o->bytes.len - o->sent +
	       (o->holes.count - o->hole) * sizeof(struct log_slice);
}

/*
 * Append a response frame: size, header and message.  The slices that the
 * message's records name become the outbox's, whatever is returned.  Returns
 * the frame's bytes, slices included, or -ENOMEM, -EOVERFLOW, -ENOTSUP with
 * nothing appended.
 */
int64_t outbox_put(struct outbox *o, const struct wire_api *api,
		   int16_t version, int32_t correlation_id,
		   const void *message);

/* Move all of from, of which nothing is sent, to the end of o.  Returns 0 or
 * -ENOMEM with both as they were. */
int outbox_join(struct outbox *o, struct outbox *from);

/*
 * Send what the socket takes.  Returns 0 when all is sent, -EAGAIN when the
 * socket is full, or the error of the connection.
 */
int outbox_flush(struct outbox *o, int fd);

#endif /* KBROKERD_SERVER_OUTBOX_H */
