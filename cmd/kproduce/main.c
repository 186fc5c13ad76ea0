/*
 * main.c - kproduce: records from stdin or files to a topic
 *
 * Feeds the producer until the input ends, then waits for what is under way.
 * A signal counts as the end of input: it drains for up to -m, says what was
 * not acknowledged and dies of the signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/signals.h"
#include "kproduce/program.h"

/* An ending signal also ends what waits for a topic. */
static void on_signal(void *arg, unsigned events)
{
	struct program *p = arg;

	(void)events;
	signals_drain();
	if (signals_ending() != 0)
		loop_stop(p->loop);
}

static int open_acks(struct program *p)
{
	p->report.fd = STDOUT_FILENO;
	p->tracker.keeps_sources = true;
	p->acks = ack_sources_new(results_on_ack, p);
	return p->acks != NULL ? EXIT_GO_ON
			       : message_fail(&p->messages, EXIT_REFUSED,
					      "out of memory");
}

/* What only reports with "%{src.offset}" and its like need is kept for them. */
static int open_report(struct program *p)
{
	const char *why = NULL;
	size_t at = 0;

	output_init(&p->report, -1);
	if (p->options.ack_src)
		return open_acks(p);
	if (p->options.report == NULL)
		return EXIT_GO_ON;
	p->report.fd = STDOUT_FILENO;
	p->tracker.keeps_sources = strstr(p->options.report, "src.") != NULL;
	if (strcmp(p->options.report, "json") == 0)
		return EXIT_GO_ON;
	if (format_compile(p->options.report, NULL, &p->report_format, &why,
			   &at) < 0)
		return message_usage(
			&p->messages, "--report '%s': %s at character %zu",
			p->options.report, why == NULL ? "out of memory" : why,
			at + 1);
	return EXIT_GO_ON;
}

static int open_failed(struct program *p)
{
	const char *path = p->options.failed_path;

	output_init(&p->failed, -1);
	if (path == NULL)
		return EXIT_GO_ON;
	p->failed.fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (p->failed.fd < 0)
		return message_fail(&p->messages, EXIT_USAGE,
				    "cannot open '%s': %s", path,
				    strerror(errno));
	return EXIT_GO_ON;
}

static int start(struct program *p)
{
	struct client_error error;

	client_error_clear(&error);
	if (loop_new(&p->loop) < 0 ||
	    loop_watch_new(p->loop, signals_fd(), on_signal, p,
			   &p->signal_watch) < 0 ||
	    loop_watch_set(p->signal_watch, LOOP_READ) < 0)
		return message_fail(&p->messages, EXIT_REFUSED,
				    "out of memory or descriptors");
	if (client_new(p->loop, &p->config, &p->client, &error) < 0)
		return message_fail(&p->messages, (int)error.kind, "%s",
				    error.text);
	if (producer_new(p->client, results_on_delivery, p, &p->producer) < 0)
		return message_fail(&p->messages, EXIT_REFUSED,
				    "out of memory");
	return EXIT_GO_ON;
}

/* Wait for all that was accepted; after a signal no longer than -m. */
static void drain(struct program *p)
{
	int64_t signal_deadline_ms = -1;

	producer_flush(p->producer);
	while (producer_pending(p->producer) > 0 &&
	       producer_failure(p->producer) == NULL) {
		int64_t wait_ms = p->progress.enabled ? 1000 : -1;
		int64_t now_ms = loop_now_ms(p->loop);

		if (signals_ending() != 0 && signal_deadline_ms < 0)
			signal_deadline_ms =
				now_ms + p->options.common.step_timeout_ms;
		if (signal_deadline_ms >= 0 && now_ms >= signal_deadline_ms)
			break;
		if (signal_deadline_ms >= 0)
			wait_ms = signal_deadline_ms - now_ms;
		program_turn(p, wait_ms);
	}
	program_turn(p, 0);
	if (producer_pending(p->producer) > 0 && p->status == EXIT_OK)
		p->status = EXIT_REFUSED;
}

static void finish_failed(struct program *p)
{
	if (p->failed.fd < 0)
		return;
	if (output_flush(&p->failed) < 0 || fsync(p->failed.fd) < 0) {
		int rc = p->failed.error != 0 ? p->failed.error : -errno;

		if (rc != -EINVAL) /* no fsync on such a file */
			p->status = message_fail(
				&p->messages,
				exit_worse(p->status, EXIT_REFUSED),
				"cannot write '%s': %s", p->options.failed_path,
				strerror(-rc));
	}
	close(p->failed.fd);
}

static int run(struct program *p, const struct option_result *operands)
{
	p->started_us = clock_system()->monotonic_us(clock_system());
	progress_init(&p->progress, &p->messages, !isatty(STDIN_FILENO));
	feed_inputs(p, operands->operands, operands->operand_count);
	drain(p);
	progress_end(&p->progress);
	finish_failed(p);
	if (p->acks != NULL)
		results_ack_end(p);
	if (p->report.fd >= 0)
		p->status = output_finish(&p->report, &p->messages, p->status);
	results_summary(p);
	return p->status;
}

static void release(struct program *p)
{
	producer_free(p->producer);
	client_free(p->client);
	loop_watch_free(p->signal_watch);
	loop_free(p->loop);
	client_config_clear(&p->config);
	format_free(p->report_format);
	output_clear(&p->report);
	output_clear(&p->failed);
	tracker_clear(&p->tracker);
	ack_sources_free(p->acks);
	arena_clear(&p->arena);
	free(p->inputs);
	topics_made_clear(&p->made);
	produce_options_clear(&p->options);
}

int main(int argc, char **argv)
{
	static struct program p;
	struct option_result result;
	int status;

	output_guard_stdio();
	messages_init(&p.messages, "kproduce", STDERR_FILENO);
	signals_init();
	produce_options_init(&p.options);
	status = options_parse(&produce_tool, argc, argv, &p.options,
			       &p.messages, &result);
	if (status == EXIT_GO_ON)
		status =
			common_begin(&p.options.common, &p.messages, &p.config);
	if (status == EXIT_GO_ON)
		status = produce_options_finish(&p.options, &p.config,
						&p.messages);
	if (status == EXIT_GO_ON)
		status = open_report(&p);
	if (status == EXIT_GO_ON)
		status = open_failed(&p);
	if (status == EXIT_GO_ON)
		status = start(&p);
	if (status == EXIT_GO_ON)
		status = run(&p, &result);
	if (signals_ending() != 0)
		signals_die(signals_ending());
	release(&p);
	return status;
}
