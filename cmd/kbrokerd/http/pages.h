/*
 * pages.h - what can be asked for
 */
#ifndef KBROKERD_HTTP_PAGES_H
#define KBROKERD_HTTP_PAGES_H

#include "kbrokerd/http/visit.h"

enum page_method { PAGE_GET, PAGE_POST };

struct page {
	const char *path;
	enum page_method method;
	bool needs_broker; /* 503 unless it serves, or stops */
	bool is_guarded;   /* on loopback: only under a name that is ours */
	/* Waits for no disk and no lock that is held meanwhile: answered by
	 * the HTTP thread itself, whatever else is under way. */
	bool is_quick;
	void (*answer)(struct visit *v);
};

/* The page at a path, or NULL. */
const struct page *page_find(const char *path);

/* Answer a visit whose page, phase and metrics are set. */
void page_answer(struct visit *v);

/* In the file of the same name. */
void page_status(struct visit *v);
void page_config(struct visit *v);
void page_clients(struct visit *v);
void page_advertised(struct visit *v);

#endif /* KBROKERD_HTTP_PAGES_H */
