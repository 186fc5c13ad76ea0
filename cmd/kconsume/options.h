/*
 * options.h - what the command line of kconsume says
 */
#ifndef KCONSUME_OPTIONS_H
#define KCONSUME_OPTIONS_H

#include "base/buffer.h"
#include "cli/common.h"
#include "client/consumer.h"

/* --commit, in the order of its choices. */
enum { COMMIT_NONE, COMMIT_WRITE, COMMIT_DRAIN, COMMIT_ACK };

/* --ack */
enum { ACK_ORDER, ACK_EXACT };

/* A part of -p: partitions first to last. */
struct partition_range {
	int32_t first, last;
};

/* -o for one partition: "0=5". */
struct partition_start {
	int32_t partition;
	int64_t offset;
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): read by people */
struct consume_options {
	struct common_options common; /* first: the common table relies on it */

	struct option_texts topics;
	struct partition_range *ranges; /* range_count; 0: all partitions */
	size_t range_count;
	struct option_texts offset_texts; /* -o, as written */
	bool exit_at_end;
	int64_t count; /* -1: no limit */
	int64_t tail;  /* -1: off */
	int isolation; /* index of ISOLATION_CHOICES, -1: the property's */

	const char *group; /* NULL: none */
	const char *instance_id, *assignor;
	bool only_new;
	char **operands; /* operand_count, in argv */
	int operand_count;

	const char *format;
	const char *delimiter_text, *key_delimiter_text;
	bool nul_delimiter;
	bool print_offset;
	bool print_null;       /* -Z */
	const char *null_text; /* --null; wins over -Z */
	bool unbuffered;
	int encoding; /* enum envelope_encoding */
	bool meta;

	/* With a group: how it is committed what was read. */
	int commit;                    /* -1: drain */
	int64_t ack_fd;                /* -1: none */
	int ack;                       /* -1: order */
	const char *exec;              /* NULL: records go to stdout */
	int64_t batch_count, batch_ms; /* of --exec; 0: no limit */
	int64_t retries;
	const char *dlq; /* topic, or file where there is a '/' in it */

	/* Worked out of the above by consume_options_finish(). */
	struct consumer_position start, stop;
	bool start_set;
	bool stored;                         /* -o stored */
	struct option_texts names, patterns; /* -G: of -t and operands */
	struct partition_start *starts;
	size_t start_count;
	struct buffer delimiter, key_delimiter; /* key: empty is none */
};

extern const struct option_tool consume_tool;

void consume_options_init(struct consume_options *o);
void consume_options_clear(struct consume_options *o);

/*
 * Check what the options say together and work out the rest.  now_ms is for
 * times that are relative.  Returns EXIT_GO_ON, or EXIT_USAGE, said.
 */
int consume_options_finish(struct consume_options *o, int64_t now_ms,
			   struct messages *m);

/* Set the properties that options stand for.  EXIT_GO_ON, or EXIT_USAGE or
 * another status, said. */
int consume_options_configure(const struct consume_options *o,
			      struct client_config *config, struct messages *m);

/* Where -o, if there is one, wants to start in the partition. */
struct consumer_position consume_options_start(const struct consume_options *o,
					       int32_t partition);

#endif /* KCONSUME_OPTIONS_H */
