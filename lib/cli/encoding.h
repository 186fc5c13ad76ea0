/*
 * encoding.h - base64, hex and decimal, and the escapes of command lines
 */
#ifndef CLI_ENCODING_H
#define CLI_ENCODING_H

#include "base/buffer.h"

/* Standard base64 with padding. */
void base64_encode(struct buffer *out, struct slice bytes);

/* Standard or URL-safe, padded or not.  Returns 0 or -EINVAL. */
int base64_decode(struct buffer *out, struct slice text);

/* Lower case out; either case in.  Returns 0 or -EINVAL. */
void hex_encode(struct buffer *out, struct slice bytes);
int hex_decode(struct buffer *out, struct slice text);

/* A number in decimal; what printf would do, only faster. */
void decimal_encode(struct buffer *out, int64_t value);

/*
 * Undo \t \n \r \\ \xNN and kcat's \NNN (octal where it starts with 0, so \0
 * is NUL; else decimal); another character after a backslash is itself.
 * Returns 0, or -EINVAL for \x without a digit, a number over 255 or a
 * backslash at the end.
 */
int escapes_decode(struct buffer *out, const char *text);

#endif /* CLI_ENCODING_H */
