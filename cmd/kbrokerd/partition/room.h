/*
 * room.h - is there room on the disk for more records?
 *
 * A disk that is full to the last byte is hard to get out of: nothing can be
 * deleted that must first be noted somewhere.  So records are refused while
 * less than min.free.bytes are left; all else goes on, reads, deletes, topics.
 *
 * Who produces is told to try again for GRACE, as the room may come back
 * (retention, an operator who was quick), and after that that it is in vain:
 * clients that only try again hang and never say why.
 *
 * This is the core: it is told what the disk says and what time it is.  One
 * thread at a time.
 */
#ifndef KBROKERD_PARTITION_ROOM_H
#define KBROKERD_PARTITION_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/vfs.h"

#define ROOM_GRACE_US INT64_C(10000000)

enum room_verdict {
	ROOM_ENOUGH,
	ROOM_SHORT, /* try again */
	ROOM_NONE,  /* for longer than the grace */
};

struct room {
	int64_t min_free_bytes; /* 0: no limit */
	struct vfs_space space; /* as told last */
	int64_t short_since_us; /* INT64_MAX: there is enough */
	int64_t full_since_us;  /* writes fail; INT64_MAX: they do not */
	int told_percent;       /* the last step that was told; 100: none */
};

/* min_free_bytes -1 is the smaller of 5 % of the disk and 1 GiB. */
void room_init(struct room *room, int64_t min_free_bytes);

/*
 * The disk has so much room now.  When that is worth a line of the log it is
 * written to text, and its level (logger.h) returned; else -1.
 */
int room_update(struct room *room, const struct vfs_space *space,
		int64_t now_us, char *text, size_t text_size);

/* A write failed because there is no room, or one went well again. */
void room_note_full(struct room *room, int64_t now_us);
void room_note_written(struct room *room);

/* What the limit is in bytes, as far as is known. */
int64_t room_limit_bytes(const struct room *room);

/* Is less left than is to stay free? */
bool room_is_short(const struct room *room);

enum room_verdict room_verdict(const struct room *room, int64_t now_us);

/* After how many bytes more the disk is to be looked at again. */
int64_t room_budget_bytes(const struct room *room);

/* Why there is none: both numbers, and what to change. */
void room_explain(const struct room *room, const char *dir, char *text,
		  size_t text_size);

#endif /* KBROKERD_PARTITION_ROOM_H */
