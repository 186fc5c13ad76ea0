/*
 * log_kit.h - what the tests of logs share: directories and batches
 */
#ifndef TESTS_SUPPORT_LOG_KIT_H
#define TESTS_SUPPORT_LOG_KIT_H

#include "base/buffer.h"
#include "record/batch.h"

enum { KIT_PATH_MAX = 256 };

/* A fresh directory below /tmp; removed with all in it by the other. */
void kit_make_dir(char path[KIT_PATH_MAX]);
void kit_remove_dir(const char *path);

/* What batch to make; zeroes mean one empty record of time 0. */
struct kit_batch {
	int32_t records;      /* 0: 1 */
	size_t value_bytes;   /* of each record */
	int64_t timestamp_ms; /* of the first; each next is 1 later */
	bool idempotent;
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t base_sequence;
	int16_t attributes;
	int codec;
	uint8_t fill; /* what values are made of */
	int64_t base_offset;
	int32_t leader_epoch;
};

/* Append the batch to out and read its header. */
void kit_make_batch(const struct kit_batch *what, struct buffer *out,
		    struct batch_header *header_out);

/* The whole file, malloced. */
uint8_t *kit_read_file(const char *dir, const char *name, size_t *len_out);
void kit_write_file(const char *dir, const char *name, const void *bytes,
		    size_t len);
bool kit_file_exists(const char *dir, const char *name);

/* Copy the files of one directory into another that exists. */
void kit_copy_dir(const char *from, const char *to);

/* The lowest descriptor that is free, to see that none was left open. */
int kit_free_fd(void);

#endif /* TESTS_SUPPORT_LOG_KIT_H */
