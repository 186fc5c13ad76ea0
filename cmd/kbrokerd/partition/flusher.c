/*
 * flusher.c - the threads that sync
 *
 * A queue of partitions that are to be synced now.  A partition is in it once
 * however many appended; those who append while its sync runs are for the next
 * one.  So one fdatasync(2) serves all who wait.
 *
 * Two threads, so that the sync of one partition does not hold up another's.
 */
#include <assert.h>
#include <errno.h>

#include "kbrokerd/partition/internal.h"

void flusher_add(struct partition *p)
{
	struct flusher *f = &p->table->flusher;

	if (p->queued)
		return;
	p->queued = true;
	partition_retain(p);
	pthread_mutex_lock(&f->lock);
	TAILQ_INSERT_TAIL(&f->queue, p, in_queue);
	pthread_cond_signal(&f->work);
	pthread_mutex_unlock(&f->lock);
}

/* The next one, or NULL when it is time to end. */
static struct partition *take(struct flusher *f)
{
	struct partition *p;

	pthread_mutex_lock(&f->lock);
	while ((p = TAILQ_FIRST(&f->queue)) == NULL && !f->stopping)
		pthread_cond_wait(&f->work, &f->lock);
	if (p != NULL)
		TAILQ_REMOVE(&f->queue, p, in_queue);
	pthread_mutex_unlock(&f->lock);
	return p;
}

static void *run(void *arg)
{
	struct flusher *f = arg;
	struct partition *p;

	while ((p = take(f)) != NULL) {
		partition_sync_queued(p);
		partition_release(p);
	}
	return NULL;
}

int flusher_start(struct partition_table *table)
{
	struct flusher *f = &table->flusher;
	int rc;

	while (f->thread_count < FLUSHER_THREADS) {
		rc = pthread_create(&f->threads[f->thread_count], NULL, run, f);
		if (rc != 0)
			return -rc;
		f->thread_count++;
	}
	return 0;
}

void flusher_stop(struct partition_table *table)
{
	struct flusher *f = &table->flusher;

	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_broadcast(&f->work);
	pthread_mutex_unlock(&f->lock);
	while (f->thread_count > 0)
		pthread_join(f->threads[--f->thread_count], NULL);
}
