/*
 * drain.c - how much of what was written has left stdout at its far end
 */
#include "kconsume/drain.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MIN_MS = 1, LOOK_MAX_MS = 50 };

void drain_init(struct drain *d, int fd)
{
	struct stat st;

	*d = (struct drain){ .fd = fd, .kind = DRAIN_BLIND };
	if (fstat(fd, &st) < 0)
		return;
	if (S_ISFIFO(st.st_mode))
		d->kind = DRAIN_PIPE;
	else if (S_ISREG(st.st_mode))
		d->kind = DRAIN_FILE;
}

const char *drain_blind_name(const struct drain *d)
{
	struct stat st;

	if (isatty(d->fd))
		return "a terminal";
	if (fstat(d->fd, &st) == 0 && S_ISSOCK(st.st_mode))
		return "a socket";
	return "a device";
}

static int64_t pipe_taken(int fd, int64_t written)
{
	int unread;

	if (ioctl(fd, FIONREAD, &unread) < 0)
		return -errno;
	return unread > written ? 0 : written - unread;
}

int64_t drain_taken(const struct drain *d, int64_t written)
{
	if (d->kind == DRAIN_PIPE)
		return pipe_taken(d->fd, written);
	if (d->kind == DRAIN_FILE && fdatasync(d->fd) < 0)
		return -errno;
	return written;
}

int64_t drain_next_look(struct drain *d, bool moved)
{
	if (moved || d->delay_ms == 0)
		d->delay_ms = LOOK_MIN_MS;
	else if (d->delay_ms < LOOK_MAX_MS)
		d->delay_ms = d->delay_ms * 2 < LOOK_MAX_MS ? d->delay_ms * 2
							    : LOOK_MAX_MS;
	return d->delay_ms;
}
