/*
 * image.h - what the cluster is, at one offset of the metadata log
 *
 * An image never changes once published: a change makes a new one that shares
 * what stayed the same (topics are counted).  Readers take a reference, read
 * without a lock, and give it back.
 */
#ifndef KBROKERD_METADATA_IMAGE_H
#define KBROKERD_METADATA_IMAGE_H

#include "base/bytes.h"
#include "base/uuid.h"

struct partition_image {
	int32_t leader; /* -1: none */
	int32_t leader_epoch;
	int32_t partition_epoch;
	int32_t replica_count;
	int32_t isr_count;
	const int32_t *replicas;
	const int32_t *isr;
	const struct uuid *directories;   /* replica_count of them */
	const int32_t *removing, *adding; /* reassignment */
	int32_t removing_count, adding_count;
	/* Eligible leader replicas (KIP-966). */
	const int32_t *eligible, *last_known;
	int32_t eligible_count, last_known_count;
	bool recovering; /* elected uncleanly, not recovered yet */
};

struct config_entry {
	const char *name;
	const char *value;
};

/* A resource's dynamic configuration, sorted by name; counted. */
struct config_set {
	size_t count;
	const struct config_entry *entries;
};

struct topic_image {
	struct slice name;
	struct uuid id;
	int32_t partition_count;
	const struct partition_image *partitions;
	const struct config_set *configs; /* NULL: none set */
};

struct broker_image {
	int32_t id;
	int64_t epoch;
	struct uuid incarnation_id;
	const char *rack; /* or NULL */
	bool fenced;
	bool in_controlled_shutdown;
	bool migrating; /* from ZooKeeper: kept, means nothing here */
	size_t feature_count, log_dir_count;
	const struct broker_feature {
		const char *name;
		int16_t min_level, max_level;
	} * features;
	const struct uuid *log_dirs;
	size_t endpoint_count;
	const struct broker_endpoint {
		const char *name; /* listener */
		const char *host;
		int32_t port;
		int16_t security_protocol;
	} * endpoints;
};

struct image;

void image_retain(const struct image *image);
void image_release(const struct image *image);

/* Offset of the last record that is in it; epoch of that record. */
int64_t image_offset(const struct image *image);
int32_t image_epoch(const struct image *image);

const struct topic_image *image_topic(const struct image *image,
				      struct slice name);
const struct topic_image *image_topic_by_id(const struct image *image,
					    struct uuid id);
size_t image_topic_count(const struct image *image);
size_t image_partition_count(const struct image *image); /* of all topics */
/* Topics in no particular but stable order: i below image_topic_count(). */
const struct topic_image *image_topic_at(const struct image *image, size_t i);
/* The same in that order, cheaper; stops when on_topic returns other than 0,
 * and returns that. */
int image_each_topic(const struct image *image,
		     int (*on_topic)(void *arg,
				     const struct topic_image *topic),
		     void *arg);
/*
 * Call on_change for each topic that is not the same in both images: old or
 * new is NULL where it has come or gone.  Costs what changed, when one image
 * was made out of the other.
 */
void image_each_changed_topic(const struct image *before,
			      const struct image *after,
			      void (*on_change)(void *arg,
						const struct topic_image *old,
						const struct topic_image *new),
			      void *arg);

/* A topic whose name is the same but for dots and underscores, or NULL. */
const struct topic_image *image_colliding_topic(const struct image *image,
						struct slice name);

size_t image_broker_count(const struct image *image);
const struct broker_image *image_broker_at(const struct image *image, size_t i);
const struct broker_image *image_broker(const struct image *image, int32_t id);

/* The RegisterControllerRecord of a controller as it stands in the log, or
 * null. */
struct slice image_controller(const struct image *image, int32_t id);

/*
 * Answers that were encoded from this image, to be sent again: by a key that
 * says which.  They go with the image, which holds a few of them.  Any thread.
 *
 * Null when there is none of that key.
 */
struct slice image_memo(const struct image *image, uint32_t key);
/* Takes over the memory of bytes and returns them; or null when the image
 * holds enough already or memory is short: they are still the caller's. */
struct buffer;
struct slice image_keep_memo(const struct image *image, uint32_t key,
			     struct buffer *bytes);

/* Dynamic configs of a resource (ConfigResourceType: 2 topic, 4 broker ...)
 * by name ("" is the brokers' default); NULL when none. */
const struct config_set *image_configs(const struct image *image, int8_t type,
				       struct slice name);
const char *config_set_get(const struct config_set *set, const char *name);
/* Every resource but topics that has dynamic configs, in no particular order;
 * stops when on_resource returns other than 0, and returns that. */
int image_each_config(const struct image *image,
		      int (*on_resource)(void *arg, int8_t type,
					 struct slice name),
		      void *arg);

/* May those differ between two images?  Cheap; false is certain. */
bool image_configs_may_differ(const struct image *a, const struct image *b);

/* A feature's finalized level; 0 when off. */
int16_t image_feature(const struct image *image, const char *name);
size_t image_feature_count(const struct image *image);
const char *image_feature_at(const struct image *image, size_t i,
			     int16_t *level_out);

/* Next producer id that no block holds. */
int64_t image_next_producer_id(const struct image *image);

#endif /* KBROKERD_METADATA_IMAGE_H */
