/*
 * image_topics.h - the coordinator's topics, out of an image of the metadata
 *
 * Counted, because shards go over to newer ones each in its own time.
 */
#ifndef KBROKERD_GROUP_IMAGE_TOPICS_H
#define KBROKERD_GROUP_IMAGE_TOPICS_H

#include "kbrokerd/config.h"
#include "kbrokerd/group/settings.h"
#include "kbrokerd/metadata/image.h"

/* One of the broker's settings that groups may set for themselves. */
struct bounded {
	int64_t value, min, max;
};

struct image_topics {
	struct group_topics topics; /* the first member */
	const struct image *image;  /* a reference */
	struct bounded session, heartbeat;
	uint64_t deletions; /* topics deleted so far */
	_Atomic int32_t refs;
};

/* before: the last ones, or NULL.  Returns NULL without memory. */
struct image_topics *image_topics_new(const struct image *image,
				      const struct config *config,
				      const struct image_topics *before);
void image_topics_retain(struct image_topics *t);
void image_topics_release(struct image_topics *t); /* NULL does nothing */

/* Would topics of these images differ, in what the coordinator asks for? */
bool image_topics_differ(const struct image *before, const struct image *after);

#endif /* KBROKERD_GROUP_IMAGE_TOPICS_H */
