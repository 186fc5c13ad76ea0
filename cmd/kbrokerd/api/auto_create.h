/*
 * auto_create.h - topics that come into being because somebody named them
 */
#ifndef KBROKERD_API_AUTO_CREATE_H
#define KBROKERD_API_AUTO_CREATE_H

#include "kbrokerd/server/request.h"

/*
 * Have these topics created, with the broker's defaults (or what their
 * coordinators need), for the client that asked for them; it is not waited
 * for.  Each that is created is told in the log.  Without memory nothing
 * happens: the client asks again.
 */
void auto_create_topics(struct request *req, const struct slice *names,
			size_t count);

#endif /* KBROKERD_API_AUTO_CREATE_H */
