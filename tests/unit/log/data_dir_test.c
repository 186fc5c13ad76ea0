/*
 * data_dir_test.c - tests of data_dir.c and of the helpers in vfs.c
 */
#include "log/data_dir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/fault_vfs.h"
#include "support/log_kit.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	char root[KIT_PATH_MAX];
	char path[KIT_PATH_MAX + 32];
	int free_fd;
	struct seeded_random random;
	struct data_dir *dir;
	struct data_dir_identity identity;
	struct data_dir_found found;
};

static const struct data_dir_identity any = { .node_id = 1 };

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->free_fd = kit_free_fd();
	kit_make_dir(f->root);
	snprintf(f->path, sizeof(f->path), "%s/deep/data", f->root);
	seeded_random_init(&f->random, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	data_dir_close(f->dir, false);
	assert_int_equal(kit_free_fd(), f->free_fd);
	kit_remove_dir(f->root);
	free(f);
	return 0;
}

static int open_as(struct fixture *f, const struct data_dir_identity *wanted)
{
	return data_dir_open(vfs_system(), f->path, wanted, &f->random.random,
			     &f->dir, &f->identity, &f->found);
}

static void close_dir(struct fixture *f, bool clean)
{
	assert_int_equal(data_dir_close(f->dir, clean), 0);
	f->dir = NULL;
}

static void missing_directory_is_made_and_formatted(void **state)
{
	struct fixture *f = *state;
	char cluster_id[64];
	size_t len;
	char *text;

	assert_int_equal(open_as(f, &any), 0);
	assert_true(f->found.fresh);
	assert_false(f->found.clean);
	assert_int_equal(strlen(f->identity.cluster_id), UUID_TEXT_LEN);
	assert_int_equal(f->identity.node_id, 1);
	assert_false(uuid_is_zero(f->identity.directory_id));
	memcpy(cluster_id, f->identity.cluster_id, sizeof(cluster_id));
	text = (char *)kit_read_file(f->path, "meta.properties", &len);
	assert_non_null(strstr(text, "version=1\n"));
	assert_non_null(strstr(text, cluster_id));
	free(text);
	close_dir(f, false);

	assert_int_equal(open_as(f, &any), 0);
	assert_false(f->found.fresh);
	assert_false(f->found.clean);
	assert_string_equal(f->identity.cluster_id, cluster_id);
}

static void clean_marker_counts_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_as(f, &any), 0);
	close_dir(f, true);
	assert_true(kit_file_exists(f->path, ".kafka_cleanshutdown"));
	assert_int_equal(open_as(f, &any), 0);
	assert_true(f->found.clean);
	assert_false(kit_file_exists(f->path, ".kafka_cleanshutdown"));
	close_dir(f, false);
	assert_int_equal(open_as(f, &any), 0);
	assert_false(f->found.clean);
}

static void second_user_is_told_who_holds_it(void **state)
{
	struct fixture *f = *state;
	struct data_dir *first;

	assert_int_equal(open_as(f, &any), 0);
	first = f->dir;
	f->dir = NULL;
	assert_int_equal(open_as(f, &any), -EBUSY);
	assert_int_equal(f->found.locked_by, getpid());
	data_dir_close(first, false);
	assert_int_equal(open_as(f, &any), 0);
}

static void another_identity_is_refused(void **state)
{
	const struct data_dir_identity other_node = { .node_id = 2 };
	const struct data_dir_identity other_cluster = {
		.cluster_id = "another",
		.node_id = 1,
	};
	struct fixture *f = *state;

	assert_int_equal(open_as(f, &any), 0);
	close_dir(f, true);
	assert_int_equal(open_as(f, &other_node), -EEXIST);
	assert_int_equal(f->identity.node_id, 1);
	assert_int_equal(open_as(f, &other_cluster), -EEXIST);
	assert_int_equal(open_as(f, &any), 0);
	assert_true(f->found.clean);
}

static void foreign_directory_is_not_touched(void **state)
{
	struct fixture *f = *state;

	snprintf(f->path, sizeof(f->path), "%s", f->root);
	kit_write_file(f->root, "letter.txt", "dear", 4);
	assert_int_equal(open_as(f, &any), -ENOTEMPTY);
	assert_false(kit_file_exists(f->root, "meta.properties"));
	assert_false(kit_file_exists(f->root, ".lock"));
}

static void room_is_kept_until_it_is_needed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_as(f, &any), 0);
	data_dir_keep_reserve(f->dir);
	assert_true(kit_file_exists(f->path, ".reserve"));
	data_dir_free_reserve(f->dir);
	assert_false(kit_file_exists(f->path, ".reserve"));
	assert_int_equal(data_dir_close(f->dir, true), 0);
	f->dir = NULL;
	assert_true(kit_file_exists(f->path, ".reserve"));
	/* and the next who comes finds it no foreign directory */
	assert_int_equal(open_as(f, &any), 0);
}

static void unreadable_identity_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"version=1\nnode.id=1\n",
		"version=1\ncluster.id=x\n",
		"version=0\ncluster.id=x\nbroker.id=1\n",
		"version=1\ncluster.id=x\nnode.id=-1\n",
		"version=1\ncluster.id=x\nnode.id=1\ndirectory.id=?\n",
	};
	struct fixture *f = *state;

	snprintf(f->path, sizeof(f->path), "%s", f->root);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		kit_write_file(f->root, "meta.properties", texts[i],
			       strlen(texts[i]));
		assert_int_equal(open_as(f, &any), -EBADMSG);
	}
}

static void directory_without_id_gets_one(void **state)
{
	static const char text[] = "version=1\ncluster.id=x\nnode.id=1\n";
	struct fixture *f = *state;
	struct uuid id;

	snprintf(f->path, sizeof(f->path), "%s", f->root);
	kit_write_file(f->root, "meta.properties", text, strlen(text));
	assert_int_equal(open_as(f, &any), 0);
	id = f->identity.directory_id;
	assert_false(uuid_is_zero(id));
	close_dir(f, false);
	assert_int_equal(open_as(f, &any), 0);
	assert_true(uuid_equal(f->identity.directory_id, id));
}

struct entries {
	int count;
	int64_t sum;
};

static void add_entry(void *arg, const struct checkpoint_entry *e)
{
	struct entries *seen = arg;

	assert_string_equal(e->topic, "a.topic");
	seen->count++;
	seen->sum += (int64_t)e->partition * 1000 + e->offset;
}

static void checkpoints_are_kafkas(void **state)
{
	static const struct checkpoint_entry entries[] = {
		{ "a.topic", 0, 7 },
		{ "a.topic", 12, 90000000000 },
	};
	static const char want[] =
		"0\n2\na.topic 0 7\na.topic 12 90000000000\n";
	struct fixture *f = *state;
	struct entries seen = { 0 };
	size_t len;
	char *text;

	assert_int_equal(open_as(f, &any), 0);
	assert_int_equal(data_dir_read_checkpoint(f->dir, CHECKPOINT_LOG_START,
						  add_entry, &seen),
			 0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(data_dir_write_checkpoint(f->dir, CHECKPOINT_LOG_START,
						   entries, 2),
			 0);
	text = (char *)kit_read_file(f->path, "log-start-offset-checkpoint",
				     &len);
	assert_string_equal(text, want);
	free(text);
	assert_int_equal(data_dir_read_checkpoint(f->dir, CHECKPOINT_LOG_START,
						  add_entry, &seen),
			 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.sum, 90000012007);
}

static void malformed_checkpoints_are_refused(void **state)
{
	static const char *const texts[] = {
		"0\n1\n",
		"0\n1\na.topic 0\n",
		"0\n1\na.topic 0 -1\n",
		"0\n1\na.topic x 1\n",
		"0\n-1\n",
		"2\n0\n",
		"0\n0\na.topic 0 1\n",
		"0\n1\na.topic 0 1 2\n",
	};
	struct fixture *f = *state;
	struct entries seen = { 0 };

	assert_int_equal(open_as(f, &any), 0);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		kit_write_file(f->path, "replication-offset-checkpoint",
			       texts[i], strlen(texts[i]));
		assert_int_equal(data_dir_read_checkpoint(
					 f->dir, CHECKPOINT_HIGH_WATERMARK,
					 add_entry, &seen),
				 -EBADMSG);
	}
}

static int count_name(void *arg, const char *name)
{
	(void)name;
	++*(int *)arg;
	return 0;
}

static int names_in(const char *path)
{
	int count = 0;

	assert_int_equal(
		vfs_system()->list(vfs_system(), path, count_name, &count), 0);
	return count;
}

static void dropped_partition_is_gone(void **state)
{
	struct fixture *f = *state;
	char topic[250];
	char *path;
	int before;

	memset(topic, 't', 249);
	topic[249] = '\0';
	assert_int_equal(open_as(f, &any), 0);
	before = names_in(f->path);
	path = data_dir_partition_path(f->dir, topic, 12345);
	assert_int_equal(mkdir(path, 0755), 0);
	kit_write_file(path, "00000000000000000000.log", "x", 1);
	free(path);
	assert_int_equal(data_dir_drop_partition(f->dir, topic, 12345,
						 &f->random.random),
			 0);

	assert_int_equal(names_in(f->path), before);
	assert_int_equal(data_dir_drop_partition(f->dir, topic, 12345,
						 &f->random.random),
			 0);
}

static void dropped_partitions_that_a_crash_left_are_removed(void **state)
{
	static const char *const names[] = {
		"t-0.0123456789abcdef0123456789abcdef-delete", /* goes */
		"t-0.0123456789abcdef0123456789abcde-delete",
		"t-delete",
		"t-0",
	};
	struct fixture *f = *state;
	char path[KIT_PATH_MAX + 128];

	assert_int_equal(open_as(f, &any), 0);
	close_dir(f, false);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
		assert_int_equal(mkdir(path, 0755), 0);
		kit_write_file(path, "x.log", "x", 1);
	}
	assert_int_equal(open_as(f, &any), 0);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(kit_file_exists(f->path, names[i]), i > 0);
}

/* vfs.c */

static void replaced_file_is_old_or_new_whatever_fails(void **state)
{
	static const unsigned kinds[] = { FAULT_OPEN, FAULT_WRITE, FAULT_SYNC,
					  FAULT_RENAME };
	struct fixture *f = *state;
	struct fault_vfs *faults = fault_vfs_new(f->root);
	char path[KIT_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/file", f->root);
	kit_write_file(f->root, "file", "old", 3);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t len;
		uint8_t *bytes;

		fault_vfs_fail(faults, kinds[i], -ENOSPC, 0, 1);
		assert_int_equal(
			file_replace(fault_vfs_vfs(faults), path, "newer", 5),
			-ENOSPC);
		fault_vfs_heal(faults);
		bytes = kit_read_file(f->root, "file", &len);
		assert_int_equal(len, 3);
		assert_memory_equal(bytes, "old", 3);
		free(bytes);
		assert_false(kit_file_exists(f->root, "file.tmp"));
	}
	assert_int_equal(file_replace(fault_vfs_vfs(faults), path, "newer", 5),
			 0);
	fault_vfs_free(faults);
}

static void replaced_file_survives_power_loss(void **state)
{
	struct fixture *f = *state;
	struct fault_vfs *faults = fault_vfs_new(f->root);
	char path[KIT_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/file", f->root);
	for (int i = 0; i < 50; i++) {
		char want[32];
		size_t len;
		uint8_t *bytes;

		snprintf(want, sizeof(want), "round %d", i);
		assert_int_equal(file_replace(fault_vfs_vfs(faults), path, want,
					      strlen(want)),
				 0);
		fault_vfs_resume_after_power_loss(faults, &f->random.random);
		bytes = kit_read_file(f->root, "file", &len);
		assert_string_equal((char *)bytes, want);
		free(bytes);
	}
	fault_vfs_free(faults);
}

static void file_too_large_is_not_read(void **state)
{
	struct fixture *f = *state;
	char path[KIT_PATH_MAX + 16];
	size_t len;
	char *text;

	snprintf(path, sizeof(path), "%s/file", f->root);
	kit_write_file(f->root, "file", "12345", 5);
	assert_int_equal(file_read(vfs_system(), path, 4, &text, &len), -EFBIG);
	assert_int_equal(file_read(vfs_system(), path, 5, &text, &len), 0);
	assert_int_equal(len, 5);
	assert_string_equal(text, "12345");
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(missing_directory_is_made_and_formatted),
		TEST(clean_marker_counts_once),
		TEST(second_user_is_told_who_holds_it),
		TEST(another_identity_is_refused),
		TEST(foreign_directory_is_not_touched),
		TEST(room_is_kept_until_it_is_needed),
		TEST(unreadable_identity_is_refused),
		TEST(directory_without_id_gets_one),
		TEST(checkpoints_are_kafkas),
		TEST(malformed_checkpoints_are_refused),
		TEST(dropped_partition_is_gone),
		TEST(dropped_partitions_that_a_crash_left_are_removed),
		TEST(replaced_file_is_old_or_new_whatever_fails),
		TEST(replaced_file_survives_power_loss),
		TEST(file_too_large_is_not_read),
	};

	return cmocka_run_group_tests_name("data directory", tests, NULL, NULL);
}
