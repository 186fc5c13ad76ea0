/*
 * image_quotas.c - the client quotas that an image holds
 *
 * An image keeps the records of quotas as they are (image_apply_kept.c), each
 * by entity and key; here they are read.
 */
#include "kbrokerd/metadata/image_quotas.h"

#include <errno.h>

#include "base/buffer.h"
#include "kbrokerd/metadata/image_private.h"
#include "wire/messages.h"

static const char *const type_names[QUOTA_ENTITY_TYPES] = {
	[QUOTA_USER] = "user",
	[QUOTA_CLIENT_ID] = "client-id",
	[QUOTA_IP] = "ip",
};

const char *quota_entity_type_name(enum quota_entity_type type)
{
	return type_names[type];
}

enum quota_entity_type quota_entity_type_find(struct slice name)
{
	int type = 0;

	while (type < QUOTA_ENTITY_TYPES && !slice_is(name, type_names[type]))
		type++;
	return (enum quota_entity_type)type;
}

bool quota_entity_equal(const struct quota_entity *a,
			const struct quota_entity *b)
{
	return quota_entity_order(a, b) == 0;
}

/* Null before all others. */
static int order_of_names(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = (a.data != NULL) - (b.data != NULL);

	if (order == 0 && len > 0)
		order = memcmp(a.data, b.data, len);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int quota_entity_order(const struct quota_entity *a,
		       const struct quota_entity *b)
{
	for (int i = 0; i < QUOTA_ENTITY_TYPES; i++) {
		int order = a->has[i] - b->has[i];

		if (order == 0 && a->has[i])
			order = order_of_names(a->name[i], b->name[i]);
		if (order != 0)
			return order;
	}
	return 0;
}

/* Parts of types that are not known are left out. */
static void read_entity(struct quota_entity *to,
			const struct client_quota_record *from)
{
	*to = (struct quota_entity){ 0 };
	for (int32_t i = 0; i < from->entity_count; i++) {
		enum quota_entity_type type =
			quota_entity_type_find(from->entity[i].entity_type);

		if (type == QUOTA_ENTITY_TYPES)
			continue;
		to->has[type] = true;
		to->name[type] = from->entity[i].entity_name;
	}
}

struct visit {
	image_on_quota *on_quota;
	void *arg;
	struct arena scratch;
};

static int visit_kept(void *arg, void *item)
{
	struct visit *v = arg;
	const struct kept_record *kept = item;
	const struct client_quota_record *r;
	struct quota_entity entity;

	if (kept->type != wire_desc_type_id(&client_quota_record_desc))
		return 0;
	arena_reset(&v->scratch);
	r = image_kept_message(kept, &v->scratch);
	if (r == NULL)
		return -ENOMEM;
	read_entity(&entity, r);
	return v->on_quota(v->arg, &entity, r->key, r->value);
}

int image_each_quota(const struct image *image, image_on_quota *on_quota,
		     void *arg)
{
	struct visit v = { .on_quota = on_quota, .arg = arg };
	int rc = trie_each(&image->kept, visit_kept, &v);

	arena_clear(&v.scratch);
	return rc;
}

static void fill_record(struct client_quota_record *r,
			struct client_quota_record_entity *parts,
			const struct quota_entity *entity, struct slice key)
{
	wire_init(&client_quota_record_desc, r);
	r->entity = parts;
	r->key = key;
	for (int i = 0; i < QUOTA_ENTITY_TYPES; i++) {
		struct client_quota_record_entity *part =
			&parts[r->entity_count];

		if (!entity->has[i])
			continue;
		wire_init(&client_quota_record_entity_desc, part);
		part->entity_type = slice_of(type_names[i]);
		part->entity_name = entity->name[i];
		r->entity_count++;
	}
}

bool image_quota(const struct image *image, const struct quota_entity *entity,
		 struct slice key, double *value_out)
{
	struct client_quota_record_entity parts[QUOTA_ENTITY_TYPES];
	const struct client_quota_record *found = NULL;
	struct client_quota_record wanted;
	struct arena scratch = { 0 };
	struct buffer bytes = { 0 };
	struct kept_key k = { .type = wire_desc_type_id(
				      &client_quota_record_desc) };
	const struct kept_record *kept;

	fill_record(&wanted, parts, entity, key);
	image_quota_key(&bytes, &wanted);
	if (!bytes.failed) {
		k.key = buffer_slice(&bytes);
		kept = trie_find(&image->kept, image_kept_hash(k), &k);
		found = kept == NULL ? NULL
				     : image_kept_message(kept, &scratch);
	}
	if (found != NULL)
		*value_out = found->value;
	buffer_clear(&bytes);
	arena_clear(&scratch);
	return found != NULL;
}

bool image_quotas_may_differ(const struct image *a, const struct image *b)
{
	return a->kept.root != b->kept.root;
}
