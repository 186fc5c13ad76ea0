/*
 * placement_test.c - leaders, reassignments and brokers that leave, decided
 * without thread or disk
 *
 * Brokers 1 to 4 are registered; the test is the controller on node 1.
 */
#include "metadata_kit.h"

#include "kbrokerd/metadata/controller.h"

enum { ELECT = 43, REASSIGN = 45, UNREGISTER = 64, BROKERS = 4, IDS_MAX = 4 };

struct fixture {
	const struct image *image;
	struct seeded_random random;
	struct record_list records;
	struct arena arena;
	int64_t next_offset;
};

static struct controller core(struct fixture *f)
{
	return (struct controller){
		.image = f->image,
		.random = &f->random.random,
		.node_id = KIT_NODE,
		.records = &f->records,
	};
}

/* Commit what has been decided; returns how many records that were. */
static size_t commit(struct fixture *f)
{
	struct image *image = image_edit_begin(f->image);
	size_t count = f->records.count;
	struct arena scratch = { 0 };

	assert_int_equal(f->records.error, 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(image_edit_apply_bytes(
					 image, record_list_at(&f->records, i),
					 &scratch),
				 0);
	f->next_offset += (int64_t)count;
	assert_int_equal(image_edit_end(image, f->next_offset - 1, 1, 5), 0);
	image_release(f->image);
	f->image = image;
	record_list_reset(&f->records);
	arena_clear(&scratch);
	return count;
}

static size_t decide(struct fixture *f, int16_t key, const void *request,
		     void *response)
{
	struct controller c = core(f);
	struct metadata_change change = { .api_key = key,
					  .version = 1,
					  .request = request,
					  .response = response,
					  .arena = &f->arena };

	assert_int_equal(controller_decide(&c, &change), 0);
	return commit(f);
}

/* A partition of topic "t", as a record says it. */

struct ids {
	int32_t count;
	int32_t ids[IDS_MAX];
};

struct start {
	struct ids replicas, isr, adding, removing, eligible;
	int32_t leader;
};

static const struct uuid topic_id = { { 0, 0, 0, 0, 0, 0, 0, 0, 1 } };

static void add_topic(struct fixture *f)
{
	struct controller c = core(f);
	struct topic_record topic;

	wire_init(&topic_record_desc, &topic);
	topic.name = slice_of("t");
	topic.topic_id = topic_id;
	controller_add(&c, &topic_record_desc, &topic);
	commit(f);
}

static void add_partition(struct fixture *f, int32_t index, struct start s)
{
	struct controller c = core(f);
	struct partition_record r;
	struct uuid directories[IDS_MAX] = { { { 0 } } };

	wire_init(&partition_record_desc, &r);
	r.topic_id = topic_id;
	r.partition_id = index;
	r.leader = s.leader;
	r.leader_epoch = 5;
	r.partition_epoch = 5;
	r.replicas = s.replicas.ids;
	r.replicas_count = s.replicas.count;
	r.isr = s.isr.ids;
	r.isr_count = s.isr.count;
	r.adding_replicas = s.adding.ids;
	r.adding_replicas_count = s.adding.count;
	r.removing_replicas = s.removing.ids;
	r.removing_replicas_count = s.removing.count;
	r.eligible_leader_replicas = s.eligible.ids;
	r.eligible_leader_replicas_count =
		s.eligible.count == 0 ? -1 : s.eligible.count;
	r.directories = directories;
	r.directories_count = s.replicas.count;
	controller_add(&c, &partition_record_desc, &r);
	commit(f);
}

static void set_fenced(struct fixture *f, int32_t id, bool fenced)
{
	struct controller c = core(f);
	struct broker_registration_change_record r;

	wire_init(&broker_registration_change_record_desc, &r);
	r.broker_id = id;
	r.broker_epoch = image_broker(f->image, id)->epoch;
	r.fenced = fenced ? 1 : -1;
	controller_add(&c, &broker_registration_change_record_desc, &r);
	commit(f);
}

static const struct partition_image *partition(struct fixture *f, int32_t index)
{
	return &image_topic(f->image, slice_of("t"))->partitions[index];
}

static void assert_ids(const int32_t *ids, int32_t count, struct ids want)
{
	assert_int_equal(count, want.count);
	for (int32_t i = 0; i < count; i++)
		assert_int_equal(ids[i], want.ids[i]);
}

#define IDS(...)                                                               \
	((struct ids){ sizeof((int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t),   \
		       { __VA_ARGS__ } })

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	seeded_random_init(&f->random, 3);
	f->image = image_edit_begin(NULL);
	controller_bootstrap(&f->records);
	commit(f);
	for (int32_t id = 1; id <= BROKERS; id++) {
		struct controller_node node = {
			.node_id = id,
			.directory_id = { { (uint8_t)id } },
			.endpoints = &kit_endpoint,
			.endpoint_count = 1,
			.controller_endpoints = &kit_endpoint,
			.controller_endpoint_count = id == 1,
		};
		struct controller c = core(f);

		controller_register(&c, &node, f->next_offset);
		commit(f);
	}
	add_topic(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	image_release(f->image);
	record_list_clear(&f->records);
	arena_clear(&f->arena);
	free(f);
	return 0;
}

/* Elections */

/* Returns the code for that partition of "t". */
static int16_t elect(struct fixture *f, int8_t type, int32_t index)
{
	struct elect_leaders_request_topic_partitions topic;
	struct elect_leaders_request request;
	struct elect_leaders_response response;

	wire_init(&elect_leaders_request_desc, &request);
	wire_init(&elect_leaders_request_topic_partitions_desc, &topic);
	topic.topic = slice_of("t");
	topic.partitions = &index;
	topic.partitions_count = 1;
	request.topic_partitions = &topic;
	request.topic_partitions_count = 1;
	request.election_type = type;
	decide(f, ELECT, &request, &response);
	assert_int_equal(response.replica_election_results_count, 1);
	assert_int_equal(
		response.replica_election_results[0].partition_result_count, 1);
	return response.replica_election_results[0]
		.partition_result[0]
		.error_code;
}

static void the_first_replica_leads_when_it_is_preferred(void **state)
{
	struct fixture *f = *state;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(2, 1),
				      .isr = IDS(1, 2),
				      .leader = 1 });
	assert_int_equal(elect(f, WIRE_ELECTION_TYPE_PREFERRED, 0), WIRE_NONE);
	assert_int_equal(partition(f, 0)->leader, 2);
	assert_int_equal(partition(f, 0)->leader_epoch, 6);
	assert_ids(partition(f, 0)->isr, partition(f, 0)->isr_count, IDS(1, 2));

	assert_int_equal(elect(f, WIRE_ELECTION_TYPE_PREFERRED, 0),
			 WIRE_ELECTION_NOT_NEEDED);
	assert_int_equal(partition(f, 0)->leader_epoch, 6);
}

static void a_preferred_replica_that_is_not_alive_is_told(void **state)
{
	struct fixture *f = *state;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(2, 1),
				      .isr = IDS(1, 2),
				      .leader = 1 });
	set_fenced(f, 2, true);
	assert_int_equal(elect(f, WIRE_ELECTION_TYPE_PREFERRED, 0),
			 WIRE_PREFERRED_LEADER_NOT_AVAILABLE);
	assert_int_equal(partition(f, 0)->leader, 1);
}

static void an_unclean_leader_is_the_whole_isr_and_recovers(void **state)
{
	struct fixture *f = *state;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(3, 2),
				      .isr = IDS(3),
				      .leader = -1 });
	set_fenced(f, 3, true);
	assert_int_equal(elect(f, WIRE_ELECTION_TYPE_UNCLEAN, 0), WIRE_NONE);
	assert_int_equal(partition(f, 0)->leader, 2);
	assert_true(partition(f, 0)->recovering);
	assert_ids(partition(f, 0)->isr, partition(f, 0)->isr_count, IDS(2));
}

static void an_eligible_replica_leads_without_loss(void **state)
{
	struct fixture *f = *state;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(3, 2),
				      .eligible = IDS(2, 3),
				      .leader = -1 });
	set_fenced(f, 3, true);
	assert_int_equal(elect(f, WIRE_ELECTION_TYPE_PREFERRED, 0), WIRE_NONE);
	assert_int_equal(partition(f, 0)->leader, 2);
	assert_false(partition(f, 0)->recovering);
	assert_ids(partition(f, 0)->isr, partition(f, 0)->isr_count, IDS(2));
	assert_ids(partition(f, 0)->eligible, partition(f, 0)->eligible_count,
		   IDS(3));
}

static void nobody_alive_is_told(void **state)
{
	struct fixture *f = *state;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(3),
				      .isr = IDS(3),
				      .leader = -1 });
	set_fenced(f, 3, true);
	assert_int_equal(elect(f, WIRE_ELECTION_TYPE_UNCLEAN, 0),
			 WIRE_ELIGIBLE_LEADERS_NOT_AVAILABLE);
	assert_int_equal(elect(f, WIRE_ELECTION_TYPE_UNCLEAN, 7),
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
}

static void electing_everywhere_tells_only_what_changed(void **state)
{
	struct fixture *f = *state;
	struct elect_leaders_request request;
	struct elect_leaders_response response;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(1, 2),
				      .isr = IDS(1, 2),
				      .leader = 1 });
	add_partition(f, 1,
		      (struct start){ .replicas = IDS(2, 1),
				      .isr = IDS(1, 2),
				      .leader = 1 });
	wire_init(&elect_leaders_request_desc, &request);
	request.topic_partitions_count = -1;

	assert_int_equal(decide(f, ELECT, &request, &response), 1);

	assert_int_equal(response.replica_election_results_count, 1);
	assert_int_equal(
		response.replica_election_results[0].partition_result_count, 1);
	assert_int_equal(response.replica_election_results[0]
				 .partition_result[0]
				 .partition_id,
			 1);
	assert_int_equal(partition(f, 1)->leader, 2);
}

/* No kind of election, and no topics to tell it of. */
static void an_unknown_kind_of_election_is_refused(void **state)
{
	struct fixture *f = *state;
	struct elect_leaders_request request;
	struct elect_leaders_response response;

	wire_init(&elect_leaders_request_desc, &request);
	request.topic_partitions_count = -1;
	request.election_type = 2;
	assert_int_equal(decide(f, ELECT, &request, &response), 0);
	assert_int_equal(response.error_code, WIRE_INVALID_REQUEST);
}

/* Reassignments */

struct reassign {
	struct ids to; /* count -1: cancel */
	bool keep_count;
};

static int16_t reassign(struct fixture *f, struct reassign r)
{
	struct alter_partition_reassignments_request_topics_partitions p;
	struct alter_partition_reassignments_request_topics topic;
	struct alter_partition_reassignments_request request;
	struct alter_partition_reassignments_response response;

	wire_init(&alter_partition_reassignments_request_desc, &request);
	wire_init(&alter_partition_reassignments_request_topics_desc, &topic);
	wire_init(&alter_partition_reassignments_request_topics_partitions_desc,
		  &p);
	p.replicas = r.to.ids;
	p.replicas_count = r.to.count;
	topic.name = slice_of("t");
	topic.partitions = &p;
	topic.partitions_count = 1;
	request.topics = &topic;
	request.topics_count = 1;
	request.allow_replication_factor_change = !r.keep_count;
	decide(f, REASSIGN, &request, &response);
	assert_int_equal(response.error_code, WIRE_NONE);
	assert_int_equal(response.responses_count, 1);
	assert_int_equal(response.responses[0].partitions_count, 1);
	return response.responses[0].partitions[0].error_code;
}

static void new_replicas_stand_before_those_that_go(void **state)
{
	struct fixture *f = *state;
	const struct partition_image *p;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(1, 2),
				      .isr = IDS(1, 2),
				      .leader = 1 });
	assert_int_equal(reassign(f, (struct reassign){ IDS(4, 3), false }),
			 WIRE_NONE);
	p = partition(f, 0);
	assert_ids(p->replicas, p->replica_count, IDS(4, 3, 1, 2));
	assert_ids(p->adding, p->adding_count, IDS(3, 4));
	assert_ids(p->removing, p->removing_count, IDS(1, 2));
	assert_int_equal(p->leader, 1);
	assert_int_equal(p->directories[0].bytes[0], 4); /* its only one */

	/* And back. */
	assert_int_equal(reassign(f, (struct reassign){ { -1, { 0 } }, false }),
			 WIRE_NONE);
	p = partition(f, 0);
	assert_ids(p->replicas, p->replica_count, IDS(1, 2));
	assert_int_equal(p->adding_count, 0);
	assert_int_equal(p->removing_count, 0);
	assert_int_equal(reassign(f, (struct reassign){ { -1, { 0 } }, false }),
			 WIRE_NO_REASSIGNMENT_IN_PROGRESS);
}

static void a_replica_less_is_complete_at_once(void **state)
{
	struct fixture *f = *state;
	const struct partition_image *p;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(1, 2),
				      .isr = IDS(1, 2),
				      .leader = 1 });
	assert_int_equal(reassign(f, (struct reassign){ IDS(2), false }),
			 WIRE_NONE);
	p = partition(f, 0);
	assert_ids(p->replicas, p->replica_count, IDS(2));
	assert_ids(p->isr, p->isr_count, IDS(2));
	assert_int_equal(p->removing_count, 0);
	assert_int_equal(p->leader, 2);
	assert_int_equal(p->leader_epoch, 6);
}

static void a_wish_for_what_is_writes_nothing(void **state)
{
	struct fixture *f = *state;

	add_partition(f, 0,
		      (struct start){
			      .replicas = IDS(1), .isr = IDS(1), .leader = 1 });
	assert_int_equal(reassign(f, (struct reassign){ IDS(1), true }),
			 WIRE_NONE);
	assert_int_equal(partition(f, 0)->partition_epoch, 5);
}

static void impossible_replicas_are_refused(void **state)
{
	static const struct {
		struct reassign r;
		int16_t code;
	} cases[] = {
		{ { { 0, { 0 } }, false }, WIRE_INVALID_REPLICA_ASSIGNMENT },
		{ { { 2, { 1, 1 } }, false }, WIRE_INVALID_REPLICA_ASSIGNMENT },
		{ { { 1, { 9 } }, false }, WIRE_INVALID_REPLICA_ASSIGNMENT },
		{ { { 1, { -1 } }, false }, WIRE_INVALID_REPLICA_ASSIGNMENT },
		{ { { 2, { 1, 2 } }, true }, WIRE_INVALID_REPLICATION_FACTOR },
	};
	struct fixture *f = *state;

	add_partition(f, 0,
		      (struct start){
			      .replicas = IDS(1), .isr = IDS(1), .leader = 1 });
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(reassign(f, cases[i].r), cases[i].code);
	assert_int_equal(partition(f, 0)->partition_epoch, 5);
}

static void what_only_new_replicas_have_is_not_thrown_away(void **state)
{
	struct fixture *f = *state;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(3, 1),
				      .isr = IDS(3),
				      .adding = IDS(3),
				      .removing = IDS(1),
				      .leader = 3 });
	assert_int_equal(reassign(f, (struct reassign){ { -1, { 0 } }, false }),
			 WIRE_INVALID_REPLICA_ASSIGNMENT);
	assert_int_equal(partition(f, 0)->leader, 3);
}

/* Leaving */

static int16_t unregister(struct fixture *f, int32_t id)
{
	struct unregister_broker_request request;
	struct unregister_broker_response response;

	wire_init(&unregister_broker_request_desc, &request);
	request.broker_id = id;
	decide(f, UNREGISTER, &request, &response);
	return response.error_code;
}

static void a_broker_that_leaves_leads_nothing(void **state)
{
	struct fixture *f = *state;
	const struct partition_image *p;

	add_partition(f, 0,
		      (struct start){ .replicas = IDS(2, 1),
				      .isr = IDS(2, 1),
				      .leader = 2 });
	add_partition(f, 1,
		      (struct start){
			      .replicas = IDS(2), .isr = IDS(2), .leader = 2 });

	assert_int_equal(unregister(f, 2), WIRE_NONE);

	assert_null(image_broker(f->image, 2));
	p = partition(f, 0);
	assert_int_equal(p->leader, 1);
	assert_ids(p->isr, p->isr_count, IDS(1));
	p = partition(f, 1);
	assert_int_equal(p->leader, -1);
	assert_ids(p->isr, p->isr_count, IDS(2)); /* who was in sync last */
	assert_int_equal(unregister(f, 2), WIRE_BROKER_ID_NOT_REGISTERED);
}

static void the_node_itself_does_not_leave(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unregister(f, KIT_NODE), WIRE_INVALID_REQUEST);
	assert_non_null(image_broker(f->image, KIT_NODE));
}

static void a_controller_registers_with_its_listeners(void **state)
{
	struct fixture *f = *state;
	struct register_controller_record *r;
	const struct wire_desc *desc;
	int16_t version;

	assert_int_equal(wire_metadata_decode(image_controller(f->image, 1),
					      &f->arena, &desc, &version,
					      (void **)&r),
			 0);
	assert_ptr_equal(desc, &register_controller_record_desc);
	assert_int_equal(r->end_points_count, 1);
	assert_int_equal(r->end_points[0].port, 9092);
	assert_true(slice_is_null(image_controller(f->image, 99)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_replica_leads_when_it_is_preferred),
		TEST(a_preferred_replica_that_is_not_alive_is_told),
		TEST(an_unclean_leader_is_the_whole_isr_and_recovers),
		TEST(an_eligible_replica_leads_without_loss),
		TEST(nobody_alive_is_told),
		TEST(electing_everywhere_tells_only_what_changed),
		TEST(an_unknown_kind_of_election_is_refused),
		TEST(new_replicas_stand_before_those_that_go),
		TEST(a_replica_less_is_complete_at_once),
		TEST(a_wish_for_what_is_writes_nothing),
		TEST(impossible_replicas_are_refused),
		TEST(what_only_new_replicas_have_is_not_thrown_away),
		TEST(a_broker_that_leaves_leads_nothing),
		TEST(the_node_itself_does_not_leave),
		TEST(a_controller_registers_with_its_listeners),
	};

	return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
