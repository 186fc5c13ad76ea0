/*
 * otlp_test.c - metrics as OpenTelemetry puts them into protobuf
 */
#include "kbrokerd/telemetry/otlp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kbrokerd/telemetry/otlp_kit.h"

static struct otlp_point seen[8];
static char text[8][256];
static size_t seen_count;

static void on_point(void *arg, const struct otlp_point *p)
{
	char *to = text[seen_count % 8];
	size_t len;

	(void)arg;
	seen[seen_count % 8] = *p;
	len = (size_t)snprintf(to, 256, "%.*s", (int)p->name.len,
			       (const char *)p->name.data);
	for (size_t i = 0; i < p->label_count && len < 200; i++) {
		const struct otlp_label *l = &p->labels[i];

		len += (size_t)snprintf(
			to + len, 256 - len, " %.*s=%.*s", (int)l->key.len,
			(const char *)l->key.data, (int)l->value.len,
			(const char *)l->value.data);
	}
	seen_count++;
}

static int decode(const struct buffer *b)
{
	seen_count = 0;
	return otlp_decode(buffer_slice(b), on_point, NULL);
}

static void gauges_and_sums_are_told(void **state)
{
	const struct kit_metric metrics[] = {
		{ .name = "g", .value = 1.5 },
		{ .name = "s",
		  .value = 7,
		  .is_sum = true,
		  .is_delta = true,
		  .is_monotonic = true,
		  .label = "node",
		  .label_value = "3" },
		{ .name = "i", .value = -4, .is_int = true, .is_sum = true },
	};
	struct buffer b = kit_metrics(metrics, 3);

	(void)state;
	assert_int_equal(decode(&b), 0);
	assert_int_equal(seen_count, 3);
	assert_string_equal(text[0], "g");
	assert_true(seen[0].value > 1.4 && seen[0].value < 1.6);
	assert_false(seen[0].is_sum);
	assert_string_equal(text[1], "s node=3");
	assert_true(seen[1].is_sum && seen[1].is_delta && seen[1].is_monotonic);
	assert_int_equal((int)seen[2].value, -4);
	assert_false(seen[2].is_delta || seen[2].is_monotonic);
	buffer_clear(&b);
}

static void nothing_is_no_metrics(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	buffer_put(&b, "", 0);
	assert_int_equal(otlp_decode(slice_of(""), on_point, NULL), 0);
	buffer_clear(&b);
}

static void a_cut_message_is_malformed_or_shorter(void **state)
{
	const struct kit_metric metric = {
		.name = "name", .value = 1, .label = "k", .label_value = "v"
	};
	struct buffer b = kit_metrics(&metric, 1);

	(void)state;
	for (size_t len = 1; len < b.len; len++) {
		struct slice cut = { b.data, len };

		assert_int_equal(otlp_decode(cut, on_point, NULL), -EBADMSG);
	}
	buffer_clear(&b);
}

/* Any byte may be any other: what matters is what sanitizers say. */
static void no_bytes_are_read_beyond_the_end(void **state)
{
	const struct kit_metric metric = {
		.name = "name", .value = 1, .label = "k", .label_value = "v"
	};
	struct buffer b = kit_metrics(&metric, 1);

	(void)state;
	srand(5);
	for (int round = 0; round < 20000; round++) {
		size_t len = 1 + (size_t)rand() % b.len;
		uint8_t *bytes = malloc(len);

		memcpy(bytes, b.data, len);
		for (int i = 0; i < 3; i++)
			bytes[(size_t)rand() % len] = (uint8_t)rand();
		otlp_decode((struct slice){ bytes, len }, on_point, NULL);
		free(bytes);
	}
	buffer_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gauges_and_sums_are_told),
		cmocka_unit_test(nothing_is_no_metrics),
		cmocka_unit_test(a_cut_message_is_malformed_or_shorter),
		cmocka_unit_test(no_bytes_are_read_beyond_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
