/*
 * features.c - features with finalized levels, looked up
 */
#include "wire/features.h"

#include <string.h>

#include "wire/tables.h"

const struct feature_def *feature_defs(size_t *count_out)
{
	*count_out = wire_feature_table_count;
	return wire_feature_table;
}

const struct feature_def *feature_def_find(const char *name)
{
	for (size_t i = 0; i < wire_feature_table_count; i++) {
		if (strcmp(wire_feature_table[i].name, name) == 0)
			return &wire_feature_table[i];
	}
	return NULL;
}
