/*
 * producer_queue_test.c - tests of producer_queue.c: which batch goes next,
 * under which number
 */
#include "client/producer_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { BATCHES = 8, PID = 7 };

struct fixture {
	struct producer_queue q;
	struct producer_queue_rules rules;
	struct producer_batch *b[BATCHES];
	bool wants_id; /* of the last next() */
};

/* Batch i, of so many records, open. */
static void open_batch(struct fixture *f, int i, int32_t count)
{
	f->b[i] = producer_batch_new();
	assert_non_null(f->b[i]);
	for (int32_t k = 0; k < count; k++)
		assert_int_equal(producer_batch_add(f->b[i], 0, SLICE_NULL,
						    slice_of("v"), NULL, 0, 0),
				 0);
	f->b[i]->created_ms = i;
	f->q.open = f->b[i];
}

/* Batches of 1, 2, 3 ... records wait. */
static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .rules = { true, { PID, 0 } } };
	producer_queue_init(&f.q);
	for (int i = 0; i < BATCHES; i++) {
		open_batch(&f, i, i + 1);
		producer_queue_seal(&f.q);
	}
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < BATCHES; i++)
		producer_batch_free(f->b[i]);
	return 0;
}

static struct producer_batch *next(struct fixture *f)
{
	return producer_queue_next(&f->q, &f->rules, 0, false, &f->wants_id);
}

/* Batch i goes now, under that number; what was made of it before is not what
 * goes. */
static void send_it(struct fixture *f, int i, int16_t epoch, int32_t sequence)
{
	assert_ptr_equal(next(f), f->b[i]);
	assert_int_equal(f->b[i]->id.epoch, epoch);
	assert_int_equal(f->b[i]->base_sequence, sequence);
	f->b[i]->is_made = true;
	producer_queue_sent(&f->q, f->b[i]);
}

/* The first is stored; the next count are on their way. */
static void send_some(struct fixture *f, int count)
{
	static const int32_t sequences[] = { 0, 1, 3, 6, 10, 15 };

	send_it(f, 0, 0, 0);
	producer_queue_stored(&f->q, f->b[0]);
	for (int i = 1; i <= count; i++)
		send_it(f, i, 0, sequences[i]);
}

static void nothing_goes_before_there_is_an_id(void **state)
{
	struct fixture *f = *state;

	f->rules.id = PRODUCER_ID_NONE;
	assert_null(next(f));
	f->rules.is_idempotent = false;
	assert_ptr_equal(next(f), f->b[0]);
	assert_false(f->b[0]->has_sequence);
}

static void one_is_in_flight_until_one_is_stored(void **state)
{
	struct fixture *f = *state;

	send_it(f, 0, 0, 0);
	assert_null(next(f));
	producer_queue_stored(&f->q, f->b[0]);
	send_it(f, 1, 0, 1);
	send_it(f, 2, 0, 3);
}

static void what_came_back_goes_first_under_its_number(void **state)
{
	struct fixture *f = *state;
	bool wants_id;

	send_some(f, 2);
	producer_queue_retry(&f->q, f->b[1], 100);
	assert_null(
		producer_queue_next(&f->q, &f->rules, 99, false, &wants_id));
	assert_ptr_equal(
		producer_queue_next(&f->q, &f->rules, 100, false, &wants_id),
		f->b[1]);
	assert_int_equal(f->b[1]->base_sequence, 1);
	assert_true(f->b[1]->is_made);
	assert_int_equal(f->b[1]->attempts, 1);
}

/* The oldest could not be known again behind five others. */
static void the_window_is_what_a_broker_remembers(void **state)
{
	struct fixture *f = *state;

	send_some(f, PRODUCER_WINDOW);
	assert_null(next(f));
	for (int i = 2; i <= PRODUCER_WINDOW; i++)
		producer_queue_stored(&f->q, f->b[i]);
	assert_null(next(f));
	producer_queue_retry(&f->q, f->b[1], 0);
	send_it(f, 1, 0, 1);
	assert_null(next(f));
	producer_queue_stored(&f->q, f->b[1]);
	send_it(f, 6, 0, 21);
}

static void a_gap_goes_on_in_the_next_epoch(void **state)
{
	struct fixture *f = *state;

	send_some(f, 3);
	producer_queue_refused(&f->q, f->b[2], 0); /* for the gap */
	producer_queue_refused(&f->q, f->b[1], 0);
	assert_null(next(f)); /* the third may still be stored */
	producer_queue_refused(&f->q, f->b[3], 0);
	send_it(f, 1, 1, 0);
	assert_int_equal(f->b[2]->id.epoch, 1);
	assert_int_equal(f->b[2]->base_sequence, 2);
	assert_false(f->b[2]->is_made);
	/* The broker knows nothing of that epoch yet, but of the producer. */
	send_it(f, 2, 1, 2);
	send_it(f, 3, 1, 5);
	send_it(f, 4, 1, 9);
}

static void a_younger_one_that_is_refused_only_waits(void **state)
{
	struct fixture *f = *state;

	send_some(f, 2);
	producer_queue_refused(&f->q, f->b[2], 0);
	send_it(f, 2, 0, 3);
	assert_false(f->q.needs_bump);
}

static void another_id_is_wanted_when_epochs_run_out(void **state)
{
	struct fixture *f = *state;

	f->rules.id.epoch = INT16_MAX;
	send_it(f, 0, INT16_MAX, 0);
	producer_queue_refused(&f->q, f->b[0], 0);
	assert_null(next(f));
	assert_true(f->wants_id);
	f->rules.id = (struct producer_id){ PID + 1, 0 };
	send_it(f, 0, 0, 0);
	assert_int_equal(f->b[0]->id.id, PID + 1);
	assert_false(f->wants_id);
	/* Of it nothing is stored yet. */
	assert_null(next(f));
}

static void numbers_of_what_failed_stay_taken(void **state)
{
	struct fixture *f = *state;

	send_some(f, 1);
	producer_queue_failed(&f->q, f->b[1]);
	assert_int_equal(f->q.in_flight, 0);
	send_it(f, 2, 0, 3);
}

static void halves_take_the_place_of_the_whole(void **state)
{
	struct fixture *f = *state;
	struct producer_batch *first = producer_batch_new();
	struct producer_batch *second = producer_batch_new();

	send_some(f, 2);
	assert_int_equal(producer_batch_split(f->b[1], first, second), 0);
	producer_queue_replace(&f->q, f->b[1], first, second);
	assert_int_equal(f->q.in_flight, 1);
	assert_ptr_equal(next(f), first);
	assert_int_equal(first->base_sequence, 1);
	producer_queue_sent(&f->q, first);
	assert_ptr_equal(next(f), second);
	assert_int_equal(second->base_sequence, 2);
	producer_batch_free(first);
	producer_batch_free(second);
}

static void what_is_too_old_and_not_on_its_way_has_expired(void **state)
{
	struct fixture *f = *state;

	send_some(f, 1);
	assert_null(producer_queue_expired(&f->q, 1));
	assert_ptr_equal(producer_queue_expired(&f->q, 2), f->b[2]);
	for (int i = 1; i < BATCHES; i++)
		producer_queue_failed(&f->q, f->b[i]);
	producer_batch_free(f->b[0]);
	open_batch(f, 0, 1);
	f->b[0]->created_ms = 10;
	assert_null(producer_queue_expired(&f->q, 9));
	assert_ptr_equal(f->q.open, f->b[0]);
	assert_ptr_equal(producer_queue_expired(&f->q, 10), f->b[0]);
	assert_null(f->q.open);
}

static void the_open_one_goes_when_it_is_due(void **state)
{
	struct fixture *f = *state;
	bool wants_id;

	for (int i = 0; i < BATCHES; i++)
		producer_queue_failed(&f->q, f->b[i]);
	assert_true(producer_queue_is_empty(&f->q));
	producer_batch_free(f->b[0]);
	open_batch(f, 0, 1);
	assert_null(next(f));
	assert_ptr_equal(
		producer_queue_next(&f->q, &f->rules, 0, true, &wants_id),
		f->b[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_goes_before_there_is_an_id),
		TEST(one_is_in_flight_until_one_is_stored),
		TEST(what_came_back_goes_first_under_its_number),
		TEST(the_window_is_what_a_broker_remembers),
		TEST(a_gap_goes_on_in_the_next_epoch),
		TEST(a_younger_one_that_is_refused_only_waits),
		TEST(another_id_is_wanted_when_epochs_run_out),
		TEST(numbers_of_what_failed_stay_taken),
		TEST(halves_take_the_place_of_the_whole),
		TEST(what_is_too_old_and_not_on_its_way_has_expired),
		TEST(the_open_one_goes_when_it_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
