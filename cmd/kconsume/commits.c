/*
 * commits.c - what is done goes to the group
 *
 * The first commit after a quiet time goes at once, the next no sooner than
 * COMMIT_EVERY_MS later.  Trouble that passes is the member's to try again; a
 * partition that is someone else's by now is no trouble; anything else ends
 * the run, since a reader that cannot commit reads in vain.
 */
#include "kconsume/commits.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/errors.h"

static void on_timer(void *arg)
{
	struct commits *c = arg;

	if (c->under_way > 0)
		return; /* still wanted when that is answered */
	c->is_wanted = false;
	commits_now(c);
}

int commits_init(struct commits *c, const struct commit_host *host, bool exact)
{
	*c = (struct commits){ .host = host,
			       .delivered = delivered_new(exact),
			       .last_ms = -COMMIT_EVERY_MS };
	if (c->delivered == NULL ||
	    loop_timer_new(host->loop, on_timer, c, &c->timer) < 0)
		return message_fail(host->messages, EXIT_REFUSED,
				    "out of memory");
	return EXIT_GO_ON;
}

static void forget_settling(struct commits *c)
{
	for (size_t i = 0; i < c->settling_count; i++)
		free((char *)c->settling[i].topic);
	free(c->settling);
	c->settling = NULL;
	c->settling_count = 0;
	c->is_settling = c->is_finishing = false;
}

void commits_clear(struct commits *c)
{
	forget_settling(c);
	loop_timer_free(c->timer);
	delivered_free(c->delivered);
	free(c->items);
	*c = (struct commits){ 0 };
}

int commits_fail(struct commits *c, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(c->host->messages, MESSAGE_ERROR, format, args);
	va_end(args);
	c->host->on_failed(c->host->arg, status);
	return -EIO;
}

int commits_note(struct commits *c, const struct consumer_record *record,
		 int64_t position)
{
	if (delivered_write(c->delivered, record->topic, record->partition,
			    record->record.offset, position) == 0)
		return 0;
	return commits_fail(c, EXIT_REFUSED, "out of memory");
}

/* Committing */

/* How far the partition may be committed, or -1. */
static int64_t offset_of(const struct commits *c,
			 const struct delivered_part *part)
{
	int64_t offset = part->next_offset;
	int64_t position = -1;

	if (part->idle && c->host->position != NULL)
		position = c->host->position(c->host->arg, part->topic,
					     part->partition);
	return position > offset ? position : offset;
}

static void collect(void *arg, const struct delivered_part *part)
{
	struct commits *c = arg;
	int64_t offset = offset_of(c, part);
	struct group_commit_item *items = c->items;

	c->is_looked_up |= offset < 0 && part->idle;
	if (offset < 0 || offset == *part->committed)
		return;
	if (c->item_count == c->item_capacity) {
		c->item_capacity =
			c->item_capacity == 0 ? 16 : c->item_capacity * 2;
		items = reallocarray(items, c->item_capacity, sizeof(*items));
		if (items == NULL) { /* the next time, then */
			c->item_capacity = c->item_count;
			return;
		}
		c->items = items;
	}
	items[c->item_count++] = (struct group_commit_item){
		.topic = part->topic,
		.partition = part->partition,
		.offset = offset,
		.leader_epoch = -1,
	};
	*part->committed = offset;
}

/* The group has answered all: now the partitions may go. */
static void finish(struct commits *c)
{
	if (c->under_way > 0)
		return;
	for (size_t i = 0; i < c->settling_count; i++)
		delivered_forget(c->delivered, c->settling[i].topic,
				 c->settling[i].partition);
	forget_settling(c);
	c->host->on_settled(c->host->arg);
}

/* Whoever has the partition now goes on from what was committed before. */
static bool says_not_ours(int16_t code)
{
	static const int16_t codes[] = {
		WIRE_ILLEGAL_GENERATION,    WIRE_UNKNOWN_MEMBER_ID,
		WIRE_REBALANCE_IN_PROGRESS, WIRE_FENCED_INSTANCE_ID,
		WIRE_FENCED_MEMBER_EPOCH,   WIRE_STALE_MEMBER_EPOCH,
		WIRE_UNKNOWN_TOPIC_ID,      WIRE_UNKNOWN_TOPIC_OR_PARTITION,
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i] == code)
			return true;
	}
	return false;
}

static void on_done(void *arg, const struct group_commit_item *items,
		    size_t count, const struct client_error *error)
{
	struct commits *c = arg;
	bool is_told = error == NULL;

	c->under_way--;
	for (size_t i = 0; i < count && !is_told; i++) {
		if (items[i].code == WIRE_NONE || says_not_ours(items[i].code))
			continue;
		is_told = true;
		commits_fail(c, (int)client_error_kind_of(items[i].code),
			     "cannot commit offset %lld of %s [%d]: %s",
			     (long long)items[i].offset, items[i].topic,
			     items[i].partition,
			     client_code_name(items[i].code));
	}
	if (!is_told)
		message_info(c->host->messages, "not committed: %s",
			     error->text);
	if (c->is_wanted)
		commits_soon(c);
	if (c->on_committed != NULL)
		c->on_committed(c->arg);
	if (c->is_finishing)
		finish(c);
}

/* Soon the consumer knows where it starts. */
static void look_again(struct commits *c)
{
	c->is_wanted = true;
	loop_timer_set(c->timer, COMMIT_EVERY_MS);
}

bool commits_now(struct commits *c)
{
	c->item_count = 0;
	c->is_looked_up = false;
	delivered_each(c->delivered, collect, c);
	if (c->is_looked_up && !c->is_finishing)
		look_again(c);
	if (c->item_count == 0)
		return false;
	c->last_ms = loop_now_ms(c->host->loop);
	if (group_commit(c->host->member, c->items, c->item_count, on_done, c) <
	    0)
		commits_fail(c, EXIT_REFUSED, "out of memory");
	else
		c->under_way++;
	return true;
}

void commits_soon(struct commits *c)
{
	int64_t wait_ms =
		c->last_ms + COMMIT_EVERY_MS - loop_now_ms(c->host->loop);

	if (c->under_way > 0) {
		c->is_wanted = true;
	} else if (wait_ms <= 0) {
		c->is_wanted = false;
		commits_now(c);
	} else if (!c->is_wanted) {
		c->is_wanted = true;
		loop_timer_set(c->timer, wait_ms);
	}
}

/* Partitions that come and go */

static bool is_settled_for(const struct commits *c, const char *topic,
			   int32_t partition)
{
	for (size_t i = 0; i < c->settling_count; i++) {
		if (c->settling[i].partition == partition &&
		    strcmp(c->settling[i].topic, topic) == 0)
			return true;
	}
	return false;
}

void commits_lost(struct commits *c, const struct group_partition *partitions,
		  size_t count)
{
	bool is_over = false;

	for (size_t i = 0; i < count; i++) {
		delivered_forget(c->delivered, partitions[i].topic,
				 partitions[i].partition);
		is_over |= is_settled_for(c, partitions[i].topic,
					  partitions[i].partition);
	}
	if (is_over)
		forget_settling(c);
}

void commits_assigned(struct commits *c, const struct group_position *position)
{
	const struct group_partition *at = &position->partition;

	delivered_forget(c->delivered, at->topic, at->partition);
	if (delivered_begin(c->delivered, at->topic, at->partition) < 0)
		commits_fail(c, EXIT_REFUSED, "out of memory");
	else
		look_again(c);
}

void commits_settle(struct commits *c, const struct group_partition *partitions,
		    size_t count, bool is_end)
{
	forget_settling(c);
	c->is_settling = true;
	c->is_end = is_end;
	c->settling = calloc(count + 1, sizeof(*c->settling));
	for (size_t i = 0; c->settling != NULL && i < count; i++) {
		struct group_partition *own = &c->settling[c->settling_count];

		*own = partitions[i];
		own->topic = strdup(partitions[i].topic);
		c->settling_count += own->topic != NULL;
	}
}

struct idle_question {
	const struct commits *commits;
	bool all_idle;
};

static void ask_idle(void *arg, const struct delivered_part *part)
{
	struct idle_question *q = arg;

	if (!part->idle &&
	    is_settled_for(q->commits, part->topic, part->partition))
		q->all_idle = false;
}

bool commits_are_settled(struct commits *c)
{
	struct idle_question q = { c, true };

	if (c->is_end)
		return delivered_left(c->delivered) == 0;
	delivered_each(c->delivered, ask_idle, &q);
	return q.all_idle;
}

void commits_finish(struct commits *c)
{
	if (!c->is_settling || c->is_finishing)
		return;
	c->is_finishing = true;
	commits_now(c);
	finish(c);
}
