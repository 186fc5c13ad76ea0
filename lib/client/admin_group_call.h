/*
 * admin_group_call.h - one question to the coordinators of many groups
 *
 * For lib/client only; what others may ask is in admin_groups.h.
 */
#ifndef CLIENT_ADMIN_GROUP_CALL_H
#define CLIENT_ADMIN_GROUP_CALL_H

#include "client/admin_groups.h"

/* Groups of one request. */
struct group_batch {
	struct admin_group **groups;
	size_t count;
	struct admin_answers *answers;
};

struct group_api {
	int16_t key;
	int16_t many_from; /* version that takes several; INT16_MAX: none */
	int16_t max_version;
	/* Fill in the question.  0 or -ENOMEM. */
	int (*ask)(struct client_request *request,
		   const struct group_batch *batch);
	/* Set code and answer of those that the answer tells of.  0, -ENOMEM */
	int (*take)(struct client_request *request,
		    const struct group_batch *batch);
};

/* As admin_ask_groups(). */
int group_call(struct client *client, const struct group_api *api,
	       struct admin_group *groups, size_t count, int64_t timeout_ms,
	       struct admin_answers *answers, struct client_error *error);

/*
 * The group of that name in the batch, or NULL; at is where it is looked for
 * first, since answers come in the order of questions.
 */
struct admin_group *group_batch_find(const struct group_batch *batch, size_t at,
				     struct slice name);

/* The names of the batch as an array of the arena, or NULL. */
struct slice *group_batch_names(const struct group_batch *batch,
				struct arena *arena);

/* Let answers keep the request.  0, or -ENOMEM with the request freed. */
int admin_answers_keep(struct admin_answers *answers,
		       struct client_request *request);

#endif /* CLIENT_ADMIN_GROUP_CALL_H */
