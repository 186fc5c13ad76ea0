/*
 * options.c - the options of ktopics and of its verbs
 */
#include "ktopics/ktopics.h"

#define AT(field) OPTION_AT(struct ktopics_options, field)

/* Rows that several verbs have. */
#define ROW_HEADER                                                             \
	{                                                                      \
		.name = "header", .kind = OPTION_FLAG,                         \
		.offset = AT(run.header), .section = output,                   \
		.doc = "Print a header on a pipe too"                          \
	}
#define ROW_COLUMNS(words)                                                     \
	{                                                                      \
		.letter = 'o', .name = "columns", .arg = "NAME,...",           \
		.kind = OPTION_TEXT, .offset = AT(run.columns),                \
		.section = output,                                             \
		.doc = "Print these columns, in this order",                   \
		.choices = (words)                                             \
	}
#define ROW_INTERNAL                                                           \
	{                                                                      \
		.letter = 'i', .name = "internal", .kind = OPTION_FLAG,        \
		.offset = AT(internal), .section = selection,                  \
		.doc = "Internal topics too"                                   \
	}
#define ROW_DRY_RUN                                                            \
	{                                                                      \
		.letter = 'n', .name = "dry-run", .kind = OPTION_FLAG,         \
		.offset = AT(run.dry_run), .section = change,                  \
		.doc = "Change nothing, but do every check and exit as the "   \
		       "real run "                                             \
		       "would"                                                 \
	}
#define ROW_WAIT(sentence)                                                     \
	{                                                                      \
		.name = "wait", .arg = "[=T]", .kind = OPTION_TEXT,            \
		.offset = AT(wait), .section = change, .doc = (sentence)       \
	}
#define ROW_BROKER                                                             \
	{                                                                      \
		.name = "broker", .arg = "ID", .kind = OPTION_INT,             \
		.offset = AT(broker), .low = 0, .high = INT32_MAX,             \
		.section = selection,                                          \
		.doc = "A broker's properties, not a topic's"                  \
	}

static const char output[] = "Output";
static const char selection[] = "Selection";
static const char change[] = "Change";

static const struct option_row list_options[] = {
	{ .letter = 'l',
	  .name = "long",
	  .kind = OPTION_FLAG,
	  .offset = AT(long_list),
	  .section = output,
	  .doc = "Partitions, replicas, bytes, records and last write too" },
	ROW_COLUMNS("name|partitions|replicas|bytes|records|last_write|"
		    "internal|id"),
	ROW_HEADER,
	ROW_INTERNAL,
	{ 0 },
};

static const struct option_row describe_options[] = {
	ROW_COLUMNS("topic|partition|leader|epoch|replicas|isr|offline|start|"
		    "end"),
	ROW_HEADER,
	ROW_INTERNAL,
	{ .name = "under-replicated",
	  .kind = OPTION_FLAG,
	  .offset = AT(under_replicated),
	  .section = selection,
	  .doc = "Only partitions with replicas that are not in sync" },
	{ .name = "unavailable",
	  .kind = OPTION_FLAG,
	  .offset = AT(unavailable),
	  .section = selection,
	  .doc = "Only partitions without a leader" },
	{ .name = "under-min-isr",
	  .kind = OPTION_FLAG,
	  .offset = AT(under_min_isr),
	  .section = selection,
	  .doc = "Only partitions with fewer replicas in sync than "
		 "min.insync.replicas" },
	{ .name = "at-min-isr",
	  .kind = OPTION_FLAG,
	  .offset = AT(at_min_isr),
	  .section = selection,
	  .doc = "Only partitions with just min.insync.replicas in sync" },
	{ .name = "fail",
	  .kind = OPTION_FLAG,
	  .offset = AT(fail),
	  .section = selection,
	  .doc = "Exit with 1 if any partition is shown" },
	{ 0 },
};

static const struct option_row create_options[] = {
	{ .letter = 'p',
	  .name = "partitions",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(partitions),
	  .low = 1,
	  .high = 1000000,
	  .section = change,
	  .doc = "Number of partitions",
	  .def = "the broker's num.partitions" },
	{ .letter = 'r',
	  .name = "replicas",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(replicas),
	  .low = 1,
	  .high = 32767,
	  .section = change,
	  .doc = "Replicas of each partition",
	  .def = "the broker's default.replication.factor" },
	{ .letter = 'o',
	  .name = "set",
	  .arg = "NAME=VALUE",
	  .kind = OPTION_TEXTS,
	  .offset = AT(configs),
	  .section = change,
	  .doc = "Set a property of the topic: retention.ms=7d",
	  .complete = "topic-property" },
	{ .name = "assign",
	  .arg = "B:B,B:B,...",
	  .kind = OPTION_TEXT,
	  .offset = AT(assign),
	  .section = change,
	  .doc = "Brokers of each partition, the first one leading: 1:2,2:3" },
	{ .name = "if-not-exists",
	  .kind = OPTION_FLAG,
	  .offset = AT(if_not_exists),
	  .section = change,
	  .doc = "A topic that is there already is fine; 1 if it is not as "
		 "asked for" },
	ROW_WAIT("Wait until every broker has it, with leaders and all "
		 "replicas in sync, at most T (30s)"),
	ROW_DRY_RUN,
	{ 0 },
};

static const struct option_row delete_options[] = {
	{ .letter = 'y',
	  .name = "yes",
	  .kind = OPTION_FLAG,
	  .offset = AT(run.yes),
	  .section = change,
	  .doc = "Do not ask; needed where stdin is no terminal" },
	{ .name = "if-exists",
	  .kind = OPTION_FLAG,
	  .offset = AT(if_exists),
	  .section = change,
	  .doc = "A topic that is not there is fine" },
	ROW_WAIT("Wait until no broker has it any more, at most T (30s)"),
	ROW_DRY_RUN,
	{ 0 },
};

static const struct option_row get_options[] = {
	ROW_COLUMNS("topic|property|value|source|default|read_only"),
	ROW_HEADER,
	ROW_INTERNAL,
	ROW_BROKER,
	{ 0 },
};

static const struct option_row set_options[] = {
	ROW_BROKER,
	ROW_DRY_RUN,
	{ 0 },
};

static const struct option_row partitions_options[] = {
	ROW_WAIT("Wait until every broker has them, with leaders and all "
		 "replicas in sync, at most T (30s)"),
	ROW_DRY_RUN,
	{ 0 },
};

static const struct option_row offsets_options[] = {
	{ .name = "at",
	  .arg = "T",
	  .kind = OPTION_TEXT,
	  .offset = AT(at),
	  .section = selection,
	  .doc = "Also the offset of the first record at or after T: -1h, "
		 "2026-08-01T10:00Z, ms" },
	ROW_COLUMNS("topic|partition|start|end|records|at|at_time"),
	ROW_HEADER,
	ROW_INTERNAL,
	{ 0 },
};

static const struct option_row trim_options[] = {
	{ .name = "before",
	  .arg = "T",
	  .kind = OPTION_TEXT,
	  .offset = AT(before),
	  .section = selection,
	  .doc = "Up to the first record at or after T: -7d, "
		 "2026-08-01T10:00Z, ms; or end: all" },
	{ .name = "offset",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(to_offset),
	  .section = selection,
	  .low = 0,
	  .high = INT64_MAX,
	  .doc = "Up to offset N" },
	{ .letter = 'p',
	  .name = "partition",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(partition),
	  .section = selection,
	  .low = 0,
	  .high = INT32_MAX,
	  .doc = "Only this partition",
	  .def = "all" },
	{ .letter = 'y',
	  .name = "yes",
	  .kind = OPTION_FLAG,
	  .offset = AT(run.yes),
	  .section = change,
	  .doc = "Do not ask; needed where stdin is no terminal" },
	ROW_DRY_RUN,
	ROW_COLUMNS("topic|partition|start|to|records|bytes"),
	ROW_HEADER,
	{ 0 },
};

static const struct option_row du_options[] = {
	{ .letter = 's',
	  .name = "summary",
	  .kind = OPTION_FLAG,
	  .offset = AT(summary),
	  .section = output,
	  .doc = "One row for each topic, all replicas together" },
	ROW_COLUMNS("topic|partition|broker|bytes|lag|dir|future"),
	ROW_HEADER,
	ROW_INTERNAL,
	{ 0 },
};

static const struct option_row who_options[] = {
	{ .letter = 'a',
	  .name = "all",
	  .kind = OPTION_FLAG,
	  .offset = AT(all),
	  .section = selection,
	  .doc = "Also who has written nothing for an hour" },
	{ .name = "http",
	  .arg = "HOST[:PORT]",
	  .kind = OPTION_TEXTS,
	  .offset = AT(https),
	  .section = selection,
	  .doc = "Ask the page of this kbrokerd too, for names" },
	ROW_COLUMNS("topic|role|group|state|client_id|host|partitions|member|"
		    "producer|epoch|last_write|transaction"),
	ROW_HEADER,
	ROW_INTERNAL,
	{ 0 },
};

static const struct option_verb verbs[] = {
	{ .name = "list",
	  .alias = "ls",
	  .operands = "[GLOB...]",
	  .doc = "List topics",
	  .options = list_options,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_list,
	  .example = "ktopics list -l 'app-*'" },
	{ .name = "describe",
	  .operands = "[GLOB...]",
	  .doc = "Show leaders, replicas and offsets of partitions",
	  .options = describe_options,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_describe,
	  .example = "ktopics describe orders" },
	{ .name = "create",
	  .operands = "TOPIC...",
	  .doc = "Create topics",
	  .options = create_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .run = ktopics_create,
	  .example = "ktopics create orders -p 6 -o cleanup.policy=compact "
		     "--if-not-exists --wait" },
	{ .name = "delete",
	  .alias = "rm",
	  .operands = "TOPIC...",
	  .doc = "Delete topics and their records",
	  .options = delete_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_delete,
	  .example = "ktopics delete old -y --if-exists" },
	{ .name = "get",
	  .operands = "all|NAME,... [GLOB...]",
	  .doc = "Show properties, where each comes from, and its default",
	  .options = get_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_get,
	  .example = "ktopics get retention.ms,segment.bytes orders" },
	{ .name = "set",
	  .operands = "NAME=VALUE... [TOPIC...]",
	  .doc = "Set properties",
	  .options = set_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_set,
	  .example =
		  "ktopics set retention.ms=7d segment.bytes=256MiB orders" },
	{ .name = "unset",
	  .operands = "NAME,... [TOPIC...]",
	  .doc = "Give properties their default again",
	  .options = set_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_unset,
	  .example = "ktopics unset retention.ms orders" },
	{ .name = "partitions",
	  .operands = "TOPIC N",
	  .doc = "Raise the number of partitions to N",
	  .options = partitions_options,
	  .operands_min = 2,
	  .operands_max = 2,
	  .complete = "topic",
	  .run = ktopics_partitions,
	  .example = "ktopics partitions orders 12" },
	{ .name = "offsets",
	  .operands = "[GLOB...]",
	  .doc = "Show the first and the next offset of partitions",
	  .options = offsets_options,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_offsets,
	  .example = "ktopics offsets orders --at -1h" },
	{ .name = "trim",
	  .operands = "TOPIC...",
	  .doc = "Delete the oldest records of partitions",
	  .options = trim_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_trim,
	  .example = "ktopics trim orders --before -7d -n" },
	{ .name = "du",
	  .operands = "[GLOB...]",
	  .doc = "Show what partitions take on the disks of brokers",
	  .options = du_options,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_du,
	  .example = "ktopics du -s" },
	{ .name = "who",
	  .operands = "GLOB...",
	  .doc = "Show who reads and who writes a topic",
	  .options = who_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "topic",
	  .run = ktopics_who,
	  .example = "ktopics who orders" },
	{ 0 },
};

static const struct option_row *const tables[] = { common_options_table, NULL };

static const char *const examples[] = {
	"ktopics list -l                       # all topics, with sizes",
	"ktopics create orders -p 3            # three partitions",
	"ktopics set retention.ms=7d orders    # keep a week",
	"ktopics delete old -y                 # gone",
	NULL,
};

const struct option_tool ktopics_tool = {
	.name = "ktopics",
	.doc = "Create, look at, change and delete topics",
	.operands = "[OPERAND...]",
	.tables = tables,
	.verbs = verbs,
	.examples = examples,
	.verbless = common_verbless,
};
