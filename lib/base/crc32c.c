/*
 * crc32c.c - CRC-32C by ISA-L
 *
 * The library's function is the bare polynomial: the inversion before and
 * after, which the standard asks for, is made here.  It counts in int, so a
 * longer range goes in pieces.
 */
#include "base/crc32c.h"

#include <isa-l/crc.h>

#define PIECE_BYTES ((size_t)1 << 30)

uint32_t crc32c_update(uint32_t crc, const void *data, size_t len)
{
	/* It only reads, though its prototype does not say so. */
	unsigned char *at = (unsigned char *)data;

	crc = ~crc;
	while (len > 0) {
		size_t n = len < PIECE_BYTES ? len : PIECE_BYTES;

		crc = crc32_iscsi(at, (int)n, crc);
		at += n;
		len -= n;
	}
	return ~crc;
}

uint32_t crc32c(const void *data, size_t len)
{
	return crc32c_update(0, data, len);
}
