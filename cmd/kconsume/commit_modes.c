/*
 * commit_modes.c - which mode the options choose
 */
#include "kconsume/commit_modes.h"

#include <stddef.h>

/* In the order of COMMIT_CHOICES. */
static const struct commit_mode *const modes[] = {
	&commit_mode_none,
	&commit_mode_write,
	&commit_mode_drain,
	&commit_mode_ack,
};

const struct commit_mode *commit_mode_chosen(
	const struct consume_options *options)
{
	if (options->exec != NULL)
		return &commit_mode_exec;
	return options->commit < 0 ? &commit_mode_drain
				   : modes[options->commit];
}
