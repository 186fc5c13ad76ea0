/*
 * log_dirs.c - what partitions take on the disks of brokers
 *
 * Each broker is asked for all it has: to name ten thousand topics would cost
 * more than their sizes.
 */
#include "ktopics/log_dirs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/errors.h"

enum { API_DESCRIBE_LOG_DIRS = 35 };

struct asking {
	struct ktopics *k;
	const struct topic_list *topics;
	void (*tell)(void *arg, const struct log_dir_entry *entry);
	void *arg;
};

static void tell_topic(
	const struct asking *a, struct log_dir_entry *entry,
	const struct describe_log_dirs_response_results_topics *t)
{
	ssize_t index = topics_index(a->topics, t->name);

	if (index < 0)
		return;
	entry->topic = (size_t)index;
	for (int32_t p = 0; p < t->partitions_count; p++) {
		entry->partition = t->partitions[p].partition_index;
		entry->bytes = t->partitions[p].partition_size;
		entry->lag = t->partitions[p].offset_lag;
		entry->is_future = t->partitions[p].is_future_key;
		a->tell(a->arg, entry);
	}
}

static void tell_dir(const struct asking *a, int32_t broker,
		     const struct describe_log_dirs_response_results *dir)
{
	struct log_dir_entry entry = { .broker = broker };
	struct client_error error = { 0 };
	char subject[300];

	entry.dir = run_text(&a->k->run, dir->log_dir);
	if (dir->error_code != WIRE_NONE) {
		snprintf(subject, sizeof(subject),
			 "broker %d, directory '%.200s'", broker, entry.dir);
		client_error_from_code(&error, dir->error_code, subject, NULL);
		run_fail(&a->k->run, &error);
		return;
	}
	for (int32_t t = 0; t < dir->topics_count; t++)
		tell_topic(a, &entry, &dir->topics[t]);
}

static bool ask(const struct asking *a, int32_t broker)
{
	struct ktopics *k = a->k;
	struct client_request *request =
		run_request(&k->run, API_DESCRIBE_LOG_DIRS);
	struct describe_log_dirs_request *q = client_request_message(request);
	const struct describe_log_dirs_response *answer;
	bool answered;

	q->topics = NULL;
	q->topics_count = -1;
	answered = client_call(request, broker,
			       k->run.options->common.step_timeout_ms) == 0;
	if (!answered && client_request_error(request)->rc != -ENOTSUP)
		run_fail(&k->run, client_request_error(request));
	else if (!answered)
		message_info(&k->run.messages, "no sizes: %s",
			     client_request_error(request)->text);
	answer = answered ? client_request_answer(request) : NULL;
	for (int32_t d = 0; answered && d < answer->results_count; d++)
		tell_dir(a, broker, &answer->results[d]);
	client_request_free(request);
	return answered;
}

bool log_dirs_each(struct ktopics *k, const struct topic_list *topics,
		   void (*tell)(void *arg, const struct log_dir_entry *entry),
		   void *arg)
{
	const struct metadata_response *all =
		client_request_answer(topics->request);
	const struct asking asking = { k, topics, tell, arg };
	bool answered = false;

	for (int32_t i = 0; i < all->brokers_count; i++)
		answered |= ask(&asking, all->brokers[i].node_id);
	return answered;
}
