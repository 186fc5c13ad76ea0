/*
 * cgroup_test.c - tests of cgroup.c, with files as the kernel has them
 */
#include "kbrokerd/cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "kbrokerd/temporary.h"

struct fixture {
	char root[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(temporary_make(f->root, sizeof(f->root)), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	temporary_remove(f->root);
	free(f);
	return 0;
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", f->root, name);
	for (char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void without_groups_there_is_no_limit(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(cgroup_processors(f->root), -1);
	assert_int_equal(cgroup_memory_bytes(f->root), -1);
}

static void the_smallest_limit_on_the_way_up_counts(void **state)
{
	const struct fixture *f = *state;

	put(f, "/proc/self/cgroup", "0::/a/b\n");
	put(f, "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	put(f, "/sys/fs/cgroup/a/b/memory.max", "3000000000\n");
	put(f, "/sys/fs/cgroup/a/cpu.max", "250000 100000\n");
	put(f, "/sys/fs/cgroup/a/memory.max", "1000000000\n");
	assert_int_equal(cgroup_processors(f->root), 3);
	assert_int_equal(cgroup_memory_bytes(f->root), 1000000000);
}

static void a_container_has_its_limits_at_the_top(void **state)
{
	const struct fixture *f = *state;

	put(f, "/proc/self/cgroup", "0::/\n");
	put(f, "/sys/fs/cgroup/cpu.max", "50000 100000\n");
	put(f, "/sys/fs/cgroup/memory.max", "max\n");
	assert_int_equal(cgroup_processors(f->root), 1);
	assert_int_equal(cgroup_memory_bytes(f->root), -1);
}

static void version_1_has_a_tree_for_each_controller(void **state)
{
	const struct fixture *f = *state;

	put(f, "/proc/self/cgroup",
	    "5:memory:/m\n4:cpuacct,cpu:/c\n1:name=systemd:/x\n");
	put(f, "/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "400000\n");
	put(f, "/sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
	put(f, "/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "2000000\n");
	put(f, "/sys/fs/cgroup/memory/memory.limit_in_bytes",
	    "9223372036854771712\n");
	assert_int_equal(cgroup_processors(f->root), 4);
	assert_int_equal(cgroup_memory_bytes(f->root), 2000000);
}

static void what_is_not_understood_is_no_limit(void **state)
{
	const struct fixture *f = *state;

	put(f, "/proc/self/cgroup", "nonsense\n0::/\n");
	put(f, "/sys/fs/cgroup/cpu.max", "lots\n");
	put(f, "/sys/fs/cgroup/memory.max", "-5\n");
	assert_int_equal(cgroup_processors(f->root), -1);
	assert_int_equal(cgroup_memory_bytes(f->root), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_groups_there_is_no_limit),
		TEST(the_smallest_limit_on_the_way_up_counts),
		TEST(a_container_has_its_limits_at_the_top),
		TEST(version_1_has_a_tree_for_each_controller),
		TEST(what_is_not_understood_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
