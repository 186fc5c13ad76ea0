/*
 * consumer_protocol.c - what members of classic consumer groups tell each other
 */
#include "client/consumer_protocol.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "wire/messages.h"

enum { VERSION = 3, VERSION_BYTES = 2 };

static int32_t topics_in(const struct partition_set *set)
{
	int32_t count = 0;

	for (size_t i = 0; i < set->count; i += partition_set_run(set, i))
		count++;
	return count;
}

/*
 * User data of sticky, which is no message of its own: [topic [partition]]
 * generation, the generation being absent in its version 0.
 */
static void put_sticky(const struct partition_set *last, int32_t generation,
		       struct buffer *out)
{
	buffer_put_be32(out, (uint32_t)topics_in(last));
	for (size_t i = 0; i < last->count;) {
		size_t run = partition_set_run(last, i);
		struct slice topic = slice_of(last->items[i].topic);

		buffer_put_be16(out, (uint16_t)topic.len);
		buffer_put(out, topic.data, topic.len);
		buffer_put_be32(out, (uint32_t)run);
		for (; run > 0; run--)
			buffer_put_be32(out,
					(uint32_t)last->items[i++].partition);
	}
	buffer_put_be32(out, (uint32_t)generation);
}

/* The next number, or -1 at the end (none of those here is negative). */
static int32_t take_be32(struct slice *bytes)
{
	int32_t value;

	if (bytes->len < sizeof(value)) {
		bytes->len = 0;
		return -1;
	}
	value = (int32_t)get_be32(bytes->data);
	bytes->data += sizeof(value);
	bytes->len -= sizeof(value);
	return value;
}

static bool take_topic(struct slice *bytes, struct slice *topic)
{
	if (bytes->len < 2 || get_be16(bytes->data) > bytes->len - 2)
		return false;
	*topic = (struct slice){ bytes->data + 2, get_be16(bytes->data) };
	bytes->data += 2 + topic->len;
	bytes->len -= 2 + topic->len;
	return true;
}

static bool take_sticky(struct slice bytes, struct partition_set *owned,
			int32_t *generation_out)
{
	int32_t topics = take_be32(&bytes);

	*generation_out = -1;
	if (topics < 0)
		return false;
	while (topics-- > 0) {
		struct slice topic;
		int32_t count;

		if (!take_topic(&bytes, &topic))
			return false;
		count = take_be32(&bytes);
		if (count < 0 || (size_t)count > bytes.len / 4)
			return false;
		while (count-- > 0)
			partition_set_add(owned, topic, take_be32(&bytes),
					  UUID_ZERO);
	}
	if (bytes.len >= 4)
		*generation_out = take_be32(&bytes);
	return true;
}

static int put_owned(struct consumer_protocol_subscription *m,
		     struct arena *arena, const struct partition_set *owned)
{
	m->owned_partitions = wire_array(
		&consumer_protocol_subscription_owned_partitions_desc, arena,
		topics_in(owned));
	if (m->owned_partitions == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < owned->count;) {
		struct consumer_protocol_subscription_owned_partitions *t =
			&m->owned_partitions[m->owned_partitions_count++];
		size_t run = partition_set_run(owned, i);

		t->topic = slice_of(owned->items[i].topic);
		t->partitions = arena_calloc(arena, run, sizeof(int32_t));
		if (t->partitions == NULL)
			return -ENOMEM;
		for (; run > 0; run--)
			t->partitions[t->partitions_count++] =
				owned->items[i++].partition;
	}
	return 0;
}

static void put_user_data(const struct assignor *assignor,
			  const struct consumer_facts *facts,
			  struct buffer *out)
{
	if (assignor->is_cooperative)
		buffer_put_be32(out, (uint32_t)facts->last_generation);
	else if (assignor->is_sticky && facts->last_generation >= 0)
		put_sticky(facts->last, facts->last_generation, out);
}

int consumer_subscription_encode(const struct assignor *assignor,
				 const struct consumer_facts *facts,
				 struct buffer *out)
{
	struct consumer_protocol_subscription m;
	struct buffer user_data = { 0 };
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	wire_init(&consumer_protocol_subscription_desc, &m);
	put_user_data(assignor, facts, &user_data);
	if (user_data.len > 0)
		m.user_data = buffer_slice(&user_data);
	m.generation_id = facts->generation;
	m.rack_id = slice_of(facts->rack);
	m.topics = arena_calloc(&arena, facts->topic_count, sizeof(*m.topics));
	rc = m.topics == NULL || user_data.failed ? -ENOMEM : 0;
	for (size_t i = 0; i < facts->topic_count && rc == 0; i++)
		m.topics[m.topics_count++] = slice_of(facts->topics[i]);
	if (rc == 0)
		rc = put_owned(&m, &arena, facts->owned);
	if (rc == 0)
		rc = wire_versioned_encode(&consumer_protocol_subscription_desc,
					   VERSION, &m, out);
	buffer_clear(&user_data);
	arena_clear(&arena);
	return rc;
}

/* Decode as the version in front says, or as ours where that is newer. */
static int decode(const struct wire_desc *desc, struct slice bytes,
		  struct arena *arena, void *message)
{
	int16_t version;
	int64_t rc;

	if (bytes.len < VERSION_BYTES)
		return -EBADMSG;
	version = (int16_t)get_be16(bytes.data);
	if (version < 0)
		return -EBADMSG;
	bytes.data += VERSION_BYTES;
	bytes.len -= VERSION_BYTES;
	if (version > VERSION)
		version = VERSION;
	rc = wire_decode(desc, version, bytes, arena, message);
	return rc < 0 ? (int)rc : 0;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int take_topics(struct consumer_subscription *s,
		       const struct consumer_protocol_subscription *m)
{
	size_t kept = 0;
	size_t count = (size_t)m->topics_count;

	s->topics = arena_calloc(&s->arena, count + 1, sizeof(*s->topics));
	if (s->topics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		s->topics[i] = arena_text(&s->arena, m->topics[i]);
		if (s->topics[i] == NULL)
			return -ENOMEM;
	}
	if (count > 0)
		qsort(s->topics, count, sizeof(*s->topics), compare_texts);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || strcmp(s->topics[kept - 1], s->topics[i]) != 0)
			s->topics[kept++] = s->topics[i];
	}
	s->topic_count = kept;
	return 0;
}

static void take_owned(struct consumer_subscription *s,
		       const struct consumer_protocol_subscription *m)
{
	for (int32_t t = 0; t < m->owned_partitions_count; t++) {
		for (int32_t p = 0; p < m->owned_partitions[t].partitions_count;
		     p++)
			partition_set_add(&s->owned,
					  m->owned_partitions[t].topic,
					  m->owned_partitions[t].partitions[p],
					  UUID_ZERO);
	}
}

/* What the member says it had: who says it how depends on the assignor. */
static void take_past(const struct assignor *assignor,
		      struct consumer_subscription *s,
		      const struct consumer_protocol_subscription *m)
{
	s->generation = m->generation_id;
	if (!assignor->is_sticky)
		return;
	if (assignor->is_cooperative) {
		take_owned(s, m);
		if (s->generation < 0 && m->user_data.len == 4)
			s->generation = (int32_t)get_be32(m->user_data.data);
	} else if (!take_sticky(m->user_data, &s->owned, &s->generation)) {
		partition_set_reset(&s->owned);
	}
	partition_set_sort(&s->owned);
}

int consumer_subscription_decode(const struct assignor *assignor,
				 struct slice bytes,
				 struct consumer_subscription *out)
{
	struct consumer_protocol_subscription m;
	int rc;

	*out = (struct consumer_subscription){ .generation = -1 };
	rc = decode(&consumer_protocol_subscription_desc, bytes, &out->arena,
		    &m);
	if (rc < 0)
		return rc;
	rc = take_topics(out, &m);
	if (rc < 0)
		return rc;
	take_past(assignor, out, &m);
	if (!slice_is_null(m.rack_id))
		out->rack = arena_text(&out->arena, m.rack_id);
	return out->owned.failed ? -ENOMEM : 0;
}

void consumer_subscription_clear(struct consumer_subscription *s)
{
	partition_set_clear(&s->owned);
	arena_clear(&s->arena);
	*s = (struct consumer_subscription){ 0 };
}

int consumer_assignment_encode(const struct partition_set *partitions,
			       struct buffer *out)
{
	struct consumer_protocol_assignment m;
	struct arena arena;
	int rc = -ENOMEM;

	arena_init(&arena, 0);
	wire_init(&consumer_protocol_assignment_desc, &m);
	m.assigned_partitions = wire_array(
		&consumer_protocol_assignment_assigned_partitions_desc, &arena,
		topics_in(partitions));
	if (m.assigned_partitions == NULL)
		goto end;
	for (size_t i = 0; i < partitions->count;) {
		struct consumer_protocol_assignment_assigned_partitions *t =
			&m.assigned_partitions[m.assigned_partitions_count++];
		size_t run = partition_set_run(partitions, i);

		t->topic = slice_of(partitions->items[i].topic);
		t->partitions = arena_calloc(&arena, run, sizeof(int32_t));
		if (t->partitions == NULL)
			goto end;
		for (; run > 0; run--)
			t->partitions[t->partitions_count++] =
				partitions->items[i++].partition;
	}
	rc = wire_versioned_encode(&consumer_protocol_assignment_desc, VERSION,
				   &m, out);
end:
	arena_clear(&arena);
	return rc;
}

int consumer_assignment_decode(struct slice bytes, struct partition_set *out)
{
	struct consumer_protocol_assignment m;
	struct arena arena;
	int rc;

	partition_set_reset(out);
	if (bytes.len == 0)
		return 0;
	arena_init(&arena, 0);
	rc = decode(&consumer_protocol_assignment_desc, bytes, &arena, &m);
	for (int32_t t = 0; rc == 0 && t < m.assigned_partitions_count; t++) {
		const struct consumer_protocol_assignment_assigned_partitions
			*topic = &m.assigned_partitions[t];

		for (int32_t p = 0; p < topic->partitions_count; p++) {
			if (topic->partitions[p] < 0 ||
			    topic->partitions[p] >= PARTITIONS_PER_TOPIC_MAX)
				rc = -EBADMSG;
			else
				partition_set_add(out, topic->topic,
						  topic->partitions[p],
						  UUID_ZERO);
		}
	}
	partition_set_sort(out);
	arena_clear(&arena);
	return rc == 0 && out->failed ? -ENOMEM : rc;
}
