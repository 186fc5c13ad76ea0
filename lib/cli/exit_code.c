/*
 * exit_code.c - what a tool's exit status says
 *
 * What the table does not name is "refused".
 */
#include "cli/exit_code.h"

#include <errno.h>
#include <stddef.h>

#include "client/client_error.h"
#include "wire/errors.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	int error;
	int status;
} errnos[] = {
	{ ECONNREFUSED, EXIT_UNREACHABLE },
	{ ECONNRESET, EXIT_UNREACHABLE },
	{ ECONNABORTED, EXIT_UNREACHABLE },
	{ EHOSTDOWN, EXIT_UNREACHABLE },
	{ EHOSTUNREACH, EXIT_UNREACHABLE },
	{ ENETDOWN, EXIT_UNREACHABLE },
	{ ENETUNREACH, EXIT_UNREACHABLE },
	{ ENOTCONN, EXIT_UNREACHABLE },
	{ EPIPE, EXIT_UNREACHABLE },
	{ ETIME, EXIT_UNREACHABLE },
	{ ETIMEDOUT, EXIT_UNREACHABLE },
	{ EADDRNOTAVAIL, EXIT_UNREACHABLE },
	{ EAGAIN, EXIT_UNREACHABLE },
	{ EACCES, EXIT_DENIED },
	{ EPERM, EXIT_DENIED },
	{ ENOENT, EXIT_MISSING },
	{ EBADMSG, EXIT_BAD_DATA },
	{ E2BIG, EXIT_BAD_DATA },
	{ EMSGSIZE, EXIT_BAD_DATA },
	{ EILSEQ, EXIT_BAD_DATA },
};

/* How much a status matters beside another. */
static int weight(int status)
{
	static const int by_weight[] = {
		EXIT_OK,          EXIT_MISSING, EXIT_REFUSED, EXIT_BAD_DATA,
		EXIT_UNREACHABLE, EXIT_DENIED,  EXIT_USAGE,
	};

	for (size_t i = 0; i < ARRAY_LEN(by_weight); i++) {
		if (by_weight[i] == status)
			return (int)i;
	}
	return -1;
}

int exit_worse(int a, int b)
{
	return weight(a) >= weight(b) ? a : b;
}

int exit_of_errno(int rc)
{
	if (rc == 0)
		return EXIT_OK;
	for (size_t i = 0; i < ARRAY_LEN(errnos); i++) {
		if (errnos[i].error == -rc)
			return errnos[i].status;
	}
	return EXIT_REFUSED;
}

int exit_of_wire(int16_t code)
{
	if (code == WIRE_NONE)
		return EXIT_OK;
	/* The kinds are the statuses: client/client_error.h. */
	return (int)client_error_kind_of(code);
}
