/*
 * image_apply_topics.c - records of topics
 *
 * A topic is in the image by name, by id and, where others may collide with
 * it, by that name too: the three change together.
 */
#include "image_apply.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/image_private.h"
#include "wire/enums.h"
#include "wire/messages.h"

/* Topics of one's own */

/* Put the node in place of the one of its name and id.  Takes a reference. */
static int put_topic(struct image *image, struct topic_node *node)
{
	int rc;

	atomic_fetch_add(&node->refs, 2);
	rc = trie_put(&image->topics, node->name_hash, &node->image.name, node);
	if (rc < 0)
		image_topic_release(node);
	else
		rc = trie_put(&image->topic_ids, image_id_hash(node->image.id),
			      &node->image.id, node);
	if (rc < 0 || !image_name_may_collide(node->image.name)) {
		image_topic_release(node);
		return rc;
	}
	return trie_put(&image->collisions,
			image_collision_hash(node->image.name),
			&node->image.name, node);
}

static struct topic_node *new_topic(const struct image *image,
				    struct slice name, struct uuid id)
{
	struct topic_node *node = calloc(1, sizeof(*node) + name.len);

	if (node == NULL)
		return NULL;
	atomic_init(&node->refs, 1);
	node->edit = image->edit;
	node->name_hash = image_name_hash(name);
	memcpy(node->name, name.data, name.len);
	node->image.name = (struct slice){ node->name, name.len };
	node->image.id = id;
	return node;
}

/* Make *node_io the image's own. */
int image_own_topic(struct image *image, struct topic_node **node_io)
{
	const struct topic_node *old = *node_io;
	struct topic_node *node;

	if (old->edit == image->edit)
		return 0;
	node = new_topic(image, old->image.name, old->image.id);
	if (node == NULL)
		return -ENOMEM;
	if (old->block != NULL) {
		atomic_fetch_add(&old->block->refs, 1);
		image_set_block(node, old->block);
	}
	if (old->configs != NULL) {
		atomic_fetch_add(&old->configs->refs, 1);
		node->configs = old->configs;
		node->image.configs = &node->configs->set;
	}
	*node_io = node;
	return put_topic(image, node);
}

/* Records */

/* Configs that were there before their topic. */
static int take_orphan_configs(struct image *image, struct topic_node *node)
{
	struct config_key key = { WIRE_CONFIG_RESOURCE_TYPE_TOPIC,
				  node->image.name };
	struct config_node *configs = image_config_node(image, key);
	int rc;

	if (configs == NULL)
		return 0;
	atomic_fetch_add(&configs->refs, 1);
	rc = trie_remove(&image->configs, image_config_hash(key), &key);
	if (rc < 0) {
		image_config_release(configs);
		return rc;
	}
	node->configs = configs;
	node->image.configs = &configs->set;
	return 0;
}

int image_apply_topic(struct image *image, const void *message)
{
	const struct topic_record *r = message;
	struct topic_node *node;
	int rc;

	if (image_topic_node(image, r->name) != NULL ||
	    image_topic_node_by_id(image, r->topic_id) != NULL)
		return -EBADMSG;
	node = new_topic(image, r->name, r->topic_id);
	if (node == NULL)
		return -ENOMEM;
	rc = take_orphan_configs(image, node);
	if (rc < 0) {
		image_topic_release(node);
		return rc;
	}
	return put_topic(image, node);
}

static int forget_collision(struct image *image, const struct topic_node *node)
{
	const struct topic_image *found =
		image_colliding_topic(image, node->image.name);

	if (found == NULL || !uuid_equal(found->id, node->image.id))
		return 0;
	return trie_remove(&image->collisions,
			   image_collision_hash(node->image.name),
			   &node->image.name);
}

int image_apply_remove_topic(struct image *image, const void *message)
{
	const struct remove_topic_record *r = message;
	struct topic_node *node = image_topic_node_by_id(image, r->topic_id);
	int rc;

	if (node == NULL)
		return -EBADMSG;
	if (node->block != NULL) {
		image->holes -= node->block->holes;
		image->partition_count -=
			(size_t)(node->block->count - node->block->holes);
	}
	atomic_fetch_add(&node->refs, 1);
	rc = forget_collision(image, node);
	if (rc >= 0)
		rc = trie_remove(&image->topics, node->name_hash,
				 &node->image.name);
	if (rc >= 0)
		rc = trie_remove(&image->topic_ids,
				 image_id_hash(node->image.id),
				 &node->image.id);
	image_topic_release(node);
	return rc < 0 ? rc : 0;
}
