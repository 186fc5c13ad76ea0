/*
 * client_match.c - which clients a subscription of metrics is for (KIP-714)
 *
 * Patterns are those of Java, which PCRE understands.  Anybody who may change
 * configurations may write one: what it compiles to is bounded by PCRE, the
 * steps of a match by STEPS_MAX.
 */
#include "client_match.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { STEPS_MAX = 10000, DEPTH_MAX = 1000, HEAP_KIB_MAX = 256 };

struct client_match {
	pcre2_code *patterns[CLIENT_SELECTOR_COUNT]; /* NULL: any */
};

static const char *const selector_names[CLIENT_SELECTOR_COUNT] = {
	[CLIENT_INSTANCE_ID] = "client_instance_id",
	[CLIENT_ID] = "client_id",
	[CLIENT_SOFTWARE_NAME] = "client_software_name",
	[CLIENT_SOFTWARE_VERSION] = "client_software_version",
	[CLIENT_SOURCE_ADDRESS] = "client_source_address",
	[CLIENT_SOURCE_PORT] = "client_source_port",
};

static struct slice trimmed(struct slice s)
{
	while (s.len > 0 && isspace(s.data[0])) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && isspace(s.data[s.len - 1]))
		s.len--;
	return s;
}

static int find_selector(struct slice name)
{
	for (int i = 0; i < CLIENT_SELECTOR_COUNT; i++) {
		if (slice_is(name, selector_names[i]))
			return i;
	}
	return -1;
}

/* One "selector=pattern"; the last of a selector counts. */
static int add_part(struct client_match *match, struct slice part)
{
	const uint8_t *equals = memchr(part.data, '=', part.len);
	struct slice name;
	struct slice pattern;
	pcre2_code *code;
	size_t error_at;
	int selector;
	int error;

	if (equals == NULL)
		return -EINVAL;
	name = (struct slice){ part.data, (size_t)(equals - part.data) };
	pattern =
		trimmed((struct slice){ equals + 1, part.len - name.len - 1 });
	selector = find_selector(trimmed(name));
	if (selector < 0 || pattern.len == 0 ||
	    memchr(pattern.data, '=', pattern.len) != NULL)
		return -EINVAL;
	code = pcre2_compile(pattern.data, pattern.len,
			     PCRE2_ANCHORED | PCRE2_ENDANCHORED |
				     PCRE2_NEVER_BACKSLASH_C,
			     &error, &error_at, NULL);
	if (code == NULL)
		return error == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -EINVAL;
	pcre2_code_free(match->patterns[selector]);
	match->patterns[selector] = code;
	return 0;
}

int client_match_new(const char *text, struct client_match **match_out,
		     struct slice *wrong_out)
{
	struct client_match *match = calloc(1, sizeof(*match));
	int rc = match == NULL ? -ENOMEM : 0;

	while (rc == 0 && *text != '\0') {
		size_t len = strcspn(text, ",");
		struct slice part =
			trimmed((struct slice){ (const uint8_t *)text, len });

		/* A text without a word is an empty list. */
		if (part.len > 0 || text[len] == ',')
			rc = add_part(match, part);
		*wrong_out = part;
		text += len + (text[len] == ',');
	}
	if (rc < 0) {
		client_match_free(match);
		return rc;
	}
	*match_out = match;
	return 0;
}

void client_match_free(struct client_match *match)
{
	if (match == NULL)
		return;
	for (int i = 0; i < CLIENT_SELECTOR_COUNT; i++)
		pcre2_code_free(match->patterns[i]);
	free(match);
}

static bool matches(const pcre2_code *code, struct slice value,
		    pcre2_match_data *found, pcre2_match_context *limits)
{
	const uint8_t *text = value.len == 0 ? (const uint8_t *)"" : value.data;

	return pcre2_match(code, text, value.len, 0, 0, found, limits) > 0;
}

bool client_match_has(const struct client_match *match,
		      const struct slice values[CLIENT_SELECTOR_COUNT])
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *found = pcre2_match_data_create(1, NULL);
	bool has = limits != NULL && found != NULL;

	if (has) {
		pcre2_set_match_limit(limits, STEPS_MAX);
		pcre2_set_depth_limit(limits, DEPTH_MAX);
		pcre2_set_heap_limit(limits, HEAP_KIB_MAX);
	}
	for (int i = 0; has && i < CLIENT_SELECTOR_COUNT; i++)
		has = match->patterns[i] == NULL ||
		      matches(match->patterns[i], values[i], found, limits);
	pcre2_match_data_free(found);
	pcre2_match_context_free(limits);
	return has;
}
