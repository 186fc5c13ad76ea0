/*
 * image_apply_kept.c - records that are kept as they came
 *
 * They are not interpreted here: each has a key, by which a later record of
 * its kind replaces or removes it, and goes into the next snapshot as it is.
 */
#include "image_apply.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/image_private.h"
#include "wire/messages.h"

/* Kept records: what each kind is known by */

static void key_of_controller(struct buffer *key, const void *message)
{
	const struct register_controller_record *r = message;

	buffer_put_be32(key, (uint32_t)r->controller_id);
}

static void key_of_acl(struct buffer *key, const void *message)
{
	const struct access_control_entry_record *r = message;

	buffer_put(key, r->id.bytes, sizeof(r->id.bytes));
}

static void key_of_removed_acl(struct buffer *key, const void *message)
{
	const struct remove_access_control_entry_record *r = message;

	buffer_put(key, r->id.bytes, sizeof(r->id.bytes));
}

void image_scram_key(struct buffer *key, struct slice user, int8_t mechanism)
{
	buffer_put_u8(key, (uint8_t)mechanism);
	buffer_put(key, user.data, user.len);
}

static void key_of_credential(struct buffer *key, const void *message)
{
	const struct user_scram_credential_record *r = message;

	image_scram_key(key, r->name, r->mechanism);
}

static void key_of_removed_credential(struct buffer *key, const void *message)
{
	const struct remove_user_scram_credential_record *r = message;

	image_scram_key(key, r->name, r->mechanism);
}

static void key_of_token(struct buffer *key, const void *message)
{
	const struct delegation_token_record *r = message;

	buffer_put(key, r->token_id.data, r->token_id.len);
}

static void key_of_removed_token(struct buffer *key, const void *message)
{
	const struct remove_delegation_token_record *r = message;

	buffer_put(key, r->token_id.data, r->token_id.len);
}

static void put_key_text(struct buffer *key, struct slice text)
{
	buffer_put_be32(key,
			slice_is_null(text) ? UINT32_MAX : (uint32_t)text.len);
	buffer_put(key, text.data, text.len);
}

static int order_of_slices(struct slice a, struct slice b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* An entity is a set: its parts in the order of their types. */
void image_quota_key(struct buffer *key, const void *message)
{
	const struct client_quota_record *r = message;
	const struct client_quota_record_entity *last = NULL;

	for (int32_t n = 0; n < r->entity_count; n++) {
		const struct client_quota_record_entity *next = NULL;

		for (int32_t i = 0; i < r->entity_count; i++) {
			const struct client_quota_record_entity *e =
				&r->entity[i];

			if (last != NULL &&
			    order_of_slices(e->entity_type,
					    last->entity_type) <= 0)
				continue;
			if (next == NULL ||
			    order_of_slices(e->entity_type, next->entity_type) <
				    0)
				next = e;
		}
		if (next == NULL)
			break;
		put_key_text(key, next->entity_type);
		put_key_text(key, next->entity_name);
		last = next;
	}
	put_key_text(key, r->key);
}

static bool quota_is_removed(const void *message)
{
	return ((const struct client_quota_record *)message)->remove;
}

static const struct kept_row {
	const struct wire_desc *desc;
	void (*key)(struct buffer *key, const void *message);
	const struct wire_desc *removes; /* the kind that this one removes */
	bool (*is_removal)(const void *message);
} kept_rows[] = {
	{ &register_controller_record_desc, key_of_controller, NULL, NULL },
	{ &access_control_entry_record_desc, key_of_acl, NULL, NULL },
	{ &remove_access_control_entry_record_desc, key_of_removed_acl,
	  &access_control_entry_record_desc, NULL },
	{ &user_scram_credential_record_desc, key_of_credential, NULL, NULL },
	{ &remove_user_scram_credential_record_desc, key_of_removed_credential,
	  &user_scram_credential_record_desc, NULL },
	{ &delegation_token_record_desc, key_of_token, NULL, NULL },
	{ &remove_delegation_token_record_desc, key_of_removed_token,
	  &delegation_token_record_desc, NULL },
	{ &client_quota_record_desc, image_quota_key, NULL, quota_is_removed },
};

static int put_kept(struct image *image, int32_t type, struct slice key,
		    struct slice value)
{
	struct kept_key k = { type, key };
	struct kept_record *kept = malloc(sizeof(*kept) + key.len + value.len);

	if (kept == NULL)
		return -ENOMEM;
	atomic_init(&kept->refs, 1);
	kept->hash = image_kept_hash(k);
	kept->type = type;
	kept->key_len = (uint32_t)key.len;
	kept->value_len = (uint32_t)value.len;
	memcpy(kept->bytes, key.data, key.len);
	memcpy(kept->bytes + key.len, value.data, value.len);
	return trie_put(&image->kept, kept->hash, &k, kept);
}

static int apply_kept(struct image *image, const struct kept_row *row,
		      const void *message, struct slice value)
{
	const struct wire_desc *kind = row->removes;
	struct buffer key = { 0 };
	struct kept_key k;
	int rc;

	row->key(&key, message);
	if (key.failed || buffer_reserve(&key, 1) == NULL)
		return -ENOMEM;
	k.key = buffer_slice(&key);
	if (kind == NULL && row->is_removal != NULL && row->is_removal(message))
		kind = row->desc;
	if (kind != NULL) {
		k.type = wire_desc_type_id(kind);
		rc = trie_remove(&image->kept, image_kept_hash(k), &k);
	} else {
		rc = put_kept(image, wire_desc_type_id(row->desc), k.key,
			      value);
	}
	buffer_clear(&key);
	return rc < 0 ? rc : 0;
}

int image_apply_kept(struct image *image, const struct wire_desc *desc,
		     const void *message, struct slice value)
{
	for (size_t i = 0; i < sizeof(kept_rows) / sizeof(kept_rows[0]); i++) {
		if (kept_rows[i].desc == desc)
			return apply_kept(image, &kept_rows[i], message, value);
	}
	return -ENOTSUP;
}

const void *image_kept_message(const struct kept_record *kept,
			       struct arena *arena)
{
	struct slice value = { kept->bytes + kept->key_len, kept->value_len };
	const struct wire_desc *desc;
	int16_t version;
	void *message;

	if (wire_metadata_decode(value, arena, &desc, &version, &message) < 0)
		return NULL;
	return message;
}

int image_edit_keep_control(struct image *image, int16_t type,
			    struct slice value)
{
	return put_kept(image, KEPT_CONTROL + type, slice_of(""), value);
}
