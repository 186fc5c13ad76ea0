/*
 * undo.c - the file that leads back
 *
 * It is whole and on disk before the first commit, so that nothing that
 * happens after can take it away; when some rows failed it is written again
 * without them.  A file with a name of its own never takes another's place.
 */
#include "kgroups/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { NAMES_MAX = 100 };

static int open_own(struct undo *undo)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	for (int i = 1; i <= NAMES_MAX; i++) {
		if (i == 1)
			snprintf(undo->path, sizeof(undo->path),
				 "kgroups-undo-%s.csv", text);
		else
			snprintf(undo->path, sizeof(undo->path),
				 "kgroups-undo-%s-%d.csv", text, i);
		undo->fd = open(undo->path,
				O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (undo->fd >= 0 || errno != EEXIST)
			return undo->fd;
	}
	return -1;
}

int undo_open(struct kgroups *k, struct undo *undo)
{
	const char *name = k->options.undo;

	*undo = (struct undo){ .k = k, .fd = -1 };
	if (name == NULL) {
		open_own(undo);
	} else if (strlen(name) < sizeof(undo->path)) {
		snprintf(undo->path, sizeof(undo->path), "%s", name);
		undo->fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	} else {
		errno = ENAMETOOLONG;
	}
	if (undo->fd >= 0)
		return EXIT_GO_ON;
	return message_fail(&k->run.messages, EXIT_REFUSED,
			    "cannot write the way back to '%s': %s; --undo "
			    "names another file; nothing changed",
			    name == NULL ? undo->path : name, strerror(errno));
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int undo_write(struct undo *undo, const struct plan *plan, const bool *wanted)
{
	struct buffer text = { 0 };
	int rc = 0;

	plan_put_header(&text);
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_row back = plan_undo(&plan->rows[i]);

		if (wanted == NULL || wanted[i])
			plan_put_csv(&text, &back);
	}
	if (text.failed)
		run_out_of_memory(&undo->k->run);
	if (lseek(undo->fd, 0, SEEK_SET) < 0 || ftruncate(undo->fd, 0) < 0 ||
	    write_all(undo->fd, text.data, text.len) < 0 || fsync(undo->fd) < 0)
		rc = -errno;
	buffer_clear(&text);
	if (rc == 0)
		return EXIT_GO_ON;
	return message_fail(&undo->k->run.messages, EXIT_REFUSED,
			    "cannot write '%s': %s", undo->path, strerror(-rc));
}

void undo_close(struct undo *undo, bool keep)
{
	if (undo->fd < 0)
		return;
	close(undo->fd);
	undo->fd = -1;
	if (!keep)
		unlink(undo->path);
	else
		message_notice(&undo->k->run.messages,
			       "the way back: kgroups apply %s", undo->path);
}
