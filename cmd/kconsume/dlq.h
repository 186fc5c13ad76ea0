/*
 * dlq.h - where the records go that a command has failed on (--dlq)
 *
 * To a topic: each as it was, with headers that say where it came from and
 * what went wrong:
 *
 *	x-origin-topic, x-origin-partition, x-origin-offset,
 *	x-origin-timestamp (ms), x-origin-group, x-origin-error
 *
 * each value being text.  To a file: the bytes that the command got, appended
 * and synced.
 */
#ifndef KCONSUME_DLQ_H
#define KCONSUME_DLQ_H

#include "cli/messages.h"
#include "client/client.h"
#include "kconsume/batch.h"

struct dlq;

/*
 * spec is a file if there is a '/' in it, else a topic, which must exist: the
 * loop runs for up to timeout_ms to see.  on_done(arg, error) is called from
 * the loop, once for each dlq_put(), error NULL when all of it is stored.
 * client, group and spec stay the caller's.  EXIT_GO_ON, or a status, said.
 */
int dlq_open(const char *spec, struct client *client, const char *group,
	     int64_t timeout_ms, struct messages *messages,
	     void (*on_done)(void *arg, const struct client_error *error),
	     void *arg, struct dlq **dlq_out);
void dlq_close(struct dlq *d);

/* Does it want batch.keeps_records? */
bool dlq_is_topic(const char *spec);

/*
 * Store the batch, the caller's until on_done(); reason is for the header.
 * Calls on_done(), now or later.
 */
void dlq_put(struct dlq *d, const struct batch *batch, const char *reason);

#endif /* KCONSUME_DLQ_H */
