/*
 * consumer_describe.c - what others ask of a consumer group: its description,
 * its state, whether a member may commit
 */
#include <errno.h>

#include "kbrokerd/group/consumer_state.h"
#include "wire/enums.h"
#include "wire/error_codes.h"
#include "wire/wire.h"

typedef struct consumer_group_describe_response_groups described_group;
typedef struct consumer_group_describe_response_groups_members described_member;
typedef struct
	consumer_group_describe_response_groups_members_assignment_topic_partitions
		described_topic;

_Static_assert(
	sizeof(struct
	       consumer_group_describe_response_groups_members_assignment) ==
		sizeof(struct
		       consumer_group_describe_response_groups_members_target_assignment),
	"a list of topics");

/* State */

static bool is_stable(const struct consumer_group *c)
{
	const struct consumer_member *member;

	for (member = c->members; member != NULL; member = member->hh.next) {
		if (member->is_member &&
		    (member->progress.state != WIRE_MEMBER_STATE_STABLE ||
		     member->progress.epoch != c->assignment_epoch))
			return false;
	}
	return true;
}

const char *consumer_state(const struct group *group)
{
	const struct consumer_group *c = group->consumer;

	if (c->member_count == 0)
		return "Empty";
	if (c->epoch > c->assignment_epoch)
		return "Assigning";
	return is_stable(c) ? "Stable" : "Reconciling";
}

int32_t consumer_member_count(const struct group *group)
{
	return group->consumer->member_count;
}

bool consumer_has_members(const struct group *group)
{
	return group->consumer->member_count > 0;
}

static bool has_name(const struct slice *names, int32_t count,
		     struct slice name)
{
	for (int32_t i = 0; i < count; i++) {
		if (slice_equal(names[i], name))
			return true;
	}
	return false;
}

bool consumer_subscribes(const struct group *group, struct slice topic)
{
	const struct consumer_group *c = group->consumer;
	const struct consumer_subscription *s;
	const struct consumer_pattern *pattern;

	for (s = c->subscriptions; s != NULL; s = s->hh.next) {
		if (s->members > 0 && has_name(s->names, s->name_count, topic))
			return true;
	}
	for (pattern = c->patterns; pattern != NULL;
	     pattern = pattern->hh.next) {
		if (has_name(pattern->topics, pattern->topic_count, topic))
			return true;
	}
	return false;
}

/* As in Kafka, its offsets age from when each was committed. */
int64_t consumer_empty_since(const struct group *group)
{
	(void)group;
	return -1;
}

void consumer_topics_changed(struct group *group)
{
	group->consumer->topics_changed = true;
}

/* Description */

/* Topics that are gone are left out. */
static int put_topics(const struct group_topics *topics, struct arena *arena,
		      const struct assignment *a, described_topic **list_out,
		      int32_t *count_out)
{
	described_topic *list =
		arena_calloc(arena, (size_t)a->count, sizeof(*list));

	*list_out = list;
	for (int32_t i = 0; list != NULL && i < a->count; i++) {
		const struct assignment_topic *from = &a->topics[i];
		size_t bytes = (size_t)from->count * sizeof(int32_t);
		described_topic *to = &list[*count_out];
		struct group_topic topic;

		if (!topics->by_id(topics, &from->id, &topic))
			continue;
		to->topic_id = from->id;
		to->topic_name = arena_copy(arena, topic.name);
		to->partitions = arena_alloc(arena, bytes);
		to->partitions_count = from->count;
		if (to->partitions == NULL || slice_is_null(to->topic_name))
			return -ENOMEM;
		memcpy(to->partitions, from->partitions, bytes);
		(*count_out)++;
	}
	return list == NULL ? -ENOMEM : 0;
}

static int put_names(struct arena *arena, const struct consumer_subscription *s,
		     described_member *out)
{
	out->subscribed_topic_names =
		arena_calloc(arena, (size_t)s->name_count,
			     sizeof(*out->subscribed_topic_names));
	if (out->subscribed_topic_names == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < s->name_count; i++) {
		struct slice *to = &out->subscribed_topic_names[i];

		*to = arena_copy(arena, s->names[i]);
		if (slice_is_null(*to))
			return -ENOMEM;
		out->subscribed_topic_names_count++;
	}
	out->subscribed_topic_regex = arena_copy(arena, s->pattern);
	return slice_is_null(out->subscribed_topic_regex) ? -ENOMEM : 0;
}

static int put_member(const struct group_topics *topics, struct arena *arena,
		      const struct consumer_member *member,
		      described_member *out)
{
	const struct consumer_facts *facts = &member->facts;
	described_topic *target;
	int rc;

	wire_init(&consumer_group_describe_response_groups_members_desc, out);
	out->member_id = arena_copy(arena, member->id);
	out->instance_id = arena_copy(arena, facts->instance_id);
	out->rack_id = arena_copy(arena, facts->rack_id);
	out->client_id = arena_copy(arena, facts->client_id);
	out->client_host = arena_copy(arena, facts->client_host);
	out->member_epoch = member->progress.epoch;
	out->member_type = facts->classic == NULL ? WIRE_MEMBER_TYPE_CONSUMER
						  : WIRE_MEMBER_TYPE_CLASSIC;
	if (slice_is_null(out->member_id) || slice_is_null(out->client_id) ||
	    slice_is_null(out->client_host))
		return -ENOMEM;
	rc = put_names(arena, facts->subscription, out);
	if (rc == 0)
		rc = put_topics(topics, arena, &member->progress.assigned,
				&out->assignment.topic_partitions,
				&out->assignment.topic_partitions_count);
	if (rc == 0)
		rc = put_topics(topics, arena, &member->target, &target,
				&out->target_assignment.topic_partitions_count);
	if (rc == 0)
		out->target_assignment.topic_partitions = (void *)target;
	return rc;
}

void consumer_count_assignor(const struct group_settings *settings,
			     struct slice name, int32_t *counts)
{
	for (int32_t k = 0; k < settings->assignor_count; k++)
		counts[k] += slice_is(name, settings->assignors[k]);
}

const char *consumer_first_assignor(const struct group_settings *settings,
				    const int32_t *counts)
{
	int32_t best = 0;

	for (int32_t k = 1; k < settings->assignor_count; k++) {
		if (counts[k] > counts[best])
			best = k;
	}
	return settings->assignors[best];
}

static const char *assignor_name(const struct group *group)
{
	const struct group_settings *settings = group->shard->settings;
	const struct consumer_member *member;
	int32_t counts[GROUP_ASSIGNORS_MAX] = { 0 };

	for (member = group->consumer->members; member != NULL;
	     member = member->hh.next)
		consumer_count_assignor(settings, member->facts.assignor,
					counts);
	return consumer_first_assignor(settings, counts);
}

int consumer_describe(const struct group *group, struct arena *arena,
		      struct consumer_group_describe_response_groups *out)
{
	const struct consumer_group *c = group->consumer;
	const struct consumer_member *member;

	out->group_state = slice_of(consumer_state(group));
	out->group_epoch = c->epoch;
	out->assignment_epoch = c->assignment_epoch;
	out->assignor_name = arena_copy(arena, slice_of(assignor_name(group)));
	out->members = arena_calloc(arena, (size_t)c->member_count,
				    sizeof(*out->members));
	out->members_count = 0;
	if (out->members == NULL || slice_is_null(out->assignor_name))
		return -ENOMEM;
	for (member = c->members; member != NULL; member = member->hh.next) {
		int rc;

		if (!member->is_member)
			continue;
		rc = put_member(group->shard->topics, arena, member,
				&out->members[out->members_count]);
		if (rc != 0)
			return rc;
		out->members_count++;
	}
	return 0;
}

/* Offsets */

/* From this version of OffsetCommit on an epoch is understood (KIP-848). */
enum { COMMIT_VERSION_OF_EPOCHS = 9 };

static int16_t check_epoch(const struct consumer_member *member, int32_t epoch)
{
	if (epoch == member->progress.epoch)
		return WIRE_NONE;
	return member->facts.classic != NULL ? WIRE_ILLEGAL_GENERATION
					     : WIRE_STALE_MEMBER_EPOCH;
}

int16_t consumer_check_commit(struct group *group, struct slice member_id,
			      struct slice instance_id, int32_t epoch,
			      int16_t version)
{
	const struct consumer_group *c = group->consumer;
	const struct consumer_member *member;

	(void)instance_id;
	if (epoch < 0 && c->member_count == 0)
		return WIRE_NONE;
	member = consumer_find(c, member_id);
	if (member == NULL)
		return WIRE_UNKNOWN_MEMBER_ID;
	if (member->facts.classic == NULL && version < COMMIT_VERSION_OF_EPOCHS)
		return WIRE_UNSUPPORTED_VERSION;
	return check_epoch(member, epoch);
}

int16_t consumer_check_fetch(struct group *group, struct slice member_id,
			     int32_t epoch)
{
	const struct consumer_member *member;

	if (slice_is_null(member_id) && epoch < 0)
		return WIRE_NONE;
	member = slice_is_null(member_id)
			 ? NULL
			 : consumer_find(group->consumer, member_id);
	if (member == NULL)
		return WIRE_UNKNOWN_MEMBER_ID;
	return check_epoch(member, epoch);
}
