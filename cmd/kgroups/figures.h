/*
 * figures.h - how far behind a group is, as arithmetic
 *
 * Offsets are -1 where they are not known or, of commits, not there.
 */
#ifndef KGROUPS_FIGURES_H
#define KGROUPS_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Records that wait: from the committed offset, or from the start where
 * nothing older is left or nothing is committed, to the end.  Never below 0;
 * -1 when start or end is not known.
 */
int64_t figures_lag(int64_t committed, int64_t start, int64_t end);

/* Records that were deleted before they were read; 0 for none. */
int64_t figures_lost(int64_t committed, int64_t start);

/* Where the next read begins: -1 when start is not known. */
int64_t figures_next(int64_t committed, int64_t start);

/* How long the first record that waits does so, ms; 0 for no lag. */
int64_t figures_time_lag(int64_t lag, int64_t record_ms, int64_t now_ms);

/* Records a second by which offset went from before to after in elapsed_us;
 * 0 when it went back.  Below 0 when one is not known. */
double figures_rate(int64_t before, int64_t after, int64_t elapsed_us);

/*
 * In how many ms the lag is 0, when written and read go on at these rates:
 * 0 without lag, -1 for never or not known.
 */
int64_t figures_eta_ms(int64_t lag, double read_rate, double write_rate);

#endif /* KGROUPS_FIGURES_H */
