/*
 * records.c - some records of a partition
 *
 * Under read_committed the records of an open transaction do not come, and
 * waiting for them ends with the time: that is said, and no error, for what
 * is to be seen has been seen.
 */
#include "kgroups/records.h"

#include <errno.h>

struct reading {
	struct kgroups *k;
	struct consumer *consumer;
	bool (*on_record)(void *arg, const struct consumer_record *record);
	void *arg;
	int64_t deadline_ms;
};

/* Returns 1 when it is done, 0 at the deadline, or an error. */
static int read_all(struct reading *r)
{
	struct loop *loop = r->k->run.loop;
	struct consumer_record record;
	int rc = 0;

	while (!consumer_is_done(r->consumer)) {
		int64_t left = r->deadline_ms - loop_now_ms(loop);

		while ((rc = consumer_next(r->consumer, &record)) > 0) {
			if (!r->on_record(r->arg, &record))
				return 1;
		}
		if (rc < 0)
			return rc;
		if (left <= 0)
			return 0;
		if (!consumer_is_done(r->consumer))
			loop_run_once(loop, left);
	}
	return 1;
}

bool records_read(struct kgroups *k, const char *topic, int32_t partition,
		  int64_t from, int64_t to,
		  bool (*on_record)(void *arg,
				    const struct consumer_record *record),
		  void *arg)
{
	int64_t patience_ms = k->run.options->common.step_timeout_ms;
	struct consumer_position start = { CONSUMER_OFFSET, from };
	struct consumer_position stop = { CONSUMER_OFFSET, to };
	struct reading r = {
		.k = k,
		.on_record = on_record,
		.arg = arg,
		.deadline_ms = loop_now_ms(k->run.loop) + patience_ms,
	};
	int rc;

	if (consumer_new(k->run.client, NULL, &r.consumer) < 0 ||
	    consumer_add(r.consumer, topic, partition, start, stop) < 0)
		run_out_of_memory(&k->run);
	consumer_set_patience(r.consumer, patience_ms);
	rc = read_all(&r);
	if (rc < 0)
		run_fail(&k->run, consumer_error(r.consumer));
	else if (rc == 0)
		message_warning(&k->run.messages,
				"%s[%d]: no more records within %lld ms: a "
				"transaction may be open, -X "
				"isolation.level=read_uncommitted shows it",
				topic, partition, (long long)patience_ms);
	consumer_free(r.consumer);
	return rc >= 0;
}
