/*
 * image_apply.c - records of the metadata log become an image
 *
 * A record that is asked about is interpreted, by the file of its kind; any
 * other that says something lasting is kept as it came (image_apply_kept.c),
 * so that the next snapshot still has it.
 */
#include "image_edit.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/image_apply.h"
#include "wire/messages.h"

/* Features */

static int apply_feature_level(struct image *image, const void *message)
{
	const struct feature_level_record *r = message;
	size_t old_count = image_feature_count(image);
	size_t bytes = r->name.len + 1;
	struct feature_list *list;
	char *at;
	size_t n = 0;
	bool placed = r->feature_level == 0;

	for (size_t i = 0; i < old_count; i++)
		bytes += strlen(image->features->entries[i].name) + 1;
	list = malloc(sizeof(*list) +
		      (old_count + 1) * sizeof(list->entries[0]) + bytes);
	if (list == NULL)
		return -ENOMEM;
	atomic_init(&list->refs, 1);
	at = (char *)&list->entries[old_count + 1];
	for (size_t i = 0; i <= old_count; i++) {
		const struct feature_level_entry *e =
			i < old_count ? &image->features->entries[i] : NULL;
		int order =
			e == NULL ? 1
				  : strncmp(e->name, (const char *)r->name.data,
					    r->name.len);

		if (order == 0 && e->name[r->name.len] != '\0')
			order = 1;
		if (!placed && order >= 0) {
			memcpy(at, r->name.data, r->name.len);
			at[r->name.len] = '\0';
			list->entries[n].name = at;
			list->entries[n++].level = r->feature_level;
			at += r->name.len + 1;
			placed = true;
		}
		if (e != NULL && order != 0) {
			list->entries[n].name = image_put_text(&at, e->name);
			list->entries[n++].level = e->level;
		}
	}
	list->count = n;
	image_feature_list_release(image->features);
	image->features = list;
	return 0;
}

static int apply_producer_ids(struct image *image, const void *message)
{
	const struct producer_ids_record *r = message;

	image->next_producer_id = r->next_producer_id;
	return 0;
}

static int apply_nothing(struct image *image, const void *message)
{
	(void)image;
	(void)message;
	return 0;
}

/* All */

static const struct row {
	const struct wire_desc *desc;
	int (*apply)(struct image *image, const void *message);
} rows[] = {
	{ &partition_record_desc, image_apply_partition },
	{ &topic_record_desc, image_apply_topic },
	{ &config_record_desc, image_apply_config },
	{ &partition_change_record_desc, image_apply_partition_change },
	{ &remove_topic_record_desc, image_apply_remove_topic },
	{ &register_broker_record_desc, image_apply_register_broker },
	{ &unregister_broker_record_desc, image_apply_unregister_broker },
	{ &broker_registration_change_record_desc,
	  image_apply_registration_change },
	{ &fence_broker_record_desc, image_apply_fence_broker },
	{ &unfence_broker_record_desc, image_apply_unfence_broker },
	{ &feature_level_record_desc, apply_feature_level },
	{ &producer_ids_record_desc, apply_producer_ids },
	{ &clear_elr_record_desc, image_apply_clear_elr },
	{ &no_op_record_desc, apply_nothing },
	/* A leftover that Kafka 4 reads and forgets. */
	{ &zk_migration_state_record_desc, apply_nothing },
	/* The replay sees to transactions (replay.c). */
	{ &begin_transaction_record_desc, apply_nothing },
	{ &end_transaction_record_desc, apply_nothing },
	{ &abort_transaction_record_desc, apply_nothing },
};

int image_edit_apply(struct image *image, const struct wire_desc *desc,
		     int16_t version, const void *message, struct slice value)
{
	(void)version;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].desc == desc)
			return rows[i].apply(image, message);
	}
	return image_apply_kept(image, desc, message, value);
}

int image_edit_apply_bytes(struct image *image, struct slice value,
			   struct arena *scratch)
{
	const struct wire_desc *desc;
	int16_t version;
	void *message;
	int rc;

	arena_reset(scratch);
	rc = wire_metadata_decode(value, scratch, &desc, &version, &message);
	if (rc < 0)
		return rc;
	return image_edit_apply(image, desc, version, message, value);
}

struct image *image_edit_begin(const struct image *base)
{
	struct image *image = calloc(1, sizeof(*image));

	if (image == NULL)
		return NULL;
	if (base == NULL) {
		trie_init(&image->topics, &image_topic_names);
		trie_init(&image->topic_ids, &image_topic_ids);
		trie_init(&image->collisions, &image_topic_collisions);
		trie_init(&image->configs, &image_config_sets);
		trie_init(&image->kept, &image_kept_records);
		image->offset = -1;
		image->edit = 1;
		atomic_init(&image->refs, 1);
		return image;
	}
	/* All but refs, which readers of base change meanwhile. */
	memcpy(&image->edit, &base->edit,
	       sizeof(*image) - offsetof(struct image, edit));
	trie_share(&image->topics, &base->topics);
	trie_share(&image->topic_ids, &base->topic_ids);
	trie_share(&image->collisions, &base->collisions);
	trie_share(&image->configs, &base->configs);
	trie_share(&image->kept, &base->kept);
	if (image->brokers != NULL)
		atomic_fetch_add(&image->brokers->refs, 1);
	if (image->features != NULL)
		atomic_fetch_add(&image->features->refs, 1);
	image->edit = base->edit + 1;
	atomic_init(&image->refs, 1);
	return image;
}

int image_edit_end(struct image *image, int64_t offset, int32_t epoch,
		   int64_t timestamp_ms)
{
	image->offset = offset;
	image->epoch = epoch;
	image->timestamp_ms = timestamp_ms;
	return image->holes == 0 ? 0 : -EBADMSG;
}
