/*
 * wire.c - what tables say of themselves, and the table of apis
 */
#include "wire/wire.h"

#include "wire/codec.h"
#include "wire/tables.h"

enum { API_VERSIONS_KEY = 18 };

const char *wire_desc_name(const struct wire_desc *desc)
{
	return desc->name;
}

size_t wire_desc_size(const struct wire_desc *desc)
{
	return desc->size;
}

int16_t wire_desc_min_version(const struct wire_desc *desc)
{
	return desc->min_version;
}

int16_t wire_desc_max_version(const struct wire_desc *desc)
{
	return desc->max_version;
}

int16_t wire_desc_offset(const struct wire_desc *desc, const char *field)
{
	int count = desc->plain_count + desc->tagged_count;

	for (int i = 0; i < count; i++) {
		if (strcmp(desc->fields[i].name, field) == 0)
			return (int16_t)desc->fields[i].offset;
	}
	return -1;
}

bool wire_desc_is_flexible(const struct wire_desc *desc, int16_t version)
{
	return wire_is_flexible(desc, version);
}

int16_t wire_desc_type_id(const struct wire_desc *desc)
{
	return desc->type_id;
}

int32_t wire_int32(const struct wire_desc *desc, const void *message,
		   const char *name, int32_t otherwise)
{
	const struct wire_field *end =
		desc->fields + desc->plain_count + desc->tagged_count;

	for (const struct wire_field *f = desc->fields; f < end; f++) {
		if (f->op == WIRE_OP_INT32 && strcmp(f->name, name) == 0)
			return *(const int32_t *)wire_at(message, f);
	}
	return otherwise;
}

void wire_init(const struct wire_desc *desc, void *message)
{
	memcpy(message, desc->defaults, desc->size);
}

void *wire_array(const struct wire_desc *elem, struct arena *arena,
		 int32_t count)
{
	size_t bytes;
	uint8_t *items;

	assert(count >= 0);
	if (__builtin_mul_overflow((size_t)count, elem->size, &bytes))
		return NULL;
	items = arena_alloc(arena, bytes);
	if (items == NULL)
		return NULL;
	for (size_t i = 0; i < (size_t)count; i++)
		wire_init(elem, items + i * elem->size);
	return items;
}

const struct wire_api *wire_api(int16_t key)
{
	if (key < 0 || (size_t)key >= wire_api_table_count)
		return NULL;
	assert(wire_api_table[key].key == key);
	return &wire_api_table[key];
}

const struct wire_api *wire_apis(size_t *count_out)
{
	*count_out = wire_api_table_count;
	return wire_api_table;
}

const struct wire_desc *const *wire_records(size_t *count_out)
{
	*count_out = wire_record_table_count;
	return wire_record_table;
}

int16_t wire_request_header_version(const struct wire_api *api, int16_t version)
{
	return version >= api->flexible_from ? 2 : 1;
}

/* A client reads the answer to ApiVersions before it knows what the broker
 * speaks, so its header never changed. */
int16_t wire_response_header_version(const struct wire_api *api,
				     int16_t version)
{
	if (api->key == API_VERSIONS_KEY)
		return 0;
	return version >= api->flexible_from ? 1 : 0;
}
