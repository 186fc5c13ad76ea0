/*
 * retention.c - what is too old or too much of a partition, now and then
 *
 * Old segments go, silent producers are forgotten, and the log of a partition
 * that nobody uses gives back its descriptors and memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "kbrokerd/partition/internal.h"

/* A partition that is closed is opened so seldom for it. */
#define LOOK_AGAIN_US (3600 * INT64_C(1000000))

static void apply_retention(struct partition *p,
			    const struct topic_config *config, int64_t now_ms,
			    bool by_age)
{
	int64_t start = log_start_offset(p->log);
	int rc = 0;

	if (config->delete_old)
		rc = log_apply_retention(
			p->log, by_age ? config->retention_ms : -1,
			config->retention_bytes, p->high_watermark, now_ms);
	if (rc < 0)
		table_log(p->table, LOGGER_WARN,
			  "cannot remove old segments of %s-%" PRId32 ": %s",
			  p->topic->name, p->index, strerror(-rc));
	if (rc > 0)
		table_log(p->table, LOGGER_INFO,
			  "removed %d old segment%s of %s-%" PRId32
			  ", which starts at offset %" PRId64 " now",
			  rc, rc == 1 ? "" : "s", p->topic->name, p->index,
			  log_start_offset(p->log));
	if (rc > 0)
		partition_remove_files_later(p);
	if (by_age)
		log_expire_producers(p->log, now_ms);
	if (log_start_offset(p->log) != start) {
		waiters_fire_all(p);
		keeper_want_checkpoint(p->table);
	}
}

/* Has nobody written to it or read from it since the last time that this was
 * asked, does nobody wait for more of it, and is all of it on disk? */
static bool is_idle(struct partition *p)
{
	int64_t bytes = p->traffic.bytes_in + p->traffic.bytes_out;
	bool was_used = bytes != p->bytes_seen;

	p->bytes_seen = bytes;
	return !was_used && p->waiters == NULL && p->state == PARTITION_OPEN &&
	       !p->unsynced && !p->promised && !p->queued && !p->syncing &&
	       log_recovery_point(p->log) == log_end_offset(p->log) &&
	       !log_has_failed(p->log) && !log_has_garbage(p->log);
}

/* It gives back its descriptors and memory until it is used again. */
static void close_idle(struct partition *p)
{
	int rc = partition_close_log(p);

	p->state = PARTITION_CLOSED;
	if (rc < 0)
		partition_set_offline(p, "cannot close its log", rc);
}

void partition_retention(struct partition *p, int64_t now_us, bool by_age,
			 bool may_close)
{
	struct clock *clock = p->table->params.clock;
	struct topic_config config;
	bool was_closed;

	partition_topic_config(p, &config);
	pthread_mutex_lock(&p->lock);
	was_closed = p->state == PARTITION_CLOSED;
	if (was_closed &&
	    (!p->has_directory || now_us - p->looked_at_us < LOOK_AGAIN_US)) {
		pthread_mutex_unlock(&p->lock);
		return;
	}
	p->looked_at_us = now_us;
	if (partition_open(p) == 0) {
		apply_retention(p, &config, clock->wall_ms(clock), by_age);
		if (is_idle(p) && (was_closed || may_close))
			close_idle(p);
	}
	pthread_mutex_unlock(&p->lock);
}
