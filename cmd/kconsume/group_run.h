/*
 * group_run.h - kconsume -G: a member of a consumer group
 */
#ifndef KCONSUME_GROUP_RUN_H
#define KCONSUME_GROUP_RUN_H

#include "kconsume/program.h"

/*
 * Join, consume what the group assigns until the run ends, and leave: in
 * whatever way it ends, unless killed.  The client of p stands.  Returns a
 * status, said.
 */
int group_run(struct program *p);

#endif /* KCONSUME_GROUP_RUN_H */
