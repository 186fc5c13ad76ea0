/*
 * advertised_test.c - tests of advertised.c
 */
#include "kbrokerd/advertised.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHANGES = 2000, READERS = 2 };

struct fixture {
	struct config *config;
	struct advertised advertised;
	atomic_bool done;
	char error[256];
};

static int setup(void **state)
{
	static const char *const sets[] = {
		"listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0"
	};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(config_for_test("/tmp/x", sets, 1, &f->config), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	config_free(f->config);
	free(f);
	return 0;
}

static int set(struct fixture *f, const char *text)
{
	return advertised_set(&f->advertised, f->config, text, f->error,
			      sizeof(f->error));
}

static void at_first_nothing_is_told(void **state)
{
	struct fixture *f = *state;
	char host[256];
	int32_t port;

	assert_false(advertised_get(&f->advertised, 0, host, &port));
}

static void a_listener_has_the_address_that_names_it(void **state)
{
	struct fixture *f = *state;
	char host[256];
	int32_t port;

	assert_int_equal(set(f, "CONTROLLER://a:1, PLAINTEXT://[::1]:0"), 0);
	assert_true(advertised_get(&f->advertised, 0, host, &port));
	assert_string_equal(host, "::1");
	assert_int_equal(port, 0);
	assert_true(advertised_get(&f->advertised, 1, host, &port));
	assert_string_equal(host, "a");
	assert_int_equal(port, 1);
}

static void who_is_not_named_is_told_nothing_any_more(void **state)
{
	struct fixture *f = *state;
	char host[256];
	int32_t port;

	assert_int_equal(set(f, "CONTROLLER://a:1,PLAINTEXT://b:2"), 0);
	assert_int_equal(set(f, "PLAINTEXT://c:3"), 0);
	assert_false(advertised_get(&f->advertised, 1, host, &port));
	assert_int_equal(set(f, "auto"), 0);
	assert_false(advertised_get(&f->advertised, 0, host, &port));
}

static void what_cannot_be_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char host[256];
	int32_t port;

	assert_int_equal(set(f, "PLAINTEXT://b:2"), 0);
	assert_int_equal(set(f, "PLAINTEXT://c:3,OTHER://d:4"), -EINVAL);
	assert_non_null(strstr(f->error, "no listener 'OTHER'"));
	assert_true(advertised_get(&f->advertised, 0, host, &port));
	assert_string_equal(host, "b");
}

/* Each address that is ever set has its port in its host. */
static void *read_all(void *arg)
{
	struct fixture *f = arg;
	char host[256];
	char wanted[256];
	int32_t port;

	while (!atomic_load(&f->done)) {
		if (!advertised_get(&f->advertised, 0, host, &port))
			continue;
		snprintf(wanted, sizeof(wanted), "%0*d", port % 200 + 10, port);
		if (strcmp(host, wanted) != 0)
			return strdup(host);
	}
	return NULL;
}

static void readers_see_an_address_as_a_whole(void **state)
{
	struct fixture *f = *state;
	pthread_t readers[READERS];
	char text[512];
	void *torn;

	for (int i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, read_all, f);
	for (int i = 1; i <= CHANGES; i++) {
		snprintf(text, sizeof(text), "PLAINTEXT://%0*d:%d",
			 i % 200 + 10, i, i);
		assert_int_equal(set(f, text), 0);
	}
	atomic_store(&f->done, true);
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i], &torn);
		assert_null(torn);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(at_first_nothing_is_told),
		TEST(a_listener_has_the_address_that_names_it),
		TEST(who_is_not_named_is_told_nothing_any_more),
		TEST(what_cannot_be_changes_nothing),
		TEST(readers_see_an_address_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
