/*
 * controller_topics_delete.c - topics go, by name or by id
 *
 * A request that names a topic twice, be it once by name and once by id, is
 * refused for that topic: nobody can say what was meant.
 */
#include <errno.h>

#include "kbrokerd/metadata/controller.h"
#include "wire/errors.h"
#include "wire/messages.h"

static const struct controller_error none = { WIRE_NONE, NULL };

static bool failed(struct controller_error e)
{
	return e.code != WIRE_NONE;
}

/* A topic that is to go: by name, or by id. */
struct doomed {
	struct slice name; /* null: by id */
	struct uuid id;
};

/* All of a request. */
struct doom {
	struct doomed *all;
	size_t count;
	size_t named; /* by name */
};

/* Names and ids as one kind of thing, to see which occur twice. */
static struct slice doomed_key(const struct doomed *d)
{
	return slice_is_null(d->name)
		       ? (struct slice){ d->id.bytes, sizeof(d->id.bytes) }
		       : d->name;
}

static struct controller_error find_doomed(const struct controller *c,
					   const struct doomed *d,
					   enum name_mark mark,
					   const struct topic_image **topic_out)
{
	bool by_id = slice_is_null(d->name);

	*topic_out = NULL;
	if (!by_id && !uuid_is_zero(d->id))
		return (struct controller_error){
			WIRE_INVALID_REQUEST,
			"You may not specify both topic name and topic id."
		};
	if (by_id && uuid_is_zero(d->id))
		return (struct controller_error){
			WIRE_INVALID_REQUEST,
			"Neither topic name nor id were specified."
		};
	if (mark != NAME_ONCE)
		return (struct controller_error){
			WIRE_INVALID_REQUEST,
			by_id ? "Duplicate topic id." : "Duplicate topic name."
		};
	*topic_out = by_id ? image_topic_by_id(c->image, d->id)
			   : image_topic(c->image, d->name);
	if (*topic_out != NULL)
		return none;
	if (by_id)
		return (struct controller_error){
			WIRE_UNKNOWN_TOPIC_ID,
			"This server does not host this topic ID."
		};
	return (struct controller_error){
		WIRE_UNKNOWN_TOPIC_OR_PARTITION,
		"This server does not host this topic-partition."
	};
}

/* Of those that found a topic by name: has another of the request its id? */
static bool is_doomed_by_id(const struct doom *doom,
			    const struct topic_image *topic)
{
	const struct doomed *all = doom->all;

	if (doom->named == doom->count)
		return false;
	for (size_t i = 0; i < doom->count; i++) {
		if (slice_is_null(all[i].name) &&
		    uuid_equal(all[i].id, topic->id))
			return true;
	}
	return false;
}

static void add_remove_topic(const struct controller *c, struct uuid id)
{
	struct remove_topic_record r;

	wire_init(&remove_topic_record_desc, &r);
	r.topic_id = id;
	controller_add(c, &remove_topic_record_desc, &r);
}

static void delete_one(const struct controller *c, const struct doom *doom,
		       const struct doomed *d, enum name_mark mark,
		       struct arena *arena,
		       struct delete_topics_response_responses *item)
{
	const struct topic_image *topic;
	struct controller_error e = find_doomed(c, d, mark, &topic);

	item->name = d->name;
	item->topic_id = d->id;
	if (!failed(e)) {
		/* The answer outlives the topic. */
		item->name = arena_copy(arena, topic->name);
		item->topic_id = topic->id;
		if (!slice_is_null(d->name) && is_doomed_by_id(doom, topic))
			e = (struct controller_error){
				WIRE_INVALID_REQUEST,
				"The provided topic name maps to an ID that "
				"was already supplied."
			};
	}
	if (!failed(e))
		e = controller_check_quota(c, topic->partition_count);
	if (!failed(e))
		add_remove_topic(c, topic->id);
	item->error_code = e.code;
	item->error_message = slice_of(e.text);
}

static int read_doom(const struct metadata_change *change, struct doom *doom)
{
	const struct delete_topics_request *req = change->request;
	bool by_topic = change->version >= 6;

	doom->named = 0;
	doom->count =
		(size_t)(by_topic ? req->topics_count : req->topic_names_count);
	doom->all =
		arena_calloc(change->arena, doom->count, sizeof(*doom->all));
	if (doom->all == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < doom->count; i++) {
		struct doomed *d = &doom->all[i];

		d->name = by_topic ? req->topics[i].name : req->topic_names[i];
		if (by_topic)
			d->id = req->topics[i].topic_id;
		doom->named += !slice_is_null(d->name);
	}
	return 0;
}

/* One by id of which the name is in the request too: Kafka answers once, with
 * the name, and deletes nothing. */
static bool is_named_too(const struct controller *c, const struct doom *doom,
			 const struct doomed *d)
{
	const struct topic_image *topic;

	if (doom->named == 0 || !slice_is_null(d->name))
		return false;
	topic = image_topic_by_id(c->image, d->id);
	for (size_t i = 0; topic != NULL && i < doom->count; i++) {
		if (slice_equal(doom->all[i].name, topic->name))
			return true;
	}
	return false;
}

void controller_delete_topics(const struct controller *c,
			      struct metadata_change *change)
{
	struct delete_topics_response *resp = change->response;
	struct doom doom;
	struct slice *keys;
	enum name_mark *marks;

	if (read_doom(change, &doom) < 0)
		goto no_memory;
	keys = arena_calloc(change->arena, doom.count, sizeof(*keys));
	resp->responses = wire_array(&delete_topics_response_responses_desc,
				     change->arena, (int32_t)doom.count);
	if (keys == NULL || resp->responses == NULL)
		goto no_memory;
	for (size_t i = 0; i < doom.count; i++)
		keys[i] = doomed_key(&doom.all[i]);
	marks = controller_mark_names(keys, doom.count, change->arena);
	if (marks == NULL)
		goto no_memory;
	for (size_t i = 0; i < doom.count; i++) {
		const struct doomed *d = &doom.all[i];

		if (marks[i] != NAME_AGAIN && !is_named_too(c, &doom, d))
			delete_one(c, &doom, d, marks[i], change->arena,
				   &resp->responses[resp->responses_count++]);
	}
	return;

no_memory:
	c->records->error = -ENOMEM;
}
