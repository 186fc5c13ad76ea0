/*
 * consumer_chunk.h - fetched bytes of one partition, record by record
 *
 * The core of the consumer, without sockets: which of the batches that a
 * broker sent are for the reader.  Control batches, batches of aborted
 * transactions, records before the wanted one and a cut last batch are not.
 * For lib/client only.
 */
#ifndef CLIENT_CONSUMER_CHUNK_H
#define CLIENT_CONSUMER_CHUNK_H

#include <sys/queue.h>

#include "record/batch.h"
#include "record/record.h"

struct frame;

/* A received frame that chunks of several partitions lie in. */
struct consumer_frame {
	struct frame *frame;
	int holders;
};

void consumer_frame_release(struct consumer_frame *frame);

/* Records of that producer from first_offset on are to be left out. */
struct consumer_aborter;

struct consumer_aborted {
	int64_t producer_id;
	int64_t first_offset;
};

struct consumer_chunk {
	struct consumer_frame *frame; /* NULL: bytes are someone else's */
	void *owner;                  /* for consumer.c: the partition */
	int32_t node;
	struct slice left; /* batches not begun */
	size_t size;       /* bytes it had */

	/* Only for read_committed; by rising first_offset. */
	struct consumer_aborted *aborted;
	size_t aborted_count;
	size_t aborted_seen; /* of them, that have begun */
	/* Their producers, by rising id, and whether each is inside an aborted
	 * transaction now. */
	struct consumer_aborter *aborters;
	size_t aborter_count;

	bool in_batch; /* iter walks a batch */
	struct batch_header batch;
	TAILQ_ENTRY(consumer_chunk) next;
};

struct consumer_chunk_rules {
	bool check_crcs;
	size_t decompressed_max;
};

/*
 * A chunk of those bytes, which lie in frame; aborted is copied and may be in
 * any order.  NULL when out of memory.
 */
struct consumer_chunk *consumer_chunk_new(
	struct consumer_frame *frame, struct slice records,
	const struct consumer_aborted *aborted, size_t aborted_count);
void consumer_chunk_free(struct consumer_chunk *chunk);

/*
 * The next record at or after *position, which is moved behind it; *iter is
 * the reader's own memory, NULL at first.  Returns 1; 0 at the end of the
 * chunk, with *position behind everything in it; -EBADMSG with *problem_out,
 * -E2BIG (unpacks to too much), -ENOMEM.
 */
int consumer_chunk_next(struct consumer_chunk *chunk,
			const struct consumer_chunk_rules *rules,
			struct record_iter **iter, int64_t *position,
			struct record *record_out, const char **problem_out);

/*
 * The iterator is needed for another chunk: begin the batch again later (what
 * was handed out of it lies before the position).
 */
void consumer_chunk_rewind(struct consumer_chunk *chunk);

/*
 * Look at the whole batches in bytes: where to fetch next (start when there
 * are none), and how many bytes the first needs when even that is cut.
 */
int64_t consumer_chunk_end(struct slice records, int64_t start,
			   size_t *needed_out);

#endif /* CLIENT_CONSUMER_CHUNK_H */
