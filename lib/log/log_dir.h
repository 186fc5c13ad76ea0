/*
 * log_dir.h - the names in a log's directory
 *
 * <offset in 20 digits><suffix>, where the suffix is that of a segment's file,
 * and behind it nothing, or
 *
 *	.deleted   dropped, to be removed
 *	.cleaned   being written by compaction: not complete
 *	.swap      complete, and to take the place of what it replaces
 */
#ifndef LOG_LOG_DIR_H
#define LOG_LOG_DIR_H

#include "log/offset_list.h"
#include "log/vfs.h"

enum log_file_kind {
	LOG_FILE_LOG,
	LOG_FILE_INDEX,
	LOG_FILE_TIME_INDEX,
	LOG_FILE_TXN_INDEX,
	LOG_FILE_SNAPSHOT,
	LOG_FILE_KINDS,
};

/* ".log", ".index" ... */
extern const char *const log_file_suffixes[LOG_FILE_KINDS];

struct log_file_name {
	int64_t offset;
	enum log_file_kind kind;
	const char *rest; /* of the text: "", ".deleted" ... */
};

/* Is it one of a log's names? */
bool log_file_name_parse(const char *text, struct log_file_name *name_out);

/* Which segments there are, ascending, and which have an offset index. */
struct log_dir {
	struct offset_list segments;
	struct offset_list indexes;
};

/*
 * Put the directory at path into order, as Kafka does when it loads a log,
 * and list it: .deleted and .cleaned files and indexes without a segment are
 * removed; a .swap file replaces the segments whose offsets it covers, unless
 * a .cleaned file says that a split was not completed: then it is removed.
 * Names that mean nothing to a log are left alone.
 *
 * Returns 0, -ENOENT when there is no directory, -ENOMEM, or an error of the
 * file system; *dir_out is to be cleared in any case.
 */
int log_dir_read(struct log_dir *dir_out, struct vfs *vfs, const char *path);

void log_dir_clear(struct log_dir *dir);

#endif /* LOG_LOG_DIR_H */
