/*
 * metadata_kit.h - what tests of the metadata share
 *
 * A directory of its own, a metadata on it, and changes asked for as a client
 * would, but waited for.
 */
#ifndef TESTS_METADATA_KIT_H
#define TESTS_METADATA_KIT_H

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "kbrokerd/metadata/image_edit.h"
#include "kbrokerd/metadata/metadata.h"
#include "log/vfs.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum { KIT_NODE = 1 };

struct metadata_kit {
	char dir[64];
	struct vfs *vfs;
	struct seeded_random random;
	struct metadata_params params;
	struct metadata *m;
	struct arena arena;
	char error[256];
};

static const struct broker_endpoint kit_endpoint = { "PLAINTEXT", "localhost",
						     9092, 0 };

static inline int kit_remove_one(const char *path, const struct stat *st,
				 int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Remove a directory and all that is in it. */
static inline void kit_remove(const char *path)
{
	assert_int_equal(nftw(path, kit_remove_one, 8, FTW_DEPTH | FTW_PHYS),
			 0);
}

static inline void kit_init(struct metadata_kit *k)
{
	memset(k, 0, sizeof(*k));
	strcpy(k->dir, "/tmp/metadata_test.XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	k->vfs = vfs_system();
	seeded_random_init(&k->random, 42);
	k->params = (struct metadata_params){
		.vfs = k->vfs,
		.clock = clock_system(),
		.random = &k->random.random,
		.dir = k->dir,
		.cluster_id = "MkU3OEVBNTcwNTJENDM2Qk",
		.node_id = KIT_NODE,
		.directory_id = { { 1, 2, 3 } },
		.fresh = true,
		.default_partitions = 1,
		.default_replication_factor = 1,
		.endpoints = &kit_endpoint,
		.endpoint_count = 1,
	};
}

static inline int kit_try_start(struct metadata_kit *k)
{
	k->params.vfs = k->vfs;
	return metadata_start(&k->params, &k->m, k->error, sizeof(k->error));
}

static inline void kit_start(struct metadata_kit *k)
{
	int rc = kit_try_start(k);

	if (rc < 0)
		print_error("%s\n", k->error);
	assert_int_equal(rc, 0);
}

static inline void kit_stop(struct metadata_kit *k)
{
	metadata_stop(k->m);
	k->m = NULL;
}

static inline void kit_clear(struct metadata_kit *k)
{
	kit_stop(k);
	arena_clear(&k->arena);
	kit_remove(k->dir);
}

struct kit_wait {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
};

static inline void kit_on_done(struct metadata_change *change)
{
	struct kit_wait *wait = change->arg;

	pthread_mutex_lock(&wait->lock);
	wait->is_done = true;
	pthread_cond_signal(&wait->done);
	pthread_mutex_unlock(&wait->lock);
}

/* Submit, and wait until it is done. */
static inline void kit_change(struct metadata_kit *k, int16_t key,
			      int16_t version, const void *request,
			      void *response)
{
	struct kit_wait wait = { PTHREAD_MUTEX_INITIALIZER,
				 PTHREAD_COND_INITIALIZER, false };
	struct metadata_change change = {
		.api_key = key,
		.version = version,
		.request = request,
		.response = response,
		.arena = &k->arena,
		.done = kit_on_done,
		.arg = &wait,
	};

	metadata_submit(k->m, &change);
	pthread_mutex_lock(&wait.lock);
	while (!wait.is_done)
		pthread_cond_wait(&wait.done, &wait.lock);
	pthread_mutex_unlock(&wait.lock);
}

/* Returns the error code. */
static inline int16_t kit_create_topic(struct metadata_kit *k, const char *name,
				       int32_t partitions)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;

	wire_init(&create_topics_request_topics_desc, &topic);
	wire_init(&create_topics_request_desc, &request);
	topic.name = slice_of(name);
	topic.num_partitions = partitions;
	topic.replication_factor = -1;
	request.topics = &topic;
	request.topics_count = 1;
	kit_change(k, 19, 7, &request, &response);
	assert_int_equal(response.topics_count, 1);
	return response.topics[0].error_code;
}

static inline int16_t kit_delete_topic(struct metadata_kit *k, const char *name)
{
	struct slice names = slice_of(name);
	struct delete_topics_request request;
	struct delete_topics_response response;

	wire_init(&delete_topics_request_desc, &request);
	request.topic_names = &names;
	request.topic_names_count = 1;
	kit_change(k, 20, 5, &request, &response);
	assert_int_equal(response.responses_count, 1);
	return response.responses[0].error_code;
}

static inline int16_t kit_set_config(struct metadata_kit *k, const char *topic,
				     const char *name, const char *value)
{
	struct incremental_alter_configs_request_resources_configs config;
	struct incremental_alter_configs_request_resources resource;
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;

	wire_init(&incremental_alter_configs_request_desc, &request);
	wire_init(&incremental_alter_configs_request_resources_desc, &resource);
	wire_init(&incremental_alter_configs_request_resources_configs_desc,
		  &config);
	config.name = slice_of(name);
	config.value = slice_of(value);
	config.config_operation = value == NULL ? 1 : 0;
	resource.resource_type = 2;
	resource.resource_name = slice_of(topic);
	resource.configs = &config;
	resource.configs_count = 1;
	request.resources = &resource;
	request.resources_count = 1;
	kit_change(k, 44, 1, &request, &response);
	assert_int_equal(response.responses_count, 1);
	return response.responses[0].error_code;
}

/* All records of an image, back to back, for comparing images. */
static inline int kit_on_record(void *arg, struct slice value)
{
	struct buffer *all = arg;

	buffer_put_be32(all, (uint32_t)value.len);
	buffer_put(all, value.data, value.len);
	return 0;
}

static inline void kit_assert_same_image(const struct image *a,
					 const struct image *b)
{
	struct buffer x = { 0 };
	struct buffer y = { 0 };

	assert_int_equal(image_each_record(a, kit_on_record, &x), 0);
	assert_int_equal(image_each_record(b, kit_on_record, &y), 0);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	buffer_clear(&x);
	buffer_clear(&y);
}

#endif /* TESTS_METADATA_KIT_H */
