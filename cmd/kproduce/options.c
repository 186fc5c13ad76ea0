/*
 * options.c - the option table of kproduce and what follows from it
 *
 * kcat's letters mean what they mean in kcat; -P is taken and ignored.
 */
#include "kproduce/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "base/units.h"
#include "cli/encoding.h"

static const char *parse_partition(const char *text, void *options)
{
	struct produce_options *o = options;
	int64_t value;

	if (strcmp(text, "keep") == 0) {
		o->partition = PARTITION_KEEP;
		return NULL;
	}
	if (parse_int64_in(text, -1, INT32_MAX, &value) < 0)
		return "is not a partition: a number, -1 for any, or keep";
	o->partition = (int32_t)value;
	return NULL;
}

/* "[=P[:R]]" */
static const char *parse_create(const char *text, void *options)
{
	static const char *const problem =
		"is not PARTITIONS or PARTITIONS:REPLICAS";
	struct produce_options *o = options;
	char digits[16];
	const char *colon;
	size_t len;

	o->create = true;
	if (text == NULL)
		return NULL;
	colon = strchr(text, ':');
	len = colon == NULL ? strlen(text) : (size_t)(colon - text);
	if (len >= sizeof(digits))
		return problem;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (parse_int64_in(digits, 1, PARTITIONS_PER_TOPIC_MAX,
			   &o->create_partitions) < 0 ||
	    (colon != NULL &&
	     parse_int64_in(colon + 1, 1, INT16_MAX, &o->create_replicas) < 0))
		return problem;
	return NULL;
}

static const char *parse_stamp(const char *text, void *options)
{
	struct produce_options *o = options;

	if (strcmp(text, "now") == 0)
		o->stamp = STAMP_NOW;
	else if (strcmp(text, "keep") == 0)
		o->stamp = STAMP_KEEP;
	else if (parse_time(text, (int64_t)time(NULL) * 1000, &o->stamp_ms) ==
		 0)
		o->stamp = STAMP_FIXED;
	else
		return "is not now, keep or a time";
	return NULL;
}

#define AT(field) OPTION_AT(struct produce_options, field)

static const struct option_row produce_table[] = {
	{ .letter = 't',
	  .name = "topic",
	  .arg = "TOPIC",
	  .kind = OPTION_TEXT,
	  .offset = AT(topic),
	  .section = "Where to",
	  .doc = "Topic to produce to; with -J it overrides the envelope's",
	  .complete = "topic" },
	{ .letter = 'p',
	  .name = "partition",
	  .arg = "N",
	  .kind = OPTION_PARSE,
	  .section = "Where to",
	  .doc = "Partition of every record, -1 for the partitioner's choice, "
		 "or keep: the envelope's",
	  .def = "-1",
	  .parse = parse_partition },
	{ .name = "create",
	  .arg = "[=P[:R]]",
	  .kind = OPTION_PARSE,
	  .section = "Where to",
	  .doc = "Create a missing topic, with P partitions and R replicas, "
		 "else the broker's defaults and what -p asks for",
	  .parse = parse_create },
	{ .letter = 'P',
	  .name = "producer",
	  .kind = OPTION_IGNORED,
	  .section = "Where to",
	  .doc = "Taken for kcat's sake" },

	{ .letter = 'D',
	  .name = "delimiter",
	  .arg = "DELIM",
	  .kind = OPTION_TEXT,
	  .offset = AT(delimiter_text),
	  .section = "Input",
	  .doc = "Records are parted by this; \\n \\t \\r \\0 \\xNN",
	  .def = "\\n" },
	{ .letter = '0',
	  .name = "nul",
	  .kind = OPTION_FLAG,
	  .offset = AT(nul_delimiter),
	  .section = "Input",
	  .doc = "Records are parted by NUL bytes" },
	{ .letter = 'l',
	  .name = "lines",
	  .kind = OPTION_FLAG,
	  .offset = AT(lines_of_files),
	  .section = "Input",
	  .doc = "Part the files into records, too; else each is one record" },
	{ .name = "whole",
	  .kind = OPTION_FLAG,
	  .offset = AT(whole),
	  .section = "Input",
	  .doc = "All of stdin is one record" },
	{ .letter = 'K',
	  .name = "key-delimiter",
	  .arg = "DELIM",
	  .kind = OPTION_TEXT,
	  .offset = AT(key_delimiter_text),
	  .section = "Input",
	  .doc = "A record is its key, this, and its value" },
	{ .name = "no-key-ok",
	  .kind = OPTION_FLAG,
	  .offset = AT(no_key_ok),
	  .section = "Input",
	  .doc = "With -K: a record without the delimiter has a null key" },
	{ .letter = 'k',
	  .name = "key",
	  .arg = "KEY",
	  .kind = OPTION_TEXT,
	  .offset = AT(key),
	  .section = "Input",
	  .doc = "Key of every record" },
	{ .letter = 'H',
	  .name = "header",
	  .arg = "NAME=VALUE",
	  .kind = OPTION_TEXTS,
	  .offset = AT(header_texts),
	  .section = "Input",
	  .doc = "Header of every record; NAME alone is a null one, "
		 "NAME:=BASE64 bytes; repeatable" },
	{ .letter = 'Z',
	  .name = "empty-null",
	  .kind = OPTION_FLAG,
	  .offset = AT(nulls.empty),
	  .section = "Input",
	  .doc = "An empty key or value is null" },
	{ .name = "null",
	  .arg = "TOKEN",
	  .kind = OPTION_TEXT,
	  .offset = AT(null_text),
	  .section = "Input",
	  .doc = "A key or value that is TOKEN is null" },
	{ .name = "skip-empty",
	  .kind = OPTION_FLAG,
	  .offset = AT(skip_empty),
	  .section = "Input",
	  .doc = "Drop empty records" },
	{ .name = "ts",
	  .arg = "TIME",
	  .kind = OPTION_PARSE,
	  .section = "Input",
	  .doc = "Timestamp of the records: now, keep (the envelope's), or a "
		 "time",
	  .def = "keep with -J, else now",
	  .parse = parse_stamp },

	{ .letter = 'z',
	  .name = "compress",
	  .arg = "CODEC[:LEVEL]",
	  .kind = OPTION_TEXT,
	  .offset = AT(compression),
	  .section = "Sending",
	  .doc = "none, gzip, snappy, lz4 or zstd",
	  .def = "none",
	  .choices = "none|gzip|snappy|lz4|zstd" },
	{ .letter = 'c',
	  .name = "count",
	  .arg = "N",
	  .kind = OPTION_INT,
	  .offset = AT(count),
	  .section = "Sending",
	  .low = 1,
	  .high = INT64_MAX,
	  .doc = "Stop after N records",
	  .def = "all" },
	{ .letter = 'u',
	  .name = "unbuffered",
	  .kind = OPTION_FLAG,
	  .offset = AT(at_once),
	  .section = "Sending",
	  .doc = "Send each record at once" },
	{ .letter = 'E',
	  .name = "keep-going",
	  .kind = OPTION_FLAG,
	  .offset = AT(keep_going),
	  .section = "Sending",
	  .doc = "Go on after a record that fails" },
	{ .name = "failed",
	  .arg = "FILE",
	  .kind = OPTION_TEXT,
	  .offset = AT(failed_path),
	  .section = "Sending",
	  .doc = "Write records that failed here, framed as the input",
	  .complete = "file" },
	{ .name = "report",
	  .arg = "FORMAT",
	  .kind = OPTION_TEXT,
	  .offset = AT(report),
	  .section = "Sending",
	  .doc = "Print each delivered record on stdout, by kconsume's -f "
		 "format, or json" },
	{ .name = "ack-src",
	  .kind = OPTION_FLAG,
	  .offset = AT(ack_src),
	  .section = "Sending",
	  .doc = "With -J: print TOPIC PARTITION OFFSET of each envelope once "
		 "it is delivered, and end at the end, for kconsume --ack-fd" },
	{ .kind = OPTION_END },
};

static const struct option_row *const tables[] = { produce_table,
						   common_options_table, NULL };

static const char *const examples[] = {
	"kproduce -t logs <app.log                 # a record a line",
	"tail -f app.log | kproduce -t logs -z zstd",
	"echo 'k1:v1' | kproduce -t state -K :     # key and value",
	"kproduce -t images *.png                  # a record a file",
	"kconsume -t a -e -J | kproduce -J -t b -p keep",
	NULL,
};

const struct option_tool produce_tool = {
	.name = "kproduce",
	.doc = "Produce records from stdin or files to a topic",
	.operands = "[FILE...]",
	.tables = tables,
	.operands_min = 0,
	.operands_max = -1,
	.complete = "file",
	.examples = examples,
};

void produce_options_init(struct produce_options *o)
{
	const char *create = getenv("KPRODUCE_CREATE");

	*o = (struct produce_options){
		.create = create != NULL && create[0] != '\0',
		.partition = PARTITION_ANY,
		.create_partitions = -1,
		.create_replicas = -1,
	};
}

void produce_options_clear(struct produce_options *o)
{
	option_texts_clear(&o->common.x);
	option_texts_clear(&o->header_texts);
	buffer_clear(&o->delimiter);
	buffer_clear(&o->key_delimiter);
	buffer_clear(&o->header_bytes);
	free(o->headers);
}

static int finish_delimiters(struct produce_options *o, struct messages *m)
{
	if (o->nul_delimiter && o->delimiter_text != NULL)
		return message_usage(m, "-0 and -D: which delimiter?");
	if (o->nul_delimiter)
		buffer_put_u8(&o->delimiter, 0);
	else if (escapes_decode(&o->delimiter, o->delimiter_text == NULL
						       ? "\n"
						       : o->delimiter_text) < 0)
		return message_usage(m, "-D '%s': bad escape",
				     o->delimiter_text);
	if (o->delimiter.len == 0)
		return message_usage(m, "-D: an empty delimiter; --whole makes "
					"all of stdin one record");
	if (o->key_delimiter_text == NULL)
		return EXIT_GO_ON;
	if (escapes_decode(&o->key_delimiter, o->key_delimiter_text) < 0)
		return message_usage(m, "-K '%s': bad escape",
				     o->key_delimiter_text);
	if (o->key_delimiter.len == 0)
		return message_usage(m, "-K: an empty delimiter");
	return EXIT_GO_ON;
}

/*
 * One -H: its bytes go behind those before it.  Slices are set in a second
 * pass, when the bytes no longer move.
 */
static int add_header(struct produce_options *o, const char *text,
		      struct messages *m)
{
	struct record_header *header = &o->headers[o->header_count++];
	const char *equals = strchr(text, '=');
	size_t name_len =
		equals == NULL ? strlen(text) : (size_t)(equals - text);
	bool base64 = equals != NULL && name_len > 0 && equals[-1] == ':';
	size_t from = o->header_bytes.len;

	if (base64)
		name_len--;
	if (name_len == 0)
		return message_usage(m, "-H '%s': a header needs a name", text);
	buffer_put(&o->header_bytes, text, name_len);
	header->key.len = name_len;
	header->value = SLICE_NULL;
	if (equals == NULL)
		return EXIT_GO_ON;
	if (!base64)
		buffer_put_text(&o->header_bytes, equals + 1);
	else if (base64_decode(&o->header_bytes, slice_of(equals + 1)) < 0)
		return message_usage(m, "-H '%s': not base64", text);
	header->value.len = o->header_bytes.len - from - name_len;
	header->value.data = (const uint8_t *)""; /* not null; set below */
	return EXIT_GO_ON;
}

static int finish_headers(struct produce_options *o, struct messages *m)
{
	size_t count = o->header_texts.count;
	const uint8_t *at;

	if (count == 0)
		return EXIT_GO_ON;
	o->headers = calloc(count, sizeof(*o->headers));
	if (o->headers == NULL)
		return message_fail(m, EXIT_REFUSED, "out of memory");
	for (size_t i = 0; i < count; i++) {
		int status = add_header(o, o->header_texts.items[i], m);

		if (status != EXIT_GO_ON)
			return status;
	}
	at = o->header_bytes.data;
	for (int32_t i = 0; i < o->header_count; i++) {
		struct record_header *header = &o->headers[i];

		header->key.data = at;
		at += header->key.len;
		if (!slice_is_null(header->value))
			header->value.data = at;
		at += header->value.len;
	}
	return EXIT_GO_ON;
}

/* -z codec[:level] is two properties. */
static int finish_compression(struct produce_options *o,
			      struct client_config *config, struct messages *m)
{
	struct client_error error;
	const char *colon;
	char codec[32];
	int64_t level;
	size_t len;
	int min;
	int max;

	if (o->compression == NULL)
		return EXIT_GO_ON;
	colon = strchr(o->compression, ':');
	len = colon == NULL ? strlen(o->compression)
			    : (size_t)(colon - o->compression);
	snprintf(codec, sizeof(codec), "%.*s", (int)len, o->compression);
	client_error_clear(&error);
	if (client_config_set(config, "compression.codec", codec, &error) < 0)
		return message_usage(m,
				     "-z '%s': none, gzip, snappy, lz4 or "
				     "zstd",
				     o->compression);
	if (colon == NULL)
		return EXIT_GO_ON;
	if (parse_int64_in(colon + 1, INT32_MIN, INT32_MAX, &level) == 0 &&
	    codec_check_level(config->compression, (int)level) == 0 &&
	    client_config_set(config, "compression.level", colon + 1, &error) >=
		    0)
		return EXIT_GO_ON;
	if (!codec_levels(config->compression, &min, &max))
		return message_usage(m, "-z '%s': %s has no levels",
				     o->compression, codec);
	return message_usage(m, "-z '%s': levels of %s are %d to %d",
			     o->compression, codec, min, max);
}

static int check_together(const struct produce_options *o, struct messages *m)
{
	bool json = o->common.json;

	if (o->topic == NULL && !json)
		return message_usage(m, "no topic: -t TOPIC");
	if (json &&
	    (o->delimiter_text != NULL || o->nul_delimiter ||
	     o->key_delimiter_text != NULL || o->whole || o->lines_of_files))
		return message_usage(m, "-J reads JSON: it goes without -D, "
					"-0, -K, -l and --whole");
	if (o->whole && (o->delimiter_text != NULL || o->nul_delimiter ||
			 o->lines_of_files))
		return message_usage(m, "--whole is one record: it goes "
					"without -D, -0 and -l");
	if (!json && o->partition == PARTITION_KEEP)
		return message_usage(m, "-p keep goes with -J");
	if (!json && o->stamp == STAMP_KEEP)
		return message_usage(m, "--ts keep goes with -J");
	if (o->key != NULL && o->key_delimiter_text != NULL)
		return message_usage(m, "-k and -K: which key?");
	if (o->no_key_ok && o->key_delimiter_text == NULL)
		return message_usage(m, "--no-key-ok goes with -K");
	if (o->ack_src && !json)
		return message_usage(m, "--ack-src goes with -J, whose "
					"envelopes name their source");
	if (o->ack_src && o->report != NULL)
		return message_usage(m, "--ack-src and --report: which is to "
					"be on stdout?");
	if (o->failed_path != NULL && strcmp(o->failed_path, "-") == 0)
		return message_usage(m, "--failed wants a file: stdout is for "
					"--report");
	return EXIT_GO_ON;
}

int produce_options_finish(struct produce_options *o,
			   struct client_config *config, struct messages *m)
{
	int status = check_together(o, m);

	if (status == EXIT_GO_ON)
		status = finish_delimiters(o, m);
	if (status == EXIT_GO_ON)
		status = finish_headers(o, m);
	if (status == EXIT_GO_ON)
		status = finish_compression(o, config, m);
	if (o->null_text != NULL)
		o->nulls.token = slice_of(o->null_text);
	if (o->stamp == STAMP_DEFAULT)
		o->stamp = o->common.json ? STAMP_KEEP : STAMP_NOW;
	return status;
}
