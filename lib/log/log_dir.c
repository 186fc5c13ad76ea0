/*
 * log_dir.c - the names in a log's directory
 *
 * Each step is one pass over the names, in which files are removed or
 * renamed: a step that a crash interrupts is done again by the next start.
 */
#include "log/log_dir.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "log/segment.h"

enum { OFFSET_DIGITS = 20 };

const char *const log_file_suffixes[LOG_FILE_KINDS] = {
	[LOG_FILE_LOG] = SUFFIX_LOG,
	[LOG_FILE_INDEX] = SUFFIX_INDEX,
	[LOG_FILE_TIME_INDEX] = SUFFIX_TIME_INDEX,
	[LOG_FILE_TXN_INDEX] = SUFFIX_TXN_INDEX,
	[LOG_FILE_SNAPSHOT] = SUFFIX_SNAPSHOT,
};

bool log_file_name_parse(const char *text, struct log_file_name *name_out)
{
	int64_t offset = 0;

	for (int i = 0; i < OFFSET_DIGITS; i++) {
		if (!isdigit((unsigned char)text[i]) ||
		    __builtin_mul_overflow(offset, 10, &offset) ||
		    __builtin_add_overflow(offset, text[i] - '0', &offset))
			return false;
	}
	text += OFFSET_DIGITS;
	for (enum log_file_kind kind = 0; kind < LOG_FILE_KINDS; kind++) {
		size_t len = strlen(log_file_suffixes[kind]);

		if (strncmp(text, log_file_suffixes[kind], len) != 0)
			continue;
		*name_out = (struct log_file_name){ offset, kind, text + len };
		return true;
	}
	return false;
}

/* What the passes know. */
struct walk {
	struct log_dir *dir;
	struct vfs *vfs;
	const char *path;
	int64_t min_cleaned;
	int64_t min_swap;
	int64_t max_swap; /* the end offset of the last .log.swap */
	bool has_swap;
};

static bool has_rest(const struct log_file_name *name, const char *rest)
{
	return strcmp(name->rest, rest) == 0;
}

static int path_of(char path[PATH_BYTES_MAX], const struct walk *walk,
		   const char *text)
{
	int n = snprintf(path, PATH_BYTES_MAX, "%s/%s", walk->path, text);

	return n < 0 || n >= PATH_BYTES_MAX ? -ENAMETOOLONG : 0;
}

static int unlink_name(const struct walk *walk, const char *text)
{
	char path[PATH_BYTES_MAX];
	int rc = path_of(path, walk, text);

	return rc < 0 ? rc : walk->vfs->unlink(walk->vfs, path);
}

/* Remove what is to be removed, see whether there is more to do. */
static int note_leftover(void *arg, const char *text)
{
	struct walk *walk = arg;
	struct log_file_name name;

	if (!log_file_name_parse(text, &name))
		return 0;
	if (has_rest(&name, ".deleted"))
		return unlink_name(walk, text);
	if (has_rest(&name, ".cleaned")) {
		if (name.offset < walk->min_cleaned)
			walk->min_cleaned = name.offset;
		return unlink_name(walk, text);
	}
	walk->has_swap = walk->has_swap || has_rest(&name, ".swap");
	return 0;
}

/* The offset behind the last whole batch of a .log.swap file. */
static int swap_end(const struct walk *walk, const char *text,
		    int64_t base_offset, int64_t *end_out)
{
	uint8_t window[BATCH_WINDOW_BYTES];
	char path[PATH_BYTES_MAX];
	struct batch_cursor c;
	struct segment *s = segment_new(walk->vfs, walk->path, base_offset);
	int rc = s == NULL ? -ENOMEM : path_of(path, walk, text);

	*end_out = base_offset;
	if (rc == 0)
		rc = walk->vfs->open(walk->vfs, path, O_RDONLY, 0);
	if (rc >= 0) {
		s->fd = rc;
		s->size = walk->vfs->size(walk->vfs, s->fd);
		batch_cursor_init(&c, s, 0, s->size, window, sizeof(window));
		while ((rc = batch_cursor_next(&c)) == 1)
			*end_out = batch_last_offset(&c.header) + 1;
	}
	segment_release(s);
	return rc == -EBADMSG ? 0 : rc;
}

/* Which offsets do .swap files replace?  Those of a split that was not
 * completed go. */
static int note_swap(void *arg, const char *text)
{
	struct walk *walk = arg;
	struct log_file_name name;
	int64_t end;
	int rc;

	if (!log_file_name_parse(text, &name) || !has_rest(&name, ".swap"))
		return 0;
	if (name.offset >= walk->min_cleaned)
		return unlink_name(walk, text);
	if (name.kind != LOG_FILE_LOG)
		return 0;
	rc = swap_end(walk, text, name.offset, &end);
	if (rc < 0)
		return rc;
	if (name.offset < walk->min_swap)
		walk->min_swap = name.offset;
	if (end > walk->max_swap)
		walk->max_swap = end;
	return 0;
}

static int remove_replaced(void *arg, const char *text)
{
	struct walk *walk = arg;
	struct log_file_name name;

	if (log_file_name_parse(text, &name) && has_rest(&name, "") &&
	    name.offset >= walk->min_swap && name.offset < walk->max_swap)
		return unlink_name(walk, text);
	return 0;
}

/* The replacements get their names. */
static int rename_swap(void *arg, const char *text)
{
	struct walk *walk = arg;
	char from[PATH_BYTES_MAX];
	char to[PATH_BYTES_MAX];
	struct log_file_name name;
	int rc;

	if (!log_file_name_parse(text, &name) || !has_rest(&name, ".swap"))
		return 0;
	rc = path_of(from, walk, text);
	if (rc == 0)
		rc = segment_path(to, walk->path, name.offset,
				  log_file_suffixes[name.kind]);
	return rc < 0 ? rc : walk->vfs->rename(walk->vfs, from, to);
}

static int note_segment(void *arg, const char *text)
{
	struct walk *walk = arg;
	struct log_file_name name;

	if (!log_file_name_parse(text, &name) || !has_rest(&name, ""))
		return 0;
	if (name.kind == LOG_FILE_LOG)
		return offset_list_add(&walk->dir->segments, name.offset);
	if (name.kind == LOG_FILE_INDEX)
		return offset_list_add(&walk->dir->indexes, name.offset);
	return 0;
}

static int remove_orphan(void *arg, const char *text)
{
	const struct walk *walk = arg;
	struct log_file_name name;

	if (!log_file_name_parse(text, &name) || !has_rest(&name, "") ||
	    name.kind == LOG_FILE_LOG || name.kind == LOG_FILE_SNAPSHOT ||
	    offset_list_has(&walk->dir->segments, name.offset))
		return 0;
	return unlink_name(walk, text);
}

static int pass(struct walk *walk, int (*on_name)(void *, const char *))
{
	return walk->vfs->list(walk->vfs, walk->path, on_name, walk);
}

static int finish_swap(struct walk *walk)
{
	int rc = pass(walk, note_swap);

	if (rc == 0)
		rc = pass(walk, remove_replaced);
	if (rc == 0)
		rc = pass(walk, rename_swap);
	return rc;
}

int log_dir_read(struct log_dir *dir_out, struct vfs *vfs, const char *path)
{
	struct walk walk = {
		.dir = dir_out,
		.vfs = vfs,
		.path = path,
		.min_cleaned = INT64_MAX,
		.min_swap = INT64_MAX,
		.max_swap = INT64_MIN,
	};
	int rc;

	*dir_out = (struct log_dir){ 0 };
	rc = pass(&walk, note_leftover);
	if (rc == 0 && walk.has_swap)
		rc = finish_swap(&walk);
	if (rc == 0)
		rc = pass(&walk, note_segment);
	offset_list_sort(&dir_out->segments);
	offset_list_sort(&dir_out->indexes);
	if (rc == 0)
		rc = pass(&walk, remove_orphan);
	return rc;
}

void log_dir_clear(struct log_dir *dir)
{
	offset_list_clear(&dir->segments);
	offset_list_clear(&dir->indexes);
}
