/*
 * known.c - the partitions that were there when a member began
 */
#include "kconsume/known.h"

#include <errno.h>
#include <stdlib.h>

#include "client/admin.h"
#include "wire/messages.h"

struct known_topic {
	char *name;
	struct uuid id;
	int32_t partitions;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct known_topic *)a)->name,
		      ((const struct known_topic *)b)->name);
}

static int compare_name(const void *name, const void *topic)
{
	return strcmp(name, ((const struct known_topic *)topic)->name);
}

void known_clear(struct known *known)
{
	for (size_t i = 0; i < known->count; i++)
		free(known->topics[i].name);
	free(known->topics);
	*known = (struct known){ 0 };
}

static int take(struct known *known, const struct metadata_response *answer)
{
	known->topics = calloc((size_t)answer->topics_count + 1,
			       sizeof(*known->topics));
	if (known->topics == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < answer->topics_count; i++) {
		const struct metadata_response_topics *t = &answer->topics[i];
		struct known_topic *topic = &known->topics[known->count];

		if (slice_is_null(t->name))
			continue;
		topic->name = strndup((const char *)t->name.data, t->name.len);
		if (topic->name == NULL)
			return -ENOMEM;
		topic->id = t->topic_id;
		topic->partitions = t->partitions_count;
		known->count++;
	}
	if (known->count > 0)
		qsort(known->topics, known->count, sizeof(*known->topics),
		      compare);
	known->is_loaded = true;
	return 0;
}

int known_load(struct known *known, struct program *p)
{
	const struct consume_options *o = &p->options;
	bool is_all = o->patterns.count > 0;
	struct client_request *request = NULL;
	struct client_error error;
	int rc;

	client_error_clear(&error);
	rc = admin_metadata(p->client, is_all ? NULL : o->names.items,
			    is_all ? 0 : o->names.count,
			    o->common.step_timeout_ms, &request, &error);
	if (rc == 0)
		rc = take(known, client_request_answer(request));
	client_request_free(request);
	if (rc == -ENOMEM)
		return message_fail(&p->messages, EXIT_REFUSED,
				    "out of memory");
	return rc == 0 || rc == -EINTR ? EXIT_GO_ON : program_fail(p, &error);
}

bool known_has(const struct known *known, const struct group_partition *at)
{
	const struct known_topic *topic = NULL;

	if (!known->is_loaded)
		return true;
	if (known->count > 0)
		topic = bsearch(at->topic, known->topics, known->count,
				sizeof(*known->topics), compare_name);
	return topic != NULL && at->partition < topic->partitions &&
	       (uuid_is_zero(at->topic_id) || uuid_is_zero(topic->id) ||
		uuid_equal(at->topic_id, topic->id));
}
