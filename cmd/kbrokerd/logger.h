/*
 * logger.h - what the broker tells on stderr, one line per event
 *
 *	ts=2026-08-01T10:00:00.000Z level=warn sub=server msg="..." key=value
 *
 * or the same as one JSON object.  Any thread.  A line is one write(2).
 */
#ifndef KBROKERD_LOGGER_H
#define KBROKERD_LOGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum logger_level { LOGGER_ERROR, LOGGER_WARN, LOGGER_INFO, LOGGER_DEBUG };

enum logger_format { LOGGER_LOGFMT, LOGGER_JSON };

enum { LOGGER_SUBSYSTEMS_MAX = 16 };

struct logger {
	int fd; /* -1: silent */
	/* The least important level that is told, of subsystems without one of
	 * their own.  May change at any time. */
	_Atomic(enum logger_level) level;
	_Atomic(int8_t) own[LOGGER_SUBSYSTEMS_MAX]; /* level + 1; 0: none */
	enum logger_format format;
	bool journal; /* prefixes for the journal of systemd */
	struct clock *clock;
};

/*
 * Tell one event: msg, then pairs of key and value (both C strings; a NULL
 * value is left out), ended by a NULL key.  A key that begins with # is that
 * of a number, whose text is the value.  A NULL logger is silent.
 * subsystem is one of logger_subsystems().
 */
__attribute__((sentinel)) void logger_tell(const struct logger *logger,
					   enum logger_level level,
					   const char *subsystem,
					   const char *msg, ...);

/* Would logger_tell() tell it? */
bool logger_tells(const struct logger *logger, enum logger_level level,
		  const char *subsystem);

/* Who talks, sorted; what has a level of its own.  Any thread may set one. */
const char *const *logger_subsystems(size_t *count_out);

/* The level that counts for a subsystem; NULL is all without their own. */
enum logger_level logger_level(const struct logger *logger,
			       const char *subsystem);
bool logger_has_own_level(const struct logger *logger, const char *subsystem);

/* Returns 0, or -ENOENT when there is no such subsystem. */
int logger_set_level(struct logger *logger, const char *subsystem,
		     enum logger_level level);
/* Back to the level of all. */
int logger_unset_level(struct logger *logger, const char *subsystem);

/* error, warn, info, debug; log4j's fatal and trace are error and debug.  Case
 * does not matter.  Returns 0 or -EINVAL. */
int logger_parse_level(const char *text, enum logger_level *level_out);
const char *logger_level_name(enum logger_level level);

/*
 * Set what a text like "info,partition=debug" says.  Returns 0, or -EINVAL
 * with what is wrong in error and nothing set.  A NULL logger only checks.
 */
int logger_set_levels(struct logger *logger, const char *text, char *error,
		      size_t error_size);

/* Does $JOURNAL_STREAM, as in sd-journal, name this descriptor? */
bool logger_is_journal(int fd, const char *journal_stream);

/*
 * At most per_second lines of a kind each second.  Belongs to one thread.
 * Returns false when this one is not to be told; *missed_out is how many were
 * kept back since the last that was.
 */
struct logger_limit {
	int64_t second;
	int32_t told;
	int32_t missed;
};
bool logger_allows(struct logger_limit *limit, int64_t now_ms,
		   int32_t per_second, int32_t *missed_out);

#endif /* KBROKERD_LOGGER_H */
