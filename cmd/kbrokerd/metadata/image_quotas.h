/*
 * image_quotas.h - the client quotas that an image holds
 *
 * A quota is one value of one entity: a user, a client id, both, or an
 * address, where a null name is the default of its type.
 */
#ifndef KBROKERD_METADATA_IMAGE_QUOTAS_H
#define KBROKERD_METADATA_IMAGE_QUOTAS_H

#include <stdbool.h>

#include "kbrokerd/metadata/image.h"

/* In the order in which Kafka tells them. */
enum quota_entity_type {
	QUOTA_CLIENT_ID,
	QUOTA_USER,
	QUOTA_IP,
	QUOTA_ENTITY_TYPES
};

/* "user", "client-id", "ip" */
const char *quota_entity_type_name(enum quota_entity_type type);

/* QUOTA_ENTITY_TYPES for a name that is none. */
enum quota_entity_type quota_entity_type_find(struct slice name);

struct quota_entity {
	bool has[QUOTA_ENTITY_TYPES];
	struct slice name[QUOTA_ENTITY_TYPES]; /* null: the default one */
};

bool quota_entity_equal(const struct quota_entity *a,
			const struct quota_entity *b);

/* Less than, equal to or greater than 0: by clients, then users, addresses. */
int quota_entity_order(const struct quota_entity *a,
		       const struct quota_entity *b);

/*
 * Call on_quota for each, in no particular order; what it is given lives
 * until it returns.  Stops when it returns other than 0, and returns that;
 * -ENOMEM.
 */
typedef int image_on_quota(void *arg, const struct quota_entity *entity,
			   struct slice key, double value);
int image_each_quota(const struct image *image, image_on_quota *on_quota,
		     void *arg);

/* The value of one; false when there is none, or no memory. */
bool image_quota(const struct image *image, const struct quota_entity *entity,
		 struct slice key, double *value_out);

/* May they differ between two images?  Cheap; false is certain. */
bool image_quotas_may_differ(const struct image *a, const struct image *b);

#endif /* KBROKERD_METADATA_IMAGE_QUOTAS_H */
