/*
 * signals.h - how signals and the clock end a tool
 *
 * The first SIGINT, SIGTERM or SIGHUP is only noted: the tool ends its work in
 * order and then dies of that signal (signals_die()), so that the shell sees
 * it.  A second one kills at once.  SIGPIPE is ignored: a failed write says
 * EPIPE.  SIGUSR1 asks for a line of progress.  A signal that was ignored when
 * the tool started (nohup) stays ignored.
 *
 * This is the one place of lib/ from which a process may end: on --timeout
 * and by a signal.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

void signals_init(void);

/* The signal that asks to end, or 0.  Safe in any thread. */
int signals_ending(void);

/* Was SIGUSR1 sent since the last call? */
bool signals_take_progress(void);

/*
 * A descriptor that is readable once a signal has come, for poll(2).
 * signals_drain() makes it quiet again.
 */
int signals_fd(void);
void signals_drain(void);

/* Die of the signal, with its default action. */
_Noreturn void signals_die(int signal_number);

/*
 * End the process with EXIT_UNREACHABLE when ms have gone by, saying "TOOL:
 * error: not done after 5s (--timeout)"; said_ms is the time that it names.  A
 * tool that wants to end in order looks at the clock itself and gives a later
 * ms here as the last resort.  0 ms stops the clock.  tool must stay valid.
 */
void signals_timeout(const char *tool, int64_t ms, int64_t said_ms);

/*
 * What keeps the tool from being done, for ms by now: said, too, when the time
 * runs out, as "...; localhost:9092: Connection refused, for 3.5s".  NULL when
 * it is over.
 */
void signals_timeout_because(const char *why, int64_t ms);

#endif /* CLI_SIGNALS_H */
