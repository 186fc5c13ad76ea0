/*
 * options.h - one table of options for each tool
 *
 * The table is the only place that knows an option: it feeds getopt_long(3),
 * stores the values, prints --help and --help-json, and from the latter come
 * the completions and the test that holds the man page against it.
 *
 * A tool is "tool [options] [operand...]", or has verbs, "tool VERB [options]
 * [operand...]", each with a table of its own; options may stand before and
 * after the verb and between operands.  "--" ends them.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cli/exit_code.h"
#include "cli/messages.h"

/* How a value is kept: at the row's offset in the struct of options. */
enum option_kind {
	OPTION_END,      /* ends a table */
	OPTION_FLAG,     /* bool: true */
	OPTION_COUNT,    /* int: one more */
	OPTION_TEXT,     /* const char *: the argument, as in argv */
	OPTION_TEXTS,    /* struct option_texts: appended */
	OPTION_INT,      /* int64_t in [low, high] */
	OPTION_SIZE,     /* int64_t, bytes: 10MiB; at least low */
	OPTION_DURATION, /* int64_t, ms: 5m; a bare number is seconds */
	OPTION_CHOICE,   /* int: which one of choices */
	OPTION_PARSE,    /* parse() stores it */
	OPTION_IGNORED,  /* taken for the sake of others, no effect */
	OPTION_HELP,
	OPTION_HELP_JSON,
	OPTION_VERSION,
};

struct option_texts {
	const char **items;
	size_t count;
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): read by people */
struct option_row {
	char letter;      /* 0: none */
	const char *name; /* long name without --; NULL: none */
	const char *arg;  /* "SEC"; "[=T]" is optional; NULL: takes none */
	enum option_kind kind;
	size_t offset; /* of the value in the struct given to options_parse() */
	const char *section; /* heading in --help: "Input" */
	const char *doc;     /* one sentence, no full stop; NULL: hidden */
	const char *def;     /* default as text, or NULL */
	int64_t low, high;   /* OPTION_INT; both 0: any.  OPTION_SIZE: low */
	const char *choices; /* OPTION_CHOICE: "none|gzip"; else completion */
	/* What completes the argument: "topic", "file", "property", or NULL. */
	const char *complete;
	/*
	 * OPTION_PARSE: store text (NULL where an optional argument is left
	 * out) in the options; returns NULL, or why not: "is not an offset".
	 */
	const char *(*parse)(const char *text, void *options);
};

#define OPTION_AT(type, field) offsetof(type, field)

struct option_verb {
	const char *name;
	const char *alias;                /* "ls", or NULL */
	const char *operands;             /* "[TOPIC...]", or "" */
	const char *doc;                  /* one sentence */
	const struct option_row *options; /* NULL: only the common ones */
	int operands_min;
	int operands_max;          /* -1: any number */
	const char *complete;      /* as of a row, for the operands */
	const char *example;       /* one line, or NULL */
	int (*run)(void *program); /* the tool's; returns its exit status */
};

struct option_tool {
	const char *name;
	const char *doc;      /* one sentence: "produce records from stdin" */
	const char *operands; /* "[FILE...]"; unused where there are verbs */
	const struct option_row *const *tables; /* ends with NULL */
	const struct option_verb *verbs; /* ends with name NULL; or NULL */
	int operands_min;
	int operands_max;
	const char *complete;
	/* "command   # what for"; ends with NULL. */
	const char *const *examples;
	/*
	 * A tool with verbs: do these options make sense without one (-X list)?
	 * Then result.verb is NULL.  May be NULL: never.
	 */
	bool (*verbless)(const void *options);
};

struct option_result {
	const struct option_verb *verb; /* NULL where the tool has none */
	char **operands;                /* in argv, which is reordered */
	int operand_count;
};

/*
 * Read argv into options, a zeroed or preset struct.  Single values: the last
 * one wins; strings stay argv's.
 *
 * Returns EXIT_GO_ON with *result_out set; or the status to exit with, all
 * having been said: EXIT_OK after --help, --help-json and --version (on
 * stdout), EXIT_USAGE after an error, with the nearest name where an unknown
 * one was meant.
 */
int options_parse(const struct option_tool *tool, int argc, char **argv,
		  void *options, struct messages *messages,
		  struct option_result *result_out);

/* Free what OPTION_TEXTS holds: not the strings. */
void option_texts_clear(struct option_texts *texts);

/* --help of the tool or of one verb, and --help-json, appended to out. */
void options_help(const struct option_tool *tool,
		  const struct option_verb *verb, struct buffer *out);
void options_help_json(const struct option_tool *tool, struct buffer *out);

#endif /* CLI_OPTIONS_H */
