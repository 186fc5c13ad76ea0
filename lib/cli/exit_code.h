/*
 * exit_code.h - what a tool's exit status says
 *
 * The same for all tools (man pages, EXIT STATUS), and the kinds of a client's
 * error are among them (client/client_error.h).  Several things may go
 * wrong in one run: collect them with exit_worse().  128+n is not here: a tool
 * that a signal ends dies of it (cli/signals.h).
 */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

enum exit_code {
	EXIT_GO_ON = -1,      /* not a status: nothing decided yet, go on */
	EXIT_OK = 0,          /* all that was asked is done */
	EXIT_REFUSED = 1,     /* at least one thing failed or was refused */
	EXIT_USAGE = 2,       /* the command line or a file of it is wrong */
	EXIT_UNREACHABLE = 3, /* no connection, or too late: try again */
	EXIT_DENIED = 4,      /* authentication or authorization */
	EXIT_MISSING = 5,     /* the named thing does not exist */
	EXIT_BAD_DATA = 6,    /* input or records cannot be used */
};

/*
 * The one of two statuses that the run ends with: 2 before all (nothing was
 * tried), then 4 > 3 > 6 > 1 > 5 > 0.
 */
int exit_worse(int a, int b);

#endif /* CLI_EXIT_CODE_H */
