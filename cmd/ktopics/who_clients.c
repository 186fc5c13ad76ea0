/*
 * who_clients.c - who writes and reads a topic, as a kbrokerd has seen it
 */
#include "ktopics/who_clients.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ktopics/http_get.h"

static const char *text_of(struct ktopics *k, const json_t *row,
			   const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text == NULL ? "" : run_text(&k->run, slice_of(text));
}

/* Several brokers may have seen it. */
static bool merge(struct who_clients *clients, const struct who_client *one)
{
	for (size_t i = 0; i < clients->count; i++) {
		struct who_client *c = &clients->items[i];

		if (c->writes != one->writes ||
		    strcmp(c->client_id, one->client_id) != 0 ||
		    strcmp(c->host, one->host) != 0)
			continue;
		if (c->last_ms < one->last_ms)
			c->last_ms = one->last_ms;
		return true;
	}
	return false;
}

static void add(struct ktopics *k, const json_t *list, bool writes,
		struct who_clients *clients)
{
	size_t count = json_array_size(list);
	struct who_client *items = reallocarray(
		clients->items, clients->count + count + 1, sizeof(*items));

	if (items == NULL)
		run_out_of_memory(&k->run);
	clients->items = items;
	for (size_t i = 0; i < count; i++) {
		const json_t *row = json_array_get(list, i);

		const struct who_client one = {
			.writes = writes,
			.client_id = text_of(k, row, "client_id"),
			.host = text_of(k, row, "host"),
			.last_ms = json_integer_value(
				json_object_get(row, "last_seen_ms")),
		};

		if (!merge(clients, &one))
			items[clients->count++] = one;
	}
}

static int parse(struct ktopics *k, struct buffer *body,
		 struct who_clients *clients, char why[HTTP_GET_WHY_MAX])
{
	json_error_t error;
	json_t *page =
		json_loadb((const char *)body->data, body->len, 0, &error);

	if (page == NULL) {
		snprintf(why, HTTP_GET_WHY_MAX, "not JSON: %s", error.text);
		return EXIT_BAD_DATA;
	}
	add(k, json_object_get(page, "producers"), true, clients);
	add(k, json_object_get(page, "consumers"), false, clients);
	json_decref(page);
	return EXIT_GO_ON;
}

void who_clients_read(struct ktopics *k, const char *address, const char *topic,
		      struct who_clients *clients)
{
	struct run *run = &k->run;
	struct buffer body = { 0 };
	char why[HTTP_GET_WHY_MAX];
	int status =
		http_get(address, run_printf(run, "/clients?topic=%s", topic),
			 run->options->common.step_timeout_ms, &body, why);

	if (status == EXIT_GO_ON)
		status = parse(k, &body, clients, why);
	if (status != EXIT_GO_ON)
		run->status = exit_worse(
			run->status, message_fail(&run->messages, status,
						  "--http %s: topic '%s': %s",
						  address, topic, why));
	buffer_clear(&body);
}

void who_clients_clear(struct who_clients *clients)
{
	free(clients->items);
	*clients = (struct who_clients){ 0 };
}
