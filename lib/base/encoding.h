/*
 * encoding.h - bytes and numbers as text: base64, hex, decimal
 *
 * What is written is appended; out of memory shows in out->failed, and the
 * decoders say -ENOMEM too.
 */
#ifndef BASE_ENCODING_H
#define BASE_ENCODING_H

#include "base/buffer.h"

/* Standard base64 with padding. */
void base64_encode(struct buffer *out, struct slice bytes);

/* Standard or URL-safe, padded or not.  Returns 0 or -EINVAL. */
int base64_decode(struct buffer *out, struct slice text);

/* The value of a digit in either case, or -1. */
int hex_value(uint8_t c);

/* Lower case out; either case in.  Returns 0 or -EINVAL. */
void hex_encode(struct buffer *out, struct slice bytes);
int hex_decode(struct buffer *out, struct slice text);

/* A number in decimal; what printf would do, only faster. */
void decimal_encode(struct buffer *out, int64_t value);

#endif /* BASE_ENCODING_H */
