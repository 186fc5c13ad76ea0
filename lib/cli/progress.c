/*
 * progress.c - the line that moves while a tool works
 */
#include "cli/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/signals.h"

enum { PERIOD_US = 1000 * 1000, LINE_MAX_BYTES = 400 };

void progress_init(struct progress *p, struct messages *messages, bool wanted)
{
	*p = (struct progress){
		.messages = messages,
		.enabled = wanted && messages->terminal &&
			   messages->verbosity >= 0,
	};
}

bool progress_due(struct progress *p, int64_t now_us)
{
	/* The first line comes after a second, not at once. */
	if (p->next_us == 0)
		p->next_us = now_us + PERIOD_US;
	if (signals_take_progress())
		p->asked = true;
	return p->asked || (p->enabled && now_us >= p->next_us);
}

static int terminal_width(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static void write_text(int fd, const char *text, int len)
{
	ssize_t n = write(fd, text, (size_t)len);

	(void)n; /* a terminal that is gone shows nothing */
}

static void show_line(struct progress *p, const char *text)
{
	char line[LINE_MAX_BYTES];
	int width = terminal_width(p->messages->fd) - 1;
	int len;

	if (width > LINE_MAX_BYTES - 16)
		width = LINE_MAX_BYTES - 16;
	len = snprintf(line, sizeof(line), "\r%.*s\033[K", width, text);
	write_text(p->messages->fd, line, len);
	p->messages->line_open = true;
}

void progress_show(struct progress *p, int64_t now_us, const char *text)
{
	if (p->asked) {
		char line[LINE_MAX_BYTES];

		p->asked = false;
		snprintf(line, sizeof(line), "%s: %s", p->messages->tool, text);
		message_raw_line(p->messages, line);
	}
	if (p->enabled && now_us >= p->next_us) {
		p->next_us = now_us + PERIOD_US;
		show_line(p, text);
	}
}

void progress_end(struct progress *p)
{
	if (p->messages->line_open)
		write_text(p->messages->fd, "\r\033[K", 4);
	p->messages->line_open = false;
	p->enabled = false;
}
