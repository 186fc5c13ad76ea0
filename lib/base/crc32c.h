/*
 * crc32c.h - CRC-32C (Castagnoli), as record batches carry it
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of len bytes, all at once. */
uint32_t crc32c(const void *data, size_t len);

/* Go on: crc is what came out of the bytes before, 0 at the start. */
uint32_t crc32c_update(uint32_t crc, const void *data, size_t len);

#endif /* BASE_CRC32C_H */
