/*
 * group_member_test.c - tests of group_*.c, the shell of a group member
 *
 * The broker of these tests is a coordinator with a script: it answers as a
 * healthy one of a group with one member would, writes down what it is asked,
 * and refuses or keeps silent where a test says so.
 */
#include "client/group_member.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/consumer_protocol.h"
#include "support/fake_broker.h"
#include "wire/errors.h"

enum { API_MAX = 128, CODES_MAX = 8 };

struct fixture {
	struct loop *loop;
	struct fake_broker *fake;
	struct client_config config;
	struct group_member *member;
	struct client_error error;

	char asked[2000];                  /* "Join Sync Commit:0=5,1=7 " ... */
	int16_t codes[API_MAX][CODES_MAX]; /* of the next answers */
	int16_t always[API_MAX];           /* of all answers */
	int silent;       /* an api that is not answered, or -1 */
	const char *give; /* "01": what the group assigns */
	bool is_live_classic;
	bool gives_by_id;
	int32_t epoch;
	int64_t stored;         /* in each partition */
	const char *other_rack; /* of a second member; NULL: none */

	char told[2000]; /* "+0@5,1@5 -0,1 !0 . " */
	bool revoke_later;
	bool has_left;
	bool has_failed;
	struct client_error left;
	char commits[500]; /* "ok ", "ILLEGAL_GENERATION " */
};

static void note(char *text, size_t size, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, size - len, format, args);
	va_end(args);
}

#define ASKED(...) note(f->asked, sizeof(f->asked), __VA_ARGS__)
#define TOLD(...)  note(f->told, sizeof(f->told), __VA_ARGS__)

/* The code for the next answer of that api. */
static int16_t code_for(struct fixture *f, int16_t key)
{
	int16_t code = f->codes[key][0];

	if (f->always[key] != WIRE_NONE)
		return f->always[key];

	memmove(f->codes[key], f->codes[key] + 1,
		(CODES_MAX - 1) * sizeof(code));
	return code;
}

/*
 * The coordinator
 */

static void answer_find(struct fixture *f, struct fake_request *r)
{
	struct find_coordinator_response out;

	wire_init(&find_coordinator_response_desc, &out);
	out.coordinators = wire_array(
		&find_coordinator_response_coordinators_desc, &r->arena, 1);
	out.coordinators_count = 1;
	out.coordinators->key = slice_of("g");
	out.coordinators->node_id = 1;
	out.coordinators->error_code = code_for(f, r->key);
	ASKED("Find ");
	fake_answer(r, &out);
}

static void answer_describe(struct fixture *f, struct fake_request *r)
{
	struct describe_groups_response out;

	wire_init(&describe_groups_response_desc, &out);
	out.groups =
		wire_array(&describe_groups_response_groups_desc, &r->arena, 1);
	out.groups_count = 1;
	out.groups->members = wire_array(
		&describe_groups_response_groups_members_desc, &r->arena, 1);
	out.groups->members_count = f->is_live_classic ? 1 : 0;
	ASKED("Describe ");
	fake_answer(r, &out);
}

/* A second member, who is in that rack. */
static void put_other(struct fixture *f, struct fake_request *r,
		      struct join_group_response *out)
{
	static const char *const topics[] = { "t" };
	struct partition_set none = { 0 };
	const struct consumer_facts facts = {
		.topics = topics,
		.topic_count = 1,
		.owned = &none,
		.generation = -1,
		.last = &none,
		.last_generation = -1,
		.rack = f->other_rack,
	};
	struct join_group_response_members *m =
		&out->members[out->members_count++];
	struct buffer bytes = { 0 };

	consumer_subscription_encode(assignor_by_name(out->protocol_name),
				     &facts, &bytes);
	m->member_id = slice_of("m2");
	m->metadata = arena_copy(&r->arena, buffer_slice(&bytes));
	buffer_clear(&bytes);
}

/* It leads, and is alone but for the other. */
static void answer_join(struct fixture *f, struct fake_request *r)
{
	const struct join_group_request *asked = r->message;
	struct join_group_response out;

	ASKED("Join ");
	wire_init(&join_group_response_desc, &out);
	out.error_code = code_for(f, r->key);
	out.member_id = slice_of("m1");
	if (out.error_code == WIRE_NONE && asked->member_id.len == 0)
		out.error_code = WIRE_MEMBER_ID_REQUIRED;
	if (out.error_code == WIRE_NONE) {
		out.generation_id = ++f->epoch;
		out.leader = out.member_id;
		out.protocol_name = asked->protocols[0].name;
		out.members = wire_array(&join_group_response_members_desc,
					 &r->arena, 2);
		out.members_count = 1;
		out.members->member_id = out.member_id;
		out.members->metadata = asked->protocols[0].metadata;
		if (f->other_rack != NULL)
			put_other(f, r, &out);
	}
	fake_answer(r, &out);
}

/* "m1=01 m2=23 " */
static void note_plan(struct fixture *f, const struct sync_group_request *q)
{
	for (int32_t i = 0; i < q->assignments_count; i++) {
		const struct sync_group_request_assignments *a =
			&q->assignments[i];
		struct partition_set set = { 0 };

		consumer_assignment_decode(a->assignment, &set);
		ASKED("%.*s=", (int)a->member_id.len, a->member_id.data);
		for (size_t p = 0; p < set.count; p++)
			ASKED("%d", set.items[p].partition);
		ASKED(" ");
		partition_set_clear(&set);
	}
}

static void answer_sync(struct fixture *f, struct fake_request *r)
{
	const struct sync_group_request *asked = r->message;
	struct sync_group_response out;
	struct partition_set set = { 0 };
	struct buffer bytes = { 0 };

	ASKED("Sync ");
	if (f->other_rack != NULL)
		note_plan(f, asked);
	wire_init(&sync_group_response_desc, &out);
	out.error_code = code_for(f, r->key);
	if (f->give == NULL && asked->assignments_count > 0)
		out.assignment = asked->assignments->assignment;
	for (const char *c = f->give; c != NULL && *c != '\0'; c++)
		partition_set_add(&set, slice_of("t"), *c - '0', UUID_ZERO);
	if (f->give != NULL) {
		consumer_assignment_encode(&set, &bytes);
		out.assignment = buffer_slice(&bytes);
	}
	fake_answer(r, &out);
	partition_set_clear(&set);
	buffer_clear(&bytes);
}

static void answer_beat(struct fixture *f, struct fake_request *r)
{
	struct heartbeat_response out;

	wire_init(&heartbeat_response_desc, &out);
	out.error_code = code_for(f, r->key);
	fake_answer(r, &out);
}

static void answer_leave(struct fixture *f, struct fake_request *r)
{
	struct leave_group_response out;

	ASKED("Leave ");
	wire_init(&leave_group_response_desc, &out);
	fake_answer(r, &out);
}

static void put_given(struct fixture *f, struct fake_request *r,
		      struct consumer_group_heartbeat_response *out)
{
	struct consumer_group_heartbeat_response_assignment *a =
		arena_calloc(&r->arena, 1, sizeof(*a));
	size_t count = strlen(f->give);

	out->assignment = a;
	a->topic_partitions = wire_array(
		&consumer_group_heartbeat_response_assignment_topic_partitions_desc,
		&r->arena, 1);
	a->topic_partitions_count = 1;
	a->topic_partitions->topic_id = f->fake->topic_id;
	a->topic_partitions->partitions =
		arena_calloc(&r->arena, count, sizeof(int32_t));
	for (size_t i = 0; i < count; i++)
		a->topic_partitions->partitions[i] = f->give[i] - '0';
	a->topic_partitions->partitions_count = (int32_t)count;
}

static void answer_consumer_beat(struct fixture *f, struct fake_request *r)
{
	const struct consumer_group_heartbeat_request *asked = r->message;
	struct consumer_group_heartbeat_response out;

	wire_init(&consumer_group_heartbeat_response_desc, &out);
	out.error_code = code_for(f, r->key);
	out.member_epoch = asked->member_epoch;
	out.heartbeat_interval_ms = 10;
	ASKED("Beat:%d", asked->member_epoch);
	if (asked->subscribed_topic_regex.data != NULL)
		ASKED("~%.*s", (int)asked->subscribed_topic_regex.len,
		      asked->subscribed_topic_regex.data);
	if (asked->topic_partitions_count > 0)
		ASKED("/%d", asked->topic_partitions->partitions_count);
	ASKED(" ");
	if (asked->member_epoch == 0 && out.error_code == WIRE_NONE) {
		out.member_epoch = ++f->epoch;
		put_given(f, r, &out);
	}
	fake_answer(r, &out);
}

static void answer_offsets(struct fixture *f, struct fake_request *r)
{
	const struct offset_fetch_request *asked = r->message;
	struct offset_fetch_response out;
	struct offset_fetch_response_groups *g;
	struct offset_fetch_response_groups_topics *t;
	int32_t count = asked->groups->topics->partition_indexes_count;

	ASKED("Offsets ");
	wire_init(&offset_fetch_response_desc, &out);
	g = wire_array(&offset_fetch_response_groups_desc, &r->arena, 1);
	out.groups = g;
	out.groups_count = 1;
	g->group_id = slice_of("g");
	g->error_code = code_for(f, r->key);
	t = wire_array(&offset_fetch_response_groups_topics_desc, &r->arena, 1);
	g->topics = t;
	g->topics_count = 1;
	t->name = slice_of("t");
	t->partitions =
		wire_array(&offset_fetch_response_groups_topics_partitions_desc,
			   &r->arena, count);
	t->partitions_count = count;
	for (int32_t i = 0; i < count; i++) {
		t->partitions[i].partition_index =
			asked->groups->topics->partition_indexes[i];
		t->partitions[i].committed_offset = f->stored;
	}
	fake_answer(r, &out);
}

static void answer_commit(struct fixture *f, struct fake_request *r)
{
	const struct offset_commit_request *asked = r->message;
	struct offset_commit_response out;
	int16_t code = code_for(f, r->key);
	int32_t count = asked->topics->partitions_count;

	ASKED("Commit@%d", asked->generation_id_or_member_epoch);
	wire_init(&offset_commit_response_desc, &out);
	out.topics =
		wire_array(&offset_commit_response_topics_desc, &r->arena, 1);
	out.topics_count = 1;
	out.topics->name = slice_of("t");
	out.topics->partitions =
		wire_array(&offset_commit_response_topics_partitions_desc,
			   &r->arena, count);
	out.topics->partitions_count = count;
	for (int32_t i = 0; i < count; i++) {
		ASKED(":%d=%d", asked->topics->partitions[i].partition_index,
		      (int)asked->topics->partitions[i].committed_offset);
		out.topics->partitions[i].partition_index =
			asked->topics->partitions[i].partition_index;
		out.topics->partitions[i].error_code = code;
	}
	ASKED(" ");
	fake_answer(r, &out);
}

static const struct {
	int16_t key;
	void (*answer)(struct fixture *f, struct fake_request *r);
} answers[] = {
	{ API_FIND_COORDINATOR, answer_find },
	{ API_DESCRIBE_GROUPS, answer_describe },
	{ API_JOIN_GROUP, answer_join },
	{ API_SYNC_GROUP, answer_sync },
	{ API_HEARTBEAT, answer_beat },
	{ API_LEAVE_GROUP, answer_leave },
	{ API_CONSUMER_GROUP_HEARTBEAT, answer_consumer_beat },
	{ API_OFFSET_FETCH, answer_offsets },
	{ API_OFFSET_COMMIT, answer_commit },
};

static bool on_request(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (answers[i].key != r->key)
			continue;
		if (f->silent == r->key)
			fake_hold(r);
		else
			answers[i].answer(f, r);
		return true;
	}
	return false;
}

/*
 * The reader
 */

static void on_assigned(void *arg, const struct group_position *positions,
			size_t count)
{
	struct fixture *f = arg;

	TOLD("+");
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(positions[i].partition.topic, "t");
		TOLD("%s%d@%d", i == 0 ? "" : ",",
		     positions[i].partition.partition,
		     (int)positions[i].offset);
	}
	TOLD(" ");
}

static void tell_list(struct fixture *f, const char *mark,
		      const struct group_partition *partitions, size_t count)
{
	TOLD("%s", mark);
	for (size_t i = 0; i < count; i++)
		TOLD("%s%d", i == 0 ? "" : ",", partitions[i].partition);
	TOLD(" ");
}

static void on_revoked(void *arg, const struct group_partition *partitions,
		       size_t count)
{
	struct fixture *f = arg;

	tell_list(f, "-", partitions, count);
	if (!f->revoke_later)
		group_revoked(f->member);
}

static void on_lost(void *arg, const struct group_partition *partitions,
		    size_t count)
{
	tell_list(arg, "!", partitions, count);
}

static void on_left(void *arg, const struct client_error *error)
{
	struct fixture *f = arg;

	f->has_left = true;
	f->has_failed = error != NULL;
	if (error != NULL)
		f->left = *error;
}

static void on_committed(void *arg, const struct group_commit_item *items,
			 size_t count, const struct client_error *error)
{
	struct fixture *f = arg;

	(void)items;
	(void)count;
	note(f->commits, sizeof(f->commits), "%s ",
	     error == NULL ? "ok" : client_code_name(error->code));
}

/*
 * Fixture
 */

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(client_config_init(&f->config), 0);
	f->fake = fake_broker_new(f->loop, 1);
	f->fake->arg = f;
	f->fake->on_request = on_request;
	f->fake->partitions = 4;
	f->silent = -1;
	f->stored = 5;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	group_member_free(f->member);
	fake_broker_free(f->fake);
	client_config_clear(&f->config);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void set(struct fixture *f, const char *name, const char *value)
{
	assert_int_equal(client_config_set(&f->config, name, value, &f->error),
			 0);
}

static int open_member(struct fixture *f, const char *pattern)
{
	static const char *const topics[] = { "t" };
	const struct group_subscription subscription = {
		.topics = topics,
		.topic_count = pattern == NULL,
		.patterns = &pattern,
		.pattern_count = pattern != NULL,
	};
	const struct group_handler handler = {
		.on_assigned = on_assigned,
		.on_revoked = on_revoked,
		.on_lost = on_lost,
		.on_left = on_left,
		.arg = f,
	};
	char servers[64];

	snprintf(servers, sizeof(servers), "127.0.0.1:%u", f->fake->port);
	set(f, "bootstrap.servers", servers);
	set(f, "retry.backoff.ms", "1");
	set(f, "retry.backoff.max.ms", "5");
	set(f, "reconnect.backoff.ms", "1");
	set(f, "heartbeat.interval.ms", "10");
	return group_member_new(f->loop, &f->config, &subscription, &handler,
				&f->member, &f->error);
}

static void start(struct fixture *f, const char *protocol)
{
	set(f, "group.id", "g");
	set(f, "group.protocol", protocol);
	assert_int_equal(open_member(f, NULL), 0);
}

/* Until the text has that in it. */
static void wait_for(struct fixture *f, const char *text, const char *what)
{
	for (int i = 0; strstr(text, what) == NULL; i++) {
		if (i >= 5000)
			fail_msg("no '%s' in '%s'; asked: %s; told: %s", what,
				 text, f->asked, f->told);
		loop_run_once(f->loop, 1000);
	}
}

static void wait_until_left(struct fixture *f)
{
	for (int i = 0; !f->has_left; i++) {
		assert_true(i < 5000);
		loop_run_once(f->loop, 1000);
	}
}

static void commit(struct fixture *f, int32_t partition, int64_t offset)
{
	struct group_commit_item item = {
		.topic = "t",
		.partition = partition,
		.offset = offset,
		.leader_epoch = -1,
	};

	assert_int_equal(group_commit(f->member, &item, 1, on_committed, f), 0);
}

static void leave(struct fixture *f)
{
	group_member_leave(f->member, 10000);
	wait_until_left(f);
}

/*
 * Tests
 */

static void a_classic_member_leads_reads_commits_and_leaves(void **state)
{
	struct fixture *f = *state;

	start(f, "classic");
	wait_for(f, f->told, "+");
	assert_string_equal(f->told, "+0@5,1@5,2@5,3@5 ");
	assert_string_equal(f->asked, "Find Join Join Sync Offsets ");
	assert_string_equal(group_member_protocol(f->member), "classic");
	assert_int_equal(group_member_generation(f->member), 1);
	assert_true(group_owns(f->member, "t", 3));
	assert_false(group_owns(f->member, "t", 4));
	assert_true(group_is_settled(f->member));

	commit(f, 2, 9);
	wait_for(f, f->commits, "ok");
	leave(f);
	assert_false(f->has_failed);
	assert_string_equal(f->told, "+0@5,1@5,2@5,3@5 -0,1,2,3 ");
	assert_string_equal(f->asked, "Find Join Join Sync Offsets "
				      "Commit@1:2=9 Leave ");
}

static void what_is_committed_in_a_revocation_comes_before_the_join(
	void **state)
{
	struct fixture *f = *state;

	f->revoke_later = true;
	start(f, "classic");
	wait_for(f, f->told, "+");
	f->codes[API_HEARTBEAT][0] = WIRE_REBALANCE_IN_PROGRESS;
	wait_for(f, f->told, "-0,1,2,3 ");
	assert_false(group_owns(f->member, "t", 0));
	commit(f, 0, 7);
	group_revoked(f->member);
	wait_for(f, f->told, "+0@5,1@5,2@5,3@5 -0,1,2,3 +0@5");
	wait_for(f, f->asked, "Commit@1:0=7 Join Sync Offsets ");
	assert_string_equal(f->commits, "ok ");
}

static void a_leader_gives_what_is_near_and_sees_racks_change(void **state)
{
	struct fixture *f = *state;

	/* given members in two racks, half of the partitions in each */
	f->other_rack = "b";
	f->fake->racks = "bbaa";
	set(f, "client.rack", "a");
	set(f, "partition.assignment.strategy", "range");
	set(f, "metadata.max.age.ms", "10");

	start(f, "classic");
	wait_for(f, f->asked, "Sync m1=23 m2=01 ");

	/* when replicas move the group meets again */
	f->fake->racks = "baba";
	wait_for(f, f->asked, "Sync m1=13 m2=02 ");
}

static void a_leader_whose_members_have_no_racks_asks_for_none(void **state)
{
	struct fixture *f = *state;

	f->other_rack = "";
	f->fake->racks = "bbaa";
	set(f, "partition.assignment.strategy", "range");

	start(f, "classic");
	wait_for(f, f->asked, "Sync m1=01 m2=23 ");
}

static void a_commit_waits_for_a_rebalance_and_for_the_coordinator(void **state)
{
	struct fixture *f = *state;

	set(f, "partition.assignment.strategy", "cooperative-sticky");
	start(f, "classic");
	wait_for(f, f->told, "+");
	f->codes[API_OFFSET_COMMIT][0] = WIRE_REBALANCE_IN_PROGRESS;
	f->codes[API_OFFSET_COMMIT][1] = WIRE_NOT_COORDINATOR;
	f->codes[API_OFFSET_COMMIT][2] = WIRE_COORDINATOR_LOAD_IN_PROGRESS;
	commit(f, 1, 8);
	wait_for(f, f->commits, "ok");
	wait_for(f, f->asked,
		 "Commit@1:1=8 Join Sync Commit@2:1=8 Find Commit@2:1=8 "
		 "Commit@2:1=8 ");
}

static void what_is_not_ours_is_not_committed(void **state)
{
	struct fixture *f = *state;

	f->give = "12";
	start(f, "classic");
	wait_for(f, f->told, "+");
	commit(f, 0, 3);
	wait_for(f, f->commits, "ILLEGAL_GENERATION ");
	assert_null(strstr(f->asked, "Commit"));
	/* nor what was lost while it waited */
	f->always[API_OFFSET_COMMIT] = WIRE_COORDINATOR_LOAD_IN_PROGRESS;
	commit(f, 1, 3);
	commit(f, 2, 3);
	f->codes[API_HEARTBEAT][0] = WIRE_UNKNOWN_MEMBER_ID;
	f->give = "3";
	wait_for(f, f->told, "!1,2 ");
	wait_for(f, f->told, "+3@5");
	assert_string_equal(f->commits, "ILLEGAL_GENERATION ILLEGAL_GENERATION "
					"ILLEGAL_GENERATION ");
}

static void a_fenced_member_is_told_so(void **state)
{
	struct fixture *f = *state;

	set(f, "group.instance.id", "i");
	start(f, "classic");
	wait_for(f, f->told, "+");
	f->codes[API_OFFSET_COMMIT][0] = WIRE_FENCED_INSTANCE_ID;
	commit(f, 1, 8);
	wait_until_left(f);
	assert_true(f->has_failed);
	assert_int_equal(f->left.code, WIRE_FENCED_INSTANCE_ID);
	assert_string_equal(f->commits, "FENCED_INSTANCE_ID ");
	assert_string_equal(f->told, "+0@5,1@5,2@5,3@5 !0,1,2,3 ");
}

static void offsets_that_are_not_stable_are_asked_again(void **state)
{
	struct fixture *f = *state;

	f->codes[API_OFFSET_FETCH][0] = WIRE_UNSTABLE_OFFSET_COMMIT;
	f->codes[API_OFFSET_FETCH][1] = WIRE_NOT_COORDINATOR;
	start(f, "classic");
	wait_for(f, f->told, "+");
	assert_string_equal(
		f->asked, "Find Join Join Sync Offsets Offsets Find Offsets ");
}

static void who_leaves_a_waiting_join_leaves_at_once(void **state)
{
	struct fixture *f = *state;

	start(f, "classic");
	wait_for(f, f->told, "+");
	f->silent = API_JOIN_GROUP;
	f->codes[API_HEARTBEAT][0] = WIRE_REBALANCE_IN_PROGRESS;
	wait_for(f, f->told, "-");
	while (TAILQ_EMPTY(&f->fake->held))
		loop_run_once(f->loop, 1000);
	leave(f);
	assert_false(f->has_failed);
	wait_for(f, f->asked, "Leave ");
}

static void a_consumer_is_given_ids_and_tells_names(void **state)
{
	struct fixture *f = *state;

	f->give = "13";
	start(f, "consumer");
	wait_for(f, f->told, "+");
	assert_string_equal(f->told, "+1@5,3@5 ");
	assert_true(strncmp(f->asked, "Find Beat:0 ", 12) == 0);
	wait_for(f, f->asked, "Beat:1/2 ");
	commit(f, 3, 6);
	wait_for(f, f->commits, "ok");
	leave(f);
	wait_for(f, f->asked, "Commit@1:3=6 ");
	wait_for(f, f->asked, "Beat:-1 ");
}

static void a_fenced_consumer_loses_and_comes_back(void **state)
{
	struct fixture *f = *state;

	f->give = "0";
	start(f, "consumer");
	wait_for(f, f->told, "+0@5 ");
	f->codes[API_CONSUMER_GROUP_HEARTBEAT][0] = WIRE_FENCED_MEMBER_EPOCH;
	f->give = "12";
	wait_for(f, f->told, "+0@5 !0 +1@5,2@5 ");
}

static void patterns_go_to_the_coordinator(void **state)
{
	struct fixture *f = *state;

	f->give = "0";
	set(f, "group.id", "g");
	set(f, "group.protocol", "consumer");
	assert_int_equal(open_member(f, "^t|x"), 0);
	wait_for(f, f->told, "+0@5 ");
	wait_for(f, f->asked, "Beat:0~(?:^t|x).* ");
}

static void the_protocol_is_that_of_the_group(void **state)
{
	struct fixture *f = *state;

	f->is_live_classic = true;
	start(f, "auto");
	wait_for(f, f->told, "+");
	assert_string_equal(f->asked, "Find Describe Join Join Sync Offsets ");
}

static void without_members_it_is_the_newer_one(void **state)
{
	struct fixture *f = *state;

	f->give = "0";
	start(f, "auto");
	wait_for(f, f->told, "+");
	wait_for(f, f->asked, "Find Describe Beat:0 ");
}

static void a_broker_without_the_newer_one_gets_the_older(void **state)
{
	struct fixture *f = *state;

	f->fake->versions[API_CONSUMER_GROUP_HEARTBEAT] =
		(struct fake_version){ 0, -1 };
	start(f, "auto");
	wait_for(f, f->told, "+");
	assert_string_equal(group_member_protocol(f->member), "classic");
}

static void who_finds_no_coordinator_gives_up_in_time(void **state)
{
	struct fixture *f = *state;

	f->silent = API_FIND_COORDINATOR;
	set(f, "group.id", "g");
	assert_int_equal(open_member(f, NULL), 0);
	group_member_set_patience(f->member, 50);
	wait_until_left(f);
	assert_true(f->has_failed);
	assert_int_equal(f->left.kind, CLIENT_UNREACHABLE);
}

static void a_mute_coordinator_does_not_keep_who_leaves(void **state)
{
	struct fixture *f = *state;

	start(f, "classic");
	wait_for(f, f->told, "+");
	f->silent = API_LEAVE_GROUP;
	group_member_leave(f->member, 30);
	wait_until_left(f);
	assert_false(f->has_failed);
}

static void a_wrong_configuration_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_member(f, NULL), -EINVAL);
	assert_non_null(strstr(f->error.text, "group.id"));
	set(f, "group.id", "g");
	assert_int_equal(open_member(f, "("), -EINVAL);
	assert_non_null(strstr(f->error.text, "pattern"));
	set(f, "partition.assignment.strategy", "range,mine");
	assert_int_equal(open_member(f, NULL), -EINVAL);
	assert_non_null(strstr(f->error.text, "'mine'"));
}

static void it_can_be_freed_at_any_time(void **state)
{
	struct fixture *f = *state;

	for (int steps = 0; steps < 40; steps++) {
		f->has_left = false;
		start(f, steps % 2 ? "classic" : "auto");
		f->give = "01";
		for (int i = 0; i < steps; i++)
			loop_run_once(f->loop, 20);
		commit(f, 0, 1);
		group_member_free(f->member);
		f->member = NULL;
		f->told[0] = '\0';
		f->asked[0] = '\0';
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_classic_member_leads_reads_commits_and_leaves),
		TEST(what_is_committed_in_a_revocation_comes_before_the_join),
		TEST(a_leader_gives_what_is_near_and_sees_racks_change),
		TEST(a_leader_whose_members_have_no_racks_asks_for_none),
		TEST(a_commit_waits_for_a_rebalance_and_for_the_coordinator),
		TEST(what_is_not_ours_is_not_committed),
		TEST(a_fenced_member_is_told_so),
		TEST(offsets_that_are_not_stable_are_asked_again),
		TEST(who_leaves_a_waiting_join_leaves_at_once),
		TEST(a_consumer_is_given_ids_and_tells_names),
		TEST(a_fenced_consumer_loses_and_comes_back),
		TEST(patterns_go_to_the_coordinator),
		TEST(the_protocol_is_that_of_the_group),
		TEST(without_members_it_is_the_newer_one),
		TEST(a_broker_without_the_newer_one_gets_the_older),
		TEST(who_finds_no_coordinator_gives_up_in_time),
		TEST(a_mute_coordinator_does_not_keep_who_leaves),
		TEST(a_wrong_configuration_is_refused),
		TEST(it_can_be_freed_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
