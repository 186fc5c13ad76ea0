/*
 * fault_vfs.h - a file system that fails when it is told to
 *
 * It works on real files below one directory, so that descriptors are real,
 * and remembers what of them was synced.  It can make writes short, let the
 * n-th call fail, and lose power: then what was not synced is there or not,
 * block by block, at random, and names made or removed since their directory
 * was synced are undone from some point on.
 */
#ifndef TESTS_SUPPORT_FAULT_VFS_H
#define TESTS_SUPPORT_FAULT_VFS_H

#include <stdbool.h>

#include "base/random.h"
#include "log/vfs.h"

/* What can be told to fail. */
enum {
	FAULT_OPEN = 1 << 0,
	FAULT_READ = 1 << 1,
	FAULT_WRITE = 1 << 2,
	FAULT_SYNC = 1 << 3,
	FAULT_TRUNCATE = 1 << 4,
	FAULT_RENAME = 1 << 5,
	FAULT_UNLINK = 1 << 6,
	FAULT_ALL = (1 << 7) - 1,
};

struct fault_vfs;

/* root must exist; only what lies right below it is tracked. */
struct fault_vfs *fault_vfs_new(const char *root);
void fault_vfs_free(struct fault_vfs *f);

struct vfs *fault_vfs_vfs(struct fault_vfs *f);

/*
 * Let calls of the kinds in mask fail with error (negative), after count of
 * them went well; times of them, or all that follow when it is -1.
 */
void fault_vfs_fail(struct fault_vfs *f, unsigned mask, int error, long count,
		    long times);

/* No more failures; how many there were since fault_vfs_fail(). */
long fault_vfs_heal(struct fault_vfs *f);

/* Writes take at most so many bytes a call; 0: all. */
void fault_vfs_short_writes(struct fault_vfs *f, size_t bytes);

/* What it says of its room; total 0: what the machine says.  Writes do not
 * change it. */
void fault_vfs_set_space(struct fault_vfs *f, int64_t total_bytes,
			 int64_t usable_bytes);

/* Calls so far of the kinds in mask. */
long fault_vfs_calls(struct fault_vfs *f, unsigned mask);

/* From now on nothing is changed any more: every such call is -EIO.  Close
 * what is open, then go on with one of the next two. */
void fault_vfs_stop(struct fault_vfs *f);

/* The process was killed: all that was written is there. */
void fault_vfs_resume(struct fault_vfs *f);

/* The power was lost. */
void fault_vfs_resume_after_power_loss(struct fault_vfs *f,
				       struct random *random);

#endif /* TESTS_SUPPORT_FAULT_VFS_H */
