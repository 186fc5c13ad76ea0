/*
 * format.h - the output format of kconsume -f and kproduce --report
 *
 * kcat's letters:
 *	%s value  %S its length  %R its length as 4 bytes, big endian
 *	%k key    %K its length  %T timestamp, ms  %h headers, n=v,n=v
 *	%t topic  %p partition   %o offset         %%
 * and %{name} or %{name:mod}, name one of
 *	topic partition offset ts key value headers header.NAME epoch tstype
 *	broker size lag src.record src.topic src.partition src.offset
 * and mod one of
 *	hex b64 json csv   key, value, header, topic, tstype
 *	json               headers: [name, value, name, value...]
 *	iso, or a format of strftime(3) with a % in it: ts, in UTC
 *	u8 u16be u16le u32be u32le u64be u64le: a number as so many bytes; of
 *	                   key, value and header the length, -1 for null
 * size is the bytes of key, value and headers; lag the records after this one
 * up to the high watermark.  A length of null is -1.  Escapes as in
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
 * (null slice: none) the key before it, with offset the offset before that;
 * as in kcat there is no offset without a key delimiter.
 */
int format_simple(struct slice delimiter, struct slice key_delimiter,
		  bool offset, const char *null_text,
		  struct format **format_out);

/* Append the record.  Out of memory shows in out->failed. */
void format_write(const struct format *format, const struct record_place *place,
		  const struct record *record, struct buffer *out);

#endif /* CLI_FORMAT_H */
