/*
 * options.h - what the command line of kproduce says
 */
#ifndef KPRODUCE_OPTIONS_H
#define KPRODUCE_OPTIONS_H

#include "base/buffer.h"
#include "cli/common.h"
#include "cli/framing.h"
#include "record/record.h"

/* --ts */
enum timestamp_rule { STAMP_DEFAULT, STAMP_NOW, STAMP_KEEP, STAMP_FIXED };

enum {
	PARTITION_ANY = -1,  /* the partitioner's choice */
	PARTITION_KEEP = -2, /* -p keep: the envelope's */
};

struct produce_options {
	struct common_options common; /* first: the common table relies on it */

	const char *topic;
	int32_t partition;
	bool create;
	int64_t create_partitions, create_replicas; /* -1: the broker's */

	const char *delimiter_text;
	bool nul_delimiter, lines_of_files, whole;
	const char *key_delimiter_text;
	bool no_key_ok;
	const char *key; /* -k: of every record */
	struct option_texts header_texts;
	struct null_rule nulls;
	const char *null_text;
	bool skip_empty;
	enum timestamp_rule stamp;
	int64_t stamp_ms;

	const char *compression; /* -z codec[:level] */
	int64_t count;           /* 0: all */
	bool keep_going;         /* -E */
	bool at_once;            /* -u */
	const char *failed_path;
	const char *report;
	bool ack_src;

	/* Worked out of the above by produce_options_finish(). */
	struct buffer delimiter, key_delimiter; /* key: empty is none */
	struct record_header *headers;
	int32_t header_count;
	struct buffer header_bytes; /* what headers point into */
};

extern const struct option_tool produce_tool;

void produce_options_init(struct produce_options *o);
void produce_options_clear(struct produce_options *o);

/*
 * Check what the options say together, work out the rest, and set what of it
 * is a property.  Returns EXIT_GO_ON, or EXIT_USAGE, said.
 */
int produce_options_finish(struct produce_options *o,
			   struct client_config *config, struct messages *m);

#endif /* KPRODUCE_OPTIONS_H */
