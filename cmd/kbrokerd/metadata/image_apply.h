/*
 * image_apply.h - a record of each kind to an image: for image_apply*.c alone
 *
 * Each takes the decoded record and returns 0, -EBADMSG when it contradicts
 * the image, or -ENOMEM.
 */
#ifndef KBROKERD_METADATA_IMAGE_APPLY_H
#define KBROKERD_METADATA_IMAGE_APPLY_H

#include "kbrokerd/metadata/image_private.h"

int image_apply_topic(struct image *image, const void *message);
int image_apply_remove_topic(struct image *image, const void *message);
int image_apply_partition(struct image *image, const void *message);
int image_apply_partition_change(struct image *image, const void *message);
int image_apply_clear_elr(struct image *image, const void *message);
int image_apply_config(struct image *image, const void *message);
int image_apply_register_broker(struct image *image, const void *message);
int image_apply_unregister_broker(struct image *image, const void *message);
int image_apply_registration_change(struct image *image, const void *message);
int image_apply_fence_broker(struct image *image, const void *message);
int image_apply_unfence_broker(struct image *image, const void *message);

/* A record that is kept as it came: value is what stands in the log.  Also
 * -ENOTSUP when its kind is not one of these. */
int image_apply_kept(struct image *image, const struct wire_desc *desc,
		     const void *message, struct slice value);

/* Make *node_io the image's own.  Returns 0 or -ENOMEM. */
int image_own_topic(struct image *image, struct topic_node **node_io);

/* Hang the block on the node, with the reference. */
void image_set_block(struct topic_node *node, struct partition_block *block);

/* Copy a text to *to, which moves behind its end; returns the copy. */
char *image_put_text(char **to, const char *text);

#endif /* KBROKERD_METADATA_IMAGE_APPLY_H */
