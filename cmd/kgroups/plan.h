/*
 * plan.h - which committed offsets are to become which
 *
 * A plan is text that people and programs edit (kgroups(1), PLANS): CSV with
 *the header
 *
 *	group,topic,partition,from,to,records,from_time,to_time
 *
 * or JSON objects with these members, one a line.  from is what is committed
 * now, empty (null) for nothing; so is to, which then means: forget what is
 * committed.  records, from_time and to_time are for the reader.  Also read
 * are, told apart line by line:
 *
 *	group,topic,partition,offset    Kafka's, and ours without header
 *	topic,partition,offset          Kafka's
 *	TOPIC PARTITION OFFSET          rpk's, parted by blanks
 *
 * Fields are quoted as in RFC 4180 where need be.  Empty lines, and those that
 * begin with '#', say nothing.
 */
#ifndef KGROUPS_PLAN_H
#define KGROUPS_PLAN_H

#include "base/arena.h"
#include "base/buffer.h"

struct plan_row {
	const char *group;
	const char *topic;
	int32_t partition;
	int64_t from;    /* -1: nothing committed */
	int64_t to;      /* -1: forget */
	bool has_from;   /* compare before it is set */
	int64_t from_ms; /* of the record at from, -1: not known */
	int64_t to_ms;
	int64_t line; /* of the text, from 1 */
};

struct plan {
	struct plan_row *rows;
	size_t count;
	struct arena arena; /* texts that were read */
};

enum { PLAN_WHY_MAX = 200 };

void plan_clear(struct plan *plan);

/* Append a row, whose texts stay the caller's.  0 or -ENOMEM. */
int plan_add(struct plan *plan, const struct plan_row *row);

/*
 * Append what the text says.  default_group is for rows that name none; NULL:
 * there is none.  Returns 0, -ENOMEM, or -EBADMSG with a reason in why and the
 * line.
 */
int plan_read(struct plan *plan, struct slice text, const char *default_group,
	      char why[PLAN_WHY_MAX], int64_t *line_out);

/* By group, topic and partition; rows of the same stay in order. */
void plan_sort(struct plan *plan);

/* After plan_sort(): the second of two rows of the same partition, or NULL. */
const struct plan_row *plan_twin(const struct plan *plan);

/* The row of that partition in a sorted plan, or NULL. */
const struct plan_row *plan_find(const struct plan *plan, const char *group,
				 const char *topic, int32_t partition);

/* The way back: from and to changed over. */
struct plan_row plan_undo(const struct plan_row *row);

/* As text, newline included. */
void plan_put_header(struct buffer *out);
void plan_put_csv(struct buffer *out, const struct plan_row *row);
void plan_put_json(struct buffer *out, const struct plan_row *row);

/* A field of CSV, quoted where need be. */
void plan_put_field(struct buffer *out, const char *text);

#endif /* KGROUPS_PLAN_H */
