/*
 * topic_name.c - which names topics may have
 */
#include "topic_name.h"

#include "base/limits.h"

static bool is_legal_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool has_legal_bytes(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!is_legal_byte(name.data[i]))
			return false;
	}
	return true;
}

bool topic_name_is_valid(struct slice name)
{
	return name.len > 0 && name.len <= TOPIC_NAME_MAX &&
	       !slice_is(name, ".") && !slice_is(name, "..") &&
	       has_legal_bytes(name);
}

const char *topic_name_problem(struct slice name, struct arena *arena)
{
	const char *start = "Topic name is invalid:";

	if (name.len == 0)
		return arena_printf(arena, "%s the empty string is not allowed",
				    start);
	if (slice_is(name, ".") || slice_is(name, ".."))
		return arena_printf(arena, "%s '%.*s' is not allowed", start,
				    (int)name.len, (const char *)name.data);
	if (name.len > TOPIC_NAME_MAX)
		return arena_printf(
			arena,
			"%s the length of '%.*s' is longer than the max "
			"allowed length %d",
			start, (int)name.len, (const char *)name.data,
			TOPIC_NAME_MAX);
	return arena_printf(arena,
			    "%s '%.*s' contains one or more characters other "
			    "than ASCII alphanumerics, '.', '_' and '-'",
			    start, (int)name.len, (const char *)name.data);
}

bool topic_name_is_internal(struct slice name)
{
	return slice_is(name, "__consumer_offsets") ||
	       slice_is(name, "__transaction_state") ||
	       slice_is(name, "__share_group_state");
}
