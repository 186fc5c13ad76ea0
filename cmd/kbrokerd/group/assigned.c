/*
 * assigned.c - which partitions the members of a group have
 *
 * The coordinator made the assignments of a consumer group.  Those of a classic
 * one are bytes that its leader wrote, and mean partitions only where the
 * members say to be consumers: nothing is believed of them.
 */
#include "kbrokerd/group/assigned.h"

#include <errno.h>

#include "kbrokerd/group/classic_group.h"
#include "kbrokerd/group/consumer_embedded.h"
#include "kbrokerd/group/consumer_state.h"

struct walk {
	const struct group_topics *topics;
	int (*on_partition)(void *arg, struct slice topic, int32_t partition);
	void *arg;
	struct arena scratch; /* of one member's assignment */
	size_t bytes_left;
};

static int tell(const struct walk *w, const struct group_topic *topic,
		const int32_t *partitions, int32_t count)
{
	int rc = 0;

	for (int32_t i = 0; rc == 0 && i < count; i++) {
		if (partitions[i] >= 0 &&
		    partitions[i] < topic->partition_count)
			rc = w->on_partition(w->arg, topic->name,
					     partitions[i]);
	}
	return rc;
}

static int walk_consumer(const struct walk *w,
			 const struct consumer_member *member)
{
	const struct assignment *a = &member->progress.assigned;
	int rc = 0;

	for (int32_t i = 0; rc == 0 && i < a->count; i++) {
		const struct assignment_topic *from = &a->topics[i];
		struct group_topic topic;

		if (w->topics->by_id(w->topics, &from->id, &topic))
			rc = tell(w, &topic, from->partitions, from->count);
	}
	return rc;
}

static int walk_classic(struct walk *w, const struct classic_member *member)
{
	struct consumer_protocol_assignment a;
	int rc;

	if (member->assignment.len == 0 ||
	    member->assignment.len > w->bytes_left)
		return 0;
	w->bytes_left -= member->assignment.len;
	arena_reset(&w->scratch);
	rc = embedded_read_assignment(member->assignment, &w->scratch, &a);
	if (rc < 0)
		return rc == -EBADMSG ? 0 : rc;
	for (int32_t i = 0; rc == 0 && i < a.assigned_partitions_count; i++) {
		const struct consumer_protocol_assignment_assigned_partitions
			*from = &a.assigned_partitions[i];
		struct group_topic topic;

		if (w->topics->by_name(w->topics, from->topic, &topic))
			rc = tell(w, &topic, from->partitions,
				  from->partitions_count);
	}
	return rc;
}

int group_each_assigned(const struct group *group,
			int (*on_partition)(void *arg, struct slice topic,
					    int32_t partition),
			void *arg)
{
	struct walk w = {
		.topics = group->shard->topics,
		.on_partition = on_partition,
		.arg = arg,
		.bytes_left = ASSIGNED_BYTES_MAX,
	};
	int rc = 0;

	if (group->consumer != NULL) {
		const struct consumer_member *m = group->consumer->members;

		for (; rc == 0 && m != NULL; m = m->hh.next)
			rc = walk_consumer(&w, m);
	} else if (group->classic != NULL &&
		   slice_is(group->classic->protocol_type, "consumer")) {
		const struct classic_member *m = group->classic->members;

		for (; rc == 0 && m != NULL; m = m->hh.next)
			rc = walk_classic(&w, m);
	}
	arena_clear(&w.scratch);
	return rc;
}
