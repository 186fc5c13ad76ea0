/*
 * follow.h - the broker's quotas follow its metadata
 */
#ifndef KBROKERD_QUOTA_FOLLOW_H
#define KBROKERD_QUOTA_FOLLOW_H

struct config;
struct metadata;
struct quotas;

/*
 * Make the quotas with windows as configured, and keep them as the metadata
 * has them from now on; they must outlive it.  Returns 0 or -ENOMEM.
 */
int quotas_follow(struct metadata *metadata, const struct config *config,
		  struct quotas **quotas_out);

#endif /* KBROKERD_QUOTA_FOLLOW_H */
