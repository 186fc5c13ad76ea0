/*
 * findings.h - why a group lags, from what was seen of it
 *
 * Pure: two snapshots and what happened between them go in, sentences come
 * out, the worst first.
 */
#ifndef KGROUPS_FINDINGS_H
#define KGROUPS_FINDINGS_H

#include "base/arena.h"
#include "kgroups/snapshot.h"

enum finding_severity {
	FINDING_CRITICAL, /* records are lost, or nothing moves */
	FINDING_WARNING,  /* it will get worse */
	FINDING_INFO,     /* good to know */
};

struct finding {
	enum finding_severity severity;
	const char *kind;  /* "stuck": a word for programs */
	const char *topic; /* NULL: of the group */
	int32_t partition; /* -1: of the topic or group */
	double weight;     /* within a severity the greater comes first */
	const char *text;
};

/* What is known of a topic beyond offsets. */
struct topic_rule {
	const char *topic;
	int64_t retention_ms; /* -1: for ever, or not known */
};

struct evidence {
	const struct snapshot *before;
	const struct snapshot *after;
	size_t group; /* index, the same in both */
	/* How often members, state or epoch changed between looks. */
	int changes;
	const struct topic_rule *rules;
	size_t rule_count;
};

struct findings {
	struct finding *items;
	size_t count;
};

/* Texts and items are the arena's.  0 or -ENOMEM. */
int findings_make(const struct evidence *evidence, struct arena *arena,
		  struct findings *out);

const char *finding_severity_name(enum finding_severity severity);

#endif /* KGROUPS_FINDINGS_H */
