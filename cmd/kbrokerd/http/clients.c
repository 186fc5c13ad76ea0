/*
 * clients.c - /clients?topic=T: who writes and reads a topic
 */
#include <stdlib.h>

#include "cli/json_writer.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/http/pages.h"
#include "kbrokerd/metrics/metrics.h"

enum { ROWS_MAX = 1000 };

static void put_row(struct json_writer *w, const struct client_row *row)
{
	json_put_open(w, '{');
	json_member_text(w, "client_id", row->client_id);
	json_member_text(w, "host", row->host);
	json_member_text(w, "software",
			 row->software[0] == '\0' ? NULL : row->software);
	json_member_int(w, "first_seen_ms", row->first_ms);
	json_member_int(w, "last_seen_ms", row->last_ms);
	json_put_close(w, '}');
}

static void put_deed(struct json_writer *w, const char *key,
		     enum client_deed deed, const struct client_row *rows,
		     size_t count)
{
	json_put_key(w, key);
	json_put_open(w, '[');
	for (size_t i = 0; i < count; i++) {
		if (rows[i].deed == deed)
			put_row(w, &rows[i]);
	}
	json_put_close(w, ']');
}

static void list(struct visit *v, const struct topic_image *topic)
{
	struct client_row *rows = calloc(ROWS_MAX, sizeof(*rows));
	struct buffer out = { 0 };
	struct json_writer w = json_writer(&out);
	size_t count;

	if (rows == NULL) {
		visit_say(v, HTTP_INTERNAL, "out of memory");
		return;
	}
	count = clients_list(v->metrics->clients, topic->name, topic->id, rows,
			     ROWS_MAX);
	json_put_open(&w, '{');
	json_put_key(&w, "topic");
	json_put_slice(&w, topic->name);
	json_member_int(&w, "since_ms", v->metrics->started_ms);
	put_deed(&w, "producers", CLIENT_WRITES, rows, count);
	put_deed(&w, "consumers", CLIENT_READS, rows, count);
	json_put_close(&w, '}');
	free(rows);
	visit_answer_buffer(v, "application/json", &out);
}

void page_clients(struct visit *v)
{
	const char *name = visit_parameter(v, "topic", "");
	const struct image *image = metadata_image(v->broker->metadata);
	const struct topic_image *topic = image_topic(image, slice_of(name));

	if (name[0] == '\0')
		visit_say(v, HTTP_BADREQUEST, "say of which: /clients?topic=T");
	else if (topic == NULL)
		visit_say(v, HTTP_NOTFOUND, "there is no topic '%s'", name);
	else
		list(v, topic);
	image_release(image);
}
