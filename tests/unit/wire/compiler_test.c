/*
 * compiler_test.c - the schema compiler refuses what is not of the language
 *
 * Runs lib/wire/compiler on a folder of its own with one api, which says where
 * and why it is wrong.  That it reads the real schema is what the build shows.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COMPILER "lib/wire/compiler/compile.py"
#define SCHEMA   "lib/wire/schema"

struct fixture {
	char folder[32];
	char output[4096]; /* what the compiler said */
};

static int run(struct fixture *f, const char *format, const char *a,
	       const char *b)
{
	char command[1024];
	FILE *pipe;
	size_t len;
	int status;

	snprintf(command, sizeof(command), format, a, b);
	pipe = popen(command, "r"); /* NOLINT(cert-env33-c) */
	assert_non_null(pipe);
	len = fread(f->output, 1, sizeof(f->output) - 1, pipe);
	f->output[len] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/compiler-XXXXXX");
	if (mkdtemp(f->folder) == NULL)
		return -1;
	*state = f;
	return run(f,
		   "cd %s && cp errors.def enums.def features.def configs.def "
		   "%s",
		   SCHEMA, f->folder);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	run(f, "rm -r %s%s", f->folder, "");
	free(f);
	return 0;
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int compile(struct fixture *f)
{
	return run(f, "python3 " COMPILER " %s %s 2>&1", f->folder, f->folder);
}

#define HEAD "api 0 Thing\nversions 1-3\nflexible 2+\nlisteners broker\n"

static void a_good_api_is_taken(void **state)
{
	struct fixture *f = *state;

	write_file(f, "00_thing.def",
		   HEAD "request\n"
			"  name  string?  2+  = \"\"  # a text\n"
			"  parts[]  -2\n"
			"    part  int32  = -1\n"
			"response\n"
			"  late  int8[]?  3+  tag 0\n");
	if (compile(f) != 0)
		fail_msg("%s", f->output);
}

static void a_bad_line_is_named_with_its_reason(void **state)
{
	static const struct {
		const char *fields; /* of the request; starts on line 6 */
		const char *want;
	} cases[] = {
		{ "  a int33\n", ":6: not understood: int33" },
		{ "  a int32\n  a int8\n", ":7: a second a" },
		{ "  A int32\n", ":6: a bad name" },
		{ "   a int32\n", ":6: an odd indentation" },
		{ "  a int32\n    b int8\n", ":7: fields inside" },
		{ "      a int32\n", ":6: the indentation jumps" },
		{ "  a[]\n", ":6: a struct without fields" },
		{ "  a int32?\n", ":6: int32 cannot be null" },
		{ "  a int8 = 128\n", ":6: a bad default" },
		{ "  a int8 = 0\n", ":6: a bad default" },
		{ "  a string = \"\"\n", ":6: a bad default" },
		{ "  a int8 4+\n", ":6: a field of no version" },
		{ "  a int8 1+\n", ":6: a range that says nothing" },
		{ "  a int8 tag 0\n", ":6: a tag outside of flexible" },
		{ "  a int8 2+ tag 1\n", ":6: tags count up from 0" },
		{ "  a int8 noncompact\n", ":6: noncompact is for" },
		{ "  a int8 # note\n", ":6: two blanks before" },
		{ "  a int8  #note\n", ":6: a blank after #" },
		{ "\ta int8\n", ":6: a tab" },
		{ "  a int8 \n", ":6: a tab, or a blank at the end" },
		{ "wrong\n", ":6: no such statement: wrong" },
		{ "request\n", ":6: request, once" },
		{ "versions 1-3\n", ":6: out of place" },
		{ "  b[]\n    c int8 2+\n", "elements without a byte" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];
		int status;

		snprintf(text, sizeof(text), HEAD "request\n%sresponse\n",
			 cases[i].fields);
		write_file(f, "00_thing.def", text);
		status = compile(f);
		if (status != 1 || strstr(f->output, cases[i].want) == NULL)
			fail_msg("%s should say '%s', not %d: %s",
				 cases[i].fields, cases[i].want, status,
				 f->output);
	}
}

static void a_bad_head_is_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "api 0 Thing\nflexible 2+\nrequest\n", "no versions" },
		{ "api 0 Thing\nversions 1-2\nrequest\n", "no flexible" },
		{ "api 0 Other\nversions 0-0\nflexible 0+\n"
		  "request\nresponse\n",
		  "should be 00_other.def" },
		{ "api 0 Thing\nversions 0-0\nflexible 0+\nrequest\n",
		  "with a response" },
		{ "api 0 Thing\nversions 3-1\n", ":2: an empty range" },
		{ "api 0 Thing\nversions 0-0\nnewer 2-2 4.4\n",
		  ":3: versions follow each other" },
		{ "api 0 Thing\nversions 0-0\nflexible 0+\nerrors NO_SUCH\n"
		  "request\nresponse\n",
		  "no error NO_SUCH" },
		{ "api 0 Thing", "the last line has no end" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file(f, "00_thing.def", cases[i].text);
		if (compile(f) != 1 || strstr(f->output, cases[i].want) == NULL)
			fail_msg("%s should say '%s', not: %s", cases[i].text,
				 cases[i].want, f->output);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_api_is_taken, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_bad_line_is_named_with_its_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bad_head_is_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("compiler", tests, NULL, NULL);
}
