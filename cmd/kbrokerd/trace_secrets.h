/*
 * trace_secrets.h - which fields of messages nobody is to read
 */
#ifndef KBROKERD_TRACE_SECRETS_H
#define KBROKERD_TRACE_SECRETS_H

#include "wire/wire.h"

/* wire_json_rules.is_secret; arg is not looked at. */
bool trace_is_secret(void *arg, const struct wire_desc *desc, const char *field,
		     const void *message);

#endif /* KBROKERD_TRACE_SECRETS_H */
