/*
 * consumer_target.c - what the members of a group want together, and what each
 * shall have
 *
 * Looks at the group as it shall be: without who leaves or is replaced, with
 * the turn's member as it shall be.  Members that want the same share one
 * subscription, so that what costs is the number of different ones.
 */
#include <errno.h>
#include <stdlib.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "base/utf8.h"
#include "kbrokerd/group/assign.h"
#include "kbrokerd/group/consumer_turn.h"

/* A member as it shall be. */
struct view {
	struct slice id;
	const struct consumer_facts *facts;
	const struct assignment *target; /* NULL: it never had one */
	bool is_written;                 /* in a record of its own */
};

struct consumer_wants {
	struct view *views;
	int32_t view_count;
	/* The different subscriptions among them, numbered. */
	struct consumer_subscription **subscriptions;
	int32_t subscription_count;
	/* Topics of theirs that exist, by name. */
	struct group_topic *topics;
	int32_t topic_count;
};

static bool stays(const struct consumer_turn *turn,
		  const struct consumer_member *member)
{
	return member->is_member && !member->is_leaving &&
	       member != turn->replaced && member != turn->member;
}

static int list_views(struct consumer_turn *turn, struct consumer_wants *wants)
{
	const struct consumer_member *member;
	size_t room = (size_t)turn->c->member_count + 1;

	wants->views = arena_calloc(&turn->arena, room, sizeof(*wants->views));
	if (wants->views == NULL)
		return -ENOMEM;
	for (member = turn->c->members; member != NULL;
	     member = member->hh.next) {
		if (!stays(turn, member))
			continue;
		wants->views[wants->view_count++] = (struct view){
			.id = member->id,
			.facts = &member->facts,
			.target = &member->target,
			.is_written = member->has_target,
		};
	}
	if (turn->has_member)
		wants->views[wants->view_count++] = (struct view){
			.id = turn->member_id,
			.facts = &turn->facts,
			.target = turn->target,
			.is_written = turn->replaced != NULL ||
				      (turn->member != NULL &&
				       turn->member->has_target),
		};
	return 0;
}

static int number_subscriptions(struct consumer_turn *turn,
				struct consumer_wants *wants)
{
	struct consumer_subscription *s;

	for (s = turn->c->subscriptions; s != NULL; s = s->hh.next)
		s->number = -1;
	wants->subscriptions = arena_calloc(
		&turn->arena, (size_t)HASH_COUNT(turn->c->subscriptions),
		sizeof(struct consumer_subscription *));
	if (wants->subscriptions == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < wants->view_count; i++) {
		s = wants->views[i].facts->subscription;
		if (s->number >= 0)
			continue;
		s->number = wants->subscription_count++;
		wants->subscriptions[s->number] = s;
	}
	return 0;
}

/* All names, with repetition, in order: *count_out of them. */
static struct slice *list_names(struct consumer_turn *turn,
				const struct consumer_wants *wants,
				size_t *count_out)
{
	struct slice *names;
	size_t count = 0;

	for (int32_t i = 0; i < wants->subscription_count; i++) {
		const struct consumer_subscription *s = wants->subscriptions[i];
		int32_t n;

		consumer_turn_topics(turn, s, &n);
		count += (size_t)s->name_count + (size_t)n;
	}
	names = arena_calloc(&turn->arena, count, sizeof(*names));
	*count_out = 0;
	for (int32_t i = 0; names != NULL && i < wants->subscription_count;
	     i++) {
		const struct consumer_subscription *s = wants->subscriptions[i];
		int32_t n;
		const struct slice *named = consumer_turn_topics(turn, s, &n);

		for (int32_t k = 0; k < s->name_count; k++)
			names[(*count_out)++] = s->names[k];
		for (int32_t k = 0; k < n; k++)
			names[(*count_out)++] = named[k];
	}
	if (names != NULL && count > 1)
		qsort(names, count, sizeof(*names), consumer_compare_texts);
	return names;
}

static int find_topics(struct consumer_turn *turn, struct consumer_wants *wants)
{
	const struct group_topics *topics = turn->shard->topics;
	size_t count;
	const struct slice *names = list_names(turn, wants, &count);

	if (names == NULL)
		return -ENOMEM;
	wants->topics =
		arena_calloc(&turn->arena, count, sizeof(*wants->topics));
	if (wants->topics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct group_topic *out = &wants->topics[wants->topic_count];

		if (i > 0 && slice_equal(names[i - 1], names[i]))
			continue;
		wants->topic_count += topics->by_name(topics, names[i], out);
	}
	return 0;
}

static struct consumer_wants *get_wants(struct consumer_turn *turn)
{
	struct consumer_wants *wants;
	int rc;

	if (turn->wants != NULL)
		return turn->wants;
	wants = arena_calloc(&turn->arena, 1, sizeof(*wants));
	if (wants == NULL)
		return NULL;
	rc = list_views(turn, wants);
	if (rc == 0)
		rc = number_subscriptions(turn, wants);
	if (rc == 0)
		rc = find_topics(turn, wants);
	if (rc == 0)
		turn->wants = wants;
	return rc == 0 ? wants : NULL;
}

/* Metadata hash: XXH3 over little-endian numbers and UTF-16 texts, the way
 * Kafka's hasher streams them. */

enum { HASH_MAGIC = 0, RACKS_MAX = 64 /* of a partition, that count */ };

static void hash_int(XXH3_state_t *state, uint32_t value)
{
	value = htole32(value);
	XXH3_64bits_update(state, &value, sizeof(value));
}

static void hash_long(XXH3_state_t *state, uint64_t value)
{
	value = htole64(value);
	XXH3_64bits_update(state, &value, sizeof(value));
}

static size_t hash_unit(XXH3_state_t *state, uint32_t unit)
{
	uint16_t value = htole16((uint16_t)unit);

	XXH3_64bits_update(state, &value, sizeof(value));
	return 1;
}

/* One character of n bytes: how many units it takes. */
static size_t hash_character(XXH3_state_t *state, const uint8_t *s, size_t n)
{
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fU >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	if (c < 0x10000)
		return hash_unit(state, c);
	return hash_unit(state, 0xd800 + ((c - 0x10000) >> 10)) +
	       hash_unit(state, 0xdc00 + (c & 0x3ff));
}

/* Its units; how many there are. */
static size_t hash_units(XXH3_state_t *state, struct slice text)
{
	size_t units = 0;
	size_t n;

	for (size_t at = 0; at < text.len; at += n) {
		n = utf8_len(text.data + at, text.len - at);
		units += n == 0 ? hash_unit(state, 0xfffd)
				: hash_character(state, text.data + at, n);
		n += n == 0;
	}
	return units;
}

/* The length comes behind. */
static void hash_text(XXH3_state_t *state, struct slice text)
{
	hash_int(state, (uint32_t)hash_units(state, text));
}

static size_t count_units(struct slice text)
{
	XXH3_state_t unused;

	XXH3_64bits_reset(&unused);
	return hash_units(&unused, text);
}

static void hash_racks(XXH3_state_t *state, const struct group_topics *topics,
		       const struct group_topic *topic, int32_t partition)
{
	struct slice racks[RACKS_MAX];
	int32_t count;

	if (topics->racks == NULL)
		return;
	count = topics->racks(topics, topic, partition, racks, RACKS_MAX);
	if (count > 1)
		qsort(racks, (size_t)count, sizeof(*racks),
		      consumer_compare_texts);
	for (int32_t i = 0; i < count; i++) {
		hash_int(state, (uint32_t)count_units(racks[i]));
		hash_text(state, racks[i]);
	}
}

static uint64_t hash_topic(const struct group_topics *topics,
			   const struct group_topic *topic)
{
	const uint8_t magic = HASH_MAGIC;
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, &magic, sizeof(magic));
	hash_long(&state, get_be64(topic->id.bytes));
	hash_long(&state, get_be64(topic->id.bytes + sizeof(uint64_t)));
	hash_text(&state, topic->name);
	hash_int(&state, (uint32_t)topic->partition_count);
	for (int32_t p = 0; p < topic->partition_count; p++) {
		hash_int(&state, (uint32_t)p);
		hash_racks(&state, topics, topic, p);
	}
	return XXH3_64bits_digest(&state);
}

int consumer_rehash(struct consumer_turn *turn, int64_t *hash_out)
{
	const struct consumer_wants *wants = get_wants(turn);
	XXH3_state_t state;

	if (wants == NULL)
		return -ENOMEM;
	XXH3_64bits_reset(&state);
	for (int32_t i = 0; i < wants->topic_count; i++)
		hash_long(&state,
			  hash_topic(turn->shard->topics, &wants->topics[i]));
	*hash_out = wants->topic_count == 0
			    ? 0
			    : (int64_t)XXH3_64bits_digest(&state);
	return 0;
}

/* The assignor that most of the members ask for. */
static const struct assignor *choose_assignor(
	const struct consumer_turn *turn, const struct consumer_wants *wants)
{
	const struct group_settings *settings = turn->shard->settings;
	int32_t counts[GROUP_ASSIGNORS_MAX] = { 0 };
	const struct assignor *assignor;

	for (int32_t i = 0; i < wants->view_count; i++)
		consumer_count_assignor(
			settings, wants->views[i].facts->assignor, counts);
	assignor = assignor_find(
		slice_of(consumer_first_assignor(settings, counts)));
	return assignor != NULL ? assignor : assignor_find(slice_of("uniform"));
}

/* Targets */

static int compare_topics(const void *a, const void *b)
{
	const struct assign_topic *x = a;
	const struct assign_topic *y = b;

	return memcmp(x->id.bytes, y->id.bytes, UUID_BYTES);
}

static int compare_numbers(const void *a, const void *b)
{
	const int32_t *x = a;
	const int32_t *y = b;

	return (*x > *y) - (*x < *y);
}

static int list_topics(const struct consumer_wants *wants,
		       struct assign_task *task)
{
	task->topic_count = wants->topic_count;
	task->topics = arena_calloc(task->arena, (size_t)task->topic_count,
				    sizeof(*task->topics));
	if (task->topics == NULL)
		return -ENOMEM;
	for (int32_t t = 0; t < task->topic_count; t++) {
		task->topics[t].id = wants->topics[t].id;
		task->topics[t].partition_count =
			wants->topics[t].partition_count;
	}
	if (task->topic_count > 1)
		qsort(task->topics, (size_t)task->topic_count,
		      sizeof(*task->topics), compare_topics);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct group_topic *x = a;
	const struct group_topic *y = b;

	return consumer_compare_texts(&x->name, &y->name);
}

/* The number of a topic of that name in the task, or -1. */
static int32_t topic_number(const struct consumer_wants *wants,
			    const struct assign_task *task, struct slice name)
{
	struct group_topic key = { .name = name };
	const struct group_topic *topic =
		bsearch(&key, wants->topics, (size_t)wants->topic_count,
			sizeof(key), compare_names);
	struct assign_topic id;
	struct assign_topic *found;

	if (topic == NULL)
		return -1;
	id.id = topic->id;
	found = bsearch(&id, task->topics, (size_t)task->topic_count,
			sizeof(id), compare_topics);
	return (int32_t)(found - task->topics);
}

static int make_set(const struct consumer_turn *turn,
		    const struct consumer_wants *wants,
		    const struct assign_task *task,
		    const struct consumer_subscription *s,
		    struct assign_set *out)
{
	int32_t named_count;
	int32_t count = 0;
	int32_t kept = 0;
	const struct slice *named = consumer_turn_topics(turn, s, &named_count);
	int32_t *topics =
		arena_calloc(task->arena, (size_t)(s->name_count + named_count),
			     sizeof(*topics));

	if (topics == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < s->name_count + named_count; i++) {
		struct slice name = i < s->name_count
					    ? s->names[i]
					    : named[i - s->name_count];
		int32_t number = topic_number(wants, task, name);

		if (number >= 0)
			topics[count++] = number;
	}
	if (count > 1)
		qsort(topics, (size_t)count, sizeof(*topics), compare_numbers);
	for (int32_t i = 0; i < count; i++) {
		if (kept == 0 || topics[kept - 1] != topics[i])
			topics[kept++] = topics[i];
	}
	*out = (struct assign_set){ topics, kept };
	return 0;
}

static int compare_sets(const void *a, const void *b, void *arg)
{
	const struct assign_set *sets = arg;
	const struct assign_set *x = &sets[*(const int32_t *)a];
	const struct assign_set *y = &sets[*(const int32_t *)b];

	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return memcmp(x->topics, y->topics,
		      (size_t)x->count * sizeof(*x->topics));
}

/* A set for each subscription, and those that are the same made one: number[]
 * says which a subscription has. */
static int list_sets(struct consumer_turn *turn,
		     const struct consumer_wants *wants,
		     struct assign_task *task, int32_t **number_out)
{
	size_t count = (size_t)wants->subscription_count;
	struct assign_set *sets =
		arena_calloc(task->arena, count, sizeof(*sets));
	int32_t *order = arena_calloc(task->arena, count, sizeof(*order));
	int32_t *number = arena_calloc(task->arena, count, sizeof(*number));
	int rc = 0;

	task->sets = arena_calloc(task->arena, count, sizeof(*sets));
	if (sets == NULL || order == NULL || number == NULL ||
	    task->sets == NULL)
		return -ENOMEM;
	for (int32_t i = 0; rc == 0 && i < wants->subscription_count; i++) {
		rc = make_set(turn, wants, task, wants->subscriptions[i],
			      &sets[i]);
		order[i] = i;
	}
	if (rc != 0)
		return rc;
	qsort_r(order, count, sizeof(*order), compare_sets, sets);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || compare_sets(&order[i - 1], &order[i], sets) != 0)
			task->sets[task->set_count++] = sets[order[i]];
		number[order[i]] = task->set_count - 1;
	}
	*number_out = number;
	return 0;
}

static int list_members(const struct consumer_wants *wants,
			struct assign_task *task, const int32_t *number)
{
	task->member_count = wants->view_count;
	task->members = arena_calloc(task->arena, (size_t)task->member_count,
				     sizeof(*task->members));
	if (task->members == NULL)
		return -ENOMEM;
	for (int32_t m = 0; m < task->member_count; m++) {
		const struct view *view = &wants->views[m];

		task->members[m] = (struct assign_member){
			.id = view->id,
			.instance_id = view->facts->instance_id,
			.set = number[view->facts->subscription->number],
			.before = view->target,
		};
	}
	return 0;
}

/* What has changed, and the epoch of it all. */
static void write_targets(struct consumer_turn *turn,
			  const struct consumer_wants *wants,
			  const struct assign_task *task)
{
	for (int32_t m = 0; m < task->member_count; m++) {
		const struct view *view = &wants->views[m];
		const struct assignment *after = &task->members[m].after;

		if (turn->has_member && m == task->member_count - 1)
			turn->target = after;
		if (view->is_written && assignment_equal(view->target, after))
			continue;
		consumer_write_target(turn, view->id, after);
	}
	consumer_write_target_epoch(turn, turn->epoch);
	turn->assignment_epoch = turn->epoch;
}

int consumer_retarget(struct consumer_turn *turn)
{
	const struct consumer_wants *wants = get_wants(turn);
	struct assign_task task = { .arena = &turn->arena };
	int32_t *number;
	int rc;

	if (wants == NULL)
		return -ENOMEM;
	rc = list_topics(wants, &task);
	if (rc == 0)
		rc = list_sets(turn, wants, &task, &number);
	if (rc == 0)
		rc = list_members(wants, &task, number);
	if (rc != 0)
		return rc;
	rc = assign_run(choose_assignor(turn, wants), &task);
	if (rc == 0)
		write_targets(turn, wants, &task);
	return rc;
}
