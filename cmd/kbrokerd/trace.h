/*
 * trace.h - kbrokerd --trace: what is asked and answered, as lines of JSON
 *
 *	{"time":"2026-08-01T10:00:00.000000Z","kind":"request",
 *	 "peer":"127.0.0.1:40312","client":"app","api":"Fetch","version":17,
 *	 "correlation":12,"body":{...}}
 *	{..., "kind":"response", ..., "us":123,"bytes":456,"body":{...}}
 *
 * "body" is as the codec prints it, field names as in the schema; null with
 * "omitted" telling why.  Other kinds: "connected", "closed", "refused" (with
 * "why"), and "lost" with the "count" of lines that the file took too slowly.
 *
 * Secrets are "***": what SASL exchanges, passwords of SCRAM, tokens, and
 * values of properties that are passwords or not known.
 */
#ifndef KBROKERD_TRACE_H
#define KBROKERD_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "kbrokerd/server/observer.h"

struct trace;

struct trace_params {
	const char *file;   /* appended to; NULL: stderr */
	const char *apis;   /* "Fetch,Produce"; NULL: all */
	const char *client; /* glob of client ids; NULL: all */
	bool records;       /* print records too, in base64 */
};

/*
 * Open the file and start the thread that writes.  Returns 0, or a negative
 * errno with a text in error.
 */
int trace_open(const struct trace_params *params, struct trace **trace_out,
	       char *error, size_t error_size);

/*
 * Go on in the file of that name, when this one was moved away.  Returns 0,
 * also when there is none; or a negative errno: it goes on in the old one.
 */
int trace_reopen(struct trace *trace);

/* For server_observe(); lives as long as the trace. */
const struct server_observer *trace_observer(const struct trace *trace);

/* Write what is left; after the server has gone.  NULL is allowed. */
void trace_close(struct trace *trace);

#endif /* KBROKERD_TRACE_H */
