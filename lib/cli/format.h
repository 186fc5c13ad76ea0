/*
 * format.h - the output format of kconsume -f and kproduce --report
 *
 * kcat's letters:
 *	%s value  %S its length  %R its length as 4 bytes, big endian
 *	%k key    %K its length  %T timestamp, ms  %h headers, n=v,n=v
 *	%t topic  %p partition   %o offset         %%
 * and %{name} or %{name:mod}, name one of
 *	topic partition offset ts key value headers header.NAME epoch tstype
 *	broker size lag
 * mod one of hex b64 json csv iso u8 u16le u16be u32le ... u64be, or a format
 * of strftime(3), in UTC, for ts.  A length of null is -1.  Escapes as in
 * cli/encoding.h; kcat ends its text at \0, here it is a NUL byte.
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include "base/buffer.h"
#include "cli/record_place.h"
#include "record/record.h"

struct format;

/*
 * Compile text.  null_text is what a null key or value prints as (-Z,
 * --null), NULL: nothing; with kcat's -Z it is "NULL".
 *
 * Returns 0 with *format_out the caller's, -ENOMEM, or -EINVAL with a reason
 * in why (static text) and *at_out at the character in text.
 */
int format_compile(const char *text, const char *null_text,
		   struct format **format_out, const char **why_out,
		   size_t *at_out);
void format_free(struct format *format);

/*
 * What kconsume prints without -f: value and delimiter, with a key delimiter
 * (null slice: none) the key before it, with offset the offset before that.
 */
int format_simple(struct slice delimiter, struct slice key_delimiter,
		  bool offset, const char *null_text,
		  struct format **format_out);

/* Append the record.  Out of memory shows in out->failed. */
void format_write(const struct format *format, const struct record_place *place,
		  const struct record *record, struct buffer *out);

#endif /* CLI_FORMAT_H */
