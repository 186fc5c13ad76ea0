/*
 * partition_change.h - what becomes of a partition: leader, ISR, replicas
 *
 * Pure: from a partition of the image, what is wanted of it and who is alive
 * to the record that says so, by Kafka's rules.
 */
#ifndef KBROKERD_METADATA_PARTITION_CHANGE_H
#define KBROKERD_METADATA_PARTITION_CHANGE_H

#include "kbrokerd/metadata/controller.h"

struct id_list {
	const int32_t *ids;
	int32_t count;
};

enum election {
	ELECT_ONLINE,    /* a leader that lost nothing, if there is none */
	ELECT_PREFERRED, /* the first replica, if it can */
	ELECT_UNCLEAN    /* and if need be one that has lost records */
};

/* A partition, and what it is to be. */
struct partition_change {
	const struct controller *c;
	const struct partition_image *from;
	struct uuid topic_id;
	int32_t index;
	enum election election;
	int32_t not_to_lead; /* a broker that is leaving; -1: none */
	struct id_list replicas, isr, adding, removing, eligible;
};

/* To be what it is. */
void partition_change_init(struct partition_change *change,
			   const struct controller *c, struct uuid topic_id,
			   int32_t index, const struct partition_image *from);

/*
 * Complete the reassignment if its replicas are in sync, elect, and add the
 * record when anything has changed.  Returns 1 when there is one, 0 when
 * nothing changes, or -ENOMEM.
 */
int partition_change_add(struct partition_change *change, struct arena *arena);

bool id_list_has(struct id_list list, int32_t id);
/* Those of a that are not in b, in the arena; ids NULL: out of memory. */
struct id_list id_list_minus(struct id_list a, struct id_list b,
			     struct arena *arena);

#endif /* KBROKERD_METADATA_PARTITION_CHANGE_H */
