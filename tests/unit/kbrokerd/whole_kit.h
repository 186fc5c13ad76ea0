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
#include "wire/messages.h"
#include "wire/wire.h"

enum { WHOLE_WAIT_MS = 20000 };

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

static inline void whole_read(int fd, uint8_t *to, size_t len)
{
	while (len > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&p, 1, WHOLE_WAIT_MS), 1);
		n = read(fd, to, len);
		assert_true(n > 0);
		to += n;
		len -= (size_t)n;
	}
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
	assert_int_equal(write(fd, frame.data, frame.len), frame.len);
	buffer_clear(&frame);
}

/* Take the answer into response; nothing may be left over. */
static inline void whole_take(int fd, int16_t key, int16_t version,
			      struct arena *arena, void *response)
{
	const struct wire_api *api = wire_api(key);
	struct response_header header;
	struct slice left;
	uint8_t size[4];
	uint8_t *bytes;
	int64_t n;

	whole_read(fd, size, sizeof(size));
	left.len = get_be32(size);
	bytes = arena_alloc(arena, left.len);
	assert_non_null(bytes);
	left.data = bytes;
	whole_read(fd, bytes, left.len);
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
}

/* Ask and take the answer, which lives in the arena. */
static inline void whole_call(int fd, int16_t key, int16_t version,
			      const void *request, struct arena *arena,
			      void *response)
{
	whole_send(fd, key, version, request);
	whole_take(fd, key, version, arena, response);
}

#endif /* TESTS_UNIT_KBROKERD_WHOLE_KIT_H */
