/*
 * producer_state_test.c - tests of producer_state.c
 */
#include "log/producer_state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/crc32c.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

enum { PID = 42 };

static struct batch_header batch(int16_t epoch, int32_t sequence, int32_t count,
				 int64_t base_offset)
{
	return (struct batch_header){
		.base_offset = base_offset,
		.last_offset_delta = count - 1,
		.records_count = count,
		.producer_id = PID,
		.producer_epoch = epoch,
		.base_sequence = sequence,
		.max_timestamp_ms = base_offset * 10,
	};
}

/* Check and, when it may be, commit.  As log_append() answers: 0, 1, or the
 * refusal, negative. */
static int append(struct producer_state *state, struct batch_header h)
{
	struct producer *producer = NULL;
	enum log_refusal refusal;
	int64_t base;
	int64_t last;
	int rc = producer_check(state, &h, &producer, &base, &last, &refusal);

	if (rc == -ESTALE)
		return -(int)refusal;
	if (rc == 0)
		producer_commit(producer, &h);
	return rc;
}

static void sequences_must_go_on(void **state)
{
	static const struct {
		int16_t epoch;
		int32_t sequence;
		int32_t count;
		int want;
	} steps[] = {
		/* Of a producer that is not known any sequence will do. */
		{ 3, 100, 10, 0 },
		{ 3, 110, 5, 0 },
		{ 3, 110, 5, 1 }, /* again */
		{ 3, 100, 10, 1 },
		{ 3, 100, 5, -LOG_REFUSED_SEQUENCE },
		{ 3, 116, 1, -LOG_REFUSED_SEQUENCE },
		{ 3, 114, 1, -LOG_REFUSED_SEQUENCE },
		{ 2, 115, 1, -LOG_REFUSED_EPOCH },
		{ 4, 115, 1, -LOG_REFUSED_SEQUENCE },
		{ 3, 115, 1, 0 },
		{ 4, 0, 2, 0 }, /* a new epoch starts anew */
		{ 4, 0, 2, 1 },
		{ 3, 115, 1, -LOG_REFUSED_EPOCH },
		{ 4, 2, 1, 0 },
		{ 5, 0, 2, 0 }, /* not those of the epoch before */
	};
	struct producer_state s = { 0 };
	int64_t offset = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int got = append(&s, batch(steps[i].epoch, steps[i].sequence,
					   steps[i].count, offset));

		if (got != steps[i].want)
			fail_msg("step %zu: %d", i, got);
		offset += 100;
	}
	producer_state_clear(&s);
}

static void sequences_wrap_to_zero(void **state)
{
	struct producer_state s = { 0 };

	(void)state;
	assert_int_equal(append(&s, batch(0, INT32_MAX - 1, 2, 0)), 0);
	assert_int_equal(append(&s, batch(0, 0, 1, 2)), 0);
	producer_state_clear(&s);

	assert_int_equal(append(&s, batch(0, INT32_MAX - 1, 4, 0)), 0);
	assert_int_equal(append(&s, batch(0, 1, 1, 4)), -LOG_REFUSED_SEQUENCE);
	assert_int_equal(append(&s, batch(0, 2, 1, 4)), 0);
	assert_int_equal(append(&s, batch(0, INT32_MAX - 1, 4, 9)), 1);
	producer_state_clear(&s);
}

static void five_batches_are_remembered_with_their_offsets(void **state)
{
	struct producer_state s = { 0 };

	(void)state;
	for (int32_t i = 0; i < 7; i++)
		assert_int_equal(append(&s, batch(0, 3 * i, 3, 1000 + 3 * i)),
				 0);
	for (int32_t i = 0; i < 7; i++) {
		struct batch_header h = batch(0, 3 * i, 3, 9999);
		struct producer *producer;
		enum log_refusal refusal;
		int64_t base;
		int64_t last;
		int rc = producer_check(&s, &h, &producer, &base, &last,
					&refusal);

		if (i < 2) {
			assert_int_equal(rc, -ESTALE);
			assert_int_equal(refusal, LOG_REFUSED_SEQUENCE);
			continue;
		}
		assert_int_equal(rc, 1);
		assert_int_equal(base, 1000 + 3 * i);
		assert_int_equal(last, 1000 + 3 * i + 2);
	}
	producer_state_clear(&s);
}

static void abandoned_producer_is_not_known(void **state)
{
	struct producer_state s = { 0 };
	struct batch_header h = batch(0, 7, 1, 0);
	struct producer *producer;
	enum log_refusal refusal;
	struct buffer bytes = { 0 };
	int64_t base;
	int64_t last;

	(void)state;
	assert_int_equal(
		producer_check(&s, &h, &producer, &base, &last, &refusal), 0);
	producer_state_encode(&s, &bytes);
	assert_int_equal(bytes.len, 10);
	producer_abandon(&s, producer);
	assert_int_equal(producer_state_count(&s), 0);
	assert_int_equal(append(&s, h), 0);
	assert_int_equal(
		producer_check(&s, &h, &producer, &base, &last, &refusal), 1);
	buffer_clear(&bytes);
	producer_state_clear(&s);
}

static void note(void *arg, const struct log_producer *p)
{
	*(struct log_producer *)arg = *p;
}

static void transactions_open_and_end(void **state)
{
	struct producer_state s = { 0 };
	struct batch_header h = batch(0, 0, 5, 100);
	struct log_producer seen;
	struct producer *producer;

	(void)state;
	h.attributes = BATCH_TRANSACTIONAL;
	assert_int_equal(append(&s, h), 0);
	h = batch(0, 5, 5, 105);
	h.attributes = BATCH_TRANSACTIONAL;
	assert_int_equal(append(&s, h), 0);
	producer_state_each(&s, note, &seen);
	assert_int_equal(seen.current_txn_start_offset, 100);
	producer_state_expire(&s, INT64_MAX);
	assert_int_equal(producer_state_count(&s), 1);

	h = batch(1, -1, 1, 110);
	h.attributes = BATCH_TRANSACTIONAL | BATCH_CONTROL;
	assert_int_equal(producer_prepare(&s, PID, &producer), 0);
	producer_end_transaction(producer, &h, 9);
	producer_state_each(&s, note, &seen);
	assert_int_equal(seen.current_txn_start_offset, -1);
	assert_int_equal(seen.coordinator_epoch, 9);
	assert_int_equal(seen.producer_epoch, 1);
	assert_int_equal(seen.last_sequence, -1);
	assert_int_equal(seen.last_timestamp_ms, 1100);
	/* The marker's epoch is the producer's: its batches start anew. */
	assert_int_equal(append(&s, batch(1, 5, 1, 111)),
			 -LOG_REFUSED_SEQUENCE);
	assert_int_equal(append(&s, batch(1, 0, 1, 111)), 0);
	producer_state_clear(&s);
}

static void snapshot_has_kafkas_bytes(void **state)
{
	static const uint8_t want[] = {
		0,    1,    0,    0,    0,    0,    0,  0,
		0,    1, /* version, crc, count */
		0,    0,    0,    0,    0,    0,    0,  PID, /* producer id */
		0,    3,                                     /* epoch */
		0,    0,    0,    4,                         /* last sequence */
		0,    0,    0,    0,    0,    0,    1,  4,   /* last offset */
		0,    0,    0,    4,                         /* offset delta */
		0,    0,    0,    0,    0,    0,    10, 0, /* last timestamp */
		0xff, 0xff, 0xff, 0xff,             /* coordinator epoch */
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* transaction */
		0xff, 0xff,
	};
	struct producer_state s = { 0 };
	struct buffer bytes = { 0 };

	(void)state;
	assert_int_equal(append(&s, batch(3, 0, 5, 256)), 0);
	producer_state_encode(&s, &bytes);

	assert_int_equal(bytes.len, sizeof(want));
	memset(bytes.data + 2, 0, 4);
	assert_memory_equal(bytes.data, want, sizeof(want));
	buffer_clear(&bytes);
	producer_state_clear(&s);
}

static void snapshot_brings_the_last_batch_back(void **state)
{
	struct producer_state s = { 0 };
	struct producer_state again = { 0 };
	struct buffer bytes = { 0 };

	(void)state;
	assert_int_equal(append(&s, batch(3, 0, 5, 256)), 0);
	assert_int_equal(append(&s, batch(3, 5, 5, 261)), 0);
	producer_state_encode(&s, &bytes);
	assert_int_equal(producer_state_decode(&again, buffer_slice(&bytes)),
			 0);

	assert_int_equal(append(&again, batch(3, 5, 5, 0)), 1);
	assert_int_equal(append(&again, batch(3, 0, 5, 0)),
			 -LOG_REFUSED_SEQUENCE);
	assert_int_equal(append(&again, batch(3, 10, 1, 266)), 0);
	producer_state_clear(&again);
	producer_state_clear(&s);
	buffer_clear(&bytes);
}

static void damaged_snapshot_is_refused(void **state)
{
	struct producer_state s = { 0 };
	struct producer_state again = { 0 };
	struct buffer bytes = { 0 };

	(void)state;
	assert_int_equal(append(&s, batch(3, 0, 5, 256)), 0);
	producer_state_encode(&s, &bytes);
	for (size_t i = 0; i < bytes.len; i++) {
		bytes.data[i] ^= 4;
		assert_int_equal(
			producer_state_decode(&again, buffer_slice(&bytes)),
			-EBADMSG);
		bytes.data[i] ^= 4;
		assert_int_equal(
			producer_state_decode(&again,
					      (struct slice){ bytes.data, i }),
			-EBADMSG);
	}
	assert_int_equal(producer_state_count(&again), 0);
	producer_state_clear(&s);
	buffer_clear(&bytes);
}

/* Whole, by its checksum, but no broker writes it: nothing of it is taken. */
static void absurd_snapshot_is_refused(void **state)
{
	enum { HEADER = 10, ENTRY = 46, DELTA = 22 };
	struct producer_state s = { 0 };
	struct producer_state again = { 0 };
	struct batch_header other = batch(3, 0, 5, 261);
	struct buffer bytes = { 0 };
	uint8_t *second;

	(void)state;
	other.producer_id = PID + 1;
	assert_int_equal(append(&s, batch(3, 0, 5, 256)), 0);
	assert_int_equal(append(&s, other), 0);
	producer_state_encode(&s, &bytes);
	second = bytes.data + HEADER + ENTRY;

	put_be32(second + DELTA, (uint32_t)-1);
	put_be32(bytes.data + 2, crc32c(bytes.data + 6, bytes.len - 6));
	assert_int_equal(producer_state_decode(&again, buffer_slice(&bytes)),
			 -EBADMSG);
	assert_int_equal(producer_state_count(&again), 0);
	memcpy(second, bytes.data + HEADER, ENTRY); /* the first again */
	put_be32(bytes.data + 2, crc32c(bytes.data + 6, bytes.len - 6));
	assert_int_equal(producer_state_decode(&again, buffer_slice(&bytes)),
			 -EBADMSG);
	assert_int_equal(producer_state_count(&again), 0);
	producer_state_clear(&s);
	buffer_clear(&bytes);
}

static void silent_producers_expire(void **state)
{
	struct producer_state s = { 0 };
	struct batch_header other = batch(0, 0, 1, 200);

	(void)state;
	other.producer_id = PID + 1;
	assert_int_equal(append(&s, batch(0, 0, 1, 100)), 0); /* at 1000 */
	assert_int_equal(append(&s, other), 0);               /* at 2000 */
	producer_state_expire(&s, 999);
	assert_int_equal(producer_state_count(&s), 2);
	producer_state_expire(&s, 1000);
	assert_int_equal(producer_state_count(&s), 1);
	producer_state_expire(&s, 2000);
	assert_int_equal(producer_state_count(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences_must_go_on),
		cmocka_unit_test(sequences_wrap_to_zero),
		cmocka_unit_test(
			five_batches_are_remembered_with_their_offsets),
		cmocka_unit_test(abandoned_producer_is_not_known),
		cmocka_unit_test(transactions_open_and_end),
		cmocka_unit_test(snapshot_has_kafkas_bytes),
		cmocka_unit_test(snapshot_brings_the_last_batch_back),
		cmocka_unit_test(damaged_snapshot_is_refused),
		cmocka_unit_test(absurd_snapshot_is_refused),
		cmocka_unit_test(silent_producers_expire),
	};

	return cmocka_run_group_tests_name("producer state", tests, NULL, NULL);
}
