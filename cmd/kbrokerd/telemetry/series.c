/*
 * series.c - the last values that one client pushed
 *
 * Names and labels are what a client sends: they are cut and cleaned before
 * they are kept.
 */
#include "kbrokerd/telemetry/series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

#define NAME_PREFIX "kafka_client_"
#define LEFT_OUT    "org.apache.kafka."

enum {
	KEY_BYTES_MAX = SERIES_NAME_MAX +
			SERIES_LABELS_MAX * 2 * (SERIES_LABEL_MAX + 1) + 32
};

/* What a series is known by, while it is put together. */
struct key {
	char bytes[KEY_BYTES_MAX];
	size_t len;
	uint32_t label_count;
};

static bool is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* A name for Prometheus: small letters, digits, and _ for all others. */
static void put_name(struct key *k, struct slice name, size_t max)
{
	size_t start = k->len;

	if (name.len > 0 && name.data[0] >= '0' && name.data[0] <= '9')
		k->bytes[k->len++] = '_';
	for (size_t i = 0; i < name.len && k->len - start < max; i++) {
		uint8_t c = name.data[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		k->bytes[k->len++] = is_name_byte(c) ? (char)c : '_';
	}
	k->bytes[k->len++] = '\0';
}

static void put_text(struct key *k, struct slice text)
{
	for (size_t i = 0; i < text.len && i < SERIES_LABEL_MAX - 1; i++)
		k->bytes[k->len++] =
			(char)(text.data[i] == '\0' ? ' ' : text.data[i]);
	k->bytes[k->len++] = '\0';
}

/* Labels that every series of a client has. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = {
		"client_instance_id",
		"client_id",
		"client_software_name",
		"client_software_version",
	};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (strcmp(name, ours[i]) == 0)
			return true;
	}
	return false;
}

/* Is there a label of that name before this place? */
static bool is_taken(const struct key *k, size_t place)
{
	const char *at = k->bytes + strlen(k->bytes) + 1;

	while (at < k->bytes + place) {
		if (strcmp(at, k->bytes + place) == 0)
			return true;
		at += strlen(at) + 1; /* its value */
		at += strlen(at) + 1;
	}
	return false;
}

static void put_label(struct key *k, const struct otlp_label *label)
{
	size_t place = k->len;
	char number[24];

	put_name(k, label->key, SERIES_LABEL_MAX - 1);
	if (is_ours(k->bytes + place) || is_taken(k, place)) {
		k->len = place;
		return;
	}
	if (label->kind == OTLP_NUMBER) {
		snprintf(number, sizeof(number), "%lld",
			 (long long)label->number);
		put_text(k, slice_of(number));
	} else {
		put_text(k, label->value);
	}
	k->label_count++;
}

/* Whoever writes a counter adds it. */
static void drop_total(struct key *k)
{
	static const char total[] = "_total";

	if (k->len > sizeof(total) && memcmp(k->bytes + k->len - sizeof(total),
					     total, sizeof(total)) == 0) {
		k->len -= sizeof(total) - 1;
		k->bytes[k->len - 1] = '\0';
	}
}

static bool is_counter(const struct otlp_point *point)
{
	return point->is_sum && point->is_monotonic;
}

static void make_key(struct key *k, const struct otlp_point *point)
{
	struct slice name = point->name;
	size_t left_out = strlen(LEFT_OUT);

	k->label_count = 0;
	k->len = strlen(NAME_PREFIX);
	memcpy(k->bytes, NAME_PREFIX, k->len);
	if (name.len > left_out && memcmp(name.data, LEFT_OUT, left_out) == 0) {
		name.data += left_out;
		name.len -= left_out;
	}
	put_name(k, name, SERIES_NAME_MAX - 1);
	if (is_counter(point))
		drop_total(k);
	for (size_t i = 0;
	     i < point->label_count && k->label_count < SERIES_LABELS_MAX; i++)
		put_label(k, &point->labels[i]);
}

static struct series *find(const struct series_list *list, uint64_t hash,
			   const struct key *k)
{
	struct series *s;

	SLIST_FOREACH(s, &list->all, link)
	{
		if (s->hash == hash && s->len == k->len &&
		    memcmp(s->bytes, k->bytes, k->len) == 0)
			break;
	}
	return s;
}

static int add(struct series_list *list, uint64_t hash, const struct key *k,
	       size_t *room, struct series **out)
{
	struct series *s;

	if (list->count == SERIES_MAX || *room == 0)
		return -ENOSPC;
	s = calloc(1, sizeof(*s) + k->len);
	if (s == NULL)
		return -ENOMEM;
	s->hash = hash;
	s->label_count = k->label_count;
	s->len = (uint32_t)k->len;
	memcpy(s->bytes, k->bytes, k->len);
	SLIST_INSERT_HEAD(&list->all, s, link);
	list->count++;
	--*room;
	*out = s;
	return 0;
}

int series_take(struct series_list *list, const struct otlp_point *point,
		size_t *room)
{
	struct series *s;
	struct key k;
	uint64_t hash;
	int rc;

	make_key(&k, point);
	hash = hash_bytes(k.bytes, k.len);
	s = find(list, hash, &k);
	if (s == NULL) {
		rc = add(list, hash, &k, room, &s);
		if (rc < 0)
			return rc;
	}
	s->is_counter = is_counter(point);
	if (point->is_sum && point->is_delta)
		s->value += point->value;
	else
		s->value = point->value;
	return 0;
}

void series_clear(struct series_list *list, size_t *room)
{
	struct series *s;

	while ((s = SLIST_FIRST(&list->all)) != NULL) {
		SLIST_REMOVE_HEAD(&list->all, link);
		free(s);
	}
	*room += list->count;
	list->count = 0;
}
