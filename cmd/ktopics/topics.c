/*
 * topics.c - the topics that operands name
 *
 * Plain names are asked for by name; as soon as a pattern is among them all
 * topics are asked for, and the matching is done here.
 */
#include "ktopics/topics.h"

#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>

#include "cli/exit_code.h"
#include "client/admin.h"
#include "wire/errors.h"

enum { POLL_MS = 50 };

static bool is_pattern(const char *name)
{
	return name[0] == '~' || strpbrk(name, "*?[") != NULL;
}

static int name_order(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
	const struct metadata_response_topics *const *x = a;
	const struct metadata_response_topics *const *y = b;

	return name_order((*x)->name, (*y)->name);
}

static int by_key(const void *key, const void *item)
{
	const struct metadata_response_topics *const *topic = item;

	return name_order(*(const struct slice *)key, (*topic)->name);
}

ssize_t topics_index(const struct topic_list *list, struct slice name)
{
	struct metadata_response_topics **found = NULL;

	if (list->count > 0)
		found = bsearch(&name, list->items, list->count, sizeof(*found),
				by_key);
	return found == NULL ? -1 : found - list->items;
}

struct metadata_response_topics *topics_get(const struct topic_list *list,
					    const char *name)
{
	ssize_t i = topics_index(list, slice_of(name));

	return i < 0 ? NULL : list->items[i];
}

/* Patterns */

/* Does the name match the pattern, a glob or ~ and a POSIX regex? */
struct pattern {
	const char *glob;
	regex_t regex;
	bool is_regex;
};

static int pattern_init(struct ktopics *k, const char *text, struct pattern *p)
{
	char why[160];
	int rc;

	*p = (struct pattern){ .glob = text, .is_regex = text[0] == '~' };
	if (!p->is_regex)
		return EXIT_GO_ON;
	rc = regcomp(&p->regex, text + 1, REG_EXTENDED | REG_NOSUB);
	if (rc == 0)
		return EXIT_GO_ON;
	regerror(rc, &p->regex, why, sizeof(why));
	return message_usage(&k->run.messages,
			     "'%s' is no regular expression: %s", text, why);
}

static bool pattern_matches(const struct pattern *p, const char *name)
{
	if (p->is_regex)
		return regexec(&p->regex, name, 0, NULL, 0) == 0;
	return fnmatch(p->glob, name, 0) == 0;
}

static void pattern_clear(struct pattern *p)
{
	if (p->is_regex)
		regfree(&p->regex);
}

static int add_matches(struct ktopics *k, const struct metadata_response *all,
		       const char *text, bool *chosen)
{
	struct pattern pattern;
	bool found = false;
	int status = pattern_init(k, text, &pattern);

	if (status != EXIT_GO_ON)
		return status;
	for (int32_t i = 0; i < all->topics_count; i++) {
		const struct metadata_response_topics *topic = &all->topics[i];

		if ((topic->is_internal && !k->options.internal) ||
		    slice_is_null(topic->name) ||
		    !pattern_matches(&pattern, run_text(&k->run, topic->name)))
			continue;
		found = true;
		chosen[i] = true;
	}
	pattern_clear(&pattern);
	if (!found)
		k->run.status =
			exit_worse(k->run.status,
				   message_fail(&k->run.messages, EXIT_MISSING,
						"no topic matches '%s'", text));
	return EXIT_GO_ON;
}

/* Before anybody is asked: are the regular expressions good? */
static int check_patterns(struct ktopics *k, char *const *names, int count)
{
	for (int i = 0; i < count; i++) {
		struct pattern pattern;
		int status = pattern_init(k, names[i], &pattern);

		if (status != EXIT_GO_ON)
			return status;
		pattern_clear(&pattern);
	}
	return EXIT_GO_ON;
}

/* Names */

static void add_named(struct ktopics *k, const struct metadata_response *all,
		      const char *name, unsigned flags, bool *chosen)
{
	for (int32_t i = 0; i < all->topics_count; i++) {
		const struct metadata_response_topics *topic = &all->topics[i];

		if (!slice_is(topic->name, name))
			continue;
		if (topic->error_code == WIRE_NONE)
			chosen[i] = true;
		else if ((flags & TOPICS_QUIET) == 0 ||
			 topic->error_code != WIRE_UNKNOWN_TOPIC_OR_PARTITION)
			run_refused(&k->run, "topic", name, topic->error_code,
				    SLICE_NULL);
		return;
	}
	if ((flags & TOPICS_QUIET) == 0)
		run_refused(&k->run, "topic", name,
			    WIRE_UNKNOWN_TOPIC_OR_PARTITION, SLICE_NULL);
}

static void add_all(struct ktopics *k, const struct metadata_response *all,
		    bool *chosen)
{
	for (int32_t i = 0; i < all->topics_count; i++)
		chosen[i] =
			!slice_is_null(all->topics[i].name) &&
			(k->options.internal || !all->topics[i].is_internal);
}

static void collect(const struct metadata_response *all, const bool *chosen,
		    struct topic_list *list)
{
	for (int32_t i = 0; i < all->topics_count; i++) {
		if (chosen[i])
			list->items[list->count++] = &all->topics[i];
	}
	if (list->count > 0)
		/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
		qsort(list->items, list->count, sizeof(*list->items), by_name);
}

static int select_topics(struct ktopics *k, const struct metadata_response *all,
			 char *const *names, int count, unsigned flags,
			 struct topic_list *list)
{
	bool *chosen = calloc((size_t)all->topics_count + 1, sizeof(*chosen));
	int status = EXIT_GO_ON;

	if (chosen == NULL)
		run_out_of_memory(&k->run);
	if (count == 0 && (flags & TOPICS_ALL_IF_NONE) != 0)
		add_all(k, all, chosen);
	for (int i = 0; status == EXIT_GO_ON && i < count; i++) {
		if ((flags & TOPICS_PATTERNS) != 0 && is_pattern(names[i]))
			status = add_matches(k, all, names[i], chosen);
		else
			add_named(k, all, names[i], flags, chosen);
	}
	collect(all, chosen, list);
	free(chosen);
	return status;
}

static bool wants_all(char *const *names, int count, unsigned flags)
{
	if (count == 0)
		return true;
	for (int i = 0; i < count; i++) {
		if ((flags & TOPICS_PATTERNS) != 0 && is_pattern(names[i]))
			return true;
	}
	return false;
}

int topics_find(struct ktopics *k, char *const *names, int count,
		unsigned flags, struct topic_list *list_out)
{
	bool all = wants_all(names, count, flags);
	struct client_error error = { 0 };
	const struct metadata_response *answer;
	int status;
	int rc;

	*list_out = (struct topic_list){ 0 };
	status = check_patterns(k, names,
				(flags & TOPICS_PATTERNS) != 0 ? count : 0);
	if (status != EXIT_GO_ON)
		return status;
	rc = admin_metadata(
		k->run.client, all ? NULL : (const char *const *)names,
		all ? 0 : (size_t)count, k->run.options->common.step_timeout_ms,
		&list_out->request, &error);
	if (rc < 0) {
		run_fail(&k->run, &error);
		topics_clear(list_out);
		return k->run.status;
	}
	answer = client_request_answer(list_out->request);
	/* NOLINTBEGIN(bugprone-sizeof-expression): an array of pointers */
	list_out->items = calloc((size_t)answer->topics_count + 1,
				 sizeof(*list_out->items));
	/* NOLINTEND(bugprone-sizeof-expression) */
	if (list_out->items == NULL)
		run_out_of_memory(&k->run);
	status = select_topics(k, answer, names, count, flags, list_out);
	if (status != EXIT_GO_ON)
		topics_clear(list_out);
	return status;
}

void topics_clear(struct topic_list *list)
{
	free(list->items);
	client_request_free(list->request);
	*list = (struct topic_list){ 0 };
}

bool topics_repeat(struct ktopics *k, char *const *names, int count)
{
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < i; j++) {
			if (strcmp(names[i], names[j]) != 0)
				continue;
			message_usage(&k->run.messages,
				      "topic '%s' is named twice", names[i]);
			return true;
		}
	}
	return false;
}

const char *topics_ids(struct ktopics *k, const int32_t *ids, int32_t count)
{
	struct buffer text = { 0 };
	const char *copy;

	for (int32_t i = 0; i < count; i++)
		buffer_printf(&text, "%s%d", i == 0 ? "" : ",", ids[i]);
	copy = run_text(&k->run,
			(struct slice){ text.data == NULL ? (const uint8_t *)""
							  : text.data,
					text.len });
	buffer_clear(&text);
	return copy;
}

/* Waiting */

/* Why the topic is not ready yet; NULL: it is. */
static const char *not_ready(const struct metadata_response_topics *topic,
			     bool gone)
{
	if (gone)
		return topic->error_code == WIRE_UNKNOWN_TOPIC_OR_PARTITION
			       ? NULL
			       : "is still there";
	if (topic->error_code != WIRE_NONE)
		return "is not known to every broker";
	for (int32_t i = 0; i < topic->partitions_count; i++) {
		const struct metadata_response_topics_partitions *p =
			&topic->partitions[i];

		if (p->error_code != WIRE_NONE || p->leader_id < 0)
			return "has partitions without a leader";
		if (p->isr_nodes_count < p->replica_nodes_count)
			return "has replicas that are not in sync";
	}
	return NULL;
}

/* The metadata request that asks for the topics, creating none. */
static struct client_request *ask_for(struct ktopics *k, char *const *names,
				      int count)
{
	struct client_request *request = run_request(&k->run, API_METADATA);
	struct metadata_request *m = client_request_message(request);

	m->allow_auto_topic_creation = false;
	m->topics = wire_array(&metadata_request_topics_desc,
			       client_request_arena(request), count);
	if (m->topics == NULL)
		run_out_of_memory(&k->run);
	m->topics_count = count;
	for (int i = 0; i < count; i++)
		m->topics[i].name = slice_of(names[i]);
	return request;
}

/* What is missing at this broker, or NULL; name_out: of which topic. */
static const char *missing_at(struct ktopics *k, char *const *names, int count,
			      bool gone, int32_t node, int64_t ms,
			      const char **name_out)
{
	struct client_request *request = ask_for(k, names, count);
	const struct metadata_response *answer;
	const char *why = NULL;

	*name_out = names[0];
	if (client_call(request, node, ms) < 0) {
		why = "cannot be asked for: a broker does not answer";
	} else {
		answer = client_request_answer(request);
		for (int32_t i = 0; why == NULL && i < answer->topics_count;
		     i++) {
			why = not_ready(&answer->topics[i], gone);
			*name_out = run_text(&k->run, answer->topics[i].name);
		}
	}
	client_request_free(request);
	return why;
}

static const char *missing(struct ktopics *k, char *const *names, int count,
			   bool gone, int64_t ms, const char **name_out)
{
	size_t node_count;
	const struct client_node *nodes =
		client_nodes(k->run.client, &node_count);
	int32_t *ids = calloc(node_count + 1, sizeof(*ids));
	const char *why = NULL;

	if (ids == NULL)
		run_out_of_memory(&k->run);
	for (size_t i = 0; i < node_count; i++)
		ids[i] = nodes[i].id;
	for (size_t i = 0; why == NULL && i < node_count; i++)
		why = missing_at(k, names, count, gone, ids[i], ms, name_out);
	free(ids);
	return why;
}

void topics_wait(struct ktopics *k, char *const *names, int count, bool gone,
		 int64_t ms)
{
	int64_t end_ms = loop_now_ms(k->run.loop) + ms;
	const char *name = "";
	const char *why;

	if (count == 0)
		return;
	while ((why = missing(k, names, count, gone,
			      k->run.options->common.step_timeout_ms, &name)) !=
	       NULL) {
		int64_t now_ms = loop_now_ms(k->run.loop);

		if (now_ms >= end_ms) {
			k->run.status = exit_worse(
				k->run.status,
				message_fail(&k->run.messages, EXIT_UNREACHABLE,
					     "topic '%s' %s after %lld ms",
					     name, why, (long long)ms));
			return;
		}
		for (int64_t until = now_ms + POLL_MS; now_ms < until;
		     now_ms = loop_now_ms(k->run.loop))
			loop_run_once(k->run.loop, until - now_ms);
	}
}
