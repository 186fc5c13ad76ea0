/*
 * image_scram.h - the SCRAM credentials of users that an image holds
 *
 * What is kept is what a password can be checked with, not what it could be
 * told from (RFC 5802): a credential for each user and mechanism.
 */
#ifndef KBROKERD_METADATA_IMAGE_SCRAM_H
#define KBROKERD_METADATA_IMAGE_SCRAM_H

#include <stdbool.h>

#include "base/arena.h"
#include "kbrokerd/metadata/image.h"

/* The first metadata.version that has them. */
enum { SCRAM_METADATA_LEVEL = 11 };

/* Mechanisms (enum wire_scram_mechanism) that there are: first to last. */
enum { SCRAM_MECHANISM_FIRST = 1, SCRAM_MECHANISM_LAST = 2 };

struct user_scram_credential_record;

/*
 * Call on_credential for each, in no particular order; what it is given lives
 * until it returns.  Stops when it returns other than 0, and returns that;
 * -ENOMEM.
 */
typedef int image_on_scram(void *arg,
			   const struct user_scram_credential_record *r);
int image_each_scram(const struct image *image, image_on_scram *on_credential,
		     void *arg);

/* The credential of a user, in the arena; 0, -ENOENT when there is none, or
 * -ENOMEM. */
int image_scram(const struct image *image, struct slice user, int8_t mechanism,
		struct arena *arena,
		const struct user_scram_credential_record **credential_out);

#endif /* KBROKERD_METADATA_IMAGE_SCRAM_H */
