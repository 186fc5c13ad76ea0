/*
 * load.c - a shard from the batches of its log
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "record/batch.h"

/* The key of a control record: version, then its type. */
enum {
	MARKER_KEY_BYTES = 4,
	MARKER_TYPE_AT = 2,
	MARKER_ABORT = 0,
	MARKER_COMMIT = 1,
};

/* A record that waits for the marker of its transaction. */
struct pending_record {
	int64_t producer_id;
	int64_t offset; /* behind it */
	struct slice key, value;
	struct pending_record *next;
	/* the bytes of both follow */
};

void group_load_init(struct group_load *load, struct group_shard *shard)
{
	*load = (struct group_load){ .shard = shard };
}

void group_load_clear(struct group_load *load)
{
	while (load->pending != NULL) {
		struct pending_record *p = load->pending;

		load->pending = p->next;
		free(p);
	}
	record_iter_free(load->iter);
	load->iter = NULL;
}

static int apply(struct group_load *load, struct slice key, struct slice value,
		 int64_t offset)
{
	int rc = group_shard_load(load->shard, key, value, offset);

	if (rc != -EBADMSG)
		return rc;
	load->bad++;
	return 0;
}

/* Transactions */

static int keep(struct group_load *load, int64_t producer_id,
		const struct record *r)
{
	struct pending_record *p =
		malloc(sizeof(*p) + r->key.len + r->value.len);
	uint8_t *bytes = (uint8_t *)(p + 1);

	if (p == NULL)
		return -ENOMEM;
	*p = (struct pending_record){ .producer_id = producer_id,
				      .offset = r->offset + 1,
				      .key = { bytes, r->key.len },
				      .next = load->pending };
	if (r->key.len > 0)
		memcpy(bytes, r->key.data, r->key.len);
	if (r->value.len > 0)
		memcpy(bytes + r->key.len, r->value.data, r->value.len);
	if (!slice_is_null(r->value))
		p->value = (struct slice){ bytes + r->key.len, r->value.len };
	load->pending = p;
	return 0;
}

/* Take those out that the function names: the last comes first. */
static struct pending_record *take(
	struct group_load *load,
	bool (*is_meant)(const struct pending_record *p, const void *arg),
	const void *arg)
{
	struct pending_record **at = &load->pending;
	struct pending_record *taken = NULL;

	while (*at != NULL) {
		struct pending_record *p = *at;

		if (!is_meant(p, arg)) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = taken;
		taken = p;
	}
	return taken;
}

static bool is_of_producer(const struct pending_record *p, const void *arg)
{
	return p->producer_id == *(const int64_t *)arg;
}

static bool has_key(const struct pending_record *p, const void *arg)
{
	return slice_equal(p->key, *(const struct slice *)arg);
}

/* Free them, oldest first; apply those of a transaction that was committed. */
static int settle(struct group_load *load, struct pending_record *taken,
		  bool committed)
{
	int rc = 0;

	while (taken != NULL) {
		struct pending_record *p = taken;

		taken = p->next;
		if (rc == 0 && committed)
			rc = apply(load, p->key, p->value, p->offset);
		free(p);
	}
	return rc;
}

static int end_transaction(struct group_load *load, int64_t producer_id,
			   const struct record *marker)
{
	uint16_t type;

	if (slice_is_null(marker->key) || marker->key.len < MARKER_KEY_BYTES)
		return -EBADMSG;
	type = get_be16(marker->key.data + MARKER_TYPE_AT);
	if (type != MARKER_COMMIT && type != MARKER_ABORT)
		return 0;
	return settle(load, take(load, is_of_producer, &producer_id),
		      type == MARKER_COMMIT);
}

/* Batches */

static int load_record(struct group_load *load, const struct batch_header *h,
		       const struct record *r)
{
	load->records++;
	if ((h->attributes & BATCH_CONTROL) != 0)
		return end_transaction(load, h->producer_id, r);
	if ((h->attributes & BATCH_TRANSACTIONAL) != 0)
		return keep(load, h->producer_id, r);
	/* What was deleted is not to come back with a transaction. */
	if (slice_is_null(r->value) && load->pending != NULL)
		settle(load, take(load, has_key, &r->key), false);
	return apply(load, r->key, r->value, r->offset + 1);
}

int group_load_batch(struct group_load *load, struct slice batch)
{
	struct batch_header header;
	struct record record;
	int rc = batch_header_read(batch, &header);

	if (rc == 0)
		rc = record_iter_reset(&load->iter, batch,
				       RECORD_BYTES_DECOMPRESSED_MAX);
	if (rc < 0)
		return rc == -EMSGSIZE || rc == -E2BIG ? -EBADMSG : rc;
	while (rc == 0) {
		int got = record_next(load->iter, &record);

		if (got <= 0)
			return got;
		rc = load_record(load, &header, &record);
	}
	return rc;
}
