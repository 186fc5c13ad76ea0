/*
 * main.c - kconsume: records of topics to stdout
 *
 * One loop: hand out what was fetched; when nothing waits, flush and sleep
 * until the network, a signal or the end of the reader says something.
 *
 * The ends: the count (-c), the end offsets as they were at start (-e, -n),
 * a failure, the reader gone (die of SIGPIPE at once), a signal (finish the
 * record being written, flush, die of it).
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/signals.h"
#include "kconsume/group_run.h"
#include "kconsume/program.h"

enum {
	CLOCK_EVERY = 256, /* records between two looks at the clock */
};

static int64_t monotonic_us(void)
{
	return clock_system()->monotonic_us(clock_system());
}

int program_fail(struct program *p, const struct client_error *error)
{
	return message_fail(&p->messages, (int)error->kind, "%s", error->text);
}

/* Events */

/* An ending signal also ends what waits for topics. */
static void on_signal(void *arg, unsigned events)
{
	struct program *p = arg;

	(void)events;
	signals_drain();
	if (signals_ending() != 0)
		loop_stop(p->loop);
}

/*
 * A pipe's write end is never readable: an event means the reader has gone.  A
 * socket may be readable, which then is no concern of ours: its end will show
 * as an error of a write.
 */
static void on_reader(void *arg, unsigned events)
{
	struct program *p = arg;

	(void)events;
	p->reader_gone = output_reader_gone(&p->printer.output);
	loop_watch_set(p->reader_watch, 0);
}

void program_explain(struct program *p, const struct client_error *why,
		     int64_t since_ms)
{
	if (!p->is_troubled)
		return;
	if (why == NULL)
		why = consumer_trouble_now(p->consumer, &since_ms);
	p->is_troubled = why != NULL;
	signals_timeout_because(why == NULL ? NULL : why->text,
				loop_now_ms(p->loop) - since_ms);
}

static void on_note(void *arg, const char *text)
{
	struct program *p = arg;

	p->is_troubled = true;
	program_explain(p, NULL, 0);
	message_info(&p->messages, "%s", text);
}

/* Output without them must not look as if it were all. */
static void on_reset(void *arg, const char *text)
{
	struct program *p = arg;

	message_warning(&p->messages, "%s", text);
}

static void on_end(void *arg, const char *topic, int32_t partition,
		   int64_t offset)
{
	struct program *p = arg;

	message_info(&p->messages, "end of %s [%d] at offset %lld", topic,
		     partition, (long long)offset);
}

static int watch_all(struct program *p)
{
	struct stat st;
	int rc = loop_watch_new(p->loop, signals_fd(), on_signal, p,
				&p->signal_watch);

	if (rc == 0)
		rc = loop_watch_set(p->signal_watch, LOOP_READ);
	if (rc < 0 || fstat(STDOUT_FILENO, &st) < 0 ||
	    !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return rc;
	rc = loop_watch_new(p->loop, STDOUT_FILENO, on_reader, p,
			    &p->reader_watch);
	return rc < 0 ? rc : loop_watch_set(p->reader_watch, LOOP_READ);
}

/* What to consume */

int program_open_consumer(struct program *p)
{
	const struct consumer_handler handler = {
		.on_end = on_end,
		.on_note = on_note,
		.on_reset = on_reset,
		.arg = p,
	};

	if (consumer_new(p->client, &handler, &p->consumer) < 0)
		return message_fail(&p->messages, EXIT_REFUSED,
				    "out of memory");
	consumer_set_patience(p->consumer, p->options.common.step_timeout_ms);
	return EXIT_GO_ON;
}

static int add(struct program *p, const struct choice *choice,
	       struct consumer_position start, struct consumer_position stop)
{
	int rc = consumer_add(p->consumer, choice->topic, choice->partition,
			      start, stop);

	return rc == 0 ? EXIT_GO_ON
		       : message_fail(&p->messages, EXIT_REFUSED,
				      "out of memory");
}

static int add_all(struct program *p)
{
	const struct consume_options *o = &p->options;
	int status = program_open_consumer(p);

	for (size_t i = 0; i < p->choices.count && status == EXIT_GO_ON; i++) {
		const struct choice *choice = &p->choices.items[i];

		status = add(p, choice,
			     consume_options_start(o, choice->partition),
			     o->stop);
	}
	return status;
}

/* The way of a record */

static int take(struct program *p, const struct consumer_record *r)
{
	int rc;

	if (p->tail == NULL)
		return printer_print(&p->printer, r, p->now_us);
	rc = tail_add(p->tail, r);
	if (rc < 0)
		p->printer.output.error = rc;
	return rc;
}

void program_show_progress(struct program *p)
{
	char text[128];

	p->progress.asked |= signals_take_progress();
	if (!progress_due(&p->progress, p->now_us))
		return;
	snprintf(text, sizeof(text), "%lld records, %.1f MB",
		 (long long)p->printer.printed,
		 (double)p->printer.output.written / 1e6);
	progress_show(&p->progress, p->now_us, text);
}

bool program_has_enough(const struct program *p)
{
	return p->options.count >= 0 && p->printer.printed >= p->options.count;
}

/* Hand out what is there: 0 when nothing waits, or what consumer_next() or
 * the output says. */
static int drain(struct program *p)
{
	struct consumer_record record;
	int rc = 0;

	for (unsigned i = 0;
	     !program_has_enough(p) && signals_ending() == 0 && !p->reader_gone;
	     i++) {
		if (i % CLOCK_EVERY == 0) {
			int64_t due = output_due_us(&p->printer.output);

			p->now_us = monotonic_us();
			program_show_progress(p);
			if (due >= 0 && due <= p->now_us)
				output_flush(&p->printer.output);
			/* Let fetched frames come in beside the printing. */
			loop_run_once(p->loop, 0);
		}
		rc = consumer_next(p->consumer, &record);
		if (rc <= 0 || take(p, &record) < 0)
			break;
	}
	return rc < 0 ? rc : p->printer.output.error;
}

/* Until it ends: EXIT_OK when it ended as asked. */
static int consume(struct program *p)
{
	for (;;) {
		int rc = drain(p);

		if (p->printer.output.error != 0 || p->reader_gone)
			return EXIT_OK; /* output_finish() says the rest */
		if (rc < 0) {
			output_flush(&p->printer.output);
			return program_fail(p, consumer_error(p->consumer));
		}
		if (program_has_enough(p) || signals_ending() != 0 ||
		    consumer_is_done(p->consumer))
			return EXIT_OK;
		if (output_flush(&p->printer.output) < 0)
			return EXIT_OK;
		program_explain(p, NULL, 0);
		loop_run_once(p->loop, p->progress.enabled ? 1000 : -1);
	}
}

/* Did something else than the end of the records end the run? */
static bool is_over(const struct program *p)
{
	return signals_ending() != 0 || p->reader_gone ||
	       p->printer.output.error != 0;
}

static int print_kept(void *arg, const struct consumer_record *r)
{
	struct program *p = arg;

	return printer_print(&p->printer, r, p->now_us);
}

/* The offsets from back before each end on, up to it.  *all_out: that is
 * everything there is. */
static int add_last(struct program *p, int64_t back, bool *all_out)
{
	int status = program_open_consumer(p);

	*all_out = true;
	for (size_t i = 0; i < p->choices.count && status == EXIT_GO_ON; i++) {
		const struct choice *choice = &p->choices.items[i];
		int64_t start = choice->end_offset - back;

		if (start > choice->first_offset)
			*all_out = false;
		else
			start = choice->first_offset;
		if (start >= choice->end_offset)
			continue;
		status = add(
			p, choice,
			(struct consumer_position){ CONSUMER_OFFSET, start },
			(struct consumer_position){ CONSUMER_OFFSET,
						    choice->end_offset });
	}
	return status;
}

/*
 * -n: look at as many offsets before each end as records are wanted.  Offsets
 * without a record (compacted away, control records) may leave too few: then
 * look back four times as far, until all has been seen.
 */
static int consume_last(struct program *p)
{
	int64_t back = p->options.tail;
	bool all = false;
	int status = choices_look_up(&p->choices, p->client,
				     p->options.common.step_timeout_ms,
				     &p->messages);

	p->tail = tail_new((size_t)p->options.tail);
	if (p->tail == NULL)
		return message_fail(&p->messages, EXIT_REFUSED,
				    "out of memory");
	while (status == EXIT_GO_ON) {
		status = add_last(p, back, &all);
		if (status == EXIT_GO_ON)
			status = consume(p);
		if (status != EXIT_OK || is_over(p) || all ||
		    (int64_t)tail_count(p->tail) >= p->options.tail)
			break;
		status = EXIT_GO_ON;
		back *= 4;
		tail_reset(p->tail);
		consumer_free(p->consumer);
		p->consumer = NULL;
	}
	if (status == EXIT_OK && !is_over(p))
		tail_each(p->tail, print_kept, p);
	return status;
}

static int run(struct program *p)
{
	struct client_error error;
	int status;

	status = consume_options_configure(&p->options, &p->config,
					   &p->messages);
	if (status != EXIT_GO_ON)
		return status;
	if (loop_new(&p->loop) < 0 || watch_all(p) < 0)
		return message_fail(&p->messages, EXIT_REFUSED,
				    "out of memory or descriptors");
	client_error_clear(&error);
	if (client_new(p->loop, &p->config, &p->client, &error) < 0)
		return program_fail(p, &error);
	if (p->options.group != NULL)
		return group_run(p);
	status =
		choices_make(&p->choices, p->client, &p->options, &p->messages);
	if (status == EXIT_GO_ON && p->options.tail >= 0)
		return consume_last(p);
	if (status == EXIT_GO_ON)
		status = add_all(p);
	return status == EXIT_GO_ON ? consume(p) : status;
}

static void release(struct program *p)
{
	tail_free(p->tail);
	choices_clear(&p->choices);
	consumer_free(p->consumer);
	client_free(p->client);
	loop_watch_free(p->signal_watch);
	loop_watch_free(p->reader_watch);
	loop_free(p->loop);
	client_config_clear(&p->config);
	printer_clear(&p->printer);
	consume_options_clear(&p->options);
}

int main(int argc, char **argv)
{
	static struct program p;
	struct option_result result = { 0 };
	struct clock *clock = clock_system();
	int status;

	output_guard_stdio();
	messages_init(&p.messages, "kconsume", STDERR_FILENO);
	signals_init();
	consume_options_init(&p.options);
	status = options_parse(&consume_tool, argc, argv, &p.options,
			       &p.messages, &result);
	p.options.operands = result.operands;
	p.options.operand_count = result.operand_count;
	if (status == EXIT_GO_ON)
		status =
			common_begin(&p.options.common, &p.messages, &p.config);
	if (status == EXIT_GO_ON)
		status = consume_options_finish(
			&p.options, clock->wall_ms(clock), &p.messages);
	if (status == EXIT_GO_ON)
		status = printer_init(&p.printer, &p.options, &p.messages);
	if (status != EXIT_GO_ON) {
		release(&p);
		return status;
	}
	progress_init(&p.progress, &p.messages, !isatty(STDOUT_FILENO));
	status = run(&p);
	progress_end(&p.progress);
	if (p.reader_gone && p.printer.output.error == 0)
		p.printer.output.error = -EPIPE;
	status = output_finish(&p.printer.output, &p.messages, status);
	if (signals_ending() != 0)
		signals_die(signals_ending());
	release(&p);
	return status;
}
