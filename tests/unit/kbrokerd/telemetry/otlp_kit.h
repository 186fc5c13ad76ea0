/*
 * otlp_kit.h - metrics as a client pushes them, for tests
 */
#ifndef TESTS_OTLP_KIT_H
#define TESTS_OTLP_KIT_H

#include <stdbool.h>

#include "base/buffer.h"

struct kit_metric {
	const char *name;
	double value;
	bool is_int, is_sum, is_delta, is_monotonic;
	const char *label, *label_value; /* NULL: none */
};

static inline void kit_varint(struct buffer *b, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buffer_put_u8(b, (uint8_t)(value | 0x80));
	buffer_put_u8(b, (uint8_t)value);
}

static inline void kit_tag(struct buffer *b, int number, int type)
{
	kit_varint(b, (uint64_t)(number << 3 | type));
}

static inline void kit_text(struct buffer *b, int number, const char *text)
{
	kit_tag(b, number, 2);
	kit_varint(b, strlen(text));
	buffer_put(b, text, strlen(text));
}

/* Put inner as a field, and clear it. */
static inline void kit_wrap(struct buffer *b, int number, struct buffer *inner)
{
	kit_tag(b, number, 2);
	kit_varint(b, inner->len);
	buffer_put(b, inner->data, inner->len);
	buffer_clear(inner);
}

static inline void kit_fixed64(struct buffer *b, int number, uint64_t bits)
{
	kit_tag(b, number, 1);
	for (int i = 0; i < 8; i++)
		buffer_put_u8(b, (uint8_t)(bits >> (8 * i)));
}

static inline struct buffer kit_point(const struct kit_metric *m)
{
	struct buffer point = { 0 };
	struct buffer label = { 0 };
	struct buffer value = { 0 };
	int64_t whole = (int64_t)m->value;
	uint64_t bits;

	memcpy(&bits, &m->value, sizeof(bits));
	if (m->label != NULL) {
		kit_text(&label, 1, m->label);
		kit_text(&value, 1, m->label_value);
		kit_wrap(&label, 2, &value);
		kit_wrap(&point, 7, &label);
	}
	kit_fixed64(&point, 3, 123456789); /* its time */
	kit_fixed64(&point, m->is_int ? 6 : 4,
		    m->is_int ? (uint64_t)whole : bits);
	return point;
}

/* A MetricsData, the caller's. */
static inline struct buffer kit_metrics(const struct kit_metric *metrics,
					size_t count)
{
	struct buffer scope = { 0 };
	struct buffer resource = { 0 };
	struct buffer all = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct buffer metric = { 0 };
		struct buffer numbers = { 0 };
		struct buffer point = kit_point(&metrics[i]);

		kit_wrap(&numbers, 1, &point);
		if (metrics[i].is_sum) {
			kit_tag(&numbers, 2, 0);
			kit_varint(&numbers, metrics[i].is_delta ? 1 : 2);
			kit_tag(&numbers, 3, 0);
			kit_varint(&numbers, metrics[i].is_monotonic);
		}
		kit_text(&metric, 1, metrics[i].name);
		kit_wrap(&metric, metrics[i].is_sum ? 7 : 5, &numbers);
		kit_wrap(&scope, 2, &metric);
	}
	kit_wrap(&resource, 2, &scope);
	kit_wrap(&all, 1, &resource);
	return all;
}

#endif /* TESTS_OTLP_KIT_H */
