/*
 * errors.c - Kafka's error codes, looked up
 */
#include "wire/errors.h"

#include "wire/tables.h"

static const struct wire_error *find(int16_t code)
{
	size_t at = (size_t)(code - wire_error_table[0].code);

	if (code < wire_error_table[0].code || at >= wire_error_table_count)
		return NULL;
	return &wire_error_table[at];
}

const char *wire_error_name(int16_t code)
{
	const struct wire_error *error = find(code);

	return error == NULL ? NULL : error->name;
}

const char *wire_error_text(int16_t code)
{
	const struct wire_error *error = find(code);

	return error == NULL ? NULL : error->text;
}

bool wire_error_is_retriable(int16_t code)
{
	const struct wire_error *error = find(code);

	return error != NULL && error->is_retriable;
}

bool wire_error_is_fatal(int16_t code)
{
	const struct wire_error *error = find(code);

	return error != NULL && error->is_fatal;
}
