/*
 * group_call.c - requests to the group coordinator: asked, waited for,
 * answered
 *
 * Most groups answer while they are asked.  One that does not (Join, Sync)
 * does so later, on whatever thread, under its shard's lock: the request is
 * parked before that lock is let go of, and woken.  Such requests ask one
 * group only.
 */
#include "group_call.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "kbrokerd/broker.h"
#include "wire/error_codes.h"

/* What who waits for others may have asked with: it is kept meanwhile. */
enum { PARKED_BYTES_MAX = 4 << 20 };

struct group_calls;

/* One group that is asked. */
struct call {
	struct group_ask ask; /* the first member */
	struct group_calls *all;
	struct coordinator_shard *shard; /* NULL: was not asked */
	struct partition *log;           /* a reference, if it is to wait */
	struct partition_waiter waiter;
	void *spare; /* to answer with when the group never does */
	bool answered, waiting;
};

/* A request at work; in its arena. */
struct group_calls {
	struct request *req;
	const struct group_api *api;
	struct call *calls;
	int32_t count;
	int32_t waiting; /* for their logs */
	struct partition_wait_set waits;
	int64_t deadline_us; /* of that */
	bool parked;
};

/* Who asks */

/* Without printf, since each heartbeat comes through here. */
static struct slice plain_host(struct arena *arena, const char *host,
			       size_t len)
{
	uint8_t *text = arena_alloc(arena, len + 1);

	if (text == NULL)
		return SLICE_NULL;
	text[0] = '/';
	memcpy(text + 1, host, len);
	return (struct slice){ text, len + 1 };
}

/* As Java writes an address: a slash, IPv6 without abbreviation. */
static struct slice host_of(struct request *req)
{
	const char *peer = request_peer(req);
	const char *end = strrchr(peer, ':');
	struct in6_addr v6;
	char host[INET6_ADDRSTRLEN];
	int len = end == NULL ? (int)strlen(peer) : (int)(end - peer);
	uint8_t *b = v6.s6_addr;

	if (peer[0] != '[')
		return plain_host(&req->arena, peer, (size_t)len);
	snprintf(host, sizeof(host), "%.*s", len - 2, peer + 1);
	if (inet_pton(AF_INET6, host, &v6) != 1)
		return slice_of(arena_printf(&req->arena, "/%s", host));
	return slice_of(arena_printf(&req->arena, "/%x:%x:%x:%x:%x:%x:%x:%x",
				     get_be16(b), get_be16(b + 2),
				     get_be16(b + 4), get_be16(b + 6),
				     get_be16(b + 8), get_be16(b + 10),
				     get_be16(b + 12), get_be16(b + 14)));
}

/* Answers that are errors */

static void fail(const struct group_calls *all, void *answer, int16_t error)
{
	int16_t at;

	if (all->api->fail != NULL) {
		all->api->fail(answer, all->req->version, error);
		return;
	}
	at = wire_desc_offset(all->api->answer, "error_code");
	memcpy((char *)answer + at, &error, sizeof(error));
}

/* One without an error yet, or NULL. */
static void *blank(const struct group_calls *all, int32_t i)
{
	const struct group_api *api = all->api;
	void *answer =
		arena_alloc(&all->req->arena, wire_desc_size(api->answer));

	if (answer == NULL)
		return NULL;
	wire_init(api->answer, answer);
	if (api->blank != NULL && api->blank(all->req, i, answer) < 0)
		return NULL;
	return answer;
}

static void answer_error(struct call *call, int32_t i, int16_t error)
{
	call->ask.answer = blank(call->all, i);
	call->answered = true;
	if (call->ask.answer != NULL)
		fail(call->all, call->ask.answer, error);
}

/* Waiting for the log */

static void forget_log(struct call *call)
{
	partition_unwait(&call->waiter);
	partition_release(call->log);
	call->log = NULL;
	if (call->waiting)
		call->all->waiting--;
	call->waiting = false;
}

/* Is it durable, or lost?  Else it waits (on). */
static void settle(struct call *call)
{
	struct partition_offsets now;
	int rc;

	do {
		rc = partition_offsets(call->log, &now);
		if (rc < 0 || now.high_watermark > call->waiter.above)
			break;
	} while (!partition_wait(call->log, &call->waiter));
	if (rc == 0 && now.high_watermark <= call->waiter.above) {
		call->all->waiting += !call->waiting;
		call->waiting = true;
		return;
	}
	if (rc < 0 && call->ask.answer != NULL)
		fail(call->all, call->ask.answer, WIRE_NOT_COORDINATOR);
	forget_log(call);
}

static void wait_for_log(struct call *call)
{
	if (call->log == NULL)
		return;
	call->waiter.set = &call->all->waits;
	call->waiter.above = call->ask.offset - 1;
	settle(call);
}

/* Answering */

static void clear(struct group_calls *all)
{
	for (int32_t i = 0; i < all->count; i++)
		forget_log(&all->calls[i]);
	partition_wait_set_clear(&all->waits);
}

static void reply(struct group_calls *all)
{
	struct request *req = all->req;
	void **answers =
		arena_alloc(&req->arena, (size_t)all->count * sizeof(*answers));
	void *response = NULL;
	bool complete = answers != NULL;

	clear(all);
	for (int32_t i = 0; complete && i < all->count; i++) {
		answers[i] = all->calls[i].ask.answer;
		complete = answers[i] != NULL;
	}
	if (complete && all->api->join != NULL)
		response = all->api->join(req, answers, all->count);
	else if (complete)
		response = answers[0];
	if (response == NULL)
		request_close(req, "out of memory");
	else
		request_reply(req, response);
}

static bool has_unanswered(const struct group_calls *all)
{
	for (int32_t i = 0; i < all->count; i++) {
		if (!all->calls[i].answered)
			return true;
	}
	return false;
}

/* While parked */

static void on_ready(void *arg)
{
	request_wake(arg);
}

static void wait_or_reply(struct group_calls *all)
{
	if (has_unanswered(all))
		request_park(all->req, INT64_MAX);
	else if (all->waiting > 0)
		request_park(all->req, all->deadline_us);
	else
		reply(all);
}

/* How long an answer waits for its log. */
static int64_t commit_deadline_us(const struct request *req)
{
	return request_now_us(req) +
	       config_int(req->broker->config, "offsets.commit.timeout.ms") *
		       1000;
}

static void on_wake(struct request *req)
{
	struct group_calls *all = req->state;
	struct partition_waiter *w;

	while ((w = partition_wait_set_take(&all->waits)) != NULL)
		settle((struct call *)((char *)w -
				       offsetof(struct call, waiter)));
	for (int32_t i = 0; i < all->count; i++) {
		struct call *call = &all->calls[i];

		if (!call->answered || call->log == NULL || call->waiting)
			continue;
		/* It was answered just now: its time begins. */
		all->deadline_us = commit_deadline_us(req);
		wait_for_log(call);
	}
	wait_or_reply(all);
}

/* Whoever still waits is answered so; also at once when the broker stops. */
static void on_deadline(struct request *req)
{
	struct group_calls *all = req->state;

	for (int32_t i = 0; i < all->count; i++) {
		struct call *call = &all->calls[i];

		if (call->shard != NULL)
			coordinator_drop(call->shard, &call->ask);
		if (!call->answered) {
			call->ask.answer = call->spare;
			call->answered = true;
			if (call->spare != NULL)
				fail(all, call->spare, WIRE_NOT_COORDINATOR);
		} else if (call->log != NULL && call->ask.answer != NULL) {
			fail(all, call->ask.answer,
			     WIRE_COORDINATOR_NOT_AVAILABLE);
		}
	}
	reply(all);
}

static void on_drop(struct request *req)
{
	struct group_calls *all = req->state;

	for (int32_t i = 0; i < all->count; i++) {
		if (all->calls[i].shard != NULL)
			coordinator_drop(all->calls[i].shard,
					 &all->calls[i].ask);
	}
	clear(all);
}

static void park(struct group_calls *all, int64_t deadline_us)
{
	struct request *req = all->req;

	all->parked = true;
	req->state = all;
	req->on_wake = on_wake;
	req->on_deadline = on_deadline;
	req->on_drop = on_drop;
	request_park(req, deadline_us);
}

/* Asking */

/* Under the shard's lock, on whatever thread. */
static void on_answer(struct group_ask *ask)
{
	struct call *call = (struct call *)ask;

	call->answered = true;
	if (ask->offset > 0)
		call->log = coordinator_log(call->shard);
	if (call->all->parked)
		request_wake(call->all->req);
}

static void ask(struct call *call, int32_t i)
{
	struct group_calls *all = call->all;
	struct request *req = all->req;
	const struct group_api *api = all->api;
	struct coordinator *c = req->broker->coordinator;
	struct coordinator_shard *shard;
	int16_t error = WIRE_NONE;

	if (api->check != NULL)
		error = api->check(req, i);
	if (error == WIRE_NONE && api->group_of != NULL)
		error = coordinator_enter(c, api->group_of(req, i), &shard);
	else if (error == WIRE_NONE)
		error = coordinator_enter_at(c, (size_t)i, &shard);
	if (error != WIRE_NONE) {
		answer_error(call, i, error);
		return;
	}
	call->shard = shard;
	api->run(coordinator_core(shard), &call->ask, req->message, i);
	if (!call->answered && req->arena.total > PARKED_BYTES_MAX) {
		group_ask_drop(&call->ask);
		answer_error(call, i, WIRE_INVALID_REQUEST);
	}
	if (!call->answered) {
		call->spare = blank(all, i);
		park(all, INT64_MAX);
	}
	coordinator_leave(shard);
}

static int init_calls(struct group_calls *all)
{
	struct request *req = all->req;
	struct slice client_id =
		slice_is_null(req->client_id)
			? slice_of("")
			: arena_copy(&req->arena, req->client_id);
	struct slice client_host = host_of(req);

	all->calls = arena_calloc(&req->arena, (size_t)all->count,
				  sizeof(*all->calls));
	if (all->calls == NULL || slice_is_null(client_id) ||
	    slice_is_null(client_host))
		return -ENOMEM;
	for (int32_t i = 0; i < all->count; i++) {
		all->calls[i].all = all;
		all->calls[i].ask = (struct group_ask){
			.arena = &req->arena,
			.client_id = client_id,
			.client_host = client_host,
			.version = req->version,
			.on_answer = on_answer,
		};
	}
	return 0;
}

/* Those that have answered wait for their logs; who still has to answer is
 * parked already. */
static void wait_for_logs(struct group_calls *all)
{
	struct request *req = all->req;

	if (all->parked) {
		all->deadline_us = commit_deadline_us(req);
		partition_wait_set_listen(&all->waits, on_ready, req);
		return;
	}
	for (int32_t i = 0; i < all->count; i++)
		wait_for_log(&all->calls[i]);
	if (all->waiting == 0) {
		reply(all);
		return;
	}
	all->deadline_us = commit_deadline_us(req);
	park(all, all->deadline_us);
	partition_wait_set_listen(&all->waits, on_ready, req);
}

void group_call(struct request *req, const struct group_api *api)
{
	struct group_calls *all = arena_calloc(&req->arena, 1, sizeof(*all));

	if (all == NULL) {
		request_close(req, "out of memory");
		return;
	}
	all->req = req;
	all->api = api;
	all->count = api->group_of == NULL ? (int32_t)coordinator_shard_count(
						     req->broker->coordinator)
		     : api->count == NULL ? 1
					  : api->count(req);
	partition_wait_set_init(&all->waits);
	if (init_calls(all) < 0) {
		partition_wait_set_clear(&all->waits);
		request_close(req, "out of memory");
		return;
	}
	for (int32_t i = 0; i < all->count; i++)
		ask(&all->calls[i], i);
	wait_for_logs(all);
}
