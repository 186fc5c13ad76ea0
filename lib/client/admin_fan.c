/*
 * admin_fan.c - requests to several brokers, sent side by side
 */
#include "client/admin_fan.h"

#include <errno.h>
#include <stdlib.h>

int admin_fan_add(struct admin_fan *fan, struct client_request *request,
		  int32_t node, void *arg)
{
	struct admin_fan_part *more = fan->parts;

	/* Grown at powers of two. */
	if (request != NULL && (fan->count & (fan->count - 1)) == 0)
		more = reallocarray(fan->parts,
				    fan->count == 0 ? 1 : fan->count * 2,
				    sizeof(*more));
	if (request == NULL || more == NULL) {
		client_request_free(request);
		return -ENOMEM;
	}
	fan->parts = more;
	fan->parts[fan->count++] = (struct admin_fan_part){
		.request = request,
		.node = node,
		.arg = arg,
	};
	return 0;
}

static void on_done(void *arg, struct client_request *request)
{
	struct admin_fan *fan = arg;

	(void)request;
	fan->waiting--;
}

int admin_fan_run(struct admin_fan *fan, int64_t timeout_ms,
		  struct client_error *error)
{
	struct loop *loop = client_loop(fan->client);

	fan->waiting = fan->count;
	for (size_t i = 0; i < fan->count; i++)
		client_send(fan->parts[i].request, fan->parts[i].node,
			    timeout_ms, on_done, fan);
	while (fan->waiting > 0) {
		loop_run_once(loop, -1);
		if (loop_was_stopped(loop))
			return client_error_set(error, CLIENT_REFUSED, -EINTR,
						"interrupted");
	}
	return 0;
}

void admin_fan_clear(struct admin_fan *fan)
{
	for (size_t i = 0; i < fan->count; i++)
		client_request_free(fan->parts[i].request);
	free(fan->parts);
	*fan = (struct admin_fan){ .client = fan->client };
}
