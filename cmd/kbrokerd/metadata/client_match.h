/*
 * client_match.h - which clients a subscription of metrics is for (KIP-714)
 *
 * The match key of a client-metrics resource: selectors with patterns,
 * "client_id=app-.*,client_software_name=librdkafka".  A client is matched
 * when each pattern matches the whole of what the selector names.
 */
#ifndef KBROKERD_METADATA_CLIENT_MATCH_H
#define KBROKERD_METADATA_CLIENT_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* What a client is known by. */
enum client_selector {
	CLIENT_INSTANCE_ID,
	CLIENT_ID,
	CLIENT_SOFTWARE_NAME,
	CLIENT_SOFTWARE_VERSION,
	CLIENT_SOURCE_ADDRESS,
	CLIENT_SOURCE_PORT,
	CLIENT_SELECTOR_COUNT,
};

struct client_match;

/*
 * Read and compile text.  Returns 0 with *match_out the caller's; -EINVAL
 * with the part of text that is wrong in *wrong_out; -ENOMEM.
 */
int client_match_new(const char *text, struct client_match **match_out,
		     struct slice *wrong_out);

void client_match_free(struct client_match *match);

/* Does it match the client of these values?  A null value is the empty one.
 * A pattern that takes too long does not match.  Any thread. */
bool client_match_has(const struct client_match *match,
		      const struct slice values[CLIENT_SELECTOR_COUNT]);

#endif /* KBROKERD_METADATA_CLIENT_MATCH_H */
