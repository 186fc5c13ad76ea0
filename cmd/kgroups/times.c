/*
 * times.c - when records were written that offsets point to
 *
 * A consumer holds a partition once; where several offsets of one are wanted
 * it is asked again in a further turn.
 */
#include "kgroups/times.h"

#include <errno.h>
#include <stdlib.h>

#include "client/consumer.h"

enum { FETCH_BYTES = 64 << 10 };

void times_prepare(struct kgroups *k)
{
	/* One record of each partition, and also those of open transactions. */
	k->run.config.fetch_message_max_bytes = FETCH_BYTES;
	k->run.config.read_committed = false;
}

struct turn {
	struct kgroups *k;
	struct consumer *consumer;
	struct record_time **items; /* those of this turn, by place */
	size_t count;
	size_t left; /* without an answer */
	int64_t deadline_ms;
};

static int by_place(const void *a, const void *b)
{
	const struct record_time *const *x = a;
	const struct record_time *const *y = b;
	int order = strcmp((*x)->topic, (*y)->topic);

	return order != 0 ? order
			  : ((*x)->partition > (*y)->partition) -
				    ((*x)->partition < (*y)->partition);
}

static void take(struct turn *t, const struct consumer_record *r)
{
	struct record_time key = { .topic = r->topic,
				   .partition = r->partition };
	struct record_time *pointer = &key;
	/* NOLINTBEGIN(bugprone-sizeof-expression): pointers */
	struct record_time **found = bsearch(&pointer, t->items, t->count,
					     sizeof(*t->items), by_place);
	/* NOLINTEND(bugprone-sizeof-expression) */

	if (found == NULL || (*found)->timestamp_ms >= 0)
		return;
	(*found)->timestamp_ms = r->record.timestamp_ms;
	t->left--;
	consumer_remove(t->consumer, (*found)->topic, (*found)->partition);
}

static void run_turn(struct turn *t)
{
	struct consumer_record record;
	struct loop *loop = t->k->run.loop;
	int rc = 0;

	while (rc >= 0 && t->left > 0 && !consumer_is_done(t->consumer)) {
		int64_t wait_ms = t->deadline_ms - loop_now_ms(loop);

		while ((rc = consumer_next(t->consumer, &record)) > 0)
			take(t, &record);
		if (wait_ms <= 0)
			return;
		if (rc == 0 && t->left > 0 && !consumer_is_done(t->consumer))
			rc = loop_run_once(loop, wait_ms);
	}
	if (rc < 0 && consumer_error(t->consumer) != NULL)
		message_info(&t->k->run.messages, "times of records: %s",
			     consumer_error(t->consumer)->text);
}

/* Take those that the consumer has not yet; the others are left in rest. */
static size_t begin_turn(struct turn *t, struct record_time **rest,
			 size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		struct consumer_position from = { CONSUMER_OFFSET,
						  rest[i]->offset };
		struct consumer_position to = { CONSUMER_OFFSET, rest[i]->end };
		int rc = consumer_add(t->consumer, rest[i]->topic,
				      rest[i]->partition, from, to);

		if (rc == -ENOMEM)
			run_out_of_memory(&t->k->run);
		if (rc == -EEXIST)
			rest[left++] = rest[i];
		else
			t->items[t->count++] = rest[i];
	}
	t->left = t->count;
	if (t->count > 0)
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers */
		qsort(t->items, t->count, sizeof(*t->items), by_place);
	return left;
}

void times_read(struct kgroups *k, struct record_time *items, size_t count)
{
	int64_t patience_ms = k->run.options->common.step_timeout_ms;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers */
	struct record_time **rest = calloc(count + 1, sizeof(*rest));
	struct turn t = { .k = k,
			  /* NOLINTNEXTLINE(bugprone-sizeof-expression) */
			  .items = calloc(count + 1, sizeof(*t.items)),
			  .deadline_ms =
				  loop_now_ms(k->run.loop) + patience_ms };
	size_t left = 0;

	if (rest == NULL || t.items == NULL)
		run_out_of_memory(&k->run);
	for (size_t i = 0; i < count; i++) {
		items[i].timestamp_ms = -1;
		if (items[i].offset >= 0 && items[i].offset < items[i].end)
			rest[left++] = &items[i];
	}
	while (left > 0 && loop_now_ms(k->run.loop) < t.deadline_ms) {
		if (consumer_new(k->run.client, NULL, &t.consumer) < 0)
			run_out_of_memory(&k->run);
		consumer_set_patience(t.consumer, patience_ms);
		t.count = 0;
		left = begin_turn(&t, rest, left);
		run_turn(&t);
		consumer_free(t.consumer);
	}
	free(rest);
	free(t.items);
}
