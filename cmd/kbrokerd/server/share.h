/*
 * share.h - busy io threads give connections to those that are not
 */
#ifndef KBROKERD_SERVER_SHARE_H
#define KBROKERD_SERVER_SHARE_H

#include <stdint.h>

struct io_thread;

enum { SHARE_SAMPLE_US = 50000 }; /* between two looks at how busy it is */

/* Look how busy this thread, which calls, was since the last look. */
void share_sample(struct io_thread *t);

/* How busy a thread was in the last moments, in percent.  Any thread. */
int32_t share_busy(const struct io_thread *t, int64_t now_us);

/*
 * Give some of the connections that keep this thread busy to one that is not,
 * as many as make the two even.
 */
void share_conns(struct io_thread *t);

#endif /* KBROKERD_SERVER_SHARE_H */
