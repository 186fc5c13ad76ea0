/*
 * leader_epoch.c - which leader epoch wrote what
 *
 * Between any two calls entries ascend strictly in both fields.
 */
#include "log/leader_epoch.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/units.h"
#include "log/checkpoint.h"

void leader_epochs_clear(struct leader_epochs *epochs)
{
	free(epochs->entries);
	*epochs = (struct leader_epochs){ 0 };
}

int leader_epochs_reserve(struct leader_epochs *epochs)
{
	size_t capacity = epochs->capacity == 0 ? 1 : 2 * epochs->capacity;
	struct leader_epoch *entries;

	if (epochs->count < epochs->capacity)
		return 0;
	entries = realloc(epochs->entries, capacity * sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	epochs->entries = entries;
	epochs->capacity = capacity;
	return 0;
}

void leader_epochs_assign(struct leader_epochs *epochs, int32_t epoch,
			  int64_t start_offset)
{
	struct leader_epoch *e = epochs->entries;
	size_t n = epochs->count;

	assert(epoch >= 0 && start_offset >= 0);
	if (n > 0 && e[n - 1].epoch == epoch &&
	    e[n - 1].start_offset <= start_offset)
		return;
	while (n > 0 && (e[n - 1].epoch >= epoch ||
			 e[n - 1].start_offset >= start_offset))
		n--;
	assert(n < epochs->capacity);
	e[n] = (struct leader_epoch){ epoch, start_offset };
	epochs->count = n + 1;
	epochs->dirty = true;
}

int32_t leader_epochs_latest(const struct leader_epochs *epochs)
{
	return epochs->count == 0 ? -1
				  : epochs->entries[epochs->count - 1].epoch;
}

/* How many entries start at or below offset. */
static size_t count_started(const struct leader_epochs *epochs, int64_t offset)
{
	size_t n = epochs->count;

	while (n > 0 && epochs->entries[n - 1].start_offset > offset)
		n--;
	return n;
}

int32_t leader_epochs_of(const struct leader_epochs *epochs, int64_t offset)
{
	size_t n = count_started(epochs, offset);

	return n == 0 ? -1 : epochs->entries[n - 1].epoch;
}

void leader_epochs_end_of(const struct leader_epochs *epochs, int32_t epoch,
			  int64_t log_end_offset, int32_t *epoch_out,
			  int64_t *end_offset_out)
{
	size_t n = epochs->count;

	*epoch_out = -1;
	*end_offset_out = -1;
	if (epoch == -1 || epoch > leader_epochs_latest(epochs))
		return;
	if (epoch == leader_epochs_latest(epochs)) {
		*epoch_out = epoch;
		*end_offset_out = log_end_offset;
		return;
	}
	while (n > 0 && epochs->entries[n - 1].epoch > epoch)
		n--;
	if (n == epochs->count) /* none is later: there are none at all */
		return;
	*epoch_out = n == 0 ? epoch : epochs->entries[n - 1].epoch;
	*end_offset_out = epochs->entries[n].start_offset;
}

void leader_epochs_truncate_end(struct leader_epochs *epochs,
				int64_t end_offset)
{
	size_t n = count_started(epochs, end_offset - 1);

	if (n == epochs->count)
		return;
	epochs->count = n;
	epochs->dirty = true;
}

void leader_epochs_truncate_start(struct leader_epochs *epochs,
				  int64_t start_offset)
{
	size_t n = count_started(epochs, start_offset);

	if (n == 0 ||
	    (n == 1 && epochs->entries[0].start_offset == start_offset))
		return;
	epochs->entries[n - 1].start_offset = start_offset;
	memmove(epochs->entries, epochs->entries + n - 1,
		(epochs->count - (n - 1)) * sizeof(*epochs->entries));
	epochs->count -= n - 1;
	epochs->dirty = true;
}

static int load_line(void *arg, char *line)
{
	struct leader_epochs *epochs = arg;
	char *blank = strchr(line, ' ');
	int64_t epoch;
	int64_t start_offset;
	int rc;

	if (blank == NULL)
		return -EBADMSG;
	*blank = '\0';
	if (parse_int64_in(line, 0, INT32_MAX, &epoch) < 0 ||
	    parse_int64_in(blank + 1, 0, INT64_MAX, &start_offset) < 0)
		return -EBADMSG;
	rc = leader_epochs_reserve(epochs);
	if (rc == 0)
		leader_epochs_assign(epochs, (int32_t)epoch, start_offset);
	return rc;
}

int leader_epochs_load(struct leader_epochs *epochs, struct vfs *vfs,
		       const char *path)
{
	int rc = checkpoint_read(vfs, path, load_line, epochs);

	epochs->dirty = false;
	return rc;
}

void leader_epochs_format(const struct leader_epochs *epochs,
			  struct buffer *text)
{
	checkpoint_begin(text, epochs->count);
	for (size_t i = 0; i < epochs->count; i++)
		buffer_printf(text, "%" PRId32 " %" PRId64 "\n",
			      epochs->entries[i].epoch,
			      epochs->entries[i].start_offset);
}
