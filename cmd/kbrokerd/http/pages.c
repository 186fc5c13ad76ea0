/*
 * pages.c - what can be asked for, and the pages of a few lines
 */
#include "kbrokerd/http/pages.h"

#include <string.h>

#include "http/page.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metrics/families.h"

enum { ALIVE_PATIENCE_MS = 2000 };

static void answer_root(struct visit *v)
{
	visit_set_header(v, "Content-Security-Policy", http_page_policy);
	visit_answer(v, HTTP_OK, "text/html; charset=utf-8",
		     (struct slice){ http_page, http_page_len });
}

static void answer_live(struct visit *v)
{
	if (v->phase == HTTP_SERVING &&
	    !broker_is_alive(v->broker, ALIVE_PATIENCE_MS))
		visit_say(v, HTTP_SERVUNAVAIL,
			  "an io thread has not turned for %d ms",
			  ALIVE_PATIENCE_MS);
	else
		visit_say(v, HTTP_OK, "ok");
}

static void answer_ready(struct visit *v)
{
	static const char *const why[] = {
		[HTTP_STARTING] = "not ready: recovering",
		[HTTP_SERVING] = "ready",
		[HTTP_STOPPING] = "not ready: stopping",
		[HTTP_OVER] = "not ready: stopping, writing to disk",
	};

	visit_say(v, v->phase == HTTP_SERVING ? HTTP_OK : HTTP_SERVUNAVAIL,
		  "%s", why[v->phase]);
}

static void answer_families(struct visit *v,
			    void (*write)(struct metrics *m,
					  enum exposition_form form,
					  struct buffer *out))
{
	enum exposition_form form =
		exposition_form_for(visit_header(v, "Accept"));
	struct buffer b = { 0 };

	write(v->metrics, form, &b);
	visit_answer_buffer(v, exposition_content_type(form), &b);
}

static void answer_metrics(struct visit *v)
{
	answer_families(v, families_write);
}

static void answer_metrics_kafka(struct visit *v)
{
	answer_families(v, families_write_kafka);
}

static const struct page pages[] = {
	{ "/", PAGE_GET, false, true, true, answer_root },
	{ "/advertised", PAGE_POST, true, true, false, page_advertised },
	{ "/clients", PAGE_GET, true, true, false, page_clients },
	{ "/config", PAGE_GET, true, true, false, page_config },
	{ "/livez", PAGE_GET, false, false, true, answer_live },
	{ "/metrics", PAGE_GET, true, false, false, answer_metrics },
	{ "/metrics/kafka", PAGE_GET, true, false, false,
	  answer_metrics_kafka },
	{ "/readyz", PAGE_GET, false, false, true, answer_ready },
	{ "/status", PAGE_GET, true, true, false, page_status },
};

const struct page *page_find(const char *path)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(pages[i].path, path) == 0)
			return &pages[i];
	}
	return NULL;
}

void page_answer(struct visit *v)
{
	if (!v->page->needs_broker || v->metrics != NULL) {
		v->page->answer(v);
		return;
	}
	visit_set_header(v, "Retry-After", "1");
	visit_say(v, HTTP_SERVUNAVAIL, "%s",
		  v->phase == HTTP_STARTING ? "not ready: recovering"
					    : "not ready: stopping");
}
