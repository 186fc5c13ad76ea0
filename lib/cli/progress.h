/*
 * progress.h - the line that moves while a tool works
 *
 * On a terminal, once a second: "\r" and the text, cut to the width.  It is
 * wiped before a message is printed and at the end.  SIGUSR1 prints the same
 * text once, as a message, wherever stderr goes.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/messages.h"

struct progress {
	struct messages *messages;
	bool enabled;
	bool asked;      /* SIGUSR1 came */
	int64_t next_us; /* when the next line is due; 0: not begun */
};

/*
 * wanted: may a line be shown at all (kproduce: stdin is no terminal)?  It is
 * shown only if stderr is a terminal and -q was not given.
 */
void progress_init(struct progress *p, struct messages *messages, bool wanted);

/* Is a line due at now_us (monotonic), or was SIGUSR1 sent? */
bool progress_due(struct progress *p, int64_t now_us);

/* Show it, having asked progress_due(): on the line, or for SIGUSR1 as text. */
void progress_show(struct progress *p, int64_t now_us, const char *text);

/* Wipe the line. */
void progress_end(struct progress *p);

#endif /* CLI_PROGRESS_H */
