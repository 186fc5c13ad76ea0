/*
 * probe.h - can the clients of a broker reach what it tells them?
 *
 * A broker that can be reached may send its clients to addresses that cannot:
 * every one that it advertises is dialled, from here.
 */
#ifndef KBROKERD_PROBE_H
#define KBROKERD_PROBE_H

#include <stdbool.h>

#include "cli/messages.h"

/*
 * Ask the broker at address (HOST:PORT) whom it advertises and ask each of
 * those something.  A line for each on stdout: its id, its address, and "ok"
 * or what is wrong, between tabs; what is wrong on stderr too.
 *
 * Returns the status to exit with: 0, 3 when the broker itself does not answer,
 * 1 when one that it advertises does not; with only_itself that is a warning
 * and 0, since what is told to others may be out of reach from here.
 */
int probe(const char *address, bool only_itself, struct messages *messages);

#endif /* KBROKERD_PROBE_H */
