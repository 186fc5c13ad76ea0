/*
 * compress_test.c - tests of compress.c and the codecs behind it
 */
#include "record/compress.h"

#include "batches.h"

#include <errno.h>
#include <pthread.h>

#include <lz4frame.h>
#include <snappy-c.h>

#include "record/pool.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): codec is declared here */
#define FOR_CODECS(codec)                                                      \
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++)
/* NOLINTEND(bugprone-macro-parentheses) */

static struct buffer pack(enum codec codec, int level, struct slice data)
{
	struct buffer out = { 0 };

	assert_int_equal(compress_bytes(codec, level, data, &out), 0);
	return out;
}

static void assert_unpacks(enum codec codec, struct slice packed,
			   struct slice want)
{
	struct buffer out = { 0 };

	assert_int_equal(decompress_bytes(codec, packed, want.len, &out), 0);
	assert_int_equal(out.len, want.len);
	if (want.len > 0)
		assert_memory_equal(out.data, want.data, want.len);
	buffer_clear(&out);
}

static struct buffer make_text(uint64_t seed, size_t len)
{
	struct seeded_random seeded;
	struct buffer text = { 0 };
	uint8_t *to = buffer_grow(&text, len);

	assert_non_null(to);
	seeded_random_init(&seeded, seed);
	fill_text(&seeded.random, to, len);
	return text;
}

static void names_are_kafkas(void **state)
{
	(void)state;
	FOR_CODECS(codec)
	assert_int_equal(codec_by_name(codec_name((int)codec)), codec);
	assert_int_equal(codec_by_name("uncompressed"), CODEC_NONE);
	assert_int_equal(codec_by_name("zip"), -EINVAL);
	assert_null(codec_name(CODEC_COUNT));
	assert_null(codec_name(-1));
}

static void levels_are_kafkas(void **state)
{
	static const struct {
		enum codec codec;
		int level;
		int want;
	} cases[] = {
		{ CODEC_NONE, CODEC_LEVEL_DEFAULT, 0 },
		{ CODEC_NONE, 1, -ERANGE },
		{ CODEC_SNAPPY, 1, -ERANGE },
		{ CODEC_GZIP, -1, 0 },
		{ CODEC_GZIP, 0, -ERANGE },
		{ CODEC_GZIP, 1, 0 },
		{ CODEC_GZIP, 9, 0 },
		{ CODEC_GZIP, 10, -ERANGE },
		{ CODEC_LZ4, 0, -ERANGE },
		{ CODEC_LZ4, 1, 0 },
		{ CODEC_LZ4, 17, 0 },
		{ CODEC_LZ4, 18, -ERANGE },
		{ CODEC_ZSTD, -131072, 0 },
		{ CODEC_ZSTD, -131073, -ERANGE },
		{ CODEC_ZSTD, 22, 0 },
		{ CODEC_ZSTD, 23, -ERANGE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
			codec_check_level(cases[i].codec, cases[i].level),
			cases[i].want);
}

static void what_is_packed_unpacks(void **state)
{
	static const size_t sizes[] = { 0,     1,     100,   32767, 32768,
					32769, 65536, 65537, 300001 };

	(void)state;
	FOR_CODECS(codec)
	{
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			struct buffer text = make_text(i, sizes[i]);
			struct buffer packed = pack(codec, CODEC_LEVEL_DEFAULT,
						    buffer_slice(&text));

			/* Nothing packed by none is no stream at all. */
			assert_unpacks(codec, buffer_slice(&packed),
				       buffer_slice(&text));
			buffer_clear(&text);
			buffer_clear(&packed);
		}
	}
}

static void every_level_packs(void **state)
{
	static const struct {
		enum codec codec;
		int low, high;
	} ranges[] = { { CODEC_GZIP, 1, 9 },
		       { CODEC_LZ4, 1, 17 },
		       { CODEC_ZSTD, -2, 19 } };
	struct buffer text = make_text(1, 70000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		for (int level = ranges[i].low; level <= ranges[i].high;
		     level++) {
			struct buffer packed = pack(ranges[i].codec, level,
						    buffer_slice(&text));

			assert_true(packed.len < text.len);
			assert_unpacks(ranges[i].codec, buffer_slice(&packed),
				       buffer_slice(&text));
			buffer_clear(&packed);
		}
	}
	buffer_clear(&text);
}

static void packing_appends(void **state)
{
	struct buffer out = { 0 };

	(void)state;
	FOR_CODECS(codec)
	{
		size_t before;

		buffer_put_text(&out, "before");
		before = out.len;
		assert_int_equal(compress_bytes(codec, CODEC_LEVEL_DEFAULT,
						SLICE("text"), &out),
				 0);
		assert_memory_equal(out.data, "before", 6);
		assert_unpacks(
			codec,
			(struct slice){ out.data + before, out.len - before },
			SLICE("text"));
		buffer_reset(&out);
	}
	buffer_clear(&out);
}

static void bound_is_exact_and_output_is_as_it_was(void **state)
{
	struct buffer text = make_text(7, 100000);
	struct buffer out = { 0 };

	(void)state;
	FOR_CODECS(codec)
	{
		struct buffer packed =
			pack(codec, CODEC_LEVEL_DEFAULT, buffer_slice(&text));

		buffer_reset(&out);
		buffer_put_text(&out, "before");
		assert_int_equal(decompress_bytes(codec, buffer_slice(&packed),
						  text.len - 1, &out),
				 -E2BIG);
		assert_int_equal(out.len, 6);
		assert_false(out.failed);
		assert_int_equal(decompress_bytes(codec, buffer_slice(&packed),
						  text.len, &out),
				 0);
		assert_int_equal(out.len, 6 + text.len);
		assert_memory_equal(out.data, "before", 6);
		buffer_clear(&packed);
	}
	buffer_clear(&text);
	buffer_clear(&out);
}

static void bytes_cut_off_anywhere_are_refused(void **state)
{
	struct buffer text = make_text(3, 70000);
	struct buffer out = { 0 };

	(void)state;
	for (enum codec codec = CODEC_GZIP; codec < CODEC_COUNT; codec++) {
		struct buffer packed =
			pack(codec, CODEC_LEVEL_DEFAULT, buffer_slice(&text));

		for (size_t len = 0; len < packed.len;
		     len += len < 100 || len + 100 > packed.len ? 1 : 97) {
			struct slice cut = { packed.data, len };
			int rc = decompress_bytes(codec, cut, text.len, &out);

			/* A frame of snappy may end after any block. */
			if (codec == CODEC_SNAPPY && rc == 0)
				assert_true(out.len < text.len);
			else
				assert_int_equal(rc, -EBADMSG);
			buffer_reset(&out);
		}
		buffer_clear(&packed);
	}
	buffer_clear(&text);
	buffer_clear(&out);
}

static void bytes_behind_the_end_are_refused(void **state)
{
	struct buffer out = { 0 };

	(void)state;
	for (enum codec codec = CODEC_GZIP; codec < CODEC_COUNT; codec++) {
		struct buffer packed =
			pack(codec, CODEC_LEVEL_DEFAULT, SLICE("some text"));

		buffer_put_text(&packed, "xy");
		assert_int_equal(decompress_bytes(codec, buffer_slice(&packed),
						  100, &out),
				 -EBADMSG);
		buffer_clear(&packed);
	}
	buffer_clear(&out);
}

static void changed_bytes_never_harm(void **state)
{
	struct buffer text = make_text(4, 5000);
	struct buffer out = { 0 };

	(void)state;
	for (enum codec codec = CODEC_GZIP; codec < CODEC_COUNT; codec++) {
		struct buffer packed =
			pack(codec, CODEC_LEVEL_DEFAULT, buffer_slice(&text));

		for (size_t i = 0; i < packed.len; i++) {
			for (unsigned bit = 0; bit < 8; bit += 3) {
				int rc;

				packed.data[i] ^= (uint8_t)(1U << bit);
				buffer_reset(&out);
				rc = decompress_bytes(codec,
						      buffer_slice(&packed),
						      100000, &out);
				assert_true(rc == 0 || rc == -EBADMSG ||
					    rc == -E2BIG);
				packed.data[i] ^= (uint8_t)(1U << bit);
			}
		}
		buffer_clear(&packed);
	}
	buffer_clear(&text);
	buffer_clear(&out);
}

static void pieces_of_any_size_make_the_whole(void **state)
{
	struct buffer text = make_text(5, 200000);
	struct seeded_random seeded;

	(void)state;
	seeded_random_init(&seeded, 5);
	FOR_CODECS(codec)
	{
		struct buffer packed =
			pack(codec, CODEC_LEVEL_DEFAULT, buffer_slice(&text));
		struct decompressor *d;
		uint8_t piece[5000];
		size_t at = 0;
		int64_t n;

		assert_int_equal(decompressor_new(codec, buffer_slice(&packed),
						  SIZE_MAX, &d),
				 0);
		do {
			size_t len =
				1 + random_below(&seeded.random, sizeof(piece));

			n = decompressor_read(d, piece, len);
			assert_true(n >= 0 && (size_t)n <= len);
			assert_memory_equal(piece, text.data + at, (size_t)n);
			at += (size_t)n;
		} while (n > 0);
		assert_int_equal(at, text.len);
		assert_int_equal(decompressor_read(d, piece, 1), 0);
		decompressor_free(d);
		buffer_clear(&packed);
	}
	buffer_clear(&text);
}

static void streams_that_follow_each_other_are_one(void **state)
{
	static const enum codec codecs[] = { CODEC_GZIP, CODEC_SNAPPY,
					     CODEC_ZSTD };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
		struct buffer packed =
			pack(codecs[i], CODEC_LEVEL_DEFAULT, SLICE("first "));

		assert_int_equal(compress_bytes(codecs[i], CODEC_LEVEL_DEFAULT,
						SLICE("second"), &packed),
				 0);
		assert_unpacks(codecs[i], buffer_slice(&packed),
			       SLICE("first second"));
		buffer_clear(&packed);
	}
}

static void snappy_without_a_frame_is_read(void **state)
{
	struct buffer text = make_text(6, 90000);
	size_t len = snappy_max_compressed_length(text.len);
	uint8_t *packed = malloc(len);

	(void)state;
	assert_non_null(packed);
	assert_int_equal(snappy_compress((char *)text.data, text.len,
					 (char *)packed, &len),
			 SNAPPY_OK);

	assert_unpacks(CODEC_SNAPPY, (struct slice){ packed, len },
		       buffer_slice(&text));
	free(packed);
	buffer_clear(&text);
}

static void snappy_that_promises_too_much_is_refused(void **state)
{
	/* 4 GiB - 1 as the length of one literal byte. */
	static const uint8_t lie[] = { 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 'x' };
	struct buffer out = { 0 };

	(void)state;
	assert_int_equal(decompress_bytes(CODEC_SNAPPY,
					  (struct slice){ lie, sizeof(lie) },
					  SIZE_MAX, &out),
			 -EBADMSG);
	assert_true(out.capacity <= 65536);
	buffer_clear(&out);
}

/* LZ4 with blocks that look back at each other, which Java cannot read. */
static void lz4_of_linked_blocks_is_refused(void **state)
{
	const LZ4F_preferences_t linked = {
		.frameInfo = { .blockSizeID = LZ4F_max64KB,
			       .blockMode = LZ4F_blockLinked },
	};
	struct buffer text = make_text(8, 200000);
	struct buffer packed = { 0 };
	struct buffer out = { 0 };
	size_t bound = LZ4F_compressFrameBound(text.len, &linked);
	size_t len;

	(void)state;
	len = LZ4F_compressFrame(buffer_reserve(&packed, bound), bound,
				 text.data, text.len, &linked);
	assert_false(LZ4F_isError(len));
	buffer_commit(&packed, len);

	assert_int_equal(decompress_bytes(CODEC_LZ4, buffer_slice(&packed),
					  text.len, &out),
			 -EBADMSG);
	buffer_clear(&text);
	buffer_clear(&packed);
	buffer_clear(&out);
}

static void lz4_is_framed_as_java_writes_it(void **state)
{
	/* version 1, blocks independent; 64 KiB; Java's header checksum */
	static const uint8_t want[] = {
		0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82
	};
	struct buffer text = make_text(9, 200000);
	struct buffer packed =
		pack(CODEC_LZ4, CODEC_LEVEL_DEFAULT, buffer_slice(&text));

	(void)state;
	assert_memory_equal(packed.data, want, sizeof(want));
	assert_int_equal(get_be32(packed.data + packed.len - 4), 0);
	buffer_clear(&text);
	buffer_clear(&packed);
}

/* Bombs: a little that unpacks to very much. */

enum { BOMB_BYTES = 200 << 20 };

static struct buffer make_bomb(enum codec codec)
{
	uint8_t *zeroes = calloc(1, BOMB_BYTES);
	struct buffer bomb;

	assert_non_null(zeroes);
	bomb = pack(codec, CODEC_LEVEL_DEFAULT,
		    (struct slice){ zeroes, BOMB_BYTES });
	free(zeroes);
	return bomb;
}

/* Snappy cannot be unpacked in parts, so what it says of its size is believed
 * or not before any memory is taken. */
static void raw_snappy_beyond_the_bound_takes_no_memory(void **state)
{
	struct buffer packed = { 0 };
	struct decompressor *d;
	uint8_t byte;
	size_t len = snappy_max_compressed_length(BOMB_BYTES);
	char *zeroes = calloc(1, BOMB_BYTES);

	(void)state;
	assert_non_null(zeroes);
	assert_non_null(buffer_reserve(&packed, len));
	assert_int_equal(
		snappy_compress(zeroes, BOMB_BYTES, (char *)packed.data, &len),
		SNAPPY_OK);
	buffer_commit(&packed, len);
	free(zeroes);

	assert_int_equal(decompressor_new(CODEC_SNAPPY, buffer_slice(&packed),
					  BOMB_BYTES - 1, &d),
			 0);
	assert_int_equal(decompressor_read(d, &byte, 1), -E2BIG);
	decompressor_free(d);
	assert_int_equal(decompressor_new(CODEC_SNAPPY, buffer_slice(&packed),
					  BOMB_BYTES, &d),
			 0);
	assert_int_equal(decompressor_read(d, &byte, 1), 1);
	decompressor_free(d);
	buffer_clear(&packed);
}

static void bombs_are_refused_at_the_bound(void **state)
{
	struct buffer out = { 0 };

	(void)state;
	for (enum codec codec = CODEC_GZIP; codec < CODEC_COUNT; codec++) {
		struct buffer bomb = make_bomb(codec);

		assert_int_equal(decompress_bytes(codec, buffer_slice(&bomb),
						  1 << 20, &out),
				 -E2BIG);
		assert_int_equal(out.capacity, 1 << 20);
		buffer_clear(&bomb);
	}
	buffer_clear(&out);
}

/* What a thread keeps */

static void two_at_once_do_not_disturb_each_other(void **state)
{
	(void)state;
	FOR_CODECS(codec)
	{
		struct buffer one = pack(codec, CODEC_LEVEL_DEFAULT,
					 SLICE("the first text"));
		struct buffer two = pack(codec, CODEC_LEVEL_DEFAULT,
					 SLICE("THE SECOND ONE"));
		struct decompressor *first;
		struct decompressor *second;
		uint8_t a[14];
		uint8_t b[14];

		assert_int_equal(decompressor_new(codec, buffer_slice(&one),
						  SIZE_MAX, &first),
				 0);
		assert_int_equal(decompressor_read(first, a, 5), 5);
		assert_int_equal(decompressor_new(codec, buffer_slice(&two),
						  SIZE_MAX, &second),
				 0);
		assert_int_equal(decompressor_read(second, b, 14), 14);
		assert_int_equal(decompressor_read(first, a + 5, 9), 9);
		assert_memory_equal(a, "the first text", 14);
		assert_memory_equal(b, "THE SECOND ONE", 14);
		decompressor_free(first);
		decompressor_free(second);
		buffer_clear(&one);
		buffer_clear(&two);
	}
}

/* That nothing is left behind is for the sanitizers to see. */
static void *use_all_codecs(void *arg)
{
	struct buffer out = { 0 };

	FOR_CODECS(codec)
	{
		struct buffer packed =
			pack(codec, CODEC_LEVEL_DEFAULT, SLICE("some text"));

		buffer_reset(&out);
		if (decompress_bytes(codec, buffer_slice(&packed), 9, &out) < 0)
			arg = NULL;
		buffer_clear(&packed);
	}
	buffer_clear(&out);
	return arg;
}

static void every_codec_works_in_a_thread_that_ends(void **state)
{
	pthread_t thread;
	void *result;

	assert_int_equal(pthread_create(&thread, NULL, use_all_codecs, state),
			 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, state);
}

static int released;

static void count_release(void *object)
{
	(void)object;
	released++;
}

static void *keep_two(void *arg)
{
	pool_give(POOL_WINDOW, arg, count_release);
	pool_give(POOL_WINDOW, arg, count_release); /* one too many */
	assert_int_equal(released, 1);
	assert_ptr_equal(pool_take(POOL_WINDOW), arg);
	assert_null(pool_take(POOL_WINDOW));
	pool_give(POOL_WINDOW, arg, count_release);
	return NULL;
}

static void a_thread_keeps_one_and_releases_it_at_its_end(void **state)
{
	pthread_t thread;
	int object;

	(void)state;
	released = 0;
	assert_int_equal(pthread_create(&thread, NULL, keep_two, &object), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(released, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_kafkas),
		cmocka_unit_test(levels_are_kafkas),
		cmocka_unit_test(what_is_packed_unpacks),
		cmocka_unit_test(every_level_packs),
		cmocka_unit_test(packing_appends),
		cmocka_unit_test(bound_is_exact_and_output_is_as_it_was),
		cmocka_unit_test(bytes_cut_off_anywhere_are_refused),
		cmocka_unit_test(bytes_behind_the_end_are_refused),
		cmocka_unit_test(changed_bytes_never_harm),
		cmocka_unit_test(pieces_of_any_size_make_the_whole),
		cmocka_unit_test(streams_that_follow_each_other_are_one),
		cmocka_unit_test(snappy_without_a_frame_is_read),
		cmocka_unit_test(snappy_that_promises_too_much_is_refused),
		cmocka_unit_test(lz4_of_linked_blocks_is_refused),
		cmocka_unit_test(lz4_is_framed_as_java_writes_it),
		cmocka_unit_test(bombs_are_refused_at_the_bound),
		cmocka_unit_test(raw_snappy_beyond_the_bound_takes_no_memory),
		cmocka_unit_test(two_at_once_do_not_disturb_each_other),
		cmocka_unit_test(every_codec_works_in_a_thread_that_ends),
		cmocka_unit_test(a_thread_keeps_one_and_releases_it_at_its_end),
	};

	return cmocka_run_group_tests_name("compress", tests, NULL, NULL);
}
