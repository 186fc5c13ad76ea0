/*
 * admin_describe_groups.c - groups and their members, of either protocol
 *
 * Groups are asked for as what they are said to be, else as classic ones first,
 * which every broker answers, and then as groups of KIP-848.  What members of
 * classic groups subscribe to and have lies in bytes of the clients' own
 * (ConsumerProtocol); bytes that are not what they should be tell nothing.
 */
#include "client/admin_groups.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "client/admin_group_call.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	KEY_DESCRIBE_GROUPS = 15,
	KEY_CONSUMER_GROUP_DESCRIBE = 69,
};

/* Questions */

static int ask_classic(struct client_request *request,
		       const struct group_batch *batch)
{
	struct describe_groups_request *q = client_request_message(request);

	q->groups = group_batch_names(batch, client_request_arena(request));
	q->groups_count = (int32_t)batch->count;
	return q->groups == NULL ? -ENOMEM : 0;
}

static int take_classic(struct client_request *request,
			const struct group_batch *batch)
{
	const struct describe_groups_response *a =
		client_request_answer(request);

	for (int32_t i = 0; i < a->groups_count; i++) {
		const struct describe_groups_response_groups *g = &a->groups[i];
		struct admin_group *group =
			group_batch_find(batch, (size_t)i, g->group_id);

		if (group == NULL)
			continue;
		group->code = g->error_code;
		group->message = g->error_message;
		group->answer = g;
		/* Before version 6 that is how they say so. */
		if (g->error_code == WIRE_NONE &&
		    slice_is(g->group_state, "Dead"))
			group->code = WIRE_GROUP_ID_NOT_FOUND;
	}
	return 0;
}

static int ask_consumer(struct client_request *request,
			const struct group_batch *batch)
{
	struct consumer_group_describe_request *q =
		client_request_message(request);

	q->group_ids = group_batch_names(batch, client_request_arena(request));
	q->group_ids_count = (int32_t)batch->count;
	return q->group_ids == NULL ? -ENOMEM : 0;
}

static int take_consumer(struct client_request *request,
			 const struct group_batch *batch)
{
	const struct consumer_group_describe_response *a =
		client_request_answer(request);

	for (int32_t i = 0; i < a->groups_count; i++) {
		const struct consumer_group_describe_response_groups *g =
			&a->groups[i];
		struct admin_group *group =
			group_batch_find(batch, (size_t)i, g->group_id);

		if (group == NULL)
			continue;
		group->code = g->error_code;
		group->message = g->error_message;
		group->answer = g;
	}
	return 0;
}

static const struct group_api classic_api = { KEY_DESCRIBE_GROUPS, 0, INT16_MAX,
					      ask_classic, take_classic };
static const struct group_api consumer_api = { KEY_CONSUMER_GROUP_DESCRIBE, 0,
					       INT16_MAX, ask_consumer,
					       take_consumer };

/* Texts */

struct teller {
	struct arena *arena;
	bool failed; /* out of memory */
};

static void *room(struct teller *t, int32_t count, size_t size)
{
	void *memory = arena_calloc(t->arena, (size_t)count + 1, size);

	t->failed = t->failed || memory == NULL;
	return memory;
}

/* Null stays NULL. */
static const char *text_of(struct teller *t, struct slice s)
{
	const char *text = slice_is_null(s) ? NULL : arena_text(t->arena, s);

	t->failed = t->failed || (text == NULL && !slice_is_null(s));
	return text;
}

static const char *text_or_empty(struct teller *t, struct slice s)
{
	const char *text = text_of(t, s);

	return text == NULL ? "" : text;
}

/* Java writes addresses as "/10.0.0.1". */
static const char *host_of(struct teller *t, struct slice host)
{
	if (host.len > 0 && host.data[0] == '/')
		host = (struct slice){ host.data + 1, host.len - 1 };
	return text_or_empty(t, host);
}

/* Classic members */

static void tell_assignment(struct teller *t, struct slice bytes,
			    struct admin_member *m)
{
	struct consumer_protocol_assignment a;
	struct admin_partitions *list;
	int16_t version;

	if (wire_versioned_decode(&consumer_protocol_assignment_desc, bytes,
				  t->arena, &version, &a) < 0)
		return;
	list = room(t, a.assigned_partitions_count, sizeof(*list));
	if (list == NULL)
		return;
	for (int32_t i = 0; i < a.assigned_partitions_count; i++) {
		list[i].topic =
			text_or_empty(t, a.assigned_partitions[i].topic);
		list[i].partitions = a.assigned_partitions[i].partitions;
		list[i].count = a.assigned_partitions[i].partitions_count;
	}
	m->assigned = list;
	m->assigned_count = a.assigned_partitions_count;
}

static void tell_subscription(struct teller *t, struct slice bytes,
			      struct admin_member *m)
{
	struct consumer_protocol_subscription s;
	int16_t version;

	if (wire_versioned_decode(&consumer_protocol_subscription_desc, bytes,
				  t->arena, &version, &s) < 0)
		return;
	m->topics = s.topics;
	m->topic_count = s.topics_count;
	m->rack = text_of(t, s.rack_id);
}

static void tell_classic_member(
	struct teller *t, const struct describe_groups_response_groups *g,
	const struct describe_groups_response_groups_members *from,
	struct admin_member *m)
{
	m->id = text_or_empty(t, from->member_id);
	m->instance_id = text_of(t, from->group_instance_id);
	m->client_id = text_or_empty(t, from->client_id);
	m->host = host_of(t, from->client_host);
	m->epoch = -1;
	if (!slice_is(g->protocol_type, "consumer"))
		return;
	tell_assignment(t, from->member_assignment, m);
	tell_subscription(t, from->member_metadata, m);
}

static void tell_classic(struct teller *t,
			 const struct describe_groups_response_groups *g,
			 struct admin_group_info *info)
{
	info->protocol = text_or_empty(t, g->protocol_type);
	info->type = g->protocol_type.len == 0 ? "simple" : "classic";
	info->state = text_or_empty(t, g->group_state);
	info->assignor = text_or_empty(t, g->protocol_data);
	info->members = room(t, g->members_count, sizeof(*info->members));
	if (info->members == NULL)
		return;
	info->member_count = (size_t)g->members_count;
	for (int32_t i = 0; i < g->members_count; i++)
		tell_classic_member(t, g, &g->members[i], &info->members[i]);
}

/* Members of KIP-848 */

typedef const struct
	consumer_group_describe_response_groups_members_assignment_topic_partitions
		assigned_topic;
typedef const struct
	consumer_group_describe_response_groups_members_target_assignment_topic_partitions
		target_topic;

static struct admin_partitions *tell_assigned(struct teller *t,
					      assigned_topic *from,
					      int32_t count)
{
	struct admin_partitions *list = room(t, count, sizeof(*list));

	for (int32_t i = 0; list != NULL && i < count; i++) {
		list[i].topic = text_or_empty(t, from[i].topic_name);
		list[i].partitions = from[i].partitions;
		list[i].count = from[i].partitions_count;
	}
	return list;
}

static struct admin_partitions *tell_target(struct teller *t,
					    target_topic *from, int32_t count)
{
	struct admin_partitions *list = room(t, count, sizeof(*list));

	for (int32_t i = 0; list != NULL && i < count; i++) {
		list[i].topic = text_or_empty(t, from[i].topic_name);
		list[i].partitions = from[i].partitions;
		list[i].count = from[i].partitions_count;
	}
	return list;
}

static void tell_consumer_member(
	struct teller *t,
	const struct consumer_group_describe_response_groups_members *from,
	struct admin_member *m)
{
	m->id = text_or_empty(t, from->member_id);
	m->instance_id = text_of(t, from->instance_id);
	m->rack = text_of(t, from->rack_id);
	m->client_id = text_or_empty(t, from->client_id);
	m->host = host_of(t, from->client_host);
	m->epoch = from->member_epoch;
	m->assigned = tell_assigned(t, from->assignment.topic_partitions,
				    from->assignment.topic_partitions_count);
	m->assigned_count = from->assignment.topic_partitions_count;
	m->target = tell_target(t, from->target_assignment.topic_partitions,
				from->target_assignment.topic_partitions_count);
	m->target_count = from->target_assignment.topic_partitions_count;
	m->topics = from->subscribed_topic_names;
	m->topic_count = from->subscribed_topic_names_count;
	m->regex = text_of(t, from->subscribed_topic_regex);
	if (m->regex != NULL && m->regex[0] == '\0')
		m->regex = NULL;
}

static void tell_consumer(
	struct teller *t,
	const struct consumer_group_describe_response_groups *g,
	struct admin_group_info *info)
{
	info->protocol = "consumer";
	info->type = "consumer";
	info->state = text_or_empty(t, g->group_state);
	info->assignor = text_or_empty(t, g->assignor_name);
	info->epoch = g->group_epoch;
	info->assignment_epoch = g->assignment_epoch;
	info->members = room(t, g->members_count, sizeof(*info->members));
	if (info->members == NULL)
		return;
	info->member_count = (size_t)g->members_count;
	for (int32_t i = 0; i < g->members_count; i++)
		tell_consumer_member(t, &g->members[i], &info->members[i]);
}

/* All of it */

static void begin_info(const struct admin_group *group,
		       struct admin_group_info *info)
{
	*info = (struct admin_group_info){
		.name = group->name,
		.code = group->code,
		.message = group->message,
		.type = "",
		.state = "Dead",
		.protocol = "",
		.assignor = "",
		.coordinator = group->coordinator,
		.epoch = -1,
		.assignment_epoch = -1,
	};
}

/* A question about some of the groups. */
struct asking {
	struct client *client;
	int64_t timeout_ms;
	struct admin_answers *answers;
	struct teller teller;
	struct admin_group *groups; /* all of them */
	struct admin_group_info *infos;
	struct client_error *error;
	struct admin_group *some; /* those that are asked about */
	size_t *places;           /* where each of them is among all */
	size_t some_count;
	size_t count; /* of all */
};

static void pick(struct asking *a, size_t place)
{
	assert(a->some_count < a->count);
	a->places[a->some_count] = place;
	a->some[a->some_count++] = (struct admin_group){
		.name = a->groups[place].name,
		.coordinator = a->groups[place].coordinator,
	};
}

static void take_one(struct asking *a, bool as_consumer, size_t i)
{
	const struct admin_group *group = &a->some[i];
	struct admin_group_info *info = &a->infos[a->places[i]];

	/* A broker without KIP-848 has no such groups. */
	if (as_consumer && group->code == WIRE_UNSUPPORTED_VERSION)
		return;
	a->groups[a->places[i]] = *group;
	begin_info(group, info);
	if (group->code == WIRE_NONE && as_consumer)
		tell_consumer(&a->teller, group->answer, info);
	else if (group->code == WIRE_NONE)
		tell_classic(&a->teller, group->answer, info);
}

/* Those that were picked, as classic ones or as those of KIP-848. */
static int describe_picked(struct asking *a, bool as_consumer)
{
	int rc = group_call(a->client,
			    as_consumer ? &consumer_api : &classic_api, a->some,
			    a->some_count, a->timeout_ms, a->answers, a->error);

	for (size_t i = 0; rc == 0 && i < a->some_count; i++)
		take_one(a, as_consumer, i);
	a->some_count = 0;
	return as_consumer && rc == -ENOTSUP ? 0 : rc;
}

static bool is_consumer(const char *const *types, size_t i)
{
	return types != NULL && types[i] != NULL &&
	       strcasecmp(types[i], "consumer") == 0;
}

/* First each as what it is said to be, those of KIP-848 later: for them there
 * may be a second time, as for those of which nothing was said. */
static int describe_all(struct asking *a, const char *const *types,
			size_t count)
{
	int rc;

	for (size_t i = 0; i < count; i++) {
		if (!is_consumer(types, i))
			pick(a, i);
	}
	rc = describe_picked(a, false);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (a->groups[i].code == WIRE_GROUP_ID_NOT_FOUND)
			pick(a, i);
	}
	if (rc == 0)
		rc = describe_picked(a, true);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (is_consumer(types, i) &&
		    a->groups[i].code == WIRE_GROUP_ID_NOT_FOUND)
			pick(a, i);
	}
	return rc == 0 ? describe_picked(a, false) : rc;
}

int admin_describe_groups(struct client *client, const char *const *names,
			  const char *const *types, size_t count,
			  int64_t timeout_ms, struct admin_answers *answers,
			  struct admin_group_info *infos,
			  struct client_error *error)
{
	struct asking a = {
		.client = client,
		.timeout_ms = timeout_ms,
		.answers = answers,
		.teller = { .arena = &answers->arena },
		.groups = calloc(count + 1, sizeof(*a.groups)),
		.infos = infos,
		.error = error,
		.some = calloc(count + 1, sizeof(*a.some)),
		.places = calloc(count + 1, sizeof(*a.places)),
		.count = count,
	};
	int rc = -ENOMEM;

	if (a.groups != NULL && a.some != NULL && a.places != NULL) {
		for (size_t i = 0; i < count; i++) {
			a.groups[i] = (struct admin_group){
				.name = names[i],
				.coordinator = -1,
				.code = WIRE_GROUP_ID_NOT_FOUND,
			};
			begin_info(&a.groups[i], &infos[i]);
		}
		rc = describe_all(&a, types, count);
	}
	free(a.groups);
	free(a.some);
	free(a.places);
	if (rc == 0 && a.teller.failed)
		rc = -ENOMEM;
	if (rc == -ENOMEM)
		client_error_set(error, CLIENT_REFUSED, rc, "out of memory");
	return rc;
}
