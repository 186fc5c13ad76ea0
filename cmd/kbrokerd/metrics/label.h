/*
 * label.h - names that clients chose, which may be any bytes, as text
 *
 * Text as it is, so far as it is UTF-8.  A byte that is none, and NUL, is
 * \xNN, as is a backslash that stands before "xNN", so that different names
 * never look the same.  A name whose text is too long is cut, with a digest of
 * all of it behind; it stays longer than any that is not cut.
 */
#ifndef KBROKERD_METRICS_LABEL_H
#define KBROKERD_METRICS_LABEL_H

#include "base/bytes.h"

enum {
	LABEL_WHOLE_MAX = 512, /* bytes of a text that is not cut */
	LABEL_DIGEST_BYTES = 16,
	/* "..." and the digest in hex, and a NUL */
	LABEL_TEXT_MAX = LABEL_WHOLE_MAX + 3 + 2 * LABEL_DIGEST_BYTES + 1,
};

/* Write the text and a NUL to out; returns its length. */
size_t label_text(struct slice name, char out[LABEL_TEXT_MAX]);

#endif /* KBROKERD_METRICS_LABEL_H */
