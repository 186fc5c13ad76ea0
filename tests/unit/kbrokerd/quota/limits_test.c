/*
 * limits_test.c - which quota a client has
 */
#include "kbrokerd/quota/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NAMES = 3, ROUNDS = 3000, SETTINGS_MAX = 12 };

/* "" is not there, "*" the default. */
static struct quota_entity entity(const char *user, const char *client_id)
{
	struct quota_entity e = { 0 };

	e.has[QUOTA_USER] = user[0] != '\0';
	e.has[QUOTA_CLIENT_ID] = client_id[0] != '\0';
	if (user[0] != '*' && user[0] != '\0')
		e.name[QUOTA_USER] = slice_of(user);
	if (client_id[0] != '*' && client_id[0] != '\0')
		e.name[QUOTA_CLIENT_ID] = slice_of(client_id);
	return e;
}

static struct quota_setting setting(const char *user, const char *client_id,
				    double value)
{
	return (struct quota_setting){ QUOTA_FETCH, entity(user, client_id),
				       value };
}

static struct quota_client client(const char *user, const char *client_id)
{
	return (struct quota_client){ slice_of(user), slice_of(client_id) };
}

/* The eight levels, each with its own value, lose one after the other. */
static void the_most_special_quota_counts(void **state)
{
	const struct quota_setting all[] = {
		setting("u", "c", 1), setting("u", "*", 2), setting("u", "", 3),
		setting("*", "c", 4), setting("*", "*", 5), setting("*", "", 6),
		setting("", "c", 7),  setting("", "*", 8),
	};
	const struct quota_client c = client("u", "c");
	struct quota_share share;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct quota_limits *l = quota_limits_new(all + i, 8 - i);

		assert_true(quota_limits_find(l, QUOTA_FETCH, &c, &share));
		assert_int_equal((int)share.limit, i + 1);
		assert_int_equal(slice_is_null(share.user), i >= 6);
		assert_int_equal(slice_is_null(share.client_id),
				 i == 2 || i == 5);
		assert_false(quota_limits_find(l, QUOTA_PRODUCE, &c, &share));
		quota_limits_free(l);
	}
}

/* The same by looking at all settings for each level. */
static bool matches(const struct quota_entity *e, int level,
		    const struct quota_client *c)
{
	static const char *const parts[] = { "oo", "oa", "o-", "ao",
					     "aa", "a-", "-o", "-a" };

	for (int i = 0; i < 2; i++) {
		struct slice own = i == 0 ? c->user : c->client_id;
		char part = parts[level][i];
		int type = i == 0 ? QUOTA_USER : QUOTA_CLIENT_ID;

		if (part != '-' && i == 1 && own.len == 0)
			return false;
		if (e->has[type] != (part != '-'))
			return false;
		if (part == 'a' && e->name[type].data != NULL)
			return false;
		if (part == 'o' && !slice_equal(e->name[type], own))
			return false;
	}
	return true;
}

static int look(const struct quota_setting *settings, size_t count,
		const struct quota_client *c)
{
	for (int level = 0; level < 8; level++) {
		for (size_t i = 0; i < count; i++) {
			if (matches(&settings[i].entity, level, c))
				return (int)settings[i].value;
		}
	}
	return -1;
}

static void any_settings_are_found_as_by_looking_at_all(void **state)
{
	static const char *const users[] = { "", "*", "a", "b" };
	static const char *const clients[] = { "", "*", "x", "y" };
	static const char *const askers[] = { "", "a", "x", "z" };

	(void)state;
	srand(7);
	for (int round = 0; round < ROUNDS; round++) {
		struct quota_setting settings[SETTINGS_MAX];
		size_t count = 0;
		struct quota_limits *l;

		for (int i = 1; i < 16; i++) { /* each entity at most once */
			if (rand() % 3 == 0 && count < SETTINGS_MAX)
				settings[count++] = setting(users[i / 4],
							    clients[i % 4], i);
		}
		l = quota_limits_new(settings, count);
		for (int i = 0; i < 16; i++) {
			const struct quota_client c =
				client(i / 4 == 0 ? "b" : askers[i / 4],
				       askers[i % 4]);
			struct quota_share share;
			int expected = look(settings, count, &c);

			assert_int_equal(
				quota_limits_find(l, QUOTA_FETCH, &c, &share),
				expected >= 0);
			if (expected >= 0)
				assert_int_equal((int)share.limit, expected);
		}
		quota_limits_free(l);
	}
}

static void an_address_has_its_own_or_the_default_quota(void **state)
{
	struct quota_setting settings[3] = {
		{ .kind = QUOTA_CONNECTION, .value = 3 },
		{ .kind = QUOTA_CONNECTION, .value = 4 },
		{ .kind = QUOTA_CONNECTION, .value = 5 },
	};
	struct quota_limits *l;
	double limit;

	(void)state;
	for (int i = 0; i < 3; i++)
		settings[i].entity.has[QUOTA_IP] = true;
	settings[0].entity.name[QUOTA_IP] = slice_of("0:0::0001");
	settings[1].entity.name[QUOTA_IP] = slice_of("localhost");
	l = quota_limits_new(settings, 2);
	assert_true(quota_limits_of_address(l, "::1", &limit));
	assert_int_equal((int)limit, 3);
	assert_true(quota_limits_of_address(l, "127.0.0.1", &limit));
	assert_int_equal((int)limit, 4);
	assert_false(quota_limits_of_address(l, "10.0.0.1", &limit));
	quota_limits_free(l);
	l = quota_limits_new(settings, 3);
	assert_true(quota_limits_of_address(l, "10.0.0.1", &limit));
	assert_int_equal((int)limit, 5);
	quota_limits_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_special_quota_counts),
		cmocka_unit_test(any_settings_are_found_as_by_looking_at_all),
		cmocka_unit_test(an_address_has_its_own_or_the_default_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
