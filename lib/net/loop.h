/*
 * loop.h - the event loop of the tools
 *
 * One loop belongs to one thread.  Callbacks run inside loop_run() and
 * loop_run_once() only, never from within the call that asks for something,
 * and may free what they belong to.  This is all that tools see of libevent.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_watch;
struct loop_timer;
struct loop_signal;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* Returns 0, -ENOMEM, or -EMFILE. */
int loop_new(struct loop **loop_out);

/* Everything made on the loop has been freed before.  NULL is fine. */
void loop_free(struct loop *loop);

/* Go on until loop_stop().  Returns 0, or -EIO when waiting itself failed. */
int loop_run(struct loop *loop);

/*
 * Handle what has happened; when nothing has, wait for it up to timeout_ms
 * (0 looks only, below 0 waits for ever).  Returns 0 or -EIO.
 */
int loop_run_once(struct loop *loop, int64_t timeout_ms);

/* Let loop_run(), or loop_run_once(), return after the running callback. */
void loop_stop(struct loop *loop);

/* Did the last run end by loop_stop()?  Those who run it in turns ask. */
bool loop_was_stopped(const struct loop *loop);

/* Milliseconds of the monotonic clock, never stale. */
int64_t loop_now_ms(const struct loop *loop);

/*
 * Watch fd, which stays the caller's: on_ready(arg, LOOP_READ | LOOP_WRITE)
 * as long as it is so (level-triggered).  Watches nothing until set.  Hang-up
 * and errors arrive as what is watched; a watch for nothing sees none.
 * Returns 0 or -ENOMEM.
 */
int loop_watch_new(struct loop *loop, int fd,
		   void (*on_ready)(void *arg, unsigned events), void *arg,
		   struct loop_watch **watch_out);

/*
 * Watch for events from now on.  Returns 0; -EPERM for an fd that cannot be
 * waited for (a regular file: it is always ready, so just read it); -ENOMEM.
 */
int loop_watch_set(struct loop_watch *watch, unsigned events);
void loop_watch_free(struct loop_watch *watch);

/* A one-shot timer, not running yet.  Returns 0 or -ENOMEM. */
int loop_timer_new(struct loop *loop, void (*on_timer)(void *arg), void *arg,
		   struct loop_timer **timer_out);

/* Run (again) in ms from now, 0 in the next round; replaces what was set. */
void loop_timer_set(struct loop_timer *timer, int64_t ms);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);

/* Call fn(arg) in the next round, once; cannot be taken back.  0 or -ENOMEM. */
int loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

/* on_signal(arg) in the loop for each time signo arrives.  0 or -ENOMEM. */
int loop_signal_new(struct loop *loop, int signo, void (*on_signal)(void *arg),
		    void *arg, struct loop_signal **signal_out);
/* The signal has its former disposition again. */
void loop_signal_free(struct loop_signal *signal);

#endif /* NET_LOOP_H */
