/*
 * coordinator_settings.c - what the configuration says of groups
 */
#include <stdio.h>
#include <string.h>

#include "kbrokerd/group/coordinator_private.h"

enum {
	MS_PER_MINUTE = 60000,
	/* Who comes at the same moment is in the first generation, too, and
	 * need not wait for a heartbeat of who came first. */
	BURST_MS = 10,
};

static const struct {
	const char *name;
	enum group_migration migration;
} policies[] = {
	{ "disabled", MIGRATION_DISABLED },
	{ "upgrade", MIGRATION_UPGRADE },
	{ "downgrade", MIGRATION_DOWNGRADE },
	{ "bidirectional", MIGRATION_BIDIRECTIONAL },
};

static enum group_migration policy_of(const char *text)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (strcasecmp(policies[i].name, text) == 0)
			return policies[i].migration;
	}
	return MIGRATION_BIDIRECTIONAL;
}

/* Is word in the list "a, b,c"? */
static bool lists(const char *list, const char *word)
{
	char copy[512];
	char *rest;

	snprintf(copy, sizeof(copy), "%s", list);
	for (char *item = strtok_r(copy, ", ", &rest); item != NULL;
	     item = strtok_r(NULL, ", ", &rest)) {
		if (strcasecmp(item, word) == 0)
			return true;
	}
	return false;
}

static void read_assignors(struct coordinator *c, const char *text)
{
	struct group_settings *s = &c->settings;
	char *rest;

	snprintf(c->assignors, sizeof(c->assignors), "%s", text);
	for (char *item = strtok_r(c->assignors, ", ", &rest);
	     item != NULL && s->assignor_count < GROUP_ASSIGNORS_MAX;
	     item = strtok_r(NULL, ", ", &rest))
		s->assignors[s->assignor_count++] = item;
}

static int32_t int_setting(const struct config *config, const char *key)
{
	return (int32_t)config_int(config, key);
}

static int32_t at_least(int32_t value, int32_t least)
{
	return value > least ? value : least;
}

void coordinator_read_settings(struct coordinator *c,
			       const struct config *config)
{
	const char *protocols =
		config_text(config, "group.coordinator.rebalance.protocols");

	c->settings = (struct group_settings){
		.initial_rebalance_delay_ms = at_least(
			int_setting(config, "group.initial.rebalance.delay.ms"),
			BURST_MS),
		.min_session_timeout_ms =
			int_setting(config, "group.min.session.timeout.ms"),
		.max_session_timeout_ms =
			int_setting(config, "group.max.session.timeout.ms"),
		.max_size = int_setting(config, "group.max.size"),
		.classic_is_on = lists(protocols, "classic"),
		.consumer_is_on = lists(protocols, "consumer"),
		.migration = policy_of(
			config_text(config, "group.consumer.migration.policy")),
		.consumer_max_size =
			int_setting(config, "group.consumer.max.size"),
		.regex_refresh_ms = int_setting(
			config, "group.consumer.regex.refresh.interval.ms"),
		.offsets_retention_ms =
			config_int(config, "offsets.retention.minutes") *
			MS_PER_MINUTE,
		.offsets_check_interval_ms = config_int(
			config, "offsets.retention.check.interval.ms"),
		.offset_metadata_max_bytes =
			int_setting(config, "offset.metadata.max.bytes"),
	};
	read_assignors(c, config_text(config, "group.consumer.assignors"));
	c->memory.max = config_int(config, "group.memory.max.bytes");
	c->told_full_ms = INT64_MIN / 2;
	c->codec = (enum codec)config_int(config,
					  "offsets.topic.compression.codec");
	if (c->codec >= CODEC_COUNT)
		c->codec = CODEC_NONE;
}
