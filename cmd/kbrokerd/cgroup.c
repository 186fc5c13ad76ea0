/*
 * cgroup.c - what a container may use of its machine
 *
 * A container that has its own name space of groups sees its group as /, one
 * that has not sees the path on the host, of which nothing is mounted: so the
 * top is looked at too.  What cannot be read is no limit.
 */
#include "kbrokerd/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define GROUPS "/sys/fs/cgroup"

/* The first line of a file, without its end. */
static bool read_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");
	bool found = file != NULL && fgets(line, size, file) != NULL;

	if (file != NULL)
		fclose(file);
	if (found)
		line[strcspn(line, "\n")] = '\0';
	return found;
}

/* Does the comma separated list name the controller? */
static bool controls(const char *list, const char *controller)
{
	size_t len = strlen(controller);

	for (; *list != '\0';
	     list += strcspn(list, ","), list += *list == ',') {
		if (strncmp(list, controller, len) == 0 &&
		    (list[len] == ',' || list[len] == '\0'))
			return true;
	}
	return false;
}

/* Our group's path: for version 2 controller is "". */
static bool find_group(const char *root, const char *controller, char *path,
		       size_t size)
{
	char name[PATH_MAX];
	char line[PATH_MAX];
	bool found = false;
	FILE *file;

	snprintf(name, sizeof(name), "%s/proc/self/cgroup", root);
	file = fopen(name, "re");
	while (file != NULL && !found &&
	       fgets(line, sizeof(line), file) != NULL) {
		char *list = strchr(line, ':');
		char *group = list == NULL ? NULL : strchr(list + 1, ':');

		if (group == NULL)
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		found = controller[0] == '\0' ? list[1] == '\0'
					      : controls(list + 1, controller);
		if (found)
			snprintf(path, size, "%s", group);
	}
	if (file != NULL)
		fclose(file);
	return found;
}

/* "max 100000", "250000 100000": processors, rounded up; -1: no quota. */
static int64_t parse_quota(const char *quota, const char *period)
{
	int64_t us;
	int64_t period_us;

	if (parse_int64_in(quota, 1, INT64_MAX / 2, &us) < 0 ||
	    parse_int64_in(period, 1, INT64_MAX / 2, &period_us) < 0)
		return -1;
	return (us + period_us - 1) / period_us;
}

static int64_t read_cpu_v2(const char *dir)
{
	char path[PATH_MAX + 32];
	char line[128];
	char *period;

	snprintf(path, sizeof(path), "%s/cpu.max", dir);
	if (!read_line(path, line, sizeof(line)))
		return -1;
	period = strchr(line, ' ');
	if (period == NULL)
		return -1;
	*period++ = '\0';
	return parse_quota(line, period);
}

static int64_t read_cpu_v1(const char *dir)
{
	char path[PATH_MAX + 32];
	char quota[64];
	char period[64];

	snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", dir);
	if (!read_line(path, quota, sizeof(quota)))
		return -1;
	snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir);
	return read_line(path, period, sizeof(period))
		       ? parse_quota(quota, period)
		       : -1;
}

static int64_t read_bytes(const char *dir, const char *name)
{
	char path[PATH_MAX + 64];
	char line[64];
	int64_t bytes;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	/* Version 1 has a number near the largest one for none. */
	if (!read_line(path, line, sizeof(line)) ||
	    parse_int64_in(line, 1, INT64_MAX / 2, &bytes) < 0)
		return -1;
	return bytes;
}

static int64_t read_memory_v2(const char *dir)
{
	return read_bytes(dir, "memory.max");
}

static int64_t read_memory_v1(const char *dir)
{
	return read_bytes(dir, "memory.limit_in_bytes");
}

static int64_t smaller(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* The smallest of the group, those above it, and the top. */
static int64_t look(const char *root, const char *controller,
		    int64_t (*read)(const char *dir))
{
	char group[PATH_MAX / 2];
	char dir[PATH_MAX];
	int64_t least = -1;
	char *slash;

	if (!find_group(root, controller, group, sizeof(group)))
		return -1;
	do {
		snprintf(dir, sizeof(dir), "%s" GROUPS "/%s%s", root,
			 controller, group);
		least = smaller(least, read(dir));
		slash = strrchr(group, '/');
		if (slash != NULL)
			*slash = '\0';
	} while (slash != NULL);
	return least;
}

int cgroup_processors(const char *root)
{
	int64_t count;

	if (root == NULL)
		root = "";
	count = smaller(look(root, "", read_cpu_v2),
			look(root, "cpu", read_cpu_v1));
	return count > INT_MAX ? -1 : (int)count;
}

int64_t cgroup_memory_bytes(const char *root)
{
	if (root == NULL)
		root = "";
	return smaller(look(root, "", read_memory_v2),
		       look(root, "memory", read_memory_v1));
}
