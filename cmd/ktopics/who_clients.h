/*
 * who_clients.h - who writes and reads a topic, as a kbrokerd has seen it
 *
 * No request of Kafka's protocol tells names of producers, nor where a broker
 * serves HTTP: who asks says where.
 */
#ifndef KTOPICS_WHO_CLIENTS_H
#define KTOPICS_WHO_CLIENTS_H

#include "ktopics/ktopics.h"

struct who_client {
	bool writes; /* else it reads */
	const char *client_id, *host;
	int64_t last_ms; /* wall clock */
};

struct who_clients {
	struct who_client *items;
	size_t count;
};

/*
 * Adds what the broker whose HTTP is at that address has seen of the topic;
 * texts live as long as the run.  What goes wrong is said and counted.
 */
void who_clients_read(struct ktopics *k, const char *address, const char *topic,
		      struct who_clients *clients);
void who_clients_clear(struct who_clients *clients);

#endif /* KTOPICS_WHO_CLIENTS_H */
