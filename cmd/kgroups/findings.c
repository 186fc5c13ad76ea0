/*
 * findings.c - why a group lags, from what was seen of it
 *
 * Each rule looks at the evidence alone and adds what it finds.  Rules speak
 * of a partition only once: what is stuck is not also slow.
 */
#include "kgroups/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "kgroups/figures.h"
#include "wire/errors.h"

/* Most clients commit every five seconds: younger records are on their way. */
enum { COMMIT_MS = 5000 };

enum { HOT_MIN_PARTITIONS = 2, RULES_PER_PARTITION = 6, RULES_OF_GROUP = 6 };

/* A partition with this share of all that is written is hot. */
static const double hot_share = 0.5;
/* Records that have waited for this part of their life are in danger. */
static const double old_share = 0.8;

struct maker {
	const struct evidence *e;
	struct arena *arena;
	struct findings *out;
	size_t capacity;
	bool failed;
};

/* One partition in both snapshots. */
struct pair {
	const struct position *before; /* or NULL */
	const struct position *after;
	int64_t lag;
	double read; /* records a second; below 0: not known */
	double written;
	bool is_stuck; /* data waits, nothing is committed */
	bool told;     /* by a rule */
};

const char *finding_severity_name(enum finding_severity severity)
{
	static const char *const names[] = {
		[FINDING_CRITICAL] = "critical",
		[FINDING_WARNING] = "warning",
		[FINDING_INFO] = "info",
	};

	return names[severity];
}

static const struct admin_group_info *info_of(const struct maker *m)
{
	return &m->e->after->groups[m->e->group];
}

static int64_t elapsed_us(const struct maker *m)
{
	return m->e->after->at_us - m->e->before->at_us;
}

__attribute__((format(printf, 6, 7))) static void add(
	struct maker *m, enum finding_severity severity, const char *kind,
	const struct position *p, double weight, const char *format, ...)
{
	struct finding *f;
	va_list args;
	char *text;
	int len;

	if (m->out->count == m->capacity)
		return;
	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0) {
		m->failed = true;
		return;
	}
	f = &m->out->items[m->out->count++];
	*f = (struct finding){
		.severity = severity,
		.kind = kind,
		.topic = p == NULL ? NULL : p->topic,
		.partition = p == NULL ? -1 : p->partition,
		.weight = weight,
		.text = arena_printf(m->arena, "%s", text),
	};
	m->failed = m->failed || f->text == NULL;
	free(text);
}

/* "member app-1-2f... of client app-1 at 10.0.0.1" */
static const char *member_text(struct maker *m, const struct admin_member *who)
{
	const char *text = arena_printf(m->arena, "client %s at %s",
					who->client_id, who->host);

	m->failed = m->failed || text == NULL;
	return text == NULL ? "" : text;
}

static const char *age_text(struct maker *m, int64_t ms)
{
	char text[UNITS_TEXT_MAX];
	const char *copy;

	format_duration(ms, text);
	copy = arena_printf(m->arena, "%s", text);
	m->failed = m->failed || copy == NULL;
	return copy == NULL ? "" : copy;
}

/* Pairs */

static void make_pair(const struct maker *m, const struct position *after,
		      struct pair *pair)
{
	const struct position *before = snapshot_find(
		m->e->before, m->e->group, after->topic, after->partition);

	*pair = (struct pair){
		.before = before,
		.after = after,
		.lag = position_lag(after),
		.read = -1,
		.written = -1,
	};
	if (before == NULL)
		return;
	pair->read = figures_rate(before->committed, after->committed,
				  elapsed_us(m));
	pair->written = figures_rate(before->end, after->end, elapsed_us(m));
	/* Records that came only now may still be on their way. */
	pair->is_stuck = position_lag(before) > 0 && pair->lag > 0 &&
			 before->committed == after->committed;
}

/* Rules of a partition */

static void find_lost(struct maker *m, struct pair *p)
{
	int64_t lost = figures_lost(p->after->committed, p->after->start);

	if (lost == 0)
		return;
	add(m, FINDING_CRITICAL, "lost", p->after, (double)lost,
	    "%s[%d]: %lld records are gone unread: retention deleted them, the "
	    "start is %lld and %lld is committed; the next read begins where "
	    "auto.offset.reset says",
	    p->after->topic, p->after->partition, (long long)lost,
	    (long long)p->after->start, (long long)p->after->committed);
}

static void find_missing_topic(struct maker *m, struct pair *p)
{
	if (p->after->code == WIRE_NONE)
		return;
	p->told = true;
	add(m, FINDING_INFO, "unknown", p->after, 0,
	    "%s[%d]: cannot be looked at: %s%s", p->after->topic,
	    p->after->partition, client_code_name(p->after->code),
	    p->after->code == WIRE_UNKNOWN_TOPIC_OR_PARTITION
		    ? "; the topic is gone, kgroups forget drops its offsets"
		    : "");
}

static void find_unassigned(struct maker *m, struct pair *p)
{
	if (p->told || p->after->member != NULL || p->lag <= 0 ||
	    info_of(m)->member_count == 0)
		return;
	p->told = true;
	add(m, FINDING_CRITICAL, "unassigned", p->after, (double)p->lag,
	    "%s[%d]: no member has it and %lld records wait: does the group "
	    "still subscribe to the topic?",
	    p->after->topic, p->after->partition, (long long)p->lag);
}

/* Does the member commit anything for its other partitions? */
static bool member_moves(const struct pair *pairs, size_t count,
			 const struct admin_member *member)
{
	for (size_t i = 0; i < count; i++) {
		if (pairs[i].after->member == member && pairs[i].read > 0)
			return true;
	}
	return false;
}

static void find_stuck(struct maker *m, struct pair *p, const struct pair *all,
		       size_t count)
{
	const struct admin_member *who = p->after->member;
	const char *waited = age_text(m, elapsed_us(m) / 1000);

	if (p->told || !p->is_stuck || who == NULL)
		return;
	p->told = true;
	if (member_moves(all, count, who))
		add(m, FINDING_CRITICAL, "stuck", p->after, (double)p->lag,
		    "%s[%d]: stuck at %lld: nothing committed for %s while "
		    "%lld "
		    "records wait, though %s commits its other partitions: a "
		    "record it cannot read (kgroups peek, kgroups skip), or "
		    "this partition is paused",
		    p->after->topic, p->after->partition,
		    (long long)p->after->committed, waited, (long long)p->lag,
		    member_text(m, who));
	else
		add(m, FINDING_CRITICAL, "stuck", p->after, (double)p->lag,
		    "%s[%d]: %s sends heartbeats but has committed nothing for "
		    "%s while %lld records wait at %lld: it is paused, hangs, "
		    "or does not commit",
		    p->after->topic, p->after->partition, member_text(m, who),
		    waited, (long long)p->lag,
		    (long long)figures_next(p->after->committed,
					    p->after->start));
}

static int64_t retention_of(const struct maker *m, const char *topic)
{
	for (size_t i = 0; i < m->e->rule_count; i++) {
		if (strcmp(m->e->rules[i].topic, topic) == 0)
			return m->e->rules[i].retention_ms;
	}
	return -1;
}

static void find_expiring(struct maker *m, struct pair *p)
{
	int64_t retention_ms = retention_of(m, p->after->topic);
	int64_t age_ms = figures_time_lag(p->lag, p->after->record_ms,
					  m->e->after->at_ms);
	const char *left;

	if (p->lag <= 0 || retention_ms < 0 || age_ms < 0 ||
	    (double)age_ms < old_share * (double)retention_ms)
		return;
	left = age_ms >= retention_ms ? "any moment"
				      : age_text(m, retention_ms - age_ms);
	add(m, FINDING_CRITICAL, "expiring", p->after, (double)p->lag,
	    "%s[%d]: the record at %lld has waited %s of the %s that "
	    "retention.ms leaves it: it is deleted unread %s%s",
	    p->after->topic, p->after->partition,
	    (long long)figures_next(p->after->committed, p->after->start),
	    age_text(m, age_ms), age_text(m, retention_ms),
	    age_ms >= retention_ms ? "" : "in ", left);
}

static void find_slow(struct maker *m, struct pair *p)
{
	int64_t age_ms = figures_time_lag(p->lag, p->after->record_ms,
					  m->e->after->at_ms);

	if (age_ms >= 0 && age_ms < COMMIT_MS)
		return;
	if (p->told || p->lag <= 0 || p->read < 0 || p->written <= p->read)
		return;
	p->told = true;
	add(m, FINDING_WARNING, "slow", p->after, p->written - p->read,
	    "%s[%d]: %.0f records a second are written and %.0f read: the lag "
	    "of %lld grows by %.0f a second",
	    p->after->topic, p->after->partition, p->written, p->read,
	    (long long)p->lag, p->written - p->read);
}

static void find_catching_up(struct maker *m, struct pair *p)
{
	int64_t eta_ms = figures_eta_ms(p->lag, p->read, p->written);

	if (p->told || p->lag <= 0 || eta_ms < 0)
		return;
	p->told = true;
	add(m, FINDING_INFO, "catching-up", p->after, (double)p->lag,
	    "%s[%d]: catches up: %lld records wait, %.0f a second are read and "
	    "%.0f written; done in %s",
	    p->after->topic, p->after->partition, (long long)p->lag, p->read,
	    p->written, age_text(m, eta_ms));
}

/* Rules of the group */

static void find_empty(struct maker *m, struct pair *pairs, size_t count)
{
	int64_t waiting = 0;
	size_t partitions = 0;

	if (info_of(m)->member_count > 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (pairs[i].lag <= 0 || pairs[i].read > 0)
			continue;
		/* Somebody outside of the group may commit for it. */
		pairs[i].told = true;
		waiting += pairs[i].lag;
		partitions++;
	}
	if (partitions > 0)
		add(m, FINDING_CRITICAL, "empty", NULL, 1e18,
		    "the group has no members: nobody reads, and %lld records "
		    "wait in %zu partitions; the consumers are down, or left",
		    (long long)waiting, partitions);
}

static bool is_settled(const char *state)
{
	return strcasecmp(state, "stable") == 0 ||
	       strcasecmp(state, "empty") == 0 ||
	       strcasecmp(state, "dead") == 0;
}

static void find_churn(struct maker *m)
{
	const struct admin_group_info *info = info_of(m);
	const char *span = age_text(m, elapsed_us(m) / 1000);

	if (m->e->changes >= 2)
		add(m, FINDING_CRITICAL, "churn", NULL, 1e17,
		    "the group rebalances again and again: %d changes of "
		    "members or generation in %s; look for members that exceed "
		    "max.poll.interval.ms or restart",
		    m->e->changes, span);
	else if (!is_settled(info->state))
		add(m, FINDING_WARNING, "rebalancing", NULL, 1e17,
		    "the group rebalances now (%s): its members read nothing, "
		    "or less, until that is over",
		    info->state);
	else if (m->e->changes == 1)
		add(m, FINDING_INFO, "rebalanced", NULL, 1e17,
		    "the group rebalanced once in these %s", span);
}

static void find_idle_members(struct maker *m, size_t partitions)
{
	const struct admin_group_info *info = info_of(m);
	size_t idle = 0;
	const struct admin_member *who = NULL;

	for (size_t i = 0; i < info->member_count; i++) {
		int32_t have = 0;

		for (int32_t t = 0; t < info->members[i].assigned_count; t++)
			have += info->members[i].assigned[t].count;
		if (have > 0)
			continue;
		idle++;
		who = &info->members[i];
	}
	if (idle == 0 || idle == info->member_count)
		return;
	add(m, FINDING_INFO, "idle", NULL, (double)idle,
	    "%zu of %zu members have no partition (%s): there are %zu "
	    "partitions, more members do not help",
	    idle, info->member_count, member_text(m, who), partitions);
}

static void find_hot(struct maker *m, const struct pair *pairs, size_t count)
{
	const struct pair *hot = NULL;
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		if (pairs[i].written <= 0)
			continue;
		sum += pairs[i].written;
		if (hot == NULL || pairs[i].written > hot->written)
			hot = &pairs[i];
	}
	/* With two partitions half is fair. */
	if (hot == NULL || count < HOT_MIN_PARTITIONS || hot->lag <= 0 ||
	    hot->written <= hot_share * sum ||
	    hot->written * (double)count < 1.5 * sum)
		return;
	add(m, FINDING_WARNING, "hot", hot->after, hot->written,
	    "%s[%d]: hot: takes %.0f %% of all that is written (%.0f of %.0f "
	    "records a second): more members do not help, other keys or a "
	    "partitioner may",
	    hot->after->topic, hot->after->partition, 100 * hot->written / sum,
	    hot->written, sum);
}

static void find_nothing(struct maker *m, const struct pair *pairs,
			 size_t count)
{
	int64_t waiting = 0;

	for (size_t i = 0; i < count; i++)
		waiting += pairs[i].lag > 0 ? pairs[i].lag : 0;
	if (m->out->count > 0)
		return;
	if (count == 0)
		add(m, FINDING_INFO, "nothing", NULL, 0,
		    "the group has committed nothing, and no member has a "
		    "partition");
	else if (waiting == 0)
		add(m, FINDING_INFO, "fine", NULL, 0,
		    "the group does not lag: nothing waits in %zu partitions",
		    count);
	else
		add(m, FINDING_INFO, "fine", NULL, 0,
		    "%lld records wait, no more than what has just been "
		    "written",
		    (long long)waiting);
}

/* All of it */

static int by_severity(const void *a, const void *b)
{
	const struct finding *x = a;
	const struct finding *y = b;

	if (x->severity != y->severity)
		return x->severity < y->severity ? -1 : 1;
	return (x->weight < y->weight) - (x->weight > y->weight);
}

static void look_at_all(struct maker *m, struct pair *pairs, size_t count)
{
	find_empty(m, pairs, count);
	find_churn(m);
	for (size_t i = 0; i < count; i++) {
		find_lost(m, &pairs[i]);
		find_missing_topic(m, &pairs[i]);
		find_expiring(m, &pairs[i]);
		find_unassigned(m, &pairs[i]);
		find_stuck(m, &pairs[i], pairs, count);
		find_slow(m, &pairs[i]);
		find_catching_up(m, &pairs[i]);
	}
	find_hot(m, pairs, count);
	find_idle_members(m, count);
	find_nothing(m, pairs, count);
}

int findings_make(const struct evidence *evidence, struct arena *arena,
		  struct findings *out)
{
	const struct snapshot *s = evidence->after;
	struct maker m = { .e = evidence, .arena = arena, .out = out };
	struct pair *pairs = arena_calloc(arena, s->count + 1, sizeof(*pairs));
	size_t count = 0;

	m.capacity = s->count * RULES_PER_PARTITION + RULES_OF_GROUP;
	*out = (struct findings){
		.items = arena_calloc(arena, m.capacity, sizeof(*out->items)),
	};
	if (pairs == NULL || out->items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].group == evidence->group)
			make_pair(&m, &s->items[i], &pairs[count++]);
	}
	look_at_all(&m, pairs, count);
	qsort(out->items, out->count, sizeof(*out->items), by_severity);
	return m.failed ? -ENOMEM : 0;
}
