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
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* Coming and going */

static void copy_headers(struct evkeyvalq *to, const struct evkeyvalq *from)
{
	const struct evkeyval *h;

	TAILQ_FOREACH (h, from, next)
		evhttp_add_header(to, h->key, h->value);
}

static void copy_body(struct visit *v)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(v->request);
	size_t len = evbuffer_get_length(in);
	uint8_t *to = buffer_grow(&v->body, len);

	if (to != NULL)
		evbuffer_remove(in, to, len);
}

static void parse_query(struct visit *v)
{
	const char *query =
		evhttp_uri_get_query(evhttp_request_get_evhttp_uri(v->request));

	if (evhttp_parse_query_str(query == NULL ? "" : query, &v->query) < 0)
		TAILQ_INIT(&v->query);
}

struct visit *visit_new(struct broker *broker, struct evhttp_request *request)
{
	struct visit *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->broker = broker;
	v->request = request;
	TAILQ_INIT(&v->asked);
	TAILQ_INIT(&v->told);
	copy_headers(&v->asked, evhttp_request_get_input_headers(request));
	copy_body(v);
	parse_query(v);
	if (v->body.failed) {
		visit_free(v);
		return NULL;
	}
	return v;
}

void visit_send(struct visit *v)
{
	struct evhttp_request *request = v->request;

	if (request == NULL)
		return;
	copy_headers(evhttp_request_get_output_headers(request), &v->told);
	if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
		evbuffer_add(evhttp_request_get_output_buffer(request),
			     v->answer.data, v->answer.len);
	evhttp_send_reply(request, v->status, NULL, NULL);
	v->request = NULL;
}

void visit_free(struct visit *v)
{
	if (v == NULL)
		return;
	evhttp_clear_headers(&v->query);
	evhttp_clear_headers(&v->asked);
	evhttp_clear_headers(&v->told);
	buffer_clear(&v->body);
	buffer_clear(&v->answer);
	free(v);
}

/* What was asked */

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
	return evhttp_find_header(&v->asked, name);
}

/* What is answered */

void visit_set_header(struct visit *v, const char *name, const char *value)
{
	evhttp_add_header(&v->told, name, value);
}

/* With what is in v->answer. */
static void answer(struct visit *v, int status, const char *content_type)
{
	char len[24];

	snprintf(len, sizeof(len), "%zu", v->answer.len);
	v->status = status;
	visit_set_header(v, "Content-Type", content_type);
	visit_set_header(v, "Content-Length", len);
	visit_set_header(v, "Cache-Control", "no-store");
	visit_set_header(v, "X-Content-Type-Options", "nosniff");
	visit_set_header(v, "X-Frame-Options", "DENY");
	visit_set_header(v, "Referrer-Policy", "no-referrer");
}

void visit_answer(struct visit *v, int status, const char *content_type,
		  struct slice body)
{
	buffer_put(&v->answer, body.data, body.len);
	if (v->answer.failed) {
		buffer_clear(&v->answer);
		status = HTTP_INTERNAL;
	}
	answer(v, status, content_type);
}

void visit_say(struct visit *v, int status, const char *format, ...)
{
	char text[1024];
	va_list args;
	int len;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is started */
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
	if (b->failed) {
		visit_say(v, HTTP_INTERNAL, "out of memory");
		buffer_clear(b);
		return;
	}
	v->answer = *b;
	*b = (struct buffer){ 0 };
	answer(v, HTTP_OK, content_type);
}
