/*
 * consumer_protocol_test.c - tests of consumer_protocol.c
 *
 * The bytes are those of the Java client (kafka-clients 4.2.0).
 */
#include "client/consumer_protocol.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"

static const char *const topics_ab[] = { "a", "b" };

static void put(struct partition_set *set, const char *topic, int32_t partition)
{
	partition_set_add(set, slice_of(topic), partition, UUID_ZERO);
	partition_set_sort(set);
}

/* a 0, a 2, b 1 */
static void put_three(struct partition_set *set)
{
	put(set, "a", 0);
	put(set, "a", 2);
	put(set, "b", 1);
}

static void expect_hex(const struct buffer *bytes, const char *hex)
{
	char text[1024] = "";

	assert_true(bytes->len * 2 < sizeof(text));
	for (size_t i = 0; i < bytes->len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes->data[i]);
	assert_string_equal(text, hex);
}

static void expect_subscription(const char *name,
				const struct consumer_facts *facts,
				const char *hex)
{
	struct buffer out = { 0 };

	assert_int_equal(consumer_subscription_encode(
				 assignor_by_name(slice_of(name)), facts, &out),
			 0);
	expect_hex(&out, hex);
	buffer_clear(&out);
}

static void a_subscription_is_byte_for_byte_the_java_clients(void **state)
{
	struct partition_set none = { 0 };
	struct partition_set three = { 0 };
	struct partition_set one = { 0 };
	struct consumer_facts fresh = {
		.topics = topics_ab,
		.topic_count = 2,
		.owned = &none,
		.generation = -1,
		.last = &none,
		.last_generation = -1,
	};
	struct consumer_facts facts = fresh;

	(void)state;
	put_three(&three);
	put(&one, "a", 0);
	expect_subscription("range", &fresh,
			    "000300000002000161000162ffffffff00000000ffffffff"
			    "ffff");
	facts.topic_count = 1;
	facts.owned = &three;
	facts.generation = 7;
	facts.rack = "r1";
	expect_subscription("range", &facts,
			    "000300000001000161ffffffff0000000200016100000002"
			    "0000000000000002000162000000010000000100000007"
			    "00027231");
	facts = fresh;
	facts.generation = 5;
	facts.last = &three;
	facts.last_generation = 5;
	expect_subscription("sticky", &facts,
			    "000300000002000161000162000000220000000200016100"
			    "000002000000000000000200016200000001000000010000"
			    "00050000000000000005ffff");
	facts = fresh;
	facts.topic_count = 1;
	expect_subscription("cooperative-sticky", &facts,
			    "00030000000100016100000004ffffffff00000000ffffff"
			    "ffffff");
	facts.owned = &one;
	facts.generation = 9;
	facts.last_generation = 9;
	facts.rack = "east";
	expect_subscription("cooperative-sticky", &facts,
			    "000300000001000161000000040000000900000001000161"
			    "000000010000000000000009000465617374");
	partition_set_clear(&three);
	partition_set_clear(&one);
}

static void an_assignment_is_byte_for_byte_the_java_clients(void **state)
{
	struct partition_set three = { 0 };
	struct partition_set back = { 0 };
	struct buffer out = { 0 };

	(void)state;
	put_three(&three);
	assert_int_equal(consumer_assignment_encode(&three, &out), 0);
	expect_hex(&out, "0003000000020001610000000200000000000000020001620000"
			 "000100000001ffffffff");
	assert_int_equal(consumer_assignment_decode(buffer_slice(&out), &back),
			 0);
	assert_true(partition_set_equal(&three, &back));
	/* none, in two ways */
	buffer_reset(&out);
	partition_set_reset(&three);
	assert_int_equal(consumer_assignment_encode(&three, &out), 0);
	expect_hex(&out, "000300000000ffffffff");
	assert_int_equal(consumer_assignment_decode(SLICE_NULL, &back), 0);
	assert_int_equal(back.count, 0);
	partition_set_clear(&three);
	partition_set_clear(&back);
	buffer_clear(&out);
}

static int decode(const char *name, const void *bytes, size_t len,
		  struct consumer_subscription *out)
{
	return consumer_subscription_decode(assignor_by_name(slice_of(name)),
					    (struct slice){ bytes, len }, out);
}

static void what_is_written_is_read_again(void **state)
{
	struct partition_set three = { 0 };
	struct partition_set none = { 0 };
	struct consumer_facts facts = {
		.topics = topics_ab,
		.topic_count = 2,
		.owned = &three,
		.generation = 8,
		.last = &three,
		.last_generation = 6,
		.rack = "r",
	};
	struct consumer_subscription s;
	struct buffer out = { 0 };

	(void)state;
	put_three(&three);
	consumer_subscription_encode(
		assignor_by_name(slice_of("cooperative-sticky")), &facts, &out);
	assert_int_equal(decode("cooperative-sticky", out.data, out.len, &s),
			 0);
	assert_int_equal(s.topic_count, 2);
	assert_string_equal(s.topics[1], "b");
	assert_string_equal(s.rack, "r");
	assert_int_equal(s.generation, 8);
	assert_true(partition_set_equal(&s.owned, &three));
	consumer_subscription_clear(&s);

	/* sticky: the user data counts, not what is owned now */
	buffer_reset(&out);
	facts.owned = &none;
	consumer_subscription_encode(assignor_by_name(slice_of("sticky")),
				     &facts, &out);
	assert_int_equal(decode("sticky", out.data, out.len, &s), 0);
	assert_int_equal(s.generation, 6);
	assert_true(partition_set_equal(&s.owned, &three));
	consumer_subscription_clear(&s);
	partition_set_clear(&three);
	buffer_clear(&out);
}

static void older_and_newer_versions_are_read(void **state)
{
	/* version 0: topics and user data; 9: more behind what we know */
	static const uint8_t old[] = { 0, 0,   0,   0,   0,   1,  0,
				       1, 'a', 255, 255, 255, 255 };
	static const uint8_t newer[] = { 0,   9,   0,   0,   0,   1, 0, 1, 'a',
					 255, 255, 255, 255, 0,   0, 0, 0, 0,
					 0,   0,   4,   255, 255, 1, 2, 3 };
	struct consumer_subscription s;

	(void)state;
	assert_int_equal(decode("range", old, sizeof(old), &s), 0);
	assert_int_equal(s.topic_count, 1);
	assert_int_equal(s.generation, -1);
	assert_null(s.rack);
	consumer_subscription_clear(&s);
	assert_int_equal(decode("range", newer, sizeof(newer), &s), 0);
	assert_int_equal(s.generation, 4);
	consumer_subscription_clear(&s);
}

static void bytes_that_make_no_sense_are_refused(void **state)
{
	struct seeded_random seeded;
	uint8_t bytes[64];

	(void)state;
	seeded_random_init(&seeded, 1);
	for (int i = 0; i < 20000; i++) {
		size_t len = random_below(&seeded.random, sizeof(bytes));
		struct consumer_subscription s;
		struct partition_set set = { 0 };

		seeded.random.fill(&seeded.random, bytes, sizeof(bytes));
		/* mostly small numbers, so that some of it does make sense */
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = bytes[k] < 200 ? 0 : bytes[k] % 4;
		decode(i % 2 ? "sticky" : "cooperative-sticky", bytes, len, &s);
		consumer_subscription_clear(&s);
		consumer_assignment_decode((struct slice){ bytes, len }, &set);
		partition_set_clear(&set);
	}
	{
		static const uint8_t negative[] = { 255, 255, 0, 0 };
		static const uint8_t partition[] = { 0, 0,   0,   0,   0,  1,
						     0, 1,   'a', 0,   0,  0,
						     1, 255, 255, 255, 255 };
		struct consumer_subscription s;
		struct partition_set set = { 0 };

		assert_int_equal(decode("range", negative, 4, &s), -EBADMSG);
		consumer_subscription_clear(&s);
		assert_int_equal(decode("range", "", 0, &s), -EBADMSG);
		consumer_subscription_clear(&s);
		assert_int_equal(
			consumer_assignment_decode(
				(struct slice){ partition, sizeof(partition) },
				&set),
			-EBADMSG);
		partition_set_clear(&set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_subscription_is_byte_for_byte_the_java_clients),
		cmocka_unit_test(
			an_assignment_is_byte_for_byte_the_java_clients),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(older_and_newer_versions_are_read),
		cmocka_unit_test(bytes_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
