/*
 * loop.c - the event loop of the tools
 *
 * A thin coat over libevent: one base without locks, one struct event for each
 * thing that is waited for.  An event may be freed in its own callback, which
 * libevent allows as long as nothing is touched afterwards.
 */
#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/clock.h"

struct loop {
	struct event_base *base;
	struct event *limit; /* of loop_run_once() */
};

struct loop_watch {
	struct event *event;
	struct event_base *base;
	int fd;
	unsigned events; /* watched for now */
	void (*on_ready)(void *arg, unsigned events);
	void *arg;
};

struct loop_timer {
	struct event *event;
	void (*on_timer)(void *arg);
	void *arg;
};

struct loop_signal {
	struct event *event;
	void (*on_signal)(void *arg);
	void *arg;
};

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* A library does not print; every failure is returned as well. */
static void on_log(int severity, const char *text)
{
	(void)severity;
	(void)text;
}

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config == NULL)
		return NULL;
	if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

int loop_new(struct loop **loop_out)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return -ENOMEM;
	event_set_log_callback(on_log);
	errno = 0;
	loop->base = base_new();
	if (loop->base != NULL)
		loop->limit = evtimer_new(loop->base, on_limit, NULL);
	if (loop->limit == NULL) {
		int rc = errno == EMFILE ? -EMFILE : -ENOMEM;

		loop_free(loop);
		return rc;
	}
	*loop_out = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	if (loop->limit != NULL)
		event_free(loop->limit);
	if (loop->base != NULL)
		event_base_free(loop->base);
	free(loop);
}

int loop_run(struct loop *loop)
{
	/* Without anything to wait for there would be no return for ever. */
	return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -EIO
									: 0;
}

static struct timeval timeval_of(int64_t ms)
{
	return (struct timeval){ .tv_sec = (time_t)(ms / 1000),
				 .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
}

int loop_run_once(struct loop *loop, int64_t timeout_ms)
{
	struct timeval tv = timeval_of(timeout_ms < 0 ? 0 : timeout_ms);
	int rc;

	if (timeout_ms == 0)
		return event_base_loop(loop->base, EVLOOP_NONBLOCK) < 0 ? -EIO
									: 0;
	if (timeout_ms > 0 && evtimer_add(loop->limit, &tv) < 0)
		return -EIO;
	rc = event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
	if (timeout_ms > 0)
		evtimer_del(loop->limit);
	return rc < 0 ? -EIO : 0;
}

void loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

bool loop_was_stopped(const struct loop *loop)
{
	return event_base_got_break(loop->base);
}

int64_t loop_now_ms(const struct loop *loop)
{
	(void)loop;
	return clock_system()->monotonic_us(clock_system()) / 1000;
}

static void on_watch_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *watch = arg;
	unsigned events = 0;

	(void)fd;
	if (what & EV_READ)
		events |= LOOP_READ;
	if (what & EV_WRITE)
		events |= LOOP_WRITE;
	watch->on_ready(watch->arg, events);
}

int loop_watch_new(struct loop *loop, int fd,
		   void (*on_ready)(void *arg, unsigned events), void *arg,
		   struct loop_watch **watch_out)
{
	struct loop_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return -ENOMEM;
	watch->base = loop->base;
	watch->fd = fd;
	watch->on_ready = on_ready;
	watch->arg = arg;
	watch->event = event_new(loop->base, fd, 0, on_watch_event, watch);
	if (watch->event == NULL) {
		free(watch);
		return -ENOMEM;
	}
	*watch_out = watch;
	return 0;
}

int loop_watch_set(struct loop_watch *watch, unsigned events)
{
	short what = EV_PERSIST;

	if (events == watch->events)
		return 0;
	event_del(watch->event);
	watch->events = 0;
	if (events == 0)
		return 0;
	if (events & LOOP_READ)
		what |= EV_READ;
	if (events & LOOP_WRITE)
		what |= EV_WRITE;
	event_assign(watch->event, watch->base, watch->fd, what, on_watch_event,
		     watch);
	errno = 0;
	if (event_add(watch->event, NULL) < 0)
		return errno == EPERM ? -EPERM : -ENOMEM;
	watch->events = events;
	return 0;
}

void loop_watch_free(struct loop_watch *watch)
{
	if (watch == NULL)
		return;
	event_free(watch->event);
	free(watch);
}

static void on_timer_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *timer = arg;

	(void)fd;
	(void)what;
	timer->on_timer(timer->arg);
}

int loop_timer_new(struct loop *loop, void (*on_timer)(void *arg), void *arg,
		   struct loop_timer **timer_out)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL)
		return -ENOMEM;
	timer->on_timer = on_timer;
	timer->arg = arg;
	timer->event = evtimer_new(loop->base, on_timer_event, timer);
	if (timer->event == NULL) {
		free(timer);
		return -ENOMEM;
	}
	*timer_out = timer;
	return 0;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
	struct timeval tv = timeval_of(ms < 0 ? 0 : ms);

	/* Fails on no memory for the heap; then it is tried as active. */
	if (evtimer_add(timer->event, &tv) < 0)
		event_active(timer->event, EV_TIMEOUT, 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
	evtimer_del(timer->event);
}

void loop_timer_free(struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	event_free(timer->event);
	free(timer);
}

struct post {
	void (*fn)(void *arg);
	void *arg;
};

static void on_post_event(evutil_socket_t fd, short what, void *arg)
{
	struct post post = *(struct post *)arg;

	(void)fd;
	(void)what;
	free(arg);
	post.fn(post.arg);
}

int loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	static const struct timeval now = { 0, 0 };
	struct post *post = malloc(sizeof(*post));

	if (post == NULL)
		return -ENOMEM;
	*post = (struct post){ fn, arg };
	if (event_base_once(loop->base, -1, EV_TIMEOUT, on_post_event, post,
			    &now) < 0) {
		free(post);
		return -ENOMEM;
	}
	return 0;
}

static void on_signal_event(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *signal = arg;

	(void)signo;
	(void)what;
	signal->on_signal(signal->arg);
}

int loop_signal_new(struct loop *loop, int signo, void (*on_signal)(void *arg),
		    void *arg, struct loop_signal **signal_out)
{
	struct loop_signal *signal = calloc(1, sizeof(*signal));

	if (signal == NULL)
		return -ENOMEM;
	signal->on_signal = on_signal;
	signal->arg = arg;
	signal->event =
		evsignal_new(loop->base, signo, on_signal_event, signal);
	if (signal->event == NULL || evsignal_add(signal->event, NULL) < 0) {
		loop_signal_free(signal);
		return -ENOMEM;
	}
	*signal_out = signal;
	return 0;
}

void loop_signal_free(struct loop_signal *signal)
{
	if (signal == NULL)
		return;
	if (signal->event != NULL)
		event_free(signal->event);
	free(signal);
}
