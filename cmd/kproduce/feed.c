/*
 * feed.c - input to producer
 *
 * Input is read only while the producer has room, so that the pipe itself is
 * the backpressure.  When no further input is ready open batches go at once,
 * whatever linger.ms says: tail -f is prompt, and a bulk load fills batches.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/envelope.h"
#include "cli/signals.h"
#include "kproduce/program.h"

enum {
	FRAME_SLACK_BYTES = 64 << 10, /* delimiters, key, null tokens */
	JSON_GROWTH = 6,              /* \u0000 for a byte, at the worst */
	FAILED_FRAME_MAX = 32 << 20,
};

static bool is_over(const struct program *p)
{
	return p->stop || signals_ending() != 0 ||
	       (p->options.count > 0 && p->added >= (uint64_t)p->options.count);
}

void program_turn(struct program *p, int64_t timeout_ms)
{
	const struct client_error *failure;

	loop_run_once(p->loop, timeout_ms);
	results_tell(p);
	results_flush_report(p);
	results_progress(p);
	failure = producer_failure(p->producer);
	if (failure != NULL && !p->stop) {
		message_error(&p->messages, "%s", failure->text);
		p->status = exit_worse(p->status, (int)failure->kind);
		p->stop = true;
	}
	if (p->report.error != 0)
		p->stop = true;
}

/* Topics */

/* Make *topic_out the topic used last.  0, or why not in *error. */
static int open_topic(struct program *p, const char *name,
		      struct producer_topic **topic_out,
		      struct client_error *error)
{
	int64_t timeout_ms = p->options.common.step_timeout_ms;
	int rc;

	client_error_clear(error);
	rc = producer_topic_open(p->producer, name, timeout_ms, topic_out,
				 error);
	if (rc == -ENOENT && p->options.create) {
		rc = topics_create(p, name, error);
		if (rc == 0)
			rc = producer_topic_open(p->producer, name, timeout_ms,
						 topic_out, error);
		if (rc == 0)
			rc = topics_note_made(&p->made, *topic_out, error);
	}
	if (rc == 0)
		p->topic = *topic_out;
	return rc;
}

static const char *hint_for(int rc)
{
	return rc == -ENOENT ? "; --create makes it" : "";
}

/* The topic of -t, without which there is nothing to do. */
static void open_first_topic(struct program *p)
{
	struct producer_topic *topic;
	struct client_error error;
	int rc = open_topic(p, p->options.topic, &topic, &error);

	if (rc < 0 && signals_ending() == 0)
		message_error(&p->messages, "%s%s", error.text, hint_for(rc));
	if (rc < 0) {
		p->status = exit_worse(p->status, (int)error.kind);
		p->stop = true;
	}
}

/* The topic of an envelope, or NULL, said. */
static struct producer_topic *topic_named(struct program *p,
					  const struct framed *frame,
					  struct slice name)
{
	struct producer_topic *topic = NULL;
	struct client_error error;
	char *text;
	int rc;

	if (p->topic != NULL && slice_is(name, producer_topic_name(p->topic)))
		return p->topic;
	if (memchr(name.data, '\0', name.len) != NULL) {
		results_bad_frame(p, frame, EXIT_BAD_DATA,
				  "the topic's name has a NUL in it");
		return NULL;
	}
	text = arena_text(&p->arena, name);
	if (text == NULL) {
		results_bad_frame(p, frame, EXIT_REFUSED, "out of memory");
		p->stop = true;
		return NULL;
	}
	rc = open_topic(p, text, &topic, &error);
	if (rc < 0 && signals_ending() != 0)
		results_unread(p, frame);
	else if (rc < 0)
		results_bad_frame(p, frame, (int)error.kind, "%s%s", error.text,
				  hint_for(rc));
	if (error.kind == CLIENT_UNREACHABLE)
		p->stop = true; /* so would be all the others */
	return rc < 0 ? NULL : topic;
}

/* Records */

/* Where the envelope says that it came from. */
static int note_source(struct program *p, const struct envelope *e)
{
	p->source = (struct source){ NULL, e->partition, e->offset };
	if (!p->tracker.keeps_sources || slice_is_null(e->topic))
		return 0;
	p->source.topic = tracker_topic(
		&p->tracker, (const char *)e->topic.data, e->topic.len);
	return p->source.topic == NULL ? -ENOMEM : 0;
}

/* Can kconsume be told of the source, in a line? */
static bool is_acknowledgeable(const struct source *source)
{
	return source->topic != NULL && source->partition >= 0 &&
	       source->offset >= 0 && strlen(source->topic) <= TOPIC_NAME_MAX &&
	       strpbrk(source->topic, " \t\r\n") == NULL;
}

/* Add, waiting for room. */
static int add(struct program *p, const struct framed *frame,
	       struct producer_topic *topic, int32_t partition,
	       const struct envelope *e)
{
	uint64_t number = p->inputs[p->input_count - 1].first_number +
			  (uint64_t)frame->number - 1;
	int rc = tracker_add(&p->tracker, number, frame->position, &p->source);

	if (rc == 0 && p->acks != NULL)
		rc = ack_sources_add(p->acks, number, &p->source);
	while (rc == 0) {
		rc = producer_add(p->producer, topic, partition,
				  e->timestamp_ms, e->key, e->value, e->headers,
				  e->header_count, number);
		if (rc != -EAGAIN)
			break;
		program_turn(p, -1);
		if (p->stop || signals_ending() != 0)
			break;
		rc = 0;
	}
	if (rc < 0)
		tracker_done(&p->tracker, number);
	return rc;
}

/* A topic that --create made without saying how large is as large as is asked
 * for.  Returns false, told, when it could not be. */
static bool has_room(struct program *p, const struct framed *frame,
		     struct producer_topic *topic, int32_t partition)
{
	struct client_error error;

	if (partition < producer_topic_partitions(topic) ||
	    p->options.create_partitions > 0 ||
	    !topics_was_made(&p->made, topic))
		return true;
	client_error_clear(&error);
	if (topics_grow(p, topic, partition + 1, &error) == 0)
		return true;
	results_bad_frame(p, frame, (int)error.kind, "%s", error.text);
	return false;
}

static void produce(struct program *p, const struct framed *frame,
		    struct producer_topic *topic, int32_t partition,
		    const struct envelope *e)
{
	size_t size = e->key.len + e->value.len;

	if (!has_room(p, frame, topic, partition))
		return;
	switch (add(p, frame, topic, partition, e)) {
	case 0:
		p->added++;
		p->bytes += size;
		if (p->options.at_once) {
			producer_flush(p->producer);
			program_turn(p, 0);
		}
		break;
	case -EAGAIN: /* interrupted while waiting for room */
		results_unread(p, frame);
		break;
	case -EMSGSIZE:
		results_bad_frame(p, frame, EXIT_BAD_DATA,
				  "record of %zu bytes, limit %lld "
				  "(message.max.bytes)",
				  size, (long long)p->config.message_max_bytes);
		break;
	case -ERANGE:
		results_bad_frame(p, frame, EXIT_MISSING,
				  "topic '%s' has no partition %d: it has %d, "
				  "from 0 on",
				  producer_topic_name(topic), partition,
				  producer_topic_partitions(topic));
		break;
	case -ECANCELED:
		program_turn(p, 0); /* says why */
		results_unread(p, frame);
		break;
	default:
		results_bad_frame(p, frame, EXIT_REFUSED, "out of memory");
		p->stop = true;
	}
}

static int64_t stamp(const struct program *p, int64_t kept_ms)
{
	if (p->options.stamp == STAMP_FIXED)
		return p->options.stamp_ms;
	if (p->options.stamp == STAMP_KEEP && kept_ms >= 0)
		return kept_ms;
	return p->now_ms;
}

static void produce_envelope(struct program *p, const struct framed *frame)
{
	const struct produce_options *o = &p->options;
	struct producer_topic *topic;
	struct envelope e;
	char why[ENVELOPE_WHY_MAX];
	int32_t partition = o->partition;
	int rc;

	arena_reset(&p->arena);
	rc = envelope_read(frame->bytes, &p->arena, &e, why);
	if (rc < 0) {
		results_bad_frame(p, frame, EXIT_BAD_DATA, "%s",
				  rc == -ENOMEM ? "out of memory" : why);
		return;
	}
	if (note_source(p, &e) < 0) {
		results_bad_frame(p, frame, EXIT_REFUSED, "out of memory");
		p->stop = true;
		return;
	}
	if (p->acks != NULL && !is_acknowledgeable(&p->source)) {
		p->source.topic = NULL;
		results_bad_frame(p, frame, EXIT_BAD_DATA,
				  "no topic, partition and offset of the "
				  "source to acknowledge (--ack-src)");
		return;
	}
	if (o->topic == NULL && slice_is_null(e.topic)) {
		results_bad_frame(p, frame, EXIT_BAD_DATA,
				  "no topic, neither here nor by -t");
		return;
	}
	topic = topic_named(p, frame,
			    o->topic != NULL ? slice_of(o->topic) : e.topic);
	if (topic == NULL)
		return;
	if (partition == PARTITION_KEEP)
		partition = e.partition;
	e.timestamp_ms = stamp(p, e.timestamp_ms);
	if (o->key != NULL)
		e.key = slice_of(o->key);
	e.key = null_rule_apply(&o->nulls, e.key);
	e.value = null_rule_apply(&o->nulls, e.value);
	if (o->header_count > 0) {
		e.headers = o->headers;
		e.header_count = o->header_count;
	}
	produce(p, frame, topic, partition, &e);
}

static void produce_bytes(struct program *p, const struct framed *frame)
{
	const struct produce_options *o = &p->options;
	struct envelope e = {
		.partition = -1,
		.offset = -1,
		.timestamp_ms = stamp(p, -1),
		.key = slice_of(o->key),
		.value = frame->bytes,
		.headers = o->headers,
		.header_count = o->header_count,
	};

	if (o->skip_empty && frame->bytes.len == 0)
		return;
	if (o->key_delimiter.len > 0 &&
	    !framing_split(frame->bytes, buffer_slice(&o->key_delimiter),
			   &e.key, &e.value) &&
	    !o->no_key_ok) {
		results_bad_frame(p, frame, EXIT_BAD_DATA,
				  "no key delimiter '%s' (--no-key-ok takes "
				  "such a record)",
				  o->key_delimiter_text);
		return;
	}
	e.key = null_rule_apply(&o->nulls, e.key);
	e.value = null_rule_apply(&o->nulls, e.value);
	produce(p, frame, p->topic, o->partition, &e);
}

static void on_frame(struct program *p, int rc, const struct framed *frame)
{
	bool json = p->options.common.json;

	p->source = (struct source){ NULL, -1, -1 };
	if (rc == 1 && json)
		produce_envelope(p, frame);
	else if (rc == 1)
		produce_bytes(p, frame);
	else if (rc == -E2BIG)
		results_bad_frame(p, frame, EXIT_BAD_DATA,
				  "record of %zu bytes, limit %lld "
				  "(message.max.bytes)",
				  frame->len,
				  (long long)p->config.message_max_bytes);
	else
		results_bad_frame(p, frame, EXIT_BAD_DATA,
				  "not a whole JSON object");
}

/* Inputs */

static void on_input(void *arg, unsigned events)
{
	(void)arg; /* being woken is all that is wanted */
	(void)events;
}

static bool is_ready(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) != 0;
}

/* Wait until there is input, sending what there is. */
static void wait_for_input(struct program *p, struct loop_watch *watch, int fd)
{
	producer_flush(p->producer);
	while (!is_over(p) && !is_ready(fd)) {
		output_flush(&p->report);
		/* A regular file is always ready and is never waited for. */
		if (loop_watch_set(watch, LOOP_READ) < 0)
			break;
		program_turn(p, p->progress.enabled ? 1000 : -1);
		loop_watch_set(watch, 0);
	}
}

/* Returns false at the end of the input. */
static bool read_some(struct program *p, const struct input *input,
		      struct framer *framer)
{
	size_t room;
	uint8_t *to = framer_room(framer, &room);
	ssize_t n;

	if (to == NULL) {
		p->status = message_fail(&p->messages, EXIT_REFUSED,
					 "out of memory");
		p->stop = true;
		return false;
	}
	n = read(input->fd, to, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n < 0) {
		message_error(&p->messages, "cannot read '%s': %s", input->name,
			      strerror(errno));
		p->status = exit_worse(p->status, EXIT_REFUSED);
		p->stop = true;
		return false;
	}
	if (n == 0)
		framer_end(framer);
	else
		framer_filled(framer, (size_t)n);
	return n > 0;
}

static void take_frames(struct program *p, struct framer *framer,
			int64_t *frames)
{
	struct framed frame;
	int rc;

	p->now_ms = clock_system()->wall_ms(clock_system());
	while (!is_over(p) && (rc = framer_next(framer, &frame)) != 0) {
		*frames = frame.number;
		on_frame(p, rc, &frame);
	}
}

/* Longer ones are not kept; with --failed more is, to be written there. */
static size_t frame_max(const struct program *p)
{
	size_t record = (size_t)p->config.message_max_bytes;
	size_t max = p->options.common.json ? record * JSON_GROWTH : record;

	if (p->options.failed_path != NULL && max < FAILED_FRAME_MAX)
		max = FAILED_FRAME_MAX;
	return max + FRAME_SLACK_BYTES;
}

/* Frames that were read but, the run having been cut short, not used. */
static void drop_unread(struct program *p, struct framer *framer)
{
	struct framed frame;

	while (framer_next(framer, &frame) != 0)
		results_unread(p, &frame);
	/* The rest of a file is not counted either. */
	if (signals_ending() == 0)
		return;
	framer_end(framer);
	if (framer_next(framer, &frame) != 0)
		results_cut_off(p, &frame);
}

static void feed_input(struct program *p, const struct input *input,
		       int64_t *frames)
{
	struct framer *framer = NULL;
	struct loop_watch *watch = NULL;
	bool more = true;

	if (framer_new(input->framing, buffer_slice(&p->options.delimiter),
		       frame_max(p), &framer) < 0 ||
	    loop_watch_new(p->loop, input->fd, on_input, p, &watch) < 0) {
		p->status = message_fail(&p->messages, EXIT_REFUSED,
					 "out of memory");
		p->stop = true;
	}
	while (more && !is_over(p)) {
		if (!is_ready(input->fd))
			wait_for_input(p, watch, input->fd);
		if (is_over(p))
			break;
		more = read_some(p, input, framer);
		take_frames(p, framer, frames);
		program_turn(p, 0);
	}
	if ((p->stop || signals_ending() != 0) && framer != NULL)
		drop_unread(p, framer);
	loop_watch_free(watch);
	framer_free(framer);
}

static int open_input(struct program *p, const char *path)
{
	const struct produce_options *o = &p->options;
	struct input *input = &p->inputs[p->input_count];
	bool is_stdin = path == NULL || strcmp(path, "-") == 0;

	*input = (struct input){
		.name = is_stdin ? "stdin" : path,
		.fd = STDIN_FILENO,
		.framing = FRAMING_DELIMITED,
	};
	if (o->common.json)
		input->framing = FRAMING_JSON;
	else if (o->whole || (!is_stdin && !o->lines_of_files))
		input->framing = FRAMING_WHOLE;
	if (!is_stdin)
		input->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (input->fd >= 0) {
		p->input_count++;
		return 0;
	}
	message_error(&p->messages, "cannot open '%s': %s", path,
		      strerror(errno));
	p->status = exit_worse(p->status, EXIT_REFUSED);
	if (!o->keep_going)
		p->stop = true;
	return -1;
}

/* What is missing is found before anything is sent. */
static void check_inputs(struct program *p, char **paths, int count)
{
	for (int i = 0; i < count; i++) {
		struct stat st;
		int error = 0;

		if (strcmp(paths[i], "-") == 0)
			continue;
		if (faccessat(AT_FDCWD, paths[i], R_OK, AT_EACCESS) < 0)
			error = errno;
		else if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
			error = EISDIR;
		if (error == 0)
			continue;
		message_error(&p->messages, "cannot open '%s': %s", paths[i],
			      strerror(error));
		p->status = exit_worse(p->status, EXIT_REFUSED);
		p->stop = true;
	}
}

void feed_inputs(struct program *p, char **paths, int count)
{
	uint64_t next_number = 1;

	p->inputs = calloc((size_t)count + 1, sizeof(*p->inputs));
	if (p->inputs == NULL) {
		p->status = message_fail(&p->messages, EXIT_REFUSED,
					 "out of memory");
		return;
	}
	if (!p->options.keep_going)
		check_inputs(p, paths, count);
	if (p->options.topic != NULL && !p->stop)
		open_first_topic(p);
	for (int i = 0; i < (count == 0 ? 1 : count) && !is_over(p); i++) {
		struct input *input = &p->inputs[p->input_count];
		int64_t frames = 0;

		if (open_input(p, count == 0 ? NULL : paths[i]) < 0)
			continue;
		input->first_number = next_number;
		feed_input(p, input, &frames);
		next_number += (uint64_t)frames;
		if (input->fd != STDIN_FILENO)
			close(input->fd);
	}
	p->all_read = !is_over(p);
}
