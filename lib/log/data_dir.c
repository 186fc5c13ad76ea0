/*
 * data_dir.c - a log directory: identity, lock, checkpoints
 *
 * The lock is taken before anything is read or made, as Kafka takes it: a
 * write lock on the whole of .lock, which also keeps a Kafka out.  The file
 * tells who has it.  Nothing is written to a directory that is not empty and
 * has no meta.properties.
 */
#include "log/data_dir.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/properties.h"
#include "base/units.h"
#include "log/checkpoint.h"

#define META_NAME    "meta.properties"
#define LOCK_NAME    ".lock"
#define RESERVE_NAME ".reserve"
#define CLEAN_NAME   ".kafka_cleanshutdown"

enum {
	META_BYTES_MAX = 64 << 10,
	NAME_BYTES_MAX = 255, /* of one path component */
	HEX_UUID_LEN = 2 * UUID_BYTES,
};

struct data_dir {
	struct vfs *vfs;
	char *path;
	int lock_fd;
	bool made_lock;    /* there was no file .lock */
	bool has_borrowed; /* the reserve is to come back at the end */
};

static int path_in(char path[PATH_BYTES_MAX], const struct data_dir *dir,
		   const char *name)
{
	int n = snprintf(path, PATH_BYTES_MAX, "%s/%s", dir->path, name);

	return n < 0 || n >= PATH_BYTES_MAX ? -ENAMETOOLONG : 0;
}

/* The directory and its lock */

/* Make the directory, and those above it. */
static int make_dirs(struct vfs *vfs, const char *path)
{
	char part[PATH_BYTES_MAX];
	size_t len = strlen(path);
	int rc = 0;

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		rc = vfs->mkdir(vfs, part, 0755);
		if (rc == 0)
			rc = vfs_sync_parent(vfs, part);
		part[i] = path[i];
	}
	return rc == -EEXIST ? 0 : rc;
}

/* Who says in .lock that he holds it; 0 when nobody does. */
static int read_holder(struct vfs *vfs, int fd)
{
	char text[32];
	int64_t pid;
	ssize_t n = vfs->pread(vfs, fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return parse_int64_in(text, 1, INT32_MAX, &pid) < 0 ? 0 : (int)pid;
}

static int write_holder(struct vfs *vfs, int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	int rc = vfs->ftruncate(vfs, fd, 0);

	return rc < 0 ? rc : vfs_write_all(vfs, fd, text, (size_t)len, 0);
}

/* A lock of the open file, so that two users in one process see each other
 * too.  It goes with the descriptor, however the process ends. */
static int take_lock(struct data_dir *dir, int *locked_by)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_BYTES_MAX];
	int rc = path_in(path, dir, LOCK_NAME);

	if (rc < 0)
		return rc;
	rc = dir->vfs->open(dir->vfs, path, O_RDWR | O_CREAT | O_EXCL, 0644);
	dir->made_lock = rc >= 0;
	if (rc == -EEXIST)
		rc = dir->vfs->open(dir->vfs, path, O_RDWR | O_CREAT, 0644);
	if (rc < 0)
		return rc;
	dir->lock_fd = rc;
	if (fcntl(dir->lock_fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return -errno;
	*locked_by = read_holder(dir->vfs, dir->lock_fd);
	return -EBUSY;
}

/* Identity */

/* A later one than ours may mean anything. */
static int check_version(const char *text, struct data_dir_found *found)
{
	if (text == NULL || parse_int64(text, &found->version) < 0 ||
	    found->version < DATA_DIR_VERSION)
		return -EBADMSG;
	return found->version > DATA_DIR_VERSION ? -ENOTSUP : 0;
}

static int parse_identity(const struct properties *p,
			  struct data_dir_identity *id,
			  struct data_dir_found *found)
{
	const char *cluster = properties_get(p, "cluster.id");
	const char *node = properties_get(p, "node.id");
	const char *directory = properties_get(p, "directory.id");
	int64_t node_id;
	int rc = check_version(properties_get(p, "version"), found);

	*id = (struct data_dir_identity){ .node_id = -1 };
	if (rc < 0)
		return rc;
	if (cluster == NULL || strlen(cluster) >= sizeof(id->cluster_id) ||
	    node == NULL || parse_int64_in(node, 0, INT32_MAX, &node_id) < 0)
		return -EBADMSG;
	if (directory != NULL &&
	    uuid_parse(slice_of(directory), &id->directory_id) < 0)
		return -EBADMSG;
	memcpy(id->cluster_id, cluster, strlen(cluster) + 1);
	id->node_id = (int32_t)node_id;
	return 0;
}

static int read_identity(struct data_dir *dir, struct data_dir_identity *id,
			 struct data_dir_found *found)
{
	struct properties p = { 0 };
	char path[PATH_BYTES_MAX];
	char *text;
	size_t len;
	int line;
	int rc = path_in(path, dir, META_NAME);

	if (rc == 0)
		rc = file_read(dir->vfs, path, META_BYTES_MAX, &text, &len);
	if (rc < 0)
		return rc == -EFBIG ? -EBADMSG : rc;
	rc = properties_parse(&p, text, len, META_NAME, &line);
	free(text);
	if (rc == 0)
		rc = parse_identity(&p, id, found);
	properties_clear(&p);
	return rc == -EINVAL ? -EBADMSG : rc;
}

static int write_identity(struct data_dir *dir,
			  const struct data_dir_identity *id)
{
	char path[PATH_BYTES_MAX];
	char directory[UUID_TEXT_LEN + 1];
	char text[256];
	int len;
	int rc = path_in(path, dir, META_NAME);

	if (rc < 0)
		return rc;
	uuid_format(id->directory_id, directory);
	len = snprintf(text, sizeof(text),
		       "#\nversion=1\ncluster.id=%s\nnode.id=%" PRId32
		       "\ndirectory.id=%s\n",
		       id->cluster_id, id->node_id, directory);
	return file_replace(dir->vfs, path, text, (size_t)len);
}

static int make_identity(struct data_dir *dir,
			 const struct data_dir_identity *wanted,
			 struct random *random, struct data_dir_identity *id)
{
	*id = *wanted;
	if (id->cluster_id[0] == '\0')
		uuid_format(uuid_random(random), id->cluster_id);
	if (uuid_is_zero(id->directory_id))
		id->directory_id = uuid_random(random);
	return write_identity(dir, id);
}

/* A directory of an older Kafka has no id yet. */
static int complete_identity(struct data_dir *dir, struct random *random,
			     struct data_dir_identity *id)
{
	if (!uuid_is_zero(id->directory_id))
		return 0;
	id->directory_id = uuid_random(random);
	return write_identity(dir, id);
}

static bool contradicts(const struct data_dir_identity *wanted,
			const struct data_dir_identity *id)
{
	return (wanted->cluster_id[0] != '\0' &&
		strcmp(wanted->cluster_id, id->cluster_id) != 0) ||
	       (wanted->node_id >= 0 && wanted->node_id != id->node_id);
}

static int refuse_content(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, LOCK_NAME) == 0 || strcmp(name, "lost+found") == 0
		       ? 0
		       : -ENOTEMPTY;
}

static int find_identity(struct data_dir *dir,
			 const struct data_dir_identity *wanted,
			 struct random *random, struct data_dir_identity *id,
			 struct data_dir_found *found)
{
	int rc = read_identity(dir, id, found);

	if (rc == 0)
		return contradicts(wanted, id)
			       ? -EEXIST
			       : complete_identity(dir, random, id);
	if (rc != -ENOENT)
		return rc;
	rc = dir->vfs->list(dir->vfs, dir->path, refuse_content, NULL);
	if (rc < 0)
		return rc;
	found->fresh = true;
	return make_identity(dir, wanted, random, id);
}

/* Deleted partitions */

/* "<topic>-<n>.<32 hexadecimal digits>-delete" */
static bool is_dropped(const char *name)
{
	static const char suffix[] = "-delete";
	size_t len = strlen(name);
	size_t tail = HEX_UUID_LEN + strlen(suffix);

	if (len <= tail || name[len - tail - 1] != '.' ||
	    strcmp(name + len - strlen(suffix), suffix) != 0)
		return false;
	for (size_t i = len - tail; i < len - strlen(suffix); i++) {
		if (!isxdigit((unsigned char)name[i]))
			return false;
	}
	return true;
}

static int remove_dropped(void *arg, const char *name)
{
	struct data_dir *dir = arg;
	char path[PATH_BYTES_MAX];

	/* What cannot be removed now stays: it does no harm. */
	if (is_dropped(name) && path_in(path, dir, name) == 0)
		dir_remove(dir->vfs, path);
	return 0;
}

/* The name that a partition's directory gets to be deleted; a long topic is
 * cut, as Kafka does. */
static void dropped_name(char name[NAME_BYTES_MAX + 1], const char *topic,
			 int32_t partition, struct random *random)
{
	struct uuid id = uuid_random(random);
	char hex[HEX_UUID_LEN + 1];
	char tail[64];
	int tail_len;

	for (size_t i = 0; i < UUID_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", id.bytes[i]);
	tail_len = snprintf(tail, sizeof(tail), "-%" PRId32 ".%s-delete",
			    partition, hex);
	snprintf(name, NAME_BYTES_MAX + 1, "%.*s%s", NAME_BYTES_MAX - tail_len,
		 topic, tail);
}

int data_dir_drop_partition(struct data_dir *dir, const char *topic,
			    int32_t partition, struct random *random)
{
	char name[NAME_BYTES_MAX + 1];
	char to[PATH_BYTES_MAX];
	char *from = data_dir_partition_path(dir, topic, partition);
	int rc;

	if (from == NULL)
		return -ENOMEM;
	dropped_name(name, topic, partition, random);
	rc = path_in(to, dir, name);
	if (rc == 0)
		rc = dir->vfs->rename(dir->vfs, from, to);
	free(from);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = dir->vfs->sync_dir(dir->vfs, dir->path);
	if (rc == 0)
		remove_dropped(dir, name);
	return rc;
}

/* Open and close */

static void dir_free(struct data_dir *dir)
{
	if (dir == NULL)
		return;
	if (dir->lock_fd >= 0)
		dir->vfs->close(dir->vfs, dir->lock_fd);
	free(dir->path);
	free(dir);
}

static struct data_dir *dir_new(struct vfs *vfs, const char *path)
{
	struct data_dir *dir = calloc(1, sizeof(*dir));

	if (dir == NULL)
		return NULL;
	dir->vfs = vfs;
	dir->lock_fd = -1;
	dir->path = strdup(path);
	if (dir->path == NULL) {
		dir_free(dir);
		return NULL;
	}
	return dir;
}

/* From here on a crash is an unclean shutdown. */
static int take_marker(struct data_dir *dir, bool *clean_out)
{
	char path[PATH_BYTES_MAX];
	int rc = path_in(path, dir, CLEAN_NAME);

	if (rc == 0)
		rc = dir->vfs->unlink(dir->vfs, path);
	*clean_out = rc == 0;
	if (rc == -ENOENT)
		return 0;
	return rc < 0 ? rc : dir->vfs->sync_dir(dir->vfs, dir->path);
}

/* A directory of somebody else is left as it was. */
static void take_lock_back(struct data_dir *dir)
{
	char path[PATH_BYTES_MAX];

	if (dir->made_lock && path_in(path, dir, LOCK_NAME) == 0)
		dir->vfs->unlink(dir->vfs, path);
}

static int open_locked(struct data_dir *dir,
		       const struct data_dir_identity *wanted,
		       struct random *random, struct data_dir_identity *id,
		       struct data_dir_found *found)
{
	int rc = find_identity(dir, wanted, random, id, found);

	if (rc == 0)
		rc = write_holder(dir->vfs, dir->lock_fd);
	if (rc == 0)
		rc = take_marker(dir, &found->clean);
	if (rc == 0)
		rc = dir->vfs->list(dir->vfs, dir->path, remove_dropped, dir);
	return rc;
}

int data_dir_open(struct vfs *vfs, const char *path,
		  const struct data_dir_identity *wanted, struct random *random,
		  struct data_dir **dir_out,
		  struct data_dir_identity *identity_out,
		  struct data_dir_found *found_out)
{
	struct data_dir *dir = dir_new(vfs, path);
	int rc;

	*found_out = (struct data_dir_found){ 0 };
	if (dir == NULL)
		return -ENOMEM;
	rc = make_dirs(vfs, path);
	if (rc == 0)
		rc = take_lock(dir, &found_out->locked_by);
	if (rc == 0)
		rc = open_locked(dir, wanted, random, identity_out, found_out);
	if (rc == -ENOTEMPTY)
		take_lock_back(dir);
	if (rc < 0) {
		dir_free(dir);
		return rc;
	}
	*dir_out = dir;
	return 0;
}

void data_dir_keep_reserve(struct data_dir *dir)
{
	struct vfs *vfs = dir->vfs;
	char path[PATH_BYTES_MAX];
	int fd = path_in(path, dir, RESERVE_NAME);

	if (fd == 0)
		fd = vfs->open(vfs, path, O_RDWR | O_CREAT, 0644);
	if (fd < 0)
		return;
	if (vfs->reserve(vfs, fd, DATA_DIR_RESERVE_BYTES) < 0)
		vfs->unlink(vfs, path);
	vfs->close(vfs, fd);
	dir->has_borrowed = false;
}

void data_dir_free_reserve(struct data_dir *dir)
{
	char path[PATH_BYTES_MAX];

	dir->has_borrowed = true;
	if (path_in(path, dir, RESERVE_NAME) == 0)
		dir->vfs->unlink(dir->vfs, path);
}

int data_dir_close(struct data_dir *dir, bool clean)
{
	static const char marker[] = "{\"version\":0,\"brokerEpoch\":-1}";
	char path[PATH_BYTES_MAX];
	int rc = 0;

	if (dir == NULL)
		return 0;
	if (clean) {
		rc = path_in(path, dir, CLEAN_NAME);
		if (rc == 0)
			rc = file_replace(dir->vfs, path, marker,
					  strlen(marker));
	}
	if (dir->has_borrowed)
		data_dir_keep_reserve(dir);
	dir_free(dir);
	return rc;
}

const char *data_dir_path(const struct data_dir *dir)
{
	return dir->path;
}

char *data_dir_partition_path(const struct data_dir *dir, const char *topic,
			      int32_t partition)
{
	char path[PATH_BYTES_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s-%" PRId32, dir->path, topic,
			 partition);

	return n < 0 || (size_t)n >= sizeof(path) ? NULL : strdup(path);
}

/* Checkpoints */

static const char *const checkpoint_names[] = {
	[CHECKPOINT_RECOVERY_POINT] = "recovery-point-offset-checkpoint",
	[CHECKPOINT_LOG_START] = "log-start-offset-checkpoint",
	[CHECKPOINT_HIGH_WATERMARK] = "replication-offset-checkpoint",
};

struct entry_reader {
	void (*on_entry)(void *arg, const struct checkpoint_entry *e);
	void *arg;
};

/* "<topic> <partition> <offset>" */
static int read_entry(void *arg, char *line)
{
	const struct entry_reader *reader = arg;
	struct checkpoint_entry entry = { .topic = line };
	char *partition_text = strchr(line, ' ');
	char *offset_text;
	int64_t partition;

	if (partition_text == NULL)
		return -EBADMSG;
	*partition_text++ = '\0';
	offset_text = strchr(partition_text, ' ');
	if (offset_text == NULL)
		return -EBADMSG;
	*offset_text++ = '\0';
	if (parse_int64_in(partition_text, 0, INT32_MAX, &partition) < 0 ||
	    parse_int64_in(offset_text, 0, INT64_MAX, &entry.offset) < 0)
		return -EBADMSG;
	entry.partition = (int32_t)partition;
	reader->on_entry(reader->arg, &entry);
	return 0;
}

int data_dir_read_checkpoint(struct data_dir *dir, enum checkpoint_kind kind,
			     void (*on_entry)(void *arg,
					      const struct checkpoint_entry *e),
			     void *arg)
{
	struct entry_reader reader = { on_entry, arg };
	char path[PATH_BYTES_MAX];
	int rc = path_in(path, dir, checkpoint_names[kind]);

	return rc < 0 ? rc
		      : checkpoint_read(dir->vfs, path, read_entry, &reader);
}

int data_dir_write_checkpoint(struct data_dir *dir, enum checkpoint_kind kind,
			      const struct checkpoint_entry *entries,
			      size_t count)
{
	struct buffer text = { 0 };
	char path[PATH_BYTES_MAX];
	int rc = path_in(path, dir, checkpoint_names[kind]);

	checkpoint_begin(&text, count);
	for (size_t i = 0; i < count; i++)
		buffer_printf(&text, "%s %" PRId32 " %" PRId64 "\n",
			      entries[i].topic, entries[i].partition,
			      entries[i].offset);
	if (rc == 0)
		rc = text.failed ? -ENOMEM
				 : file_replace(dir->vfs, path, text.data,
						text.len);
	buffer_clear(&text);
	return rc;
}
