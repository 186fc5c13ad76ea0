/*
 * visit.h - one HTTP request and its answer
 */
#ifndef KBROKERD_HTTP_VISIT_H
#define KBROKERD_HTTP_VISIT_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "kbrokerd/http/http.h"

struct visit {
	struct broker *broker;
	struct metrics *metrics; /* while the broker serves, else NULL */
	enum http_phase phase;
	struct evhttp_request *request;
	struct evkeyvalq query;
	bool has_body; /* false: HEAD */
};

/* The value of a parameter, decoded, or fallback. */
const char *visit_parameter(const struct visit *v, const char *name,
			    const char *fallback);
/* The same as a number; fallback also when it is none from 0 to max. */
int64_t visit_number(const struct visit *v, const char *name, int64_t max,
		     int64_t fallback);

/* A header of the request, or NULL. */
const char *visit_header(const struct visit *v, const char *name);

/* A header of the answer. */
void visit_set_header(struct visit *v, const char *name, const char *value);

/* Answer; the bytes are copied. */
void visit_answer(struct visit *v, int status, const char *content_type,
		  struct slice body);

/* Answer with a text of one line; a newline is added. */
__attribute__((format(printf, 3, 4))) void visit_say(struct visit *v,
						     int status,
						     const char *format, ...);

/* Answer 200 with what was written to b, or 500 if that has failed; b is
 * cleared. */
void visit_answer_buffer(struct visit *v, const char *content_type,
			 struct buffer *b);

#endif /* KBROKERD_HTTP_VISIT_H */
