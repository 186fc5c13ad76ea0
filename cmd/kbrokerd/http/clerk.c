/*
 * clerk.c - the thread that makes the pages which take time
 *
 * Two locks: one for the queues, held for a moment; the other while a page is
 * made, or numbers are sampled, and while the phase changes, so that nobody
 * reads what is being taken apart.
 */
#include "kbrokerd/http/clerk.h"

#include <pthread.h>
#include <stdlib.h>

#include "kbrokerd/http/pages.h"
#include "kbrokerd/metrics/metrics.h"

enum { STACK_BYTES = 512 << 10 };

TAILQ_HEAD(visit_queue, visit);

struct clerk {
	void (*ring)(void *arg);
	void *arg;
	pthread_t id;
	bool started;

	pthread_mutex_t lock; /* of the queues */
	pthread_cond_t wanted;
	struct visit_queue waiting, done;
	bool sample, stopping;

	pthread_mutex_t desk; /* of what is done with these */
	enum http_phase phase;
	struct metrics *metrics;
};

/* Work */

static void sample(struct clerk *c)
{
	pthread_mutex_lock(&c->desk);
	if (c->phase == HTTP_SERVING)
		metrics_sample(c->metrics);
	pthread_mutex_unlock(&c->desk);
}

static void answer(struct clerk *c, struct visit *v)
{
	pthread_mutex_lock(&c->desk);
	v->phase = c->phase;
	if (c->phase == HTTP_SERVING || c->phase == HTTP_STOPPING)
		v->metrics = c->metrics;
	page_answer(v);
	pthread_mutex_unlock(&c->desk);
	pthread_mutex_lock(&c->lock);
	TAILQ_INSERT_TAIL(&c->done, v, link);
	pthread_mutex_unlock(&c->lock);
	c->ring(c->arg);
}

/* What there is to do now: a visit, or NULL; false: to end. */
static bool next(struct clerk *c, struct visit **visit_out, bool *sample_out)
{
	pthread_mutex_lock(&c->lock);
	while (TAILQ_EMPTY(&c->waiting) && !c->sample && !c->stopping)
		pthread_cond_wait(&c->wanted, &c->lock);
	*visit_out = TAILQ_FIRST(&c->waiting);
	if (*visit_out != NULL)
		TAILQ_REMOVE(&c->waiting, *visit_out, link);
	*sample_out = c->sample;
	c->sample = false;
	pthread_mutex_unlock(&c->lock);
	return *visit_out != NULL || *sample_out;
}

static void *run(void *arg)
{
	struct clerk *c = arg;
	struct visit *v;
	bool is_time;

	pthread_setname_np(pthread_self(), "http-pages");
	while (next(c, &v, &is_time)) {
		if (is_time)
			sample(c);
		if (v != NULL)
			answer(c, v);
	}
	return NULL;
}

/* What the HTTP thread asks of it */

void clerk_take(struct clerk *c, struct visit *v)
{
	pthread_mutex_lock(&c->lock);
	TAILQ_INSERT_TAIL(&c->waiting, v, link);
	pthread_cond_signal(&c->wanted);
	pthread_mutex_unlock(&c->lock);
}

struct visit *clerk_done(struct clerk *c)
{
	struct visit *v;

	pthread_mutex_lock(&c->lock);
	v = TAILQ_FIRST(&c->done);
	if (v != NULL)
		TAILQ_REMOVE(&c->done, v, link);
	pthread_mutex_unlock(&c->lock);
	return v;
}

void clerk_sample(struct clerk *c)
{
	pthread_mutex_lock(&c->lock);
	c->sample = true;
	pthread_cond_signal(&c->wanted);
	pthread_mutex_unlock(&c->lock);
}

void clerk_enter(struct clerk *c, enum http_phase phase,
		 struct metrics *metrics)
{
	pthread_mutex_lock(&c->desk);
	c->phase = phase;
	if (phase == HTTP_SERVING)
		c->metrics = metrics;
	if (phase == HTTP_OVER)
		c->metrics = NULL;
	pthread_mutex_unlock(&c->desk);
}

/* Life */

struct clerk *clerk_new(void (*ring)(void *arg), void *arg)
{
	struct clerk *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->ring = ring;
	c->arg = arg;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->desk, NULL);
	pthread_cond_init(&c->wanted, NULL);
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->done);
	return c;
}

int clerk_start(struct clerk *c)
{
	pthread_attr_t attributes;
	int rc;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	rc = pthread_create(&c->id, &attributes, run, c);
	pthread_attr_destroy(&attributes);
	c->started = rc == 0;
	return -rc;
}

static void drop_all(struct visit_queue *queue)
{
	struct visit *v;

	while ((v = TAILQ_FIRST(queue)) != NULL) {
		TAILQ_REMOVE(queue, v, link);
		visit_free(v);
	}
}

void clerk_stop(struct clerk *c)
{
	if (c == NULL || !c->started)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	c->sample = false;
	pthread_cond_signal(&c->wanted);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->id, NULL);
	c->started = false;
}

void clerk_free(struct clerk *c)
{
	if (c == NULL)
		return;
	clerk_stop(c);
	drop_all(&c->waiting);
	drop_all(&c->done);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->desk);
	pthread_cond_destroy(&c->wanted);
	free(c);
}
