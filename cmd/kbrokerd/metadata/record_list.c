/*
 * record_list.c - metadata records, encoded, before they are in the log
 */
#include "record_list.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "record/builder.h"
#include "wire/messages.h"

void record_list_clear(struct record_list *list)
{
	buffer_clear(&list->bytes);
	free(list->ends);
	*list = (struct record_list){ 0 };
}

void record_list_reset(struct record_list *list)
{
	record_list_cut(list, 0);
}

static int reserve_end(struct record_list *list)
{
	size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
	size_t *ends;

	if (list->count < list->capacity)
		return 0;
	ends = realloc(list->ends, capacity * sizeof(*ends));
	if (ends == NULL)
		return -ENOMEM;
	list->ends = ends;
	list->capacity = capacity;
	return 0;
}

void record_list_add(struct record_list *list, const struct wire_desc *desc,
		     int16_t version, const void *message)
{
	if (list->error == 0)
		list->error = reserve_end(list);
	if (list->error == 0)
		list->error = wire_metadata_encode(desc, version, message,
						   &list->bytes);
	if (list->error == 0)
		list->ends[list->count++] = list->bytes.len;
}

void record_list_add_bytes(struct record_list *list, struct slice value)
{
	if (list->error == 0)
		list->error = reserve_end(list);
	if (list->error != 0)
		return;
	buffer_put(&list->bytes, value.data, value.len);
	if (list->bytes.failed)
		list->error = -ENOMEM;
	else
		list->ends[list->count++] = list->bytes.len;
}

void record_list_cut(struct record_list *list, size_t count)
{
	assert(count <= list->count);
	list->count = count;
	buffer_reset(&list->bytes);
	if (count > 0)
		list->bytes.len = list->ends[count - 1];
	list->error = 0;
}

struct slice record_list_at(const struct record_list *list, size_t i)
{
	size_t start = i == 0 ? 0 : list->ends[i - 1];

	assert(i < list->count);
	return (struct slice){ list->bytes.data + start,
			       list->ends[i] - start };
}

static struct batch_params params_of(int64_t base_offset, int32_t epoch,
				     int16_t attributes)
{
	return (struct batch_params){
		.base_offset = base_offset,
		.leader_epoch = epoch,
		.attributes = attributes,
		.codec = CODEC_NONE,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
	};
}

int record_list_batch(const struct record_list *list, size_t first, size_t end,
		      int64_t base_offset, int32_t epoch, int64_t now_ms,
		      struct buffer *out)
{
	struct batch_params params = params_of(base_offset, epoch, 0);
	struct batch_builder builder;
	int rc = 0;

	batch_builder_init(&builder);
	for (size_t i = first; i < end && rc == 0; i++)
		rc = batch_builder_add(&builder, now_ms, SLICE_NULL,
				       record_list_at(list, i), NULL, 0);
	if (rc == 0)
		rc = batch_builder_finish(&builder, &params, out);
	batch_builder_clear(&builder);
	return rc;
}

static int add_control(struct batch_builder *builder,
		       const struct control_record *record, int64_t now_ms)
{
	struct control_record_key key = { .type = record->type };
	struct slice value = record->value;
	struct buffer key_bytes = { 0 };
	struct buffer value_bytes = { 0 };
	int rc = wire_versioned_encode(&control_record_key_desc, 0, &key,
				       &key_bytes);

	if (rc == 0 && record->desc != NULL) {
		rc = wire_versioned_encode(record->desc, 0, record->message,
					   &value_bytes);
		value = buffer_slice(&value_bytes);
	}
	if (rc == 0)
		rc = batch_builder_add(builder, now_ms,
				       buffer_slice(&key_bytes), value, NULL,
				       0);
	buffer_clear(&key_bytes);
	buffer_clear(&value_bytes);
	return rc;
}

int control_batch(const struct control_record *records, size_t count,
		  int64_t base_offset, int32_t epoch, int64_t now_ms,
		  struct buffer *out)
{
	struct batch_params params =
		params_of(base_offset, epoch, BATCH_CONTROL);
	struct batch_builder builder;
	int rc = 0;

	batch_builder_init(&builder);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = add_control(&builder, &records[i], now_ms);
	if (rc == 0)
		rc = batch_builder_finish(&builder, &params, out);
	batch_builder_clear(&builder);
	return rc;
}
