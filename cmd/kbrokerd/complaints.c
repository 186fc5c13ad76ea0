/*
 * complaints.c - errors that clients are answered with, told in the log
 *
 * Most answers have none, which error_walk.h finds out at next to no cost.
 * Only then the answer is walked by its table, to find what the error is
 * about: the name or id in the struct that has the code, or around it.
 */
#include "kbrokerd/complaints.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metrics/error_walk.h"
#include "kbrokerd/server/observer.h"
#include "kbrokerd/server/request.h"
#include "kbrokerd/server/server.h"
#include "wire/desc.h"
#include "wire/errors.h"

enum {
	APIS_MAX = 128,
	KINDS_MAX = 1024, /* that are remembered; a power of two */
	AGAIN_MS = 60000,
	A_SECOND = 10, /* lines */
	DESCRIBE_GROUPS_KEY = 15,
	CONSUMER_GROUP_DESCRIBE_KEY = 69,
	AN_ANSWER = 8,   /* errors of one answer that are looked at */
	TEXT_BYTES = 256 /* of a name or text from outside */
};

struct complaints {
	struct broker *broker;
	struct server_observer observer;
	struct error_walk *walks[APIS_MAX];
	pthread_mutex_t lock; /* of what is below */
	struct logger_limit limit;
	struct kind {
		uint64_t hash;
		int64_t told_ms;
	} kinds[KINDS_MAX];
};

/* Where in an answer we are. */
struct place {
	struct slice name;    /* of a topic, group, ...; null: not known */
	const char *kind;     /* which of them */
	struct uuid topic_id; /* zero: not known */
	struct slice text;    /* what the client is told */
};

struct look {
	struct complaints *complaints;
	const struct request *req;
	int left;
};

/* Telling */

/* Who does not know the type of a group asks for it as one and then as the
 * other, as Kafka's own tools do. */
static bool is_probe(int16_t api_key)
{
	return api_key == DESCRIBE_GROUPS_KEY ||
	       api_key == CONSUMER_GROUP_DESCRIBE_KEY;
}

static enum logger_level level_of(int16_t api_key, int16_t code)
{
	if (code == WIRE_GROUP_ID_NOT_FOUND && is_probe(api_key))
		return LOGGER_DEBUG;
	switch (code) {
	case WIRE_FETCH_SESSION_ID_NOT_FOUND:
	case WIRE_INVALID_FETCH_SESSION_EPOCH:
	case WIRE_REBALANCE_IN_PROGRESS:
	case WIRE_MEMBER_ID_REQUIRED:
		return LOGGER_DEBUG;
	default:
		return wire_error_is_retriable(code) ? LOGGER_INFO
						     : LOGGER_WARN;
	}
}

/* A C string of it, or NULL. */
static const char *text_of(struct slice s, char text[TEXT_BYTES])
{
	if (slice_is_null(s) || s.len == 0)
		return NULL;
	snprintf(text, TEXT_BYTES, "%.*s",
		 (int)(s.len < TEXT_BYTES ? s.len : TEXT_BYTES - 1),
		 (const char *)s.data);
	return text;
}

static uint64_t hash_of(const struct look *l, struct slice name, int16_t code)
{
	struct slice client = l->req->client_id;
	uint64_t hash = hash_bytes(name.data, name.len);

	hash = hash * 31 + hash_bytes(client.data, client.len);
	return hash * 31 + (uint64_t)l->req->wire->key * 1009 + (uint64_t)code;
}

/* Under the lock: has it been told lately? */
static bool is_new(struct complaints *c, uint64_t hash, int64_t now_ms)
{
	struct kind *kind = &c->kinds[hash % KINDS_MAX];

	if (kind->hash == hash && now_ms - kind->told_ms < AGAIN_MS)
		return false;
	*kind = (struct kind){ hash, now_ms };
	return true;
}

static bool may_tell(struct complaints *c, uint64_t hash, int64_t now_ms,
		     int32_t *missed_out)
{
	bool told;

	pthread_mutex_lock(&c->lock);
	told = is_new(c, hash, now_ms) &&
	       logger_allows(&c->limit, now_ms, A_SECOND, missed_out);
	pthread_mutex_unlock(&c->lock);
	return told;
}

/* The topic of an id, in the newest image, copied. */
static struct slice name_of_topic(const struct look *l, struct uuid id,
				  char text[TEXT_BYTES])
{
	const struct image *image =
		metadata_image(l->complaints->broker->metadata);
	const struct topic_image *topic = image_topic_by_id(image, id);
	struct slice name = SLICE_NULL;

	if (topic != NULL && text_of(topic->name, text) != NULL)
		name = slice_of(text);
	image_release(image);
	return name;
}

static void tell(struct look *l, const struct place *place, int16_t code)
{
	const struct logger *logger = l->complaints->broker->logger;
	enum logger_level level = level_of(l->req->wire->key, code);
	char name[TEXT_BYTES];
	char id_name[TEXT_BYTES];
	char client[TEXT_BYTES];
	char text[TEXT_BYTES];
	char missed_text[16];
	struct slice topic = place->name;
	int32_t missed = 0;

	if (!logger_tells(logger, level, "api"))
		return;
	if (topic.len == 0 && !uuid_is_zero(place->topic_id))
		topic = name_of_topic(l, place->topic_id, id_name);
	if (!may_tell(l->complaints, hash_of(l, topic, code),
		      request_now_ms(l->req), &missed))
		return;
	snprintf(missed_text, sizeof(missed_text), "%d", missed);
	logger_tell(logger, level, "api", "a client got an error", "error",
		    wire_error_name(code), "api", l->req->wire->name,
		    place->kind, text_of(topic, name), "why",
		    text_of(place->text, text), "client",
		    text_of(l->req->client_id, client), "peer",
		    request_peer(l->req), "#not_told",
		    missed == 0 ? NULL : missed_text, NULL);
}

/* Finding what it is about */

/* What a field of that name names, or NULL. */
static const char *kind_of(const char *field)
{
	static const struct {
		const char *field, *kind;
	} kinds[] = {
		{ "name", "topic" },       { "topic", "topic" },
		{ "topic_name", "topic" }, { "resource_name", "resource" },
		{ "group_id", "group" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].field, field) == 0)
			return kinds[i].kind;
	}
	return NULL;
}

static void note_field(const struct wire_field *f, const void *message,
		       struct place *place, int16_t *code_out)
{
	const void *at = wire_at(message, f);
	const char *kind;
	struct slice text;

	if (f->op == WIRE_OP_INT16 && strcmp(f->name, "error_code") == 0)
		memcpy(code_out, at, sizeof(*code_out));
	else if (f->op == WIRE_OP_UUID && strcmp(f->name, "topic_id") == 0)
		memcpy(&place->topic_id, at, sizeof(place->topic_id));
	if (f->op != WIRE_OP_STRING)
		return;
	memcpy(&text, at, sizeof(text));
	if (strcmp(f->name, "error_message") == 0)
		place->text = text;
	kind = kind_of(f->name);
	if (kind != NULL) {
		place->name = text;
		place->kind = kind;
	}
}

/* As deep as the schema is. */
/* NOLINTBEGIN(misc-no-recursion) */
static void look_at(struct look *l, const struct wire_desc *desc,
		    const void *message, struct place place);

static void look_into(struct look *l, const struct wire_field *f,
		      const void *message, struct place place)
{
	const uint8_t *at = wire_at(message, f);
	const uint8_t *elem = at;
	int32_t count = 1;

	if (f->op != WIRE_OP_STRUCT)
		memcpy(&elem, at, sizeof(elem));
	if (f->op == WIRE_OP_ARRAY)
		count = *wire_count_at(message, f);
	for (int32_t i = 0; elem != NULL && i < count && l->left > 0; i++)
		look_at(l, f->desc, elem + (size_t)i * f->desc->size, place);
}

static void look_at(struct look *l, const struct wire_desc *desc,
		    const void *message, struct place place)
{
	size_t count = (size_t)desc->plain_count + desc->tagged_count;
	int16_t code = WIRE_NONE;

	place.text = SLICE_NULL;
	for (size_t i = 0; i < count; i++)
		note_field(&desc->fields[i], message, &place, &code);
	if (code != WIRE_NONE && l->left-- > 0)
		tell(l, &place, code);
	for (size_t i = 0; i < count; i++) {
		if (desc->fields[i].desc != NULL)
			look_into(l, &desc->fields[i], message, place);
	}
}
/* NOLINTEND(misc-no-recursion) */

/* Looking on */

static void on_code(void *arg, int16_t code)
{
	bool *found = arg;

	(void)code;
	*found = true;
}

static void on_answer(void *arg, const struct request *req, const void *message,
		      size_t bytes)
{
	struct complaints *c = arg;
	struct look look = { .complaints = c, .req = req, .left = AN_ANSWER };
	const struct place nowhere = { .name = SLICE_NULL, .kind = "topic" };
	bool found = false;

	(void)bytes;
	if (message == NULL || c->walks[req->wire->key] == NULL)
		return;
	error_walk_run(c->walks[req->wire->key], message, on_code, &found);
	if (found)
		look_at(&look, req->wire->response, message, nowhere);
}

static int make_walks(struct complaints *c)
{
	size_t count;
	const struct wire_api *apis = wire_apis(&count);

	for (size_t i = 0; i < count; i++) {
		if (apis[i].response == NULL || apis[i].key >= APIS_MAX)
			continue;
		c->walks[apis[i].key] = error_walk_new(apis[i].response);
		if (c->walks[apis[i].key] == NULL)
			return -ENOMEM;
	}
	return 0;
}

int complaints_new(struct broker *broker, struct complaints **complaints_out)
{
	struct complaints *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return -ENOMEM;
	c->broker = broker;
	pthread_mutex_init(&c->lock, NULL);
	c->observer =
		(struct server_observer){ .arg = c, .on_answer = on_answer };
	rc = make_walks(c);
	if (rc == 0)
		rc = server_observe(broker->server, &c->observer);
	if (rc < 0)
		complaints_free(c);
	else
		*complaints_out = c;
	return rc;
}

void complaints_free(struct complaints *complaints)
{
	if (complaints == NULL)
		return;
	for (size_t i = 0; i < APIS_MAX; i++)
		error_walk_free(complaints->walks[i]);
	pthread_mutex_destroy(&complaints->lock);
	free(complaints);
}
