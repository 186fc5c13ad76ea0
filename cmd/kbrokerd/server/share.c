/*
 * share.c - busy io threads give connections to those that are not
 *
 * Each thread looks at its own processor time now and then, and tells it to
 * the others.  One that is busy gives away connections that were active just
 * now, and of which nothing is under way, until the two are even.
 */
#include "kbrokerd/server/share.h"

#include <time.h>

#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/server.h"

enum { ACTIVE_MAX = 64 /* connections that are looked at */ };

static int64_t own_cpu_us(void)
{
	struct timespec cpu = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	return (int64_t)cpu.tv_sec * 1000000 + cpu.tv_nsec / 1000;
}

void share_sample(struct io_thread *t)
{
	int64_t cpu_us = own_cpu_us();
	int64_t wall_us = t->now_us - t->sample_us;
	int32_t percent =
		(int32_t)((cpu_us - t->sample_cpu_us) * 100 / wall_us);

	t->sample_us = t->now_us;
	t->sample_cpu_us = cpu_us;
	atomic_store_explicit(&t->busy_percent, percent, memory_order_relaxed);
	atomic_store_explicit(&t->busy_at_us, t->now_us, memory_order_relaxed);
	t->too_busy = t->server->thread_count > 1 &&
		      percent >= t->server->busy_from_percent;
}

int32_t share_busy(const struct io_thread *t, int64_t now_us)
{
	int64_t at_us =
		atomic_load_explicit(&t->busy_at_us, memory_order_relaxed);

	if (now_us - at_us > INT64_C(4) * SHARE_SAMPLE_US)
		return 0;
	return atomic_load_explicit(&t->busy_percent, memory_order_relaxed);
}

/* Those that were heard in the last moments are at the end of the list. */
static int32_t count_active(const struct io_thread *t)
{
	int64_t since_us = t->now_us - SHARE_SAMPLE_US;
	const struct conn *conn = TAILQ_LAST(&t->conns, conn_list);
	int32_t count = 0;

	while (conn != NULL && conn->heard_us >= since_us &&
	       count < ACTIVE_MAX) {
		count++;
		conn = TAILQ_PREV(conn, conn_list, link);
	}
	return count;
}

static struct io_thread *least_busy(const struct io_thread *t)
{
	struct io_thread *best = NULL;

	for (int32_t i = 0; i < t->server->thread_count; i++) {
		struct io_thread *other = &t->server->threads[i];

		if (other != t &&
		    (best == NULL || share_busy(other, t->now_us) <
					     share_busy(best, t->now_us)))
			best = other;
	}
	return best;
}

void share_conns(struct io_thread *t)
{
	struct io_thread *other = least_busy(t);
	int32_t mine = share_busy(t, t->now_us);
	int32_t theirs = share_busy(other, t->now_us);
	int32_t active = count_active(t);
	int32_t moves;
	struct conn *conn = TAILQ_LAST(&t->conns, conn_list);
	struct conn *before;

	t->too_busy = false;
	if (t->stopping || active < 2 ||
	    mine - theirs < t->server->busy_from_percent / 2)
		return;
	moves = active * (mine - theirs) / (2 * (mine > 0 ? mine : 1));
	for (int32_t i = 0; i < active && moves > 0; i++, conn = before) {
		before = TAILQ_PREV(conn, conn_list, link);
		if (!conn_can_move(conn))
			continue;
		conn_leave(conn, other);
		moves--;
	}
}
