/*
 * client_config.h - properties of the client, by librdkafka's names
 *
 * One table says name, Java's alias, type, default, range and meaning; -X,
 * configuration files, -X list and -X dump all go through it.  Names that
 * librdkafka or Java clients know and we do not use are accepted.
 */
#ifndef CLIENT_CLIENT_CONFIG_H
#define CLIENT_CLIENT_CONFIG_H

#include "base/buffer.h"
#include "client/client_error.h"
#include "record/compress.h"

enum client_partitioner {
	PARTITIONER_RANDOM,
	PARTITIONER_CONSISTENT,        /* CRC-32; null key hashes as empty */
	PARTITIONER_CONSISTENT_RANDOM, /* null and empty keys at random */
	PARTITIONER_MURMUR2,           /* null key hashes as empty */
	PARTITIONER_MURMUR2_RANDOM,    /* the default, Java's */
	PARTITIONER_FNV1A,
	PARTITIONER_FNV1A_RANDOM,
};

enum client_offset_reset { RESET_EARLIEST, RESET_LATEST, RESET_ERROR };

enum client_group_protocol {
	GROUP_PROTOCOL_AUTO,
	GROUP_PROTOCOL_CLASSIC,
	GROUP_PROTOCOL_CONSUMER,
};

struct client_config {
	/* All programs. */
	char *bootstrap_servers;
	char *client_id;
	char *client_rack;         /* "" for none */
	int security_protocol;     /* 0, plaintext, is the only one yet */
	int64_t socket_timeout_ms; /* of one request, without its own wait */
	int64_t connection_setup_timeout_ms;
	int64_t reconnect_backoff_ms;
	int64_t reconnect_backoff_max_ms;
	int64_t retry_backoff_ms;
	int64_t retry_backoff_max_ms;
	int64_t metadata_max_age_ms;
	int64_t receive_message_max_bytes; /* largest frame taken */
	int64_t socket_send_buffer_bytes;
	int64_t socket_receive_buffer_bytes;
	bool socket_keepalive;
	bool socket_nagle_disable;
	int broker_address_family; /* AF_UNSPEC, AF_INET, AF_INET6 */

	/* Producer. */
	int acks; /* -1 all, 0, 1 */
	bool enable_idempotence;
	enum codec compression;
	int compression_level; /* CODEC_LEVEL_DEFAULT, or the codec's own */
	int64_t compression_level_set; /* as the property says it */
	int64_t linger_us;
	int64_t batch_size;         /* bytes before compression */
	int64_t batch_num_messages; /* records */
	int64_t message_max_bytes;  /* of one record, and of a batch */
	int64_t queue_max_kbytes;
	int64_t queue_max_messages; /* 0: no limit but kbytes */
	int64_t max_in_flight;      /* Produce requests under way, per broker */
	int64_t delivery_timeout_ms;
	int64_t request_timeout_ms; /* that a broker may wait for its replicas
				     */
	int64_t retries;
	enum client_partitioner partitioner;

	/* Consumer. */
	enum client_offset_reset auto_offset_reset;
	bool read_committed;
	int64_t fetch_min_bytes;
	int64_t fetch_wait_max_ms;
	int64_t fetch_message_max_bytes; /* of one partition */
	int64_t fetch_max_bytes;         /* of one answer */
	int64_t queued_max_kbytes;
	int64_t fetch_error_backoff_ms;
	bool check_crcs;

	/* Group member. */
	char *group_id;          /* "" for none */
	char *group_instance_id; /* "" for none */
	enum client_group_protocol group_protocol;
	char *group_remote_assignor; /* "" for the group's own */
	char *assignment_strategy;   /* names, separated by commas */
	int64_t session_timeout_ms;
	int64_t heartbeat_interval_ms;
	int64_t max_poll_interval_ms;

	/* Those of the table that were set, a bit each. */
	uint64_t set_bits[4];
};

enum client_property_type {
	PROPERTY_TEXT,
	PROPERTY_BOOL,
	PROPERTY_INT,    /* decimal, or with the unit of a size or duration */
	PROPERTY_CHOICE, /* one of choices, which the doc lists */
	PROPERTY_IGNORED /* known elsewhere, without effect here */
};

struct client_property {
	const char *name;
	const char *alias; /* another name, or NULL */
	enum client_property_type type;
	const char *default_text; /* "" for none */
	int64_t min, max;         /* PROPERTY_INT */
	const char *choices;      /* "a, b, c", or NULL */
	const char *doc;          /* one sentence; NULL for ignored ones */
	bool secret;
	const struct client_property_field *field; /* for client_config.c */
};

/* All rows, sorted by name; ignored ones are among them. */
const struct client_property *client_properties(size_t *count_out);

/* By name or alias, or NULL. */
const struct client_property *client_property(const char *name);

/* The name nearest to one that is not known, or NULL. */
const char *client_property_nearest(const char *name);

/* Set the defaults.  Returns 0 or -ENOMEM; clear it either way. */
int client_config_init(struct client_config *config);
void client_config_clear(struct client_config *config);

/*
 * Returns 0; 1 when the property is known but without effect here (say so at
 * -v); or, with *error told (kind CLIENT_USAGE) and the config as it was:
 * -ENOENT for an unknown name, the nearest one in the text; -EINVAL or -ERANGE
 * for a bad value; -ENOTSUP for what needs a feature that is not there yet;
 * -ENOMEM.
 */
int client_config_set(struct client_config *config, const char *name,
		      const char *value, struct client_error *error);

/*
 * Check what several properties say together, and fix what depends on others
 * (acks other than all turn an idempotence off that was not asked for).  Call
 * it once after the last set; client_new() does so too.  0, or -EINVAL.
 */
int client_config_finish(struct client_config *config,
			 struct client_error *error);

/* Was it set by client_config_set()?  name is one of the table. */
bool client_config_was_set(const struct client_config *config,
			   const char *name);

/* Append the value in force as text, for -X dump; secrets as "[hidden]". */
void client_config_print(const struct client_config *config,
			 const struct client_property *property,
			 struct buffer *out);

#endif /* CLIENT_CLIENT_CONFIG_H */
