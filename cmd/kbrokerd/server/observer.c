/*
 * observer.c - who wants to know what the server does
 *
 * Whoever is not there costs nothing: a server without observers reads no
 * clock for them.
 */
#include "kbrokerd/server/observer.h"

#include <assert.h>
#include <errno.h>

#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/pending.h"
#include "kbrokerd/server/server.h"

int server_observe(struct server *s, const struct server_observer *observer)
{
	if (s->observer_count == OBSERVERS_MAX)
		return -ENOSPC;
	s->observers[s->observer_count++] = observer;
	return 0;
}

void observe_request(struct pending *p, struct slice frame)
{
	const struct server *s = p->req.thread->server;

	p->observed = s->observer_count > 0;
	for (size_t i = 0; i < s->observer_count; i++) {
		const struct server_observer *o = s->observers[i];

		if (o->on_request != NULL)
			o->on_request(o->arg, &p->req, frame);
	}
}

void observe_answer(struct pending *p, const void *message, size_t bytes)
{
	const struct server *s = p->req.thread->server;

	if (!p->observed)
		return;
	p->observed = false;
	if (p->req.answered_us == 0)
		p->req.answered_us = s->clock->monotonic_us(s->clock);
	for (size_t i = 0; i < s->observer_count; i++) {
		const struct server_observer *o = s->observers[i];

		if (o->on_answer != NULL)
			o->on_answer(o->arg, &p->req, message, bytes);
	}
}

void observe_connection(const struct conn *conn, bool open)
{
	const struct server *s = conn->thread->server;

	for (size_t i = 0; i < s->observer_count; i++) {
		const struct server_observer *o = s->observers[i];

		if (o->on_connection != NULL)
			o->on_connection(o->arg, conn, open);
	}
}

void observe_refused(const struct conn *conn, const char *why, int16_t api_key)
{
	const struct server *s = conn->thread->server;

	for (size_t i = 0; i < s->observer_count; i++) {
		const struct server_observer *o = s->observers[i];

		if (o->on_refused != NULL)
			o->on_refused(o->arg, conn, why, api_key);
	}
}
