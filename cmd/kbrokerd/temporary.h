/*
 * temporary.h - the private data directory of kbrokerd --tmp
 */
#ifndef KBROKERD_TEMPORARY_H
#define KBROKERD_TEMPORARY_H

#include <stddef.h>

/* Make one below $TMPDIR, or /tmp.  Returns 0 or a negative errno. */
int temporary_make(char *path, size_t size);

/* Remove it and all that is in it. */
void temporary_remove(const char *path);

#endif /* KBROKERD_TEMPORARY_H */
