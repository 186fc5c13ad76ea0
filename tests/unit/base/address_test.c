/*
 * address_test.c - tests of base/address.c
 */
#include "base/address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { DEFAULT = 9092 };

static void expect(const char *written, const char *host, uint16_t port)
{
	char text[64];
	const char *got_host;
	uint16_t got_port;

	snprintf(text, sizeof(text), "%s", written);
	assert_int_equal(address_split(text, DEFAULT, &got_host, &got_port), 0);
	assert_string_equal(got_host, host);
	assert_int_equal(got_port, port);
}

static void a_port_may_be_left_out(void **state)
{
	(void)state;
	expect("h", "h", DEFAULT);
	expect("h:1", "h", 1);
	expect("1.2.3.4:65535", "1.2.3.4", 65535);
}

static void an_ipv6_address_stands_in_brackets_or_bare(void **state)
{
	(void)state;
	expect("[::1]:80", "::1", 80);
	expect("[::1]", "::1", DEFAULT);
	expect("::1", "::1", DEFAULT);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",    ":80", "h:",   "h:0",    "h:65536",
		"h:x", "[]",  "[::1", "[::1]x", "[::1]:",
	};
	const char *host;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s", wrong[i]);
		assert_int_equal(address_split(text, DEFAULT, &host, &port),
				 -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_may_be_left_out),
		cmocka_unit_test(an_ipv6_address_stands_in_brackets_or_bare),
		cmocka_unit_test(what_is_no_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
