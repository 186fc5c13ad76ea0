/*
 * encoding.c - the escapes of command lines
 */
#include "cli/encoding.h"

#include <errno.h>

/*
 * Read a number of at most max digits in base at text.  Returns how many
 * characters it takes, 0 when there is no digit or it is over 255.
 */
static size_t read_byte(const char *text, int base, size_t max,
			uint8_t *byte_out)
{
	int value = 0;
	size_t n = 0;

	for (; n < max; n++) {
		int digit = hex_value((uint8_t)text[n]);

		if (digit < 0 || digit >= base)
			break;
		value = value * base + digit;
	}
	if (n == 0 || value > 255)
		return 0;
	*byte_out = (uint8_t)value;
	return n;
}

/*
 * What the escape whose backslash is before text means.  Returns how many
 * characters of text it takes, or 0 when it is broken.
 */
static size_t read_escape(const char *text, uint8_t *byte_out)
{
	static const char names[] = "tnr";
	static const char means[] = "\t\n\r";
	const char *at;
	size_t n;

	if (text[0] == '\0')
		return 0;
	if (text[0] == 'x') {
		n = read_byte(text + 1, 16, 2, byte_out);
		return n == 0 ? 0 : n + 1;
	}
	if (text[0] >= '0' && text[0] <= '9')
		return read_byte(text, text[0] == '0' ? 8 : 10, 3, byte_out);
	at = strchr(names, text[0]);
	*byte_out = at == NULL ? (uint8_t)text[0] : (uint8_t)means[at - names];
	return 1;
}

int escapes_decode(struct buffer *out, const char *text)
{
	while (*text != '\0') {
		uint8_t byte = (uint8_t)*text++;

		if (byte == '\\') {
			size_t n = read_escape(text, &byte);

			if (n == 0)
				return -EINVAL;
			text += n;
		}
		buffer_put_u8(out, byte);
	}
	return out->failed ? -ENOMEM : 0;
}
