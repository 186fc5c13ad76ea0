/*
 * view.h - brokers and partitions as clients are told of them
 *
 * What Metadata, DescribeCluster, DescribeTopicPartitions and FindCoordinator
 * have in common: who is alive, and where.
 */
#ifndef KBROKERD_API_VIEW_H
#define KBROKERD_API_VIEW_H

#include "kbrokerd/metadata/image.h"
#include "kbrokerd/server/request.h"

struct view {
	struct request *req;
	const struct image *image; /* the caller's */
	int32_t own_id;
	bool only_self; /* this node is the only broker, and serves */
};

void view_init(struct view *view, struct request *req,
	       const struct image *image);

/* Is there a broker of that id that serves? */
bool view_is_alive(const struct view *view, int32_t id);

/* Where to reach a broker: ourselves as the client came in, others by the
 * first address that they told; in the request's arena or the image. */
void view_endpoint(const struct view *view, const struct broker_image *broker,
		   struct slice *host_out, int32_t *port_out);

/* The leader, or -1 when there is none alive. */
int32_t view_leader(const struct view *view, const struct partition_image *p);

/* The replicas whose brokers do not serve, in the request's arena; the count
 * is 0 also when memory is short. */
int32_t view_offline(const struct view *view, const struct partition_image *p,
		     int32_t **ids_out);

/*
 * The registration of a controller, decoded into the arena; its texts are the
 * image's.  NULL: none of that id has registered, or no memory.
 */
struct register_controller_record;
const struct register_controller_record *view_controller(
	const struct image *image, int32_t id, struct arena *arena);

/* Without an authorizer everybody may do all that makes sense: bits of
 * AclOperation for the cluster, a topic and a group. */
int32_t view_cluster_operations(void);
int32_t view_topic_operations(void);
int32_t view_group_operations(void);

#endif /* KBROKERD_API_VIEW_H */
