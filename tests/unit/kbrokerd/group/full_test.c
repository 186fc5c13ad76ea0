/*
 * full_test.c - what a KIP-848 member is refused when groups take all of
 * group.memory.max.bytes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/temporary.h"
#include "kbrokerd/whole_kit.h"
#include "wire/error_codes.h"

enum {
	FIND_COORDINATOR = 10,
	HEARTBEAT = 68,
	MEMORY_BYTES = 4096, /* as setup() says: less than many members take */
	NAMES = 1000,
	NAME_LETTERS = 200,
};

struct fixture {
	char dir[64];
	struct config *config;
	struct broker *broker;
	int fd; /* a connection */
	struct arena arena;
};

static int16_t beat(struct fixture *f, const char *member_id, int32_t *epoch,
		    struct slice *names, int32_t count, struct slice pattern)
{
	struct consumer_group_heartbeat_request request;
	struct consumer_group_heartbeat_response r;

	wire_init(&consumer_group_heartbeat_request_desc, &request);
	request.group_id = slice_of("g");
	request.member_id = slice_of(member_id);
	request.member_epoch = *epoch;
	request.rebalance_timeout_ms = 60000;
	request.subscribed_topic_names = names;
	request.subscribed_topic_names_count = count;
	request.subscribed_topic_regex = pattern;
	request.topic_partitions_count = 0; /* it has none, and says so */
	do
		whole_call(f->fd, HEARTBEAT, 1, &request, &f->arena, &r);
	while (r.error_code == WIRE_NOT_COORDINATOR ||
	       r.error_code == WIRE_COORDINATOR_LOAD_IN_PROGRESS);
	if (r.error_code == WIRE_NONE)
		*epoch = r.member_epoch;
	return r.error_code;
}

/* A new one. */
static int16_t join(struct fixture *f, const char *member_id,
		    struct slice *names, int32_t count, struct slice pattern)
{
	int32_t epoch = 0;

	return beat(f, member_id, &epoch, names, count, pattern);
}

static int setup(void **state)
{
	static const char *const sets[] = {
		"offsets.topic.num.partitions=1",
		"group.memory.max.bytes=4096",
		"group.consumer.session.timeout.ms=60000",
	};
	static struct fixture f;
	struct find_coordinator_request find;
	struct find_coordinator_response found;
	char error[512];

	f = (struct fixture){ .fd = -1 };
	assert_int_equal(temporary_make(f.dir, sizeof(f.dir)), 0);
	assert_int_equal(config_for_test(f.dir, sets, 3, &f.config), 0);
	if (broker_start(f.config, NULL, &f.broker, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	f.fd = whole_dial(broker_port(f.broker));
	wire_init(&find_coordinator_request_desc, &find);
	find.key = slice_of("g");
	do
		whole_call(f.fd, FIND_COORDINATOR, 3, &find, &f.arena, &found);
	while (found.error_code != WIRE_NONE);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	assert_int_equal(broker_stop(f->broker), 0);
	config_free(f->config);
	arena_clear(&f->arena);
	temporary_remove(f->dir);
	return 0;
}

static void a_subscription_must_fit_in(void **state)
{
	static char letters[MEMORY_BYTES + 1];
	struct fixture *f = *state;
	struct slice names[NAMES];

	/* Its letters, and each name for itself. */
	memset(letters, 'a', sizeof(letters));
	names[0] = (struct slice){ (uint8_t *)letters, MEMORY_BYTES };
	assert_int_equal(join(f, "m", names, 1, SLICE_NULL),
			 WIRE_POLICY_VIOLATION);
	for (int32_t i = 0; i < NAMES; i++)
		names[i] = (struct slice){ (uint8_t *)letters, 1 };
	assert_int_equal(join(f, "m", names, MEMORY_BYTES / 16, SLICE_NULL),
			 WIRE_POLICY_VIOLATION);
	assert_int_equal(
		join(f, "m", NULL, 0,
		     (struct slice){ (uint8_t *)letters, MEMORY_BYTES + 1 }),
		WIRE_POLICY_VIOLATION);
	assert_int_equal(join(f, "m", names, 1, SLICE_NULL), WIRE_NONE);
}

static void who_is_in_stays_in_but_may_not_want_much_more(void **state)
{
	static char letters[NAMES][NAME_LETTERS];
	struct fixture *f = *state;
	struct slice names[NAMES];
	char id[16];
	int32_t epoch = 0;
	int16_t error;
	int i = 0;

	memset(letters, 'a', sizeof(letters));
	for (int32_t k = 0; k < NAMES; k++) {
		names[k] =
			(struct slice){ (uint8_t *)letters[k], NAME_LETTERS };
		snprintf(letters[k], sizeof(letters[k]), "%d", k);
	}
	assert_int_equal(beat(f, "m", &epoch, names, 1, SLICE_NULL), WIRE_NONE);
	/* Others come until there is no room. */
	do {
		snprintf(id, sizeof(id), "m%d", i++);
		error = join(f, id, names, 1, SLICE_NULL);
	} while (error == WIRE_NONE && i < MEMORY_BYTES);
	assert_int_equal(error, WIRE_POLICY_VIOLATION);
	assert_int_equal(beat(f, "m", &epoch, names, 2, SLICE_NULL), WIRE_NONE);
	assert_int_equal(beat(f, "m", &epoch, names, NAMES, SLICE_NULL),
			 WIRE_POLICY_VIOLATION);
	assert_int_equal(beat(f, "m", &epoch, names, 1, SLICE_NULL), WIRE_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_subscription_must_fit_in),
		TEST(who_is_in_stays_in_but_may_not_want_much_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
