/*
 * partition_change.c - what becomes of a partition: leader, ISR, replicas
 *
 * Rules:
 *  - a leader is taken from the ISR, or when that is empty from the eligible
 *    replicas (KIP-966), the first of the replicas' order that is alive
 *  - an unclean one is the whole ISR, and is marked as recovering
 *  - a reassignment is complete when all replicas that stay are in the ISR
 *  - when a replica goes, the leader epoch rises
 */
#include "kbrokerd/metadata/partition_change.h"

#include <errno.h>

#include "wire/messages.h"

enum { NO_LEADER = -1, LEADER_UNCHANGED = -2, RECOVERING = 1 };

bool id_list_has(struct id_list list, int32_t id)
{
	for (int32_t i = 0; i < list.count; i++) {
		if (list.ids[i] == id)
			return true;
	}
	return false;
}

static bool has_all(struct id_list list, struct id_list of)
{
	for (int32_t i = 0; i < of.count; i++) {
		if (!id_list_has(list, of.ids[i]))
			return false;
	}
	return true;
}

static bool same(struct id_list a, struct id_list b)
{
	return a.count == b.count &&
	       (a.count == 0 ||
		memcmp(a.ids, b.ids, (size_t)a.count * sizeof(*a.ids)) == 0);
}

struct id_list id_list_minus(struct id_list a, struct id_list b,
			     struct arena *arena)
{
	int32_t *ids = arena_calloc(arena, (size_t)a.count, sizeof(*ids));
	struct id_list list = { ids, 0 };

	for (int32_t i = 0; ids != NULL && i < a.count; i++) {
		if (!id_list_has(b, a.ids[i]))
			ids[list.count++] = a.ids[i];
	}
	return list;
}

void partition_change_init(struct partition_change *change,
			   const struct controller *c, struct uuid topic_id,
			   int32_t index, const struct partition_image *from)
{
	*change = (struct partition_change){
		.c = c,
		.from = from,
		.topic_id = topic_id,
		.index = index,
		.not_to_lead = NO_LEADER,
		.replicas = { from->replicas, from->replica_count },
		.isr = { from->isr, from->isr_count },
		.adding = { from->adding, from->adding_count },
		.removing = { from->removing, from->removing_count },
		.eligible = { from->eligible, from->eligible_count },
	};
}

/* Reassignment */

static int complete_reassignment(struct partition_change *change,
				 struct arena *arena)
{
	struct id_list isr, replicas;

	if (change->adding.count == 0 && change->removing.count == 0)
		return 0;
	isr = id_list_minus(change->isr, change->removing, arena);
	replicas = id_list_minus(change->replicas, change->removing, arena);
	if (isr.ids == NULL || replicas.ids == NULL)
		return -ENOMEM;
	if (isr.count == 0 || replicas.count == 0 || !has_all(isr, replicas))
		return 0;
	change->isr = isr;
	change->replicas = replicas;
	change->adding.count = 0;
	change->removing.count = 0;
	return 0;
}

/* Election */

static bool is_alive(const struct partition_change *change, int32_t id)
{
	const struct broker_image *b = image_broker(change->c->image, id);

	return id != change->not_to_lead && b != NULL && !b->fenced &&
	       !b->in_controlled_shutdown;
}

static bool may_lead(const struct partition_change *change, int32_t id)
{
	struct id_list from =
		change->isr.count > 0 ? change->isr : change->eligible;

	return id_list_has(from, id) && is_alive(change, id);
}

static int32_t elect_clean(const struct partition_change *change)
{
	const struct id_list *replicas = &change->replicas;

	if (change->election == ELECT_PREFERRED && replicas->count > 0 &&
	    may_lead(change, replicas->ids[0]))
		return replicas->ids[0];
	if (may_lead(change, change->from->leader))
		return change->from->leader;
	for (int32_t i = 0; i < replicas->count; i++) {
		if (may_lead(change, replicas->ids[i]))
			return replicas->ids[i];
	}
	return NO_LEADER;
}

/* The one that led last, when nobody else is known to have everything. */
static bool is_last_known(const struct partition_change *change, int32_t id)
{
	return change->isr.count == 0 && change->eligible.count == 0 &&
	       change->from->last_known_count == 1 &&
	       change->from->last_known[0] == id;
}

static int32_t elect_unclean(const struct partition_change *change)
{
	for (int32_t i = 0; i < change->replicas.count; i++) {
		int32_t id = change->replicas.ids[i];

		if (is_alive(change, id) &&
		    (change->election == ELECT_UNCLEAN ||
		     is_last_known(change, id)))
			return id;
	}
	return NO_LEADER;
}

static int elect(struct partition_change *change, struct arena *arena,
		 struct partition_change_record *r)
{
	int32_t leader = elect_clean(change);
	bool unclean = leader == NO_LEADER;
	bool in_sync;
	int32_t *isr;

	if (unclean)
		leader = elect_unclean(change);
	if (leader == change->from->leader)
		return 0;
	r->leader = leader;
	in_sync = id_list_has(change->isr, leader);
	if (leader == NO_LEADER || in_sync)
		return 0;
	isr = arena_calloc(arena, 1, sizeof(*isr));
	if (isr == NULL)
		return -ENOMEM;
	isr[0] = leader;
	change->isr = (struct id_list){ isr, 1 };
	if (unclean && !change->from->recovering)
		r->leader_recovery_state = RECOVERING;
	change->eligible =
		unclean ? (struct id_list){ isr, 0 }
			: id_list_minus(change->eligible, change->isr, arena);
	return change->eligible.ids == NULL ? -ENOMEM : 0;
}

/* The record */

/* A list of the record: null where it stays. */
static void put_list(struct id_list list, struct id_list before,
		     int32_t **ids_out, int32_t *count_out)
{
	static const int32_t no_id;

	if (same(list, before))
		return;
	/* The codec's structs do not say const. */
	*ids_out = (int32_t *)(list.count == 0 ? &no_id : list.ids);
	*count_out = list.count;
}

static struct uuid directory_of(const struct partition_change *change,
				int32_t id)
{
	const struct partition_image *from = change->from;
	const struct broker_image *b = image_broker(change->c->image, id);

	for (int32_t i = 0; i < from->replica_count; i++) {
		if (from->replicas[i] == id)
			return from->directories[i];
	}
	return b != NULL && b->log_dir_count == 1 ? b->log_dirs[0] : UUID_ZERO;
}

static int put_replicas(const struct partition_change *change,
			struct arena *arena, struct partition_change_record *r)
{
	struct id_list before = { change->from->replicas,
				  change->from->replica_count };

	put_list(change->replicas, before, &r->replicas, &r->replicas_count);
	if (r->replicas_count < 0)
		return 0;
	/* Their directories go by place. */
	r->directories = arena_calloc(arena, (size_t)change->replicas.count,
				      sizeof(struct uuid));
	if (r->directories == NULL)
		return -ENOMEM;
	r->directories_count = change->replicas.count;
	for (int32_t i = 0; i < change->replicas.count; i++)
		r->directories[i] =
			directory_of(change, change->replicas.ids[i]);
	if (r->leader == LEADER_UNCHANGED && !has_all(change->replicas, before))
		r->leader = change->from->leader;
	return 0;
}

static void put_lists(const struct partition_change *change,
		      struct partition_change_record *r)
{
	const struct partition_image *from = change->from;

	put_list(change->isr, (struct id_list){ from->isr, from->isr_count },
		 &r->isr, &r->isr_count);
	put_list(change->removing,
		 (struct id_list){ from->removing, from->removing_count },
		 &r->removing_replicas, &r->removing_replicas_count);
	put_list(change->adding,
		 (struct id_list){ from->adding, from->adding_count },
		 &r->adding_replicas, &r->adding_replicas_count);
	put_list(change->eligible,
		 (struct id_list){ from->eligible, from->eligible_count },
		 &r->eligible_leader_replicas,
		 &r->eligible_leader_replicas_count);
}

static bool says_something(const struct partition_change_record *r)
{
	return r->leader != LEADER_UNCHANGED || r->isr_count >= 0 ||
	       r->replicas_count >= 0 || r->removing_replicas_count >= 0 ||
	       r->adding_replicas_count >= 0 ||
	       r->eligible_leader_replicas_count >= 0;
}

int partition_change_add(struct partition_change *change, struct arena *arena)
{
	struct partition_change_record r;
	int rc;

	wire_init(&partition_change_record_desc, &r);
	r.partition_id = change->index;
	r.topic_id = change->topic_id;
	rc = complete_reassignment(change, arena);
	if (rc == 0)
		rc = elect(change, arena, &r);
	if (rc == 0)
		rc = put_replicas(change, arena, &r);
	if (rc < 0)
		return rc;
	put_lists(change, &r);
	if (!says_something(&r))
		return 0;
	controller_add(change->c, &partition_change_record_desc, &r);
	return 1;
}
