/*
 * snapshot.c - groups, their members and offsets at one moment
 */
#include "kgroups/snapshot.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kgroups/ends.h"
#include "kgroups/figures.h"
#include "kgroups/times.h"
#include "wire/errors.h"

struct taking {
	struct kgroups *k;
	const struct topic_choices *choices;
	struct snapshot *s;
	int64_t timeout_ms;
	struct client_error *error;
};

static void *room(const struct taking *t, size_t count, size_t size)
{
	void *memory = arena_calloc(&t->s->answers.arena, count + 1, size);

	if (memory == NULL)
		run_out_of_memory(&t->k->run);
	return memory;
}

int64_t position_lag(const struct position *p)
{
	return figures_lag(p->committed, p->start, p->end);
}

static int place_order(const struct position *a, const struct position *b)
{
	int order = (a->group > b->group) - (a->group < b->group);

	if (order == 0)
		order = strcmp(a->topic, b->topic);
	if (order == 0)
		order = (a->partition > b->partition) -
			(a->partition < b->partition);
	return order;
}

static int by_place(const void *a, const void *b)
{
	return place_order(a, b);
}

struct position *snapshot_find(const struct snapshot *s, size_t group,
			       const char *topic, int32_t partition)
{
	const struct position key = { .group = group,
				      .topic = topic,
				      .partition = partition };

	return s->count == 0 ? NULL
			     : bsearch(&key, s->items, s->count,
				       sizeof(*s->items), by_place);
}

bool snapshot_lacks(const struct snapshot *s, size_t group)
{
	if (s->groups[group].code != WIRE_GROUP_ID_NOT_FOUND)
		return false;
	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].group == group && s->items[i].committed >= 0)
			return false;
	}
	return true;
}

bool snapshot_has_positions(const struct snapshot *s, size_t group)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].group == group)
			return true;
	}
	return false;
}

void snapshot_clear(struct snapshot *s)
{
	admin_answers_clear(&s->answers);
	*s = (struct snapshot){ 0 };
}

/* Positions */

static size_t count_assigned(const struct admin_group_info *info)
{
	size_t count = 0;

	for (size_t m = 0; m < info->member_count; m++) {
		for (int32_t i = 0; i < info->members[m].assigned_count; i++)
			count += (size_t)info->members[m].assigned[i].count;
	}
	return count;
}

static struct position *add_position(struct taking *t, size_t group,
				     const char *topic, int32_t partition)
{
	struct position *p = &t->s->items[t->s->count];

	if (!choices_have(t->choices, topic, partition))
		return NULL;
	t->s->count++;
	*p = (struct position){
		.group = group,
		.topic = topic,
		.partition = partition,
		.committed = -1,
		.leader_epoch = -1,
		.start = -1,
		.end = -1,
		.record_ms = -1,
	};
	return p;
}

static void add_committed(struct taking *t, size_t group,
			  const struct admin_group *from)
{
	for (size_t i = 0; i < from->offset_count; i++) {
		const struct admin_group_offset *o = &from->offsets[i];
		struct position *p;

		if (o->code == WIRE_NONE && o->offset < 0)
			continue;
		p = add_position(t, group, o->topic, o->partition);
		if (p == NULL)
			continue;
		p->committed = o->code == WIRE_NONE ? o->offset : -1;
		p->code = o->code;
		p->leader_epoch = o->leader_epoch;
		p->metadata = o->metadata;
	}
}

static void add_assigned(struct taking *t, size_t group,
			 const struct admin_member *member, size_t sorted)
{
	const struct snapshot known = { .items = t->s->items, .count = sorted };

	for (int32_t i = 0; i < member->assigned_count; i++) {
		const struct admin_partitions *a = &member->assigned[i];

		for (int32_t n = 0; n < a->count; n++) {
			struct position *p = snapshot_find(
				&known, group, a->topic, a->partitions[n]);

			if (p == NULL)
				p = add_position(t, group, a->topic,
						 a->partitions[n]);
			if (p != NULL)
				p->member = member;
		}
	}
}

static void sort(struct snapshot *s)
{
	if (s->count > 0)
		qsort(s->items, s->count, sizeof(*s->items), by_place);
}

static void add_positions(struct taking *t, const struct admin_group *offsets)
{
	struct snapshot *s = t->s;
	size_t count = 0;
	size_t sorted;

	for (size_t g = 0; g < s->group_count; g++)
		count +=
			offsets[g].offset_count + count_assigned(&s->groups[g]);
	s->items = room(t, count, sizeof(*s->items));
	for (size_t g = 0; g < s->group_count; g++)
		add_committed(t, g, &offsets[g]);
	sort(s);
	sorted = s->count;
	for (size_t g = 0; g < s->group_count; g++) {
		for (size_t m = 0; m < s->groups[g].member_count; m++)
			add_assigned(t, g, &s->groups[g].members[m], sorted);
	}
	sort(s);
}

static int fetch_offsets(struct taking *t)
{
	struct snapshot *s = t->s;
	struct admin_group *groups = room(t, s->group_count, sizeof(*groups));
	int rc;

	for (size_t g = 0; g < s->group_count; g++)
		groups[g] = (struct admin_group){
			.name = s->groups[g].name,
			.coordinator = s->groups[g].coordinator,
		};
	rc = admin_ask_groups(t->k->run.client, ADMIN_FETCH_OFFSETS, groups,
			      s->group_count, t->timeout_ms, &s->answers,
			      t->error);
	if (rc < 0)
		return rc;
	for (size_t g = 0; g < s->group_count; g++) {
		/* A simple group may have offsets and be known to nobody. */
		if (groups[g].code != WIRE_NONE &&
		    s->groups[g].code == WIRE_NONE) {
			s->groups[g].code = groups[g].code;
			s->groups[g].message = groups[g].message;
		}
	}
	add_positions(t, groups);
	return 0;
}

/* Starts and ends */

static int fetch_ends(struct taking *t)
{
	struct snapshot *s = t->s;
	struct partition_ends *ends = room(t, s->count, sizeof(*ends));
	int rc;

	for (size_t i = 0; i < s->count; i++)
		ends[i] = (struct partition_ends){
			.topic = s->items[i].topic,
			.partition = s->items[i].partition,
		};
	rc = ends_read(t->k, ends, s->count, -1, t->error);
	for (size_t i = 0; rc == 0 && i < s->count; i++) {
		struct position *p = &s->items[i];

		if (p->code != WIRE_NONE)
			continue;
		p->code = ends[i].code;
		p->start = ends[i].start;
		p->end = ends[i].end;
	}
	return rc;
}

static void fetch_times(struct taking *t)
{
	struct snapshot *s = t->s;
	struct record_time *times = room(t, s->count, sizeof(*times));

	for (size_t i = 0; i < s->count; i++) {
		const struct position *p = &s->items[i];

		times[i] = (struct record_time){
			.topic = p->topic,
			.partition = p->partition,
			.offset = position_lag(p) > 0
					  ? figures_next(p->committed, p->start)
					  : -1,
			.end = p->end,
		};
	}
	times_read(t->k, times, s->count);
	for (size_t i = 0; i < s->count; i++)
		s->items[i].record_ms = times[i].timestamp_ms;
}

/* The next time one question is enough. */
static void note_types(const struct group_list *names, const struct snapshot *s)
{
	for (size_t g = 0; names->types != NULL && g < s->group_count; g++) {
		if (s->groups[g].code == WIRE_NONE)
			names->types[g] = s->groups[g].type;
	}
}

int snapshot_take(struct kgroups *k, const struct group_list *names,
		  const struct topic_choices *choices, unsigned flags,
		  struct snapshot *s, struct client_error *error)
{
	static const struct topic_choices any;
	struct clock *clock = clock_system();
	struct taking t = {
		.k = k,
		.choices = choices == NULL ? &any : choices,
		.s = s,
		.timeout_ms = k->run.options->common.step_timeout_ms,
		.error = error,
	};
	int rc;

	*s = (struct snapshot){ .group_count = names->count };
	s->groups = room(&t, names->count, sizeof(*s->groups));
	rc = admin_describe_groups(k->run.client, names->items, names->types,
				   names->count, t.timeout_ms, &s->answers,
				   s->groups, error);
	if (rc == 0)
		note_types(names, s);
	if (rc == 0)
		rc = fetch_offsets(&t);
	if (rc == 0 && (flags & SNAPSHOT_NO_ENDS) == 0)
		rc = fetch_ends(&t);
	s->at_ms = clock->wall_ms(clock);
	s->at_us = clock->monotonic_us(clock);
	if (rc == 0 && (flags & SNAPSHOT_TIMES) != 0)
		fetch_times(&t);
	return rc;
}
