/*
 * main.c - ktopics: create, look at and change topics
 *
 * The verbs are in a file each.
 */
#include "base/units.h"
#include "cli/exit_code.h"
#include "ktopics/ktopics.h"

enum { WAIT_DEFAULT_MS = 30 * 1000 };

bool ktopics_wait_ms(struct ktopics *k, int64_t *ms_out)
{
	*ms_out = WAIT_DEFAULT_MS;
	if (k->options.wait == NULL || k->options.wait[0] == '\0' ||
	    parse_duration(k->options.wait, 1000, ms_out) == 0)
		return true;
	message_usage(&k->run.messages,
		      "--wait: '%s' is not a duration, such as 90s or 5m",
		      k->options.wait);
	return false;
}

int main(int argc, char **argv)
{
	struct ktopics k = {
		.options = { .partitions = -1,
			     .replicas = -1,
			     .broker = -1,
			     .to_offset = -1,
			     .partition = -1 },
	};
	int status =
		run_main(&ktopics_tool, &k.run, &k.options.run, argc, argv);

	option_texts_clear(&k.options.configs);
	option_texts_clear(&k.options.https);
	return status;
}
