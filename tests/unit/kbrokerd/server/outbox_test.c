/*
 * outbox_test.c - tests of outbox.c
 *
 * Answers with records go through a socket pair.  What comes out must be what
 * the codec writes when the same records are bytes in memory, however the
 * reader takes it.
 */
#include "kbrokerd/server/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/messages.h"

enum { FILE_BYTES = 1 << 20, FETCH = 1, VERSION = 12 };

struct fixture {
	uint8_t *contents; /* of the file */
	int file;
	int fds[2]; /* we send on the first */
	struct outbox box;
	struct buffer expected;
	struct buffer came;
	unsigned int seed;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[] = "/tmp/outbox_test.XXXXXX";
	int small = 20000;

	assert_non_null(f);
	f->contents = malloc(FILE_BYTES);
	f->seed = 7;
	for (size_t i = 0; i < FILE_BYTES; i++)
		f->contents[i] = (uint8_t)rand_r(&f->seed);
	f->file = mkstemp(path);
	unlink(path);
	assert_int_equal(write(f->file, f->contents, FILE_BYTES), FILE_BYTES);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f->fds), 0);
	setsockopt(f->fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	outbox_clear(&f->box);
	buffer_clear(&f->expected);
	buffer_clear(&f->came);
	close(f->file);
	close(f->fds[0]);
	close(f->fds[1]);
	free(f->contents);
	free(f);
	return 0;
}

static size_t below(struct fixture *f, size_t bound)
{
	return (size_t)rand_r(&f->seed) % bound;
}

/* Put an answer of some partitions in the box, and its bytes in expected. */
static void put(struct fixture *f, struct outbox *box, int32_t correlation_id,
		int partitions)
{
	const struct wire_api *api = wire_api(FETCH);
	struct fetch_response_responses_partitions rows[8];
	struct fetch_response_responses topic;
	struct log_slice slices[8];
	struct fetch_response response;
	size_t start = f->expected.len;

	wire_init(&fetch_response_desc, &response);
	wire_init(&fetch_response_responses_desc, &topic);
	response.responses = &topic;
	response.responses_count = 1;
	topic.topic = slice_of("orders");
	topic.partitions = rows;
	topic.partitions_count = partitions;
	for (int i = 0; i < partitions; i++) {
		size_t len = below(f, 3) == 0 ? 0 : below(f, 60000) + 1;

		wire_init(&fetch_response_responses_partitions_desc, &rows[i]);
		slices[i] = (struct log_slice){ .fd = f->file,
						.position = (int64_t)below(
							f, FILE_BYTES - len),
						.len = len };
		rows[i].records.data = f->contents + slices[i].position;
		rows[i].records.len = len;
	}
	buffer_put_be32(&f->expected, 0);
	buffer_put_be32(&f->expected, (uint32_t)correlation_id);
	buffer_put_u8(&f->expected, 0);
	assert_int_equal(wire_encode(&fetch_response_desc, VERSION, &response,
				     &f->expected, NULL),
			 0);
	put_be32(f->expected.data + start,
		 (uint32_t)(f->expected.len - start - 4));
	for (int i = 0; i < partitions; i++) {
		if (slices[i].len == 0)
			continue;
		rows[i].records =
			(struct wire_records){ .len = slices[i].len,
					       .file = &slices[i],
					       .position = slices[i].position };
	}
	assert_int_equal(
		outbox_put(box, api, VERSION, correlation_id, &response),
		f->expected.len - start);
}

static void take(struct fixture *f, size_t most)
{
	uint8_t *to = buffer_reserve(&f->came, most);
	ssize_t n = recv(f->fds[1], to, most, 0);

	if (n > 0)
		buffer_commit(&f->came, (size_t)n);
}

static void send_and_take_all(struct fixture *f)
{
	int rc;

	do {
		rc = outbox_flush(&f->box, f->fds[0]);
		assert_true(rc == 0 || rc == -EAGAIN);
		take(f, below(f, 30000) + 1);
	} while (rc != 0);
	while (f->came.len < f->expected.len)
		take(f, f->expected.len - f->came.len);
	assert_int_equal(f->came.len, f->expected.len);
	assert_memory_equal(f->came.data, f->expected.data, f->came.len);
	assert_true(outbox_is_empty(&f->box));
	assert_int_equal(outbox_unsent(&f->box), 0);
}

static void an_answer_without_records_is_one_send(void **state)
{
	struct fixture *f = *state;

	put(f, &f->box, 1, 0);
	assert_int_equal(outbox_unsent(&f->box), f->expected.len);
	assert_int_equal(outbox_flush(&f->box, f->fds[0]), 0);
	send_and_take_all(f);
}

static void bytes_and_slices_come_out_in_order(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 5; i++)
			put(f, &f->box, i, (int)below(f, 8));
		send_and_take_all(f);
		outbox_reset(&f->box);
		buffer_reset(&f->expected);
		buffer_reset(&f->came);
	}
}

static void answers_may_be_added_while_others_are_half_sent(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 60; i++) {
		put(f, &f->box, i, 3);
		outbox_flush(&f->box, f->fds[0]);
		take(f, 5000);
	}
	send_and_take_all(f);
}

static void a_joined_box_follows_what_was_there(void **state)
{
	struct fixture *f = *state;
	struct outbox other = { 0 };

	for (int i = 0; i < 20; i++) {
		put(f, &f->box, i, (int)below(f, 8));
		if (i % 2 == 0)
			outbox_flush(&f->box, f->fds[0]);
		put(f, &other, i + 100, (int)below(f, 8));
		assert_int_equal(outbox_join(&f->box, &other), 0);
		assert_true(outbox_is_empty(&other));
	}
	send_and_take_all(f);
	outbox_clear(&other);
}

static void what_cannot_be_encoded_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	struct fetch_response_responses topic;
	struct fetch_response response;
	uint8_t *name = calloc(1, 40000);

	wire_init(&fetch_response_desc, &response);
	wire_init(&fetch_response_responses_desc, &topic);
	topic.topic = (struct slice){ name, 40000 }; /* over an int16 */
	response.responses = &topic;
	response.responses_count = 1;
	put(f, &f->box, 1, 4);
	assert_int_equal(outbox_put(&f->box, wire_api(FETCH), 4, 2, &response),
			 -EOVERFLOW);
	put(f, &f->box, 3, 4);
	send_and_take_all(f);
	free(name);
}

static void a_cut_file_is_an_error(void **state)
{
	struct fixture *f = *state;
	int rc;

	for (int i = 0; i < 10; i++)
		put(f, &f->box, i, 8);
	assert_int_equal(ftruncate(f->file, 0), 0);
	do {
		rc = outbox_flush(&f->box, f->fds[0]);
		take(f, 100000);
	} while (rc == -EAGAIN);
	assert_int_equal(rc, -EIO);
}

static void a_gone_reader_is_an_error(void **state)
{
	struct fixture *f = *state;

	put(f, &f->box, 1, 2);
	shutdown(f->fds[1], SHUT_RDWR);
	assert_int_equal(outbox_flush(&f->box, f->fds[0]), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_without_records_is_one_send),
		TEST(bytes_and_slices_come_out_in_order),
		TEST(answers_may_be_added_while_others_are_half_sent),
		TEST(a_joined_box_follows_what_was_there),
		TEST(what_cannot_be_encoded_leaves_no_trace),
		TEST(a_cut_file_is_an_error),
		TEST(a_gone_reader_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
