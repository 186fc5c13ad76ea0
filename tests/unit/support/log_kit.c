/*
 * log_kit.c - what the tests of logs share: directories and batches
 */
#include "log_kit.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/vfs.h"
#include "record/builder.h"

void kit_make_dir(char path[KIT_PATH_MAX])
{
	snprintf(path, KIT_PATH_MAX, "/tmp/kspool-test.XXXXXX");
	if (mkdtemp(path) == NULL)
		abort();
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void kit_remove_dir(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void kit_make_batch(const struct kit_batch *what, struct buffer *out,
		    struct batch_header *header_out)
{
	struct batch_params params = {
		.base_offset = what->base_offset,
		.leader_epoch = what->leader_epoch,
		.attributes = what->attributes,
		.codec = (enum codec)what->codec,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = what->idempotent ? what->producer_id : -1,
		.producer_epoch = -1,
		.base_sequence = what->idempotent ? what->base_sequence : -1,
	};
	int32_t records = what->records == 0 ? 1 : what->records;
	uint8_t *value = malloc(what->value_bytes + 1);
	size_t start = out->len;
	struct batch_builder b;

	assert(value != NULL);
	if (what->idempotent)
		params.producer_epoch = what->producer_epoch;
	memset(value, what->fill, what->value_bytes);
	batch_builder_init(&b);
	for (int32_t i = 0; i < records; i++) {
		int rc = batch_builder_add(
			&b, what->timestamp_ms + i, SLICE_NULL,
			(struct slice){ value, what->value_bytes }, NULL, 0);

		assert(rc == 0);
	}
	if (batch_builder_finish(&b, &params, out) != 0)
		abort();
	batch_builder_clear(&b);
	free(value);
	if (batch_header_read(
		    (struct slice){ out->data + start, out->len - start },
		    header_out) != 0)
		abort();
}

static void path_of(char path[PATH_MAX], const char *dir, const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", dir, name);
}

uint8_t *kit_read_file(const char *dir, const char *name, size_t *len_out)
{
	char path[PATH_MAX];
	char *bytes;

	path_of(path, dir, name);
	if (file_read(vfs_system(), path, 1 << 30, &bytes, len_out) != 0) {
		fprintf(stderr, "cannot read %s\n", path);
		abort();
	}
	return (uint8_t *)bytes;
}

void kit_write_file(const char *dir, const char *name, const void *bytes,
		    size_t len)
{
	char path[PATH_MAX];
	int fd;

	path_of(path, dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		abort();
	close(fd);
}

bool kit_file_exists(const char *dir, const char *name)
{
	char path[PATH_MAX];

	path_of(path, dir, name);
	return access(path, F_OK) == 0;
}

void kit_copy_dir(const char *from, const char *to)
{
	DIR *dir = opendir(from);
	struct dirent *entry;

	if (dir == NULL)
		abort();
	while ((entry = readdir(dir)) != NULL) {
		uint8_t *bytes;
		size_t len;

		if (entry->d_name[0] == '.')
			continue;
		bytes = kit_read_file(from, entry->d_name, &len);
		kit_write_file(to, entry->d_name, bytes, len);
		free(bytes);
	}
	closedir(dir);
}

int kit_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}
