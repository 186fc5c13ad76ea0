/*
 * feature_level.h - at which level a feature is finalized
 */
#ifndef KBROKERD_METADATA_FEATURE_LEVEL_H
#define KBROKERD_METADATA_FEATURE_LEVEL_H

#include "kbrokerd/metadata/image.h"

/* The feature that the quorum keeps in control records of its own. */
#define KRAFT_VERSION "kraft.version"

/* As image_feature(), but for kraft.version too, which the quorum keeps in
 * control records of its own; 0 when off. */
int16_t feature_level(const struct image *image, const char *name);

#endif /* KBROKERD_METADATA_FEATURE_LEVEL_H */
