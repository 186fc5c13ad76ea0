/*
 * client_error.h - what went wrong, for a program and for a person
 *
 * The kinds are the exit statuses of the tools, so that a tool returns
 * error.kind.
 */
#ifndef CLIENT_CLIENT_ERROR_H
#define CLIENT_CLIENT_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum client_error_kind {
	CLIENT_OK = 0,
	CLIENT_REFUSED = 1,     /* a broker said no */
	CLIENT_USAGE = 2,       /* the configuration makes no sense */
	CLIENT_UNREACHABLE = 3, /* nobody there, or too late */
	CLIENT_AUTH = 4,
	CLIENT_MISSING = 5,  /* the named thing does not exist */
	CLIENT_BAD_DATA = 6, /* too large, corrupt, undecodable */
};

enum { CLIENT_ERROR_TEXT_MAX = 512 };

struct client_error {
	enum client_error_kind kind;
	int rc;       /* negative errno */
	int16_t code; /* Kafka's, WIRE_NONE when it was not a broker's answer */
	char text[CLIENT_ERROR_TEXT_MAX]; /* lower case, one line, no stop */
};

void client_error_clear(struct client_error *error);

/* Fill it in; error may be NULL.  Returns rc, which is below 0. */
__attribute__((format(printf, 4, 5))) int client_error_set(
	struct client_error *error, enum client_error_kind kind, int rc,
	const char *format, ...);

/*
 * What a broker answered about subject ("topic 'orders'"): the text is
 * "SUBJECT: NAME: TEXT", where text NULL takes the table's.  Returns rc: -EIO,
 * or -ENOENT, -EACCES, -EBADMSG, -ETIMEDOUT by kind.  code is not WIRE_NONE.
 */
int client_error_from_code(struct client_error *error, int16_t code,
			   const char *subject, const char *text);

/* Which kind of error a broker's code is: retriable ones are UNREACHABLE. */
enum client_error_kind client_error_kind_of(int16_t code);

/* "MESSAGE_TOO_LARGE"; "UNKNOWN_ERROR_123" for what is in no table. */
const char *client_code_name(int16_t code);

#endif /* CLIENT_CLIENT_ERROR_H */
