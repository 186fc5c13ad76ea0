/*
 * group_member.c - a member of a consumer group: the shell around the core
 *
 * The core (member_core.h) says what is next; here it is done, and the reader
 * is told.  Everything happens in group_pump(), which runs from events of the
 * loop only: calls of the API set the timer, so that nobody is called from
 * within a call of his own.
 *
 * What the core calls assigned the reader hears of only once it is known where
 * to start (group_offsets.c): until then it can go again without a word.
 */
#include "client/group_member.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/group_state.h"
#include "wire/errors.h"

void group_note(struct group_member *m, const char *format, ...)
{
	char text[CLIENT_ERROR_TEXT_MAX + 100];
	va_list args;

	if (m->handler.on_note == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	m->handler.on_note(m->handler.arg, text);
}

/*
 * Failures
 */

int64_t group_timeout_ms(const struct group_member *m)
{
	int64_t ms = m->config->socket_timeout_ms;

	return m->patience_ms >= 0 && m->patience_ms < ms ? m->patience_ms : ms;
}

void group_note_failure(struct group_member *m,
			const struct client_error *error)
{
	bool is_new = m->failing_since_ms < 0;

	if (is_new)
		m->failing_since_ms = loop_now_ms(m->loop);
	m->failure = *error;
	if (is_new)
		group_note(m, "%s", error->text);
}

void group_take_code(struct group_member *m, int16_t code, const char *api)
{
	struct client_error error;
	char subject[320];

	if (code == WIRE_NONE) {
		m->failing_since_ms = -1;
		return;
	}
	snprintf(subject, sizeof(subject), "group '%s': %s",
		 m->config->group_id, api);
	client_error_from_code(&error, code, subject, NULL);
	if (error.kind == CLIENT_UNREACHABLE)
		group_note_failure(m, &error);
	else
		group_note(m, "%s", error.text);
}

void group_request_failed(struct group_member *m,
			  const struct client_error *error)
{
	if (error->kind == CLIENT_UNREACHABLE) {
		group_note_failure(m, error);
		m->needs_nodes = true;
		member_failed(&m->core, loop_now_ms(m->loop));
	} else {
		member_fail(&m->core, error);
	}
}

void group_no_memory(struct group_member *m)
{
	struct client_error error;

	client_error_set(&error, CLIENT_REFUSED, -ENOMEM, "out of memory");
	member_fail(&m->core, &error);
}

bool group_has_answer(struct group_member *m, struct client_request *request)
{
	const struct client_error *error = client_request_error(request);

	if (error->kind == CLIENT_OK)
		return true;
	group_request_failed(m, error);
	return false;
}

static void check_time(struct group_member *m, int64_t now)
{
	if (m->failing_since_ms >= 0 && m->patience_ms >= 0 &&
	    now - m->failing_since_ms >= m->patience_ms)
		member_fail(&m->core, &m->failure);
	if (now >= m->leave_by_ms)
		member_end(&m->core);
}

/*
 * Actions
 */

static void revoke(struct group_member *m)
{
	struct partition_set gone = { 0 };

	group_depart(m, &m->core.told, &gone);
	group_note(m, "group '%s': to give up %zu partitions",
		   m->config->group_id, m->core.told.count);
	if (gone.count > 0)
		m->handler.on_revoked(m->handler.arg, gone.items, gone.count);
	else
		member_revoked(&m->core);
	partition_set_clear(&gone);
}

static void lose(struct group_member *m)
{
	struct partition_set gone = { 0 };

	m->is_revoked = false;
	group_depart(m, &m->core.told, &gone);
	group_note(m, "group '%s': lost its place with %zu partitions",
		   m->config->group_id, m->core.told.count);
	if (gone.count > 0 && m->handler.on_lost != NULL)
		m->handler.on_lost(m->handler.arg, gone.items, gone.count);
	partition_set_clear(&gone);
}

static void assign(struct group_member *m)
{
	group_note(m, "group '%s': generation %d, %zu new partitions (%s)",
		   m->config->group_id, m->core.generation, m->core.told.count,
		   m->core.protocol->name);
	group_arrive(m, &m->core.told);
}

static void beat(struct group_member *m)
{
	if (m->core.protocol == &member_classic)
		group_beat_classic(m);
	else
		group_beat_consumer(m);
}

static void say_goodbye(struct group_member *m)
{
	/* A JoinGroup may wait for long: nothing goes behind it. */
	client_request_abort(m->request);
	m->request = NULL;
	group_plan_clear(&m->plan);
	if (m->core.protocol == &member_classic)
		group_leave_classic(m);
	else
		group_leave_consumer(m);
}

static void end(struct group_member *m)
{
	struct client_error error = m->core.error;

	client_request_free(m->request);
	m->request = NULL;
	client_request_free(m->offset_request);
	m->offset_request = NULL;
	group_commits_end(m, true);
	loop_timer_stop(m->timer);
	if (m->handler.on_left != NULL)
		m->handler.on_left(m->handler.arg,
				   error.kind == CLIENT_OK ? NULL : &error);
}

static void (*const actions[])(struct group_member *m) = {
	[MEMBER_FIND] = group_find,   [MEMBER_CHOOSE] = group_choose,
	[MEMBER_JOIN] = group_join,   [MEMBER_PLAN] = group_plan,
	[MEMBER_SYNC] = group_sync,   [MEMBER_BEAT] = beat,
	[MEMBER_LEAVE] = say_goodbye, [MEMBER_REVOKE] = revoke,
	[MEMBER_LOSE] = lose,         [MEMBER_ASSIGN] = assign,
	[MEMBER_END] = end,
};

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_wake(const struct group_member *m, int64_t at)
{
	if (m->failing_since_ms >= 0 && m->patience_ms >= 0)
		at = earlier(at, m->failing_since_ms + m->patience_ms);
	at = earlier(at, m->leave_by_ms);
	at = earlier(at, m->topics.due_ms);
	at = earlier(at, m->unnamed_due_ms);
	at = earlier(at, m->offsets_due_ms);
	return earlier(at, m->commit_due_ms);
}

/* What the reader committed before is still to be stored. */
static void finish_revocation(struct group_member *m)
{
	if (!m->is_revoked || m->core.is_committing)
		return;
	m->is_revoked = false;
	member_revoked(&m->core);
}

void group_pump(struct group_member *m)
{
	enum member_action action;
	int64_t now;
	int64_t at;

	do {
		now = loop_now_ms(m->loop);
		if (m->core.has_ended)
			return;
		check_time(m, now);
		group_topics_pump(m, now);
		group_names_pump(m, now);
		group_commits_pump(m, now);
		finish_revocation(m);
		group_offsets_pump(m, now);
		action = member_next(&m->core, now, &at);
		if (action != MEMBER_NOTHING)
			actions[action](m);
	} while (action != MEMBER_NOTHING);
	at = next_wake(m, at);
	if (at < INT64_MAX)
		loop_timer_set(m->timer, at > now ? at - now : 1);
}

static void on_timer(void *arg)
{
	group_pump(arg);
}

static void on_metadata(void *arg, const struct client_error *error)
{
	struct group_member *m = arg;

	if (error == NULL)
		group_plan_check(m);
	else if (m->plan.is_waiting)
		client_refresh(m->client);
	group_pump(m);
}

/*
 * Life
 */

static int take_assignor(struct group_member *m, struct slice name,
			 struct client_error *error)
{
	const struct assignor *assignor = assignor_by_name(name);

	if (assignor == NULL)
		return client_error_set(
			error, CLIENT_USAGE, -EINVAL,
			"partition.assignment.strategy: no such assignor: "
			"'%.*s'; there are %s",
			(int)name.len, name.data, assignor_names());
	for (size_t i = 0; i < m->assignor_count; i++) {
		if (m->assignors[i] == assignor)
			return 0;
	}
	m->assignors[m->assignor_count++] = assignor;
	if (!assignor->is_cooperative)
		m->core.is_eager = true;
	return 0;
}

/* "range,roundrobin"; Java's class names end with what we know. */
static int take_assignors(struct group_member *m, struct client_error *error)
{
	const char *text = m->config->assignment_strategy;
	int rc = 0;

	while (rc == 0) {
		size_t skip = strspn(text, ", ");
		size_t len = strcspn(text + skip, ", ");

		if (len == 0)
			break;
		rc = take_assignor(
			m, (struct slice){ (const uint8_t *)text + skip, len },
			error);
		text += skip + len;
	}
	if (rc == 0 && m->assignor_count == 0)
		return client_error_set(error, CLIENT_USAGE, -EINVAL,
					"partition.assignment.strategy is "
					"empty; there are %s",
					assignor_names());
	return rc;
}

static const struct member_protocol *wanted_protocol(
	const struct client_config *config)
{
	switch (config->group_protocol) {
	case GROUP_PROTOCOL_CLASSIC:
		return &member_classic;
	case GROUP_PROTOCOL_CONSUMER:
		return &member_consumer;
	default:
		return &member_undecided;
	}
}

static int init(struct group_member *m, struct client_config *config,
		const struct group_subscription *subscription,
		struct client_error *error)
{
	int rc;

	if (config->group_id[0] == '\0')
		return client_error_set(error, CLIENT_USAGE, -EINVAL,
					"no group: group.id is empty");
	if (member_core_init(&m->core, wanted_protocol(config)) < 0)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	m->core.group_id = config->group_id;
	if (config->group_instance_id[0] != '\0')
		m->core.instance_id = config->group_instance_id;
	m->core.heartbeat_interval_ms = config->heartbeat_interval_ms;
	m->core.retry_ms = config->retry_backoff_ms;
	m->core.retry_max_ms = config->retry_backoff_max_ms;
	rc = take_assignors(m, error);
	if (rc == 0)
		rc = group_topics_init(&m->topics, subscription, error);
	if (rc == 0)
		rc = client_new(m->loop, config, &m->client, error);
	if (rc < 0)
		return rc;
	client_watch(m->client, &m->watcher);
	if (loop_timer_new(m->loop, on_timer, m, &m->timer) < 0)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	loop_timer_set(m->timer, 0);
	return 0;
}

int group_member_new(struct loop *loop, struct client_config *config,
		     const struct group_subscription *subscription,
		     const struct group_handler *handler,
		     struct group_member **member_out,
		     struct client_error *error)
{
	struct group_member *m = calloc(1, sizeof(*m));
	int rc;

	assert(handler->on_assigned != NULL && handler->on_revoked != NULL);
	if (m == NULL)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	m->loop = loop;
	m->config = config;
	m->handler = *handler;
	m->watcher =
		(struct client_watcher){ .on_metadata = on_metadata, .arg = m };
	m->coordinator = -1;
	m->patience_ms = -1;
	m->failing_since_ms = -1;
	m->leave_by_ms = INT64_MAX;
	m->topics.due_ms = INT64_MAX;
	m->unnamed_due_ms = INT64_MAX;
	m->offsets_due_ms = INT64_MAX;
	m->commit_due_ms = INT64_MAX;
	TAILQ_INIT(&m->commits);
	rc = init(m, config, subscription, error);
	if (rc < 0) {
		group_member_free(m);
		return rc;
	}
	*member_out = m;
	return 0;
}

void group_member_free(struct group_member *member)
{
	if (member == NULL)
		return;
	if (member->client != NULL)
		client_unwatch(member->client, &member->watcher);
	client_request_free(member->request);
	client_request_free(member->offset_request);
	group_commits_end(member, false);
	group_plan_clear(&member->plan);
	group_topics_clear(&member->topics);
	group_names_clear(member);
	partition_set_clear(&member->arriving);
	partition_set_clear(&member->told);
	member_core_clear(&member->core);
	client_free(member->client);
	loop_timer_free(member->timer);
	free(member);
}

/*
 * Calls
 */

void group_member_set_patience(struct group_member *member, int64_t ms)
{
	member->patience_ms = ms;
}

void group_revoked(struct group_member *member)
{
	if (!member->core.is_revoking)
		return; /* it was lost meanwhile */
	member->is_revoked = true;
	loop_timer_set(member->timer, 0);
}

void group_member_leave(struct group_member *member, int64_t timeout_ms)
{
	int64_t by = loop_now_ms(member->loop) + timeout_ms;

	if (by < member->leave_by_ms)
		member->leave_by_ms = by;
	member_leave(&member->core);
	if (!member->core.has_ended)
		loop_timer_set(member->timer, 0);
}

bool group_owns(const struct group_member *member, const char *topic,
		int32_t partition)
{
	return partition_set_has(&member->told, topic, partition) &&
	       !(member->core.is_revoking &&
		 partition_set_has(&member->core.giving, topic, partition));
}

bool group_is_settled(const struct group_member *member)
{
	const struct member_core *core = &member->core;

	return core->phase == MEMBER_STABLE && !core->must_rejoin &&
	       !core->is_revoking && !core->must_lose && !core->has_news &&
	       core->giving.count == 0 && member->arriving.count == 0 &&
	       member->unnamed.count == 0 &&
	       (core->owned.count > 0 || core->beats > 0);
}

const struct client_error *group_member_trouble(
	const struct group_member *member, int64_t *since_ms_out)
{
	if (member->failing_since_ms < 0)
		return NULL;
	*since_ms_out = member->failing_since_ms;
	return &member->failure;
}

const char *group_member_id(const struct group_member *member)
{
	return member->core.member_id;
}

int32_t group_member_generation(const struct group_member *member)
{
	return member->core.generation;
}

const char *group_member_protocol(const struct group_member *member)
{
	return member->core.protocol->name;
}
