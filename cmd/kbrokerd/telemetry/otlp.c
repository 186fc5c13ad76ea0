/*
 * otlp.c - metrics as OpenTelemetry puts them into protobuf
 *
 * opentelemetry/proto/metrics/v1/metrics.proto, of which the fields below are
 * looked at and all others skipped.  Messages that lie in others are slices of
 * them; the depth is that of the schema.
 */
#include "kbrokerd/telemetry/otlp.h"

#include <errno.h>

enum wire_type { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* A field as it stands in a message. */
struct field {
	uint32_t number;
	enum wire_type type;
	uint64_t bits;      /* VARINT, FIXED64, FIXED32 */
	struct slice bytes; /* BYTES */
};

struct walk {
	void (*on_point)(void *arg, const struct otlp_point *point);
	void *arg;
	struct otlp_point point;
};

enum { TEMPORALITY_DELTA = 1 };

static bool take_varint(struct slice *from, uint64_t *out)
{
	*out = 0;
	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (from->len == 0)
			return false;
		byte = *from->data++;
		from->len--;
		*out |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

static bool take_fixed(struct slice *from, size_t size, uint64_t *out)
{
	*out = 0;
	if (from->len < size)
		return false;
	for (size_t i = size; i-- > 0;)
		*out = *out << 8 | from->data[i];
	from->data += size;
	from->len -= size;
	return true;
}

static bool take_bytes(struct slice *from, struct slice *out)
{
	uint64_t len;

	if (!take_varint(from, &len) || len > from->len)
		return false;
	*out = (struct slice){ from->data, (size_t)len };
	from->data += len;
	from->len -= (size_t)len;
	return true;
}

/* The next field; 1, 0 at the end, or -EBADMSG. */
static int take_field(struct slice *from, struct field *f)
{
	uint64_t tag;
	bool ok;

	if (from->len == 0)
		return 0;
	if (!take_varint(from, &tag) || tag >> 3 == 0 || tag >> 3 > 1 << 29)
		return -EBADMSG;
	*f = (struct field){ .number = (uint32_t)(tag >> 3),
			     .type = (enum wire_type)(tag & 7) };
	switch (f->type) {
	case VARINT:
		ok = take_varint(from, &f->bits);
		break;
	case FIXED64:
		ok = take_fixed(from, 8, &f->bits);
		break;
	case FIXED32:
		ok = take_fixed(from, 4, &f->bits);
		break;
	case BYTES:
		ok = take_bytes(from, &f->bytes);
		break;
	default:
		ok = false;
	}
	return ok ? 1 : -EBADMSG;
}

static bool is(const struct field *f, uint32_t number, enum wire_type type)
{
	return f->number == number && f->type == type;
}

static double double_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* AnyValue: text, or a whole number; others are empty. */
static int read_value(struct slice from, struct otlp_label *label)
{
	struct field f;
	int rc;

	while ((rc = take_field(&from, &f)) > 0) {
		if (is(&f, 1, BYTES)) {
			label->value = f.bytes;
		} else if (is(&f, 2, VARINT) || is(&f, 3, VARINT)) {
			label->kind = OTLP_NUMBER;
			label->number = (int64_t)f.bits;
		}
	}
	return rc;
}

/* KeyValue */
static int read_label(struct walk *w, struct slice from)
{
	struct otlp_label label = { .value = slice_of("") };
	struct field f;
	int rc;

	while ((rc = take_field(&from, &f)) > 0) {
		if (is(&f, 1, BYTES))
			label.key = f.bytes;
		else if (is(&f, 2, BYTES))
			rc = read_value(f.bytes, &label);
		if (rc < 0)
			return rc;
	}
	if (rc == 0 && label.key.len > 0 &&
	    w->point.label_count < OTLP_LABELS_MAX)
		w->point.labels[w->point.label_count++] = label;
	return rc;
}

/* NumberDataPoint */
static int read_point(struct walk *w, struct slice from)
{
	struct field f;
	bool has_value = false;
	int rc;

	w->point.label_count = 0;
	while ((rc = take_field(&from, &f)) > 0) {
		if (is(&f, 4, FIXED64)) {
			w->point.value = double_of(f.bits);
			has_value = true;
		} else if (is(&f, 6, FIXED64)) {
			w->point.value = (double)(int64_t)f.bits;
			has_value = true;
		} else if (is(&f, 7, BYTES)) {
			rc = read_label(w, f.bytes);
			if (rc < 0)
				return rc;
		}
	}
	if (rc == 0 && has_value)
		w->on_point(w->arg, &w->point);
	return rc;
}

/* Gauge or Sum: what holds for all points may stand behind them. */
static int read_points(struct walk *w, struct slice from)
{
	struct slice points = from;
	struct field f;
	int rc;

	w->point.is_delta = false;
	w->point.is_monotonic = false;
	while ((rc = take_field(&from, &f)) > 0) {
		if (w->point.is_sum && is(&f, 2, VARINT))
			w->point.is_delta = f.bits == TEMPORALITY_DELTA;
		else if (w->point.is_sum && is(&f, 3, VARINT))
			w->point.is_monotonic = f.bits != 0;
	}
	while (rc == 0 && (rc = take_field(&points, &f)) > 0)
		rc = is(&f, 1, BYTES) ? read_point(w, f.bytes) : 0;
	return rc;
}

/* Metric: its name may stand behind its numbers too. */
static int read_metric(struct walk *w, struct slice from)
{
	struct slice numbers = from;
	struct field f;
	int rc;

	w->point.name = slice_of("");
	while ((rc = take_field(&from, &f)) > 0) {
		if (is(&f, 1, BYTES))
			w->point.name = f.bytes;
	}
	while (rc == 0 && (rc = take_field(&numbers, &f)) > 0) {
		w->point.is_sum = f.number == 7;
		rc = is(&f, 5, BYTES) || is(&f, 7, BYTES)
			     ? read_points(w, f.bytes)
			     : 0;
	}
	return rc;
}

/* What a message has of messages with this number. */
static int read_each(struct walk *w, struct slice from, uint32_t number,
		     int (*read)(struct walk *w, struct slice from))
{
	struct field f;
	int rc;

	while ((rc = take_field(&from, &f)) > 0) {
		if (is(&f, number, BYTES))
			rc = read(w, f.bytes);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int read_scope(struct walk *w, struct slice from)
{
	return read_each(w, from, 2, read_metric);
}

static int read_resource(struct walk *w, struct slice from)
{
	return read_each(w, from, 2, read_scope);
}

int otlp_decode(struct slice bytes,
		void (*on_point)(void *arg, const struct otlp_point *point),
		void *arg)
{
	struct walk w = { .on_point = on_point, .arg = arg };

	return read_each(&w, bytes, 1, read_resource);
}
