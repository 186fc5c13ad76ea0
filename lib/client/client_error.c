/*
 * client_error.c - what went wrong, for a program and for a person
 */
#include "client/client_error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "wire/errors.h"

void client_error_clear(struct client_error *error)
{
	error->kind = CLIENT_OK;
	error->rc = 0;
	error->code = WIRE_NONE;
	error->text[0] = '\0';
}

int client_error_set(struct client_error *error, enum client_error_kind kind,
		     int rc, const char *format, ...)
{
	va_list args;

	assert(rc < 0);
	if (error == NULL)
		return rc;
	error->kind = kind;
	error->rc = rc;
	error->code = WIRE_NONE;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return rc;
}

enum client_error_kind client_error_kind_of(int16_t code)
{
	switch (code) {
	case WIRE_TOPIC_AUTHORIZATION_FAILED:
	case WIRE_GROUP_AUTHORIZATION_FAILED:
	case WIRE_CLUSTER_AUTHORIZATION_FAILED:
	case WIRE_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
	case WIRE_DELEGATION_TOKEN_AUTHORIZATION_FAILED:
	case WIRE_SASL_AUTHENTICATION_FAILED:
	case WIRE_UNSUPPORTED_SASL_MECHANISM:
	case WIRE_ILLEGAL_SASL_STATE:
	case WIRE_SECURITY_DISABLED:
		return CLIENT_AUTH;
	case WIRE_UNKNOWN_TOPIC_OR_PARTITION:
	case WIRE_UNKNOWN_TOPIC_ID:
	case WIRE_GROUP_ID_NOT_FOUND:
	case WIRE_RESOURCE_NOT_FOUND:
		return CLIENT_MISSING;
	case WIRE_CORRUPT_MESSAGE:
	case WIRE_MESSAGE_TOO_LARGE:
	case WIRE_RECORD_LIST_TOO_LARGE:
	case WIRE_INVALID_RECORD:
	case WIRE_INVALID_TIMESTAMP:
		return CLIENT_BAD_DATA;
	default:
		return wire_error_is_retriable(code) ? CLIENT_UNREACHABLE
						     : CLIENT_REFUSED;
	}
}

static int rc_of(enum client_error_kind kind)
{
	switch (kind) {
	case CLIENT_AUTH:
		return -EACCES;
	case CLIENT_MISSING:
		return -ENOENT;
	case CLIENT_BAD_DATA:
		return -EBADMSG;
	case CLIENT_UNREACHABLE:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

const char *client_code_name(int16_t code)
{
	static _Thread_local char text[32];
	const char *name = wire_error_name(code);

	if (name != NULL)
		return name;
	snprintf(text, sizeof(text), "UNKNOWN_ERROR_%d", code);
	return text;
}

int client_error_from_code(struct client_error *error, int16_t code,
			   const char *subject, const char *text)
{
	enum client_error_kind kind = client_error_kind_of(code);
	int rc = rc_of(kind);

	assert(code != WIRE_NONE);
	if (text == NULL || text[0] == '\0')
		text = wire_error_text(code);
	client_error_set(error, kind, rc, "%s: %s%s%s", subject,
			 client_code_name(code), text == NULL ? "" : ": ",
			 text == NULL ? "" : text);
	if (error != NULL)
		error->code = code;
	return rc;
}
