/*
 * producer_state.h - what the files of the producer share
 *
 * producer.c takes records and tells deliveries, producer_topic.c knows what a
 * topic has and takes, producer_id.c asks for the producer id, producer_pump.c
 * decides what goes when, producer_call.c is one Produce request and what its
 * answer means.  For lib/client only.
 */
#ifndef CLIENT_PRODUCER_STATE_H
#define CLIENT_PRODUCER_STATE_H

#include "base/limits.h"
#include "client/producer.h"
#include "client/producer_queue.h"

enum { PRODUCER_SUBJECT_MAX = TOPIC_NAME_MAX + 60 };

struct producer_partition {
	struct producer_topic *topic;
	int32_t index;
	struct producer_queue queue;
	bool is_active;     /* in the producer's list: has batches */
	uint64_t served_in; /* the round in which it was looked at last */
	TAILQ_ENTRY(producer_partition) next;
};

TAILQ_HEAD(partition_list, producer_partition);

struct producer_topic {
	struct producer *producer;
	const struct client_topic *meta;
	struct producer_partition **partitions;
	int32_t partition_count;
	int32_t sticky;    /* where records without a key go now; -1: choose */
	size_t batch_size; /* less than batch.size once it proved too large */

	/* Batches of one record that are too large, until the limit is known */
	struct producer_batch_list too_large;
	struct client_request *limit_request;
	int64_t limit; /* max.message.bytes; 0: not known */
	struct producer_topic *next;
};

/* A Produce request under way. */
struct producer_call {
	struct producer *producer;
	struct client_request *request;
	int32_t node;
	struct producer_batch **batches;
	size_t count;
	TAILQ_ENTRY(producer_call) next;
};

TAILQ_HEAD(call_list, producer_call);

struct producer {
	struct client *client;
	const struct client_config *config;
	struct loop *loop;
	void (*on_delivery)(void *arg,
			    const struct producer_delivery *delivery);
	void *arg;
	struct producer_topic *topics;
	struct partition_list active;
	struct call_list calls;
	struct producer_batch_list over;
	struct producer_batch_list spares;
	int spare_count;
	uint64_t pending;
	uint64_t pending_bytes;

	struct producer_id id;
	struct client_request *id_request;
	bool needs_id;
	int64_t id_retry_at_ms;
	int id_attempts;
	bool has_failed;
	struct client_error failure;

	struct client_watcher watcher;
	struct loop_timer *timer;
	bool is_pumping;
	uint64_t round; /* of send_to(), for served_in */
};

/*
 * Send what may go now and set the timer.  Tells nobody, so that it may be
 * called from anywhere.
 */
void producer_pump(struct producer *p);
void producer_on_timer(void *arg);

/* Tell what is over.  From events of the loop only. */
void producer_deliver(struct producer *p);

/* A fresh batch for the partition, or NULL; and back when it is over. */
struct producer_batch *producer_take_batch(struct producer_partition *pp);
void producer_give_batch(struct producer *p, struct producer_batch *b);
void producer_batches_free(struct producer_batch_list *list);

/* The open batch takes no more. */
void producer_seal(struct producer_partition *pp);

/* The partition may have no batches any more. */
void producer_deactivate(struct producer_partition *pp);

/* The batch, out of its queue, is over. */
void producer_finish(struct producer *p, struct producer_batch *b);

/* The batch, in its queue, has failed. */
void producer_fail_batch(struct producer *p, struct producer_batch *b,
			 const struct client_error *error);

/* Nothing can be produced any more; what is in flight may still succeed. */
void producer_fail_all(struct producer *p, const struct client_error *error);

/* "topic 't' partition 0" */
void producer_subject_of(const struct producer_batch *b, char *text,
			 size_t size);

/* Pause before the next try, after so many. */
int64_t producer_backoff_ms(const struct client_config *config, int attempts);

/* Ask for the producer id, unless it is asked for or its pause runs. */
void producer_id_ask(struct producer *p);

/* -1 for none. */
int32_t producer_leader_of(const struct producer_partition *pp);

/* Follow the metadata: there may be more partitions.  0 or -ENOMEM. */
int producer_topic_grow(struct producer_topic *t);

/*
 * The batch, of one record and with the broker, is larger than the topic
 * takes: it fails once the limit is known.
 */
void producer_topic_too_large(struct producer *p, struct producer_batch *b);
void producer_topic_free(struct producer_topic *t);

/* A request to the node, in the producer's list; NULL when out of memory. */
struct producer_call *producer_call_new(struct producer *p, int32_t node);
int producer_call_add(struct producer_call *call, struct producer_batch *b);

/* Write the message: 0 or -ENOMEM, with the batches as they were. */
int producer_call_fill(struct producer_call *call);

/* Its batches are in flight from now on; the answer is taken care of. */
void producer_call_send(struct producer_call *call);
void producer_call_free(struct producer_call *call);

#endif /* CLIENT_PRODUCER_STATE_H */
