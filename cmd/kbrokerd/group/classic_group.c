/*
 * classic_group.c - what a classic group is made of, and what it can do
 */
#include "classic_group.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/memory.h"
#include "wire/messages.h"

int classic_group_make(struct group *group)
{
	struct classic_group *classic;

	if (group->classic != NULL)
		return 0;
	classic = calloc(1, sizeof(*classic));
	if (classic == NULL)
		return -ENOMEM;
	classic->group = group;
	classic->since_ms = group->shard->wall_ms;
	group->classic = classic;
	group_memory_add(group->shard, classic);
	return 0;
}

void classic_group_free(struct group *group)
{
	struct classic_group *classic = group->classic;

	assert(classic->members == NULL);
	while (classic->pending != NULL)
		classic_pending_remove(classic->pending);
	group_timer_stop(group->shard, &classic->join_timer);
	group_timer_stop(group->shard, &classic->sync_timer);
	classic_topics_reset(classic);
	classic_text_set(group, &classic->protocol_type, SLICE_NULL);
	classic_text_set(group, &classic->protocol, SLICE_NULL);
	group_memory_free(group->shard, classic);
	group->classic = NULL;
}

void classic_group_release(struct group *group)
{
	const struct classic_group *classic = group->classic;

	if (classic != NULL &&
	    (classic->is_recorded || classic->state != CLASSIC_EMPTY ||
	     classic->pending != NULL))
		return;
	if (classic != NULL)
		classic_group_free(group);
	group_drop_if_void(group);
}

void classic_group_set_state(struct group *group, enum classic_state state)
{
	struct classic_group *classic = group->classic;

	classic->previous = classic->state;
	classic->state = state;
	classic->since_ms = group->shard->wall_ms;
}

int32_t classic_group_size(const struct classic_group *classic)
{
	return (int32_t)HASH_COUNT(classic->members);
}

int32_t classic_group_pending(const struct classic_group *classic)
{
	return (int32_t)HASH_COUNT(classic->pending);
}

bool classic_group_all_joined(const struct classic_group *classic)
{
	return classic->joined == classic_group_size(classic) &&
	       classic->pending == NULL;
}

int32_t classic_group_rebalance_ms(const struct classic_group *classic)
{
	int32_t most = 0;

	for (const struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next) {
		if (m->rebalance_timeout_ms > most)
			most = m->rebalance_timeout_ms;
	}
	return most;
}

/* The choice of a protocol */

static int32_t support_of(const struct classic_group *classic,
			  struct slice name)
{
	const struct classic_support *support;

	HASH_FIND(hh, classic->support, name.data, name.len, support);
	return support == NULL ? 0 : support->count;
}

bool classic_group_supports(
	const struct classic_group *classic, struct slice protocol_type,
	const struct join_group_request_protocols *protocols, int32_t count)
{
	if (classic->state == CLASSIC_EMPTY)
		return protocol_type.len > 0 && count > 0;
	if (!slice_equal(classic->protocol_type, protocol_type))
		return false;
	for (int32_t i = 0; i < count; i++) {
		if (support_of(classic, protocols[i].name) ==
		    classic_group_size(classic))
			return true;
	}
	return false;
}

static bool can(const struct classic_member *member, struct slice name)
{
	for (int32_t i = 0; i < member->protocols->count; i++) {
		if (slice_equal(member->protocols->items[i].name, name))
			return true;
	}
	return false;
}

struct candidates {
	int32_t count;
	struct slice names[CLASSIC_PROTOCOLS_MAX];
	int32_t votes[CLASSIC_PROTOCOLS_MAX];
};

/* What all members can do; as in the place of old. */
static void find_candidates(const struct classic_group *classic,
			    const struct classic_member *old,
			    const struct classic_member *as,
			    struct candidates *out)
{
	const struct classic_member *one = as == NULL ? classic->members : as;
	int32_t others = classic_group_size(classic) - (as != NULL);

	out->count = 0;
	for (int32_t i = 0; i < one->protocols->count; i++) {
		struct slice name = one->protocols->items[i].name;
		int32_t count = support_of(classic, name);

		if (as != NULL)
			count -= can(old, name);
		if (count != others)
			continue;
		assert(out->count < CLASSIC_PROTOCOLS_MAX);
		out->names[out->count] = name;
		out->votes[out->count++] = 0;
	}
}

static void vote(const struct classic_member *member,
		 struct candidates *candidates)
{
	for (int32_t i = 0; i < member->protocols->count; i++) {
		for (int32_t c = 0; c < candidates->count; c++) {
			if (slice_equal(candidates->names[c],
					member->protocols->items[i].name)) {
				candidates->votes[c]++;
				return;
			}
		}
	}
}

struct slice classic_group_vote(const struct classic_group *classic,
				const struct classic_member *old,
				const struct classic_member *as)
{
	struct candidates candidates;
	int32_t best = 0;

	find_candidates(classic, old, as, &candidates);
	if (candidates.count == 0)
		return slice_of("");
	for (const struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next)
		vote(m == old ? as : m, &candidates);
	for (int32_t c = 1; c < candidates.count; c++) {
		if (candidates.votes[c] > candidates.votes[best])
			best = c;
	}
	return candidates.names[best];
}
