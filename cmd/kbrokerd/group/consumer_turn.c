/*
 * consumer_turn.c - one decision about a consumer group: member, epoch, commit
 */
#include "kbrokerd/group/consumer_turn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "wire/enums.h"
#include "wire/error_codes.h"

static const struct assignment nothing;

void consumer_turn_init(struct consumer_turn *turn, struct group_shard *shard,
			struct consumer_group *c)
{
	*turn = (struct consumer_turn){
		.shard = shard,
		.c = c,
		.epoch = c->epoch,
		.assignment_epoch = c->assignment_epoch,
		.metadata_hash = c->metadata_hash,
		.target = &nothing,
	};
	group_changes_init(&turn->changes, &turn->arena);
}

void consumer_turn_clear(struct consumer_turn *turn)
{
	consumer_turn_forget_patterns(turn);
	if (turn->patterns_tried)
		turn->c->patterns_tried = false;
	consumer_unsubscribe(turn->c, turn->facts.subscription);
	consumer_unsubscribe(turn->c, turn->held);
	arena_clear(&turn->arena);
}

int16_t consumer_refuse(struct consumer_turn *turn, int16_t error,
			const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	turn->error = error;
	turn->error_text = arena_printf(&turn->arena, "%s", text);
	return error;
}

static int16_t out_of_memory(struct consumer_turn *turn)
{
	return consumer_refuse(turn, group_commit_error(-ENOMEM),
			       "out of memory");
}

int16_t consumer_turn_commit(struct consumer_turn *turn)
{
	struct consumer_group *c = turn->c;
	int32_t before = c->epoch;
	int rc;

	consumer_turn_forget_patterns(turn);
	rc = group_commit(turn->shard, &turn->changes, NULL);
	if (rc != 0)
		return consumer_refuse(turn, group_commit_error(rc),
				       "the change could not be written");
	if (turn->epoch > before)
		turn->shard->counters.consumer_rebalances++;
	if (turn->topics_seen)
		c->topics_changed = false;
	turn->patterns_tried = false;
	return 0;
}

/* Member */

static const struct consumer_facts new_facts = {
	.rebalance_timeout_ms = -1,
};

/* What a classic member can do, as copied by an arena. */
static const consumer_classic *copy_classic(struct arena *arena,
					    const consumer_classic *classic)
{
	size_t count = (size_t)classic->supported_protocols_count;
	consumer_classic *copy = arena_calloc(arena, 1, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	copy->session_timeout_ms = classic->session_timeout_ms;
	copy->supported_protocols_count = classic->supported_protocols_count;
	copy->supported_protocols =
		arena_calloc(arena, count, sizeof(*copy->supported_protocols));
	for (size_t i = 0; copy->supported_protocols != NULL && i < count;
	     i++) {
		copy->supported_protocols[i].name =
			arena_copy(arena, classic->supported_protocols[i].name);
		copy->supported_protocols[i].metadata = arena_copy(
			arena, classic->supported_protocols[i].metadata);
		if (slice_is_null(copy->supported_protocols[i].metadata))
			return NULL;
	}
	return copy->supported_protocols == NULL ? NULL : copy;
}

/* Facts that outlive whom they are from. */
static int copy_facts(struct arena *arena, struct consumer_facts *facts)
{
	struct slice *texts[] = { &facts->instance_id, &facts->rack_id,
				  &facts->client_id, &facts->client_host,
				  &facts->assignor };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (slice_is_null(*texts[i]))
			continue;
		*texts[i] = arena_copy(arena, *texts[i]);
		if (slice_is_null(*texts[i]))
			return -ENOMEM;
	}
	if (facts->classic == NULL)
		return 0;
	facts->classic = copy_classic(arena, facts->classic);
	return facts->classic == NULL ? -ENOMEM : 0;
}

static int copy_set(struct arena *arena, const struct assignment *a,
		    struct assignment *out)
{
	return assignment_union(arena, a, &nothing, out);
}

/* As the one it replaces, but at the start: its own records come instead. */
static int16_t replace(struct consumer_turn *turn)
{
	const struct consumer_member *old = turn->replaced;
	struct assignment *target =
		arena_calloc(&turn->arena, 1, sizeof(*target));
	int rc = target == NULL ? -ENOMEM : 0;

	if (rc == 0)
		rc = copy_facts(&turn->arena, &turn->facts);
	if (rc == 0)
		rc = copy_set(&turn->arena, &old->target, target);
	if (rc == 0)
		rc = copy_set(&turn->arena, &old->progress.assigned,
			      &turn->progress.assigned);
	if (rc == 0)
		rc = copy_set(&turn->arena, &old->progress.revoking,
			      &turn->progress.revoking);
	if (rc != 0)
		return out_of_memory(turn);
	/* The first of its records names what the old one's memory has. */
	turn->held = turn->facts.subscription;
	turn->held->refs++;
	turn->target = target;
	turn->progress.epoch = 0;
	turn->progress.previous_epoch = 0;
	consumer_unwrite_member(turn, old->id);
	consumer_write_facts(turn, turn->member_id, &turn->facts);
	consumer_write_target(turn, turn->member_id, target);
	consumer_write_progress(turn, turn->member_id, &turn->progress);
	return 0;
}

int16_t consumer_turn_take(struct consumer_turn *turn, struct slice id,
			   struct consumer_member *member,
			   struct consumer_member *replaced)
{
	const struct consumer_member *from = member != NULL ? member : replaced;

	turn->has_member = true;
	turn->member_id = id;
	turn->member = member;
	turn->replaced = replaced;
	if (from == NULL) {
		turn->facts = new_facts;
		turn->facts.subscription =
			consumer_subscribe(turn->c, NULL, 0, SLICE_NULL);
		turn->progress = (struct consumer_progress){
			.previous_epoch = -1,
			.state = WIRE_MEMBER_STATE_STABLE,
		};
		if (turn->facts.subscription == NULL)
			return out_of_memory(turn);
		return 0;
	}
	turn->facts = from->facts;
	turn->facts.subscription->refs++;
	turn->progress = from->progress;
	turn->target = &from->target;
	if (replaced != NULL)
		return replace(turn);
	return 0;
}

int16_t consumer_turn_subscribe(struct consumer_turn *turn,
				const struct slice *names, int32_t count,
				struct slice pattern)
{
	struct consumer_subscription *was = turn->facts.subscription;
	struct consumer_subscription *now;

	if (count < 0 && slice_is_null(pattern))
		return 0;
	if (slice_is_null(pattern))
		pattern = was->pattern;
	if (count < 0) {
		names = was->names;
		count = was->name_count;
	}
	now = consumer_subscribe(turn->c, names, count, pattern);
	if (now == NULL)
		return out_of_memory(turn);
	turn->facts.subscription = now;
	consumer_unsubscribe(turn->c, was);
	return 0;
}

static bool same_classic(const consumer_classic *a, const consumer_classic *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->session_timeout_ms != b->session_timeout_ms ||
	    a->supported_protocols_count != b->supported_protocols_count)
		return false;
	for (int32_t i = 0; i < a->supported_protocols_count; i++) {
		if (!slice_equal(a->supported_protocols[i].name,
				 b->supported_protocols[i].name) ||
		    !slice_equal(a->supported_protocols[i].metadata,
				 b->supported_protocols[i].metadata))
			return false;
	}
	return true;
}

static bool same_facts(const struct consumer_facts *a,
		       const struct consumer_facts *b)
{
	return slice_equal(a->instance_id, b->instance_id) &&
	       slice_equal(a->rack_id, b->rack_id) &&
	       slice_equal(a->client_id, b->client_id) &&
	       slice_equal(a->client_host, b->client_host) &&
	       slice_equal(a->assignor, b->assignor) &&
	       a->subscription == b->subscription &&
	       a->rebalance_timeout_ms == b->rebalance_timeout_ms &&
	       same_classic(a->classic, b->classic);
}

static bool same_names(const struct consumer_subscription *a,
		       const struct consumer_subscription *b)
{
	if (a == b)
		return true;
	if (a->name_count != b->name_count)
		return false;
	for (int32_t i = 0; i < a->name_count; i++) {
		if (!slice_equal(a->names[i], b->names[i]))
			return false;
	}
	return true;
}

void consumer_turn_facts(struct consumer_turn *turn, bool *names_changed_out,
			 bool *pattern_changed_out)
{
	const struct consumer_subscription *s = turn->facts.subscription;
	const struct consumer_facts *was = consumer_turn_old_facts(turn);

	if (was == NULL) {
		*names_changed_out = s->name_count > 0;
		*pattern_changed_out = s->pattern.len > 0;
	} else {
		*names_changed_out = !same_names(was->subscription, s);
		*pattern_changed_out =
			!slice_equal(was->subscription->pattern, s->pattern);
	}
	if (was == NULL || !same_facts(was, &turn->facts))
		consumer_write_facts(turn, turn->member_id, &turn->facts);
}

const struct consumer_facts *consumer_turn_old_facts(
	const struct consumer_turn *turn)
{
	if (turn->member != NULL)
		return &turn->member->facts;
	return turn->replaced != NULL ? &turn->replaced->facts : NULL;
}

/* Epochs */

int16_t consumer_turn_bump(struct consumer_turn *turn, bool must)
{
	int64_t hash;

	if (!must && !turn->c->topics_changed)
		return 0;
	if (consumer_rehash(turn, &hash) != 0)
		return out_of_memory(turn);
	turn->topics_seen = true;
	if (!must && hash == turn->metadata_hash)
		return 0;
	turn->epoch++;
	turn->metadata_hash = hash;
	consumer_write_group(turn);
	if (turn->c->has_partition_metadata)
		consumer_unwrite_partition_metadata(turn);
	return 0;
}

int16_t consumer_turn_advance(struct consumer_turn *turn, bool must)
{
	int16_t error = consumer_turn_bump(turn, must);

	if (error != 0 || turn->epoch <= turn->assignment_epoch)
		return error;
	if (consumer_retarget(turn) != 0)
		return out_of_memory(turn);
	return 0;
}
