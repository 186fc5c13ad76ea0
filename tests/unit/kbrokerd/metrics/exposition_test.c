/*
 * exposition_test.c - tests of exposition.c: the text, byte for byte
 */
#include "kbrokerd/metrics/exposition.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buffer out;

static struct exposition start(enum exposition_form form)
{
	buffer_reset(&out);
	return exposition(&out, form);
}

static void expect(const char *text)
{
	assert_string_equal(buffer_text(&out), text);
}

static void a_counter_ends_in_total(void **state)
{
	struct exposition e = start(EXPOSITION_PROMETHEUS);

	(void)state;
	exposition_one(&e, "x_bytes", EXPOSITION_COUNTER, "Bytes.", 7);
	exposition_end(&e);
	expect("# HELP x_bytes_total Bytes.\n# TYPE x_bytes_total counter\n"
	       "x_bytes_total 7\n");
}

static void in_openmetrics_its_family_does_not(void **state)
{
	struct exposition e = start(EXPOSITION_OPENMETRICS);

	(void)state;
	exposition_one(&e, "x_bytes", EXPOSITION_COUNTER, "Bytes.", 7);
	exposition_end(&e);
	expect("# HELP x_bytes Bytes.\n# TYPE x_bytes counter\n"
	       "x_bytes_total 7\n# EOF\n");
}

static void labels_are_escaped_and_belong_to_one_sample(void **state)
{
	struct exposition e = start(EXPOSITION_PROMETHEUS);

	(void)state;
	exposition_family(&e, "x", EXPOSITION_GAUGE, "X.");
	exposition_label(&e, "a", "q\"b\\s\nn");
	exposition_label_int(&e, "n", -3);
	exposition_int(&e, 1);
	exposition_double(&e, 0.5);
	expect("# HELP x X.\n# TYPE x gauge\n"
	       "x{a=\"q\\\"b\\\\s\\nn\",n=\"-3\"} 1\nx 0.5\n");
}

static void labels_of_any_bytes_stay_distinct(void **state)
{
	struct exposition e = start(EXPOSITION_PROMETHEUS);

	(void)state;
	exposition_family(&e, "x", EXPOSITION_GAUGE, "X.");
	exposition_label(&e, "bad", "a\xff");
	exposition_int(&e, 1);
	exposition_label_slice(&e, "bad",
			       (struct slice){ (const uint8_t *)"a\0b", 3 });
	exposition_int(&e, 2);
	expect("# HELP x X.\n# TYPE x gauge\nx{bad=\"a\\\\xff\"} 1\n"
	       "x{bad=\"a\\\\x00b\"} 2\n");
}

static void three_labels_as_long_as_can_be_fit(void **state)
{
	struct exposition e = start(EXPOSITION_PROMETHEUS);
	char much[3000];

	(void)state;
	memset(much, '"', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	exposition_family(&e, "x", EXPOSITION_GAUGE, "X.");
	exposition_label(&e, "a", much);
	exposition_label(&e, "b", much);
	exposition_label(&e, "c", much);
	exposition_int(&e, 1);
	assert_non_null(strstr(buffer_text(&out), "x{a=\"\\\""));
	assert_non_null(strstr(buffer_text(&out), "\",b=\"\\\""));
	assert_non_null(strstr(buffer_text(&out), "\",c=\"\\\""));
}

static void times_are_seconds_and_numbers_may_be_odd(void **state)
{
	struct exposition e = start(EXPOSITION_PROMETHEUS);

	(void)state;
	exposition_family(&e, "x", EXPOSITION_GAUGE, "X.");
	exposition_us(&e, 1000002);
	exposition_ms(&e, 1785578400123);
	exposition_double(&e, NAN);
	exposition_double(&e, INFINITY);
	exposition_double(&e, -INFINITY);
	expect("# HELP x X.\n# TYPE x gauge\nx 1.000002\n"
	       "x 1785578400.123\nx NaN\nx +Inf\nx -Inf\n");
}

static void the_buckets_of_a_histogram_add_up(void **state)
{
	struct exposition e = start(EXPOSITION_PROMETHEUS);
	struct histogram_copy h = { { 1, 2 }, 1500 };
	const char *text;

	(void)state;
	h.buckets[HISTOGRAM_BOUNDS] = 4;
	exposition_family(&e, "x_seconds", EXPOSITION_HISTOGRAM, "X.");
	exposition_label(&e, "api", "Fetch");
	exposition_histogram(&e, &h);
	text = buffer_text(&out);

	assert_non_null(strstr(
		text, "x_seconds_bucket{api=\"Fetch\",le=\"5e-05\"} 1\n"));
	assert_non_null(strstr(
		text, "x_seconds_bucket{api=\"Fetch\",le=\"0.0001\"} 3\n"));
	assert_non_null(
		strstr(text, "x_seconds_bucket{api=\"Fetch\",le=\"1.0\"} 3\n"));
	assert_non_null(strstr(text,
			       "x_seconds_bucket{api=\"Fetch\",le=\"+Inf\"} 7\n"
			       "x_seconds_sum{api=\"Fetch\"} 0.001500\n"
			       "x_seconds_count{api=\"Fetch\"} 7\n"));
}

static void the_form_is_what_the_client_accepts(void **state)
{
	(void)state;
	assert_int_equal(exposition_form_for(NULL), EXPOSITION_PROMETHEUS);
	assert_int_equal(exposition_form_for("text/plain"),
			 EXPOSITION_PROMETHEUS);
	assert_int_equal(exposition_form_for("application/openmetrics-text;"
					     "version=1.0.0,text/plain;q=0.5"),
			 EXPOSITION_OPENMETRICS);
}

static int teardown(void **state)
{
	(void)state;
	buffer_clear(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counter_ends_in_total),
		cmocka_unit_test(in_openmetrics_its_family_does_not),
		cmocka_unit_test(labels_are_escaped_and_belong_to_one_sample),
		cmocka_unit_test(labels_of_any_bytes_stay_distinct),
		cmocka_unit_test(three_labels_as_long_as_can_be_fit),
		cmocka_unit_test(times_are_seconds_and_numbers_may_be_odd),
		cmocka_unit_test(the_buckets_of_a_histogram_add_up),
		cmocka_unit_test(the_form_is_what_the_client_accepts),
	};

	return cmocka_run_group_tests_name("exposition", tests, NULL, teardown);
}
