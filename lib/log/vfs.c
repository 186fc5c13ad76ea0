/*
 * vfs.c - the machine's own file system, and helpers over any
 *
 * The system functions add nothing to the system calls but EINTR and a
 * negative errno.  The helpers know only the struct, so that what they do in
 * a test is what they do on a disk.
 */
#include "log/vfs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/limits.h"

static int or_errno(int rc)
{
	return rc < 0 ? -errno : rc;
}

static int system_open(struct vfs *vfs, const char *path, int flags,
		       mode_t mode)
{
	int fd;

	(void)vfs;
	do {
		fd = open(path, flags | O_CLOEXEC, mode);
	} while (fd < 0 && errno == EINTR);
	return or_errno(fd);
}

static int system_close(struct vfs *vfs, int fd)
{
	(void)vfs;
	return or_errno(close(fd));
}

static ssize_t system_pread(struct vfs *vfs, int fd, void *to, size_t len,
			    int64_t position)
{
	ssize_t n;

	(void)vfs;
	do {
		n = pread(fd, to, len, position);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t system_pwritev(struct vfs *vfs, int fd, const struct iovec *iov,
			      int iov_count, int64_t position)
{
	ssize_t n;

	(void)vfs;
	do {
		n = pwritev(fd, iov, iov_count, position);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int system_fdatasync(struct vfs *vfs, int fd)
{
	int rc;

	(void)vfs;
	do {
		rc = fdatasync(fd);
	} while (rc < 0 && errno == EINTR);
	return or_errno(rc);
}

static int system_ftruncate(struct vfs *vfs, int fd, int64_t size)
{
	int rc;

	(void)vfs;
	do {
		rc = ftruncate(fd, size);
	} while (rc < 0 && errno == EINTR);
	return or_errno(rc);
}

static int64_t system_size(struct vfs *vfs, int fd)
{
	struct stat st;

	(void)vfs;
	return fstat(fd, &st) < 0 ? -errno : (int64_t)st.st_size;
}

static int system_rename(struct vfs *vfs, const char *from, const char *to)
{
	(void)vfs;
	return or_errno(rename(from, to));
}

static int system_unlink(struct vfs *vfs, const char *path)
{
	(void)vfs;
	return or_errno(unlink(path));
}

static int system_mkdir(struct vfs *vfs, const char *path, mode_t mode)
{
	(void)vfs;
	return or_errno(mkdir(path, mode));
}

static int system_rmdir(struct vfs *vfs, const char *path)
{
	(void)vfs;
	return or_errno(rmdir(path));
}

static int system_sync_dir(struct vfs *vfs, const char *path)
{
	int fd = system_open(vfs, path, O_RDONLY | O_DIRECTORY, 0);
	int rc;

	if (fd < 0)
		return fd;
	do {
		rc = fsync(fd);
	} while (rc < 0 && errno == EINTR);
	rc = or_errno(rc);
	close(fd);
	return rc;
}

static int system_list(struct vfs *vfs, const char *path,
		       int (*on_name)(void *arg, const char *name), void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = 0;

	(void)vfs;
	if (dir == NULL)
		return -errno;
	while (rc == 0) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL) {
			rc = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			rc = on_name(arg, entry->d_name);
	}
	closedir(dir);
	return rc;
}

static int64_t system_modified_ms(struct vfs *vfs, int fd)
{
	struct stat st;

	(void)vfs;
	if (fstat(fd, &st) < 0)
		return -errno;
	return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

static int system_reserve(struct vfs *vfs, int fd, int64_t bytes)
{
	int rc;

	(void)vfs;
	do {
		rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes);
	} while (rc < 0 && errno == EINTR);
	return or_errno(rc);
}

static int system_space(struct vfs *vfs, const char *path,
			struct vfs_space *space_out)
{
	struct statvfs st;
	int rc;

	(void)vfs;
	do {
		rc = statvfs(path, &st);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return -errno;
	*space_out = (struct vfs_space){
		.total_bytes = (int64_t)(st.f_blocks * st.f_frsize),
		.usable_bytes = (int64_t)(st.f_bavail * st.f_frsize),
	};
	return 0;
}

struct vfs *vfs_system(void)
{
	static struct vfs system = {
		.open = system_open,
		.close = system_close,
		.pread = system_pread,
		.pwritev = system_pwritev,
		.fdatasync = system_fdatasync,
		.ftruncate = system_ftruncate,
		.size = system_size,
		.rename = system_rename,
		.unlink = system_unlink,
		.mkdir = system_mkdir,
		.rmdir = system_rmdir,
		.sync_dir = system_sync_dir,
		.list = system_list,
		.modified_ms = system_modified_ms,
		.reserve = system_reserve,
		.space = system_space,
	};

	return &system;
}

int vfs_write_all(struct vfs *vfs, int fd, const void *data, size_t len,
		  int64_t position)
{
	const uint8_t *from = data;

	while (len > 0) {
		struct iovec iov = { .iov_base = (void *)from, .iov_len = len };
		ssize_t n = vfs->pwritev(vfs, fd, &iov, 1, position);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO;
		from += n;
		len -= (size_t)n;
		position += n;
	}
	return 0;
}

int vfs_read_all(struct vfs *vfs, int fd, void *to, size_t len,
		 int64_t position)
{
	uint8_t *at = to;

	while (len > 0) {
		ssize_t n = vfs->pread(vfs, fd, at, len, position);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO;
		at += n;
		len -= (size_t)n;
		position += n;
	}
	return 0;
}

/* Create or overwrite the file at path with these bytes, and sync it. */
static int write_synced(struct vfs *vfs, const char *path, const void *data,
			size_t len)
{
	int fd = vfs->open(vfs, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int rc;

	if (fd < 0)
		return fd;
	rc = vfs_write_all(vfs, fd, data, len, 0);
	if (rc == 0)
		rc = vfs->fdatasync(vfs, fd);
	vfs->close(vfs, fd);
	return rc;
}

int vfs_sync_parent(struct vfs *vfs, const char *path)
{
	char parent[PATH_BYTES_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (len >= sizeof(parent))
		return -ENAMETOOLONG;
	if (slash == NULL)
		return vfs->sync_dir(vfs, ".");
	if (len == 0)
		return vfs->sync_dir(vfs, "/");
	memcpy(parent, path, len);
	parent[len] = '\0';
	return vfs->sync_dir(vfs, parent);
}

int file_replace(struct vfs *vfs, const char *path, const void *data,
		 size_t len)
{
	char temporary[PATH_BYTES_MAX];
	int n = snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	int rc;

	if (n < 0 || (size_t)n >= sizeof(temporary))
		return -ENAMETOOLONG;
	rc = write_synced(vfs, temporary, data, len);
	if (rc == 0)
		rc = vfs->rename(vfs, temporary, path);
	if (rc < 0) {
		vfs->unlink(vfs, temporary);
		return rc;
	}
	return vfs_sync_parent(vfs, path);
}

/* The bytes of an open file, with a NUL behind them. */
static int read_whole(struct vfs *vfs, int fd, size_t max, char **data_out,
		      size_t *len_out)
{
	int64_t size = vfs->size(vfs, fd);
	char *data;
	int rc;

	if (size < 0)
		return (int)size;
	if ((uint64_t)size > max)
		return -EFBIG;
	data = malloc((size_t)size + 1);
	if (data == NULL)
		return -ENOMEM;
	rc = vfs_read_all(vfs, fd, data, (size_t)size, 0);
	if (rc < 0) {
		free(data);
		return rc;
	}
	data[size] = '\0';
	*data_out = data;
	*len_out = (size_t)size;
	return 0;
}

int file_read(struct vfs *vfs, const char *path, size_t max, char **data_out,
	      size_t *len_out)
{
	int fd = vfs->open(vfs, path, O_RDONLY, 0);
	int rc;

	if (fd < 0)
		return fd;
	rc = read_whole(vfs, fd, max, data_out, len_out);
	vfs->close(vfs, fd);
	return rc;
}

struct removal {
	struct vfs *vfs;
	const char *dir;
};

static int remove_name(void *arg, const char *name)
{
	const struct removal *removal = arg;
	char path[PATH_BYTES_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", removal->dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	return removal->vfs->unlink(removal->vfs, path);
}

int dir_remove(struct vfs *vfs, const char *path)
{
	struct removal removal = { vfs, path };
	int rc = vfs->list(vfs, path, remove_name, &removal);

	return rc < 0 ? rc : vfs->rmdir(vfs, path);
}
