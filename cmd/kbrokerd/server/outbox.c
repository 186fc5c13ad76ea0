/*
 * outbox.c - the answers of a connection that are not sent yet
 *
 * Between any two calls:
 *  - there are as many slices as holes, and holes lie by rising place
 *  - slices below hole have been released
 *  - sent is not beyond the place of the first unsent hole
 */
#include "kbrokerd/server/outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

enum {
	OUTBOX_KEEP_BYTES = 64 << 10,
	OUTBOX_KEEP_HOLES = 256,
	SIZE_BYTES = 4 /* in front of a frame */
};

static void drop_unsent(struct outbox *o)
{
	for (size_t i = o->hole; i < o->holes.count; i++)
		log_slice_release(&o->slices[i]);
	o->holes.count = 0;
	o->sent = 0;
	o->hole = 0;
	o->hole_sent = 0;
}

void outbox_clear(struct outbox *o)
{
	drop_unsent(o);
	buffer_clear(&o->bytes);
	wire_holes_clear(&o->holes);
	free(o->slices);
	*o = (struct outbox){ 0 };
}

void outbox_reset(struct outbox *o)
{
	drop_unsent(o);
	if (o->bytes.capacity > OUTBOX_KEEP_BYTES ||
	    o->slice_capacity > OUTBOX_KEEP_HOLES)
		outbox_clear(o);
	else
		buffer_reset(&o->bytes);
}

static int reserve_slices(struct outbox *o, size_t count)
{
	size_t capacity = o->slice_capacity == 0 ? 8 : o->slice_capacity;
	struct log_slice *slices;

	while (capacity < count)
		capacity *= 2;
	if (capacity == o->slice_capacity)
		return 0;
	slices = realloc(o->slices, capacity * sizeof(*slices));
	if (slices == NULL)
		return -ENOMEM;
	o->slices = slices;
	o->slice_capacity = capacity;
	return 0;
}

/* Take over the slices of the holes from first on.  Returns their bytes, or
 * -ENOMEM with the slices released. */
static int64_t adopt_slices(struct outbox *o, size_t first)
{
	int rc = reserve_slices(o, o->holes.count);
	int64_t total = 0;

	for (size_t i = first; i < o->holes.count; i++) {
		const struct wire_hole *hole = &o->holes.items[i];
		struct log_slice slice = *(struct log_slice *)hole->file;

		assert(hole->len <= slice.len);
		if (rc < 0) {
			log_slice_release(&slice);
			continue;
		}
		o->slices[i] = slice;
		total += (int64_t)hole->len;
	}
	return rc < 0 ? rc : total;
}

static int encode(struct outbox *o, const struct wire_api *api, int16_t version,
		  int32_t correlation_id, const void *message)
{
	buffer_put_be32(&o->bytes, 0); /* the size, when it is known */
	buffer_put_be32(&o->bytes, (uint32_t)correlation_id);
	if (wire_response_header_version(api, version) >= 1)
		buffer_put_u8(&o->bytes, 0); /* no tagged fields */
	return wire_encode(api->response, version, message, &o->bytes,
			   &o->holes);
}

int64_t outbox_put(struct outbox *o, const struct wire_api *api,
		   int16_t version, int32_t correlation_id, const void *message)
{
	size_t start = o->bytes.len;
	size_t first = o->holes.count;
	int rc = encode(o, api, version, correlation_id, message);
	int64_t file_bytes = adopt_slices(o, first);
	int64_t size;

	if (rc == 0 && o->bytes.failed)
		rc = -ENOMEM;
	if (rc == 0 && file_bytes < 0)
		rc = (int)file_bytes;
	size = (int64_t)(o->bytes.len - start) - SIZE_BYTES + file_bytes;
	if (rc == 0 && size > INT32_MAX)
		rc = -EOVERFLOW;
	if (rc == 0) {
		put_be32(o->bytes.data + start, (uint32_t)size);
		return size + SIZE_BYTES;
	}
	for (size_t i = first; file_bytes >= 0 && i < o->holes.count; i++)
		log_slice_release(&o->slices[i]);
	o->bytes.len = start;
	o->bytes.failed = false;
	o->holes.count = first;
	return rc;
}

static int reserve_holes(struct outbox *o, size_t count)
{
	size_t capacity = o->holes.capacity == 0 ? 8 : o->holes.capacity;
	struct wire_hole *items;

	while (capacity < count)
		capacity *= 2;
	if (capacity == o->holes.capacity)
		return 0;
	items = realloc(o->holes.items, capacity * sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	o->holes.items = items;
	o->holes.capacity = capacity;
	return 0;
}

int outbox_join(struct outbox *o, struct outbox *from)
{
	size_t start = o->bytes.len;
	size_t count = o->holes.count;

	assert(from->sent == 0 && from->hole == 0 && from->hole_sent == 0);
	if (from->holes.count > 0 &&
	    (reserve_holes(o, count + from->holes.count) < 0 ||
	     reserve_slices(o, count + from->holes.count) < 0))
		return -ENOMEM;
	buffer_put(&o->bytes, from->bytes.data, from->bytes.len);
	if (o->bytes.failed) {
		o->bytes.failed = false;
		o->bytes.len = start;
		return -ENOMEM;
	}
	for (size_t i = 0; i < from->holes.count; i++) {
		o->holes.items[count + i] = from->holes.items[i];
		o->holes.items[count + i].at += start;
		o->slices[count + i] = from->slices[i];
	}
	o->holes.count += from->holes.count;
	from->holes.count = 0;
	buffer_reset(&from->bytes);
	return 0;
}

/* Send bytes up to end.  Returns 0 or a negative errno. */
static int send_bytes(struct outbox *o, int fd, size_t end, bool more)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);

	while (o->sent < end) {
		ssize_t n =
			send(fd, o->bytes.data + o->sent, end - o->sent, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		o->sent += (size_t)n;
	}
	return 0;
}

/* Send the first unsent hole's file bytes. */
static int send_slice(struct outbox *o, int fd)
{
	const struct wire_hole *hole = &o->holes.items[o->hole];
	struct log_slice *slice = &o->slices[o->hole];

	while (o->hole_sent < hole->len) {
		off_t from = slice->position + (off_t)o->hole_sent;
		ssize_t n = sendfile(fd, slice->fd, &from,
				     hole->len - o->hole_sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* 0: the file has been cut, which none may do */
			return n == 0 ? -EIO : -errno;
		o->hole_sent += (size_t)n;
	}
	log_slice_release(slice);
	o->hole++;
	o->hole_sent = 0;
	return 0;
}

int outbox_flush(struct outbox *o, int fd)
{
	while (!outbox_is_empty(o)) {
		bool more = o->hole < o->holes.count;
		size_t end = more ? o->holes.items[o->hole].at : o->bytes.len;
		int rc = send_bytes(o, fd, end, more);

		if (rc == 0 && more)
			rc = send_slice(o, fd);
		if (rc < 0)
			return rc;
	}
	return 0;
}
