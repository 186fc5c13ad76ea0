/*
 * units.h - numbers, sizes, durations and times as people write them
 *
 * Each parser takes the whole text or nothing: trailing bytes are -EINVAL, a
 * value that does not fit is -ERANGE.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decimal integer, signed. */
int parse_int64(const char *text, int64_t *value_out);

/* Within [low, high], else -ERANGE. */
int parse_int64_in(const char *text, int64_t low, int64_t high,
		   int64_t *value_out);

/*
 * Bytes: 123, 10kB 10MB 1GB 1TB (1000s), 10KiB 10MiB 1GiB 1TiB (1024s); k M G
 * T alone are 1024s.  Case does not matter, and 1.5GiB is fine.
 */
int parse_size(const char *text, int64_t *bytes_out);

/*
 * 90s 500ms 7d 2h 15m 1w, also 1h30m and 1.5h, and a minus before it all; a
 * bare number is in unit_ms, or -EINVAL where that is 0.
 */
int parse_duration(const char *text, int64_t unit_ms, int64_t *ms_out);

/*
 * A point in time, in ms since 1970: 0, 10-digit seconds, 13-digit
 * milliseconds, "now", -2h (ago), 2026-08-01, 2026-08-01T10:00[:00[.123]] with
 * Z, +02:00 or local time.
 */
int parse_time(const char *text, int64_t now_ms, int64_t *ms_out);

enum { UNITS_TEXT_MAX = 48 };

/*
 * A property's value as Kafka takes it: durations of a name that ends with
 * .ms and sizes of one that ends with .bytes become plain numbers.  Returns
 * false, text as it was, when value is none of these or a number already.
 */
bool property_number(const char *name, const char *value,
		     char text[UNITS_TEXT_MAX]);

/* For people: "1.5 MiB", "2h 3m". */
void format_size(int64_t bytes, char text[UNITS_TEXT_MAX]);
void format_duration(int64_t ms, char text[UNITS_TEXT_MAX]);

/* UTC with milliseconds: 2026-08-01T10:00:00.000Z. */
void format_time(int64_t ms, char text[UNITS_TEXT_MAX]);

/*
 * The one of count names nearest to text by edit distance, or NULL when none
 * is near enough to be meant.
 */
const char *nearest_name(const char *text, const char *const *names,
			 size_t count);

#endif /* BASE_UNITS_H */
