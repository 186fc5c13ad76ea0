/*
 * topics.h - the topics that operands name
 */
#ifndef KTOPICS_TOPICS_H
#define KTOPICS_TOPICS_H

#include <sys/types.h>

#include "ktopics/ktopics.h"
#include "wire/messages.h"

/* Sorted by name; the request owns what items point to. */
struct topic_list {
	struct client_request *request;
	struct metadata_response_topics **items;
	size_t count;
};

enum {
	TOPICS_ALL_IF_NONE = 1, /* no operand: all of them */
	TOPICS_PATTERNS = 2,    /* globs, and ~REGEX, are taken */
	TOPICS_QUIET = 4,       /* those that are not there are no error */
};

/*
 * Look the topics up.  Those that are not there are said and counted, one
 * each; internal ones match a pattern only with -i.  Returns EXIT_GO_ON, or a
 * status when nothing could be asked.
 */
int topics_find(struct ktopics *k, char *const *names, int count,
		unsigned flags, struct topic_list *list_out);
void topics_clear(struct topic_list *list);

/* The index of the one of that name, or -1. */
ssize_t topics_index(const struct topic_list *list, struct slice name);

/* The one of that name, or NULL. */
struct metadata_response_topics *topics_get(const struct topic_list *list,
					    const char *name);

/* Is a name given twice?  Then it is said: a usage error. */
bool topics_repeat(struct ktopics *k, char *const *names, int count);

/* "1,2,3"; as long as the run. */
const char *topics_ids(struct ktopics *k, const int32_t *ids, int32_t count);

/*
 * Wait until every broker has, or with gone has no more, all of the topics,
 * each partition with a leader and its replicas in sync.  What is not so
 * after ms is said and counted.
 */
void topics_wait(struct ktopics *k, char *const *names, int count, bool gone,
		 int64_t ms);

#endif /* KTOPICS_TOPICS_H */
