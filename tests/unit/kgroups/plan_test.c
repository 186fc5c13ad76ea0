/*
 * plan_test.c - tests of kgroups' plans, which are in no library
 */
#include "kgroups/plan.c"      /* NOLINT(bugprone-suspicious-include) */
#include "kgroups/plan_read.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

static struct plan plan;
static char why[PLAN_WHY_MAX];
static int64_t line;

static int setup(void **state)
{
	(void)state;
	plan = (struct plan){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	plan_clear(&plan);
	return 0;
}

static int read_text(const char *text, const char *group)
{
	return plan_read(&plan, slice_of(text), group, why, &line);
}

static void expect_row(size_t i, const char *group, const char *topic,
		       int32_t partition, int64_t to)
{
	assert_true(i < plan.count);
	assert_string_equal(plan.rows[i].group, group);
	assert_string_equal(plan.rows[i].topic, topic);
	assert_int_equal(plan.rows[i].partition, partition);
	assert_int_equal(plan.rows[i].to, to);
}

static void a_plan_is_read_as_it_was_printed(void **state)
{
	const struct plan_row rows[] = {
		{ "app", "orders", 0, 5, 7, true, 1000, 2000, 0 },
		{ "a,\"b\"\nc", "orders", 1, -1, 7, true, -1, -1, 0 },
		{ " x", "orders", 2, 5, -1, true, -1, -1, 0 },
		{ "#x", "orders", 3, 5, INT64_MAX, true, -1, -1, 0 },
		{ "{x", "orders", 4, 5, 6, true, -1, -1, 0 },
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	struct buffer text = { 0 };

	(void)state;
	plan_put_header(&text);
	for (size_t i = 0; i < count; i++)
		plan_put_csv(&text, &rows[i]);
	for (size_t i = 0; i < count; i++)
		plan_put_json(&text, &rows[i]);
	assert_int_equal(read_text(buffer_text(&text), NULL), 0);
	assert_int_equal(plan.count, 2 * count);
	for (size_t i = 0; i < 2 * count; i++) {
		const struct plan_row *row = &rows[i % count];

		expect_row(i, row->group, row->topic, row->partition, row->to);
		assert_int_equal(plan.rows[i].from, row->from);
		assert_true(plan.rows[i].has_from);
	}
	buffer_clear(&text);
}

static void a_plan_looks_as_documented(void **state)
{
	const struct plan_row row = { "app", "orders", 3,  5, 7,
				      true,  1000,     -1, 0 };
	struct buffer text = { 0 };

	(void)state;
	plan_put_header(&text);
	plan_put_csv(&text, &row);
	plan_put_json(&text, &row);
	assert_string_equal(
		buffer_text(&text),
		"group,topic,partition,from,to,records,from_time,to_time\n"
		"app,orders,3,5,7,2,1970-01-01T00:00:01.000Z,\n"
		"{\"group\":\"app\",\"topic\":\"orders\",\"partition\":3,"
		"\"from\":5,\"to\":7,\"records\":2,\"from_time\":1000,"
		"\"to_time\":null}\n");
	buffer_clear(&text);
}

static void lines_of_other_tools_are_read(void **state)
{
	(void)state;
	assert_int_equal(read_text("orders,0,5\r\n"
				   "g1,orders,1,6\r\n"
				   "orders 2 7\n"
				   "\torders\t3   8 \n",
				   "app"),
			 0);
	assert_int_equal(plan.count, 4);
	expect_row(0, "app", "orders", 0, 5);
	expect_row(1, "g1", "orders", 1, 6);
	expect_row(2, "app", "orders", 2, 7);
	expect_row(3, "app", "orders", 3, 8);
	assert_false(plan.rows[0].has_from);
}

static void what_says_nothing_is_left_out(void **state)
{
	(void)state;
	assert_int_equal(read_text("# to be done\n\n  \ng,t,0,1", NULL), 0);
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.rows[0].line, 4);
}

static void a_header_says_which_column_is_which(void **state)
{
	(void)state;
	assert_int_equal(read_text("Offset,topic,partition,note,group\n"
				   "5,orders,0,look,app\n",
				   NULL),
			 0);
	assert_int_equal(plan.count, 1);
	expect_row(0, "app", "orders", 0, 5);
	assert_false(plan.rows[0].has_from);
}

static void a_json_row_without_from_is_not_compared(void **state)
{
	(void)state;
	assert_int_equal(
		read_text("{\"topic\":\"t\",\"partition\":0,\"offset\":9}\n",
			  "g"),
		0);
	expect_row(0, "g", "t", 0, 9);
	assert_false(plan.rows[0].has_from);
}

static void bad_lines_are_named(void **state)
{
	static const struct {
		const char *text;
		int64_t line;
		const char *why;
	} cases[] = {
		{ "g,t,0,1\ng,t,x,1\n", 2, "'x' is not a partition" },
		{ "g,t,0,-1\n", 1, "to '-1' is not an offset" },
		{ "t,0,1\n", 1, "no group is named; -G names one" },
		{ "g,t,0,1,2\n", 1,
		  "5 fields: not topic,partition,offset, not "
		  "group,topic,partition,offset and not a plan's 8" },
		{ "\"g,t,0,1\n", 1, "a quote is not closed" },
		{ "\"g\"x,t,0,1\n", 1,
		  "a comma is missing after a closing quote" },
		{ "g,,0,1\n", 1, "no topic is named" },
		{ "topic,partition,to,group\nt,0,1\n", 2,
		  "3 fields where 4 are wanted" },
		{ "orders 0\n", 1, "2 fields where 3 are wanted" },
		{ "{\"topic\":\"t\",\"partition\":0,\"to\":1.5}", 1,
		  "\"to\" is not an offset" },
		{ "{\"topic\":\"t\",\"partition\":0}", 1, "\"to\" is missing" },
		{ "{\"topic\":\"t\",\"to\":0}", 1,
		  "\"partition\" is not a partition" },
		{ "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n", 1,
		  "more than 16 fields" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(cases[i].text, NULL), -EBADMSG);
		assert_string_equal(why, cases[i].why);
		assert_int_equal(line, cases[i].line);
		plan_clear(&plan);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	(void)state;
	assert_int_equal(
		plan_read(&plan,
			  (struct slice){ (const uint8_t *)"g\0h,t,0,1", 9 },
			  NULL, why, &line),
		-EBADMSG);
	assert_string_equal(why, "a NUL byte");
}

static void a_partition_that_is_there_twice_is_found(void **state)
{
	(void)state;
	assert_int_equal(read_text("g,t,1,1\ng,t,0,1\nh,t,1,1\n", NULL), 0);
	plan_sort(&plan);
	assert_null(plan_twin(&plan));
	assert_int_equal(read_text("g,t,1,2\n", NULL), 0);
	plan_sort(&plan);
	assert_non_null(plan_twin(&plan));
	assert_int_equal(plan_twin(&plan)->partition, 1);
	assert_string_equal(plan_twin(&plan)->group, "g");
	assert_non_null(plan_find(&plan, "h", "t", 1));
	assert_null(plan_find(&plan, "h", "t", 0));
}

static void the_way_back_leads_back(void **state)
{
	const struct plan_row row = { "g", "t", 0, 5, -1, false, 9, -1, 3 };
	const struct plan_row back = plan_undo(&row);

	(void)state;
	assert_int_equal(back.from, -1);
	assert_int_equal(back.to, 5);
	assert_int_equal(back.to_ms, 9);
	assert_true(back.has_from);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plan_is_read_as_it_was_printed),
		TEST(a_plan_looks_as_documented),
		TEST(lines_of_other_tools_are_read),
		TEST(what_says_nothing_is_left_out),
		TEST(a_header_says_which_column_is_which),
		TEST(a_json_row_without_from_is_not_compared),
		TEST(bad_lines_are_named),
		TEST(a_nul_byte_is_refused),
		TEST(a_partition_that_is_there_twice_is_found),
		TEST(the_way_back_leads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
