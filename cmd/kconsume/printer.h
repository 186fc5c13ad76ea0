/*
 * printer.h - a consumed record as bytes on stdout
 */
#ifndef KCONSUME_PRINTER_H
#define KCONSUME_PRINTER_H

#include "cli/envelope.h"
#include "cli/format.h"
#include "cli/output.h"
#include "client/group_member.h"
#include "kconsume/options.h"

struct printer {
	struct output output;
	struct format *format; /* NULL: as JSON */
	struct envelope_style style;
	int64_t printed; /* records */
	/* Where envelopes are to say by whom they were read, else NULL. */
	const char *group;
	const struct group_member *member;
};

/* Compile what the options say.  Returns EXIT_GO_ON, or a status, said. */
int printer_init(struct printer *p, const struct consume_options *o,
		 struct messages *m);
void printer_clear(struct printer *p);

/* Append the record to out, as it is printed. */
void printer_format(struct printer *p, const struct consumer_record *r,
		    struct buffer *out);

/* Print the record, to the buffer or through.  0, or what output.error is. */
int printer_print(struct printer *p, const struct consumer_record *r,
		  int64_t now_us);

#endif /* KCONSUME_PRINTER_H */
