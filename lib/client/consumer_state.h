/*
 * consumer_state.h - what the files of the consumer share
 *
 * consumer.c hands records out, consumer_lookup.c turns places into offsets,
 * consumer_fetch.c asks brokers for records.
 */
#ifndef CLIENT_CONSUMER_STATE_H
#define CLIENT_CONSUMER_STATE_H

#include "client/consumer.h"
#include "client/consumer_chunk.h"

/* Offsets of a partition that may have to be asked for, a bit each. */
enum consumer_want {
	WANT_EARLIEST = 1,
	WANT_LATEST = 2,
	WANT_START_TIME = 4,
	WANT_STOP_TIME = 8,
	WANT_COUNT = 4,
};

struct consumer_topic;
struct consumer_lookup;

struct consumer_partition {
	struct consumer_topic *topic;
	int32_t index;
	struct consumer_position start;
	struct consumer_position stop;

	unsigned wanted; /* WANT bits that are not known */
	/* By bit number: who asks for it now, and what was found. */
	const struct consumer_lookup *lookups[WANT_COUNT];
	int64_t found[WANT_COUNT];
	bool is_placed; /* position and stop_offset are known */
	/*
	 * The start lies behind the stop, so that only a Fetch shows whether
	 * there is such an offset.
	 */
	bool is_doubtful;
	bool is_done; /* position is at stop_offset */
	bool is_paused;
	bool was_refused;       /* by the last answer */
	bool was_fetched;       /* once, without an error */
	bool was_reset;         /* and has had no answer since */
	int64_t position;       /* to hand out next */
	int64_t fetch_offset;   /* to fetch next */
	int64_t stop_offset;    /* INT64_MAX for none */
	int64_t end_offset;     /* as last heard; -1 */
	int64_t high_watermark; /* as last heard; -1 */
	int64_t end_told;       /* on_end() was called at; -1 */
	size_t queued_bytes;
	size_t chunks;
	size_t fetch_bytes; /* more than configured, for one large batch; 0 */

	int32_t read_from; /* a near replica, or -1: the leader */
	int32_t session;   /* node whose session has it, or -1 */
	int64_t session_offset;

	int64_t retry_at_ms;
	int64_t failing_since_ms; /* -1: it is not */
	struct client_error error;
};

struct consumer_topic {
	const struct client_topic *meta;
	struct consumer_partition **partitions; /* by index; NULL: not ours */
	int32_t count;                          /* of that array */
};

struct consumer_node {
	int32_t id;
	struct consumer *consumer;
	struct client_request *request; /* the Fetch under way */
	size_t asked_bytes;
	int32_t session_id;
	int32_t session_epoch;
	bool start_over; /* the session is to be made anew */
};

TAILQ_HEAD(consumer_chunk_list, consumer_chunk);
TAILQ_HEAD(consumer_lookup_list, consumer_lookup);

struct consumer {
	struct client *client;
	const struct client_config *config;
	struct loop *loop;
	struct consumer_handler handler;
	int64_t patience_ms;
	bool is_expecting; /* consumer_expect() */

	struct consumer_topic **topics;
	size_t topic_count;
	size_t partition_count;
	struct consumer_node **nodes;
	size_t node_count;
	struct consumer_lookup_list lookups;

	struct consumer_chunk_list chunks; /* in the order of arrival */
	size_t queued_bytes;
	struct record_iter *iter;

	bool has_failed;
	struct client_error error;
	struct client_watcher watcher;
	struct loop_timer *timer;
};

/* Walk all partitions: *t and *i start as 0; NULL at the end. */
struct consumer_partition *consumer_each(const struct consumer *c, size_t *t,
					 int32_t *i);

struct consumer_partition *consumer_find(const struct consumer *c,
					 struct slice topic, struct uuid id,
					 int32_t index);

/* Node to fetch from, or -1 while there is none. */
int32_t consumer_source(const struct consumer_partition *p);

/* Do what is to be done now: look up, fetch, set the timer. */
void consumer_pump(struct consumer *c);
/* Tell that something has changed; from events of the loop only. */
void consumer_ready(struct consumer *c);

/* How long a broker may be mute that owes an answer. */
int64_t consumer_timeout_ms(const struct consumer *c);

/* The partition has trouble; it is tried again after pause_ms. */
void consumer_trouble(struct consumer *c, struct consumer_partition *p,
		      const struct client_error *error, int64_t pause_ms);
void consumer_fail(struct consumer *c, const struct client_error *error);

/* A broker's code for the partition: trouble, or failure. */
void consumer_take_code(struct consumer *c, struct consumer_partition *p,
			int16_t code);

/* The partition has come to its stop: nothing of it is handed out any more. */
void consumer_finish(struct consumer *c, struct consumer_partition *p);
/* Has it, or is it at the end for now?  Tells so. */
void consumer_check_end(struct consumer *c, struct consumer_partition *p);

/* All that it wanted is known: fix position and stop. */
void consumer_place(struct consumer *c, struct consumer_partition *p);

/* Position it anew, keeping its stop. */
void consumer_place_at(struct consumer *c, struct consumer_partition *p,
		       enum consumer_place place);
/* What the places of the partition need to be asked for. */
unsigned consumer_wants(const struct consumer_partition *p, bool with_stop);
void consumer_lookup_send(struct consumer *c);
void consumer_lookup_clear(struct consumer *c);

void consumer_fetch_send(struct consumer *c);
void consumer_fetch_clear(struct consumer *c);
void consumer_fetch_forget(struct consumer *c, struct consumer_partition *p);

#endif /* CLIENT_CONSUMER_STATE_H */
