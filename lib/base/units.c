/*
 * units.c - numbers, sizes, durations and times as people write them
 *
 * Amounts are whole numbers with an optional fraction (1.5GiB); all of the
 * arithmetic is in integers, and what does not fit is -ERANGE.
 */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

enum {
	SECOND_MS = 1000,
	MINUTE_MS = 60 * SECOND_MS,
	HOUR_MS = 60 * MINUTE_MS,
	DAY_MS = 24 * HOUR_MS,
	WEEK_MS = 7 * DAY_MS,
};

struct unit {
	const char *name;
	int64_t factor;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Numbers */

int parse_int64(const char *text, int64_t *value_out)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	long long value;
	char *end;

	if (!is_digit(digits[0]))
		return -EINVAL;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno == ERANGE)
		return -ERANGE;
	*value_out = value;
	return 0;
}

int parse_int64_in(const char *text, int64_t low, int64_t high,
		   int64_t *value_out)
{
	int64_t value;
	int rc = parse_int64(text, &value);

	if (rc < 0)
		return rc;
	if (value < low || value > high)
		return -ERANGE;
	*value_out = value;
	return 0;
}

/* Amounts with a unit */

/* 12.75 is whole 12, part 75 of scale 100. */
struct amount {
	int64_t whole;
	int64_t part;
	int64_t scale;
};

/* Read digits, and a fraction if there is one; *text moves past them. */
static int read_amount(const char **text, struct amount *out)
{
	struct amount a = { .scale = 1 };
	const char *at = *text;

	if (!is_digit(*at))
		return -EINVAL;
	for (; is_digit(*at); at++) {
		if (__builtin_mul_overflow(a.whole, 10, &a.whole) ||
		    __builtin_add_overflow(a.whole, *at - '0', &a.whole))
			return -ERANGE;
	}
	if (at[0] == '.' && is_digit(at[1])) {
		for (at++; is_digit(*at); at++) {
			if (a.scale < 1000000) {
				a.part = a.part * 10 + (*at - '0');
				a.scale *= 10;
			}
		}
	}
	*text = at;
	*out = a;
	return 0;
}

/* *sum_io += a * factor. */
static int add_amount(struct amount a, int64_t factor, int64_t *sum_io)
{
	int64_t whole;
	int64_t part;

	if (__builtin_mul_overflow(a.whole, factor, &whole) ||
	    __builtin_mul_overflow(a.part, factor, &part) ||
	    __builtin_add_overflow(*sum_io, whole, sum_io) ||
	    __builtin_add_overflow(*sum_io, part / a.scale, sum_io))
		return -ERANGE;
	return 0;
}

/* How many letters text begins with. */
static size_t unit_len(const char *text)
{
	size_t n = 0;

	while (isalpha((unsigned char)text[n]))
		n++;
	return n;
}

static const struct unit *find_unit(const struct unit *units, size_t count,
				    const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(units[i].name) == len &&
		    strncasecmp(units[i].name, name, len) == 0)
			return &units[i];
	}
	return NULL;
}

int parse_size(const char *text, int64_t *bytes_out)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "b", 1 },
		{ "k", 1LL << 10 },
		{ "kib", 1LL << 10 },
		{ "kb", 1000 },
		{ "m", 1LL << 20 },
		{ "mib", 1LL << 20 },
		{ "mb", 1000000 },
		{ "g", 1LL << 30 },
		{ "gib", 1LL << 30 },
		{ "gb", 1000000000 },
		{ "t", 1LL << 40 },
		{ "tib", 1LL << 40 },
		{ "tb", 1000000000000 },
	};
	const struct unit *unit;
	struct amount amount;
	int64_t bytes = 0;
	int rc = read_amount(&text, &amount);

	if (rc < 0)
		return rc;
	unit = find_unit(units, ARRAY_LEN(units), text, strlen(text));
	if (unit == NULL)
		return -EINVAL;
	rc = add_amount(amount, unit->factor, &bytes);
	if (rc == 0)
		*bytes_out = bytes;
	return rc;
}

static const struct unit durations[] = {
	{ "ms", 1 },          { "s", SECOND_MS }, { "m", MINUTE_MS },
	{ "min", MINUTE_MS }, { "h", HOUR_MS },   { "d", DAY_MS },
	{ "w", WEEK_MS },
};

/* Add one term, such as 30m, to *ms_io; *text moves past it. */
static int read_term(const char **text, int64_t *ms_io)
{
	const struct unit *unit;
	struct amount amount;
	size_t len;
	int rc = read_amount(text, &amount);

	if (rc < 0)
		return rc;
	len = unit_len(*text);
	unit = find_unit(durations, ARRAY_LEN(durations), *text, len);
	if (unit == NULL)
		return -EINVAL;
	*text += len;
	return add_amount(amount, unit->factor, ms_io);
}

/* A number without a unit. */
static int parse_bare(const char *text, int64_t unit_ms, int64_t *ms_out)
{
	struct amount amount;
	int rc = read_amount(&text, &amount);

	if (rc < 0)
		return rc;
	if (*text != '\0' || unit_ms == 0)
		return -EINVAL;
	return add_amount(amount, unit_ms, ms_out);
}

int parse_duration(const char *text, int64_t unit_ms, int64_t *ms_out)
{
	bool negative = text[0] == '-';
	int64_t ms = 0;
	int rc;

	if (negative)
		text++;
	if (text[strspn(text, "0123456789.")] == '\0') {
		rc = parse_bare(text, unit_ms, &ms);
	} else {
		do
			rc = read_term(&text, &ms);
		while (rc == 0 && *text != '\0');
	}
	if (rc == 0)
		*ms_out = negative ? -ms : ms;
	return rc;
}

/* Points in time */

/* Exactly digits digits; *text moves past them. */
static bool read_digits(const char **text, int digits, int *value_out)
{
	int value = 0;

	for (int i = 0; i < digits; i++) {
		char c = (*text)[i];

		if (!is_digit(c))
			return false;
		value = value * 10 + (c - '0');
	}
	*text += digits;
	*value_out = value;
	return true;
}

static bool read_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool read_date(const char **text, struct tm *tm)
{
	if (!read_digits(text, 4, &tm->tm_year) || !read_char(text, '-') ||
	    !read_digits(text, 2, &tm->tm_mon) || !read_char(text, '-') ||
	    !read_digits(text, 2, &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return true;
}

/* .123: up to nine digits, of which three count. */
static bool read_fraction(const char **text, int *ms_out)
{
	int scale = 100;

	if (!is_digit(**text))
		return false;
	*ms_out = 0;
	for (; is_digit(**text); (*text)++, scale /= 10)
		*ms_out += scale * (**text - '0');
	return true;
}

/* 10:00[:00[.123]] */
static bool read_clock(const char **text, struct tm *tm, int *ms_out)
{
	if (!read_digits(text, 2, &tm->tm_hour) || !read_char(text, ':') ||
	    !read_digits(text, 2, &tm->tm_min))
		return false;
	if (!read_char(text, ':'))
		return true;
	if (!read_digits(text, 2, &tm->tm_sec))
		return false;
	return !read_char(text, '.') || read_fraction(text, ms_out);
}

/* Z, +02:00, +0200 or +02, in seconds east of Greenwich. */
static bool read_zone(const char **text, int *east_s_out)
{
	int sign = **text == '-' ? -1 : 1;
	int hours;
	int minutes = 0;

	*east_s_out = 0;
	if (read_char(text, 'Z'))
		return true;
	if (!read_char(text, '+') && !read_char(text, '-'))
		return false;
	if (!read_digits(text, 2, &hours))
		return false;
	if (**text != '\0') {
		read_char(text, ':');
		if (!read_digits(text, 2, &minutes))
			return false;
	}
	*east_s_out = sign * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

/* Is each field in its range, the day in its month? */
static bool is_real(const struct tm *tm)
{
	struct tm copy = *tm;

	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
		return false;
	timegm(&copy);
	return copy.tm_mon == tm->tm_mon && copy.tm_mday == tm->tm_mday;
}

static int parse_calendar(const char *text, int64_t *ms_out)
{
	struct tm tm = { .tm_isdst = -1 };
	int east_s = 0;
	int ms = 0;
	int64_t s;

	if (!read_date(&text, &tm))
		return -EINVAL;
	if ((read_char(&text, 'T') || read_char(&text, ' ')) &&
	    !read_clock(&text, &tm, &ms))
		return -EINVAL;
	if (!is_real(&tm))
		return -EINVAL;
	if (*text == '\0')
		s = mktime(&tm);
	else if (read_zone(&text, &east_s) && *text == '\0')
		s = timegm(&tm) - east_s;
	else
		return -EINVAL;
	*ms_out = s * 1000 + ms;
	return 0;
}

/* Seconds have 10 digits and milliseconds 13, from 2001 to 2286. */
static int parse_epoch(const char *text, int64_t *ms_out)
{
	size_t digits = strlen(text);
	int64_t value;
	int rc = parse_int64(text, &value);

	if (rc < 0)
		return rc;
	if (value != 0 && digits != 10 && digits != 13)
		return -EINVAL;
	*ms_out = digits == 10 ? value * 1000 : value;
	return 0;
}

int parse_time(const char *text, int64_t now_ms, int64_t *ms_out)
{
	int64_t ago_ms;
	int rc;

	if (text[0] == '\0')
		return -EINVAL;
	if (strcmp(text, "now") == 0) {
		*ms_out = now_ms;
		return 0;
	}
	if (text[0] == '-' && is_digit(text[1])) {
		rc = parse_duration(text + 1, 0, &ago_ms);
		if (rc == 0 && __builtin_sub_overflow(now_ms, ago_ms, ms_out))
			return -ERANGE;
		return rc;
	}
	if (text[strspn(text, "0123456789")] == '\0')
		return parse_epoch(text, ms_out);
	return parse_calendar(text, ms_out);
}

/* For people */

bool property_number(const char *name, const char *value,
		     char text[UNITS_TEXT_MAX])
{
	const char *unit = strrchr(name, '.');
	int64_t number;
	int rc = -EINVAL;

	if (unit == NULL || parse_int64(value, &number) == 0)
		return false;
	if (strcmp(unit, ".ms") == 0)
		rc = parse_duration(value, 1, &number);
	else if (strcmp(unit, ".bytes") == 0)
		rc = parse_size(value, &number);
	if (rc < 0)
		return false;
	snprintf(text, UNITS_TEXT_MAX, "%" PRId64, number);
	return true;
}

void format_size(int64_t bytes, char text[UNITS_TEXT_MAX])
{
	static const char *const names[] = { "B",   "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t i = 0;

	/* From where one decimal would be rounded up to 1024.0. */
	while ((value >= 1023.95 || value <= -1023.95) &&
	       i + 1 < ARRAY_LEN(names)) {
		value /= 1024;
		i++;
	}
	snprintf(text, UNITS_TEXT_MAX, i == 0 ? "%.0f %s" : "%.1f %s", value,
		 names[i]);
}

void format_duration(int64_t ms, char text[UNITS_TEXT_MAX])
{
	static const struct unit units[] = {
		{ "d", DAY_MS },
		{ "h", HOUR_MS },
		{ "m", MINUTE_MS },
		{ "s", SECOND_MS },
	};
	const char *sign = ms < 0 ? "-" : "";
	uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	uint64_t major;
	uint64_t minor;
	size_t i = 0;

	if (left < SECOND_MS) {
		snprintf(text, UNITS_TEXT_MAX, "%s%" PRIu64 "ms", sign, left);
		return;
	}
	if (left < MINUTE_MS) {
		snprintf(text, UNITS_TEXT_MAX, "%s%" PRIu64 ".%" PRIu64 "s",
			 sign, left / 1000, left % 1000 / 100);
		return;
	}
	while (left < (uint64_t)units[i].factor)
		i++;
	major = left / (uint64_t)units[i].factor;
	minor = left % (uint64_t)units[i].factor /
		(uint64_t)units[i + 1].factor;
	snprintf(text, UNITS_TEXT_MAX, "%s%" PRIu64 "%s %" PRIu64 "%s", sign,
		 major, units[i].name, minor, units[i + 1].name);
}

void format_time(int64_t ms, char text[UNITS_TEXT_MAX])
{
	time_t s = ms / 1000;
	int part = (int)(ms % 1000);
	struct tm tm;
	size_t n;

	if (part < 0) {
		part += 1000;
		s--;
	}
	/* Years of other than four digits: the number itself says more. */
	if (gmtime_r(&s, &tm) == NULL || tm.tm_year < -1900 ||
	    tm.tm_year > 9999 - 1900) {
		snprintf(text, UNITS_TEXT_MAX, "%" PRId64, ms);
		return;
	}
	n = strftime(text, UNITS_TEXT_MAX, "%FT%T", &tm);
	snprintf(text + n, UNITS_TEXT_MAX - n, ".%03dZ", part);
}

/* Near names */

enum { NAME_LEN_MAX = 127 };

/* How many letters to change, add or drop to make b of a. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NAME_LEN_MAX + 1]; /* distances from a[..i] to each b[..j] */
	size_t b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t above = row[j + 1];
			size_t best = diagonal + (a[i] != b[j]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j + 1] = best;
			diagonal = above;
		}
	}
	return row[b_len];
}

const char *nearest_name(const char *text, const char *const *names,
			 size_t count)
{
	/* A third of it wrong is not a slip of the finger. */
	size_t best = strlen(text) / 3 + 1;
	const char *nearest = NULL;

	if (strlen(text) > NAME_LEN_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t distance;

		if (strlen(names[i]) > NAME_LEN_MAX)
			continue;
		distance = edit_distance(text, names[i]);
		if (distance < best) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
