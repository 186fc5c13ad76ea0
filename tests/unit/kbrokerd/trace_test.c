/*
 * trace_test.c - where the lines of a trace go
 */
#include "kbrokerd/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "kbrokerd/server/conn.h"

static int64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* It must not be tried again and again: the processor's time would tell. */
static void what_cannot_be_written_is_lost_at_rest(void **state)
{
	const struct trace_params params = { .file = "/dev/full" };
	const struct conn conn = { .peer.any.sa_family = AF_UNIX };
	const struct timespec rest = { .tv_nsec = 200000000 };
	const struct server_observer *observer;
	struct trace *trace;
	char error[256];
	int64_t before_ms;

	(void)state;
	assert_int_equal(trace_open(&params, &trace, error, sizeof(error)), 0);
	observer = trace_observer(trace);
	observer->on_connection(observer->arg, &conn, true);
	before_ms = cpu_ms();
	nanosleep(&rest, NULL);
	assert_in_range(cpu_ms() - before_ms, 0, 50);
	trace_close(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_written_is_lost_at_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
