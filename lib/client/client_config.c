/*
 * client_config.c - properties of the client, by librdkafka's names
 *
 * What a property is, its row says (client_property.c).  Nothing in this file
 * knows one by name but for client_config_finish(), which knows what some of
 * them mean to each other.
 */
#include "client/client_config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/units.h"
#include "client/client_property.h"

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

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

const struct client_property *client_properties(size_t *count_out)
{
	*count_out = client_property_count;
	return client_property_table;
}

static const struct client_property *by_name(const char *name)
{
	for (size_t i = 0; i < client_property_count; i++) {
		const struct client_property *p = &client_property_table[i];

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
	const char *names[2 * CLIENT_PROPERTIES_MAX + ARRAY_LEN(more_aliases)];
	size_t count = 0;

	for (size_t i = 0; i < client_property_count; i++) {
		names[count++] = client_property_table[i].name;
		if (client_property_table[i].alias != NULL)
			names[count++] = client_property_table[i].alias;
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
	for (size_t i = 0; i < client_property_count; i++) {
		const struct client_property *p = &client_property_table[i];

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
	free(config->group_id);
	free(config->group_instance_id);
	free(config->group_remote_assignor);
	free(config->assignment_strategy);
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
	index = (size_t)(p - client_property_table);
	config->set_bits[index / 64] |= (uint64_t)1 << (index % 64);
	return 0;
}

bool client_config_was_set(const struct client_config *config, const char *name)
{
	size_t index = (size_t)(by_name(name) - client_property_table);

	return config->set_bits[index / 64] >> (index % 64) & 1;
}

static int finish_idempotence(struct client_config *config,
			      struct client_error *error)
{
	bool is_wanted = client_config_was_set(config, "enable.idempotence");

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
		    client_config_was_set(
			    config, "max.in.flight.requests.per.connection"))
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
	    !client_config_was_set(config, "receive.message.max.bytes"))
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
