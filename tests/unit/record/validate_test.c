/*
 * validate_test.c - tests of validate.c, and of the cursor under it
 */
#include "record/batch.h"

#include "batches.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static enum batch_problem validate_by(struct slice bytes,
				      const struct batch_rules *rules)
{
	struct batch_header h;
	struct batch_fault fault = { BATCH_PROBLEMS, 0 };
	int rc = batch_validate(bytes, rules, &h, &fault);

	assert_int_equal(rc, fault.problem == BATCH_OK ? 0 : -EBADMSG);
	return fault.problem;
}

static enum batch_problem validate(struct slice bytes)
{
	return validate_by(bytes, &batch_rules_default);
}

static void every_problem_has_a_text(void **state)
{
	(void)state;
	for (int i = 0; i < BATCH_PROBLEMS; i++)
		assert_non_null(batch_problem_text((enum batch_problem)i));
}

static void good_batch_of_any_codec_is_valid(void **state)
{
	(void)state;
	assert_int_equal(validate(HI), BATCH_OK);
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		/* Deltas of one, two and three bytes. */
		struct buffer batch = make_batch(10000, codec);

		assert_int_equal(validate(buffer_slice(&batch)), BATCH_OK);
		buffer_clear(&batch);
	}
}

/* Overwrite width bytes of the header at a place, and mend the checksum. */
struct change {
	int at;
	int width;
	int64_t value;
	enum batch_problem want;
};

static void apply(uint8_t *bytes, const struct change *c)
{
	switch (c->width) {
	case 2:
		put_be16(bytes + c->at, (uint16_t)c->value);
		break;
	case 4:
		put_be32(bytes + c->at, (uint32_t)c->value);
		break;
	default:
		put_be64(bytes + c->at, (uint64_t)c->value);
		break;
	}
	batch_set_crc(bytes);
}

static void header_against_the_rules_is_refused(void **state)
{
	static const struct change changes[] = {
		{ BATCH_BASE_OFFSET, 8, 1, BATCH_BAD_OFFSET },
		{ BATCH_LEADER_EPOCH, 4, 9, BATCH_OK },
		{ BATCH_LAST_OFFSET_DELTA, 4, 1, BATCH_BAD_COUNT },
		{ BATCH_LAST_OFFSET_DELTA, 4, -1, BATCH_BAD_COUNT },
		{ BATCH_RECORDS_COUNT, 4, 0, BATCH_BAD_COUNT },
		{ BATCH_RECORDS_COUNT, 4, 2, BATCH_BAD_COUNT },
		{ BATCH_RECORDS_COUNT, 4, -1, BATCH_BAD_COUNT },
		{ BATCH_RECORDS_COUNT, 4, INT32_MIN, BATCH_BAD_COUNT },
		{ BATCH_ATTRIBUTES, 2, BATCH_CONTROL, BATCH_IS_CONTROL },
		{ BATCH_ATTRIBUTES, 2, BATCH_TRANSACTIONAL, BATCH_OK },
		{ BATCH_ATTRIBUTES, 2, CODEC_GZIP, BATCH_BAD_COMPRESSION },
		{ BATCH_ATTRIBUTES, 2, CODEC_SNAPPY, BATCH_BAD_COMPRESSION },
		{ BATCH_ATTRIBUTES, 2, CODEC_LZ4, BATCH_BAD_COMPRESSION },
		{ BATCH_ATTRIBUTES, 2, CODEC_ZSTD, BATCH_BAD_COMPRESSION },
		{ BATCH_ATTRIBUTES, 2, 5, BATCH_BAD_CODEC },
		{ BATCH_ATTRIBUTES, 2, 7, BATCH_BAD_CODEC },
		{ BATCH_PRODUCER_ID, 8, 1, BATCH_BAD_SEQUENCE },
		{ BATCH_BASE_SEQUENCE, 4, 5, BATCH_OK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		uint8_t bytes[sizeof(hi_batch)];

		memcpy(bytes, hi_batch, sizeof(hi_batch));
		apply(bytes, &changes[i]);
		assert_int_equal(
			validate((struct slice){ bytes, sizeof(hi_batch) }),
			changes[i].want);
	}
}

/* Even one that says so itself: nothing would have its offset. */
static void a_batch_without_records_is_refused(void **state)
{
	uint8_t bytes[BATCH_HEADER_BYTES];

	(void)state;
	memcpy(bytes, hi_batch, sizeof(bytes));
	put_be32(bytes + BATCH_LENGTH, sizeof(bytes) - BATCH_LENGTH_FROM);
	put_be32(bytes + BATCH_LAST_OFFSET_DELTA, (uint32_t)-1);
	put_be32(bytes + BATCH_RECORDS_COUNT, 0);
	batch_set_crc(bytes);
	assert_int_equal(validate((struct slice){ bytes, sizeof(bytes) }),
			 BATCH_BAD_COUNT);
}

static void producer_needs_epoch_and_sequence(void **state)
{
	uint8_t bytes[sizeof(hi_batch)];

	(void)state;
	memcpy(bytes, hi_batch, sizeof(hi_batch));
	batch_set_producer(bytes, 1, 0, 0);
	assert_int_equal(validate((struct slice){ bytes, sizeof(hi_batch) }),
			 BATCH_OK);
	batch_set_producer(bytes, 1, -1, 0);
	assert_int_equal(validate((struct slice){ bytes, sizeof(hi_batch) }),
			 BATCH_BAD_SEQUENCE);
	batch_set_producer(bytes, 1, 0, -1);
	assert_int_equal(validate((struct slice){ bytes, sizeof(hi_batch) }),
			 BATCH_BAD_SEQUENCE);
}

static void other_magic_is_told_from_corruption(void **state)
{
	/* A message of the oldest format is shorter than our header. */
	uint8_t old[40] = { [BATCH_MAGIC] = 0 };

	(void)state;
	assert_int_equal(validate((struct slice){ old, sizeof(old) }),
			 BATCH_BAD_MAGIC);
	old[BATCH_MAGIC] = 2;
	assert_int_equal(validate((struct slice){ old, sizeof(old) }),
			 BATCH_TRUNCATED);
	assert_int_equal(validate((struct slice){ old, 0 }), BATCH_TRUNCATED);
}

static void bytes_cut_off_or_too_many_are_refused(void **state)
{
	(void)state;
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer batch = make_batch(3, codec);

		for (size_t len = 0; len < batch.len; len++)
			assert_int_equal(
				validate((struct slice){ batch.data, len }),
				BATCH_TRUNCATED);
		buffer_put_u8(&batch, 0);
		assert_int_equal(validate(buffer_slice(&batch)),
				 BATCH_TRUNCATED);
		buffer_clear(&batch);
	}
}

static void every_changed_bit_is_noticed(void **state)
{
	uint8_t bytes[sizeof(hi_batch)];

	(void)state;
	memcpy(bytes, hi_batch, sizeof(hi_batch));
	for (size_t i = 0; i < sizeof(hi_batch); i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			enum batch_problem problem;

			bytes[i] ^= (uint8_t)(1U << bit);
			problem = validate(
				(struct slice){ bytes, sizeof(hi_batch) });
			bytes[i] ^= (uint8_t)(1U << bit);
			if (i >= BATCH_LEADER_EPOCH && i < BATCH_MAGIC)
				assert_int_equal(problem, BATCH_OK);
			else
				assert_int_not_equal(problem, BATCH_OK);
		}
	}
}

/* Mutate records, mend the checksum: whatever comes out, nothing breaks. */
static void changed_records_never_harm(void **state)
{
	(void)state;
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer batch = make_batch(20, codec);

		for (size_t i = BATCH_HEADER_BYTES; i < batch.len; i++) {
			uint8_t was = batch.data[i];

			for (unsigned value = 0; value < 256; value += 5) {
				batch.data[i] = (uint8_t)value;
				batch_set_crc(batch.data);
				validate(buffer_slice(&batch));
			}
			batch.data[i] = was;
		}
		buffer_clear(&batch);
	}
}

/* Records, byte by byte */

#define BYTES(...)                                                             \
	(struct slice)                                                         \
	{                                                                      \
		(const uint8_t[]){ __VA_ARGS__ },                              \
			sizeof((const uint8_t[]){ __VA_ARGS__ })               \
	}

/* 32 bytes of a good record, number n, that may stand behind. */
#define FILLER(n)                                                              \
	0x3e, 0, 0, 2 * (n), 1, 0x32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,   \
		13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 0

static void malformed_record_is_refused(void **state)
{
	/* Each alone, and with others behind it, where reading is faster. */
	const struct {
		struct slice alone;
		struct slice followed;
		enum batch_problem want;
	} cases[] = {
#define CASE(want, ...)                                                        \
	{ BYTES(__VA_ARGS__), BYTES(__VA_ARGS__, FILLER(1)), want }
		CASE(BATCH_OK, 0x10, 0, 0, 0, 1, 4, 'h', 'i', 0),
		/* any attributes */
		CASE(BATCH_OK, 0x10, 0x7f, 0, 0, 1, 4, 'h', 'i', 0),
		/* any negative length is null */
		CASE(BATCH_OK, 0x10, 0, 0, 0, 5, 4, 'h', 'i', 0),
		/* lengths that are longer than they need to be */
		CASE(BATCH_OK, 0x12, 0, 0, 0, 1, 0x84, 0, 'h', 'i', 0),
		CASE(BATCH_OK, 0x14, 0, 0, 0, 1, 0x84, 0x80, 0, 'h', 'i', 0),
		CASE(BATCH_OK, 0x90, 0x80, 0, 0, 0, 0, 1, 4, 'h', 'i', 0),
		/* headers: "a" null, "b" "c" */
		CASE(BATCH_OK, 0x1a, 0, 0, 0, 1, 1, 4, 2, 'a', 1, 2, 'b', 2,
		     'c'),
		/* the length is one too few, one too many */
		CASE(BATCH_BAD_RECORD, 0x0e, 0, 0, 0, 1, 4, 'h', 'i', 0),
		CASE(BATCH_BAD_RECORD, 0x12, 0, 0, 0, 1, 4, 'h', 'i', 0),
		/* the length is negative, zero, without end */
		CASE(BATCH_BAD_RECORD, 0x11, 0, 0, 0, 1, 4, 'h', 'i', 0),
		CASE(BATCH_BAD_RECORD, 0),
		CASE(BATCH_BAD_RECORD, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		     0xff, 0xff, 0xff, 0xff),
		/* the length is of 5 GiB */
		CASE(BATCH_BAD_RECORD, 0x80, 0x80, 0x80, 0x80, 0x28, 0, 0, 0),
		/* offset delta 1, -1 */
		CASE(BATCH_BAD_RECORD, 0x10, 0, 0, 2, 1, 4, 'h', 'i', 0),
		CASE(BATCH_BAD_RECORD, 0x10, 0, 0, 1, 1, 4, 'h', 'i', 0),
		/* key, value longer than the record */
		CASE(BATCH_BAD_RECORD, 0x10, 0, 0, 0, 0x7e, 4, 'h', 'i', 0),
		CASE(BATCH_BAD_RECORD, 0x10, 0, 0, 0, 1, 6, 'h', 'i', 0),
		CASE(BATCH_BAD_RECORD, 0x10, 0, 0, 0, 1, 8, 'h', 'i', 0),
		/* value shorter */
		CASE(BATCH_BAD_RECORD, 0x10, 0, 0, 0, 1, 2, 'h', 'i', 0),
		/* header count negative, more than there are */
		CASE(BATCH_BAD_RECORD, 0x10, 0, 0, 0, 1, 4, 'h', 'i', 1),
		CASE(BATCH_BAD_RECORD, 0x10, 0, 0, 0, 1, 4, 'h', 'i', 2),
		CASE(BATCH_BAD_RECORD, 0x14, 0, 0, 0, 1, 1, 0xfe, 0xff, 0x7f, 0,
		     0),
		/* a header with null key */
		CASE(BATCH_BAD_RECORD, 0x10, 0, 0, 0, 1, 1, 2, 1, 1),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buffer alone =
			make_raw_batch(cases[i].alone, 1, CODEC_NONE);
		struct buffer followed =
			make_raw_batch(cases[i].followed, 2, CODEC_NONE);

		assert_int_equal(validate(buffer_slice(&alone)), cases[i].want);
		assert_int_equal(validate(buffer_slice(&followed)),
				 cases[i].want);
		buffer_clear(&alone);
		buffer_clear(&followed);
	}
}

static void count_that_is_not_the_records_is_refused(void **state)
{
	const struct slice two = BYTES(0x10, 0, 0, 0, 1, 4, 'h', 'i', 0, 0x10,
				       0, 0, 2, 1, 4, 'h', 'i', 0);

	(void)state;
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer packed = { 0 };

		assert_int_equal(compress_bytes(codec, CODEC_LEVEL_DEFAULT, two,
						&packed),
				 0);
		for (int count = 1; count <= 3; count++) {
			struct buffer batch = make_raw_batch(
				buffer_slice(&packed), count, codec);

			assert_int_equal(validate(buffer_slice(&batch)),
					 count == 2 ? BATCH_OK
						    : BATCH_BAD_COUNT);
			buffer_clear(&batch);
		}
		buffer_clear(&packed);
	}
}

static void fault_names_the_record(void **state)
{
	struct buffer batch = make_batch(100, CODEC_NONE);
	struct batch_rules rules = batch_rules_default;
	struct batch_header h;
	struct batch_fault fault;

	(void)state;
	rules.timestamp_max_ms = 1041;
	assert_int_equal(
		batch_validate(buffer_slice(&batch), &rules, &h, &fault),
		-EBADMSG);
	assert_int_equal(fault.problem, BATCH_BAD_TIMESTAMP);
	assert_int_equal(fault.record, 42);
	assert_int_equal(h.records_count, 100);
	buffer_clear(&batch);
}

/* Keys and times */

static void compacted_topic_needs_every_key(void **state)
{
	struct batch_rules rules = batch_rules_default;
	struct batch_builder b = { 0 };

	(void)state;
	rules.need_keys = true;
	add_record(&b, 0, SLICE("key"), SLICE("value"));
	add_record(&b, 0, SLICE(""), SLICE_NULL);
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer batch = finish(&b, codec);

		assert_int_equal(validate_by(buffer_slice(&batch), &rules),
				 BATCH_OK);
		buffer_clear(&batch);
	}
	add_record(&b, 0, SLICE_NULL, SLICE("value"));
	for (int i = 0; i < 3; i++)
		add_record(&b, 0, SLICE("key"), SLICE("a value that is long"));
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer batch = finish(&b, codec);

		assert_int_equal(validate(buffer_slice(&batch)), BATCH_OK);
		assert_int_equal(validate_by(buffer_slice(&batch), &rules),
				 BATCH_NO_KEY);
		buffer_clear(&batch);
	}
	batch_builder_clear(&b);
}

static void create_times_have_bounds(void **state)
{
	static const struct {
		int64_t ms, min_ms, max_ms;
		enum batch_problem want;
	} cases[] = {
		{ 1000, 1000, 1000, BATCH_OK },
		{ 1000, 1001, INT64_MAX, BATCH_BAD_TIMESTAMP },
		{ 1000, INT64_MIN, 999, BATCH_BAD_TIMESTAMP },
		{ -1, 1000, 1000, BATCH_OK }, /* no timestamp at all */
		{ -2, 1000, 1000, BATCH_BAD_TIMESTAMP },
		{ INT64_MAX, INT64_MIN, INT64_MAX, BATCH_OK },
		{ INT64_MIN, INT64_MIN, INT64_MAX, BATCH_OK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct batch_rules rules = batch_rules_default;
		struct batch_builder b = { 0 };
		struct buffer batch;

		rules.timestamp_min_ms = cases[i].min_ms;
		rules.timestamp_max_ms = cases[i].max_ms;
		add_record(&b, 1000, SLICE("key"), SLICE("value"));
		add_record(&b, cases[i].ms, SLICE("key"), SLICE("value"));
		if (cases[i].min_ms > 1000 || cases[i].max_ms < 1000)
			assert_int_equal(cases[i].want, BATCH_BAD_TIMESTAMP);
		batch = finish(&b, CODEC_NONE);
		assert_int_equal(validate_by(buffer_slice(&batch), &rules),
				 cases[i].want);
		/* A topic with append time does not look at them. */
		rules.log_append_time = true;
		assert_int_equal(validate_by(buffer_slice(&batch), &rules),
				 BATCH_OK);
		buffer_clear(&batch);
		batch_builder_clear(&b);
	}
}

static void producer_may_not_say_append_time_where_the_log_does(void **state)
{
	struct buffer batch = make_batch(2, CODEC_NONE);
	struct batch_rules rules = batch_rules_default;

	(void)state;
	batch_set_log_append_time(batch.data, 5000);
	assert_int_equal(validate(buffer_slice(&batch)), BATCH_OK);
	rules.timestamp_max_ms = 4999; /* all records have the batch's time */
	assert_int_equal(validate_by(buffer_slice(&batch), &rules),
			 BATCH_BAD_TIMESTAMP);
	rules.timestamp_max_ms = 5000;
	assert_int_equal(validate_by(buffer_slice(&batch), &rules), BATCH_OK);
	rules.log_append_time = true;
	assert_int_equal(validate_by(buffer_slice(&batch), &rules),
			 BATCH_BAD_TIMESTAMP);
	buffer_clear(&batch);
}

static void wrong_max_timestamp_can_be_mended(void **state)
{
	struct buffer batch = make_batch(3, CODEC_ZSTD);
	struct batch_fault fault;
	struct batch_header h;

	(void)state;
	batch_set_create_time(batch.data, 77);
	assert_int_equal(batch_validate(buffer_slice(&batch),
					&batch_rules_default, &h, &fault),
			 0);
	assert_int_equal(h.max_timestamp_ms, 1002);
	batch_set_create_time(batch.data, h.max_timestamp_ms);
	assert_int_equal(get_be64(batch.data + BATCH_MAX_TIMESTAMP), 1002);
	assert_int_equal(validate(buffer_slice(&batch)), BATCH_OK);
	buffer_clear(&batch);
}

/* Compressed batches */

/* The latest record is not the last. */
static void the_max_timestamp_is_that_of_any_record(void **state)
{
	static const int64_t times[] = { 1000, 5000, 1000, 1000, 1000 };
	struct batch_builder b;
	struct batch_fault fault;
	struct batch_header h;
	struct buffer batch;

	(void)state;
	batch_builder_init(&b);
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		add_record(&b, times[i], slice_of("key"),
			   slice_of("a value of some length"));
	batch = finish(&b, CODEC_NONE);
	batch_set_create_time(batch.data, 77);
	assert_int_equal(batch_validate(buffer_slice(&batch),
					&batch_rules_default, &h, &fault),
			 0);
	assert_int_equal(h.max_timestamp_ms, 5000);
	buffer_clear(&batch);
	batch_builder_clear(&b);
}

static void records_of_any_size_pass_the_window(void **state)
{
	static const size_t sizes[] = { 1, 60000, 65530, 65536, 200000, 8191 };
	static uint8_t bytes[200000];
	struct batch_builder b = { 0 };
	struct seeded_random seeded;

	(void)state;
	seeded_random_init(&seeded, 1);
	fill_text(&seeded.random, bytes, sizeof(bytes));
	for (size_t i = 0; i < 40; i++) {
		size_t len = sizes[i % ARRAY_LEN(sizes)];
		struct record_header header = {
			{ bytes, len / 2 },
			{ bytes, i % 4 * 30000 },
		};

		assert_int_equal(batch_builder_add(&b, (int64_t)i * 1000000,
						   SLICE_NULL,
						   (struct slice){ bytes, len },
						   &header, i % 2),
				 0);
	}
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer batch = finish(&b, codec);

		assert_int_equal(validate(buffer_slice(&batch)), BATCH_OK);
		buffer_clear(&batch);
	}
	batch_builder_clear(&b);
}

static void bound_on_unpacked_bytes_is_exact(void **state)
{
	struct batch_builder b = { 0 };
	struct batch_rules rules = batch_rules_default;

	(void)state;
	for (int i = 0; i < 10000; i++)
		add_record(&b, i, SLICE("key"), SLICE("some value or other"));
	for (enum codec codec = CODEC_GZIP; codec < CODEC_COUNT; codec++) {
		struct buffer batch = finish(&b, codec);

		rules.decompressed_max = b.records.len;
		assert_int_equal(validate_by(buffer_slice(&batch), &rules),
				 BATCH_OK);
		rules.decompressed_max--;
		assert_int_equal(validate_by(buffer_slice(&batch), &rules),
				 BATCH_TOO_LARGE);
		buffer_clear(&batch);
	}
	batch_builder_clear(&b);
}

/* Bombs: records of so many zeroes, all but nothing when packed. */

enum { BOMB_BYTES = 100 << 20, BOMB_MEMORY_KB = 12 << 10 };

static struct buffer make_bomb(enum codec codec, bool one_record)
{
	struct batch_builder b = { 0 };
	size_t len = one_record ? BOMB_BYTES : 100;
	uint8_t *zeroes = calloc(1, len);
	struct buffer bomb;

	assert_non_null(zeroes);
	for (size_t n = 0; n < BOMB_BYTES; n += len)
		add_record(&b, 0, SLICE_NULL, (struct slice){ zeroes, len });
	bomb = finish(&b, codec);
	batch_builder_clear(&b);
	free(zeroes);
	return bomb;
}

static long peak_memory_kb(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return -1;
	return usage.ru_maxrss;
}

/* Validate in a child: how much more memory it took than it had, kB. */
static long memory_to_validate(const struct buffer *batch,
			       const struct batch_rules *rules,
			       enum batch_problem want)
{
	long kb = -1;
	pid_t child;
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct batch_header h;
		struct batch_fault fault;

		kb = peak_memory_kb();
		batch_validate(buffer_slice(batch), rules, &h, &fault);
		kb = fault.problem == want ? peak_memory_kb() - kb : -1;
		_exit(write(pipes[1], &kb, sizeof(kb)) != sizeof(kb));
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &kb, sizeof(kb)), sizeof(kb));
	close(pipes[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(kb >= 0);
	return kb;
}

static void bombs_are_unpacked_in_little_memory(void **state)
{
	struct batch_rules strict = batch_rules_default;

	(void)state;
	strict.decompressed_max = 1 << 20;
	for (enum codec codec = CODEC_GZIP; codec < CODEC_COUNT; codec++) {
		for (int one_record = 0; one_record <= 1; one_record++) {
			struct buffer bomb = make_bomb(codec, one_record);
			long kb;

			kb = memory_to_validate(&bomb, &batch_rules_default,
						BATCH_OK);
			assert_true(kb < BOMB_MEMORY_KB);
			kb = memory_to_validate(&bomb, &strict,
						BATCH_TOO_LARGE);
			assert_true(kb < BOMB_MEMORY_KB);
			buffer_clear(&bomb);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_problem_has_a_text),
		cmocka_unit_test(good_batch_of_any_codec_is_valid),
		cmocka_unit_test(header_against_the_rules_is_refused),
		cmocka_unit_test(a_batch_without_records_is_refused),
		cmocka_unit_test(producer_needs_epoch_and_sequence),
		cmocka_unit_test(other_magic_is_told_from_corruption),
		cmocka_unit_test(bytes_cut_off_or_too_many_are_refused),
		cmocka_unit_test(every_changed_bit_is_noticed),
		cmocka_unit_test(changed_records_never_harm),
		cmocka_unit_test(malformed_record_is_refused),
		cmocka_unit_test(count_that_is_not_the_records_is_refused),
		cmocka_unit_test(fault_names_the_record),
		cmocka_unit_test(compacted_topic_needs_every_key),
		cmocka_unit_test(create_times_have_bounds),
		cmocka_unit_test(
			producer_may_not_say_append_time_where_the_log_does),
		cmocka_unit_test(wrong_max_timestamp_can_be_mended),
		cmocka_unit_test(the_max_timestamp_is_that_of_any_record),
		cmocka_unit_test(records_of_any_size_pass_the_window),
		cmocka_unit_test(bound_on_unpacked_bytes_is_exact),
		cmocka_unit_test(bombs_are_unpacked_in_little_memory),
	};

	return cmocka_run_group_tests_name("validate", tests, NULL, NULL);
}
