/*
 * api_scram_test.c - SCRAM credentials are told, to a client of a whole broker
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/temporary.h"
#include "kbrokerd/whole_kit.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	DESCRIBE_USER_SCRAM_CREDENTIALS = 50,
	ALTER_USER_SCRAM_CREDENTIALS = 51,
	SHA_256 = WIRE_SCRAM_MECHANISM_SCRAM_SHA_256,
	SHA_512 = WIRE_SCRAM_MECHANISM_SCRAM_SHA_512,
	NAMES_MAX = 4
};

struct fixture {
	char dir[64];
	struct config *config;
	struct broker *broker;
	int fd, controller_fd;
	struct arena arena; /* of requests and answers */
};

static int setup(void **state)
{
	static const char *const sets[] = {
		"listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map="
		"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"num.network.threads=2",
	};
	struct fixture *f = calloc(1, sizeof(*f));
	char error[256] = "";

	assert_non_null(f);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	assert_int_equal(config_for_test(f->dir, sets,
					 sizeof(sets) / sizeof(sets[0]),
					 &f->config),
			 0);
	if (broker_start(f->config, NULL, &f->broker, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	f->fd = whole_dial(broker_listener_port(f->broker, 0));
	f->controller_fd = whole_dial(broker_listener_port(f->broker, 1));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	close(f->controller_fd);
	assert_int_equal(broker_stop(f->broker), 0);
	config_free(f->config);
	arena_clear(&f->arena);
	temporary_remove(f->dir);
	free(f);
	return 0;
}

static void call(struct fixture *f, int fd, int16_t key, int16_t version,
		 const void *request, void *response)
{
	whole_call(fd, key, version, request, &f->arena, response);
}

static void set(struct fixture *f, int fd, const char *user, int8_t mechanism,
		int32_t iterations)
{
	struct alter_user_scram_credentials_request_upsertions row = {
		.name = slice_of(user),
		.mechanism = mechanism,
		.iterations = iterations,
		.salt = slice_of("salt"),
		.salted_password = slice_of("0123456789abcdef"),
	};
	struct alter_user_scram_credentials_request request = {
		.upsertions = &row,
		.upsertions_count = 1,
	};
	struct alter_user_scram_credentials_response response;

	call(f, fd, ALTER_USER_SCRAM_CREDENTIALS, 0, &request, &response);
	assert_int_equal(response.results_count, 1);
	assert_int_equal(response.results[0].error_code, WIRE_NONE);
}

/* What is told about users, NULL at their end: "name:error 1=4096 2=8192;".
 * users NULL is null: all. */
static const char *told(struct fixture *f, int fd, const char *const *users)
{
	struct describe_user_scram_credentials_request_users rows[NAMES_MAX];
	struct describe_user_scram_credentials_request request = {
		.users = rows,
		.users_count = users == NULL ? -1 : 0,
	};
	struct describe_user_scram_credentials_response r;
	const char *text = "";

	for (; users != NULL && *users != NULL; users++) {
		wire_init(&describe_user_scram_credentials_request_users_desc,
			  &rows[request.users_count]);
		rows[request.users_count++].name = slice_of(*users);
	}
	call(f, fd, DESCRIBE_USER_SCRAM_CREDENTIALS, 0, &request, &r);
	assert_int_equal(r.error_code, WIRE_NONE);
	for (int32_t i = 0; i < r.results_count; i++) {
		text = arena_printf(&f->arena, "%s%.*s:%d", text,
				    (int)r.results[i].user.len,
				    (const char *)r.results[i].user.data,
				    r.results[i].error_code);
		for (int32_t j = 0; j < r.results[i].credential_infos_count;
		     j++)
			text = arena_printf(
				&f->arena, "%s %d=%d", text,
				r.results[i].credential_infos[j].mechanism,
				r.results[i].credential_infos[j].iterations);
		text = arena_printf(&f->arena, "%s;", text);
	}
	return text;
}

static void all_users_are_told_in_their_order(void **state)
{
	static const char *const none[] = { NULL };
	struct fixture *f = *state;

	assert_string_equal(told(f, f->fd, NULL), "");
	set(f, f->fd, "bob", SHA_512, 8192);
	set(f, f->fd, "Zoe", SHA_256, 4096);
	set(f, f->fd, "bo", SHA_256, 4096);
	set(f, f->fd, "bob", SHA_256, 16384);
	assert_string_equal(told(f, f->fd, NULL),
			    "Zoe:0 1=4096;bo:0 1=4096;bob:0 1=16384 2=8192;");
	assert_string_equal(told(f, f->fd, none), told(f, f->fd, NULL));
}

static void a_user_is_told_once(void **state)
{
	static const char *const users[] = { "x", "bob", "x", NULL };
	struct fixture *f = *state;

	set(f, f->fd, "bob", SHA_512, 8192);
	assert_string_equal(told(f, f->fd, users), "bob:0 2=8192;x:92;");
}

static void a_user_without_credentials_is_not_found(void **state)
{
	static const char *const users[] = { "nobody", "", NULL };
	struct fixture *f = *state;

	assert_string_equal(told(f, f->fd, users), ":91;nobody:91;");
}

static void the_controller_s_listener_serves_them_too(void **state)
{
	struct fixture *f = *state;

	set(f, f->controller_fd, "ann", SHA_256, 4096);
	assert_string_equal(told(f, f->controller_fd, NULL), "ann:0 1=4096;");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_users_are_told_in_their_order),
		TEST(a_user_is_told_once),
		TEST(a_user_without_credentials_is_not_found),
		TEST(the_controller_s_listener_serves_them_too),
	};

	return cmocka_run_group_tests_name("api_scram", tests, NULL, NULL);
}
