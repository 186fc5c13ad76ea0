/*
 * temporary.c - the private data directory of kbrokerd --tmp
 */
#include "kbrokerd/temporary.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TRIES = 20 };

int temporary_make(char *path, size_t size)
{
	const char *parent = getenv("TMPDIR");

	if (parent == NULL || parent[0] != '/')
		parent = "/tmp";
	if ((size_t)snprintf(path, size, "%s/kbrokerd.XXXXXX", parent) >=
	    size) {
		path[0] = '\0';
		return -ENAMETOOLONG;
	}
	if (mkdtemp(path) == NULL) {
		path[0] = '\0';
		return -errno;
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void temporary_remove(const char *path)
{
	/* Somebody may still be making files in it. */
	for (int i = 0; i < TRIES && access(path, F_OK) == 0; i++)
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
