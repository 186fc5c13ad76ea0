/*
 * frame_conn.h - one outgoing connection that speaks frames
 *
 * A frame is a big-endian int32 length and that many bytes.  A received one
 * lies whole in one buffer that is handed over; a sent one is a list of
 * pieces that stay the caller's until they are on their way.
 *
 * A connection lives once: opened, connected, closed.  Every event comes from
 * the loop, none from within frame_conn_send() or frame_conn_open(), and after
 * on_closed() there is none.  TLS and SASL will stand between connecting and
 * on_connected().
 */
#ifndef NET_FRAME_CONN_H
#define NET_FRAME_CONN_H

#include <sys/queue.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "net/loop.h"

/* Received bytes, and memory to use again. */
struct frame {
	uint8_t *data; /* without the length in front */
	size_t len;
	size_t capacity;
	struct frame_pool *pool;
	SLIST_ENTRY(frame) spare;
};

/* Keeps a few large buffers, so that big frames need no fresh pages. */
struct frame_pool {
	SLIST_HEAD(frame_list, frame) spares;
	size_t count;
};

/* All zeroes is an empty pool.  It outlives its frames. */
void frame_pool_clear(struct frame_pool *pool);

/* Room for len bytes; NULL when out of memory.  pool may be NULL. */
struct frame *frame_new(struct frame_pool *pool, size_t len);
void frame_free(struct frame *frame);

/*
 * Something to send.  The struct, the pieces and their bytes stay valid and
 * as they are until on_sent() or on_closed(), or until the answer to them has
 * come.  The length in front of the frame is among the pieces.
 */
struct frame_send {
	struct iovec *pieces; /* are changed while being written */
	int count;
	bool notify; /* call on_sent() */
	STAILQ_ENTRY(frame_send) next;
};

struct frame_conn_handler {
	void (*on_connected)(void *arg);
	/* frame is the callee's, to end with frame_free(). */
	void (*on_frame)(void *arg, struct frame *frame);
	/* All of send is with the kernel; may be NULL. */
	void (*on_sent)(void *arg, struct frame_send *send);
	/*
	 * It is over: -ECONNREFUSED, -ETIMEDOUT, -ECONNRESET and so on; -EPIPE
	 * when the peer closed; -EBADMSG for a frame of negative length,
	 * -EMSGSIZE for one over the limit; -ENOENT when the name does not
	 * resolve.  text says it for people, valid during the call.  Free the
	 * connection now or later.
	 */
	void (*on_closed)(void *arg, int rc, const char *text);
};

struct frame_conn_options {
	const char *host; /* name, literal, or unix:/path */
	uint16_t port;
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	int64_t connect_timeout_ms;
	size_t frame_bytes_max;
	int send_buffer_bytes; /* 0: the system's */
	int receive_buffer_bytes;
	bool keepalive;
	bool nagle;
	struct frame_pool *pool; /* of received frames, or NULL */
};

struct frame_conn;

/*
 * Start to connect; the addresses of the name are tried in turn within the
 * timeout.  Names other than literals and localhost are looked up by a thread
 * of their own.  options and its texts are not kept.  Returns 0 or -ENOMEM;
 * everything else comes as on_closed().
 */
int frame_conn_open(struct loop *loop, const struct frame_conn_options *options,
		    const struct frame_conn_handler *handler, void *arg,
		    struct frame_conn **conn_out);

/* Closes without a further event; what was not sent is let go. */
void frame_conn_free(struct frame_conn *conn);

/* Send it behind what waits already; connected or not, no matter. */
void frame_conn_send(struct frame_conn *conn, struct frame_send *send);

/* Bytes received so far: whether more come, where an answer is long. */
uint64_t frame_conn_received(const struct frame_conn *conn);

/* Bytes that wait to be sent. */
size_t frame_conn_unsent(const struct frame_conn *conn);

#endif /* NET_FRAME_CONN_H */
