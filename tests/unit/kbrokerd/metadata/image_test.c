/*
 * image_test.c - records become an image, an image becomes records
 */
#include "metadata_kit.h"

#include <ctype.h>
#include <dirent.h>

#include "kbrokerd/metadata/record_list.h"
#include "kbrokerd/metadata/replay.h"
#include "kbrokerd/metadata/snapshot.h"
#include "record/record.h"

/* Make an image of base and the records of list. */
static const struct image *make_image(const struct image *base,
				      const struct record_list *list)
{
	struct image *image = image_edit_begin(base);
	struct arena scratch = { 0 };

	assert_non_null(image);
	assert_int_equal(list->error, 0);
	for (size_t i = 0; i < list->count; i++)
		assert_int_equal(image_edit_apply_bytes(image,
							record_list_at(list, i),
							&scratch),
				 0);
	arena_clear(&scratch);
	assert_int_equal(image_edit_end(image, 10, 1, 1000), 0);
	return image;
}

static void add_level(struct record_list *list, const char *name, int16_t level)
{
	struct feature_level_record r;

	wire_init(&feature_level_record_desc, &r);
	r.name = slice_of(name);
	r.feature_level = level;
	record_list_add(list, &feature_level_record_desc, 0, &r);
}

/* What Kafka wrote */

/* The bytes of a vector, to free; a batch of the metadata log or *len 0. */
static uint8_t *read_vector(const char *path, size_t *len)
{
	uint8_t *bytes = malloc(1 << 20);
	FILE *f = fopen(path, "r");
	char line[4096];
	bool in_hex = false;

	assert_non_null(f);
	assert_non_null(bytes);
	*len = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "batch:", 6) == 0 &&
		    strcmp(line, "batch: __cluster_metadata\n") != 0)
			break;
		if (strncmp(line, "decoded:", 8) == 0)
			break;
		for (char *at = line; in_hex && *at != '\0';) {
			char pair[3] = { at[0], at[1], '\0' };
			char *end;

			if (isspace((unsigned char)*at)) {
				at++;
				continue;
			}
			bytes[(*len)++] = (uint8_t)strtoul(pair, &end, 16);
			assert_ptr_equal(end, pair + 2);
			at += 2;
		}
		in_hex = in_hex || strcmp(line, "hex:\n") == 0;
	}
	fclose(f);
	return bytes;
}

/* The values of all records of the batch. */
static void take_values(struct slice batch, struct record_list *list)
{
	struct record_iter *iter;
	struct record record;

	assert_int_equal(record_iter_new(batch, 1 << 20, &iter), 0);
	while (record_next(iter, &record) > 0)
		record_list_add_bytes(list, record.value);
	record_iter_free(iter);
}

static int collect(void *arg, struct slice value)
{
	record_list_add_bytes(arg, value);
	return 0;
}

static bool list_has(const struct record_list *list, struct slice value)
{
	for (size_t i = 0; i < list->count; i++) {
		if (slice_equal(record_list_at(list, i), value))
			return true;
	}
	return false;
}

#define VECTORS "tests/vectors"

static void a_topic_of_kafkas_comes_out_as_it_went_in(void **state)
{
	struct record_list written = { 0 };
	struct record_list again = { 0 };
	const struct image *image;
	size_t len;
	uint8_t *bytes =
		read_vector(VECTORS "/batch_config_record_v0_1.txt", &len);

	(void)state;
	add_level(&written, "metadata.version", 29);
	take_values((struct slice){ bytes, len }, &written);

	image = make_image(NULL, &written);
	assert_int_equal(image_each_record(image, collect, &again), 0);

	assert_int_equal(image_topic_count(image), 2);
	assert_int_equal(image_partition_count(image), 4);
	assert_string_equal(
		config_set_get(image_configs(image, 2, slice_of("drive-rep")),
			       "segment.ms"),
		"60000");
	assert_int_equal(again.count, written.count);
	for (size_t i = 0; i < written.count; i++)
		assert_true(list_has(&again, record_list_at(&written, i)));
	image_release(image);
	record_list_clear(&written);
	record_list_clear(&again);
	free(bytes);
}

/* Records that are kept, one vector for each kind, come out unchanged. */
static void what_is_not_interpreted_is_kept(void **state)
{
	static const char *const vectors[] = {
		VECTORS "/batch_access_control_entry_record_v0_1.txt",
		VECTORS "/batch_client_quota_record_v0_1.txt",
		VECTORS "/batch_delegation_token_record_v0_1.txt",
		VECTORS "/batch_user_scram_credential_record_v0_1.txt",
		VECTORS "/batch_register_controller_record_v0_1.txt",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct record_list written = { 0 };
		struct record_list again = { 0 };
		const struct image *image;
		size_t len;
		uint8_t *bytes = read_vector(vectors[i], &len);

		take_values((struct slice){ bytes, len }, &written);
		/* The last record of one speaks of a topic that is not there.
		 */
		if (i == 0)
			record_list_cut(&written, 2);
		image = make_image(NULL, &written);
		assert_int_equal(image_each_record(image, collect, &again), 0);

		assert_int_equal(again.count, written.count);
		for (size_t j = 0; j < again.count; j++)
			assert_true(
				list_has(&written, record_list_at(&again, j)));
		image_release(image);
		record_list_clear(&written);
		record_list_clear(&again);
		free(bytes);
	}
}

/* Every batch of the metadata log that Kafka wrote can at least be read: what
 * it speaks of is not there, so it may be refused, but as that alone. */
static void no_record_of_kafkas_is_unknown(void **state)
{
	DIR *dir = opendir(VECTORS);
	struct dirent *entry;
	int seen = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char path[512];
		struct replay replay;
		size_t len;
		uint8_t *bytes;
		int rc;

		if (strncmp(entry->d_name, "batch_", 6) != 0)
			continue;
		snprintf(path, sizeof(path), VECTORS "/%s", entry->d_name);
		bytes = read_vector(path, &len);
		if (len > 0) {
			assert_int_equal(replay_init(&replay), 0);
			rc = replay_batches(&replay,
					    (struct slice){ bytes, len }, 0);
			assert_true(rc == 0 || rc == -EBADMSG);
			replay_clear(&replay);
			seen++;
		}
		free(bytes);
	}
	closedir(dir);
	assert_true(seen >= 30);
}

static void a_removal_takes_what_was_kept(void **state)
{
	struct access_control_entry_record acl;
	struct remove_access_control_entry_record gone;
	struct record_list list = { 0 };
	struct record_list again = { 0 };
	const struct image *image;

	(void)state;
	wire_init(&access_control_entry_record_desc, &acl);
	wire_init(&remove_access_control_entry_record_desc, &gone);
	for (uint8_t i = 1; i <= 3; i++) {
		acl.id.bytes[0] = i;
		record_list_add(&list, &access_control_entry_record_desc, 0,
				&acl);
	}
	gone.id.bytes[0] = 2;
	record_list_add(&list, &remove_access_control_entry_record_desc, 0,
			&gone);

	image = make_image(NULL, &list);
	image_each_record(image, collect, &again);

	assert_int_equal(again.count, 2);
	assert_false(list_has(&again, record_list_at(&list, 1)));
	image_release(image);
	record_list_clear(&list);
	record_list_clear(&again);
}

static void a_quota_is_known_by_its_entity_in_any_order(void **state)
{
	struct client_quota_record_entity entity[2];
	struct client_quota_record quota;
	struct record_list list = { 0 };
	struct record_list again = { 0 };
	const struct image *image;

	(void)state;
	wire_init(&client_quota_record_entity_desc, &entity[0]);
	wire_init(&client_quota_record_entity_desc, &entity[1]);
	wire_init(&client_quota_record_desc, &quota);
	entity[0].entity_type = slice_of("user");
	entity[0].entity_name = slice_of("ann");
	entity[1].entity_type = slice_of("client-id");
	entity[1].entity_name = SLICE_NULL;
	quota.entity = entity;
	quota.entity_count = 2;
	quota.key = slice_of("producer_byte_rate");
	quota.value = 5;
	record_list_add(&list, &client_quota_record_desc, 0, &quota);
	entity[1] = entity[0];
	entity[0].entity_type = slice_of("client-id");
	entity[0].entity_name = SLICE_NULL;
	quota.remove = true;
	record_list_add(&list, &client_quota_record_desc, 0, &quota);

	image = make_image(NULL, &list);
	image_each_record(image, collect, &again);

	assert_int_equal(again.count, 0);
	image_release(image);
	record_list_clear(&list);
	record_list_clear(&again);
}

/* What cannot be */

static void a_partition_without_topic_is_refused(void **state)
{
	struct partition_record r;
	struct image *image = image_edit_begin(NULL);

	(void)state;
	wire_init(&partition_record_desc, &r);
	r.partition_id = 0;
	assert_int_equal(image_edit_apply(image, &partition_record_desc, 2, &r,
					  SLICE_NULL),
			 -EBADMSG);
	image_release(image);
}

static void a_hole_among_partitions_is_refused(void **state)
{
	struct partition_record p;
	struct topic_record t;
	struct image *image = image_edit_begin(NULL);

	(void)state;
	wire_init(&topic_record_desc, &t);
	wire_init(&partition_record_desc, &p);
	t.name = slice_of("t");
	image_edit_apply(image, &topic_record_desc, 0, &t, SLICE_NULL);
	p.partition_id = 2;
	image_edit_apply(image, &partition_record_desc, 2, &p, SLICE_NULL);
	p.partition_id = 0;
	image_edit_apply(image, &partition_record_desc, 2, &p, SLICE_NULL);
	assert_int_equal(image_edit_end(image, 0, 0, 0), -EBADMSG);

	p.partition_id = 1;
	image_edit_apply(image, &partition_record_desc, 2, &p, SLICE_NULL);
	assert_int_equal(image_edit_end(image, 0, 0, 0), 0);
	image_release(image);
}

/* Transactions */

static void add_topic(struct record_list *list, const char *name)
{
	struct topic_record r;

	wire_init(&topic_record_desc, &r);
	r.name = slice_of(name);
	r.topic_id.bytes[0] = (uint8_t)name[0];
	record_list_add(list, &topic_record_desc, 0, &r);
}

static void add_bare(struct record_list *list, const struct wire_desc *desc)
{
	uint8_t message[64];

	assert_true(wire_desc_size(desc) <= sizeof(message));
	wire_init(desc, message);
	record_list_add(list, desc, 0, message);
}

static struct image *replay_list(const struct record_list *list,
				 bool *in_transaction)
{
	struct buffer bytes = { 0 };
	struct replay replay;
	struct image *image;

	assert_int_equal(list->error, 0);
	record_list_batch(list, 0, list->count, 0, 1, 5, &bytes);
	assert_int_equal(replay_init(&replay), 0);
	assert_int_equal(replay_batches(&replay, buffer_slice(&bytes), 0), 0);
	*in_transaction = replay_in_transaction(&replay);
	assert_int_equal(replay_take(&replay, &image), 0);
	replay_clear(&replay);
	buffer_clear(&bytes);
	return image;
}

static void a_transaction_counts_when_it_ends(void **state)
{
	struct record_list list = { 0 };
	bool in_transaction;
	struct image *image;

	(void)state;
	add_topic(&list, "a");
	add_bare(&list, &begin_transaction_record_desc);
	add_topic(&list, "b");
	add_bare(&list, &abort_transaction_record_desc);
	add_bare(&list, &begin_transaction_record_desc);
	add_topic(&list, "c");
	add_bare(&list, &end_transaction_record_desc);
	add_bare(&list, &begin_transaction_record_desc);
	add_topic(&list, "d");

	image = replay_list(&list, &in_transaction);

	assert_true(in_transaction);
	assert_int_equal(image_topic_count(image), 2);
	assert_non_null(image_topic(image, slice_of("a")));
	assert_non_null(image_topic(image, slice_of("c")));
	image_release(image);
	record_list_clear(&list);
}

/* Against a model: arrays of what there is. */

enum {
	MODEL_TOPICS = 24,
	MODEL_PARTITIONS = 12,
	MODEL_KEYS = 4,
	MODEL_STEPS = 4000,
	MODEL_KEPT = 4 /* old images that must not change */
};

static const char *const model_keys[MODEL_KEYS] = {
	"retention.ms", "cleanup.policy", "segment.bytes", "no.such.key"
};

struct model_topic {
	bool exists;
	struct uuid id;
	int32_t partitions;
	struct {
		int32_t leader, leader_epoch, partition_epoch, isr;
	} partition[MODEL_PARTITIONS];
	int config[MODEL_KEYS]; /* 0: not set */
};

struct model_state {
	struct model_topic topics[MODEL_TOPICS];
	int broker_config[MODEL_KEYS];
	int64_t broker_epoch; /* 0: not registered */
	bool fenced;
	int64_t next_producer_id;
};

struct model {
	struct seeded_random random;
	struct model_state now;
	const struct image *image;
	struct record_list records;
	struct model_state kept[MODEL_KEPT];
	const struct image *kept_images[MODEL_KEPT];
};

static int32_t pick(struct model *m, int32_t below)
{
	return (int32_t)random_below(&m->random.random, (uint64_t)below);
}

static void name_topic(int index, char name[16])
{
	/* Names that collide, some of them. */
	snprintf(name, 16, "t%c%d", "._-"[index % 3], index / 3);
}

static void add_partition(struct model *m, struct model_topic *t)
{
	int32_t replicas[3] = { 1, 2, 3 };
	struct uuid directories[3] = { { { 9 } }, { { 8 } }, { { 7 } } };
	int32_t index = t->partitions++;
	struct partition_record r;

	wire_init(&partition_record_desc, &r);
	r.partition_id = index;
	r.topic_id = t->id;
	r.replicas = replicas;
	r.replicas_count = 1 + pick(m, 3);
	r.isr = replicas;
	r.isr_count = 1 + pick(m, r.replicas_count);
	r.directories = directories;
	r.directories_count = r.replicas_count;
	r.leader = 1;
	r.leader_epoch = 0;
	r.partition_epoch = 0;
	record_list_add(&m->records, &partition_record_desc, 2, &r);
	t->partition[index].leader = 1;
	t->partition[index].leader_epoch = 0;
	t->partition[index].partition_epoch = 0;
	t->partition[index].isr = r.isr_count;
}

static void set_config(struct model *m, int8_t type, const char *resource,
		       int key, int *value)
{
	struct config_record r;
	char text[16];

	*value = pick(m, 3) == 0 ? 0 : 1 + pick(m, 1000);
	snprintf(text, sizeof(text), "%d", *value);
	wire_init(&config_record_desc, &r);
	r.resource_type = type;
	r.resource_name = slice_of(resource);
	r.name = slice_of(model_keys[key]);
	r.value = *value == 0 ? SLICE_NULL : slice_of(text);
	record_list_add(&m->records, &config_record_desc, 0, &r);
}

static void create_topic(struct model *m, int index)
{
	struct model_topic *t = &m->now.topics[index];
	struct topic_record r;
	char name[16];

	*t = (struct model_topic){ .exists = true,
				   .id = uuid_random(&m->random.random) };
	name_topic(index, name);
	wire_init(&topic_record_desc, &r);
	r.name = slice_of(name);
	r.topic_id = t->id;
	record_list_add(&m->records, &topic_record_desc, 0, &r);
	for (int32_t n = 1 + pick(m, MODEL_PARTITIONS); n > 0; n--)
		add_partition(m, t);
}

static void delete_topic(struct model *m, struct model_topic *t)
{
	struct remove_topic_record r;

	wire_init(&remove_topic_record_desc, &r);
	r.topic_id = t->id;
	record_list_add(&m->records, &remove_topic_record_desc, 0, &r);
	t->exists = false;
}

static void change_partition(struct model *m, struct model_topic *t)
{
	int32_t index = pick(m, t->partitions);
	int32_t isr[3] = { 3, 2, 1 };
	struct partition_change_record r;

	wire_init(&partition_change_record_desc, &r);
	r.partition_id = index;
	r.topic_id = t->id;
	if (pick(m, 2) == 0) {
		r.leader = pick(m, 3);
		t->partition[index].leader = r.leader;
		t->partition[index].leader_epoch++;
	}
	if (pick(m, 2) == 0) {
		r.isr = isr;
		r.isr_count = 1 + pick(m, 3);
		t->partition[index].isr = r.isr_count;
	}
	t->partition[index].partition_epoch++;
	record_list_add(&m->records, &partition_change_record_desc, 2, &r);
}

static void register_broker(struct model *m)
{
	struct register_broker_record r;

	wire_init(&register_broker_record_desc, &r);
	r.broker_id = 1;
	r.broker_epoch = ++m->now.broker_epoch;
	r.rack = pick(m, 2) == 0 ? SLICE_NULL : slice_of("rack");
	record_list_add(&m->records, &register_broker_record_desc, 3, &r);
	m->now.fenced = true;
}

static void unfence_broker(struct model *m)
{
	struct broker_registration_change_record r;

	wire_init(&broker_registration_change_record_desc, &r);
	r.broker_id = 1;
	r.broker_epoch = m->now.broker_epoch;
	r.fenced = -1;
	record_list_add(&m->records, &broker_registration_change_record_desc, 0,
			&r);
	m->now.fenced = false;
}

static void hand_out_ids(struct model *m)
{
	struct producer_ids_record r;

	wire_init(&producer_ids_record_desc, &r);
	m->now.next_producer_id += 1000;
	r.next_producer_id = m->now.next_producer_id;
	record_list_add(&m->records, &producer_ids_record_desc, 0, &r);
}

static void step_topic(struct model *m)
{
	int index = pick(m, MODEL_TOPICS);
	struct model_topic *t = &m->now.topics[index];
	int key = pick(m, MODEL_KEYS);
	char name[16];

	name_topic(index, name);
	if (!t->exists) {
		create_topic(m, index);
		return;
	}
	switch (pick(m, 6)) {
	case 0:
		delete_topic(m, t);
		break;
	case 1:
		if (t->partitions < MODEL_PARTITIONS)
			add_partition(m, t);
		break;
	case 2:
	case 3:
		set_config(m, 2, name, key, &t->config[key]);
		break;
	default:
		change_partition(m, t);
		break;
	}
}

static void step(struct model *m)
{
	int key = pick(m, MODEL_KEYS);

	switch (pick(m, 12)) {
	case 0:
		set_config(m, 4, "", key, &m->now.broker_config[key]);
		break;
	case 1:
		register_broker(m);
		break;
	case 2:
		if (m->now.broker_epoch > 0)
			unfence_broker(m);
		break;
	case 3:
		hand_out_ids(m);
		break;
	default:
		step_topic(m);
		break;
	}
}

static void assert_configs(const struct config_set *set, const int *values)
{
	size_t count = 0;

	for (int key = 0; key < MODEL_KEYS; key++) {
		const char *value = config_set_get(set, model_keys[key]);

		assert_int_equal(value == NULL ? 0 : strtol(value, NULL, 10),
				 values[key]);
		count += values[key] != 0;
	}
	assert_int_equal(set == NULL ? 0 : set->count, count);
}

static void assert_topic(const struct image *image, int index,
			 const struct model_topic *want)
{
	const struct topic_image *t;
	char name[16];

	name_topic(index, name);
	t = image_topic(image, slice_of(name));
	if (!want->exists) {
		assert_null(t);
		return;
	}
	assert_non_null(t);
	assert_ptr_equal(image_topic_by_id(image, want->id), t);
	assert_int_equal(t->partition_count, want->partitions);
	for (int32_t i = 0; i < want->partitions; i++) {
		const struct partition_image *p = &t->partitions[i];

		assert_int_equal(p->leader, want->partition[i].leader);
		assert_int_equal(p->leader_epoch,
				 want->partition[i].leader_epoch);
		assert_int_equal(p->partition_epoch,
				 want->partition[i].partition_epoch);
		assert_int_equal(p->isr_count, want->partition[i].isr);
		assert_int_equal(p->directories[0].bytes[0], 9);
	}
	assert_configs(t->configs, want->config);
}

static void assert_state(const struct image *image,
			 const struct model_state *want)
{
	size_t topics = 0;
	size_t partitions = 0;

	for (int i = 0; i < MODEL_TOPICS; i++) {
		assert_topic(image, i, &want->topics[i]);
		if (want->topics[i].exists) {
			topics++;
			partitions += (size_t)want->topics[i].partitions;
		}
	}
	assert_int_equal(image_topic_count(image), topics);
	assert_int_equal(image_partition_count(image), partitions);
	assert_configs(image_configs(image, 4, slice_of("")),
		       want->broker_config);
	assert_int_equal(image_next_producer_id(image), want->next_producer_id);
	if (want->broker_epoch == 0) {
		assert_null(image_broker(image, 1));
	} else {
		assert_int_equal(image_broker(image, 1)->epoch,
				 want->broker_epoch);
		assert_int_equal(image_broker(image, 1)->fenced, want->fenced);
	}
}

static void assert_collisions(const struct image *image)
{
	for (int i = 0; i + 1 < MODEL_TOPICS; i += 3) {
		char dotted[16];
		char under[16];
		bool either;

		name_topic(i, dotted);
		name_topic(i + 1, under);
		either = image_topic(image, slice_of(dotted)) != NULL ||
			 image_topic(image, slice_of(under)) != NULL;
		/* Of two that collide already one may be forgotten. */
		if (image_colliding_topic(image, slice_of(dotted)) != NULL)
			assert_true(either);
		if (!either)
			assert_null(
				image_colliding_topic(image, slice_of(under)));
	}
}

static void assert_snapshot_loads(const struct image *image)
{
	struct buffer bytes = { 0 };
	struct replay replay;
	struct image *again;

	assert_int_equal(snapshot_encode(image, 123, &bytes), 0);
	assert_int_equal(replay_init(&replay), 0);
	assert_int_equal(replay_batches(&replay, buffer_slice(&bytes), 0), 0);
	assert_true(replay.snapshot_ended);
	assert_int_equal(replay.snapshot_timestamp_ms, 1000);
	assert_int_equal(replay_take(&replay, &again), 0);
	kit_assert_same_image(image, again);
	image_release(again);
	replay_clear(&replay);
	buffer_clear(&bytes);
}

static void keep_image(struct model *m)
{
	int32_t i = pick(m, MODEL_KEPT);

	if (m->kept_images[i] != NULL) {
		assert_state(m->kept_images[i], &m->kept[i]);
		image_release(m->kept_images[i]);
	}
	image_retain(m->image);
	m->kept_images[i] = m->image;
	m->kept[i] = m->now;
}

static void images_agree_with_model(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	assert_non_null(m);
	seeded_random_init(&m->random, 20260101);
	add_level(&m->records, "metadata.version", 29);
	m->image = make_image(NULL, &m->records);
	for (int i = 0; i < MODEL_STEPS; i++) {
		const struct image *before = m->image;

		record_list_reset(&m->records);
		for (int32_t n = 1 + pick(m, 5); n > 0; n--)
			step(m);
		m->image = make_image(before, &m->records);
		image_release(before);
		assert_state(m->image, &m->now);
		if (i % 50 == 0) {
			keep_image(m);
			assert_collisions(m->image);
			assert_snapshot_loads(m->image);
		}
	}
	for (int i = 0; i < MODEL_KEPT; i++) {
		if (m->kept_images[i] != NULL)
			assert_state(m->kept_images[i], &m->kept[i]);
		image_release(m->kept_images[i]);
	}
	image_release(m->image);
	record_list_clear(&m->records);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_of_kafkas_comes_out_as_it_went_in),
		cmocka_unit_test(what_is_not_interpreted_is_kept),
		cmocka_unit_test(no_record_of_kafkas_is_unknown),
		cmocka_unit_test(a_removal_takes_what_was_kept),
		cmocka_unit_test(a_quota_is_known_by_its_entity_in_any_order),
		cmocka_unit_test(a_partition_without_topic_is_refused),
		cmocka_unit_test(a_hole_among_partitions_is_refused),
		cmocka_unit_test(a_transaction_counts_when_it_ends),
		cmocka_unit_test(images_agree_with_model),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
