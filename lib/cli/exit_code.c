/*
 * exit_code.c - what a tool's exit status says
 */
#include "cli/exit_code.h"

#include <stddef.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

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
