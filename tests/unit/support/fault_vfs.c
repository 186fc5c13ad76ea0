/*
 * fault_vfs.c - a file system that fails when it is told to
 *
 * A file is known by its inode; its durable bytes are copied at every sync.
 * Names are a list of durable ones and a list of what was done since their
 * directory was synced.
 */
#include "fault_vfs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, FILES_MAX = 4096, OPS_MAX = 65536 };

struct file {
	ino_t inode;
	bool gone; /* no name, no descriptor that matters: inode may return */
	uint8_t *durable;
	size_t durable_len;
	uint8_t *last; /* its bytes when its name went */
	size_t last_len;
};

struct name {
	char *path;
	int file; /* -1: no such name */
};

struct op {
	struct name set[2]; /* done together */
	int count;
};

struct fault_vfs {
	struct vfs vfs;
	char *root;
	struct file files[FILES_MAX];
	int file_count;
	struct name *durable;
	int durable_count;
	struct op *ops;
	int op_count;
	pthread_mutex_t lock; /* of what follows: a test sets it any time */
	unsigned mask;
	int error;
	long countdown;
	long times;
	long failures;
	long calls[8];
	size_t short_bytes;
	struct vfs_space space;
	bool stopped;
};

static struct fault_vfs *of(struct vfs *vfs)
{
	return (struct fault_vfs *)(void *)vfs;
}

static struct vfs *real(void)
{
	return vfs_system();
}

/* Under the lock. */
static int count_down(struct fault_vfs *f, unsigned kind)
{
	f->calls[__builtin_ctz(kind)]++;
	if (f->stopped && kind != FAULT_OPEN && kind != FAULT_READ)
		return -EIO;
	if ((f->mask & kind) == 0)
		return 0;
	if (f->countdown > 0) {
		f->countdown--;
		return 0;
	}
	if (f->times == 0)
		return 0;
	if (f->times > 0)
		f->times--;
	f->failures++;
	return f->error;
}

/* Should this call fail?  0 or the error. */
static int fault(struct fault_vfs *f, unsigned kind)
{
	int rc;

	pthread_mutex_lock(&f->lock);
	rc = count_down(f, kind);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static bool is_stopped(struct fault_vfs *f)
{
	bool stopped;

	pthread_mutex_lock(&f->lock);
	stopped = f->stopped;
	pthread_mutex_unlock(&f->lock);
	return stopped;
}

static bool is_tracked(const struct fault_vfs *f, const char *path)
{
	size_t len = strlen(f->root);

	return strncmp(path, f->root, len) == 0 && path[len] == '/' &&
	       strchr(path + len + 1, '/') == NULL;
}

/* The bytes of an open file, whatever it was opened for. */
static uint8_t *read_fd(int fd, size_t *len_out)
{
	char path[64];
	struct stat st;
	uint8_t *bytes;
	int readable;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readable = open(path, O_RDONLY | O_CLOEXEC);
	assert(readable >= 0);
	assert(fstat(readable, &st) == 0);
	bytes = malloc((size_t)st.st_size + 1);
	assert(bytes != NULL);
	assert(pread(readable, bytes, (size_t)st.st_size, 0) == st.st_size);
	close(readable);
	*len_out = (size_t)st.st_size;
	return bytes;
}

static int file_of_inode(struct fault_vfs *f, ino_t inode)
{
	for (int i = f->file_count - 1; i >= 0; i--) {
		if (f->files[i].inode == inode && !f->files[i].gone)
			return i;
	}
	assert(f->file_count < FILES_MAX);
	f->files[f->file_count] = (struct file){ .inode = inode };
	return f->file_count++;
}

static int file_of_fd(struct fault_vfs *f, int fd)
{
	struct stat st;

	assert(fstat(fd, &st) == 0);
	return file_of_inode(f, st.st_ino);
}

/* The file at path, or -1. */
static int file_of_path(struct fault_vfs *f, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	return file_of_inode(f, st.st_ino);
}

static void add_op(struct fault_vfs *f, const char *a, int file_a,
		   const char *b, int file_b)
{
	struct op *op = &f->ops[f->op_count++];

	assert(f->op_count < OPS_MAX);
	op->count = 0;
	if (a != NULL)
		op->set[op->count++] = (struct name){ strdup(a), file_a };
	if (b != NULL)
		op->set[op->count++] = (struct name){ strdup(b), file_b };
}

/* Keep the bytes of a file whose name is about to go. */
static void keep_last(struct fault_vfs *f, const char *path)
{
	int i = file_of_path(f, path);
	int fd;

	if (i < 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert(fd >= 0);
	free(f->files[i].last);
	f->files[i].last = read_fd(fd, &f->files[i].last_len);
	f->files[i].gone = true;
	close(fd);
}

static void set_durable(struct fault_vfs *f, const struct name *name)
{
	for (int i = 0; i < f->durable_count; i++) {
		if (strcmp(f->durable[i].path, name->path) == 0) {
			f->durable[i].file = name->file;
			return;
		}
	}
	f->durable[f->durable_count++] =
		(struct name){ strdup(name->path), name->file };
	assert(f->durable_count < OPS_MAX);
}

/* Make the first count operations durable, forget the rest. */
static void settle_ops(struct fault_vfs *f, int count)
{
	for (int i = 0; i < f->op_count; i++) {
		for (int j = 0; j < f->ops[i].count; j++) {
			if (i < count)
				set_durable(f, &f->ops[i].set[j]);
			free(f->ops[i].set[j].path);
		}
	}
	f->op_count = 0;
}

static int fault_open(struct vfs *vfs, const char *path, int flags, mode_t mode)
{
	struct fault_vfs *f = of(vfs);
	int rc = fault(f, FAULT_OPEN);
	bool is_new;
	int fd;

	if (rc < 0)
		return rc;
	if (is_stopped(f) && (flags & (O_CREAT | O_TRUNC)) != 0)
		return -EIO;
	is_new = is_tracked(f, path) && access(path, F_OK) != 0;
	fd = real()->open(real(), path, flags, mode);
	if (fd >= 0 && is_new)
		add_op(f, path, file_of_fd(f, fd), NULL, 0);
	return fd;
}

static int fault_close(struct vfs *vfs, int fd)
{
	(void)vfs;
	return real()->close(real(), fd);
}

static ssize_t fault_pread(struct vfs *vfs, int fd, void *to, size_t len,
			   int64_t position)
{
	int rc = fault(of(vfs), FAULT_READ);

	return rc < 0 ? rc : real()->pread(real(), fd, to, len, position);
}

static ssize_t fault_pwritev(struct vfs *vfs, int fd, const struct iovec *iov,
			     int iov_count, int64_t position)
{
	struct fault_vfs *f = of(vfs);
	struct iovec first = iov[0];
	int rc = fault(f, FAULT_WRITE);
	size_t most;

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&f->lock);
	most = f->short_bytes;
	pthread_mutex_unlock(&f->lock);
	if (most == 0)
		return real()->pwritev(real(), fd, iov, iov_count, position);
	if (first.iov_len > most)
		first.iov_len = most;
	return real()->pwritev(real(), fd, &first, 1, position);
}

static int fault_fdatasync(struct vfs *vfs, int fd)
{
	struct fault_vfs *f = of(vfs);
	int rc = fault(f, FAULT_SYNC);
	struct file *file;

	if (rc < 0)
		return rc;
	file = &f->files[file_of_fd(f, fd)];
	free(file->durable);
	file->durable = read_fd(fd, &file->durable_len);
	return 0;
}

static int fault_ftruncate(struct vfs *vfs, int fd, int64_t size)
{
	int rc = fault(of(vfs), FAULT_TRUNCATE);

	return rc < 0 ? rc : real()->ftruncate(real(), fd, size);
}

static int64_t fault_size(struct vfs *vfs, int fd)
{
	(void)vfs;
	return real()->size(real(), fd);
}

static int fault_rename(struct vfs *vfs, const char *from, const char *to)
{
	struct fault_vfs *f = of(vfs);
	int rc = fault(f, FAULT_RENAME);
	int file;

	if (rc < 0)
		return rc;
	file = is_tracked(f, from) ? file_of_path(f, from) : -1;
	if (file >= 0 && is_tracked(f, to))
		keep_last(f, to);
	rc = real()->rename(real(), from, to);
	if (rc == 0 && file >= 0)
		add_op(f, from, -1, to, file);
	return rc;
}

static int fault_unlink(struct vfs *vfs, const char *path)
{
	struct fault_vfs *f = of(vfs);
	int rc = fault(f, FAULT_UNLINK);

	if (rc < 0)
		return rc;
	if (is_tracked(f, path))
		keep_last(f, path);
	rc = real()->unlink(real(), path);
	if (rc == 0 && is_tracked(f, path))
		add_op(f, path, -1, NULL, 0);
	return rc;
}

static int fault_mkdir(struct vfs *vfs, const char *path, mode_t mode)
{
	return is_stopped(of(vfs)) ? -EIO : real()->mkdir(real(), path, mode);
}

static int fault_rmdir(struct vfs *vfs, const char *path)
{
	return is_stopped(of(vfs)) ? -EIO : real()->rmdir(real(), path);
}

static int fault_sync_dir(struct vfs *vfs, const char *path)
{
	struct fault_vfs *f = of(vfs);
	int rc = fault(f, FAULT_SYNC);

	if (rc == 0 && strcmp(path, f->root) == 0)
		settle_ops(f, f->op_count);
	return rc;
}

static int fault_list(struct vfs *vfs, const char *path,
		      int (*on_name)(void *arg, const char *name), void *arg)
{
	(void)vfs;
	return real()->list(real(), path, on_name, arg);
}

static int64_t fault_modified_ms(struct vfs *vfs, int fd)
{
	(void)vfs;
	return real()->modified_ms(real(), fd);
}

static int fault_reserve(struct vfs *vfs, int fd, int64_t bytes)
{
	struct fault_vfs *f = of(vfs);
	int rc = fault(f, FAULT_WRITE);

	return rc < 0 ? rc : real()->reserve(real(), fd, bytes);
}

static int fault_space(struct vfs *vfs, const char *path,
		       struct vfs_space *space_out)
{
	struct fault_vfs *f = of(vfs);

	pthread_mutex_lock(&f->lock);
	*space_out = f->space;
	pthread_mutex_unlock(&f->lock);
	return space_out->total_bytes == 0
		       ? real()->space(real(), path, space_out)
		       : 0;
}

struct fault_vfs *fault_vfs_new(const char *root)
{
	struct fault_vfs *f = calloc(1, sizeof(*f));

	assert(f != NULL);
	pthread_mutex_init(&f->lock, NULL);
	f->vfs = (struct vfs){
		.open = fault_open,
		.close = fault_close,
		.pread = fault_pread,
		.pwritev = fault_pwritev,
		.fdatasync = fault_fdatasync,
		.ftruncate = fault_ftruncate,
		.size = fault_size,
		.rename = fault_rename,
		.unlink = fault_unlink,
		.mkdir = fault_mkdir,
		.rmdir = fault_rmdir,
		.sync_dir = fault_sync_dir,
		.list = fault_list,
		.modified_ms = fault_modified_ms,
		.reserve = fault_reserve,
		.space = fault_space,
	};
	f->root = strdup(root);
	f->durable = calloc(OPS_MAX, sizeof(*f->durable));
	f->ops = calloc(OPS_MAX, sizeof(*f->ops));
	assert(f->root != NULL && f->durable != NULL && f->ops != NULL);
	return f;
}

static void forget(struct fault_vfs *f)
{
	settle_ops(f, 0);
	for (int i = 0; i < f->durable_count; i++)
		free(f->durable[i].path);
	for (int i = 0; i < f->file_count; i++) {
		free(f->files[i].durable);
		free(f->files[i].last);
	}
	memset(f->files, 0, sizeof(f->files));
	f->durable_count = 0;
	f->file_count = 0;
}

void fault_vfs_free(struct fault_vfs *f)
{
	if (f == NULL)
		return;
	forget(f);
	free(f->durable);
	free(f->ops);
	free(f->root);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

struct vfs *fault_vfs_vfs(struct fault_vfs *f)
{
	return &f->vfs;
}

void fault_vfs_fail(struct fault_vfs *f, unsigned mask, int error, long count,
		    long times)
{
	pthread_mutex_lock(&f->lock);
	f->mask = mask;
	f->error = error;
	f->countdown = count;
	f->times = times;
	f->failures = 0;
	pthread_mutex_unlock(&f->lock);
}

long fault_vfs_heal(struct fault_vfs *f)
{
	long failures;

	pthread_mutex_lock(&f->lock);
	f->mask = 0;
	failures = f->failures;
	pthread_mutex_unlock(&f->lock);
	return failures;
}

void fault_vfs_set_space(struct fault_vfs *f, int64_t total_bytes,
			 int64_t usable_bytes)
{
	pthread_mutex_lock(&f->lock);
	f->space = (struct vfs_space){ total_bytes, usable_bytes };
	pthread_mutex_unlock(&f->lock);
}

void fault_vfs_short_writes(struct fault_vfs *f, size_t bytes)
{
	pthread_mutex_lock(&f->lock);
	f->short_bytes = bytes;
	pthread_mutex_unlock(&f->lock);
}

long fault_vfs_calls(struct fault_vfs *f, unsigned mask)
{
	long calls = 0;

	pthread_mutex_lock(&f->lock);
	for (int i = 0; i < 8; i++)
		calls += (mask >> i & 1) != 0 ? f->calls[i] : 0;
	pthread_mutex_unlock(&f->lock);
	return calls;
}

static void set_stopped(struct fault_vfs *f, bool stopped)
{
	pthread_mutex_lock(&f->lock);
	f->stopped = stopped;
	pthread_mutex_unlock(&f->lock);
}

void fault_vfs_stop(struct fault_vfs *f)
{
	set_stopped(f, true);
}

void fault_vfs_resume(struct fault_vfs *f)
{
	set_stopped(f, false);
}

/* What is left of a file: for each block the old bytes or the new ones. */
static uint8_t *mix(struct fault_vfs *f, const struct file *file,
		    const uint8_t *now, size_t now_len, struct random *random,
		    size_t *len_out)
{
	size_t low = file->durable_len < now_len ? file->durable_len : now_len;
	size_t high = file->durable_len < now_len ? now_len : file->durable_len;
	size_t len = low + (size_t)random_below(random, high - low + 1);
	uint8_t *bytes = calloc(1, len + 1);

	(void)f;
	assert(bytes != NULL);
	for (size_t at = 0; at < len; at += BLOCK) {
		bool keep_new = random_below(random, 2) == 0;
		const uint8_t *from = keep_new ? now : file->durable;
		size_t from_len = keep_new ? now_len : file->durable_len;
		size_t n = len - at < BLOCK ? len - at : BLOCK;

		if (at >= from_len)
			continue;
		if (n > from_len - at)
			n = from_len - at;
		memcpy(bytes + at, from + at, n);
	}
	*len_out = len;
	return bytes;
}

struct survivor {
	char path[PATH_MAX];
	uint8_t *bytes;
	size_t len;
};

/* The bytes a file had when the power went. */
static uint8_t *bytes_now(struct fault_vfs *f, int file, size_t *len_out)
{
	char path[PATH_MAX];
	uint8_t *bytes = NULL;
	struct file *wanted = &f->files[file];

	*len_out = 0;
	if (wanted->gone) {
		bytes = malloc(wanted->last_len + 1);
		assert(bytes != NULL);
		if (wanted->last_len > 0)
			memcpy(bytes, wanted->last, wanted->last_len);
		*len_out = wanted->last_len;
		return bytes;
	}
	/* Some name that it has now, durable or not. */
	for (int i = 0; bytes == NULL && i < f->durable_count + f->op_count;
	     i++) {
		const struct name *names =
			i < f->durable_count ? &f->durable[i]
					     : f->ops[i - f->durable_count].set;
		int count = i < f->durable_count
				    ? 1
				    : f->ops[i - f->durable_count].count;

		for (int j = 0; bytes == NULL && j < count; j++) {
			int fd;

			snprintf(path, sizeof(path), "%s", names[j].path);
			if (file_of_path(f, path) != file)
				continue;
			fd = open(path, O_RDONLY | O_CLOEXEC);
			assert(fd >= 0);
			bytes = read_fd(fd, len_out);
			close(fd);
		}
	}
	assert(bytes != NULL);
	return bytes;
}

static int remove_one(void *arg, const char *name)
{
	const struct fault_vfs *f = arg;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", f->root, name);
	unlink(path);
	return 0;
}

void fault_vfs_resume_after_power_loss(struct fault_vfs *f,
				       struct random *random)
{
	int kept = (int)random_below(random, (uint64_t)f->op_count + 1);
	struct survivor *survivors;
	int count = 0;

	/* The bytes must be found while all names are known: durable ones and
	 * those of every operation. */
	uint8_t **now = calloc((size_t)f->file_count + 1, sizeof(*now));
	size_t *now_len = calloc((size_t)f->file_count + 1, sizeof(*now_len));

	assert(now != NULL && now_len != NULL);
	for (int i = 0; i < f->file_count; i++)
		now[i] = bytes_now(f, i, &now_len[i]);
	settle_ops(f, kept);
	survivors = calloc((size_t)f->durable_count + 1, sizeof(*survivors));
	assert(survivors != NULL);
	for (int i = 0; i < f->durable_count; i++) {
		struct survivor *s = &survivors[count];
		int file = f->durable[i].file;

		if (file < 0)
			continue;
		snprintf(s->path, sizeof(s->path), "%s", f->durable[i].path);
		s->bytes = mix(f, &f->files[file], now[file], now_len[file],
			       random, &s->len);
		count++;
	}
	real()->list(real(), f->root, remove_one, f);
	for (int i = 0; i < f->file_count; i++)
		free(now[i]);
	free(now);
	free(now_len);
	forget(f);
	/* What survived is on disk, and known as such. */
	for (int i = 0; i < count; i++) {
		struct survivor *s = &survivors[i];
		struct name name = { s->path, 0 };
		int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

		assert(fd >= 0);
		assert(write(fd, s->bytes, s->len) == (ssize_t)s->len);
		name.file = file_of_fd(f, fd);
		f->files[name.file].durable = s->bytes;
		f->files[name.file].durable_len = s->len;
		set_durable(f, &name);
		close(fd);
	}
	free(survivors);
	set_stopped(f, false);
}
