/*
 * quorum_state.h - the file quorum-state in the metadata log's directory
 *
 * Kafka's JSON text: which epoch the quorum is at, who leads it and whom this
 * node has voted for.  Version 0 names the voters, version 1 (where voters
 * can change) leaves them to the log.
 *
 *	{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,
 *	 "appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}
 */
#ifndef KBROKERD_METADATA_QUORUM_STATE_H
#define KBROKERD_METADATA_QUORUM_STATE_H

#include "base/buffer.h"
#include "base/uuid.h"

enum { QUORUM_VOTERS_MAX = 64 };

struct quorum_state {
	int16_t version; /* 0 or 1 */
	int32_t leader_id;
	int32_t leader_epoch;
	int32_t voted_id;
	struct uuid voted_directory_id;    /* version 1 */
	int32_t voters[QUORUM_VOTERS_MAX]; /* version 0 */
	size_t voter_count;
};

/* Returns 0, or -EBADMSG when text is not such a file. */
int quorum_state_parse(const char *text, size_t len, struct quorum_state *out);

void quorum_state_format(const struct quorum_state *state, struct buffer *text);

#endif /* KBROKERD_METADATA_QUORUM_STATE_H */
