/*
 * cluster.h - what a client knows of its cluster
 *
 * Filled from Metadata answers, asked by everyone.  For lib/client only; what
 * others see of it is in client.h.
 */
#ifndef CLIENT_CLUSTER_H
#define CLIENT_CLUSTER_H

#include "client/client.h"

struct cluster_topic;
struct metadata_response;

struct cluster {
	struct client_node *nodes;
	size_t node_count;
	char *cluster_id;
	int32_t controller_id;
	struct cluster_topic *topics; /* by name */
	size_t topic_count;
};

void cluster_init(struct cluster *cluster);
void cluster_clear(struct cluster *cluster);

/*
 * Take what the answer says: all brokers, and those of its topics that have
 * been asked for by cluster_topic().  A leader epoch that goes back is an old
 * answer's and does not count.  Returns 0, or -ENOMEM, or -E2BIG for more
 * brokers than anybody has, with part of it taken.
 */
int cluster_update(struct cluster *cluster,
		   const struct metadata_response *response);

/* Find the topic, or make one that is not known yet; NULL on no memory. */
struct client_topic *cluster_topic(struct cluster *cluster, const char *name);

/* Topics one after the other: start with NULL, ends with NULL. */
struct client_topic *cluster_next(const struct cluster *cluster,
				  const struct client_topic *topic);

/* How many answers about the topic there have been. */
uint64_t cluster_topic_answers(const struct client_topic *topic);

#endif /* CLIENT_CLUSTER_H */
