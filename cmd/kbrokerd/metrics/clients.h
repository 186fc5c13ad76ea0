/*
 * clients.h - who writes and reads a topic
 *
 * Client ids and hosts, as they were seen lately: a bounded number of them,
 * of which the longest unseen goes first.
 */
#ifndef KBROKERD_METRICS_CLIENTS_H
#define KBROKERD_METRICS_CLIENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/uuid.h"

enum { CLIENTS_MAX = 4096, CLIENT_TEXT_MAX = 96 };

enum client_deed { CLIENT_WRITES, CLIENT_READS };

struct clients;
struct client_filter; /* of one thread: what it has told already */

struct clients *clients_new(void); /* NULL: out of memory */
void clients_free(struct clients *clients);
struct client_filter *client_filter_new(void); /* NULL: out of memory */
void client_filter_free(struct client_filter *filter);

/* A request for a topic, named by name, or (name null) by id. */
struct client_sight {
	enum client_deed deed;
	struct slice topic;
	struct uuid topic_id;
	const void *conn; /* tells connections apart */
	struct slice client_id;
	const char *peer;     /* "host:port" */
	const char *software; /* or NULL */
	int64_t now_ms;
};

/* Note it; most times the filter says that there is nothing new, and then it
 * costs some nanoseconds. */
void clients_see(struct clients *clients, struct client_filter *filter,
		 const struct client_sight *sight);

struct client_row {
	enum client_deed deed;
	char client_id[CLIENT_TEXT_MAX];
	char host[CLIENT_TEXT_MAX];
	char software[CLIENT_TEXT_MAX];
	int64_t first_ms, last_ms;
};

/* Those of a topic, the last seen first.  Returns how many, at most max. */
size_t clients_list(struct clients *clients, struct slice topic,
		    struct uuid topic_id, struct client_row *rows, size_t max);

#endif /* KBROKERD_METRICS_CLIENTS_H */
