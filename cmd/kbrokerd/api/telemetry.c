/*
 * telemetry.c - GetTelemetrySubscriptions, PushTelemetry (KIP-714)
 */
#include "kbrokerd/telemetry/telemetry.h"

#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/server/conn.h"
#include "record/compress.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum { US_A_MS = 1000 };

/* The better ones first, as Kafka tells them. */
static int8_t accepted[] = { CODEC_ZSTD, CODEC_LZ4, CODEC_GZIP, CODEC_SNAPPY };

/* One of a name that clients need not tell. */
static struct slice told(struct slice text)
{
	return text.len == 0 ? slice_of("unknown") : text;
}

static struct telemetry_client client_of(struct request *req,
					 struct uuid instance_id)
{
	struct telemetry_client client = { .instance_id = instance_id };
	struct slice *values = client.values;
	struct slice version;
	struct slice name = conn_software(req->conn, &version);
	char *host = arena_alloc(&req->arena, CONN_HOST_MAX);
	int port = host == NULL
			   ? 0
			   : conn_peer_host(req->conn, host, CONN_HOST_MAX);

	values[CLIENT_ID] = req->client_id;
	values[CLIENT_SOFTWARE_NAME] = told(name);
	values[CLIENT_SOFTWARE_VERSION] = told(version);
	values[CLIENT_SOURCE_ADDRESS] = slice_of(host);
	values[CLIENT_SOURCE_PORT] =
		slice_of(arena_printf(&req->arena, "%d", port));
	return client;
}

void api_get_telemetry_subscriptions(struct request *req)
{
	const struct get_telemetry_subscriptions_request *request =
		req->message;
	struct telemetry *t = req->broker->telemetry;
	struct telemetry_client client =
		client_of(req, request->client_instance_id);
	struct get_telemetry_subscriptions_response response;
	struct subscribed wanted;
	int rc = telemetry_ask(t, &client, request_now_us(req) / US_A_MS,
			       &req->arena, &wanted);

	if (rc < 0) {
		request_close(req, "out of memory");
		return;
	}
	if (client.is_owner)
		conn_set_telemetry(req->conn, client.instance_id);
	wire_init(&get_telemetry_subscriptions_response_desc, &response);
	response.error_code = (int16_t)rc;
	if (rc == WIRE_NONE) {
		response.client_instance_id = client.instance_id;
		response.subscription_id = wanted.id;
		response.accepted_compression_types = accepted;
		response.accepted_compression_types_count = sizeof(accepted);
		response.push_interval_ms = wanted.interval_ms;
		response.telemetry_max_bytes = telemetry_bytes_max(t);
		response.delta_temporality = true;
		response.requested_metrics = wanted.prefixes;
		response.requested_metrics_count = wanted.prefix_count;
	}
	request_reply(req, &response);
}

void api_push_telemetry(struct request *req)
{
	const struct push_telemetry_request *request = req->message;
	const struct telemetry_push push = {
		.subscription_id = request->subscription_id,
		.terminating = request->terminating,
		.compression = request->compression_type,
		.metrics = request->metrics,
	};
	struct telemetry_client client =
		client_of(req, request->client_instance_id);
	struct push_telemetry_response response;
	int rc = telemetry_push(req->broker->telemetry, &client, &push,
				request_now_us(req) / US_A_MS);

	if (rc < 0) {
		request_close(req, "out of memory");
		return;
	}
	if (client.is_owner)
		conn_set_telemetry(req->conn, client.instance_id);
	wire_init(&push_telemetry_response_desc, &response);
	response.error_code = (int16_t)rc;
	request_reply(req, &response);
}
