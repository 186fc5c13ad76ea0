/*
 * notify_test.c - tests of notify.c, with a socket as systemd has it
 */
#include "kbrokerd/notify.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/temporary.h"

struct fixture {
	char dir[64];
	int fd; /* systemd's end */
	struct notify notify;
	char heard[2048];
};

static void set_number(const char *variable, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	setenv(variable, text, 1);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	assert_non_null(f);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify",
		 f->dir);
	f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(
		bind(f->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	f->notify.fd = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	notify_clear(&f->notify);
	close(f->fd);
	temporary_remove(f->dir);
	free(f);
	return 0;
}

static const char *heard(struct fixture *f)
{
	ssize_t n = recv(f->fd, f->heard, sizeof(f->heard) - 1, 0);

	f->heard[n < 0 ? 0 : n] = '\0';
	return f->heard;
}

static void what_is_sent_is_heard(void **state)
{
	struct fixture *f = *state;

	notify_init(&f->notify);
	notify_send(&f->notify, "READY=1\nSTATUS=%d there", 3);
	assert_string_equal(heard(f), "READY=1\nSTATUS=3 there");
}

static void a_long_text_is_cut(void **state)
{
	struct fixture *f = *state;

	notify_init(&f->notify);
	notify_send(&f->notify, "STATUS=%2000d", 1);
	assert_int_equal(strlen(heard(f)), 1023);
}

static void children_do_not_speak_for_it(void **state)
{
	struct fixture *f = *state;

	setenv("WATCHDOG_USEC", "1000", 1);
	notify_init(&f->notify);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_true((fcntl(f->notify.fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void who_does_not_listen_is_not_told(void **state)
{
	struct fixture *f = *state;

	unsetenv("NOTIFY_SOCKET");
	notify_init(&f->notify);
	assert_int_equal(f->notify.fd, -1);
	notify_send(&f->notify, "READY=1");
	setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
	notify_init(&f->notify);
	assert_int_equal(f->notify.fd, -1);
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_init(&f->notify);
	assert_int_equal(f->notify.fd, -1);
	assert_string_equal(heard(f), "");
}

static void an_abstract_socket_will_do(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[80];
	int len;

	len = snprintf(name, sizeof(name), "@kbrokerd-%d", (int)getpid());
	memcpy(address.sun_path + 1, name + 1, (size_t)len - 1);
	close(f->fd);
	f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(
		bind(f->fd, (struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				 (size_t)len)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_init(&f->notify);
	notify_send(&f->notify, "READY=1");
	assert_string_equal(heard(f), "READY=1");
}

static void the_watchdog_is_that_of_this_process(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s", getenv("NOTIFY_SOCKET"));
	setenv("WATCHDOG_USEC", "30000000", 1);
	set_number("WATCHDOG_PID", getpid());
	notify_init(&f->notify);
	assert_int_equal(f->notify.watchdog_us, 30000000);
	notify_clear(&f->notify);
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	set_number("WATCHDOG_PID", getpid() + 1);
	notify_init(&f->notify);
	assert_int_equal(f->notify.watchdog_us, 0);
}

static void sockets_have_the_names_that_they_were_given(void **state)
{
	struct inherited in;

	(void)state;
	set_number("LISTEN_PID", getpid());
	setenv("LISTEN_FDS", "3", 1);
	setenv("LISTEN_FDNAMES", "PLAINTEXT::http", 1);
	inherited_take(&in);
	assert_int_equal(in.count, 3);
	assert_int_equal(in.sockets[0].fd, 3);
	assert_string_equal(in.sockets[0].name, "PLAINTEXT");
	assert_string_equal(in.sockets[1].name, "");
	assert_int_equal(in.sockets[2].fd, 5);
	assert_string_equal(in.sockets[2].name, "http");
	assert_null(getenv("LISTEN_FDS"));
}

static void sockets_of_another_process_are_not_taken(void **state)
{
	struct inherited in;

	(void)state;
	set_number("LISTEN_PID", getpid() + 1);
	setenv("LISTEN_FDS", "1", 1);
	inherited_take(&in);
	assert_int_equal(in.count, 0);
	unsetenv("LISTEN_PID");
	setenv("LISTEN_FDS", "1", 1);
	inherited_take(&in);
	assert_int_equal(in.count, 0);
	set_number("LISTEN_PID", getpid());
	setenv("LISTEN_FDS", "1000", 1);
	inherited_take(&in);
	assert_int_equal(in.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_sent_is_heard),
		TEST(a_long_text_is_cut),
		TEST(children_do_not_speak_for_it),
		TEST(who_does_not_listen_is_not_told),
		TEST(an_abstract_socket_will_do),
		TEST(the_watchdog_is_that_of_this_process),
		TEST(sockets_have_the_names_that_they_were_given),
		TEST(sockets_of_another_process_are_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
