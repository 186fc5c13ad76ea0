/*
 * consumer_embedded.c - subscriptions and assignments inside of group messages
 *
 * They come from clients: nothing is believed of them.
 */
#include "kbrokerd/group/consumer_embedded.h"

#include <errno.h>

#include "base/buffer.h"
#include "wire/wire.h"

enum { VERSION_BYTES = 2, VERSION_MAX = 3 };

struct named_topic {
	struct slice topic;
	int32_t *partitions;
	int32_t partitions_count;
};

#define SAME_SHAPE(type)                                                       \
	_Static_assert(                                                        \
		sizeof(struct type) == sizeof(struct named_topic) &&           \
			offsetof(struct type, partitions) ==                   \
				offsetof(struct named_topic, partitions),      \
		#type)

SAME_SHAPE(consumer_protocol_subscription_owned_partitions);
SAME_SHAPE(consumer_protocol_assignment_assigned_partitions);

/* Its version, at most the last known, or -1. */
static int16_t version_of(struct slice bytes)
{
	int16_t version;

	if (bytes.len < VERSION_BYTES)
		return -1;
	version = (int16_t)get_be16(bytes.data);
	if (version < 0)
		return -1;
	if (version > VERSION_MAX)
		version = VERSION_MAX;
	return version;
}

static int decode(const struct wire_desc *desc, struct slice bytes,
		  struct arena *arena, void *out)
{
	int16_t version = version_of(bytes);
	int64_t taken;

	if (version < 0)
		return -EBADMSG;
	wire_init(desc, out);
	taken = wire_decode(desc, version,
			    (struct slice){ bytes.data + VERSION_BYTES,
					    bytes.len - VERSION_BYTES },
			    arena, out);
	return taken < 0 ? (int)taken : 0;
}

int embedded_read_subscription(struct slice bytes, struct arena *arena,
			       struct consumer_protocol_subscription *out)
{
	return decode(&consumer_protocol_subscription_desc, bytes, arena, out);
}

int embedded_read_assignment(struct slice bytes, struct arena *arena,
			     struct consumer_protocol_assignment *out)
{
	return decode(&consumer_protocol_assignment_desc, bytes, arena, out);
}

/* Drop partitions that the topic has not, in place: how many are left. */
static int32_t keep_known(int32_t *partitions, int32_t count, int32_t known)
{
	int32_t kept = 0;

	for (int32_t i = 0; i < count; i++) {
		if (partitions[i] >= 0 && partitions[i] < known)
			partitions[kept++] = partitions[i];
	}
	return kept;
}

int embedded_find_topics(struct arena *arena, const struct group_topics *topics,
			 const void *list, int32_t count,
			 struct assignment *out)
{
	struct consumer_group_heartbeat_request_topic_partitions *found;
	const struct named_topic *named = list;
	int32_t n = 0;

	*out = (struct assignment){ 0 };
	if (count <= 0)
		return 0;
	found = arena_calloc(arena, (size_t)count, sizeof(*found));
	if (found == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < count; i++) {
		struct group_topic topic;

		if (!topics->by_name(topics, named[i].topic, &topic))
			continue;
		found[n].topic_id = topic.id;
		found[n].partitions = named[i].partitions;
		found[n++].partitions_count = keep_known(
			named[i].partitions, named[i].partitions_count,
			topic.partition_count);
	}
	return assignment_from_wire(arena, found, n, out);
}

static int list_names(struct arena *arena, const struct group_topics *topics,
		      const struct assignment *a,
		      struct consumer_protocol_assignment *out)
{
	struct named_topic *list =
		arena_calloc(arena, (size_t)a->count, sizeof(*list));

	wire_init(&consumer_protocol_assignment_desc, out);
	if (list == NULL)
		return -ENOMEM;
	out->assigned_partitions = (void *)list;
	out->assigned_partitions_count = 0;
	out->user_data = SLICE_NULL;
	for (int32_t i = 0; i < a->count; i++) {
		struct group_topic topic;

		if (!topics->by_id(topics, &a->topics[i].id, &topic))
			continue;
		list[out->assigned_partitions_count++] = (struct named_topic){
			topic.name, a->topics[i].partitions, a->topics[i].count
		};
	}
	return 0;
}

struct slice embedded_write_assignment(struct arena *arena,
				       const struct group_topics *topics,
				       const struct assignment *a,
				       struct slice metadata)
{
	struct consumer_protocol_assignment assignment;
	int16_t version = version_of(metadata);
	struct buffer out = { 0 };
	struct slice copy = SLICE_NULL;

	if (version < 0)
		version = 0;
	if (list_names(arena, topics, a, &assignment) == 0 &&
	    wire_versioned_encode(&consumer_protocol_assignment_desc, version,
				  &assignment, &out) == 0)
		copy = arena_copy(arena, (struct slice){ out.data, out.len });
	buffer_clear(&out);
	return copy;
}
