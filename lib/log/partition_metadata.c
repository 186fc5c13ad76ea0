/*
 * partition_metadata.c - the file that says which topic a directory is of
 */
#include "log/partition_metadata.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/properties.h"

enum { FILE_BYTES_MAX = 4096 };

static int parse(const char *text, size_t len, struct uuid *topic_id_out)
{
	struct properties p = { 0 };
	const char *version;
	const char *id;
	int line;
	int rc =
		properties_parse(&p, text, len, PARTITION_METADATA_NAME, &line);

	if (rc == 0) {
		version = properties_get(&p, "version");
		id = properties_get(&p, "topic_id");
		if (version == NULL || strcmp(version, "0") != 0 ||
		    id == NULL || uuid_parse(slice_of(id), topic_id_out) < 0)
			rc = -EBADMSG;
	}
	properties_clear(&p);
	return rc == -EINVAL ? -EBADMSG : rc;
}

int partition_metadata_read(struct vfs *vfs, const char *path,
			    struct uuid *topic_id_out)
{
	char *text;
	size_t len;
	int rc = file_read(vfs, path, FILE_BYTES_MAX, &text, &len);

	if (rc < 0)
		return rc == -EFBIG ? -EBADMSG : rc;
	rc = parse(text, len, topic_id_out);
	free(text);
	return rc;
}

int partition_metadata_write(struct vfs *vfs, const char *path,
			     struct uuid topic_id)
{
	char id[UUID_TEXT_LEN + 1];
	char text[64];
	int len;

	uuid_format(topic_id, id);
	len = snprintf(text, sizeof(text), "version: 0\ntopic_id: %s", id);
	return file_replace(vfs, path, text, (size_t)len);
}
