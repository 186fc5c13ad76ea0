/*
 * consumer_patterns.c - patterns that members subscribe to: which topics they
 * name now
 *
 * A pattern is tried when the first member brings it.  All of a group are
 * tried again when the topics are other ones, but not more often than every
 * ten seconds; what they name is written only when it has changed.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/consumer_turn.h"
#include "kbrokerd/group/regex.h"
#include "wire/error_codes.h"

enum { TRY_AGAIN_MS = 10000 };

const struct slice *consumer_turn_topics(const struct consumer_turn *turn,
					 struct slice pattern,
					 int32_t *count_out)
{
	const struct consumer_pattern *known;

	*count_out = 0;
	if (pattern.len == 0)
		return NULL;
	for (int32_t i = 0; i < turn->resolved_count; i++) {
		if (slice_equal(turn->resolved[i].pattern, pattern)) {
			*count_out = turn->resolved[i].topic_count;
			return turn->resolved[i].topics;
		}
	}
	known = consumer_find_pattern(turn->c, pattern);
	if (known == NULL)
		return NULL;
	*count_out = known->topic_count;
	return known->topics;
}

/* Members that have it, as memory says. */
static uint32_t count_members(const struct consumer_group *c,
			      struct slice pattern)
{
	const struct consumer_subscription *s;
	uint32_t count = 0;

	for (s = c->subscriptions; s != NULL; s = s->hh.next) {
		if (slice_equal(s->pattern, pattern))
			count += s->members;
	}
	return count;
}

/* Will any member but those that leave still have it? */
bool consumer_pattern_stays(const struct consumer_turn *turn,
			    struct slice pattern)
{
	uint32_t leaving = 0;
	const struct consumer_member *member;

	if (turn->has_member) {
		const struct consumer_facts *was =
			consumer_turn_old_facts(turn);

		if (slice_equal(turn->facts.subscription->pattern, pattern))
			return true;
		leaving = was != NULL &&
			  slice_equal(was->subscription->pattern, pattern);
		return count_members(turn->c, pattern) > leaving;
	}
	for (member = turn->c->members; member != NULL;
	     member = member->hh.next)
		leaving += member->is_member && member->is_leaving &&
			   slice_equal(member->facts.subscription->pattern,
				       pattern);
	return count_members(turn->c, pattern) > leaving;
}

void consumer_turn_drop_patterns(struct consumer_turn *turn)
{
	const struct consumer_pattern *pattern;

	for (pattern = turn->c->patterns; pattern != NULL;
	     pattern = pattern->hh.next) {
		if (!consumer_pattern_stays(turn, pattern->text))
			consumer_unwrite_pattern(turn, pattern->text);
	}
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

static int16_t find_topics(struct consumer_turn *turn, struct slice pattern,
			   struct search *search)
{
	const struct group_topics *topics = turn->shard->topics;
	const char *wrong = NULL;
	int64_t count = 0;
	int rc = regex_new(pattern, &turn->arena, &search->regex, &wrong);

	if (rc == -EINVAL)
		return consumer_refuse(
			turn, WIRE_INVALID_REGULAR_EXPRESSION,
			"SubscribedTopicRegex `%.*s` is not a valid regular "
			"expression: %s.",
			(int)pattern.len, (const char *)pattern.data, wrong);
	if (rc != 0)
		return consumer_refuse(turn, group_commit_error(rc),
				       "out of memory");
	topics->each(topics, count_topic, &count);
	regex_allow(search->regex,
		    REGEX_STEPS_MORE + count * REGEX_STEPS_PER_TOPIC);
	topics->each(topics, on_topic, search);
	if (regex_is_exhausted(search->regex))
		return consumer_refuse(
			turn, WIRE_INVALID_REGULAR_EXPRESSION,
			"SubscribedTopicRegex `%.*s` takes more than %lld "
			"steps to try on %lld topics.",
			(int)pattern.len, (const char *)pattern.data,
			(long long)(REGEX_STEPS_MORE +
				    count * REGEX_STEPS_PER_TOPIC),
			(long long)count);
	if (search->failed)
		return consumer_refuse(turn, group_commit_error(-ENOMEM),
				       "out of memory");
	return 0;
}

static bool same_topics(const struct consumer_pattern *known,
			const struct search *search)
{
	if (known == NULL || known->topic_count != search->count)
		return false;
	for (int32_t i = 0; i < search->count; i++) {
		if (!slice_equal(known->topics[i], search->topics[i]))
			return false;
	}
	return true;
}

/* Try one, write it if it names other topics than it did. */
static int16_t resolve(struct consumer_turn *turn, struct slice pattern,
		       bool *changed)
{
	const struct consumer_pattern *known =
		consumer_find_pattern(turn->c, pattern);
	struct search search = { .arena = &turn->arena };
	struct consumer_resolved *out = &turn->resolved[turn->resolved_count];
	int16_t error = find_topics(turn, pattern, &search);

	regex_free(search.regex);
	if (error != 0 || same_topics(known, &search))
		return error;
	if (search.count > 1)
		qsort(search.topics, (size_t)search.count,
		      sizeof(*search.topics), consumer_compare_texts);
	*out = (struct consumer_resolved){
		.pattern = pattern,
		.topics = search.topics,
		.topic_count = search.count,
	};
	turn->resolved_count++;
	consumer_write_pattern(turn, out);
	*changed = true;
	return 0;
}

static bool is_due(const struct consumer_turn *turn)
{
	const struct consumer_group *c = turn->c;

	if (!c->patterns_tried)
		return true;
	return c->patterns_version != turn->shard->topics->version &&
	       turn->shard->now_ms >= c->patterns_ms + TRY_AGAIN_MS;
}

/* One that the member does not bring may have become too slow with more
 * topics: then it names what it named. */
static int16_t try_others(struct consumer_turn *turn, struct slice own,
			  bool *changed)
{
	const struct consumer_pattern *pattern;

	for (pattern = turn->c->patterns; pattern != NULL;
	     pattern = pattern->hh.next) {
		int16_t error;

		if (slice_equal(pattern->text, own) ||
		    !consumer_pattern_stays(turn, pattern->text))
			continue;
		error = resolve(turn, pattern->text, changed);
		if (error != 0 && error != WIRE_INVALID_REGULAR_EXPRESSION)
			return error;
	}
	return 0;
}

int16_t consumer_turn_patterns(struct consumer_turn *turn,
			       bool *topics_changed_out)
{
	struct slice own = turn->facts.subscription->pattern;
	bool is_new =
		own.len > 0 && consumer_find_pattern(turn->c, own) == NULL;
	bool again = turn->c->patterns != NULL && is_due(turn);
	size_t room = (size_t)HASH_COUNT(turn->c->patterns) + 1;
	int16_t error = 0;

	*topics_changed_out = false;
	consumer_turn_drop_patterns(turn);
	if (!is_new && !again)
		return 0;
	turn->resolved =
		arena_calloc(&turn->arena, room, sizeof(*turn->resolved));
	if (turn->resolved == NULL)
		return consumer_refuse(turn, group_commit_error(-ENOMEM),
				       "out of memory");
	if (own.len > 0)
		error = resolve(turn, own, topics_changed_out);
	if (error == 0 && again)
		error = try_others(turn, own, topics_changed_out);
	turn->patterns_seen = again || turn->c->patterns == NULL;
	return error;
}
