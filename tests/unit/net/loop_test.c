/*
 * loop_test.c - tests of loop.c
 */
#include "net/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct loop *loop;
	int pipe[2];
	char seen[16]; /* what was called, in order */
	int count;
	unsigned events;
	struct loop_timer *timers[3];
	struct loop_watch *watch;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(pipe(f->pipe), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		loop_timer_free(f->timers[i]);
	loop_watch_free(f->watch);
	loop_free(f->loop);
	close(f->pipe[0]);
	close(f->pipe[1]);
	free(f);
	return 0;
}

static void on_a(void *arg)
{
	struct fixture *f = arg;

	f->seen[f->count++] = 'a';
}

static void on_b(void *arg)
{
	struct fixture *f = arg;

	f->seen[f->count++] = 'b';
}

static void on_stop(void *arg)
{
	struct fixture *f = arg;

	f->seen[f->count++] = 's';
	loop_stop(f->loop);
}

static void on_ready(void *arg, unsigned events)
{
	struct fixture *f = arg;

	f->events = events;
	f->seen[f->count++] = 'r';
	loop_stop(f->loop);
}

static void on_free_itself(void *arg)
{
	struct fixture *f = arg;

	f->seen[f->count++] = 'f';
	loop_timer_free(f->timers[0]);
	f->timers[0] = NULL;
	loop_stop(f->loop);
}

static void timers_run_in_the_order_of_their_times(void **state)
{
	struct fixture *f = *state;

	loop_timer_new(f->loop, on_a, f, &f->timers[0]);
	loop_timer_new(f->loop, on_b, f, &f->timers[1]);
	loop_timer_new(f->loop, on_stop, f, &f->timers[2]);
	loop_timer_set(f->timers[0], 20);
	loop_timer_set(f->timers[1], 5);
	loop_timer_set(f->timers[2], 30);

	assert_int_equal(loop_run(f->loop), 0);

	assert_string_equal(f->seen, "bas");
	assert_true(loop_was_stopped(f->loop));
}

static void a_stopped_timer_does_not_run(void **state)
{
	struct fixture *f = *state;

	loop_timer_new(f->loop, on_a, f, &f->timers[0]);
	loop_timer_new(f->loop, on_stop, f, &f->timers[2]);
	loop_timer_set(f->timers[0], 0);
	loop_timer_set(f->timers[2], 1);
	loop_timer_stop(f->timers[0]);

	loop_run(f->loop);

	assert_string_equal(f->seen, "s");
}

static void a_timer_may_free_itself(void **state)
{
	struct fixture *f = *state;

	loop_timer_new(f->loop, on_free_itself, f, &f->timers[0]);
	loop_timer_set(f->timers[0], 0);

	loop_run(f->loop);

	assert_string_equal(f->seen, "f");
}

static void what_is_posted_runs_later_and_in_order(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_post(f->loop, on_a, f), 0);
	assert_int_equal(loop_post(f->loop, on_b, f), 0);
	assert_int_equal(loop_post(f->loop, on_stop, f), 0);
	assert_string_equal(f->seen, "");

	loop_run(f->loop);

	assert_string_equal(f->seen, "abs");
}

static void a_readable_pipe_is_told(void **state)
{
	struct fixture *f = *state;

	loop_watch_new(f->loop, f->pipe[0], on_ready, f, &f->watch);
	assert_int_equal(loop_watch_set(f->watch, LOOP_READ), 0);
	assert_int_equal(write(f->pipe[1], "x", 1), 1);

	loop_run(f->loop);

	assert_string_equal(f->seen, "r");
	assert_int_equal(f->events, LOOP_READ);
}

static void a_watch_for_nothing_sees_nothing(void **state)
{
	struct fixture *f = *state;

	loop_watch_new(f->loop, f->pipe[0], on_ready, f, &f->watch);
	loop_watch_set(f->watch, LOOP_READ);
	loop_watch_set(f->watch, 0);
	assert_int_equal(write(f->pipe[1], "x", 1), 1);

	loop_run_once(f->loop, 0);

	assert_string_equal(f->seen, "");
}

static void a_regular_file_cannot_be_watched(void **state)
{
	struct fixture *f = *state;
	FILE *file = tmpfile();

	assert_non_null(file);
	loop_watch_new(f->loop, fileno(file), on_ready, f, &f->watch);
	assert_int_equal(loop_watch_set(f->watch, LOOP_READ), -EPERM);
	fclose(file);
}

static void running_once_waits_no_longer_than_told(void **state)
{
	struct fixture *f = *state;
	int64_t start = loop_now_ms(f->loop);

	assert_int_equal(loop_run_once(f->loop, 10), 0);

	assert_in_range(loop_now_ms(f->loop) - start, 9, 5000);
	assert_false(loop_was_stopped(f->loop));
}

static void a_signal_is_told_in_the_loop(void **state)
{
	struct fixture *f = *state;
	struct loop_signal *signal;

	loop_signal_new(f->loop, SIGUSR1, on_stop, f, &signal);
	raise(SIGUSR1);
	assert_string_equal(f->seen, "");

	loop_run(f->loop);

	assert_string_equal(f->seen, "s");
	loop_signal_free(signal);
}

/* The next wait has no limit: the limit of the one before is over. */
static void a_limit_is_for_one_wait(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_timer_new(f->loop, on_b, f, &f->timers[0]), 0);
	assert_int_equal(loop_post(f->loop, on_a, f), 0);
	while (f->count == 0)
		assert_int_equal(loop_run_once(f->loop, 100), 0);
	loop_timer_set(f->timers[0], 300);
	assert_int_equal(loop_run_once(f->loop, -1), 0);
	assert_string_equal(f->seen, "ab");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(timers_run_in_the_order_of_their_times),
		TEST(a_stopped_timer_does_not_run),
		TEST(a_timer_may_free_itself),
		TEST(what_is_posted_runs_later_and_in_order),
		TEST(a_readable_pipe_is_told),
		TEST(a_watch_for_nothing_sees_nothing),
		TEST(a_regular_file_cannot_be_watched),
		TEST(running_once_waits_no_longer_than_told),
		TEST(a_signal_is_told_in_the_loop),
		TEST(a_limit_is_for_one_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
