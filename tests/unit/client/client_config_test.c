/*
 * client_config_test.c - tests of client_config.c
 */
#include "client/client_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct client_config config;
	struct client_error error;
	struct buffer out;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(client_config_init(&f->config), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	client_config_clear(&f->config);
	buffer_clear(&f->out);
	free(f);
	return 0;
}

static int set(struct fixture *f, const char *name, const char *value)
{
	client_error_clear(&f->error);
	return client_config_set(&f->config, name, value, &f->error);
}

static const char *printed(struct fixture *f, const char *name)
{
	buffer_reset(&f->out);
	client_config_print(&f->config, client_property(name), &f->out);
	return buffer_text(&f->out);
}

static void rows_are_sorted_and_no_name_is_there_twice(void **state)
{
	size_t count;
	const struct client_property *p = client_properties(&count);

	(void)state;
	assert_true(count > 100);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			assert_true(strcmp(p[i - 1].name, p[i].name) < 0);
		assert_ptr_equal(client_property(p[i].name), &p[i]);
		if (p[i].alias != NULL)
			assert_ptr_equal(client_property(p[i].alias), &p[i]);
		assert_true((p[i].doc == NULL) ==
			    (p[i].type == PROPERTY_IGNORED));
	}
}

static void every_default_is_a_value_that_can_be_set(void **state)
{
	struct fixture *f = *state;
	size_t count;
	const struct client_property *p = client_properties(&count);

	for (size_t i = 0; i < count; i++) {
		if (p[i].type == PROPERTY_IGNORED)
			continue;
		assert_string_equal(printed(f, p[i].name), p[i].default_text);
		assert_int_equal(set(f, p[i].name, p[i].default_text), 0);
		assert_string_equal(printed(f, p[i].name), p[i].default_text);
	}
}

static void defaults_are_those_of_the_man_page(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->config.acks, -1);
	assert_true(f->config.enable_idempotence);
	assert_int_equal(f->config.max_in_flight, 5);
	assert_int_equal(f->config.delivery_timeout_ms, 120000);
	assert_int_equal(f->config.queue_max_kbytes, 65536);
	assert_int_equal(f->config.partitioner, PARTITIONER_MURMUR2_RANDOM);
	assert_true(f->config.check_crcs);
	assert_true(f->config.read_committed);
	assert_int_equal(f->config.linger_us, 5000);
}

static void names_of_java_mean_the_same(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "compression.type", "zstd"), 0);
	assert_int_equal(f->config.compression, CODEC_ZSTD);
	assert_int_equal(set(f, "buffer.memory", "33554432"), 0);
	assert_int_equal(f->config.queue_max_kbytes, 32768);
	assert_int_equal(set(f, "max.partition.fetch.bytes", "2MiB"), 0);
	assert_int_equal(f->config.fetch_message_max_bytes, 2 << 20);
	assert_int_equal(set(f, "request.required.acks", "-1"), 0);
	assert_int_equal(f->config.acks, -1);
}

static void units_and_fractions_are_understood(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "linger.ms", "0.5"), 0);
	assert_int_equal(f->config.linger_us, 500);
	assert_int_equal(set(f, "linger.ms", "2s"), 0);
	assert_int_equal(f->config.linger_us, 2000000);
	assert_int_equal(set(f, "delivery.timeout.ms", "1m"), 0);
	assert_int_equal(f->config.delivery_timeout_ms, 60000);
	assert_int_equal(set(f, "queue.buffering.max.kbytes", "1MiB"), 0);
	assert_int_equal(f->config.queue_max_kbytes, 1024);
}

static void an_unknown_name_is_answered_with_the_nearest(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "linger.mss", "5"), -ENOENT);
	assert_int_equal(f->error.kind, CLIENT_USAGE);
	assert_string_equal(f->error.text, "no such property: linger.mss (did "
					   "you mean linger.ms?)");
	assert_int_equal(set(f, "qqqqqqqqqqqqqqqqqqqqqqqq", "5"), -ENOENT);
	assert_string_equal(f->error.text,
			    "no such property: qqqqqqqqqqqqqqqqqqqqqqqq");
}

static void what_others_know_is_taken_without_effect(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "statistics.interval.ms", "5"), 1);
	assert_int_equal(set(f, "key.serializer", "x"), 1);
	assert_int_equal(set(f, "sasl.password", "x"), 1);
}

static void bad_values_are_refused_with_what_is_allowed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "acks", "2"), -EINVAL);
	assert_string_equal(f->error.text, "acks=2: not one of all, 1, 0");
	assert_int_equal(set(f, "fetch.min.bytes", "0"), -ERANGE);
	assert_string_equal(f->error.text,
			    "fetch.min.bytes=0: not between 1 and 100000000");
	assert_int_equal(set(f, "batch.size", "x"), -EINVAL);
	assert_string_equal(f->error.text, "batch.size=x: not a number");
	assert_int_equal(set(f, "check.crcs", "maybe"), -EINVAL);
	assert_string_equal(f->error.text,
			    "check.crcs=maybe: not true or false");
	assert_int_equal(f->config.acks, -1);
}

static void what_is_not_there_yet_is_said_to_be_so(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "security.protocol", "SASL_SSL"), -ENOTSUP);
	assert_string_equal(f->error.text,
			    "security.protocol=SASL_SSL: not supported yet");
	assert_int_equal(set(f, "security.protocol", "PLAINTEXT"), 0);
	assert_int_equal(set(f, "transactional.id", "x"), -ENOTSUP);
}

static void secrets_are_not_printed(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(printed(f, "sasl.password"), "[hidden]");
}

static void less_than_all_acks_turns_idempotence_off(void **state)
{
	struct fixture *f = *state;

	set(f, "acks", "1");
	assert_int_equal(client_config_finish(&f->config, &f->error), 0);
	assert_false(f->config.enable_idempotence);
}

static void idempotence_that_was_asked_for_needs_all_acks(void **state)
{
	struct fixture *f = *state;

	set(f, "acks", "1");
	set(f, "enable.idempotence", "true");
	assert_int_equal(client_config_finish(&f->config, &f->error), -EINVAL);
	assert_int_equal(f->error.kind, CLIENT_USAGE);
}

static void idempotence_has_five_in_flight_at_most(void **state)
{
	struct fixture *f = *state;

	set(f, "max.in.flight", "100");
	assert_int_equal(client_config_finish(&f->config, &f->error), 0);
	assert_int_equal(f->config.max_in_flight, 5);
}

static void a_level_is_one_of_its_codec(void **state)
{
	struct fixture *f = *state;

	set(f, "compression.codec", "zstd");
	set(f, "compression.level", "19");
	assert_int_equal(client_config_finish(&f->config, &f->error), 0);
	assert_int_equal(f->config.compression_level, 19);
	set(f, "compression.codec", "gzip");
	assert_int_equal(client_config_finish(&f->config, &f->error), -EINVAL);
	assert_string_equal(
		f->error.text,
		"compression.level=19: not a level of gzip, which has 1 to 9");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rows_are_sorted_and_no_name_is_there_twice),
		TEST(every_default_is_a_value_that_can_be_set),
		TEST(defaults_are_those_of_the_man_page),
		TEST(names_of_java_mean_the_same),
		TEST(units_and_fractions_are_understood),
		TEST(an_unknown_name_is_answered_with_the_nearest),
		TEST(what_others_know_is_taken_without_effect),
		TEST(bad_values_are_refused_with_what_is_allowed),
		TEST(what_is_not_there_yet_is_said_to_be_so),
		TEST(secrets_are_not_printed),
		TEST(less_than_all_acks_turns_idempotence_off),
		TEST(idempotence_that_was_asked_for_needs_all_acks),
		TEST(idempotence_has_five_in_flight_at_most),
		TEST(a_level_is_one_of_its_codec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
