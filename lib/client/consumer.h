/*
 * consumer.h - records from partitions, without a group
 *
 * Partitions are added with where to start and where to stop.  Records are
 * fetched ahead, up to queued.max.messages.kbytes; consumer_next() hands them
 * out one by one without waiting:
 *
 *	while ((rc = consumer_next(consumer, &record)) == 0 &&
 *	       !consumer_is_done(consumer))
 *		loop_run_once(loop, -1);
 *
 * With isolation.level=read_committed records of aborted transactions are
 * left out and those of open ones wait.  Control records never show.
 */
#ifndef CLIENT_CONSUMER_H
#define CLIENT_CONSUMER_H

#include "client/client.h"
#include "record/batch.h"
#include "record/record.h"

struct consumer;

enum consumer_place {
	CONSUMER_BEGINNING,
	CONSUMER_END,
	CONSUMER_OFFSET,   /* value */
	CONSUMER_FROM_END, /* value records before the end, not below start */
	CONSUMER_FROM_BEGINNING, /* value offsets after the beginning */
	CONSUMER_TIME,    /* first record at or after value, ms; else the end */
	CONSUMER_NOWHERE, /* as a stop: go on for ever */
};

struct consumer_position {
	enum consumer_place place;
	int64_t value;
};

struct consumer_record {
	const char *topic;
	int32_t partition;
	struct record record;             /* slices: see consumer_next() */
	const struct batch_header *batch; /* as the slices */
	int64_t high_watermark;           /* of the partition as last heard */
	int32_t leader;                   /* node id that sent it */
};

struct consumer_handler {
	/*
	 * There may be something for consumer_next(), or it has ended or
	 * failed.  May be NULL.
	 */
	void (*on_ready)(void *arg);
	/*
	 * The position is where the stop is, or (stop NOWHERE) at the end for
	 * now, then again after each further record.  May be NULL.
	 */
	void (*on_end)(void *arg, const char *topic, int32_t partition,
		       int64_t offset);
	/* Something to tell at -v: a retried error. */
	void (*on_note)(void *arg, const char *text);
	/*
	 * Records were or may have been left out: the offset was out of range,
	 * and auto.offset.reset says where it goes on.  NULL: on_note().
	 */
	void (*on_reset)(void *arg, const char *text);
	void *arg;
};

/* Returns 0 or -ENOMEM.  handler is copied; NULL has no functions. */
int consumer_new(struct client *client, const struct consumer_handler *handler,
		 struct consumer **consumer_out);
void consumer_free(struct consumer *consumer);

/*
 * An error of a partition or broker that lasts longer is the consumer's end;
 * below 0 (the default) it is tried for ever.  A broker that is mute for as
 * long is such an error.
 */
void consumer_set_patience(struct consumer *consumer, int64_t ms);

/*
 * What keeps a partition from being read, tried again as it is, and since when
 * (of the loop's clock); NULL when nothing does.  The one that lasts longest.
 */
const struct client_error *consumer_trouble_now(const struct consumer *consumer,
						int64_t *since_ms_out);

/*
 * Somebody who knows, a group's coordinator, says what is to be added: what
 * metadata does not know yet is waited for, like a broker that is away.
 */
void consumer_expect(struct consumer *consumer);

/*
 * Consume the partition from start up to stop (exclusive).  END and the
 * others are looked up once, now: a stop at the END is where the partition
 * ends as of this call (the last stable offset for read_committed).  Whether
 * the partition exists shows later.  0, -EEXIST, -ENOMEM.
 */
int consumer_add(struct consumer *consumer, const char *topic,
		 int32_t partition, struct consumer_position start,
		 struct consumer_position stop);

/* Forget the partition and what was fetched of it.  0 or -ENOENT. */
int consumer_remove(struct consumer *consumer, const char *topic,
		    int32_t partition);

/* Keep what was fetched but fetch and hand out no more, or go on. */
int consumer_pause(struct consumer *consumer, const char *topic,
		   int32_t partition, bool paused);

/*
 * The next record: 1, its slices valid until the next call here or until the
 * loop runs; 0 when none is there now; or below 0 when the consumer
 * has failed for good, with consumer_error(): -EBADMSG for corrupt records,
 * -ENOENT no such topic or partition, -ERANGE offset out of range with
 * auto.offset.reset=error, -ETIMEDOUT and others after its patience.
 */
int consumer_next(struct consumer *consumer,
		  struct consumer_record *record_out);

const struct client_error *consumer_error(const struct consumer *consumer);

/* Have all partitions come to their stop, and every record been taken? */
bool consumer_is_done(const struct consumer *consumer);

/* Offset of the next record to hand out; -1 as long as it is not known. */
int64_t consumer_offset(const struct consumer *consumer, const char *topic,
			int32_t partition);

/* Fetched bytes that wait for consumer_next(). */
size_t consumer_queued_bytes(const struct consumer *consumer);

#endif /* CLIENT_CONSUMER_H */
