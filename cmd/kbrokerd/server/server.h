/*
 * server.h - sockets, threads, connections and requests of one broker
 *
 * Knows Kafka's frames and headers and calls the handlers of api/; decides
 * nothing else.
 */
#ifndef KBROKERD_SERVER_SERVER_H
#define KBROKERD_SERVER_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "kbrokerd/advertised.h"
#include "kbrokerd/server/budget.h"
#include "kbrokerd/server/doorman.h"
#include "kbrokerd/server/listener.h"
#include "kbrokerd/server/observer.h"

struct api;
struct broker;
struct io_thread;
struct logger;

/* Which APIs it serves: the row of a key, or NULL. */
typedef const struct api *server_find_api(int16_t key);

enum { THROTTLED_APIS = 128 };

struct server {
	struct broker *broker;
	_Atomic(const struct config *)
		config; /* another when it is read again */
	const struct logger *logger;
	struct clock *clock;
	server_find_api *find_api;
	int64_t stuck_us; /* half a request may pause so long, short of memory
			   */
	int32_t busy_from_percent; /* a thread shares its connections */
	struct budget budget;      /* of half received requests */
	struct doorman doorman;
	struct listener listeners[LISTENERS_MAX];
	size_t listener_count;
	struct advertised advertised; /* where clients are told to find us */
	struct io_thread *threads;
	int32_t thread_count;
	_Atomic int32_t conn_count;
	_Atomic int32_t connections_max; /* as it is set now */
	const struct server_observer *observers[OBSERVERS_MAX];
	size_t observer_count;
	/* Where the response of each API has throttle_time_ms, or -1. */
	int16_t throttle_offset[THROTTLED_APIS];
};

/*
 * Bind every listener of the configuration: their ports are known then, and
 * clients can connect, but nobody answers yet.  Returns 0, or a negative errno
 * with a text in error and everything undone.
 */
int server_open(struct broker *broker, server_find_api *find_api,
		struct server **server_out, char *error, size_t error_size);

/*
 * The same in two steps, for who does not have the directory of the unix
 * sockets before it is known that the ports are free: server_open_ports(),
 * then server_open_locals().  When the second fails the server is the
 * caller's to free.
 */
int server_open_ports(struct broker *broker, server_find_api *find_api,
		      struct server **server_out, char *error,
		      size_t error_size);
int server_open_locals(struct server *s, char *error, size_t error_size);

/* Does each thread turn its loop within patience_ms?  Any other thread. */
bool server_is_alive(struct server *s, int64_t patience_ms);

/* Start the threads and answer.  Returns 0 or a negative errno. */
int server_start(struct server *s);

/* The port of the first listener that has one, or -1. */
int32_t server_port(const struct server *s);

/*
 * Accept no more, answer what is being handled, wake long polls, close all
 * connections; wait for that patience_ms at most.
 */
void server_stop(struct server *s, int64_t patience_ms);

/* After whatever may wake a request has ended.  NULL is allowed. */
void server_free(struct server *s);

/* Close the listeners.  On the first thread, or when that does not run. */
void server_stop_accepting(struct server *s);

/*
 * The thread that the next connection is to live on: the first, unless that is
 * busy.  What is on one thread wakes each other without a system call, and the
 * other processors sleep.
 */
struct io_thread *server_choose_thread(struct server *s);

#endif /* KBROKERD_SERVER_SERVER_H */
