/*
 * change.h - requests that change the cluster: handed to the controller
 */
#ifndef KBROKERD_API_CHANGE_H
#define KBROKERD_API_CHANGE_H

#include "kbrokerd/metadata/metadata.h"
#include "kbrokerd/server/request.h"

/*
 * Park the request, have the controller decide about its message, and answer
 * when what it decided is committed.  finish, which may be NULL, is called on
 * the io thread just before, to add to the response what the controller does
 * not know; both messages are of the request's API.
 */
void change_submit(struct request *req,
		   void (*finish)(struct request *req, const void *request,
				  void *response));

/* Answer with this error for everything that the request asks for. */
void change_refuse(struct request *req, int16_t error_code, const char *text);

/* A copy of the message that holds no slice of the receive buffer; in the
 * arena, NULL when out of memory. */
void *change_keep_message(struct request *req);

#endif /* KBROKERD_API_CHANGE_H */
