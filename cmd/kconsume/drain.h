/*
 * drain.h - how much of what was written has left stdout at its far end
 *
 * A pipe says how many bytes nobody has read yet (FIONREAD, on Linux on the
 * write end too).  A file has its bytes when it is on disk.  Of a socket, a
 * terminal or another device nothing can be known: there a byte that was
 * written counts.
 */
#ifndef KCONSUME_DRAIN_H
#define KCONSUME_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

enum drain_kind { DRAIN_PIPE, DRAIN_FILE, DRAIN_BLIND };

struct drain {
	int fd;
	enum drain_kind kind;
	int64_t delay_ms; /* until the next look at a pipe */
};

/* fd stays the caller's. */
void drain_init(struct drain *d, int fd);

/* "a socket", "a terminal" or "a device", of DRAIN_BLIND. */
const char *drain_blind_name(const struct drain *d);

/*
 * Of written bytes, all that went into fd so far, how many have left it.  A
 * file is synced by this, which may take its time.  Bytes of other writers to
 * the same pipe make it too few, never too many.  Returns that or -EIO,
 * -ENOSPC and their like.
 */
int64_t drain_taken(const struct drain *d, int64_t written);

/*
 * When to look again, in ms: 1, then twice as long each time up to 50, from 1
 * again after something has moved.
 */
int64_t drain_next_look(struct drain *d, bool moved);

#endif /* KCONSUME_DRAIN_H */
