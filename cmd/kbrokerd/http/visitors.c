/*
 * visitors.c - how many HTTP connections there are, and for how long
 *
 * evhttp frees a bufferevent by taking its callbacks away and giving back its
 * reference: ours is then the last one.
 */
#include "kbrokerd/http/visitors.h"

#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>

struct visitor {
	struct bufferevent *bev; /* NULL: free */
	int64_t since_ms;        /* 0: not seen by a sweep yet */
	bool has_asked;
};

struct visitors {
	struct event_base *base;
	void (*set_accepting)(void *arg, bool on);
	void *arg;
	bool accepting;
	size_t count;
	/* One more: it came while accepting was being stopped. */
	struct visitor items[VISITORS_MAX * 2];
};

struct visitors *visitors_new(struct event_base *base,
			      void (*set_accepting)(void *arg, bool on),
			      void *arg)
{
	struct visitors *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->base = base;
	v->set_accepting = set_accepting;
	v->arg = arg;
	v->accepting = true;
	return v;
}

static void forget(struct visitors *v, struct visitor *item)
{
	bufferevent_decref(item->bev);
	*item = (struct visitor){ 0 };
	v->count--;
}

void visitors_free(struct visitors *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < VISITORS_MAX * 2; i++) {
		if (v->items[i].bev != NULL)
			forget(v, &v->items[i]);
	}
	free(v);
}

static bool has_ended(const struct visitor *item)
{
	bufferevent_data_cb on_read;
	bufferevent_data_cb on_write;
	bufferevent_event_cb on_event;

	bufferevent_getcb(item->bev, &on_read, &on_write, &on_event, NULL);
	return on_read == NULL && on_write == NULL && on_event == NULL;
}

static void accept_or_not(struct visitors *v)
{
	bool on = v->count < VISITORS_MAX;

	if (on == v->accepting)
		return;
	v->accepting = on;
	v->set_accepting(v->arg, on);
}

struct bufferevent *visitors_connect(struct event_base *base, void *visitors)
{
	struct visitors *v = visitors;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);

	if (bev == NULL)
		return NULL;
	for (size_t i = 0; i < VISITORS_MAX * 2; i++) {
		if (v->items[i].bev != NULL)
			continue;
		bufferevent_incref(bev);
		v->items[i] = (struct visitor){ .bev = bev };
		v->count++;
		break;
	}
	accept_or_not(v);
	return bev;
}

void visitors_note(struct visitors *v, struct bufferevent *bev, int64_t now_ms)
{
	for (size_t i = 0; i < VISITORS_MAX * 2; i++) {
		if (v->items[i].bev != bev)
			continue;
		v->items[i].since_ms = now_ms;
		v->items[i].has_asked = true;
	}
}

/* evhttp sees the end of the connection, and frees it. */
static void hang_up(struct visitor *item)
{
	evutil_socket_t fd = bufferevent_getfd(item->bev);

	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
}

static void look_at(struct visitors *v, struct visitor *item, int64_t now_ms)
{
	int64_t max = item->has_asked ? VISITOR_MS_MAX : VISITOR_FIRST_MS_MAX;

	if (has_ended(item)) {
		forget(v, item);
		return;
	}
	if (item->since_ms == 0)
		item->since_ms = now_ms;
	if (now_ms - item->since_ms > max)
		hang_up(item);
}

void visitors_sweep(struct visitors *v, int64_t now_ms)
{
	for (size_t i = 0; i < VISITORS_MAX * 2; i++) {
		if (v->items[i].bev != NULL)
			look_at(v, &v->items[i], now_ms);
	}
	accept_or_not(v);
}
