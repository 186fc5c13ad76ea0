/*
 * exit_code.c - what a tool's exit status says
 *
 * Two tables, from the errors of lib/ and from the protocol's, to statuses;
 * what neither names is "refused".
 */
#include "cli/exit_code.h"

#include <errno.h>
#include <stddef.h>

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

static const struct {
	int16_t code;
	int status;
} codes[] = {
	{ WIRE_UNKNOWN_TOPIC_OR_PARTITION, EXIT_MISSING },
	{ WIRE_UNKNOWN_TOPIC_ID, EXIT_MISSING },
	{ WIRE_GROUP_ID_NOT_FOUND, EXIT_MISSING },
	{ WIRE_RESOURCE_NOT_FOUND, EXIT_MISSING },
	{ WIRE_BROKER_ID_NOT_REGISTERED, EXIT_MISSING },
	{ WIRE_TRANSACTIONAL_ID_NOT_FOUND, EXIT_MISSING },
	{ WIRE_TOPIC_AUTHORIZATION_FAILED, EXIT_DENIED },
	{ WIRE_GROUP_AUTHORIZATION_FAILED, EXIT_DENIED },
	{ WIRE_CLUSTER_AUTHORIZATION_FAILED, EXIT_DENIED },
	{ WIRE_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, EXIT_DENIED },
	{ WIRE_DELEGATION_TOKEN_AUTHORIZATION_FAILED, EXIT_DENIED },
	{ WIRE_SASL_AUTHENTICATION_FAILED, EXIT_DENIED },
	{ WIRE_UNSUPPORTED_SASL_MECHANISM, EXIT_DENIED },
	{ WIRE_ILLEGAL_SASL_STATE, EXIT_DENIED },
	{ WIRE_DELEGATION_TOKEN_EXPIRED, EXIT_DENIED },
	{ WIRE_LEADER_NOT_AVAILABLE, EXIT_UNREACHABLE },
	{ WIRE_NOT_LEADER_OR_FOLLOWER, EXIT_UNREACHABLE },
	{ WIRE_REQUEST_TIMED_OUT, EXIT_UNREACHABLE },
	{ WIRE_BROKER_NOT_AVAILABLE, EXIT_UNREACHABLE },
	{ WIRE_REPLICA_NOT_AVAILABLE, EXIT_UNREACHABLE },
	{ WIRE_NETWORK_EXCEPTION, EXIT_UNREACHABLE },
	{ WIRE_COORDINATOR_LOAD_IN_PROGRESS, EXIT_UNREACHABLE },
	{ WIRE_COORDINATOR_NOT_AVAILABLE, EXIT_UNREACHABLE },
	{ WIRE_NOT_COORDINATOR, EXIT_UNREACHABLE },
	{ WIRE_NOT_CONTROLLER, EXIT_UNREACHABLE },
	{ WIRE_LISTENER_NOT_FOUND, EXIT_UNREACHABLE },
	{ WIRE_CORRUPT_MESSAGE, EXIT_BAD_DATA },
	{ WIRE_MESSAGE_TOO_LARGE, EXIT_BAD_DATA },
	{ WIRE_RECORD_LIST_TOO_LARGE, EXIT_BAD_DATA },
	{ WIRE_INVALID_TIMESTAMP, EXIT_BAD_DATA },
	{ WIRE_INVALID_RECORD, EXIT_BAD_DATA },
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
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].code == code)
			return codes[i].status;
	}
	return EXIT_REFUSED;
}
