/*
 * fetch_session.h - what consumers fetch, remembered between requests
 *
 * KIP-227.  A client that asks for a session names its partitions once; after
 * that both sides send only what changed: the client other offsets and
 * forgotten partitions, the broker partitions with records, with another high
 * watermark or log start, or with an error.
 *
 * Sessions are in a cache of so many slots.  When it is full a new one takes
 * the place of one that was not used for long, else of an old one that has
 * fewer partitions, else it is not made and the client does without.
 *
 * This is the core: who fetches what and in which order.  It asks no
 * partition; fetch.c does.
 *
 * Locks: the cache has one, each session has one.  A session's may be held
 * when the cache's is taken, not the other way round.
 */
#ifndef KBROKERD_API_FETCH_SESSION_H
#define KBROKERD_API_FETCH_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/random.h"
#include "kbrokerd/partition/partition.h"

struct fetch_request;
struct fetch_session;
struct fetch_sessions;

/* A topic as a request names it; counted by the entries of a session. */
struct fetch_topic {
	struct uuid id;    /* zero before version 13 */
	struct slice name; /* null from version 13 on */
	uint64_t hash;
	int32_t references;
};

/* One partition that is fetched. */
struct fetch_entry {
	struct fetch_topic *topic;
	int32_t partition_index;

	/* What the client asks for. */
	int32_t current_leader_epoch; /* -1: not to be checked */
	int32_t last_fetched_epoch;   /* -1: not to be checked */
	int64_t fetch_offset;
	int32_t max_bytes;

	/* What it was told last; -1: nothing, or an error. */
	int64_t told_high_watermark;
	int64_t told_log_start;

	/* In the session's queue: it may have something to tell. */
	bool queued;
	TAILQ_ENTRY(fetch_entry) in_queue;
	struct fetch_entry *next_in_bucket;

	/* fetch.c's. */
	struct partition *partition; /* a reference, or NULL */
	struct partition_waiter waiter;
	bool looked_at; /* since the client last changed what it asks for */
	bool hooked; /* the waiter is, and was not taken from the ready ones */
	struct partition_offsets seen; /* at the last look */
	int64_t available; /* bytes that it had then for this request */
	/* Gives back what fetch.c put here, before the entry goes; or NULL. */
	void (*on_forget)(struct fetch_entry *e);
};

TAILQ_HEAD(fetch_queue, fetch_entry);

/*
 * slots: max.incremental.fetch.session.cache.slots.  A session that was not
 * used for eviction_ms may go for any other; 0 is Kafka's 120 s.
 */
int fetch_sessions_new(size_t slots, int64_t eviction_ms, struct random *random,
		       struct fetch_sessions **sessions_out);

/* No request may use one any more; the partition table must still be there.
 * NULL does nothing. */
void fetch_sessions_free(struct fetch_sessions *sessions);

size_t fetch_sessions_count(struct fetch_sessions *sessions);

/*
 * The session that the request continues or begins, changed as the request
 * says, locked and with a reference; NULL when the request is to be answered
 * without one.  Returns a wire error code: WIRE_NONE,
 * FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH,
 * FETCH_SESSION_TOPIC_ID_ERROR, or UNKNOWN_SERVER_ERROR when out of memory.
 */
int16_t fetch_sessions_begin(struct fetch_sessions *sessions, int16_t version,
			     const struct fetch_request *request,
			     int64_t now_ms,
			     struct fetch_session **session_out);

/* Have the broker forget a session that its client was not told of. */
void fetch_sessions_drop(struct fetch_sessions *sessions,
			 const struct fetch_session *session);

void fetch_session_lock(struct fetch_session *session);
void fetch_session_unlock(struct fetch_session *session);
void fetch_session_release(struct fetch_session *session);

/* These need the lock. */

int32_t fetch_session_id(const struct fetch_session *session);

/* The epoch that the client's next request must have. */
int32_t fetch_session_epoch(const struct fetch_session *session);

/* Entries that may have something to tell, the longest not served first. */
struct fetch_queue *fetch_session_queue(struct fetch_session *session);
size_t fetch_session_queued(const struct fetch_session *session);
size_t fetch_session_size(const struct fetch_session *session);

/* Where its waiters fire. */
struct partition_wait_set *fetch_session_waits(struct fetch_session *session);

/* Put it at the end of the queue, from wherever it is. */
void fetch_session_enqueue(struct fetch_session *session,
			   struct fetch_entry *e);

/* It has nothing to tell until it is put back. */
void fetch_session_dequeue(struct fetch_session *session,
			   struct fetch_entry *e);

/* What an answer would say of a partition. */
struct fetch_news {
	int64_t high_watermark;
	int64_t log_start;
	bool has_records;
	bool has_error;
	bool diverges;
};

/*
 * Is this to be told to the client of an incremental session?  If so it is
 * taken as told.
 */
bool fetch_entry_tell(struct fetch_entry *e, const struct fetch_news *news);

#endif /* KBROKERD_API_FETCH_SESSION_H */
