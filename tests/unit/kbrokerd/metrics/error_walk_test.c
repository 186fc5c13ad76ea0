/*
 * error_walk_test.c - tests of error_walk.c, on messages of the schema
 */
#include "kbrokerd/metrics/error_walk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/error_codes.h"
#include "wire/messages.h"

struct found {
	int16_t codes[8];
	size_t count;
};

static void on_error(void *arg, int16_t code)
{
	struct found *f = arg;

	assert_true(f->count < 8);
	f->codes[f->count++] = code;
}

static struct found run(const struct wire_desc *desc, const void *message)
{
	struct error_walk *walk = error_walk_new(desc);
	struct found found = { .count = 0 };

	assert_non_null(walk);
	error_walk_run(walk, message, on_error, &found);
	error_walk_free(walk);
	return found;
}

static void errors_of_partitions_are_found(void **state)
{
	struct produce_response_responses_partition_responses partitions[2];
	struct produce_response_responses topics[2];
	struct produce_response response;
	struct found found;

	(void)state;
	wire_init(&produce_response_desc, &response);
	for (size_t i = 0; i < 2; i++) {
		wire_init(&produce_response_responses_desc, &topics[i]);
		wire_init(&produce_response_responses_partition_responses_desc,
			  &partitions[i]);
		topics[i].partition_responses = &partitions[i];
		topics[i].partition_responses_count = 1;
	}
	response.responses = topics;
	response.responses_count = 2;
	partitions[1].error_code = WIRE_MESSAGE_TOO_LARGE;
	found = run(&produce_response_desc, &response);

	assert_int_equal(found.count, 1);
	assert_int_equal(found.codes[0], WIRE_MESSAGE_TOO_LARGE);
}

static void an_error_at_the_top_is_found(void **state)
{
	struct fetch_response response;
	struct found found;

	(void)state;
	wire_init(&fetch_response_desc, &response);
	response.error_code = WIRE_FETCH_SESSION_ID_NOT_FOUND;
	found = run(&fetch_response_desc, &response);

	assert_int_equal(found.count, 1);
	assert_int_equal(found.codes[0], WIRE_FETCH_SESSION_ID_NOT_FOUND);
}

static void an_answer_without_errors_has_none(void **state)
{
	struct metadata_response response;

	(void)state;
	wire_init(&metadata_response_desc, &response);
	assert_int_equal(run(&metadata_response_desc, &response).count, 0);
}

/* Null arrays and null structs as wire_init() leaves them. */
static void every_response_can_be_walked(void **state)
{
	size_t count;
	const struct wire_api *apis = wire_apis(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		void *message;

		if (apis[i].response == NULL)
			continue;
		message = malloc(wire_desc_size(apis[i].response));
		assert_non_null(message);
		wire_init(apis[i].response, message);
		assert_int_equal(run(apis[i].response, message).count, 0);
		free(message);
	}
}

static void the_time_of_throttling_is_told(void **state)
{
	struct error_walk *walk = error_walk_new(&fetch_response_desc);
	struct fetch_response response;

	(void)state;
	wire_init(&fetch_response_desc, &response);
	response.throttle_time_ms = 1234;

	assert_int_equal(error_walk_throttle_ms(walk, &response), 1234);
	error_walk_free(walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_of_partitions_are_found),
		cmocka_unit_test(an_error_at_the_top_is_found),
		cmocka_unit_test(an_answer_without_errors_has_none),
		cmocka_unit_test(every_response_can_be_walked),
		cmocka_unit_test(the_time_of_throttling_is_told),
	};

	return cmocka_run_group_tests_name("error_walk", tests, NULL, NULL);
}
