/*
 * metadata.h - the cluster's metadata: the quorum's log and the image of it
 *
 * One thread of its own runs the controller: it takes changes, turns each by
 * a pure function of (image, change, now) into records and a result, appends
 * the records to __cluster_metadata-0, and when they are committed (one voter:
 * on disk) applies them to a new image, publishes it, tells the listeners,
 * and only then completes the change.  Many changes share one fsync.
 */
#ifndef KBROKERD_METADATA_METADATA_H
#define KBROKERD_METADATA_METADATA_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/properties.h"
#include "base/random.h"
#include "kbrokerd/metadata/image.h"
#include "log/vfs.h"

struct metadata;

struct metadata_params {
	struct vfs *vfs;
	struct clock *clock;
	struct random *random;
	const char *dir; /* the data directory */
	char cluster_id[64];
	int32_t node_id;
	struct uuid directory_id;
	bool fresh;                 /* format: bootstrap records first */
	bool sync;                  /* false (--tmp): commit without fsync */
	int32_t default_partitions; /* num.partitions */
	int16_t default_replication_factor;
	/* The node's static configuration, for defaults that lists are
	 * appended to; NULL: Kafka's.  Must outlive the metadata. */
	const struct properties *properties;
	/* Would the node take a dynamic setting?  Asked of those of which only
	 * it can know; 0 or -EINVAL with a text.  NULL: it takes any. */
	int (*check_setting)(void *arg, const char *name, const char *value,
			     char *error, size_t error_size);
	void *check_arg;
	/* What this node registers. */
	const struct broker_endpoint *endpoints;
	size_t endpoint_count;
	const struct broker_endpoint *controller_endpoints;
	size_t controller_endpoint_count;
	const char *rack;
};

/*
 * Read snapshot and log, lead the quorum (or format first), register this
 * broker, start the thread.  Returns with the image ready.  0, or a negative
 * errno with a text in error.
 */
int metadata_start(const struct metadata_params *params,
		   struct metadata **metadata_out, char *error,
		   size_t error_size);

/* Finish what is queued, write a snapshot if it is worth it, sync, stop. */
void metadata_stop(struct metadata *m);

/* The newest image, with a reference.  Any thread; cheap. */
const struct image *metadata_image(struct metadata *m);

/*
 * For hot paths: a cached reference.  *cached is this caller's (one thread's);
 * swapped for the newest only when there is a newer one, which costs one
 * atomic load when there is none.  Release the last with image_release().
 */
const struct image *metadata_image_cached(struct metadata *m,
					  const struct image **cached);

/* Called on the metadata thread after each new image is published, and before
 * the changes that made it are completed. */
typedef void metadata_on_image(void *arg, const struct image *before,
			       const struct image *after);
void metadata_listen(struct metadata *m, metadata_on_image *on_image,
		     void *arg);

/*
 * A change: what a controller API asks for.  request is the decoded message
 * (copied as far as needed: it must live until done), response the struct to
 * fill from arena; both belong to the caller until done(arg) is called on the
 * metadata thread, exactly once, also when the broker stops (the response then
 * carries errors).
 */
struct metadata_change {
	int16_t api_key;
	int16_t version;
	const void *request;
	void *response;
	struct arena *arena;
	void (*done)(struct metadata_change *change);
	void *arg;
	/* May it change so many partitions?  Called with arg on the metadata
	 * thread; NULL: any number (KIP-599). */
	bool (*permit)(void *arg, int32_t partitions);
	struct metadata_change *next; /* the queue's */
};

/*
 * Takes what controller_takes(): CreateTopics and the like.  Any thread.
 */
void metadata_submit(struct metadata *m, struct metadata_change *change);

/* The node's settings were read again; they must outlive the metadata.  Any
 * thread. */
void metadata_set_properties(struct metadata *m,
			     const struct properties *properties);

/* This node's share of producer ids (producer_ids.h). */
struct producer_ids *metadata_producer_ids(struct metadata *m);

/* Offset and epoch of the quorum, for DescribeQuorum and metrics. */
int64_t metadata_committed_offset(struct metadata *m);
int32_t metadata_leader_epoch(struct metadata *m);

#endif /* KBROKERD_METADATA_METADATA_H */
