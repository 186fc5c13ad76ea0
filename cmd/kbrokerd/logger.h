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

struct logger {
	int fd;                  /* -1: silent */
	enum logger_level level; /* the least important one that is told */
	enum logger_format format;
	bool journal; /* prefixes for the journal of systemd */
	struct clock *clock;
};

/*
 * Tell one event: msg, then pairs of key and value (both C strings; a NULL
 * value is left out), ended by a NULL key.  A NULL logger is silent.
 */
__attribute__((sentinel)) void logger_tell(const struct logger *logger,
					   enum logger_level level,
					   const char *subsystem,
					   const char *msg, ...);

static inline bool logger_tells(const struct logger *logger,
				enum logger_level level)
{
	return logger != NULL && logger->fd >= 0 && level <= logger->level;
}

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
