/*
 * printer.c - a consumed record as bytes on stdout
 */
#include "kconsume/printer.h"

#include <errno.h>
#include <unistd.h>

static int compile_format(struct printer *p, const struct consume_options *o,
			  struct messages *m)
{
	const char *why = NULL;
	size_t at = 0;

	switch (format_compile(o->format, o->null_text, &p->format, &why,
			       &at)) {
	case 0:
		return EXIT_GO_ON;
	case -EINVAL:
		return message_usage(m, "-f '%s': %s at character %zu",
				     o->format, why, at + 1);
	default:
		return message_fail(m, EXIT_REFUSED, "out of memory");
	}
}

static int simple_format(struct printer *p, const struct consume_options *o,
			 struct messages *m)
{
	struct slice key = SLICE_NULL;

	if (o->key_delimiter_text != NULL)
		key = (struct slice){ o->key_delimiter.len == 0
					      ? (const uint8_t *)""
					      : o->key_delimiter.data,
				      o->key_delimiter.len };
	if (format_simple(buffer_slice(&o->delimiter), key, o->print_offset,
			  o->null_text, &p->format) < 0)
		return message_fail(m, EXIT_REFUSED, "out of memory");
	return EXIT_GO_ON;
}

int printer_init(struct printer *p, const struct consume_options *o,
		 struct messages *m)
{
	*p = (struct printer){ 0 };
	output_init(&p->output, STDOUT_FILENO);
	p->output.unbuffered = o->unbuffered;
	p->style.encoding = (enum envelope_encoding)o->encoding;
	p->style.meta = o->meta;
	if (o->common.json)
		return EXIT_GO_ON;
	return o->format != NULL ? compile_format(p, o, m)
				 : simple_format(p, o, m);
}

void printer_clear(struct printer *p)
{
	format_free(p->format);
	output_clear(&p->output);
}

void printer_format(struct printer *p, const struct consumer_record *r,
		    struct buffer *out)
{
	struct record_place place = {
		.topic = r->topic,
		.partition = r->partition,
		.broker = r->leader,
		.leader_epoch = r->batch->leader_epoch,
		.timestamp_kind = r->batch->attributes & BATCH_LOG_APPEND_TIME
					  ? TIMESTAMP_LOG_APPEND
					  : TIMESTAMP_CREATE,
		.high_watermark = r->high_watermark,
	};

	if (p->member != NULL) {
		place.group = p->group;
		place.generation = group_member_generation(p->member);
		place.member_id = group_member_id(p->member);
	}
	if (p->format == NULL)
		envelope_write(&p->style, &place, &r->record, out);
	else
		format_write(p->format, &place, &r->record, out);
}

int printer_print(struct printer *p, const struct consumer_record *r,
		  int64_t now_us)
{
	printer_format(p, r, &p->output.buffer);
	p->printed++;
	return output_filled(&p->output, now_us);
}
