/*
 * check.c - kgroups check
 *
 * A monitoring plugin: one line on stdout with its figures behind a bar, and
 * the status 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.  What is not known is
 * UNKNOWN, never OK.
 */
#include <assert.h>
#include <stdio.h>

#include "base/units.h"
#include "cli/json_writer.h"
#include "kgroups/figures.h"
#include "kgroups/snapshot.h"
#include "kgroups/times.h"
#include "wire/errors.h"

enum { OVER_DEFAULT_MS = 6000, POLL_MS = 250, LINE_MAX_BYTES = 900 };

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_UNKNOWN };

static const char *const level_names[] = {
	[LEVEL_OK] = "OK",
	[LEVEL_WARNING] = "WARNING",
	[LEVEL_CRITICAL] = "CRITICAL",
	[LEVEL_UNKNOWN] = "UNKNOWN",
};

struct check {
	struct kgroups *k;
	struct group_list names;
	struct topic_choices choices;
	enum level level;
	const struct position *worst; /* that the level is about, or NULL */
	bool stalled;                 /* it is so because of --stalled */
	int64_t lag;                  /* of the partition with most */
	int64_t time_lag;             /* of the record that waits longest */
	char why[LINE_MAX_BYTES];     /* UNKNOWN: why */
};

/* The worse of both; UNKNOWN hides nothing that is known. */
static bool is_worse(enum level level, enum level than)
{
	static const int order[] = {
		[LEVEL_OK] = 0,
		[LEVEL_WARNING] = 2,
		[LEVEL_CRITICAL] = 3,
		[LEVEL_UNKNOWN] = 1,
	};

	return order[level] > order[than];
}

static void unknown(struct check *c, const char *why)
{
	if (!is_worse(LEVEL_UNKNOWN, c->level))
		return;
	c->level = LEVEL_UNKNOWN;
	snprintf(c->why, sizeof(c->why), "%s", why);
}

static enum level level_of(int64_t value, int64_t warn, int64_t critical)
{
	if (critical >= 0 && value > critical)
		return LEVEL_CRITICAL;
	return warn >= 0 && value > warn ? LEVEL_WARNING : LEVEL_OK;
}

/* Not given is 0 for durations and -1 for records. */
static int64_t limit_of(int64_t ms)
{
	return ms > 0 ? ms : -1;
}

static bool wants_times(const struct kgroups *k)
{
	return k->options.time_warn_ms > 0 || k->options.time_critical_ms > 0 ||
	       k->options.stalled_ms > 0;
}

static void raise_level(struct check *c, enum level level,
			const struct position *p, bool stalled)
{
	bool same = level != LEVEL_OK && level == c->level &&
		    position_lag(p) > position_lag(c->worst);

	if (!same && !is_worse(level, c->level))
		return;
	c->level = level;
	c->worst = p;
	c->stalled = stalled;
}

static void judge(struct check *c, const struct snapshot *s,
		  const struct position *p)
{
	const struct kgroups_options *o = &c->k->options;
	int64_t lag = position_lag(p);
	int64_t time_lag = figures_time_lag(lag, p->record_ms, s->at_ms);
	char why[LINE_MAX_BYTES];

	if (p->code == WIRE_UNKNOWN_TOPIC_OR_PARTITION)
		return; /* the topic is gone, and nothing waits */
	if (lag < 0) {
		snprintf(why, sizeof(why), "%s[%d]: %s", p->topic, p->partition,
			 client_code_name(p->code));
		unknown(c, why);
		return;
	}
	if (c->worst == NULL && c->level == LEVEL_OK && lag > c->lag)
		c->worst = p;
	if (lag > c->lag)
		c->lag = lag;
	if (time_lag > c->time_lag)
		c->time_lag = time_lag;
	raise_level(c, level_of(lag, o->warn, o->critical), p, false);
	if (!wants_times(c->k))
		return;
	if (time_lag < 0) {
		snprintf(why, sizeof(why),
			 "%s[%d]: the record at %lld cannot "
			 "be read",
			 p->topic, p->partition,
			 (long long)figures_next(p->committed, p->start));
		unknown(c, why);
		return;
	}
	raise_level(c,
		    level_of(time_lag, limit_of(o->time_warn_ms),
			     limit_of(o->time_critical_ms)),
		    p, false);
}

/* Stalled */

/* Those that may be: bit by position; how many. */
static size_t mark_waiting(const struct check *c, const struct snapshot *s,
			   bool *waiting)
{
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct position *p = &s->items[i];
		int64_t time_lag = figures_time_lag(position_lag(p),
						    p->record_ms, s->at_ms);

		waiting[i] = time_lag > c->k->options.stalled_ms;
		count += waiting[i];
	}
	return count;
}

/* Drop those that have committed meanwhile. */
static size_t drop_moved(const struct snapshot *s, const struct snapshot *now,
			 bool *waiting)
{
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct position *p = &s->items[i];
		const struct position *new =
			snapshot_find(now, p->group, p->topic, p->partition);

		if (new != NULL &&new->committed != p->committed)
			waiting[i] = false;
		count += waiting[i];
	}
	return count;
}

static void look_for_moves(struct check *c, const struct snapshot *s)
{
	struct kgroups *k = c->k;
	int64_t over_ms =
		k->options.over_ms > 0 ? k->options.over_ms : OVER_DEFAULT_MS;
	int64_t end_ms = loop_now_ms(k->run.loop) + over_ms;
	bool *waiting = run_alloc(&k->run, s->count + 1, sizeof(*waiting));
	size_t left = mark_waiting(c, s, waiting);
	struct client_error error = { 0 };

	while (left > 0 && loop_now_ms(k->run.loop) < end_ms) {
		struct snapshot now;

		run_sleep(&k->run, POLL_MS);
		if (snapshot_take(k, &c->names, &c->choices, SNAPSHOT_NO_ENDS,
				  &now, &error) < 0) {
			unknown(c, error.text);
			left = 0;
		} else {
			left = drop_moved(s, &now, waiting);
		}
		snapshot_clear(&now);
	}
	for (size_t i = 0; left > 0 && i < s->count; i++) {
		if (waiting[i])
			raise_level(c, LEVEL_CRITICAL, &s->items[i], true);
	}
}

/* The line */

static void put_subject(const struct check *c, const struct snapshot *s,
			struct buffer *out)
{
	const struct position *p = c->worst;
	char age[UNITS_TEXT_MAX];
	int64_t time_lag;

	if (c->level == LEVEL_UNKNOWN) {
		buffer_put_text(out, c->why);
		return;
	}
	if (p == NULL) {
		buffer_printf(out, "%s lag %lld", c->names.items[0],
			      (long long)c->lag);
		return;
	}
	assert(s->groups != NULL);
	time_lag = figures_time_lag(position_lag(p), p->record_ms, s->at_ms);
	buffer_printf(out, "%s/%s[%d] lag %lld", s->groups[p->group].name,
		      p->topic, p->partition, (long long)position_lag(p));
	if (wants_times(c->k) && time_lag >= 0) {
		format_duration(time_lag, age);
		buffer_printf(out, " (%s)", age);
	}
	if (c->stalled)
		buffer_put_text(out, ", stalled: nothing is committed");
}

static void put_limit(struct buffer *out, int64_t limit)
{
	buffer_put_u8(out, ';');
	if (limit >= 0)
		buffer_printf(out, "%lld", (long long)limit);
}

static void put_seconds(struct buffer *out, int64_t ms)
{
	buffer_put_u8(out, ';');
	if (ms > 0)
		buffer_printf(out, "%.15g", (double)ms / 1000);
}

static void put_figures(const struct check *c, struct buffer *out)
{
	const struct kgroups_options *o = &c->k->options;

	buffer_printf(out, " | lag=%lld", (long long)c->lag);
	put_limit(out, o->warn);
	put_limit(out, o->critical);
	buffer_put_text(out, ";0");
	if (!wants_times(c->k))
		return;
	buffer_printf(out, " time_lag=%.3fs", (double)c->time_lag / 1000);
	put_seconds(out, o->time_warn_ms);
	put_seconds(out, o->time_critical_ms);
	buffer_put_text(out, ";0");
}

static void put_json(const struct check *c, const struct snapshot *s,
		     const char *subject, struct buffer *out)
{
	struct json_writer w = json_writer(out);
	const struct position *p = c->worst;

	json_put_open(&w, '{');
	json_member_text(&w, "status", level_names[c->level]);
	json_member_int(&w, "code", (int64_t)c->level);
	json_member_text(&w, "text", subject);
	if (c->level != LEVEL_UNKNOWN)
		json_member_int(&w, "lag", c->lag);
	if (c->level != LEVEL_UNKNOWN && wants_times(c->k))
		json_member_int(&w, "time_lag", c->time_lag);
	if (p != NULL) {
		assert(s->groups != NULL);
		json_member_bytes(&w, "group",
				  slice_of(s->groups[p->group].name));
		json_member_text(&w, "topic", p->topic);
		json_member_int(&w, "partition", p->partition);
		json_member_bool(&w, "stalled", c->stalled);
	}
	json_put_close(&w, '}');
}

/* Names of groups are anything; the line is one line, its bar one bar. */
static void make_plain(struct buffer *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] < 0x20 || text->data[i] == 0x7f ||
		    text->data[i] == '|')
			text->data[i] = '?';
	}
}

static int say(const struct check *c, const struct snapshot *s)
{
	struct buffer *out = &c->k->run.out.buffer;
	struct buffer subject = { 0 };

	put_subject(c, s, &subject);
	if (c->k->run.options->common.json) {
		put_json(c, s, buffer_text(&subject), out);
	} else {
		make_plain(&subject);
		buffer_printf(out, "LAG %s - %s", level_names[c->level],
			      buffer_text(&subject));
		if (c->level != LEVEL_UNKNOWN)
			put_figures(c, out);
	}
	buffer_put_u8(out, '\n');
	output_filled(&c->k->run.out, 0);
	buffer_clear(&subject);
	return (int)c->level;
}

static void look(struct check *c, struct snapshot *s)
{
	struct client_error error = { 0 };
	unsigned flags = wants_times(c->k) ? SNAPSHOT_TIMES : 0;

	if (snapshot_take(c->k, &c->names, &c->choices, flags, s, &error) < 0) {
		unknown(c, error.text);
		return;
	}
	for (size_t g = 0; g < s->group_count; g++) {
		char why[LINE_MAX_BYTES];

		if (s->groups[g].code == WIRE_NONE &&
		    snapshot_has_positions(s, g))
			continue;
		if (s->groups[g].code == WIRE_NONE) {
			snprintf(why, sizeof(why),
				 "group %s: nothing is committed, and no "
				 "member has a partition",
				 s->groups[g].name);
			unknown(c, why);
			continue;
		}
		if (s->groups[g].code == WIRE_GROUP_ID_NOT_FOUND &&
		    !snapshot_lacks(s, g))
			continue;
		snprintf(why, sizeof(why), "group %s: %s", s->groups[g].name,
			 s->groups[g].code == WIRE_GROUP_ID_NOT_FOUND
				 ? "does not exist"
				 : client_code_name(s->groups[g].code));
		unknown(c, why);
	}
	for (size_t i = 0; i < s->count; i++)
		judge(c, s, &s->items[i]);
	if (c->k->options.stalled_ms > 0 && c->level != LEVEL_UNKNOWN)
		look_for_moves(c, s);
}

int kgroups_check(void *run)
{
	struct kgroups *k = run;
	struct check c = { .k = k };
	struct snapshot s = { 0 };
	int status = EXIT_GO_ON;

	if (!choices_read(k, &c.choices))
		return LEVEL_UNKNOWN;
	if (wants_times(k))
		times_prepare(k);
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = groups_find(k, &c.names);
	if (status != EXIT_GO_ON)
		unknown(&c, "no group can be asked about");
	else if (c.names.count == 0)
		unknown(&c, "no group matches");
	else
		look(&c, &s);
	status = say(&c, &s);
	snapshot_clear(&s);
	return status;
}
