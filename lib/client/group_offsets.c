/*
 * group_offsets.c - where the group is in new partitions
 *
 * What the core has been given is "arriving" until OffsetFetch has said where
 * it starts; then the reader is told, and it is among "told".  One request is
 * under way; what arrives meanwhile makes it anew.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "client/group_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { VERSION_MAX = 9, VERSION_GROUPS = 8 }; /* 10 names topics by id */

static void ask_again(struct group_member *m, int64_t ms)
{
	client_request_free(m->offset_request);
	m->offset_request = NULL;
	m->offsets_due_ms = loop_now_ms(m->loop) + ms;
}

void group_arrive(struct group_member *m, const struct partition_set *news)
{
	struct partition_set all = { 0 };

	if (news->count == 0 && m->arriving.count == 0) {
		m->handler.on_assigned(m->handler.arg, NULL, 0);
		return;
	}
	partition_set_union(&m->arriving, news, &all);
	partition_set_move(&all, &m->arriving);
	if (m->arriving.failed)
		group_no_memory(m);
	ask_again(m, 0);
}

void group_depart(struct group_member *m, const struct partition_set *going,
		  struct partition_set *gone_out)
{
	partition_set_remove(&m->arriving, going);
	if (m->arriving.count == 0) {
		client_request_free(m->offset_request);
		m->offset_request = NULL;
		m->offsets_due_ms = INT64_MAX;
	}
	for (size_t i = 0; i < going->count; i++) {
		const struct group_partition *p = &going->items[i];

		if (partition_set_has_item(&m->told, p))
			partition_set_add(gone_out, slice_of(p->topic),
					  p->partition, p->topic_id);
	}
	if (gone_out->failed)
		group_no_memory(m);
	partition_set_remove(&m->told, gone_out);
}

/*
 * The answer, in either form
 */

struct stored {
	struct slice topic;
	int32_t partition;
	int64_t offset;
	int32_t leader_epoch;
	struct slice metadata;
	int16_t code;
};

/* The i-th partition of the answer: false behind the last. */
struct stored_reader {
	const struct offset_fetch_response *answer;
	bool is_grouped;
	int32_t topic, partition;
};

static bool next_flat(struct stored_reader *r, struct stored *out)
{
	for (; r->topic < r->answer->topics_count;
	     r->topic++, r->partition = 0) {
		const struct offset_fetch_response_topics *t =
			&r->answer->topics[r->topic];
		const struct offset_fetch_response_topics_partitions *p;

		if (r->partition >= t->partitions_count)
			continue;
		p = &t->partitions[r->partition++];
		*out = (struct stored){ t->name,
					p->partition_index,
					p->committed_offset,
					p->committed_leader_epoch,
					p->metadata,
					p->error_code };
		return true;
	}
	return false;
}

static bool next_grouped(struct stored_reader *r, struct stored *out)
{
	const struct offset_fetch_response_groups *g = r->answer->groups;

	for (; r->answer->groups_count > 0 && r->topic < g->topics_count;
	     r->topic++, r->partition = 0) {
		const struct offset_fetch_response_groups_topics *t =
			&g->topics[r->topic];
		const struct offset_fetch_response_groups_topics_partitions *p;

		if (r->partition >= t->partitions_count)
			continue;
		p = &t->partitions[r->partition++];
		*out = (struct stored){ t->name,
					p->partition_index,
					p->committed_offset,
					p->committed_leader_epoch,
					p->metadata,
					p->error_code };
		return true;
	}
	return false;
}

static bool next_stored(struct stored_reader *r, struct stored *out)
{
	return r->is_grouped ? next_grouped(r, out) : next_flat(r, out);
}

/* The code of the answer, or the first of a partition. */
static int16_t code_of(struct stored_reader r)
{
	int16_t code = WIRE_NONE;
	struct stored s;

	if (!r.is_grouped)
		code = r.answer->error_code;
	else if (r.answer->groups_count > 0)
		code = r.answer->groups->error_code;
	while (code == WIRE_NONE && next_stored(&r, &s))
		code = s.code;
	return code;
}

/* Tell the reader where what arrives starts; the rest of the answer is old. */
static void tell(struct group_member *m, struct stored_reader r,
		 struct arena *arena)
{
	struct group_position *positions =
		calloc(m->arriving.count + 1, sizeof(*positions));
	struct partition_set all = { 0 };
	size_t count = 0;
	struct stored s;

	if (positions == NULL) {
		group_no_memory(m);
		return;
	}
	for (size_t i = 0; i < m->arriving.count; i++)
		positions[count++] =
			(struct group_position){ m->arriving.items[i], -1, -1,
						 "" };
	while (next_stored(&r, &s)) {
		for (size_t i = 0; i < count; i++) {
			const char *text;

			if (positions[i].partition.partition != s.partition ||
			    !slice_is(s.topic, positions[i].partition.topic))
				continue;
			text = arena_text(arena, s.metadata);
			positions[i].offset = s.offset;
			positions[i].leader_epoch = s.leader_epoch;
			positions[i].metadata = text == NULL ? "" : text;
			break;
		}
	}
	partition_set_union(&m->told, &m->arriving, &all);
	partition_set_move(&all, &m->told);
	all = m->arriving;
	m->arriving = (struct partition_set){ 0 };
	m->handler.on_assigned(m->handler.arg, positions, count);
	partition_set_clear(&all);
	free(positions);
}

static void take_refusal(struct group_member *m, int16_t code)
{
	int64_t now = loop_now_ms(m->loop);

	group_take_code(m, code, "OffsetFetch");
	member_refused(&m->core, code, now);
	if (wire_error_is_retriable(code) || code == WIRE_STALE_MEMBER_EPOCH ||
	    code == WIRE_UNKNOWN_MEMBER_ID)
		ask_again(m, m->config->retry_backoff_ms);
	else
		member_fail_code(&m->core, code, NULL);
}

static void on_fetched(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	const struct client_error *error = client_request_error(request);
	struct stored_reader r = { 0 };
	int16_t code;

	assert(request == m->offset_request);
	m->offset_request = NULL;
	if (error->kind == CLIENT_OK) {
		r.answer = client_request_answer(request);
		r.is_grouped =
			client_request_version(request) >= VERSION_GROUPS;
		code = code_of(r);
		if (code == WIRE_NONE) {
			group_take_code(m, code, "OffsetFetch");
			tell(m, r, client_request_arena(request));
		} else {
			take_refusal(m, code);
		}
	} else if (error->kind == CLIENT_UNREACHABLE) {
		group_note_failure(m, error);
		ask_again(m, m->config->retry_backoff_ms);
	} else {
		member_fail(&m->core, error);
	}
	client_request_free(request);
	group_pump(m);
}

/*
 * The question, in both forms: the version says which one is sent
 */

static int put_topics(struct offset_fetch_request *q,
		      const struct partition_set *set, struct arena *arena)
{
	struct offset_fetch_request_groups *g = q->groups;

	q->topics = wire_array(&offset_fetch_request_topics_desc, arena,
			       (int32_t)set->count);
	g->topics = wire_array(&offset_fetch_request_groups_topics_desc, arena,
			       (int32_t)set->count);
	if (q->topics == NULL || g->topics == NULL)
		return -ENOMEM;
	q->topics_count = 0;
	g->topics_count = 0;
	for (size_t i = 0; i < set->count;) {
		size_t run = partition_set_run(set, i);
		int32_t *partitions = arena_calloc(arena, run, sizeof(int32_t));
		int32_t t = q->topics_count++;

		if (partitions == NULL)
			return -ENOMEM;
		g->topics_count++;
		q->topics[t].name = slice_of(set->items[i].topic);
		g->topics[t].name = q->topics[t].name;
		q->topics[t].partition_indexes = partitions;
		g->topics[t].partition_indexes = partitions;
		q->topics[t].partition_indexes_count = (int32_t)run;
		g->topics[t].partition_indexes_count = (int32_t)run;
		for (size_t k = 0; k < run; k++)
			partitions[k] = set->items[i + k].partition;
		i += run;
	}
	return 0;
}

static int fill(const struct group_member *m, struct offset_fetch_request *q,
		struct arena *arena)
{
	q->groups = wire_array(&offset_fetch_request_groups_desc, arena, 1);
	if (q->groups == NULL)
		return -ENOMEM;
	q->groups_count = 1;
	q->group_id = slice_of(m->config->group_id);
	q->groups->group_id = q->group_id;
	if (m->core.protocol == &member_consumer) {
		q->groups->member_id = slice_of(m->core.member_id);
		q->groups->member_epoch = m->core.generation;
	}
	q->require_stable = m->config->read_committed;
	return put_topics(q, &m->arriving, arena);
}

void group_offsets_pump(struct group_member *m, int64_t now)
{
	struct client_request *r;

	if (now < m->offsets_due_ms || m->offset_request != NULL)
		return;
	/* The core looks for the coordinator, or joins: then it goes on. */
	if (m->arriving.count == 0 || !m->core.has_coordinator ||
	    m->core.phase != MEMBER_STABLE) {
		m->offsets_due_ms = m->arriving.count == 0
					    ? INT64_MAX
					    : now + m->config->retry_backoff_ms;
		return;
	}
	m->offsets_due_ms = INT64_MAX;
	r = client_request_new(m->client, API_OFFSET_FETCH);
	if (r == NULL ||
	    fill(m, client_request_message(r), client_request_arena(r)) < 0) {
		client_request_free(r);
		group_no_memory(m);
		return;
	}
	client_request_limit_versions(r, 1, VERSION_MAX);
	m->offset_request = r;
	client_send(r, m->coordinator, group_timeout_ms(m), on_fetched, m);
}
