/*
 * log_read.c - where in which file a reader finds its records
 *
 * An offset becomes a position in three steps, each of which may end it: the
 * places remembered (a reader at the end asks for where it stopped, and the
 * high watermark is where a sync began), the offset index, and headers read
 * from there on.
 */
#include "log/log.h"

#include <assert.h>
#include <errno.h>

#include "log/log_private.h"

void log_forget_places(struct log *log)
{
	for (size_t i = 0; i < PLACES_KEPT; i++)
		log->places[i].base_offset = -1;
}

/* The position of offset in s if it is remembered, or -1. */
static int64_t recall_place(const struct log *log, const struct segment *s,
			    int64_t offset)
{
	for (size_t i = 0; i < PLACES_KEPT; i++) {
		const struct place *p = &log->places[i];

		if (p->offset == offset && p->base_offset == s->base_offset)
			return p->position;
	}
	return -1;
}

void log_remember_place(struct log *log, const struct segment *s,
			int64_t offset, int64_t position)
{
	if (recall_place(log, s, offset) >= 0)
		return;
	log->places[log->next_place] = (struct place){
		.offset = offset,
		.base_offset = s->base_offset,
		.position = position,
	};
	log->next_place = (uint8_t)((log->next_place + 1) % PLACES_KEPT);
}

/* Close the file of the sealed segment that was longest not read, of those
 * that nobody holds, when too many are open. */
static void close_unused(struct log *log)
{
	struct segment *oldest = NULL;
	size_t open = 0;

	for (size_t i = 0; i + 1 < log->segment_count; i++) {
		struct segment *s = log->segments[i];

		if (s->fd < 0 || atomic_load_explicit(&s->references,
						      memory_order_acquire) > 1)
			continue;
		open++;
		if (oldest == NULL || s->last_used < oldest->last_used)
			oldest = s;
	}
	if (open > SEALED_OPEN_MAX)
		segment_close_file(oldest);
}

int log_open_segment_file(struct log *log, struct segment *s)
{
	bool was_open = s->fd >= 0;
	int rc;

	s->last_used = ++log->reads;
	rc = segment_open_file(s);
	if (rc == 0 && !was_open)
		close_unused(log);
	return rc;
}

int log_locate(struct log *log, struct segment *s, int64_t offset,
	       struct located *found_out)
{
	uint8_t window[BATCH_WINDOW_BYTES];
	struct offset_position from;
	struct batch_cursor c;
	int rc;

	*found_out = (struct located){ recall_place(log, s, offset), 0 };
	if (found_out->position >= 0)
		return 0;
	rc = segment_lookup(s, offset, &from);
	if (rc == 0)
		rc = log_open_segment_file(log, s);
	if (rc < 0)
		return rc;
	batch_cursor_init(&c, s, from.position, s->size, window,
			  sizeof(window));
	while ((rc = batch_cursor_next(&c)) == 1) {
		if (batch_last_offset(&c.header) < offset)
			continue;
		*found_out = (struct located){ c.position, c.header.size };
		return 0;
	}
	*found_out = (struct located){ s->size, 0 };
	return rc;
}

/* The size of the batch at position. */
static int batch_size_at(struct segment *s, int64_t position, int64_t *size_out)
{
	uint8_t window[BATCH_HEADER_BYTES];
	struct batch_cursor c;
	int rc;

	batch_cursor_init(&c, s, position, s->size, window, sizeof(window));
	rc = batch_cursor_next(&c);
	if (rc == 1)
		*size_out = c.header.size;
	return rc == 1 ? 0 : rc == 0 ? -EBADMSG : rc;
}

/* Where in segment i what lies below end_offset ends. */
static int locate_end(struct log *log, size_t i, int64_t end_offset,
		      int64_t *end_out)
{
	struct segment *s = log->segments[i];
	struct located found;
	int rc;

	*end_out = s->size;
	if (end_offset >= log_segment_end(log, i))
		return 0;
	rc = log_locate(log, s, end_offset, &found);
	if (rc == 0) {
		*end_out = found.position;
		log_remember_place(log, s, end_offset, found.position);
	}
	return rc;
}

/* Find the batch that holds offset or follows it: in the segment at *i, or,
 * where that ends in a gap, at the start of the next. */
static int locate_start(struct log *log, size_t *i, int64_t offset,
			struct located *found)
{
	int rc = log_locate(log, log->segments[*i], offset, found);

	while (rc == 0 && found->position == log->segments[*i]->size &&
	       *i + 1 < log->segment_count) {
		++*i;
		rc = log_locate(log, log->segments[*i], offset, found);
	}
	return rc;
}

/* How many of the bytes from found on to give out. */
static int limit_length(struct segment *s, struct located *found,
			int64_t end_position, size_t max_bytes,
			bool at_least_one, size_t *len_out)
{
	int64_t len = end_position - found->position;
	int rc;

	*len_out = len <= 0 ? 0 : (size_t)len;
	if (*len_out <= max_bytes)
		return 0;
	if (found->size == 0) {
		rc = batch_size_at(s, found->position, &found->size);
		if (rc < 0)
			return rc;
	}
	*len_out = max_bytes;
	if (max_bytes < (uint64_t)found->size)
		*len_out = at_least_one ? (size_t)found->size : 0;
	return 0;
}

/* Fill the slice from a log that holds offset below end_offset. */
static int read_at(struct log *log, int64_t offset, size_t max_bytes,
		   int64_t end_offset, bool at_least_one,
		   struct log_slice *slice)
{
	size_t i = log_segment_of(log, offset);
	struct located found;
	int64_t end_position;
	struct segment *s;
	size_t len = 0;
	int rc = locate_start(log, &i, offset, &found);

	if (rc < 0)
		return rc;
	s = log->segments[i];
	rc = locate_end(log, i, end_offset, &end_position);
	if (rc == 0)
		rc = log_open_segment_file(log, s);
	if (rc == 0)
		rc = limit_length(s, &found, end_position, max_bytes,
				  at_least_one, &len);
	if (rc < 0 || len == 0)
		return rc;
	slice->segment = segment_retain(s);
	slice->fd = s->fd;
	slice->position = found.position;
	slice->len = len;
	/* Who read to the end comes back for what follows it. */
	if (i + 1 == log->segment_count &&
	    found.position + (int64_t)len == s->size)
		log_remember_place(log, s, log->end_offset, s->size);
	return 0;
}

int log_read(struct log *log, int64_t offset, size_t max_bytes,
	     int64_t end_offset, bool at_least_one, struct log_slice *slice_out)
{
	*slice_out = (struct log_slice){ .fd = -1 };
	if (offset < log->start_offset || offset > log->end_offset)
		return -ERANGE;
	if (end_offset > log->end_offset)
		end_offset = log->end_offset;
	if (offset >= end_offset || log->segment_count == 0)
		return 0;
	return read_at(log, offset, max_bytes, end_offset, at_least_one,
		       slice_out);
}

void log_slice_release(struct log_slice *slice)
{
	segment_release(slice->segment);
	*slice = (struct log_slice){ .fd = -1 };
}

void log_slice_retain(struct log_slice *slice)
{
	if (slice->segment != NULL)
		segment_retain(slice->segment);
}

/* About where offset is, without reading. */
static int64_t guess_position(const struct log *log, size_t i, int64_t offset)
{
	const struct segment *s = log->segments[i];
	int64_t position;

	if (offset >= log_segment_end(log, i))
		return s->size;
	position = recall_place(log, s, offset);
	if (position >= 0)
		return position;
	return s->resident ? offset_index_lookup(&s->offsets, offset).position
			   : 0;
}

int64_t log_bytes_between(const struct log *log, int64_t from_offset,
			  int64_t to_offset)
{
	int64_t bytes = 0;
	size_t first;
	size_t last;

	if (from_offset < log->start_offset)
		from_offset = log->start_offset;
	if (to_offset > log->end_offset)
		to_offset = log->end_offset;
	if (from_offset >= to_offset || log->segment_count == 0)
		return 0;
	first = log_segment_of(log, from_offset);
	last = log_segment_of(log, to_offset - 1);
	for (size_t i = first; i < last; i++)
		bytes += log->segments[i]->size;
	bytes += guess_position(log, last, to_offset);
	bytes -= guess_position(log, first, from_offset);
	return bytes > 0 ? bytes : 1;
}
