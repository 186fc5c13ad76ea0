/*
 * framing.c - records of internal topics and of the metadata log: what stands
 * in front of their fields (internal_topics.def, metadata_records.def,
 * records.def)
 */
#include "wire/wire.h"

#include <errno.h>

#include "wire/codec.h"
#include "wire/tables.h"

enum { METADATA_FRAME_VERSION = 1 };

/* Encode prefix bytes and message, or nothing at all. */
static int encode_after(struct slice prefix, const struct wire_desc *desc,
			int16_t version, const void *message,
			struct buffer *out)
{
	size_t len = out->len;
	int rc;

	buffer_put(out, prefix.data, prefix.len);
	if (out->failed)
		return -ENOMEM;
	rc = wire_encode(desc, version, message, out, NULL);
	if (rc < 0)
		out->len = len;
	return rc;
}

int wire_metadata_encode(const struct wire_desc *desc, int16_t version,
			 const void *message, struct buffer *out)
{
	uint8_t prefix[3 * VARINT32_BYTES_MAX];
	size_t len;

	assert(desc->framing == WIRE_FRAMING_METADATA);
	if (!wire_has_version(desc, version))
		return -ENOTSUP;
	len = uvarint_put(prefix, METADATA_FRAME_VERSION);
	len += uvarint_put(prefix + len, (uint64_t)desc->type_id);
	len += uvarint_put(prefix + len, (uint64_t)version);
	return encode_after((struct slice){ prefix, len }, desc, version,
			    message, out);
}

/* Take a uvarint of at most high off the front of *bytes. */
static int take_uvarint(struct slice *bytes, uint64_t high, uint64_t *value_out)
{
	size_t n = uvarint_get(bytes->data, bytes->len, value_out);

	if (n == 0 || n > VARINT32_BYTES_MAX)
		return -EBADMSG;
	bytes->data += n;
	bytes->len -= n;
	return *value_out > high ? -ENOTSUP : 0;
}

static int take_metadata_prefix(struct slice *value,
				const struct wire_desc **desc_out,
				int16_t *version_out)
{
	uint64_t frame_version;
	uint64_t type_id;
	uint64_t version;
	int rc;

	rc = take_uvarint(value, METADATA_FRAME_VERSION, &frame_version);
	if (rc == 0 && frame_version != METADATA_FRAME_VERSION)
		rc = -ENOTSUP;
	if (rc == 0)
		rc = take_uvarint(value, wire_metadata_table_count - 1,
				  &type_id);
	if (rc == 0)
		rc = take_uvarint(value, INT16_MAX, &version);
	if (rc < 0)
		return rc;
	*desc_out = wire_metadata_table[type_id];
	*version_out = (int16_t)version;
	return *desc_out == NULL ? -ENOTSUP : 0;
}

int wire_metadata_decode(struct slice value, struct arena *arena,
			 const struct wire_desc **desc_out,
			 int16_t *version_out, void **message_out)
{
	int rc = take_metadata_prefix(&value, desc_out, version_out);
	int64_t taken;

	if (rc < 0)
		return rc;
	*message_out = arena_alloc(arena, (*desc_out)->size);
	if (*message_out == NULL)
		return -ENOMEM;
	taken = wire_decode(*desc_out, *version_out, value, arena,
			    *message_out);
	if (taken < 0)
		return (int)taken;
	return (size_t)taken == value.len ? 0 : -EBADMSG;
}

int wire_versioned_encode(const struct wire_desc *desc, int16_t version,
			  const void *message, struct buffer *out)
{
	uint8_t prefix[2];

	switch ((enum wire_framing)desc->framing) {
	case WIRE_FRAMING_TYPE_ID:
		put_be16(prefix, (uint16_t)desc->type_id);
		break;
	case WIRE_FRAMING_VERSION:
		put_be16(prefix, (uint16_t)version);
		break;
	default:
		return wire_encode(desc, version, message, out, NULL);
	}
	return encode_after((struct slice){ prefix, sizeof(prefix) }, desc,
			    version, message, out);
}

int64_t wire_versioned_decode(const struct wire_desc *desc, struct slice value,
			      struct arena *arena, int16_t *version_out,
			      void *message)
{
	enum wire_framing framing = desc->framing;
	int16_t number;
	size_t prefix = 2;
	int64_t taken;

	assert(framing == WIRE_FRAMING_TYPE_ID ||
	       framing == WIRE_FRAMING_VERSION ||
	       framing == WIRE_FRAMING_LEADING_FIELD);
	if (value.len < 2)
		return -EBADMSG;
	number = (int16_t)get_be16(value.data);
	if (framing == WIRE_FRAMING_TYPE_ID) {
		if (number != desc->type_id)
			return -ENOTSUP;
		number = 0;
	} else if (framing == WIRE_FRAMING_LEADING_FIELD) {
		prefix = 0;
	}
	*version_out = number;
	value.data += prefix;
	value.len -= prefix;
	taken = wire_decode(desc, number, value, arena, message);
	return taken < 0 ? taken : taken + (int64_t)prefix;
}
