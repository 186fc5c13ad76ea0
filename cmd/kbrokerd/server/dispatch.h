/*
 * dispatch.h - from a received frame to the handler of its API
 */
#ifndef KBROKERD_SERVER_DISPATCH_H
#define KBROKERD_SERVER_DISPATCH_H

#include <stddef.h>
#include <stdint.h>

struct conn;

/*
 * Handle the frame, of which nothing has been looked at.  What it decodes to
 * points into it, and a handler may change its records.  A frame that cannot
 * be answered fails the connection.
 */
void dispatch_frame(struct conn *conn, uint8_t *frame, size_t len);

#endif /* KBROKERD_SERVER_DISPATCH_H */
