/*
 * admin.h - what tools ask of a cluster, with the waiting done
 *
 * Everything else is one client_call() with a message of wire/messages.h.
 */
#ifndef CLIENT_ADMIN_H
#define CLIENT_ADMIN_H

#include "client/client.h"

/*
 * Metadata of the topics named, or of all with names NULL; never creates any.
 * *request_out has a struct metadata_response as its answer (topics carry
 * their own error codes) and is the caller's to free, on failure too, when it
 * is not NULL.  Returns 0 or a negative errno with *error told.
 */
int admin_metadata(struct client *client, const char *const *names,
		   size_t count, int64_t timeout_ms,
		   struct client_request **request_out,
		   struct client_error *error);

enum { /* timestamps that mean a place */
       ADMIN_LATEST = -1,
       ADMIN_EARLIEST = -2,
       ADMIN_MAX_TIMESTAMP = -3,
};

struct admin_offset {
	const char *topic;
	int32_t partition;
	int64_t query; /* ms since 1970, or one of the above */
	/* The answer. */
	int16_t code;         /* WIRE_NONE, or why there is none */
	int64_t offset;       /* -1: no record that late */
	int64_t timestamp_ms; /* of that record, -1 where not told */
	int32_t leader_epoch; /* -1 */
};

/*
 * Fill in the answers, one request per leader (several where a partition is
 * asked for more than once).  What a leader refuses, or does not answer in
 * time, is in the item's code; those without a leader have
 * LEADER_NOT_AVAILABLE.  Returns 0, or a negative errno with *error told when
 * nobody could be asked at all.
 */
int admin_list_offsets(struct client *client, struct admin_offset *items,
		       size_t count, bool read_committed, int64_t timeout_ms,
		       struct client_error *error);

/* client_call(), with the error copied to *error (which may be NULL). */
int admin_call(struct client_request *request, int32_t node, int64_t timeout_ms,
	       struct client_error *error);

/*
 * The value of a topic's config, as text in *value_out (appended).  Returns
 * 0, -ENOENT when topic or config is not there, or another error.
 */
int admin_topic_config(struct client *client, const char *topic,
		       const char *name, int64_t timeout_ms,
		       struct buffer *value_out, struct client_error *error);

/*
 * The same in two halves, for who cannot wait: the request (NULL on no memory),
 * and what its answer says; the value is the request's.
 */
struct client_request *admin_config_request(struct client *client,
					    const char *topic,
					    const char *name);
int admin_config_answer(struct client_request *request, struct slice *value_out,
			struct client_error *error);

#endif /* CLIENT_ADMIN_H */
