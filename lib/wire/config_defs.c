/*
 * config_defs.c - configurations: the rows, and whether a value fits one
 *
 * Values are checked as Kafka's ConfigDef does: blanks around a number, a
 * truth value or a list's items do not count.
 */
#include "wire/config_defs.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/tables.h"

static int by_name(const void *name, const void *def)
{
	return strcmp(name, ((const struct config_def *)def)->name);
}

const struct config_def *config_defs(enum config_scope scope, size_t *count_out)
{
	size_t from = wire_config_scopes[scope];

	*count_out = wire_config_scopes[scope + 1] - from;
	return &wire_config_table[from];
}

const struct config_def *config_def_find(enum config_scope scope,
					 const char *name)
{
	size_t count;
	const struct config_def *defs = config_defs(scope, &count);

	return bsearch(name, defs, count, sizeof(*defs), by_name);
}

/* Text without the blanks around it. */
struct word {
	const char *at;
	size_t len;
};

static struct word word_of(const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)text[0])) {
		text++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	return (struct word){ text, len };
}

/* Takes the first of text's comma separated words; *text is NULL behind the
 * last one. */
static struct word next_word(const char **text)
{
	const char *start = *text;
	const char *comma = strchr(start, ',');

	*text = comma == NULL ? NULL : comma + 1;
	return word_of(start,
		       comma == NULL ? strlen(start) : (size_t)(comma - start));
}

/* Does {a,b} hold the word? */
static bool set_has(const char *set, struct word word)
{
	const char *at = set + 1;

	for (;;) {
		size_t len = strcspn(at, ",}");

		if (len == word.len && memcmp(at, word.at, len) == 0)
			return true;
		if (at[len] != ',')
			return false;
		at += len + 1;
	}
}

/* {a,b}* as "a, b" */
static void list_words(const char *valid, char *text, size_t text_size)
{
	size_t len = 0;

	for (const char *at = valid + 1; *at != '}' && len + 3 < text_size;
	     at++) {
		text[len++] = *at;
		if (*at == ',')
			text[len++] = ' ';
	}
	text[len] = '\0';
}

static int check_words(const char *valid, const char *value, char *text,
		       size_t text_size)
{
	bool is_list = valid[strlen(valid) - 1] == '*';
	char words[256];
	struct word word;

	if (is_list && word_of(value, strlen(value)).len == 0)
		return 0;
	do {
		word = is_list ? next_word(&value)
			       : word_of(value, strlen(value));
		if (!set_has(valid, word)) {
			list_words(valid, words, sizeof(words));
			snprintf(text, text_size, "'%.*s' is not one of %s",
				 (int)word.len, word.at, words);
			return -EINVAL;
		}
	} while (is_list && value != NULL);
	return 0;
}

/* Does valid (">=1", "0..1", "-1,1..9", "-") have the number? */
static bool range_has(const char *valid, double number)
{
	if (strcmp(valid, "-") == 0)
		return true;
	if (strncmp(valid, ">=", 2) == 0)
		return number >= strtod(valid + 2, NULL);
	if (strchr(valid, ',') != NULL) {
		if (number == strtod(valid, NULL))
			return true;
		valid = strchr(valid, ',') + 1;
	}
	return number >= strtod(valid, NULL) &&
	       number <= strtod(strstr(valid, "..") + 2, NULL);
}

/* What is not in it is told what would be. */
static void say_range(const char *valid, const char *value, char *text,
		      size_t text_size)
{
	const char *comma = strchr(valid, ',');
	const char *range = comma == NULL ? valid : comma + 1;
	const char *dots = strstr(range, "..");

	if (dots == NULL)
		snprintf(text, text_size, "%s is less than %s", value,
			 valid + strlen(">="));
	else if (comma == NULL)
		snprintf(text, text_size, "%s is not from %.*s to %s", value,
			 (int)(dots - range), range, dots + 2);
	else
		snprintf(text, text_size,
			 "%s is neither %.*s nor from %.*s to %s", value,
			 (int)(comma - valid), valid, (int)(dots - range),
			 range, dots + 2);
}

static int check_range(const struct config_def *def, double number,
		       const char *value, char *text, size_t text_size)
{
	if (range_has(def->valid, number))
		return 0;
	say_range(def->valid, value, text, text_size);
	return -EINVAL;
}

static int check_integer(const struct config_def *def, const char *value,
			 int64_t low, int64_t high, char *text,
			 size_t text_size)
{
	struct word word = word_of(value, strlen(value));
	char *end;
	long long number;

	errno = 0;
	number = strtoll(word.at, &end, 10);
	if (word.len == 0 || end != word.at + word.len) {
		snprintf(text, text_size, "'%s' is not a whole number", value);
		return -EINVAL;
	}
	if (errno == ERANGE || number < low || number > high) {
		snprintf(text, text_size, "%s is not from %lld to %lld", value,
			 (long long)low, (long long)high);
		return -EINVAL;
	}
	return check_range(def, (double)number, value, text, text_size);
}

static int check_double(const struct config_def *def, const char *value,
			char *text, size_t text_size)
{
	struct word word = word_of(value, strlen(value));
	char *end;
	double number = strtod(word.at, &end);

	if (word.len == 0 || end != word.at + word.len || isnan(number)) {
		snprintf(text, text_size, "'%s' is not a number", value);
		return -EINVAL;
	}
	return check_range(def, number, value, text, text_size);
}

static int check_boolean(const char *value, char *text, size_t text_size)
{
	struct word word = word_of(value, strlen(value));

	if ((word.len == 4 && strncasecmp(word.at, "true", 4) == 0) ||
	    (word.len == 5 && strncasecmp(word.at, "false", 5) == 0))
		return 0;
	snprintf(text, text_size, "'%s' is neither true nor false", value);
	return -EINVAL;
}

int config_value_check(const struct config_def *def, const char *value,
		       char *text, size_t text_size)
{
	switch (def->type) {
	case CONFIG_TYPE_BOOLEAN:
		return check_boolean(value, text, text_size);
	case CONFIG_TYPE_SHORT:
		return check_integer(def, value, INT16_MIN, INT16_MAX, text,
				     text_size);
	case CONFIG_TYPE_INT:
		return check_integer(def, value, INT32_MIN, INT32_MAX, text,
				     text_size);
	case CONFIG_TYPE_LONG:
		return check_integer(def, value, INT64_MIN, INT64_MAX, text,
				     text_size);
	case CONFIG_TYPE_DOUBLE:
		return check_double(def, value, text, text_size);
	default:
		if (def->valid[0] == '{')
			return check_words(def->valid, value, text, text_size);
		return 0;
	}
}
