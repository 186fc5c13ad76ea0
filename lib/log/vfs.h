/*
 * vfs.h - the file system, as a seam
 *
 * Everything lib/log does to a disk goes through one of these, so that tests
 * can make writes short, disks full and crashes drop what was not synced.
 * Files are descriptors, so that sendfile(2) works on them.  Every function
 * returns what its system call does, or a negative errno.
 */
#ifndef LOG_VFS_H
#define LOG_VFS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Room on a file system, bytes. */
struct vfs_space {
	int64_t total_bytes;
	int64_t usable_bytes; /* by us, not by the superuser */
};

struct vfs {
	int (*open)(struct vfs *vfs, const char *path, int flags, mode_t mode);
	int (*close)(struct vfs *vfs, int fd);
	ssize_t (*pread)(struct vfs *vfs, int fd, void *to, size_t len,
			 int64_t position);
	ssize_t (*pwritev)(struct vfs *vfs, int fd, const struct iovec *iov,
			   int iov_count, int64_t position);
	int (*fdatasync)(struct vfs *vfs, int fd);
	int (*ftruncate)(struct vfs *vfs, int fd, int64_t size);
	int64_t (*size)(struct vfs *vfs, int fd);
	int (*rename)(struct vfs *vfs, const char *from, const char *to);
	int (*unlink)(struct vfs *vfs, const char *path);
	int (*mkdir)(struct vfs *vfs, const char *path, mode_t mode);
	int (*rmdir)(struct vfs *vfs, const char *path);
	/* fsync(2) of a directory, by path. */
	int (*sync_dir)(struct vfs *vfs, const char *path);
	/* Calls on_name for each entry but . and ..; stops when it is not 0
	 * and returns that. */
	int (*list)(struct vfs *vfs, const char *path,
		    int (*on_name)(void *arg, const char *name), void *arg);
	/* Take room for so many bytes from the front on; the size stays.  As
	 * fallocate(2) with FALLOC_FL_KEEP_SIZE; ftruncate gives back what is
	 * beyond the end. */
	int (*reserve)(struct vfs *vfs, int fd, int64_t bytes);
	/* When the file was last written, in ms since 1970. */
	int64_t (*modified_ms)(struct vfs *vfs, int fd);
	/* Of the file system that path lies in; as statvfs(3). */
	int (*space)(struct vfs *vfs, const char *path,
		     struct vfs_space *space_out);
};

/* The machine's own; shared, needs no release. */
struct vfs *vfs_system(void);

/* Helpers over any vfs: all of it or an error (-EIO on a short end). */
int vfs_write_all(struct vfs *vfs, int fd, const void *data, size_t len,
		  int64_t position);
int vfs_read_all(struct vfs *vfs, int fd, void *to, size_t len,
		 int64_t position);

/* fsync(2) of the directory that path lies in. */
int vfs_sync_parent(struct vfs *vfs, const char *path);

/*
 * Replace the file at path by one with these bytes: written beside it,
 * synced, renamed into place, the directory synced.  After a crash the old
 * or the new one is there, whole.
 */
int file_replace(struct vfs *vfs, const char *path, const void *data,
		 size_t len);

/* The whole file, at most max bytes (-EFBIG), malloced; NUL added, not
 * counted. */
int file_read(struct vfs *vfs, const char *path, size_t max, char **data_out,
	      size_t *len_out);

/* Remove a directory and what is in it (one level of files). */
int dir_remove(struct vfs *vfs, const char *path);

#endif /* LOG_VFS_H */
