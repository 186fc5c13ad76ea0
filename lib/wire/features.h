/*
 * features.h - features with finalized levels (schema/features.def)
 */
#ifndef WIRE_FEATURES_H
#define WIRE_FEATURES_H

#include <stddef.h>
#include <stdint.h>

struct feature_level {
	int16_t level;
	int16_t metadata_version; /* makes it the default; -1: always possible
				   */
	const char *effect;
};

struct feature_def {
	const char *name; /* "metadata.version" */
	int16_t min_level, max_level;
	int16_t default_level;              /* what a new cluster gets */
	const struct feature_level *levels; /* one for each, lowest first */
};

/* All, in the order of features.def. */
const struct feature_def *feature_defs(size_t *count_out);

/* The row, or NULL. */
const struct feature_def *feature_def_find(const char *name);

#endif /* WIRE_FEATURES_H */
