/*
 * throttle.c - requests and the quotas of those who ask
 *
 * What is counted where: bytes in with the answer of a Produce, bytes out by
 * the Fetch before it makes its answer, changed partitions by the controller,
 * and the time that handlers work with every answer.
 */
#include "kbrokerd/server/throttle.h"

#include <assert.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/quota/quotas.h"
#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/pending.h"
#include "kbrokerd/server/server.h"

enum { PRODUCE_KEY = 0, US_A_MS = 1000, US_A_PERCENT = 10000 };

void throttle_init(struct server *s)
{
	size_t count;
	const struct wire_api *apis = wire_apis(&count);

	for (int i = 0; i < THROTTLED_APIS; i++)
		s->throttle_offset[i] = -1;
	for (size_t i = 0; i < count; i++) {
		if (apis[i].response == NULL)
			continue;
		assert(apis[i].key >= 0 && apis[i].key < THROTTLED_APIS);
		s->throttle_offset[apis[i].key] =
			wire_desc_offset(apis[i].response, "throttle_time_ms");
	}
}

static struct quotas *quotas_of(const struct pending *p)
{
	return p->req.broker->quotas;
}

static struct quota_client client_of(const struct pending *p)
{
	return (struct quota_client){ conn_user(p->req.conn),
				      p->req.client_id };
}

static int64_t now_us(const struct pending *p)
{
	struct clock *clock = p->req.thread->server->clock;

	return clock->monotonic_us(clock);
}

/* Time at work */

void throttle_begin_work(struct pending *p)
{
	if (quotas_has(quotas_of(p), QUOTA_REQUEST))
		p->work_from_us = now_us(p);
}

void throttle_end_work(struct pending *p)
{
	if (p->work_from_us == 0)
		return;
	p->worked_us += now_us(p) - p->work_from_us;
	p->work_from_us = 0;
}

/* Once for each request: a Fetch asks before the answer is there. */
static int32_t count_work(struct pending *p)
{
	const struct quota_client client = client_of(p);
	int64_t worked_us;

	if (!quotas_has(quotas_of(p), QUOTA_REQUEST) || p->work_is_counted)
		return 0;
	throttle_end_work(p);
	worked_us = p->worked_us;
	p->work_is_counted = true;
	return quotas_record(quotas_of(p), QUOTA_REQUEST, &client,
			     (double)worked_us / US_A_PERCENT,
			     p->req.thread->now_us / US_A_MS);
}

static int32_t count_produced(struct pending *p)
{
	const struct quota_client client = client_of(p);

	if (!quotas_has(quotas_of(p), QUOTA_PRODUCE))
		return 0;
	return quotas_record(quotas_of(p), QUOTA_PRODUCE, &client,
			     p->frame_bytes, p->req.thread->now_us / US_A_MS);
}

static void at_least(int32_t *ms, int32_t other)
{
	if (*ms < other)
		*ms = other;
}

int32_t throttle_answer(struct pending *p, void *message)
{
	int16_t key = p->req.wire->key;
	int16_t offset = p->req.thread->server->throttle_offset[key];
	int32_t ms = p->throttle_ms;

	if (ms == 0 && !quotas_has_any(quotas_of(p)))
		return 0;
	if (key == PRODUCE_KEY)
		at_least(&ms, count_produced(p));
	if (message != NULL)
		at_least(&ms, count_work(p));
	if (ms > 0 && message != NULL && offset >= 0)
		*(int32_t *)((char *)message + offset) = ms;
	return ms;
}

/* For handlers (request.h) */

void request_throttle(struct request *req, int32_t ms)
{
	at_least(&pending_of(req)->throttle_ms, ms);
}

int64_t request_fetch_most(struct request *req)
{
	struct pending *p = pending_of(req);
	const struct quota_client client = client_of(p);
	double most;

	if (!quotas_has(quotas_of(p), QUOTA_FETCH))
		return INT64_MAX;
	most = quotas_most(quotas_of(p), QUOTA_FETCH, &client);
	return most < INT32_MAX ? (int64_t)most : INT64_MAX;
}

int32_t request_throttle_fetch(struct request *req, int64_t bytes)
{
	struct pending *p = pending_of(req);
	const struct quota_client client = client_of(p);
	int64_t now_ms = req->thread->now_us / US_A_MS;

	if (!quotas_has_any(quotas_of(p)))
		return 0;
	at_least(&p->throttle_ms, count_work(p));
	if (!quotas_has(quotas_of(p), QUOTA_FETCH))
		return p->throttle_ms;
	at_least(&p->throttle_ms,
		 quotas_record(quotas_of(p), QUOTA_FETCH, &client,
			       (double)bytes, now_ms));
	if (p->throttle_ms > 0) /* nothing is sent */
		quotas_take_back(quotas_of(p), QUOTA_FETCH, &client,
				 (double)bytes, now_ms);
	return p->throttle_ms;
}
