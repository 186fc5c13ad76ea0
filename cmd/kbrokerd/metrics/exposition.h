/*
 * exposition.h - metrics as text: Prometheus 0.0.4, or OpenMetrics 1.0.0
 *
 *	exposition_family(&e, "kbrokerd_requests", EXPOSITION_COUNTER, "...");
 *	exposition_label(&e, "api", "Fetch");
 *	exposition_int(&e, 17);
 *
 * A counter's family is named without "_total", which is added where the form
 * wants it.  Times are in seconds, sizes in bytes.
 */
#ifndef KBROKERD_METRICS_EXPOSITION_H
#define KBROKERD_METRICS_EXPOSITION_H

#include "base/buffer.h"
#include "kbrokerd/metrics/histogram.h"

enum exposition_form { EXPOSITION_PROMETHEUS, EXPOSITION_OPENMETRICS };

enum exposition_type {
	EXPOSITION_COUNTER,
	EXPOSITION_GAUGE,
	EXPOSITION_HISTOGRAM,
};

/* Room for three labels, each as long as label.h makes one and all of it
 * escaped. */
enum { EXPOSITION_LABELS_MAX = 4096 };

struct exposition {
	struct buffer *out;
	enum exposition_form form;
	enum exposition_type type;
	const char *family;
	char labels[EXPOSITION_LABELS_MAX]; /* of the next sample */
	size_t labels_len;
};

/* What a client that sends this Accept header (may be NULL) is to get. */
enum exposition_form exposition_form_for(const char *accept);
const char *exposition_content_type(enum exposition_form form);

struct exposition exposition(struct buffer *out, enum exposition_form form);

/* A new family; its samples follow.  The names live until the end. */
void exposition_family(struct exposition *e, const char *name,
		       enum exposition_type type, const char *help);

/* A label of the next sample; any bytes, made text by label.h so that other
 * bytes are another series.  What does not fit is left out. */
void exposition_label(struct exposition *e, const char *name,
		      const char *value);
void exposition_label_slice(struct exposition *e, const char *name,
			    struct slice value);
void exposition_label_int(struct exposition *e, const char *name,
			  int64_t value);

/* The sample: it ends its labels. */
void exposition_int(struct exposition *e, int64_t value);
void exposition_double(struct exposition *e, double value);
/* us as seconds, ms as seconds. */
void exposition_us(struct exposition *e, int64_t us);
void exposition_ms(struct exposition *e, int64_t ms);
void exposition_histogram(struct exposition *e, const struct histogram_copy *h);

/* A whole family of one sample without labels. */
void exposition_one(struct exposition *e, const char *name,
		    enum exposition_type type, const char *help, int64_t value);

/* The end of the text. */
void exposition_end(struct exposition *e);

#endif /* KBROKERD_METRICS_EXPOSITION_H */
