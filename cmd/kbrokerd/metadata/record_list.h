/*
 * record_list.h - metadata records, encoded, before they are in the log
 */
#ifndef KBROKERD_METADATA_RECORD_LIST_H
#define KBROKERD_METADATA_RECORD_LIST_H

#include "base/buffer.h"
#include "wire/wire.h"

/* All zeroes is an empty list. */
struct record_list {
	struct buffer bytes; /* values, back to back */
	size_t *ends;        /* where each ends */
	size_t count;
	size_t capacity;
	int error; /* of the first add that failed; nothing is added after */
};

void record_list_clear(struct record_list *list);
void record_list_reset(struct record_list *list);

/* Add a record; errors are told by list->error at the end. */
void record_list_add(struct record_list *list, const struct wire_desc *desc,
		     int16_t version, const void *message);

/* The same with a record that is encoded already. */
void record_list_add_bytes(struct record_list *list, struct slice value);

/* Drop all but the first count, and the error. */
void record_list_cut(struct record_list *list, size_t count);

struct slice record_list_at(const struct record_list *list, size_t i);

/*
 * Append one batch with records first to end - 1 to out, its base offset
 * and epoch as given, or with -EOVERFLOW nothing.
 */
int record_list_batch(const struct record_list *list, size_t first, size_t end,
		      int64_t base_offset, int32_t epoch, int64_t now_ms,
		      struct buffer *out);

/*
 * Append a batch of control records to out: keys of that type, message being
 * the value (of the leading-field framing).
 */
struct control_record {
	int16_t type;
	const struct wire_desc *desc; /* NULL: value is encoded already */
	const void *message;
	struct slice value;
};
int control_batch(const struct control_record *records, size_t count,
		  int64_t base_offset, int32_t epoch, int64_t now_ms,
		  struct buffer *out);

#endif /* KBROKERD_METADATA_RECORD_LIST_H */
