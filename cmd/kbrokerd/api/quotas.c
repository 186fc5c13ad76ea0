/*
 * quotas.c - DescribeClientQuotas, AlterClientQuotas
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/api/change.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/image_quotas.h"
#include "wire/enums.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

/* Which entities are asked for. */
struct filter {
	struct quota_entity wanted;
	bool any[QUOTA_ENTITY_TYPES]; /* of those: whatever their name */
	bool strict;
};

struct found {
	struct quota_entity entity;
	struct slice key;
	double value;
};

struct search {
	struct filter filter;
	struct arena *arena;
	struct found *found;
	size_t count, capacity;
};

struct refusal {
	int16_t code;
	const char *text;
};

static struct refusal invalid(const char *text)
{
	return (struct refusal){ WIRE_INVALID_REQUEST, text };
}

/* The part of one component; sets why_out and returns false when it is none. */
static bool read_component(
	struct filter *filter, struct arena *arena,
	const struct describe_client_quotas_request_components *from,
	struct refusal *why_out)
{
	enum quota_entity_type type = quota_entity_type_find(from->entity_type);
	bool has_match = !slice_is_null(from->match);
	const char *name = arena_text(arena, from->entity_type);

	if (from->entity_type.len == 0)
		*why_out = invalid("Invalid empty entity type.");
	else if (type == QUOTA_ENTITY_TYPES)
		*why_out = (struct refusal){
			WIRE_UNSUPPORTED_VERSION,
			arena_printf(arena, "Unsupported entity type %s", name)
		};
	else if (filter->wanted.has[type])
		*why_out = invalid(arena_printf(
			arena,
			"Entity type %s cannot appear more than once in the "
			"filter.",
			name));
	else if (from->match_type == WIRE_QUOTA_MATCH_TYPE_EXACT && !has_match)
		*why_out = invalid("Request specified MATCH_TYPE_EXACT, but "
				   "set match string to null.");
	else if (from->match_type == WIRE_QUOTA_MATCH_TYPE_DEFAULT && has_match)
		*why_out = invalid("Request specified MATCH_TYPE_DEFAULT, but "
				   "also specified a match string.");
	else if (from->match_type == WIRE_QUOTA_MATCH_TYPE_SPECIFIED &&
		 has_match)
		*why_out = invalid("Request specified MATCH_TYPE_SPECIFIED, "
				   "but also specified a match string.");
	else if (from->match_type < WIRE_QUOTA_MATCH_TYPE_EXACT ||
		 from->match_type > WIRE_QUOTA_MATCH_TYPE_SPECIFIED)
		*why_out = invalid(arena_printf(arena, "Unknown match type %d",
						from->match_type));
	if (why_out->code != WIRE_NONE)
		return false;
	filter->wanted.has[type] = true;
	filter->wanted.name[type] = from->match;
	filter->any[type] = from->match_type == WIRE_QUOTA_MATCH_TYPE_SPECIFIED;
	return true;
}

static struct refusal read_filter(
	struct filter *filter, struct arena *arena,
	const struct describe_client_quotas_request *from)
{
	struct refusal why = { WIRE_NONE, NULL };
	const bool *has = filter->wanted.has;

	filter->strict = from->strict;
	for (int32_t i = 0; i < from->components_count; i++) {
		if (!read_component(filter, arena, &from->components[i], &why))
			return why;
	}
	if (has[QUOTA_IP] && (has[QUOTA_USER] || has[QUOTA_CLIENT_ID]))
		return invalid("Invalid entity filter component combination. "
			       "IP filter component should not be used with "
			       "user or clientId filter component.");
	return why;
}

static bool matches(const struct filter *f, const struct quota_entity *e)
{
	for (int i = 0; i < QUOTA_ENTITY_TYPES; i++) {
		if (f->wanted.has[i] && !e->has[i])
			return false;
		if (f->strict && e->has[i] && !f->wanted.has[i])
			return false;
		if (f->wanted.has[i] && !f->any[i] &&
		    !slice_equal(f->wanted.name[i], e->name[i]))
			return false;
	}
	return true;
}

static int make_room(struct search *s)
{
	size_t capacity = s->capacity == 0 ? 16 : s->capacity * 2;
	struct found *found;

	if (s->count < s->capacity)
		return 0;
	found = arena_calloc(s->arena, capacity, sizeof(*found));
	if (found == NULL)
		return -ENOMEM;
	if (s->count > 0)
		memcpy(found, s->found, s->count * sizeof(*found));
	s->found = found;
	s->capacity = capacity;
	return 0;
}

static int on_quota(void *arg, const struct quota_entity *entity,
		    struct slice key, double value)
{
	struct search *s = arg;
	struct found *to;

	if (!matches(&s->filter, entity))
		return 0;
	if (make_room(s) < 0)
		return -ENOMEM;
	to = &s->found[s->count++];
	to->entity = *entity;
	for (int i = 0; i < QUOTA_ENTITY_TYPES; i++)
		to->entity.name[i] = arena_copy(s->arena, entity->name[i]);
	to->key = arena_copy(s->arena, key);
	to->value = value;
	return slice_is_null(to->key) ? -ENOMEM : 0;
}

static int order_of_found(const void *a, const void *b)
{
	const struct found *x = a;
	const struct found *y = b;
	size_t len = x->key.len < y->key.len ? x->key.len : y->key.len;
	int order = quota_entity_order(&x->entity, &y->entity);

	return order != 0 ? order : memcmp(x->key.data, y->key.data, len);
}

static int fill_entity(struct describe_client_quotas_response_entries *to,
		       const struct quota_entity *from, struct arena *arena)
{
	to->entity =
		wire_array(&describe_client_quotas_response_entries_entity_desc,
			   arena, QUOTA_ENTITY_TYPES);
	for (int i = 0; to->entity != NULL && i < QUOTA_ENTITY_TYPES; i++) {
		if (!from->has[i])
			continue;
		to->entity[to->entity_count].entity_type = slice_of(
			quota_entity_type_name((enum quota_entity_type)i));
		to->entity[to->entity_count].entity_name = from->name[i];
		to->entity_count++;
	}
	return to->entity == NULL ? -ENOMEM : 0;
}

/* Sorted rows with the same entity share an entry. */
static int fill_entries(const struct search *s,
			struct describe_client_quotas_response *to)
{
	struct describe_client_quotas_response_entries *entry = NULL;
	struct describe_client_quotas_response_entries_values *values;

	to->entries = wire_array(&describe_client_quotas_response_entries_desc,
				 s->arena, (int32_t)s->count);
	values =
		wire_array(&describe_client_quotas_response_entries_values_desc,
			   s->arena, (int32_t)s->count);
	if (to->entries == NULL || values == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->count; i++) {
		if (i == 0 || !quota_entity_equal(&s->found[i].entity,
						  &s->found[i - 1].entity)) {
			entry = &to->entries[to->entries_count++];
			entry->values = &values[i];
			if (fill_entity(entry, &s->found[i].entity, s->arena) <
			    0)
				return -ENOMEM;
		}
		values[i].key = s->found[i].key;
		values[i].value = s->found[i].value;
		entry->values_count++;
	}
	return 0;
}

static int describe(struct request *req, struct search *s,
		    struct describe_client_quotas_response *response)
{
	const struct image *image = metadata_image(req->broker->metadata);
	int rc = image_each_quota(image, on_quota, s);

	image_release(image);
	if (rc == 0 && s->count > 0)
		qsort(s->found, s->count, sizeof(*s->found), order_of_found);
	return rc < 0 ? rc : fill_entries(s, response);
}

void api_describe_client_quotas(struct request *req)
{
	struct describe_client_quotas_response response;
	struct search search = { .arena = &req->arena };
	struct refusal why =
		read_filter(&search.filter, &req->arena, req->message);

	wire_init(&describe_client_quotas_response_desc, &response);
	if (why.code != WIRE_NONE) {
		response.error_code = why.code;
		response.error_message = slice_of(why.text);
		response.entries_count = -1; /* null */
	} else if (describe(req, &search, &response) < 0) {
		request_close(req, "out of memory");
		return;
	}
	request_reply(req, &response);
}

void api_alter_client_quotas(struct request *req)
{
	change_submit(req, NULL);
}
