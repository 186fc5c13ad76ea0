/*
 * consumer_state.c - tables of a consumer group: members, what they want, who
 * has which partition
 */
#include "kbrokerd/group/consumer_state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "kbrokerd/group/memory.h"

int consumer_compare_texts(const void *a, const void *b)
{
	const struct slice *x = a;
	const struct slice *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = len == 0 ? 0 : memcmp(x->data, y->data, len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Groups */

struct consumer_group *consumer_get(struct group *group)
{
	struct consumer_group *c = group->consumer;

	if (c == NULL) {
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			return NULL;
		c->group = group;
		c->topics_changed = true;
		TAILQ_INIT(&c->due_patterns);
		group->consumer = c;
		group_memory_add(group->shard, c);
	}
	return c;
}

void consumer_drop_if_void(struct group *group)
{
	const struct consumer_group *c = group->consumer;

	if (c != NULL && !c->is_recorded && c->members == NULL &&
	    c->patterns == NULL)
		consumer_free(group, 0);
	group_drop_if_void(group);
}

static void free_owned(struct consumer_group *c, struct consumer_owned *owned)
{
	HASH_DEL(c->owned, owned);
	group_memory_free(c->group->shard, owned->owners);
	group_memory_free(c->group->shard, owned);
}

static void free_member(struct consumer_member *member);
static void free_pattern(struct consumer_group *c,
			 struct consumer_pattern *pattern);

/* error: nobody waits for an answer here. */
void consumer_free(struct group *group, int16_t error)
{
	struct consumer_group *c = group->consumer;
	struct consumer_member *member;
	struct consumer_member *next_member;
	struct consumer_pattern *pattern;
	struct consumer_pattern *next_pattern;
	struct consumer_owned *owned;
	struct consumer_owned *next_owned;

	(void)error;
	if (c == NULL)
		return;
	group_timer_stop(group->shard, &c->back_timer);
	HASH_ITER(hh, c->members, member, next_member)
	free_member(member);
	HASH_ITER(hh, c->patterns, pattern, next_pattern)
	free_pattern(c, pattern);
	HASH_ITER(hh, c->owned, owned, next_owned)
	free_owned(c, owned);
	group_memory_free(group->shard, c);
	group->consumer = NULL;
}

/* Members */

struct consumer_member *consumer_find(const struct consumer_group *c,
				      struct slice member_id)
{
	struct consumer_member *member;

	HASH_FIND(hh, c->members, member_id.data, member_id.len, member);
	return member;
}

struct consumer_member *consumer_find_instance(const struct consumer_group *c,
					       struct slice instance_id)
{
	struct consumer_member *member;

	HASH_FIND(instance_hh, c->instances, instance_id.data, instance_id.len,
		  member);
	return member;
}

struct consumer_member *consumer_make(struct consumer_group *c,
				      struct slice member_id)
{
	struct consumer_member *member = consumer_find(c, member_id);
	uint8_t *bytes;

	if (member != NULL)
		return member;
	member = calloc(1, sizeof(*member) + member_id.len);
	if (member == NULL)
		return NULL;
	bytes = (uint8_t *)(member + 1);
	if (member_id.len > 0)
		memcpy(bytes, member_id.data, member_id.len);
	member->id = (struct slice){ bytes, member_id.len };
	member->consumer = c;
	HASH_ADD_KEYPTR(hh, c->members, member->id.data, member->id.len,
			member);
	if (member->hh.tbl == NULL) {
		free(member);
		return NULL;
	}
	group_memory_add(c->group->shard, member);
	return member;
}

void consumer_stop_timers(struct consumer_member *member)
{
	struct group_shard *shard = member->consumer->group->shard;

	group_timer_stop(shard, &member->session_timer);
	group_timer_stop(shard, &member->rebalance_timer);
	group_timer_stop(shard, &member->join_timer);
	group_timer_stop(shard, &member->sync_timer);
}

void consumer_set_assignment(struct consumer_member *member,
			     struct assignment *to, struct assignment from)
{
	struct group_shard *shard = member->consumer->group->shard;

	group_memory_remove(shard, to->topics);
	assignment_clear(to);
	*to = from;
	group_memory_add(shard, to->topics);
}

static void free_member(struct consumer_member *member)
{
	static const struct assignment nothing;
	struct consumer_group *c = member->consumer;

	consumer_stop_timers(member);
	if (member->has_instance)
		HASH_DELETE(instance_hh, c->instances, member);
	HASH_DEL(c->members, member);
	consumer_disown(member, &member->progress.assigned);
	consumer_disown(member, &member->progress.revoking);
	consumer_set_assignment(member, &member->progress.assigned, nothing);
	consumer_set_assignment(member, &member->progress.revoking, nothing);
	consumer_set_assignment(member, &member->target, nothing);
	consumer_unsubscribe(c, member->facts.subscription);
	group_memory_free(c->group->shard, member->facts_memory);
	group_memory_free(c->group->shard, member);
}

void consumer_forget_if_void(struct consumer_member *member)
{
	if (!member->is_member && !member->has_target && !member->has_progress)
		free_member(member);
}

/* Subscriptions */

/* The names in order and without repetition, in place: how many are left. */
static int32_t tidy_names(struct slice *names, int32_t count)
{
	int32_t kept = 0;

	if (count > 1)
		qsort(names, (size_t)count, sizeof(*names),
		      consumer_compare_texts);
	for (int32_t i = 0; i < count; i++) {
		if (kept == 0 || !slice_equal(names[kept - 1], names[i]))
			names[kept++] = names[i];
	}
	return kept;
}

static uint8_t *put_text(uint8_t *to, struct slice text, struct slice *out)
{
	put_be32(to, (uint32_t)text.len);
	to += sizeof(uint32_t);
	if (text.len > 0)
		memcpy(to, text.data, text.len);
	*out = (struct slice){ to, text.len };
	return to + text.len;
}

/* Its own memory and, at the end, its key: all texts with their lengths. */
static struct consumer_subscription *copy_subscription(
	const struct slice *names, int32_t count, struct slice pattern)
{
	struct consumer_subscription *s;
	size_t bytes = sizeof(uint32_t) + pattern.len;
	uint8_t *at;

	for (int32_t i = 0; i < count; i++)
		bytes += sizeof(uint32_t) + names[i].len;
	s = calloc(1, sizeof(*s) + (size_t)count * sizeof(*names) + bytes);
	if (s == NULL)
		return NULL;
	s->names = (struct slice *)(s + 1);
	s->name_count = count;
	at = put_text((uint8_t *)(s->names + count), pattern, &s->pattern);
	for (int32_t i = 0; i < count; i++)
		at = put_text(at, names[i], &s->names[i]);
	s->hh.key = s->names + count;
	s->hh.keylen = (unsigned)(at - (uint8_t *)s->hh.key);
	return s;
}

/* Of the names as they came only what is kept takes memory. */
static struct consumer_subscription *make_subscription(
	const struct slice *names, int32_t count, struct slice pattern)
{
	struct slice *tidy = calloc((size_t)count + 1, sizeof(*tidy));
	struct consumer_subscription *s = NULL;

	if (tidy == NULL)
		return NULL;
	memcpy(tidy, names, (size_t)count * sizeof(*tidy));
	count = tidy_names(tidy, count);
	s = copy_subscription(tidy, count, pattern);
	free(tidy);
	return s;
}

struct consumer_subscription *consumer_subscribe(struct consumer_group *c,
						 const struct slice *names,
						 int32_t count,
						 struct slice pattern)
{
	static const struct slice none;
	struct consumer_subscription *made;
	struct consumer_subscription *there;

	if (slice_is_null(pattern))
		pattern = slice_of("");
	made = make_subscription(names == NULL ? &none : names, count, pattern);
	if (made == NULL)
		return NULL;
	HASH_FIND(hh, c->subscriptions, made->hh.key, made->hh.keylen, there);
	if (there != NULL) {
		free(made);
		there->refs++;
		return there;
	}
	HASH_ADD_KEYPTR(hh, c->subscriptions, made->hh.key, made->hh.keylen,
			made);
	if (made->hh.tbl == NULL) {
		free(made);
		return NULL;
	}
	made->refs = 1;
	group_memory_add(c->group->shard, made);
	return made;
}

void consumer_unsubscribe(struct consumer_group *c,
			  struct consumer_subscription *subscription)
{
	if (subscription == NULL || --subscription->refs > 0)
		return;
	HASH_DEL(c->subscriptions, subscription);
	group_memory_free(c->group->shard, subscription);
}

/* Patterns */

struct consumer_pattern *consumer_find_pattern(const struct consumer_group *c,
					       struct slice text)
{
	struct consumer_pattern *pattern;

	HASH_FIND(hh, c->patterns, text.data, text.len, pattern);
	return pattern;
}

void consumer_set_due(struct consumer_group *c,
		      struct consumer_pattern *pattern, bool is_due)
{
	if (is_due && !pattern->is_due)
		TAILQ_INSERT_TAIL(&c->due_patterns, pattern, due);
	else if (!is_due && pattern->is_due)
		TAILQ_REMOVE(&c->due_patterns, pattern, due);
	pattern->is_due = is_due;
}

static struct consumer_pattern *get_pattern(struct consumer_group *c,
					    struct slice text)
{
	struct consumer_pattern *pattern = consumer_find_pattern(c, text);
	uint8_t *bytes;

	if (pattern != NULL)
		return pattern;
	pattern = calloc(1, sizeof(*pattern) + text.len);
	if (pattern == NULL)
		return NULL;
	bytes = (uint8_t *)(pattern + 1);
	if (text.len > 0)
		memcpy(bytes, text.data, text.len);
	pattern->text = (struct slice){ bytes, text.len };
	HASH_ADD_KEYPTR(hh, c->patterns, bytes, text.len, pattern);
	if (pattern->hh.tbl == NULL) {
		free(pattern);
		return NULL;
	}
	group_memory_add(c->group->shard, pattern);
	return pattern;
}

static void set_topics(struct consumer_group *c,
		       struct consumer_pattern *pattern, struct slice *topics,
		       int32_t count)
{
	group_memory_free(c->group->shard, pattern->topics);
	pattern->topics = topics;
	pattern->topic_count = count;
	pattern->is_resolved = topics != NULL;
	group_memory_add(c->group->shard, topics);
}

static void free_pattern(struct consumer_group *c,
			 struct consumer_pattern *pattern)
{
	set_topics(c, pattern, NULL, 0);
	consumer_set_due(c, pattern, false);
	HASH_DEL(c->patterns, pattern);
	group_memory_free(c->group->shard, pattern);
}

static void release_pattern(struct consumer_group *c,
			    struct consumer_pattern *pattern)
{
	if (pattern->members == 0 && !pattern->is_resolved)
		free_pattern(c, pattern);
}

int consumer_add_subscriber(struct consumer_group *c,
			    struct consumer_subscription *subscription)
{
	if (subscription->pattern.len > 0 && subscription->known == NULL) {
		subscription->known = get_pattern(c, subscription->pattern);
		if (subscription->known == NULL)
			return -ENOMEM;
	}
	if (subscription->known != NULL)
		subscription->known->members++;
	subscription->members++;
	return 0;
}

void consumer_remove_subscriber(struct consumer_group *c,
				struct consumer_subscription *subscription)
{
	struct consumer_pattern *pattern = subscription->known;

	if (--subscription->members == 0)
		subscription->known = NULL;
	if (pattern == NULL)
		return;
	pattern->members--;
	release_pattern(c, pattern);
}

/* In one piece of memory, in order. */
static struct slice *copy_topics(const struct slice *topics, int32_t count)
{
	size_t bytes = 0;
	struct slice *copy;
	uint8_t *at;

	for (int32_t i = 0; i < count; i++)
		bytes += topics[i].len;
	copy = malloc((size_t)count * sizeof(*copy) + bytes + 1);
	if (copy == NULL)
		return NULL;
	at = (uint8_t *)(copy + count);
	for (int32_t i = 0; i < count; i++) {
		if (topics[i].len > 0)
			memcpy(at, topics[i].data, topics[i].len);
		copy[i] = (struct slice){ at, topics[i].len };
		at += topics[i].len;
	}
	if (count > 1)
		qsort(copy, (size_t)count, sizeof(*copy),
		      consumer_compare_texts);
	return copy;
}

int consumer_resolve_pattern(struct consumer_group *c, struct slice text,
			     const struct slice *topics, int32_t count)
{
	struct consumer_pattern *pattern = get_pattern(c, text);
	struct slice *copy = copy_topics(topics, count);

	if (pattern == NULL || copy == NULL) {
		free(copy);
		if (pattern != NULL)
			release_pattern(c, pattern);
		return -ENOMEM;
	}
	set_topics(c, pattern, copy, count);
	return 0;
}

void consumer_unresolve_pattern(struct consumer_group *c, struct slice text)
{
	struct consumer_pattern *pattern = consumer_find_pattern(c, text);

	if (pattern == NULL)
		return;
	set_topics(c, pattern, NULL, 0);
	release_pattern(c, pattern);
}

/* Owners */

static struct consumer_owned *find_owned(const struct consumer_group *c,
					 const struct uuid *topic_id)
{
	struct consumer_owned *owned;

	HASH_FIND(hh, c->owned, topic_id, sizeof(*topic_id), owned);
	return owned;
}

struct consumer_member *consumer_owner(const struct consumer_group *c,
				       const struct uuid *topic_id,
				       int32_t partition)
{
	const struct consumer_owned *owned = find_owned(c, topic_id);

	if (owned == NULL || partition >= owned->size)
		return NULL;
	return owned->owners[partition];
}

static struct consumer_owned *make_owned(struct consumer_group *c,
					 const struct uuid *topic_id)
{
	struct consumer_owned *owned = find_owned(c, topic_id);

	if (owned != NULL)
		return owned;
	owned = calloc(1, sizeof(*owned));
	if (owned == NULL)
		return NULL;
	owned->id = *topic_id;
	HASH_ADD(hh, c->owned, id, sizeof(owned->id), owned);
	if (owned->hh.tbl == NULL) {
		free(owned);
		return NULL;
	}
	group_memory_add(c->group->shard, owned);
	return owned;
}

static int grow_owned(struct group_shard *shard, struct consumer_owned *owned,
		      int32_t size)
{
	struct consumer_member **owners;

	if (size <= owned->size)
		return 0;
	if (size < 2 * owned->size)
		size = 2 * owned->size;
	owners = calloc((size_t)size, sizeof(struct consumer_member *));
	if (owners == NULL)
		return -ENOMEM;
	if (owned->size > 0)
		memcpy(owners, owned->owners,
		       (size_t)owned->size * sizeof(struct consumer_member *));
	group_memory_free(shard, owned->owners);
	group_memory_add(shard, owners);
	owned->owners = owners;
	owned->size = size;
	return 0;
}

int consumer_own(struct consumer_member *member, const struct assignment *a)
{
	for (int32_t i = 0; i < a->count; i++) {
		const struct assignment_topic *topic = &a->topics[i];
		int32_t last = topic->partitions[topic->count - 1];
		struct consumer_owned *owned;

		/* From the disk it could be any number. */
		if (last >= PARTITIONS_PER_TOPIC_MAX)
			continue;
		owned = make_owned(member->consumer, &topic->id);
		if (owned == NULL || grow_owned(member->consumer->group->shard,
						owned, last + 1) != 0)
			return -ENOMEM;
		for (int32_t k = 0; k < topic->count; k++) {
			struct consumer_member **owner =
				&owned->owners[topic->partitions[k]];

			owned->count += *owner == NULL;
			*owner = member;
		}
	}
	return 0;
}

void consumer_disown(struct consumer_member *member, const struct assignment *a)
{
	struct consumer_group *c = member->consumer;

	for (int32_t i = 0; i < a->count; i++) {
		const struct assignment_topic *topic = &a->topics[i];
		struct consumer_owned *owned = find_owned(c, &topic->id);

		for (int32_t k = 0; owned != NULL && k < topic->count; k++) {
			int32_t partition = topic->partitions[k];

			if (partition >= owned->size ||
			    owned->owners[partition] != member)
				continue;
			owned->owners[partition] = NULL;
			owned->count--;
		}
		if (owned != NULL && owned->count == 0)
			free_owned(c, owned);
	}
}
