/*
 * group_call.h - requests to the group coordinator: asked, waited for,
 * answered
 *
 * A request asks one or more groups, each of its own shard.  It is answered
 * when each has answered and what the answers tell cannot be taken back by a
 * crash: when the high watermark of their logs has passed it.
 */
#ifndef KBROKERD_API_GROUP_CALL_H
#define KBROKERD_API_GROUP_CALL_H

#include "kbrokerd/group/coordinator.h"
#include "kbrokerd/server/request.h"

/* An API about groups.  What is said NULL to may be left out. */
struct group_api {
	const struct wire_desc *answer; /* of what one group is answered */
	/* How many groups it asks; NULL: one. */
	int32_t (*count)(const struct request *req);
	/* Which; NULL: every shard is asked, in order. */
	struct slice (*group_of)(const struct request *req, int32_t i);
	/* An error to answer without asking; NULL: none. */
	int16_t (*check)(const struct request *req, int32_t i);
	void (*run)(struct group_shard *shard, struct group_ask *ask,
		    const void *message, int32_t i);
	/* Fill in what an answer that is an error has beside that, in the
	 * request's arena: 0 or -ENOMEM; NULL: nothing. */
	int (*blank)(struct request *req, int32_t i, void *answer);
	/* Make an answer say error; NULL: in its error_code. */
	void (*fail)(void *answer, int16_t version, int16_t error);
	/* The response, of all answers, in the request's arena; the message is
	 * gone.  NULL: the answer is it.  Returns NULL without memory. */
	void *(*join)(struct request *req, void *const *answers, int32_t count);
};

/* Handle the request: it is answered now, or waits. */
void group_call(struct request *req, const struct group_api *api);

#endif /* KBROKERD_API_GROUP_CALL_H */
