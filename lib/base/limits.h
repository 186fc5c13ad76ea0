/*
 * limits.h - every limit of the product that is not a configuration
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
	FRAME_BYTES_MAX = 100 << 20, /* socket.request.max.bytes' default */
	TOPIC_NAME_MAX = 249,        /* Kafka's rule: leaves room for "-N" */
	PARTITIONS_PER_TOPIC_MAX = 100000,
	RECORD_BYTES_DECOMPRESSED_MAX = 256 << 20, /* of one batch, unpacked */
	PATH_BYTES_MAX = 4096,
};

#endif /* BASE_LIMITS_H */
