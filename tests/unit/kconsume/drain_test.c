/*
 * drain_test.c - tests of kconsume's drain.c, which is in no library
 */
#include "kconsume/drain.c" /* NOLINT(bugprone-suspicious-include) */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

static void put(int fd, size_t len)
{
	static const char bytes[4096];

	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
}

static void take(int fd, size_t len)
{
	char bytes[4096];

	assert_int_equal(read(fd, bytes, len), (ssize_t)len);
}

static void a_pipe_has_taken_what_its_reader_has_read(void **state)
{
	struct drain d;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	drain_init(&d, fds[1]);
	assert_int_equal(d.kind, DRAIN_PIPE);
	assert_int_equal(drain_taken(&d, 0), 0);
	put(fds[1], 1000);
	assert_int_equal(drain_taken(&d, 1000), 0);
	take(fds[0], 300);
	assert_int_equal(drain_taken(&d, 1000), 300);
	take(fds[0], 700);
	assert_int_equal(drain_taken(&d, 1000), 1000);
	/* What is left when the reader dies was not read. */
	put(fds[1], 50);
	take(fds[0], 20);
	close(fds[0]);
	assert_int_equal(drain_taken(&d, 1050), 1020);
	close(fds[1]);
}

static void bytes_of_another_writer_never_make_it_too_many(void **state)
{
	struct drain d;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	put(fds[1], 500); /* theirs */
	drain_init(&d, fds[1]);
	put(fds[1], 100);
	assert_int_equal(drain_taken(&d, 100), 0);
	take(fds[0], 450);
	assert_int_equal(drain_taken(&d, 100), 0);
	take(fds[0], 70);
	assert_true(drain_taken(&d, 100) <= 20);
	take(fds[0], 80);
	assert_int_equal(drain_taken(&d, 100), 100);
	close(fds[0]);
	close(fds[1]);
}

static void a_file_has_all_once_it_is_synced(void **state)
{
	char path[] = "drain-XXXXXX";
	struct drain d;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	put(fd, 1000);
	drain_init(&d, fd);
	assert_int_equal(d.kind, DRAIN_FILE);
	assert_int_equal(drain_taken(&d, 1000), 1000);
	close(fd);
	assert_int_equal(drain_taken(&d, 1000), -EBADF);
}

static void of_sockets_and_devices_nothing_is_known(void **state)
{
	struct drain d;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	drain_init(&d, fds[0]);
	assert_int_equal(d.kind, DRAIN_BLIND);
	assert_string_equal(drain_blind_name(&d), "a socket");
	assert_int_equal(drain_taken(&d, 77), 77);
	close(fds[0]);
	close(fds[1]);
	fds[0] = open("/dev/null", O_WRONLY);
	drain_init(&d, fds[0]);
	assert_int_equal(d.kind, DRAIN_BLIND);
	assert_string_equal(drain_blind_name(&d), "a device");
	close(fds[0]);
}

static void looks_come_from_1_ms_to_50_apart(void **state)
{
	static const int64_t wanted[] = { 1, 2, 4, 8, 16, 32, 50, 50 };
	struct drain d = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(drain_next_look(&d, false), wanted[i]);
	assert_int_equal(drain_next_look(&d, true), 1);
	assert_int_equal(drain_next_look(&d, false), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_has_taken_what_its_reader_has_read),
		cmocka_unit_test(
			bytes_of_another_writer_never_make_it_too_many),
		cmocka_unit_test(a_file_has_all_once_it_is_synced),
		cmocka_unit_test(of_sockets_and_devices_nothing_is_known),
		cmocka_unit_test(looks_come_from_1_ms_to_50_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
