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

#define FIELD(field_kind, member, its_choices)                                 \
	&(const struct client_property_field)                                  \
	{                                                                      \
		.kind = FIELD_##field_kind,                                    \
		.offset = offsetof(struct client_config, member),              \
		.choices = its_choices                                         \
	}

#define IGNORED(name)                                                          \
	{                                                                      \
		name, NULL, PROPERTY_IGNORED, "", 0, 0, NULL, NULL, false,     \
			NULL                                                   \
	}
#define SECRET(name)                                                           \
	{                                                                      \
		name, NULL, PROPERTY_IGNORED, "", 0, 0, NULL, NULL, true, NULL \
	}

/* clang-format off */
static const struct client_property properties[] = {
	{ "acks", "request.required.acks", PROPERTY_CHOICE, "all", 0, 0,
	  "all, 1, 0",
	  "Who has a record before it counts: all in-sync replicas, the leader, nobody.",
	  false, FIELD(CHOICE, acks, acks_choices) },
	IGNORED("allow.auto.create.topics"),
	IGNORED("api.version.fallback.ms"),
	IGNORED("api.version.request"),
	IGNORED("api.version.request.timeout.ms"),
	IGNORED("auto.commit.enable"),
	IGNORED("auto.commit.interval.ms"),
	IGNORED("auto.include.jmx.reporter"),
	{ "auto.offset.reset", NULL, PROPERTY_CHOICE, "latest", 0, 0,
	  "earliest, latest, error",
	  "Where to go on when the wanted offset is not there any more.",
	  false, FIELD(CHOICE, auto_offset_reset, resets) },
	{ "batch.num.messages", NULL, PROPERTY_INT, "1000000", 1, 1000000,
	  NULL,
	  "Records of a full batch.",
	  false, FIELD(NUMBER, batch_num_messages, NULL) },
	{ "batch.size", NULL, PROPERTY_INT, "1000000", 1, INT32_MAX,
	  NULL,
	  "Bytes of a full batch, before compression.",
	  false, FIELD(BYTES, batch_size, NULL) },
	{ "bootstrap.servers", "metadata.broker.list", PROPERTY_TEXT, "localhost:9092", 0, 0,
	  NULL,
	  "Brokers to ask first, HOST[:PORT] or unix:/PATH, separated by commas.",
	  false, FIELD(TEXT, bootstrap_servers, NULL) },
	{ "broker.address.family", NULL, PROPERTY_CHOICE, "any", 0, 0,
	  "any, v4, v6",
	  "Which addresses of a broker to use.",
	  false, FIELD(CHOICE, broker_address_family, families) },
	IGNORED("broker.address.ttl"),
	IGNORED("broker.version.fallback"),
	IGNORED("builtin.features"),
	{ "check.crcs", NULL, PROPERTY_BOOL, "true", 0, 0,
	  NULL,
	  "Check the checksum of each batch.",
	  false, FIELD(BOOL, check_crcs, NULL) },
	IGNORED("client.dns.lookup"),
	{ "client.id", NULL, PROPERTY_TEXT, "kspool", 0, 0,
	  NULL,
	  "Name that brokers see and may put into their logs and quotas.",
	  false, FIELD(TEXT, client_id, NULL) },
	{ "client.rack", NULL, PROPERTY_TEXT, "", 0, 0,
	  NULL,
	  "Rack of this machine, so that a near replica may be read.",
	  false, FIELD(TEXT, client_rack, NULL) },
	{ "compression.codec", "compression.type", PROPERTY_CHOICE, "none", 0, 0,
	  "none, gzip, snappy, lz4, zstd",
	  "How to compress batches.",
	  false, FIELD(CHOICE, compression, codecs) },
	{ "compression.level", NULL, PROPERTY_INT, "-1", -131072, 22,
	  NULL,
	  "Level of the codec; -1 is the codec's own default.",
	  false, FIELD(NUMBER, compression_level_set, NULL) },
	IGNORED("connections.max.idle.ms"),
	IGNORED("consume.callback.max.messages"),
	IGNORED("coordinator.query.interval.ms"),
	IGNORED("debug"),
	IGNORED("default.api.timeout.ms"),
	IGNORED("delivery.report.only.error"),
	{ "delivery.timeout.ms", "message.timeout.ms", PROPERTY_INT, "120000", 0, INT32_MAX,
	  NULL,
	  "How long delivery of a record may take in all; 0 is for ever.",
	  false, FIELD(MS, delivery_timeout_ms, NULL) },
	IGNORED("enable.auto.commit"),
	IGNORED("enable.auto.offset.store"),
	IGNORED("enable.gapless.guarantee"),
	{ "enable.idempotence", NULL, PROPERTY_BOOL, "true", 0, 0,
	  NULL,
	  "Store each record once and in order, whatever is tried again.",
	  false, FIELD(BOOL, enable_idempotence, NULL) },
	IGNORED("enable.metrics.push"),
	IGNORED("enable.partition.eof"),
	IGNORED("enable.random.seed"),
	IGNORED("enable.sasl.oauthbearer.unsecure.jwt"),
	IGNORED("enable.ssl.certificate.verification"),
	IGNORED("enabled_events"),
	IGNORED("exclude.internal.topics"),
	{ "fetch.error.backoff.ms", NULL, PROPERTY_INT, "500", 0, 300000,
	  NULL,
	  "Pause of a partition after an error.",
	  false, FIELD(MS, fetch_error_backoff_ms, NULL) },
	{ "fetch.max.bytes", NULL, PROPERTY_INT, "52428800", 0, 2147483135,
	  NULL,
	  "Bytes of one answer; a first batch may be larger.",
	  false, FIELD(BYTES, fetch_max_bytes, NULL) },
	{ "fetch.message.max.bytes", "max.partition.fetch.bytes", PROPERTY_INT, "1048576", 1, 1000000000,
	  NULL,
	  "Bytes of one partition in one answer; a first batch may be larger.",
	  false, FIELD(BYTES, fetch_message_max_bytes, NULL) },
	{ "fetch.min.bytes", NULL, PROPERTY_INT, "1", 1, 100000000,
	  NULL,
	  "Bytes that a broker waits for before it answers.",
	  false, FIELD(BYTES, fetch_min_bytes, NULL) },
	IGNORED("fetch.queue.backoff.ms"),
	{ "fetch.wait.max.ms", "fetch.max.wait.ms", PROPERTY_INT, "500", 0, 300000,
	  NULL,
	  "How long it waits for them.",
	  false, FIELD(MS, fetch_wait_max_ms, NULL) },
	IGNORED("group.id"),
	IGNORED("group.instance.id"),
	IGNORED("group.protocol"),
	IGNORED("group.protocol.type"),
	IGNORED("group.remote.assignor"),
	IGNORED("heartbeat.interval.ms"),
	IGNORED("interceptor.classes"),
	IGNORED("interceptors"),
	IGNORED("internal.termination.signal"),
	{ "isolation.level", NULL, PROPERTY_CHOICE, "read_committed", 0, 0,
	  "read_committed, read_uncommitted",
	  "Whether records of open and aborted transactions are seen.",
	  false, FIELD(CHOICE_BOOL, read_committed, isolations) },
	IGNORED("key.deserializer"),
	IGNORED("key.serializer"),
	{ "linger.ms", "queue.buffering.max.ms", PROPERTY_INT, "5", 0, 900000,
	  NULL,
	  "How long a batch waits for more records.",
	  false, FIELD(MS_FRACTION, linger_us, NULL) },
	IGNORED("log.connection.close"),
	IGNORED("log.queue"),
	IGNORED("log.thread.name"),
	IGNORED("log_level"),
	IGNORED("max.block.ms"),
	{ "max.in.flight.requests.per.connection", "max.in.flight", PROPERTY_INT, "5", 1, 1000000,
	  NULL,
	  "Produce requests under way to one broker; idempotence allows 5.",
	  false, FIELD(NUMBER, max_in_flight, NULL) },
	IGNORED("max.poll.interval.ms"),
	IGNORED("max.poll.records"),
	IGNORED("message.copy.max.bytes"),
	{ "message.max.bytes", "max.request.size", PROPERTY_INT, "100000000", 1000, 1000000000,
	  NULL,
	  "Largest record taken; the limit of broker and topic holds besides.",
	  false, FIELD(BYTES, message_max_bytes, NULL) },
	{ "metadata.max.age.ms", "topic.metadata.refresh.interval.ms", PROPERTY_INT, "300000", 1, 86400000,
	  NULL,
	  "How often to look for moved leaders and new partitions unasked.",
	  false, FIELD(MS, metadata_max_age_ms, NULL) },
	IGNORED("metadata.max.idle.ms"),
	IGNORED("metadata.recovery.rebootstrap.trigger.ms"),
	IGNORED("metadata.recovery.strategy"),
	IGNORED("metadata.request.timeout.ms"),
	IGNORED("metric.reporters"),
	IGNORED("metrics.num.samples"),
	IGNORED("metrics.recording.level"),
	IGNORED("metrics.sample.window.ms"),
	IGNORED("offset.store.method"),
	IGNORED("offset.store.path"),
	IGNORED("offset.store.sync.interval.ms"),
	IGNORED("partition.assignment.strategy"),
	{ "partitioner", NULL, PROPERTY_CHOICE, "murmur2_random", 0, 0,
	  "random, consistent, consistent_random, murmur2, murmur2_random, fnv1a, fnv1a_random",
	  "How a key chooses its partition; the default is that of Java clients.",
	  false, FIELD(CHOICE, partitioner, partitioners) },
	IGNORED("partitioner.adaptive.partitioning.enable"),
	IGNORED("partitioner.availability.timeout.ms"),
	IGNORED("partitioner.class"),
	IGNORED("partitioner.ignore.keys"),
	IGNORED("plugin.library.paths"),
	IGNORED("produce.offset.report"),
	IGNORED("queue.buffering.backpressure.threshold"),
	{ "queue.buffering.max.kbytes", NULL, PROPERTY_INT, "65536", 1, INT32_MAX,
	  NULL,
	  "Bytes (in units of 1024) of records that wait for delivery.",
	  false, FIELD(KBYTES, queue_max_kbytes, NULL) },
	{ "queue.buffering.max.messages", NULL, PROPERTY_INT, "0", 0, INT32_MAX,
	  NULL,
	  "Records that wait for delivery; 0 leaves it to the bytes.",
	  false, FIELD(NUMBER, queue_max_messages, NULL) },
	{ "queued.max.messages.kbytes", NULL, PROPERTY_INT, "65536", 1, 2097151,
	  NULL,
	  "Bytes (in units of 1024) fetched ahead.",
	  false, FIELD(KBYTES, queued_max_kbytes, NULL) },
	IGNORED("queued.min.messages"),
	IGNORED("queuing.strategy"),
	{ "receive.message.max.bytes", NULL, PROPERTY_INT, "100000000", 1000, INT32_MAX,
	  NULL,
	  "Largest answer taken from a broker.",
	  false, FIELD(BYTES, receive_message_max_bytes, NULL) },
	IGNORED("reconnect.backoff.jitter.ms"),
	{ "reconnect.backoff.max.ms", NULL, PROPERTY_INT, "1000", 0, 3600000,
	  NULL,
	  "Longest such pause.",
	  false, FIELD(MS, reconnect_backoff_max_ms, NULL) },
	{ "reconnect.backoff.ms", NULL, PROPERTY_INT, "100", 0, 3600000,
	  NULL,
	  "Pause before a broken connection is made again; it doubles each time.",
	  false, FIELD(MS, reconnect_backoff_ms, NULL) },
	{ "request.timeout.ms", NULL, PROPERTY_INT, "30000", 1, 900000,
	  NULL,
	  "How long a broker may wait for its replicas.",
	  false, FIELD(MS, request_timeout_ms, NULL) },
	{ "retries", "message.send.max.retries", PROPERTY_INT, "2147483647", 0, INT32_MAX,
	  NULL,
	  "How often a batch may be tried again.",
	  false, FIELD(NUMBER, retries, NULL) },
	{ "retry.backoff.max.ms", NULL, PROPERTY_INT, "1000", 1, 300000,
	  NULL,
	  "Longest such pause.",
	  false, FIELD(MS, retry_backoff_max_ms, NULL) },
	{ "retry.backoff.ms", NULL, PROPERTY_INT, "100", 1, 300000,
	  NULL,
	  "Pause before a failed request is tried again; it doubles each time.",
	  false, FIELD(MS, retry_backoff_ms, NULL) },
	SECRET("sasl.jaas.config"),
	IGNORED("sasl.kerberos.keytab"),
	IGNORED("sasl.kerberos.kinit.cmd"),
	IGNORED("sasl.kerberos.min.time.before.relogin"),
	IGNORED("sasl.kerberos.principal"),
	IGNORED("sasl.kerberos.service.name"),
	IGNORED("sasl.login.callback.handler.class"),
	IGNORED("sasl.mechanism"),
	IGNORED("sasl.mechanisms"),
	IGNORED("sasl.oauthbearer.client.id"),
	SECRET("sasl.oauthbearer.client.secret"),
	SECRET("sasl.oauthbearer.config"),
	IGNORED("sasl.oauthbearer.extensions"),
	IGNORED("sasl.oauthbearer.method"),
	IGNORED("sasl.oauthbearer.scope"),
	IGNORED("sasl.oauthbearer.token.command"),
	IGNORED("sasl.oauthbearer.token.endpoint.url"),
	SECRET("sasl.password"),
	IGNORED("sasl.username"),
	IGNORED("schema.registry.basic.auth.credentials.source"),
	SECRET("schema.registry.basic.auth.user.info"),
	IGNORED("schema.registry.url"),
	{ "security.protocol", NULL, PROPERTY_CHOICE, "plaintext", 0, 0,
	  "plaintext",
	  "How to talk to brokers.",
	  false, FIELD(CHOICE, security_protocol, protocols) },
	IGNORED("session.timeout.ms"),
	IGNORED("socket.blocking.max.ms"),
	{ "socket.connection.setup.timeout.ms", NULL, PROPERTY_INT, "30000", 100, INT32_MAX,
	  NULL,
	  "How long connecting may take.",
	  false, FIELD(MS, connection_setup_timeout_ms, NULL) },
	{ "socket.keepalive.enable", NULL, PROPERTY_BOOL, "false", 0, 0,
	  NULL,
	  "Probe idle connections (SO_KEEPALIVE).",
	  false, FIELD(BOOL, socket_keepalive, NULL) },
	IGNORED("socket.max.fails"),
	{ "socket.nagle.disable", NULL, PROPERTY_BOOL, "true", 0, 0,
	  NULL,
	  "Send small requests at once (TCP_NODELAY).",
	  false, FIELD(BOOL, socket_nagle_disable, NULL) },
	{ "socket.receive.buffer.bytes", "receive.buffer.bytes", PROPERTY_INT, "0", 0, 100000000,
	  NULL,
	  "Socket's receive buffer; 0 leaves it to the system.",
	  false, FIELD(BYTES, socket_receive_buffer_bytes, NULL) },
	{ "socket.send.buffer.bytes", "send.buffer.bytes", PROPERTY_INT, "0", 0, 100000000,
	  NULL,
	  "Socket's send buffer; 0 leaves it to the system.",
	  false, FIELD(BYTES, socket_send_buffer_bytes, NULL) },
	{ "socket.timeout.ms", NULL, PROPERTY_INT, "60000", 10, 300000,
	  NULL,
	  "How long a request may take, besides what it asks the broker to wait.",
	  false, FIELD(MS, socket_timeout_ms, NULL) },
	IGNORED("ssl.ca.certificate.stores"),
	IGNORED("ssl.ca.location"),
	IGNORED("ssl.ca.pem"),
	IGNORED("ssl.certificate.location"),
	IGNORED("ssl.certificate.pem"),
	IGNORED("ssl.cipher.suites"),
	IGNORED("ssl.crl.location"),
	IGNORED("ssl.curves.list"),
	IGNORED("ssl.enabled.protocols"),
	IGNORED("ssl.endpoint.identification.algorithm"),
	IGNORED("ssl.engine.id"),
	IGNORED("ssl.engine.location"),
	IGNORED("ssl.https.ca.location"),
	IGNORED("ssl.https.ca.pem"),
	IGNORED("ssl.key.location"),
	SECRET("ssl.key.password"),
	SECRET("ssl.key.pem"),
	IGNORED("ssl.keystore.certificate.chain"),
	SECRET("ssl.keystore.key"),
	IGNORED("ssl.keystore.location"),
	SECRET("ssl.keystore.password"),
	IGNORED("ssl.keystore.type"),
	IGNORED("ssl.protocol"),
	IGNORED("ssl.providers"),
	IGNORED("ssl.sigalgs.list"),
	IGNORED("ssl.truststore.certificates"),
	IGNORED("ssl.truststore.location"),
	SECRET("ssl.truststore.password"),
	IGNORED("ssl.truststore.type"),
	IGNORED("statistics.interval.ms"),
	IGNORED("sticky.partitioning.linger.ms"),
	IGNORED("test.mock.num.brokers"),
	IGNORED("topic.blacklist"),
	IGNORED("topic.metadata.propagation.max.ms"),
	IGNORED("topic.metadata.refresh.fast.cnt"),
	IGNORED("topic.metadata.refresh.fast.interval.ms"),
	IGNORED("topic.metadata.refresh.sparse"),
	IGNORED("transaction.timeout.ms"),
	{ "transactional.id", NULL, PROPERTY_TEXT, "", 0, 0,
	  NULL,
	  "Transactions: not there yet.",
	  false, FIELD(UNSUPPORTED, client_id, NULL) },
	IGNORED("value.deserializer"),
	IGNORED("value.serializer"),
};
/* clang-format on */

#undef FIELD
#undef IGNORED
#undef SECRET

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

static int refuse_level(const struct client_config *config,
			struct client_error *error)
{
	const char *codec = codec_name((int)config->compression);
	int min;
	int max;

	if (!codec_levels(config->compression, &min, &max))
		return client_error_set(
			error, CLIENT_USAGE, -EINVAL,
			"compression.level=%d: %s has no levels",
			config->compression_level, codec);
	return client_error_set(error, CLIENT_USAGE, -EINVAL,
				"compression.level=%d: not a level of %s, "
				"which has %d to %d",
				config->compression_level, codec, min, max);
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
		return refuse_level(config, error);
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
