/*
 * cluster.c - what a client knows of its cluster
 *
 * A topic once made stays where it is, so that its address may be kept; its
 * partitions are replaced as a whole by each answer.
 */
#include "client/cluster.h"

#include <errno.h>
#include <stdlib.h>

#include <uthash.h>

#include "wire/errors.h"
#include "wire/messages.h"

enum { NODES_MAX = 4096 }; /* Kafka itself is run with some hundred */

struct cluster_topic {
	struct client_topic topic; /* the first, so that it leads here */
	uint64_t answers;
	int32_t *replicas; /* of all its partitions */
	UT_hash_handle hh;
	char name[];
};

void cluster_init(struct cluster *cluster)
{
	*cluster = (struct cluster){ .controller_id = -1 };
}

static void free_nodes(struct client_node *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((void *)(uintptr_t)nodes[i].host);
		free((void *)(uintptr_t)nodes[i].rack);
	}
	free(nodes);
}

void cluster_clear(struct cluster *cluster)
{
	struct cluster_topic *t;
	struct cluster_topic *next;

	HASH_ITER(hh, cluster->topics, t, next)
	{
		HASH_DEL(cluster->topics, t);
		free(t->topic.partitions);
		free(t->replicas);
		free(t);
	}
	free_nodes(cluster->nodes, cluster->node_count);
	free(cluster->cluster_id);
	cluster_init(cluster);
}

static char *text_of(struct slice s)
{
	if (slice_is_null(s))
		return NULL;
	return strndup((const char *)s.data, s.len);
}

static int update_nodes(struct cluster *cluster,
			const struct metadata_response *response)
{
	size_t count = (size_t)response->brokers_count;
	struct client_node *nodes;

	if (count > NODES_MAX)
		return -E2BIG;
	nodes = calloc(count + 1, sizeof(*nodes));
	if (nodes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct metadata_response_brokers *b =
			&response->brokers[i];

		nodes[i].id = b->node_id;
		nodes[i].port = (uint16_t)b->port;
		nodes[i].host = text_of(b->host);
		nodes[i].rack = text_of(b->rack);
		if (nodes[i].host == NULL) {
			free_nodes(nodes, count);
			return -ENOMEM;
		}
	}
	free_nodes(cluster->nodes, cluster->node_count);
	cluster->nodes = nodes;
	cluster->node_count = count;
	return 0;
}

static struct cluster_topic *find(const struct cluster *cluster,
				  const void *name, size_t len)
{
	struct cluster_topic *t = NULL;

	HASH_FIND(hh, cluster->topics, name, (unsigned)len, t);
	return t;
}

struct client_topic *cluster_topic(struct cluster *cluster, const char *name)
{
	size_t len = strlen(name);
	struct cluster_topic *t = find(cluster, name, len);

	if (t != NULL)
		return &t->topic;
	t = calloc(1, sizeof(*t) + len + 1);
	if (t == NULL)
		return NULL;
	memcpy(t->name, name, len);
	t->topic.name = t->name;
	HASH_ADD_KEYPTR(hh, cluster->topics, t->name, (unsigned)len, t);
	cluster->topic_count++;
	return &t->topic;
}

struct client_topic *cluster_next(const struct cluster *cluster,
				  const struct client_topic *topic)
{
	const struct cluster_topic *t = (const void *)topic;
	struct cluster_topic *next;

	next = t == NULL ? cluster->topics : t->hh.next;
	return next == NULL ? NULL : &next->topic;
}

uint64_t cluster_topic_answers(const struct client_topic *topic)
{
	return ((const struct cluster_topic *)(const void *)topic)->answers;
}

/* Partitions are numbered from 0 without a gap; an answer may mix them. */
static int32_t partition_count(const struct metadata_response_topics *answer)
{
	int32_t count = 0;

	for (int32_t i = 0; i < answer->partitions_count; i++) {
		int32_t index = answer->partitions[i].partition_index;

		if (index >= count && index < INT32_MAX)
			count = index + 1;
	}
	/* A gap is a broker's fault: nothing behind it counts. */
	return count < answer->partitions_count ? count
						: answer->partitions_count;
}

static void set_partition(struct client_partition *p,
			  const struct client_partition *old,
			  const struct metadata_response_topics_partitions *a)
{
	if (old != NULL && a->leader_epoch >= 0 &&
	    old->leader_epoch > a->leader_epoch) {
		p->leader = old->leader;
		p->leader_epoch = old->leader_epoch;
		p->code = old->code;
		return;
	}
	p->leader = a->leader_id;
	p->leader_epoch = a->leader_epoch;
	p->code = a->error_code;
	if (p->leader < 0 && p->code == WIRE_NONE)
		p->code = WIRE_LEADER_NOT_AVAILABLE;
}

/* All replicas of the answer, one partition's after the other's. */
static int32_t *copy_replicas(const struct metadata_response_topics *answer)
{
	size_t count = 0;
	int32_t *all;

	for (int32_t i = 0; i < answer->partitions_count; i++)
		count += (size_t)answer->partitions[i].replica_nodes_count;
	all = calloc(count + 1, sizeof(*all));
	count = 0;
	for (int32_t i = 0; all != NULL && i < answer->partitions_count; i++) {
		const struct metadata_response_topics_partitions *p =
			&answer->partitions[i];

		for (int32_t r = 0; r < p->replica_nodes_count; r++)
			all[count++] = p->replica_nodes[r];
	}
	return all;
}

static int update_partitions(struct cluster_topic *ct,
			     const struct metadata_response_topics *answer)
{
	struct client_topic *t = &ct->topic;
	int32_t count = partition_count(answer);
	bool is_same = uuid_equal(t->id, answer->topic_id);
	int32_t *replicas = copy_replicas(answer);
	int32_t *next = replicas;
	struct client_partition *partitions;

	partitions = calloc((size_t)count + 1, sizeof(*partitions));
	if (partitions == NULL || replicas == NULL) {
		free(partitions);
		free(replicas);
		return -ENOMEM;
	}
	for (int32_t i = 0; i < count; i++)
		partitions[i] = (struct client_partition){
			.leader = -1,
			.leader_epoch = -1,
			.code = WIRE_LEADER_NOT_AVAILABLE,
		};
	for (int32_t i = 0; i < answer->partitions_count; i++) {
		int32_t p = answer->partitions[i].partition_index;

		next += answer->partitions[i].replica_nodes_count;
		if (p < 0 || p >= count)
			continue;
		set_partition(&partitions[p],
			      is_same && p < t->partition_count
				      ? &t->partitions[p]
				      : NULL,
			      &answer->partitions[i]);
		partitions[p].replica_count =
			answer->partitions[i].replica_nodes_count;
		partitions[p].replicas = next - partitions[p].replica_count;
	}
	free(t->partitions);
	free(ct->replicas);
	ct->replicas = replicas;
	t->partitions = partitions;
	t->partition_count = count;
	t->id = answer->topic_id;
	t->is_internal = answer->is_internal;
	return 0;
}

static int update_topic(struct cluster *cluster,
			const struct metadata_response_topics *answer)
{
	struct cluster_topic *t;

	if (slice_is_null(answer->name))
		return 0;
	t = find(cluster, answer->name.data, answer->name.len);
	if (t == NULL)
		return 0;
	t->answers++;
	t->topic.is_known = true;
	t->topic.code = answer->error_code;
	/* What was known stays in use while a broker cannot tell. */
	if (answer->error_code != WIRE_NONE)
		return 0;
	return update_partitions(t, answer);
}

int cluster_update(struct cluster *cluster,
		   const struct metadata_response *response)
{
	int rc = update_nodes(cluster, response);

	if (rc < 0)
		return rc;
	cluster->controller_id = response->controller_id;
	if (cluster->cluster_id == NULL)
		cluster->cluster_id = text_of(response->cluster_id);
	for (int32_t i = 0; i < response->topics_count && rc == 0; i++)
		rc = update_topic(cluster, &response->topics[i]);
	return rc;
}
