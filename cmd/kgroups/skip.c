/*
 * skip.c - kgroups skip
 *
 * A plan of one row: from what is committed to behind the next records.  With
 * --to-dlq they are copied first, when all checks are passed and before
 * anything is committed, so that whatever happens no record is lost.
 */
#include <errno.h>
#include <stdio.h>

#include "client/producer.h"
#include "kgroups/change.h"
#include "kgroups/figures.h"
#include "kgroups/records.h"
#include "kgroups/snapshot.h"
#include "wire/errors.h"

enum { HEADERS_MAX = 1000, ORIGIN_HEADERS = 5, NUMBER_MAX = 24 };

struct skip {
	struct kgroups *k;
	const char *group;
	const char *topic;
	int32_t partition;
	int64_t wanted; /* records */
	int64_t seen;
	int64_t from;  /* what is committed */
	int64_t first; /* where reading begins */
	int64_t to;    /* behind the last of them */
	/* Of the copies. */
	struct producer *producer;
	struct producer_topic *dlq;
	struct client_error error; /* of the first that failed */
};

/* Where to */

static bool on_count(void *arg, const struct consumer_record *r)
{
	struct skip *s = arg;

	s->seen++;
	s->to = r->record.offset + 1;
	return s->seen < s->wanted;
}

static int find_place(struct skip *s)
{
	struct kgroups *k = s->k;
	const char *name[] = { s->group };
	const struct group_list names = { .items = name, .count = 1 };
	struct client_error error = { 0 };
	struct snapshot now;
	const struct position *p;
	int64_t end = -1;
	int status = EXIT_GO_ON;

	if (snapshot_take(k, &names, NULL, 0, &now, &error) < 0) {
		run_fail(&k->run, &error);
		snapshot_clear(&now);
		return k->run.status;
	}
	p = snapshot_find(&now, 0, s->topic, s->partition);
	if (snapshot_lacks(&now, 0)) {
		groups_refused(k, &now.groups[0]);
		status = k->run.status;
	} else if (p == NULL || p->committed < 0) {
		status = message_fail(&k->run.messages, EXIT_MISSING,
				      "group '%s' has committed nothing for "
				      "%s[%d]",
				      s->group, s->topic, s->partition);
	} else if (p->code != WIRE_NONE) {
		run_refused(&k->run, "topic", s->topic, p->code, SLICE_NULL);
		status = k->run.status;
	} else {
		s->from = p->committed;
		s->first = figures_next(p->committed, p->start);
		s->to = s->first;
		end = p->end;
	}
	snapshot_clear(&now);
	if (status != EXIT_GO_ON)
		return status;
	if (s->to < end &&
	    !records_read(k, s->topic, s->partition, s->to, end, on_count, s))
		return k->run.status;
	if (s->seen == 0)
		return message_fail(&k->run.messages, EXIT_MISSING,
				    "%s[%d]: no record waits at %lld, the end "
				    "is %lld",
				    s->topic, s->partition, (long long)s->from,
				    (long long)end);
	if (s->seen < s->wanted)
		message_warning(&k->run.messages,
				"%s[%d]: only %lld records wait, not %lld",
				s->topic, s->partition, (long long)s->seen,
				(long long)s->wanted);
	return EXIT_GO_ON;
}

/* Copies */

static void on_delivery(void *arg, const struct producer_delivery *d)
{
	struct skip *s = arg;

	if (d->error != NULL && s->error.kind == CLIENT_OK)
		s->error = *d->error;
}

static struct record_header header_of(const char *key, const char *value)
{
	return (struct record_header){ slice_of(key), slice_of(value) };
}

/* Its own headers, and where it was. */
static bool add_copy(struct skip *s, const struct consumer_record *r)
{
	struct record_header headers[HEADERS_MAX + ORIGIN_HEADERS];
	char partition[NUMBER_MAX];
	char offset[NUMBER_MAX];
	char timestamp[NUMBER_MAX];
	struct slice left = r->record.headers;
	int32_t count = 0;
	int rc;

	while (count < HEADERS_MAX &&
	       record_next_header(&left, &headers[count]) == 1)
		count++;
	snprintf(partition, sizeof(partition), "%d", s->partition);
	snprintf(offset, sizeof(offset), "%lld", (long long)r->record.offset);
	snprintf(timestamp, sizeof(timestamp), "%lld",
		 (long long)r->record.timestamp_ms);
	headers[count++] = header_of("x-origin-group", s->group);
	headers[count++] = header_of("x-origin-topic", s->topic);
	headers[count++] = header_of("x-origin-partition", partition);
	headers[count++] = header_of("x-origin-offset", offset);
	headers[count++] = header_of("x-origin-timestamp", timestamp);
	while ((rc = producer_add(s->producer, s->dlq, -1,
				  r->record.timestamp_ms, r->record.key,
				  r->record.value, headers, count, 0)) ==
	       -EAGAIN)
		producer_wait(s->producer, -1);
	if (rc == 0)
		return true;
	client_error_set(&s->error, CLIENT_REFUSED, rc,
			 "%s: the record at %lld cannot be copied: %s",
			 s->k->options.to_dlq, (long long)r->record.offset,
			 rc == -EMSGSIZE ? "it is larger than "
					   "message.max.bytes"
					 : "the producer failed");
	return false;
}

static bool on_copy(void *arg, const struct consumer_record *r)
{
	return add_copy(arg, r);
}

/* Called when the commit is allowed. */
static int copy_records(void *arg)
{
	struct skip *s = arg;
	struct run *run = &s->k->run;
	int status = EXIT_GO_ON;

	if (s->k->options.to_dlq == NULL)
		return EXIT_GO_ON;
	if (producer_new(run->client, on_delivery, s, &s->producer) < 0)
		run_out_of_memory(run);
	if (producer_topic_open(s->producer, s->k->options.to_dlq,
				run->options->common.step_timeout_ms, &s->dlq,
				&s->error) == 0 &&
	    records_read(s->k, s->topic, s->partition, s->first, s->to, on_copy,
			 s))
		producer_wait(s->producer, -1);
	if (s->error.kind != CLIENT_OK)
		run_fail(run, &s->error);
	if (run->status != EXIT_OK) {
		message_error(&run->messages, "nothing is skipped");
		status = run->status;
	}
	producer_free(s->producer);
	return status;
}

/* The verb */

static int check_options(struct skip *s)
{
	struct kgroups *k = s->k;

	if (k->options.topics.count != 1)
		return message_usage(&k->run.messages,
				     "skip wants one topic: -t TOPIC");
	if (k->options.partition < 0)
		return message_usage(&k->run.messages,
				     "skip wants a partition: -p N");
	if (k->options.to_dlq != NULL &&
	    strcmp(k->options.to_dlq, k->options.topics.items[0]) == 0)
		return message_usage(&k->run.messages,
				     "--to-dlq: '%s' is the topic itself",
				     k->options.to_dlq);
	s->topic = k->options.topics.items[0];
	s->partition = (int32_t)k->options.partition;
	s->wanted = k->options.count > 0 ? k->options.count : 1;
	return EXIT_GO_ON;
}

int kgroups_skip(void *run)
{
	struct kgroups *k = run;
	struct skip s = { .k = k, .group = k->run.operands[0] };
	struct plan plan = { 0 };
	struct plan_row row;
	int status = check_options(&s);

	if (status == EXIT_GO_ON)
		status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = find_place(&s);
	if (status != EXIT_GO_ON)
		return status;
	row = (struct plan_row){
		.group = s.group,
		.topic = s.topic,
		.partition = s.partition,
		.from = s.from,
		.has_from = true,
		.to = s.to,
		.from_ms = -1,
		.to_ms = -1,
	};
	if (plan_add(&plan, &row) < 0)
		run_out_of_memory(&k->run);
	status = change_apply(k, &plan, copy_records, &s);
	plan_clear(&plan);
	return status;
}
