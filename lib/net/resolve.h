/*
 * resolve.h - from a name to addresses, without stopping the loop
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <netdb.h>

#include "net/loop.h"

struct resolve;

/*
 * The addresses of a literal or of localhost: known at once.  Returns 0 with
 * *list_out for freeaddrinfo(3), or -EAGAIN when the name must be looked up.
 */
int resolve_now(const char *host, uint16_t port, int family,
		struct addrinfo **list_out);

/*
 * Look up in a thread of its own; on_done(arg, list, gai) in the loop, once:
 * list is the callee's, or NULL with gai for gai_strerror(3).  Returns 0,
 * -ENOMEM, or another error of pthread_create(3) or eventfd(2).
 */
int resolve_start(struct loop *loop, const char *host, uint16_t port,
		  int family,
		  void (*on_done)(void *arg, struct addrinfo *list, int gai),
		  void *arg, struct resolve **resolve_out);

/* Not before it was done: forget about it.  After on_done(): release. */
void resolve_free(struct resolve *resolve);

#endif /* NET_RESOLVE_H */
