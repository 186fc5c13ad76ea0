/*
 * consumer_reconcile.c - a member on its way from what it has to what it shall
 * have (KIP-848)
 *
 * STABLE: it has its target of its epoch.  UNREVOKED_PARTITIONS: it must give
 * up some first, and stays in its epoch until its heartbeat says that they are
 * gone.  UNRELEASED_PARTITIONS: it is in the new epoch but others still have
 * some of what it shall get.  A partition is anybody's only when nobody has it
 * or is still giving it up.
 */
#include <errno.h>

#include "kbrokerd/group/consumer_turn.h"
#include "wire/enums.h"
#include "wire/error_codes.h"

static bool has_text(const struct slice *texts, int32_t count,
		     struct slice text)
{
	int32_t low = 0;
	int32_t high = count;

	while (low < high) {
		int32_t middle = low + (high - low) / 2;
		int order = consumer_compare_texts(&texts[middle], &text);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool consumer_turn_wants(const struct consumer_turn *turn,
			 const struct uuid *topic_id)
{
	const struct group_topics *topics = turn->shard->topics;
	const struct consumer_subscription *s = turn->facts.subscription;
	struct group_topic topic;
	const struct slice *named;
	int32_t count;

	if (!topics->by_id(topics, topic_id, &topic))
		return false;
	if (has_text(s->names, s->name_count, topic.name))
		return true;
	named = consumer_turn_topics(turn, s, &count);
	return has_text(named, count, topic.name);
}

/* The topics of a that the member wants, or those that it does not; their
 * partitions stay where they are. */
static int pick_topics(struct consumer_turn *turn, const struct assignment *a,
		       bool wanted, struct assignment *out)
{
	*out = (struct assignment){ 0 };
	out->topics = arena_calloc(&turn->arena, (size_t)a->count,
				   sizeof(*out->topics));
	if (out->topics == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < a->count; i++) {
		if (consumer_turn_wants(turn, &a->topics[i].id) == wanted)
			out->topics[out->count++] = a->topics[i];
	}
	return 0;
}

/* Nobody has it, or only the member itself, that was to give it up. */
static bool is_free(void *arg, const struct uuid *topic_id, int32_t partition)
{
	const struct consumer_turn *turn = arg;
	const struct consumer_member *owner =
		consumer_owner(turn->c, topic_id, partition);

	return owner == NULL || owner == turn->member ||
	       owner == turn->replaced;
}

/* A member that does not say what it has is taken to have all of it. */
static bool still_owns(const struct assignment *owned,
		       const struct assignment *revoking)
{
	return owned == NULL || assignment_overlaps(owned, revoking);
}

static void set_epoch(struct consumer_progress *progress, int32_t epoch)
{
	progress->previous_epoch = progress->epoch;
	progress->epoch = epoch;
}

/* Towards the target, from epoch. */
static int step(struct consumer_turn *turn, int32_t epoch,
		const struct assignment *owned)
{
	struct consumer_progress *p = &turn->progress;
	struct arena *arena = &turn->arena;
	struct assignment target;
	struct assignment kept;
	struct assignment revoking;
	struct assignment missing;
	struct assignment free_ones;
	int32_t unreleased = 0;
	int rc = pick_topics(turn, turn->target, true, &target);

	if (rc == 0)
		rc = assignment_split(arena, &p->assigned, &target, true,
				      &kept);
	if (rc == 0)
		rc = assignment_split(arena, &p->assigned, &target, false,
				      &revoking);
	if (rc == 0)
		rc = assignment_split(arena, &target, &kept, false, &missing);
	if (rc == 0)
		unreleased = assignment_filter(arena, &missing, is_free, turn,
					       &free_ones);
	if (rc < 0 || unreleased < 0)
		return -ENOMEM;
	if (revoking.count > 0 && still_owns(owned, &revoking)) {
		p->state = WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS;
		set_epoch(p, epoch);
		p->assigned = kept;
		p->revoking = revoking;
		return 0;
	}
	p->state = unreleased > 0 ? WIRE_MEMBER_STATE_UNRELEASED_PARTITIONS
				  : WIRE_MEMBER_STATE_STABLE;
	set_epoch(p, turn->assignment_epoch);
	p->revoking = (struct assignment){ 0 };
	return assignment_union(arena, &kept, &free_ones, &p->assigned);
}

/* Give up what it wants no longer, whatever its target says. */
static int shrink(struct consumer_turn *turn, const struct assignment *owned)
{
	struct consumer_progress *p = &turn->progress;
	struct assignment kept;
	struct assignment dropped;
	struct assignment revoking;
	int rc = pick_topics(turn, &p->assigned, true, &kept);

	if (rc == 0)
		rc = pick_topics(turn, &p->assigned, false, &dropped);
	if (rc != 0 || dropped.count == 0)
		return rc;
	rc = assignment_union(&turn->arena, &p->revoking, &dropped, &revoking);
	if (rc != 0)
		return rc;
	p->assigned = kept;
	if (still_owns(owned, &revoking)) {
		p->state = WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS;
		p->revoking = revoking;
	}
	return 0;
}

static int move(struct consumer_turn *turn, const struct assignment *owned,
		bool subscription_changed)
{
	struct consumer_progress *p = &turn->progress;

	switch (p->state) {
	case WIRE_MEMBER_STATE_STABLE:
		if (p->epoch != turn->assignment_epoch)
			return step(turn, p->epoch, owned);
		return subscription_changed ? shrink(turn, owned) : 0;
	case WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS:
		if (still_owns(owned, &p->revoking))
			return subscription_changed ? shrink(turn, owned) : 0;
		return step(turn, p->epoch, owned);
	case WIRE_MEMBER_STATE_UNRELEASED_PARTITIONS:
		return step(turn, p->epoch, owned);
	default:
		/* Of a later Kafka: it starts anew. */
		if (owned == NULL || owned->count > 0)
			return -ESTALE;
		return step(turn, turn->assignment_epoch, owned);
	}
}

static bool same_progress(const struct consumer_progress *a,
			  const struct consumer_progress *b)
{
	return a->epoch == b->epoch && a->previous_epoch == b->previous_epoch &&
	       a->state == b->state &&
	       assignment_equal(&a->assigned, &b->assigned) &&
	       assignment_equal(&a->revoking, &b->revoking);
}

int16_t consumer_turn_reconcile(struct consumer_turn *turn,
				const struct assignment *owned,
				bool subscription_changed)
{
	const struct consumer_progress before = turn->progress;
	int rc;

	if (!subscription_changed && before.state == WIRE_MEMBER_STATE_STABLE &&
	    before.epoch == turn->assignment_epoch)
		return 0;
	rc = move(turn, owned, subscription_changed);
	if (rc == -ESTALE)
		return consumer_refuse(turn, WIRE_FENCED_MEMBER_EPOCH,
				       "The consumer group member is in an "
				       "unknown state. The member must abandon "
				       "all its partitions and rejoin.");
	if (rc != 0)
		return consumer_refuse(turn, WIRE_COORDINATOR_NOT_AVAILABLE,
				       "out of memory");
	if (same_progress(&before, &turn->progress))
		return 0;
	turn->has_moved = true;
	consumer_write_progress(turn, turn->member_id, &turn->progress);
	return 0;
}
