/*
 * group_commit.c - how far the group is: stored
 *
 * Commits go one after the other, in the order in which they were asked for.
 * One is sent while the member has an assignment and no JoinGroup is under
 * way; the core in turn joins and leaves only when none is left to be sent.
 * What is not the member's own any more when its turn comes is not sent.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/group_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { VERSION_MAX = 9 }; /* 10 names topics by id */

struct group_commit_call {
	struct arena arena; /* of the texts */
	struct group_commit_item *items;
	size_t count;
	void (*on_done)(void *arg, const struct group_commit_item *items,
			size_t count, const struct client_error *error);
	void *arg;
	/* A rebalance is under way: wait for another generation than this. */
	int32_t held_in; /* -1: not held */
	TAILQ_ENTRY(group_commit_call) next;
};

static void call_free(struct group_commit_call *call)
{
	if (call == NULL)
		return;
	arena_clear(&call->arena);
	free(call->items);
	free(call);
}

static int copy_items(struct group_commit_call *call,
		      const struct group_commit_item *items)
{
	for (size_t i = 0; i < call->count; i++) {
		struct group_commit_item *to = &call->items[i];
		struct slice metadata = slice_of(
			items[i].metadata == NULL ? "" : items[i].metadata);

		*to = items[i];
		to->code = WIRE_NONE;
		to->topic = i > 0 && strcmp(items[i].topic,
					    call->items[i - 1].topic) == 0
				    ? call->items[i - 1].topic
				    : arena_text(&call->arena,
						 slice_of(items[i].topic));
		to->metadata = arena_text(&call->arena, metadata);
		if (to->topic == NULL || to->metadata == NULL)
			return -ENOMEM;
	}
	return 0;
}

int group_commit(struct group_member *member,
		 const struct group_commit_item *items, size_t count,
		 void (*on_done)(void *arg,
				 const struct group_commit_item *items,
				 size_t count,
				 const struct client_error *error),
		 void *arg)
{
	struct group_commit_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return -ENOMEM;
	call->items = calloc(count + 1, sizeof(*call->items));
	call->count = count;
	call->on_done = on_done;
	call->arg = arg;
	call->held_in = -1;
	if (call->items == NULL || copy_items(call, items) < 0) {
		call_free(call);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&member->commits, call, next);
	member->commit_count++;
	member->core.is_committing = true;
	loop_timer_set(member->timer, 0);
	return 0;
}

size_t group_commits_waiting(const struct group_member *member)
{
	return member->commit_count;
}

/*
 * The end of one
 */

static void tell(struct group_member *m, const struct group_commit_call *call)
{
	struct client_error error;
	char subject[320];

	if (call->on_done == NULL)
		return;
	for (size_t i = 0; i < call->count; i++) {
		const struct group_commit_item *item = &call->items[i];

		if (item->code == WIRE_NONE)
			continue;
		snprintf(subject, sizeof(subject),
			 "group '%s': commit of topic '%s' partition %d",
			 m->config->group_id, item->topic, item->partition);
		client_error_from_code(&error, item->code, subject, NULL);
		call->on_done(call->arg, call->items, call->count, &error);
		return;
	}
	call->on_done(call->arg, call->items, call->count, NULL);
}

static void finish(struct group_member *m, struct group_commit_call *call)
{
	TAILQ_REMOVE(&m->commits, call, next);
	m->commit_count--;
	tell(m, call);
	call_free(call);
}

static void set_code(struct group_commit_call *call, int16_t code)
{
	for (size_t i = 0; i < call->count; i++) {
		if (call->items[i].code == WIRE_NONE)
			call->items[i].code = code;
	}
}

void group_commits_end(struct group_member *m, bool is_told)
{
	struct group_commit_call *call;

	client_request_free(m->commit_request);
	m->commit_request = NULL;
	while ((call = TAILQ_FIRST(&m->commits)) != NULL) {
		if (is_told) {
			set_code(call, WIRE_UNKNOWN_MEMBER_ID);
			finish(m, call);
			continue;
		}
		TAILQ_REMOVE(&m->commits, call, next);
		m->commit_count--;
		call_free(call);
	}
}

/*
 * The answer
 */

static int16_t not_ours(const struct group_member *m)
{
	return m->core.protocol == &member_consumer ? WIRE_STALE_MEMBER_EPOCH
						    : WIRE_ILLEGAL_GENERATION;
}

static struct group_commit_item *item_of(struct group_commit_call *call,
					 struct slice topic, int32_t partition,
					 size_t *hint)
{
	for (size_t k = 0; k < call->count; k++) {
		size_t i = (*hint + k) % call->count;

		if (call->items[i].partition == partition &&
		    slice_is(topic, call->items[i].topic)) {
			*hint = i + 1;
			return &call->items[i];
		}
	}
	return NULL;
}

/* Codes for which the same is sent once more. */
static bool is_passing(int16_t code)
{
	switch (code) {
	case WIRE_NOT_COORDINATOR:
	case WIRE_COORDINATOR_NOT_AVAILABLE:
	case WIRE_COORDINATOR_LOAD_IN_PROGRESS:
	case WIRE_REBALANCE_IN_PROGRESS:
	case WIRE_STALE_MEMBER_EPOCH:
	case WIRE_REQUEST_TIMED_OUT:
		return true;
	default:
		return false;
	}
}

/* Returns the code that asks for another try, or WIRE_NONE. */
static int16_t take_codes(struct group_member *m,
			  struct group_commit_call *call,
			  const struct offset_commit_response *r)
{
	int16_t passing = WIRE_NONE;
	int64_t now = loop_now_ms(m->loop);
	size_t hint = 0;

	for (int32_t t = 0; t < r->topics_count; t++) {
		const struct offset_commit_response_topics *topic =
			&r->topics[t];

		for (int32_t p = 0; p < topic->partitions_count; p++) {
			int16_t code = topic->partitions[p].error_code;
			struct group_commit_item *item = item_of(
				call, topic->name,
				topic->partitions[p].partition_index, &hint);

			if (item == NULL || code == WIRE_NONE)
				continue;
			member_refused(&m->core, code, now);
			if (is_passing(code))
				passing = code;
			else
				item->code = code;
		}
	}
	return passing;
}

static void retry(struct group_member *m, struct group_commit_call *call,
		  int16_t code)
{
	group_take_code(m, code, "OffsetCommit");
	if (code == WIRE_REBALANCE_IN_PROGRESS)
		call->held_in = m->core.generation;
	m->commit_due_ms = loop_now_ms(m->loop) + m->config->retry_backoff_ms;
}

static void on_committed(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	struct group_commit_call *call = TAILQ_FIRST(&m->commits);
	const struct client_error *error = client_request_error(request);
	int16_t passing;

	assert(request == m->commit_request && call != NULL);
	m->commit_request = NULL;
	if (error->kind == CLIENT_UNREACHABLE) {
		group_note_failure(m, error);
		m->commit_due_ms =
			loop_now_ms(m->loop) + m->config->retry_backoff_ms;
		member_refused(&m->core, WIRE_COORDINATOR_NOT_AVAILABLE,
			       loop_now_ms(m->loop));
		m->needs_nodes = true;
	} else if (error->kind != CLIENT_OK) {
		member_fail(&m->core, error);
		set_code(call, WIRE_UNKNOWN_SERVER_ERROR);
		finish(m, call);
	} else {
		passing = take_codes(m, call, client_request_answer(request));
		if (passing != WIRE_NONE) {
			retry(m, call, passing);
		} else {
			m->failing_since_ms = -1;
			finish(m, call);
		}
	}
	client_request_free(request);
	group_pump(m);
}

/*
 * The question
 */

/* Leave out what is not ours; how many are left? */
static size_t check_items(const struct group_member *m,
			  struct group_commit_call *call)
{
	size_t left = 0;

	for (size_t i = 0; i < call->count; i++) {
		struct group_commit_item *item = &call->items[i];

		if (item->code == WIRE_NONE &&
		    !partition_set_has(&m->core.owned, item->topic,
				       item->partition))
			item->code = not_ours(m);
		left += item->code == WIRE_NONE;
	}
	return left;
}

/* How many items from i on are of one topic? */
static size_t run_of(const struct group_commit_call *call, size_t i)
{
	size_t end = i + 1;

	while (end < call->count &&
	       strcmp(call->items[end].topic, call->items[i].topic) == 0)
		end++;
	return end - i;
}

static int fill(const struct group_member *m,
		const struct group_commit_call *call,
		struct offset_commit_request *q, struct arena *arena)
{
	struct offset_commit_request_topics *t = NULL;
	struct offset_commit_request_topics_partitions *p;

	q->group_id = slice_of(m->config->group_id);
	q->generation_id_or_member_epoch = m->core.generation;
	q->member_id = slice_of(m->core.member_id);
	q->group_instance_id = slice_of(m->core.instance_id);
	q->topics = wire_array(&offset_commit_request_topics_desc, arena,
			       (int32_t)call->count);
	if (q->topics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < call->count; i++) {
		const struct group_commit_item *item = &call->items[i];

		if (item->code != WIRE_NONE)
			continue;
		if (t == NULL || !slice_is(t->name, item->topic)) {
			t = &q->topics[q->topics_count++];
			t->name = slice_of(item->topic);
			t->partitions = wire_array(
				&offset_commit_request_topics_partitions_desc,
				arena, (int32_t)run_of(call, i));
			if (t->partitions == NULL)
				return -ENOMEM;
		}
		p = &t->partitions[t->partitions_count++];
		p->partition_index = item->partition;
		p->committed_offset = item->offset;
		p->committed_leader_epoch = item->leader_epoch;
		p->committed_metadata = slice_of(item->metadata);
	}
	return 0;
}

static void send(struct group_member *m, const struct group_commit_call *call)
{
	struct client_request *r =
		client_request_new(m->client, API_OFFSET_COMMIT);

	if (r == NULL || fill(m, call, client_request_message(r),
			      client_request_arena(r)) < 0) {
		client_request_free(r);
		group_no_memory(m);
		return;
	}
	/* Members of consumer groups came with version 9. */
	client_request_limit_versions(
		r, m->core.protocol == &member_consumer ? VERSION_MAX : 2,
		VERSION_MAX);
	m->commit_request = r;
	client_send(r, m->coordinator, group_timeout_ms(m), on_committed, m);
}

static bool is_joining(const struct member_core *core)
{
	return core->phase != MEMBER_STABLE || core->in_flight == MEMBER_JOIN ||
	       core->in_flight == MEMBER_SYNC || core->in_flight == MEMBER_PLAN;
}

static bool is_held(const struct group_member *m,
		    const struct group_commit_call *call)
{
	return call->held_in >= 0 && call->held_in == m->core.generation;
}

void group_commits_pump(struct group_member *m, int64_t now)
{
	struct group_commit_call *call;

	while ((call = TAILQ_FIRST(&m->commits)) != NULL &&
	       m->commit_request == NULL) {
		/*
		 * What is lost is lost, whatever else there is.  (What was
		 * finished before is out of the queue.)
		 */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (check_items(m, call) == 0) {
			finish(m, call);
			continue;
		}
		if (is_held(m, call) || is_joining(&m->core) ||
		    !m->core.has_coordinator ||
		    (m->commit_due_ms < INT64_MAX && now < m->commit_due_ms))
			break;
		m->commit_due_ms = INT64_MAX;
		send(m, call);
		break;
	}
	if (m->commit_due_ms <= now)
		m->commit_due_ms = INT64_MAX;
	m->core.is_committing =
		m->commit_request != NULL ||
		(call != NULL && !is_held(m, call) && !is_joining(&m->core));
}
