/*
 * commit_modes.h - the modes that commit (--commit)
 */
#ifndef KCONSUME_COMMIT_MODES_H
#define KCONSUME_COMMIT_MODES_H

#include "kconsume/commit_mode.h"

extern const struct commit_mode commit_mode_write; /* commit_stdout.c */
extern const struct commit_mode commit_mode_drain;
extern const struct commit_mode commit_mode_ack;  /* commit_ack.c */
extern const struct commit_mode commit_mode_exec; /* commit_exec.c */

/* The one that the options choose. */
const struct commit_mode *commit_mode_chosen(
	const struct consume_options *options);

#endif /* KCONSUME_COMMIT_MODES_H */
