/*
 * status_json.h - what the parts of /status share
 */
#ifndef KBROKERD_HTTP_STATUS_JSON_H
#define KBROKERD_HTTP_STATUS_JSON_H

#include "cli/json_writer.h"
#include "kbrokerd/http/visit.h"

enum { STATUS_ROWS_MAX = 500 }; /* of a table that can be limited */

/* A member; -1 is not known. */
void status_put_known(struct json_writer *w, const char *key, int64_t value);

/* The member "groups" (status_groups.c). */
void status_put_groups(struct json_writer *w, const struct visit *v);

#endif /* KBROKERD_HTTP_STATUS_JSON_H */
