/*
 * admin_groups_test.c - tests of admin_groups.c, admin_group_call.c and
 * admin_describe_groups.c
 *
 * Two brokers; groups whose name begins with "b" are coordinated by the second
 * one, the others by the first.
 */
#include "client/admin_groups.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/fake_broker.h"
#include "wire/errors.h"

enum {
	SOME_MS = 60000,
	KEY_OFFSET_COMMIT = 8,
	KEY_OFFSET_FETCH = 9,
	KEY_FIND_COORDINATOR = 10,
	KEY_DESCRIBE_GROUPS = 15,
	KEY_LIST_GROUPS = 16,
	KEY_DELETE_GROUPS = 42,
	KEY_CONSUMER_GROUP_DESCRIBE = 69,
};

struct fixture {
	struct loop *loop;
	struct fake_broker *fake;
	struct fake_broker *second;
	struct client_config config;
	struct client *client;
	struct client_error error;
	struct admin_answers answers;
	struct admin_group groups[4];
	/* How often coordinators say what passes: code, and how many times. */
	int16_t passing_code;
	int passing;
	const char *consumer_group; /* that is one of KIP-848 */
	bool moves; /* after the first look-up all are the second's */
	int look_ups;
};

/* Answers */

static void answer_coordinator(struct fixture *f, struct fake_request *r)
{
	const struct find_coordinator_request *q = r->message;
	struct find_coordinator_response a;

	wire_init(&find_coordinator_response_desc, &a);
	a.node_id = 1;
	a.coordinators =
		wire_array(&find_coordinator_response_coordinators_desc,
			   &r->arena, q->coordinator_keys_count + 1);
	a.coordinators_count = q->coordinator_keys_count;
	for (int32_t i = 0; i < q->coordinator_keys_count; i++) {
		struct slice key = q->coordinator_keys[i];
		bool second = (key.len > 0 && key.data[0] == 'b') ||
			      (f->moves && f->look_ups > 0);

		a.coordinators[i].key = key;
		a.coordinators[i].node_id =
			second ? f->second->id : f->fake->id;
	}
	f->look_ups++;
	fake_answer(r, &a);
}

static int16_t code_now(struct fixture *f)
{
	if (f->passing == 0)
		return WIRE_NONE;
	f->passing--;
	return f->passing_code;
}

static void answer_fetch(struct fixture *f, struct fake_request *r)
{
	static struct offset_fetch_response_topics_partitions old_partition;
	static struct offset_fetch_response_topics old_topic;
	static struct offset_fetch_response_groups_topics_partitions partition;
	static struct offset_fetch_response_groups_topics topic;
	const struct offset_fetch_request *q = r->message;
	int16_t code = code_now(f);
	struct offset_fetch_response a;

	wire_init(&offset_fetch_response_desc, &a);
	wire_init(&offset_fetch_response_topics_partitions_desc,
		  &old_partition);
	wire_init(&offset_fetch_response_groups_topics_partitions_desc,
		  &partition);
	old_partition.committed_offset = partition.committed_offset = 42;
	old_topic = (struct offset_fetch_response_topics){ slice_of("t"),
							   &old_partition, 1,
							   NULL };
	topic = (struct offset_fetch_response_groups_topics){
		.name = slice_of("t"),
		.partitions = &partition,
		.partitions_count = 1,
	};
	a.error_code = code;
	a.topics = &old_topic;
	a.topics_count = 1;
	a.groups = wire_array(&offset_fetch_response_groups_desc, &r->arena,
			      q->groups_count + 1);
	/* The other way round than asked for, as brokers may. */
	for (int32_t i = q->groups_count - 1; i >= 0; i--) {
		struct offset_fetch_response_groups *g =
			&a.groups[a.groups_count++];

		g->group_id = q->groups[i].group_id;
		g->error_code = code;
		g->topics = &topic;
		g->topics_count = code == WIRE_NONE;
	}
	fake_answer(r, &a);
}

static void answer_commit(struct fixture *f, struct fake_request *r)
{
	const struct offset_commit_request *q = r->message;
	struct offset_commit_response a;
	struct offset_commit_response_topics_partitions *p;
	int16_t code = code_now(f);

	wire_init(&offset_commit_response_desc, &a);
	a.topics = wire_array(&offset_commit_response_topics_desc, &r->arena,
			      q->topics_count);
	a.topics_count = q->topics_count;
	for (int32_t t = 0; t < q->topics_count; t++) {
		int32_t count = q->topics[t].partitions_count;

		p = wire_array(&offset_commit_response_topics_partitions_desc,
			       &r->arena, count);
		a.topics[t].name = q->topics[t].name;
		a.topics[t].partitions = p;
		a.topics[t].partitions_count = count;
		for (int32_t i = 0; i < count; i++) {
			p[i].partition_index =
				q->topics[t].partitions[i].partition_index;
			p[i].error_code = code;
		}
	}
	fake_answer(r, &a);
}

static void answer_describe(struct fixture *f, struct fake_request *r)
{
	const struct describe_groups_request *q = r->message;
	struct describe_groups_response a;

	wire_init(&describe_groups_response_desc, &a);
	a.groups = wire_array(&describe_groups_response_groups_desc, &r->arena,
			      q->groups_count);
	a.groups_count = q->groups_count;
	for (int32_t i = 0; i < q->groups_count; i++) {
		bool classic = f->consumer_group == NULL ||
			       !slice_is(q->groups[i], f->consumer_group);

		a.groups[i].group_id = q->groups[i];
		a.groups[i].group_state = slice_of(classic ? "Stable" : "Dead");
		a.groups[i].protocol_type = slice_of("consumer");
	}
	fake_answer(r, &a);
}

static void answer_consumer_describe(struct fixture *f, struct fake_request *r)
{
	const struct consumer_group_describe_request *q = r->message;
	struct consumer_group_describe_response a;

	wire_init(&consumer_group_describe_response_desc, &a);
	a.groups = wire_array(&consumer_group_describe_response_groups_desc,
			      &r->arena, q->group_ids_count);
	a.groups_count = q->group_ids_count;
	for (int32_t i = 0; i < q->group_ids_count; i++) {
		if (!slice_is(q->group_ids[i], f->consumer_group))
			a.groups[i].error_code = WIRE_GROUP_ID_NOT_FOUND;
		a.groups[i].group_id = q->group_ids[i];
		a.groups[i].group_state = slice_of("Stable");
		a.groups[i].group_epoch = 7;
	}
	fake_answer(r, &a);
}

static void answer_list(struct fixture *f, struct fake_request *r)
{
	struct list_groups_response_groups group = {
		.group_id = slice_of(r->broker == f->fake ? "a1" : "b1"),
		.protocol_type = slice_of("consumer"),
		.group_state = slice_of("Empty"),
		.group_type = slice_of("Classic"),
	};
	struct list_groups_response a;

	wire_init(&list_groups_response_desc, &a);
	a.error_code = r->broker == f->second ? code_now(f) : WIRE_NONE;
	a.groups = &group;
	a.groups_count = 1;
	fake_answer(r, &a);
}

static bool on_request(struct fake_request *r)
{
	static const struct {
		int16_t key;
		void (*answer)(struct fixture *f, struct fake_request *r);
	} answers[] = {
		{ KEY_OFFSET_COMMIT, answer_commit },
		{ KEY_OFFSET_FETCH, answer_fetch },
		{ KEY_FIND_COORDINATOR, answer_coordinator },
		{ KEY_DESCRIBE_GROUPS, answer_describe },
		{ KEY_LIST_GROUPS, answer_list },
		{ KEY_CONSUMER_GROUP_DESCRIBE, answer_consumer_describe },
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (answers[i].key != r->key)
			continue;
		answers[i].answer(r->broker->arg, r);
		return true;
	}
	return false;
}

/* The scene */

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char servers[64];

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(client_config_init(&f->config), 0);
	f->fake = fake_broker_new(f->loop, 1);
	f->second = fake_broker_new(f->loop, 2);
	f->fake->arg = f->second->arg = f;
	f->fake->on_request = f->second->on_request = on_request;
	/* The second is in the cluster too. */
	f->fake->leader = f->second->leader = 2;
	f->fake->leader_port = f->second->leader_port = f->second->port;
	f->config.retry_backoff_ms = 1;
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", f->fake->port);
	assert_int_equal(client_config_set(&f->config, "bootstrap.servers",
					   servers, &f->error),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	admin_answers_clear(&f->answers);
	client_free(f->client);
	fake_broker_free(f->fake);
	fake_broker_free(f->second);
	client_config_clear(&f->config);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void start(struct fixture *f)
{
	assert_int_equal(client_new(f->loop, &f->config, &f->client, &f->error),
			 0);
}

static int fetch(struct fixture *f, size_t count, int64_t ms)
{
	static const char *const names[] = { "a1", "b1", "a2", "b2" };

	for (size_t i = 0; i < count; i++)
		f->groups[i] = (struct admin_group){ .name = names[i],
						     .coordinator = -1 };
	return admin_ask_groups(f->client, ADMIN_FETCH_OFFSETS, f->groups,
				count, ms, &f->answers, &f->error);
}

static void expect_fetched(struct fixture *f, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(f->groups[i].code, WIRE_NONE);
		assert_int_equal(f->groups[i].offset_count, 1);
		assert_string_equal(f->groups[i].offsets->topic, "t");
		assert_int_equal(f->groups[i].offsets->offset, 42);
	}
}

/* Tests */

static void groups_of_one_coordinator_share_a_request(void **state)
{
	struct fixture *f = *state;

	start(f);

	assert_int_equal(fetch(f, 4, SOME_MS), 0);

	expect_fetched(f, 4);
	assert_int_equal(f->groups[0].coordinator, 1);
	assert_int_equal(f->groups[1].coordinator, 2);
	assert_int_equal(f->fake->requests[KEY_FIND_COORDINATOR] +
				 f->second->requests[KEY_FIND_COORDINATOR],
			 1);
	assert_int_equal(f->fake->requests[KEY_OFFSET_FETCH], 1);
	assert_int_equal(f->second->requests[KEY_OFFSET_FETCH], 1);
}

static void an_older_broker_is_asked_one_group_at_a_time(void **state)
{
	struct fixture *f = *state;

	f->fake->versions[KEY_FIND_COORDINATOR].max = 3;
	f->fake->versions[KEY_OFFSET_FETCH].max = 7;
	f->fake->leader = 1; /* alone */
	start(f);

	assert_int_equal(fetch(f, 1, SOME_MS), 0);
	expect_fetched(f, 1);
	assert_int_equal(fetch(f, 3, SOME_MS), 0);

	expect_fetched(f, 3);
	assert_int_equal(f->fake->requests[KEY_FIND_COORDINATOR], 1 + 3);
	assert_int_equal(f->fake->requests[KEY_OFFSET_FETCH], 1 + 3);
}

static void a_coordinator_that_loads_is_asked_again(void **state)
{
	struct fixture *f = *state;

	f->passing_code = WIRE_COORDINATOR_LOAD_IN_PROGRESS;
	f->passing = 3;
	start(f);

	assert_int_equal(fetch(f, 1, SOME_MS), 0);

	expect_fetched(f, 1);
	assert_int_equal(f->fake->requests[KEY_OFFSET_FETCH], 4);
}

static void a_coordinator_that_moved_is_looked_up_again(void **state)
{
	struct fixture *f = *state;

	f->passing_code = WIRE_NOT_COORDINATOR;
	f->passing = 1;
	f->moves = true;
	start(f);

	assert_int_equal(fetch(f, 1, SOME_MS), 0);

	expect_fetched(f, 1);
	assert_int_equal(f->groups[0].coordinator, 2);
	assert_int_equal(f->second->requests[KEY_OFFSET_FETCH], 1);
}

static void a_coordinator_that_stays_away_is_told_when_time_is_over(
	void **state)
{
	struct fixture *f = *state;

	f->passing_code = WIRE_NOT_COORDINATOR;
	f->passing = 1000000;
	start(f);

	assert_int_equal(fetch(f, 1, 100), 0);

	assert_int_equal(f->groups[0].code, WIRE_NOT_COORDINATOR);
}

static void what_is_refused_for_good_is_not_asked_again(void **state)
{
	struct fixture *f = *state;

	f->passing_code = WIRE_GROUP_AUTHORIZATION_FAILED;
	f->passing = 1;
	start(f);

	assert_int_equal(fetch(f, 1, SOME_MS), 0);

	assert_int_equal(f->groups[0].code, WIRE_GROUP_AUTHORIZATION_FAILED);
	assert_int_equal(f->fake->requests[KEY_OFFSET_FETCH], 1);
}

static void what_a_broker_lacks_is_named(void **state)
{
	struct fixture *f = *state;

	f->fake->versions[KEY_OFFSET_FETCH] = (struct fake_version){ 0, -1 };
	start(f);

	assert_int_equal(fetch(f, 1, SOME_MS), -ENOTSUP);

	assert_int_equal(f->error.kind, CLIENT_REFUSED);
	assert_non_null(strstr(f->error.text, "does not know OffsetFetch"));
}

static void a_coordinator_that_is_down_is_told_of_its_groups_only(void **state)
{
	struct fixture *f = *state;

	fake_broker_down(f->second);
	start(f);

	assert_int_equal(fetch(f, 2, 500), 0);

	assert_int_equal(f->groups[0].code, WIRE_NONE);
	assert_int_equal(f->groups[1].code, WIRE_REQUEST_TIMED_OUT);
}

static void commits_are_told_by_partition_and_tried_again_as_a_whole(
	void **state)
{
	struct fixture *f = *state;
	struct admin_group_offset offsets[] = {
		{ .topic = "t", .partition = 0, .offset = 5, .code = -1 },
		{ .topic = "t", .partition = 1, .offset = 6, .code = -1 },
		{ .topic = "u", .partition = 0, .offset = 7, .code = -1 },
	};
	struct admin_group group = {
		.name = "a1",
		.coordinator = -1,
		.offsets = offsets,
		.offset_count = 3,
	};

	f->passing_code = WIRE_NOT_COORDINATOR;
	f->passing = 1;
	start(f);

	assert_int_equal(admin_ask_groups(f->client, ADMIN_COMMIT_OFFSETS,
					  &group, 1, SOME_MS, &f->answers,
					  &f->error),
			 0);

	assert_int_equal(group.code, WIRE_NONE);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(offsets[i].code, WIRE_NONE);
	assert_int_equal(f->fake->requests[KEY_OFFSET_COMMIT], 2);
}

static void groups_of_kip_848_are_described_too(void **state)
{
	struct fixture *f = *state;
	const char *names[] = { "a1", "a2" };
	struct admin_group_info infos[2];

	f->consumer_group = "a2";
	start(f);

	assert_int_equal(admin_describe_groups(f->client, names, NULL, 2,
					       SOME_MS, &f->answers, infos,
					       &f->error),
			 0);

	assert_string_equal(infos[0].type, "classic");
	assert_int_equal(infos[0].epoch, -1);
	assert_string_equal(infos[1].type, "consumer");
	assert_int_equal(infos[1].epoch, 7);
}

static void a_group_of_a_known_type_is_asked_about_once(void **state)
{
	struct fixture *f = *state;
	const char *names[] = { "a2" };
	const char *types[] = { "Consumer" };
	struct admin_group_info info;

	f->consumer_group = "a2";
	start(f);

	assert_int_equal(admin_describe_groups(f->client, names, types, 1,
					       SOME_MS, &f->answers, &info,
					       &f->error),
			 0);

	assert_string_equal(info.type, "consumer");
	assert_int_equal(f->fake->requests[KEY_DESCRIBE_GROUPS], 0);
	assert_int_equal(f->fake->requests[KEY_CONSUMER_GROUP_DESCRIBE], 1);
}

static void a_group_that_has_another_type_by_now_is_found(void **state)
{
	struct fixture *f = *state;
	const char *names[] = { "a1", "a2" };
	const char *types[] = { "consumer", "classic" };
	struct admin_group_info infos[2];

	f->consumer_group = "a2";
	start(f);

	assert_int_equal(admin_describe_groups(f->client, names, types, 2,
					       SOME_MS, &f->answers, infos,
					       &f->error),
			 0);

	assert_string_equal(infos[0].type, "classic");
	assert_string_equal(infos[1].type, "consumer");
}

static void groups_of_a_cluster_that_is_not_there_are_not_described(
	void **state)
{
	struct fixture *f = *state;
	const char *names[] = { "a1", "a2", "b1", "b2" };
	const char *types[] = { "classic", "consumer", "consumer", "consumer" };
	struct admin_group_info infos[4];

	fake_broker_down(f->fake);
	fake_broker_down(f->second);
	start(f);

	assert_true(admin_describe_groups(f->client, names, types, 4, 100,
					  &f->answers, infos, &f->error) < 0);
}

static void a_broker_without_kip_848_has_no_such_groups(void **state)
{
	struct fixture *f = *state;
	const char *names[] = { "a2" };
	struct admin_group_info info;

	f->consumer_group = "a2";
	f->fake->versions[KEY_CONSUMER_GROUP_DESCRIBE] =
		(struct fake_version){ 0, -1 };
	start(f);

	assert_int_equal(admin_describe_groups(f->client, names, NULL, 1,
					       SOME_MS, &f->answers, &info,
					       &f->error),
			 0);

	assert_int_equal(info.code, WIRE_GROUP_ID_NOT_FOUND);
	assert_string_equal(info.state, "Dead");
}

static void groups_are_listed_from_all_brokers(void **state)
{
	struct fixture *f = *state;
	struct admin_listed_group *list;
	size_t count;

	f->passing_code = WIRE_COORDINATOR_LOAD_IN_PROGRESS;
	f->passing = 2;
	start(f);

	assert_int_equal(admin_list_groups(f->client, 0, SOME_MS, &f->answers,
					   &list, &count, &f->error),
			 0);

	assert_int_equal(count, 2);
	assert_string_equal(list[0].name, "a1");
	assert_int_equal(list[0].coordinator, 1);
	assert_string_equal(list[1].name, "b1");
	assert_int_equal(list[1].coordinator, 2);
}

static void half_of_a_list_is_none(void **state)
{
	struct fixture *f = *state;
	struct admin_listed_group *list;
	size_t count;

	fake_broker_down(f->second);
	start(f);

	assert_true(admin_list_groups(f->client, 0, 500, &f->answers, &list,
				      &count, &f->error) < 0);

	assert_int_equal(f->error.kind, CLIENT_UNREACHABLE);
}

static void states_that_a_broker_cannot_tell_are_named(void **state)
{
	struct fixture *f = *state;
	struct admin_listed_group *list;
	size_t count;

	f->fake->versions[KEY_LIST_GROUPS].max = 3;
	f->fake->leader = 1;
	start(f);

	assert_int_equal(admin_list_groups(f->client, ADMIN_LIST_STATES,
					   SOME_MS, &f->answers, &list, &count,
					   &f->error),
			 -ENOTSUP);
	assert_non_null(strstr(f->error.text, "ListGroups"));
	assert_int_equal(admin_list_groups(f->client, 0, SOME_MS, &f->answers,
					   &list, &count, &f->error),
			 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(groups_of_one_coordinator_share_a_request),
		TEST(an_older_broker_is_asked_one_group_at_a_time),
		TEST(a_coordinator_that_loads_is_asked_again),
		TEST(a_coordinator_that_moved_is_looked_up_again),
		TEST(a_coordinator_that_stays_away_is_told_when_time_is_over),
		TEST(what_is_refused_for_good_is_not_asked_again),
		TEST(what_a_broker_lacks_is_named),
		TEST(a_coordinator_that_is_down_is_told_of_its_groups_only),
		TEST(commits_are_told_by_partition_and_tried_again_as_a_whole),
		TEST(groups_of_kip_848_are_described_too),
		TEST(a_group_of_a_known_type_is_asked_about_once),
		TEST(a_group_that_has_another_type_by_now_is_found),
		TEST(groups_of_a_cluster_that_is_not_there_are_not_described),
		TEST(a_broker_without_kip_848_has_no_such_groups),
		TEST(groups_are_listed_from_all_brokers),
		TEST(half_of_a_list_is_none),
		TEST(states_that_a_broker_cannot_tell_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
