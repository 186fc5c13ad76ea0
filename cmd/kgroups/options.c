/*
 * options.c - the options of kgroups and of its verbs
 */
#include "kgroups/kgroups.h"

#define AT(field) OPTION_AT(struct kgroups_options, field)

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
#define ROW_TOPICS                                                             \
	{                                                                      \
		.letter = 't', .name = "topic", .arg = "TOPIC[:0,2-5]",        \
		.kind = OPTION_TEXTS, .offset = AT(topics),                    \
		.section = selection,                                          \
		.doc = "Only this topic, or these of its partitions; "         \
		       "repeatable",                                           \
		.complete = "topic"                                            \
	}
#define ROW_DRY_RUN                                                            \
	{                                                                      \
		.letter = 'n', .name = "dry-run", .kind = OPTION_FLAG,         \
		.offset = AT(run.dry_run), .section = change,                  \
		.doc = "Change nothing, but do every check and exit as the "   \
		       "real run would"                                        \
	}
#define ROW_YES                                                                \
	{                                                                      \
		.letter = 'y', .name = "yes", .kind = OPTION_FLAG,             \
		.offset = AT(run.yes), .section = change,                      \
		.doc = "Do not ask; needed where stdin is no terminal"         \
	}
#define ROW_UNDO                                                               \
	{                                                                      \
		.name = "undo", .arg = "FILE", .kind = OPTION_TEXT,            \
		.offset = AT(undo), .section = change,                         \
		.doc = "Write the plan of the way back there",                 \
		.def = "kgroups-undo-TIME.csv", .complete = "file"             \
	}
#define ROW_FORCE                                                              \
	{                                                                      \
		.name = "force", .kind = OPTION_FLAG, .offset = AT(force),     \
		.section = change,                                             \
		.doc = "Set offsets also where something else is committed "   \
		       "than the plan says, and beyond the end"                \
	}
#define ROW_WAIT_EMPTY                                                         \
	{                                                                      \
		.name = "wait-empty", .arg = "T", .kind = OPTION_DURATION,     \
		.offset = AT(wait_empty_ms), .low = 1, .section = change,      \
		.doc = "Wait until the groups have no members, at most T"      \
	}
#define ROW_GROUP                                                              \
	{                                                                      \
		.letter = 'G', .name = "group", .arg = "GROUP",                \
		.kind = OPTION_TEXT, .offset = AT(group),                      \
		.section = selection,                                          \
		.doc = "The group of rows that name none", .complete = "group" \
	}

static const char output[] = "Output";
static const char selection[] = "Selection";
static const char change[] = "Change";
static const char limits[] = "Limits";

static const struct option_row list_options[] = {
	{ .letter = 'l',
	  .name = "long",
	  .kind = OPTION_FLAG,
	  .offset = AT(long_list),
	  .section = output,
	  .doc = "State, type, protocol, coordinator, members and lag too" },
	ROW_COLUMNS("group|state|type|protocol|coordinator|members|lag"),
	ROW_HEADER,
	{ .name = "state",
	  .arg = "STATE,...",
	  .kind = OPTION_TEXT,
	  .offset = AT(states),
	  .section = selection,
	  .doc = "Only groups in these states",
	  .choices = "empty|stable|preparingrebalance|completingrebalance|"
		     "assigning|reconciling|dead" },
	{ .name = "type",
	  .arg = "TYPE,...",
	  .kind = OPTION_TEXT,
	  .offset = AT(types),
	  .section = selection,
	  .doc = "Only groups of these types; simple ones only commit offsets",
	  .choices = "classic|consumer|simple|share|streams" },
	{ 0 },
};

static const struct option_row describe_options[] = {
	ROW_COLUMNS("group|state|type|protocol|assignor|coordinator|epoch|"
		    "assignment_epoch|members|partitions|lag"),
	ROW_HEADER,
	{ 0 },
};

static const struct option_row members_options[] = {
	ROW_COLUMNS("group|member|client_id|host|instance|rack|epoch|"
		    "partitions|assigned|target|subscribed"),
	ROW_HEADER,
	{ 0 },
};

static const struct option_row lag_options[] = {
	ROW_TOPICS,
	{ .name = "time",
	  .kind = OPTION_FLAG,
	  .offset = AT(time),
	  .section = output,
	  .doc = "Read the first record that waits: how long does it do so" },
	{ .name = "by",
	  .arg = "WHAT",
	  .kind = OPTION_CHOICE,
	  .offset = AT(by),
	  .section = output,
	  .doc = "A row for each of these, summed up: partition, topic, group",
	  .choices = "partition|topic|group",
	  .def = "partition" },
	{ .name = "over",
	  .arg = "T",
	  .kind = OPTION_DURATION,
	  .offset = AT(over_ms),
	  .low = 1,
	  .section = output,
	  .doc = "Look twice, T apart, and print rates and when the lag is 0" },
	{ .name = "watch",
	  .arg = "[=T]",
	  .kind = OPTION_TEXT,
	  .offset = AT(watch),
	  .section = output,
	  .doc = "Print it again every T (2s): over the last one on a "
		 "terminal, else after it" },
	{ .name = "count",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(count),
	  .low = 1,
	  .high = INT64_MAX,
	  .section = output,
	  .doc = "With --watch: end after N times" },
	ROW_COLUMNS("group|topic|partition|committed|start|end|lag|time_lag|"
		    "rate|eta|member|host|lost|client_id|written|time|"
		    "partitions|members"),
	ROW_HEADER,
	{ 0 },
};

static const struct option_row check_options[] = {
	{ .letter = 'w',
	  .name = "warning",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(warn),
	  .high = INT64_MAX,
	  .section = limits,
	  .doc = "Warn if a partition lags by more than N records" },
	{ .letter = 'c',
	  .name = "critical",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(critical),
	  .high = INT64_MAX,
	  .section = limits,
	  .doc = "Critical if a partition lags by more than N records" },
	{ .name = "time-w",
	  .arg = "T",
	  .kind = OPTION_DURATION,
	  .offset = AT(time_warn_ms),
	  .low = 1,
	  .section = limits,
	  .doc = "Warn if a record waits for longer than T" },
	{ .name = "time-c",
	  .arg = "T",
	  .kind = OPTION_DURATION,
	  .offset = AT(time_critical_ms),
	  .low = 1,
	  .section = limits,
	  .doc = "Critical if a record waits for longer than T" },
	{ .name = "stalled",
	  .arg = "T",
	  .kind = OPTION_DURATION,
	  .offset = AT(stalled_ms),
	  .low = 1,
	  .section = limits,
	  .doc = "Critical if a record waits for longer than T and nothing is "
		 "committed while --over" },
	{ .name = "over",
	  .arg = "T",
	  .kind = OPTION_DURATION,
	  .offset = AT(over_ms),
	  .low = 1,
	  .section = limits,
	  .doc = "How long --stalled looks for a commit",
	  .def = "6s" },
	ROW_TOPICS,
	{ 0 },
};

static const struct option_row wait_options[] = {
	{ .name = "lag",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(lag),
	  .high = INT64_MAX,
	  .section = limits,
	  .doc = "Until no partition lags by more than N records" },
	{ .name = "state",
	  .arg = "STATE,...",
	  .kind = OPTION_TEXT,
	  .offset = AT(state),
	  .section = limits,
	  .doc = "Until each group is in one of these states; one that is not "
		 "there is dead",
	  .choices = "empty|stable|dead" },
	{ .name = "members",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(members),
	  .high = INT32_MAX,
	  .section = limits,
	  .doc = "Until each group has at least N members; 0: none" },
	ROW_TOPICS,
	{ 0 },
};

static const struct option_row why_options[] = {
	{ .name = "over",
	  .arg = "T",
	  .kind = OPTION_DURATION,
	  .offset = AT(over_ms),
	  .low = 1,
	  .section = selection,
	  .doc = "Measure so long",
	  .def = "6s" },
	ROW_TOPICS,
	ROW_COLUMNS("group|severity|finding|topic|partition|text"),
	ROW_HEADER,
	{ 0 },
};

static const struct option_row reset_options[] = {
	{ .name = "to",
	  .arg = "WHERE",
	  .kind = OPTION_TEXT,
	  .offset = AT(to),
	  .section = change,
	  .doc = "earliest, latest, current, an offset N, +N or -N from what "
		 "is committed, a time 2026-08-01T10:00Z, -2h ago, group:G as "
		 "G has it, file:PLAN",
	  .choices = "earliest|latest|current|group:|file:" },
	ROW_TOPICS,
	{ .name = "all-topics",
	  .kind = OPTION_FLAG,
	  .offset = AT(all_topics),
	  .section = selection,
	  .doc = "All partitions that the group has committed" },
	{ .name = "execute",
	  .kind = OPTION_FLAG,
	  .offset = AT(execute),
	  .section = change,
	  .doc = "Apply the plan at once" },
	ROW_UNDO,
	ROW_WAIT_EMPTY,
	ROW_DRY_RUN,
	{ 0 },
};

static const struct option_row apply_options[] = {
	ROW_GROUP,
	ROW_UNDO,
	ROW_FORCE,
	ROW_WAIT_EMPTY,
	ROW_DRY_RUN,
	ROW_COLUMNS("group|topic|partition|from|to|ok|error|code|message"),
	ROW_HEADER,
	{ 0 },
};

static const struct option_row skip_options[] = {
	{ .letter = 't',
	  .name = "topic",
	  .arg = "TOPIC",
	  .kind = OPTION_TEXTS,
	  .offset = AT(topics),
	  .section = selection,
	  .doc = "The topic",
	  .complete = "topic" },
	{ .letter = 'p',
	  .name = "partition",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(partition),
	  .high = INT32_MAX,
	  .section = selection,
	  .doc = "The partition" },
	{ .name = "count",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(count),
	  .low = 1,
	  .high = 1000000,
	  .section = selection,
	  .doc = "How many records",
	  .def = "1" },
	{ .name = "to-dlq",
	  .arg = "TOPIC",
	  .kind = OPTION_TEXT,
	  .offset = AT(to_dlq),
	  .section = change,
	  .doc = "First copy them there, with headers that say where they "
		 "were",
	  .complete = "topic" },
	ROW_UNDO,
	ROW_WAIT_EMPTY,
	ROW_DRY_RUN,
	{ 0 },
};

static const struct option_row peek_options[] = {
	{ .letter = 'B',
	  .name = "before",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(before),
	  .high = 1000000,
	  .section = selection,
	  .doc = "Records before the committed offset",
	  .def = "0" },
	{ .letter = 'A',
	  .name = "after",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(after),
	  .high = 1000000,
	  .section = selection,
	  .doc = "Records from the committed offset on",
	  .def = "1 without -B, else 0" },
	ROW_TOPICS,
	ROW_COLUMNS("topic|partition|offset|place|time|key|value"),
	ROW_HEADER,
	{ 0 },
};

static const struct option_row export_options[] = {
	ROW_TOPICS,
	{ 0 },
};

static const struct option_row import_options[] = {
	ROW_GROUP,
	ROW_UNDO,
	ROW_FORCE,
	ROW_WAIT_EMPTY,
	ROW_DRY_RUN,
	ROW_COLUMNS("group|topic|partition|from|to|ok|error|code|message"),
	ROW_HEADER,
	{ 0 },
};

static const struct option_row clone_options[] = {
	ROW_TOPICS,
	ROW_UNDO,
	ROW_FORCE,
	ROW_WAIT_EMPTY,
	ROW_DRY_RUN,
	ROW_COLUMNS("group|topic|partition|from|to|ok|error|code|message"),
	ROW_HEADER,
	{ 0 },
};

static const struct option_row delete_options[] = {
	ROW_YES,
	{ .name = "if-exists",
	  .kind = OPTION_FLAG,
	  .offset = AT(if_exists),
	  .section = change,
	  .doc = "A group that is not there is fine" },
	ROW_DRY_RUN,
	{ 0 },
};

static const struct option_row forget_options[] = {
	ROW_TOPICS, ROW_YES, ROW_UNDO, ROW_DRY_RUN, { 0 },
};

static const struct option_verb verbs[] = {
	{ .name = "list",
	  .alias = "ls",
	  .operands = "[GLOB...]",
	  .doc = "List groups",
	  .options = list_options,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_list,
	  .example = "kgroups list -l --state empty --type classic" },
	{ .name = "describe",
	  .operands = "[GLOB...]",
	  .doc = "Show state, protocol and members of groups",
	  .options = describe_options,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_describe,
	  .example = "kgroups describe app -J" },
	{ .name = "members",
	  .operands = "[GLOB...]",
	  .doc = "Show members, where they are and what they have",
	  .options = members_options,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_members,
	  .example = "kgroups members app" },
	{ .name = "lag",
	  .operands = "[GLOB...]",
	  .doc = "Show how far behind groups are",
	  .options = lag_options,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_lag,
	  .example = "kgroups lag app --time --watch" },
	{ .name = "why",
	  .operands = "GROUP...",
	  .doc = "Measure, and say why a group lags, the worst first",
	  .options = why_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_why,
	  .example = "kgroups why app" },
	{ .name = "check",
	  .operands = "GROUP...",
	  .doc = "Be a monitoring plugin: one line, status 0, 1, 2 or 3",
	  .options = check_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_check,
	  .example = "kgroups check app -w 1000 -c 10000 --time-c 5m" },
	{ .name = "wait",
	  .operands = "GROUP...",
	  .doc = "Wait until groups are as they should be, or --timeout",
	  .options = wait_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_wait,
	  .example = "kgroups wait app --lag 0 --timeout 10m" },
	{ .name = "reset",
	  .operands = "GROUP...",
	  .doc = "Print a plan of other offsets; change nothing",
	  .options = reset_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_reset,
	  .example = "kgroups reset app -t orders:0,1 --to -2h >plan.csv" },
	{ .name = "apply",
	  .operands = "[PLAN...]",
	  .doc = "Commit the offsets of a plan, and write the way back",
	  .options = apply_options,
	  .operands_max = -1,
	  .complete = "file",
	  .run = kgroups_apply,
	  .example = "kgroups apply plan.csv --wait-empty 60s" },
	{ .name = "skip",
	  .operands = "GROUP",
	  .doc = "Step over records that a group cannot read",
	  .options = skip_options,
	  .operands_min = 1,
	  .operands_max = 1,
	  .complete = "group",
	  .run = kgroups_skip,
	  .example = "kgroups skip app -t orders -p 3 --to-dlq orders.dlq" },
	{ .name = "peek",
	  .operands = "GROUP",
	  .doc = "Show the records around what is committed",
	  .options = peek_options,
	  .operands_min = 1,
	  .operands_max = 1,
	  .complete = "group",
	  .run = kgroups_peek,
	  .example = "kgroups peek app -t orders -B 2 -A 3" },
	{ .name = "export",
	  .operands = "[GLOB...]",
	  .doc = "Print committed offsets, as Kafka's tools read them too",
	  .options = export_options,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_export,
	  .example = "kgroups export app >app.csv" },
	{ .name = "import",
	  .operands = "[FILE...]",
	  .doc = "Commit what was exported",
	  .options = import_options,
	  .operands_max = -1,
	  .complete = "file",
	  .run = kgroups_import,
	  .example = "kgroups import app.csv" },
	{ .name = "clone",
	  .operands = "FROM TO",
	  .doc = "Commit for one group what another has",
	  .options = clone_options,
	  .operands_min = 2,
	  .operands_max = 2,
	  .complete = "group",
	  .run = kgroups_clone,
	  .example = "kgroups clone app app-blue" },
	{ .name = "delete",
	  .alias = "rm",
	  .operands = "GROUP...",
	  .doc = "Delete groups and all they committed",
	  .options = delete_options,
	  .operands_min = 1,
	  .operands_max = -1,
	  .complete = "group",
	  .run = kgroups_delete,
	  .example = "kgroups delete old -y --if-exists" },
	{ .name = "forget",
	  .operands = "GROUP",
	  .doc = "Delete what a group committed for topics",
	  .options = forget_options,
	  .operands_min = 1,
	  .operands_max = 1,
	  .complete = "group",
	  .run = kgroups_forget,
	  .example = "kgroups forget app -t old -y" },
	{ 0 },
};

static const struct option_row *const tables[] = { common_options_table, NULL };

static const char *const examples[] = {
	"kgroups list -l                          # all groups, with lag",
	"kgroups lag app --time --watch           # how far behind, live",
	"kgroups why app                          # and why",
	"kgroups wait app --lag 0 --timeout 10m   # in a script",
	"kgroups reset app --all-topics --to -2h | kgroups apply",
	NULL,
};

const struct option_tool kgroups_tool = {
	.name = "kgroups",
	.doc = "Look at consumer groups, and change what they committed",
	.operands = "[OPERAND...]",
	.tables = tables,
	.verbs = verbs,
	.examples = examples,
	.verbless = common_verbless,
};
