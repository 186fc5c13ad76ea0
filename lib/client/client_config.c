/*
 * client_config.c - properties of the client, by librdkafka's names
 *
 * A property is a row: the public part says what people may know of it, its
 * field where the value lies and how it is written.  Nothing else in this
 * file knows a property by name, but for client_config_finish(), which knows
 * what some of them mean to each other.
 */
#include "client/client_config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/units.h"
#include "client/partitioner.h"

enum field_kind {
	FIELD_TEXT,
	FIELD_BOOL,
	FIELD_NUMBER,
	FIELD_MS,
	FIELD_MS_FRACTION, /* kept in microseconds */
	FIELD_BYTES,
	FIELD_KBYTES,
	FIELD_CHOICE,      /* an int */
	FIELD_CHOICE_BOOL, /* a bool */
	FIELD_UNSUPPORTED, /* only "" is possible */
};

/* The first of several names with one value is what is printed. */
struct choice {
	const char *name;
	int value;
};

struct client_property_field {
	enum field_kind kind;
	size_t offset; /* in struct client_config */
	const struct choice *choices;
};

#define FIELD(kind, member) FIELD_##kind, offsetof(struct client_config, member)

static const struct choice families[] = {
	{ "any", AF_UNSPEC },
	{ "v4", AF_INET },
	{ "v6", AF_INET6 },
	{ NULL, 0 },
};

static const struct choice protocols[] = {
	{ "plaintext", 0 },
	{ NULL, 0 },
};

static const struct choice acks_choices[] = {
	{ "all", -1 }, { "-1", -1 }, { "0", 0 }, { "1", 1 }, { NULL, 0 },
};

static const struct choice codecs[] = {
	{ "none", CODEC_NONE },
	{ "uncompressed", CODEC_NONE },
	{ "gzip", CODEC_GZIP },
	{ "snappy", CODEC_SNAPPY },
	{ "lz4", CODEC_LZ4 },
	{ "zstd", CODEC_ZSTD },
	{ NULL, 0 },
};

static const struct choice partitioners[] = {
	{ "random", PARTITIONER_RANDOM },
	{ "consistent", PARTITIONER_CONSISTENT },
	{ "consistent_random", PARTITIONER_CONSISTENT_RANDOM },
	{ "murmur2", PARTITIONER_MURMUR2 },
	{ "murmur2_random", PARTITIONER_MURMUR2_RANDOM },
	{ "fnv1a", PARTITIONER_FNV1A },
	{ "fnv1a_random", PARTITIONER_FNV1A_RANDOM },
	{ NULL, 0 },
};

static const struct choice resets[] = {
	{ "earliest", RESET_EARLIEST },
	{ "smallest", RESET_EARLIEST },
	{ "beginning", RESET_EARLIEST },
	{ "latest", RESET_LATEST },
	{ "largest", RESET_LATEST },
	{ "end", RESET_LATEST },
	{ "error", RESET_ERROR },
	{ "none", RESET_ERROR },
	{ NULL, 0 },
};

static const struct choice isolations[] = {
	{ "read_committed", true },
	{ "read_uncommitted", false },
	{ NULL, 0 },
};

/* Further names of the same; divide is for Java's that count otherwise. */
static const struct {
	const char *alias;
	const char *name;
	int divide;
} more_aliases[] = {
	{ "buffer.memory", "queue.buffering.max.kbytes", 1024 },
	{ "compression.gzip.level", "compression.level", 1 },
	{ "compression.lz4.level", "compression.level", 1 },
	{ "compression.zstd.level", "compression.level", 1 },
};

static const struct client_property_field field_bootstrap_servers = { FIELD(
	TEXT, bootstrap_servers) };
static const struct client_property_field field_client_id = { FIELD(
	TEXT, client_id) };
static const struct client_property_field field_client_rack = { FIELD(
	TEXT, client_rack) };
static const struct client_property_field field_security_protocol = {
	FIELD(CHOICE, security_protocol), protocols
};
static const struct client_property_field field_socket_timeout_ms = { FIELD(
	MS, socket_timeout_ms) };
static const struct client_property_field field_connection_setup_timeout_ms = {
	FIELD(MS, connection_setup_timeout_ms)
};
static const struct client_property_field field_reconnect_backoff_ms = { FIELD(
	MS, reconnect_backoff_ms) };
static const struct client_property_field field_reconnect_backoff_max_ms = {
	FIELD(MS, reconnect_backoff_max_ms)
};
static const struct client_property_field field_retry_backoff_ms = { FIELD(
	MS, retry_backoff_ms) };
static const struct client_property_field field_retry_backoff_max_ms = { FIELD(
	MS, retry_backoff_max_ms) };
static const struct client_property_field field_metadata_max_age_ms = { FIELD(
	MS, metadata_max_age_ms) };
static const struct client_property_field field_receive_message_max_bytes = {
	FIELD(BYTES, receive_message_max_bytes)
};
static const struct client_property_field field_socket_send_buffer_bytes = {
	FIELD(BYTES, socket_send_buffer_bytes)
};
static const struct client_property_field field_socket_receive_buffer_bytes = {
	FIELD(BYTES, socket_receive_buffer_bytes)
};
static const struct client_property_field field_socket_keepalive = { FIELD(
	BOOL, socket_keepalive) };
static const struct client_property_field field_socket_nagle_disable = { FIELD(
	BOOL, socket_nagle_disable) };
static const struct client_property_field field_broker_address_family = {
	FIELD(CHOICE, broker_address_family), families
};
static const struct client_property_field field_acks = { FIELD(CHOICE, acks),
							 acks_choices };
static const struct client_property_field field_enable_idempotence = { FIELD(
	BOOL, enable_idempotence) };
static const struct client_property_field field_compression = {
	FIELD(CHOICE, compression), codecs
};
static const struct client_property_field field_compression_level_set = { FIELD(
	NUMBER, compression_level_set) };
static const struct client_property_field field_linger_us = { FIELD(
	MS_FRACTION, linger_us) };
static const struct client_property_field field_batch_size = { FIELD(
	BYTES, batch_size) };
static const struct client_property_field field_batch_num_messages = { FIELD(
	NUMBER, batch_num_messages) };
static const struct client_property_field field_message_max_bytes = { FIELD(
	BYTES, message_max_bytes) };
static const struct client_property_field field_queue_max_kbytes = { FIELD(
	KBYTES, queue_max_kbytes) };
static const struct client_property_field field_queue_max_messages = { FIELD(
	NUMBER, queue_max_messages) };
static const struct client_property_field field_max_in_flight = { FIELD(
	NUMBER, max_in_flight) };
static const struct client_property_field field_delivery_timeout_ms = { FIELD(
	MS, delivery_timeout_ms) };
static const struct client_property_field field_request_timeout_ms = { FIELD(
	MS, request_timeout_ms) };
static const struct client_property_field field_retries = { FIELD(NUMBER,
								  retries) };
static const struct client_property_field field_partitioner = {
	FIELD(CHOICE, partitioner), partitioners
};
static const struct client_property_field field_auto_offset_reset = {
	FIELD(CHOICE, auto_offset_reset), resets
};
static const struct client_property_field field_read_committed = {
	FIELD(CHOICE_BOOL, read_committed), isolations
};
static const struct client_property_field field_fetch_min_bytes = { FIELD(
	BYTES, fetch_min_bytes) };
static const struct client_property_field field_fetch_wait_max_ms = { FIELD(
	MS, fetch_wait_max_ms) };
static const struct client_property_field field_fetch_message_max_bytes = {
	FIELD(BYTES, fetch_message_max_bytes)
};
static const struct client_property_field field_fetch_max_bytes = { FIELD(
	BYTES, fetch_max_bytes) };
static const struct client_property_field field_queued_max_kbytes = { FIELD(
	KBYTES, queued_max_kbytes) };
static const struct client_property_field field_fetch_error_backoff_ms = {
	FIELD(MS, fetch_error_backoff_ms)
};
static const struct client_property_field field_check_crcs = { FIELD(
	BOOL, check_crcs) };
static const struct client_property_field field_unsupported = {
	.kind = FIELD_UNSUPPORTED
};

#define IGNORED        PROPERTY_IGNORED, "", 0, 0, NULL, NULL, false, NULL
#define IGNORED_SECRET PROPERTY_IGNORED, "", 0, 0, NULL, NULL, true, NULL

static const struct client_property properties[] = {
	{ "acks", "request.required.acks", PROPERTY_CHOICE, "all", 0, 0,
	  "all, 1, 0",
	  "Who has a record before it counts: all in-sync replicas, the "
	  "leader, nobody.",
	  false, &field_acks },
	{ "allow.auto.create.topics", NULL, IGNORED },
	{ "api.version.fallback.ms", NULL, IGNORED },
	{ "api.version.request", NULL, IGNORED },
	{ "api.version.request.timeout.ms", NULL, IGNORED },
	{ "auto.commit.enable", NULL, IGNORED },
	{ "auto.commit.interval.ms", NULL, IGNORED },
	{ "auto.include.jmx.reporter", NULL, IGNORED },
	{ "auto.offset.reset", NULL, PROPERTY_CHOICE, "latest", 0, 0,
	  "earliest, latest, error",
	  "Where to go on when the wanted offset is not there any more.", false,
	  &field_auto_offset_reset },
	{ "batch.num.messages", NULL, PROPERTY_INT, "1000000", 1, 1000000, NULL,
	  "Records of a full batch.", false, &field_batch_num_messages },
	{ "batch.size", NULL, PROPERTY_INT, "1000000", 1, INT32_MAX, NULL,
	  "Bytes of a full batch, before compression.", false,
	  &field_batch_size },
	{ "bootstrap.servers", "metadata.broker.list", PROPERTY_TEXT,
	  "localhost:9092", 0, 0, NULL,
	  "Brokers to ask first, HOST[:PORT] or unix:/PATH, separated by "
	  "commas.",
	  false, &field_bootstrap_servers },
	{ "broker.address.family", NULL, PROPERTY_CHOICE, "any", 0, 0,
	  "any, v4, v6", "Which addresses of a broker to use.", false,
	  &field_broker_address_family },
	{ "broker.address.ttl", NULL, IGNORED },
	{ "broker.version.fallback", NULL, IGNORED },
	{ "builtin.features", NULL, IGNORED },
	{ "check.crcs", NULL, PROPERTY_BOOL, "true", 0, 0, NULL,
	  "Check the checksum of each batch.", false, &field_check_crcs },
	{ "client.dns.lookup", NULL, IGNORED },
	{ "client.id", NULL, PROPERTY_TEXT, "kspool", 0, 0, NULL,
	  "Name that brokers see and may put into their logs and quotas.",
	  false, &field_client_id },
	{ "client.rack", NULL, PROPERTY_TEXT, "", 0, 0, NULL,
	  "Rack of this machine, so that a near replica may be read.", false,
	  &field_client_rack },
	{ "compression.codec", "compression.type", PROPERTY_CHOICE, "none", 0,
	  0, "none, gzip, snappy, lz4, zstd", "How to compress batches.", false,
	  &field_compression },
	{ "compression.level", NULL, PROPERTY_INT, "-1", -131072, 22, NULL,
	  "Level of the codec; -1 is the codec's own default.", false,
	  &field_compression_level_set },
	{ "connections.max.idle.ms", NULL, IGNORED },
	{ "consume.callback.max.messages", NULL, IGNORED },
	{ "coordinator.query.interval.ms", NULL, IGNORED },
	{ "debug", NULL, IGNORED },
	{ "default.api.timeout.ms", NULL, IGNORED },
	{ "delivery.report.only.error", NULL, IGNORED },
	{ "delivery.timeout.ms", "message.timeout.ms", PROPERTY_INT, "120000",
	  0, INT32_MAX, NULL,
	  "How long delivery of a record may take in all; 0 is for ever.",
	  false, &field_delivery_timeout_ms },
	{ "enable.auto.commit", NULL, IGNORED },
	{ "enable.auto.offset.store", NULL, IGNORED },
	{ "enable.gapless.guarantee", NULL, IGNORED },
	{ "enable.idempotence", NULL, PROPERTY_BOOL, "true", 0, 0, NULL,
	  "Store each record once and in order, whatever is tried again.",
	  false, &field_enable_idempotence },
	{ "enable.metrics.push", NULL, IGNORED },
	{ "enable.partition.eof", NULL, IGNORED },
	{ "enable.random.seed", NULL, IGNORED },
	{ "enable.sasl.oauthbearer.unsecure.jwt", NULL, IGNORED },
	{ "enable.ssl.certificate.verification", NULL, IGNORED },
	{ "enabled_events", NULL, IGNORED },
	{ "exclude.internal.topics", NULL, IGNORED },
	{ "fetch.error.backoff.ms", NULL, PROPERTY_INT, "500", 0, 300000, NULL,
	  "Pause of a partition after an error.", false,
	  &field_fetch_error_backoff_ms },
	{ "fetch.max.bytes", NULL, PROPERTY_INT, "52428800", 0, 2147483135,
	  NULL, "Bytes of one answer; a first batch may be larger.", false,
	  &field_fetch_max_bytes },
	{ "fetch.message.max.bytes", "max.partition.fetch.bytes", PROPERTY_INT,
	  "1048576", 1, 1000000000, NULL,
	  "Bytes of one partition in one answer; a first batch may be larger.",
	  false, &field_fetch_message_max_bytes },
	{ "fetch.min.bytes", NULL, PROPERTY_INT, "1", 1, 100000000, NULL,
	  "Bytes that a broker waits for before it answers.", false,
	  &field_fetch_min_bytes },
	{ "fetch.queue.backoff.ms", NULL, IGNORED },
	{ "fetch.wait.max.ms", "fetch.max.wait.ms", PROPERTY_INT, "500", 0,
	  300000, NULL, "How long it waits for them.", false,
	  &field_fetch_wait_max_ms },
	{ "group.id", NULL, IGNORED },
	{ "group.instance.id", NULL, IGNORED },
	{ "group.protocol", NULL, IGNORED },
	{ "group.protocol.type", NULL, IGNORED },
	{ "group.remote.assignor", NULL, IGNORED },
	{ "heartbeat.interval.ms", NULL, IGNORED },
	{ "interceptor.classes", NULL, IGNORED },
	{ "interceptors", NULL, IGNORED },
	{ "internal.termination.signal", NULL, IGNORED },
	{ "isolation.level", NULL, PROPERTY_CHOICE, "read_committed", 0, 0,
	  "read_committed, read_uncommitted",
	  "Whether records of open and aborted transactions are seen.", false,
	  &field_read_committed },
	{ "key.deserializer", NULL, IGNORED },
	{ "key.serializer", NULL, IGNORED },
	{ "linger.ms", "queue.buffering.max.ms", PROPERTY_INT, "5", 0, 900000,
	  NULL, "How long a batch waits for more records.", false,
	  &field_linger_us },
	{ "log.connection.close", NULL, IGNORED },
	{ "log.queue", NULL, IGNORED },
	{ "log.thread.name", NULL, IGNORED },
	{ "log_level", NULL, IGNORED },
	{ "max.block.ms", NULL, IGNORED },
	{ "max.in.flight.requests.per.connection", "max.in.flight",
	  PROPERTY_INT, "5", 1, 1000000, NULL,
	  "Produce requests under way to one broker; idempotence allows 5.",
	  false, &field_max_in_flight },
	{ "max.poll.interval.ms", NULL, IGNORED },
	{ "max.poll.records", NULL, IGNORED },
	{ "message.copy.max.bytes", NULL, IGNORED },
	{ "message.max.bytes", "max.request.size", PROPERTY_INT, "100000000",
	  1000, 1000000000, NULL,
	  "Largest record taken; the limit of broker and topic holds besides.",
	  false, &field_message_max_bytes },
	{ "metadata.max.age.ms", "topic.metadata.refresh.interval.ms",
	  PROPERTY_INT, "300000", 1, 86400000, NULL,
	  "How often to look for moved leaders and new partitions unasked.",
	  false, &field_metadata_max_age_ms },
	{ "metadata.max.idle.ms", NULL, IGNORED },
	{ "metadata.recovery.rebootstrap.trigger.ms", NULL, IGNORED },
	{ "metadata.recovery.strategy", NULL, IGNORED },
	{ "metadata.request.timeout.ms", NULL, IGNORED },
	{ "metric.reporters", NULL, IGNORED },
	{ "metrics.num.samples", NULL, IGNORED },
	{ "metrics.recording.level", NULL, IGNORED },
	{ "metrics.sample.window.ms", NULL, IGNORED },
	{ "offset.store.method", NULL, IGNORED },
	{ "offset.store.path", NULL, IGNORED },
	{ "offset.store.sync.interval.ms", NULL, IGNORED },
	{ "partition.assignment.strategy", NULL, IGNORED },
	{ "partitioner", NULL, PROPERTY_CHOICE, "murmur2_random", 0, 0,
	  "random, consistent, consistent_random, murmur2, murmur2_random, "
	  "fnv1a, fnv1a_random",
	  "How a key chooses its partition; the default is that of Java "
	  "clients.",
	  false, &field_partitioner },
	{ "partitioner.adaptive.partitioning.enable", NULL, IGNORED },
	{ "partitioner.availability.timeout.ms", NULL, IGNORED },
	{ "partitioner.class", NULL, IGNORED },
	{ "partitioner.ignore.keys", NULL, IGNORED },
	{ "plugin.library.paths", NULL, IGNORED },
	{ "produce.offset.report", NULL, IGNORED },
	{ "queue.buffering.backpressure.threshold", NULL, IGNORED },
	{ "queue.buffering.max.kbytes", NULL, PROPERTY_INT, "65536", 1,
	  INT32_MAX, NULL,
	  "Bytes (in units of 1024) of records that wait for delivery.", false,
	  &field_queue_max_kbytes },
	{ "queue.buffering.max.messages", NULL, PROPERTY_INT, "0", 0, INT32_MAX,
	  NULL, "Records that wait for delivery; 0 leaves it to the bytes.",
	  false, &field_queue_max_messages },
	{ "queued.max.messages.kbytes", NULL, PROPERTY_INT, "65536", 1, 2097151,
	  NULL, "Bytes (in units of 1024) fetched ahead.", false,
	  &field_queued_max_kbytes },
	{ "queued.min.messages", NULL, IGNORED },
	{ "queuing.strategy", NULL, IGNORED },
	{ "receive.message.max.bytes", NULL, PROPERTY_INT, "100000000", 1000,
	  INT32_MAX, NULL, "Largest answer taken from a broker.", false,
	  &field_receive_message_max_bytes },
	{ "reconnect.backoff.jitter.ms", NULL, IGNORED },
	{ "reconnect.backoff.max.ms", NULL, PROPERTY_INT, "1000", 0, 3600000,
	  NULL, "Longest such pause.", false, &field_reconnect_backoff_max_ms },
	{ "reconnect.backoff.ms", NULL, PROPERTY_INT, "100", 0, 3600000, NULL,
	  "Pause before a broken connection is made again; it doubles each "
	  "time.",
	  false, &field_reconnect_backoff_ms },
	{ "request.timeout.ms", NULL, PROPERTY_INT, "30000", 1, 900000, NULL,
	  "How long a broker may wait for its replicas.", false,
	  &field_request_timeout_ms },
	{ "retries", "message.send.max.retries", PROPERTY_INT, "2147483647", 0,
	  INT32_MAX, NULL, "How often a batch may be tried again.", false,
	  &field_retries },
	{ "retry.backoff.max.ms", NULL, PROPERTY_INT, "1000", 1, 300000, NULL,
	  "Longest such pause.", false, &field_retry_backoff_max_ms },
	{ "retry.backoff.ms", NULL, PROPERTY_INT, "100", 1, 300000, NULL,
	  "Pause before a failed request is tried again; it doubles each time.",
	  false, &field_retry_backoff_ms },
	{ "sasl.jaas.config", NULL, IGNORED_SECRET },
	{ "sasl.kerberos.keytab", NULL, IGNORED },
	{ "sasl.kerberos.kinit.cmd", NULL, IGNORED },
	{ "sasl.kerberos.min.time.before.relogin", NULL, IGNORED },
	{ "sasl.kerberos.principal", NULL, IGNORED },
	{ "sasl.kerberos.service.name", NULL, IGNORED },
	{ "sasl.login.callback.handler.class", NULL, IGNORED },
	{ "sasl.mechanism", NULL, IGNORED },
	{ "sasl.mechanisms", NULL, IGNORED },
	{ "sasl.oauthbearer.client.id", NULL, IGNORED },
	{ "sasl.oauthbearer.client.secret", NULL, IGNORED_SECRET },
	{ "sasl.oauthbearer.config", NULL, IGNORED_SECRET },
	{ "sasl.oauthbearer.extensions", NULL, IGNORED },
	{ "sasl.oauthbearer.method", NULL, IGNORED },
	{ "sasl.oauthbearer.scope", NULL, IGNORED },
	{ "sasl.oauthbearer.token.command", NULL, IGNORED },
	{ "sasl.oauthbearer.token.endpoint.url", NULL, IGNORED },
	{ "sasl.password", NULL, IGNORED_SECRET },
	{ "sasl.username", NULL, IGNORED },
	{ "schema.registry.basic.auth.credentials.source", NULL, IGNORED },
	{ "schema.registry.basic.auth.user.info", NULL, IGNORED_SECRET },
	{ "schema.registry.url", NULL, IGNORED },
	{ "security.protocol", NULL, PROPERTY_CHOICE, "plaintext", 0, 0,
	  "plaintext", "How to talk to brokers.", false,
	  &field_security_protocol },
	{ "session.timeout.ms", NULL, IGNORED },
	{ "socket.blocking.max.ms", NULL, IGNORED },
	{ "socket.connection.setup.timeout.ms", NULL, PROPERTY_INT, "30000",
	  100, INT32_MAX, NULL, "How long connecting may take.", false,
	  &field_connection_setup_timeout_ms },
	{ "socket.keepalive.enable", NULL, PROPERTY_BOOL, "false", 0, 0, NULL,
	  "Probe idle connections (SO_KEEPALIVE).", false,
	  &field_socket_keepalive },
	{ "socket.max.fails", NULL, IGNORED },
	{ "socket.nagle.disable", NULL, PROPERTY_BOOL, "true", 0, 0, NULL,
	  "Send small requests at once (TCP_NODELAY).", false,
	  &field_socket_nagle_disable },
	{ "socket.receive.buffer.bytes", "receive.buffer.bytes", PROPERTY_INT,
	  "0", 0, 100000000, NULL,
	  "Socket's receive buffer; 0 leaves it to the system.", false,
	  &field_socket_receive_buffer_bytes },
	{ "socket.send.buffer.bytes", "send.buffer.bytes", PROPERTY_INT, "0", 0,
	  100000000, NULL, "Socket's send buffer; 0 leaves it to the system.",
	  false, &field_socket_send_buffer_bytes },
	{ "socket.timeout.ms", NULL, PROPERTY_INT, "60000", 10, 300000, NULL,
	  "How long a request may take, besides what it asks the broker to "
	  "wait.",
	  false, &field_socket_timeout_ms },
	{ "ssl.ca.certificate.stores", NULL, IGNORED },
	{ "ssl.ca.location", NULL, IGNORED },
	{ "ssl.ca.pem", NULL, IGNORED },
	{ "ssl.certificate.location", NULL, IGNORED },
	{ "ssl.certificate.pem", NULL, IGNORED },
	{ "ssl.cipher.suites", NULL, IGNORED },
	{ "ssl.crl.location", NULL, IGNORED },
	{ "ssl.curves.list", NULL, IGNORED },
	{ "ssl.enabled.protocols", NULL, IGNORED },
	{ "ssl.endpoint.identification.algorithm", NULL, IGNORED },
	{ "ssl.engine.id", NULL, IGNORED },
	{ "ssl.engine.location", NULL, IGNORED },
	{ "ssl.https.ca.location", NULL, IGNORED },
	{ "ssl.https.ca.pem", NULL, IGNORED },
	{ "ssl.key.location", NULL, IGNORED },
	{ "ssl.key.password", NULL, IGNORED_SECRET },
	{ "ssl.key.pem", NULL, IGNORED_SECRET },
	{ "ssl.keystore.certificate.chain", NULL, IGNORED },
	{ "ssl.keystore.key", NULL, IGNORED_SECRET },
	{ "ssl.keystore.location", NULL, IGNORED },
	{ "ssl.keystore.password", NULL, IGNORED_SECRET },
	{ "ssl.keystore.type", NULL, IGNORED },
	{ "ssl.protocol", NULL, IGNORED },
	{ "ssl.providers", NULL, IGNORED },
	{ "ssl.sigalgs.list", NULL, IGNORED },
	{ "ssl.truststore.certificates", NULL, IGNORED },
	{ "ssl.truststore.location", NULL, IGNORED },
	{ "ssl.truststore.password", NULL, IGNORED_SECRET },
	{ "ssl.truststore.type", NULL, IGNORED },
	{ "statistics.interval.ms", NULL, IGNORED },
	{ "sticky.partitioning.linger.ms", NULL, IGNORED },
	{ "test.mock.num.brokers", NULL, IGNORED },
	{ "topic.blacklist", NULL, IGNORED },
	{ "topic.metadata.propagation.max.ms", NULL, IGNORED },
	{ "topic.metadata.refresh.fast.cnt", NULL, IGNORED },
	{ "topic.metadata.refresh.fast.interval.ms", NULL, IGNORED },
	{ "topic.metadata.refresh.sparse", NULL, IGNORED },
	{ "transaction.timeout.ms", NULL, IGNORED },
	{ "transactional.id", NULL, PROPERTY_TEXT, "", 0, 0, NULL,
	  "Transactions: not there yet.", false, &field_unsupported },
	{ "value.deserializer", NULL, IGNORED },
	{ "value.serializer", NULL, IGNORED },
};

#undef IGNORED
#undef IGNORED_SECRET

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

_Static_assert(ARRAY_LEN(properties) <=
		       8 * sizeof(((struct client_config *)0)->set_bits),
	       "each property has a bit");

const struct client_property *client_properties(size_t *count_out)
{
	*count_out = ARRAY_LEN(properties);
	return properties;
}

static const struct client_property *by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(properties); i++) {
		const struct client_property *p = &properties[i];

		if (strcmp(p->name, name) == 0 ||
		    (p->alias != NULL && strcmp(p->alias, name) == 0))
			return p;
	}
	return NULL;
}

/* By any of its names; values are divided by *divide_out. */
static const struct client_property *find(const char *name, int *divide_out)
{
	*divide_out = 1;
	for (size_t i = 0; i < ARRAY_LEN(more_aliases); i++) {
		if (strcmp(more_aliases[i].alias, name) != 0)
			continue;
		*divide_out = more_aliases[i].divide;
		return by_name(more_aliases[i].name);
	}
	return by_name(name);
}

const struct client_property *client_property(const char *name)
{
	int divide;

	return find(name, &divide);
}

const char *client_property_nearest(const char *name)
{
	const char *names[2 * ARRAY_LEN(properties) + ARRAY_LEN(more_aliases)];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(properties); i++) {
		names[count++] = properties[i].name;
		if (properties[i].alias != NULL)
			names[count++] = properties[i].alias;
	}
	for (size_t i = 0; i < ARRAY_LEN(more_aliases); i++)
		names[count++] = more_aliases[i].alias;
	return nearest_name(name, names, count);
}

/*
 * Fields
 */

static void *field_at(struct client_config *config,
		      const struct client_property_field *field)
{
	return (uint8_t *)config + field->offset;
}

static const void *const_field_at(const struct client_config *config,
				  const struct client_property_field *field)
{
	return (const uint8_t *)config + field->offset;
}

static int set_text(char **to, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static int parse_bool(const char *value, bool *to)
{
	if (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*to = true;
	else if (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*to = false;
	else
		return -EINVAL;
	return 0;
}

static int parse_choice(const struct choice *choices, const char *value,
			int *to)
{
	for (; choices->name != NULL; choices++) {
		if (strcasecmp(choices->name, value) != 0)
			continue;
		*to = choices->value;
		return 0;
	}
	return -EINVAL;
}

static int parse_kbytes(const char *value, int64_t *kbytes)
{
	int rc = parse_int64(value, kbytes);

	if (rc == -EINVAL) {
		rc = parse_size(value, kbytes);
		*kbytes /= 1024;
	}
	return rc;
}

/* Milliseconds with a fraction ("0.5"), or with a unit. */
static int parse_fraction(const char *value, int64_t *us)
{
	char *end;
	double ms = strtod(value, &end);
	int rc;

	if (end != value && *end == '\0') {
		if (!(ms >= -1e12 && ms <= 1e12))
			return -ERANGE;
		*us = (int64_t)(ms * 1000);
		return 0;
	}
	rc = parse_duration(value, 1, us);
	if (rc < 0)
		return rc;
	return __builtin_mul_overflow(*us, 1000, us) ? -ERANGE : 0;
}

static int parse_number(const struct client_property *p, const char *value,
			int divide, int64_t *number)
{
	int64_t scale = p->field->kind == FIELD_MS_FRACTION ? 1000 : 1;
	int rc;

	*number = 0;
	if (divide != 1)
		rc = parse_size(value, number);
	else if (p->field->kind == FIELD_MS)
		rc = parse_duration(value, 1, number);
	else if (p->field->kind == FIELD_MS_FRACTION)
		rc = parse_fraction(value, number);
	else if (p->field->kind == FIELD_BYTES)
		rc = parse_size(value, number);
	else if (p->field->kind == FIELD_KBYTES)
		rc = parse_kbytes(value, number);
	else
		rc = parse_int64(value, number);
	if (rc < 0)
		return rc;
	*number /= divide;
	if (*number < p->min * scale || *number > p->max * scale)
		return -ERANGE;
	return 0;
}

static int set_field(struct client_config *config,
		     const struct client_property *p, const char *value,
		     int divide)
{
	void *at = field_at(config, p->field);
	int64_t number;
	int chosen;
	int rc;

	switch (p->field->kind) {
	case FIELD_TEXT:
		return set_text(at, value);
	case FIELD_BOOL:
		return parse_bool(value, at);
	case FIELD_CHOICE:
		return parse_choice(p->field->choices, value, at);
	case FIELD_CHOICE_BOOL:
		rc = parse_choice(p->field->choices, value, &chosen);
		if (rc == 0)
			*(bool *)at = chosen;
		return rc;
	case FIELD_UNSUPPORTED:
		return value[0] == '\0' ? 0 : -ENOTSUP;
	default:
		rc = parse_number(p, value, divide, &number);
		if (rc == 0)
			*(int64_t *)at = number;
		return rc;
	}
}

/*
 * The whole
 */

int client_config_init(struct client_config *config)
{
	int rc;

	*config = (struct client_config){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(properties); i++) {
		const struct client_property *p = &properties[i];

		if (p->field == NULL)
			continue;
		rc = set_field(config, p, p->default_text, 1);
		assert(rc == 0 || rc == -ENOMEM);
		if (rc < 0)
			return rc;
	}
	config->compression_level = CODEC_LEVEL_DEFAULT;
	return 0;
}

void client_config_clear(struct client_config *config)
{
	free(config->bootstrap_servers);
	free(config->client_id);
	free(config->client_rack);
	*config = (struct client_config){ 0 };
}

static int report(const struct client_property *p, const char *name,
		  const char *value, int rc, struct client_error *error)
{
	if (p->secret)
		value = "[hidden]";
	if (rc == -ENOTSUP)
		return client_error_set(error, CLIENT_USAGE, rc,
					"%s=%s: not supported yet", name,
					value);
	if (rc == -EINVAL && p->choices != NULL)
		return client_error_set(error, CLIENT_USAGE, rc,
					"%s=%s: not one of %s", name, value,
					p->choices);
	if (rc == -ERANGE)
		return client_error_set(error, CLIENT_USAGE, rc,
					"%s=%s: not between %" PRId64
					" and %" PRId64,
					name, value, p->min, p->max);
	if (rc == -ENOMEM)
		return client_error_set(error, CLIENT_REFUSED, rc,
					"out of memory");
	return client_error_set(
		error, CLIENT_USAGE, rc, "%s=%s: not %s", name, value,
		p->type == PROPERTY_BOOL ? "true or false" : "a number");
}

static int report_unknown(const char *name, struct client_error *error)
{
	const char *nearest = client_property_nearest(name);

	if (nearest == NULL)
		return client_error_set(error, CLIENT_USAGE, -ENOENT,
					"no such property: %s", name);
	return client_error_set(error, CLIENT_USAGE, -ENOENT,
				"no such property: %s (did you mean %s?)", name,
				nearest);
}

/* Security that is known by name but not there yet. */
static bool is_future_protocol(const struct client_property *p,
			       const char *value)
{
	return strcmp(p->name, "security.protocol") == 0 &&
	       (strcasecmp(value, "ssl") == 0 ||
		strcasecmp(value, "sasl_plaintext") == 0 ||
		strcasecmp(value, "sasl_ssl") == 0);
}

int client_config_set(struct client_config *config, const char *name,
		      const char *value, struct client_error *error)
{
	const struct client_property *p;
	size_t index;
	int divide;
	int rc;

	p = find(name, &divide);
	if (p == NULL)
		return report_unknown(name, error);
	if (p->field == NULL)
		return 1;
	rc = set_field(config, p, value, divide);
	if (rc == -EINVAL && is_future_protocol(p, value))
		rc = -ENOTSUP;
	if (rc < 0)
		return report(p, name, value, rc, error);
	index = (size_t)(p - properties);
	config->set_bits[index / 64] |= (uint64_t)1 << (index % 64);
	return 0;
}

static bool was_set(const struct client_config *config, const char *name)
{
	size_t index = (size_t)(by_name(name) - properties);

	return config->set_bits[index / 64] >> (index % 64) & 1;
}

static int finish_idempotence(struct client_config *config,
			      struct client_error *error)
{
	bool is_wanted = was_set(config, "enable.idempotence");

	if (!config->enable_idempotence)
		return 0;
	if (config->acks != -1 || config->retries == 0) {
		if (is_wanted)
			return client_error_set(error, CLIENT_USAGE, -EINVAL,
						"enable.idempotence=true needs "
						"acks=all and retries");
		config->enable_idempotence = false;
		return 0;
	}
	/* A broker remembers five batches of each producer. */
	if (config->max_in_flight > 5) {
		if (is_wanted &&
		    was_set(config, "max.in.flight.requests.per.connection"))
			return client_error_set(
				error, CLIENT_USAGE, -EINVAL,
				"enable.idempotence=true needs max.in.flight "
				"of 5 or less");
		config->max_in_flight = 5;
	}
	return 0;
}

int client_config_finish(struct client_config *config,
			 struct client_error *error)
{
	/* Room for what stands around the records. */
	const int64_t overhead = 1 << 20;

	if (config->compression_level_set != -1)
		config->compression_level = (int)config->compression_level_set;
	if (config->compression_level != CODEC_LEVEL_DEFAULT &&
	    codec_check_level(config->compression, config->compression_level) <
		    0)
		return client_error_set(error, CLIENT_USAGE, -EINVAL,
					"compression.level=%d: not a level of "
					"%s",
					config->compression_level,
					codec_name((int)config->compression));
	if (config->batch_size > config->message_max_bytes)
		config->batch_size = config->message_max_bytes;
	if (config->receive_message_max_bytes <
		    config->fetch_max_bytes + overhead &&
	    !was_set(config, "receive.message.max.bytes"))
		config->receive_message_max_bytes =
			config->fetch_max_bytes + overhead;
	return finish_idempotence(config, error);
}

static const char *choice_name(const struct choice *choices, int value)
{
	while (choices->name != NULL && choices->value != value)
		choices++;
	return choices->name == NULL ? "?" : choices->name;
}

void client_config_print(const struct client_config *config,
			 const struct client_property *property,
			 struct buffer *out)
{
	const struct client_property_field *field = property->field;
	const void *at;

	if (property->secret) {
		buffer_put_text(out, "[hidden]");
		return;
	}
	if (field == NULL || field->kind == FIELD_UNSUPPORTED)
		return;
	at = const_field_at(config, field);
	switch (field->kind) {
	case FIELD_TEXT:
		buffer_put_text(out, *(char *const *)at);
		break;
	case FIELD_BOOL:
		buffer_put_text(out, *(const bool *)at ? "true" : "false");
		break;
	case FIELD_CHOICE:
		buffer_put_text(out,
				choice_name(field->choices, *(const int *)at));
		break;
	case FIELD_CHOICE_BOOL:
		buffer_put_text(out,
				choice_name(field->choices, *(const bool *)at));
		break;
	case FIELD_MS_FRACTION:
		buffer_printf(out, "%g", (double)*(const int64_t *)at / 1000);
		break;
	default:
		buffer_printf(out, "%" PRId64, *(const int64_t *)at);
		break;
	}
}
