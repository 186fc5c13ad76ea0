/*
 * record_place.h - where a record that is printed came from
 */
#ifndef CLI_RECORD_PLACE_H
#define CLI_RECORD_PLACE_H

#include <stdint.h>

enum timestamp_kind {
	TIMESTAMP_NONE = -1,
	TIMESTAMP_CREATE = 0,
	TIMESTAMP_LOG_APPEND = 1,
};

/* "none", "create" or "logappend". */
const char *timestamp_kind_name(enum timestamp_kind kind);

struct record_place {
	const char *topic;
	int32_t partition;
	int32_t broker; /* node id that it was fetched from; -1: unknown */
	int32_t leader_epoch; /* -1: unknown */
	enum timestamp_kind timestamp_kind;
	int64_t high_watermark; /* -1: unknown */
	/* By which member of which group it was read; group NULL: by none. */
	const char *group;
	const char *member_id;
	int32_t generation;
	/* For kproduce --report: where in its input the record stood. */
	int64_t source_record;    /* from 1; 0: it has no source */
	const char *source_topic; /* what the envelope said, or NULL */
	int32_t source_partition;
	int64_t source_offset;
};

#endif /* CLI_RECORD_PLACE_H */
