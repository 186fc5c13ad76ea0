/*
 * wire_fuzz.c - any bytes as any message of any version
 *
 * Input: one byte of kind (0 request, 1 response, 2 record by number, 3 value
 * of a metadata record), one byte of api key or record number, one byte of
 * version, then the message.  What decodes must stay within
 * wire_decode_bound(), encode to wire_size() bytes, and decode from them to
 * an equal message; what comes out of that encodes to the same bytes again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/wire.h"

enum { KIND_REQUEST, KIND_RESPONSE, KIND_RECORD, KIND_METADATA };

/* The first block of an arena; blocks double, so four times what is used. */
enum { ARENA_FIRST = 2048, ARENA_FACTOR = 4 };

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what))                                                   \
			abort();                                               \
	} while (0)

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wire_desc *desc_of(uint8_t kind, uint8_t number)
{
	const struct wire_desc *const *records;
	const struct wire_api *api;
	size_t count;

	if (kind == KIND_RECORD) {
		records = wire_records(&count);
		return number < count ? records[number] : NULL;
	}
	api = wire_api(number);
	if (api == NULL)
		return NULL;
	return kind == KIND_REQUEST ? api->request : api->response;
}

static void check_law(const struct wire_desc *d, size_t len,
		      const struct arena *arena)
{
	CHECK(arena->total <=
	      ARENA_FIRST + ARENA_FACTOR * wire_decode_bound(d, len));
}

/* The way back: encode, decode, compare, encode. */
static void check_message(const struct wire_desc *d, int16_t version,
			  const void *message)
{
	struct buffer once = { 0 };
	struct buffer twice = { 0 };
	struct buffer json = { 0 };
	struct arena arena = { 0 };
	void *back = malloc(wire_desc_size(d));

	CHECK(back != NULL);
	CHECK(wire_encode(d, version, message, &once, NULL) == 0);
	CHECK(once.len == wire_size(d, version, message));
	CHECK(wire_decode(d, version, buffer_slice(&once), &arena, back) ==
	      (int64_t)once.len);
	CHECK(wire_equal(d, version, message, back));
	CHECK(wire_encode(d, version, back, &twice, NULL) == 0);
	CHECK(slice_equal(buffer_slice(&once), buffer_slice(&twice)) ||
	      once.len == 0);
	CHECK(wire_print_json(d, version, message, &json) == 0);
	free(back);
	arena_clear(&arena);
	buffer_clear(&once);
	buffer_clear(&twice);
	buffer_clear(&json);
}

/* With little memory the same comes out, or that it is too little. */
static void fuzz_budget(const struct wire_desc *d, int16_t version,
			struct slice bytes, int64_t taken, void *message)
{
	struct arena arena = { .limit = ARENA_FIRST + 2 * bytes.len };
	int64_t again = wire_decode(d, version, bytes, &arena, message);

	CHECK(again == taken || again == -EMSGSIZE);
	CHECK(arena.total <= arena.limit);
	arena_clear(&arena);
}

static void fuzz_message(const struct wire_desc *d, int16_t version,
			 struct slice bytes)
{
	struct arena arena = { 0 };
	void *message = malloc(wire_desc_size(d));
	int64_t taken;

	CHECK(message != NULL);
	taken = wire_decode(d, version, bytes, &arena, message);
	check_law(d, bytes.len, &arena);
	if (taken >= 0) {
		CHECK(taken <= (int64_t)bytes.len);
		check_message(d, version, message);
	} else {
		CHECK(taken == -EBADMSG || taken == -ENOTSUP);
	}
	arena_clear(&arena);
	fuzz_budget(d, version, bytes, taken, message);
	free(message);
}

static void fuzz_metadata(struct slice bytes)
{
	struct arena arena = { 0 };
	const struct wire_desc *d;
	int16_t version;
	void *message;
	int rc = wire_metadata_decode(bytes, &arena, &d, &version, &message);

	if (rc == 0)
		check_message(d, version, message);
	else
		CHECK(rc == -EBADMSG || rc == -ENOTSUP);
	arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wire_desc *d;
	struct slice bytes = { data + 3, size - 3 };

	if (size < 3)
		return -1;
	if (data[0] == KIND_METADATA) {
		fuzz_metadata(bytes);
		return 0;
	}
	if (data[0] > KIND_METADATA)
		return -1;
	d = desc_of(data[0], data[1]);
	if (d == NULL)
		return -1;
	fuzz_message(d, (int16_t)data[2], bytes);
	return 0;
}
