/*
 * ack_input.h - acknowledgements as lines on a descriptor
 *
 *	orders 0 1042	that record of that topic and partition is done
 *	100		the next 100 records, in the order written, are done
 *	end		all that was written is done, and nothing more comes
 *
 * Fields are parted by blanks.  Lines are bounded, so memory is.  Bytes after
 * the last newline may be the beginning of a longer line that a crash cut off:
 * they acknowledge nothing.
 */
#ifndef KCONSUME_ACK_INPUT_H
#define KCONSUME_ACK_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ACK_INPUT_BYTES = 16 << 10,
	ACK_LINE_MAX = 512, /* the longest topic, two numbers, blanks */
	ACK_WHY_MAX = 160,
};

enum ack_kind { ACK_RECORD, ACK_COUNT, ACK_END };

struct ack {
	enum ack_kind kind;
	const char *topic; /* ACK_RECORD; until the next call */
	int32_t partition;
	int64_t offset;
	int64_t count; /* ACK_COUNT, 1 or more */
};

struct ack_input {
	char bytes[ACK_INPUT_BYTES + 1];
	size_t from, to; /* what of bytes is not parsed yet */
	int64_t line;    /* of the last that was given, from 1 */
	bool ended;      /* end of file was read */
	bool has_end;    /* and "end" before it */
};

/* All zeroes is one that has read nothing. */

/*
 * Read once what is there; the descriptor is to be readable, or this waits.
 * To be called when ack_input_next() has said 0.  Returns 0 (ended says
 * whether that was all), or what read(2) says.
 */
int ack_input_read(struct ack_input *in, int fd);

/*
 * The next line's acknowledgement: 1; 0 when no whole line is left; or
 * -EBADMSG with the reason in why and the line's number in in->line.
 */
int ack_input_next(struct ack_input *in, struct ack *ack_out,
		   char why[ACK_WHY_MAX]);

#endif /* KCONSUME_ACK_INPUT_H */
