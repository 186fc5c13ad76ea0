/*
 * whole_kit.h - to ask a whole broker, over a socket, in its own process
 *
 * The fixtures are the tests' own; this is how they talk.
 */
#ifndef TESTS_UNIT_KBROKERD_WHOLE_KIT_H
#define TESTS_UNIT_KBROKERD_WHOLE_KIT_H

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "wire/error_codes.h"
#include "wire/messages.h"
#include "wire/wire.h"

/* Only what goes wrong takes that long, on however slow a machine. */
enum { WHOLE_WAIT_MS = 60000 };

/* A connection to that port. */
static inline int whole_dial(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* All of it, or false: the connection has ended. */
static inline bool whole_read(int fd, uint8_t *to, size_t len)
{
	while (len > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&p, 1, WHOLE_WAIT_MS), 1);
		n = recv(fd, to, len, 0);
		if (n <= 0)
			return false;
		to += n;
		len -= (size_t)n;
	}
	return true;
}

static inline void whole_send(int fd, int16_t key, int16_t version,
			      const void *request)
{
	const struct wire_api *api = wire_api(key);
	struct request_header header = { .request_api_key = key,
					 .request_api_version = version,
					 .correlation_id = 77,
					 .client_id = slice_of("test") };
	struct buffer frame = { 0 };

	buffer_put_be32(&frame, 0);
	assert_int_equal(wire_encode(&request_header_desc,
				     wire_request_header_version(api, version),
				     &header, &frame, NULL),
			 0);
	assert_int_equal(
		wire_encode(api->request, version, request, &frame, NULL), 0);
	put_be32(frame.data, (uint32_t)frame.len - 4);
	assert_int_equal(send(fd, frame.data, frame.len, MSG_NOSIGNAL),
			 frame.len);
	buffer_clear(&frame);
}

/* Take the answer into response; nothing may be left over.  false: the
 * connection ended before it came. */
static inline bool whole_take_if(int fd, int16_t key, int16_t version,
				 struct arena *arena, void *response)
{
	const struct wire_api *api = wire_api(key);
	struct response_header header;
	struct slice left;
	uint8_t size[4];
	uint8_t *bytes;
	int64_t n;

	wire_init(api->response, response);
	if (!whole_read(fd, size, sizeof(size)))
		return false;
	left.len = get_be32(size);
	bytes = arena_alloc(arena, left.len);
	assert_non_null(bytes);
	left.data = bytes;
	if (!whole_read(fd, bytes, left.len))
		return false;
	n = wire_decode(&response_header_desc,
			wire_response_header_version(api, version), left, arena,
			&header);
	assert_true(n > 0);
	assert_int_equal(header.correlation_id, 77);
	left.data += n;
	left.len -= (size_t)n;
	assert_int_equal(
		wire_decode(api->response, version, left, arena, response),
		left.len);
	return true;
}

static inline void whole_take(int fd, int16_t key, int16_t version,
			      struct arena *arena, void *response)
{
	if (!whole_take_if(fd, key, version, arena, response))
		fail_msg("the connection has ended");
}

/* Ask and take the answer, which lives in the arena. */
static inline void whole_call(int fd, int16_t key, int16_t version,
			      const void *request, struct arena *arena,
			      void *response)
{
	whole_send(fd, key, version, request);
	whole_take(fd, key, version, arena, response);
}

/* What most ask for first */

/* Returns its id. */
static inline struct uuid whole_create_topic(int fd, const char *name,
					     int32_t partitions)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;
	struct arena arena = { 0 };
	struct uuid id;

	wire_init(&create_topics_request_desc, &request);
	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of(name);
	topic.num_partitions = partitions;
	topic.replication_factor = -1;
	request.topics = &topic;
	request.topics_count = 1;
	whole_call(fd, 19, 7, &request, &arena, &response);
	assert_int_equal(response.topics[0].error_code, WIRE_NONE);
	id = response.topics[0].topic_id;
	arena_clear(&arena);
	return id;
}

/* The coordinator is not there yet: ask again. */
static inline bool whole_is_passing(int16_t error)
{
	return error == WIRE_NOT_COORDINATOR ||
	       error == WIRE_COORDINATOR_NOT_AVAILABLE ||
	       error == WIRE_COORDINATOR_LOAD_IN_PROGRESS;
}

/* Until the group has one. */
static inline void whole_find_coordinator(int fd, const char *group)
{
	struct find_coordinator_request request;
	struct find_coordinator_response response;
	struct arena arena = { 0 };

	wire_init(&find_coordinator_request_desc, &request);
	request.key = slice_of(group);
	do {
		arena_reset(&arena);
		whole_call(fd, 10, 3, &request, &arena, &response);
	} while (whole_is_passing(response.error_code));
	assert_int_equal(response.error_code, WIRE_NONE);
	arena_clear(&arena);
}

/* Offsets, of one partition of a topic; the answer takes its memory from the
 * arena.  The member is "" and its epoch -1 for who is in no group. */
static inline void whole_send_commit(int fd, const char *group,
				     const char *member, int32_t epoch,
				     const char *topic_name, int32_t partition,
				     int64_t offset)
{
	struct offset_commit_request_topics_partitions row;
	struct offset_commit_request_topics topic;
	struct offset_commit_request request;

	wire_init(&offset_commit_request_desc, &request);
	wire_init(&offset_commit_request_topics_desc, &topic);
	wire_init(&offset_commit_request_topics_partitions_desc, &row);
	request.group_id = slice_of(group);
	request.member_id = slice_of(member);
	request.generation_id_or_member_epoch = epoch;
	request.topics = &topic;
	request.topics_count = 1;
	topic.name = slice_of(topic_name);
	topic.partitions = &row;
	topic.partitions_count = 1;
	row.partition_index = partition;
	row.committed_offset = offset;
	row.committed_metadata = slice_of("m");
	whole_send(fd, 8, 9, &request);
}

static inline int16_t whole_commit_error(
	const struct offset_commit_response *response)
{
	assert_int_equal(response->topics_count, 1);
	assert_int_equal(response->topics[0].partitions_count, 1);
	return response->topics[0].partitions[0].error_code;
}

static inline void whole_send_fetch(int fd, const char *group,
				    const char *topic_name, int32_t partition)
{
	struct offset_fetch_request_groups_topics topic = {
		.name = slice_of(topic_name),
		.partition_indexes = &partition,
		.partition_indexes_count = 1,
	};
	struct offset_fetch_request_groups one;
	struct offset_fetch_request request;

	wire_init(&offset_fetch_request_desc, &request);
	wire_init(&offset_fetch_request_groups_desc, &one);
	one.group_id = slice_of(group);
	one.topics = &topic;
	one.topics_count = 1;
	request.groups = &one;
	request.groups_count = 1;
	whole_send(fd, 9, 9, &request);
}

/* What is committed, or -1; asks until it is told. */
static inline int64_t whole_fetch(int fd, const char *group,
				  const char *topic_name, int32_t partition)
{
	struct offset_fetch_response response;
	struct arena arena = { 0 };
	int64_t offset;

	do {
		arena_reset(&arena);
		whole_send_fetch(fd, group, topic_name, partition);
		whole_take(fd, 9, 9, &arena, &response);
	} while (whole_is_passing(response.groups[0].error_code));
	assert_int_equal(response.groups[0].error_code, WIRE_NONE);
	offset = response.groups[0].topics[0].partitions[0].committed_offset;
	arena_clear(&arena);
	return offset;
}

#endif /* TESTS_UNIT_KBROKERD_WHOLE_KIT_H */
