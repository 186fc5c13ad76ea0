/*
 * utf8.c - UTF-8 as RFC 3629 has it
 */
#include "base/utf8.h"

static bool is_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_len(const uint8_t *s, size_t len)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || len < 2 || !is_tail(s[1]))
		return 0;
	if (s[0] < 0xe0)
		return 2;
	if (len < 3 || !is_tail(s[2]))
		return 0;
	if (s[0] < 0xf0) {
		if ((s[0] == 0xe0 && s[1] < 0xa0) ||
		    (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return 3;
	}
	if (len < 4 || !is_tail(s[3]) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return 4;
}

bool utf8_is_valid(struct slice text)
{
	size_t i = 0;

	while (i < text.len) {
		uint64_t word;
		size_t n;

		if (text.len - i >= sizeof(word)) {
			memcpy(&word, text.data + i, sizeof(word));
			if ((word & 0x8080808080808080ULL) == 0) {
				i += sizeof(word);
				continue;
			}
		}
		n = utf8_len(text.data + i, text.len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

void utf8_put(struct buffer *b, unsigned c)
{
	if (c < 0x80) {
		buffer_put_u8(b, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		buffer_put_u8(b, (uint8_t)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		buffer_put_u8(b, (uint8_t)(0xe0 | c >> 12));
		buffer_put_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	} else {
		buffer_put_u8(b, (uint8_t)(0xf0 | c >> 18));
		buffer_put_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buffer_put_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	buffer_put_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
}
