/*
 * admin_fan.h - requests to several brokers, sent side by side
 *
 *	struct admin_fan fan = { .client = client };
 *
 *	admin_fan_add(&fan, request, node)       each
 *	rc = admin_fan_run(&fan, timeout_ms, error);
 *	... client_request_error(fan.parts[i].request)
 *	admin_fan_clear(&fan);
 */
#ifndef CLIENT_ADMIN_FAN_H
#define CLIENT_ADMIN_FAN_H

#include "client/client.h"

struct admin_fan_part {
	struct client_request *request; /* the fan's, unless taken away */
	int32_t node;
	void *arg; /* the caller's */
};

struct admin_fan {
	struct client *client;
	struct admin_fan_part *parts;
	size_t count;
	size_t waiting;
};

/* The request becomes the fan's, on failure too.  0 or -ENOMEM. */
int admin_fan_add(struct admin_fan *fan, struct client_request *request,
		  int32_t node, void *arg);

/*
 * Send all and run the loop until each is done.  Returns 0 whatever became of
 * them, or -EINTR with *error told when loop_stop() was called meanwhile.
 */
int admin_fan_run(struct admin_fan *fan, int64_t timeout_ms,
		  struct client_error *error);

/* Free the requests that are still the fan's. */
void admin_fan_clear(struct admin_fan *fan);

#endif /* CLIENT_ADMIN_FAN_H */
