/*
 * exposition.c - metrics as text
 *
 * Labels are gathered, escaped, in front of the sample that they belong to, so
 * that the buckets of a histogram can repeat them.
 */
#include "kbrokerd/metrics/exposition.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kbrokerd/metrics/label.h"

static const char *const type_names[] = {
	[EXPOSITION_COUNTER] = "counter",
	[EXPOSITION_GAUGE] = "gauge",
	[EXPOSITION_HISTOGRAM] = "histogram",
};

enum exposition_form exposition_form_for(const char *accept)
{
	if (accept != NULL &&
	    strstr(accept, "application/openmetrics-text") != NULL)
		return EXPOSITION_OPENMETRICS;
	return EXPOSITION_PROMETHEUS;
}

const char *exposition_content_type(enum exposition_form form)
{
	return form == EXPOSITION_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; "
			 "charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

struct exposition exposition(struct buffer *out, enum exposition_form form)
{
	return (struct exposition){ .out = out, .form = form };
}

static const char *total(const struct exposition *e)
{
	return e->type == EXPOSITION_COUNTER ? "_total" : "";
}

void exposition_family(struct exposition *e, const char *name,
		       enum exposition_type type, const char *help)
{
	const char *suffix;

	e->family = name;
	e->type = type;
	suffix = e->form == EXPOSITION_OPENMETRICS ? "" : total(e);
	buffer_printf(e->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix,
		      help, name, suffix, type_names[type]);
}

/* Labels */

static size_t escape(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from != '\0' && n + 2 < size; from++) {
		if (*from == '\\' || *from == '"' || *from == '\n')
			to[n++] = '\\';
		to[n++] = (char)(*from == '\n' ? 'n' : *from);
	}
	return *from == '\0' ? n : SIZE_MAX;
}

void exposition_label_slice(struct exposition *e, const char *name,
			    struct slice value)
{
	size_t left = sizeof(e->labels) - e->labels_len;
	char *to = e->labels + e->labels_len;
	char text[LABEL_TEXT_MAX];
	int n = snprintf(to, left, "%s%s=\"", e->labels_len == 0 ? "" : ",",
			 name);
	size_t len;

	if (n < 0 || (size_t)n + 2 >= left)
		return;
	label_text(value, text);
	len = escape(to + n, left - (size_t)n - 1, text);
	if (len == SIZE_MAX)
		return;
	to[(size_t)n + len] = '"';
	e->labels_len += (size_t)n + len + 1;
}

void exposition_label(struct exposition *e, const char *name, const char *value)
{
	exposition_label_slice(e, name, slice_of(value));
}

void exposition_label_int(struct exposition *e, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	exposition_label(e, name, text);
}

/* Samples */

/* Name and labels, with one more (name="value") unless that is NULL. */
static void put_name(struct exposition *e, const char *suffix, const char *more)
{
	bool has_labels = e->labels_len > 0;

	buffer_printf(e->out, "%s%s", e->family, suffix);
	if (!has_labels && more == NULL)
		return;
	buffer_printf(e->out, "{%.*s%s%s}", (int)e->labels_len, e->labels,
		      has_labels && more != NULL ? "," : "",
		      more == NULL ? "" : more);
}

void exposition_int(struct exposition *e, int64_t value)
{
	put_name(e, total(e), NULL);
	buffer_printf(e->out, " %" PRId64 "\n", value);
	e->labels_len = 0;
}

void exposition_double(struct exposition *e, double value)
{
	put_name(e, total(e), NULL);
	if (isnan(value))
		buffer_put_text(e->out, " NaN\n");
	else if (isinf(value))
		buffer_put_text(e->out, value > 0 ? " +Inf\n" : " -Inf\n");
	else
		buffer_printf(e->out, " %.9g\n", value);
	e->labels_len = 0;
}

void exposition_us(struct exposition *e, int64_t us)
{
	put_name(e, total(e), NULL);
	buffer_printf(e->out, " %" PRId64 ".%06d\n", us / 1000000,
		      (int)(us % 1000000));
	e->labels_len = 0;
}

void exposition_ms(struct exposition *e, int64_t ms)
{
	put_name(e, total(e), NULL);
	buffer_printf(e->out, " %" PRId64 ".%03d\n", ms / 1000,
		      (int)(ms % 1000));
	e->labels_len = 0;
}

void exposition_histogram(struct exposition *e, const struct histogram_copy *h)
{
	int64_t count = 0;
	char le[32];

	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		/* OpenMetrics wants to see that it is a float. */
		double bound = (double)histogram_bounds_us[i] / 1e6;

		count += h->buckets[i];
		snprintf(le, sizeof(le), "le=\"%.6g%s\"", bound,
			 bound >= 1 ? ".0" : "");
		put_name(e, "_bucket", le);
		buffer_printf(e->out, " %" PRId64 "\n", count);
	}
	count += h->buckets[HISTOGRAM_BOUNDS];
	put_name(e, "_bucket", "le=\"+Inf\"");
	buffer_printf(e->out, " %" PRId64 "\n", count);
	put_name(e, "_sum", NULL);
	buffer_printf(e->out, " %" PRId64 ".%06d\n", h->sum_us / 1000000,
		      (int)(h->sum_us % 1000000));
	put_name(e, "_count", NULL);
	buffer_printf(e->out, " %" PRId64 "\n", count);
	e->labels_len = 0;
}

void exposition_one(struct exposition *e, const char *name,
		    enum exposition_type type, const char *help, int64_t value)
{
	exposition_family(e, name, type, help);
	exposition_int(e, value);
}

void exposition_end(struct exposition *e)
{
	if (e->form == EXPOSITION_OPENMETRICS)
		buffer_put_text(e->out, "# EOF\n");
}
