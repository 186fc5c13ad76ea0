/*
 * target.h - where kgroups reset --to is
 */
#ifndef KGROUPS_TARGET_H
#define KGROUPS_TARGET_H

#include <stdint.h>

enum target_kind {
	TARGET_EARLIEST,
	TARGET_LATEST,
	TARGET_CURRENT,
	TARGET_OFFSET, /* value */
	TARGET_SHIFT,  /* value records from what is committed */
	TARGET_TIME,   /* the first record at or after value, ms */
	TARGET_GROUP,  /* what the group name has */
	TARGET_FILE,   /* what the plan name says */
};

struct target {
	enum target_kind kind;
	int64_t value;
	const char *name; /* in the text */
};

/*
 * "earliest", "latest", "current", 42, +5, -5, group:G, file:F, or a time as
 * of parse_time() but for plain numbers: 2026-08-01T10:00Z, -2h.  Returns 0
 * or -EINVAL.
 */
int target_parse(const char *text, int64_t now_ms, struct target *out);

/* What is known of a partition; -1: not there. */
struct target_place {
	int64_t committed;
	int64_t start, end;
	int64_t at_time; /* -1: no record so late */
	int64_t other;   /* of the group or the plan */
};

/*
 * The offset that the target means there, within start and end; *wanted_out
 * (which may be NULL) is it before that.  -1: none, there is nothing to go by.
 */
int64_t target_offset(const struct target *target,
		      const struct target_place *place, int64_t *wanted_out);

#endif /* KGROUPS_TARGET_H */
