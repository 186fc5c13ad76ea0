/*
 * choices.c - the partitions that a command line chooses
 *
 * What a signal cuts short is not said: the tool dies of the signal.
 */
#include "kconsume/choices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/admin.h"
#include "wire/errors.h"

void choices_clear(struct choices *choices)
{
	free(choices->items);
	*choices = (struct choices){ 0 };
}

static int fail(struct messages *m, const struct client_error *error)
{
	if (error->rc == -EINTR)
		return (int)error->kind;
	return message_fail(m, (int)error->kind, "%s", error->text);
}

static int no_memory(struct messages *m)
{
	return message_fail(m, EXIT_REFUSED, "out of memory");
}

static bool is_wanted(const struct consume_options *o, int32_t partition)
{
	if (o->range_count == 0)
		return true;
	for (size_t i = 0; i < o->range_count; i++) {
		if (o->ranges[i].first <= partition &&
		    partition <= o->ranges[i].last)
			return true;
	}
	return false;
}

static int check_partition(const struct client_topic *topic, int32_t partition,
			   struct messages *m)
{
	if (partition < topic->partition_count)
		return EXIT_GO_ON;
	return message_fail(m, EXIT_MISSING,
			    "topic '%s' has no partition %d: it has %d, from 0 "
			    "on",
			    topic->name, partition, topic->partition_count);
}

/* Partitions that are named must be there. */
static int check_named(const struct consume_options *o,
		       const struct client_topic *topic, struct messages *m)
{
	int status = EXIT_GO_ON;

	for (size_t i = 0; i < o->range_count && status == EXIT_GO_ON; i++)
		status = check_partition(topic, o->ranges[i].last, m);
	for (size_t i = 0; i < o->start_count && status == EXIT_GO_ON; i++)
		status = check_partition(topic, o->starts[i].partition, m);
	return status;
}

static bool is_listed(const struct choices *choices, const char *topic)
{
	for (size_t i = 0; i < choices->count; i++) {
		if (strcmp(choices->items[i].topic, topic) == 0)
			return true;
	}
	return false;
}

static int add_topic(struct choices *choices, const char *name,
		     const struct client_topic *topic,
		     const struct consume_options *o, struct messages *m)
{
	struct choice *grown;
	int status = check_named(o, topic, m);

	if (status != EXIT_GO_ON || is_listed(choices, name))
		return status;
	grown = reallocarray(choices->items,
			     choices->count + (size_t)topic->partition_count,
			     sizeof(*grown));
	if (grown == NULL)
		return no_memory(m);
	choices->items = grown;
	for (int32_t i = 0; i < topic->partition_count; i++) {
		if (is_wanted(o, i))
			grown[choices->count++] =
				(struct choice){ name, i, -1, -1 };
	}
	return EXIT_GO_ON;
}

int choices_make(struct choices *choices, struct client *client,
		 const struct consume_options *o, struct messages *m)
{
	int status = EXIT_GO_ON;

	for (size_t i = 0; i < o->topics.count && status == EXIT_GO_ON; i++) {
		const char *name = o->topics.items[i];
		const struct client_topic *topic;
		struct client_error error;

		client_error_clear(&error);
		if (client_topic_load(client, name, false, false,
				      o->common.step_timeout_ms, &topic,
				      &error) < 0)
			return fail(m, &error);
		status = add_topic(choices, name, topic, o, m);
	}
	return status;
}

/* Ask for one place in each partition. */
static int ask(struct choices *choices, struct client *client, int64_t query,
	       int64_t timeout_ms, struct admin_offset *asked,
	       struct messages *m)
{
	struct client_error error;

	for (size_t i = 0; i < choices->count; i++)
		asked[i] = (struct admin_offset){
			.topic = choices->items[i].topic,
			.partition = choices->items[i].partition,
			.query = query,
		};
	client_error_clear(&error);
	if (admin_list_offsets(client, asked, choices->count,
			       client_config(client)->read_committed,
			       timeout_ms, &error) < 0)
		return fail(m, &error);
	for (size_t i = 0; i < choices->count; i++) {
		char subject[320];

		if (asked[i].code == WIRE_NONE)
			continue;
		snprintf(subject, sizeof(subject), "topic '%s' partition %d",
			 asked[i].topic, asked[i].partition);
		client_error_from_code(&error, asked[i].code, subject, NULL);
		return fail(m, &error);
	}
	return EXIT_GO_ON;
}

int choices_look_up(struct choices *choices, struct client *client,
		    int64_t timeout_ms, struct messages *m)
{
	struct admin_offset *asked;
	int status;

	if (choices->count == 0)
		return EXIT_GO_ON;
	asked = calloc(choices->count, sizeof(*asked));
	if (asked == NULL)
		return no_memory(m);
	status = ask(choices, client, ADMIN_EARLIEST, timeout_ms, asked, m);
	for (size_t i = 0; i < choices->count; i++)
		choices->items[i].first_offset = asked[i].offset;
	if (status == EXIT_GO_ON)
		status = ask(choices, client, ADMIN_LATEST, timeout_ms, asked,
			     m);
	for (size_t i = 0; i < choices->count; i++)
		choices->items[i].end_offset = asked[i].offset;
	free(asked);
	return status;
}
