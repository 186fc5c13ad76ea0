/*
 * client_test.c - tests of client.c, broker.c, request.c, cluster.c, admin.c
 */
#include "client/client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/admin.h"
#include "support/fake_broker.h"
#include "wire/errors.h"

enum { SOME_MS = 60000 };

struct fixture {
	struct loop *loop;
	struct fake_broker *fake;
	struct fake_broker *second;
	struct client_config config;
	struct client *client;
	struct client_request *request;
	struct client_error error;
	int done;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(client_config_init(&f->config), 0);
	f->fake = fake_broker_new(f->loop, 1);
	f->second = fake_broker_new(f->loop, 2);
	f->fake->arg = f;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	client_request_free(f->request);
	client_free(f->client);
	fake_broker_free(f->fake);
	fake_broker_free(f->second);
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

static void start_at(struct fixture *f, const char *servers)
{
	set(f, "bootstrap.servers", servers);
	assert_int_equal(client_new(f->loop, &f->config, &f->client, &f->error),
			 0);
}

static void start(struct fixture *f)
{
	char servers[64];

	snprintf(servers, sizeof(servers), "127.0.0.1:%u", f->fake->port);
	start_at(f, servers);
}

static int call(struct fixture *f, int16_t key, int32_t node, int64_t ms)
{
	client_request_free(f->request);
	f->request = client_request_new(f->client, key);
	return client_call(f->request, node, ms);
}

static const char *error_text(const struct fixture *f)
{
	return client_request_error(f->request)->text;
}

static void the_newest_version_that_both_have_is_used(void **state)
{
	struct fixture *f = *state;

	f->fake->versions[API_METADATA] = (struct fake_version){ 3, 9 };
	start(f);

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);

	assert_int_equal(client_request_version(f->request), 9);
	assert_int_equal(f->fake->requests[API_API_VERSIONS], 1);
}

static void an_older_broker_is_asked_again_in_its_version(void **state)
{
	struct fixture *f = *state;

	f->fake->api_versions_max = 2;
	f->fake->versions[API_API_VERSIONS].max = 2;
	start(f);

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);

	assert_int_equal(f->fake->requests[API_API_VERSIONS], 2);
}

static void a_broker_that_does_not_say_its_range_is_asked_in_0(void **state)
{
	struct fixture *f = *state;

	f->fake->api_versions_max = 0;
	f->fake->versions[API_API_VERSIONS] = (struct fake_version){ 0, -1 };
	start(f);

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);

	assert_int_equal(f->fake->requests[API_API_VERSIONS], 2);
}

static void what_the_broker_lacks_is_named_with_its_versions(void **state)
{
	struct fixture *f = *state;

	f->fake->versions[API_DESCRIBE_CLUSTER] =
		(struct fake_version){ 0, -1 };
	f->fake->versions[API_LIST_OFFSETS] = (struct fake_version){ 90, 95 };
	start(f);

	assert_int_equal(
		call(f, API_DESCRIBE_CLUSTER, CLIENT_ANY_NODE, SOME_MS),
		-ENOTSUP);
	assert_int_equal(client_request_error(f->request)->kind,
			 CLIENT_REFUSED);
	assert_non_null(strstr(error_text(f),
			       "does not know DescribeCluster (api 60)"));
	assert_int_equal(call(f, API_LIST_OFFSETS, CLIENT_ANY_NODE, SOME_MS),
			 -ENOTSUP);
	assert_non_null(
		strstr(error_text(f), "has ListOffsets in versions 90 to 95"));
}

static void nobody_there_is_told_when_the_time_is_over(void **state)
{
	struct fixture *f = *state;
	char servers[64];
	char text[128];

	fake_broker_down(f->fake);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", f->fake->port);
	start_at(f, servers);

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, 300),
			 -ETIMEDOUT);

	snprintf(text, sizeof(text),
		 "cannot reach any of %s: Connection refused (tried for 300 "
		 "ms)",
		 servers);
	assert_string_equal(error_text(f), text);
	assert_int_equal(client_request_error(f->request)->kind,
			 CLIENT_UNREACHABLE);
	assert_false(client_request_was_sent(f->request));
}

static void put_up(void *arg)
{
	fake_broker_up(arg);
}

static void who_is_just_starting_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *timer;

	fake_broker_down(f->fake);
	assert_int_equal(loop_timer_new(f->loop, put_up, f->fake, &timer), 0);
	loop_timer_set(timer, 50);
	start(f);

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);

	loop_timer_free(timer);
}

static bool answer_throttled(struct fake_request *r)
{
	struct describe_cluster_response response;

	if (r->key != API_DESCRIBE_CLUSTER)
		return false;
	wire_init(&describe_cluster_response_desc, &response);
	response.throttle_time_ms = 120;
	fake_answer(r, &response);
	return true;
}

static void a_broker_that_throttles_is_left_alone_so_long(void **state)
{
	struct fixture *f = *state;
	int64_t before;

	f->fake->on_request = answer_throttled;
	start(f);
	assert_int_equal(
		call(f, API_DESCRIBE_CLUSTER, CLIENT_ANY_NODE, SOME_MS), 0);
	before = loop_now_ms(f->loop);

	/* Longer than its own time, which does not run meanwhile. */
	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, 100), 0);

	assert_true(loop_now_ms(f->loop) - before >= 119);
}

static void the_next_bootstrap_server_is_tried(void **state)
{
	struct fixture *f = *state;
	char servers[64];

	fake_broker_down(f->fake);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u,127.0.0.1:%u",
		 f->fake->port, f->second->port);
	start_at(f, servers);

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);

	assert_int_equal(f->second->requests[API_METADATA], 1);
}

static void an_advertised_address_that_is_wrong_is_told(void **state)
{
	struct fixture *f = *state;
	char text[200];

	f->fake->leader = 2;
	f->fake->leader_port = f->second->port;
	fake_broker_down(f->second);
	start(f);
	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);

	assert_int_equal(call(f, API_FETCH, 2, SOME_MS), -ECONNREFUSED);

	snprintf(text, sizeof(text),
		 "bootstrap 127.0.0.1:%u worked, but broker 2 is advertised as "
		 "127.0.0.1:%u: Connection refused",
		 f->fake->port, f->second->port);
	assert_string_equal(error_text(f), text);
}

static void a_node_that_nobody_knows_is_unreachable(void **state)
{
	struct fixture *f = *state;

	start(f);

	assert_int_equal(call(f, API_FETCH, 77, SOME_MS), -EHOSTUNREACH);
}

static bool take_describe(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;

	(void)f;
	if (r->key != API_DESCRIBE_CLUSTER)
		return false;
	fake_hold(r);
	return true;
}

static void no_answer_in_time_costs_the_connection(void **state)
{
	struct fixture *f = *state;

	f->fake->on_request = take_describe;
	start(f);

	assert_int_equal(call(f, API_DESCRIBE_CLUSTER, CLIENT_ANY_NODE, 20),
			 -ETIMEDOUT);
	assert_non_null(strstr(error_text(f),
			       "no answer to DescribeCluster within 20 ms"));
	assert_true(client_request_was_sent(f->request));

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);
	assert_int_equal(f->fake->accepted, 2);
}

static bool close_describe(struct fake_request *r)
{
	if (r->key != API_DESCRIBE_CLUSTER)
		return false;
	fake_close(r);
	return true;
}

static void a_closed_connection_is_not_asked_twice(void **state)
{
	struct fixture *f = *state;

	f->fake->on_request = close_describe;
	start(f);

	assert_int_equal(
		call(f, API_DESCRIBE_CLUSTER, CLIENT_ANY_NODE, SOME_MS),
		-EPIPE);

	assert_int_equal(f->fake->requests[API_DESCRIBE_CLUSTER], 1);
	assert_non_null(strstr(error_text(f), "closed by the broker"));
}

static void on_done(void *arg, struct client_request *request)
{
	struct fixture *f = arg;

	(void)request;
	f->done++;
}

static void requests_are_pipelined_and_answers_keep_their_order(void **state)
{
	struct fixture *f = *state;
	struct client_request *r[3];
	struct describe_cluster_response response;

	f->fake->on_request = take_describe;
	start(f);
	for (int i = 0; i < 3; i++) {
		r[i] = client_request_new(f->client, API_DESCRIBE_CLUSTER);
		client_send(r[i], CLIENT_ANY_NODE, SOME_MS, on_done, f);
	}
	while (f->fake->requests[API_DESCRIBE_CLUSTER] < 3)
		loop_run_once(f->loop, 1000);
	for (int i = 0; i < 3; i++) {
		wire_init(&describe_cluster_response_desc, &response);
		response.controller_id = i;
		fake_answer(fake_held(f->fake), &response);
	}
	while (f->done < 3)
		loop_run_once(f->loop, 1000);

	for (int i = 0; i < 3; i++) {
		const struct describe_cluster_response *got =
			client_request_answer(r[i]);

		assert_int_equal(got->controller_id, i);
		client_request_free(r[i]);
	}
}

static void a_cancelled_request_does_not_disturb_the_others(void **state)
{
	struct fixture *f = *state;
	struct client_request *r;
	struct describe_cluster_response response;

	f->fake->on_request = take_describe;
	start(f);
	r = client_request_new(f->client, API_DESCRIBE_CLUSTER);
	client_send(r, CLIENT_ANY_NODE, SOME_MS, on_done, f);
	while (f->fake->requests[API_DESCRIBE_CLUSTER] < 1)
		loop_run_once(f->loop, 1000);
	client_request_free(r);
	wire_init(&describe_cluster_response_desc, &response);
	fake_answer(fake_held(f->fake), &response);

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);

	assert_int_equal(f->done, 0);
	assert_int_equal(f->fake->accepted, 1);
}

static bool garble_describe(struct fake_request *r)
{
	uint8_t bytes[] = { 0, 0, 0, 6, 0, 0, 0, 0, 0xff, 0xff };

	if (r->key != API_DESCRIBE_CLUSTER)
		return false;
	put_be32(bytes + 4, (uint32_t)r->correlation_id);
	fake_answer_raw(r, (struct slice){ bytes, sizeof(bytes) });
	return true;
}

static void a_malformed_answer_is_bad_data(void **state)
{
	struct fixture *f = *state;

	f->fake->on_request = garble_describe;
	start(f);

	assert_int_equal(
		call(f, API_DESCRIBE_CLUSTER, CLIENT_ANY_NODE, SOME_MS),
		-EBADMSG);
	assert_int_equal(client_request_error(f->request)->kind,
			 CLIENT_BAD_DATA);
}

static bool misnumber_describe(struct fake_request *r)
{
	struct describe_cluster_response response;

	if (r->key != API_DESCRIBE_CLUSTER)
		return false;
	wire_init(&describe_cluster_response_desc, &response);
	r->correlation_id += 5;
	fake_answer(r, &response);
	return true;
}

static void an_answer_out_of_turn_closes(void **state)
{
	struct fixture *f = *state;

	f->fake->on_request = misnumber_describe;
	start(f);

	assert_int_equal(
		call(f, API_DESCRIBE_CLUSTER, CLIENT_ANY_NODE, SOME_MS),
		-EBADMSG);
	assert_non_null(strstr(error_text(f), "out of turn"));
}

static bool close_versions(struct fake_request *r)
{
	if (r->key != API_API_VERSIONS)
		return false;
	fake_close(r);
	return true;
}

static void one_that_closes_at_once_is_told_apart(void **state)
{
	struct fixture *f = *state;

	f->fake->on_request = close_versions;
	start(f);

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, 200),
			 -ETIMEDOUT);
	assert_non_null(strstr(error_text(f),
			       "connection closed by the broker before it said "
			       "what it speaks"));
}

static void a_lost_broker_is_connected_to_again(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);
	fake_broker_down(f->fake);
	loop_run_once(f->loop, 100);
	fake_broker_up(f->fake);

	assert_int_equal(call(f, API_METADATA, CLIENT_ANY_NODE, SOME_MS), 0);

	assert_int_equal(f->fake->accepted, 2);
}

static void the_controller_is_looked_up_first(void **state)
{
	struct fixture *f = *state;
	struct describe_cluster_response response;
	struct client_request *r;

	f->fake->on_request = take_describe;
	start(f);
	r = client_request_new(f->client, API_DESCRIBE_CLUSTER);
	client_send(r, CLIENT_CONTROLLER, SOME_MS, on_done, f);
	while (f->fake->requests[API_DESCRIBE_CLUSTER] == 0)
		loop_run_once(f->loop, 1000);
	wire_init(&describe_cluster_response_desc, &response);
	fake_answer(fake_held(f->fake), &response);
	while (f->done == 0)
		loop_run_once(f->loop, 1000);

	assert_int_equal(client_request_node(r), 1);
	assert_int_equal(f->fake->requests[API_METADATA], 1);
	client_request_free(r);
}

static void on_stop(void *arg)
{
	loop_stop(arg);
}

static void a_call_ends_when_the_loop_is_stopped(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *timer;

	f->fake->on_request = take_describe;
	start(f);
	loop_timer_new(f->loop, on_stop, f->loop, &timer);
	loop_timer_set(timer, 20);

	assert_int_equal(
		call(f, API_DESCRIBE_CLUSTER, CLIENT_ANY_NODE, SOME_MS),
		-EINTR);
	loop_timer_free(timer);
}

/*
 * Topics
 */

static bool refuses_creation;

static bool check_metadata(struct fake_request *r)
{
	const struct metadata_request *m = r->message;

	if (r->key == API_METADATA)
		refuses_creation = !m->allow_auto_topic_creation;
	return false;
}

static void a_topic_is_loaded_with_its_leaders(void **state)
{
	struct fixture *f = *state;
	const struct client_topic *t;

	f->fake->partitions = 3;
	f->fake->on_request = check_metadata;
	start(f);

	assert_int_equal(client_topic_load(f->client, "t", true, false, SOME_MS,
					   &t, &f->error),
			 0);

	assert_int_equal(t->partition_count, 3);
	assert_int_equal(t->partitions[2].leader, 1);
	assert_true(refuses_creation);
	assert_ptr_equal(client_topic_by_id(f->client, f->fake->topic_id), t);
	assert_string_equal(client_cluster_id(f->client), "fake");
}

static void a_topic_that_is_not_there_is_missing_at_once(void **state)
{
	struct fixture *f = *state;
	const struct client_topic *t;

	start(f);

	assert_int_equal(client_topic_load(f->client, "nosuch", true, false,
					   60000, &t, &f->error),
			 -ENOENT);
	assert_int_equal(f->error.kind, CLIENT_MISSING);
	assert_int_equal(f->error.code, WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_non_null(strstr(f->error.text, "topic 'nosuch'"));
}

static bool appear_later(struct fake_request *r)
{
	if (r->key == API_METADATA && r->broker->requests[API_METADATA] == 3)
		r->broker->topic_code = WIRE_NONE;
	return false;
}

static void a_topic_may_be_waited_for(void **state)
{
	struct fixture *f = *state;
	const struct client_topic *t;

	set(f, "retry.backoff.ms", "1");
	f->fake->topic_code = WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	f->fake->on_request = appear_later;
	start(f);

	assert_int_equal(client_topic_load(f->client, "t", true, true, SOME_MS,
					   &t, &f->error),
			 0);

	assert_int_equal(f->fake->requests[API_METADATA], 3);
}

static void a_topic_without_leader_times_out_as_such(void **state)
{
	struct fixture *f = *state;
	const struct client_topic *t;

	f->fake->leader = -1;
	start(f);

	assert_int_equal(client_topic_load(f->client, "t", true, false, 50, &t,
					   &f->error),
			 -ETIMEDOUT);
	assert_int_equal(f->error.kind, CLIENT_UNREACHABLE);
	assert_non_null(strstr(f->error.text, "LEADER_NOT_AVAILABLE"));
}

static void loading_from_nobody_says_whom_it_tried(void **state)
{
	struct fixture *f = *state;
	const struct client_topic *t;

	start_at(f, "127.0.0.1:1");

	assert_int_equal(client_topic_load(f->client, "t", true, false, 300, &t,
					   &f->error),
			 -ETIMEDOUT);
	assert_string_equal(f->error.text,
			    "cannot reach any of 127.0.0.1:1: Connection "
			    "refused (tried for 300 ms)");
}

/*
 * Offsets
 */

static bool answer_offsets(struct fake_request *r)
{
	const struct list_offsets_request *asked = r->message;
	struct list_offsets_response response;

	if (r->key != API_LIST_OFFSETS)
		return false;
	wire_init(&list_offsets_response_desc, &response);
	response.topics = wire_array(&list_offsets_response_topics_desc,
				     &r->arena, asked->topics_count);
	response.topics_count = asked->topics_count;
	for (int32_t t = 0; t < asked->topics_count; t++) {
		int32_t count = asked->topics[t].partitions_count;
		bool seen[16] = { false };

		response.topics[t].name = asked->topics[t].name;
		response.topics[t].partitions_count = count;
		response.topics[t].partitions = wire_array(
			&list_offsets_response_topics_partitions_desc,
			&r->arena, count);
		for (int32_t p = 0; p < count; p++) {
			int32_t index =
				asked->topics[t].partitions[p].partition_index;

			/* As Kafka refuses it. */
			assert_false(seen[index]);
			seen[index] = true;
			response.topics[t].partitions[p].partition_index =
				index;
			response.topics[t].partitions[p].offset =
				1000 * index +
				asked->topics[t].partitions[p].timestamp;
		}
	}
	fake_answer(r, &response);
	return true;
}

static void offsets_of_many_places_are_asked_for_together(void **state)
{
	struct fixture *f = *state;
	struct admin_offset items[] = {
		{ .topic = "t", .partition = 0, .query = ADMIN_EARLIEST },
		{ .topic = "t", .partition = 0, .query = ADMIN_LATEST },
		{ .topic = "t", .partition = 1, .query = ADMIN_EARLIEST },
		{ .topic = "t", .partition = 1, .query = ADMIN_LATEST },
		{ .topic = "t", .partition = 1, .query = 55 },
		{ .topic = "t", .partition = 1, .query = 66 },
		{ .topic = "t", .partition = 9, .query = ADMIN_LATEST },
		{ .topic = "u", .partition = 0, .query = ADMIN_LATEST },
	};

	f->fake->partitions = 2;
	f->fake->on_request = answer_offsets;
	start(f);

	assert_int_equal(admin_list_offsets(f->client, items, 8, true, SOME_MS,
					    &f->error),
			 0);

	assert_int_equal(items[0].offset, -2);
	assert_int_equal(items[1].offset, -1);
	assert_int_equal(items[2].offset, 998);
	assert_int_equal(items[3].offset, 999);
	assert_int_equal(items[4].offset, 1055);
	assert_int_equal(items[5].offset, 1066);
	assert_int_equal(items[6].code, WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(items[7].code, WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(f->fake->requests[API_LIST_OFFSETS], 4);
}

static void bootstrap_servers_are_checked(void **state)
{
	struct fixture *f = *state;

	set(f, "bootstrap.servers", "host:port");
	assert_int_equal(client_new(f->loop, &f->config, &f->client, &f->error),
			 -EINVAL);
	assert_string_equal(f->error.text,
			    "bootstrap.servers: 'host:port' is not "
			    "HOST[:PORT]");
	set(f, "bootstrap.servers", " , ");
	assert_int_equal(client_new(f->loop, &f->config, &f->client, &f->error),
			 -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_newest_version_that_both_have_is_used),
		TEST(an_older_broker_is_asked_again_in_its_version),
		TEST(a_broker_that_does_not_say_its_range_is_asked_in_0),
		TEST(what_the_broker_lacks_is_named_with_its_versions),
		TEST(nobody_there_is_told_when_the_time_is_over),
		TEST(who_is_just_starting_is_waited_for),
		TEST(a_broker_that_throttles_is_left_alone_so_long),
		TEST(the_next_bootstrap_server_is_tried),
		TEST(an_advertised_address_that_is_wrong_is_told),
		TEST(a_node_that_nobody_knows_is_unreachable),
		TEST(no_answer_in_time_costs_the_connection),
		TEST(a_closed_connection_is_not_asked_twice),
		TEST(requests_are_pipelined_and_answers_keep_their_order),
		TEST(a_cancelled_request_does_not_disturb_the_others),
		TEST(a_malformed_answer_is_bad_data),
		TEST(an_answer_out_of_turn_closes),
		TEST(one_that_closes_at_once_is_told_apart),
		TEST(a_lost_broker_is_connected_to_again),
		TEST(the_controller_is_looked_up_first),
		TEST(a_call_ends_when_the_loop_is_stopped),
		TEST(a_topic_is_loaded_with_its_leaders),
		TEST(a_topic_that_is_not_there_is_missing_at_once),
		TEST(a_topic_may_be_waited_for),
		TEST(a_topic_without_leader_times_out_as_such),
		TEST(loading_from_nobody_says_whom_it_tried),
		TEST(offsets_of_many_places_are_asked_for_together),
		TEST(bootstrap_servers_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
