/*
 * encoding.h - the escapes of command lines; other encodings: base/encoding.h
 */
#ifndef CLI_ENCODING_H
#define CLI_ENCODING_H

#include "base/buffer.h"
#include "base/encoding.h"

/*
 * Undo \t \n \r \\ \xNN and kcat's \NNN (octal where it starts with 0, so \0
 * is NUL; else decimal); another character after a backslash is itself.
 * Returns 0, or -EINVAL for \x without a digit, a number over 255 or a
 * backslash at the end.
 */
int escapes_decode(struct buffer *out, const char *text);

#endif /* CLI_ENCODING_H */
