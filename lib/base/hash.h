/*
 * hash.h - the hashes by which Kafka clients choose a partition
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Java's default: murmur2 with seed 0x9747b28c (org.apache.kafka Utils). */
uint32_t hash_murmur2(const void *data, size_t len);

/* librdkafka's consistent partitioners: CRC-32 as in zlib. */
uint32_t hash_crc32(const void *data, size_t len);

/* Go on: crc is what came out of the bytes before, 0 at the start. */
uint32_t hash_crc32_update(uint32_t crc, const void *data, size_t len);

/* 32-bit FNV-1a, as librdkafka's fnv1a partitioners (and Sarama's) use it. */
uint32_t hash_fnv1a(const void *data, size_t len);

/*
 * String.hashCode() of Java, by which groups and transactions find their
 * partition: of the text in UTF-16, surrogates one by one.  A byte that is no
 * UTF-8 counts as U+FFFD.
 */
int32_t hash_java(const void *data, size_t len);

/* Its absolute value as Kafka takes it: 0 for the one that has none. */
int32_t hash_java_positive(const void *data, size_t len);

/* For our own tables: fast, not for the wire; seeded once per process. */
uint64_t hash_bytes(const void *data, size_t len);

#endif /* BASE_HASH_H */
