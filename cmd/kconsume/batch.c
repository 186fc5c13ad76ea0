/*
 * batch.c - the records that a command gets at once
 */
#include "kconsume/batch.h"

#include <errno.h>
#include <stdlib.h>

void batch_clear(struct batch *b)
{
	buffer_clear(&b->bytes);
	free(b->records);
	arena_clear(&b->arena);
	*b = (struct batch){ 0 };
}

void batch_reset(struct batch *b)
{
	buffer_reset(&b->bytes);
	arena_reset(&b->arena);
	b->count = 0;
}

static bool keep(struct batch *b, struct slice *bytes)
{
	bool was_null = slice_is_null(*bytes);

	if (b->keeps_records)
		*bytes = arena_copy(&b->arena, *bytes);
	else
		*bytes = SLICE_NULL;
	return !b->keeps_records || was_null || !slice_is_null(*bytes);
}

/* Mostly it is the topic of the record before. */
static const char *keep_topic(struct batch *b, const char *topic)
{
	if (b->count > 0 && strcmp(b->records[b->count - 1].topic, topic) == 0)
		return b->records[b->count - 1].topic;
	return arena_text(&b->arena, slice_of(topic));
}

static int grow(struct batch *b)
{
	size_t capacity = b->capacity == 0 ? 64 : b->capacity * 2;
	struct batch_record *records =
		reallocarray(b->records, capacity, sizeof(*records));

	if (records == NULL)
		return -ENOMEM;
	b->records = records;
	b->capacity = capacity;
	return 0;
}

int batch_add(struct batch *b, const struct consumer_record *record)
{
	struct batch_record own = {
		.partition = record->partition,
		.record = record->record,
	};

	if (b->bytes.failed || (b->count == b->capacity && grow(b) < 0))
		return -ENOMEM;
	own.topic = keep_topic(b, record->topic);
	if (own.topic == NULL || !keep(b, &own.record.key) ||
	    !keep(b, &own.record.value) || !keep(b, &own.record.headers))
		return -ENOMEM;
	b->records[b->count++] = own;
	return 0;
}

bool batch_is_full(const struct batch *b)
{
	return b->bytes.len >= BATCH_BYTES_MAX || b->count >= BATCH_RECORDS_MAX;
}

static void describe_place(const struct batch_record *r, struct buffer *out)
{
	buffer_printf(out, "%s [%d] %lld", r->topic, r->partition,
		      (long long)r->record.offset);
}

void batch_describe(const struct batch *b, struct buffer *out)
{
	buffer_printf(out, "%zu record%s", b->count, b->count == 1 ? "" : "s");
	if (b->count == 0)
		return;
	buffer_put_text(out, ": ");
	describe_place(&b->records[0], out);
	if (b->count == 1)
		return;
	buffer_put_text(out, " to ");
	describe_place(&b->records[b->count - 1], out);
}
