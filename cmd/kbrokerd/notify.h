/*
 * notify.h - what systemd is told, and what it hands down
 *
 * The protocols of sd_notify(3) and sd_listen_fds(3), of which the little that
 * is needed is a datagram and two variables.
 */
#ifndef KBROKERD_NOTIFY_H
#define KBROKERD_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct notify {
	int fd;              /* -1: nobody wants to know */
	int64_t watchdog_us; /* 0: none; to be fed twice in it */
};

/* By $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID, which are unset: what
 * the broker starts must not speak for it. */
void notify_init(struct notify *n);
void notify_clear(struct notify *n);

/* "READY=1\nSTATUS=..."; lost when nobody takes it. */
__attribute__((format(printf, 2, 3))) void notify_send(struct notify *n,
						       const char *format, ...);

enum { INHERITED_MAX = 32 };

/* Sockets that were open when the process began. */
struct inherited {
	size_t count;
	struct inherited_socket {
		int fd;
		char name[64]; /* of $LISTEN_FDNAMES, or "" */
	} sockets[INHERITED_MAX];
};

/* By $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES, which are unset. */
void inherited_take(struct inherited *in);

#endif /* KBROKERD_NOTIFY_H */
