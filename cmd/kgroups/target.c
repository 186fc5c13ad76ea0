/*
 * target.c - where kgroups reset --to is
 */
#include "kgroups/target.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/units.h"

static bool is_digits(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int named(const char *text, const char *prefix, enum target_kind kind,
		 struct target *out)
{
	size_t len = strlen(prefix);

	if (strncmp(text, prefix, len) != 0 || text[len] == '\0')
		return -EINVAL;
	*out = (struct target){ .kind = kind, .name = text + len };
	return 0;
}

int target_parse(const char *text, int64_t now_ms, struct target *out)
{
	static const struct {
		const char *text;
		enum target_kind kind;
	} words[] = {
		{ "earliest", TARGET_EARLIEST },
		{ "latest", TARGET_LATEST },
		{ "current", TARGET_CURRENT },
	};

	*out = (struct target){ 0 };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].text) == 0) {
			out->kind = words[i].kind;
			return 0;
		}
	}
	if (named(text, "group:", TARGET_GROUP, out) == 0 ||
	    named(text, "file:", TARGET_FILE, out) == 0)
		return 0;
	if (is_digits(text)) {
		out->kind = TARGET_OFFSET;
		return parse_int64(text, &out->value) < 0 ? -EINVAL : 0;
	}
	if ((text[0] == '+' || text[0] == '-') && is_digits(text + 1)) {
		out->kind = TARGET_SHIFT;
		if (parse_int64(text + 1, &out->value) < 0)
			return -EINVAL;
		if (text[0] == '-')
			out->value = -out->value;
		return 0;
	}
	out->kind = TARGET_TIME;
	return parse_time(text, now_ms, &out->value) < 0 ? -EINVAL : 0;
}

/* a + b without overflow, for a that is no offset but small enough. */
static int64_t shifted(int64_t offset, int64_t by)
{
	int64_t sum;

	if (__builtin_add_overflow(offset, by, &sum))
		return INT64_MAX;
	return sum < 0 ? 0 : sum;
}

static int64_t wanted_offset(const struct target *target,
			     const struct target_place *place)
{
	switch (target->kind) {
	case TARGET_EARLIEST:
		return place->start;
	case TARGET_LATEST:
		return place->end;
	case TARGET_CURRENT:
		return place->committed;
	case TARGET_OFFSET:
		return target->value;
	case TARGET_SHIFT:
		return place->committed < 0
			       ? -1
			       : shifted(place->committed, target->value);
	case TARGET_TIME:
		return place->at_time < 0 ? place->end : place->at_time;
	case TARGET_GROUP:
	case TARGET_FILE:
		return place->other;
	}
	return -1;
}

int64_t target_offset(const struct target *target,
		      const struct target_place *place, int64_t *wanted_out)
{
	int64_t wanted = wanted_offset(target, place);

	if (wanted_out != NULL)
		*wanted_out = wanted;
	if (wanted < 0)
		return -1;
	if (wanted < place->start)
		return place->start;
	return wanted > place->end ? place->end : wanted;
}
