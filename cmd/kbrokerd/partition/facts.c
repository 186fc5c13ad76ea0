/*
 * facts.c - what can be told of the hosted partitions
 *
 * A partition's lock is held for the few numbers only.  The files of one that
 * is closed are looked at once and that is kept, without the lock: should it
 * be opened meanwhile the log's own numbers are told from then on.
 */
#include "kbrokerd/partition/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/partition/internal.h"

const struct traffic *partition_table_traffic(
	const struct partition_table *table)
{
	return &table->traffic;
}

/* Files of a closed one */

struct files {
	struct vfs *vfs;
	const char *dir;
	int64_t bytes, last_ms;
	int64_t count;
};

static int on_name(void *arg, const char *name)
{
	struct files *files = arg;
	const char *dot = strrchr(name, '.');
	char *path = NULL;
	int fd;

	if (dot == NULL || strcmp(dot, ".log") != 0)
		return 0;
	if (asprintf(&path, "%s/%s", files->dir, name) < 0)
		return -ENOMEM;
	fd = files->vfs->open(files->vfs, path, O_RDONLY | O_CLOEXEC, 0);
	free(path);
	if (fd < 0)
		return 0;
	if (files->vfs->size(files->vfs, fd) > 0) {
		int64_t ms = files->vfs->modified_ms(files->vfs, fd);

		files->bytes += files->vfs->size(files->vfs, fd);
		files->last_ms = ms > files->last_ms ? ms : files->last_ms;
	}
	files->count++;
	files->vfs->close(files->vfs, fd);
	return 0;
}

static void look_at_files(struct partition *p)
{
	const struct partition_table_params *params = &p->table->params;
	char *dir =
		data_dir_partition_path(params->dir, p->topic->name, p->index);
	struct files files = { .vfs = params->vfs, .dir = dir, .last_ms = -1 };

	if (dir != NULL)
		params->vfs->list(params->vfs, dir, on_name, &files);
	free(dir);
	pthread_mutex_lock(&p->lock);
	p->file_bytes = files.bytes;
	p->file_count = (int32_t)files.count;
	p->last_write_ms = files.last_ms;
	p->looked_at_files = true;
	pthread_mutex_unlock(&p->lock);
}

int64_t partition_size_bytes(struct partition *p)
{
	int64_t bytes;

	pthread_mutex_lock(&p->lock);
	while (p->state == PARTITION_CLOSED && p->has_directory &&
	       !p->looked_at_files) {
		pthread_mutex_unlock(&p->lock);
		look_at_files(p);
		pthread_mutex_lock(&p->lock);
	}
	if (p->state == PARTITION_OPEN)
		bytes = log_size_bytes(p->log);
	else if (p->state == PARTITION_CLOSED)
		bytes = p->has_directory ? p->file_bytes : 0;
	else
		bytes = p->state == PARTITION_GONE ? -ENOENT : -EIO;
	pthread_mutex_unlock(&p->lock);
	return bytes;
}

/* Walking */

static void of_log(const struct partition *p, struct partition_facts *f)
{
	f->log_start = log_start_offset(p->log);
	f->log_end = log_end_offset(p->log);
	f->high_watermark = p->high_watermark;
	f->size_bytes = log_size_bytes(p->log);
	f->segment_count = (int64_t)log_segment_count(p->log);
	if (log_last_append_ms(p->log) >= 0)
		f->last_write_ms = log_last_append_ms(p->log);
}

/* After a clean stop all up to the recovery point is what there is. */
static void of_checkpoints(const struct partition *p, struct partition_facts *f)
{
	f->log_start = p->log_start_offset;
	f->log_end = f->high_watermark = p->recovery_point;
	f->size_bytes = p->file_bytes;
	f->segment_count = p->looked_at_files ? p->file_count : -1;
}

/* Returns false when it is none any more. */
static bool learn(struct partition *p, struct partition_facts *f)
{
	bool is_there;

	*f = (struct partition_facts){
		.topic_id = p->topic->id,
		.topic = p->topic->name,
		.index = p->index,
		.leader_epoch = partition_leader_epoch(p),
	};
	pthread_mutex_lock(&p->lock);
	is_there = p->state != PARTITION_GONE;
	f->offline = p->state == PARTITION_OFFLINE;
	f->open = p->log != NULL;
	f->traffic = p->traffic;
	f->last_write_ms = p->looked_at_files ? p->last_write_ms : -1;
	if (p->log != NULL)
		of_log(p, f);
	else
		of_checkpoints(p, f);
	pthread_mutex_unlock(&p->lock);
	return is_there;
}

/* When it was last written is not in the log if that was before the start. */
static bool needs_files(struct partition *p)
{
	bool needs;

	pthread_mutex_lock(&p->lock);
	needs = p->has_directory && !p->looked_at_files &&
		p->state != PARTITION_GONE;
	if (p->log != NULL && log_last_append_ms(p->log) >= 0)
		needs = false;
	pthread_mutex_unlock(&p->lock);
	return needs;
}

int partition_facts_each(struct partition_table *table,
			 void (*on_partition)(void *arg,
					      const struct partition_facts *f),
			 void *arg)
{
	size_t count;
	struct partition **all = topics_all(table, &count);
	struct partition_facts facts;

	if (all == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (needs_files(all[i]))
			look_at_files(all[i]);
		if (learn(all[i], &facts))
			on_partition(arg, &facts);
	}
	topics_give_back(all, count);
	return 0;
}
