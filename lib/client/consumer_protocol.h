/*
 * consumer_protocol.h - what members of classic consumer groups tell each other
 *
 * Brokers pass these bytes on without a look.  Written in version 3, with
 * topics and partitions sorted, as by the Java client; read in any version, a
 * newer one as far as version 3 goes.  User data of sticky: what the member
 * had, and the generation; of cooperative-sticky: the generation.
 */
#ifndef CLIENT_CONSUMER_PROTOCOL_H
#define CLIENT_CONSUMER_PROTOCOL_H

#include "base/buffer.h"
#include "client/assignor.h"

/* A member's subscription, as its leader sees it. */
struct consumer_subscription {
	struct arena arena;  /* of topics and rack */
	const char **topics; /* sorted, each once */
	size_t topic_count;
	struct partition_set owned; /* as the assignor of the name counts it */
	int32_t generation;         /* -1 */
	const char *rack;           /* or NULL */
};

/* What a member says of itself; topics are sorted. */
struct consumer_facts {
	const char *const *topics;
	size_t topic_count;
	const struct partition_set *owned; /* now */
	int32_t generation;                /* now; -1 */
	const struct partition_set *last;  /* that it was assigned */
	int32_t last_generation;           /* then; -1: never */
	const char *rack;                  /* or NULL */
};

/* Append the subscription for an assignor.  0, -ENOMEM or -EOVERFLOW. */
int consumer_subscription_encode(const struct assignor *assignor,
				 const struct consumer_facts *facts,
				 struct buffer *out);

/* 0, -EBADMSG or -ENOMEM; clear it either way.  User data that makes no sense
 * counts as none. */
int consumer_subscription_decode(const struct assignor *assignor,
				 struct slice bytes,
				 struct consumer_subscription *out);
void consumer_subscription_clear(struct consumer_subscription *s);

/* An assignment: in version 3 as well, without user data. */
int consumer_assignment_encode(const struct partition_set *partitions,
			       struct buffer *out);

/* Empty bytes are an empty assignment.  0, -EBADMSG or -ENOMEM. */
int consumer_assignment_decode(struct slice bytes, struct partition_set *out);

#endif /* CLIENT_CONSUMER_PROTOCOL_H */
