/*
 * doors_test.c - how many may come in, and from where
 */
#include <sched.h>
#include <sys/resource.h>

#include "kbrokerd/quota/quotas.h"
#include "kbrokerd/server/server_kit.h"

enum {
	MANY = 10000,
	RESERVE = 200,           /* descriptors for all else */
	IDLE_BYTES_MAX = 2 << 10 /* of an idle connection */
};

static struct door_limits limits_of(int32_t per_address, const char *overrides,
				    int32_t creation_rate)
{
	return (struct door_limits){ .per_address = per_address,
				     .overrides = overrides,
				     .creation_rate = creation_rate,
				     .windows = { 11, 1000 } };
}

static void set_limits(struct fixture *f, int32_t per_address,
		       const char *overrides, int32_t creation_rate)
{
	const struct door_limits limits =
		limits_of(per_address, overrides, creation_rate);

	assert_int_equal(doorman_set(&f->server->doorman, &limits), 0);
}

static void greet(int fd)
{
	send_heartbeat(fd, "now", 1);
	expect_heartbeat(fd, 1);
}

static void one_too_many_of_an_address_is_closed(void **state)
{
	struct fixture *f = *state;
	int fds[3];

	set_limits(f, 3, "", INT32_MAX);
	for (int i = 0; i < 3; i++)
		greet(fds[i] = dial(f));
	assert_closed(dial(f));
	greet(fds[0]);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void a_place_that_is_left_is_taken_again(void **state)
{
	struct fixture *f = *state;
	int fd;

	set_limits(f, 1, "", INT32_MAX);
	for (int i = 0; i < 20; i++) {
		fd = dial(f);
		greet(fd);
		send_heartbeat(fd, "close", 2); /* it ends at our place */
		assert_closed(fd);
		while (atomic_load(&f->server->conn_count) > 0)
			sched_yield();
	}
}

static void an_address_may_have_its_own_number(void **state)
{
	struct fixture *f = *state;
	int fds[2];

	set_limits(f, 0, "10.0.0.1:7, localhost:2,nonsense", INT32_MAX);
	for (int i = 0; i < 2; i++)
		greet(fds[i] = dial(f));
	assert_closed(dial(f));
	set_limits(f, 1, "", INT32_MAX); /* who is in stays */
	for (int i = 0; i < 2; i++) {
		greet(fds[i]);
		close(fds[i]);
	}
}

static void beyond_a_rate_they_wait_and_all_come_in(void **state)
{
	struct fixture *f = *state;
	int fds[60];

	set_limits(f, INT32_MAX, "", 5); /* 50 at once */
	for (int i = 0; i < 55; i++)
		fds[i] = dial(f);
	for (int i = 0; i < 55; i++) {
		greet(fds[i]);
		close(fds[i]);
	}
}

static void a_quota_of_new_connections_closes_those_beyond(void **state)
{
	static const struct quotas_params params = { { 11, 1000 },
						     { 11, 1000 } };
	struct quota_setting setting = { .kind = QUOTA_CONNECTION,
					 .value = 0.2 };
	struct fixture *f = *state;
	int fds[2];

	setting.entity.has[QUOTA_IP] = true;
	f->broker.quotas = quotas_new(&params);
	quotas_set(f->broker.quotas, quota_limits_new(&setting, 1));
	for (int i = 0; i < 2; i++)
		greet(fds[i] = dial(f));
	assert_closed(dial(f));
	for (int i = 0; i < 2; i++)
		close(fds[i]);
	server_stop(f->server, 0);
	quotas_free(f->broker.quotas);
}

/* As many as the machine lets us have, up to MANY: two descriptors each. */
static int32_t how_many(void)
{
	struct rlimit files;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur == RLIM_INFINITY ||
	    files.rlim_cur > MANY * 2 + RESERVE)
		return MANY;
	return (int32_t)(files.rlim_cur - RESERVE) / 2;
}

static int64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %lld", &pages), 1);
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static void ten_thousand_are_held_and_one_more_waits(void **state)
{
	int32_t count = how_many();
	int *fds = calloc((size_t)count + 1, sizeof(*fds));
	struct fixture *f = *state;
	int64_t before;
	int64_t each;

	assert_non_null(fds);
	atomic_store(&f->server->connections_max, count);
	greet(fds[0] = dial(f));
	before = resident_bytes();
	for (int32_t i = 1; i < count; i++)
		greet(fds[i] = dial(f));
	each = (resident_bytes() - before) / count;
	print_message("%d connections, %lld bytes each\n", count,
		      (long long)each);
	if (getenv("KSPOOL_SANITIZED") == NULL)
		assert_true(each <= IDLE_BYTES_MAX);
	/* One too many is not turned away, and not served either... */
	fds[count] = dial(f);
	send_heartbeat(fds[count], "now", 9);
	for (int i = 0; i < 20; i++)
		greet(fds[(size_t)i * 7 % (size_t)count]);
	assert_false(wait_readable(fds[count], 0));
	close(fds[1]); /* ... until another goes. */
	expect_heartbeat(fds[count], 9);
	for (int32_t i = 0; i <= count; i++) {
		if (i != 1)
			close(fds[i]);
	}
	free(fds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_too_many_of_an_address_is_closed),
		TEST(a_place_that_is_left_is_taken_again),
		TEST(an_address_may_have_its_own_number),
		TEST(beyond_a_rate_they_wait_and_all_come_in),
		TEST(a_quota_of_new_connections_closes_those_beyond),
		TEST(ten_thousand_are_held_and_one_more_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
