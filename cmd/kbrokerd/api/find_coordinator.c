/*
 * find_coordinator.c - FindCoordinator: who coordinates a group, transaction
 * or share partition
 *
 * It is the leader of the partition of an internal topic that the key's hash
 * names.  The topic is made when it is asked for first, and not waited for:
 * COORDINATOR_NOT_AVAILABLE has clients ask again.
 */
#include "base/hash.h"
#include "kbrokerd/api/auto_create.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/api/view.h"
#include "kbrokerd/broker.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	BATCHED = 4,         /* first version that asks for many */
	SHARE_PARTITIONS = 6 /* and that knows of those */
};

struct search {
	struct view view;
	int8_t type;
	bool known_type;
	const struct topic_image *topic;
	bool creating;
};

struct coordinator {
	int16_t error_code;
	int32_t node_id;
	struct slice host;
	int32_t port;
};

static const char *const topics[] = {
	[WIRE_COORDINATOR_TYPE_GROUP] = "__consumer_offsets",
	[WIRE_COORDINATOR_TYPE_TRANSACTION] = "__transaction_state",
	[WIRE_COORDINATOR_TYPE_SHARE] = "__share_group_state",
};

/* A number as Java reads it: a sign, or none, and digits. */
static bool is_int32(struct slice text, int32_t *number_out)
{
	size_t i = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
	bool negative = i == 1 && text.data[0] == '-';
	int64_t number = 0;

	if (i == text.len)
		return false;
	for (; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		number = number * 10 + (text.data[i] - '0');
		if (number > (int64_t)INT32_MAX + negative)
			return false;
	}
	*number_out = (int32_t)(negative ? -number : number);
	return true;
}

/* Take "group:topic id:partition" apart, where the group may have colons too.
 * *key_out is the same as Kafka writes it, in the arena. */
static bool read_share_key(struct slice key, struct arena *arena,
			   struct slice *key_out)
{
	size_t colons[2] = { 0, 0 };
	size_t found = 0;
	struct slice id, number;
	struct uuid uuid;
	int32_t partition;

	for (size_t i = key.len; i > 0 && found < 2; i--) {
		if (key.data[i - 1] == ':')
			colons[found++] = i - 1;
	}
	if (found < 2 || colons[1] == 0)
		return false;
	id.data = key.data + colons[1] + 1;
	id.len = colons[0] - colons[1] - 1;
	number.data = key.data + colons[0] + 1;
	number.len = key.len - colons[0] - 1;
	if (uuid_parse(id, &uuid) < 0 || !is_int32(number, &partition))
		return false;
	*key_out = slice_of(arena_printf(arena, "%.*s:%d", (int)colons[0],
					 (const char *)key.data, partition));
	return !slice_is_null(*key_out);
}

/* What is hashed, or false for what is no key of that type. */
static bool read_key(const struct search *s, struct slice *key)
{
	if (!s->known_type)
		return false;
	if (s->type != WIRE_COORDINATOR_TYPE_SHARE)
		return true;
	return s->view.req->version >= SHARE_PARTITIONS &&
	       read_share_key(*key, &s->view.req->arena, key);
}

static void create_topic(struct search *s)
{
	struct slice name = slice_of(topics[s->type]);

	if (!s->creating)
		auto_create_topics(s->view.req, &name, 1);
	s->creating = true;
}

static void find(struct search *s, struct slice key, struct coordinator *out)
{
	const struct topic_image *topic = s->topic;
	const struct partition_image *p;

	*out = (struct coordinator){ .error_code = WIRE_INVALID_REQUEST,
				     .node_id = -1,
				     .host = slice_of(""),
				     .port = -1 };
	if (!read_key(s, &key))
		return;
	if (topic == NULL) {
		create_topic(s);
		out->error_code = WIRE_COORDINATOR_NOT_AVAILABLE;
		return;
	}
	p = &topic->partitions[hash_java_positive(key.data, key.len) %
			       topic->partition_count];
	out->node_id = view_leader(&s->view, p);
	out->error_code =
		out->node_id < 0 ? WIRE_COORDINATOR_NOT_AVAILABLE : WIRE_NONE;
	if (out->node_id >= 0)
		view_endpoint(&s->view, image_broker(s->view.image, p->leader),
			      &out->host, &out->port);
}

static void answer_one(struct search *s,
		       const struct find_coordinator_request *request)
{
	struct find_coordinator_response response;
	struct coordinator found;

	find(s, request->key, &found);
	wire_init(&find_coordinator_response_desc, &response);
	response.error_code = found.error_code;
	response.error_message =
		slice_of(found.error_code == WIRE_NONE
				 ? "NONE"
				 : wire_error_text(found.error_code));
	response.node_id = found.node_id;
	response.host = found.host;
	response.port = found.port;
	request_reply(s->view.req, &response);
}

static void answer_all(struct search *s,
		       const struct find_coordinator_request *request)
{
	struct find_coordinator_response response;
	int32_t count = request->coordinator_keys_count;

	wire_init(&find_coordinator_response_desc, &response);
	response.coordinators =
		wire_array(&find_coordinator_response_coordinators_desc,
			   &s->view.req->arena, count);
	for (int32_t i = 0; response.coordinators != NULL && i < count; i++) {
		struct find_coordinator_response_coordinators *to =
			&response.coordinators[i];
		struct coordinator found;

		find(s, request->coordinator_keys[i], &found);
		to->key = request->coordinator_keys[i];
		to->error_code = found.error_code;
		to->node_id = found.node_id;
		to->host = found.host;
		to->port = found.port;
		if (!s->known_type)
			to->error_message =
				slice_of(wire_error_text(found.error_code));
		response.coordinators_count++;
	}
	request_reply(s->view.req, &response);
}

void api_find_coordinator(struct request *req)
{
	const struct find_coordinator_request *request = req->message;
	struct search s = { .type = request->key_type };
	const struct image *image;

	s.known_type = s.type >= 0 &&
		       (size_t)s.type < sizeof(topics) / sizeof(topics[0]);
	image = metadata_image(req->broker->metadata);
	view_init(&s.view, req, image);
	if (s.known_type)
		s.topic = image_topic(image, slice_of(topics[s.type]));
	if (req->version >= BATCHED)
		answer_all(&s, request);
	else
		answer_one(&s, request);
	image_release(image);
}
