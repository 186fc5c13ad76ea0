/*
 * guard.h - the process that leaves nothing behind
 *
 * kbrokerd --run has a guard, forked before it has threads: the parent of the
 * command and, as the subreaper, of all that the command leaves running.  It
 * makes the data directory and removes it, whichever of the others dies and
 * of what.  It stands in a process group of its own, so that what is sent to
 * the group of kbrokerd and the command does not end it.
 *
 * The two talk over a pair of sockets, a short text a message:
 *
 *	from the guard	D PATH		the data directory is made
 *			E TEXT		it could not be, and why
 *			X STATUS	the command has ended, as wait(2) says,
 *					and nothing of it is left
 *	to the guard	S ADDRESS	start it, with this broker to talk to
 *			K SIGNAL	send it this signal
 *
 * The end of either is seen by the other as the end of the pair.
 */
#ifndef KBROKERD_GUARD_H
#define KBROKERD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { GUARD_MESSAGE_MAX = 5000 };

struct guard_params {
	char *const *argv; /* the command; ends with NULL */
	bool make_dir;     /* else there is none to make and remove */
	/* Make this one, and keep it unless the command ends with 0. */
	const char *keep_dir; /* NULL: a temporary one */
	pid_t group;          /* the command's process group */
};

/* The guard's life, in the process forked for it; fd is its end. */
_Noreturn void guard_main(const struct guard_params *params, int fd);

/*
 * End all children of this process, and what they leave to it: asked for a
 * moment, then killed.  Returns when there is none; the status of the child
 * named is stored if it is among them (pid -1: none).
 */
void guard_sweep(pid_t pid, int *status_out);

/* One message to or from the other end.  text needs GUARD_MESSAGE_MAX bytes;
 * guard_hear() returns its kind, or 0 when there is no other end any more. */
void guard_tell(int fd, char kind, const char *text);
char guard_hear(int fd, char *text);

#endif /* KBROKERD_GUARD_H */
