/*
 * undo.h - the file that leads back
 */
#ifndef KGROUPS_UNDO_H
#define KGROUPS_UNDO_H

#include "kgroups/kgroups.h"
#include "kgroups/plan.h"

struct undo {
	struct kgroups *k;
	char path[256];
	int fd;
};

/* Make the file: --undo, or a name of its own.  EXIT_GO_ON, or a status. */
int undo_open(struct kgroups *k, struct undo *undo);

/*
 * Write the way back of those rows that wanted says (all with NULL), in place
 * of what was there; on disk when it returns.  EXIT_GO_ON, or a status.
 */
int undo_write(struct undo *undo, const struct plan *plan, const bool *wanted);

/* Close it; without rows it is removed. */
void undo_close(struct undo *undo, bool keep);

#endif /* KGROUPS_UNDO_H */
