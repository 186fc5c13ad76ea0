/*
 * cgroup.h - what a container may use of its machine
 *
 * Linux' control groups, version 2 and 1: the smallest limit of the process'
 * own group and those above it.
 */
#ifndef KBROKERD_CGROUP_H
#define KBROKERD_CGROUP_H

#include <stdint.h>

/*
 * root is what to look below instead of /, for tests, or NULL.
 *
 * Processors that a quota of time comes to, rounded up; -1: no quota.
 */
int cgroup_processors(const char *root);

/* Memory; -1: no limit. */
int64_t cgroup_memory_bytes(const char *root);

#endif /* KBROKERD_CGROUP_H */
