/*
 * loggers.h - the broker's log as resources of type BROKER_LOGGER
 *
 * "root" is all subsystems without a level of their own; the others go by
 * their names.  Levels are those of log4j, in capitals, and last as long as
 * the process.
 */
#ifndef KBROKERD_API_LOGGERS_H
#define KBROKERD_API_LOGGERS_H

#include "kbrokerd/logger.h"
#include "kbrokerd/server/request.h"

#define LOGGERS_ROOT "root"

/* The level that counts for a logger, as log4j calls it. */
const char *loggers_level(const struct logger *logger, const char *name);

/* For IncrementalAlterConfigs: set the levels that it asks for, where the
 * controller has let them pass, and tell in the response what is wrong. */
void loggers_alter(struct request *req, const void *request, void *response);

#endif /* KBROKERD_API_LOGGERS_H */
