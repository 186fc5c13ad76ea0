/*
 * advertised.h - where clients are told to find this broker
 *
 * A listener that is told nothing ("auto") has clients told the address by
 * which they came in.  What is told may change at any time, for all
 * connections at once: readers take no lock, and see an address as a whole.
 */
#ifndef KBROKERD_ADVERTISED_H
#define KBROKERD_ADVERTISED_H

#include <stdatomic.h>

#include "kbrokerd/config.h"

enum { ADVERTISED_WORDS = 33 }; /* a host of 255 bytes and a port */

struct advertised {
	/* Of each listener of the configuration; see advertised.c. */
	struct advertised_address {
		_Atomic(uint32_t) version; /* odd: it is being changed */
		_Atomic(uint64_t) words[ADVERTISED_WORDS];
	} addresses[LISTENERS_MAX];
};

/*
 * Have listeners told what text says, as the value of advertised.listeners:
 * "auto", or NAME://HOST:PORT,...; those that it does not name are told
 * nothing.  One caller at a time.  Returns 0, or -EINVAL with a text in error
 * and everything as it was.
 */
int advertised_set(struct advertised *a, const struct config *config,
		   const char *text, char *error, size_t error_size);

/*
 * What the clients of a listener are told: false when that is nothing.  A
 * port of 0 is the listener's own.  Any thread.
 */
bool advertised_get(const struct advertised *a, size_t listener, char host[256],
		    int32_t *port_out);

#endif /* KBROKERD_ADVERTISED_H */
