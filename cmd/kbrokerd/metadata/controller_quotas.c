/*
 * controller_quotas.c - client quotas change (AlterClientQuotas)
 *
 * The changes of each entity are checked together: either all of them become
 * records or none.  A value that is set already becomes no record.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/image_quotas.h"
#include "wire/config_defs.h"
#include "wire/errors.h"
#include "wire/messages.h"

static const struct controller_error none = { WIRE_NONE, NULL };

/* What a request asks for one entity. */
struct quota_edit {
	const struct alter_client_quotas_request_entries *entry;
	struct quota_entity entity;
	bool is_read; /* the entity is all that was asked for */
	struct controller_error error;
};

static struct controller_error invalid(const char *text)
{
	return (struct controller_error){ WIRE_INVALID_REQUEST, text };
}

static bool failed(struct controller_error e)
{
	return e.code != WIRE_NONE;
}

/* An address, or the one host whose address needs no looking up. */
static bool is_address(struct slice name, struct arena *arena)
{
	struct in6_addr address;
	const char *text = arena_text(arena, name);

	return text != NULL && (inet_pton(AF_INET, text, &address) == 1 ||
				inet_pton(AF_INET6, text, &address) == 1 ||
				strcmp(text, "localhost") == 0);
}

/* Fill entity; of parts of the same type the last counts. */
static struct controller_error read_parts(
	const struct alter_client_quotas_request_entries *entry,
	struct quota_entity *entity, struct arena *arena)
{
	for (int32_t i = 0; i < entry->entity_count; i++) {
		struct slice type_name = entry->entity[i].entity_type;
		struct slice name = entry->entity[i].entity_name;
		enum quota_entity_type type = quota_entity_type_find(type_name);

		if (type == QUOTA_ENTITY_TYPES)
			return invalid(arena_printf(
				arena,
				"Unhandled client quota entity type: %.*s",
				(int)type_name.len,
				(const char *)type_name.data));
		if (!slice_is_null(name) && name.len == 0)
			return invalid(
				arena_printf(arena, "Empty %s not supported",
					     quota_entity_type_name(type)));
		entity->has[type] = true;
		entity->name[type] = name;
	}
	return none;
}

static struct controller_error check_entity(const struct quota_entity *e,
					    struct arena *arena)
{
	struct slice ip = e->name[QUOTA_IP];

	if (!e->has[QUOTA_USER] && !e->has[QUOTA_CLIENT_ID] &&
	    !e->has[QUOTA_IP])
		return invalid("Invalid empty client quota entity");
	if (!e->has[QUOTA_IP])
		return none;
	if (e->has[QUOTA_USER] || e->has[QUOTA_CLIENT_ID])
		return invalid(
			"Invalid quota entity combination, IP entity should"
			"not be combined with User or ClientId");
	if (slice_is_null(ip) || is_address(ip, arena))
		return none;
	return invalid(arena_printf(
		arena, "%.*s is not a valid IP or resolvable host.",
		(int)ip.len, (const char *)ip.data));
}

/* The definition of a key, if it is one for such an entity. */
static const struct config_def *find_key(const struct quota_entity *entity,
					 struct slice key, struct arena *arena)
{
	const char *name = arena_text(arena, key);
	const struct config_def *def =
		name == NULL ? NULL : config_def_find(CONFIG_QUOTA, name);
	bool of_ip;

	if (def == NULL)
		return NULL;
	of_ip = strcmp(name, "connection_creation_rate") == 0;
	return of_ip == entity->has[QUOTA_IP] ? def : NULL;
}

/* From 2^53 on there are no fractions. */
static bool is_whole(double value)
{
	return value >= 0x1p53 || value - (double)(int64_t)value <= 1e-6;
}

static struct controller_error check_value(const struct config_def *def,
					   double value, struct arena *arena)
{
	bool is_long = def->type == CONFIG_TYPE_LONG;

	if (!(value > 0))
		return invalid(arena_printf(
			arena, "Quota %s must be greater than 0", def->name));
	if (def->type == CONFIG_TYPE_DOUBLE)
		return none;
	if (value > (is_long ? (double)INT64_MAX : INT32_MAX))
		return invalid(arena_printf(
			arena, "Proposed value for %s is too large for %s.",
			def->name, is_long ? "a LONG" : "an INT"));
	if (!is_whole(value))
		return invalid(arena_printf(
			arena, "%s cannot be a fractional value.", def->name));
	return none;
}

static struct controller_error check_ops(const struct quota_edit *edit,
					 struct arena *arena)
{
	const struct alter_client_quotas_request_entries *entry = edit->entry;
	struct controller_error e = none;

	for (int32_t i = 0; i < entry->ops_count && !failed(e); i++) {
		struct slice key = entry->ops[i].key;
		const struct config_def *def;

		if (entry->ops[i].remove)
			continue;
		def = find_key(&edit->entity, key, arena);
		if (def == NULL)
			e = invalid(arena_printf(
				arena, "Invalid configuration key %.*s",
				(int)key.len, (const char *)key.data));
		else
			e = check_value(def, entry->ops[i].value, arena);
	}
	return e;
}

static bool has_key_twice(
	const struct alter_client_quotas_request_entries *entry,
	struct arena *arena)
{
	size_t count = (size_t)entry->ops_count;
	struct slice *keys = arena_calloc(arena, count, sizeof(*keys));
	enum name_mark *marks = NULL;

	for (size_t i = 0; keys != NULL && i < count; i++)
		keys[i] = entry->ops[i].key;
	if (keys != NULL)
		marks = controller_mark_names(keys, count, arena);
	for (size_t i = 0; marks != NULL && i < count; i++) {
		if (marks[i] != NAME_ONCE)
			return true;
	}
	return false;
}

/* "ClientQuotaEntity(entries={client-id=a, user=b})", as Kafka writes it. */
static const char *entity_text(const struct quota_entity *e,
			       struct arena *arena)
{
	const char *text = "";

	for (int i = 0; i < QUOTA_ENTITY_TYPES && text != NULL; i++) {
		struct slice name = e->name[i];

		if (!e->has[i])
			continue;
		if (slice_is_null(name))
			name = slice_of("null");
		text = arena_printf(
			arena, "%s%s%s=%.*s", text, text[0] == '\0' ? "" : ", ",
			quota_entity_type_name((enum quota_entity_type)i),
			(int)name.len, (const char *)name.data);
	}
	return arena_printf(arena, "ClientQuotaEntity(entries={%s})",
			    text == NULL ? "" : text);
}

static struct controller_error duplicate(const struct quota_entity *entity,
					 struct arena *arena)
{
	return invalid(arena_printf(arena, "Ignoring duplicate entity %s",
				    entity_text(entity, arena)));
}

static void add_record(const struct controller *c,
		       const struct quota_entity *entity, struct slice key,
		       double value, bool remove)
{
	struct client_quota_record_entity parts[QUOTA_ENTITY_TYPES];
	struct client_quota_record r;

	wire_init(&client_quota_record_desc, &r);
	r.entity = parts;
	r.key = key;
	r.value = value;
	r.remove = remove;
	for (int i = 0; i < QUOTA_ENTITY_TYPES; i++) {
		struct client_quota_record_entity *part =
			&parts[r.entity_count];

		if (!entity->has[i])
			continue;
		wire_init(&client_quota_record_entity_desc, part);
		part->entity_type = slice_of(
			quota_entity_type_name((enum quota_entity_type)i));
		part->entity_name = entity->name[i];
		r.entity_count++;
	}
	controller_add(c, &client_quota_record_desc, &r);
}

static void add_differences(const struct controller *c,
			    const struct quota_edit *edit)
{
	for (int32_t i = 0; i < edit->entry->ops_count; i++) {
		const struct alter_client_quotas_request_entries_ops *op =
			&edit->entry->ops[i];
		double old = 0;
		bool found =
			image_quota(c->image, &edit->entity, op->key, &old);

		if (op->remove && found)
			add_record(c, &edit->entity, op->key, 0, true);
		else if (!op->remove &&
			 (!found || old < op->value || old > op->value))
			add_record(c, &edit->entity, op->key, op->value, false);
	}
}

/* The same entity as one before?  That one's answer then says so. */
static struct quota_edit *find_same(struct quota_edit *edits, size_t count,
				    const struct quota_entity *entity)
{
	for (size_t i = 0; i < count; i++) {
		if (quota_entity_equal(&edits[i].entity, entity))
			return &edits[i];
	}
	return NULL;
}

static void read_edit(struct quota_edit *edit, struct arena *arena)
{
	edit->error = read_parts(edit->entry, &edit->entity, arena);
	edit->is_read = !failed(edit->error);
	if (!failed(edit->error) && has_key_twice(edit->entry, arena))
		edit->error = duplicate(&edit->entity, arena);
	if (!failed(edit->error))
		edit->error = check_entity(&edit->entity, arena);
	if (!failed(edit->error))
		edit->error = check_ops(edit, arena);
}

/* As it was read, or as it was sent when that cannot be. */
static void fill_read(struct alter_client_quotas_response_entries *to,
		      const struct quota_entity *from, struct arena *arena)
{
	to->entity =
		wire_array(&alter_client_quotas_response_entries_entity_desc,
			   arena, QUOTA_ENTITY_TYPES);
	for (int i = 0; to->entity != NULL && i < QUOTA_ENTITY_TYPES; i++) {
		struct alter_client_quotas_response_entries_entity *part =
			&to->entity[to->entity_count];

		if (!from->has[i])
			continue;
		part->entity_type = slice_of(
			quota_entity_type_name((enum quota_entity_type)i));
		part->entity_name = from->name[i];
		to->entity_count++;
	}
}

static void fill_sent(struct alter_client_quotas_response_entries *to,
		      const struct alter_client_quotas_request_entries *from,
		      struct arena *arena)
{
	to->entity =
		wire_array(&alter_client_quotas_response_entries_entity_desc,
			   arena, from->entity_count);
	for (int32_t i = 0; to->entity != NULL && i < from->entity_count; i++) {
		to->entity[i].entity_type = from->entity[i].entity_type;
		to->entity[i].entity_name = from->entity[i].entity_name;
		to->entity_count++;
	}
}

static void answer(struct metadata_change *change,
		   const struct quota_edit *edits, size_t count)
{
	struct alter_client_quotas_response *resp = change->response;

	resp->entries = wire_array(&alter_client_quotas_response_entries_desc,
				   change->arena, (int32_t)count);
	for (size_t i = 0; resp->entries != NULL && i < count; i++) {
		resp->entries[i].error_code = edits[i].error.code;
		resp->entries[i].error_message = slice_of(edits[i].error.text);
		if (edits[i].is_read)
			fill_read(&resp->entries[i], &edits[i].entity,
				  change->arena);
		else
			fill_sent(&resp->entries[i], edits[i].entry,
				  change->arena);
		resp->entries_count++;
	}
}

void controller_alter_client_quotas(const struct controller *c,
				    struct metadata_change *change)
{
	const struct alter_client_quotas_request *req = change->request;
	struct quota_edit *edits = arena_calloc(
		change->arena, (size_t)req->entries_count, sizeof(*edits));
	size_t count = 0;

	if (edits == NULL) {
		c->records->error = -ENOMEM;
		return;
	}
	for (int32_t i = 0; i < req->entries_count; i++) {
		struct quota_edit *edit = &edits[count];
		struct quota_edit *same;

		*edit = (struct quota_edit){ .entry = &req->entries[i] };
		read_edit(edit, change->arena);
		same = find_same(edits, count, &edit->entity);
		if (same != NULL) {
			same->error = duplicate(&edit->entity, change->arena);
			continue;
		}
		if (!failed(edit->error) && !req->validate_only)
			add_differences(c, edit);
		count++;
	}
	answer(change, edits, count);
}

void controller_refuse_client_quotas(struct metadata_change *change,
				     int16_t code, const char *message)
{
	const struct alter_client_quotas_request *req = change->request;
	struct quota_edit *edits = arena_calloc(
		change->arena, (size_t)req->entries_count, sizeof(*edits));

	for (int32_t i = 0; edits != NULL && i < req->entries_count; i++) {
		edits[i].entry = &req->entries[i];
		edits[i].error = (struct controller_error){ code, message };
	}
	answer(change, edits, edits == NULL ? 0 : (size_t)req->entries_count);
}
