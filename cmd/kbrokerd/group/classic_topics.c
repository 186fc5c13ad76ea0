/*
 * classic_topics.c - the topics that a classic group reads
 *
 * Members say it in the metadata of the "consumer" protocol type, in a format
 * of which every version begins alike.  When one does not keep to it the group
 * counts as reading everything: its offsets then stay.
 *
 * The list is made when somebody asks, sorted: metadata comes from clients, and
 * no choice of names makes a sorted list slow.
 */
#include "classic_group.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/memory.h"
#include "wire/wire.h"

static const char consumer_type[] = "consumer"; /* the type of consumers */

struct classic_topics {
	bool are_known;
	size_t count, room;
	struct slice
		*names; /* slices of the members' metadata, then of bytes */
	uint8_t *bytes;
	size_t byte_count;
};

static int compare(const void *left, const void *right)
{
	const struct slice *a = left;
	const struct slice *b = right;
	int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

	if (order != 0)
		return order;
	return a->len < b->len ? -1 : a->len > b->len;
}

static int add(struct classic_topics *topics, struct slice name)
{
	if (topics->count == topics->room) {
		size_t room = topics->room == 0 ? 16 : 2 * topics->room;
		struct slice *names =
			reallocarray(topics->names, room, sizeof(*names));

		if (names == NULL)
			return -ENOMEM;
		topics->names = names;
		topics->room = room;
	}
	topics->names[topics->count++] = name;
	return 0;
}

/* int16 version, int32 count, and the names, each behind its int16 length. */
static int add_subscription(struct classic_topics *topics, struct slice s)
{
	uint32_t count;

	if (s.len < sizeof(int16_t) + sizeof(int32_t))
		return -EBADMSG;
	count = get_be32(s.data + sizeof(int16_t));
	s.data += sizeof(int16_t) + sizeof(int32_t);
	s.len -= sizeof(int16_t) + sizeof(int32_t);
	for (; count > 0; count--) {
		struct slice name;

		if (s.len < sizeof(int16_t))
			return -EBADMSG;
		name = (struct slice){ s.data + sizeof(int16_t),
				       get_be16(s.data) };
		if (name.len > INT16_MAX || name.len > s.len - sizeof(int16_t))
			return -EBADMSG;
		if (add(topics, name) < 0)
			return -ENOMEM;
		s.data = name.data + name.len;
		s.len -= sizeof(int16_t) + name.len;
	}
	return 0;
}

/* Sorted, each once: what is left. */
static void tidy(struct classic_topics *topics)
{
	size_t kept = 0;
	struct slice *names;

	if (topics->count > 0)
		qsort(topics->names, topics->count, sizeof(*topics->names),
		      compare);
	topics->byte_count = 0;
	for (size_t i = 0; i < topics->count; i++) {
		struct slice name = topics->names[i];

		if (kept > 0 && slice_equal(topics->names[kept - 1], name))
			continue;
		topics->names[kept++] = name;
		topics->byte_count += name.len;
	}
	topics->count = kept;
	names = reallocarray(topics->names, kept + 1, sizeof(*names));
	if (names != NULL)
		topics->names = names;
}

/* Of our own memory: members go. */
static int settle(struct classic_topics *topics)
{
	uint8_t *at;

	tidy(topics);
	at = topics->bytes = malloc(topics->byte_count + 1);
	if (at == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < topics->count; i++) {
		struct slice *name = &topics->names[i];

		memcpy(at, name->data, name->len);
		name->data = at;
		at += name->len;
	}
	return 0;
}

static int collect(struct classic_topics *topics,
		   const struct classic_group *classic)
{
	struct slice last = SLICE_NULL;

	for (const struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next) {
		struct slice s = classic_member_metadata(m, classic->protocol);
		int rc = 0;

		if (!slice_equal(s, last)) /* most are alike */
			rc = add_subscription(topics, s);
		if (rc < 0)
			return rc;
		last = s;
	}
	return settle(topics);
}

static bool is_consumer(const struct classic_group *classic)
{
	return slice_is(classic->protocol_type, consumer_type);
}

static void make(struct classic_group *classic)
{
	struct classic_topics *topics = calloc(1, sizeof(*topics));
	struct group_shard *shard = classic->group->shard;

	if (topics == NULL)
		return;
	topics->are_known = is_consumer(classic) &&
			    (classic->members == NULL ||
			     !slice_is_null(classic->protocol)) &&
			    collect(topics, classic) == 0;
	if (!topics->are_known) {
		free(topics->names);
		topics->names = NULL;
	}
	classic->topics = topics;
	group_memory_add(shard, topics);
	group_memory_add(shard, topics->names);
	group_memory_add(shard, topics->bytes);
}

void classic_topics_reset(struct classic_group *classic)
{
	struct group_shard *shard = classic->group->shard;

	if (classic->topics == NULL)
		return;
	group_memory_free(shard, classic->topics->names);
	group_memory_free(shard, classic->topics->bytes);
	group_memory_free(shard, classic->topics);
	classic->topics = NULL;
}

bool classic_subscribes(const struct group *group, struct slice topic)
{
	struct classic_group *classic = group->classic;
	const struct classic_topics *topics;

	if (classic->topics == NULL)
		make(classic);
	topics = classic->topics;
	if (topics == NULL || !topics->are_known)
		return is_consumer(classic);
	return topics->count > 0 &&
	       bsearch(&topic, topics->names, topics->count,
		       sizeof(*topics->names), compare) != NULL;
}
