/*
 * label.c - names that clients chose, which may be any bytes, as text
 */
#include "kbrokerd/metrics/label.h"

#include <string.h>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

enum { ESCAPE_BYTES = 4 }; /* of \xNN */

/* Would what follows make an escape of a backslash at s? */
static bool looks_escaped(const uint8_t *s, size_t len)
{
	return len >= ESCAPE_BYTES && s[0] == '\\' && s[1] == 'x' &&
	       hex_value(s[2]) >= 0 && hex_value(s[3]) >= 0;
}

/* How many bytes of s are taken as they are; 0: the first is escaped. */
static size_t plain_len(const uint8_t *s, size_t len)
{
	return s[0] == '\0' || looks_escaped(s, len) ? 0 : utf8_len(s, len);
}

/* As much of the name as fits; *len_out bytes of text.  Was it all? */
static bool put_text(struct slice name, char *out, size_t *len_out)
{
	size_t at = 0;
	size_t n = 0;

	while (at < name.len) {
		const uint8_t *s = name.data + at;
		size_t plain = plain_len(s, name.len - at);
		size_t more = plain == 0 ? ESCAPE_BYTES : plain;

		if (n + more > LABEL_WHOLE_MAX)
			break;
		if (plain > 0) {
			memcpy(out + n, s, plain);
		} else {
			out[n] = '\\';
			out[n + 1] = 'x';
			out[n + 2] = hex_digits[s[0] >> 4];
			out[n + 3] = hex_digits[s[0] & 15];
		}
		n += more;
		at += plain == 0 ? 1 : plain;
	}
	*len_out = n;
	return at == name.len;
}

size_t label_text(struct slice name, char out[LABEL_TEXT_MAX])
{
	uint8_t digest[DIGEST_SIZE_MAX];
	size_t n;

	if (!put_text(name, out, &n)) {
		digest_hash(DIGEST_SHA256, name, digest);
		memcpy(out + n, "...", 3);
		n += 3;
		for (size_t i = 0; i < LABEL_DIGEST_BYTES; i++) {
			out[n++] = hex_digits[digest[i] >> 4];
			out[n++] = hex_digits[digest[i] & 15];
		}
	}
	out[n] = '\0';
	return n;
}
