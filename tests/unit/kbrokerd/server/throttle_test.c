/*
 * throttle_test.c - clients that go beyond a quota
 */
#include "kbrokerd/quota/quotas.h"
#include "kbrokerd/server/server_kit.h"

enum { QUOTA_BYTES = 1000, WINDOWS = 11 };

static struct quotas *quotas;

/* Every client id may produce so many bytes a second. */
static void limit_produce(double bytes)
{
	struct quota_setting setting = { .kind = QUOTA_PRODUCE,
					 .value = bytes };

	setting.entity.has[QUOTA_CLIENT_ID] = true;
	quotas_set(quotas, quota_limits_new(&setting, 1));
}

static void give_quotas(struct fixture *f)
{
	const struct quotas_params params = {
		.windows = { WINDOWS, 1000 },
		.mutation_windows = { WINDOWS, 1000 },
	};

	quotas = quotas_new(&params);
	f->broker.quotas = quotas;
}

static int setup_quotas(void **state)
{
	before_start = give_quotas;
	return setup(state);
}

static int teardown_quotas(void **state)
{
	teardown(state);
	quotas_free(quotas);
	return 0;
}

/* Its throttle time is the length of what was sent, unless there is one. */
static int32_t produced(int fd, int32_t correlation_id)
{
	struct buffer b = expect_answer(fd, correlation_id);
	int32_t ms = (int32_t)get_be32(b.data + 4);

	buffer_clear(&b);
	return ms;
}

static void assert_served_by_others(const struct fixture *f)
{
	for (int i = 0; i < 10; i++)
		assert_serves(f);
}

static void beyond_its_quota_a_client_is_answered_and_then_mute(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	limit_produce(QUOTA_BYTES);
	send_frame(fd, produce(5000, 1));
	assert_int_equal(produced(fd, 1), 5000); /* within it: no time */
	send_frame(fd, produce(105000, 2));
	assert_in_range(produced(fd, 2), 90000, 110000);
	send_heartbeat(fd, "now", 3);
	assert_served_by_others(f);
	assert_false(wait_readable(fd, 0));
	close(fd);
}

static void silence_ends_by_itself(void **state)
{
	int fd = dial(*state);
	int32_t ms;

	limit_produce(1e6);
	send_frame(fd, produce(10100000, 1));
	ms = produced(fd, 1);
	assert_in_range(ms, 50, 200);
	for (int i = 2; i < 10; i++)
		send_heartbeat(fd, "now", i);
	for (int i = 2; i < 10; i++)
		expect_heartbeat(fd, i);
	close(fd);
}

static void what_came_behind_waits_in_its_order(void **state)
{
	struct buffer all = produce(10050000, 1);
	int fd = dial(*state);

	limit_produce(1e6);
	for (int i = 2; i < 50; i++) {
		struct buffer b = heartbeat("now", i);

		buffer_put(&all, b.data, b.len);
		buffer_clear(&b);
	}
	send_frame(fd, all);
	assert_in_range(produced(fd, 1), 20, 200);
	for (int i = 2; i < 50; i++)
		expect_heartbeat(fd, i);
	close(fd);
}

static void a_mute_client_may_go(void **state)
{
	struct linger hard = { .l_onoff = 1 };
	int fd = dial(*state);

	limit_produce(1);
	send_frame(fd, produce(100000, 1));
	assert_true(produced(fd, 1) > 100000);
	send_heartbeat(fd, "now", 2);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	assert_served_by_others(*state);
}

static void the_mute_do_not_keep_the_server_from_ending(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	limit_produce(1);
	send_frame(fd, produce(100000, 1));
	assert_true(produced(fd, 1) > 100000);
	server_stop(f->server, 60000);
	assert_closed(fd);
}

static void time_at_work_has_a_quota_too(void **state)
{
	struct quota_setting setting = { .kind = QUOTA_REQUEST,
					 .value = 0.001 };
	int fd = dial(*state);
	struct buffer b;

	setting.entity.has[QUOTA_USER] = true;
	setting.entity.name[QUOTA_USER] = slice_of("ANONYMOUS");
	quotas_set(quotas, quota_limits_new(&setting, 1));
	send_heartbeat(fd, "work", 1); /* 5 ms */
	b = expect_answer(fd, 1);
	assert_int_equal(get_be32(b.data + 1), 1000); /* one window */
	buffer_clear(&b);
	close(fd);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup_quotas, teardown_quotas)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(beyond_its_quota_a_client_is_answered_and_then_mute),
		TEST(silence_ends_by_itself),
		TEST(what_came_behind_waits_in_its_order),
		TEST(a_mute_client_may_go),
		TEST(the_mute_do_not_keep_the_server_from_ending),
		TEST(time_at_work_has_a_quota_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
