/*
 * broker_test.c - tests of a whole broker, with all its APIs
 *
 * Each test has a broker on port 0 and a directory of its own, and talks to it
 * with frames that the codec makes.
 */
#include "kbrokerd/broker.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/api/registry.h"
#include "kbrokerd/temporary.h"
#include "kbrokerd/whole_kit.h"
#include "wire/enums.h"

enum { API_VERSIONS = 18, DESCRIBE_CLUSTER = 60 };

struct fixture {
	char dir[64];
	struct config *config;
	struct broker *broker;
	int fd; /* a connection */
	struct arena arena;
};

static void start(struct fixture *f, const char *const *sets, size_t count)
{
	char error[512];

	assert_int_equal(config_for_test(f->dir, sets, count, &f->config), 0);
	if (broker_start(f->config, NULL, &f->broker, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	f->fd = whole_dial(broker_port(f->broker));
}

static void stop(struct fixture *f)
{
	close(f->fd);
	assert_int_equal(broker_stop(f->broker), 0);
	config_free(f->config);
	f->broker = NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	start(f, NULL, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->broker != NULL)
		stop(f);
	arena_clear(&f->arena);
	temporary_remove(f->dir);
	free(f);
	return 0;
}

static void call(struct fixture *f, int16_t key, int16_t version,
		 const void *request, void *response)
{
	whole_call(f->fd, key, version, request, &f->arena, response);
}

static void api_versions_tells_what_is_served(void **state)
{
	struct fixture *f = *state;
	struct api_versions_request request;
	struct api_versions_response response;
	size_t count;
	const struct api *rows = api_rows(&count);

	wire_init(&api_versions_request_desc, &request);
	request.client_software_name = slice_of("unit-test");
	request.client_software_version = slice_of("1.0");
	for (int16_t version = 0; version <= 4; version++) {
		call(f, API_VERSIONS, version, &request, &response);
		assert_int_equal(response.error_code, 0);
		assert_int_equal(response.api_keys_count, count);
		for (size_t i = 0; i < count; i++) {
			const struct wire_api *api = wire_api(rows[i].key);

			assert_int_equal(response.api_keys[i].api_key,
					 rows[i].key);
			assert_int_equal(response.api_keys[i].min_version,
					 rows[i].key == 0 ? 0
							  : api->min_version);
			assert_int_equal(response.api_keys[i].max_version,
					 api->max_version);
		}
	}
}

static void rows_rise_and_are_known(void **state)
{
	size_t count;
	const struct api *rows = api_rows(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || rows[i - 1].key < rows[i].key);
		assert_ptr_equal(api_find(rows[i].key), &rows[i]);
		assert_true(wire_api(rows[i].key)->on_broker);
	}
	assert_null(api_find(-1));
	assert_null(api_find(32767));
}

static void api_versions_tells_features(void **state)
{
	struct fixture *f = *state;
	struct api_versions_request request;
	struct api_versions_response response;
	bool found = false;

	wire_init(&api_versions_request_desc, &request);
	request.client_software_name = slice_of("a");
	request.client_software_version = slice_of("1");
	call(f, API_VERSIONS, 3, &request, &response);
	for (int32_t i = 0; i < response.supported_features_count; i++)
		assert_true(response.supported_features[i].min_version > 0);
	for (int32_t i = 0; i < response.finalized_features_count; i++)
		found |= slice_is(response.finalized_features[i].name,
				  "metadata.version");
	assert_true(found);
	assert_true(response.finalized_features_epoch >= 0);
}

static void a_strange_software_name_is_an_invalid_request(void **state)
{
	static const char *const names[] = { "", "-a", "a-", "a b", "a\n" };
	struct fixture *f = *state;
	struct api_versions_request request;
	struct api_versions_response response;

	wire_init(&api_versions_request_desc, &request);
	request.client_software_version = slice_of("1");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		request.client_software_name = slice_of(names[i]);
		call(f, API_VERSIONS, 3, &request, &response);
		assert_int_equal(response.error_code, WIRE_INVALID_REQUEST);
		assert_int_equal(response.api_keys_count, 0);
	}
}

static void describe_cluster_tells_the_way_the_client_came(void **state)
{
	struct fixture *f = *state;
	struct describe_cluster_request request;
	struct describe_cluster_response response;

	wire_init(&describe_cluster_request_desc, &request);
	for (int16_t version = 0; version <= 2; version++) {
		call(f, DESCRIBE_CLUSTER, version, &request, &response);
		assert_int_equal(response.error_code, 0);
		assert_true(slice_is(response.cluster_id,
				     f->broker->identity.cluster_id));
		assert_int_equal(response.controller_id, 1);
		assert_int_equal(response.brokers_count, 1);
		assert_int_equal(response.brokers[0].broker_id, 1);
		assert_true(slice_is(response.brokers[0].host, "127.0.0.1"));
		assert_int_equal(response.brokers[0].port,
				 broker_port(f->broker));
		assert_int_equal(response.cluster_authorized_operations,
				 INT32_MIN);
	}
	request.include_cluster_authorized_operations = true;
	call(f, DESCRIBE_CLUSTER, 1, &request, &response);
	assert_int_equal(response.cluster_authorized_operations, 8096);
}

static void describe_cluster_wants_the_right_endpoint(void **state)
{
	struct fixture *f = *state;
	struct describe_cluster_request request;
	struct describe_cluster_response response;

	wire_init(&describe_cluster_request_desc, &request);
	request.endpoint_type = WIRE_ENDPOINT_TYPE_CONTROLLER;
	call(f, DESCRIBE_CLUSTER, 1, &request, &response);
	assert_int_equal(response.error_code, WIRE_MISMATCHED_ENDPOINT_TYPE);
	request.endpoint_type = 7;
	call(f, DESCRIBE_CLUSTER, 1, &request, &response);
	assert_int_equal(response.error_code, WIRE_UNSUPPORTED_ENDPOINT_TYPE);
}

static void clients_are_told_what_is_advertised(void **state)
{
	static const char *const sets[] = {
		"listeners=PLAINTEXT://127.0.0.1:0",
		"advertised.listeners=PLAINTEXT://kafka.example.org:29092"
	};
	struct fixture *f = *state;
	struct describe_cluster_request request;
	struct describe_cluster_response response;

	stop(f);
	start(f, sets, 2);
	wire_init(&describe_cluster_request_desc, &request);
	call(f, DESCRIBE_CLUSTER, 0, &request, &response);
	assert_true(slice_is(response.brokers[0].host, "kafka.example.org"));
	assert_int_equal(response.brokers[0].port, 29092);
}

static void a_controller_listener_serves_controller_apis(void **state)
{
	static const char *const sets[] = {
		"listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0"
	};
	struct fixture *f = *state;
	struct api_versions_request request;
	struct api_versions_response response;

	stop(f);
	start(f, sets, 1);
	close(f->fd);
	f->fd = whole_dial(broker_listener_port(f->broker, 1));
	wire_init(&api_versions_request_desc, &request);
	call(f, API_VERSIONS, 0, &request, &response);
	assert_true(response.api_keys_count > 0);
	for (int32_t i = 0; i < response.api_keys_count; i++)
		assert_true(
			wire_api(response.api_keys[i].api_key)->on_controller);
}

static void a_broker_keeps_who_it_is(void **state)
{
	struct fixture *f = *state;
	struct data_dir_identity before = f->broker->identity;

	stop(f);
	start(f, NULL, 0);
	assert_string_equal(f->broker->identity.cluster_id, before.cluster_id);
	assert_true(uuid_equal(f->broker->identity.directory_id,
			       before.directory_id));
	assert_true(f->broker->found.clean);
	assert_false(f->broker->found.fresh);
}

static void two_brokers_do_not_share_a_directory(void **state)
{
	struct fixture *f = *state;
	struct broker *second;
	char error[512];

	assert_int_equal(
		broker_start(f->config, NULL, &second, error, sizeof(error)),
		-EBUSY);
	assert_non_null(strstr(error, "is in use by"));
}

/* Recorded frames */

static void put_hex(struct buffer *frame, const char *hex)
{
	char digits[3] = "";

	for (; isxdigit((unsigned char)hex[0]); hex += 2) {
		memcpy(digits, hex, 2);
		buffer_put_u8(frame, (uint8_t)strtoul(digits, NULL, 16));
	}
}

/* The lines below "hex:". */
static bool read_request(const char *path, struct buffer *frame)
{
	FILE *file = fopen(path, "r");
	char line[8192];
	bool is_hex = false;

	assert_non_null(file);
	buffer_reset(frame);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] != ' ')
			is_hex = strncmp(line, "hex:", 4) == 0;
		else if (is_hex)
			put_hex(frame, line + 2);
	}
	fclose(file);
	return frame->len >= 8;
}

/* Produce with acks=0 has none. */
static bool wants_answer(const struct buffer *frame)
{
	size_t acks;

	if (get_be16(frame->data) != 0)
		return true;
	/* Header and a null transactional id: two bytes before version 9, and
	 * one after one of tags from then on. */
	acks = 10 + (size_t)(int16_t)get_be16(frame->data + 8) + 2;
	return get_be16(frame->data + acks) != 0;
}

static void try_frame(struct fixture *f, const char *name,
		      const struct buffer *frame)
{
	uint8_t head[8];

	close(f->fd);
	f->fd = whole_dial(broker_port(f->broker));
	put_be32(head, (uint32_t)frame->len);
	assert_int_equal(send(f->fd, head, 4, 0), 4);
	assert_int_equal(send(f->fd, frame->data, frame->len, 0), frame->len);
	if (!wants_answer(frame))
		return;
	if (!whole_read(f->fd, head, sizeof(head)))
		fail_msg("%s: no answer", name);
	assert_memory_equal(head + 4, frame->data + 4, 4);
}

static void every_recorded_request_is_answered(void **state)
{
	static const char vectors[] = "tests/vectors";
	struct fixture *f = *state;
	struct buffer frame = { 0 };
	DIR *dir = opendir(vectors);
	struct dirent *entry;
	int tried = 0;

	if (dir == NULL) {
		fail_msg("cannot read %s: tests are run from the top folder",
			 vectors);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		char path[512];
		const struct api *api;

		if (strstr(entry->d_name, "_request_") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", vectors, entry->d_name);
		if (!read_request(path, &frame))
			continue;
		api = api_find((int16_t)get_be16(frame.data));
		if (api == NULL || (int16_t)get_be16(frame.data + 2) >
					   wire_api(api->key)->max_version)
			continue;
		try_frame(f, entry->d_name, &frame);
		tried++;
	}
	closedir(dir);
	buffer_clear(&frame);
	assert_true(tried > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(api_versions_tells_what_is_served),
		TEST(rows_rise_and_are_known),
		TEST(api_versions_tells_features),
		TEST(a_strange_software_name_is_an_invalid_request),
		TEST(describe_cluster_tells_the_way_the_client_came),
		TEST(describe_cluster_wants_the_right_endpoint),
		TEST(clients_are_told_what_is_advertised),
		TEST(a_controller_listener_serves_controller_apis),
		TEST(a_broker_keeps_who_it_is),
		TEST(two_brokers_do_not_share_a_directory),
		TEST(every_recorded_request_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
