/*
 * config_show.c - a value as Kafka's tools are shown it
 */
#include "config_show.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/metadata/config_draft.h"

static const char *show_boolean(const char *value)
{
	while (isspace((unsigned char)*value))
		value++;
	return tolower((unsigned char)*value) == 't' ? "true" : "false";
}

static const char *show_text(const char *value, struct arena *arena)
{
	size_t len;

	while (isspace((unsigned char)*value))
		value++;
	len = strlen(value);
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		len--;
	if (value[len] == '\0')
		return value;
	return arena_text(arena, (struct slice){ (const uint8_t *)value, len });
}

/*
 * As Java writes a double: the fewest digits that are read back the same, at
 * least one on each side of the point, with an exponent below 1e-3 and from
 * 1e7 on.
 */
static const char *show_double(const char *value, struct arena *arena)
{
	double number = strtod(value, NULL);
	double size = number < 0 ? -number : number;
	char text[64];
	char digits[64];
	int precision = 0;
	char *e;

	if (isnan(number))
		return "NaN";
	if (isinf(number)) /* also what was written with too many digits */
		return number < 0 ? "-Infinity" : "Infinity";
	do
		snprintf(text, sizeof(text), "%.*e", precision, number);
	while (strtod(text, NULL) != number && ++precision < 17);
	if (size == 0 || (size >= 1e-3 && size < 1e7)) {
		int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
		int decimals = precision - exponent;

		return arena_printf(arena, "%.*f", decimals < 1 ? 1 : decimals,
				    number);
	}
	e = strchr(text, 'e');
	snprintf(digits, sizeof(digits), "%.*s%s", (int)(e - text), text,
		 precision == 0 ? ".0" : "");
	return arena_printf(arena, "%sE%ld", digits, strtol(e + 1, NULL, 10));
}

const char *config_show(const struct config_def *def, const char *value,
			struct arena *arena)
{
	if (def == NULL || value == NULL || def->type == CONFIG_TYPE_PASSWORD)
		return NULL;
	switch (def->type) {
	case CONFIG_TYPE_BOOLEAN:
		return show_boolean(value);
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_SHORT:
	case CONFIG_TYPE_LONG:
		return arena_printf(arena, "%lld", strtoll(value, NULL, 10));
	case CONFIG_TYPE_DOUBLE:
		return show_double(value, arena);
	case CONFIG_TYPE_LIST:
		return config_list_append("", value, arena);
	default:
		return show_text(value, arena);
	}
}
