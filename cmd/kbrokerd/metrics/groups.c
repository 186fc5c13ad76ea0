/*
 * groups.c - groups and how far behind they are, for metrics
 *
 * Each shard is locked for a short while: to count its groups and note their
 * names, and then once for each group that is told.  High watermarks are read
 * after the commits, so that no lag is negative.
 */
#include "kbrokerd/metrics/groups.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/group/coordinator.h"
#include "kbrokerd/group/group.h"
#include "wire/error_codes.h"

/* All groups */

static void add_tally(struct group_facts *facts, const struct group *group)
{
	const char *type = group_type(group);
	const char *state = group_state(group);
	size_t i = 0;

	while (i < facts->tally_count &&
	       (strcmp(facts->tallies[i].type, type) != 0 ||
		strcmp(facts->tallies[i].state, state) != 0))
		i++;
	if (i == GROUP_TALLIES_MAX)
		return;
	if (i == facts->tally_count) {
		facts->tallies[i] = (struct group_tally){ type, state, 0 };
		facts->tally_count++;
	}
	facts->tallies[i].count++;
	facts->member_count += group_member_count(group);
}

static void add_counters(struct group_counters *to,
			 const struct group_counters *from)
{
	to->commits += from->commits;
	to->expired += from->expired;
	to->classic_rebalances += from->classic_rebalances;
	to->consumer_rebalances += from->consumer_rebalances;
}

/* Names */

static int add_name(struct group_names *names, struct slice id)
{
	struct slice name = arena_copy(&names->arena, id);

	if (names->count == names->size) {
		size_t size = names->size * 2 + 64;
		struct slice *items =
			reallocarray(names->items, size, sizeof(*items));

		if (items == NULL)
			return -ENOMEM;
		names->items = items;
		names->size = size;
	}
	names->items[names->count++] = name;
	return slice_is_null(name) ? -ENOMEM : 0;
}

static int read_shard(struct group_names *names, struct group_shard *shard,
		      struct group_facts *facts)
{
	struct group *group;
	struct group *next;
	int rc = 0;

	if (facts != NULL)
		add_counters(&facts->counters, &shard->counters);
	HASH_ITER(hh, shard->groups, group, next)
	{
		if (facts != NULL)
			add_tally(facts, group);
		rc = add_name(names, group->id);
		if (rc < 0)
			break;
	}
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct slice *x = a;
	const struct slice *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int c = len == 0 ? 0 : memcmp(x->data, y->data, len);

	return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

int group_names_read(struct group_names *names, struct broker *broker,
		     struct group_facts *facts)
{
	size_t count = coordinator_shard_count(broker->coordinator);
	struct coordinator_shard *s;
	int rc = 0;

	*names = (struct group_names){ 0 };
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (coordinator_enter_at(broker->coordinator, i, &s) !=
		    WIRE_NONE)
			continue;
		rc = read_shard(names, coordinator_core(s), facts);
		coordinator_leave(s);
	}
	if (names->count > 1)
		qsort(names->items, names->count, sizeof(*names->items),
		      by_name);
	return rc;
}

void group_names_clear(struct group_names *names)
{
	free(names->items);
	arena_clear(&names->arena);
	*names = (struct group_names){ 0 };
}

/* All together */

static int read_groups(struct group_facts *facts, struct broker *broker,
		       const struct group_names *names, size_t limit)
{
	size_t count = names->count < limit ? names->count : limit;
	size_t lags = 0;

	facts->left_out = names->count - count;
	facts->groups =
		arena_calloc(&facts->arena, count, sizeof(*facts->groups));
	if (facts->groups == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int rc = group_row_read(&facts->groups[facts->group_count],
					broker, names->items[i],
					GROUP_LAGS_MAX - lags, &facts->arena);

		if (rc < 0)
			return rc;
		if (rc > 0)
			lags += facts->groups[facts->group_count++].lag_count;
	}
	return 0;
}

int group_facts_read(struct group_facts *facts, struct broker *broker,
		     size_t limit, int64_t now_ms)
{
	struct group_names names;
	const struct image *image;
	int rc;

	*facts = (struct group_facts){ 0 };
	rc = group_names_read(&names, broker, facts);
	if (rc == 0)
		rc = read_groups(facts, broker, &names, limit);
	group_names_clear(&names);
	if (rc < 0)
		return rc;
	image = metadata_image(broker->metadata);
	for (size_t i = 0; i < facts->group_count; i++) {
		group_row_measure(&facts->groups[i], broker, image);
		group_row_time(&facts->groups[i], broker, image, now_ms);
	}
	image_release(image);
	return 0;
}

void group_facts_clear(struct group_facts *facts)
{
	arena_clear(&facts->arena);
}
