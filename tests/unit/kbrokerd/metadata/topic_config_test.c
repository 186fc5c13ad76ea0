/*
 * topic_config_test.c - where a topic's configuration comes from
 */
#include "metadata_kit.h"

#include "kbrokerd/metadata/topic_config.h"
#include "record/compress.h"

struct fixture {
	struct image *image;
	struct properties properties;
	struct arena arena;
};

static void put(struct fixture *f, int8_t type, const char *resource,
		const char *name, const char *value)
{
	struct config_record r;

	wire_init(&config_record_desc, &r);
	r.resource_type = type;
	r.resource_name = slice_of(resource);
	r.name = slice_of(name);
	r.value = slice_of(value);
	assert_int_equal(image_edit_apply(f->image, &config_record_desc, 0, &r,
					  SLICE_NULL),
			 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct topic_record r;

	assert_non_null(f);
	f->image = image_edit_begin(NULL);
	wire_init(&topic_record_desc, &r);
	r.name = slice_of("t");
	assert_int_equal(image_edit_apply(f->image, &topic_record_desc, 0, &r,
					  SLICE_NULL),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	image_release(f->image);
	properties_clear(&f->properties);
	arena_clear(&f->arena);
	free(f);
	return 0;
}

static struct topic_config resolve(struct fixture *f)
{
	struct topic_config config;

	topic_config_resolve(f->image, image_topic(f->image, slice_of("t")), 1,
			     &f->properties, &config);
	return config;
}

static void defaults_are_kafkas(void **state)
{
	struct topic_config c = resolve(*state);

	assert_int_equal(c.log.segment_bytes, 1 << 30);
	assert_int_equal(c.log.segment_ms, 604800000);
	assert_int_equal(c.log.index_interval_bytes, 4096);
	assert_int_equal(c.log.segment_index_bytes, 10 << 20);
	assert_int_equal(c.log.flush_messages, INT64_MAX);
	assert_int_equal(c.log.producer_expiration_ms, 86400000);
	assert_false(c.log.preallocate);
	assert_int_equal(c.max_message_bytes, 1048588);
	assert_int_equal(c.retention_ms, 604800000);
	assert_int_equal(c.retention_bytes, -1);
	assert_true(c.delete_old);
	assert_false(c.compact);
	assert_false(c.log_append_time);
	assert_int_equal(c.timestamp_before_max_ms, INT64_MAX);
	assert_int_equal(c.timestamp_after_max_ms, 3600000);
	assert_int_equal(c.min_insync_replicas, 1);
	assert_int_equal(c.compression, -1);
}

/* Each step of the chain overrides the ones before it. */
static void the_nearest_setting_wins(void **state)
{
	struct fixture *f = *state;

	properties_set(&f->properties, "log.retention.hours", "2", "test");
	assert_int_equal(resolve(f).retention_ms, 2 * 3600000);
	properties_set(&f->properties, "log.retention.minutes", "3", "test");
	assert_int_equal(resolve(f).retention_ms, 3 * 60000);
	properties_set(&f->properties, "log.retention.ms", "4", "test");
	assert_int_equal(resolve(f).retention_ms, 4);
	put(f, 4, "", "log.retention.ms", "5");
	assert_int_equal(resolve(f).retention_ms, 5);
	put(f, 4, "1", "log.retention.ms", "6");
	assert_int_equal(resolve(f).retention_ms, 6);
	put(f, 4, "2", "log.retention.ms", "66"); /* another broker */
	assert_int_equal(resolve(f).retention_ms, 6);
	put(f, 2, "t", "retention.ms", "7");
	assert_int_equal(resolve(f).retention_ms, 7);
	put(f, 2, "t", "retention.ms", NULL);
	assert_int_equal(resolve(f).retention_ms, 6);
}

static void no_limit_stays_none_in_any_unit(void **state)
{
	struct fixture *f = *state;

	properties_set(&f->properties, "log.retention.hours", "-1", "test");
	assert_int_equal(resolve(f).retention_ms, -1);
	properties_set(&f->properties, "log.roll.hours", "9223372036854775807",
		       "test");
	assert_int_equal(resolve(f).log.segment_ms, INT64_MAX);
}

static void words_become_what_they_mean(void **state)
{
	struct fixture *f = *state;
	struct topic_config c;

	put(f, 2, "t", "cleanup.policy", "compact, delete");
	put(f, 2, "t", "message.timestamp.type", "LogAppendTime");
	put(f, 2, "t", "compression.type", "zstd");
	put(f, 2, "t", "compression.zstd.level", "7");
	put(f, 2, "t", "preallocate", "TRUE");
	c = resolve(f);
	assert_true(c.compact);
	assert_true(c.delete_old);
	assert_true(c.log_append_time);
	assert_int_equal(c.compression, CODEC_ZSTD);
	assert_int_equal(c.compression_level, 7);
	assert_true(c.log.preallocate);

	put(f, 2, "t", "cleanup.policy", "compact");
	put(f, 2, "t", "compression.type", "uncompressed");
	c = resolve(f);
	assert_false(c.delete_old);
	assert_int_equal(c.compression, CODEC_NONE);
}

static void assert_synonyms(const struct fixture *f, const char *key,
			    const struct config_synonym_value *want,
			    size_t count)
{
	struct config_synonym_value got[CONFIG_SYNONYMS_MAX];
	struct config_sources sources;

	config_sources_init(&sources, f->image, 1, &f->properties,
			    image_topic(f->image, slice_of("t"))->configs);
	assert_int_equal(
		config_topic_synonyms(&sources,
				      config_def_find(CONFIG_TOPIC, key), got),
		count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(got[i].name, want[i].name);
		assert_string_equal(got[i].value, want[i].value);
		assert_int_equal(got[i].source, want[i].source);
	}
}

/* As Apache Kafka 4.2 answered the same. */
static void synonyms_are_told_as_kafka_tells_them(void **state)
{
	static const struct config_synonym_value all[] = {
		{ "retention.ms", "77", CONFIG_SOURCE_TOPIC },
		{ "log.retention.ms", "777777",
		  CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER },
		{ "log.retention.hours", "5", CONFIG_SOURCE_STATIC_BROKER },
		{ "log.retention.hours", "168", CONFIG_SOURCE_DEFAULT },
	};
	static const struct config_synonym_value segment[] = {
		{ "log.segment.bytes", "2000000", CONFIG_SOURCE_STATIC_BROKER },
		{ "log.segment.bytes", "1073741824", CONFIG_SOURCE_DEFAULT },
	};
	struct fixture *f = *state;

	properties_set(&f->properties, "log.retention.hours", "5", "test");
	properties_set(&f->properties, "log.segment.bytes", "2000000", "test");
	/* Only keys of another name: none is told. */
	assert_synonyms(f, "retention.ms", NULL, 0);
	assert_synonyms(f, "remote.storage.enable", NULL, 0);
	assert_synonyms(f, "segment.bytes", segment, ARRAY_LEN(segment));

	put(f, 4, "", "log.retention.ms", "777777");
	put(f, 2, "t", "retention.ms", "77");

	assert_synonyms(f, "retention.ms", all, ARRAY_LEN(all));
}

static void blanks_and_capitals_change_nothing(void **state)
{
	struct fixture *f = *state;
	struct topic_config c;

	put(f, 2, "t", "compression.type", " gzip ");
	put(f, 2, "t", "message.timestamp.type", "LogAppendTime ");
	put(f, 2, "t", "preallocate", " TRUE");
	c = resolve(f);

	assert_int_equal(c.compression, CODEC_GZIP);
	assert_true(c.log_append_time);
	assert_true(c.log.preallocate);
	assert_false(config_is_true(" False"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_kafkas),
		TEST(the_nearest_setting_wins),
		TEST(no_limit_stays_none_in_any_unit),
		TEST(words_become_what_they_mean),
		TEST(blanks_and_capitals_change_nothing),
		TEST(synonyms_are_told_as_kafka_tells_them),
	};

	return cmocka_run_group_tests_name("topic_config", tests, NULL, NULL);
}
