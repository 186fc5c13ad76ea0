/*
 * scram_test.c - SCRAM credentials of users are set, removed and checked
 */
#include "metadata_kit.h"

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/image_scram.h"

enum {
	ALTER_USER_SCRAM_CREDENTIALS = 51,
	SHA_256 = WIRE_SCRAM_MECHANISM_SCRAM_SHA_256,
	SHA_512 = WIRE_SCRAM_MECHANISM_SCRAM_SHA_512,
	ASKED_MAX = 4
};

struct fixture {
	const struct image *image;
	struct record_list records;
	struct arena arena;
	int64_t next_offset;
};

static void commit(struct fixture *f)
{
	struct image *image = image_edit_begin(f->image);
	struct arena scratch = { 0 };

	for (size_t i = 0; i < f->records.count; i++)
		assert_int_equal(image_edit_apply_bytes(
					 image, record_list_at(&f->records, i),
					 &scratch),
				 0);
	f->next_offset += (int64_t)f->records.count;
	assert_int_equal(image_edit_end(image, f->next_offset - 1, 1, 5), 0);
	image_release(f->image);
	f->image = image;
	record_list_reset(&f->records);
	arena_clear(&scratch);
}

static void set_level(struct fixture *f, int16_t level)
{
	struct feature_level_record r;

	wire_init(&feature_level_record_desc, &r);
	r.name = slice_of("metadata.version");
	r.feature_level = level;
	record_list_add(&f->records, &feature_level_record_desc, 0, &r);
	commit(f);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	set_level(f, SCRAM_METADATA_LEVEL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	image_release(f->image);
	record_list_clear(&f->records);
	arena_clear(&f->arena);
	free(f);
	return 0;
}

/* What is asked for; user NULL ends the rows.  Iterations 0: a deletion. */
struct asked {
	const char *user;
	int8_t mechanism;
	int32_t iterations;
	const char *salted_password; /* NULL: one of the right size */
};

static struct alter_user_scram_credentials_request *request_of(
	struct fixture *f, const struct asked *asked)
{
	struct alter_user_scram_credentials_request *r =
		arena_calloc(&f->arena, 1, sizeof(*r));

	r->deletions =
		arena_calloc(&f->arena, ASKED_MAX, sizeof(*r->deletions));
	r->upsertions =
		arena_calloc(&f->arena, ASKED_MAX, sizeof(*r->upsertions));
	for (; asked->user != NULL; asked++) {
		struct alter_user_scram_credentials_request_upsertions *set =
			&r->upsertions[r->upsertions_count];

		if (asked->iterations == 0) {
			r->deletions[r->deletions_count].name =
				slice_of(asked->user);
			r->deletions[r->deletions_count++].mechanism =
				asked->mechanism;
			continue;
		}
		set->name = slice_of(asked->user);
		set->mechanism = asked->mechanism;
		set->iterations = asked->iterations;
		set->salt = slice_of("salt");
		set->salted_password =
			slice_of(asked->salted_password == NULL
					 ? "0123456789abcdef0123456789abcdef"
					 : asked->salted_password);
		r->upsertions_count++;
	}
	return r;
}

/* Returns how many records came of it. */
static size_t alter(struct fixture *f, const struct asked *asked,
		    struct alter_user_scram_credentials_response *response)
{
	struct controller c = { .image = f->image, .records = &f->records };
	struct metadata_change change = {
		.api_key = ALTER_USER_SCRAM_CREDENTIALS,
		.request = request_of(f, asked),
		.response = response,
		.arena = &f->arena,
	};
	size_t records;

	assert_int_equal(controller_decide(&c, &change), 0);
	records = f->records.count;
	commit(f);
	return records;
}

static void assert_row(
	const struct alter_user_scram_credentials_response *response, int32_t i,
	const char *user, int16_t code)
{
	assert_true(i < response->results_count);
	assert_true(slice_is(response->results[i].user, user));
	assert_int_equal(response->results[i].error_code, code);
	assert_true(slice_is_null(response->results[i].error_message) ==
		    (code == WIRE_NONE));
}

static bool has(struct fixture *f, const char *user, int8_t mechanism)
{
	const struct user_scram_credential_record *r;
	int rc =
		image_scram(f->image, slice_of(user), mechanism, &f->arena, &r);

	assert_true(rc == 0 || rc == -ENOENT);
	return rc == 0;
}

static void assert_bytes(struct slice bytes, const char *hex)
{
	struct buffer text = { 0 };

	for (size_t i = 0; i < bytes.len; i++)
		buffer_printf(&text, "%02x", bytes.data[i]);
	assert_string_equal(buffer_text(&text), hex);
	buffer_clear(&text);
}

/* The user, the salt and the password of RFC 7677, salted 4096 times. */
static void the_keys_are_those_of_rfc_7677(void **state)
{
	static const char salted[] =
		"\xc4\xa4\x95\x10\x32\x3a\xb4\xf9\x52\xca\xc1\xfa\x99\x44\x19"
		"\x39\xe7\x8e\xa7\x4d\x6b\xe8\x1d\xdf\x70\x96\xe8\x75\x13\xdc"
		"\x61\x5d";
	const struct asked asked[] = { { "user", SHA_256, 4096, salted },
				       { 0 } };
	struct alter_user_scram_credentials_response response;
	const struct user_scram_credential_record *r;
	struct fixture *f = *state;

	assert_int_equal(alter(f, asked, &response), 1);
	assert_row(&response, 0, "user", WIRE_NONE);
	assert_int_equal(
		image_scram(f->image, slice_of("user"), SHA_256, &f->arena, &r),
		0);
	assert_int_equal(r->iterations, 4096);
	assert_true(slice_is(r->salt, "salt"));
	assert_bytes(r->stored_key, "586e5df283e6dceb5c3e791d8b8528ec"
				    "191e664045ce971792e2e6b5bb13e2a6");
	assert_bytes(r->server_key, "c1f3cbc1c13a9d35a14c0990eed97629"
				    "ea225863e566a4314ab99f3f00e5d9d5");
}

static void what_cannot_be_is_refused_as_by_kafka(void **state)
{
	static const struct {
		struct asked asked;
		int16_t code;
	} rows[] = {
		{ { "", SHA_256, 4096, NULL }, WIRE_UNACCEPTABLE_CREDENTIAL },
		{ { "", 9, 0, NULL }, WIRE_UNACCEPTABLE_CREDENTIAL },
		{ { "u", SHA_256, 4095, NULL }, WIRE_UNACCEPTABLE_CREDENTIAL },
		{ { "u", SHA_512, 16385, NULL }, WIRE_UNACCEPTABLE_CREDENTIAL },
		{ { "u", SHA_512, -1, NULL }, WIRE_UNACCEPTABLE_CREDENTIAL },
		{ { "u", 0, 4096, NULL }, WIRE_UNSUPPORTED_SASL_MECHANISM },
		{ { "u", 3, 0, NULL }, WIRE_UNSUPPORTED_SASL_MECHANISM },
		{ { "u", -1, 4096, NULL }, WIRE_UNSUPPORTED_SASL_MECHANISM },
		{ { "u", SHA_256, 0, NULL }, WIRE_RESOURCE_NOT_FOUND },
		{ { "u", SHA_256, 4096, "" }, WIRE_UNKNOWN_SERVER_ERROR },
	};
	struct alter_user_scram_credentials_response response;
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct asked asked[] = { rows[i].asked, { 0 } };

		assert_int_equal(alter(f, asked, &response), 0);
		assert_int_equal(response.results_count, 1);
		assert_row(&response, 0, asked[0].user, rows[i].code);
	}
}

static void the_bounds_of_iterations_are_allowed(void **state)
{
	const struct asked asked[] = { { "a", SHA_256, 4096, NULL },
				       { "b", SHA_512, 16384, NULL },
				       { 0 } };
	struct alter_user_scram_credentials_response response;
	struct fixture *f = *state;

	assert_int_equal(alter(f, asked, &response), 2);
	assert_true(has(f, "a", SHA_256) && has(f, "b", SHA_512));
	assert_false(has(f, "a", SHA_512) || has(f, "b", SHA_256));
}

static void a_user_changes_once_in_a_request(void **state)
{
	const struct asked good[] = { { "a", SHA_256, 4096, NULL }, { 0 } };
	static const struct {
		struct asked asked[ASKED_MAX];
		int16_t code;
	} rows[] = {
		{ { { "a", SHA_256, 0, NULL }, { "a", SHA_512, 4096, NULL } },
		  WIRE_DUPLICATE_RESOURCE },
		{ { { "a", SHA_256, 0, NULL }, { "a", SHA_512, 0, NULL } },
		  WIRE_DUPLICATE_RESOURCE },
		{ { { "b", SHA_256, 4096, NULL },
		    { "b", SHA_256, 4096, NULL },
		    { "b", SHA_256, 4096, NULL } },
		  WIRE_DUPLICATE_RESOURCE },
		/* What is wrong with the first is told. */
		{ { { "b", SHA_256, 1, NULL }, { "b", SHA_256, 4096, NULL } },
		  WIRE_UNACCEPTABLE_CREDENTIAL },
		{ { { "b", SHA_256, 4096, NULL }, { "b", SHA_256, 1, NULL } },
		  WIRE_DUPLICATE_RESOURCE },
		{ { { "b", SHA_256, 0, NULL }, { "b", SHA_256, 4096, NULL } },
		  WIRE_RESOURCE_NOT_FOUND },
	};
	struct alter_user_scram_credentials_response response;
	struct fixture *f = *state;

	assert_int_equal(alter(f, good, &response), 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(alter(f, rows[i].asked, &response), 0);
		assert_int_equal(response.results_count, 1);
		assert_row(&response, 0, rows[i].asked[0].user, rows[i].code);
	}
	assert_true(has(f, "a", SHA_256));
	assert_false(has(f, "b", SHA_256));
}

static void what_is_wrong_with_one_stops_no_other(void **state)
{
	const struct asked good[] = { { "old", SHA_512, 4096, NULL }, { 0 } };
	const struct asked asked[] = { { "gone", SHA_256, 0, NULL },
				       { "old", SHA_512, 0, NULL },
				       { "new", SHA_256, 4096, NULL },
				       { 0 } };
	struct alter_user_scram_credentials_response response;
	struct fixture *f = *state;

	assert_int_equal(alter(f, good, &response), 1);
	assert_int_equal(alter(f, asked, &response), 2);
	assert_int_equal(response.results_count, 3);
	assert_row(&response, 0, "old", WIRE_NONE);
	assert_row(&response, 1, "new", WIRE_NONE);
	assert_row(&response, 2, "gone", WIRE_RESOURCE_NOT_FOUND);
	assert_false(has(f, "old", SHA_512));
	assert_true(has(f, "new", SHA_256));
}

static int add_one(void *arg, const struct user_scram_credential_record *r)
{
	struct buffer *text = arg;

	buffer_printf(text, "%.*s %d %d;", (int)r->name.len,
		      (const char *)r->name.data, r->mechanism, r->iterations);
	return 0;
}

static void a_credential_takes_the_place_of_the_one_before(void **state)
{
	const struct asked first[] = { { "a", SHA_256, 4096, NULL }, { 0 } };
	const struct asked second[] = { { "a", SHA_256, 8192, NULL }, { 0 } };
	struct alter_user_scram_credentials_response response;
	struct buffer text = { 0 };
	struct fixture *f = *state;

	alter(f, first, &response);
	alter(f, second, &response);
	assert_int_equal(image_each_scram(f->image, add_one, &text), 0);
	assert_string_equal(buffer_text(&text), "a 1 8192;");
	buffer_clear(&text);
}

static void an_old_metadata_version_has_none(void **state)
{
	const struct asked asked[] = { { "a", SHA_256, 4096, NULL }, { 0 } };
	struct alter_user_scram_credentials_response response;
	struct fixture *f = *state;

	set_level(f, SCRAM_METADATA_LEVEL - 1);
	assert_int_equal(alter(f, asked, &response), 0);
	assert_row(&response, 0, "a", WIRE_UNSUPPORTED_VERSION);
}

static void a_refused_request_is_answered_once_for_each_user(void **state)
{
	const struct asked asked[] = { { "a", SHA_256, 0, NULL },
				       { "a", SHA_256, 4096, NULL },
				       { "b", SHA_256, 4096, NULL },
				       { 0 } };
	struct alter_user_scram_credentials_response response;
	struct fixture *f = *state;
	struct metadata_change change = {
		.api_key = ALTER_USER_SCRAM_CREDENTIALS,
		.request = request_of(f, asked),
		.response = &response,
		.arena = &f->arena,
	};

	controller_refuse(&change, WIRE_NOT_CONTROLLER, "stopping");
	assert_int_equal(response.results_count, 2);
	assert_row(&response, 0, "a", WIRE_NOT_CONTROLLER);
	assert_row(&response, 1, "b", WIRE_NOT_CONTROLLER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_keys_are_those_of_rfc_7677),
		TEST(what_cannot_be_is_refused_as_by_kafka),
		TEST(the_bounds_of_iterations_are_allowed),
		TEST(a_user_changes_once_in_a_request),
		TEST(what_is_wrong_with_one_stops_no_other),
		TEST(a_credential_takes_the_place_of_the_one_before),
		TEST(an_old_metadata_version_has_none),
		TEST(a_refused_request_is_answered_once_for_each_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
