/* Secrets do not get into the trace. */
#include "kbrokerd/trace_secrets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire/messages.h"

static const struct wire_json_rules rules = { .is_secret = trace_is_secret };

static struct buffer text;

static const char *printed(const struct wire_desc *desc, int16_t version,
			   const void *message)
{
	buffer_reset(&text);
	assert_int_equal(
		wire_print_json_by(&rules, desc, version, message, &text), 0);
	return buffer_text(&text);
}

static void what_sasl_exchanges_is_hidden(void **state)
{
	struct sasl_authenticate_request request = {
		.auth_bytes = slice_of("alice secret"),
	};
	struct sasl_authenticate_response response;

	(void)state;
	wire_init(&sasl_authenticate_response_desc, &response);
	assert_string_equal(
		printed(&sasl_authenticate_request_desc, 2, &request),
		"{\"auth_bytes\":\"***\"}");
	assert_non_null(
		strstr(printed(&sasl_authenticate_response_desc, 2, &response),
		       "\"auth_bytes\":\"***\""));
}

static void passwords_of_scram_are_hidden(void **state)
{
	struct alter_user_scram_credentials_request_upsertions user = {
		.name = slice_of("alice"),
		.salt = slice_of("salt"),
		.salted_password = slice_of("secret"),
	};
	const char *json;

	(void)state;
	json = printed(&alter_user_scram_credentials_request_upsertions_desc, 0,
		       &user);
	assert_non_null(strstr(json, "\"name\":\"alice\""));
	assert_non_null(strstr(json, "\"salt\":\"***\""));
	assert_non_null(strstr(json, "\"salted_password\":\"***\""));
}

static const char *altered(const char *name)
{
	struct incremental_alter_configs_request_resources_configs config = {
		.name = slice_of(name),
		.value = slice_of("the value"),
	};

	return printed(
		&incremental_alter_configs_request_resources_configs_desc, 1,
		&config);
}

static void only_known_properties_without_passwords_are_shown(void **state)
{
	struct alter_configs_request_resources_configs old = {
		.name = slice_of("ssl.key.password"),
		.value = slice_of("the value"),
	};

	(void)state;
	assert_non_null(strstr(altered("retention.ms"), "the value"));
	assert_non_null(strstr(altered("log.retention.ms"), "the value"));
	assert_null(strstr(altered("ssl.keystore.password"), "the value"));
	assert_null(strstr(altered("listener.name.a.ssl.key.password"),
			   "the value"));
	assert_null(strstr(altered("sasl.jaas.config"), "the value"));
	assert_null(strstr(
		printed(&alter_configs_request_resources_configs_desc, 2, &old),
		"the value"));
}

static int clear(void **state)
{
	(void)state;
	buffer_clear(&text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_sasl_exchanges_is_hidden),
		cmocka_unit_test(passwords_of_scram_are_hidden),
		cmocka_unit_test(
			only_known_properties_without_passwords_are_shown),
	};

	return cmocka_run_group_tests_name("trace_secrets", tests, NULL, clear);
}
