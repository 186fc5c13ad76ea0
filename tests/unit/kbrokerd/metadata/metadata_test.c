/*
 * metadata_test.c - the metadata as a whole: start, change, stop, crash
 */
#include "metadata_kit.h"

#include <dirent.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "kbrokerd/metadata/feature_level.h"
#include "kbrokerd/metadata/metadata_log.h"
#include "kbrokerd/metadata/producer_ids.h"
#include "support/fault_vfs.h"

static int setup(void **state)
{
	struct metadata_kit *k = malloc(sizeof(*k));

	assert_non_null(k);
	kit_init(k);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	kit_clear(*state);
	free(*state);
	return 0;
}

static void read_file(const struct metadata_kit *k, const char *name,
		      char *text, size_t size)
{
	char path[128];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", k->dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
}

static void write_file(const struct metadata_kit *k, const char *name,
		       const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", k->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int count_files(const struct metadata_kit *k, const char *end)
{
	char path[128];
	struct dirent *entry;
	DIR *dir;
	int count = 0;

	snprintf(path, sizeof(path), "%s/__cluster_metadata-0", k->dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		count += len > strlen(end) &&
			 strcmp(entry->d_name + len - strlen(end), end) == 0;
	}
	closedir(dir);
	return count;
}

static void newest_snapshot(const struct metadata_kit *k, char *path,
			    size_t size)
{
	char newest[256] = "";
	struct dirent *entry;
	DIR *dir;

	snprintf(path, size, "%s/__cluster_metadata-0", k->dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strstr(entry->d_name, ".checkpoint") != NULL &&
		    strcmp(entry->d_name, newest) > 0)
			snprintf(newest, sizeof(newest), "%s", entry->d_name);
	}
	closedir(dir);
	snprintf(path, size, "%s/__cluster_metadata-0/%s", k->dir, newest);
}

static bool has_topic(struct metadata_kit *k, const char *name)
{
	const struct image *image = metadata_image(k->m);
	bool found = image_topic(image, slice_of(name)) != NULL;

	image_release(image);
	return found;
}

/* Start */

static void a_new_cluster_has_features_and_this_broker(void **state)
{
	struct metadata_kit *k = *state;
	const struct image *image;

	kit_start(k);

	image = metadata_image(k->m);
	assert_int_equal(image_feature(image, "metadata.version"), 29);
	assert_int_equal(image_feature(image, "transaction.version"), 2);
	assert_int_equal(image_feature(image, "kraft.version"), 0);
	assert_string_equal(
		config_set_get(image_configs(image, 4, slice_of("")),
			       "min.insync.replicas"),
		"1");
	assert_int_equal(image_broker_count(image), 1);
	assert_int_equal(image_broker_at(image, 0)->id, KIT_NODE);
	assert_false(image_broker_at(image, 0)->fenced);
	/* Leader change, 9 of bootstrap, controller: then the broker. */
	assert_int_equal(image_broker_at(image, 0)->epoch, 11);
	assert_string_equal(image_broker_at(image, 0)->endpoints[0].host,
			    "localhost");
	image_release(image);
}

static void quorum_state_is_as_kafka_writes_it(void **state)
{
	struct metadata_kit *k = *state;
	char text[512];

	kit_start(k);
	read_file(k, "__cluster_metadata-0/quorum-state", text, sizeof(text));
	assert_string_equal(text, "{\"clusterId\":\"\",\"leaderId\":1,"
				  "\"leaderEpoch\":1,\"votedId\":-1,"
				  "\"appliedOffset\":0,"
				  "\"currentVoters\":[{\"voterId\":1}],"
				  "\"data_version\":0}");
}

static void every_start_is_a_new_epoch_of_leader_and_broker(void **state)
{
	struct metadata_kit *k = *state;
	const struct image *image;
	int64_t first;

	kit_start(k);
	image = metadata_image(k->m);
	first = image_broker(image, KIT_NODE)->epoch;
	image_release(image);
	assert_int_equal(metadata_leader_epoch(k->m), 1);
	kit_stop(k);

	kit_start(k);

	assert_int_equal(metadata_leader_epoch(k->m), 2);
	image = metadata_image(k->m);
	assert_true(image_broker(image, KIT_NODE)->epoch > first);
	assert_int_equal(image_broker_count(image), 1);
	image_release(image);
}

static void an_epoch_is_not_reused_when_quorum_state_is_lost(void **state)
{
	struct metadata_kit *k = *state;
	char path[128];

	kit_start(k);
	kit_stop(k);
	snprintf(path, sizeof(path), "%s/__cluster_metadata-0/quorum-state",
		 k->dir);
	assert_int_equal(unlink(path), 0);

	kit_start(k);

	assert_int_equal(metadata_leader_epoch(k->m), 2);
}

static void bootstrap_records_are_taken_from_their_file(void **state)
{
	struct metadata_kit *k = *state;
	char path[160];

	/* Given a directory that was formatted and never started. */
	kit_start(k);
	kit_stop(k);
	snprintf(path, sizeof(path), "%s/__cluster_metadata-0", k->dir);
	kit_remove(path);

	kit_start(k);
	kit_create_topic(k, "t", 1);

	assert_true(has_topic(k, "t"));
	assert_int_equal(metadata_leader_epoch(k->m), 1);
}

static void a_quorum_of_others_is_refused(void **state)
{
	struct metadata_kit *k = *state;

	kit_start(k);
	kit_stop(k);
	write_file(k, "__cluster_metadata-0/quorum-state",
		   "{\"clusterId\":\"\",\"leaderId\":2,\"leaderEpoch\":5,"
		   "\"votedId\":-1,\"appliedOffset\":0,\"currentVoters\":["
		   "{\"voterId\":1},{\"voterId\":2}],\"data_version\":0}");

	assert_int_equal(kit_try_start(k), -EINVAL);
	assert_non_null(strstr(k->error, "other voters"));
}

static void a_garbled_quorum_state_is_refused(void **state)
{
	struct metadata_kit *k = *state;

	kit_start(k);
	kit_stop(k);
	write_file(k, "__cluster_metadata-0/quorum-state", "{\"leaderId\":");

	assert_int_equal(kit_try_start(k), -EBADMSG);
	assert_non_null(strstr(k->error, "quorum-state"));
}

/* Changes */

static void changes_survive_a_restart(void **state)
{
	struct metadata_kit *k = *state;
	const struct image *before;
	const struct image *after;

	kit_start(k);
	assert_int_equal(kit_create_topic(k, "kept", 3), WIRE_NONE);
	assert_int_equal(kit_create_topic(k, "gone", 1), WIRE_NONE);
	assert_int_equal(kit_delete_topic(k, "gone"), WIRE_NONE);
	assert_int_equal(kit_set_config(k, "kept", "retention.ms", "5"),
			 WIRE_NONE);
	before = metadata_image(k->m);
	kit_stop(k);

	kit_start(k);

	after = metadata_image(k->m);
	assert_int_equal(image_topic_count(after), 1);
	assert_int_equal(image_topic(after, slice_of("kept"))->partition_count,
			 3);
	assert_string_equal(
		config_set_get(image_configs(after, 2, slice_of("kept")),
			       "retention.ms"),
		"5");
	assert_true(uuid_equal(image_topic(before, slice_of("kept"))->id,
			       image_topic(after, slice_of("kept"))->id));
	image_release(before);
	image_release(after);
}

static void a_snapshot_stands_for_the_log_below_it(void **state)
{
	struct properties properties = { 0 };
	struct metadata_kit *k = *state;
	const struct image *image;

	properties_set(&properties,
		       "metadata.log.max.record.bytes.between.snapshots",
		       "2000", "test");
	k->params.properties = &properties;
	kit_start(k);
	for (int i = 0; i < 40; i++) {
		char name[16];

		snprintf(name, sizeof(name), "topic-%d", i);
		assert_int_equal(kit_create_topic(k, name, 2), WIRE_NONE);
	}
	kit_stop(k);
	assert_true(count_files(k, ".checkpoint") >= 2);

	kit_start(k);

	image = metadata_image(k->m);
	assert_int_equal(image_topic_count(image), 40);
	assert_int_equal(image_partition_count(image), 80);
	image_release(image);
	properties_clear(&properties);
}

/* Append records to the log of a metadata that is not running. */
static void append_to_log(struct metadata_kit *k,
			  const struct record_list *records)
{
	const struct metadata_log_params params = {
		.vfs = k->vfs,
		.clock = clock_system(),
		.dir = k->dir,
		.retention_bytes = -1,
		.retention_ms = -1,
	};
	struct metadata_log_found found;
	struct metadata_log *log;
	struct buffer batch = { 0 };

	assert_int_equal(metadata_log_open(&params, &log, &found, k->error,
					   sizeof(k->error)),
			 0);
	assert_int_equal(record_list_batch(records, 0, records->count,
					   metadata_log_end(log),
					   found.last_epoch, 5, &batch),
			 0);
	assert_int_equal(metadata_log_append(log, &batch), 0);
	assert_int_equal(metadata_log_close(log), 0);
	image_release(found.image);
	buffer_clear(&batch);
}

static void add_feature_level(struct record_list *records, const char *name,
			      int16_t level)
{
	struct feature_level_record r;

	wire_init(&feature_level_record_desc, &r);
	r.name = slice_of(name);
	r.feature_level = level;
	record_list_add(records, &feature_level_record_desc, 0, &r);
}

/* A crash can leave the first batch, the leader's, and not the next. */
static void a_log_that_ends_before_its_bootstrap_gets_it_again(void **state)
{
	enum { LEADER_CHANGE_BYTES = 91 };
	struct metadata_kit *k = *state;
	const struct image *image;
	char path[160];

	kit_start(k);
	kit_stop(k);
	snprintf(path, sizeof(path),
		 "%s/__cluster_metadata-0/00000000000000000000.log", k->dir);
	assert_int_equal(truncate(path, LEADER_CHANGE_BYTES), 0);

	kit_start(k);

	image = metadata_image(k->m);
	assert_int_equal(image_feature(image, "metadata.version"), 29);
	assert_int_equal(metadata_leader_epoch(k->m), 2);
	image_release(image);
}

static void a_later_metadata_version_is_refused(void **state)
{
	struct metadata_kit *k = *state;
	struct record_list records = { 0 };

	kit_start(k);
	kit_stop(k);
	add_feature_level(&records, "metadata.version", 30);
	append_to_log(k, &records);

	assert_int_equal(kit_try_start(k), -ENOTSUP);
	assert_non_null(strstr(k->error, "metadata.version 30"));
	record_list_clear(&records);
}

/* Wait until there are snapshots; the test ends by its timeout if not. */
static void await_snapshot(struct metadata_kit *k)
{
	char events[4096];
	char path[128];
	int fd = inotify_init1(IN_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/__cluster_metadata-0", k->dir);
	assert_true(inotify_add_watch(fd, path, IN_MOVED_TO) >= 0);
	while (count_files(k, ".checkpoint") == 0)
		assert_true(read(fd, events, sizeof(events)) > 0);
	close(fd);
}

static void an_idle_log_gets_a_snapshot_in_time(void **state)
{
	struct properties properties = { 0 };
	struct metadata_kit *k = *state;

	properties_set(&properties, "metadata.log.max.snapshot.interval.ms",
		       "1", "test");
	k->params.properties = &properties;
	kit_start(k);

	await_snapshot(k);

	kit_stop(k);
	kit_start(k);
	assert_int_equal(kit_create_topic(k, "a", 1), WIRE_NONE);
	properties_clear(&properties);
}

static void segments_below_the_oldest_snapshot_go(void **state)
{
	struct properties properties = { 0 };
	struct metadata_kit *k = *state;
	char path[128];

	properties_set(&properties,
		       "metadata.log.max.record.bytes.between.snapshots",
		       "1000", "test");
	properties_set(&properties, "metadata.log.segment.bytes", "2000",
		       "test");
	properties_set(&properties, "metadata.max.retention.bytes", "1",
		       "test");
	k->params.properties = &properties;
	kit_start(k);
	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "topic-%d", i);
		assert_int_equal(kit_create_topic(k, name, 1), WIRE_NONE);
	}
	kit_stop(k);

	/* Some fifteen have been. */
	assert_in_range(count_files(k, ".log"), 1, 3);
	snprintf(path, sizeof(path), "%s/__cluster_metadata-0/%020d.log",
		 k->dir, 0);
	assert_int_not_equal(access(path, F_OK), 0);
	kit_start(k);
	assert_true(has_topic(k, "topic-0"));
	assert_true(has_topic(k, "topic-99"));
	properties_clear(&properties);
}

static void old_snapshots_go_when_they_take_too_much(void **state)
{
	struct properties properties = { 0 };
	struct metadata_kit *k = *state;

	properties_set(&properties,
		       "metadata.log.max.record.bytes.between.snapshots",
		       "1000", "test");
	properties_set(&properties, "metadata.max.retention.bytes", "1",
		       "test");
	k->params.properties = &properties;
	kit_start(k);
	for (int i = 0; i < 30; i++) {
		char name[16];

		snprintf(name, sizeof(name), "topic-%d", i);
		kit_create_topic(k, name, 1);
	}
	kit_stop(k);
	assert_int_equal(count_files(k, ".checkpoint"), 1);

	kit_start(k);

	assert_true(has_topic(k, "topic-0"));
	assert_true(has_topic(k, "topic-29"));
	properties_clear(&properties);
}

/* A transaction that never ends, as a controller that is killed while it
 * bootstraps leaves it. */
static void leave_open_transaction(struct metadata_kit *k)
{
	struct begin_transaction_record begin;
	struct topic_record topic;
	struct record_list records = { 0 };

	wire_init(&begin_transaction_record_desc, &begin);
	wire_init(&topic_record_desc, &topic);
	topic.name = slice_of("never");
	topic.topic_id.bytes[0] = 7;
	record_list_add(&records, &begin_transaction_record_desc, 0, &begin);
	record_list_add(&records, &topic_record_desc, 0, &topic);
	append_to_log(k, &records);
	record_list_clear(&records);
}

static void a_transaction_left_open_is_aborted(void **state)
{
	struct metadata_kit *k = *state;

	kit_start(k);
	kit_create_topic(k, "before", 1);
	kit_stop(k);
	leave_open_transaction(k);

	kit_start(k);
	assert_true(has_topic(k, "before"));
	assert_false(has_topic(k, "never"));
	kit_create_topic(k, "after", 1);
	kit_stop(k);

	/* It stays so: what came after does not stand in it. */
	kit_start(k);
	assert_false(has_topic(k, "never"));
	assert_true(has_topic(k, "after"));
}

static void a_snapshot_that_is_damaged_gives_way_to_an_older_one(void **state)
{
	struct properties properties = { 0 };
	struct metadata_kit *k = *state;
	char path[512];
	struct stat st;

	properties_set(&properties,
		       "metadata.log.max.record.bytes.between.snapshots",
		       "1000", "test");
	k->params.properties = &properties;
	kit_start(k);
	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "topic-%d", i);
		kit_create_topic(k, name, 1);
	}
	kit_stop(k);
	newest_snapshot(k, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 20), 0);

	kit_start(k);

	assert_true(has_topic(k, "topic-0"));
	assert_true(has_topic(k, "topic-19"));
	properties_clear(&properties);
}

static void many_changes_at_a_time_are_all_answered(void **state)
{
	enum { CHANGES = 200 };
	struct metadata_kit *k = *state;
	static struct create_topics_request requests[CHANGES];
	static struct create_topics_response responses[CHANGES];
	static struct create_topics_request_topics topics[CHANGES];
	static struct metadata_change changes[CHANGES];
	static struct kit_wait waits[CHANGES];
	static struct arena arenas[CHANGES];
	static char names[CHANGES][16];
	int created = 0;

	kit_start(k);
	for (int i = 0; i < CHANGES; i++) {
		/* Every tenth asks for what another creates. */
		snprintf(names[i], sizeof(names[i]), "t%d",
			 i % 10 == 9 ? i - 1 : i);
		wire_init(&create_topics_request_desc, &requests[i]);
		wire_init(&create_topics_request_topics_desc, &topics[i]);
		topics[i].name = slice_of(names[i]);
		topics[i].num_partitions = 1;
		topics[i].replication_factor = 1;
		requests[i].topics = &topics[i];
		requests[i].topics_count = 1;
		pthread_mutex_init(&waits[i].lock, NULL);
		pthread_cond_init(&waits[i].done, NULL);
		changes[i] = (struct metadata_change){
			.api_key = 19,
			.version = 7,
			.request = &requests[i],
			.response = &responses[i],
			.arena = &arenas[i],
			.done = kit_on_done,
			.arg = &waits[i],
		};
		metadata_submit(k->m, &changes[i]);
	}
	for (int i = 0; i < CHANGES; i++) {
		pthread_mutex_lock(&waits[i].lock);
		while (!waits[i].is_done)
			pthread_cond_wait(&waits[i].done, &waits[i].lock);
		pthread_mutex_unlock(&waits[i].lock);
		if (responses[i].topics[0].error_code == WIRE_NONE)
			created++;
		else
			assert_int_equal(responses[i].topics[0].error_code,
					 WIRE_TOPIC_ALREADY_EXISTS);
		arena_clear(&arenas[i]);
	}
	assert_int_equal(created, CHANGES - CHANGES / 10);
}

struct seen {
	size_t calls;
	size_t topics_before, topics_after;
};

static void on_image(void *arg, const struct image *before,
		     const struct image *after)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->topics_before = image_topic_count(before);
	seen->topics_after = image_topic_count(after);
}

/* KIP-853 */

enum { UPDATE_FEATURES = 57 };

static int16_t set_quorum_level(struct metadata_kit *k, int16_t level)
{
	struct update_features_request_feature_updates update;
	struct update_features_request request;
	struct update_features_response response;

	wire_init(&update_features_request_desc, &request);
	wire_init(&update_features_request_feature_updates_desc, &update);
	update.feature = slice_of(KRAFT_VERSION);
	update.max_version_level = level;
	update.upgrade_type = level == 0 ? 2 : 1;
	request.feature_updates = &update;
	request.feature_updates_count = 1;
	kit_change(k, UPDATE_FEATURES, 2, &request, &response);
	return response.error_code;
}

static int on_voters(void *arg, int16_t type, struct slice value)
{
	struct metadata_kit *k = arg;
	struct voters_record r;
	int16_t version;

	if (type != WIRE_CONTROL_RECORD_TYPE_KRAFT_VOTERS)
		return 0;
	assert_true(wire_versioned_decode(&voters_record_desc, value, &k->arena,
					  &version, &r) > 0);
	assert_int_equal(r.voters_count, 1);
	assert_int_equal(r.voters[0].voter_id, KIT_NODE);
	assert_true(uuid_equal(r.voters[0].voter_directory_id,
			       k->params.directory_id));
	assert_int_equal(r.voters[0].endpoints_count, 1);
	assert_true(slice_is(r.voters[0].endpoints[0].name, "CONTROLLER"));
	assert_int_equal(r.voters[0].endpoints[0].port, 9093);
	assert_int_equal(
		r.voters[0].kraft_version_feature.max_supported_version, 1);
	return 0;
}

static void assert_quorum_level(struct metadata_kit *k, int16_t level)
{
	const struct image *image = metadata_image(k->m);

	assert_int_equal(feature_level(image, KRAFT_VERSION), level);
	assert_int_equal(image_each_control(image, on_voters, k), 0);
	image_release(image);
}

static void voters_are_in_the_log_from_a_level_on(void **state)
{
	static const struct broker_endpoint controller = { "CONTROLLER",
							   "localhost", 9093,
							   0 };
	struct metadata_kit *k = *state;
	char text[512];

	k->params.controller_endpoints = &controller;
	k->params.controller_endpoint_count = 1;
	kit_start(k);
	assert_quorum_level(k, 0);
	assert_int_equal(set_quorum_level(k, 1), WIRE_NONE);
	assert_quorum_level(k, 1);
	assert_int_equal(set_quorum_level(k, 1), WIRE_NONE);
	assert_int_equal(set_quorum_level(k, 0), WIRE_INVALID_UPDATE_VERSION);
	assert_int_equal(kit_create_topic(k, "after", 1), WIRE_NONE);
	kit_stop(k);

	kit_start(k);
	assert_quorum_level(k, 1);
	assert_true(has_topic(k, "after"));
	read_file(k, "__cluster_metadata-0/quorum-state", text, sizeof(text));
	assert_non_null(strstr(text, "\"data_version\":1"));
	assert_null(strstr(text, "currentVoters"));
}

static void listeners_hear_of_a_change_before_it_is_answered(void **state)
{
	struct metadata_kit *k = *state;
	struct seen seen = { 0 };

	kit_start(k);
	metadata_listen(k->m, on_image, &seen);
	kit_create_topic(k, "t", 1);

	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.topics_before, 0);
	assert_int_equal(seen.topics_after, 1);
	/* What changes nothing is not told. */
	kit_create_topic(k, "t", 1);
	assert_int_equal(seen.calls, 1);
}

static void a_cached_image_is_swapped_only_for_a_newer_one(void **state)
{
	struct metadata_kit *k = *state;
	const struct image *cached = NULL;
	const struct image *first;

	kit_start(k);
	first = metadata_image_cached(k->m, &cached);
	assert_ptr_equal(metadata_image_cached(k->m, &cached), first);
	kit_create_topic(k, "t", 1);
	assert_ptr_not_equal(metadata_image_cached(k->m, &cached), first);
	assert_non_null(image_topic(cached, slice_of("t")));
	image_release(cached);
}

/* Producer ids */

struct id_wait {
	struct producer_ids_waiter waiter;
	struct kit_wait wait;
};

static void on_ids(struct producer_ids_waiter *waiter)
{
	struct metadata_change change = {
		.arg = &((struct id_wait *)waiter)->wait
	};

	kit_on_done(&change);
}

static int64_t take_id(struct metadata_kit *k)
{
	struct producer_ids *ids = metadata_producer_ids(k->m);
	struct id_wait w = { .waiter = { .wake = on_ids },
			     .wait = { PTHREAD_MUTEX_INITIALIZER,
				       PTHREAD_COND_INITIALIZER, false } };
	int64_t id = producer_ids_take(ids, &w.waiter);

	if (id >= 0)
		return id;
	pthread_mutex_lock(&w.wait.lock);
	while (!w.wait.is_done)
		pthread_cond_wait(&w.wait.done, &w.wait.lock);
	pthread_mutex_unlock(&w.wait.lock);
	assert_int_equal(w.waiter.error_code, WIRE_NONE);
	return producer_ids_take(ids, &w.waiter);
}

static void producer_ids_are_never_given_twice(void **state)
{
	struct metadata_kit *k = *state;

	kit_start(k);
	for (int64_t i = 0; i < 2500; i++)
		assert_int_equal(take_id(k), i);
	kit_stop(k);

	kit_start(k);

	/* The rest of a block is lost. */
	assert_int_equal(take_id(k), 3000);
}

/* Faults */

static void a_full_disk_refuses_changes_until_there_is_room(void **state)
{
	struct metadata_kit *k = *state;
	struct fault_vfs *fault;
	char root[128];

	snprintf(root, sizeof(root), "%s/__cluster_metadata-0", k->dir);
	assert_int_equal(mkdir(root, 0755), 0);
	fault = fault_vfs_new(root);
	k->vfs = fault_vfs_vfs(fault);
	kit_start(k);
	fault_vfs_fail(fault, FAULT_WRITE, -ENOSPC, 0, -1);

	assert_int_equal(kit_create_topic(k, "a", 1), WIRE_KAFKA_STORAGE_ERROR);
	assert_false(has_topic(k, "a"));

	fault_vfs_heal(fault);
	assert_int_equal(kit_create_topic(k, "a", 1), WIRE_NONE);
	assert_true(has_topic(k, "a"));
	kit_stop(k);
	fault_vfs_free(fault);
	k->vfs = vfs_system();
	kit_start(k);
	assert_true(has_topic(k, "a"));
}

static void a_disk_that_is_full_at_a_sync_is_got_over(void **state)
{
	struct metadata_kit *k = *state;
	struct fault_vfs *fault;
	char root[128];

	snprintf(root, sizeof(root), "%s/__cluster_metadata-0", k->dir);
	assert_int_equal(mkdir(root, 0755), 0);
	fault = fault_vfs_new(root);
	k->vfs = fault_vfs_vfs(fault);
	k->params.sync = true;
	kit_start(k);
	assert_int_equal(kit_create_topic(k, "before", 1), WIRE_NONE);
	fault_vfs_fail(fault, FAULT_SYNC, -ENOSPC, 0, -1);
	assert_int_equal(kit_create_topic(k, "a", 1), WIRE_KAFKA_STORAGE_ERROR);
	assert_int_equal(kit_create_topic(k, "b", 1), WIRE_KAFKA_STORAGE_ERROR);
	assert_false(has_topic(k, "a"));

	fault_vfs_heal(fault);
	assert_int_equal(kit_create_topic(k, "b", 1), WIRE_NONE);
	assert_int_equal(kit_create_topic(k, "c", 1), WIRE_NONE);
	kit_stop(k);
	fault_vfs_free(fault);
	k->vfs = vfs_system();
	kit_start(k);
	assert_true(has_topic(k, "before"));
	assert_false(has_topic(k, "a"));
	assert_true(has_topic(k, "b"));
	assert_true(has_topic(k, "c"));
}

static void after_a_failed_sync_nothing_is_acknowledged(void **state)
{
	struct metadata_kit *k = *state;
	struct fault_vfs *fault;
	char root[128];

	snprintf(root, sizeof(root), "%s/__cluster_metadata-0", k->dir);
	assert_int_equal(mkdir(root, 0755), 0);
	fault = fault_vfs_new(root);
	k->vfs = fault_vfs_vfs(fault);
	k->params.sync = true;
	kit_start(k);
	/* A new log is synced once by itself. */
	assert_int_equal(kit_create_topic(k, "before", 1), WIRE_NONE);
	fault_vfs_fail(fault, FAULT_SYNC, -EIO, 0, 1);

	assert_int_equal(kit_create_topic(k, "a", 1), WIRE_KAFKA_STORAGE_ERROR);
	assert_int_equal(kit_create_topic(k, "b", 1), WIRE_KAFKA_STORAGE_ERROR);
	assert_false(has_topic(k, "a"));
	assert_false(has_topic(k, "b"));
	kit_stop(k);
	fault_vfs_free(fault);
	k->vfs = vfs_system();
}

/* Nobody was promised anything before the first change. */
static void a_new_cluster_is_told_of_before_it_is_synced(void **state)
{
	struct metadata_kit *k = *state;
	struct fault_vfs *fault;
	char root[128];

	snprintf(root, sizeof(root), "%s/__cluster_metadata-0", k->dir);
	assert_int_equal(mkdir(root, 0755), 0);
	fault = fault_vfs_new(root);
	k->vfs = fault_vfs_vfs(fault);
	k->params.sync = true;
	fault_vfs_fail(fault, FAULT_SYNC, -ENOSPC, 0, 1);

	kit_start(k);

	/* It had no room for a small file then, and now it has. */
	assert_int_equal(kit_create_topic(k, "a", 1), WIRE_NONE);
	assert_int_equal(fault_vfs_heal(fault), 1);
	assert_int_equal(count_files(k, "uorum-state"), 1);
	kit_stop(k);
	fault_vfs_free(fault);
	k->vfs = vfs_system();
	kit_start(k);
	assert_true(has_topic(k, "a"));
}

enum { CRASH_TOPICS = 8 };

/* Create topics until something fails; which of them were acknowledged. */
static void create_until_failure(struct metadata_kit *k, bool acked[])
{
	for (int i = 0; i < CRASH_TOPICS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "topic-%d", i);
		acked[i] = kit_create_topic(k, name, i + 1) == WIRE_NONE;
		arena_reset(&k->arena);
	}
}

static void assert_acked(struct metadata_kit *k, const bool acked[])
{
	const struct image *image = metadata_image(k->m);

	for (int i = 0; i < CRASH_TOPICS; i++) {
		const struct topic_image *topic;
		char name[16];

		snprintf(name, sizeof(name), "topic-%d", i);
		topic = image_topic(image, slice_of(name));
		if (acked[i])
			assert_non_null(topic);
		/* All of it, or nothing. */
		if (topic != NULL)
			assert_int_equal(topic->partition_count, i + 1);
	}
	image_release(image);
}

/* One life that ends with the n-th call of the file system; returns whether
 * it got that far. */
static bool crash_at(struct metadata_kit *k, long n, uint64_t seed)
{
	bool acked[CRASH_TOPICS] = { false };
	struct seeded_random random;
	struct fault_vfs *fault;
	char root[128];
	bool reached;

	/* bootstrap.checkpoint stays: it lies where nothing is tracked. */
	snprintf(root, sizeof(root), "%s/__cluster_metadata-0", k->dir);
	kit_remove(root);
	assert_int_equal(mkdir(root, 0755), 0);
	fault = fault_vfs_new(root);
	k->vfs = fault_vfs_vfs(fault);
	fault_vfs_fail(fault, FAULT_ALL & ~(unsigned)FAULT_READ, -EIO, n, -1);
	if (kit_try_start(k) == 0)
		create_until_failure(k, acked);
	fault_vfs_stop(fault); /* a snapshot may be under way */
	reached = fault_vfs_heal(fault) > 0;
	kit_stop(k);
	seeded_random_init(&random, seed);
	fault_vfs_resume_after_power_loss(fault, &random.random);

	kit_start(k);
	assert_acked(k, acked);
	kit_stop(k);
	fault_vfs_free(fault);
	k->vfs = vfs_system();
	return reached;
}

static void what_was_acknowledged_survives_a_crash_at_any_call(void **state)
{
	struct properties properties = { 0 };
	struct metadata_kit *k = *state;
	long n = 0;

	properties_set(&properties,
		       "metadata.log.max.record.bytes.between.snapshots", "900",
		       "test");
	k->params.properties = &properties;
	k->params.sync = true;
	kit_start(k);
	kit_stop(k);
	while (crash_at(k, n, (uint64_t)n + 1))
		n++;
	assert_true(n > 30);
	properties_clear(&properties);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_cluster_has_features_and_this_broker),
		TEST(quorum_state_is_as_kafka_writes_it),
		TEST(every_start_is_a_new_epoch_of_leader_and_broker),
		TEST(an_epoch_is_not_reused_when_quorum_state_is_lost),
		TEST(bootstrap_records_are_taken_from_their_file),
		TEST(a_quorum_of_others_is_refused),
		TEST(a_garbled_quorum_state_is_refused),
		TEST(changes_survive_a_restart),
		TEST(a_snapshot_stands_for_the_log_below_it),
		TEST(a_log_that_ends_before_its_bootstrap_gets_it_again),
		TEST(a_later_metadata_version_is_refused),
		TEST(old_snapshots_go_when_they_take_too_much),
		TEST(an_idle_log_gets_a_snapshot_in_time),
		TEST(segments_below_the_oldest_snapshot_go),
		TEST(a_transaction_left_open_is_aborted),
		TEST(a_snapshot_that_is_damaged_gives_way_to_an_older_one),
		TEST(many_changes_at_a_time_are_all_answered),
		TEST(voters_are_in_the_log_from_a_level_on),
		TEST(listeners_hear_of_a_change_before_it_is_answered),
		TEST(a_cached_image_is_swapped_only_for_a_newer_one),
		TEST(producer_ids_are_never_given_twice),
		TEST(a_full_disk_refuses_changes_until_there_is_room),
		TEST(a_disk_that_is_full_at_a_sync_is_got_over),
		TEST(after_a_failed_sync_nothing_is_acknowledged),
		TEST(a_new_cluster_is_told_of_before_it_is_synced),
		TEST(what_was_acknowledged_survives_a_crash_at_any_call),
	};

	return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
