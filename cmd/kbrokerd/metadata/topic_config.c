/*
 * topic_config.c - the effective configuration of a topic
 *
 * A topic's key that the topic does not set goes by its synonyms among the
 * broker's keys: the first one that anybody has set wins, be it dynamically
 * for this broker, dynamically for all, or in the node's properties.
 */
#include "topic_config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "record/compress.h"
#include "wire/enums.h"

void config_sources_init(struct config_sources *sources,
			 const struct image *image, int32_t node_id,
			 const struct properties *properties,
			 const struct config_set *own)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", node_id);
	*sources = (struct config_sources){
		.own = own,
		.broker = image_configs(image, WIRE_CONFIG_RESOURCE_TYPE_BROKER,
					slice_of(id)),
		.cluster = image_configs(
			image, WIRE_CONFIG_RESOURCE_TYPE_BROKER, slice_of("")),
		.node = properties,
	};
}

/* What a broker's key is set to, or NULL. */
static const char *find_set(const struct config_sources *sources,
			    const char *key)
{
	const char *value = config_set_get(sources->broker, key);

	if (value == NULL)
		value = config_set_get(sources->cluster, key);
	if (value == NULL && sources->node != NULL)
		value = properties_get(sources->node, key);
	return value;
}

/* A topic's key that stands nowhere but in its synonyms. */
static const char *find_synonym(const struct config_sources *sources,
				const struct config_def *def,
				int64_t *factor_out)
{
	*factor_out = 1;
	for (size_t i = 0; i < def->synonym_count; i++) {
		const char *value = find_set(sources, def->synonyms[i].name);

		if (value != NULL) {
			*factor_out = def->synonyms[i].factor;
			return value;
		}
	}
	return NULL;
}

/* Not above what 64 bits hold; below 0 is no limit whatever the unit. */
static int64_t scale(int64_t value, int64_t factor)
{
	int64_t scaled;

	if (factor == 1)
		return value;
	if (value < 0)
		return -1;
	return __builtin_mul_overflow(value, factor, &scaled) ? INT64_MAX
							      : scaled;
}

const char *config_topic_value(const struct config_sources *sources,
			       const struct config_def *def,
			       struct arena *arena)
{
	const char *value = config_set_get(sources->own, def->name);
	int64_t factor = 1;

	if (value == NULL)
		value = find_synonym(sources, def, &factor);
	if (value == NULL)
		return def->default_value;
	if (factor == 1)
		return value;
	return arena_printf(arena, "%lld",
			    (long long)scale(strtoll(value, NULL, 10), factor));
}

const char *config_broker_value(const struct config_sources *sources,
				const struct config_def *def)
{
	const char *value = find_set(sources, def->name);

	return value == NULL ? def->default_value : value;
}

const char *topic_config_default(const char *name,
				 const struct properties *properties)
{
	const struct config_def *def = config_def_find(CONFIG_TOPIC, name);
	const struct config_sources sources = { .node = properties };
	const char *value;
	int64_t factor;

	if (def == NULL)
		return NULL;
	value = find_synonym(&sources, def, &factor);
	return value == NULL || factor != 1 ? def->default_value : value;
}

/* Synonyms */

struct synonym_list {
	struct config_synonym_value *items;
	size_t count;
};

static void add_synonym(struct synonym_list *list, const char *name,
			const char *value, enum config_source source)
{
	if (value != NULL && list->count < CONFIG_SYNONYMS_MAX)
		list->items[list->count++] =
			(struct config_synonym_value){ name, value, source };
}

static const char *default_of(const char *broker_key)
{
	const struct config_def *def =
		config_def_find(CONFIG_BROKER, broker_key);

	return def == NULL ? NULL : def->default_value;
}

/* By source first, and in each by name, as Kafka lists them. */
static void add_broker_synonyms(const struct config_sources *sources,
				const struct config_synonym *names,
				size_t count, struct synonym_list *list)
{
	for (size_t i = 0; i < count; i++)
		add_synonym(list, names[i].name,
			    config_set_get(sources->broker, names[i].name),
			    CONFIG_SOURCE_DYNAMIC_BROKER);
	for (size_t i = 0; i < count; i++)
		add_synonym(list, names[i].name,
			    config_set_get(sources->cluster, names[i].name),
			    CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER);
	for (size_t i = 0; sources->node != NULL && i < count; i++)
		add_synonym(list, names[i].name,
			    properties_get(sources->node, names[i].name),
			    CONFIG_SOURCE_STATIC_BROKER);
	for (size_t i = 0; i < count; i++)
		add_synonym(list, names[i].name, default_of(names[i].name),
			    CONFIG_SOURCE_DEFAULT);
}

static void drop_before(struct synonym_list *list, size_t from,
			const char *name)
{
	size_t i = from;

	while (i < list->count && strcmp(list->items[i].name, name) != 0)
		i++;
	memmove(list->items + from, list->items + i,
		(list->count - i) * sizeof(*list->items));
	list->count -= i - from;
}

size_t config_topic_synonyms(
	const struct config_sources *sources, const struct config_def *def,
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX])
{
	struct synonym_list list = { synonyms, 0 };
	size_t own;

	add_synonym(&list, def->name, config_set_get(sources->own, def->name),
		    CONFIG_SOURCE_TOPIC);
	own = list.count;
	if (def->synonym_count > 0) {
		add_broker_synonyms(sources, def->synonyms, def->synonym_count,
				    &list);
		drop_before(&list, own, def->synonyms[0].name);
	}
	return list.count;
}

/* The topic's key of which the broker's key is a synonym, or NULL. */
static const struct config_def *topic_key_of(const char *broker_key)
{
	size_t count;
	const struct config_def *defs = config_defs(CONFIG_TOPIC, &count);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < defs[i].synonym_count; j++) {
			if (strcmp(defs[i].synonyms[j].name, broker_key) == 0)
				return &defs[i];
		}
	}
	return NULL;
}

size_t config_broker_synonyms(
	const struct config_sources *sources, const struct config_def *def,
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX])
{
	const struct config_def *topic = topic_key_of(def->name);
	const struct config_synonym self = { def->name, 1 };
	struct synonym_list list = { synonyms, 0 };

	if (topic != NULL && topic->synonym_count > 1)
		add_broker_synonyms(sources, topic->synonyms,
				    topic->synonym_count, &list);
	else
		add_broker_synonyms(sources, &self, 1, &list);
	drop_before(&list, 0, def->name);
	return list.count;
}

/* As numbers, truths and words */

#define BLANKS " \t\r\n\f\v"

enum { WORD_BYTES = 64 };

static const char *text_of(const struct config_sources *sources,
			   const char *name, int64_t *factor_out)
{
	const struct config_def *def = config_def_find(CONFIG_TOPIC, name);
	const char *value = config_set_get(sources->own, name);

	assert(def != NULL);
	*factor_out = 1;
	if (value == NULL)
		value = find_synonym(sources, def, factor_out);
	return value == NULL ? def->default_value : value;
}

static int64_t number_of(const struct config_sources *sources, const char *name)
{
	int64_t factor;
	const char *value = text_of(sources, name, &factor);

	return scale(strtoll(value, NULL, 10), factor);
}

bool config_is_true(const char *value)
{
	return strncasecmp(value + strspn(value, BLANKS), "true", 4) == 0;
}

static bool truth_of(const struct config_sources *sources, const char *name)
{
	int64_t factor;

	return config_is_true(text_of(sources, name, &factor));
}

/* A value that is one word, without the blanks that it was set with. */
static const char *word_of(const struct config_sources *sources,
			   const char *name, char word[WORD_BYTES])
{
	int64_t factor;
	const char *text = text_of(sources, name, &factor);

	text += strspn(text, BLANKS);
	snprintf(word, WORD_BYTES, "%.*s", (int)strcspn(text, BLANKS), text);
	return word;
}

static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list != '\0') {
		list += strspn(list, ", ");
		if (strncmp(list, word, len) == 0 &&
		    strchr(", ", list[len]) != NULL)
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

static void resolve_log(const struct config_sources *sources,
			struct log_config *log)
{
	const struct config_def *expiration =
		config_def_find(CONFIG_BROKER, "producer.id.expiration.ms");

	log->segment_bytes = number_of(sources, "segment.bytes");
	log->segment_ms = number_of(sources, "segment.ms");
	log->segment_jitter_ms = number_of(sources, "segment.jitter.ms");
	log->index_interval_bytes = number_of(sources, "index.interval.bytes");
	log->segment_index_bytes = number_of(sources, "segment.index.bytes");
	log->flush_messages = number_of(sources, "flush.messages");
	log->flush_ms = number_of(sources, "flush.ms");
	log->file_delete_delay_ms = number_of(sources, "file.delete.delay.ms");
	log->preallocate = truth_of(sources, "preallocate");
	log->producer_expiration_ms =
		strtoll(config_broker_value(sources, expiration), NULL, 10);
}

/* A level that is Kafka's default is left to the codec. */
static int level_of(const struct config_sources *sources, const char *name)
{
	int64_t level = number_of(sources, name);
	const struct config_def *def = config_def_find(CONFIG_TOPIC, name);

	if (level == strtoll(def->default_value, NULL, 10))
		return CODEC_LEVEL_DEFAULT;
	return (int)level;
}

static void resolve_compression(const struct config_sources *sources,
				struct topic_config *config)
{
	char word[WORD_BYTES];
	int codec = codec_by_name(word_of(sources, "compression.type", word));

	config->compression = codec < 0 ? -1 : codec;
	config->compression_level = CODEC_LEVEL_DEFAULT;
	if (codec == CODEC_GZIP)
		config->compression_level =
			level_of(sources, "compression.gzip.level");
	else if (codec == CODEC_LZ4)
		config->compression_level =
			level_of(sources, "compression.lz4.level");
	else if (codec == CODEC_ZSTD)
		config->compression_level =
			level_of(sources, "compression.zstd.level");
}

void topic_config_resolve(const struct image *image,
			  const struct topic_image *topic, int32_t node_id,
			  const struct properties *broker_properties,
			  struct topic_config *config_out)
{
	struct config_sources sources;
	int64_t factor;
	const char *policy;
	char word[WORD_BYTES];

	config_sources_init(&sources, image, node_id, broker_properties,
			    topic->configs);
	*config_out = (struct topic_config){ 0 };
	resolve_log(&sources, &config_out->log);
	resolve_compression(&sources, config_out);
	config_out->max_message_bytes =
		number_of(&sources, "max.message.bytes");
	config_out->retention_ms = number_of(&sources, "retention.ms");
	config_out->retention_bytes = number_of(&sources, "retention.bytes");
	policy = text_of(&sources, "cleanup.policy", &factor);
	config_out->compact = list_has(policy, "compact");
	config_out->delete_old = list_has(policy, "delete");
	config_out->log_append_time =
		strcmp(word_of(&sources, "message.timestamp.type", word),
		       "LogAppendTime") == 0;
	config_out->timestamp_before_max_ms =
		number_of(&sources, "message.timestamp.before.max.ms");
	config_out->timestamp_after_max_ms =
		number_of(&sources, "message.timestamp.after.max.ms");
	config_out->min_insync_replicas =
		(int32_t)number_of(&sources, "min.insync.replicas");
}
