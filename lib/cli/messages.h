/*
 * messages.h - what a tool says on stderr
 *
 * Each line is "TOOL: level: text", lower case, without a full stop:
 *
 *	kproduce: error: topic 'orders' does not exist; --create makes it
 *
 * Control characters in the text are printed as \xNN, so that nothing a broker
 * or a file says can play with the terminal.  If a progress line stands on the
 * terminal it is wiped first.  A call is one write(2).
 */
#ifndef CLI_MESSAGES_H
#define CLI_MESSAGES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum message_level {
	MESSAGE_ERROR,   /* always */
	MESSAGE_WARNING, /* not with -q */
	MESSAGE_NOTICE,  /* if fd is a terminal or with -v; not with -q */
	MESSAGE_INFO,    /* -v */
	MESSAGE_DEBUG,   /* -vv */
};

struct messages {
	const char *tool;
	int fd;
	bool terminal;  /* is fd one? */
	int verbosity;  /* -1 quiet, 0, 1 for -v, 2 for -vv */
	bool line_open; /* a progress line is there to be wiped */
};

/* tool stays the caller's; fd is 2 but in tests. */
void messages_init(struct messages *m, const char *tool, int fd);

/* Would a message of this level be printed? */
bool messages_wants(const struct messages *m, enum message_level level);

__attribute__((format(printf, 3, 4))) void message(struct messages *m,
						   enum message_level level,
						   const char *format, ...);
void message_v(struct messages *m, enum message_level level, const char *format,
	       va_list args);

/* The same, by level. */
__attribute__((format(printf, 2, 3))) void message_error(struct messages *m,
							 const char *format,
							 ...);
__attribute__((format(printf, 2, 3))) void message_warning(struct messages *m,
							   const char *format,
							   ...);
__attribute__((format(printf, 2, 3))) void message_notice(struct messages *m,
							  const char *format,
							  ...);
__attribute__((format(printf, 2, 3))) void message_info(struct messages *m,
							const char *format,
							...);
__attribute__((format(printf, 2, 3))) void message_debug(struct messages *m,
							 const char *format,
							 ...);

/*
 * The line that a -J run ends with: text as it is and a newline, whatever the
 * level is; for JSON on stderr.
 */
void message_raw_line(struct messages *m, const char *text);

/*
 * Print the error and return status, so that a check is one line; the usage
 * form returns EXIT_USAGE:
 *	return message_usage(m, "-p wants a partition");
 */
__attribute__((format(printf, 3, 4))) int message_fail(struct messages *m,
						       int status,
						       const char *format, ...);
__attribute__((format(printf, 2, 3))) int message_usage(struct messages *m,
							const char *format,
							...);

#endif /* CLI_MESSAGES_H */
