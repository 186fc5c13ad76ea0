/*
 * produce_batch.h - one batch of a produce request: its checks and refusals
 */
#ifndef KBROKERD_API_PRODUCE_BATCH_H
#define KBROKERD_API_PRODUCE_BATCH_H

#include "base/buffer.h"
#include "kbrokerd/metadata/topic_config.h"
#include "kbrokerd/server/request.h"
#include "record/batch.h"
#include "wire/messages.h"

typedef struct produce_response_responses_partition_responses produced_row;

/* What is to be appended where. */
struct produce_batch {
	struct request *req;
	const struct topic_image *topic; /* NULL: unknown */
	int32_t index;
	struct slice bytes; /* in the receive buffer, or repacked */
	struct batch_header header;
	struct topic_config config;
	struct buffer repacked; /* when the topic wants another codec */
};

/* Put the error and its text into the row. */
__attribute__((format(printf, 4, 5))) void produce_fail(struct request *req,
							produced_row *row,
							int16_t error,
							const char *format,
							...);

/*
 * What can be seen before the topic's rules are known.  Part of a batch behind
 * the first is cut off.  Returns whether all is well; if not the row says why.
 */
bool produce_batch_check_form(struct produce_batch *b, produced_row *row);

/*
 * Check the batch against the topic's rules (b->config); give it the topic's
 * codec and time.  Returns as the one above.
 */
bool produce_batch_check(struct produce_batch *b, produced_row *row);

/* Say in the row why partition_append() has failed. */
void produce_batch_fail_append(const struct produce_batch *b, produced_row *row,
			       int rc, enum log_refusal refusal);

#endif /* KBROKERD_API_PRODUCE_BATCH_H */
