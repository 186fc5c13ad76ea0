/*
 * options.c - the option table of kconsume and what follows from it
 *
 * kcat's letters mean what they mean in kcat; -C is taken and ignored.
 */
#include "kconsume/options.h"

#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "cli/encoding.h"
#include "kconsume/batch.h"

#define ISOLATION_CHOICES "rc|ru"
#define COMMIT_CHOICES    "none|write|drain|ack"
#define ACK_CHOICES       "order|exact"

static const char *add_range(struct consume_options *o, int64_t first,
			     int64_t last)
{
	struct partition_range *grown;

	if (first > last)
		return "has a range that ends before it begins";
	grown = realloc(o->ranges, (o->range_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return "does not fit in memory";
	o->ranges = grown;
	o->ranges[o->range_count++] =
		(struct partition_range){ (int32_t)first, (int32_t)last };
	return NULL;
}

/* "0,2-5" */
static const char *parse_partitions(const char *text, void *options)
{
	struct consume_options *o = options;
	const char *problem = NULL;
	char *copy = strdup(text);
	char *rest = copy;
	char *part;

	if (copy == NULL)
		return "does not fit in memory";
	while (problem == NULL && (part = strsep(&rest, ",")) != NULL) {
		char *dash = strchr(part, '-');
		int64_t first;
		int64_t last;

		if (dash != NULL)
			*dash++ = '\0';
		if (parse_int64_in(part, 0, INT32_MAX, &first) < 0 ||
		    parse_int64_in(dash == NULL ? part : dash, 0, INT32_MAX,
				   &last) < 0)
			problem = "is not a list of partitions, as 0,2-5";
		else
			problem = add_range(o, first, last);
	}
	free(copy);
	return problem;
}

/* "500" records, or "2s": a number without a unit counts records. */
static const char *parse_batch(const char *text, void *options)
{
	struct consume_options *o = options;

	if (parse_int64_in(text, 1, BATCH_RECORDS_MAX, &o->batch_count) == 0)
		return NULL;
	if (text[strspn(text, "0123456789")] != '\0' &&
	    parse_duration(text, 1000, &o->batch_ms) == 0 && o->batch_ms > 0)
		return NULL;
	return "is neither a number of records, 1 to 1000000, nor a time, as "
	       "2s";
}

#define AT(field) OPTION_AT(struct consume_options, field)

static const struct option_row consume_table[] = {
	{ .letter = 't',
	  .name = "topic",
	  .arg = "TOPIC",
	  .kind = OPTION_TEXTS,
	  .offset = AT(topics),
	  .section = "What to read",
	  .doc = "Topic to consume; repeatable",
	  .complete = "topic" },
	{ .letter = 'p',
	  .name = "partition",
	  .arg = "LIST",
	  .kind = OPTION_PARSE,
	  .section = "What to read",
	  .doc = "Only these partitions, as 0,2-5",
	  .def = "all",
	  .parse = parse_partitions },
	{ .letter = 'o',
	  .name = "offset",
	  .arg = "OFFSET",
	  .kind = OPTION_TEXTS,
	  .offset = AT(offset_texts),
	  .section = "What to read",
	  .doc = "Where to start: beginning, end, N, -N before the end, +N "
		 "after the beginning, s@TIME, 0=5,1=9 for each partition; "
		 "stored with -G; e@TIME is where to stop; repeatable",
	  .def = "beginning" },
	{ .letter = 'e',
	  .name = "exit-at-end",
	  .kind = OPTION_FLAG,
	  .offset = AT(exit_at_end),
	  .section = "What to read",
	  .doc = "Exit at the end offsets as they were at the start" },
	{ .letter = 'c',
	  .name = "count",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(count),
	  .section = "What to read",
	  .high = INT64_MAX,
	  .doc = "Exit after N records" },
	{ .letter = 'n',
	  .name = "tail",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(tail),
	  .section = "What to read",
	  .low = 0,
	  .high = 100000000,
	  .doc = "The last N records of all partitions by their timestamps, "
		 "then exit" },
	{ .name = "isolation",
	  .arg = "LEVEL",
	  .kind = OPTION_CHOICE,
	  .offset = AT(isolation),
	  .section = "What to read",
	  .choices = ISOLATION_CHOICES,
	  .doc = "rc: committed records only; ru: those of open and aborted "
		 "transactions too",
	  .def = "rc" },
	{ .letter = 'G',
	  .name = "group",
	  .arg = "GROUP",
	  .kind = OPTION_TEXT,
	  .offset = AT(group),
	  .section = "Groups",
	  .doc = "Join the consumer group and read what it assigns; topics "
		 "are operands, too, and one that begins with ^ is a pattern" },
	{ .name = "instance-id",
	  .arg = "ID",
	  .kind = OPTION_TEXT,
	  .offset = AT(instance_id),
	  .section = "Groups",
	  .doc = "With -G: be a static member of that name, whose partitions "
		 "are kept while it is away" },
	{ .name = "assignor",
	  .arg = "NAME",
	  .kind = OPTION_TEXT,
	  .offset = AT(assignor),
	  .section = "Groups",
	  .choices = "range|roundrobin|sticky|cooperative-sticky|uniform",
	  .doc = "With -G: who gets what: range, roundrobin, sticky or "
		 "cooperative-sticky; range or uniform of the coordinator" },
	{ .name = "only-new",
	  .kind = OPTION_FLAG,
	  .offset = AT(only_new),
	  .section = "Groups",
	  .doc = "With -G and -o: start there only where nothing is stored" },
	{ .name = "commit",
	  .arg = "MODE",
	  .kind = OPTION_CHOICE,
	  .offset = AT(commit),
	  .section = "Groups",
	  .choices = COMMIT_CHOICES,
	  .doc = "With -G: when a record is committed: never; when written; "
		 "when the reader of stdout has read it, or the file has it "
		 "on disk; when it is acknowledged",
	  .def = "drain" },
	{ .name = "ack-fd",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(ack_fd),
	  .section = "Groups",
	  .high = 1048576,
	  .doc = "With --commit ack: read acknowledgements on descriptor N: "
		 "lines TOPIC PARTITION OFFSET, a number of records, or end" },
	{ .name = "ack",
	  .arg = "HOW",
	  .kind = OPTION_CHOICE,
	  .offset = AT(ack),
	  .section = "Groups",
	  .choices = ACK_CHOICES,
	  .doc = "With --ack-fd: a record's acknowledgement is for those of "
		 "its partition before it, too; or exact: for it alone",
	  .def = "order" },
	{ .name = "exec",
	  .arg = "COMMAND",
	  .kind = OPTION_TEXT,
	  .offset = AT(exec),
	  .section = "Groups",
	  .doc = "With -G: give batches of records to the shell command, and "
		 "commit each on which it exits with 0",
	  .complete = "command" },
	{ .name = "batch",
	  .arg = "N|TIME",
	  .kind = OPTION_PARSE,
	  .section = "Groups",
	  .doc = "With --exec: a batch is N records, or what comes in a time "
		 "as 2s; both given, whichever is first; N alone waits 1s "
		 "for a batch to fill",
	  .def = "1",
	  .parse = parse_batch },
	{ .name = "retries",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(retries),
	  .section = "Groups",
	  .high = 1000000,
	  .doc = "With --exec: try a batch so often again that fails",
	  .def = "0" },
	{ .name = "dlq",
	  .arg = "TOPIC|FILE",
	  .kind = OPTION_TEXT,
	  .offset = AT(dlq),
	  .section = "Groups",
	  .doc = "With --exec: put a batch that fails there and go on; a file "
		 "has a / in it",
	  .complete = "topic" },
	{ .letter = 'C',
	  .name = "consumer",
	  .kind = OPTION_IGNORED,
	  .section = "What to read",
	  .doc = "Taken for kcat's sake" },

	{ .letter = 'f',
	  .name = "format",
	  .arg = "FORMAT",
	  .kind = OPTION_TEXT,
	  .offset = AT(format),
	  .section = "Output",
	  .doc = "Print each record by this format: %s value, %S its length, "
		 "%k key, %K its length, %T timestamp, %h headers, %t topic, "
		 "%p partition, %o offset, \\n \\t \\xNN \\0" },
	{ .letter = 'D',
	  .name = "delimiter",
	  .arg = "DELIM",
	  .kind = OPTION_TEXT,
	  .offset = AT(delimiter_text),
	  .section = "Output",
	  .doc = "Print this after each record",
	  .def = "\\n" },
	{ .letter = '0',
	  .name = "nul",
	  .kind = OPTION_FLAG,
	  .offset = AT(nul_delimiter),
	  .section = "Output",
	  .doc = "Print a NUL byte after each record" },
	{ .letter = 'K',
	  .name = "key-delimiter",
	  .arg = "DELIM",
	  .kind = OPTION_TEXT,
	  .offset = AT(key_delimiter_text),
	  .section = "Output",
	  .doc = "Print the key and this before a value" },
	{ .letter = 'O',
	  .name = "print-offset",
	  .kind = OPTION_FLAG,
	  .offset = AT(print_offset),
	  .section = "Output",
	  .doc = "Print the offset and the key delimiter before a record" },
	{ .letter = 'Z',
	  .name = "print-null",
	  .kind = OPTION_FLAG,
	  .offset = AT(print_null),
	  .section = "Output",
	  .doc = "Print null keys and values as NULL" },
	{ .name = "null",
	  .arg = "TOKEN",
	  .kind = OPTION_TEXT,
	  .offset = AT(null_text),
	  .section = "Output",
	  .doc = "Print null keys and values as TOKEN" },
	{ .letter = 'u',
	  .name = "unbuffered",
	  .kind = OPTION_FLAG,
	  .offset = AT(unbuffered),
	  .section = "Output",
	  .doc = "Write each record at once" },
	{ .name = "enc",
	  .arg = "ENCODING",
	  .kind = OPTION_CHOICE,
	  .offset = AT(encoding),
	  .section = "Output",
	  .choices = "auto|b64|hex",
	  .doc = "With -J: keys and values as text where they are UTF-8, else "
		 "base64; or always base64 or hex",
	  .def = "auto" },
	{ .name = "meta",
	  .kind = OPTION_FLAG,
	  .offset = AT(meta),
	  .section = "Output",
	  .doc = "With -J: no key, payload and headers, but size" },
	{ .kind = OPTION_END },
};

static const struct option_row *const tables[] = { consume_table,
						   common_options_table, NULL };

static const char *const examples[] = {
	"kconsume -t orders -e                     # all there is, then exit",
	"kconsume -t orders -o end                 # follow what comes",
	"kconsume -t orders -n 10 -J               # the last ten, as JSON",
	"kconsume -t orders -o s@-2h -o e@-1h      # an hour of records",
	"kconsume -t orders -e -f '%k\\t%s\\n'       # key, tab, value",
	"kconsume -G app orders '^events\\.'         # share with a group",
	NULL,
};

const struct option_tool consume_tool = {
	.name = "kconsume",
	.doc = "Print records of topics to stdout",
	.operands = "[TOPIC...]",
	.tables = tables,
	.operands_min = 0,
	.operands_max = -1,
	.complete = "topic",
	.examples = examples,
};

void consume_options_init(struct consume_options *o)
{
	*o = (struct consume_options){ .count = -1,
				       .tail = -1,
				       .isolation = -1,
				       .commit = -1,
				       .ack_fd = -1,
				       .ack = -1,
				       .retries = -1 };
}

void consume_options_clear(struct consume_options *o)
{
	option_texts_clear(&o->topics);
	option_texts_clear(&o->offset_texts);
	option_texts_clear(&o->names);
	option_texts_clear(&o->patterns);
	option_texts_clear(&o->common.x);
	free(o->ranges);
	free(o->starts);
	buffer_clear(&o->delimiter);
	buffer_clear(&o->key_delimiter);
}

/* "0=5,1=9" */
static int parse_starts(struct consume_options *o, const char *text)
{
	char *copy = strdup(text);
	char *rest = copy;
	char *part;
	int rc = copy == NULL ? -ENOMEM : 0;

	while (rc == 0 && (part = strsep(&rest, ",")) != NULL) {
		char *equals = strchr(part, '=');
		struct partition_start *grown;
		int64_t partition;
		int64_t offset;

		if (equals != NULL)
			*equals++ = '\0';
		if (equals == NULL ||
		    parse_int64_in(part, 0, INT32_MAX, &partition) < 0 ||
		    parse_int64_in(equals, 0, INT64_MAX, &offset) < 0) {
			rc = -EINVAL;
			break;
		}
		grown = realloc(o->starts,
				(o->start_count + 1) * sizeof(*grown));
		if (grown == NULL) {
			rc = -ENOMEM;
			break;
		}
		o->starts = grown;
		o->starts[o->start_count++] =
			(struct partition_start){ (int32_t)partition, offset };
	}
	free(copy);
	return rc;
}

static int set_start(struct consume_options *o, enum consumer_place place,
		     int64_t value)
{
	if (o->start_set)
		return -EEXIST;
	o->start = (struct consumer_position){ place, value };
	o->start_set = true;
	return 0;
}

/* One -o.  -EEXIST: a second place to start. */
static int parse_offset(struct consume_options *o, const char *text,
			int64_t now_ms)
{
	bool is_end = strncmp(text, "e@", 2) == 0;
	int64_t value;

	if (strcmp(text, "beginning") == 0)
		return set_start(o, CONSUMER_BEGINNING, 0);
	if (strcmp(text, "end") == 0)
		return set_start(o, CONSUMER_END, 0);
	if (is_end || strncmp(text, "s@", 2) == 0) {
		if (parse_time(text + 2, now_ms, &value) < 0)
			return -EINVAL;
		if (!is_end)
			return set_start(o, CONSUMER_TIME, value);
		o->stop = (struct consumer_position){ CONSUMER_TIME, value };
		return 0;
	}
	if (strchr(text, '=') != NULL)
		return parse_starts(o, text);
	if (parse_int64(text + (text[0] == '+'), &value) < 0)
		return -EINVAL;
	if (text[0] == '+')
		return value < 0 ? -EINVAL
				 : set_start(o, CONSUMER_FROM_BEGINNING, value);
	if (text[0] == '-')
		return set_start(o, CONSUMER_FROM_END, -value);
	return set_start(o, CONSUMER_OFFSET, value);
}

static int finish_offsets(struct consume_options *o, int64_t now_ms,
			  struct messages *m)
{
	o->start = (struct consumer_position){ CONSUMER_BEGINNING, 0 };
	o->stop = (struct consumer_position){ CONSUMER_NOWHERE, 0 };
	for (size_t i = 0; i < o->offset_texts.count; i++) {
		const char *text = o->offset_texts.items[i];

		if (strcmp(text, "stored") == 0 && o->group == NULL)
			return message_usage(m, "-o stored: offsets are stored "
						"by groups; without -G, give "
						"an offset or a time");
		if (strcmp(text, "stored") == 0) {
			o->stored = true;
			continue;
		}
		switch (parse_offset(o, text, now_ms)) {
		case 0:
			break;
		case -EEXIST:
			return message_usage(
				m, "-o %s: a second place to start", text);
		default:
			return message_usage(
				m,
				"-o '%s' is not an offset: beginning, end, N, "
				"-N, +N, s@TIME, e@TIME, or PARTITION=N,...",
				text);
		}
	}
	if (o->stored && (o->start_set || o->start_count > 0))
		return message_usage(m, "-o stored: a second place to start");
	if (o->only_new && !o->start_set && o->start_count == 0)
		return message_usage(m, "--only-new goes with -o OFFSET: where "
					"to start if nothing is stored");
	if (o->exit_at_end && o->stop.place == CONSUMER_NOWHERE)
		o->stop.place = CONSUMER_END;
	return EXIT_GO_ON;
}

static int finish_output(struct consume_options *o, struct messages *m)
{
	if (o->common.json &&
	    (o->format != NULL || o->delimiter_text != NULL ||
	     o->key_delimiter_text != NULL || o->nul_delimiter))
		return message_usage(m, "-J prints JSON: it goes without -f, "
					"-D, -0 and -K");
	if (!o->common.json && (o->meta || o->encoding != 0))
		return message_usage(m, "--meta and --enc go with -J");
	if (o->format != NULL &&
	    (o->delimiter_text != NULL || o->key_delimiter_text != NULL ||
	     o->nul_delimiter || o->print_offset))
		return message_usage(m, "-f says all of the output: it goes "
					"without -D, -0, -K and -O");
	if (o->nul_delimiter && o->delimiter_text != NULL)
		return message_usage(m, "-0 and -D: which delimiter?");
	if (o->nul_delimiter)
		buffer_put_u8(&o->delimiter, 0);
	else if (escapes_decode(&o->delimiter, o->delimiter_text == NULL
						       ? "\n"
						       : o->delimiter_text) < 0)
		return message_usage(m, "-D '%s': bad escape",
				     o->delimiter_text);
	if (o->key_delimiter_text != NULL &&
	    escapes_decode(&o->key_delimiter, o->key_delimiter_text) < 0)
		return message_usage(m, "-K '%s': bad escape",
				     o->key_delimiter_text);
	if (o->null_text == NULL && o->print_null)
		o->null_text = "NULL";
	return EXIT_GO_ON;
}

/* --commit and what goes with it. */
static int finish_commit(struct consume_options *o, struct messages *m)
{
	bool acks = o->ack_fd >= 0 || o->ack >= 0 || o->commit == COMMIT_ACK;
	bool runs = o->batch_count > 0 || o->batch_ms > 0 || o->retries >= 0 ||
		    o->dlq != NULL;

	if (o->group == NULL &&
	    (o->commit >= 0 || acks || runs || o->exec != NULL))
		return message_usage(m, "--commit, --ack-fd, --ack, --exec, "
					"--batch, --retries and --dlq go with "
					"-G");
	if (o->exec == NULL && runs)
		return message_usage(m, "--batch, --retries and --dlq go with "
					"--exec");
	if (o->exec != NULL && (o->commit >= 0 || acks))
		return message_usage(m, "--exec commits what its command ends "
					"well on: it goes without --commit, "
					"--ack-fd and --ack");
	if (acks && o->commit >= 0 && o->commit != COMMIT_ACK)
		return message_usage(m, "--ack-fd and --ack go with --commit "
					"ack");
	if (acks && o->ack_fd < 0)
		return message_usage(m, "--commit ack: --ack-fd N says where "
					"acknowledgements come from");
	if (acks)
		o->commit = COMMIT_ACK;
	if (o->exec != NULL && o->batch_count == 0 && o->batch_ms == 0)
		o->batch_count = 1;
	/* The last records of a burst do not wait for the next one. */
	if (o->batch_count > 1 && o->batch_ms == 0)
		o->batch_ms = BATCH_MS;
	if (o->retries < 0)
		o->retries = 0;
	return EXIT_GO_ON;
}

static int add_name(struct option_texts *texts, const char *text,
		    struct messages *m)
{
	const char **grown =
		reallocarray(texts->items, texts->count + 1, sizeof(*grown));

	if (grown == NULL)
		return message_fail(m, EXIT_REFUSED, "out of memory");
	texts->items = grown;
	texts->items[texts->count++] = text;
	return EXIT_GO_ON;
}

/* kcat's way: what begins with ^ is a pattern. */
static int add_topic(struct consume_options *o, const char *text,
		     struct messages *m)
{
	if (text[0] == '\0')
		return message_usage(m, "a topic's name is empty");
	return add_name(text[0] == '^' ? &o->patterns : &o->names, text, m);
}

static int finish_group(struct consume_options *o, struct messages *m)
{
	int status = EXIT_GO_ON;

	if (o->group[0] == '\0')
		return message_usage(m, "-G: a group's name is not empty");
	for (size_t i = 0; i < o->topics.count && status == EXIT_GO_ON; i++)
		status = add_topic(o, o->topics.items[i], m);
	for (int i = 0; i < o->operand_count && status == EXIT_GO_ON; i++)
		status = add_topic(o, o->operands[i], m);
	if (status != EXIT_GO_ON)
		return status;
	if (o->names.count + o->patterns.count == 0)
		return message_usage(m,
				     "-G %s: no topic: kconsume -G GROUP "
				     "TOPIC... ^REGEX...",
				     o->group);
	if (o->range_count > 0)
		return message_usage(m, "-p goes without -G: the group decides "
					"who reads which partition");
	if (o->tail >= 0)
		return message_usage(m, "-n goes without -G");
	return EXIT_GO_ON;
}

static int check_groupless(const struct consume_options *o, struct messages *m)
{
	if (o->operand_count > 0)
		return message_usage(m,
				     "unexpected argument '%s': topics are "
				     "given as operands with -G, else with "
				     "-t",
				     o->operands[0]);
	if (o->topics.count == 0)
		return message_usage(m, "no topic: -t TOPIC");
	if (o->instance_id != NULL || o->assignor != NULL || o->only_new)
		return message_usage(m, "--instance-id, --assignor and "
					"--only-new go with -G");
	return EXIT_GO_ON;
}

static int set(struct client_config *config, const char *name,
	       const char *value, struct messages *m)
{
	struct client_error error;

	if (client_config_set(config, name, value, &error) >= 0)
		return EXIT_GO_ON;
	return message_fail(m, (int)error.kind, "%s", error.text);
}

/*
 * uniform is an assignor of coordinators only; range is there both ways; the
 * others run in clients.
 */
static int set_assignor(const char *name, struct client_config *config,
			struct messages *m)
{
	int status = EXIT_GO_ON;
	bool is_uniform = strcmp(name, "uniform") == 0;

	if (is_uniform || strcmp(name, "range") == 0)
		status = set(config, "group.remote.assignor", name, m);
	if (status == EXIT_GO_ON && !is_uniform)
		status = set(config, "partition.assignment.strategy", name, m);
	return status;
}

int consume_options_configure(const struct consume_options *o,
			      struct client_config *config, struct messages *m)
{
	int status = EXIT_GO_ON;

	if (o->isolation >= 0)
		status = set(config, "isolation.level",
			     o->isolation == 0 ? "read_committed"
					       : "read_uncommitted",
			     m);
	if (status == EXIT_GO_ON && o->group != NULL)
		status = set(config, "group.id", o->group, m);
	if (status == EXIT_GO_ON && o->instance_id != NULL)
		status = set(config, "group.instance.id", o->instance_id, m);
	if (status == EXIT_GO_ON && o->assignor != NULL)
		status = set_assignor(o->assignor, config, m);
	return status;
}

struct consumer_position consume_options_start(const struct consume_options *o,
					       int32_t partition)
{
	for (size_t i = 0; i < o->start_count; i++) {
		if (o->starts[i].partition == partition)
			return (struct consumer_position){
				CONSUMER_OFFSET, o->starts[i].offset
			};
	}
	return o->start;
}

int consume_options_finish(struct consume_options *o, int64_t now_ms,
			   struct messages *m)
{
	int status;

	if (o->group != NULL)
		status = finish_group(o, m);
	else
		status = check_groupless(o, m);
	if (status != EXIT_GO_ON)
		return status;
	if (o->tail >= 0 && (o->offset_texts.count > 0 || o->count >= 0))
		return message_usage(m, "-n reads the end: it goes without -o "
					"and -c");
	status = finish_offsets(o, now_ms, m);
	if (status == EXIT_GO_ON)
		status = finish_output(o, m);
	if (status == EXIT_GO_ON)
		status = finish_commit(o, m);
	return status;
}
