/*
 * exec.h - a shell command that gets bytes on its stdin, once for each batch
 *
 * One child at a time.  Its stdout and stderr are ours.  Bytes go to it as it
 * reads them, from the loop, so that a slow command stops nothing else.  It
 * need not read them all: its exit status says whether all is well.
 */
#ifndef KCONSUME_EXEC_H
#define KCONSUME_EXEC_H

#include "base/bytes.h"
#include "net/loop.h"

enum { EXEC_STATUS_MAX = 80 };

struct exec;

/*
 * on_exit(arg, status as of wait(2)) is called from the loop.  command stays
 * the caller's.  Returns 0 or -ENOMEM.
 */
int exec_new(struct loop *loop, const char *command,
	     void (*on_exit)(void *arg, int wait_status), void *arg,
	     struct exec **exec_out);

/* A child that still runs is sent SIGTERM, before its stdin ends. */
void exec_free(struct exec *e);

/*
 * Run the command, none being under way, with input, which stays the caller's
 * until on_exit(), and then the end of file on its stdin.  Returns 0 or what
 * pipe(2), posix_spawn(3) say.
 */
int exec_start(struct exec *e, struct slice input);

bool exec_is_running(const struct exec *e);

/* "exit status 3", "killed by signal 9 (Killed)" */
void exec_status_text(int wait_status, char text[EXEC_STATUS_MAX]);

#endif /* KCONSUME_EXEC_H */
