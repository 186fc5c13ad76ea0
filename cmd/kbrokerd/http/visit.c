/*
 * visit.c - one HTTP request and its answer
 *
 * No answer is kept by anybody in between, none is taken for another type than
 * it says, and none may be shown inside of another page.
 */
#include "kbrokerd/http/visit.h"

#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

const char *visit_parameter(const struct visit *v, const char *name,
			    const char *fallback)
{
	const char *value = evhttp_find_header(&v->query, name);

	return value == NULL ? fallback : value;
}

int64_t visit_number(const struct visit *v, const char *name, int64_t max,
		     int64_t fallback)
{
	const char *text = visit_parameter(v, name, "");
	int64_t value;

	return parse_int64_in(text, 0, max, &value) < 0 ? fallback : value;
}

const char *visit_header(const struct visit *v, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(v->request),
				  name);
}

void visit_set_header(struct visit *v, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(v->request), name,
			  value);
}

void visit_answer(struct visit *v, int status, const char *content_type,
		  struct slice body)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(v->request);
	char len[24];

	snprintf(len, sizeof(len), "%zu", body.len);
	visit_set_header(v, "Content-Type", content_type);
	visit_set_header(v, "Content-Length", len);
	visit_set_header(v, "Cache-Control", "no-store");
	visit_set_header(v, "X-Content-Type-Options", "nosniff");
	visit_set_header(v, "X-Frame-Options", "DENY");
	visit_set_header(v, "Referrer-Policy", "no-referrer");
	if (v->has_body)
		evbuffer_add(out, body.data, body.len);
	evhttp_send_reply(v->request, status, NULL, NULL);
}

void visit_say(struct visit *v, int status, const char *format, ...)
{
	char text[1024];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	if (len >= (int)sizeof(text) - 1)
		len = (int)sizeof(text) - 2;
	text[len++] = '\n';
	visit_answer(v, status, "text/plain; charset=utf-8",
		     (struct slice){ (const uint8_t *)text, (size_t)len });
}

void visit_answer_buffer(struct visit *v, const char *content_type,
			 struct buffer *b)
{
	if (b->failed)
		visit_say(v, HTTP_INTERNAL, "out of memory");
	else
		visit_answer(v, HTTP_OK, content_type, buffer_slice(b));
	buffer_clear(b);
}
