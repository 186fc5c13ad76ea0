/*
 * quotas.h - who has used how much, and must wait how long for it
 *
 * The broker's client quotas at work.  A client that goes beyond its quota is
 * told how long it is to be silent; nobody waits here.  While there is no
 * quota of a kind, asking costs one load.
 */
#ifndef KBROKERD_QUOTA_QUOTAS_H
#define KBROKERD_QUOTA_QUOTAS_H

#include <stdatomic.h>

#include "kbrokerd/quota/limits.h"
#include "kbrokerd/quota/rate.h"

/* Most clients that are remembered, fewer if their names are long; then the one
 * silent longest is not. */
enum { QUOTA_METERS_MAX = 16384 };

struct quotas_params {
	struct rate_windows windows;          /* quota.window.* */
	struct rate_windows mutation_windows; /* controller.quota.window.* */
};

struct quotas;

/* NULL: out of memory. */
struct quotas *quotas_new(const struct quotas_params *params);

/* NULL is allowed. */
void quotas_free(struct quotas *q);

/* From now on these count; they become the quotas'.  Any thread. */
void quotas_set(struct quotas *q, struct quota_limits *limits);

/* Is there a quota of that kind?  q may be NULL: no. */
bool quotas_has(const struct quotas *q, enum quota_kind kind);
bool quotas_has_any(const struct quotas *q);

/*
 * Count value for a client.  Returns the milliseconds for which it is to be
 * silent, most often 0.  now_ms is monotonic.  Any thread, as all below.
 */
int32_t quotas_record(struct quotas *q, enum quota_kind kind,
		      const struct quota_client *client, double value,
		      int64_t now_ms);

/* What was counted is not sent after all. */
void quotas_take_back(struct quotas *q, enum quota_kind kind,
		      const struct quota_client *client, double value,
		      int64_t now_ms);

/* Most that a client can have at once without going beyond its quota. */
double quotas_most(struct quotas *q, enum quota_kind kind,
		   const struct quota_client *client);

/*
 * May a client change so many partitions?  Strict: not while it is beyond its
 * quota; else it may, and is told to be silent after it.  *wait_ms_out is for
 * how long.  (KIP-599)
 */
bool quotas_permit(struct quotas *q, const struct quota_client *client,
		   int32_t partitions, bool strict, int64_t now_ms,
		   int32_t *wait_ms_out);

/* May an address ("127.0.0.1") have one connection more?  (KIP-612) */
bool quotas_admit(struct quotas *q, const char *address, int64_t now_ms);

/* How many clients are remembered. */
size_t quotas_meter_count(struct quotas *q);

#endif /* KBROKERD_QUOTA_QUOTAS_H */
