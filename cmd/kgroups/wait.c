/*
 * wait.c - kgroups wait
 *
 * A barrier for scripts: looks until all that was asked for holds at one
 * moment.  A group that is not there yet may still come, so that is no error
 * before the time is over.
 */
#include <stdio.h>

#include "base/units.h"
#include "cli/signals.h"
#include "kgroups/snapshot.h"
#include "wire/errors.h"

enum { POLL_MS = 250 };

struct waiting {
	struct kgroups *k;
	struct group_list names;
	struct topic_choices choices;
	struct client_error error; /* of the last look, or none */
	char why[400];             /* what does not hold */
};

static bool lag_holds(struct waiting *w, const struct snapshot *s, size_t g)
{
	int64_t most = w->k->options.lag;

	if (most < 0)
		return true;
	if (snapshot_lacks(s, g)) {
		snprintf(w->why, sizeof(w->why), "group '%.200s' is not there",
			 s->groups[g].name);
		return false;
	}
	if (!snapshot_has_positions(s, g)) {
		snprintf(w->why, sizeof(w->why),
			 "group '%.200s' has committed nothing",
			 s->groups[g].name);
		return false;
	}
	for (size_t i = 0; i < s->count; i++) {
		const struct position *p = &s->items[i];
		int64_t lag = position_lag(p);

		/* Of a topic that is gone nothing waits. */
		if (p->group != g || p->code == WIRE_UNKNOWN_TOPIC_OR_PARTITION)
			continue;
		if (lag >= 0 && lag <= most)
			continue;
		if (lag < 0)
			snprintf(w->why, sizeof(w->why), "%.200s[%d]: %s",
				 p->topic, p->partition,
				 client_code_name(p->code));
		else
			snprintf(w->why, sizeof(w->why),
				 "%.100s/%.150s[%d] lags by %lld records, not "
				 "%lld",
				 s->groups[g].name, p->topic, p->partition,
				 (long long)lag, (long long)most);
		return false;
	}
	return true;
}

static bool state_holds(struct waiting *w, const struct admin_group_info *info)
{
	const char *wanted = w->k->options.state;

	if (wanted == NULL || groups_word_in(info->state, wanted))
		return true;
	snprintf(w->why, sizeof(w->why), "group '%.150s' is %s, not %.60s",
		 info->name, info->state, wanted);
	return false;
}

static bool members_hold(struct waiting *w, const struct admin_group_info *info)
{
	int64_t wanted = w->k->options.members;
	int64_t count = (int64_t)info->member_count;

	if (wanted < 0 || (wanted == 0 ? count == 0 : count >= wanted))
		return true;
	snprintf(w->why, sizeof(w->why),
		 "group '%.200s' has %lld members, not %lld", info->name,
		 (long long)count, (long long)wanted);
	return false;
}

static bool holds(struct waiting *w, const struct snapshot *s)
{
	for (size_t g = 0; g < s->group_count; g++) {
		const struct admin_group_info *info = &s->groups[g];

		if (info->code != WIRE_NONE &&
		    info->code != WIRE_GROUP_ID_NOT_FOUND) {
			client_error_from_code(&w->error, info->code,
					       info->name, NULL);
			return false;
		}
		if (!state_holds(w, info) || !members_hold(w, info) ||
		    !lag_holds(w, s, g))
			return false;
	}
	return true;
}

/* EXIT_OK, EXIT_GO_ON: not yet, or a status for what waiting cannot mend. */
static int look(struct waiting *w)
{
	struct kgroups *k = w->k;
	unsigned flags = k->options.lag < 0 ? SNAPSHOT_NO_ENDS : 0;
	struct snapshot s;
	bool held = false;

	client_error_clear(&w->error);
	w->why[0] = '\0';
	if (snapshot_take(k, &w->names, &w->choices, flags, &s, &w->error) == 0)
		held = holds(w, &s);
	snapshot_clear(&s);
	if (held)
		return EXIT_OK;
	if (w->error.kind == CLIENT_OK || w->error.kind == CLIENT_UNREACHABLE)
		return EXIT_GO_ON;
	run_fail(&k->run, &w->error);
	return k->run.status;
}

static int wait_for_it(struct waiting *w)
{
	struct kgroups *k = w->k;
	int64_t timeout_ms = k->run.options->common.timeout_ms;
	int64_t end_ms = loop_now_ms(k->run.loop) + timeout_ms;
	char span[UNITS_TEXT_MAX];

	for (;;) {
		int status = look(w);
		int64_t left = end_ms - loop_now_ms(k->run.loop);

		if (status != EXIT_GO_ON)
			return status;
		if (timeout_ms > 0 && left <= 0) {
			format_duration(timeout_ms, span);
			return message_fail(&k->run.messages, EXIT_UNREACHABLE,
					    "%s, after %s (--timeout)",
					    w->error.kind == CLIENT_OK
						    ? w->why
						    : w->error.text,
					    span);
		}
		run_sleep(&k->run,
			  timeout_ms > 0 && left < POLL_MS ? left : POLL_MS);
	}
}

int kgroups_wait(void *run)
{
	struct kgroups *k = run;
	const struct common_options *common = &k->run.options->common;
	struct waiting w = { .k = k };
	int status;

	if (k->options.lag < 0 && k->options.state == NULL &&
	    k->options.members < 0)
		return message_usage(&k->run.messages,
				     "wait for what? --lag N, --state STATE or "
				     "--members N");
	if (!choices_read(k, &w.choices))
		return EXIT_USAGE;
	/* We look at the clock ourselves, and say what did not hold. */
	if (common->timeout_ms > 0)
		signals_timeout(k->run.messages.tool,
				common->timeout_ms +
					2 * common->step_timeout_ms,
				common->timeout_ms);
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = groups_find(k, &w.names);
	if (status == EXIT_GO_ON && k->run.status != EXIT_OK)
		status = k->run.status;
	return status == EXIT_GO_ON ? wait_for_it(&w) : status;
}
