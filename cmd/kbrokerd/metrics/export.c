/*
 * export.c - the topics that are exported, with all of their partitions
 */
#include "kbrokerd/metrics/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/metadata/image.h"

void export_clear(struct export *ex)
{
	for (size_t i = 0; i < ex->count; i++)
		free(ex->topics[i].partitions);
	free(ex->topics);
	free(ex->by_id);
	*ex = (struct export){ 0 };
}

static int by_id(const void *a, const void *b)
{
	const struct exported_topic *const *x = a;
	const struct exported_topic *const *y = b;

	return memcmp(&(*x)->row->id, &(*y)->row->id, sizeof(struct uuid));
}

static int make_topics(struct export *ex, const struct topic_row **rows,
		       size_t count, const struct image *image, size_t limit)
{
	ex->topics = calloc(limit + 1, sizeof(*ex->topics));
	ex->by_id = calloc(limit + 1, sizeof(*ex->by_id));
	if (ex->topics == NULL || ex->by_id == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct topic_image *topic =
			image_topic_by_id(image, rows[i]->id);

		if (topic == NULL)
			continue;
		if (ex->count == limit) {
			ex->left_out++;
			continue;
		}
		ex->topics[ex->count].row = rows[i];
		ex->topics[ex->count].image = topic;
		ex->by_id[ex->count] = &ex->topics[ex->count];
		ex->count++;
	}
	if (ex->count > 1)
		qsort(ex->by_id, ex->count, sizeof(*ex->by_id), by_id);
	return 0;
}

static int make_rooms(struct export *ex, size_t limit)
{
	size_t left = limit * EXPORT_PARTITIONS_EACH;

	for (size_t i = 0; i < ex->count; i++) {
		struct exported_topic *t = &ex->topics[i];
		size_t count = (size_t)t->image->partition_count;

		if (count > left)
			continue;
		left -= count;
		t->partitions = calloc(count, sizeof(*t->partitions));
		if (t->partitions == NULL)
			return -ENOMEM;
		for (size_t p = 0; p < count; p++)
			t->partitions[p].last_write_ms = -1;
	}
	return 0;
}

static void on_partition(void *arg, const struct partition_facts *f)
{
	const struct export *ex = arg;
	struct topic_row row = { .id = f->topic_id };
	struct exported_topic wanted = { .row = &row };
	struct exported_topic *key = &wanted;
	struct exported_topic **found;
	struct exported_topic *t;

	if (ex->count == 0)
		return;
	found = bsearch(&key, ex->by_id, ex->count, sizeof(*ex->by_id), by_id);
	if (found == NULL)
		return;
	t = *found;
	if (t->partitions != NULL && f->index < t->image->partition_count)
		t->partitions[f->index] = *f;
}

int export_make(struct export *ex, const struct topic_table *table,
		struct partition_table *partitions, const struct image *image,
		size_t limit, bool with_facts)
{
	const struct topic_row **rows;
	size_t count =
		topic_table_list(table, "", TOPICS_BY_NAME, false, &rows);
	int rc;

	*ex = (struct export){ 0 };
	rc = rows == NULL ? -ENOMEM
			  : make_topics(ex, rows, count, image, limit);
	free(rows);
	if (rc == 0 && with_facts)
		rc = make_rooms(ex, limit);
	if (rc == 0 && with_facts)
		rc = partition_facts_each(partitions, on_partition, ex);
	if (rc < 0)
		export_clear(ex);
	return rc;
}
