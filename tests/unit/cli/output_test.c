/*
 * output_test.c - lib/cli/output, table, messages, exit_code and progress
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/exit_code.h"
#include "cli/json_writer.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "client/client_error.h"
#include "wire/errors.h"

static void open_pipe(int fds[2])
{
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
}

/* What is in the pipe now. */
static const char *drain(int fd)
{
	static char text[1 << 17];
	ssize_t len = read(fd, text, sizeof(text) - 1);

	text[len < 0 ? 0 : len] = '\0';
	return text;
}

/* Output */

static void test_bytes_wait_until_there_are_many_or_a_flush(void **state)
{
	static char many[OUTPUT_BUFFER_BYTES];
	struct output o;
	int fds[2];

	(void)state;
	open_pipe(fds);
	output_init(&o, fds[1]);
	assert_int_equal(output_due_us(&o), -1);
	buffer_put_text(&o.buffer, "abc");
	assert_int_equal(output_filled(&o, 5000), 0);
	assert_string_equal(drain(fds[0]), "");
	assert_int_equal(output_due_us(&o), 5000 + OUTPUT_DELAY_US);
	buffer_put_text(&o.buffer, "d");
	output_filled(&o, 9000);
	assert_int_equal(output_due_us(&o), 5000 + OUTPUT_DELAY_US);
	assert_int_equal(output_flush(&o), 0);
	assert_string_equal(drain(fds[0]), "abcd");
	assert_int_equal(output_due_us(&o), -1);
	memset(many, 'x', sizeof(many));
	assert_int_equal(output_put(&o, many, sizeof(many)), 0);
	assert_int_equal(strlen(drain(fds[0])), sizeof(many));
	o.unbuffered = true;
	output_put(&o, "u", 1);
	assert_string_equal(drain(fds[0]), "u");
	assert_int_equal(o.written, 5 + sizeof(many));
	output_clear(&o);
	close(fds[0]);
	close(fds[1]);
}

/* Both ends may block: nothing of this test does. */
static void test_what_does_not_wait_writes_what_fits(void **state)
{
	enum { MANY = 300000 };
	struct output o;
	size_t seen = 0;
	int fds[2];

	(void)state;
	signals_init();
	assert_int_equal(pipe(fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	output_init(&o, fds[1]);
	o.deferred = true;
	memset(buffer_grow(&o.buffer, MANY), 'x', MANY);
	/* it is the caller who writes, whatever there is */
	assert_int_equal(output_filled(&o, 1), 0);
	assert_int_equal(o.written, 0);
	/* as much as the pipe holds, again and again */
	while (output_flush_some(&o) == 0) {
		assert_int_equal(o.written + (int64_t)o.buffer.len, MANY);
		assert_true(o.written > (int64_t)seen);
		seen += strlen(drain(fds[0]));
		assert_int_equal(seen, o.written);
	}
	seen += strlen(drain(fds[0]));
	seen += strlen(drain(fds[0]));
	assert_int_equal(seen, MANY);
	assert_int_equal(output_flush_some(&o), 1);
	assert_int_equal(output_due_us(&o), -1);
	close(fds[0]);
	buffer_put_text(&o.buffer, "y");
	assert_int_equal(output_flush_some(&o), -EPIPE);
	assert_int_equal(output_flush_some(&o), -EPIPE);
	output_clear(&o);
	close(fds[1]);
}

static void test_a_reader_that_has_gone_is_seen_and_kept(void **state)
{
	struct output o;
	int fds[2];

	(void)state;
	signals_init();
	open_pipe(fds);
	output_init(&o, fds[1]);
	assert_false(output_reader_gone(&o));
	close(fds[0]);
	assert_true(output_reader_gone(&o));
	buffer_put_text(&o.buffer, "x");
	assert_int_equal(output_flush(&o), -EPIPE);
	assert_int_equal(output_put(&o, "y", 1), -EPIPE);
	assert_true(output_reader_gone(&o));
	output_clear(&o);
	close(fds[1]);
}

static void test_a_full_disk_is_an_error_and_a_gone_reader_a_signal(
	void **state)
{
	struct messages m;
	struct output o;
	int fds[2];
	int status;

	(void)state;
	open_pipe(fds);
	messages_init(&m, "t", fds[1]);
	output_init(&o, open("/dev/full", O_WRONLY));
	buffer_put_text(&o.buffer, "x");
	assert_int_equal(output_finish(&o, &m, EXIT_OK), EXIT_REFUSED);
	assert_string_equal(drain(fds[0]), "t: error: cannot write to stdout: "
					   "No space left on device\n");
	close(o.fd);
	output_clear(&o);
	if (fork() == 0) {
		int gone[2];

		open_pipe(gone);
		close(gone[0]);
		output_init(&o, gone[1]);
		buffer_put_text(&o.buffer, "x");
		_exit(output_finish(&o, &m, EXIT_OK));
	}
	wait(&status);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGPIPE);
	assert_string_equal(drain(fds[0]), "");
	close(fds[0]);
	close(fds[1]);
}

/* Tables */

static const struct column columns[] = {
	{ "name", COLUMN_TEXT },   { "count", COLUMN_INT },
	{ "bytes", COLUMN_BYTES }, { "ids", COLUMN_LIST },
	{ "hidden", COLUMN_BOOL }, { "when", COLUMN_TIME },
};

static void put_rows(struct table *t)
{
	table_text(t, "a\tb\\");
	table_int(t, INT64_MAX);
	table_int(t, 1536);
	table_text(t, "1,-2");
	table_int(t, 1);
	table_int(t, 0);
	table_row_end(t);
	table_text(t, "\xc3\xa9");
	table_int(t, -1);
	table_none(t);
	table_text(t, "");
	table_int(t, 0);
	table_none(t);
	table_row_end(t);
}

static void check_table(enum table_style style, bool header, const char *select,
			const char *want)
{
	struct table *t;
	struct output o;
	int fds[2];

	open_pipe(fds);
	output_init(&o, fds[1]);
	t = table_new(columns, 6, style, header, &o);
	if (select != NULL) {
		const char *unknown;

		assert_int_equal(table_select(t, select, &unknown), 0);
	}
	put_rows(t);
	assert_int_equal(table_finish(t), 0);
	output_flush(&o);
	assert_string_equal(drain(fds[0]), want);
	table_free(t);
	output_clear(&o);
	close(fds[0]);
	close(fds[1]);
}

static void test_rows_are_raw_on_a_pipe(void **state)
{
	(void)state;
	check_table(TABLE_TSV, false, NULL,
		    "a\\tb\\\\\t9223372036854775807\t1536\t1,-2\ttrue\t0\n"
		    "\xc3\xa9\t-1\t\t\tfalse\t\n");
	check_table(TABLE_TSV, true, "bytes,name",
		    "bytes\tname\n1536\ta\\tb\\\\\n\t\xc3\xa9\n");
}

static void test_rows_are_objects_in_json(void **state)
{
	(void)state;
	check_table(TABLE_JSON, true, NULL,
		    "{\"name\":\"a\\tb\\\\\",\"count\":9223372036854775807,"
		    "\"bytes\":1536,\"ids\":[1,-2],\"hidden\":true,"
		    "\"when\":0}\n"
		    "{\"name\":\"\xc3\xa9\",\"count\":-1,\"bytes\":null,"
		    "\"ids\":[],\"hidden\":false,\"when\":null}\n");
}

static void test_rows_are_aligned_for_people(void **state)
{
	(void)state;
	check_table(TABLE_ALIGNED, false, "name,bytes,hidden",
		    "NAME      BYTES  HIDDEN\n"
		    "a\\tb\\\\  1.5 KiB  true\n"
		    "\xc3\xa9             -  false\n");
}

static void test_an_unknown_column_is_named(void **state)
{
	struct output o = { .fd = -1 };
	struct table *t = table_new(columns, 6, TABLE_TSV, false, &o);
	const char *names = "name,what,count";
	const char *unknown = NULL;

	(void)state;
	assert_true(table_wants(t, "count"));
	assert_int_equal(table_select(t, names, &unknown), -ENOENT);
	assert_ptr_equal(unknown, names + 5);
	assert_int_equal(table_select(t, "name", &unknown), 0);
	assert_false(table_wants(t, "count"));
	table_free(t);
}

/* Messages */

static void test_levels_are_chosen_by_verbosity(void **state)
{
	static const struct {
		int verbosity;
		bool terminal;
		const char *want;
	} rows[] = {
		{ -1, true, "t: error: 0\n" },
		{ 0, false, "t: error: 0\nt: warning: 1\n" },
		{ 0, true, "t: error: 0\nt: warning: 1\nt: notice: 2\n" },
		{ 1, false,
		  "t: error: 0\nt: warning: 1\nt: notice: 2\nt: info: 3\n" },
		{ 2, false,
		  "t: error: 0\nt: warning: 1\nt: notice: 2\nt: info: 3\n"
		  "t: debug: 4\n" },
	};
	struct messages m;
	int fds[2];

	(void)state;
	open_pipe(fds);
	messages_init(&m, "t", fds[1]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m.verbosity = rows[i].verbosity;
		m.terminal = rows[i].terminal;
		for (int level = 0; level <= MESSAGE_DEBUG; level++)
			message(&m, (enum message_level)level, "%d", level);
		assert_string_equal(drain(fds[0]), rows[i].want);
	}
	close(fds[0]);
	close(fds[1]);
}

static void test_a_message_cannot_steer_the_terminal(void **state)
{
	struct messages m;
	int fds[2];

	(void)state;
	open_pipe(fds);
	messages_init(&m, "t", fds[1]);
	message_error(&m, "a\x1b[m\nb\x7f");
	message_error(&m, "\xc3\xa9 \xc2\x9b m");
	message_error(&m, "\xff");
	assert_string_equal(drain(fds[0]), "t: error: a\\x1b[m\\x0ab\\x7f\n"
					   "t: error: \xc3\xa9 \\xc2\\x9b m\n"
					   "t: error: \\xff\n");
	close(fds[0]);
	close(fds[1]);
}

/* Progress */

static void test_progress_moves_once_a_second_and_makes_way(void **state)
{
	struct progress p;
	struct messages m;
	int fds[2];

	(void)state;
	signals_init();
	open_pipe(fds);
	messages_init(&m, "t", fds[1]);
	m.terminal = true;
	progress_init(&p, &m, true);
	assert_false(progress_due(&p, 1000000));
	assert_false(progress_due(&p, 1999999));
	assert_true(progress_due(&p, 2000000));
	progress_show(&p, 2000000, "10 records");
	assert_string_equal(drain(fds[0]), "\r10 records\033[K");
	assert_false(progress_due(&p, 2500000));
	message_warning(&m, "w");
	assert_string_equal(drain(fds[0]), "\r\033[Kt: warning: w\n");
	progress_end(&p);
	assert_string_equal(drain(fds[0]), "");
	/* Not on a terminal: only when asked for. */
	m.terminal = false;
	progress_init(&p, &m, true);
	assert_false(progress_due(&p, 9000000));
	raise(SIGUSR1);
	assert_true(progress_due(&p, 9000001));
	progress_show(&p, 9000001, "11 records");
	assert_string_equal(drain(fds[0]), "t: 11 records\n");
	close(fds[0]);
	close(fds[1]);
}

/* Signals */

static void test_the_first_signal_is_noted_and_the_second_kills(void **state)
{
	int status;

	(void)state;
	if (fork() == 0) {
		signals_init();
		raise(SIGTERM);
		if (signals_ending() != SIGTERM)
			_exit(1);
		raise(SIGINT);
		_exit(2);
	}
	wait(&status);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
	if (fork() == 0) {
		signals_init();
		raise(SIGINT);
		signals_die(signals_ending());
	}
	wait(&status);
	assert_int_equal(WTERMSIG(status), SIGINT);
}

static void test_a_signal_wakes_a_loop_in_poll(void **state)
{
	char byte;

	(void)state;
	signals_init();
	signals_drain();
	assert_int_equal(read(signals_fd(), &byte, 1), -1);
	raise(SIGUSR1);
	assert_int_equal(read(signals_fd(), &byte, 1), 1);
	assert_true(signals_take_progress());
	assert_false(signals_take_progress());
}

static void test_the_timeout_ends_the_run_with_status_3(void **state)
{
	int status;
	int fds[2];

	(void)state;
	open_pipe(fds);
	if (fork() == 0) {
		dup2(fds[1], STDERR_FILENO);
		signals_timeout("t", 10, 90000);
		for (;;)
			pause();
	}
	wait(&status);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_UNREACHABLE);
	assert_string_equal(drain(fds[0]),
			    "t: error: not done after 1m 30s (--timeout)\n");
	close(fds[0]);
	close(fds[1]);
}

/* Statuses */

static void test_the_worst_status_wins(void **state)
{
	static const int order[] = { EXIT_OK,          EXIT_MISSING,
				     EXIT_REFUSED,     EXIT_BAD_DATA,
				     EXIT_UNREACHABLE, EXIT_DENIED,
				     EXIT_USAGE };

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		for (size_t j = 0; j < 7; j++)
			assert_int_equal(exit_worse(order[i], order[j]),
					 order[i > j ? i : j]);
	}
}

static void test_errors_have_the_status_that_users_expect(void **state)
{
	(void)state;
	assert_int_equal(client_error_kind_of(WIRE_UNKNOWN_TOPIC_OR_PARTITION),
			 EXIT_MISSING);
	assert_int_equal(client_error_kind_of(WIRE_TOPIC_AUTHORIZATION_FAILED),
			 EXIT_DENIED);
	assert_int_equal(client_error_kind_of(WIRE_MESSAGE_TOO_LARGE),
			 EXIT_BAD_DATA);
	assert_int_equal(client_error_kind_of(WIRE_REQUEST_TIMED_OUT),
			 EXIT_UNREACHABLE);
	assert_int_equal(client_error_kind_of(WIRE_TOPIC_ALREADY_EXISTS),
			 EXIT_REFUSED);
	assert_int_equal(client_error_kind_of(12345), EXIT_REFUSED);
}

/* JSON */

static void test_json_text_is_valid_whatever_the_bytes(void **state)
{
	struct buffer out = { 0 };
	struct json_writer w = json_writer(&out);

	(void)state;
	json_put_open(&w, '[');
	json_put_text(&w, NULL);
	json_put_text(&w, "\"\\/\b\f\n\r\t\x01\x7f");
	json_put_slice(&w, (struct slice){ (const uint8_t *)"a\0b", 3 });
	json_put_text(&w, "\xed\xa0\x80|\xc0\x80|\xf5|\xe2\x82\xac");
	json_put_int(&w, INT64_MIN);
	json_put_open(&w, '{');
	json_member_bool(&w, "k", true);
	json_member_int(&w, "n", 0);
	json_put_close(&w, '}');
	json_put_close(&w, ']');
	assert_string_equal(
		buffer_text(&out),
		"[null,\"\\\"\\\\/"
		"\\b\\f\\n\\r\\t\\u0001\x7f\",\"a\\u0000b\","
		"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf"
		"\xbd|\xef\xbf\xbd|\xe2\x82\xac\",-9223372036854775808,"
		"{\"k\":true,\"n\":0}]");
	buffer_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_bytes_wait_until_there_are_many_or_a_flush),
		cmocka_unit_test(test_what_does_not_wait_writes_what_fits),
		cmocka_unit_test(test_a_reader_that_has_gone_is_seen_and_kept),
		cmocka_unit_test(
			test_a_full_disk_is_an_error_and_a_gone_reader_a_signal),
		cmocka_unit_test(test_rows_are_raw_on_a_pipe),
		cmocka_unit_test(test_rows_are_objects_in_json),
		cmocka_unit_test(test_rows_are_aligned_for_people),
		cmocka_unit_test(test_an_unknown_column_is_named),
		cmocka_unit_test(test_levels_are_chosen_by_verbosity),
		cmocka_unit_test(test_a_message_cannot_steer_the_terminal),
		cmocka_unit_test(
			test_progress_moves_once_a_second_and_makes_way),
		cmocka_unit_test(
			test_the_first_signal_is_noted_and_the_second_kills),
		cmocka_unit_test(test_a_signal_wakes_a_loop_in_poll),
		cmocka_unit_test(test_the_timeout_ends_the_run_with_status_3),
		cmocka_unit_test(test_the_worst_status_wins),
		cmocka_unit_test(test_errors_have_the_status_that_users_expect),
		cmocka_unit_test(test_json_text_is_valid_whatever_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
