/*
 * image_edit.h - a new image out of an old one and records
 *
 * The one place where records of the metadata log become state: at start from
 * snapshot and log, later from what the controller has decided.
 */
#ifndef KBROKERD_METADATA_IMAGE_EDIT_H
#define KBROKERD_METADATA_IMAGE_EDIT_H

#include "kbrokerd/metadata/image.h"
#include "wire/wire.h"

/*
 * An image that is being made.  It can be read as any other, by the thread
 * that makes it, and shares with base all that stays the same.  It has one
 * reference: after image_edit_end() the caller's, before that to be dropped
 * by image_release().
 */

/* base keeps its references; NULL is the empty image.  NULL: no memory. */
struct image *image_edit_begin(const struct image *base);

/*
 * Apply a record: value is what stands in the log, message what it decodes
 * to.  Returns 0; -EBADMSG when it contradicts the image (a partition of no
 * topic, a hole); -ENOMEM.  On failure drop the image.
 */
int image_edit_apply(struct image *image, const struct wire_desc *desc,
		     int16_t version, const void *message, struct slice value);

/* Decode a record and apply it; also -ENOTSUP for one that is not known.
 * scratch is reset. */
int image_edit_apply_bytes(struct image *image, struct slice value,
			   struct arena *scratch);

/*
 * Keep a control record of the quorum (KRAFT_VERSION, KRAFT_VOTERS) for the
 * next snapshot; it replaces one of its type.
 */
int image_edit_keep_control(struct image *image, int16_t type,
			    struct slice value);

/* Say what it is an image of, and check that nothing is half there.  Returns
 * 0 or -EBADMSG. */
int image_edit_end(struct image *image, int64_t offset, int32_t epoch,
		   int64_t timestamp_ms);

/*
 * The records that make this image out of nothing, in Kafka's order.  Stops
 * when on_record returns other than 0, and returns that; or -ENOMEM.
 */
int image_each_record(const struct image *image,
		      int (*on_record)(void *arg, struct slice value),
		      void *arg);

/* The same for control records of the quorum. */
int image_each_control(const struct image *image,
		       int (*on_record)(void *arg, int16_t type,
					struct slice value),
		       void *arg);

/* Wall clock of the last record in it, ms; 0 when there is none. */
int64_t image_timestamp_ms(const struct image *image);

/* The version in which metadata.version of the image has a record written. */
int16_t image_record_version(const struct image *image,
			     const struct wire_desc *desc);

#endif /* KBROKERD_METADATA_IMAGE_EDIT_H */
