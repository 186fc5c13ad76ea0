/*
 * fetch_look.h - one look at what is fetched
 *
 * Reads entries one after the other, within the limits of the request, and
 * fills in what an answer would say of them.
 */
#ifndef KBROKERD_API_FETCH_LOOK_H
#define KBROKERD_API_FETCH_LOOK_H

#include "kbrokerd/api/fetch_session.h"
#include "kbrokerd/server/request.h"
#include "wire/messages.h"

typedef struct fetch_response_responses_partitions fetched_partition;

/* What a request asks for, whatever the partition. */
struct fetch_limits {
	int64_t max_bytes; /* of the answer; the first batch in any case */
	bool committed;    /* isolation level */
	bool follower;     /* a replica asks, which we have none of */
};

/* All arrays are of the request's arena. */
struct fetch_look {
	struct request *req;
	const struct fetch_limits *limits;
	const struct image *image; /* a reference, once it was needed */
	fetched_partition *partitions;
	struct fetch_entry **entries;
	struct log_slice *slices; /* references; partitions point to them */
	size_t count;             /* looked at */
	size_t chosen;            /* of these to be told, at the front */
	size_t unknown;           /* of these, of no known topic or partition */
	int64_t bytes;
	int64_t left; /* of limits->max_bytes */
	bool urgent;  /* an error, or epochs that diverge */
};

/* For count entries at most.  Returns 0 or -ENOMEM. */
int fetch_look_begin(struct fetch_look *look, struct request *req,
		     const struct fetch_limits *limits, size_t count);

/* Look at one entry; its part of the answer is filled in. */
void fetch_look_at(struct fetch_look *look, struct fetch_entry *e);

/* Is it none that we have?  Nobody waits less for that. */
bool fetch_look_is_unknown(const fetched_partition *p);

/* No more entries; the slices stay. */
void fetch_look_end(struct fetch_look *look);

/* There is no answer that they go with. */
void fetch_look_drop_slices(struct fetch_look *look);

/* Give back the partition and the waiter on it. */
void fetch_entry_forget(struct fetch_entry *e);

#endif /* KBROKERD_API_FETCH_LOOK_H */
