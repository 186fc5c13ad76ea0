/*
 * limits.h - which quota a client has
 *
 * Built from the metadata's quotas and never changed.  Of those that a user
 * and a client id match, the first counts:
 *
 *	user and client id; user and any client id; user;
 *	any user and client id; any user and any client id; any user;
 *	client id; any client id
 *
 * What it names is what is shared: a quota of a user is for all its clients
 * together, one of any client id is for each client id by itself.
 */
#ifndef KBROKERD_QUOTA_LIMITS_H
#define KBROKERD_QUOTA_LIMITS_H

#include "kbrokerd/metadata/image_quotas.h"

enum quota_kind {
	QUOTA_PRODUCE,    /* bytes a second */
	QUOTA_FETCH,      /* bytes a second */
	QUOTA_REQUEST,    /* percent of a thread */
	QUOTA_MUTATION,   /* partitions a second */
	QUOTA_CONNECTION, /* new connections a second, of an address */
	QUOTA_KINDS
};

struct quota_limits;

/* Who asks.  Null or empty client ids have the quotas of users alone. */
struct quota_client {
	struct slice user;
	struct slice client_id;
};

/* What a client has: null parts are not looked at by its quota. */
struct quota_share {
	struct slice user;
	struct slice client_id;
	double limit;
};

/* Read an image's quotas.  NULL: out of memory. */
struct quota_limits *quota_limits_of(const struct image *image);
void quota_limits_free(struct quota_limits *limits);

/* Is there one of that kind? */
bool quota_limits_has(const struct quota_limits *limits, enum quota_kind kind);

/* false: no quota is its. */
bool quota_limits_find(const struct quota_limits *limits, enum quota_kind kind,
		       const struct quota_client *client,
		       struct quota_share *share_out);

/* New connections a second of an address ("127.0.0.1"); false: no limit. */
bool quota_limits_of_address(const struct quota_limits *limits,
			     const char *address, double *limit_out);

/* For tests: limits of these alone, which are copied. */
struct quota_setting {
	enum quota_kind kind;
	struct quota_entity entity;
	double value;
};
struct quota_limits *quota_limits_new(const struct quota_setting *settings,
				      size_t count);

#endif /* KBROKERD_QUOTA_LIMITS_H */
