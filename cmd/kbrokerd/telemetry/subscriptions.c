/*
 * subscriptions.c - which metrics clients are asked for (KIP-714)
 */
#include "kbrokerd/telemetry/subscriptions.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/units.h"
#include "wire/enums.h"

enum {
	INTERVAL_MS = 300000, /* of who is asked for nothing */
	INTERVAL_MIN_MS = 100,
	INTERVAL_MAX_MS = 3600000
};

struct subscription {
	const char *name, *metrics, *match_text;
	struct client_match *match; /* NULL: all clients */
	int32_t interval_ms;
};

struct subscriptions {
	struct arena texts;
	struct subscription *all;
	size_t count, capacity;
	const struct image *image; /* while they are read */
};

/* Reading */

static int make_room(struct subscriptions *s)
{
	size_t capacity = s->capacity == 0 ? 8 : s->capacity * 2;
	struct subscription *all;

	if (s->count < s->capacity)
		return 0;
	all = realloc(s->all, capacity * sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	s->all = all;
	s->capacity = capacity;
	return 0;
}

static const char *keep(struct subscriptions *s, const struct config_set *set,
			const char *key)
{
	const char *value = config_set_get(set, key);

	return arena_text(&s->texts, slice_of(value == NULL ? "" : value));
}

static int32_t interval_of(const struct config_set *set)
{
	const char *text = config_set_get(set, "interval.ms");
	int64_t ms;

	if (text == NULL ||
	    parse_int64_in(text, INTERVAL_MIN_MS, INTERVAL_MAX_MS, &ms) < 0)
		return INTERVAL_MS;
	return (int32_t)ms;
}

static int on_resource(void *arg, int8_t type, struct slice name)
{
	struct subscriptions *s = arg;
	const struct config_set *set;
	struct subscription *to;
	struct slice wrong;

	if (type != WIRE_CONFIG_RESOURCE_TYPE_CLIENT_METRICS)
		return 0;
	set = image_configs(s->image, type, name);
	if (set == NULL || set->count == 0)
		return 0;
	if (make_room(s) < 0)
		return -ENOMEM;
	to = &s->all[s->count];
	*to = (struct subscription){
		.name = arena_text(&s->texts, name),
		.metrics = keep(s, set, "metrics"),
		.match_text = keep(s, set, "match"),
		.interval_ms = interval_of(set),
	};
	if (to->name == NULL || to->metrics == NULL || to->match_text == NULL)
		return -ENOMEM;
	s->count++;
	if (to->match_text[0] == '\0')
		return 0;
	/* It was checked when it was set; another's that is wrong matches no
	 * client. */
	if (client_match_new(to->match_text, &to->match, &wrong) == -EINVAL)
		s->count--;
	return 0;
}

static int order_of_names(const void *a, const void *b)
{
	return strcmp(((const struct subscription *)a)->name,
		      ((const struct subscription *)b)->name);
}

struct subscriptions *subscriptions_of(const struct image *image)
{
	struct subscriptions *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->image = image;
	if (image_each_config(image, on_resource, s) < 0) {
		subscriptions_free(s);
		return NULL;
	}
	s->image = NULL;
	if (s->count > 0)
		qsort(s->all, s->count, sizeof(*s->all), order_of_names);
	return s;
}

void subscriptions_free(struct subscriptions *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		client_match_free(s->all[i].match);
	free(s->all);
	arena_clear(&s->texts);
	free(s);
}

bool subscriptions_equal(const struct subscriptions *a,
			 const struct subscriptions *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct subscription *x = &a->all[i];
		const struct subscription *y = &b->all[i];

		if (strcmp(x->name, y->name) != 0 ||
		    strcmp(x->metrics, y->metrics) != 0 ||
		    strcmp(x->match_text, y->match_text) != 0 ||
		    x->interval_ms != y->interval_ms)
			return false;
	}
	return true;
}

/* Finding */

static bool has(const struct subscribed *to, struct slice prefix)
{
	for (int32_t i = 0; i < to->prefix_count; i++) {
		if (slice_equal(to->prefixes[i], prefix))
			return true;
	}
	return false;
}

static struct slice trimmed(const char *at, size_t len)
{
	while (len > 0 && (*at == ' ' || *at == '\t')) {
		at++;
		len--;
	}
	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	return (struct slice){ (const uint8_t *)at, len };
}

static size_t count_words(const char *text)
{
	size_t count = 1;

	for (; *text != '\0'; text++)
		count += *text == ',';
	return count;
}

static int add_prefixes(struct subscribed *to, const char *metrics,
			struct arena *arena)
{
	size_t count = (size_t)to->prefix_count + count_words(metrics);
	struct slice *prefixes = arena_calloc(arena, count, sizeof(*prefixes));

	if (prefixes == NULL)
		return -ENOMEM;
	if (to->prefix_count > 0)
		memcpy(prefixes, to->prefixes,
		       (size_t)to->prefix_count * sizeof(*prefixes));
	to->prefixes = prefixes;
	while (*metrics != '\0') {
		size_t len = strcspn(metrics, ",");
		struct slice prefix = trimmed(metrics, len);

		if (prefix.len > 0 && !has(to, prefix))
			to->prefixes[to->prefix_count++] = prefix;
		metrics += len + (metrics[len] == ',');
	}
	return 0;
}

static int order_of_slices(const void *a, const void *b)
{
	const struct slice *x = a;
	const struct slice *y = b;
	int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* All of them is all of them. */
static void settle(struct subscribed *to)
{
	static struct slice all = { (const uint8_t *)"*", 1 };

	if (has(to, all)) {
		to->prefixes = &all;
		to->prefix_count = 1;
	} else if (to->prefix_count > 0) {
		qsort(to->prefixes, (size_t)to->prefix_count,
		      sizeof(*to->prefixes), order_of_slices);
	}
}

/* A checksum of what is asked for, with the client's id in it. */
static int32_t id_of(const struct subscribed *to, struct uuid instance_id)
{
	uint8_t interval[4];
	uint32_t id;

	put_be32(interval, (uint32_t)to->interval_ms);
	id = crc32c(interval, sizeof(interval));
	for (int32_t i = 0; i < to->prefix_count; i++) {
		id = crc32c_update(id, ",", 1);
		id = crc32c_update(id, to->prefixes[i].data,
				   to->prefixes[i].len);
	}
	for (size_t i = 0; i < UUID_BYTES; i += 4)
		id ^= get_be32(instance_id.bytes + i);
	return (int32_t)id;
}

int subscriptions_find(const struct subscriptions *s, struct uuid instance_id,
		       const struct slice values[CLIENT_SELECTOR_COUNT],
		       struct arena *arena, struct subscribed *out)
{
	*out = (struct subscribed){ .interval_ms = INTERVAL_MS };
	for (size_t i = 0; i < s->count; i++) {
		const struct subscription *one = &s->all[i];

		if (one->match != NULL && !client_match_has(one->match, values))
			continue;
		if (add_prefixes(out, one->metrics, arena) < 0)
			return -ENOMEM;
		if (one->interval_ms < out->interval_ms)
			out->interval_ms = one->interval_ms;
	}
	settle(out);
	out->id = id_of(out, instance_id);
	return 0;
}
