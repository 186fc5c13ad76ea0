/*
 * group_racks.c - in which racks the replicas of a topic are
 *
 * For assignors (KIP-881), from the metadata as it is now: a replica counts
 * whether it is in sync or not, but a broker that is away, of which metadata
 * does not tell, has no rack.  As in Java the group meets again for that.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "client/group_state.h"

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, each once; the names are the nodes' own. */
static int racks_of(struct group_member *m, const struct client_partition *p,
		    struct arena *arena, struct assignor_racks *out)
{
	const char **names =
		arena_calloc(arena, (size_t)p->replica_count, sizeof(*names));
	size_t count = 0;
	size_t kept = 0;

	if (names == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < p->replica_count; i++) {
		const struct client_node *node =
			client_node(m->client, p->replicas[i]);

		if (node != NULL && node->rack != NULL)
			names[count++] = node->rack;
	}
	if (count > 0)
		qsort(names, count, sizeof(*names), compare_texts);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	}
	*out = (struct assignor_racks){ names, kept };
	return 0;
}

const struct assignor_racks *group_racks(struct group_member *m,
					 const struct client_topic *topic,
					 struct arena *arena)
{
	struct assignor_racks *racks = arena_calloc(
		arena, (size_t)topic->partition_count, sizeof(*racks));

	for (int32_t p = 0; racks != NULL && p < topic->partition_count; p++) {
		if (racks_of(m, &topic->partitions[p], arena, &racks[p]) < 0)
			return NULL;
	}
	return racks;
}

uint64_t group_racks_shape(struct group_member *m,
			   const struct client_topic *topic, uint64_t shape)
{
	struct arena arena;
	const struct assignor_racks *racks;

	arena_init(&arena, 0);
	racks = group_racks(m, topic, &arena);
	for (int32_t p = 0; racks != NULL && p < topic->partition_count; p++) {
		for (size_t i = 0; i < racks[p].count; i++) {
			uint64_t step[] = {
				shape,
				(uint64_t)p,
				hash_bytes(racks[p].names[i],
					   strlen(racks[p].names[i])),
			};

			shape = hash_bytes(step, sizeof(step));
		}
	}
	arena_clear(&arena);
	return shape;
}
