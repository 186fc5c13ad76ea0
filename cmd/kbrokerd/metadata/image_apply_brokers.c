/*
 * image_apply_brokers.c - records of brokers
 *
 * A broker never changes where it lies: each record makes a new one, and a
 * new list of them.
 */
#include "image_apply.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/image_private.h"
#include "wire/messages.h"

static size_t text_bytes(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1;
}

static size_t broker_bytes(const struct broker_image *b)
{
	size_t bytes = b->endpoint_count * sizeof(*b->endpoints) +
		       b->feature_count * sizeof(*b->features) +
		       b->log_dir_count * sizeof(*b->log_dirs) +
		       text_bytes(b->rack);

	for (size_t i = 0; i < b->endpoint_count; i++)
		bytes += text_bytes(b->endpoints[i].name) +
			 text_bytes(b->endpoints[i].host);
	for (size_t i = 0; i < b->feature_count; i++)
		bytes += text_bytes(b->features[i].name);
	return bytes;
}

/* A node of its own with all that b points to. */
static struct broker_node *copy_broker(const struct broker_image *b)
{
	struct broker_node *node = malloc(sizeof(*node) + broker_bytes(b));
	struct broker_endpoint *endpoints;
	struct broker_feature *features;
	struct uuid *dirs;
	char *at;

	if (node == NULL)
		return NULL;
	node->image = *b;
	atomic_init(&node->refs, 1);
	endpoints = (struct broker_endpoint *)(node + 1);
	features = (struct broker_feature *)(endpoints + b->endpoint_count);
	dirs = (struct uuid *)(features + b->feature_count);
	at = (char *)(dirs + b->log_dir_count);
	for (size_t i = 0; i < b->endpoint_count; i++) {
		endpoints[i] = b->endpoints[i];
		endpoints[i].name = image_put_text(&at, b->endpoints[i].name);
		endpoints[i].host = image_put_text(&at, b->endpoints[i].host);
	}
	for (size_t i = 0; i < b->feature_count; i++) {
		features[i] = b->features[i];
		features[i].name = image_put_text(&at, b->features[i].name);
	}
	for (size_t i = 0; i < b->log_dir_count; i++)
		dirs[i] = b->log_dirs[i];
	if (b->rack != NULL)
		node->image.rack = image_put_text(&at, b->rack);
	node->image.endpoints = endpoints;
	node->image.features = features;
	node->image.log_dirs = dirs;
	return node;
}

/* A list with the broker of node's id replaced, added, or with node NULL
 * dropped.  Takes over the reference. */
static int put_broker(struct image *image, int32_t id, struct broker_node *node)
{
	size_t old_count = image_broker_count(image);
	struct broker_list *list = malloc(
		sizeof(*list) + (old_count + 1) * sizeof(struct broker_node *));
	size_t n = 0;

	if (list == NULL) {
		image_broker_release(node);
		return -ENOMEM;
	}
	atomic_init(&list->refs, 1);
	for (size_t i = 0; i < old_count; i++) {
		struct broker_node *old = image->brokers->nodes[i];

		if (node != NULL && old->image.id > id) {
			list->nodes[n++] = node;
			node = NULL;
		}
		if (old->image.id == id)
			continue;
		atomic_fetch_add(&old->refs, 1);
		list->nodes[n++] = old;
	}
	if (node != NULL)
		list->nodes[n++] = node;
	list->count = n;
	image_broker_list_release(image->brokers);
	image->brokers = list;
	return 0;
}

/* endpoints and features of the record, their texts in scratch. */
static int read_registration(const struct register_broker_record *r,
			     struct broker_image *b, struct arena *scratch)
{
	struct broker_endpoint *endpoints;
	struct broker_feature *features;

	endpoints = arena_calloc(scratch, (size_t)r->end_points_count,
				 sizeof(*endpoints));
	features = arena_calloc(scratch, (size_t)r->features_count,
				sizeof(*features));
	if (endpoints == NULL || features == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < r->end_points_count; i++) {
		endpoints[i].name = arena_text(scratch, r->end_points[i].name);
		endpoints[i].host = arena_text(scratch, r->end_points[i].host);
		endpoints[i].port = r->end_points[i].port;
		endpoints[i].security_protocol =
			r->end_points[i].security_protocol;
		if (endpoints[i].name == NULL || endpoints[i].host == NULL)
			return -ENOMEM;
	}
	for (int32_t i = 0; i < r->features_count; i++) {
		features[i].name = arena_text(scratch, r->features[i].name);
		features[i].min_level = r->features[i].min_supported_version;
		features[i].max_level = r->features[i].max_supported_version;
		if (features[i].name == NULL)
			return -ENOMEM;
	}
	b->endpoints = endpoints;
	b->features = features;
	b->rack = slice_is_null(r->rack) ? NULL : arena_text(scratch, r->rack);
	return 0;
}

int image_apply_register_broker(struct image *image, const void *message)
{
	const struct register_broker_record *r = message;
	struct broker_image b = {
		.id = r->broker_id,
		.epoch = r->broker_epoch,
		.incarnation_id = r->incarnation_id,
		.fenced = r->fenced,
		.in_controlled_shutdown = r->in_controlled_shutdown,
		.migrating = r->is_migrating_zk_broker,
		.endpoint_count = (size_t)r->end_points_count,
		.feature_count = (size_t)r->features_count,
		.log_dir_count = (size_t)r->log_dirs_count,
		.log_dirs = r->log_dirs,
	};
	struct arena scratch = { 0 };
	struct broker_node *node = NULL;

	if (read_registration(r, &b, &scratch) == 0)
		node = copy_broker(&b);
	arena_clear(&scratch);
	return node == NULL ? -ENOMEM : put_broker(image, b.id, node);
}

int image_apply_unregister_broker(struct image *image, const void *message)
{
	const struct unregister_broker_record *r = message;

	if (image_broker(image, r->broker_id) == NULL)
		return -EBADMSG;
	return put_broker(image, r->broker_id, NULL);
}

/* The broker becomes *changed. */
static int change_broker(struct image *image,
			 const struct broker_image *changed)
{
	struct broker_node *node = copy_broker(changed);

	return node == NULL ? -ENOMEM : put_broker(image, changed->id, node);
}

int image_apply_registration_change(struct image *image, const void *message)
{
	const struct broker_registration_change_record *r = message;
	const struct broker_image *old = image_broker(image, r->broker_id);
	struct broker_image b;

	if (old == NULL)
		return -EBADMSG;
	b = *old;
	if (r->fenced != 0)
		b.fenced = r->fenced > 0;
	if (r->in_controlled_shutdown != 0)
		b.in_controlled_shutdown = true;
	if (r->log_dirs_count > 0) {
		b.log_dirs = r->log_dirs;
		b.log_dir_count = (size_t)r->log_dirs_count;
	}
	return change_broker(image, &b);
}

static int set_fenced(struct image *image, int32_t id, bool fenced)
{
	const struct broker_image *old = image_broker(image, id);
	struct broker_image b;

	if (old == NULL)
		return -EBADMSG;
	b = *old;
	b.fenced = fenced;
	return change_broker(image, &b);
}

int image_apply_fence_broker(struct image *image, const void *message)
{
	return set_fenced(
		image, ((const struct fence_broker_record *)message)->id, true);
}

int image_apply_unfence_broker(struct image *image, const void *message)
{
	return set_fenced(image,
			  ((const struct unfence_broker_record *)message)->id,
			  false);
}
