/*
 * controller.h - decides what changes of the cluster become
 *
 * A pure function of (image, change, now, random): which records are to be
 * written, and what is to be answered once they are committed.  It owns no
 * thread, no clock and no file.  One file for each family of changes.
 */
#ifndef KBROKERD_METADATA_CONTROLLER_H
#define KBROKERD_METADATA_CONTROLLER_H

#include "base/properties.h"
#include "kbrokerd/metadata/metadata.h"
#include "kbrokerd/metadata/record_list.h"

/* Most partitions that one request may make, as Kafka has it. */
enum { REQUEST_PARTITIONS_MAX = 10000 };

/* Producer ids in a block. */
enum { PRODUCER_ID_BLOCK = 1000 };

struct controller {
	const struct image *image; /* as of all records before */
	struct random *random;
	int32_t node_id; /* the controller's own */
	int32_t default_partitions;
	int16_t default_replication_factor;
	const struct properties *properties; /* the node's; NULL: none set */
	/* As in metadata_params. */
	int (*check_setting)(void *arg, const char *name, const char *value,
			     char *error, size_t error_size);
	void *check_arg;
	struct record_list *records; /* what is decided goes to its end */
	/* Set when the log is to say who votes from now on (kraft.version 1).
	 */
	bool *wants_voters;
	const struct metadata_change *change; /* NULL: nobody asked for it */
};

/*
 * Decide about a change: fill its response and add its records.  The response
 * is good once the records are committed.  Returns 0 or -ENOMEM (then with
 * records or response half made: drop both).
 */
int controller_decide(const struct controller *c,
		      struct metadata_change *change);

/* Does it take changes of that API? */
bool controller_takes(int16_t api_key);

/*
 * Answer a change that has come to nothing: the code for everything that it
 * asks for.  The response is empty when memory is short.
 */
void controller_refuse(struct metadata_change *change, int16_t error_code,
		       const char *message);

/* What this node is, when it registers. */
struct controller_node {
	int32_t node_id;
	struct uuid directory_id;
	const struct broker_endpoint *endpoints;
	size_t endpoint_count;
	/* Those at which it is a controller. */
	const struct broker_endpoint *controller_endpoints;
	size_t controller_endpoint_count;
	const char *rack;
};

/* Records that a new cluster starts with (bootstrap.checkpoint). */
void controller_bootstrap(struct record_list *records);

/* The setting that goes with eligible leader replicas, as Kafka writes it
 * when it starts with them. */
void controller_bootstrap_configs(struct record_list *records);

/*
 * Register this node as controller and as broker, unfenced, with epoch
 * next_offset plus the place of the broker's record.
 */
void controller_register(const struct controller *c,
			 const struct controller_node *node,
			 int64_t next_offset);

/* Elect the node for partitions that have no leader and may be led by it. */
void controller_elect(const struct controller *c, int32_t node_id);

/* For the families (controller_*.c) */

void controller_create_topics(const struct controller *c,
			      struct metadata_change *change);
void controller_delete_topics(const struct controller *c,
			      struct metadata_change *change);
void controller_create_partitions(const struct controller *c,
				  struct metadata_change *change);
void controller_alter_configs(const struct controller *c,
			      struct metadata_change *change);
void controller_incremental_alter_configs(const struct controller *c,
					  struct metadata_change *change);
void controller_alter_client_quotas(const struct controller *c,
				    struct metadata_change *change);
void controller_refuse_client_quotas(struct metadata_change *change,
				     int16_t code, const char *message);
void controller_alter_scram(const struct controller *c,
			    struct metadata_change *change);
void controller_refuse_scram(struct metadata_change *change, int16_t code,
			     const char *message);
void controller_update_features(const struct controller *c,
				struct metadata_change *change);
void controller_refuse_features(struct metadata_change *change, int16_t code,
				const char *message);
void controller_allocate_producer_ids(const struct controller *c,
				      struct metadata_change *change);
void controller_elect_leaders(const struct controller *c,
			      struct metadata_change *change);
void controller_alter_reassignments(const struct controller *c,
				    struct metadata_change *change);
void controller_unregister_broker(const struct controller *c,
				  struct metadata_change *change);

/* Does it name more than one change may (controller_limits.c)? */
bool controller_asks_too_much(const struct controller *c,
			      const struct metadata_change *change);

/* Add a record in the version that the image's metadata.version asks for. */
void controller_add(const struct controller *c, const struct wire_desc *desc,
		    const void *message);

/* An error of one item of a response; code 0 is none. */
struct controller_error {
	int16_t code;
	const char *text; /* in the arena; NULL: none */
};

/* Is the change still within its quota with so many partitions more? */
struct controller_error controller_check_quota(const struct controller *c,
					       int32_t partitions);

/* Which names occur more than once: one mark for each, in the arena, or NULL
 * when out of memory. */
enum name_mark { NAME_ONCE, NAME_FIRST_OF_SEVERAL, NAME_AGAIN };

enum name_mark *controller_mark_names(const struct slice *names, size_t count,
				      struct arena *arena);

/* Replicas for partitions (controller_place.c) */

/* The replicas of partitions first to first + count - 1. */
struct placement {
	int32_t count;
	struct placed {
		int32_t *replicas;
		int32_t replica_count;
	} * partitions;
};

/* Spread count partitions over the brokers; in the arena. */
struct controller_error controller_place(const struct controller *c,
					 int32_t count, int32_t replication,
					 struct arena *arena,
					 struct placement *placement_out);

/* Check replicas that somebody chose: some, each once, all of brokers that
 * there are. */
struct controller_error controller_check_replicas(const struct controller *c,
						  const struct placed *placed,
						  struct arena *arena);

/* The same for a new partition: as many as count (0: any number), and one
 * alive to lead it. */
struct controller_error controller_check_placed(const struct controller *c,
						int32_t partition,
						int32_t count,
						const struct placed *placed,
						struct arena *arena);

/* Add the records of these partitions, from index first on. */
void controller_add_partitions(const struct controller *c, struct uuid topic_id,
			       int32_t first,
			       const struct placement *placement);

#endif /* KBROKERD_METADATA_CONTROLLER_H */
