/*
 * run.h - kbrokerd --run: a private broker for the time of one command
 *
 * The command runs with KAFKA_BOOTSTRAP_SERVERS set, in the process group and
 * with the descriptors, signals and limits of kbrokerd as it was started.  See
 * guard.h for who makes and removes the data directory.
 */
#ifndef KBROKERD_RUN_H
#define KBROKERD_RUN_H

#include <stdbool.h>
#include <stddef.h>

enum { RUN_STATUS_NO_BROKER = 125 };

struct run;

/*
 * Fork the guard: before there are threads, and before limits and signals are
 * changed.  argv is the command, ended by NULL, and must live as long as the
 * run.  make_dir: have a data directory made and removed, keep_dir (NULL: a
 * temporary one) where that is to be kept when the command fails.  Returns 0,
 * or a negative errno with a text in error.
 */
int run_open(char *const *argv, bool make_dir, const char *keep_dir,
	     struct run **run_out, char *error, size_t error_size);

/* The directory that was made, or "". */
const char *run_dir(const struct run *run);

/*
 * Start the command, pass on the signals that are sent to this process, and
 * wait for its end and that of all it leaves running.  bootstrap is "HOST:PORT"
 * of the broker.  Returns its status as of wait(2); that of a signal when one
 * came before it could start.
 */
int run_command(struct run *run, const char *bootstrap);

/* The guard ends, and with it the directory.  NULL is allowed. */
void run_close(struct run *run);

/* End this process as the command did: with its status, or of its signal. */
_Noreturn void run_exit(int status);

#endif /* KBROKERD_RUN_H */
