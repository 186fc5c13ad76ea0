/*
 * clients_test.c - tests of clients.c and meters.c: who is there
 */
#include "kbrokerd/metrics/clients.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kbrokerd/metrics/meters.h"

static const struct uuid some_id = { { 1, 2, 3 } };

struct fixture {
	struct clients *clients;
	struct client_filter *filter;
	struct client_row rows[100];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->clients = clients_new();
	f->filter = client_filter_new();
	*state = f;
	return f->clients == NULL || f->filter == NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	clients_free(f->clients);
	client_filter_free(f->filter);
	free(f);
	return 0;
}

static void see(struct fixture *f, enum client_deed deed, const char *topic,
		const char *client_id, int64_t now_ms)
{
	struct client_sight sight = {
		.deed = deed,
		.topic = slice_of(topic),
		.topic_id = some_id,
		.conn = client_id,
		.client_id = slice_of(client_id),
		.peer = "[::1]:4711",
		.software = "librdkafka/2.3.0",
		.now_ms = now_ms,
	};

	clients_see(f->clients, f->filter, &sight);
}

static size_t list(struct fixture *f, const char *topic)
{
	return clients_list(f->clients, slice_of(topic), some_id, f->rows, 100);
}

static void a_topic_has_those_who_used_it(void **state)
{
	struct fixture *f = *state;

	see(f, CLIENT_WRITES, "t", "shop", 1000);
	see(f, CLIENT_READS, "t", "bill", 2000);
	see(f, CLIENT_READS, "u", "other", 3000);

	assert_int_equal(list(f, "t"), 2);
	assert_string_equal(f->rows[0].client_id, "bill");
	assert_int_equal(f->rows[0].deed, CLIENT_READS);
	assert_string_equal(f->rows[1].client_id, "shop");
	assert_string_equal(f->rows[1].host, "[::1]");
	assert_string_equal(f->rows[1].software, "librdkafka/2.3.0");
	assert_int_equal(f->rows[1].first_ms, 1000);
}

static void seen_again_it_is_the_same_one(void **state)
{
	struct fixture *f = *state;

	see(f, CLIENT_WRITES, "t", "shop", 1000);
	see(f, CLIENT_WRITES, "t", "shop", 1001); /* too soon to be noted */
	see(f, CLIENT_WRITES, "t", "shop", 100000);

	assert_int_equal(list(f, "t"), 1);
	assert_int_equal(f->rows[0].first_ms, 1000);
	assert_int_equal(f->rows[0].last_ms, 100000);
}

static void a_topic_named_by_its_id_is_the_same_topic(void **state)
{
	struct fixture *f = *state;

	see(f, CLIENT_READS, NULL, "bill", 1000);
	see(f, CLIENT_READS, "t", "bill", 2000);

	assert_int_equal(list(f, "t"), 1);
	assert_int_equal(f->rows[0].first_ms, 1000);
	assert_int_equal(f->rows[0].last_ms, 2000);
}

static void when_there_are_too_many_the_longest_unseen_goes(void **state)
{
	struct fixture *f = *state;
	static char ids[CLIENTS_MAX + 1][8];

	see(f, CLIENT_WRITES, "t", "first", 1);
	for (int i = 0; i <= CLIENTS_MAX; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%d", i);
		see(f, CLIENT_WRITES, "other", ids[i], 10 + i);
	}

	assert_int_equal(list(f, "t"), 0);
	assert_int_equal(clients_list(f->clients, slice_of("other"), some_id,
				      f->rows, 10),
			 10);
}

static void names_may_be_null_or_as_long_as_they_like(void **state)
{
	struct fixture *f = *state;
	char much[1000];

	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	see(f, CLIENT_WRITES, "t", much, 1);
	see(f, CLIENT_WRITES, "t", NULL, 2);
	see(f, CLIENT_WRITES, much, "a", 3);

	assert_int_equal(list(f, "t"), 2);
	assert_string_equal(f->rows[0].client_id, "");
	assert_int_equal(strlen(f->rows[1].client_id), CLIENT_TEXT_MAX - 1);
}

/* Meters */

static void connections_are_listed_the_busiest_first(void **state)
{
	struct meters *meters = meters_new(0);
	struct meter *a = meters_add(meters, "10.0.0.1:1", "PLAINTEXT", 5);
	struct meter *b = meters_add(meters, "10.0.0.2:2", "PLAINTEXT", 6);
	struct meter_row rows[4];
	size_t count;
	size_t matched;

	(void)state;
	meter_request(meters, a, 100, 7, slice_of("idle"), NULL);
	meter_request(meters, b, 100, 7, slice_of("busy"), "sarama/1");
	meter_answer(b, 5000);
	meters_measure(meters, 10000000);

	assert_int_equal(meters_list(meters, "", rows, 4, &count, &matched), 2);
	assert_string_equal(rows[0].client_id, "busy");
	assert_string_equal(rows[0].software, "sarama/1");
	assert_true(rows[0].out_rate == 500);
	assert_int_equal(meters_list(meters, "IDL", rows, 4, &count, &matched),
			 1);
	assert_string_equal(rows[0].peer, "10.0.0.1:1");
	assert_int_equal(count, 2);
	assert_int_equal(matched, 1);

	meters_remove(meters, a);
	assert_int_equal(meters_list(meters, "", rows, 1, &count, &matched), 1);
	meters_free(meters);
}

static void a_client_may_change_its_name(void **state)
{
	struct meters *meters = meters_new(0);
	struct meter *m = meters_add(meters, "10.0.0.1:1", "PLAINTEXT", 5);
	struct meter_row row;
	size_t count;
	size_t matched;

	(void)state;
	meter_request(meters, m, 1, 1, slice_of("one"), NULL);
	meter_request(meters, m, 1, 2, SLICE_NULL, NULL);
	meters_list(meters, "", &row, 1, &count, &matched);
	assert_string_equal(row.client_id, "");
	meter_request(meters, m, 1, 3, slice_of("two"), NULL);
	meters_list(meters, "", &row, 1, &count, &matched);
	assert_string_equal(row.client_id, "two");
	assert_int_equal(row.requests, 3);
	meters_free(meters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_topic_has_those_who_used_it,
						setup, teardown),
		cmocka_unit_test_setup_teardown(seen_again_it_is_the_same_one,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_topic_named_by_its_id_is_the_same_topic, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			when_there_are_too_many_the_longest_unseen_goes, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			names_may_be_null_or_as_long_as_they_like, setup,
			teardown),
		cmocka_unit_test(connections_are_listed_the_busiest_first),
		cmocka_unit_test(a_client_may_change_its_name),
	};

	return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
