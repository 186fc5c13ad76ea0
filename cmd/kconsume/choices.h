/*
 * choices.h - the partitions that a command line chooses
 */
#ifndef KCONSUME_CHOICES_H
#define KCONSUME_CHOICES_H

#include "client/client.h"
#include "kconsume/options.h"

struct choice {
	const char *topic; /* the options' */
	int32_t partition;
	/* As of choices_look_up(). */
	int64_t first_offset;
	int64_t end_offset; /* the last stable one for read_committed */
};

struct choices {
	struct choice *items;
	size_t count;
};

/* All zeroes is an empty list. */
void choices_clear(struct choices *choices);

/*
 * Learn the topics and list the partitions that -t and -p choose.  Returns
 * EXIT_GO_ON, or a status, said.
 */
int choices_make(struct choices *choices, struct client *client,
		 const struct consume_options *o, struct messages *m);

/* Learn where each begins and ends.  EXIT_GO_ON, or a status, said. */
int choices_look_up(struct choices *choices, struct client *client,
		    int64_t timeout_ms, struct messages *m);

#endif /* KCONSUME_CHOICES_H */
