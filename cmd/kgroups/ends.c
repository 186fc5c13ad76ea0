/*
 * ends.c - where partitions begin and end
 */
#include "kgroups/ends.h"

#include <stdlib.h>

#include "client/admin.h"
#include "wire/errors.h"

enum { START, END, AT_TIME, QUERY_COUNT };

static int by_place(const void *a, const void *b)
{
	const struct admin_offset *x = a;
	const struct admin_offset *y = b;
	int order = strcmp(x->topic, y->topic);

	return order != 0 ? order
			  : (x->partition > y->partition) -
				    (x->partition < y->partition);
}

/* Each partition once; then all of them again for each further query. */
static size_t list_partitions(const struct partition_ends *items, size_t count,
			      const int64_t *queries, size_t query_count,
			      struct admin_offset *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		out[i] = (struct admin_offset){
			.topic = items[i].topic,
			.partition = items[i].partition,
			.query = queries[0],
		};
	qsort(out, count, sizeof(*out), by_place);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || by_place(&out[kept - 1], &out[i]) != 0)
			out[kept++] = out[i];
	}
	for (size_t q = 1; q < query_count; q++) {
		for (size_t i = 0; i < kept; i++) {
			out[q * kept + i] = out[i];
			out[q * kept + i].query = queries[q];
		}
	}
	return kept;
}

static void take(struct partition_ends *item, const struct admin_offset *found,
		 size_t stride, size_t query_count)
{
	item->code = WIRE_NONE;
	for (size_t q = 0; q < query_count && item->code == WIRE_NONE; q++)
		item->code = found[q * stride].code;
	item->start = item->end = item->at = -1;
	if (item->code != WIRE_NONE)
		return;
	item->start = found[START * stride].offset;
	item->end = found[END * stride].offset;
	if (query_count > AT_TIME)
		item->at = found[AT_TIME * stride].offset;
}

int ends_read(struct kgroups *k, struct partition_ends *items, size_t count,
	      int64_t at_ms, struct client_error *error)
{
	const int64_t queries[QUERY_COUNT] = { ADMIN_EARLIEST, ADMIN_LATEST,
					       at_ms };
	size_t query_count = at_ms < 0 ? AT_TIME : QUERY_COUNT;
	struct admin_offset *asked;
	size_t kept;
	int rc;

	if (count == 0)
		return 0;
	asked = calloc(count * query_count, sizeof(*asked));
	if (asked == NULL)
		run_out_of_memory(&k->run);
	kept = list_partitions(items, count, queries, query_count, asked);
	rc = admin_list_offsets(k->run.client, asked, kept * query_count, false,
				k->run.options->common.step_timeout_ms, error);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct admin_offset key = {
			.topic = items[i].topic,
			.partition = items[i].partition,
		};

		take(&items[i],
		     bsearch(&key, asked, kept, sizeof(*asked), by_place), kept,
		     query_count);
	}
	free(asked);
	return rc;
}
