/*
 * create.c - ktopics create
 *
 * --if-not-exists asks first, so that a topic that is there already is held
 * against what was asked for: a difference is an error, not a success.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "ktopics/configs.h"
#include "wire/enums.h"
#include "wire/errors.h"

enum {
	ASSIGNED_MAX = 10000, /* partitions of --assign */
	REPLICAS_MAX = 64,
	CONFIGS_MAX = 64,
};

struct placement {
	int32_t ids[REPLICAS_MAX];
	int32_t count;
};

struct wish {
	struct config_setting configs[CONFIGS_MAX];
	size_t config_count;
	struct placement *placements; /* of --assign, one a partition */
	int32_t placement_count;
	int64_t wait_ms;
};

/* --assign 1:2,2:3 */

static int bad_assignment(struct ktopics *k)
{
	return message_usage(&k->run.messages,
			     "--assign: '%s' is not broker ids such as "
			     "1:2,2:3",
			     k->options.assign);
}

/* One partition's brokers from *text on, which moves past them. */
static bool read_placement(const char **text, struct placement *p)
{
	p->count = 0;
	for (;;) {
		char *end;
		long id = strtol(*text, &end, 10);

		if (end == *text || id < 0 || id > INT32_MAX ||
		    p->count == REPLICAS_MAX)
			return false;
		p->ids[p->count++] = (int32_t)id;
		*text = end;
		if (**text != ':')
			return true;
		++*text;
	}
}

static int read_assignment(struct ktopics *k, struct wish *wish)
{
	const char *text = k->options.assign;

	if (k->options.partitions > 0 || k->options.replicas > 0)
		return message_usage(&k->run.messages,
				     "--assign excludes -p and -r");
	wish->placements = calloc(ASSIGNED_MAX, sizeof(*wish->placements));
	if (wish->placements == NULL)
		run_out_of_memory(&k->run);
	for (;;) {
		if (wish->placement_count == ASSIGNED_MAX ||
		    !read_placement(&text,
				    &wish->placements[wish->placement_count++]))
			return bad_assignment(k);
		if (*text == '\0')
			return EXIT_GO_ON;
		if (*text++ != ',')
			return bad_assignment(k);
	}
}

static int read_wish(struct ktopics *k, struct wish *wish)
{
	const struct option_texts *texts = &k->options.configs;

	if (texts->count > CONFIGS_MAX)
		return message_usage(&k->run.messages,
				     "too many properties at once");
	for (size_t i = 0; i < texts->count; i++) {
		if (!configs_parse(k, texts->items[i],
				   &wish->configs[wish->config_count++]))
			return EXIT_USAGE;
	}
	if (topics_repeat(k, k->run.operands, k->run.operand_count) ||
	    !ktopics_wait_ms(k, &wish->wait_ms))
		return EXIT_USAGE;
	return k->options.assign == NULL ? EXIT_GO_ON
					 : read_assignment(k, wish);
}

/* A topic that is there: is it as asked for? */

static void differs(struct ktopics *k, const char *name, const char *what,
		    const char *is, const char *wanted)
{
	message_error(&k->run.messages, "topic '%s' exists with %s %s, not %s",
		      name, what, is, wanted);
	k->run.status = exit_worse(k->run.status, EXIT_REFUSED);
}

static void compare_count(struct ktopics *k, const char *name, const char *what,
			  int64_t is, int64_t wanted)
{
	char texts[2][24];

	if (wanted < 0 || is == wanted)
		return;
	snprintf(texts[0], sizeof(texts[0]), "%lld", (long long)is);
	snprintf(texts[1], sizeof(texts[1]), "%lld", (long long)wanted);
	differs(k, name, what, texts[0], texts[1]);
}

static void compare_results(
	struct ktopics *k, const char *name,
	const struct describe_configs_response_results *result,
	const struct wish *wish)
{
	if (result->error_code != WIRE_NONE) {
		run_refused(&k->run, "topic", name, result->error_code,
			    result->error_message);
		return;
	}
	for (size_t i = 0; i < wish->config_count; i++) {
		const struct config_setting *want = &wish->configs[i];
		const struct describe_configs_response_results_configs *is =
			configs_find(result, want->name);
		const char *value =
			is == NULL ? NULL : run_text(&k->run, is->value);

		if (value == NULL || strcmp(value, want->value) != 0)
			differs(k, name, want->name,
				value == NULL ? "unset" : value, want->value);
	}
}

static void compare_configs(struct ktopics *k, const char *name,
			    const struct wish *wish)
{
	struct config_resource resource = { WIRE_CONFIG_RESOURCE_TYPE_TOPIC,
					    name };
	const struct describe_configs_response *answer;
	struct client_request *request;
	const char *names[CONFIGS_MAX];

	if (wish->config_count == 0)
		return;
	for (size_t i = 0; i < wish->config_count; i++)
		names[i] = wish->configs[i].name;
	request = configs_describe(k, &resource, 1, names, wish->config_count);
	if (request == NULL)
		return;
	answer = client_request_answer(request);
	for (int32_t i = 0; i < answer->results_count; i++)
		compare_results(k, name, &answer->results[i], wish);
	client_request_free(request);
}

static void compare_placement(struct ktopics *k, const char *name,
			      const struct metadata_response_topics *topic,
			      const struct wish *wish)
{
	compare_count(k, name, "partitions", topic->partitions_count,
		      wish->placement_count);
	for (int32_t i = 0; i < topic->partitions_count; i++) {
		const struct metadata_response_topics_partitions *p =
			&topic->partitions[i];
		const struct placement *want;
		const char *is;
		const char *wanted;

		if (p->partition_index >= wish->placement_count)
			continue;
		want = &wish->placements[p->partition_index];
		is = topics_ids(k, p->replica_nodes, p->replica_nodes_count);
		wanted = topics_ids(k, want->ids, want->count);
		if (strcmp(is, wanted) != 0)
			differs(k, name, "replicas on brokers", is, wanted);
	}
}

static void compare(struct ktopics *k, const char *name,
		    const struct metadata_response_topics *topic,
		    const struct wish *wish)
{
	int before = k->run.status;

	k->run.status = EXIT_OK;
	compare_count(k, name, "partitions", topic->partitions_count,
		      k->options.partitions);
	if (topic->partitions_count > 0)
		compare_count(k, name, "replicas",
			      topic->partitions[0].replica_nodes_count,
			      k->options.replicas);
	if (wish->placements != NULL)
		compare_placement(k, name, topic, wish);
	compare_configs(k, name, wish);
	if (k->run.status == EXIT_OK)
		run_done(&k->run, "topic", name, "topic '%s' exists", name);
	k->run.status = exit_worse(before, k->run.status);
}

/* Compare those that exist; leave the others in *names, *count. */
static int compare_existing(struct ktopics *k, char **names, int *count,
			    const struct wish *wish)
{
	struct topic_list topics;
	int kept = 0;
	int status = topics_find(k, names, *count, TOPICS_QUIET, &topics);

	if (status != EXIT_GO_ON) {
		topics_clear(&topics);
		return status;
	}
	for (int i = 0; i < *count; i++) {
		const struct metadata_response_topics *topic =
			topics_get(&topics, names[i]);

		if (topic != NULL)
			compare(k, names[i], topic, wish);
		else
			names[kept++] = names[i];
	}
	*count = kept;
	topics_clear(&topics);
	return EXIT_GO_ON;
}

/* The request */

static void fill_configs(struct ktopics *k, struct arena *arena,
			 struct create_topics_request_topics *topic,
			 const struct wish *wish)
{
	topic->configs = wire_array(&create_topics_request_topics_configs_desc,
				    arena, (int32_t)wish->config_count);
	if (topic->configs == NULL)
		run_out_of_memory(&k->run);
	topic->configs_count = (int32_t)wish->config_count;
	for (size_t i = 0; i < wish->config_count; i++) {
		topic->configs[i].name = slice_of(wish->configs[i].name);
		topic->configs[i].value = slice_of(wish->configs[i].value);
	}
}

static void fill_placements(struct ktopics *k, struct arena *arena,
			    struct create_topics_request_topics *topic,
			    const struct wish *wish)
{
	topic->assignments =
		wire_array(&create_topics_request_topics_assignments_desc,
			   arena, wish->placement_count);
	if (topic->assignments == NULL)
		run_out_of_memory(&k->run);
	topic->assignments_count = wish->placement_count;
	for (int32_t i = 0; i < wish->placement_count; i++) {
		topic->assignments[i].partition_index = i;
		topic->assignments[i].broker_ids = wish->placements[i].ids;
		topic->assignments[i].broker_ids_count =
			wish->placements[i].count;
	}
}

static struct client_request *build(struct ktopics *k, char **names, int count,
				    const struct wish *wish)
{
	struct client_request *request =
		run_request(&k->run, API_CREATE_TOPICS);
	struct create_topics_request *q = client_request_message(request);
	struct arena *arena = client_request_arena(request);

	q->timeout_ms = (int32_t)k->run.options->common.step_timeout_ms;
	q->validate_only = k->run.options->dry_run;
	q->topics =
		wire_array(&create_topics_request_topics_desc, arena, count);
	if (q->topics == NULL)
		run_out_of_memory(&k->run);
	q->topics_count = count;
	for (int i = 0; i < count; i++) {
		struct create_topics_request_topics *topic = &q->topics[i];

		topic->name = slice_of(names[i]);
		topic->num_partitions = (int32_t)k->options.partitions;
		topic->replication_factor = (int16_t)k->options.replicas;
		if (wish->placements != NULL)
			fill_placements(k, arena, topic, wish);
		fill_configs(k, arena, topic, wish);
	}
	return request;
}

static void say_created(struct ktopics *k, const char *name,
			const struct create_topics_response_topics *topic)
{
	const char *verb =
		k->run.options->dry_run ? "would be created" : "created";

	if (topic->num_partitions > 0)
		run_done(&k->run, "topic", name,
			 "topic '%s' %s: partitions %d, replicas %d", name,
			 verb, topic->num_partitions,
			 topic->replication_factor);
	else
		run_done(&k->run, "topic", name, "topic '%s' %s", name, verb);
}

static void hint_at_configs(struct ktopics *k, const struct wish *wish)
{
	for (size_t i = 0; i < wish->config_count; i++) {
		const char *name = wish->configs[i].name;
		const char *near;

		if (config_def_find(CONFIG_TOPIC, name) != NULL)
			continue;
		near = configs_nearest(CONFIG_TOPIC, name);
		if (near != NULL)
			message_error(&k->run.messages,
				      "no property '%s'; did you mean '%s'?",
				      name, near);
	}
}

/* What came of each topic; those that are there now stay in names. */
static void take_answers(struct ktopics *k, struct client_request *request,
			 char **names, int *count, const struct wish *wish)
{
	const struct create_topics_response *answer =
		client_request_answer(request);
	bool bad_config = false;
	int kept = 0;

	for (int32_t i = 0; i < answer->topics_count; i++) {
		if (answer->topics[i].error_code != WIRE_NONE)
			run_tell_done(&k->run);
	}
	for (int32_t i = 0; i < answer->topics_count; i++) {
		const struct create_topics_response_topics *t =
			&answer->topics[i];
		char *name = run_text(&k->run, t->name);

		if (t->error_code == WIRE_NONE) {
			say_created(k, name, t);
			if (kept < *count)
				names[kept++] = name;
			continue;
		}
		run_refused(&k->run, "topic", name, t->error_code,
			    t->error_message);
		bad_config |= t->error_code == WIRE_INVALID_CONFIG;
	}
	if (bad_config)
		hint_at_configs(k, wish);
	*count = kept;
}

static int create(struct ktopics *k, const struct wish *wish)
{
	char **names = k->run.operands;
	int count = k->run.operand_count;
	struct client_request *request;
	int status = EXIT_GO_ON;

	if (k->options.if_not_exists)
		status = compare_existing(k, names, &count, wish);
	if (status != EXIT_GO_ON || count == 0)
		return k->run.status;
	request = build(k, names, count, wish);
	if (run_call(&k->run, request, CLIENT_CONTROLLER)) {
		take_answers(k, request, names, &count, wish);
		if (k->options.wait != NULL && !k->run.options->dry_run)
			topics_wait(k, names, count, false, wish->wait_ms);
	}
	client_request_free(request);
	return k->run.status;
}

int ktopics_create(void *run)
{
	struct ktopics *k = run;
	struct wish wish = { .wait_ms = 0 };
	int status = read_wish(k, &wish);

	if (status == EXIT_GO_ON)
		status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = create(k, &wish);
	free(wish.placements);
	return status;
}
