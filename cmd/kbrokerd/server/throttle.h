/*
 * throttle.h - requests and the quotas of those who ask
 *
 * Who goes beyond a quota is answered at once, told for how long it is to be
 * silent, and not read from for that time (KIP-219).
 */
#ifndef KBROKERD_SERVER_THROTTLE_H
#define KBROKERD_SERVER_THROTTLE_H

#include <stdint.h>

struct pending;
struct server;

/* Look up where the answers of each API have their throttle time. */
void throttle_init(struct server *s);

/* Its handler begins to work, or stops for a while: for the quota of time. */
void throttle_begin_work(struct pending *p);
void throttle_end_work(struct pending *p);

/*
 * It is about to be answered with message (NULL: it has no answer): count it,
 * and put the time that it costs into the message.  Returns that, in ms.
 */
int32_t throttle_answer(struct pending *p, void *message);

#endif /* KBROKERD_SERVER_THROTTLE_H */
