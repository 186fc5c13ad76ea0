/*
 * assignor_sticky.c - who reads what: as evenly as can be, with few moves
 *
 * Members keep what they say they have, the newest generation's word counting
 * (two that claim the same in one generation lose it).  What nobody has goes
 * to whoever has least, and then partitions move from who has more to who has
 * at least two less, until none is left to move: each move makes it evener, so
 * that it ends.  Where racks tell something (KIP-881), what is far from its
 * owner goes to somebody near first.  Last come trades (assignor_trade.c),
 * after which nothing is evener, nearer, or the same with fewer moves.
 *
 * The cooperative one then takes what moves from its new owner again: it comes
 * when the old one has let go.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "client/assignor_sticky.h"

static void sticky_clear(struct sticky *s)
{
	free(s->first);
	free(s->items);
	free(s->loads);
	free(s->wants);
	free(s->order);
	free(s->turns);
}

static void sort_members(struct sticky *s)
{
	/* Few and mostly sorted already: insertion does. */
	for (size_t i = 0; i < s->member_count; i++) {
		size_t at = i;

		while (at > 0 &&
		       assignor_compare_members(&s->members[s->order[at - 1]],
						&s->members[i]) > 0) {
			s->order[at] = s->order[at - 1];
			at--;
		}
		s->order[at] = i;
	}
}

static int compare_turns(const void *left, const void *right)
{
	const struct sticky_turn *a = left;
	const struct sticky_turn *b = right;

	if (a->wanting != b->wanting)
		return a->wanting < b->wanting ? -1 : 1;
	return a->topic < b->topic ? -1 : 1;
}

static void sort_topics(struct sticky *s)
{
	for (size_t t = 0; t < s->topic_count; t++) {
		s->turns[t].topic = t;
		for (size_t m = 0; m < s->member_count; m++)
			s->turns[t].wanting += sticky_wants(s, t)[m];
	}
	if (s->topic_count > 0)
		qsort(s->turns, s->topic_count, sizeof(*s->turns),
		      compare_turns);
}

static int look_for_racks(struct sticky *s)
{
	struct assignor_member **refs =
		assignor_in_order(s->members, s->member_count);

	if (refs == NULL)
		return -ENOMEM;
	s->uses_racks = assignor_uses_racks(s->topics, s->topic_count, refs,
					    s->member_count);
	free(refs);
	return 0;
}

static int sticky_init(struct sticky *s, const struct assignor_topic *topics,
		       size_t topic_count, struct assignor_member *members,
		       size_t member_count)
{
	size_t total = 0;

	*s = (struct sticky){ .topics = topics,
			      .topic_count = topic_count,
			      .members = members,
			      .member_count = member_count };
	s->first = calloc(topic_count + 1, sizeof(*s->first));
	if (s->first == NULL)
		return -ENOMEM;
	for (size_t t = 0; t < topic_count; t++) {
		s->first[t] = total;
		total += (size_t)topics[t].partition_count;
	}
	s->first[topic_count] = total;
	s->items = calloc(total + 1, sizeof(*s->items));
	s->loads = calloc(member_count + 1, sizeof(*s->loads));
	s->wants = calloc(topic_count * member_count + 1, sizeof(*s->wants));
	s->turns = calloc(topic_count + 1, sizeof(*s->turns));
	s->order = calloc(member_count + 1, sizeof(*s->order));
	if (s->items == NULL || s->loads == NULL || s->wants == NULL ||
	    s->order == NULL || s->turns == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < total; i++)
		s->items[i].owner = s->items[i].home = STICKY_NOBODY;
	for (size_t t = 0; t < topic_count; t++) {
		for (size_t m = 0; m < member_count; m++)
			sticky_wants(s, t)[m] = assignor_subscribes(
				&members[m], topics[t].name);
	}
	sort_members(s);
	sort_topics(s);
	return look_for_racks(s);
}

static int compare_topic(const void *key, const void *topic)
{
	return strcmp(key, ((const struct assignor_topic *)topic)->name);
}

/* Index of the topic, or topic_count. */
static size_t find_topic(const struct sticky *s, const char *name)
{
	const struct assignor_topic *found = NULL;

	if (s->topic_count > 0)
		found = bsearch(name, s->topics, s->topic_count,
				sizeof(*s->topics), compare_topic);
	return found == NULL ? s->topic_count : (size_t)(found - s->topics);
}

/* The item that a member's claim is about, or NULL where it has no right. */
static struct sticky_item *claimed(const struct sticky *s, size_t member,
				   const struct group_partition *claim)
{
	size_t t = find_topic(s, claim->topic);

	if (t == s->topic_count || claim->partition < 0 ||
	    claim->partition >= s->topics[t].partition_count ||
	    !sticky_wants(s, t)[member])
		return NULL;
	return &s->items[s->first[t] + (size_t)claim->partition];
}

static void take_claims(struct sticky *s, size_t member)
{
	const struct assignor_member *m = &s->members[member];

	for (size_t i = 0; i < m->owned.count; i++) {
		struct sticky_item *item;

		item = claimed(s, member, &m->owned.items[i]);
		if (item == NULL)
			continue;
		if (item->owner == STICKY_NOBODY ||
		    m->generation > item->generation) {
			item->owner = (int32_t)member;
			item->generation = m->generation;
			item->is_disputed = false;
		} else if (m->generation == item->generation) {
			item->is_disputed = true;
		}
	}
}

/* What is far from who has it may as well go to somebody else. */
static void settle_claim(struct sticky *s, size_t topic, size_t at)
{
	struct sticky_item *item = &s->items[at];

	if (item->is_disputed)
		item->owner = STICKY_NOBODY;
	item->home = item->owner;
	if (item->owner != STICKY_NOBODY &&
	    sticky_is_far(s, topic, at, (size_t)item->owner))
		item->owner = STICKY_NOBODY;
	if (item->owner != STICKY_NOBODY)
		s->loads[item->owner]++;
}

static void settle_claims(struct sticky *s)
{
	for (size_t m = 0; m < s->member_count; m++)
		take_claims(s, m);
	for (size_t t = 0; t < s->topic_count; t++) {
		for (size_t i = s->first[t]; i < s->first[t + 1]; i++)
			settle_claim(s, t, i);
	}
}

/*
 * Who of those that want the item, and with only_near are near it, has least,
 * the first in order; or STICKY_NOBODY.
 */
static int32_t least_loaded(const struct sticky *s, size_t topic, size_t item,
			    bool only_near)
{
	const bool *wants = sticky_wants(s, topic);
	int32_t least = STICKY_NOBODY;

	for (size_t i = 0; i < s->member_count; i++) {
		size_t m = s->order[i];

		if (wants[m] &&
		    (least == STICKY_NOBODY || s->loads[m] < s->loads[least]) &&
		    !(only_near && sticky_is_far(s, topic, item, m)))
			least = (int32_t)m;
	}
	return least;
}

void sticky_put(struct sticky *s, size_t at, int32_t member)
{
	struct sticky_item *item = &s->items[at];

	if (item->owner != STICKY_NOBODY)
		s->loads[item->owner]--;
	item->owner = member;
	s->loads[member]++;
}

/* What everybody has at least, if all want everything. */
static size_t share_of(const struct sticky *s)
{
	return s->member_count == 0
		       ? 0
		       : s->first[s->topic_count] / s->member_count;
}

/*
 * Of topics in the order in which they go: each partition that has no owner;
 * with only_near nobody gets more than his share.
 */
static void give_away(struct sticky *s, bool only_near)
{
	size_t share = share_of(s) + 1;

	for (size_t k = 0; k < s->topic_count; k++) {
		size_t t = s->turns[k].topic;

		for (size_t i = s->first[t]; i < s->first[t + 1]; i++) {
			int32_t to;

			if (s->items[i].owner != STICKY_NOBODY)
				continue;
			to = least_loaded(s, t, i, only_near);
			if (to != STICKY_NOBODY &&
			    !(only_near && s->loads[to] >= share))
				sticky_put(s, i, to);
		}
	}
}

static bool is_even(const struct sticky *s)
{
	size_t least = SIZE_MAX;
	size_t most = 0;

	for (size_t m = 0; m < s->member_count; m++) {
		least = s->loads[m] < least ? s->loads[m] : least;
		most = s->loads[m] > most ? s->loads[m] : most;
	}
	return most <= least + 1;
}

/*
 * From the last partition on, as range would cut them; with only_fresh none
 * from its home.  Nobody is left with less than kept.
 */
static bool move_some(struct sticky *s, bool only_fresh, size_t kept)
{
	bool has_moved = false;

	for (size_t k = 0; k < s->topic_count; k++) {
		size_t t = s->turns[k].topic;

		if (has_moved && !only_fresh)
			break; /* what costs nothing may do by now */
		for (size_t i = s->first[t + 1]; i-- > s->first[t];) {
			struct sticky_item *item = &s->items[i];
			int32_t to = least_loaded(s, t, i, false);

			if (item->owner == STICKY_NOBODY ||
			    (only_fresh && item->owner == item->home) ||
			    s->loads[item->owner] <= kept ||
			    s->loads[to] + 1 >= s->loads[item->owner])
				continue;
			sticky_put(s, i, to);
			has_moved = true;
		}
	}
	return has_moved;
}

static int hand_out(struct sticky *s)
{
	for (size_t t = 0; t < s->topic_count; t++) {
		for (size_t i = s->first[t]; i < s->first[t + 1]; i++) {
			int32_t owner = s->items[i].owner;

			if (owner == STICKY_NOBODY)
				continue;
			partition_set_add(&s->members[owner].assignment,
					  slice_of(s->topics[t].name),
					  (int32_t)(i - s->first[t]),
					  UUID_ZERO);
		}
	}
	for (size_t m = 0; m < s->member_count; m++) {
		partition_set_sort(&s->members[m].assignment);
		if (s->members[m].assignment.failed)
			return -ENOMEM;
	}
	return 0;
}

int assignor_assign_sticky(const struct assignor_topic *topics,
			   size_t topic_count, struct assignor_member *members,
			   size_t member_count)
{
	struct sticky s;
	int rc = sticky_init(&s, topics, topic_count, members, member_count);

	if (rc == 0) {
		settle_claims(&s);
		if (s.uses_racks)
			give_away(&s, true);
		give_away(&s, false);
	}
	while (rc == 0 && !is_even(&s) &&
	       (move_some(&s, true, 0) || move_some(&s, false, share_of(&s)) ||
		move_some(&s, false, 0)))
		;
	if (rc == 0)
		rc = sticky_trade(&s);
	if (rc == 0)
		rc = hand_out(&s);
	sticky_clear(&s);
	return rc;
}

int assignor_assign_cooperative(const struct assignor_topic *topics,
				size_t topic_count,
				struct assignor_member *members,
				size_t member_count)
{
	struct partition_set held = { 0 };
	struct partition_set moving = { 0 };
	int rc = assignor_assign_sticky(topics, topic_count, members,
					member_count);

	for (size_t m = 0; m < member_count; m++) {
		for (size_t i = 0; i < members[m].owned.count; i++) {
			const struct group_partition *p =
				&members[m].owned.items[i];

			partition_set_add(&held, slice_of(p->topic),
					  p->partition, UUID_ZERO);
		}
	}
	partition_set_sort(&held);
	for (size_t m = 0; m < member_count && rc == 0; m++) {
		struct partition_set mine = { 0 };

		/* What others hold: all that is held but what is ours. */
		partition_set_minus(&held, &members[m].owned, &moving);
		partition_set_minus(&members[m].assignment, &moving, &mine);
		if (held.failed || moving.failed || mine.failed)
			rc = -ENOMEM;
		partition_set_move(&mine, &members[m].assignment);
	}
	partition_set_clear(&held);
	partition_set_clear(&moving);
	return rc;
}
