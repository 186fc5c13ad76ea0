/*
 * main.c - kgroups: look at consumer groups, and change what they committed
 *
 * The verbs are in a file each, or with the one that belongs to them.
 */
#include "kgroups/kgroups.h"

int main(int argc, char **argv)
{
	struct kgroups k = {
		.options = { .warn = -1,
			     .critical = -1,
			     .lag = -1,
			     .members = -1,
			     .partition = -1,
			     .before = -1,
			     .after = -1 },
	};
	int status =
		run_main(&kgroups_tool, &k.run, &k.options.run, argc, argv);

	option_texts_clear(&k.options.topics);
	return status;
}
