/*
 * conn.h - one client's connection
 *
 * It lives on one io thread; only while nothing of it is under way it may move.
 * See conn.c for its life.
 */
#ifndef KBROKERD_SERVER_CONN_H
#define KBROKERD_SERVER_CONN_H

#include <event2/event_struct.h>
#include <netinet/in.h>
#include <sys/queue.h>

#include "base/bytes.h"
#include "base/uuid.h"
#include "kbrokerd/server/input.h"
#include "kbrokerd/server/io_thread.h"

struct listener;
struct meter;
struct mute;
struct outbox;

enum { CONN_INFLIGHT_MAX = 64 };

union peer_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct conn {
	struct io_thread *thread;
	struct listener *listener;
	int fd;                /* -1: closed, lives for its orphans only */
	bool reading, writing; /* the events are on */
	bool eof;              /* the client sends nothing more */
	bool closing;          /* ends at the next settling */
	bool is_dirty, is_starving;
	bool stalled; /* received requests wait for those before them */
	int32_t inflight;
	int32_t orphans;
	struct input in;
	struct outbox *out; /* NULL: nothing unsent */
	struct mute *mute;  /* NULL: it may be read from */
	struct pending_list queue;
	int64_t heard_us; /* of the last byte */
	TAILQ_ENTRY(conn) link, dirty_link, starving_link;
	struct event on_readable, on_writable;
	union peer_address peer;
	char *peer_text;       /* made when asked for */
	char *software_text;   /* "librdkafka/2.3.0", or NULL */
	struct uuid telemetry; /* the client instance that it is; zero: none */
	struct meter *meter;   /* of metrics/, which counts what it moves */
};

/* What a listener hands to a thread. */
struct arrival {
	struct arrival *next;
	struct listener *listener;
	int fd;
	union peer_address peer;
};

/* Start to read from an accepted socket; the arrival stays the caller's.  The
 * socket is closed when there is no memory. */
void conn_open(struct io_thread *t, const struct arrival *arrival);

/* May it live on another thread now?  Nothing of it waits here. */
bool conn_can_move(const struct conn *conn);

/* Leave its thread for another, which calls conn_arrive(). */
void conn_leave(struct conn *conn, struct io_thread *to);
void conn_arrive(struct conn *conn);

/* Send what can be sent, go on reading what can be read, or end: what
 * io_thread_settle() does with a dirty one. */
void conn_settle(struct conn *conn);

/* Look at it again at the end of this turn. */
void conn_mark(struct conn *conn);

/* End it at the end of this turn, and log why unless that is NULL. */
void conn_fail(struct conn *conn, const char *why, int16_t api_key,
	       int16_t version, struct slice client_id);

/* The box for its next answer; NULL when out of memory. */
struct outbox *conn_outbox(struct conn *conn);

/* Read nothing from it for so long; a longer time that runs stays. */
void conn_mute(struct conn *conn, int32_t ms);

/* Read from it before that time is over. */
void conn_unmute(struct conn *conn);

/* Whom quotas know it as: "ANONYMOUS". */
struct slice conn_user(const struct conn *conn);

/* An orphan has ended: free the connection with its last. */
void conn_release(struct conn *conn);

/* Count it as heard of now. */
void conn_heard(struct conn *conn);

/* "127.0.0.1:40312" */
const char *conn_peer(struct conn *conn);

/* The address that it came in on, without port; "localhost" for a unix socket.
 */
void conn_local_address(const struct conn *conn, char *host, size_t host_size);

/* What ApiVersions told; kept for logs. */
void conn_set_software(struct conn *conn, struct slice name,
		       struct slice version);

/* Name and version of it; null when it did not tell. */
struct slice conn_software(const struct conn *conn, struct slice *version_out);

/* The client's address without port, "127.0.0.1"; returns the port. */
enum { CONN_HOST_MAX = 64 };
int conn_peer_host(const struct conn *conn, char *host, size_t host_size);

/* It is the connection of a client instance that pushes metrics. */
void conn_set_telemetry(struct conn *conn, struct uuid instance_id);

/* No request and nothing to send. */
bool conn_is_quiet(const struct conn *conn);

/* Read nothing more; what is being handled is answered. */
void conn_wind_down(struct conn *conn);

#endif /* KBROKERD_SERVER_CONN_H */
