/*
 * visit.h - one HTTP request and its answer
 *
 * What was asked is copied when it comes in, and what is answered is gathered
 * until it is sent: so any thread can answer, though evhttp is one's alone.
 */
#ifndef KBROKERD_HTTP_VISIT_H
#define KBROKERD_HTTP_VISIT_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "kbrokerd/http/http.h"

struct page;

struct visit {
	struct broker *broker;
	struct metrics *metrics; /* while the broker serves, else NULL */
	enum http_phase phase;
	const struct page *page;
	/* What was asked. */
	struct evkeyvalq query;
	struct evkeyvalq asked; /* headers */
	struct buffer body;
	/* What is answered. */
	int status;
	struct evkeyvalq told; /* headers */
	struct buffer answer;
	/* The HTTP thread's alone; NULL: who asked has gone. */
	struct evhttp_request *request;
	TAILQ_ENTRY(visit) link; /* of who has it */
};

/* On the HTTP thread.  new copies what was asked, NULL: out of memory; send
 * sends what was answered, if who asked is still there. */
struct visit *visit_new(struct broker *broker, struct evhttp_request *request);
void visit_send(struct visit *v);
void visit_free(struct visit *v);

/* On any thread. */

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
