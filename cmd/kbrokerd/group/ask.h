/*
 * ask.h - a question to the group coordinator, answered now or later
 *
 * Whoever asks (a request, a test, the simulator) owns it and lends an arena
 * for the answer.  The core answers each exactly once, under the shard's
 * lock: before the function that took it returns, or much later (JoinGroup,
 * SyncGroup), unless it was dropped before.
 *
 * An answer tells what a crash could take back until the log's high watermark
 * has reached its offset; it is not to be sent before.
 */
#ifndef KBROKERD_GROUP_ASK_H
#define KBROKERD_GROUP_ASK_H

#include "base/arena.h"

struct group_ask {
	struct arena *arena; /* of the answer; only touched under the lock */
	/* Who asks, for records and descriptions; live while it is unanswered.
	 */
	struct slice client_id;   /* "" when null */
	struct slice client_host; /* "/127.0.0.1", as Kafka writes it */
	int16_t version;          /* of the request */
	void *answer;             /* the API's response struct, in the arena */
	int64_t offset;           /* the log's, exclusive; 0: true at once */
	/* It has been answered.  Under the shard's lock: pass the news on. */
	void (*on_answer)(struct group_ask *ask);
	/* For the core while it waits: where it hangs, to drop it from. */
	struct group_ask **place;
};

/* Answer it; records below offset must be durable first.  answer NULL says that
 * there was no memory for one: whoever asks closes the connection. */
void group_ask_answer(struct group_ask *ask, void *answer, int64_t offset);

/* Who asks has gone: forget it without an answer.  Harmless when answered. */
void group_ask_drop(struct group_ask *ask);

/* Have it hang at *place until it is answered or dropped; place is NULLed
 * then.  Nothing hangs there yet. */
void group_ask_hang(struct group_ask *ask, struct group_ask **place);

#endif /* KBROKERD_GROUP_ASK_H */
