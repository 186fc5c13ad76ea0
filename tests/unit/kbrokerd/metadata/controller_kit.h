/*
 * controller_kit.h - a controller without thread or disk, for tests
 *
 * An image, what is decided on it, and what it then becomes.
 */
#ifndef TESTS_CONTROLLER_KIT_H
#define TESTS_CONTROLLER_KIT_H

#include "metadata_kit.h"

#include "kbrokerd/metadata/controller.h"

struct controller_kit {
	const struct image *image;
	struct seeded_random random;
	struct record_list records;
	struct properties properties; /* of the node */
	struct arena arena;
	int64_t next_offset;
	bool wants_voters; /* in the log, as was decided */
};

static inline struct controller controller_kit_core(struct controller_kit *k)
{
	return (struct controller){
		.image = k->image,
		.random = &k->random.random,
		.node_id = KIT_NODE,
		.default_partitions = 2,
		.default_replication_factor = 1,
		.properties = &k->properties,
		.records = &k->records,
		.wants_voters = &k->wants_voters,
	};
}

/* Apply what has been decided. */
static inline void controller_kit_commit(struct controller_kit *k)
{
	struct image *image = image_edit_begin(k->image);
	struct arena scratch = { 0 };

	assert_int_equal(k->records.error, 0);
	for (size_t i = 0; i < k->records.count; i++)
		assert_int_equal(image_edit_apply_bytes(
					 image, record_list_at(&k->records, i),
					 &scratch),
				 0);
	k->next_offset += (int64_t)k->records.count;
	assert_int_equal(image_edit_end(image, k->next_offset - 1, 1, 5), 0);
	image_release(k->image);
	k->image = image;
	record_list_reset(&k->records);
	arena_clear(&scratch);
}

static inline int controller_kit_setup(void **state)
{
	struct controller_kit *k = calloc(1, sizeof(*k));
	struct controller_node node = {
		.node_id = KIT_NODE,
		.directory_id = { { 1 } },
		.endpoints = &kit_endpoint,
		.endpoint_count = 1,
	};
	struct controller c;

	assert_non_null(k);
	seeded_random_init(&k->random, 3);
	k->image = image_edit_begin(NULL);
	controller_bootstrap(&k->records);
	controller_bootstrap_configs(&k->records);
	controller_kit_commit(k);
	c = controller_kit_core(k);
	controller_register(&c, &node, k->next_offset);
	controller_kit_commit(k);
	*state = k;
	return 0;
}

static inline int controller_kit_teardown(void **state)
{
	struct controller_kit *k = *state;

	image_release(k->image);
	record_list_clear(&k->records);
	properties_clear(&k->properties);
	arena_clear(&k->arena);
	free(k);
	return 0;
}

/* Decide and apply; returns how many records came of it. */
static inline size_t controller_kit_decide(struct controller_kit *k,
					   int16_t key, int16_t version,
					   const void *request, void *response)
{
	struct controller c = controller_kit_core(k);
	struct metadata_change change = {
		.api_key = key,
		.version = version,
		.request = request,
		.response = response,
		.arena = &k->arena,
	};
	size_t count;

	assert_int_equal(controller_decide(&c, &change), 0);
	count = k->records.count;
	controller_kit_commit(k);
	return count;
}

/* A topic of one partition. */
static inline void controller_kit_topic(struct controller_kit *k,
					const char *name)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;

	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of(name);
	topic.num_partitions = 1;
	topic.replication_factor = 1;
	wire_init(&create_topics_request_desc, &request);
	request.topics = &topic;
	request.topics_count = 1;
	controller_kit_decide(k, 19, 7, &request, &response);
	assert_int_equal(response.topics[0].error_code, WIRE_NONE);
}

#endif /* TESTS_CONTROLLER_KIT_H */
