/*
 * logger.c - what the broker tells on stderr, one line per event
 *
 * A line is put together on the stack and has at most LINE_BYTES_MAX: what a
 * client sends must not make it longer.  The value that is too long is cut,
 * pairs after it are left out, and the line ends as it should.  Under
 * systemd's journal each line starts with the priority that it understands.
 */
#include "kbrokerd/logger.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"

enum {
	LINE_BYTES_MAX = 8192,
	END_BYTES = 4, /* closing quote and brace, newline */
	PAIR_BYTES_MIN = 40,
};

struct line {
	char text[LINE_BYTES_MAX];
	size_t len;
	bool is_full; /* nothing more of the event is told */
};

static size_t room(const struct line *line)
{
	return sizeof(line->text) - END_BYTES - line->len;
}

/* All of it or nothing; false: no room. */
static bool put(struct line *line, const char *text, size_t len)
{
	if (len > room(line))
		return false;
	memcpy(line->text + line->len, text, len);
	line->len += len;
	return true;
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* For which END_BYTES are kept. */
static void put_end(struct line *line, char c)
{
	assert(line->len < sizeof(line->text));
	line->text[line->len++] = c;
}

/* Bytes of the character at text, which may be cut off by its end. */
static size_t character(const char *text)
{
	size_t len = 1;

	if (((unsigned char)*text & 0xc0) == 0xc0)
		while (((unsigned char)text[len] & 0xc0) == 0x80)
			len++;
	return len;
}

/* One character, escaped as JSON does where it would break the line. */
static bool put_escaped(struct line *line, const char *text, size_t len)
{
	unsigned char c = (unsigned char)*text;
	char escaped[8];

	if (c == '"' || c == '\\') {
		snprintf(escaped, sizeof(escaped), "\\%c", c);
		return put(line, escaped, 2);
	}
	if (c < 0x20 || c == 0x7f) {
		snprintf(escaped, sizeof(escaped), "\\u%04x", c);
		return put(line, escaped, 6);
	}
	return put(line, text, len);
}

/* The caller has seen that there is room for the quotes. */
static void put_quoted(struct line *line, const char *text)
{
	put(line, "\"", 1);
	while (*text != '\0') {
		size_t len = character(text);

		if (!put_escaped(line, text, len)) {
			line->is_full = true;
			break;
		}
		text += len;
	}
	put_end(line, '"');
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

/* "#lines" is the key of a number: in JSON it is one. */
static void put_json_pair(struct line *line, const char *key, const char *value)
{
	put_text(line, line->text[line->len - 1] == '{' ? "" : ",");
	put_quoted(line, key + (key[0] == '#'));
	put_text(line, ":");
	if (key[0] == '#')
		put_text(line, value);
	else
		put_quoted(line, value);
}

static void put_pair(struct line *line, enum logger_format format,
		     const char *key, const char *value)
{
	/* With room for a number or an empty text. */
	if (line->is_full || room(line) < strlen(key) + PAIR_BYTES_MIN) {
		line->is_full = true;
		return;
	}
	if (format == LOGGER_JSON) {
		put_json_pair(line, key, value);
		return;
	}
	if (line->len > 0 && line->text[line->len - 1] != '>')
		put_text(line, " ");
	put_text(line, key + (key[0] == '#'));
	put_text(line, "=");
	if (strlen(value) > room(line) || !is_plain(value))
		put_quoted(line, value);
	else
		put_text(line, value);
}

/* Levels */

static const char *const subsystems[] = {
	"api",      "broker",    "config", "group",  "http",
	"metadata", "partition", "quota",  "server", "telemetry",
};

_Static_assert(sizeof(subsystems) / sizeof(subsystems[0]) <=
		       LOGGER_SUBSYSTEMS_MAX,
	       "each has a place");

enum { SUBSYSTEM_COUNT = sizeof(subsystems) / sizeof(subsystems[0]) };

static const char *const level_names[] = {
	[LOGGER_ERROR] = "error",
	[LOGGER_WARN] = "warn",
	[LOGGER_INFO] = "info",
	[LOGGER_DEBUG] = "debug",
};

const char *const *logger_subsystems(size_t *count_out)
{
	*count_out = SUBSYSTEM_COUNT;
	return subsystems;
}

/* Its place, or -1. */
static int find_subsystem(const char *name, size_t len)
{
	for (int i = 0; i < SUBSYSTEM_COUNT; i++) {
		if (strlen(subsystems[i]) == len &&
		    memcmp(subsystems[i], name, len) == 0)
			return i;
	}
	return -1;
}

const char *logger_level_name(enum logger_level level)
{
	return level_names[level];
}

static int parse_level(const char *text, size_t len,
		       enum logger_level *level_out)
{
	static const struct {
		const char *name;
		enum logger_level level;
	} aliases[] = {
		{ "fatal", LOGGER_ERROR },
		{ "trace", LOGGER_DEBUG },
		{ "warning", LOGGER_WARN },
	};

	for (int i = LOGGER_ERROR; i <= LOGGER_DEBUG; i++) {
		if (strlen(level_names[i]) == len &&
		    strncasecmp(level_names[i], text, len) == 0) {
			*level_out = (enum logger_level)i;
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (strlen(aliases[i].name) == len &&
		    strncasecmp(aliases[i].name, text, len) == 0) {
			*level_out = aliases[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

int logger_parse_level(const char *text, enum logger_level *level_out)
{
	return parse_level(text, strlen(text), level_out);
}

static int own_level(const struct logger *logger, const char *subsystem)
{
	int i = subsystem == NULL
			? -1
			: find_subsystem(subsystem, strlen(subsystem));

	return i < 0 ? -1
		     : atomic_load_explicit(&logger->own[i],
					    memory_order_relaxed) -
			       1;
}

bool logger_has_own_level(const struct logger *logger, const char *subsystem)
{
	return own_level(logger, subsystem) >= 0;
}

enum logger_level logger_level(const struct logger *logger,
			       const char *subsystem)
{
	int own = own_level(logger, subsystem);

	return own >= 0 ? (enum logger_level)own
			: atomic_load_explicit(&logger->level,
					       memory_order_relaxed);
}

static int set_own(struct logger *logger, const char *subsystem, int8_t own)
{
	int i = find_subsystem(subsystem, strlen(subsystem));

	if (i < 0)
		return -ENOENT;
	atomic_store_explicit(&logger->own[i], own, memory_order_relaxed);
	return 0;
}

int logger_set_level(struct logger *logger, const char *subsystem,
		     enum logger_level level)
{
	if (subsystem != NULL)
		return set_own(logger, subsystem, (int8_t)(level + 1));
	atomic_store_explicit(&logger->level, level, memory_order_relaxed);
	return 0;
}

int logger_unset_level(struct logger *logger, const char *subsystem)
{
	return set_own(logger, subsystem, 0);
}

bool logger_tells(const struct logger *logger, enum logger_level level,
		  const char *subsystem)
{
	return logger != NULL && logger->fd >= 0 &&
	       level <= logger_level(logger, subsystem);
}

/* One of "info,partition=debug"; NULL only checks. */
static int set_item(struct logger *logger, const char *item, size_t len,
		    char *error, size_t error_size)
{
	const char *equals = memchr(item, '=', len);
	const char *name = equals == NULL ? item : equals + 1;
	size_t name_len = len - (size_t)(name - item);
	enum logger_level level;
	int i = -1;

	if (equals != NULL) {
		i = find_subsystem(item, (size_t)(equals - item));
		if (i < 0) {
			snprintf(error, error_size,
				 "there is no subsystem '%.*s'",
				 (int)(equals - item), item);
			return -EINVAL;
		}
	}
	if (parse_level(name, name_len, &level) < 0) {
		snprintf(error, error_size,
			 "'%.*s' is not one of error, warn, info, debug",
			 (int)name_len, name);
		return -EINVAL;
	}
	return logger == NULL
		       ? 0
		       : logger_set_level(logger, i < 0 ? NULL : subsystems[i],
					  level);
}

static int set_items(struct logger *logger, const char *text, char *error,
		     size_t error_size)
{
	int rc = 0;

	while (rc == 0 && *text != '\0') {
		size_t len = strcspn(text, ",");

		if (len > 0)
			rc = set_item(logger, text, len, error, error_size);
		text += len + (text[len] == ',');
	}
	return rc;
}

int logger_set_levels(struct logger *logger, const char *text, char *error,
		      size_t error_size)
{
	int rc = set_items(NULL, text, error, error_size);

	if (rc == 0 && logger != NULL)
		rc = set_items(logger, text, error, error_size);
	return rc;
}

bool logger_is_journal(int fd, const char *journal_stream)
{
	char name[64];
	struct stat st;

	if (journal_stream == NULL || fstat(fd, &st) < 0)
		return false;
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	return strcmp(name, journal_stream) == 0;
}

/* Lines */

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
	put_pair(line, logger->format, "level", logger_level_name(level));
}

void logger_tell(const struct logger *logger, enum logger_level level,
		 const char *subsystem, const char *msg, ...)
{
	struct line line = { .len = 0 };
	const char *key;
	const char *value;
	va_list args;
	ssize_t n;

	if (!logger_tells(logger, level, subsystem))
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
		put_end(&line, '}');
	put_end(&line, '\n');
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
