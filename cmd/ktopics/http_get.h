/*
 * http_get.h - ask a broker's page
 */
#ifndef KTOPICS_HTTP_GET_H
#define KTOPICS_HTTP_GET_H

#include "base/buffer.h"

enum { HTTP_GET_WHY_MAX = 300, HTTP_GET_BODY_MAX = 8 << 20 };

/*
 * GET path at HOST[:PORT] (9644), with or without http:// before and / behind,
 * within so many ms; waits for it.  Returns EXIT_GO_ON with the body appended,
 * or a status and why.
 */
int http_get(const char *address, const char *path, int64_t timeout_ms,
	     struct buffer *body, char why[HTTP_GET_WHY_MAX]);

#endif /* KTOPICS_HTTP_GET_H */
