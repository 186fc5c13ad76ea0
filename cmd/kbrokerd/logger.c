/*
 * logger.c - what the broker tells on stderr, one line per event
 *
 * A line is put together on the stack and cut at LINE_BYTES_MAX: what a client
 * sends must not make it longer.  Under systemd's journal each line starts
 * with the priority that it understands.
 */
#include "kbrokerd/logger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

enum { LINE_BYTES_MAX = 2048 };

struct line {
	char text[LINE_BYTES_MAX];
	size_t len;
};

static void put(struct line *line, const char *text, size_t len)
{
	size_t room = sizeof(line->text) - 1 - line->len; /* the newline */

	if (len > room)
		len = room;
	memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* In quotes, with what would break the line escaped, as JSON does. */
static void put_quoted(struct line *line, const char *text)
{
	char escaped[8];

	put(line, "\"", 1);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\') {
			put(line, "\\", 1);
			put(line, text, 1);
		} else if (c < 0x20 || c == 0x7f) {
			snprintf(escaped, sizeof(escaped), "\\u%04x", c);
			put_text(line, escaped);
		} else {
			put(line, text, 1);
		}
	}
	put(line, "\"", 1);
}

static bool is_plain(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
			return false;
	}
	return true;
}

static void put_pair(struct line *line, enum logger_format format,
		     const char *key, const char *value)
{
	if (format == LOGGER_JSON) {
		put_text(line, line->text[line->len - 1] == '{' ? "" : ",");
		put_quoted(line, key);
		put_text(line, ":");
		put_quoted(line, value);
		return;
	}
	if (line->len > 0 && line->text[line->len - 1] != '>')
		put_text(line, " ");
	put_text(line, key);
	put_text(line, "=");
	if (is_plain(value))
		put_text(line, value);
	else
		put_quoted(line, value);
}

static const char *level_name(enum logger_level level)
{
	static const char *const names[] = {
		[LOGGER_ERROR] = "error",
		[LOGGER_WARN] = "warn",
		[LOGGER_INFO] = "info",
		[LOGGER_DEBUG] = "debug",
	};

	return names[level];
}

/* sd-daemon(3)'s priorities. */
static const char *journal_prefix(enum logger_level level)
{
	static const char *const prefixes[] = {
		[LOGGER_ERROR] = "<3>",
		[LOGGER_WARN] = "<4>",
		[LOGGER_INFO] = "<6>",
		[LOGGER_DEBUG] = "<7>",
	};

	return prefixes[level];
}

static void put_head(struct line *line, const struct logger *logger,
		     enum logger_level level)
{
	char time[UNITS_TEXT_MAX];

	if (logger->journal)
		put_text(line, journal_prefix(level));
	if (logger->format == LOGGER_JSON)
		put_text(line, "{");
	format_time(logger->clock->wall_ms(logger->clock), time);
	put_pair(line, logger->format, "ts", time);
	put_pair(line, logger->format, "level", level_name(level));
}

void logger_tell(const struct logger *logger, enum logger_level level,
		 const char *subsystem, const char *msg, ...)
{
	struct line line = { .len = 0 };
	const char *key;
	const char *value;
	va_list args;
	ssize_t n;

	if (!logger_tells(logger, level))
		return;
	put_head(&line, logger, level);
	put_pair(&line, logger->format, "sub", subsystem);
	put_pair(&line, logger->format, "msg", msg);
	va_start(args, msg);
	while ((key = va_arg(args, const char *)) != NULL) {
		value = va_arg(args, const char *);
		if (value != NULL)
			put_pair(&line, logger->format, key, value);
	}
	va_end(args);
	if (logger->format == LOGGER_JSON)
		put_text(&line, "}");
	line.text[line.len++] = '\n';
	n = write(logger->fd, line.text, line.len);
	(void)n; /* there is nobody left to tell */
}

bool logger_allows(struct logger_limit *limit, int64_t now_ms,
		   int32_t per_second, int32_t *missed_out)
{
	int64_t second = now_ms / 1000;

	if (limit->second != second) {
		limit->second = second;
		limit->told = 0;
	}
	if (limit->told >= per_second) {
		limit->missed++;
		return false;
	}
	limit->told++;
	*missed_out = limit->missed;
	limit->missed = 0;
	return true;
}
