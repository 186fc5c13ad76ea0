/*
 * telemetry.c - metrics that clients push (KIP-714)
 *
 * Instances are in a hash table and in the order of their last request, so
 * that the silent are at the front.  When there are too many the one that was
 * silent longest goes.  Everything is under one lock; a push is unpacked
 * before it is taken.
 */
#include "kbrokerd/telemetry/telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "kbrokerd/config.h"
#include "kbrokerd/metadata/metadata.h"
#include "kbrokerd/telemetry/series.h"
#include "record/compress.h"
#include "wire/error_codes.h"

enum { BUCKETS = 1024, TEXT_MAX = 96, OUR_LABELS = 4, SWEEP_MS = 1000 };

struct instance {
	TAILQ_ENTRY(instance) by_use;
	LIST_ENTRY(instance) in_bucket;
	struct uuid id;
	uint64_t version; /* of the subscriptions that it was looked up in */
	int32_t subscription_id;
	int32_t interval_ms;
	int64_t asked_ms, pushed_ms; /* NEVER */
	int64_t used_ms;
	bool terminating;
	bool is_orphan; /* the connection that it came with has gone */
	int last_error; /* of a push */
	struct series_list series;
	char client_id[TEXT_MAX];
	char software[TEXT_MAX], software_version[TEXT_MAX];
};

struct telemetry {
	int32_t bytes_max;
	struct random *random;
	pthread_mutex_t lock; /* of all that follows */
	struct subscriptions *subscriptions;
	uint64_t version;
	TAILQ_HEAD(, instance) by_use;
	LIST_HEAD(, instance) buckets[BUCKETS];
	size_t room; /* for series */
	int64_t swept_ms;
	struct telemetry_counts counts;
};

#define NEVER (INT64_MIN / 2)

/* Instances */

static void drop(struct telemetry *t, struct instance *i)
{
	series_clear(&i->series, &t->room);
	TAILQ_REMOVE(&t->by_use, i, by_use);
	LIST_REMOVE(i, in_bucket);
	t->counts.instances--;
	free(i);
}

static int64_t patience_ms(const struct instance *i)
{
	int64_t ms = (int64_t)i->interval_ms * 3;

	return ms > TELEMETRY_SILENCE_MS ? ms : TELEMETRY_SILENCE_MS;
}

/* Who will be silent for longer stays for longer: all are looked at. */
static void drop_silent(struct telemetry *t, int64_t now_ms)
{
	struct instance *i = TAILQ_FIRST(&t->by_use);

	while (i != NULL && now_ms - i->used_ms > TELEMETRY_SILENCE_MS) {
		struct instance *next = TAILQ_NEXT(i, by_use);

		if (now_ms - i->used_ms > patience_ms(i))
			drop(t, i);
		i = next;
	}
}

/* That takes time when there are many: not with every request. */
static void sweep(struct telemetry *t, int64_t now_ms)
{
	if (now_ms - t->swept_ms < SWEEP_MS)
		return;
	t->swept_ms = now_ms;
	drop_silent(t, now_ms);
}

static size_t bucket_of(struct uuid id)
{
	return hash_bytes(id.bytes, UUID_BYTES) % BUCKETS;
}

static struct instance *find(struct telemetry *t, struct uuid id)
{
	struct instance *i;

	LIST_FOREACH (i, &t->buckets[bucket_of(id)], in_bucket) {
		if (uuid_equal(i->id, id))
			break;
	}
	return i;
}

static void copy_text(char to[TEXT_MAX], struct slice from)
{
	snprintf(to, TEXT_MAX, "%.*s",
		 (int)(from.len < TEXT_MAX ? from.len : TEXT_MAX),
		 from.data == NULL ? "" : (const char *)from.data);
}

static struct instance *add(struct telemetry *t,
			    const struct telemetry_client *client)
{
	struct instance *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return NULL;
	if (t->counts.instances == TELEMETRY_INSTANCES_MAX)
		drop(t, TAILQ_FIRST(&t->by_use));
	i->id = client->instance_id;
	SLIST_INIT(&i->series.all);
	copy_text(i->client_id, client->values[CLIENT_ID]);
	copy_text(i->software, client->values[CLIENT_SOFTWARE_NAME]);
	copy_text(i->software_version, client->values[CLIENT_SOFTWARE_VERSION]);
	LIST_INSERT_HEAD(&t->buckets[bucket_of(i->id)], i, in_bucket);
	TAILQ_INSERT_TAIL(&t->by_use, i, by_use);
	t->counts.instances++;
	return i;
}

/* It has asked and pushed nothing yet, as far as we know. */
static void begin_anew(struct instance *i)
{
	i->asked_ms = NEVER;
	i->pushed_ms = NEVER;
	i->terminating = false;
	i->last_error = WIRE_NONE;
}

/* Look up what is wanted of it; *out lies in the arena.  0 or -ENOMEM. */
static int look_up(struct telemetry *t, struct instance *i,
		   struct telemetry_client *client, struct arena *arena,
		   struct subscribed *out)
{
	struct slice values[CLIENT_SELECTOR_COUNT];
	char id[UUID_TEXT_LEN + 1];
	int rc;

	memcpy(values, client->values, sizeof(values));
	uuid_format(i->id, id);
	values[CLIENT_INSTANCE_ID] = slice_of(id);
	rc = subscriptions_find(t->subscriptions, i->id, values, arena, out);
	if (rc < 0)
		return rc;
	if (i->version != t->version) {
		begin_anew(i);
		client->is_owner = true;
	}
	i->version = t->version;
	i->subscription_id = out->id;
	i->interval_ms = out->interval_ms;
	return 0;
}

/* The instance of a client, made when there is none; NULL: no memory.  Who
 * knows the id of another's comes in, but does not own it. */
static struct instance *instance_of(struct telemetry *t,
				    struct telemetry_client *client,
				    int64_t now_ms)
{
	struct instance *i;

	sweep(t, now_ms);
	i = find(t, client->instance_id);
	client->is_owner = i == NULL || i->is_orphan;
	if (i == NULL)
		i = add(t, client);
	if (i == NULL)
		return NULL;
	i->is_orphan = false;
	i->used_ms = now_ms;
	TAILQ_REMOVE(&t->by_use, i, by_use);
	TAILQ_INSERT_TAIL(&t->by_use, i, by_use);
	return i;
}

/* Ids that are not given out: Kafka's reserved ones, and those whose text
 * begins with a dash, which tools would take for an option. */
static bool is_reserved(struct uuid id)
{
	static const struct uuid one = { .bytes[UUID_BYTES - 1] = 1 };

	return uuid_is_zero(id) || uuid_equal(id, one);
}

static struct uuid fresh_id(struct telemetry *t)
{
	char text[UUID_TEXT_LEN + 1];
	struct uuid id;

	do {
		id = uuid_random(t->random);
		uuid_format(id, text);
	} while (text[0] == '-' || is_reserved(id) || find(t, id) != NULL);
	return id;
}

/* Asking */

static int check_ask(struct instance *i, int64_t now_ms)
{
	int64_t last_ms =
		i->asked_ms > i->pushed_ms ? i->asked_ms : i->pushed_ms;

	if (now_ms - last_ms < i->interval_ms &&
	    i->last_error != WIRE_UNKNOWN_SUBSCRIPTION_ID &&
	    i->last_error != WIRE_UNSUPPORTED_COMPRESSION_TYPE)
		return WIRE_THROTTLING_QUOTA_EXCEEDED;
	i->asked_ms = now_ms;
	i->last_error = WIRE_NONE;
	return WIRE_NONE;
}

int telemetry_ask(struct telemetry *t, struct telemetry_client *client,
		  int64_t now_ms, struct arena *arena, struct subscribed *out)
{
	struct instance *i;
	int rc = -ENOMEM;

	pthread_mutex_lock(&t->lock);
	if (uuid_is_zero(client->instance_id))
		client->instance_id = fresh_id(t);
	i = instance_of(t, client, now_ms);
	if (i != NULL)
		rc = look_up(t, i, client, arena, out);
	if (rc == 0)
		rc = check_ask(i, now_ms);
	if (rc != 0)
		t->counts.refused++;
	pthread_mutex_unlock(&t->lock);
	return rc;
}

/* Pushing */

/* A client pushes its first sooner than after a whole interval, and its last
 * when it ends. */
static bool is_time_to_push(struct instance *i,
			    const struct telemetry_push *push, int64_t now_ms)
{
	if (i->asked_ms <= i->pushed_ms &&
	    now_ms - i->pushed_ms < i->interval_ms && !push->terminating)
		return false;
	i->pushed_ms = now_ms;
	return true;
}

/* One last push is taken, and no other soon after. */
static bool has_ended(const struct instance *i, int64_t now_ms)
{
	return i->terminating && now_ms - i->pushed_ms < i->interval_ms;
}

static int check_push(const struct telemetry *t, struct instance *i,
		      const struct telemetry_push *push, int64_t now_ms)
{
	if (i->terminating)
		return WIRE_INVALID_REQUEST;
	if (!is_time_to_push(i, push, now_ms))
		return WIRE_THROTTLING_QUOTA_EXCEEDED;
	if (push->subscription_id != i->subscription_id)
		return WIRE_UNKNOWN_SUBSCRIPTION_ID;
	if (push->compression < CODEC_NONE || push->compression >= CODEC_COUNT)
		return WIRE_UNSUPPORTED_COMPRESSION_TYPE;
	if (push->metrics.len > (size_t)t->bytes_max)
		return WIRE_TELEMETRY_TOO_LARGE;
	return WIRE_NONE;
}

/* May it push that?  Remembers what came of it. */
static int admit(struct telemetry *t, struct telemetry_client *client,
		 const struct telemetry_push *push, int64_t now_ms)
{
	struct instance *i = instance_of(t, client, now_ms);
	struct subscribed wanted;
	struct arena scratch = { 0 };
	int rc = i == NULL ? -ENOMEM : 0;
	bool ended;

	if (rc == 0 && i->version != t->version)
		rc = look_up(t, i, client, &scratch, &wanted);
	arena_clear(&scratch);
	if (rc < 0)
		return rc;
	ended = has_ended(i, now_ms);
	rc = check_push(t, i, push, now_ms);
	i->last_error = rc;
	i->terminating = ended || push->terminating;
	return rc;
}

struct taking {
	struct telemetry *t;
	struct instance *instance;
	size_t points;
};

/* A push of many points must not have the lock for long. */
static void on_point(void *arg, const struct otlp_point *point)
{
	struct taking *taking = arg;

	if (taking->points++ >= TELEMETRY_POINTS_MAX ||
	    series_take(&taking->instance->series, point, &taking->t->room) < 0)
		taking->t->counts.left_out++;
}

/* The instance may have gone meanwhile. */
static int take(struct telemetry *t, struct uuid id, struct slice bytes)
{
	struct taking taking = { .t = t, .instance = find(t, id) };
	int rc = 0;

	if (taking.instance != NULL)
		rc = otlp_decode(bytes, on_point, &taking);
	if (rc < 0 && taking.instance != NULL)
		taking.instance->last_error = WIRE_INVALID_RECORD;
	t->counts.pushes++;
	return rc < 0 ? WIRE_INVALID_RECORD : WIRE_NONE;
}

static int unpack(const struct telemetry_push *push, struct buffer *to)
{
	int rc = decompress_bytes((enum codec)push->compression, push->metrics,
				  TELEMETRY_UNPACKED_MAX, to);

	return rc < 0 && rc != -ENOMEM ? WIRE_INVALID_RECORD : rc;
}

int telemetry_push(struct telemetry *t, struct telemetry_client *client,
		   const struct telemetry_push *push, int64_t now_ms)
{
	struct buffer bytes = { 0 };
	int rc;

	if (is_reserved(client->instance_id))
		return WIRE_INVALID_REQUEST;
	pthread_mutex_lock(&t->lock);
	rc = admit(t, client, push, now_ms);
	t->counts.refused += rc != 0;
	pthread_mutex_unlock(&t->lock);
	if (rc != 0 || push->metrics.len == 0)
		return rc;
	rc = unpack(push, &bytes);
	pthread_mutex_lock(&t->lock);
	if (rc == 0)
		rc = take(t, client->instance_id, buffer_slice(&bytes));
	t->counts.refused += rc != 0;
	pthread_mutex_unlock(&t->lock);
	buffer_clear(&bytes);
	return rc;
}

void telemetry_gone(struct telemetry *t, struct uuid instance_id)
{
	struct instance *i;

	pthread_mutex_lock(&t->lock);
	i = find(t, instance_id);
	if (i != NULL) {
		begin_anew(i);
		i->is_orphan = true;
	}
	pthread_mutex_unlock(&t->lock);
}

/* Telling */

struct row {
	const struct instance *instance;
	const struct series *series;
};

static int order_of_rows(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;
	int order = strcmp(x->series->bytes, y->series->bytes);

	if (order == 0)
		order = x->series->is_counter - y->series->is_counter;
	if (order == 0)
		order = memcmp(x->instance->id.bytes, y->instance->id.bytes,
			       UUID_BYTES);
	return order;
}

static struct row *list_rows(struct telemetry *t, size_t *count_out)
{
	size_t all = TELEMETRY_SERIES_MAX - t->room;
	struct row *rows = calloc(all + 1, sizeof(*rows));
	const struct instance *i;
	const struct series *s;
	size_t count = 0;

	TAILQ_FOREACH (i, &t->by_use, by_use) {
		SLIST_FOREACH(s, &i->series.all, link)
		{
			if (rows != NULL)
				rows[count] = (struct row){ i, s };
			count++;
		}
	}
	if (rows != NULL && count > 0)
		qsort(rows, count, sizeof(*rows), order_of_rows);
	*count_out = count;
	return rows;
}

static void tell(const struct row *row,
		 void (*on_sample)(void *arg,
				   const struct telemetry_sample *sample),
		 void *arg)
{
	const struct instance *i = row->instance;
	const char *at = row->series->bytes;
	char id[UUID_TEXT_LEN + 1];
	struct telemetry_label labels[OUR_LABELS + SERIES_LABELS_MAX] = {
		{ "client_instance_id", id },
		{ "client_id", i->client_id },
		{ "client_software_name", i->software },
		{ "client_software_version", i->software_version },
	};
	struct telemetry_sample sample = {
		.metric = at,
		.is_counter = row->series->is_counter,
		.value = row->series->value,
		.labels = labels,
		.label_count = OUR_LABELS,
	};

	uuid_format(i->id, id);
	at += strlen(at) + 1;
	for (uint32_t n = 0; n < row->series->label_count; n++) {
		labels[sample.label_count].name = at;
		at += strlen(at) + 1;
		labels[sample.label_count++].value = at;
		at += strlen(at) + 1;
	}
	on_sample(arg, &sample);
}

int telemetry_each(struct telemetry *t, int64_t now_ms,
		   void (*on_sample)(void *arg,
				     const struct telemetry_sample *sample),
		   void *arg)
{
	struct row *rows;
	size_t count;

	pthread_mutex_lock(&t->lock);
	drop_silent(t, now_ms);
	rows = list_rows(t, &count);
	for (size_t i = 0; rows != NULL && i < count; i++)
		tell(&rows[i], on_sample, arg);
	pthread_mutex_unlock(&t->lock);
	free(rows);
	return rows == NULL ? -ENOMEM : 0;
}

void telemetry_count(struct telemetry *t, struct telemetry_counts *out)
{
	pthread_mutex_lock(&t->lock);
	*out = t->counts;
	out->series = TELEMETRY_SERIES_MAX - t->room;
	pthread_mutex_unlock(&t->lock);
}

int32_t telemetry_bytes_max(const struct telemetry *t)
{
	return t->bytes_max;
}

/* Life */

void telemetry_set(struct telemetry *t, struct subscriptions *subscriptions)
{
	struct subscriptions *old = subscriptions;

	pthread_mutex_lock(&t->lock);
	if (t->subscriptions == NULL ||
	    !subscriptions_equal(t->subscriptions, subscriptions)) {
		old = t->subscriptions;
		t->subscriptions = subscriptions;
		t->version++;
	}
	pthread_mutex_unlock(&t->lock);
	subscriptions_free(old);
}

struct telemetry *telemetry_new(int32_t bytes_max, struct random *random)
{
	struct telemetry *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->bytes_max = bytes_max;
	t->random = random;
	t->room = TELEMETRY_SERIES_MAX;
	TAILQ_INIT(&t->by_use);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void telemetry_free(struct telemetry *t)
{
	struct instance *i;

	if (t == NULL)
		return;
	while ((i = TAILQ_FIRST(&t->by_use)) != NULL)
		drop(t, i);
	subscriptions_free(t->subscriptions);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void on_image(void *arg, const struct image *before,
		     const struct image *after)
{
	struct subscriptions *s;

	if (!image_configs_may_differ(before, after))
		return;
	s = subscriptions_of(after);
	if (s != NULL) /* else the old ones stay */
		telemetry_set(arg, s);
}

int telemetry_follow(struct metadata *metadata, const struct config *config,
		     struct random *random, struct telemetry **t_out)
{
	struct telemetry *t = telemetry_new(
		(int32_t)config_int(config, "telemetry.max.bytes"), random);
	const struct image *image;
	struct subscriptions *s;

	*t_out = t;
	if (t == NULL)
		return -ENOMEM;
	metadata_listen(metadata, on_image, t);
	image = metadata_image(metadata);
	s = subscriptions_of(image);
	image_release(image);
	if (s == NULL)
		return -ENOMEM;
	telemetry_set(t, s);
	return 0;
}
