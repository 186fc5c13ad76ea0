/*
 * consumer_patterns.c - patterns that members subscribe to: which topics they
 * name now
 *
 * A pattern is tried when the first member brings it.  All of a group are due
 * to be tried again when the topics are other ones, but not more often than
 * every ten seconds, and at the latest after
 * group.consumer.regex.refresh.interval.ms; what they name is written only when
 * it has changed.
 *
 * Clients make patterns up, and the shard is locked while they are tried: all
 * of a turn have the steps of one, who is left is tried by a later heartbeat,
 * and between two such there is time for other groups.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/consumer_turn.h"
#include "kbrokerd/group/regex.h"
#include "wire/error_codes.h"

enum { TRY_AGAIN_MS = 10000, PAUSE_MS = 500 };

static const struct slice *topics_of(const struct consumer_resolved *resolved,
				     int32_t *count_out)
{
	*count_out = resolved->topic_count;
	return resolved->topics;
}

const struct slice *consumer_turn_topics(const struct consumer_turn *turn,
					 const struct consumer_subscription *s,
					 int32_t *count_out)
{
	const struct consumer_pattern *known = s->known;
	const struct consumer_resolved *r = turn->resolved;

	*count_out = 0;
	if (s->pattern.len == 0)
		return NULL;
	if (known == NULL)
		known = consumer_find_pattern(turn->c, s->pattern);
	if (known != NULL && known->news != NULL)
		return topics_of(known->news, count_out);
	if (known != NULL) {
		*count_out = known->topic_count;
		return known->topics;
	}
	/* The member's own, that nobody else has: only that is not known. */
	while (r != NULL && r->known != NULL)
		r = r->next;
	return r == NULL ? NULL : topics_of(r, count_out);
}

void consumer_turn_forget_patterns(struct consumer_turn *turn)
{
	for (; turn->resolved != NULL; turn->resolved = turn->resolved->next) {
		if (turn->resolved->known != NULL)
			turn->resolved->known->news = NULL;
	}
}

/* What the turn's member had and has no longer, or NULL. */
static const struct consumer_pattern *given_up(const struct consumer_turn *turn)
{
	const struct consumer_facts *was = consumer_turn_old_facts(turn);

	if (was == NULL || was->subscription == turn->facts.subscription ||
	    slice_equal(was->subscription->pattern,
			turn->facts.subscription->pattern))
		return NULL;
	return was->subscription->known;
}

static void drop_of_leavers(struct consumer_turn *turn)
{
	struct consumer_member *m;
	struct consumer_pattern *pattern;

	for (m = turn->c->members; m != NULL; m = m->hh.next) {
		pattern = m->is_member && m->is_leaving
				  ? m->facts.subscription->known
				  : NULL;
		if (pattern == NULL)
			continue;
		if (++pattern->leaving == pattern->members &&
		    pattern->is_resolved)
			consumer_unwrite_pattern(turn, pattern->text);
	}
	for (pattern = turn->c->patterns; pattern != NULL;
	     pattern = pattern->hh.next)
		pattern->leaving = 0;
}

void consumer_turn_drop_patterns(struct consumer_turn *turn)
{
	const struct consumer_pattern *pattern;

	if (turn->c->patterns == NULL)
		return;
	if (!turn->has_member) {
		drop_of_leavers(turn);
		return;
	}
	pattern = given_up(turn);
	if (pattern != NULL && pattern->members == 1 && pattern->is_resolved)
		consumer_unwrite_pattern(turn, pattern->text);
}

/* Topics that match, growing in the arena. */
struct search {
	struct arena *arena;
	struct regex *regex;
	struct slice *topics;
	int32_t count, room;
	bool failed;
};

static void on_topic(void *arg, const struct group_topic *topic)
{
	struct search *search = arg;

	if (search->failed || !regex_matches(search->regex, topic->name))
		return;
	if (search->count == search->room) {
		int32_t room = search->room == 0 ? 16 : 2 * search->room;
		struct slice *topics = arena_alloc(
			search->arena, (size_t)room * sizeof(*topics));

		if (topics == NULL) {
			search->failed = true;
			return;
		}
		if (search->count > 0)
			memcpy(topics, search->topics,
			       (size_t)search->count * sizeof(*topics));
		search->topics = topics;
		search->room = room;
	}
	search->topics[search->count++] = topic->name;
}

static void count_topic(void *arg, const struct group_topic *topic)
{
	int64_t *count = arg;

	(void)topic;
	(*count)++;
}

static void set_allowance(struct consumer_turn *turn)
{
	const struct group_topics *topics = turn->shard->topics;
	int64_t count = 0;

	topics->each(topics, count_topic, &count);
	turn->steps_max = REGEX_STEPS_MORE + count * REGEX_STEPS_PER_TOPIC;
	turn->steps = turn->steps_max;
}

static int16_t too_slow(struct consumer_turn *turn, struct slice pattern)
{
	return consumer_refuse(turn, WIRE_INVALID_REGULAR_EXPRESSION,
			       "SubscribedTopicRegex `%.*s` takes more than "
			       "%lld steps to try on all topics.",
			       (int)pattern.len, (const char *)pattern.data,
			       (long long)turn->steps_max);
}

/* With the steps that are left; is_late: they were not all, and not enough. */
static int16_t find_topics(struct consumer_turn *turn, struct slice pattern,
			   struct search *search, bool *is_late)
{
	const struct group_topics *topics = turn->shard->topics;
	const char *wrong = NULL;
	int64_t before = turn->steps;
	int rc = regex_new(pattern, &turn->arena, &search->regex, &wrong);

	*is_late = false;
	if (rc == -EINVAL)
		return consumer_refuse(
			turn, WIRE_INVALID_REGULAR_EXPRESSION,
			"SubscribedTopicRegex `%.*s` is not a valid regular "
			"expression: %s.",
			(int)pattern.len, (const char *)pattern.data, wrong);
	if (rc != 0)
		return consumer_refuse(turn, group_commit_error(rc),
				       "out of memory");
	regex_allow(search->regex, before);
	topics->each(topics, on_topic, search);
	turn->steps = regex_steps_left(search->regex) -
		      REGEX_STEPS_TO_MAKE * (int64_t)(pattern.len + 1000);
	turn->shard->counters.regex_steps += before - turn->steps;
	if (regex_is_exhausted(search->regex)) {
		*is_late = before < turn->steps_max;
		if (*is_late)
			return 0;
		return too_slow(turn, pattern);
	}
	if (search->failed)
		return consumer_refuse(turn, group_commit_error(-ENOMEM),
				       "out of memory");
	return 0;
}

static bool same_topics(const struct consumer_pattern *known,
			const struct search *search)
{
	if (known == NULL || !known->is_resolved ||
	    known->topic_count != search->count)
		return false;
	for (int32_t i = 0; i < search->count; i++) {
		if (!slice_equal(known->topics[i], search->topics[i]))
			return false;
	}
	return true;
}

/* It names other topics than it did. */
static int16_t put_news(struct consumer_turn *turn, struct slice pattern,
			struct consumer_pattern *known,
			const struct search *search)
{
	struct consumer_resolved *news =
		arena_alloc(&turn->arena, sizeof(*news));

	if (news == NULL)
		return consumer_refuse(turn, group_commit_error(-ENOMEM),
				       "out of memory");
	if (search->count > 1)
		qsort(search->topics, (size_t)search->count,
		      sizeof(*search->topics), consumer_compare_texts);
	*news = (struct consumer_resolved){
		.pattern = pattern,
		.topics = search->topics,
		.topic_count = search->count,
		.known = known,
		.next = turn->resolved,
	};
	turn->resolved = news;
	if (known != NULL)
		known->news = news;
	consumer_write_pattern(turn, news);
	return 0;
}

/* Try one, write it if it names other topics than it did. */
static int16_t resolve(struct consumer_turn *turn, struct slice pattern,
		       bool *changed, bool *is_late)
{
	struct consumer_pattern *known =
		consumer_find_pattern(turn->c, pattern);
	struct search search = { .arena = &turn->arena };
	int16_t error = find_topics(turn, pattern, &search, is_late);

	regex_free(search.regex);
	if (error != 0 || *is_late || same_topics(known, &search))
		return error;
	*changed = true;
	return put_news(turn, pattern, known, &search);
}

/* The topics are other ones since, or were not looked at for long. */
static bool all_are_due(const struct consumer_turn *turn)
{
	const struct consumer_group *c = turn->c;
	const struct group_shard *shard = turn->shard;
	int64_t age_ms = shard->now_ms - c->patterns_ms;

	return !c->patterns_tried ||
	       (c->patterns_version != shard->topics->version &&
		age_ms >= TRY_AGAIN_MS) ||
	       age_ms >= shard->settings->regex_refresh_ms;
}

static void set_all_due(struct consumer_turn *turn)
{
	struct consumer_group *c = turn->c;
	struct consumer_pattern *pattern;

	for (pattern = c->patterns; pattern != NULL; pattern = pattern->hh.next)
		consumer_set_due(c, pattern, true);
	c->patterns_tried = true;
	c->patterns_version = turn->shard->topics->version;
	c->patterns_ms = turn->shard->now_ms;
	turn->patterns_tried = true;
}

/* Will a member have it? */
static bool stays(const struct consumer_turn *turn,
		  const struct consumer_pattern *pattern)
{
	return slice_equal(turn->facts.subscription->pattern, pattern->text) ||
	       pattern->members > (given_up(turn) == pattern ? 1 : 0);
}

static int16_t try_one(struct consumer_turn *turn,
		       const struct consumer_pattern *pattern, bool *changed,
		       bool *is_late)
{
	if (stays(turn, pattern) && pattern->news == NULL)
		return resolve(turn, pattern->text, changed, is_late);
	/* Of a log that was cut: nobody has it. */
	if (pattern->members == 0)
		consumer_unwrite_pattern(turn, pattern->text);
	return 0;
}

/* One that the member does not bring may have become too slow with more
 * topics: then it names what it named. */
static int16_t try_due(struct consumer_turn *turn, bool *changed)
{
	struct consumer_group *c = turn->c;
	struct consumer_pattern *pattern;
	bool is_late = false;

	c->next_patterns_ms = turn->shard->now_ms + PAUSE_MS;
	while (turn->steps > 0 &&
	       (pattern = TAILQ_FIRST(&c->due_patterns)) != NULL) {
		int16_t error = try_one(turn, pattern, changed, &is_late);

		if (is_late)
			return 0;
		if (error != 0 && error != WIRE_INVALID_REGULAR_EXPRESSION)
			return error;
		consumer_set_due(c, pattern, false);
		turn->patterns_tried = true;
	}
	return 0;
}

/* Has the member brought one that nobody has resolved? */
static bool brings_new(const struct consumer_turn *turn)
{
	const struct consumer_facts *was = consumer_turn_old_facts(turn);
	struct slice own = turn->facts.subscription->pattern;
	const struct consumer_pattern *known;

	if (own.len == 0 ||
	    (was != NULL && was->subscription == turn->facts.subscription))
		return false;
	known = consumer_find_pattern(turn->c, own);
	return known == NULL || !known->is_resolved;
}

int16_t consumer_turn_patterns(struct consumer_turn *turn,
			       bool *topics_changed_out)
{
	struct consumer_group *c = turn->c;
	bool is_new = brings_new(turn);
	int16_t error = 0;
	bool is_late;

	*topics_changed_out = false;
	if (!is_new && c->patterns == NULL)
		return 0;
	consumer_turn_drop_patterns(turn);
	if (all_are_due(turn))
		set_all_due(turn);
	if (!is_new && (TAILQ_EMPTY(&c->due_patterns) ||
			turn->shard->now_ms < c->next_patterns_ms))
		return 0;
	set_allowance(turn);
	if (is_new)
		error = resolve(turn, turn->facts.subscription->pattern,
				topics_changed_out, &is_late);
	if (error == 0 && turn->shard->now_ms >= c->next_patterns_ms)
		error = try_due(turn, topics_changed_out);
	return error;
}
