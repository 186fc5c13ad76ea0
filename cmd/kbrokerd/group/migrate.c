/*
 * migrate.c - groups that go over from one protocol to the other
 *
 * Either way is one batch of records: tombstones of what it was, and what it
 * is.  The first of them frees what was in memory, so that everything the
 * others say is copied before.
 */
#include "kbrokerd/group/migrate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "kbrokerd/group/classic_group.h"
#include "kbrokerd/group/consumer_embedded.h"
#include "kbrokerd/group/consumer_turn.h"
#include "wire/enums.h"
#include "wire/error_codes.h"
#include "wire/wire.h"

enum {
	GROUP_METADATA_VERSION = 3, /* as Kafka 4.2 writes it */
	AGAIN_MS = 1000,
};

typedef struct
	consumer_group_member_metadata_value_classic_member_metadata_supported_protocols
		classic_protocol_value;

/* A copy that outlives the group; null stays null. */
static struct slice keep(struct arena *arena, struct slice text, bool *failed)
{
	struct slice copy = arena_copy(arena, text);

	if (slice_is_null(copy) && !slice_is_null(text))
		*failed = true;
	return copy;
}

/* To a consumer group */

__attribute__((format(printf, 3, 4))) static int16_t cannot(
	struct arena *arena, const char **text_out, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	*text_out = arena_printf(arena, "%s", text);
	return WIRE_GROUP_ID_NOT_FOUND;
}

static int16_t check_upgrade(const struct group *group, struct arena *arena,
			     const char **text_out)
{
	const struct classic_group *classic = group->classic;
	const struct group_settings *settings = group->shard->settings;
	int32_t size = classic_group_size(classic);
	static const char start[] = "Cannot upgrade classic group %.*s to "
				    "consumer group because %s.";
	const char *why = NULL;

	if ((settings->migration & MIGRATION_UPGRADE) == 0)
		why = "online upgrade is disabled "
		      "(group.consumer.migration.policy)";
	else if (!slice_is(classic->protocol_type, "consumer"))
		why = "the group does not use the consumer embedded protocol";
	else if (size > settings->consumer_max_size)
		why = "the group size exceeds the consumer group maximum size "
		      "(group.consumer.max.size)";
	if (why == NULL)
		return 0;
	return cannot(arena, text_out, start, (int)group->id.len,
		      (const char *)group->id.data, why);
}

/* A classic member as one of a consumer group. */
struct moving {
	struct slice id;
	struct consumer_facts facts;
	struct consumer_progress progress;
};

static const consumer_classic *keep_classic(const struct classic_member *m,
					    struct arena *arena, bool *failed)
{
	size_t count = (size_t)m->protocols->count;
	consumer_classic *classic = arena_calloc(arena, 1, sizeof(*classic));
	classic_protocol_value *list =
		arena_calloc(arena, count, sizeof(*list));

	if (classic == NULL || list == NULL) {
		*failed = true;
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		list[i].name = keep(arena, m->protocols->items[i].name, failed);
		list[i].metadata =
			keep(arena, m->protocols->items[i].metadata, failed);
	}
	classic->session_timeout_ms = m->session_timeout_ms;
	classic->supported_protocols = list;
	classic->supported_protocols_count = m->protocols->count;
	return classic;
}

/* What it says in the protocol of the group, or its first. */
static struct slice metadata_of(const struct classic_member *m)
{
	const struct classic_group *classic = m->group->classic;

	if (!slice_is_null(classic->protocol))
		return classic_member_metadata(m, classic->protocol);
	return m->protocols->items[0].metadata;
}

static int move_facts(const struct classic_member *m,
		      struct consumer_turn *turn, struct moving *out)
{
	struct consumer_protocol_subscription wanted;
	struct arena *arena = &turn->arena;
	bool failed = false;
	int rc = embedded_read_subscription(metadata_of(m), arena, &wanted);

	if (rc != 0)
		return rc;
	out->id = keep(arena, m->id, &failed);
	out->facts = (struct consumer_facts){
		.instance_id = keep(arena, m->instance_id, &failed),
		.rack_id = wanted.rack_id.len == 0
				   ? SLICE_NULL
				   : keep(arena, wanted.rack_id, &failed),
		.client_id = keep(arena, m->client_id, &failed),
		.client_host = keep(arena, m->client_host, &failed),
		.rebalance_timeout_ms = m->rebalance_timeout_ms,
		.classic = keep_classic(m, arena, &failed),
		.subscription =
			consumer_subscribe(turn->c, wanted.topics,
					   wanted.topics_count, SLICE_NULL),
	};
	return failed || out->facts.subscription == NULL ? -ENOMEM : 0;
}

/* -EXDEV: its assignment says more than partitions. */
static int move_progress(const struct classic_member *m,
			 struct consumer_turn *turn, struct moving *out)
{
	struct consumer_protocol_assignment assigned;
	int rc;

	out->progress = (struct consumer_progress){
		.epoch = turn->epoch,
		.previous_epoch = turn->epoch,
		.state = WIRE_MEMBER_STATE_STABLE,
	};
	if (m->assignment.len == 0)
		return 0;
	rc = embedded_read_assignment(m->assignment, &turn->arena, &assigned);
	if (rc != 0)
		return rc;
	if (assigned.user_data.len > 0)
		return -EXDEV;
	return embedded_find_topics(
		&turn->arena, turn->shard->topics, assigned.assigned_partitions,
		assigned.assigned_partitions_count, &out->progress.assigned);
}

static int move_members(const struct classic_group *classic,
			struct consumer_turn *turn, struct moving *moving,
			int32_t *count_out)
{
	const struct classic_member *m;
	int rc = 0;

	for (m = classic->members; rc == 0 && m != NULL; m = m->hh.next) {
		struct moving *out = &moving[(*count_out)++];

		rc = move_facts(m, turn, out);
		if (rc == 0)
			rc = move_progress(m, turn, out);
	}
	return rc;
}

/* In Kafka's order. */
static void write_moved(struct consumer_turn *turn, const struct moving *moving,
			int32_t count)
{
	classic_delete(turn->c->group, &turn->changes);
	for (int32_t i = 0; i < count; i++)
		consumer_write_facts(turn, moving[i].id, &moving[i].facts);
	consumer_write_group(turn);
	for (int32_t i = 0; i < count; i++)
		consumer_write_target(turn, moving[i].id,
				      &moving[i].progress.assigned);
	consumer_write_target_epoch(turn, turn->epoch);
	for (int32_t i = 0; i < count; i++)
		consumer_write_progress(turn, moving[i].id,
					&moving[i].progress);
}

static int16_t why_not(const struct group *group, struct arena *arena, int rc,
		       const char **text_out)
{
	static const char *const texts[] = {
		"Cannot upgrade classic group %.*s to consumer group because "
		"the embedded consumer protocol is malformed.",
		"Cannot upgrade classic group %.*s to consumer group because "
		"an unsupported custom assignor is in use. Please refer to the "
		"documentation or switch to a default assignor before "
		"re-attempting the upgrade.",
	};

	if (rc != -EBADMSG && rc != -EXDEV)
		return group_commit_error(rc);
	*text_out = arena_printf(arena, texts[rc == -EXDEV], (int)group->id.len,
				 (const char *)group->id.data);
	return WIRE_GROUP_ID_NOT_FOUND;
}

int16_t migrate_to_consumer(struct group *group, struct arena *arena,
			    const char **text_out)
{
	const struct classic_group *classic = group->classic;
	int16_t error = check_upgrade(group, arena, text_out);
	struct consumer_turn turn;
	struct moving *moving;
	int32_t count = 0;
	int rc = -ENOMEM;

	if (error != 0)
		return error;
	if (consumer_get(group) == NULL)
		return group_commit_error(-ENOMEM);
	consumer_turn_init(&turn, group->shard, group->consumer);
	turn.epoch = classic->generation;
	moving = arena_calloc(&turn.arena, (size_t)classic_group_size(classic),
			      sizeof(*moving));
	if (moving != NULL)
		rc = move_members(classic, &turn, moving, &count);
	if (rc == 0) {
		write_moved(&turn, moving, count);
		rc = group_commit(group->shard, &turn.changes, NULL);
	}
	for (int32_t i = 0; i < count; i++)
		consumer_unsubscribe(turn.c, moving[i].facts.subscription);
	consumer_turn_clear(&turn);
	if (rc == 0) {
		consumer_loaded(group);
		return 0;
	}
	if (classic == group->classic)
		consumer_free(group, 0);
	return why_not(group, arena, rc, text_out);
}

/* To a classic group */

static bool stays(const struct consumer_member *m)
{
	return m->is_member && !m->is_leaving;
}

bool migrate_is_due(const struct consumer_group *c)
{
	const struct group_settings *settings = c->group->shard->settings;
	const struct consumer_member *member;
	int32_t stay = 0;

	if (c->classic_count == 0 ||
	    (settings->migration & MIGRATION_DOWNGRADE) == 0)
		return false;
	for (member = c->members; member != NULL; member = member->hh.next) {
		if (stays(member) && member->facts.classic == NULL)
			return false;
		stay += stays(member);
	}
	return stay > 0 && stay <= settings->max_size;
}

static bool can_do(const struct consumer_member *m, struct slice protocol)
{
	const consumer_classic *classic = m->facts.classic;

	for (int32_t i = 0; i < classic->supported_protocols_count; i++) {
		if (slice_equal(classic->supported_protocols[i].name, protocol))
			return true;
	}
	return false;
}

static bool all_can(const struct consumer_group *c, struct slice protocol)
{
	const struct consumer_member *m;

	for (m = c->members; m != NULL; m = m->hh.next) {
		if (stays(m) && !can_do(m, protocol))
			return false;
	}
	return true;
}

/* A protocol that all can do, and who wants it most. */
struct candidate {
	struct slice name;
	int32_t votes;
};

static int32_t list_candidates(const struct consumer_group *c,
			       struct candidate *list)
{
	const struct consumer_member *m = c->members;
	const consumer_classic *classic;
	int32_t count = 0;

	while (!stays(m))
		m = m->hh.next;
	classic = m->facts.classic;
	for (int32_t i = 0; i < classic->supported_protocols_count &&
			    count < CLASSIC_PROTOCOLS_MAX;
	     i++) {
		if (all_can(c, classic->supported_protocols[i].name))
			list[count++].name =
				classic->supported_protocols[i].name;
	}
	return count;
}

/* For the first of its protocols that all can do. */
static void count_vote(const struct consumer_member *m, struct candidate *list,
		       int32_t count)
{
	const consumer_classic *classic = m->facts.classic;

	for (int32_t i = 0; i < classic->supported_protocols_count; i++) {
		for (int32_t k = 0; k < count; k++) {
			if (!slice_equal(classic->supported_protocols[i].name,
					 list[k].name))
				continue;
			list[k].votes++;
			return;
		}
	}
}

/* The one that most vote for; null when they have none in common. */
static struct slice choose_protocol(const struct consumer_group *c)
{
	struct candidate list[CLASSIC_PROTOCOLS_MAX] = { 0 };
	int32_t count = list_candidates(c, list);
	const struct consumer_member *m;
	int32_t best = 0;

	for (m = c->members; m != NULL; m = m->hh.next) {
		if (stays(m))
			count_vote(m, list, count);
	}
	for (int32_t k = 1; k < count; k++) {
		if (list[k].votes > list[best].votes)
			best = k;
	}
	return list[best].name;
}

static struct slice protocol_metadata(const struct consumer_member *m,
				      struct slice protocol)
{
	const consumer_classic *classic = m->facts.classic;

	for (int32_t i = 0; i < classic->supported_protocols_count; i++) {
		if (slice_equal(classic->supported_protocols[i].name, protocol))
			return classic->supported_protocols[i].metadata;
	}
	return slice_of("");
}

/* All that it can do, for when it is in the classic group: the record has only
 * the chosen one. */
struct skills {
	struct slice id;
	struct join_group_request_protocols *protocols;
	int32_t count;
};

static void keep_skills(const struct consumer_member *m, struct arena *arena,
			struct skills *out, bool *failed)
{
	const consumer_classic *classic = m->facts.classic;

	out->id = keep(arena, m->id, failed);
	out->count = classic->supported_protocols_count;
	out->protocols = arena_calloc(arena, (size_t)out->count,
				      sizeof(*out->protocols));
	if (out->protocols == NULL) {
		*failed = true;
		return;
	}
	for (int32_t i = 0; i < out->count; i++) {
		out->protocols[i].name = keep(
			arena, classic->supported_protocols[i].name, failed);
		out->protocols[i].metadata =
			keep(arena, classic->supported_protocols[i].metadata,
			     failed);
	}
}

static void put_member(const struct consumer_member *m, struct arena *arena,
		       struct slice protocol,
		       struct group_metadata_value_members *out, bool *failed)
{
	const struct consumer_facts *facts = &m->facts;
	struct slice metadata = protocol_metadata(m, protocol);

	out->member_id = keep(arena, m->id, failed);
	out->group_instance_id = keep(arena, facts->instance_id, failed);
	out->client_id = keep(arena, facts->client_id, failed);
	out->client_host = keep(arena, facts->client_host, failed);
	out->rebalance_timeout = facts->rebalance_timeout_ms;
	out->session_timeout = facts->classic->session_timeout_ms;
	out->subscription = keep(arena, metadata, failed);
	out->assignment = embedded_write_assignment(
		arena, m->consumer->group->shard->topics, &m->target, metadata);
	if (slice_is_null(out->assignment))
		*failed = true;
}

static int put_group(const struct consumer_group *c, struct arena *arena,
		     struct group_metadata_value *value, struct skills *skills)
{
	struct slice protocol = choose_protocol(c);
	const struct consumer_member *m;
	bool failed = false;

	wire_init(&group_metadata_value_desc, value);
	value->protocol_type = slice_of("consumer");
	value->generation = c->epoch;
	value->protocol = keep(arena, protocol, &failed);
	value->current_state_timestamp = c->group->shard->wall_ms;
	value->members = wire_array(&group_metadata_value_members_desc, arena,
				    c->member_count);
	if (value->members == NULL)
		return -ENOMEM;
	value->members_count = 0;
	for (m = c->members; m != NULL; m = m->hh.next) {
		int32_t i = value->members_count;

		if (!stays(m))
			continue;
		put_member(m, arena, protocol, &value->members[i], &failed);
		keep_skills(m, arena, &skills[i], &failed);
		value->members_count++;
	}
	value->leader = value->members[0].member_id;
	return failed ? -ENOMEM : 0;
}

/* What the record could not say.  Out of memory does little harm: the member
 * says it again when it joins. */
static void wake_members(struct group *group, const struct skills *skills,
			 int32_t count)
{
	for (int32_t i = 0; i < count; i++) {
		struct classic_member *m =
			classic_member_find(group->classic, skills[i].id);

		classic_member_set_protocols(
			m, classic_protocols_new(skills[i].protocols,
						 skills[i].count));
		classic_member_expect(m, m->session_timeout_ms);
	}
}

static int downgrade(struct consumer_group *c, struct arena *arena,
		     bool rebalance)
{
	struct group *group = c->group;
	struct group_metadata_key key = { .group = group->id };
	struct group_metadata_value value;
	struct group_changes changes;
	struct skills *skills =
		arena_calloc(arena, (size_t)c->member_count, sizeof(*skills));
	int rc = skills == NULL ? -ENOMEM : put_group(c, arena, &value, skills);

	if (rc != 0)
		return rc;
	group_changes_init(&changes, arena);
	consumer_delete(group, &changes);
	group_changes_add(&changes, RECORD_GROUP_METADATA, &key,
			  GROUP_METADATA_VERSION, &value);
	rc = group_commit(group->shard, &changes, NULL);
	if (rc != 0)
		return rc;
	wake_members(group, skills, value.members_count);
	if (rebalance)
		classic_rebalance(group,
				  "a group becomes classic as its last "
				  "consumer member goes",
				  SLICE_NULL);
	return 0;
}

int16_t migrate_to_classic(struct consumer_group *c, bool rebalance)
{
	struct arena arena = { 0 };
	int rc = downgrade(c, &arena, rebalance);

	arena_clear(&arena);
	return group_commit_error(rc);
}

static void on_back(struct group_shard *shard, struct group_timer *timer)
{
	struct consumer_group *c =
		(struct consumer_group *)(void *)((char *)timer -
						  offsetof(
							  struct consumer_group,
							  back_timer));

	(void)shard;
	migrate_back(c, true);
}

void migrate_back(struct consumer_group *c, bool rebalance)
{
	const struct group_shard *shard = c->group->shard;

	/* A broken shard is thrown away: c may have gone. */
	if (migrate_is_due(c) && migrate_to_classic(c, rebalance) != 0 &&
	    !shard->broken)
		migrate_later(c);
}

void migrate_later(struct consumer_group *c)
{
	struct group_shard *shard = c->group->shard;

	if (!migrate_is_due(c))
		return;
	c->back_timer.fire = on_back;
	group_timer_set(shard, &c->back_timer, shard->now_ms + AGAIN_MS);
}
