/*
 * tables.h - the generated tables of plain facts, for lib/wire only
 */
#ifndef WIRE_TABLES_H
#define WIRE_TABLES_H

#include "wire/config_defs.h"
#include "wire/features.h"
#include "wire/wire.h"

struct wire_error {
	int16_t code;
	const char *name;
	const char *text;
	bool is_retriable;
	bool is_fatal;
};

/* By code, one after the other. */
extern const struct wire_error wire_error_table[];
extern const size_t wire_error_table_count;

/* By key, from 0 without a gap. */
extern const struct wire_api wire_api_table[];
extern const size_t wire_api_table_count;

extern const struct wire_desc *const wire_record_table[];
extern const size_t wire_record_table_count;

/* By type id; NULL for those that are not in use. */
extern const struct wire_desc *const wire_metadata_table[];
extern const size_t wire_metadata_table_count;

extern const struct feature_def wire_feature_table[];
extern const size_t wire_feature_table_count;

/* By scope, then name; a scope's rows start at wire_config_scopes[scope] and
 * end where the next one's start. */
extern const struct config_def wire_config_table[];
extern const size_t wire_config_table_count;
extern const uint16_t wire_config_scopes[];

#endif /* WIRE_TABLES_H */
