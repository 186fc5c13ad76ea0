/*
 * producer_id.c - the id under which a producer's batches are numbered
 *
 * Asked for at the start, and again when the epochs of one have run out.
 */
#include <errno.h>

#include "client/producer_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { PRODUCER_ID_TIMEOUT_MS = 30000 };

static void take_id(struct producer *p, struct client_request *request)
{
	const struct init_producer_id_response *response =
		client_request_answer(request);
	struct client_error error = *client_request_error(request);

	if (error.kind == CLIENT_OK && response->error_code == WIRE_NONE &&
	    response->producer_id < 0)
		client_error_set(&error, CLIENT_BAD_DATA, -EBADMSG,
				 "the broker's producer id is none");
	if (error.kind == CLIENT_OK && response->error_code == WIRE_NONE) {
		p->id = (struct producer_id){ response->producer_id,
					      response->producer_epoch };
		p->needs_id = false;
		p->id_attempts = 0;
		return;
	}
	if (error.kind == CLIENT_OK)
		client_error_from_code(&error, response->error_code,
				       "asking for a producer id", NULL);
	if (error.kind != CLIENT_UNREACHABLE) {
		if (error.rc == -ENOTSUP)
			client_error_set(&error, CLIENT_REFUSED, -ENOTSUP,
					 "%s (enable.idempotence=false goes "
					 "without)",
					 client_request_error(request)->text);
		producer_fail_all(p, &error);
		return;
	}
	p->id_attempts++;
	p->id_retry_at_ms = loop_now_ms(p->loop) +
			    producer_backoff_ms(p->config, p->id_attempts);
}

static void on_id(void *arg, struct client_request *request)
{
	struct producer *p = arg;

	p->id_request = NULL;
	take_id(p, request);
	client_request_free(request);
	producer_pump(p);
	producer_deliver(p);
}

void producer_id_ask(struct producer *p)
{
	struct init_producer_id_request *m;
	struct client_request *r;

	if (p->id_request != NULL || loop_now_ms(p->loop) < p->id_retry_at_ms)
		return;
	r = client_request_new(p->client, API_INIT_PRODUCER_ID);
	if (r == NULL) {
		p->id_retry_at_ms =
			loop_now_ms(p->loop) + p->config->retry_backoff_max_ms;
		return;
	}
	m = client_request_message(r);
	m->transactional_id = SLICE_NULL;
	m->transaction_timeout_ms = INT32_MAX;
	p->id_request = r;
	client_send(r, CLIENT_ANY_NODE, PRODUCER_ID_TIMEOUT_MS, on_id, p);
}
