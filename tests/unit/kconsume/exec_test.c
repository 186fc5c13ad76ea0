/*
 * exec_test.c - tests of kconsume's exec.c, which is in no library
 */
#include "kconsume/exec.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct seen {
	bool ended;
	int status;
};

static void on_end(void *arg, int wait_status)
{
	struct seen *seen = arg;

	seen->ended = true;
	seen->status = wait_status;
}

/* Run the command once with the input; how it ended, as text. */
static void expect(const char *command, struct slice input, const char *wanted)
{
	char text[EXEC_STATUS_MAX];
	struct seen seen = { false, -1 };
	struct loop *loop;
	struct exec *e = NULL;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(exec_new(loop, command, on_end, &seen, &e), 0);
	assert(e != NULL);
	assert_int_equal(exec_start(e, input), 0);
	assert_true(exec_is_running(e));
	while (!seen.ended)
		loop_run_once(loop, -1);
	assert_false(exec_is_running(e));
	exec_status_text(seen.status, text);
	assert_string_equal(text, wanted);
	exec_free(e);
	loop_free(loop);
}

static void the_command_gets_the_bytes_and_then_the_end(void **state)
{
	(void)state;
	expect("test \"$(cat)\" = hello", slice_of("hello\n"), "exit status 0");
	expect("test \"$(wc -c)\" -eq 0", slice_of(""), "exit status 0");
}

/* More than a pipe holds. */
static void a_slow_command_gets_all(void **state)
{
	static uint8_t bytes[1 << 20];

	(void)state;
	expect("test \"$(wc -c)\" -eq 1048576",
	       (struct slice){ bytes, sizeof(bytes) }, "exit status 0");
}

static void one_that_reads_nothing_ends_as_it_says(void **state)
{
	static uint8_t bytes[1 << 20];

	(void)state;
	expect("exit 0", (struct slice){ bytes, sizeof(bytes) },
	       "exit status 0");
	expect("exit 3", (struct slice){ bytes, sizeof(bytes) },
	       "exit status 3");
}

static void a_signal_is_told(void **state)
{
	(void)state;
	expect("kill -KILL $$", slice_of("x"), "killed by signal 9 (Killed)");
	expect("no-such-command 2>/dev/null", slice_of("x"), "exit status 127");
}

/* SIGPIPE ends a command inside as it does anywhere else. */
static void the_command_has_signals_as_a_shell_would_give(void **state)
{
	(void)state;
	expect("sh -c 'kill -PIPE $$; exit 5' 2>/dev/null; test $? -eq 141",
	       slice_of("x"), "exit status 0");
}

static void one_after_the_other_can_be_run(void **state)
{
	struct seen seen = { 0 };
	struct loop *loop;
	struct exec *e = NULL;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(exec_new(loop, "grep -q yes", on_end, &seen, &e), 0);
	assert(e != NULL);
	for (int i = 0; i < 4; i++) {
		seen.ended = false;
		assert_int_equal(
			exec_start(e, slice_of(i % 2 == 0 ? "yes" : "no")), 0);
		while (!seen.ended)
			loop_run_once(loop, -1);
		assert_int_equal(WEXITSTATUS(seen.status), i % 2);
	}
	exec_free(e);
	loop_free(loop);
}

static void one_that_runs_when_freed_is_asked_to_end(void **state)
{
	struct seen seen = { 0 };
	struct loop *loop;
	struct exec *e = NULL;
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(exec_new(loop, "exec sleep 100", on_end, &seen, &e),
			 0);
	assert(e != NULL);
	assert_int_equal(exec_start(e, slice_of("")), 0);
	pid = e->pid;
	exec_free(e);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_false(seen.ended);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_command_gets_the_bytes_and_then_the_end),
		cmocka_unit_test(a_slow_command_gets_all),
		cmocka_unit_test(one_that_reads_nothing_ends_as_it_says),
		cmocka_unit_test(a_signal_is_told),
		cmocka_unit_test(the_command_has_signals_as_a_shell_would_give),
		cmocka_unit_test(one_after_the_other_can_be_run),
		cmocka_unit_test(one_that_runs_when_freed_is_asked_to_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
