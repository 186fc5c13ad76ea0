/*
 * telemetry_test.c - metrics that clients push
 */
#include "kbrokerd/telemetry/telemetry.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kbrokerd/metadata/image_edit.h"
#include "kbrokerd/telemetry/otlp_kit.h"
#include "kbrokerd/telemetry/series.h"
#include "record/compress.h"
#include "wire/enums.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum { BYTES_MAX = 100000, SECOND = 1000 };

struct fixture {
	struct seeded_random random;
	struct telemetry *t;
	struct arena arena;
	struct telemetry_client client;
	struct subscribed wanted;
};

static void put_config(struct image *image, const char *resource,
		       const char *name, const char *value)
{
	struct config_record r;

	wire_init(&config_record_desc, &r);
	r.resource_type = WIRE_CONFIG_RESOURCE_TYPE_CLIENT_METRICS;
	r.resource_name = slice_of(resource);
	r.name = slice_of(name);
	r.value = slice_of(value);
	assert_int_equal(
		image_edit_apply(image, &config_record_desc, 0, &r, SLICE_NULL),
		0);
}

/* Resources with metrics, interval and match; NULL ends them. */
static void subscribe(struct fixture *f, const char *const (*rows)[4])
{
	struct image *image = image_edit_begin(NULL);
	static const char *const keys[] = { "metrics", "interval.ms", "match" };

	for (; (*rows)[0] != NULL; rows++) {
		for (int i = 0; i < 3; i++) {
			if ((*rows)[i + 1] != NULL)
				put_config(image, (*rows)[0], keys[i],
					   (*rows)[i + 1]);
		}
	}
	assert_int_equal(image_edit_end(image, 1, 1, 0), 0);
	telemetry_set(f->t, subscriptions_of(image));
	image_release(image);
}

static const char *const all_of_m[][4] = {
	{ "all", "*", "1000", "client_id=m.*" },
	{ NULL },
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	seeded_random_init(&f->random, 4);
	f->t = telemetry_new(BYTES_MAX, &f->random.random);
	f->client.values[CLIENT_ID] = slice_of("me");
	f->client.values[CLIENT_SOFTWARE_NAME] = slice_of("test");
	f->client.values[CLIENT_SOFTWARE_VERSION] = slice_of("1");
	f->client.values[CLIENT_SOURCE_ADDRESS] = slice_of("10.1.2.3");
	f->client.values[CLIENT_SOURCE_PORT] = slice_of("99");
	subscribe(f, all_of_m);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	telemetry_free(f->t);
	arena_clear(&f->arena);
	free(f);
	return 0;
}

static int ask(struct fixture *f, int64_t now_ms)
{
	return telemetry_ask(f->t, &f->client, now_ms, &f->arena, &f->wanted);
}

static int push_bytes(struct fixture *f, int64_t now_ms, enum codec codec,
		      struct slice bytes, bool terminating)
{
	struct buffer packed = { 0 };
	struct telemetry_push push = { .subscription_id = f->wanted.id,
				       .terminating = terminating,
				       .compression = (int8_t)codec };
	int rc;

	compress_bytes(codec, CODEC_LEVEL_DEFAULT, bytes, &packed);
	push.metrics = buffer_slice(&packed);
	rc = telemetry_push(f->t, &f->client, &push, now_ms);
	buffer_clear(&packed);
	return rc;
}

static int push_one(struct fixture *f, int64_t now_ms, struct kit_metric metric)
{
	struct buffer b = kit_metrics(&metric, 1);
	int rc = push_bytes(f, now_ms, CODEC_ZSTD, buffer_slice(&b), false);

	buffer_clear(&b);
	return rc;
}

/* Samples as text. */
static char told[4096];
static size_t told_len;

static void on_sample(void *arg, const struct telemetry_sample *s)
{
	(void)arg;
	told_len += (size_t)snprintf(
		told + told_len, sizeof(told) - told_len, "%s%s %s/%s/%s",
		s->metric, s->is_counter ? " counter" : "", s->labels[1].value,
		s->labels[2].value, s->labels[3].value);
	for (size_t i = 4; i < s->label_count; i++)
		told_len += (size_t)snprintf(
			told + told_len, sizeof(told) - told_len, " %s=%s",
			s->labels[i].name, s->labels[i].value);
	told_len += (size_t)snprintf(told + told_len, sizeof(told) - told_len,
				     " %g\n", s->value);
}

static const char *samples(struct fixture *f, int64_t now_ms)
{
	told_len = 0;
	told[0] = '\0';
	assert_int_equal(telemetry_each(f->t, now_ms, on_sample, NULL), 0);
	return told;
}

static void a_client_is_asked_for_what_matches_it(void **state)
{
	static const char *const rows[][4] = {
		{ "a", "org.b,org.a", "60000", "client_id=m.*" },
		{ "b", "org.a, org.c", "2000",
		  "client_source_address=10\\..*,client_software_name=test" },
		{ "c", "org.x", "100", "client_id=other" },
		{ "d", "org.y", "200", "client_source_port=9" },
		{ NULL },
	};
	struct fixture *f = *state;

	subscribe(f, rows);
	assert_int_equal(ask(f, 5), WIRE_NONE);
	assert_false(uuid_is_zero(f->client.instance_id));
	assert_int_equal(f->wanted.interval_ms, 2000);
	assert_int_equal(f->wanted.prefix_count, 3);
	assert_true(slice_is(f->wanted.prefixes[0], "org.a"));
	assert_true(slice_is(f->wanted.prefixes[1], "org.b"));
	assert_true(slice_is(f->wanted.prefixes[2], "org.c"));
}

static void a_client_that_nothing_matches_is_asked_for_nothing(void **state)
{
	struct fixture *f = *state;

	f->client.values[CLIENT_ID] = slice_of("other");
	assert_int_equal(ask(f, 5), WIRE_NONE);
	assert_int_equal(f->wanted.prefix_count, 0);
	assert_int_equal(f->wanted.interval_ms, 300000);
}

static void the_last_values_are_kept_and_differences_added(void **state)
{
	const struct kit_metric gauge = {
		.name = "org.apache.kafka.producer.Some.rate",
		.value = 2,
		.label = "node.id",
		.label_value = "7",
	};
	struct kit_metric sum = { .name = "x.total",
				  .value = 3,
				  .is_sum = true,
				  .is_delta = true,
				  .is_monotonic = true,
				  .label = "client_id",
				  .label_value = "not mine" };
	struct fixture *f = *state;

	assert_int_equal(ask(f, 0), WIRE_NONE);
	assert_int_equal(push_one(f, 500, gauge), WIRE_NONE);
	assert_int_equal(push_one(f, 1500, sum), WIRE_NONE);
	assert_int_equal(push_one(f, 2500, sum), WIRE_NONE);
	assert_string_equal(samples(f, 2500),
			    "kafka_client_producer_some_rate me/test/1 "
			    "node_id=7 2\n"
			    "kafka_client_x counter me/test/1 6\n");
	sum.is_delta = false;
	assert_int_equal(push_one(f, 3500, sum), WIRE_NONE);
	assert_non_null(strstr(samples(f, 3500), "me/test/1 3\n"));
}

static void what_comes_too_often_is_refused(void **state)
{
	const struct kit_metric metric = { .name = "x" };
	struct fixture *f = *state;

	assert_int_equal(ask(f, 0), WIRE_NONE);
	assert_int_equal(ask(f, 999), WIRE_THROTTLING_QUOTA_EXCEEDED);
	assert_int_equal(push_one(f, 999, metric), WIRE_NONE);
	assert_int_equal(push_one(f, 1998, metric),
			 WIRE_THROTTLING_QUOTA_EXCEEDED);
	assert_int_equal(push_one(f, 1999, metric), WIRE_NONE);
	assert_int_equal(ask(f, 2999), WIRE_NONE);
}

static void after_its_last_push_a_client_is_refused(void **state)
{
	const struct kit_metric metric = { .name = "x" };
	struct fixture *f = *state;

	assert_int_equal(ask(f, 0), WIRE_NONE);
	assert_int_equal(push_one(f, 10, metric), WIRE_NONE);
	assert_int_equal(push_bytes(f, 20, CODEC_NONE, slice_of(""), true),
			 WIRE_NONE);
	assert_int_equal(push_one(f, 5000, metric), WIRE_INVALID_REQUEST);
	telemetry_gone(f->t, f->client.instance_id);
	assert_int_equal(push_one(f, 9000, metric), WIRE_NONE);
	assert_string_equal(samples(f, 9000), "kafka_client_x me/test/1 0\n");
}

static void an_end_that_is_told_twice_is_refused(void **state)
{
	const struct kit_metric metric = { .name = "x" };
	struct slice none = slice_of("");
	struct fixture *f = *state;

	assert_int_equal(ask(f, 0), WIRE_NONE);
	assert_int_equal(push_one(f, 10, metric), WIRE_NONE);
	assert_int_equal(push_bytes(f, 20, CODEC_NONE, none, true), WIRE_NONE);
	assert_int_equal(push_one(f, 30, metric), WIRE_INVALID_REQUEST);
	assert_int_equal(push_bytes(f, 40, CODEC_NONE, none, true),
			 WIRE_INVALID_REQUEST);
}

/* Only the connection that it came with lets it begin anew. */
static void who_knows_an_instance_does_not_own_it(void **state)
{
	const struct kit_metric metric = { .name = "x" };
	struct fixture *f = *state;

	assert_int_equal(ask(f, 0), WIRE_NONE);
	assert_true(f->client.is_owner);
	assert_int_equal(push_one(f, 10, metric), WIRE_NONE);
	assert_false(f->client.is_owner);
	assert_int_equal(ask(f, 20), WIRE_THROTTLING_QUOTA_EXCEEDED);
	assert_false(f->client.is_owner);

	telemetry_gone(f->t, f->client.instance_id);
	assert_int_equal(ask(f, 30), WIRE_NONE);
	assert_true(f->client.is_owner);
}

static void what_cannot_be_is_refused_with_kafkas_error(void **state)
{
	struct telemetry_push push = { .compression = CODEC_COUNT };
	uint8_t large[BYTES_MAX + 1] = { 0 };
	struct fixture *f = *state;
	int64_t now_ms = 0;

	assert_int_equal(telemetry_push(f->t, &f->client, &push, 0),
			 WIRE_INVALID_REQUEST); /* a zero id */
	f->client.instance_id.bytes[UUID_BYTES - 1] = 1;
	assert_int_equal(telemetry_push(f->t, &f->client, &push, 0),
			 WIRE_INVALID_REQUEST);
	f->client.instance_id = UUID_ZERO;
	assert_int_equal(ask(f, 0), WIRE_NONE);
	push.subscription_id = f->wanted.id + 1;
	assert_int_equal(telemetry_push(f->t, &f->client, &push, now_ms += 1),
			 WIRE_UNKNOWN_SUBSCRIPTION_ID);
	assert_int_equal(ask(f, now_ms += 1), WIRE_NONE); /* at once */
	push.subscription_id = f->wanted.id;
	assert_int_equal(telemetry_push(f->t, &f->client, &push, now_ms += 1),
			 WIRE_UNSUPPORTED_COMPRESSION_TYPE);
	assert_int_equal(ask(f, now_ms += 1), WIRE_NONE); /* at once */
	push.compression = CODEC_NONE;
	push.metrics = (struct slice){ large, sizeof(large) };
	assert_int_equal(
		telemetry_push(f->t, &f->client, &push, now_ms += SECOND),
		WIRE_TELEMETRY_TOO_LARGE);
	push.metrics.len--; /* large enough to be looked at */
	assert_int_equal(
		telemetry_push(f->t, &f->client, &push, now_ms += SECOND),
		WIRE_INVALID_RECORD);
	push.metrics = slice_of("\xff\xff\xff");
	assert_int_equal(
		telemetry_push(f->t, &f->client, &push, now_ms += SECOND),
		WIRE_INVALID_RECORD);
	push.compression = CODEC_ZSTD;
	assert_int_equal(
		telemetry_push(f->t, &f->client, &push, now_ms += SECOND),
		WIRE_INVALID_RECORD);
}

static void a_bomb_is_not_unpacked(void **state)
{
	size_t len = TELEMETRY_UNPACKED_MAX + 1;
	uint8_t *zeroes = calloc(1, len);
	struct fixture *f = *state;

	assert_int_equal(ask(f, 0), WIRE_NONE);
	assert_int_equal(push_bytes(f, 1, CODEC_ZSTD,
				    (struct slice){ zeroes, len }, false),
			 WIRE_INVALID_RECORD);
	free(zeroes);
}

static void another_subscription_is_another_id(void **state)
{
	static const char *const rows[][4] = {
		{ "all", "*", "2000", NULL },
		{ NULL },
	};
	const struct kit_metric metric = { .name = "x" };
	struct fixture *f = *state;
	int32_t id;

	assert_int_equal(ask(f, 0), WIRE_NONE);
	id = f->wanted.id;
	subscribe(f, all_of_m); /* the same again */
	assert_int_equal(ask(f, 100), WIRE_THROTTLING_QUOTA_EXCEEDED);
	subscribe(f, rows);
	assert_int_equal(push_one(f, 200, metric),
			 WIRE_UNKNOWN_SUBSCRIPTION_ID);
	assert_int_equal(ask(f, 300), WIRE_NONE);
	assert_int_not_equal(f->wanted.id, id);
	assert_int_equal(push_one(f, 400, metric), WIRE_NONE);
}

static void the_silent_are_forgotten(void **state)
{
	const struct kit_metric metric = { .name = "x" };
	struct fixture *f = *state;
	struct telemetry_counts counts;

	assert_int_equal(ask(f, 0), WIRE_NONE);
	assert_int_equal(push_one(f, 1, metric), WIRE_NONE);
	assert_string_not_equal(samples(f, TELEMETRY_SILENCE_MS + 1), "");
	assert_string_equal(samples(f, TELEMETRY_SILENCE_MS + 2), "");
	telemetry_count(f->t, &counts);
	assert_int_equal(counts.instances, 0);
	assert_int_equal(counts.series, 0);
}

static void who_pushes_seldom_may_be_silent_for_longer(void **state)
{
	static const char *const rows[][4] = {
		{ "all", "*", "300000", NULL },
		{ NULL },
	};
	const struct kit_metric metric = { .name = "x" };
	struct fixture *f = *state;

	subscribe(f, rows);
	assert_int_equal(ask(f, 0), WIRE_NONE);
	assert_int_equal(push_one(f, 1, metric), WIRE_NONE);
	assert_string_not_equal(samples(f, 3 * 300000 + 1), "");
	assert_string_equal(samples(f, 3 * 300000 + 2), "");
}

/* A tool would take it for an option. */
static void no_id_begins_with_a_dash(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 1000; i++) {
		char text[UUID_TEXT_LEN + 1];

		f->client.instance_id = UUID_ZERO;
		assert_int_equal(ask(f, i), WIRE_NONE);
		uuid_format(f->client.instance_id, text);
		assert_int_not_equal(text[0], '-');
	}
}

static void what_clients_make_up_takes_bounded_memory(void **state)
{
	struct fixture *f = *state;
	struct kit_metric *metrics = calloc(SERIES_MAX + 9, sizeof(*metrics));
	char(*names)[16] = calloc(SERIES_MAX + 9, sizeof(*names));
	struct telemetry_counts counts;
	struct buffer b;

	for (int i = 0; i < SERIES_MAX + 9; i++) {
		snprintf(names[i], sizeof(names[i]), "n%d", i);
		metrics[i].name = names[i];
	}
	b = kit_metrics(metrics, SERIES_MAX + 9);
	for (int i = 0; i < TELEMETRY_SERIES_MAX / SERIES_MAX + 2; i++) {
		f->client.instance_id = UUID_ZERO;
		assert_int_equal(ask(f, i), WIRE_NONE);
		assert_int_equal(
			push_bytes(f, i, CODEC_ZSTD, buffer_slice(&b), false),
			WIRE_NONE);
	}
	telemetry_count(f->t, &counts);
	assert_int_equal(counts.series, TELEMETRY_SERIES_MAX);
	assert_true(counts.left_out > 0);
	for (int i = 0; i < TELEMETRY_INSTANCES_MAX + 10; i++) {
		f->client.instance_id = UUID_ZERO;
		assert_int_equal(ask(f, 1000), WIRE_NONE);
	}
	telemetry_count(f->t, &counts);
	assert_int_equal(counts.instances, TELEMETRY_INSTANCES_MAX);
	buffer_clear(&b);
	free(names);
	free(metrics);
}

static void of_too_many_values_the_first_are_taken(void **state)
{
	struct fixture *f = *state;
	struct kit_metric *metrics =
		calloc(TELEMETRY_POINTS_MAX + 1, sizeof(*metrics));
	struct telemetry_counts counts;
	struct buffer b;

	for (int i = 0; i < TELEMETRY_POINTS_MAX + 1; i++)
		metrics[i] = (struct kit_metric){ .name = "x", .value = i };
	b = kit_metrics(metrics, TELEMETRY_POINTS_MAX + 1);
	assert_int_equal(ask(f, 0), WIRE_NONE);
	assert_int_equal(push_bytes(f, 1, CODEC_ZSTD, buffer_slice(&b), false),
			 WIRE_NONE);
	assert_non_null(strstr(samples(f, 2), " 4095\n"));
	telemetry_count(f->t, &counts);
	assert_int_equal(counts.left_out, 1);
	buffer_clear(&b);
	free(metrics);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_is_asked_for_what_matches_it),
		TEST(a_client_that_nothing_matches_is_asked_for_nothing),
		TEST(the_last_values_are_kept_and_differences_added),
		TEST(what_comes_too_often_is_refused),
		TEST(after_its_last_push_a_client_is_refused),
		TEST(an_end_that_is_told_twice_is_refused),
		TEST(who_knows_an_instance_does_not_own_it),
		TEST(what_cannot_be_is_refused_with_kafkas_error),
		TEST(a_bomb_is_not_unpacked),
		TEST(another_subscription_is_another_id),
		TEST(the_silent_are_forgotten),
		TEST(who_pushes_seldom_may_be_silent_for_longer),
		TEST(no_id_begins_with_a_dash),
		TEST(of_too_many_values_the_first_are_taken),
		TEST(what_clients_make_up_takes_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
