/*
 * consumer_write.c - records of a consumer group, as Kafka 4.2 writes them
 */
#include "kbrokerd/group/consumer_turn.h"

/* Version of each record's value. */
enum { VALUE_VERSION = 0 };

/* Memory for a key or value; the changes know when there is none. */
static void *make(struct consumer_turn *turn, size_t size)
{
	void *made = arena_calloc(&turn->arena, 1, size);

	if (made == NULL)
		turn->changes.failed = true;
	return made;
}

static void add(struct consumer_turn *turn, int16_t type, const void *key,
		const void *value)
{
	group_changes_add(&turn->changes, type, key, VALUE_VERSION, value);
}

static struct slice group_id(const struct consumer_turn *turn)
{
	return turn->c->group->id;
}

void consumer_write_group(struct consumer_turn *turn)
{
	struct consumer_group_metadata_key *key = make(turn, sizeof(*key));
	struct consumer_group_metadata_value *value =
		make(turn, sizeof(*value));

	if (key == NULL || value == NULL)
		return;
	key->group_id = group_id(turn);
	value->epoch = turn->epoch;
	value->metadata_hash = turn->metadata_hash;
	add(turn, RECORD_CONSUMER_METADATA, key, value);
}

static struct consumer_group_member_metadata_key *member_key(
	struct consumer_turn *turn, struct slice member_id)
{
	struct consumer_group_member_metadata_key *key =
		make(turn, sizeof(*key));

	if (key != NULL) {
		key->group_id = group_id(turn);
		key->member_id = member_id;
	}
	return key;
}

/* The three keys of a member look the same. */
_Static_assert(
	sizeof(struct consumer_group_member_metadata_key) ==
		sizeof(struct consumer_group_target_assignment_member_key),
	"a group and a member");
_Static_assert(
	sizeof(struct consumer_group_member_metadata_key) ==
		sizeof(struct consumer_group_current_member_assignment_key),
	"a group and a member");

void consumer_write_facts(struct consumer_turn *turn, struct slice member_id,
			  const struct consumer_facts *facts)
{
	struct consumer_group_member_metadata_value *value =
		make(turn, sizeof(*value));

	if (value == NULL)
		return;
	*value = (struct consumer_group_member_metadata_value){
		.instance_id = facts->instance_id,
		.rack_id = facts->rack_id,
		.client_id = facts->client_id,
		.client_host = facts->client_host,
		.subscribed_topic_names = facts->subscription->names,
		.subscribed_topic_names_count = facts->subscription->name_count,
		.subscribed_topic_regex = facts->subscription->pattern,
		.rebalance_timeout_ms = facts->rebalance_timeout_ms,
		.server_assignor = facts->assignor,
		.classic_member_metadata = (consumer_classic *)facts->classic,
	};
	add(turn, RECORD_CONSUMER_MEMBER, member_key(turn, member_id), value);
}

void consumer_write_target_epoch(struct consumer_turn *turn, int32_t epoch)
{
	struct consumer_group_target_assignment_metadata_key *key =
		make(turn, sizeof(*key));
	struct consumer_group_target_assignment_metadata_value *value =
		make(turn, sizeof(*value));

	if (key == NULL || value == NULL)
		return;
	key->group_id = group_id(turn);
	value->assignment_epoch = epoch;
	add(turn, RECORD_CONSUMER_TARGET_METADATA, key, value);
}

void consumer_write_target(struct consumer_turn *turn, struct slice member_id,
			   const struct assignment *target)
{
	struct consumer_group_target_assignment_member_value *value =
		make(turn, sizeof(*value));

	if (value == NULL)
		return;
	value->topic_partitions = assignment_to_wire(&turn->arena, target);
	value->topic_partitions_count = target->count;
	if (value->topic_partitions == NULL)
		turn->changes.failed = true;
	add(turn, RECORD_CONSUMER_TARGET_MEMBER, member_key(turn, member_id),
	    value);
}

void consumer_write_progress(struct consumer_turn *turn, struct slice member_id,
			     const struct consumer_progress *progress)
{
	struct consumer_group_current_member_assignment_value *value =
		make(turn, sizeof(*value));

	if (value == NULL)
		return;
	value->member_epoch = progress->epoch;
	value->previous_member_epoch = progress->previous_epoch;
	value->state = progress->state;
	value->assigned_partitions =
		assignment_to_wire(&turn->arena, &progress->assigned);
	value->assigned_partitions_count = progress->assigned.count;
	value->partitions_pending_revocation =
		assignment_to_wire(&turn->arena, &progress->revoking);
	value->partitions_pending_revocation_count = progress->revoking.count;
	if (value->assigned_partitions == NULL ||
	    value->partitions_pending_revocation == NULL)
		turn->changes.failed = true;
	add(turn, RECORD_CONSUMER_CURRENT_MEMBER, member_key(turn, member_id),
	    value);
}

static struct consumer_group_regular_expression_key *pattern_key(
	struct consumer_turn *turn, struct slice text)
{
	struct consumer_group_regular_expression_key *key =
		make(turn, sizeof(*key));

	if (key != NULL) {
		key->group_id = group_id(turn);
		key->regular_expression = text;
	}
	return key;
}

void consumer_write_pattern(struct consumer_turn *turn,
			    const struct consumer_resolved *resolved)
{
	struct consumer_group_regular_expression_value *value =
		make(turn, sizeof(*value));

	if (value == NULL)
		return;
	value->topics = resolved->topics;
	value->topics_count = resolved->topic_count;
	value->version = (int64_t)turn->shard->topics->version;
	value->timestamp = turn->shard->wall_ms;
	add(turn, RECORD_CONSUMER_REGEX, pattern_key(turn, resolved->pattern),
	    value);
}

void consumer_unwrite_member(struct consumer_turn *turn, struct slice id)
{
	add(turn, RECORD_CONSUMER_CURRENT_MEMBER, member_key(turn, id), NULL);
	add(turn, RECORD_CONSUMER_TARGET_MEMBER, member_key(turn, id), NULL);
	add(turn, RECORD_CONSUMER_MEMBER, member_key(turn, id), NULL);
}

void consumer_unwrite_pattern(struct consumer_turn *turn, struct slice text)
{
	add(turn, RECORD_CONSUMER_REGEX, pattern_key(turn, text), NULL);
}

static struct consumer_group_metadata_key *group_key(
	struct group_changes *changes, struct slice id)
{
	struct consumer_group_metadata_key *key =
		arena_calloc(changes->arena, 1, sizeof(*key));

	if (key != NULL)
		key->group_id = id;
	return key;
}

void consumer_unwrite_partition_metadata(struct consumer_turn *turn)
{
	add(turn, RECORD_CONSUMER_PARTITION_METADATA,
	    group_key(&turn->changes, group_id(turn)), NULL);
}

static void drop_members(const struct consumer_group *c, int16_t type,
			 struct group_changes *changes)
{
	const struct consumer_member *member;

	for (member = c->members; member != NULL; member = member->hh.next) {
		struct consumer_group_member_metadata_key *key =
			arena_calloc(changes->arena, 1, sizeof(*key));

		if (key != NULL) {
			key->group_id = c->group->id;
			key->member_id = member->id;
		}
		group_changes_add(changes, type, key, 0, NULL);
	}
}

static void drop_patterns(const struct consumer_group *c,
			  struct group_changes *changes)
{
	const struct consumer_pattern *pattern;

	for (pattern = c->patterns; pattern != NULL;
	     pattern = pattern->hh.next) {
		struct consumer_group_regular_expression_key *key;

		if (!pattern->is_resolved)
			continue;
		key = arena_calloc(changes->arena, 1, sizeof(*key));
		if (key != NULL) {
			key->group_id = c->group->id;
			key->regular_expression = pattern->text;
		}
		group_changes_add(changes, RECORD_CONSUMER_REGEX, key, 0, NULL);
	}
}

/* In Kafka's order: whoever reads half of it finds nothing that hangs in the
 * air. */
void consumer_delete(const struct group *group, struct group_changes *changes)
{
	const struct consumer_group *c = group->consumer;

	drop_members(c, RECORD_CONSUMER_CURRENT_MEMBER, changes);
	drop_members(c, RECORD_CONSUMER_TARGET_MEMBER, changes);
	group_changes_add(changes, RECORD_CONSUMER_TARGET_METADATA,
			  group_key(changes, group->id), 0, NULL);
	drop_members(c, RECORD_CONSUMER_MEMBER, changes);
	drop_patterns(c, changes);
	group_changes_add(changes, RECORD_CONSUMER_PARTITION_METADATA,
			  group_key(changes, group->id), 0, NULL);
	group_changes_add(changes, RECORD_CONSUMER_METADATA,
			  group_key(changes, group->id), 0, NULL);
}
