/*
 * group_families.c - the metrics of groups
 *
 * Groups have series up to metrics.group.limit; lag is of a group and a topic,
 * and with metrics.partitions of each partition too.
 */
#include "kbrokerd/metrics/group_families.h"

#include "kbrokerd/broker.h"
#include "kbrokerd/metrics/groups.h"
#include "kbrokerd/metrics/metrics.h"

static int read_facts(const struct metrics *m, struct group_facts *facts)
{
	struct broker *broker = m->broker;
	int64_t limit = config_int(broker->config, "metrics.group.limit");

	return group_facts_read(facts, broker, (size_t)limit,
				broker->clock->wall_ms(broker->clock));
}

/* The coordinator */

static void write_counts(struct exposition *e, const struct group_facts *facts)
{
	exposition_family(e, "kbrokerd_groups", EXPOSITION_GAUGE,
			  "Groups that this node coordinates.");
	for (size_t i = 0; i < facts->tally_count; i++) {
		exposition_label(e, "type", facts->tallies[i].type);
		exposition_label(e, "state", facts->tallies[i].state);
		exposition_int(e, facts->tallies[i].count);
	}
	exposition_one(e, "kbrokerd_groups_not_exported", EXPOSITION_GAUGE,
		       "Groups without series, beyond metrics.group.limit.",
		       (int64_t)facts->left_out);
	exposition_one(e, "kbrokerd_members", EXPOSITION_GAUGE,
		       "Members of all groups.", facts->member_count);
	exposition_family(e, "kbrokerd_group_rebalances", EXPOSITION_COUNTER,
			  "Rebalances of groups, since they were loaded.");
	exposition_label(e, "type", "classic");
	exposition_int(e, facts->counters.classic_rebalances);
	exposition_label(e, "type", "consumer");
	exposition_int(e, facts->counters.consumer_rebalances);
	exposition_one(e, "kbrokerd_offset_commits", EXPOSITION_COUNTER,
		       "Offsets of partitions that were committed.",
		       facts->counters.commits);
	exposition_one(e, "kbrokerd_offset_expirations", EXPOSITION_COUNTER,
		       "Committed offsets that went with age.",
		       facts->counters.expired);
}

static void write_members(struct exposition *e, const struct group_facts *facts)
{
	exposition_family(e, "kbrokerd_group_members", EXPOSITION_GAUGE,
			  "Members of the group.");
	for (size_t i = 0; i < facts->group_count; i++) {
		exposition_label_slice(e, "group", facts->groups[i].id);
		exposition_int(e, facts->groups[i].member_count);
	}
	exposition_family(e, "kbrokerd_group_state", EXPOSITION_GAUGE,
			  "1 for the state that the group is in.");
	for (size_t i = 0; i < facts->group_count; i++) {
		exposition_label_slice(e, "group", facts->groups[i].id);
		exposition_label(e, "state", facts->groups[i].state);
		exposition_int(e, 1);
	}
}

/* Lag of topics */

static void put_records(struct exposition *e, const struct group_lag *sum)
{
	exposition_int(e, sum->records);
}

static void put_seconds(struct exposition *e, const struct group_lag *sum)
{
	exposition_ms(e, sum->ms);
}

typedef void lag_sample(struct exposition *e, const struct group_lag *lag);

static void write_topics(struct exposition *e, const struct group_row *row,
			 lag_sample *put)
{
	struct group_lag sum = { 0 };

	for (size_t i = 0; i < row->lag_count; i++) {
		const struct group_lag *lag = &row->lags[i];

		sum.records += lag->records;
		if (lag->ms > sum.ms)
			sum.ms = lag->ms;
		if (!lag->is_last)
			continue;
		exposition_label_slice(e, "group", row->id);
		exposition_label(e, "topic", lag->topic);
		put(e, &sum);
		sum = (struct group_lag){ 0 };
	}
}

static void write_lag(struct exposition *e, const struct group_facts *facts)
{
	exposition_family(e, "kbrokerd_group_lag_records", EXPOSITION_GAUGE,
			  "Records of the topic that the group has not "
			  "committed yet.");
	for (size_t i = 0; i < facts->group_count; i++)
		write_topics(e, &facts->groups[i], put_records);
	exposition_family(e, "kbrokerd_group_lag_seconds", EXPOSITION_GAUGE,
			  "How old the oldest of these records is.");
	for (size_t i = 0; i < facts->group_count; i++)
		write_topics(e, &facts->groups[i], put_seconds);
}

/* Lag of partitions */

static void put_offset(struct exposition *e, const struct group_lag *lag)
{
	exposition_int(e, lag->offset);
}

struct partition_family {
	const char *name, *help;
	lag_sample *put;
};

static const struct partition_family own_families[] = {
	{ "kbrokerd_group_partition_offset",
	  "Offset that the group has committed.", put_offset },
	{ "kbrokerd_group_partition_lag_records",
	  "Records of the partition that the group has not committed yet.",
	  put_records },
	{ "kbrokerd_group_partition_lag_seconds",
	  "How old the oldest of these records is.", put_seconds },
};

static const struct partition_family kafka_families[] = {
	{ "kafka_consumergroup_current_offset",
	  "Offset that the group has committed.", put_offset },
	{ "kafka_consumergroup_lag",
	  "Records of the partition that the group has not committed yet.",
	  put_records },
};

static void write_partitions(struct exposition *e,
			     const struct group_facts *facts,
			     const struct partition_family *family,
			     const char *group_label)
{
	exposition_family(e, family->name, EXPOSITION_GAUGE, family->help);
	for (size_t i = 0; i < facts->group_count; i++) {
		const struct group_row *row = &facts->groups[i];

		for (size_t k = 0; k < row->lag_count; k++) {
			if (family->put == put_offset &&
			    row->lags[k].offset < 0)
				continue; /* nothing is committed */
			exposition_label_slice(e, group_label, row->id);
			exposition_label(e, "topic", row->lags[k].topic);
			exposition_label_int(e, "partition",
					     row->lags[k].partition);
			family->put(e, &row->lags[k]);
		}
	}
}

void group_families_write(struct exposition *e, const struct metrics *m)
{
	size_t count = sizeof(own_families) / sizeof(*own_families);
	struct group_facts facts;

	if (read_facts(m, &facts) < 0) {
		e->out->failed = true;
	} else {
		write_counts(e, &facts);
		write_members(e, &facts);
		write_lag(e, &facts);
		if (!config_bool(m->broker->config, "metrics.partitions"))
			count = 0;
		for (size_t i = 0; i < count; i++)
			write_partitions(e, &facts, &own_families[i], "group");
	}
	group_facts_clear(&facts);
}

/* kafka_exporter's names */

static void write_kafka_sums(struct exposition *e,
			     const struct group_facts *facts)
{
	exposition_family(e, "kafka_consumergroup_lag_sum", EXPOSITION_GAUGE,
			  "Records of the topic that the group has not "
			  "committed yet.");
	for (size_t i = 0; i < facts->group_count; i++) {
		const struct group_row *row = &facts->groups[i];
		int64_t sum = 0;

		for (size_t k = 0; k < row->lag_count; k++) {
			sum += row->lags[k].records;
			if (!row->lags[k].is_last)
				continue;
			exposition_label_slice(e, "consumergroup", row->id);
			exposition_label(e, "topic", row->lags[k].topic);
			exposition_int(e, sum);
			sum = 0;
		}
	}
}

void group_families_write_kafka(struct exposition *e, const struct metrics *m)
{
	struct group_facts facts;

	if (read_facts(m, &facts) < 0) {
		e->out->failed = true;
		group_facts_clear(&facts);
		return;
	}
	for (size_t i = 0; i < sizeof(kafka_families) / sizeof(*kafka_families);
	     i++)
		write_partitions(e, &facts, &kafka_families[i],
				 "consumergroup");
	write_kafka_sums(e, &facts);
	exposition_family(e, "kafka_consumergroup_members", EXPOSITION_GAUGE,
			  "Members of the group.");
	for (size_t i = 0; i < facts.group_count; i++) {
		exposition_label_slice(e, "consumergroup", facts.groups[i].id);
		exposition_int(e, facts.groups[i].member_count);
	}
	group_facts_clear(&facts);
}
