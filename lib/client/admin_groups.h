/*
 * admin_groups.h - what tools ask about groups, with the waiting done
 *
 * A question about a group goes to its coordinator: it is looked up, groups of
 * one coordinator share a request where the api allows it, and coordinators
 * are asked side by side.  While a coordinator moves or loads it is asked
 * again until the time is over.
 */
#ifndef CLIENT_ADMIN_GROUPS_H
#define CLIENT_ADMIN_GROUPS_H

#include "client/client.h"

/* What answers consist of; all zeroes is empty.  Texts live in it. */
struct admin_answers {
	struct client_request **requests;
	size_t count;
	struct arena arena;
};

void admin_answers_clear(struct admin_answers *answers);

/* Listing */

struct admin_listed_group {
	const char *name;
	const char *protocol; /* "consumer"; "" where only offsets are kept */
	const char *state;    /* "Stable"; "" from a broker too old to say */
	const char *type;     /* "Classic", "Consumer", "Share"; or "" */
	int32_t coordinator;
};

enum { /* versions of ListGroups that tell more (KIP-518, KIP-848) */
       ADMIN_LIST_STATES = 4,
       ADMIN_LIST_TYPES = 5,
};

/*
 * All groups, in no order, from all brokers.  min_version 0, or one of the
 * above where the answer makes no sense without.  The list is that of answers.
 * Returns 0 or a negative errno with *error told, also when only one of the
 * brokers fails: half of a list looks like a whole one.
 */
int admin_list_groups(struct client *client, int16_t min_version,
		      int64_t timeout_ms, struct admin_answers *answers,
		      struct admin_listed_group **list_out, size_t *count_out,
		      struct client_error *error);

/* Offsets and life of groups */

struct admin_group_offset {
	const char *topic;
	int32_t partition;
	int64_t offset;        /* -1: none */
	int32_t leader_epoch;  /* -1: not known */
	struct slice metadata; /* what the committer noted, may be null */
	int16_t code;          /* WIRE_NONE, or why not */
};

/* A group that is asked about; code and what follows are the answer. */
struct admin_group {
	const char *name;
	struct admin_group_offset *offsets; /* by topic */
	size_t offset_count;
	int32_t coordinator;  /* -1: not known, also as a question */
	int16_t code;         /* WIRE_NONE, or why there is no answer */
	struct slice message; /* the broker's text to it, or null */
	const void *answer;   /* for lib/client */
};

enum admin_group_question {
	/* Fills offsets in with all that are committed, in answers. */
	ADMIN_FETCH_OFFSETS,
	/* Commits offsets as if by a member of none; fills in their codes. */
	ADMIN_COMMIT_OFFSETS,
	/* Forgets the committed offsets; fills in their codes. */
	ADMIN_FORGET_OFFSETS,
	ADMIN_DELETE_GROUPS,
};

/*
 * Ask about each group.  A refusal is in its code, and so is a coordinator
 * that does not answer (REQUEST_TIMED_OUT).  Returns 0, or a negative errno
 * with *error told when no coordinator answered: -ENOTSUP where the api is not
 * there, with its name and version.
 */
int admin_ask_groups(struct client *client, enum admin_group_question question,
		     struct admin_group *groups, size_t count,
		     int64_t timeout_ms, struct admin_answers *answers,
		     struct client_error *error);

/* Describing */

struct admin_partitions {
	const char *topic;
	const int32_t *partitions;
	int32_t count;
};

struct admin_member {
	const char *id;
	const char *instance_id; /* NULL: not a static one (KIP-345) */
	const char *rack;        /* or NULL */
	const char *client_id;
	const char *host; /* address */
	int32_t epoch;    /* KIP-848; -1 for classic groups */
	const struct admin_partitions *assigned;
	int32_t assigned_count;
	/* What it is to have once the group has settled (KIP-848). */
	const struct admin_partitions *target;
	int32_t target_count;
	const struct slice *topics; /* that it subscribes to */
	int32_t topic_count;
	const char *regex; /* that it subscribes to, or NULL */
};

struct admin_group_info {
	const char *name;
	int16_t code;         /* GROUP_ID_NOT_FOUND: there is none */
	struct slice message; /* the broker's text to it, or null */
	const char *type;     /* "classic", "consumer", "simple" */
	const char *state;    /* "Stable", "Empty" ... */
	const char *protocol; /* "consumer"; "" for simple ones */
	const char *assignor; /* "range"; "" for none */
	int32_t coordinator;
	int32_t epoch;            /* KIP-848, else -1 */
	int32_t assignment_epoch; /* KIP-848, else -1 */
	struct admin_member *members;
	size_t member_count;
};

/*
 * Describe the groups, classic and of KIP-848, in the order of names.  types
 * are what admin_list_groups() or an earlier description told, for then one
 * question is enough; NULL, all of them or one, is not known.  Errors as of
 * admin_ask_groups(); a broker that knows no KIP-848 has only classic groups.
 * infos has room for count; its texts are those of answers, but type is static.
 */
int admin_describe_groups(struct client *client, const char *const *names,
			  const char *const *types, size_t count,
			  int64_t timeout_ms, struct admin_answers *answers,
			  struct admin_group_info *infos,
			  struct client_error *error);

#endif /* CLIENT_ADMIN_GROUPS_H */
