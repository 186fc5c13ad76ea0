/*
 * who.c - ktopics who
 *
 * Who reads: groups whose members have partitions of the topic or subscribe to
 * it, and groups that have only committed for it.  Who writes: the producers
 * that brokers keep a state of, which are the idempotent and transactional
 * ones; of those a broker knows numbers, no names.  With --http also who a
 * kbrokerd has seen, by name.
 *
 * A broker remembers producers for a day, and each run of kproduce is one:
 * those that have been silent for long are left out unless all are asked for.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "client/admin_fan.h"
#include "client/admin_groups.h"
#include "ktopics/topics.h"
#include "ktopics/who_clients.h"
#include "wire/errors.h"

enum { API_DESCRIBE_PRODUCERS = 61, SILENT_MS = 3600 * 1000 };

static const struct column columns[] = {
	{ "topic", COLUMN_TEXT },      { "role", COLUMN_TEXT },
	{ "group", COLUMN_TEXT },      { "state", COLUMN_TEXT },
	{ "client_id", COLUMN_TEXT },  { "host", COLUMN_TEXT },
	{ "partitions", COLUMN_LIST }, { "member", COLUMN_TEXT },
	{ "producer", COLUMN_INT },    { "epoch", COLUMN_INT },
	{ "last_write", COLUMN_TIME }, { "transaction", COLUMN_BOOL },
};

struct who {
	struct ktopics *k;
	struct topic_list topics;
	struct table *table;
	struct admin_answers answers;
	struct admin_group_info *infos;
	struct admin_group *groups; /* with their offsets */
	size_t group_count;
	size_t left_out; /* writers and readers that are silent */
};

/* Of who was heard of then (-1: not known): is it too long ago? */
static bool leave_out(struct who *w, int64_t last_ms)
{
	struct clock *clock = clock_system();

	if (w->k->options.all || last_ms < 0 ||
	    clock->wall_ms(clock) - last_ms <= SILENT_MS)
		return false;
	w->left_out++;
	return true;
}

/* Readers */

static void put_reader(struct who *w, const char *topic,
		       const struct admin_group_info *info,
		       const struct admin_member *m, const char *partitions)
{
	table_text(w->table, topic);
	table_text(w->table, "reader");
	table_text(w->table, info->name);
	table_text(w->table, info->state);
	table_text(w->table, m == NULL ? NULL : m->client_id);
	table_text(w->table, m == NULL ? NULL : m->host);
	table_text(w->table, partitions);
	table_text(w->table, m == NULL ? NULL : m->id);
	table_none(w->table);
	table_none(w->table);
	table_none(w->table);
	table_none(w->table);
	table_row_end(w->table);
}

static bool subscribes(const struct admin_member *m, const char *topic)
{
	for (int32_t i = 0; i < m->topic_count; i++) {
		if (slice_is(m->topics[i], topic))
			return true;
	}
	return false;
}

static const struct admin_partitions *assigned_of(const struct admin_member *m,
						  const char *topic)
{
	for (int32_t i = 0; i < m->assigned_count; i++) {
		if (strcmp(m->assigned[i].topic, topic) == 0)
			return &m->assigned[i];
	}
	return NULL;
}

static bool put_members(struct who *w, const char *topic,
			const struct admin_group_info *info)
{
	bool any = false;

	for (size_t i = 0; i < info->member_count; i++) {
		const struct admin_member *m = &info->members[i];
		const struct admin_partitions *a = assigned_of(m, topic);

		if (a == NULL && !subscribes(m, topic))
			continue;
		any = true;
		put_reader(w, topic, info, m,
			   a == NULL
				   ? ""
				   : topics_ids(w->k, a->partitions, a->count));
	}
	return any;
}

/* Partitions that a group without members has committed for; "" for none. */
static const char *committed_for(struct who *w, const char *topic,
				 const struct admin_group *group)
{
	int32_t *ids =
		run_alloc(&w->k->run, group->offset_count + 1, sizeof(*ids));
	int32_t count = 0;

	for (size_t i = 0; i < group->offset_count; i++) {
		if (group->offsets[i].offset >= 0 &&
		    strcmp(group->offsets[i].topic, topic) == 0)
			ids[count++] = group->offsets[i].partition;
	}
	return topics_ids(w->k, ids, count);
}

static void put_readers(struct who *w, const char *topic)
{
	for (size_t i = 0; i < w->group_count; i++) {
		const struct admin_group_info *info = &w->infos[i];
		const char *partitions;

		if (info->code != WIRE_NONE || put_members(w, topic, info))
			continue;
		partitions = committed_for(w, topic, &w->groups[i]);
		if (partitions[0] != '\0')
			put_reader(w, topic, info, NULL, partitions);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct admin_listed_group *x = a;
	const struct admin_listed_group *y = b;

	return strcmp(x->name, y->name);
}

/* All groups, described and with their offsets. */
static void ask_groups(struct who *w)
{
	struct run *run = &w->k->run;
	int64_t timeout_ms = run->options->common.step_timeout_ms;
	struct admin_listed_group *list;
	struct client_error error = { 0 };
	const char **names;
	const char **types;
	size_t count;
	int rc = admin_list_groups(run->client, 0, timeout_ms, &w->answers,
				   &list, &count, &error);

	if (rc < 0) {
		run_fail(run, &error);
		return;
	}
	qsort(list, count, sizeof(*list), by_name);
	names = run_alloc(run, count + 1, sizeof(*names));
	types = run_alloc(run, count + 1, sizeof(*types));
	w->infos = run_alloc(run, count + 1, sizeof(*w->infos));
	w->groups = run_alloc(run, count + 1, sizeof(*w->groups));
	for (size_t i = 0; i < count; i++) {
		names[i] = list[i].name;
		types[i] = list[i].type;
		w->groups[i] = (struct admin_group){
			.name = list[i].name,
			.coordinator = list[i].coordinator,
		};
	}
	rc = admin_describe_groups(run->client, names, types, count, timeout_ms,
				   &w->answers, w->infos, &error);
	if (rc == 0)
		rc = admin_ask_groups(run->client, ADMIN_FETCH_OFFSETS,
				      w->groups, count, timeout_ms, &w->answers,
				      &error);
	if (rc < 0)
		run_fail(run, &error);
	else
		w->group_count = count;
}

/* Writers */

struct writer {
	int64_t id;
	int32_t epoch;
	int64_t last_write_ms;
	bool transaction;
	int32_t *partitions;
	int32_t partition_count;
};

typedef const struct
	describe_producers_response_topics_partitions_active_producers
		producer_state;

struct writers {
	struct who *w;
	const char *topic;
	struct writer *items;
	size_t count;
	int32_t partition_count; /* of the topic */
};

static struct writer *writer_of(struct writers *all, producer_state *p)
{
	struct writer *more = all->items;

	for (size_t i = 0; i < all->count; i++) {
		if (all->items[i].id == p->producer_id &&
		    all->items[i].epoch == p->producer_epoch)
			return &all->items[i];
	}
	/* Grown at powers of two. */
	if ((all->count & (all->count - 1)) == 0)
		more = reallocarray(all->items,
				    all->count == 0 ? 1 : all->count * 2,
				    sizeof(*more));
	if (more == NULL)
		run_out_of_memory(&all->w->k->run);
	all->items = more;
	more[all->count] = (struct writer){
		.id = p->producer_id,
		.epoch = p->producer_epoch,
		.last_write_ms = -1,
		.partitions =
			run_alloc(&all->w->k->run, (size_t)all->partition_count,
				  sizeof(*more->partitions)),
	};
	return &more[all->count++];
}

static void add_state(struct writers *all, int32_t partition, producer_state *p)
{
	struct writer *writer = writer_of(all, p);

	if (writer->partition_count < all->partition_count)
		writer->partitions[writer->partition_count++] = partition;
	if (p->last_timestamp > writer->last_write_ms)
		writer->last_write_ms = p->last_timestamp;
	writer->transaction =
		writer->transaction || p->current_txn_start_offset >= 0;
}

static void take_part(struct writers *all, const struct admin_fan_part *part)
{
	struct run *run = &all->w->k->run;
	const struct describe_producers_response *a;

	if (client_request_error(part->request)->kind != CLIENT_OK) {
		run_fail(run, client_request_error(part->request));
		return;
	}
	a = client_request_answer(part->request);
	for (int32_t t = 0; t < a->topics_count; t++) {
		for (int32_t i = 0; i < a->topics[t].partitions_count; i++) {
			const struct
				describe_producers_response_topics_partitions
					*p = &a->topics[t].partitions[i];

			if (p->error_code != WIRE_NONE)
				run_refused(run, "topic", all->topic,
					    p->error_code, p->error_message);
			for (int32_t n = 0; n < p->active_producers_count; n++)
				add_state(all, p->partition_index,
					  &p->active_producers[n]);
		}
	}
}

/* The question to one leader about its partitions of the topic. */
static struct client_request *ask_leader(
	struct who *w, const struct metadata_response_topics *topic,
	int32_t leader)
{
	struct client_request *request =
		run_request(&w->k->run, API_DESCRIBE_PRODUCERS);
	struct describe_producers_request *q = client_request_message(request);
	struct arena *arena = client_request_arena(request);

	q->topics =
		wire_array(&describe_producers_request_topics_desc, arena, 1);
	if (q->topics == NULL)
		run_out_of_memory(&w->k->run);
	q->topics_count = 1;
	q->topics->name = topic->name;
	q->topics->partition_indexes =
		arena_calloc(arena, (size_t)topic->partitions_count,
			     sizeof(*q->topics->partition_indexes));
	if (q->topics->partition_indexes == NULL)
		run_out_of_memory(&w->k->run);
	for (int32_t i = 0; i < topic->partitions_count; i++) {
		if (topic->partitions[i].leader_id == leader)
			q->topics->partition_indexes
				[q->topics->partition_indexes_count++] =
				topic->partitions[i].partition_index;
	}
	return request;
}

static bool is_first_of(const struct metadata_response_topics *topic, int32_t i)
{
	for (int32_t n = 0; n < i; n++) {
		if (topic->partitions[n].leader_id ==
		    topic->partitions[i].leader_id)
			return false;
	}
	return topic->partitions[i].leader_id >= 0;
}

static int by_id(const void *a, const void *b)
{
	const struct writer *x = a;
	const struct writer *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->epoch > y->epoch) - (x->epoch < y->epoch);
}

static int by_number(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a;
	int32_t y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static void put_writer(struct who *w, const char *topic, struct writer *writer)
{
	qsort(writer->partitions, (size_t)writer->partition_count,
	      sizeof(*writer->partitions), by_number);
	table_text(w->table, topic);
	table_text(w->table, "writer");
	table_none(w->table);
	table_none(w->table);
	table_none(w->table);
	table_none(w->table);
	table_text(w->table, topics_ids(w->k, writer->partitions,
					writer->partition_count));
	table_none(w->table);
	table_int(w->table, writer->id);
	table_int(w->table, writer->epoch);
	if (writer->last_write_ms < 0)
		table_none(w->table);
	else
		table_int(w->table, writer->last_write_ms);
	table_int(w->table, writer->transaction);
	table_row_end(w->table);
}

static void put_writers(struct who *w, const char *topic,
			const struct metadata_response_topics *info)
{
	struct run *run = &w->k->run;
	struct admin_fan fan = { .client = run->client };
	struct writers all = { .w = w,
			       .topic = topic,
			       .partition_count = info->partitions_count };
	struct client_error error = { 0 };

	for (int32_t i = 0; i < info->partitions_count; i++) {
		int32_t leader = info->partitions[i].leader_id;

		if (is_first_of(info, i) &&
		    admin_fan_add(&fan, ask_leader(w, info, leader), leader,
				  NULL) < 0)
			run_out_of_memory(run);
	}
	if (admin_fan_run(&fan, run->options->common.step_timeout_ms, &error) <
	    0)
		run_fail(run, &error);
	for (size_t i = 0; error.kind == CLIENT_OK && i < fan.count; i++)
		take_part(&all, &fan.parts[i]);
	if (all.count > 0)
		qsort(all.items, all.count, sizeof(*all.items), by_id);
	for (size_t i = 0; i < all.count; i++) {
		if (all.items[i].transaction ||
		    !leave_out(w, all.items[i].last_write_ms))
			put_writer(w, topic, &all.items[i]);
	}
	free(all.items);
	admin_fan_clear(&fan);
}

/* Who a broker has seen */

/* Is it a member that is told as such? */
static bool is_member(const struct who *w, const char *topic,
		      const struct who_client *client)
{
	for (size_t i = 0; i < w->group_count; i++) {
		const struct admin_group_info *info = &w->infos[i];

		for (size_t n = 0; n < info->member_count; n++) {
			const struct admin_member *m = &info->members[n];

			if (strcmp(m->client_id, client->client_id) == 0 &&
			    strcmp(m->host, client->host) == 0 &&
			    (assigned_of(m, topic) != NULL ||
			     subscribes(m, topic)))
				return true;
		}
	}
	return false;
}

static void put_client(struct who *w, const char *topic,
		       const struct who_client *client)
{
	table_text(w->table, topic);
	table_text(w->table, client->writes ? "writer" : "reader");
	table_none(w->table);
	table_none(w->table);
	table_text(w->table, client->client_id);
	table_text(w->table, client->host);
	for (int i = 0; i < 4; i++) /* partitions, member, producer, epoch */
		table_none(w->table);
	if (client->writes)
		table_int(w->table, client->last_ms);
	else
		table_none(w->table);
	table_none(w->table);
	table_row_end(w->table);
}

static void put_clients(struct who *w, const char *topic)
{
	const struct option_texts *pages = &w->k->options.https;
	struct who_clients clients = { 0 };

	for (size_t i = 0; i < pages->count; i++)
		who_clients_read(w->k, pages->items[i], topic, &clients);
	for (size_t i = 0; i < clients.count; i++) {
		const struct who_client *client = &clients.items[i];

		if ((client->writes || !is_member(w, topic, client)) &&
		    !leave_out(w, client->last_ms))
			put_client(w, topic, client);
	}
	who_clients_clear(&clients);
}

int ktopics_who(void *run)
{
	struct ktopics *k = run;
	struct who w = { .k = k };
	int status;

	w.table = run_table(&k->run, columns,
			    sizeof(columns) / sizeof(columns[0]),
			    "topic,role,group,state,client_id,host,partitions,"
			    "producer,last_write");
	if (w.table == NULL)
		return EXIT_USAGE;
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = topics_find(k, k->run.operands, k->run.operand_count,
				     TOPICS_PATTERNS, &w.topics);
	if (status != EXIT_GO_ON) {
		table_free(w.table);
		return status;
	}
	if (w.topics.count > 0)
		ask_groups(&w);
	for (size_t i = 0; i < w.topics.count; i++) {
		const char *topic = run_text(&k->run, w.topics.items[i]->name);

		put_readers(&w, topic);
		put_writers(&w, topic, w.topics.items[i]);
		put_clients(&w, topic);
	}
	if (w.left_out > 0)
		message_notice(&k->run.messages,
			       "left out %zu that were silent for an hour; -a "
			       "shows them",
			       w.left_out);
	admin_answers_clear(&w.answers);
	topics_clear(&w.topics);
	return run_finish(&k->run, w.table);
}
