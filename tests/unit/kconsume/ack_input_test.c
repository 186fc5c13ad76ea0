/*
 * ack_input_test.c - tests of kconsume's ack_input.c, which is in no library
 */
#include "kconsume/ack_input.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"

struct pipe_input {
	struct ack_input in;
	int fds[2];
};

static void *begin(void)
{
	struct pipe_input *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(pipe(p->fds), 0);
	return p;
}

static void end(struct pipe_input *p)
{
	close(p->fds[0]);
	if (p->fds[1] >= 0)
		close(p->fds[1]);
	free(p);
}

static void put(struct pipe_input *p, const char *text, size_t len)
{
	assert_int_equal(write(p->fds[1], text, len), (ssize_t)len);
	assert_int_equal(ack_input_read(&p->in, p->fds[0]), 0);
}

/* The next acknowledgement as text: "t 0 5", "7", "end", "" or the error. */
static void expect(struct pipe_input *p, const char *wanted)
{
	char why[ACK_WHY_MAX];
	char text[2 * ACK_WHY_MAX] = "";
	struct ack ack;
	int rc = ack_input_next(&p->in, &ack, why);

	if (rc < 0)
		snprintf(text, sizeof(text), "%lld: %s", (long long)p->in.line,
			 why);
	else if (rc == 1 && ack.kind == ACK_RECORD)
		snprintf(text, sizeof(text), "%s %d %lld", ack.topic,
			 ack.partition, (long long)ack.offset);
	else if (rc == 1 && ack.kind == ACK_COUNT)
		snprintf(text, sizeof(text), "%lld", (long long)ack.count);
	else if (rc == 1)
		snprintf(text, sizeof(text), "end");
	assert_string_equal(text, wanted);
}

static void lines_are_records_counts_and_the_end(void **state)
{
	struct pipe_input *p = begin();
	const char text[] =
		"orders 3 42\n\t9223372036854775806  \na  0\t1\nend\n";

	(void)state;
	put(p, text, strlen(text));
	expect(p, "orders 3 42");
	expect(p, "9223372036854775806");
	expect(p, "a 0 1");
	assert_false(p->in.has_end);
	expect(p, "end");
	assert_true(p->in.has_end);
	expect(p, "");
	end(p);
}

static void a_line_may_come_byte_by_byte(void **state)
{
	struct pipe_input *p = begin();
	const char *text = "orders 3 42\n";

	(void)state;
	for (; *text != '\n'; text++) {
		put(p, text, 1);
		expect(p, "");
	}
	put(p, text, 1);
	expect(p, "orders 3 42");
	end(p);
}

static void a_line_cut_by_the_end_acknowledges_nothing(void **state)
{
	struct pipe_input *p = begin();

	(void)state;
	put(p, "t 0 1\nt 0 12", 12);
	close(p->fds[1]);
	p->fds[1] = -1;
	expect(p, "t 0 1");
	expect(p, "");
	assert_false(p->in.ended);
	assert_int_equal(ack_input_read(&p->in, p->fds[0]), 0);
	assert_true(p->in.ended);
	expect(p, "");
	assert_false(p->in.has_end);
	end(p);
}

static void a_bad_line_is_named(void **state)
{
	static const struct {
		const char *line;
		const char *wanted;
	} rows[] = {
		{ "t 0", "2: 't 0' is not TOPIC PARTITION OFFSET, a number of "
			 "records, or end" },
		{ "", "2: '' is not TOPIC PARTITION OFFSET, a number of "
		      "records, or end" },
		{ "0", "2: '0' is not TOPIC PARTITION OFFSET, a number of "
		       "records, or end" },
		{ "t 0 1 2", "2: 't 0 1 2' is not TOPIC PARTITION OFFSET, a "
			     "number of records, or end" },
		{ "t x 1", "2: 't x 1' has a partition that is no number" },
		{ "t -1 1", "2: 't -1 1' has a partition that is no number" },
		{ "t 2147483648 1",
		  "2: 't 2147483648 1' has a partition that is no number" },
		{ "t 0 -1", "2: 't 0 -1' has an offset that is no number" },
		{ "t 0 9223372036854775807", "2: 't 0 9223372036854775807' has "
					     "an offset that is no number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pipe_input *p = begin();
		char text[128];

		snprintf(text, sizeof(text), "t 0 1\n%s\n", rows[i].line);
		put(p, text, strlen(text));
		expect(p, "t 0 1");
		expect(p, rows[i].wanted);
		end(p);
	}
}

static void nothing_may_come_after_the_end(void **state)
{
	struct pipe_input *p = begin();

	(void)state;
	put(p, "end\nt 0 1\n", 10);
	expect(p, "end");
	expect(p, "2: 't 0 1' comes after end");
	end(p);
}

static void nul_and_endless_lines_are_refused(void **state)
{
	struct pipe_input *p = begin();
	char text[ACK_LINE_MAX + 1];
	char wanted[128];

	(void)state;
	put(p, "t 0 1\0x\n", 8);
	expect(p, "1: 't 0 1' has a NUL in it");
	end(p);
	p = begin();
	memset(text, 'x', sizeof(text));
	put(p, text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "1: '%.*s' ... is too long for a line",
		 SHOWN_BYTES, text);
	expect(p, wanted);
	end(p);
}

/* Lines cut anywhere, more of them than the buffer holds. */
static void lines_survive_reads_of_any_length(void **state)
{
	struct pipe_input *p = begin();
	struct seeded_random seeded;
	char text[32 << 10];
	char wanted[32];
	size_t len = 0;
	size_t at = 0;
	int told = 0;
	int wrote = 0;

	(void)state;
	seeded_random_init(&seeded, 7);
	while (len < sizeof(text) - 32)
		len += (size_t)snprintf(text + len, 32, "t %d %d\n", wrote % 7,
					wrote),
			wrote++;
	while (told < wrote) {
		size_t some = 1 + random_below(&seeded.random, 3000);

		if (some > len - at)
			some = len - at;
		put(p, text + at, some);
		at += some;
		while (memchr(p->in.bytes + p->in.from, '\n',
			      p->in.to - p->in.from) != NULL) {
			snprintf(wanted, sizeof(wanted), "t %d %d", told % 7,
				 told);
			expect(p, wanted);
			told++;
		}
		expect(p, "");
	}
	assert_int_equal(p->in.line, wrote);
	end(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_records_counts_and_the_end),
		cmocka_unit_test(a_line_may_come_byte_by_byte),
		cmocka_unit_test(a_line_cut_by_the_end_acknowledges_nothing),
		cmocka_unit_test(a_bad_line_is_named),
		cmocka_unit_test(nothing_may_come_after_the_end),
		cmocka_unit_test(nul_and_endless_lines_are_refused),
		cmocka_unit_test(lines_survive_reads_of_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
