/*
 * dlq.c - where the records go that a command has failed on (--dlq)
 *
 * To a topic records are added until the producer's queue is full, and further
 * ones as deliveries make room.  The first failure is the put's.
 */
#include "kconsume/dlq.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/exit_code.h"
#include "client/producer.h"

enum { ORIGIN_HEADERS = 6, NUMBER_MAX = 24 };

struct dlq {
	const char *spec, *group;
	void (*on_done)(void *arg, const struct client_error *error);
	void *arg;
	int fd; /* of a file, else -1 */
	struct producer *producer;
	struct producer_topic *topic;

	/* Of the batch under way. */
	const struct batch *batch; /* NULL: none */
	const char *reason;
	size_t added, ended;
	bool failed;
	struct client_error error;
};

bool dlq_is_topic(const char *spec)
{
	return strchr(spec, '/') == NULL;
}

/* To a topic */

static void put_number(struct record_header *header, const char *name,
		       int64_t value, char text[NUMBER_MAX])
{
	snprintf(text, NUMBER_MAX, "%lld", (long long)value);
	*header = (struct record_header){ slice_of(name), slice_of(text) };
}

static int add_record(struct dlq *d, const struct batch_record *r)
{
	struct record_header *headers =
		calloc((size_t)r->record.header_count + ORIGIN_HEADERS,
		       sizeof(*headers));
	struct slice rest = r->record.headers;
	char numbers[3][NUMBER_MAX];
	int32_t n = 0;
	int rc;

	if (headers == NULL)
		return -ENOMEM;
	while (n < r->record.header_count &&
	       record_next_header(&rest, &headers[n]) == 1)
		n++;
	headers[n++] = (struct record_header){ slice_of("x-origin-topic"),
					       slice_of(r->topic) };
	put_number(&headers[n++], "x-origin-partition", r->partition,
		   numbers[0]);
	put_number(&headers[n++], "x-origin-offset", r->record.offset,
		   numbers[1]);
	put_number(&headers[n++], "x-origin-timestamp", r->record.timestamp_ms,
		   numbers[2]);
	headers[n++] = (struct record_header){ slice_of("x-origin-group"),
					       slice_of(d->group) };
	headers[n++] = (struct record_header){ slice_of("x-origin-error"),
					       slice_of(d->reason) };
	/* Its own time would let retention take it away at once. */
	rc = producer_add(d->producer, d->topic, -1,
			  clock_system()->wall_ms(clock_system()),
			  r->record.key, r->record.value, headers, n, 0);
	free(headers);
	return rc;
}

static void end_batch(struct dlq *d)
{
	d->batch = NULL;
	d->on_done(d->arg, d->failed ? &d->error : NULL);
}

static void note_error(struct dlq *d, const struct client_error *error)
{
	if (!d->failed)
		d->error = *error;
	d->failed = true;
}

/* Add what the queue has room for. */
static void add_some(struct dlq *d)
{
	const struct client_error *failure;
	struct client_error error;
	int rc = 0;

	while (d->added < d->batch->count && !d->failed) {
		rc = add_record(d, &d->batch->records[d->added]);
		if (rc < 0)
			break;
		d->added++;
	}
	producer_flush(d->producer);
	if (rc == 0 || rc == -EAGAIN)
		return;
	failure = producer_failure(d->producer);
	client_error_clear(&error);
	client_error_set(&error, CLIENT_REFUSED, rc, "%s",
			 rc == -EMSGSIZE ? "record over message.max.bytes"
					 : "out of memory");
	note_error(d, failure != NULL ? failure : &error);
}

static void on_delivery(void *arg, const struct producer_delivery *delivery)
{
	struct dlq *d = arg;

	if (d->batch == NULL)
		return;
	d->ended += (size_t)delivery->count;
	if (delivery->error != NULL)
		note_error(d, delivery->error);
	if (!d->failed)
		add_some(d);
	if (d->ended == d->added)
		end_batch(d);
}

static int open_topic(struct dlq *d, struct client *client, int64_t timeout_ms,
		      struct messages *messages)
{
	struct client_error error;
	int rc;

	client_error_clear(&error);
	if (producer_new(client, on_delivery, d, &d->producer) < 0)
		return message_fail(messages, EXIT_REFUSED, "out of memory");
	rc = producer_topic_open(d->producer, d->spec, timeout_ms, &d->topic,
				 &error);
	if (rc < 0)
		return message_fail(messages, (int)error.kind, "--dlq %s: %s",
				    d->spec, error.text);
	return EXIT_GO_ON;
}

/* To a file */

static int write_all(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.data, bytes.len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			bytes = (struct slice){ bytes.data + n,
						bytes.len - (size_t)n };
	}
	return fdatasync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

static void put_in_file(struct dlq *d)
{
	struct client_error error;
	int rc = write_all(d->fd, buffer_slice(&d->batch->bytes));

	client_error_clear(&error);
	if (rc < 0) {
		client_error_set(&error, CLIENT_REFUSED, rc, "%s",
				 strerror(-rc));
		note_error(d, &error);
	}
	end_batch(d);
}

int dlq_open(const char *spec, struct client *client, const char *group,
	     int64_t timeout_ms, struct messages *messages,
	     void (*on_done)(void *arg, const struct client_error *error),
	     void *arg, struct dlq **dlq_out)
{
	struct dlq *d = calloc(1, sizeof(*d));

	*dlq_out = d;
	if (d == NULL)
		return message_fail(messages, EXIT_REFUSED, "out of memory");
	*d = (struct dlq){ .spec = spec,
			   .group = group,
			   .on_done = on_done,
			   .arg = arg,
			   .fd = -1 };
	if (dlq_is_topic(spec))
		return open_topic(d, client, timeout_ms, messages);
	d->fd = open(spec, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (d->fd < 0)
		return message_fail(messages, EXIT_USAGE,
				    "--dlq: cannot open '%s': %s", spec,
				    strerror(errno));
	return EXIT_GO_ON;
}

void dlq_close(struct dlq *d)
{
	if (d == NULL)
		return;
	producer_free(d->producer);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

void dlq_put(struct dlq *d, const struct batch *batch, const char *reason)
{
	d->batch = batch;
	d->reason = reason;
	d->added = d->ended = 0;
	d->failed = false;
	client_error_clear(&d->error);
	if (d->fd >= 0) {
		put_in_file(d);
		return;
	}
	add_some(d);
	if (d->failed && d->ended == d->added)
		end_batch(d);
}
