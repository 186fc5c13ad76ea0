/*
 * group_consumer.c - the heartbeat of a member by KIP-848
 *
 * The coordinator assigns topics by id.  Their names are asked for once and
 * remembered; as long as one is not known (a topic just made, or just gone)
 * the member goes on with those that are.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "client/group_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	EPOCH_JOIN = 0,
	EPOCH_LEAVE = -1,
	EPOCH_LEAVE_STATIC = -2,
	METADATA_BY_ID = 12,
	ASSIGNED_MAX = 1000000, /* partitions of one member */
};

/*
 * Names of topic ids
 */

static const char *name_of(const struct group_member *m, struct uuid id)
{
	for (size_t i = 0; i < m->id_count; i++) {
		if (uuid_equal(m->ids[i].id, id))
			return m->ids[i].name;
	}
	return NULL;
}

static int learn(struct group_member *m, struct uuid id, struct slice name)
{
	struct group_topic_name *more;

	if (name_of(m, id) != NULL)
		return 0;
	more = reallocarray(m->ids, m->id_count + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	m->ids = more;
	more[m->id_count].id = id;
	more[m->id_count].name = strndup((const char *)name.data, name.len);
	if (more[m->id_count].name == NULL)
		return -ENOMEM;
	m->id_count++;
	return 0;
}

void group_names_clear(struct group_member *m)
{
	client_request_free(m->id_request);
	m->id_request = NULL;
	for (size_t i = 0; i < m->id_count; i++)
		free(m->ids[i].name);
	free(m->ids);
	m->ids = NULL;
	m->id_count = 0;
	partition_set_clear(&m->unnamed);
	partition_set_clear(&m->named);
}

/* Move to named what has a name by now. */
static void name_them(struct group_member *m)
{
	struct partition_set rest = { 0 };

	for (size_t i = 0; i < m->unnamed.count; i++) {
		const struct group_partition *p = &m->unnamed.items[i];
		const char *name = name_of(m, p->topic_id);

		if (name != NULL)
			partition_set_add(&m->named, slice_of(name),
					  p->partition, p->topic_id);
		else
			partition_set_add(&rest, slice_of(""), p->partition,
					  p->topic_id);
	}
	partition_set_sort(&rest);
	partition_set_sort(&m->named);
	partition_set_move(&rest, &m->unnamed);
}

static void on_named(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	const struct metadata_response *r;
	size_t before = m->unnamed.count;

	m->id_request = NULL;
	if (client_request_error(request)->kind == CLIENT_OK) {
		r = client_request_answer(request);
		for (int32_t i = 0; i < r->topics_count; i++) {
			if (r->topics[i].error_code == WIRE_NONE &&
			    learn(m, r->topics[i].topic_id, r->topics[i].name) <
				    0)
				group_no_memory(m);
		}
		name_them(m);
	} else {
		group_note(m, "%s", client_request_error(request)->text);
	}
	client_request_free(request);
	if (m->unnamed.count < before && m->core.phase == MEMBER_STABLE) {
		member_retarget(&m->core, &m->named);
	}
	if (m->unnamed.count > 0)
		m->unnamed_due_ms =
			loop_now_ms(m->loop) + m->config->retry_backoff_max_ms;
	group_pump(m);
}

static void ask_names(struct group_member *m)
{
	struct metadata_request *q;
	struct uuid last = UUID_ZERO;

	m->id_request = client_request_new(m->client, API_METADATA);
	if (m->id_request == NULL) {
		group_no_memory(m);
		return;
	}
	client_request_limit_versions(m->id_request, METADATA_BY_ID, INT16_MAX);
	q = client_request_message(m->id_request);
	q->allow_auto_topic_creation = false;
	q->topics = wire_array(&metadata_request_topics_desc,
			       client_request_arena(m->id_request),
			       (int32_t)m->unnamed.count);
	if (q->topics == NULL) {
		group_no_memory(m);
		return;
	}
	for (size_t i = 0; i < m->unnamed.count; i++) {
		struct uuid id = m->unnamed.items[i].topic_id;

		/* Sorted by partition first: neighbours differ, often. */
		if (uuid_equal(id, last))
			continue;
		last = id;
		q->topics[q->topics_count].topic_id = id;
		q->topics[q->topics_count++].name = SLICE_NULL;
	}
	client_send(m->id_request, m->coordinator, group_timeout_ms(m),
		    on_named, m);
}

void group_names_pump(struct group_member *m, int64_t now)
{
	if (now < m->unnamed_due_ms)
		return;
	m->unnamed_due_ms = INT64_MAX;
	if (m->id_request == NULL && m->unnamed.count > 0)
		ask_names(m);
}

/* An assignment by ids: to named and unnamed.  0 or -EBADMSG. */
static int take_ids(
	struct group_member *m,
	const struct consumer_group_heartbeat_response_assignment *a)
{
	partition_set_reset(&m->unnamed);
	partition_set_reset(&m->named);
	for (int32_t t = 0; t < a->topic_partitions_count; t++) {
		const struct
			consumer_group_heartbeat_response_assignment_topic_partitions
				*topic = &a->topic_partitions[t];

		for (int32_t p = 0; p < topic->partitions_count; p++) {
			if (topic->partitions[p] < 0 ||
			    topic->partitions[p] >= PARTITIONS_PER_TOPIC_MAX ||
			    m->unnamed.count >= ASSIGNED_MAX)
				return -EBADMSG;
			partition_set_add(&m->unnamed, slice_of(""),
					  topic->partitions[p],
					  topic->topic_id);
		}
	}
	partition_set_sort(&m->unnamed);
	name_them(m);
	return 0;
}

/*
 * The heartbeat
 */

static void on_beat(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	const struct consumer_group_heartbeat_response *r;
	struct arena *arena = client_request_arena(request);
	struct member_answer answer = { 0 };
	int rc = 0;

	assert(request == m->request);
	m->request = NULL;
	if (group_has_answer(m, request)) {
		r = client_request_answer(request);
		answer.code = r->error_code;
		answer.text = arena_text(arena, r->error_message);
		answer.generation = r->member_epoch;
		answer.interval_ms = r->heartbeat_interval_ms;
		answer.member_id = arena_text(arena, r->member_id);
		if (r->error_code == WIRE_NONE && r->assignment != NULL) {
			rc = take_ids(m, r->assignment);
			/* At first: nothing rather than less than all. */
			if (m->core.has_target || m->unnamed.count == 0)
				answer.assignment = &m->named;
		}
		if (rc < 0)
			member_fail_code(&m->core, WIRE_INVALID_REQUEST,
					 "an assignment of partitions that "
					 "cannot be");
		group_take_code(m, answer.code, "ConsumerGroupHeartbeat");
		member_answered(&m->core, &answer, loop_now_ms(m->loop));
		if (m->unnamed.count > 0)
			m->unnamed_due_ms = loop_now_ms(m->loop);
	}
	client_request_free(request);
	group_pump(m);
}

static int put_everything(const struct group_member *m,
			  struct consumer_group_heartbeat_request *q,
			  struct arena *arena)
{
	const struct client_config *config = m->config;
	const struct group_topics *t = &m->topics;

	q->rebalance_timeout_ms = (int32_t)config->max_poll_interval_ms;
	if (config->client_rack[0] != '\0')
		q->rack_id = slice_of(config->client_rack);
	if (config->group_remote_assignor[0] != '\0')
		q->server_assignor = slice_of(config->group_remote_assignor);
	if (t->regex != NULL)
		q->subscribed_topic_regex = slice_of(t->regex);
	q->subscribed_topic_names =
		arena_calloc(arena, t->name_count, sizeof(struct slice));
	if (q->subscribed_topic_names == NULL)
		return -ENOMEM;
	q->subscribed_topic_names_count = (int32_t)t->name_count;
	for (size_t i = 0; i < t->name_count; i++)
		q->subscribed_topic_names[i] = slice_of(t->names[i]);
	return 0;
}

static int add_partition(
	struct consumer_group_heartbeat_request_topic_partitions *t,
	struct arena *arena, int32_t partition, size_t room)
{
	if (t->partitions == NULL)
		t->partitions = arena_calloc(arena, room, sizeof(int32_t));
	if (t->partitions == NULL)
		return -ENOMEM;
	t->partitions[t->partitions_count++] = partition;
	return 0;
}

/* Owned is sorted by name, so that a topic's are together, but for those of
 * one that was made again. */
static int put_owned(const struct partition_set *owned,
		     struct consumer_group_heartbeat_request *q,
		     struct arena *arena)
{
	struct consumer_group_heartbeat_request_topic_partitions *t;

	q->topic_partitions = wire_array(
		&consumer_group_heartbeat_request_topic_partitions_desc, arena,
		(int32_t)owned->count);
	if (q->topic_partitions == NULL)
		return -ENOMEM;
	q->topic_partitions_count = 0;
	for (size_t i = 0; i < owned->count; i++) {
		int32_t at = q->topic_partitions_count - 1;

		while (at >= 0 && !uuid_equal(q->topic_partitions[at].topic_id,
					      owned->items[i].topic_id))
			at--;
		if (at < 0) {
			at = q->topic_partitions_count++;
			q->topic_partitions[at].topic_id =
				owned->items[i].topic_id;
		}
		t = &q->topic_partitions[at];
		if (add_partition(t, arena, owned->items[i].partition,
				  partition_set_run(owned, i)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static struct consumer_group_heartbeat_request *begin(struct group_member *m)
{
	struct consumer_group_heartbeat_request *q;

	assert(m->request == NULL);
	m->request =
		client_request_new(m->client, API_CONSUMER_GROUP_HEARTBEAT);
	if (m->request == NULL) {
		group_no_memory(m);
		return NULL;
	}
	q = client_request_message(m->request);
	q->group_id = slice_of(m->config->group_id);
	q->member_id = slice_of(m->core.member_id);
	q->instance_id = slice_of(m->core.instance_id);
	q->subscribed_topic_names_count = -1;
	q->topic_partitions_count = -1;
	return q;
}

/* A member names itself (KIP-1082). */
static int name_member(struct group_member *m)
{
	char id[UUID_TEXT_LEN + 1];

	if (m->core.member_id[0] != '\0')
		return 0;
	uuid_format(uuid_random(random_system()), id);
	return member_set_id(&m->core, id);
}

void group_beat_consumer(struct group_member *m)
{
	struct consumer_group_heartbeat_request *q = NULL;
	struct arena *arena;
	bool is_all;
	bool has_partitions;
	int rc;

	if (name_member(m) == 0)
		q = begin(m);
	if (q == NULL) {
		group_no_memory(m);
		return;
	}
	arena = client_request_arena(m->request);
	member_beat_parts(&m->core, &is_all, &has_partitions);
	q->member_epoch =
		m->core.phase == MEMBER_OUT ? EPOCH_JOIN : m->core.generation;
	rc = is_all ? put_everything(m, q, arena) : 0;
	if (rc == 0 && has_partitions)
		rc = put_owned(&m->core.said, q, arena);
	if (rc < 0) {
		group_no_memory(m);
		return;
	}
	if (is_all && m->topics.regex != NULL)
		client_request_limit_versions(m->request, 1, INT16_MAX);
	client_send(m->request, m->coordinator, group_timeout_ms(m), on_beat,
		    m);
}

static void on_gone(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	struct member_answer answer = { 0 };

	assert(request == m->request);
	m->request = NULL;
	if (client_request_error(request)->kind == CLIENT_OK) {
		const struct consumer_group_heartbeat_response *r =
			client_request_answer(request);

		answer.code = r->error_code;
		member_answered(&m->core, &answer, loop_now_ms(m->loop));
	} else {
		member_failed(&m->core, loop_now_ms(m->loop));
	}
	client_request_free(request);
	group_pump(m);
}

void group_leave_consumer(struct group_member *m)
{
	struct consumer_group_heartbeat_request *q = begin(m);

	if (q == NULL)
		return;
	q->member_epoch =
		m->core.instance_id == NULL ? EPOCH_LEAVE : EPOCH_LEAVE_STATIC;
	client_send(m->request, m->coordinator, group_timeout_ms(m), on_gone,
		    m);
}
