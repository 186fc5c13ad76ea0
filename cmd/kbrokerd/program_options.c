/*
 * program_options.c - the options of kbrokerd
 *
 * The one place that knows them: --help, completions and the test of the man
 * page come from it.
 */
#include "kbrokerd/program.h"

static const char *parse_trace(const char *text, void *options)
{
	struct program *p = options;

	p->trace = true;
	p->trace_params.file = text;
	return text != NULL && text[0] == '\0' ? "is not a file" : NULL;
}

static const struct option_row option_rows[] = {
	{ 'F', "config", "FILE", OPTION_TEXT, OPTION_AT(struct program, file),
	  "Settings", "read settings from a server.properties",
	  "/etc/kbrokerd.conf where there is one", 0, 0, NULL, "file", NULL },
	{ 'X', "set", "KEY=VALUE", OPTION_TEXTS,
	  OPTION_AT(struct program, sets), "Settings",
	  "set one property, over the file's and KAFKA_*; repeatable", NULL, 0,
	  0, NULL, "property", NULL },
	{ 0, "lenient", NULL, OPTION_FLAG, OPTION_AT(struct program, lenient),
	  "Settings", "warn about unknown properties instead of stopping", NULL,
	  0, 0, NULL, NULL, NULL },
	{ 't', "test", NULL, OPTION_FLAG, OPTION_AT(struct program, test),
	  "Settings", "check the settings and exit", NULL, 0, 0, NULL, NULL,
	  NULL },
	{ 'T', "print", NULL, OPTION_FLAG, OPTION_AT(struct program, print),
	  "Settings",
	  "print the settings in effect, with their origin, and exit", NULL, 0,
	  0, NULL, NULL, NULL },
	{ 0, "tmp", NULL, OPTION_FLAG, OPTION_AT(struct program, temporary),
	  "Running",
	  "use a private data directory that is removed at the end; nothing "
	  "is synced",
	  NULL, 0, 0, NULL, NULL, NULL },
	{ 0, "topic", "NAME[:N][,K=V...]", OPTION_TEXTS,
	  OPTION_AT(struct program, topics), "Running",
	  "have a topic of N partitions with these properties when ready; what "
	  "is there is kept and grows; repeatable",
	  NULL, 0, 0, NULL, NULL, NULL },
	{ 0, "http-port-file", "FILE", OPTION_TEXT,
	  OPTION_AT(struct program, http_port_file), "Running",
	  "write the port of http.listeners to a file when the broker is ready",
	  NULL, 0, 0, NULL, "file", NULL },
	{ 0, "port-file", "FILE", OPTION_TEXT,
	  OPTION_AT(struct program, port_file), "Running",
	  "write the port to a file when the broker is ready", NULL, 0, 0, NULL,
	  "file", NULL },
	{ 0, "ready-fd", "N", OPTION_INT, OPTION_AT(struct program, ready_fd),
	  "Running",
	  "write the ready line to this descriptor too, and close it", NULL, 0,
	  1 << 20, NULL, NULL, NULL },
	{ 0, "run", NULL, OPTION_FLAG, OPTION_AT(struct program, run),
	  "Running a command",
	  "run COMMAND against a private broker that ends with it", NULL, 0, 0,
	  NULL, NULL, NULL },
	{ 0, "data", "DIR", OPTION_TEXT,
	  OPTION_AT(struct program, run_data_dir), "Running a command",
	  "keep its data in DIR, for the next run too", "a temporary directory",
	  0, 0, NULL, "file", NULL },
	{ 0, "keep-on-failure", "DIR", OPTION_TEXT,
	  OPTION_AT(struct program, run_keep_dir), "Running a command",
	  "make DIR for the data, and leave it if COMMAND fails", NULL, 0, 0,
	  NULL, "file", NULL },
	{ 0, "probe", NULL, OPTION_FLAG, OPTION_AT(struct program, probe),
	  "Looking at a broker",
	  "say which of the addresses that a broker tells its clients can be "
	  "reached from here; HOST:PORT, or the one of these settings",
	  NULL, 0, 0, NULL, NULL, NULL },
	{ 0, "trace", "[=FILE]", OPTION_PARSE, 0, "Tracing",
	  "print each request and answer as a line of JSON, secrets hidden",
	  "stderr", 0, 0, NULL, "file", parse_trace },
	{ 0, "trace-api", "NAME,...", OPTION_TEXT,
	  OPTION_AT(struct program, trace_params.apis), "Tracing",
	  "only these requests: Produce,Fetch", "all", 0, 0, NULL, NULL, NULL },
	{ 0, "trace-client", "GLOB", OPTION_TEXT,
	  OPTION_AT(struct program, trace_params.client), "Tracing",
	  "only requests of clients whose id is like this", "all", 0, 0, NULL,
	  NULL, NULL },
	{ 0, "trace-records", NULL, OPTION_FLAG,
	  OPTION_AT(struct program, trace_params.records), "Tracing",
	  "print records too, in base64, not only their size", NULL, 0, 0, NULL,
	  NULL, NULL },
	{ 0, "log", "FORMAT", OPTION_CHOICE,
	  OPTION_AT(struct program, log_format), "Talking",
	  "how lines on stderr are written", "logfmt", 0, 0, "logfmt|json",
	  NULL, NULL },
	{ 0, "log-file", "FILE", OPTION_TEXT,
	  OPTION_AT(struct program, log_file), "Talking",
	  "append the lines to a file, opened again on SIGHUP", "stderr", 0, 0,
	  NULL, "file", NULL },
	{ 0, "log-level", "LEVEL", OPTION_TEXTS,
	  OPTION_AT(struct program, log_levels), "Talking",
	  "tell lines of error, warn, info or debug and above, of all or of "
	  "one "
	  "subsystem; repeatable",
	  "info", 0, 0, NULL, NULL, NULL },
	{ 'v', "verbose", NULL, OPTION_COUNT,
	  OPTION_AT(struct program, verbose), "Talking", "tell more on stderr",
	  NULL, 0, 0, NULL, NULL, NULL },
	{ 'q', "quiet", NULL, OPTION_FLAG, OPTION_AT(struct program, quiet),
	  "Talking", "tell only warnings and errors", NULL, 0, 0, NULL, NULL,
	  NULL },
	{ 'V', "version", NULL, OPTION_VERSION, 0, "Talking",
	  "print the version and exit", NULL, 0, 0, NULL, NULL, NULL },
	{ 'h', "help", NULL, OPTION_HELP, 0, "Talking",
	  "print this text and exit", NULL, 0, 0, NULL, NULL, NULL },
	{ 0, "help-json", NULL, OPTION_HELP_JSON, 0, "Talking",
	  "print the options as JSON and exit", NULL, 0, 0, NULL, NULL, NULL },
	{ 0, NULL, NULL, OPTION_END, 0, NULL, NULL, NULL, 0, 0, NULL, NULL,
	  NULL },
};

static const struct option_row *const tables[] = { option_rows, NULL };

static const char *const examples[] = {
	"kbrokerd   # data in /var/lib/kbrokerd or ~/.local/share/kbrokerd",
	"kbrokerd --tmp --port-file port -X listeners=PLAINTEXT://localhost:0",
	"kbrokerd -F server.properties -X num.partitions=6",
	"kbrokerd --run -- make test   # with KAFKA_BOOTSTRAP_SERVERS set",
	"kbrokerd --probe kafka:9092   # can its clients reach it?",
	"kbrokerd --trace=requests.json --trace-api Produce,Fetch",
	NULL
};

const struct option_tool program_tool = {
	.name = "kbrokerd",
	.doc = "store and serve records for Kafka clients",
	.operands = "[--run -- COMMAND [ARG...] | --probe [HOST:PORT]]",
	.operands_max = -1,
	.tables = tables,
	.examples = examples,
};
