/*
 * change.h - a plan becomes what is committed
 *
 * In this order: wait until the groups are empty (if asked to), compare each
 * row with what is committed and with the partition, write the way back to a
 * file, commit, and look again whether it is so.
 */
#ifndef KGROUPS_CHANGE_H
#define KGROUPS_CHANGE_H

#include "kgroups/kgroups.h"
#include "kgroups/plan.h"

/*
 * Apply the plan, which is sorted; prints what became of each row and returns
 * the status.  before_commit, unless NULL, is called when all rows are good
 * and nothing is changed yet; a status other than EXIT_GO_ON ends it there.
 */
int change_apply(struct kgroups *k, struct plan *plan,
		 int (*before_commit)(void *arg), void *arg);

#endif /* KGROUPS_CHANGE_H */
