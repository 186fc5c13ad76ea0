/*
 * wanted_topics.c - topics that must be there: what was written
 */
#include "kbrokerd/wanted_topics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "log/vfs.h"

enum { PARTITIONS_MAX = 1000000, FILE_BYTES_MAX = 16 << 20 };

void wanted_topics_clear(struct wanted_topics *topics)
{
	for (size_t i = 0; i < topics->count; i++)
		properties_clear(&topics->items[i].configs);
	free(topics->items);
	*topics = (struct wanted_topics){ 0 };
}

/* The topic of that name, perhaps a new one; NULL when out of memory. */
static struct wanted_topic *find_or_add(struct wanted_topics *topics,
					const char *name)
{
	struct wanted_topic *items = topics->items;
	struct wanted_topic *t;

	for (size_t i = 0; i < topics->count; i++) {
		if (strcmp(items[i].name, name) == 0)
			return &items[i];
	}
	/* Doubled whenever it is full. */
	if ((topics->count & (topics->count - 1)) == 0) {
		size_t room = topics->count == 0 ? 1 : topics->count * 2;

		items = realloc(items, room * sizeof(*items));
		if (items == NULL)
			return NULL;
		topics->items = items;
	}
	t = &items[topics->count++];
	*t = (struct wanted_topic){ .partitions = -1 };
	snprintf(t->name, sizeof(t->name), "%s", name);
	return t;
}

/* The next of NAME, K=V, K=V,W parts; cut out of text, which moves on. */
static char *next_part(char **text)
{
	char *part = *text;
	char *comma = strchr(part, ',');

	if (*part == '\0')
		return NULL;
	while (comma != NULL) {
		char *equals = strchr(comma + 1, '=');
		char *next = strchr(comma + 1, ',');

		if (equals != NULL && (next == NULL || equals < next))
			break;
		comma = next;
	}
	if (comma == NULL) {
		*text = part + strlen(part);
	} else {
		*comma = '\0';
		*text = comma + 1;
	}
	return part;
}

static int bad(char *error, size_t error_size, const char *text,
	       const char *why)
{
	snprintf(error, error_size, "'%s': %s", text, why);
	return -EINVAL;
}

/* NAME or NAME:N */
static int parse_head(char *head, int32_t *partitions_out)
{
	char *colon = strchr(head, ':');
	int64_t n;

	*partitions_out = -1;
	if (colon == NULL)
		return 0;
	*colon = '\0';
	if (parse_int64_in(colon + 1, 1, PARTITIONS_MAX, &n) < 0)
		return -EINVAL;
	*partitions_out = (int32_t)n;
	return 0;
}

static int add_config(struct wanted_topic *topic, char *part)
{
	char *equals = strchr(part, '=');
	char number[UNITS_TEXT_MAX];
	const char *value = equals + 1;

	if (equals == NULL || equals == part)
		return -EINVAL;
	*equals = '\0';
	if (property_number(part, value, number))
		value = number;
	return properties_set(&topic->configs, part, value, "--topic");
}

static int add(struct wanted_topics *topics, char *copy, const char *text,
	       char *error, size_t error_size)
{
	char *head = next_part(&copy);
	struct wanted_topic *topic;
	int32_t partitions;
	char *part;
	int rc = 0;

	if (head == NULL || parse_head(head, &partitions) < 0)
		return bad(error, error_size, text,
			   "should be NAME[:PARTITIONS][,KEY=VALUE...]");
	if (head[0] == '\0' || strlen(head) > WANTED_NAME_MAX ||
	    strchr(head, ',') != NULL)
		return bad(error, error_size, text,
			   "a topic's name has 1 to 249 characters, no comma");
	if (topics->count == WANTED_TOPICS_MAX)
		return bad(error, error_size, text, "more than 10000 topics");
	topic = find_or_add(topics, head);
	if (topic == NULL)
		return -ENOMEM;
	if (partitions > 0)
		topic->partitions = partitions;
	while (rc == 0 && (part = next_part(&copy)) != NULL)
		rc = add_config(topic, part);
	if (rc == -EINVAL)
		return bad(error, error_size, text,
			   "after the name comes KEY=VALUE");
	return rc;
}

int wanted_topics_add(struct wanted_topics *topics, const char *text,
		      char *error, size_t error_size)
{
	char *copy = strdup(text);
	int rc;

	if (copy == NULL)
		return -ENOMEM;
	rc = add(topics, copy, text, error, error_size);
	free(copy);
	return rc;
}

/* Without blanks around it and a comment at its end. */
static char *trim(char *line)
{
	size_t len;

	line += strspn(line, " \t");
	len = strcspn(line, "#\r\n");
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	line[len] = '\0';
	return line;
}

static int read_lines(struct wanted_topics *topics, char *text,
		      const char *path, char *error, size_t error_size)
{
	char why[512];
	int line = 1;

	for (char *next; text != NULL; text = next, line++) {
		int rc = 0;

		next = strchr(text, '\n');
		if (next != NULL)
			*next++ = '\0';
		text = trim(text);
		if (*text != '\0')
			rc = wanted_topics_add(topics, text, why, sizeof(why));
		if (rc == -EINVAL)
			snprintf(error, error_size, "%s:%d: %s", path, line,
				 why);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int wanted_topics_read(struct wanted_topics *topics, const char *path,
		       char *error, size_t error_size)
{
	char *text;
	size_t len;
	int rc = file_read(vfs_system(), path, FILE_BYTES_MAX, &text, &len);

	if (rc < 0) {
		snprintf(error, error_size, "cannot read %s: %s", path,
			 strerror(-rc));
		return rc;
	}
	rc = read_lines(topics, text, path, error, error_size);
	free(text);
	return rc;
}
