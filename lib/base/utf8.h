/*
 * utf8.h - UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing
 * over U+10FFFF
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buffer.h"

/* Bytes of the character at the front of the len (1 or more) bytes at s, or 0
 * when they begin with none. */
size_t utf8_len(const uint8_t *s, size_t len);

/* Is all of it UTF-8?  Null and empty are. */
bool utf8_is_valid(struct slice text);

/* Append a code point. */
void utf8_put(struct buffer *b, unsigned c);

#endif /* BASE_UTF8_H */
