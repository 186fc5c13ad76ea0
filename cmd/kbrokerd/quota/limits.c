/*
 * limits.c - which quota a client has
 *
 * The settings lie sorted by kind and entity.
 */
#include "kbrokerd/quota/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"

struct quota_limits {
	struct arena names;
	struct quota_setting *settings;
	size_t count, capacity;
	size_t count_of[QUOTA_KINDS];
};

static const char *const keys[QUOTA_KINDS] = {
	[QUOTA_PRODUCE] = "producer_byte_rate",
	[QUOTA_FETCH] = "consumer_byte_rate",
	[QUOTA_REQUEST] = "request_percentage",
	[QUOTA_MUTATION] = "controller_mutation_rate",
	[QUOTA_CONNECTION] = "connection_creation_rate",
};

/* Building */

static int order_of_settings(const void *a, const void *b)
{
	const struct quota_setting *x = a;
	const struct quota_setting *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return quota_entity_order(&x->entity, &y->entity);
}

static int make_room(struct quota_limits *l)
{
	size_t capacity = l->capacity == 0 ? 16 : l->capacity * 2;
	struct quota_setting *settings;

	if (l->count < l->capacity)
		return 0;
	settings = realloc(l->settings, capacity * sizeof(*settings));
	if (settings == NULL)
		return -ENOMEM;
	l->settings = settings;
	l->capacity = capacity;
	return 0;
}

/* An address as inet_ntop(3) writes it. */
static struct slice canonical(struct slice name, struct arena *arena)
{
	const char *text = arena_text(arena, name);
	struct in6_addr address;
	char out[INET6_ADDRSTRLEN];

	if (text == NULL)
		return SLICE_NULL;
	if (strcmp(text, "localhost") == 0)
		return slice_of("127.0.0.1");
	if (inet_pton(AF_INET6, text, &address) == 1 &&
	    inet_ntop(AF_INET6, &address, out, sizeof(out)) != NULL)
		return arena_copy(arena, slice_of(out));
	return slice_of(text);
}

static int add(struct quota_limits *l, enum quota_kind kind,
	       const struct quota_entity *entity, double value)
{
	struct quota_setting *to;

	if (make_room(l) < 0)
		return -ENOMEM;
	to = &l->settings[l->count];
	*to = (struct quota_setting){ kind, *entity, value };
	for (int i = 0; i < QUOTA_ENTITY_TYPES; i++) {
		struct slice name = entity->name[i];

		if (!entity->has[i] || slice_is_null(name))
			continue;
		to->entity.name[i] = i == QUOTA_IP
					     ? canonical(name, &l->names)
					     : arena_copy(&l->names, name);
		if (slice_is_null(to->entity.name[i]))
			return -ENOMEM;
	}
	l->count++;
	l->count_of[kind]++;
	return 0;
}

static int on_quota(void *arg, const struct quota_entity *entity,
		    struct slice key, double value)
{
	for (int kind = 0; kind < QUOTA_KINDS; kind++) {
		if (slice_is(key, keys[kind]))
			return add(arg, (enum quota_kind)kind, entity, value);
	}
	return 0; /* a later Kafka's */
}

static struct quota_limits *finish(struct quota_limits *l, int rc)
{
	if (rc < 0) {
		quota_limits_free(l);
		return NULL;
	}
	if (l->count > 0)
		qsort(l->settings, l->count, sizeof(*l->settings),
		      order_of_settings);
	return l;
}

struct quota_limits *quota_limits_of(const struct image *image)
{
	struct quota_limits *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	return finish(l, image_each_quota(image, on_quota, l));
}

struct quota_limits *quota_limits_new(const struct quota_setting *settings,
				      size_t count)
{
	struct quota_limits *l = calloc(1, sizeof(*l));
	int rc = 0;

	if (l == NULL)
		return NULL;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = add(l, settings[i].kind, &settings[i].entity,
			 settings[i].value);
	return finish(l, rc);
}

void quota_limits_free(struct quota_limits *l)
{
	if (l == NULL)
		return;
	arena_clear(&l->names);
	free(l->settings);
	free(l);
}

/* Finding */

bool quota_limits_has(const struct quota_limits *l, enum quota_kind kind)
{
	return l->count_of[kind] > 0;
}

static bool find(const struct quota_limits *l, enum quota_kind kind,
		 const struct quota_entity *entity, double *limit_out)
{
	const struct quota_setting wanted = { kind, *entity, 0 };
	const struct quota_setting *found = NULL;

	if (l->count > 0)
		found = bsearch(&wanted, l->settings, l->count,
				sizeof(*l->settings), order_of_settings);
	if (found != NULL)
		*limit_out = found->value;
	return found != NULL;
}

/* Whether a level looks at a part, and at which name of it. */
enum part { PART_NONE, PART_OWN, PART_ANY };

static const struct level {
	enum part user, client_id;
} levels[] = {
	{ PART_OWN, PART_OWN },  { PART_OWN, PART_ANY },
	{ PART_OWN, PART_NONE }, { PART_ANY, PART_OWN },
	{ PART_ANY, PART_ANY },  { PART_ANY, PART_NONE },
	{ PART_NONE, PART_OWN }, { PART_NONE, PART_ANY },
};

bool quota_limits_find(const struct quota_limits *l, enum quota_kind kind,
		       const struct quota_client *client,
		       struct quota_share *share_out)
{
	if (!quota_limits_has(l, kind))
		return false;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const struct level *level = &levels[i];
		struct quota_entity e = { 0 };

		if (level->client_id != PART_NONE && client->client_id.len == 0)
			continue;
		e.has[QUOTA_USER] = level->user != PART_NONE;
		e.has[QUOTA_CLIENT_ID] = level->client_id != PART_NONE;
		if (level->user == PART_OWN)
			e.name[QUOTA_USER] = client->user;
		if (level->client_id == PART_OWN)
			e.name[QUOTA_CLIENT_ID] = client->client_id;
		if (!find(l, kind, &e, &share_out->limit))
			continue;
		share_out->user = e.has[QUOTA_USER] ? client->user : SLICE_NULL;
		share_out->client_id =
			e.has[QUOTA_CLIENT_ID] ? client->client_id : SLICE_NULL;
		return true;
	}
	return false;
}

bool quota_limits_of_address(const struct quota_limits *l, const char *address,
			     double *limit_out)
{
	struct quota_entity e = { .has[QUOTA_IP] = true,
				  .name[QUOTA_IP] = slice_of(address) };

	if (!quota_limits_has(l, QUOTA_CONNECTION))
		return false;
	if (find(l, QUOTA_CONNECTION, &e, limit_out))
		return true;
	e.name[QUOTA_IP] = SLICE_NULL;
	return find(l, QUOTA_CONNECTION, &e, limit_out);
}
