/*
 * group_run.c - kconsume -G: a member of a consumer group
 *
 * One loop, as without a group, but for two things.  Nothing in it waits for
 * the reader of stdout: while that takes nothing, records stay where they are,
 * then fetching pauses, and heartbeats go on.  And the end is a way with steps:
 * hand out no more; write what was printed; let the commit mode settle; leave;
 * and only then exit, or die of the signal.
 *
 * Partitions that are given up in a rebalance go the same way, beside those
 * that are kept.
 */
#include "kconsume/group_run.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/signals.h"
#include "client/partition_set.h"
#include "kconsume/commit_modes.h"
#include "kconsume/known.h"

enum {
	CLOCK_EVERY = 256, /* records between two looks at the clock */
	FOR_EVER_MS = INT32_MAX,
};

struct group_run {
	struct program *p;
	struct group_member *member;
	const struct commit_mode *mode;
	void *state; /* the mode's */
	bool is_open;
	struct commit_host host;
	struct loop_watch *writer; /* stdout takes something again */
	struct loop_timer *timer;  /* the stall, and the time to end */

	struct known known;          /* was there when it began */
	struct partition_set mine;   /* with the consumer */
	struct partition_set sought; /* -o has been done there */
	struct partition_set going;  /* to be given up */
	struct partition_set unread; /* begun at the end: nothing is stored */
	bool is_told_unread;
	bool is_giving_up;   /* on_revoked(), group_revoked() is due */
	int64_t going_bytes; /* of stdout, in all: what was printed */
	bool is_settling;    /* the mode is asked to */

	bool is_blocked;       /* stdout takes nothing */
	int64_t told_bytes;    /* that the mode knows as written */
	int64_t progress_ms;   /* when the reader last took something */
	int64_t moved_bytes;   /* written then */
	int64_t moved_printed; /* and printed */

	bool is_ending;
	bool has_left;
	int64_t end_by_ms; /* a signal: give all up by then */
	int status;        /* EXIT_GO_ON: nothing went wrong */
};

static int64_t now_ms(const struct group_run *g)
{
	return loop_now_ms(g->p->loop);
}

static void take_status(struct group_run *g, int status)
{
	g->status = g->status == EXIT_GO_ON ? status
					    : exit_worse(g->status, status);
}

static void no_memory(struct group_run *g)
{
	take_status(g, message_fail(&g->p->messages, EXIT_REFUSED,
				    "out of memory"));
}

/* Nobody reads stdout any more. */
static bool is_reader_gone(const struct group_run *g)
{
	return g->p->reader_gone || g->p->printer.output.error != 0;
}

/* "orders 0 1, users 2" */
static void describe(const struct partition_set *set, struct buffer *out)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct group_partition *p = &set->items[i];

		if (i == 0 || strcmp(p->topic, set->items[i - 1].topic) != 0)
			buffer_printf(out, "%s%s", i == 0 ? "" : ", ",
				      p->topic);
		buffer_printf(out, " %d", p->partition);
	}
	if (set->count == 0)
		buffer_put_text(out, "no partitions");
}

/* What this member has now, at -v. */
static void tell_mine(struct group_run *g)
{
	struct buffer text = { 0 };

	if (!messages_wants(&g->p->messages, MESSAGE_INFO))
		return;
	describe(&g->mine, &text);
	message_info(&g->p->messages, "group '%s': has %s", g->p->options.group,
		     buffer_text(&text));
	buffer_clear(&text);
}

/* Who waits for what is there already waits in vain: said once. */
static void tell_unread(struct group_run *g)
{
	struct buffer text = { 0 };

	if (g->unread.count == 0 || g->is_told_unread)
		return;
	g->is_told_unread = true;
	if (!messages_wants(&g->p->messages, MESSAGE_NOTICE))
		return;
	describe(&g->unread, &text);
	message_notice(&g->p->messages,
		       "group '%s' has stored nothing for %s: starts at the "
		       "end (auto.offset.reset=latest); -o beginning "
		       "--only-new reads all",
		       g->p->options.group, buffer_text(&text));
	buffer_clear(&text);
}

/*
 * What the mode may do
 */

static void give_up(struct group_run *g)
{
	for (size_t i = 0; i < g->going.count; i++)
		consumer_remove(g->p->consumer, g->going.items[i].topic,
				g->going.items[i].partition);
	partition_set_remove(&g->mine, &g->going);
	partition_set_reset(&g->going);
	g->is_giving_up = false;
	g->is_settling = false;
	tell_mine(g);
	/* From here on only the goodbye takes time. */
	if (g->is_ending && g->mine.count == 0)
		group_member_leave(g->member,
				   g->p->options.common.step_timeout_ms);
	group_revoked(g->member);
}

static void on_settled(void *arg)
{
	struct group_run *g = arg;

	if (g->is_settling)
		give_up(g);
}

static void on_failed(void *arg, int status)
{
	take_status(arg, status);
}

static void on_wake(void *arg)
{
	struct group_run *g = arg;

	loop_timer_set(g->timer, 0);
}

static int64_t position_of(void *arg, const char *topic, int32_t partition)
{
	const struct group_run *g = arg;

	return consumer_offset(g->p->consumer, topic, partition);
}

/* Nobody is to wait for what is no longer there. */
static void end_stdout(void *arg)
{
	struct group_run *g = arg;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (g->p->reader_watch != NULL)
		loop_watch_set(g->p->reader_watch, 0);
	loop_watch_set(g->writer, 0);
	if (fd >= 0)
		dup2(fd, STDOUT_FILENO);
	if (fd >= 0)
		close(fd);
}

static int open_mode(struct group_run *g)
{
	struct program *p = g->p;
	int status = EXIT_GO_ON;

	g->host = (struct commit_host){
		.loop = p->loop,
		.config = &p->config,
		.client = p->client,
		.member = g->member,
		.printer = &p->printer,
		.options = &p->options,
		.messages = &p->messages,
		.on_settled = on_settled,
		.on_failed = on_failed,
		.wake = on_wake,
		.position = position_of,
		.end_stdout = end_stdout,
		.arg = g,
	};
	g->is_open = true;
	if (g->mode->open != NULL)
		status = g->mode->open(&g->host, &g->state);
	return status;
}

/*
 * What the group says
 */

/* -o is for what was there, but where it names the partition. */
static bool has_start(const struct consume_options *o, int32_t partition,
		      bool is_new)
{
	for (size_t i = 0; i < o->start_count; i++) {
		if (o->starts[i].partition == partition)
			return true;
	}
	return o->start_set && !is_new;
}

/* Where to start: 0, or -ERANGE when nothing says it. */
static int place_of(struct group_run *g, const struct group_position *position,
		    struct consumer_position *place_out)
{
	const struct group_partition *at = &position->partition;
	const struct consume_options *o = &g->p->options;
	bool is_new = !known_has(&g->known, at);

	/* Done before, with nothing stored since: better twice than never. */
	bool is_done = position->offset >= 0 &&
		       partition_set_has(&g->sought, at->topic, at->partition);

	if (has_start(o, at->partition, is_new) && !is_done &&
	    !(o->only_new && position->offset >= 0)) {
		*place_out = consume_options_start(o, at->partition);
		return 0;
	}
	if (position->offset >= 0) {
		*place_out = (struct consumer_position){ CONSUMER_OFFSET,
							 position->offset };
		return 0;
	}
	if (g->p->config.auto_offset_reset == RESET_ERROR)
		return -ERANGE;
	place_out->place =
		is_new || g->p->config.auto_offset_reset == RESET_EARLIEST
			? CONSUMER_BEGINNING
			: CONSUMER_END;
	place_out->value = 0;
	return 0;
}

/* A seek is done once: when the partition comes back, it goes on from what is
 * stored. */
static void note_mine(struct group_run *g,
		      const struct group_position *positions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct group_partition *at = &positions[i].partition;

		partition_set_add(&g->mine, slice_of(at->topic), at->partition,
				  at->topic_id);
		partition_set_add(&g->sought, slice_of(at->topic),
				  at->partition, UUID_ZERO);
	}
	partition_set_sort(&g->mine);
	partition_set_sort(&g->sought);
	if (g->mine.failed || g->sought.failed)
		no_memory(g);
}

static void begin(struct group_run *g, const struct group_position *position)
{
	const struct group_partition *at = &position->partition;
	struct group_position start = *position;
	struct consumer_position place;

	if (place_of(g, position, &place) < 0) {
		take_status(g,
			    message_fail(&g->p->messages, EXIT_REFUSED,
					 "group '%s' has stored no offset for "
					 "topic '%s' partition %d, and "
					 "auto.offset.reset is error: give -o",
					 g->p->options.group, at->topic,
					 at->partition));
		return;
	}
	if (consumer_add(g->p->consumer, at->topic, at->partition, place,
			 g->p->options.stop) == -ENOMEM)
		no_memory(g);
	if (place.place == CONSUMER_END && !g->is_told_unread &&
	    !has_start(&g->p->options, at->partition, false))
		partition_set_add(&g->unread, slice_of(at->topic),
				  at->partition, UUID_ZERO);
	start.offset = place.place == CONSUMER_OFFSET ? place.value : -1;
	if (g->mode->assigned != NULL)
		g->mode->assigned(g->state, &start);
}

static void on_assigned(void *arg, const struct group_position *positions,
			size_t count)
{
	struct group_run *g = arg;

	/* On the way out it would only be in the way. */
	for (size_t i = 0; i < count && g->status == EXIT_GO_ON; i++)
		begin(g, &positions[i]);
	note_mine(g, positions, count);
	tell_mine(g);
	tell_unread(g);
	g->progress_ms = now_ms(g);
}

static void on_revoked(void *arg, const struct group_partition *partitions,
		       size_t count)
{
	struct group_run *g = arg;

	partition_set_reset(&g->going);
	for (size_t i = 0; i < count; i++) {
		partition_set_add(&g->going, slice_of(partitions[i].topic),
				  partitions[i].partition,
				  partitions[i].topic_id);
		consumer_pause(g->p->consumer, partitions[i].topic,
			       partitions[i].partition, true);
	}
	partition_set_sort(&g->going);
	if (g->going.failed)
		no_memory(g);
	g->is_giving_up = true;
	g->is_settling = false;
	g->going_bytes = g->p->printer.output.written +
			 (int64_t)g->p->printer.output.buffer.len;
}

static void on_lost(void *arg, const struct group_partition *partitions,
		    size_t count)
{
	struct group_run *g = arg;
	struct partition_set lost = { 0 };

	for (size_t i = 0; i < count; i++) {
		consumer_remove(g->p->consumer, partitions[i].topic,
				partitions[i].partition);
		partition_set_add(&lost, slice_of(partitions[i].topic),
				  partitions[i].partition,
				  partitions[i].topic_id);
	}
	partition_set_sort(&lost);
	partition_set_remove(&g->mine, &lost);
	partition_set_clear(&lost);
	tell_mine(g);
	partition_set_reset(&g->going);
	g->is_giving_up = false;
	g->is_settling = false;
	if (g->mode->lost != NULL)
		g->mode->lost(g->state, partitions, count);
	if (g->is_ending && g->mine.count == 0)
		group_member_leave(g->member,
				   g->p->options.common.step_timeout_ms);
	message_warning(&g->p->messages,
			"group '%s' has taken this member for dead: %zu "
			"partitions are with others now",
			g->p->options.group, count);
}

static void on_left(void *arg, const struct client_error *error)
{
	struct group_run *g = arg;

	g->has_left = true;
	/* After another failure it is no news. */
	if (error != NULL && g->status == EXIT_GO_ON)
		take_status(g, program_fail(g->p, error));
}

/* What keeps the member, or else the consumer, from going on. */
static void explain(struct group_run *g)
{
	int64_t since_ms = 0;
	const struct client_error *why =
		group_member_trouble(g->member, &since_ms);

	program_explain(g->p, why, since_ms);
}

static void on_note(void *arg, const char *text)
{
	struct group_run *g = arg;

	g->p->is_troubled = true; /* perhaps */
	if (g->member != NULL)
		explain(g);
	message_info(&g->p->messages, "%s", text);
}

static int open_member(struct group_run *g)
{
	const struct consume_options *o = &g->p->options;
	const struct group_subscription subscription = {
		.topics = o->names.items,
		.topic_count = o->names.count,
		.patterns = o->patterns.items,
		.pattern_count = o->patterns.count,
	};
	const struct group_handler handler = {
		.on_assigned = on_assigned,
		.on_revoked = on_revoked,
		.on_lost = on_lost,
		.on_left = on_left,
		.on_note = on_note,
		.arg = g,
	};
	struct client_error error;

	client_error_clear(&error);
	if (group_member_new(g->p->loop, &g->p->config, &subscription, &handler,
			     &g->member, &error) < 0)
		return program_fail(g->p, &error);
	group_member_set_patience(g->member, o->common.step_timeout_ms);
	return EXIT_GO_ON;
}

/*
 * stdout
 */

static void on_writable(void *arg, unsigned events)
{
	struct group_run *g = arg;

	(void)events;
	g->is_blocked = false;
	loop_watch_set(g->writer, 0);
}

/* The loop wakes, and group_run() looks at everything. */
static void on_timer(void *arg)
{
	(void)arg;
}

static void tell_written(struct group_run *g)
{
	int64_t written = g->p->printer.output.written;

	if (written == g->told_bytes)
		return;
	g->told_bytes = written;
	if (g->mode->written != NULL)
		g->mode->written(g->state, written);
}

/* Write what stdout takes now. */
static void flush(struct group_run *g)
{
	struct output *o = &g->p->printer.output;

	if (g->is_blocked || is_reader_gone(g))
		return;
	if (output_flush_some(o) == 0) {
		g->is_blocked = true;
		loop_watch_set(g->writer, LOOP_WRITE);
	}
	tell_written(g);
}

/* Does it make sense to write now, though more is to come? */
static bool is_due(const struct group_run *g)
{
	const struct output *o = &g->p->printer.output;
	int64_t due_us = output_due_us(o);

	return o->buffer.len >= OUTPUT_BUFFER_BYTES || g->is_giving_up ||
	       (due_us >= 0 && due_us <= g->p->now_us);
}

/*
 * The way of a record
 */

static bool wants_more(const struct group_run *g)
{
	return g->mode->wants_more == NULL || g->mode->wants_more(g->state);
}

static bool may_hand_out(const struct group_run *g)
{
	return !g->is_ending && g->status == EXIT_GO_ON && !is_reader_gone(g) &&
	       !program_has_enough(g->p) && signals_ending() == 0 &&
	       g->p->printer.output.buffer.len < OUTPUT_BUFFER_BYTES &&
	       wants_more(g);
}

static int take(struct group_run *g, const struct consumer_record *record)
{
	struct program *p = g->p;
	const struct output *o = &p->printer.output;
	int rc;

	if (g->mode->take != NULL) {
		rc = g->mode->take(g->state, record);
		p->printer.printed += rc == 0;
		return rc;
	}
	rc = printer_print(&p->printer, record, p->now_us);
	if (rc == 0 && g->mode->printed != NULL)
		g->mode->printed(g->state, record,
				 o->written + (int64_t)o->buffer.len);
	if (rc == 0 && o->unbuffered)
		flush(g);
	return rc;
}

static int64_t monotonic_us(void)
{
	return clock_system()->monotonic_us(clock_system());
}

/* Hand out what is there: 1 while there may be more. */
static int hand_out(struct group_run *g)
{
	struct program *p = g->p;
	struct consumer_record record;
	int rc = 0;

	p->now_us = monotonic_us();
	program_show_progress(p);
	for (unsigned i = 0; i < CLOCK_EVERY && may_hand_out(g); i++) {
		rc = consumer_next(p->consumer, &record);
		if (rc > 0)
			rc = take(g, &record) < 0 ? 0 : 1;
		if (rc <= 0)
			break;
	}
	if (rc < 0)
		take_status(g, program_fail(p, consumer_error(p->consumer)));
	return rc;
}

/*
 * Stalls
 */

static void note_progress(struct group_run *g)
{
	const struct printer *printer = &g->p->printer;

	if (printer->output.written == g->moved_bytes &&
	    printer->printed == g->moved_printed &&
	    (g->is_blocked || !wants_more(g)))
		return;
	g->moved_bytes = printer->output.written;
	g->moved_printed = printer->printed;
	g->progress_ms = now_ms(g);
}

static void warn_of_stall(struct group_run *g)
{
	int64_t limit = g->p->config.max_poll_interval_ms;
	char said[UNITS_TEXT_MAX];

	if (now_ms(g) - g->progress_ms < limit)
		return;
	format_duration(limit, said);
	message_warning(&g->p->messages,
			"%s for %s (max.poll.interval.ms): fetching pauses, "
			"the group keeps its member",
			g->is_blocked || g->mode->stalled == NULL
				? "the reader of stdout has taken nothing"
				: g->mode->stalled,
			said);
	g->progress_ms = now_ms(g);
}

/*
 * The end
 */

static bool has_come_to_its_end(const struct group_run *g)
{
	const struct program *p = g->p;

	if (g->status != EXIT_GO_ON || is_reader_gone(g) ||
	    program_has_enough(p) || signals_ending() != 0)
		return true;
	return p->options.stop.place != CONSUMER_NOWHERE &&
	       group_is_settled(g->member) && consumer_is_done(p->consumer);
}

static void start_to_end(struct group_run *g)
{
	g->is_ending = true;
	/* What the mode still waits for may take its time. */
	group_member_leave(g->member,
			   g->mine.count > 0
				   ? FOR_EVER_MS
				   : g->p->options.common.step_timeout_ms);
}

/* Is it too late to wait for what is not written or not settled yet? */
static bool is_out_of_time(struct group_run *g)
{
	if (signals_ending() == 0)
		return false;
	/* The mode has as much time again for itself. */
	if (g->end_by_ms == 0)
		g->end_by_ms =
			now_ms(g) + 2 * g->p->options.common.step_timeout_ms;
	return now_ms(g) >= g->end_by_ms;
}

/* What is to be given up: the mode settles once all is written. */
static void go_on_giving_up(struct group_run *g)
{
	bool is_written = g->p->printer.output.written >= g->going_bytes;

	if (!g->is_giving_up)
		return;
	if (is_out_of_time(g)) {
		give_up(g);
		return;
	}
	if (g->is_settling || !(is_written || is_reader_gone(g)))
		return;
	g->is_settling = true;
	if (g->mode->settle == NULL)
		give_up(g);
	else
		g->mode->settle(g->state, g->going.items, g->going.count,
				g->is_ending, is_reader_gone(g));
}

/* When the loop is to wake without an event: ms from now. */
static int64_t next_look_ms(struct group_run *g)
{
	int64_t at = g->progress_ms + g->p->config.max_poll_interval_ms;

	if (g->end_by_ms > 0 && g->end_by_ms < at)
		at = g->end_by_ms;
	at -= now_ms(g);
	if (g->p->progress.enabled && at > 1000)
		at = 1000;
	return at > 0 ? at : 1;
}

static int consume(struct group_run *g)
{
	while (!g->has_left) {
		bool is_more = hand_out(g) > 0;

		if (!is_more || is_due(g))
			flush(g);
		note_progress(g);
		warn_of_stall(g);
		if (!g->is_ending && has_come_to_its_end(g))
			start_to_end(g);
		go_on_giving_up(g);
		if (g->has_left)
			break;
		explain(g);
		loop_run_once(g->p->loop, is_more ? 0 : next_look_ms(g));
	}
	return g->status == EXIT_GO_ON ? EXIT_OK : g->status;
}

/* What is there; topics that are named are.  Joining goes on meanwhile. */
static void check_topics(struct group_run *g)
{
	struct program *p = g->p;
	const struct consume_options *o = &p->options;
	int status = known_load(&g->known, p);

	if (status != EXIT_GO_ON) {
		take_status(g, status);
		return;
	}
	for (size_t i = 0; i < o->names.count; i++) {
		const struct client_topic *topic;
		struct client_error error;

		client_error_clear(&error);
		if (client_topic_load(p->client, o->names.items[i], false,
				      false, o->common.step_timeout_ms, &topic,
				      &error) == 0)
			continue;
		if (error.rc != -EINTR)
			take_status(g, program_fail(p, &error));
		return;
	}
}

static void clear(struct group_run *g)
{
	if (g->is_open && g->mode->close != NULL)
		g->mode->close(g->state);
	group_member_free(g->member);
	loop_watch_free(g->writer);
	loop_timer_free(g->timer);
	known_clear(&g->known);
	partition_set_clear(&g->mine);
	partition_set_clear(&g->sought);
	partition_set_clear(&g->going);
	partition_set_clear(&g->unread);
}

int group_run(struct program *p)
{
	struct group_run g = {
		.p = p,
		.mode = commit_mode_chosen(&p->options),
		.status = EXIT_GO_ON,
	};
	int status = program_open_consumer(p);

	p->printer.output.deferred = true;
	if (status == EXIT_GO_ON)
		consumer_expect(p->consumer);
	if (status == EXIT_GO_ON &&
	    (loop_timer_new(p->loop, on_timer, &g, &g.timer) < 0 ||
	     loop_watch_new(p->loop, STDOUT_FILENO, on_writable, &g,
			    &g.writer) < 0))
		status = message_fail(&p->messages, EXIT_REFUSED,
				      "out of memory");
	if (status == EXIT_GO_ON)
		status = open_member(&g);
	g.progress_ms = now_ms(&g);
	if (status == EXIT_GO_ON)
		status = open_mode(&g);
	if (status == EXIT_GO_ON) {
		check_topics(&g);
		status = consume(&g);
	}
	clear(&g);
	p->printer.output.deferred = false;
	return status;
}

/*
 * --commit none
 */

const struct commit_mode commit_mode_none = { .name = "none" };
