/*
 * record_bench.c - what checking and packing batches costs
 *
 * Prints, for batches of two sizes and records of two, how fast a batch is
 * validated beside what the machine needs to sum (CRC-32C) and to copy
 * (memcpy) the same bytes; then what each codec does.  Only ratios of one run
 * mean something.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "record/builder.h"

enum { ROUNDS = 25, ROUND_US = 10000 };

static const char words[] =
	"the log is an ordered sequence of records which readers follow at "
	"their own pace while writers only ever add to its end, and so one "
	"writes, a thousand read, and nobody waits for any other of them ";

/* Bytes that compress about as well as JSON or log lines do. */
static void fill_text(struct random *random, uint8_t *to, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t from = random_below(random, sizeof(words) - 20);
		size_t n = 4 + random_below(random, 12);

		if (n > len - at)
			n = len - at;
		memcpy(to + at, words + from, n);
		at += n;
	}
}

/* Fill b with records of record_bytes, until it has batch_bytes. */
static void fill_batch(struct batch_builder *b, size_t record_bytes,
		       size_t batch_bytes)
{
	struct seeded_random seeded;
	uint8_t value[4096];

	assert(record_bytes <= sizeof(value));
	seeded_random_init(&seeded, 1);
	batch_builder_reset(b);
	while (batch_builder_size(b) < batch_bytes) {
		int rc;

		fill_text(&seeded.random, value, record_bytes);
		rc = batch_builder_add(
			b, 1700000000000 + b->count / 8, SLICE_NULL,
			(struct slice){ value, record_bytes }, NULL, 0);
		assert(rc == 0);
	}
}

struct work {
	struct slice bytes; /* what to work on */
	enum codec codec;
	size_t max;
	struct buffer out;
	volatile uint32_t sink;
};

static void do_copy(struct work *w)
{
	/*
	 * glibc's memcpy is slow on AMD where the target lies a few bytes
	 * behind the source, modulo a page: keep away from that.
	 */
	buffer_reset(&w->out);
	buffer_grow(&w->out, 1024);
	buffer_put(&w->out, w->bytes.data, w->bytes.len);
}

static void do_crc(struct work *w)
{
	w->sink = crc32c(w->bytes.data, w->bytes.len);
}

static void do_validate(struct work *w)
{
	struct batch_header header;
	struct batch_fault fault;
	int rc =
		batch_validate(w->bytes, &batch_rules_default, &header, &fault);

	assert(rc == 0);
}

static void do_compress(struct work *w)
{
	int rc;

	buffer_reset(&w->out);
	rc = compress_bytes(w->codec, CODEC_LEVEL_DEFAULT, w->bytes, &w->out);
	assert(rc == 0);
}

static void do_decompress(struct work *w)
{
	int rc;

	buffer_reset(&w->out);
	rc = decompress_bytes(w->codec, w->bytes, w->max, &w->out);
	assert(rc == 0);
}

/* Nanoseconds that one run takes, over a short while. */
static double time_round(void (*run)(struct work *), struct work *w)
{
	struct clock *clock = clock_system();
	int64_t start = clock->monotonic_us(clock);
	int64_t now;
	int runs = 0;

	do {
		run(w);
		runs++;
		now = clock->monotonic_us(clock);
	} while (now - start < ROUND_US);
	return (double)(now - start) * 1000 / runs;
}

/* The best round of each: rounds take turns, so that all meet the same noise.
 */
static void measure(void (*const runs[])(struct work *), size_t count,
		    struct work *w, double best_ns[])
{
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < count; i++) {
			double ns = time_round(runs[i], w);

			if (round == 0 || ns < best_ns[i])
				best_ns[i] = ns;
		}
	}
}

static double measure_one(void (*run)(struct work *), struct work *w)
{
	double ns;

	measure(&run, 1, w, &ns);
	return ns;
}

static void print_validate(struct batch_builder *b, size_t record_bytes,
			   size_t batch_bytes)
{
	static const struct batch_params plain = { .producer_id = -1,
						   .producer_epoch = -1,
						   .base_sequence = -1 };
	struct buffer batch = { 0 };
	struct work w = { 0 };
	static void (*const runs[])(struct work *) = { do_copy, do_crc,
						       do_validate };
	enum { COPY, CRC, VALIDATE };
	double size, ns[3];
	int rc;

	fill_batch(b, record_bytes, batch_bytes);
	rc = batch_builder_finish(b, &plain, &batch);
	assert(rc == 0);
	w.bytes = buffer_slice(&batch);
	size = (double)w.bytes.len;
	measure(runs, 3, &w, ns);
	printf("%7zu %8zu %8.1f %8.1f %8.1f %9.2f %9.2f %9.2f\n", record_bytes,
	       batch_bytes, size / ns[COPY], size / ns[CRC],
	       size / ns[VALIDATE], ns[VALIDATE] / ns[CRC],
	       ns[VALIDATE] / ns[COPY], (ns[VALIDATE] - ns[CRC]) / b->count);
	buffer_clear(&batch);
	buffer_clear(&w.out);
}

static void print_codec(const struct batch_builder *b, enum codec codec)
{
	struct batch_params params = { .codec = codec,
				       .level = CODEC_LEVEL_DEFAULT,
				       .producer_id = -1 };
	struct work w = { .codec = codec, .bytes = buffer_slice(&b->records) };
	double size = (double)w.bytes.len;
	struct buffer packed = { 0 };
	struct buffer batch = { 0 };
	double pack_ns, unpack_ns, validate_ns;
	int rc;

	pack_ns = measure_one(do_compress, &w);
	buffer_put(&packed, w.out.data, w.out.len);
	w.max = w.bytes.len;
	w.bytes = buffer_slice(&packed);
	unpack_ns = measure_one(do_decompress, &w);
	rc = batch_builder_finish(b, &params, &batch);
	assert(rc == 0);
	w.bytes = buffer_slice(&batch);
	validate_ns = measure_one(do_validate, &w);
	printf("%-8s %7.2f %9.0f %9.0f %9.0f\n", codec_name((int)codec),
	       size / (double)packed.len, size / pack_ns * 1000,
	       size / unpack_ns * 1000, size / validate_ns * 1000);
	buffer_clear(&packed);
	buffer_clear(&batch);
	buffer_clear(&w.out);
}

int main(void)
{
	static const size_t record_sizes[] = { 100, 1024 };
	static const size_t batch_sizes[] = { 16 << 10, 256 << 10 };
	struct batch_builder b;

	batch_builder_init(&b);
	printf("%7s %8s %8s %8s %8s %9s %9s %9s\n", "record", "batch", "copy",
	       "crc32c", "validate", "validate", "validate", "past crc");
	printf("%7s %8s %8s %8s %8s %9s %9s %9s\n", "bytes", "bytes", "GB/s",
	       "GB/s", "GB/s", "/ crc", "/ copy", "ns/record");
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 2; j++)
			print_validate(&b, record_sizes[i], batch_sizes[j]);
	}

	printf("\n%-8s %7s %9s %9s %9s  (256 KiB of text, 1 KiB records)\n",
	       "codec", "ratio", "pack", "unpack", "validate");
	printf("%-8s %7s %9s %9s %9s\n", "", "", "MB/s", "MB/s", "MB/s");
	for (int codec = CODEC_GZIP; codec < CODEC_COUNT; codec++)
		print_codec(&b, (enum codec)codec);
	batch_builder_clear(&b);
	return 0;
}
