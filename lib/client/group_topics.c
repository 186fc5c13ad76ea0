/*
 * group_topics.c - what a group member subscribes to
 *
 * Patterns are matched by the coordinator in the consumer protocol and by the
 * member itself in the classic one, which for that looks at the names of all
 * topics every metadata.max.age.ms.  They mean the same in both: coordinators
 * match a whole name, so that what is sent ends with ".*".
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/group_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* A pattern that goes astray costs this much for a name, not for ever. */
enum { MATCH_STEPS_MAX = 100000, METADATA_MIN = 1 };

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The code, or NULL with *error told in the words of who typed pattern. */
static pcre2_code *compile(const char *regex, const char *pattern,
			   struct client_error *error)
{
	int code;
	PCRE2_SIZE at;
	PCRE2_UCHAR text[128];
	pcre2_code *compiled = pcre2_compile(
		(PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
		PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &at, NULL);

	if (compiled == NULL) {
		pcre2_get_error_message(code, text, sizeof(text));
		client_error_set(error, CLIENT_USAGE, -EINVAL,
				 "topic pattern '%s': %s", pattern, text);
	}
	return compiled;
}

static int join_patterns(struct group_topics *t,
			 const struct group_subscription *s,
			 struct client_error *error)
{
	struct buffer text = { 0 };

	if (s->pattern_count == 0)
		return 0;
	buffer_put_text(&text, "(?:");
	for (size_t i = 0; i < s->pattern_count; i++) {
		pcre2_code *alone =
			compile(s->patterns[i], s->patterns[i], error);

		pcre2_code_free(alone);
		if (alone == NULL) {
			buffer_clear(&text);
			return -EINVAL;
		}
		buffer_printf(&text, "%s%s", i == 0 ? "" : "|", s->patterns[i]);
	}
	buffer_put_text(&text, ").*");
	buffer_put_u8(&text, 0);
	if (text.failed)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	t->regex = (char *)text.data;
	t->code = compile(t->regex, s->patterns[s->pattern_count - 1], error);
	return t->code == NULL ? -EINVAL : 0;
}

static void free_all(struct group_topics *t)
{
	for (size_t i = 0; i < t->all_count; i++)
		free(t->all[i]);
	free(t->all);
	t->all = NULL;
	t->all_count = 0;
}

/* Sort, and free what is there twice. */
static size_t sort_unique(char **names, size_t count)
{
	size_t kept = 0;

	if (count > 0)
		qsort(names, count, sizeof(*names), compare_texts);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && strcmp(names[kept - 1], names[i]) == 0)
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	return kept;
}

int group_topics_init(struct group_topics *t,
		      const struct group_subscription *subscription,
		      struct client_error *error)
{
	size_t count = subscription->topic_count;

	t->due_ms = INT64_MAX;
	if (count == 0 && subscription->pattern_count == 0)
		return client_error_set(error, CLIENT_USAGE, -EINVAL,
					"no topic to subscribe to");
	if (count > GROUP_TOPICS_MAX)
		return client_error_set(error, CLIENT_USAGE, -EINVAL,
					"%zu topics: a member subscribes to "
					"%d at most",
					count, GROUP_TOPICS_MAX);
	t->names = calloc(count + 1, sizeof(*t->names));
	while (t->names != NULL && t->name_count < count) {
		char *name = strdup(subscription->topics[t->name_count]);

		if (name == NULL)
			break;
		t->names[t->name_count++] = name;
	}
	if (t->name_count < count || t->names == NULL)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	t->name_count = sort_unique(t->names, t->name_count);
	return join_patterns(t, subscription, error);
}

void group_topics_clear(struct group_topics *t)
{
	client_request_free(t->request);
	free_all(t);
	for (size_t i = 0; i < t->name_count; i++)
		free(t->names[i]);
	free(t->names);
	free(t->regex);
	pcre2_code_free(t->code);
	*t = (struct group_topics){ 0 };
}

static bool matches(const struct group_topics *t, struct slice name,
		    pcre2_match_data *data, pcre2_match_context *context)
{
	return pcre2_match(t->code, name.data, name.len, 0, 0, data, context) >=
	       0;
}

/* names and what matches of the answer's: NULL when out of memory. */
static char **match_all(const struct group_topics *t,
			const struct metadata_response *answer,
			size_t *count_out)
{
	size_t most = t->name_count;
	pcre2_match_data *data = NULL;
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	size_t count = 0;
	char **all;

	if (answer != NULL)
		most += (size_t)answer->topics_count;
	all = calloc(most + 1, sizeof(*all));
	if (t->code != NULL)
		data = pcre2_match_data_create_from_pattern(t->code, NULL);
	if (context != NULL)
		pcre2_set_match_limit(context, MATCH_STEPS_MAX);
	for (size_t i = 0; all != NULL && i < t->name_count; i++)
		all[count++] = strdup(t->names[i]);
	for (int32_t i = 0; all != NULL && answer != NULL && data != NULL &&
			    i < answer->topics_count;
	     i++) {
		const struct metadata_response_topics *topic =
			&answer->topics[i];

		if (topic->is_internal || topic->error_code != WIRE_NONE ||
		    !matches(t, topic->name, data, context))
			continue;
		all[count++] = strndup((const char *)topic->name.data,
				       topic->name.len);
	}
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	*count_out = count;
	return all;
}

static bool is_same(const struct group_topics *t, char **all, size_t count)
{
	if (t->all == NULL || t->all_count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(t->all[i], all[i]) != 0)
			return false;
	}
	return true;
}

/* What is subscribed is known, or known anew. */
static void resolve(struct group_member *m,
		    const struct metadata_response *answer)
{
	struct group_topics *t = &m->topics;
	size_t count = 0;
	char **all = match_all(t, answer, &count);
	bool is_new;

	for (size_t i = 0; all != NULL && i < count; i++) {
		if (all[i] != NULL)
			continue;
		/* Out of memory: the rest is no list. */
		all[i] = all[--count];
		group_no_memory(m);
	}
	if (all == NULL) {
		group_no_memory(m);
		return;
	}
	count = sort_unique(all, count);
	is_new = !is_same(t, all, count);
	free_all(t);
	t->all = all;
	t->all_count = count;
	if (m->core.is_ready && is_new)
		member_rejoin(&m->core);
	m->core.is_ready = true;
}

static void on_all_topics(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	const struct client_error *error = client_request_error(request);
	int64_t now = loop_now_ms(m->loop);

	m->topics.request = NULL;
	if (error->kind == CLIENT_OK) {
		resolve(m, client_request_answer(request));
		m->topics.due_ms = now + m->config->metadata_max_age_ms;
	} else {
		group_note(m, "%s", error->text);
		m->topics.due_ms = now + m->config->retry_backoff_max_ms;
	}
	client_request_free(request);
	group_pump(m);
}

static void ask_all_topics(struct group_member *m)
{
	struct metadata_request *q;

	m->topics.request = client_request_new(m->client, API_METADATA);
	if (m->topics.request == NULL) {
		group_no_memory(m);
		return;
	}
	q = client_request_message(m->topics.request);
	q->allow_auto_topic_creation = false;
	q->topics = NULL;
	q->topics_count = -1;
	client_request_limit_versions(m->topics.request, METADATA_MIN,
				      INT16_MAX);
	client_send(m->topics.request, CLIENT_ANY_NODE, group_timeout_ms(m),
		    on_all_topics, m);
}

void group_topics_pump(struct group_member *m, int64_t now)
{
	struct group_topics *t = &m->topics;
	bool is_server_side = m->core.protocol == &member_consumer;

	if (m->core.protocol == &member_undecided || t->request != NULL)
		return;
	if (!m->core.is_ready && (is_server_side || t->regex == NULL)) {
		resolve(m, NULL);
		return;
	}
	if (is_server_side) {
		t->due_ms = INT64_MAX;
		return;
	}
	if (t->regex == NULL)
		return;
	/* It began as the other protocol, or looks for new names. */
	if (t->due_ms == INT64_MAX || t->due_ms <= now) {
		t->due_ms = INT64_MAX;
		ask_all_topics(m);
	}
}
