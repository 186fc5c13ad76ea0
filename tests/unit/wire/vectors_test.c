/*
 * vectors_test.c - frames and batches recorded from Apache Kafka 4.2.0 and its
 * clients: each decodes to what its file says, and encodes to its very bytes
 *
 * A file (tests/vectors/, see its README) is a list of "name: value" lines,
 * then "hex:" and "decoded:" with indented lines.  What was decoded is written
 * down here as the same "path = value" lines, and the two are compared
 * sorted, since tables keep tagged fields behind the others.
 */
#include "wire/wire.h"

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "wire/desc.h"
#include "wire/messages.h"

#define FOLDER "tests/vectors"

/* Lists of lines */

struct lines {
	char **items;
	size_t count;
};

static void lines_add(struct lines *lines, char *line)
{
	lines->items = realloc(lines->items,
			       (lines->count + 1) * sizeof(*lines->items));
	assert_non_null(lines->items);
	lines->items[lines->count++] = line;
}

static void lines_clear(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->items[i]);
	free(lines->items);
	*lines = (struct lines){ 0 };
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void assert_same_lines(const char *file, struct lines *got,
			      struct lines *want)
{
	qsort(got->items, got->count, sizeof(char *), by_text);
	qsort(want->items, want->count, sizeof(char *), by_text);
	for (size_t i = 0; i < got->count && i < want->count; i++) {
		if (strcmp(got->items[i], want->items[i]) != 0)
			fail_msg("%s: '%s' should be '%s'", file, got->items[i],
				 want->items[i]);
	}
	if (got->count != want->count)
		fail_msg("%s: %zu lines, not %zu", file, got->count,
			 want->count);
}

/* Files */

struct vector {
	char *file;
	char *api; /* "0 Produce"; NULL for a batch */
	int16_t version;
	bool is_request;
	size_t leftover;
	struct buffer bytes;
	struct lines decoded;
};

static uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void take_hex(struct vector *v, const char *text)
{
	for (; text[0] != '\0' && text[1] != '\0'; text += 2)
		buffer_put_u8(&v->bytes, (uint8_t)(hex_digit(text[0]) << 4 |
						   hex_digit(text[1])));
}

static void take_head(struct vector *v, const char *line)
{
	if (v->api == NULL && strncmp(line, "api: ", 5) == 0)
		v->api = strdup(line + 5);
	else if (strncmp(line, "version: ", 9) == 0)
		v->version = (int16_t)strtol(line + 9, NULL, 10);
	else if (strncmp(line, "leftover: ", 10) == 0)
		v->leftover = strtoul(line + 10, NULL, 10);
	else if (strcmp(line, "direction: request") == 0)
		v->is_request = true;
}

static void vector_read(struct vector *v, const char *name)
{
	char path[512];
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;
	enum { HEAD, HEX, DECODED } part = HEAD;
	FILE *file;

	*v = (struct vector){ .file = strdup(name) };
	snprintf(path, sizeof(path), FOLDER "/%s", name);
	file = fopen(path, "r");
	assert_non_null(file);
	while ((len = getline(&line, &capacity, file)) > 0) {
		line[len - 1] = '\0';
		if (strcmp(line, "hex:") == 0)
			part = HEX;
		else if (strcmp(line, "decoded:") == 0)
			part = DECODED;
		else if (part == HEAD)
			take_head(v, line);
		else if (part == HEX)
			take_hex(v, line + 2);
		else
			lines_add(&v->decoded, strdup(line + 2));
	}
	free(line);
	fclose(file);
}

static void vector_clear(struct vector *v)
{
	free(v->file);
	free(v->api);
	buffer_clear(&v->bytes);
	lines_clear(&v->decoded);
}

/* Call on_vector for each file; returns how many. */
static int each_vector(bool batches, void (*on_vector)(struct vector *v))
{
	DIR *folder = opendir(FOLDER);
	struct dirent *entry;
	int count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		bool is_batch = strncmp(entry->d_name, "batch_", 6) == 0;
		struct vector v;

		if (strstr(entry->d_name, ".txt") == NULL ||
		    is_batch != batches)
			continue;
		vector_read(&v, entry->d_name);
		on_vector(&v);
		vector_clear(&v);
		count++;
	}
	closedir(folder);
	return count;
}

/* Values as the files write them */

__attribute__((format(printf, 3, 4))) static void say(struct lines *out,
						      const char *path,
						      const char *format, ...)
{
	char *value;
	char *line;
	va_list args;

	va_start(args, format);
	assert_true(vasprintf(&value, format, args) >= 0);
	va_end(args);
	assert_true(asprintf(&line, "%s = %s", path, value) >= 0);
	lines_add(out, line);
	free(value);
}

static void say_hex(struct lines *out, const char *path, struct slice bytes)
{
	struct buffer text = { 0 };

	buffer_put_text(&text, "0x");
	for (size_t i = 0; i < bytes.len; i++)
		buffer_printf(&text, "%02x", bytes.data[i]);
	say(out, path, "%s", buffer_text(&text));
	buffer_clear(&text);
}

/* As Python's json.dumps(): ASCII alone. */
static void say_text(struct lines *out, const char *path, struct slice s)
{
	json_t *json = json_stringn((const char *)s.data, s.len);
	char *text;

	assert_non_null(json);
	text = json_dumps(json, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	say(out, path, "%s", text);
	free(text);
	json_decref(json);
}

/* As Python's repr(): the shortest that reads back the same. */
static void say_double(struct lines *out, const char *path, double value)
{
	char text[64];

	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	if (strpbrk(text, "e") != NULL)
		snprintf(text, sizeof(text), "%.0f", value);
	say(out, path, strpbrk(text, ".n") == NULL ? "%s.0" : "%s", text);
}

/* Recursion goes over the tables. */
/* NOLINTBEGIN(misc-no-recursion) */
static void say_struct(struct lines *out, const char *path,
		       const struct wire_desc *d, int16_t version,
		       const void *base);

static void say_scalar(struct lines *out, const char *path,
		       const struct wire_field *f, int16_t version,
		       const void *at)
{
	const struct slice *s = at;
	const struct wire_records *records = at;
	char *inner;

	switch ((enum wire_op)f->type) {
	case WIRE_OP_BOOL:
		say(out, path, "%s", *(const bool *)at ? "true" : "false");
		return;
	case WIRE_OP_INT8:
		say(out, path, "%d", *(const int8_t *)at);
		return;
	case WIRE_OP_INT16:
		say(out, path, "%d", *(const int16_t *)at);
		return;
	case WIRE_OP_UINT16:
		say(out, path, "%d", *(const uint16_t *)at);
		return;
	case WIRE_OP_INT32:
		say(out, path, "%" PRId32, *(const int32_t *)at);
		return;
	case WIRE_OP_UINT32:
		say(out, path, "%" PRIu32, *(const uint32_t *)at);
		return;
	case WIRE_OP_INT64:
		say(out, path, "%" PRId64, *(const int64_t *)at);
		return;
	case WIRE_OP_FLOAT64:
		say_double(out, path, *(const double *)at);
		return;
	case WIRE_OP_UUID:
		say_hex(out, path, (struct slice){ at, UUID_BYTES });
		return;
	case WIRE_OP_STRING:
	case WIRE_OP_BYTES:
		if (s->data == NULL)
			say(out, path, "null");
		else if (f->type == WIRE_OP_STRING)
			say_text(out, path, *s);
		else
			say_hex(out, path, *s);
		return;
	case WIRE_OP_RECORDS:
		assert_true(asprintf(&inner, "%s.bytes", path) >= 0);
		if (records->data == NULL)
			say(out, path, "null");
		else if (records->len == 0)
			say(out, path, "0x");
		else
			say(out, inner, "%zu", records->len);
		free(inner);
		return;
	default:
		say_struct(out, path, f->desc, version, at);
		return;
	}
}

static void say_array(struct lines *out, const char *path,
		      const struct wire_field *f, int16_t version,
		      const void *at)
{
	const uint8_t *items;
	int32_t count;

	memcpy(&items, at, sizeof(items));
	memcpy(&count, (const uint8_t *)at + sizeof(items), sizeof(count));
	if (count < 0) {
		say(out, path, "null");
		return;
	}
	say(out, path, "[%" PRId32 "]", count);
	for (int32_t i = 0; i < count; i++) {
		char *inner;

		assert_true(asprintf(&inner, "%s[%" PRId32 "]", path, i) >= 0);
		say_scalar(out, inner, f, version,
			   items + (size_t)i * wire_elem_size(f));
		free(inner);
	}
}

static void say_field(struct lines *out, const char *path,
		      const struct wire_field *f, int16_t version,
		      const void *at)
{
	const void *inner;

	if (f->op == WIRE_OP_ARRAY) {
		say_array(out, path, f, version, at);
	} else if (f->op == WIRE_OP_POINTER) {
		memcpy(&inner, at, sizeof(inner));
		if (inner == NULL)
			say(out, path, "null");
		else
			say_struct(out, path, f->desc, version, inner);
	} else {
		say_scalar(out, path, f, version, at);
	}
}

static void say_struct(struct lines *out, const char *path,
		       const struct wire_desc *d, int16_t version,
		       const void *base)
{
	size_t count = (size_t)d->plain_count + d->tagged_count;

	for (size_t i = 0; i < count; i++) {
		const struct wire_field *f = &d->fields[i];
		char *inner;

		if (!wire_field_in(f, version))
			continue;
		assert_true(asprintf(&inner, "%s.%s", path, f->name) >= 0);
		say_field(out, inner, f, version, wire_at(base, f));
		free(inner);
	}
}

/* NOLINTEND(misc-no-recursion) */

/* Frames */

/* The lines but for what is inside of records, which is lib/record's. */
static struct lines without_batches(const struct lines *all)
{
	struct lines some = { 0 };

	for (size_t i = 0; i < all->count; i++) {
		if (strstr(all->items[i], ".batches") == NULL)
			lines_add(&some, strdup(all->items[i]));
	}
	return some;
}

static void check_json(const char *file, const struct wire_desc *d,
		       int16_t version, const void *message)
{
	struct buffer text = { 0 };
	json_error_t error;
	json_t *json;

	assert_int_equal(wire_print_json(d, version, message, &text), 0);
	json = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL,
			  &error);
	if (json == NULL)
		fail_msg("%s: %s", file, error.text);
	json_decref(json);
	buffer_clear(&text);
}

/* Decode one part of a frame, say its lines, and encode it again. */
static int64_t check_part(const struct vector *v, const char *path,
			  const struct wire_desc *d, int16_t version,
			  struct slice bytes, struct lines *out)
{
	struct arena arena = { 0 };
	struct buffer again = { 0 };
	void *message = malloc(wire_desc_size(d));
	int64_t taken = wire_decode(d, version, bytes, &arena, message);

	if (taken < 0)
		fail_msg("%s: %s does not decode: %" PRId64, v->file, path,
			 taken);
	say_struct(out, path, d, version, message);
	check_json(v->file, d, version, message);
	assert_int_equal(wire_size(d, version, message), taken);
	assert_int_equal(wire_encode(d, version, message, &again, NULL), 0);
	if (again.len != (size_t)taken ||
	    memcmp(again.data, bytes.data, again.len) != 0)
		fail_msg("%s: %s encodes to other bytes", v->file, path);
	buffer_clear(&again);
	arena_clear(&arena);
	free(message);
	return taken;
}

static void check_frame(struct vector *v)
{
	const struct wire_api *api =
		wire_api((int16_t)strtol(v->api, NULL, 10));
	struct slice bytes = buffer_slice(&v->bytes);
	struct lines got = { 0 };
	struct lines want = without_batches(&v->decoded);
	int16_t head_version;
	int64_t taken;

	assert_non_null(api);
	assert_string_equal(strchr(v->api, ' ') + 1, api->name);
	if (v->is_request)
		head_version = wire_request_header_version(api, v->version);
	else
		head_version = wire_response_header_version(api, v->version);
	taken = check_part(v, "header",
			   v->is_request ? &request_header_desc
					 : &response_header_desc,
			   head_version, bytes, &got);
	bytes.data += taken;
	bytes.len -= (size_t)taken;
	taken = check_part(v, "body",
			   v->is_request ? api->request : api->response,
			   v->version, bytes, &got);
	assert_int_equal(bytes.len - (size_t)taken, v->leftover);
	assert_same_lines(v->file, &got, &want);
	lines_clear(&got);
	lines_clear(&want);
}

static void every_frame_decodes_to_what_it_says_and_back(void **state)
{
	(void)state;
	assert_true(each_vector(false, check_frame) > 1000);
}

/* Batches: the keys and values of their records */

static const struct wire_desc *record_of(const char *name)
{
	size_t count;
	const struct wire_desc *const *records = wire_records(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(wire_desc_name(records[i]), name) == 0)
			return records[i];
	}
	fail_msg("no record %s", name);
	return NULL;
}

static struct lines lines_below(const struct lines *all, const char *path)
{
	struct lines some = { 0 };
	size_t len = strlen(path);

	for (size_t i = 0; i < all->count; i++) {
		if (strncmp(all->items[i], path, len) == 0 &&
		    all->items[i][len] == '.')
			lines_add(&some, strdup(all->items[i]));
	}
	return some;
}

/* Decode the bytes with the framing of d; returns the version. */
static int16_t decode_framed(const struct wire_desc *d, struct slice bytes,
			     struct arena *arena, void **message_out)
{
	const struct wire_desc *found;
	int16_t version;

	if (d->framing == WIRE_FRAMING_METADATA) {
		assert_int_equal(wire_metadata_decode(bytes, arena, &found,
						      &version, message_out),
				 0);
		assert_ptr_equal(found, d);
		return version;
	}
	*message_out = arena_alloc(arena, wire_desc_size(d));
	assert_int_equal(
		wire_versioned_decode(d, bytes, arena, &version, *message_out),
		bytes.len);
	return version;
}

static void encode_framed(const struct wire_desc *d, int16_t version,
			  const void *message, struct buffer *out)
{
	int rc = d->framing == WIRE_FRAMING_METADATA
			 ? wire_metadata_encode(d, version, message, out)
			 : wire_versioned_encode(d, version, message, out);

	assert_int_equal(rc, 0);
}

static int framed_count;

/* A key or value whose lines start with path. */
static void check_framed(const struct vector *v, const char *path,
			 struct slice bytes)
{
	struct lines want = lines_below(&v->decoded, path);
	struct lines got = { 0 };
	struct arena arena = { 0 };
	struct buffer again = { 0 };
	char *name = NULL;
	char *inner;
	const struct wire_desc *d;
	int16_t version;
	void *message;

	for (size_t i = 0; i < want.count && name == NULL; i++) {
		char *mark = strstr(want.items[i], ".record = \"");

		if (mark != NULL)
			name = strndup(mark + 11, strcspn(mark + 11, "\""));
	}
	if (name == NULL) { /* not a record of ours */
		lines_clear(&want);
		return;
	}
	d = record_of(name);
	version = decode_framed(d, bytes, &arena, &message);
	assert_true(asprintf(&inner, "%s.fields", path) >= 0);
	say_struct(&got, inner, d, version, message);
	free(inner);
	assert_true(asprintf(&inner, "%s.record", path) >= 0);
	say(&got, inner, "\"%s\"", name);
	free(inner);
	assert_true(asprintf(&inner, "%s.version", path) >= 0);
	say(&got, inner, "%d", version);
	free(inner);
	assert_same_lines(v->file, &got, &want);

	encode_framed(d, version, message, &again);
	if (!slice_equal(buffer_slice(&again), bytes))
		fail_msg("%s: %s encodes to other bytes", v->file, path);
	framed_count++;
	buffer_clear(&again);
	arena_clear(&arena);
	lines_clear(&want);
	lines_clear(&got);
	free(name);
}

/* A bare walk over an uncompressed batch, so that this test needs lib/wire
 * alone. */
static int64_t take_varint(struct slice *bytes)
{
	int64_t value = 0;
	size_t n = varint_get(bytes->data, bytes->len, &value);

	assert_true(n > 0);
	bytes->data += n;
	bytes->len -= n;
	return value;
}

static struct slice take_slice(struct slice *bytes)
{
	int64_t len = take_varint(bytes);
	struct slice s = { bytes->data, (size_t)len };

	if (len < 0)
		return SLICE_NULL;
	assert_true(s.len <= bytes->len);
	bytes->data += len;
	bytes->len -= s.len;
	return s;
}

enum { RECORDS_COUNT_AT = 57, RECORDS_AT = 61, ATTRIBUTES_AT = 21 };

static void check_batch(struct vector *v)
{
	struct slice rest = buffer_slice(&v->bytes);
	uint32_t count;

	if (rest.data == NULL || rest.len < RECORDS_AT) {
		fail_msg("%s holds no batch", v->file);
		return;
	}
	count = get_be32(rest.data + RECORDS_COUNT_AT);
	if ((get_be16(rest.data + ATTRIBUTES_AT) & 7) != 0)
		return; /* compressed: lib/record's test */
	rest.data += RECORDS_AT;
	rest.len -= RECORDS_AT;
	for (uint32_t i = 0; i < count; i++) {
		struct slice record = take_slice(&rest);
		struct slice key;
		struct slice value;
		char path[64];

		record.data++; /* attributes */
		record.len--;
		take_varint(&record);
		take_varint(&record);
		key = take_slice(&record);
		value = take_slice(&record);
		snprintf(path, sizeof(path), "batch.records[%u].key", i);
		check_framed(v, path, key);
		snprintf(path, sizeof(path), "batch.records[%u].value", i);
		check_framed(v, path, value);
	}
}

static void every_record_of_kafkas_own_topics_does_too(void **state)
{
	(void)state;
	framed_count = 0;
	assert_true(each_vector(true, check_batch) > 50);
	assert_true(framed_count > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_decodes_to_what_it_says_and_back),
		cmocka_unit_test(every_record_of_kafkas_own_topics_does_too),
	};

	return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
