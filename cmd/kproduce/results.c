/*
 * results.c - what became of records: reports, failures, the summary
 *
 * Deliveries come from callbacks, from where no broker can be asked: failures
 * are noted there and told by results_tell().
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/envelope.h"
#include "cli/json_writer.h"
#include "cli/signals.h"
#include "client/admin.h"
#include "kproduce/program.h"
#include "wire/errors.h"

static int64_t monotonic_us(void)
{
	return clock_system()->monotonic_us(clock_system());
}

/* Output of --report and --failed */

/* The input that the record with that number came from. */
static const struct input *input_of(const struct program *p, uint64_t number)
{
	size_t i = p->input_count;

	while (i > 1 && p->inputs[i - 1].first_number > number)
		i--;
	return &p->inputs[i - 1];
}

static void place_of(const struct producer_delivery *d,
		     struct record_place *place)
{
	*place = (struct record_place){
		.topic = producer_topic_name(d->topic),
		.partition = d->partition,
		.broker = -1,
		.leader_epoch = -1,
		.timestamp_kind = d->log_append_time_ms < 0
					  ? TIMESTAMP_CREATE
					  : TIMESTAMP_LOG_APPEND,
		.high_watermark = -1,
	};
}

/* Where in the input, and by the envelope, the record stood. */
static void add_source(const struct program *p, uint64_t number,
		       struct record_place *place)
{
	const struct source *source = tracker_source(&p->tracker, number);

	place->source_record =
		(int64_t)(number - input_of(p, number)->first_number + 1);
	if (source == NULL)
		return;
	place->source_topic = source->topic;
	place->source_partition = source->partition;
	place->source_offset = source->offset;
}

static void report(struct program *p, const struct producer_delivery *d)
{
	static const struct envelope_style meta = { .meta = true };
	struct record_place place;
	struct slice at = d->records;
	struct record record;

	place_of(d, &place);
	for (int32_t i = 0; producer_delivery_next(d, &at, &record) == 1; i++) {
		add_source(p, d->opaques[i], &place);
		record.offset = d->base_offset < 0
					? -1
					: d->base_offset + record.offset;
		if (d->log_append_time_ms >= 0)
			record.timestamp_ms = d->log_append_time_ms;
		if (p->report_format == NULL)
			envelope_write(&meta, &place, &record,
				       &p->report.buffer);
		else
			format_write(p->report_format, &place, &record,
				     &p->report.buffer);
		output_filled(&p->report, monotonic_us());
	}
}

/* --ack-src */

static void acknowledge(struct program *p, const struct producer_delivery *d)
{
	for (int32_t i = 0; i < d->count; i++)
		ack_sources_delivered(
			p->acks, d->opaques[i],
			tracker_source(&p->tracker, d->opaques[i]));
}

void results_on_ack(void *arg, const struct source *source)
{
	struct program *p = arg;

	buffer_printf(&p->report.buffer, "%s %d %lld\n", source->topic,
		      source->partition, (long long)source->offset);
	output_filled(&p->report, monotonic_us());
}

void results_ack_end(struct program *p)
{
	if (output_flush(&p->report) < 0 || !p->all_read ||
	    p->status != EXIT_OK || signals_ending() != 0 ||
	    !ack_sources_are_clean(p->acks))
		return;
	output_put(&p->report, "end\n", 4);
	/* Who has every acknowledgement needs no end, and may have gone. */
	if (output_flush(&p->report) == -EPIPE) {
		p->report.error = 0;
		buffer_reset(&p->report.buffer);
	}
}

/* --failed */

static void put_slice(struct program *p, struct slice bytes)
{
	buffer_put(&p->failed.buffer, bytes.data, bytes.len);
}

/* A field as it stood in the input. */
static void put_field(struct program *p, struct slice field)
{
	if (!slice_is_null(field))
		put_slice(p, field);
	else if (p->options.null_text != NULL)
		buffer_put_text(&p->failed.buffer, p->options.null_text);
}

/* A key is null by a rule for nulls, or because there was no delimiter. */
static bool had_key(const struct produce_options *o, struct slice key)
{
	return o->key_delimiter.len > 0 &&
	       (!slice_is_null(key) || o->nulls.empty || o->null_text != NULL);
}

static void keep_failed(struct program *p, const struct producer_delivery *d,
			const struct record *record)
{
	const struct produce_options *o = &p->options;
	const struct envelope_style style = { 0 };
	struct record_place place;

	if (p->failed.fd < 0)
		return;
	if (o->common.json) {
		place_of(d, &place);
		envelope_write(&style, &place, record, &p->failed.buffer);
	} else {
		if (had_key(o, record->key)) {
			put_field(p, record->key);
			put_slice(p, buffer_slice(&o->key_delimiter));
		}
		put_field(p, record->value);
		if (!o->whole)
			put_slice(p, buffer_slice(&o->delimiter));
	}
	output_filled(&p->failed, monotonic_us());
}

/*
 * A frame that made no record, as it is.  Part of one would be another record:
 * rather none.
 */
static void keep_frame(struct program *p, const struct framed *frame,
		       const struct input *input)
{
	if (p->failed.fd < 0)
		return;
	if (frame->len > frame->bytes.len) {
		message_error(&p->messages,
			      "%s: record %lld is too large to be kept in '%s'",
			      input->name, (long long)frame->number,
			      p->options.failed_path);
		return;
	}
	put_slice(p, frame->bytes);
	if (input->framing == FRAMING_JSON)
		buffer_put_u8(&p->failed.buffer, '\n');
	else if (!p->options.whole)
		put_slice(p, buffer_slice(&p->options.delimiter));
	output_filled(&p->failed, monotonic_us());
}

/* Failures */

static void note_failure(struct program *p, const struct producer_delivery *d,
			 uint64_t number, const struct record *record)
{
	struct failure *f;

	if (p->failure_count == FAILURES_MAX) {
		p->failures_untold++;
		return;
	}
	f = &p->failures[p->failure_count++];
	*f = (struct failure){
		.number = number,
		.position = tracker_position(&p->tracker, number),
		.size = record->key.len + record->value.len +
			record->headers.len,
		.topic = d->topic,
		.partition = d->partition,
		.error = *d->error,
	};
}

static void fail_source(struct program *p, uint64_t number)
{
	const struct source *source;

	if (p->acks == NULL)
		return;
	source = tracker_source(&p->tracker, number);
	assert(source != NULL);
	ack_sources_fail(p->acks, number, source);
}

static void on_failed(struct program *p, const struct producer_delivery *d)
{
	struct slice at = d->records;
	struct record record = { 0 };

	for (int32_t i = 0; i < d->count; i++) {
		producer_delivery_next(d, &at, &record);
		note_failure(p, d, d->opaques[i], &record);
		keep_failed(p, d, &record);
		fail_source(p, d->opaques[i]);
		tracker_done(&p->tracker, d->opaques[i]);
	}
	p->failed_count += (uint64_t)d->count;
	p->status = exit_worse(p->status, (int)d->error->kind);
	if (!p->options.keep_going)
		p->stop = true;
}

void results_on_delivery(void *arg, const struct producer_delivery *d)
{
	struct program *p = arg;

	if (d->error != NULL) {
		on_failed(p, d);
		return;
	}
	p->acked += (uint64_t)d->count;
	if (p->options.report != NULL)
		report(p, d);
	if (p->acks != NULL)
		acknowledge(p, d);
	for (int32_t i = 0; i < d->count; i++)
		tracker_done(&p->tracker, d->opaques[i]);
}

/* What the front of an envelope that makes no sense says, where it stands as
 * kconsume writes it. */
static bool guess_source(struct program *p, struct slice bytes,
			 struct source *guess)
{
	char text[2 * TOPIC_NAME_MAX] = "";
	char topic[TOPIC_NAME_MAX + 1];
	char end;
	long long offset;
	int partition;

	_Static_assert(TOPIC_NAME_MAX == 249, "the width below");
	if (bytes.len == 0)
		return false;
	memcpy(text, bytes.data,
	       bytes.len < sizeof(text) ? bytes.len : sizeof(text) - 1);
	/* NOLINTNEXTLINE(cert-err34-c): the widths keep them in range */
	if (sscanf(text,
		   "{\"topic\":\"%249[^\"\\]\",\"partition\":%9d,"
		   "\"offset\":%18lld%c",
		   topic, &partition, &offset, &end) != 4 ||
	    (end != ',' && end != '}'))
		return false;
	*guess = (struct source){ tracker_topic(&p->tracker, topic,
						strlen(topic)),
				  partition, offset };
	return guess->topic != NULL;
}

static void fail_frame(struct program *p, const struct framed *frame)
{
	uint64_t number = p->inputs[p->input_count - 1].first_number +
			  (uint64_t)frame->number - 1;
	struct source guess;

	if (p->acks == NULL)
		return;
	if (p->source.topic != NULL)
		ack_sources_fail(p->acks, number, &p->source);
	else
		ack_sources_fail_unknown(
			p->acks, number,
			guess_source(p, frame->bytes, &guess) ? &guess : NULL);
}

void results_bad_frame(struct program *p, const struct framed *frame,
		       int status, const char *format, ...)
{
	const struct input *input = &p->inputs[p->input_count - 1];
	char text[CLIENT_ERROR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is started */
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (input->framing == FRAMING_JSON)
		message_error(&p->messages, "%s: line %lld, record %lld: %s",
			      input->name, (long long)frame->line,
			      (long long)frame->number, text);
	else
		message_error(&p->messages, "%s: record %lld (byte %lld): %s",
			      input->name, (long long)frame->number,
			      (long long)frame->position, text);
	p->failed_count++;
	fail_frame(p, frame);
	p->status = exit_worse(p->status, status);
	if (!p->options.keep_going)
		p->stop = true;
	keep_frame(p, frame, input);
}

void results_unread(struct program *p, const struct framed *frame)
{
	p->unread++;
	keep_frame(p, frame, &p->inputs[p->input_count - 1]);
}

void results_cut_off(struct program *p, const struct framed *frame)
{
	const struct input *input = &p->inputs[p->input_count - 1];

	p->unread++;
	message_warning(&p->messages,
			"%s: record %lld (byte %lld): the signal came before "
			"its end; its %zu bytes are not sent",
			input->name, (long long)frame->number,
			(long long)frame->position, frame->len);
}

/* For MESSAGE_TOO_LARGE both numbers: the second must be asked for. */
static void explain(struct program *p, const struct failure *f,
		    struct buffer *text)
{
	const char *topic = producer_topic_name(f->topic);
	struct buffer limit = { 0 };
	struct client_error error;

	client_error_clear(&error);
	if (f->error.code == WIRE_MESSAGE_TOO_LARGE &&
	    admin_topic_config(p->client, topic, "max.message.bytes",
			       p->options.common.step_timeout_ms, &limit,
			       &error) == 0)
		buffer_printf(text,
			      "MESSAGE_TOO_LARGE: %zu bytes, broker limit %.*s "
			      "(topic max.message.bytes)",
			      f->size, (int)limit.len, (char *)limit.data);
	else
		buffer_put_text(text, f->error.text);
	buffer_clear(&limit);
}

static void tell(struct program *p, const struct failure *f)
{
	const struct input *input = input_of(p, f->number);
	uint64_t number = f->number - input->first_number + 1;
	struct buffer text = { 0 };

	explain(p, f, &text);
	message_error(&p->messages, "%s: record %llu (byte %lld): %s",
		      input->name, (unsigned long long)number,
		      (long long)f->position, buffer_text(&text));
	buffer_clear(&text);
}

void results_tell(struct program *p)
{
	uint64_t untold = p->failures_untold;

	for (size_t i = 0; i < p->failure_count; i++)
		tell(p, &p->failures[i]);
	p->failure_count = 0;
	p->failures_untold = 0;
	if (untold > 0)
		message_error(&p->messages, "and %llu more records",
			      (unsigned long long)untold);
}

void results_flush_report(struct program *p)
{
	int64_t due_us = output_due_us(&p->report);

	/* Somebody waits for acknowledgements. */
	if (due_us >= 0 && (p->acks != NULL || due_us <= monotonic_us()))
		output_flush(&p->report);
}

/* Progress and summary */

void results_progress(struct program *p)
{
	int64_t now_us = monotonic_us();
	double seconds = (double)(now_us - p->started_us) / 1e6;
	int64_t oldest = producer_oldest_ms(p->producer);
	char text[160];

	p->progress.asked |= signals_take_progress();
	if (!progress_due(&p->progress, now_us))
		return;
	snprintf(text, sizeof(text),
		 "%llu records, %.1f MB/s, %llu unacknowledged, the oldest for "
		 "%.1f s",
		 (unsigned long long)p->added,
		 seconds > 0 ? (double)p->bytes / 1e6 / seconds : 0.0,
		 (unsigned long long)producer_pending(p->producer),
		 oldest < 0 ? 0.0
			    : (double)(loop_now_ms(p->loop) - oldest) / 1000);
	progress_show(&p->progress, now_us, text);
}

static void summary_json(struct program *p, uint64_t sent, double seconds)
{
	struct buffer text = { 0 };
	struct json_writer w = json_writer(&text);

	json_put_open(&w, '{');
	json_member_int(&w, "sent", (int64_t)sent);
	json_member_int(&w, "acked", (int64_t)p->acked);
	json_member_int(&w, "failed", (int64_t)p->failed_count);
	json_member_int(&w, "unread", (int64_t)p->unread);
	json_member_int(&w, "bytes", (int64_t)p->bytes);
	json_member_int(&w, "ms", (int64_t)(seconds * 1000));
	json_put_close(&w, '}');
	message_raw_line(&p->messages, buffer_text(&text));
	buffer_clear(&text);
}

void results_summary(struct program *p)
{
	double seconds = (double)(monotonic_us() - p->started_us) / 1e6;
	bool failed = p->acked < p->added || p->failed_count > 0 ||
		      p->unread > 0 || p->status != EXIT_OK;
	uint64_t sent = p->acked + producer_pending(p->producer);
	enum message_level level = failed ? MESSAGE_WARNING : MESSAGE_NOTICE;

	if (!messages_wants(&p->messages, level))
		return;
	if (p->options.common.json)
		summary_json(p, sent, seconds);
	else
		message(&p->messages, level,
			"sent %llu acked %llu failed %llu unread %llu "
			"(%.1f MB, %.1f s)",
			(unsigned long long)sent, (unsigned long long)p->acked,
			(unsigned long long)p->failed_count,
			(unsigned long long)p->unread, (double)p->bytes / 1e6,
			seconds);
}
