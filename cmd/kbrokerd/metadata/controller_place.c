/*
 * controller_place.c - which brokers hold a new partition
 *
 * Round robin over the brokers that serve, from a random one on, so that
 * leaders spread; brokers that are fenced come last.
 */
#include "controller.h"

#include <errno.h>

#include "kbrokerd/metadata/image_edit.h"
#include "wire/errors.h"
#include "wire/messages.h"

static const struct controller_error none = { WIRE_NONE, NULL };
static const struct controller_error no_memory = { WIRE_UNKNOWN_SERVER_ERROR,
						   NULL };

static bool serves(const struct broker_image *b)
{
	return !b->fenced && !b->in_controlled_shutdown;
}

/* Brokers by id, those that serve first. */
struct candidates {
	int32_t *ids;
	size_t count, serving;
};

static int find_candidates(const struct controller *c, struct arena *arena,
			   struct candidates *out)
{
	size_t count = image_broker_count(c->image);

	*out = (struct candidates){ 0 };
	out->ids = arena_calloc(arena, count, sizeof(*out->ids));
	if (out->ids == NULL)
		return -ENOMEM;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < count; i++) {
			const struct broker_image *b =
				image_broker_at(c->image, i);

			if (serves(b) == (pass == 0))
				out->ids[out->count++] = b->id;
		}
		if (pass == 0)
			out->serving = out->count;
	}
	return 0;
}

static int32_t candidate(const struct candidates *all, size_t start,
			 int32_t place)
{
	size_t i = (size_t)place;

	return i < all->serving ? all->ids[(start + i) % all->serving]
				: all->ids[i];
}

struct controller_error controller_place(const struct controller *c,
					 int32_t count, int32_t replication,
					 struct arena *arena,
					 struct placement *placement_out)
{
	struct candidates all;
	size_t start;
	int32_t *ids;

	if (find_candidates(c, arena, &all) < 0)
		return no_memory;
	if ((size_t)replication > all.count)
		return (struct controller_error){
			WIRE_INVALID_REPLICATION_FACTOR,
			arena_printf(
				arena,
				"Unable to replicate the partition %d "
				"time(s): The target replication factor of %d "
				"cannot be reached because only %zu broker(s) "
				"are registered.",
				replication, replication, all.count)
		};
	if (all.serving == 0)
		return (struct controller_error){
			WIRE_INVALID_REPLICATION_FACTOR,
			arena_printf(arena,
				     "Unable to replicate the partition %d "
				     "time(s): All brokers are currently "
				     "fenced.",
				     replication)
		};
	placement_out->count = count;
	placement_out->partitions =
		arena_calloc(arena, (size_t)count, sizeof(struct placed));
	ids = arena_calloc(arena, (size_t)count * (size_t)replication,
			   sizeof(*ids));
	if (placement_out->partitions == NULL || ids == NULL)
		return no_memory;
	start = (size_t)random_below(c->random, all.serving);
	for (int32_t i = 0; i < count; i++) {
		for (int32_t j = 0; j < replication; j++)
			ids[j] = candidate(&all, start + (size_t)i, j);
		placement_out->partitions[i] =
			(struct placed){ ids, replication };
		ids += replication;
	}
	return none;
}

static bool occurs_before(const struct placed *placed, int32_t i)
{
	for (int32_t j = 0; j < i; j++) {
		if (placed->replicas[j] == placed->replicas[i])
			return true;
	}
	return false;
}

struct controller_error controller_check_replicas(const struct controller *c,
						  const struct placed *placed,
						  struct arena *arena)
{
	struct controller_error e = { WIRE_INVALID_REPLICA_ASSIGNMENT, NULL };

	if (placed->replica_count <= 0) {
		e.text = "The manual partition assignment includes an empty "
			 "replica list.";
		return e;
	}
	for (int32_t i = 0; i < placed->replica_count; i++) {
		int32_t id = placed->replicas[i];

		if (image_broker(c->image, id) == NULL) {
			e.text = arena_printf(
				arena,
				"The manual partition assignment includes "
				"broker %d, but no such broker is registered.",
				id);
			return e;
		}
		if (occurs_before(placed, i)) {
			e.text = arena_printf(
				arena,
				"The manual partition assignment includes the "
				"broker %d more than once.",
				id);
			return e;
		}
	}
	return none;
}

static int32_t count_serving(const struct controller *c,
			     const struct placed *placed)
{
	int32_t serving = 0;

	for (int32_t i = 0; i < placed->replica_count; i++)
		serving += serves(image_broker(c->image, placed->replicas[i]));
	return serving;
}

struct controller_error controller_check_placed(const struct controller *c,
						int32_t partition,
						int32_t count,
						const struct placed *placed,
						struct arena *arena)
{
	struct controller_error e = controller_check_replicas(c, placed, arena);

	if (e.code != WIRE_NONE)
		return e;
	e.code = WIRE_INVALID_REPLICA_ASSIGNMENT;
	if (count > 0 && placed->replica_count != count) {
		e.text = arena_printf(
			arena,
			"The manual partition assignment includes a partition "
			"with %d replica(s), but this is not consistent with "
			"previous partitions, which have %d replica(s).",
			placed->replica_count, count);
		return e;
	}
	if (count_serving(c, placed) == 0) {
		e.text = arena_printf(
			arena,
			"All brokers specified in the manual partition "
			"assignment for partition %d are fenced or in "
			"controlled shutdown.",
			partition);
		return e;
	}
	return none;
}

/* The directory of a new replica: the broker's only one, or for it to say. */
static struct uuid directory_for(const struct broker_image *b)
{
	return b != NULL && b->log_dir_count == 1 ? b->log_dirs[0] : UUID_ZERO;
}

/* A partition has at most this many replicas: there are not more brokers. */
enum { REPLICAS_MAX = 256 };

static void add_partition(const struct controller *c, struct uuid topic_id,
			  int32_t index, const struct placed *placed)
{
	struct uuid directories[REPLICAS_MAX];
	int32_t isr[REPLICAS_MAX];
	struct partition_record r;

	if (placed->replica_count > REPLICAS_MAX) {
		c->records->error = -EOVERFLOW;
		return;
	}
	wire_init(&partition_record_desc, &r);
	r.partition_id = index;
	r.topic_id = topic_id;
	r.replicas = placed->replicas;
	r.replicas_count = placed->replica_count;
	r.leader = -1;
	r.isr = isr;
	r.directories = directories;
	r.directories_count = placed->replica_count;
	for (int32_t i = 0; i < placed->replica_count; i++) {
		const struct broker_image *b =
			image_broker(c->image, placed->replicas[i]);

		directories[i] = directory_for(b);
		if (b == NULL || !serves(b))
			continue;
		if (r.isr_count == 0)
			r.leader = b->id;
		isr[r.isr_count++] = b->id;
	}
	r.leader_epoch = 0;
	r.partition_epoch = 0;
	controller_add(c, &partition_record_desc, &r);
}

void controller_add_partitions(const struct controller *c, struct uuid topic_id,
			       int32_t first, const struct placement *placement)
{
	for (int32_t i = 0; i < placement->count; i++)
		add_partition(c, topic_id, first + i,
			      &placement->partitions[i]);
}
