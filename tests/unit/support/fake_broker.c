/*
 * fake_broker.c - a broker that says what a test tells it to
 */
#include "fake_broker.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "client/client.h"
#include "wire/errors.h"

struct fake_conn {
	struct fake_broker *broker;
	int fd;
	struct loop_watch *watch;
	struct buffer in;
	struct buffer out;
	bool is_dead;
	LIST_ENTRY(fake_conn) next;
};

static void request_free(struct fake_request *r)
{
	arena_clear(&r->arena);
	free(r->bytes);
	free(r);
}

static void conn_free(struct fake_conn *conn)
{
	struct fake_request *r;

	TAILQ_FOREACH (r, &conn->broker->held, next) {
		if (r->conn == conn)
			r->conn = NULL;
	}
	LIST_REMOVE(conn, next);
	loop_watch_free(conn->watch);
	close(conn->fd);
	buffer_clear(&conn->in);
	buffer_clear(&conn->out);
	free(conn);
}

static void conn_flush(struct fake_conn *conn)
{
	while (conn->out.len > 0 && !conn->is_dead) {
		ssize_t n = send(conn->fd, conn->out.data, conn->out.len,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			break;
		buffer_consume(&conn->out, (size_t)n);
	}
	loop_watch_set(conn->watch,
		       conn->out.len > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

void fake_answer_raw(struct fake_request *request, struct slice bytes)
{
	if (request->conn != NULL) {
		buffer_put(&request->conn->out, bytes.data, bytes.len);
		conn_flush(request->conn);
	}
	request_free(request);
}

void fake_answer_version(struct fake_request *request, int16_t version,
			 const void *response)
{
	const struct wire_api *api = wire_api(request->key);
	struct response_header header = { .correlation_id =
						  request->correlation_id };
	struct buffer out = { 0 };

	buffer_put_be32(&out, 0);
	assert(wire_encode(&response_header_desc,
			   wire_response_header_version(api, version), &header,
			   &out, NULL) == 0);
	assert(wire_encode(api->response, version, response, &out, NULL) == 0);
	put_be32(out.data, (uint32_t)(out.len - 4));
	fake_answer_raw(request, buffer_slice(&out));
	buffer_clear(&out);
}

void fake_answer(struct fake_request *request, const void *response)
{
	fake_answer_version(request, request->version, response);
}

void fake_close(struct fake_request *request)
{
	/* Its own callback ends it, now or when it sees the shutdown. */
	if (request->conn != NULL) {
		request->conn->is_dead = true;
		shutdown(request->conn->fd, SHUT_RDWR);
	}
	request_free(request);
}

void fake_ignore(struct fake_request *request)
{
	request_free(request);
}

void fake_hold(struct fake_request *request)
{
	TAILQ_INSERT_TAIL(&request->broker->held, request, next);
}

struct fake_request *fake_held(struct fake_broker *broker)
{
	struct fake_request *r = TAILQ_FIRST(&broker->held);

	if (r != NULL)
		TAILQ_REMOVE(&broker->held, r, next);
	return r;
}

static void answer_api_versions(struct fake_request *r)
{
	struct fake_broker *b = r->broker;
	struct api_versions_response response;
	int16_t version = r->version;

	wire_init(&api_versions_response_desc, &response);
	response.api_keys =
		arena_calloc(&r->arena, 128, sizeof(*response.api_keys));
	if (version > b->api_versions_max) {
		/* As Kafka does: version 0, and its range if it knows how. */
		response.error_code = WIRE_UNSUPPORTED_VERSION;
		version = 0;
	}
	for (int16_t key = 0; key < 128; key++) {
		if (b->versions[key].max < b->versions[key].min)
			continue;
		if (response.error_code != WIRE_NONE && key != API_API_VERSIONS)
			continue;
		response.api_keys[response.api_keys_count].api_key = key;
		response.api_keys[response.api_keys_count].min_version =
			b->versions[key].min;
		response.api_keys[response.api_keys_count++].max_version =
			b->versions[key].max;
	}
	fake_answer_version(r, version, &response);
}

static void fill_topic(struct fake_broker *b, struct fake_request *r,
		       struct metadata_response_topics *topic)
{
	topic->name = slice_of(b->topic);
	topic->topic_id = b->topic_id;
	topic->error_code = b->topic_code;
	if (b->topic_code != WIRE_NONE)
		return;
	topic->partitions =
		wire_array(&metadata_response_topics_partitions_desc, &r->arena,
			   b->partitions);
	topic->partitions_count = b->partitions;
	for (int32_t i = 0; i < b->partitions; i++) {
		topic->partitions[i].partition_index = i;
		topic->partitions[i].leader_id = b->leader;
		if (b->racks == NULL)
			continue;
		topic->partitions[i].replica_nodes =
			arena_calloc(&r->arena, 1, sizeof(int32_t));
		topic->partitions[i].replica_nodes[0] = b->racks[i];
		topic->partitions[i].replica_nodes_count = 1;
	}
}

/* One broker in each rack, whose letter is its id. */
static void fill_racks(struct metadata_response *response)
{
	static const char *const racks[] = { "a", "b", "c", "d" };

	for (size_t i = 0; i < sizeof(racks) / sizeof(racks[0]); i++) {
		struct metadata_response_brokers *b =
			&response->brokers[response->brokers_count++];

		b->node_id = racks[i][0];
		b->host = slice_of("127.0.0.1");
		b->port = 1;
		b->rack = slice_of(racks[i]);
	}
}

static void answer_metadata(struct fake_request *r)
{
	static const char host[] = "127.0.0.1";
	struct fake_broker *b = r->broker;
	const struct metadata_request *asked = r->message;
	struct metadata_response response;

	wire_init(&metadata_response_desc, &response);
	response.cluster_id = slice_of("fake");
	response.controller_id = b->id;
	response.brokers =
		wire_array(&metadata_response_brokers_desc, &r->arena, 6);
	response.brokers_count = b->leader >= 0 && b->leader != b->id ? 2 : 1;
	response.brokers[0].node_id = b->id;
	response.brokers[0].host = slice_of(host);
	response.brokers[0].port = b->port;
	response.brokers[1].node_id = b->leader;
	response.brokers[1].host = slice_of(host);
	response.brokers[1].port = b->leader_port;
	if (b->racks != NULL)
		fill_racks(&response);
	response.topics = wire_array(&metadata_response_topics_desc, &r->arena,
				     asked->topics_count + 1);
	for (int32_t i = 0; i < asked->topics_count; i++) {
		struct metadata_response_topics *topic =
			&response.topics[response.topics_count++];

		if (slice_is(asked->topics[i].name, b->topic) ||
		    (slice_is_null(asked->topics[i].name) &&
		     uuid_equal(asked->topics[i].topic_id, b->topic_id))) {
			fill_topic(b, r, topic);
			continue;
		}
		topic->name = asked->topics[i].name;
		topic->error_code = WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	}
	fake_answer(r, &response);
}

static void answer_producer_id(struct fake_request *r)
{
	struct init_producer_id_response response;

	wire_init(&init_producer_id_response_desc, &response);
	response.producer_id = 1000 + r->broker->requests[API_INIT_PRODUCER_ID];
	fake_answer(r, &response);
}

static void dispatch(struct fake_request *r)
{
	struct fake_broker *b = r->broker;

	b->requests[r->key]++;
	if (b->on_request != NULL && b->on_request(r))
		return;
	if (r->key == API_API_VERSIONS)
		answer_api_versions(r);
	else if (r->key == API_METADATA)
		answer_metadata(r);
	else if (r->key == API_INIT_PRODUCER_ID)
		answer_producer_id(r);
	else
		assert(false); /* a request that the test does not expect */
}

static void take_frame(struct fake_conn *conn, struct slice frame)
{
	struct fake_request *r = calloc(1, sizeof(*r));
	const struct wire_api *api;
	struct request_header header;
	int64_t n;

	r->broker = conn->broker;
	r->conn = conn;
	r->bytes = malloc(frame.len);
	memcpy(r->bytes, frame.data, frame.len);
	r->frame = (struct slice){ r->bytes, frame.len };
	r->key = (int16_t)get_be16(frame.data);
	r->version = (int16_t)get_be16(frame.data + 2);
	r->correlation_id = (int32_t)get_be32(frame.data + 4);
	api = wire_api(r->key);
	r->message = arena_alloc(&r->arena, wire_desc_size(api->request));
	n = wire_decode(&request_header_desc,
			wire_request_header_version(api, r->version), r->frame,
			&r->arena, &header);
	assert(n > 0);
	n += wire_decode(api->request, r->version,
			 (struct slice){ r->bytes + n, frame.len - (size_t)n },
			 &r->arena, r->message);
	assert(n == (int64_t)frame.len);
	dispatch(r);
}

static void take_frames(struct fake_conn *conn)
{
	while (!conn->is_dead && conn->in.len >= 4) {
		size_t len = get_be32(conn->in.data);

		if (conn->in.len < 4 + len)
			break;
		take_frame(conn, (struct slice){ conn->in.data + 4, len });
		buffer_consume(&conn->in, 4 + len);
	}
}

static void on_conn_ready(void *arg, unsigned events)
{
	struct fake_conn *conn = arg;
	ssize_t n;

	if (events & LOOP_WRITE)
		conn_flush(conn);
	if (events & LOOP_READ) {
		uint8_t *to = buffer_reserve(&conn->in, 1 << 20);

		n = recv(conn->fd, to, 1 << 20, MSG_DONTWAIT);
		if (n > 0) {
			buffer_commit(&conn->in, (size_t)n);
			take_frames(conn);
		} else if (n == 0 || errno != EAGAIN) {
			conn->is_dead = true;
		}
	}
	if (conn->is_dead)
		conn_free(conn);
}

static void on_accept(void *arg, unsigned events)
{
	struct fake_broker *b = arg;
	struct fake_conn *conn;
	int fd = accept4(b->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	conn = calloc(1, sizeof(*conn));
	conn->broker = b;
	conn->fd = fd;
	b->accepted++;
	assert(loop_watch_new(b->loop, fd, on_conn_ready, conn, &conn->watch) ==
	       0);
	assert(loop_watch_set(conn->watch, LOOP_READ) == 0);
	LIST_INSERT_HEAD(&b->conns, conn, next);
}

void fake_broker_up(struct fake_broker *b)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(b->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to);
	int one = 1;

	b->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert(b->fd >= 0);
	setsockopt(b->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert(bind(b->fd, (struct sockaddr *)&to, len) == 0);
	assert(listen(b->fd, 16) == 0);
	assert(getsockname(b->fd, (struct sockaddr *)&to, &len) == 0);
	b->port = ntohs(to.sin_port);
	assert(loop_watch_new(b->loop, b->fd, on_accept, b, &b->watch) == 0);
	assert(loop_watch_set(b->watch, LOOP_READ) == 0);
}

void fake_broker_down(struct fake_broker *b)
{
	struct fake_conn *conn;

	loop_watch_free(b->watch);
	b->watch = NULL;
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	while ((conn = LIST_FIRST(&b->conns)) != NULL)
		conn_free(conn);
}

struct fake_broker *fake_broker_new(struct loop *loop, int32_t id)
{
	struct fake_broker *b = calloc(1, sizeof(*b));
	size_t count;
	const struct wire_api *apis = wire_apis(&count);

	assert(b != NULL);
	b->loop = loop;
	b->id = id;
	b->leader = id;
	b->topic = "t";
	b->topic_id.bytes[0] = 7;
	b->partitions = 1;
	LIST_INIT(&b->conns);
	TAILQ_INIT(&b->held);
	for (size_t i = 0; i < 128; i++)
		b->versions[i] = (struct fake_version){ 0, -1 };
	for (size_t i = 0; i < count; i++)
		b->versions[apis[i].key] =
			(struct fake_version){ apis[i].min_version,
					       apis[i].max_version };
	b->api_versions_max = b->versions[API_API_VERSIONS].max;
	fake_broker_up(b);
	b->leader_port = b->port;
	return b;
}

void fake_broker_free(struct fake_broker *b)
{
	struct fake_request *r;

	fake_broker_down(b);
	while ((r = fake_held(b)) != NULL)
		request_free(r);
	free(b);
}
