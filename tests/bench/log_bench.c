/*
 * log_bench.c - what a log costs above the machine's least
 *
 * Appends batches as a broker does (check the batch, append it) and, in the
 * same run, does the least that would be right: a checksum and a pwrite(2).
 * Then finds the slices of the same log for a reader, in order and at random,
 * beside the pread(2) of one header.  Rounds of the two alternate, so that
 * what else the machine does hits both; the median counts.
 *
 *	log_bench [directory]
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "log/log.h"
#include "record/builder.h"

enum {
	ROUNDS = 9,
	ROUND_BYTES = 32 << 20,
	READS = 20000,
	FETCH_BYTES = 1 << 20,
};

struct bench {
	char dir[256];
	char plain_path[300];
	int plain_fd;
	int64_t plain_at;
	struct log *log;
	struct buffer batch;
	struct batch_header header;
	volatile uint32_t sum; /* so that it is made */
};

static void must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "log_bench: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *times)
{
	qsort(times, ROUNDS, sizeof(*times), compare);
	return times[ROUNDS / 2];
}

/* A batch of about size bytes, of records of 1 KB or less. */
static void make_batch(struct bench *b, size_t size)
{
	static uint8_t value[1024];
	const struct batch_params params = {
		.leader_epoch = -1,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
		.level = CODEC_LEVEL_DEFAULT,
	};
	struct batch_builder builder;
	size_t record = size < 1024 + 100 ? size - 100 : 1000;

	batch_builder_init(&builder);
	buffer_reset(&b->batch);
	do {
		must(batch_builder_add(&builder, 1700000000000, SLICE_NULL,
				       (struct slice){ value, record }, NULL,
				       0),
		     "record");
	} while (batch_builder_size(&builder) + record < size);
	must(batch_builder_finish(&builder, &params, &b->batch), "batch");
	batch_builder_clear(&builder);
}

static void open_bench(struct bench *b, const char *parent)
{
	struct log_open params = {
		.vfs = vfs_system(),
		.clock = clock_system(),
		.dir = b->dir,
		.config = log_config_default,
	};

	snprintf(b->dir, sizeof(b->dir), "%s/log-bench.XXXXXX", parent);
	if (mkdtemp(b->dir) == NULL) {
		perror(b->dir);
		exit(1);
	}
	snprintf(b->plain_path, sizeof(b->plain_path), "%s/plain", b->dir);
	b->plain_fd = open(b->plain_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	must(b->plain_fd, "open");
	b->plain_at = 0;
	must(log_open(&params, &b->log, NULL), "log");
}

static void close_bench(struct bench *b)
{
	must(log_close(b->log, false), "close");
	close(b->plain_fd);
	dir_remove(vfs_system(), b->dir);
}

static double append_round(struct bench *b, int count)
{
	double start = now_ns();

	for (int i = 0; i < count; i++) {
		struct log_appended appended;
		enum log_refusal refusal;
		struct batch_fault fault;

		batch_set_base_offset(b->batch.data, 0); /* as sent */
		must(batch_validate(buffer_slice(&b->batch),
				    &batch_rules_default, &b->header, &fault),
		     "validate");
		must(log_append(b->log, b->batch.data, &b->header, 0, &appended,
				&refusal),
		     "append");
	}
	return (now_ns() - start) / count;
}

static double plain_round(struct bench *b, int count)
{
	double start = now_ns();
	uint32_t sum = 0;

	for (int i = 0; i < count; i++) {
		ssize_t n;

		sum += crc32c(b->batch.data + BATCH_CRC_FROM,
			      b->batch.len - BATCH_CRC_FROM);
		n = pwrite(b->plain_fd, b->batch.data, b->batch.len,
			   b->plain_at);
		if (n != (ssize_t)b->batch.len)
			exit(1);
		b->plain_at += n;
	}
	b->sum = sum;
	return (now_ns() - start) / count;
}

static void bench_append(struct bench *b, size_t size)
{
	double log_ns[ROUNDS];
	double plain_ns[ROUNDS];
	int count;
	double ours;
	double least;

	make_batch(b, size);
	count = (int)(ROUND_BYTES / b->batch.len);
	for (int i = 0; i < ROUNDS; i++) {
		plain_ns[i] = plain_round(b, count);
		log_ns[i] = append_round(b, count);
	}
	ours = median(log_ns);
	least = median(plain_ns);
	printf("append %7zu B  %9.0f ns  least %9.0f ns  %4.2f of it\n",
	       b->batch.len, ours, least, least / ours);
}

/* Find slices from offsets that grow by step, or at random with 0. */
static double read_round(struct bench *b, int64_t step)
{
	int64_t end = log_end_offset(b->log);
	uint64_t random = 88172645463325252ULL;
	int64_t offset = 0;
	double start = now_ns();

	for (int i = 0; i < READS; i++) {
		struct log_slice slice;

		must(log_read(b->log, offset, FETCH_BYTES, end, true, &slice),
		     "read");
		log_slice_release(&slice);
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		offset = step > 0 ? (offset + step) % end
				  : (int64_t)(random % (uint64_t)end);
	}
	return (now_ns() - start) / READS;
}

static double pread_round(struct bench *b)
{
	uint8_t header[BATCH_HEADER_BYTES];
	double start = now_ns();

	for (int i = 0; i < READS; i++) {
		int64_t at = (int64_t)i * 4096 % (b->plain_at - 4096);

		if (pread(b->plain_fd, header, sizeof(header), at) < 0)
			exit(1);
	}
	return (now_ns() - start) / READS;
}

static void bench_read(struct bench *b)
{
	double least[ROUNDS];
	double in_order[ROUNDS];
	double at_random[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		least[i] = pread_round(b);
		in_order[i] = read_round(b, 1000);
		at_random[i] = read_round(b, 0);
	}
	printf("find in order      %9.0f ns  one pread %5.0f ns\n",
	       median(in_order), median(least));
	printf("find at random     %9.0f ns\n", median(at_random));
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 1 << 10, 16 << 10, 256 << 10 };
	struct bench b = { 0 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		open_bench(&b, argc > 1 ? argv[1] : "/tmp");
		bench_append(&b, sizes[i]);
		if (i == 0)
			bench_read(&b);
		close_bench(&b);
	}
	buffer_clear(&b.batch);
	return 0;
}
