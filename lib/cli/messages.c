/*
 * messages.c - what a tool says on stderr
 *
 * A line is built whole and written by one write(2), so that lines of several
 * tools of a pipeline do not mix.  What cannot be written is lost: there is
 * nobody left to tell.
 */
#include "cli/messages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cli/exit_code.h"
#include "cli/json_writer.h"

static const char *const level_names[] = {
	[MESSAGE_ERROR] = "error",   [MESSAGE_WARNING] = "warning",
	[MESSAGE_NOTICE] = "notice", [MESSAGE_INFO] = "info",
	[MESSAGE_DEBUG] = "debug",
};

void messages_init(struct messages *m, const char *tool, int fd)
{
	*m = (struct messages){
		.tool = tool,
		.fd = fd,
		.terminal = isatty(fd) == 1,
	};
}

bool messages_wants(const struct messages *m, enum message_level level)
{
	switch (level) {
	case MESSAGE_ERROR:
		return true;
	case MESSAGE_WARNING:
		return m->verbosity >= 0;
	case MESSAGE_NOTICE:
		return m->verbosity > 0 || (m->verbosity == 0 && m->terminal);
	case MESSAGE_INFO:
		return m->verbosity >= 1;
	case MESSAGE_DEBUG:
		return m->verbosity >= 2;
	}
	return true;
}

static void write_line(struct messages *m, struct buffer *line)
{
	size_t done = 0;

	buffer_put_u8(line, '\n');
	while (!line->failed && done < line->len) {
		ssize_t n = write(m->fd, line->data + done, line->len - done);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0)
			done += (size_t)n;
	}
}

static void wipe_line(struct messages *m, struct buffer *line)
{
	if (m->line_open)
		buffer_put_text(line, "\r\033[K");
	m->line_open = false;
}

/* The text with what could steer a terminal made visible. */
static void put_visible(struct buffer *line, struct slice text)
{
	bool valid = utf8_is_valid(text);

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		/* C1 controls are 0xc2 0x80 .. 0xc2 0x9f in UTF-8. */
		bool c1 = valid && c == 0xc2 && text.data[i + 1] < 0xa0;

		if (c < 0x20 || c == 0x7f || c1 || (c >= 0x80 && !valid))
			buffer_printf(line, "\\x%02x", c);
		else
			buffer_put_u8(line, c);
		if (c1)
			buffer_printf(line, "\\x%02x", text.data[++i]);
	}
}

void message_v(struct messages *m, enum message_level level, const char *format,
	       va_list args)
{
	struct buffer line = { 0 };
	char *text;
	int len;

	if (!messages_wants(m, level))
		return;
	len = vasprintf(&text, format, args);
	if (len < 0)
		return;
	wipe_line(m, &line);
	buffer_printf(&line, "%s: %s: ", m->tool, level_names[level]);
	put_visible(&line, (struct slice){ (uint8_t *)text, (size_t)len });
	write_line(m, &line);
	buffer_clear(&line);
	free(text);
}

void message(struct messages *m, enum message_level level, const char *format,
	     ...)
{
	va_list args;

	va_start(args, format);
	message_v(m, level, format, args);
	va_end(args);
}

void message_error(struct messages *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(m, MESSAGE_ERROR, format, args);
	va_end(args);
}

void message_warning(struct messages *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(m, MESSAGE_WARNING, format, args);
	va_end(args);
}

void message_notice(struct messages *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(m, MESSAGE_NOTICE, format, args);
	va_end(args);
}

void message_info(struct messages *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(m, MESSAGE_INFO, format, args);
	va_end(args);
}

void message_debug(struct messages *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(m, MESSAGE_DEBUG, format, args);
	va_end(args);
}

void message_raw_line(struct messages *m, const char *text)
{
	struct buffer line = { 0 };

	wipe_line(m, &line);
	buffer_put_text(&line, text);
	write_line(m, &line);
	buffer_clear(&line);
}

int message_fail(struct messages *m, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(m, MESSAGE_ERROR, format, args);
	va_end(args);
	return status;
}

int message_usage(struct messages *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message_v(m, MESSAGE_ERROR, format, args);
	va_end(args);
	return EXIT_USAGE;
}
