/*
 * group_state.h - what the files of a group member share
 *
 * group_member.c asks the core what is next and tells the reader;
 * group_coordinator.c finds the coordinator and the protocol;
 * group_classic.c and group_consumer.c speak the two protocols, the former
 * with what group_racks.c knows of racks;
 * group_topics.c knows what is subscribed; group_offsets.c fetches where the
 * group is, group_commit.c stores it.  For lib/client only.
 */
#ifndef CLIENT_GROUP_STATE_H
#define CLIENT_GROUP_STATE_H

#include <sys/queue.h>

#include "client/consumer_protocol.h"
#include "client/group_member.h"
#include "client/member_core.h"

enum { GROUP_ASSIGNORS_MAX = 4 };

struct group_commit_call;
TAILQ_HEAD(group_commit_list, group_commit_call);

/* A topic id and the name that goes with it. */
struct group_topic_name {
	struct uuid id;
	char *name;
};

/* The subscription, and what its patterns matched. */
struct group_topics {
	char **names; /* as asked for by name */
	size_t name_count;
	char *regex; /* of all patterns, for a coordinator; or NULL */
	void *code;  /* the same, compiled; or NULL */
	char **all;  /* names and matches: sorted, each once */
	size_t all_count;
	struct client_request *request; /* for the names of all topics */
	int64_t due_ms;                 /* to ask again; INT64_MAX: never */
};

/* The leader's work. */
struct group_plan {
	struct client_request *join; /* its answer has the members */
	struct consumer_subscription *subscriptions; /* one a member */
	size_t member_count;
	char **topics; /* of all members: sorted, each once */
	size_t topic_count;
	bool is_waiting; /* for metadata of the topics */
	uint64_t shape;  /* of the topics, as planned for */
};

struct group_member {
	struct loop *loop;
	const struct client_config *config;
	struct client *client;
	struct client_watcher watcher;
	struct group_handler handler;
	struct loop_timer *timer;
	struct member_core core;

	const struct assignor *assignors[GROUP_ASSIGNORS_MAX];
	size_t assignor_count;
	struct group_topics topics;
	struct group_plan plan;

	int32_t coordinator;
	bool needs_nodes; /* the coordinator's address is not known */
	struct client_request *request; /* of the membership, under way */

	int64_t patience_ms;
	int64_t failing_since_ms;    /* -1: it is not */
	struct client_error failure; /* the last */
	int64_t leave_by_ms;         /* INT64_MAX: it is not to leave */

	/* Topic ids of the consumer protocol. */
	struct group_topic_name *ids;
	size_t id_count;
	struct client_request *id_request;
	struct partition_set unnamed; /* assigned, their names not known */
	struct partition_set named;   /* the rest of the same assignment */
	int64_t unnamed_due_ms;

	bool is_revoked; /* group_revoked() came: done once commits are */

	/* Told as new by the core, where they start is being asked. */
	struct partition_set arriving;
	struct partition_set told; /* to the reader, and its own */
	struct client_request *offset_request;
	int64_t offsets_due_ms;

	struct group_commit_list commits;
	size_t commit_count;
	struct client_request *commit_request; /* of the first */
	int64_t commit_due_ms;
};

/* group_member.c */

/* Do what is next; from events of the loop only. */
void group_pump(struct group_member *m);
__attribute__((format(printf, 2, 3))) void group_note(struct group_member *m,
						      const char *format, ...);
/* The coordinator cannot be reached, or says that it is none: for the patience,
 * until an answer is WIRE_NONE. */
void group_note_failure(struct group_member *m,
			const struct client_error *error);
/* The membership's request did not come through, or was it out of memory? */
void group_request_failed(struct group_member *m,
			  const struct client_error *error);
/* A broker said so: count it, for the patience, unless it is WIRE_NONE. */
void group_take_code(struct group_member *m, int16_t code, const char *api);
void group_no_memory(struct group_member *m);
/* How long a request may take. */
int64_t group_timeout_ms(const struct group_member *m);
/* Is the request's answer there?  Otherwise the failure is dealt with. */
bool group_has_answer(struct group_member *m, struct client_request *request);

/* group_coordinator.c */
void group_find(struct group_member *m);
void group_choose(struct group_member *m);

/* group_classic.c */
void group_join(struct group_member *m);
void group_plan(struct group_member *m);
void group_sync(struct group_member *m);
void group_beat_classic(struct group_member *m);
void group_leave_classic(struct group_member *m);
/* Metadata has come: go on planning, or has a topic grown? */
void group_plan_check(struct group_member *m);
void group_plan_clear(struct group_plan *plan);

/* group_racks.c */

/* Of each partition, from the arena, until the loop runs; NULL: no memory. */
const struct assignor_racks *group_racks(struct group_member *m,
					 const struct client_topic *topic,
					 struct arena *arena);
/* A digest of shape and of them; without memory it is of less. */
uint64_t group_racks_shape(struct group_member *m,
			   const struct client_topic *topic, uint64_t shape);

/* group_consumer.c */
void group_beat_consumer(struct group_member *m);
void group_leave_consumer(struct group_member *m);
void group_names_pump(struct group_member *m, int64_t now);
void group_names_clear(struct group_member *m);

/* group_topics.c */

/* 0, -EINVAL or -ENOMEM, with *error told. */
int group_topics_init(struct group_topics *t,
		      const struct group_subscription *subscription,
		      struct client_error *error);
void group_topics_clear(struct group_topics *t);
/* See to it that the core becomes ready, and stays up to date. */
void group_topics_pump(struct group_member *m, int64_t now);

/* group_offsets.c */

/* These are new: find out where they start, and tell the reader. */
void group_arrive(struct group_member *m, const struct partition_set *news);
/* These go, whether they were told or not yet; told are among *gone_out. */
void group_depart(struct group_member *m, const struct partition_set *going,
		  struct partition_set *gone_out);
void group_offsets_pump(struct group_member *m, int64_t now);

/* group_commit.c */

/* Send what can be sent.  core.is_committing is true until it is answered. */
void group_commits_pump(struct group_member *m, int64_t now);
/* No more can be sent: tell so, or just forget them. */
void group_commits_end(struct group_member *m, bool is_told);

#endif /* CLIENT_GROUP_STATE_H */
