/*
 * plan_file.h - the plans that operands name
 */
#ifndef KGROUPS_PLAN_FILE_H
#define KGROUPS_PLAN_FILE_H

#include "kgroups/kgroups.h"
#include "kgroups/plan.h"

/*
 * Append the plans of all operands, "-" and none being stdin; -G is for rows
 * that name no group.  EXIT_GO_ON, or a status, all having been said.
 */
int plan_files_read(struct kgroups *k, struct plan *plan);

#endif /* KGROUPS_PLAN_FILE_H */
