/*
 * host_check_test.c - tests of host_check.c and config_http.c
 */
#include "kbrokerd/http/host_check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/config.h"

static struct config *load(const char *set)
{
	const char *sets[] = { set, "http.allowed.hosts=kafka.corp, docker" };
	struct config *config = NULL;

	if (config_for_test("/nowhere", sets, 2, &config) < 0)
		return NULL;
	return config;
}

static void what_a_stranger_cannot_have_is_ours(void **state)
{
	struct config *config = load("http.listeners=broker.example:9644");
	char machine[300] = "";

	(void)state;
	assert_non_null(config);
	assert_int_equal(gethostname(machine, sizeof(machine) - 1), 0);
	assert_true(host_is_ours(config, "localhost"));
	assert_true(host_is_ours(config, "LocalHost:9644"));
	assert_true(host_is_ours(config, "a.localhost:9644"));
	assert_true(host_is_ours(config, "127.0.0.1:9644"));
	assert_true(host_is_ours(config, "192.168.7.9"));
	assert_true(host_is_ours(config, "[::1]:9644"));
	assert_true(host_is_ours(config, "broker.example:80"));
	assert_true(host_is_ours(config, "kafka.corp:1"));
	assert_true(host_is_ours(config, "docker"));
	assert_true(host_is_ours(config, machine));
	config_free(config);
}

static void any_other_name_is_not(void **state)
{
	struct config *config = load("http.listeners=127.0.0.1:9644");

	(void)state;
	assert_non_null(config);
	assert_false(host_is_ours(config, NULL));
	assert_false(host_is_ours(config, ""));
	assert_false(host_is_ours(config, ":80"));
	assert_false(host_is_ours(config, "evil.example"));
	assert_false(host_is_ours(config, "localhost.evil.example"));
	assert_false(host_is_ours(config, "127.0.0.1.evil.example"));
	assert_false(host_is_ours(config, "notlocalhost"));
	assert_false(host_is_ours(config, "[::1"));
	assert_false(host_is_ours(config, "corp"));
	config_free(config);
}

static void a_form_of_another_page_is_told_by_its_origin(void **state)
{
	(void)state;
	assert_true(origin_is_same(NULL, "localhost:9644"));
	assert_true(origin_is_same("http://localhost:9644", "localhost:9644"));
	assert_false(origin_is_same("http://evil.example", "localhost:9644"));
	assert_false(origin_is_same("null", "localhost:9644"));
	assert_false(origin_is_same("http://localhost:1", "localhost:9644"));
	assert_false(origin_is_same("http://localhost:9644", NULL));
}

static void listeners_of_http_are_read(void **state)
{
	struct config *config =
		load("http.listeners=localhost:0, [::1]:81,:82,http://h/");

	(void)state;
	assert_non_null(config);
	assert_false(config->http.is_default);
	assert_int_equal(config->http.count, 4);
	assert_string_equal(config->http.listeners[0].host, "localhost");
	assert_int_equal(config->http.listeners[0].port, 0);
	assert_string_equal(config->http.listeners[1].host, "::1");
	assert_int_equal(config->http.listeners[1].port, 81);
	assert_string_equal(config->http.listeners[2].host, "");
	assert_int_equal(config->http.listeners[2].port, 82);
	assert_string_equal(config->http.listeners[3].host, "h");
	assert_int_equal(config->http.listeners[3].port, 9644);
	config_free(config);
}

static void listeners_that_make_no_sense_are_refused(void **state)
{
	static const char *const bad[] = {
		"http.listeners=h:65536", "http.listeners=h:x",
		"http.listeners=h:1/x",   "http.listeners=[::1]x",
		"http.listeners=h:",      "http.listeners=a,b,c,d,e",
	};
	struct config *config;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(load(bad[i]));
	config = load("http.listeners=off");
	assert_non_null(config);
	assert_int_equal(config->http.count, 0);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_stranger_cannot_have_is_ours),
		cmocka_unit_test(any_other_name_is_not),
		cmocka_unit_test(a_form_of_another_page_is_told_by_its_origin),
		cmocka_unit_test(listeners_of_http_are_read),
		cmocka_unit_test(listeners_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests_name("host_check", tests, NULL, NULL);
}
