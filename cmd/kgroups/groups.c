/*
 * groups.c - the groups and partitions that a command line names
 *
 * Plain names cost no request; as soon as a pattern is among them all groups
 * are listed, and the matching is done here.
 */
#include "kgroups/groups.h"

#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>

#include "base/units.h"
#include "wire/errors.h"

enum { PARTITIONS_MAX = 100 * 1000 };

static bool is_pattern(const char *name)
{
	return name[0] == '~' || strpbrk(name, "*?[") != NULL;
}

bool groups_are_patterns(char *const *texts, int count)
{
	for (int i = 0; i < count; i++) {
		if (is_pattern(texts[i]))
			return true;
	}
	return false;
}

struct named {
	const char *name, *type;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a;
	const struct named *y = b;

	return strcmp(x->name, y->name);
}

/* Patterns */

struct pattern {
	const char *glob;
	regex_t regex;
	bool is_regex;
};

static int pattern_init(struct kgroups *k, const char *text, struct pattern *p)
{
	char why[160];
	int rc;

	*p = (struct pattern){ .glob = text, .is_regex = text[0] == '~' };
	if (!p->is_regex)
		return EXIT_GO_ON;
	rc = regcomp(&p->regex, text + 1, REG_EXTENDED | REG_NOSUB);
	if (rc == 0)
		return EXIT_GO_ON;
	regerror(rc, &p->regex, why, sizeof(why));
	return message_usage(&k->run.messages,
			     "'%s' is no regular expression: %s", text, why);
}

static bool pattern_matches(const struct pattern *p, const char *name)
{
	if (p->is_regex)
		return regexec(&p->regex, name, 0, NULL, 0) == 0;
	return fnmatch(p->glob, name, 0) == 0;
}

static void pattern_clear(struct pattern *p)
{
	if (p->is_regex)
		regfree(&p->regex);
}

/* Share and streams groups of Kafka 4 commit no offsets of their own kind. */
static bool has_offsets(const struct admin_listed_group *group)
{
	return strcasecmp(group->type, "share") != 0;
}

static int add_matches(struct kgroups *k, const char *text,
		       const struct admin_listed_group *all, size_t count,
		       struct named *found, size_t *found_count)
{
	struct pattern pattern;
	size_t before = *found_count;
	int status = pattern_init(k, text, &pattern);

	if (status != EXIT_GO_ON)
		return status;
	for (size_t i = 0; i < count; i++) {
		if (has_offsets(&all[i]) &&
		    pattern_matches(&pattern, all[i].name))
			found[(*found_count)++] = (struct named){
				run_text(&k->run, slice_of(all[i].name)),
				run_text(&k->run, slice_of(all[i].type))
			};
	}
	pattern_clear(&pattern);
	if (*found_count == before && k->run.operand_count > 0)
		k->run.status =
			exit_worse(k->run.status,
				   message_fail(&k->run.messages, EXIT_MISSING,
						"no group matches '%s'", text));
	return EXIT_GO_ON;
}

/* In order, none twice. */
static void make_list(struct kgroups *k, struct named *found, size_t count,
		      struct group_list *list)
{
	list->items = run_alloc(&k->run, count + 1, sizeof(*list->items));
	list->types = run_alloc(&k->run, count + 1, sizeof(*list->types));
	if (count > 0)
		qsort(found, count, sizeof(*found), by_name);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && strcmp(found[i - 1].name, found[i].name) == 0)
			continue;
		list->items[list->count] = found[i].name;
		list->types[list->count++] = found[i].type;
	}
}

static int fill(struct kgroups *k, char *const *texts, int text_count,
		const struct admin_listed_group *all, size_t count,
		struct group_list *list)
{
	struct named *found =
		run_alloc(&k->run, (count + 1) * ((size_t)text_count + 1),
			  sizeof(*found));
	size_t found_count = 0;
	int status = EXIT_GO_ON;

	for (int i = 0; status == EXIT_GO_ON && i < text_count; i++) {
		if (is_pattern(texts[i]))
			status = add_matches(k, texts[i], all, count, found,
					     &found_count);
		else
			found[found_count++] =
				(struct named){ .name = texts[i] };
	}
	make_list(k, found, found_count, list);
	return status;
}

/* Before anybody is asked: are they names, and good regular expressions? */
static int check_texts(struct kgroups *k, char *const *texts, int count)
{
	for (int i = 0; i < count; i++) {
		struct pattern pattern;
		int status;

		if (texts[i][0] == '\0')
			return message_usage(&k->run.messages,
					     "a group has a name");
		status = pattern_init(k, texts[i], &pattern);
		if (status != EXIT_GO_ON)
			return status;
		pattern_clear(&pattern);
	}
	return EXIT_GO_ON;
}

int groups_find(struct kgroups *k, struct group_list *list_out)
{
	static char everything[] = "*";
	char *all_texts[] = { everything };
	char *const *texts =
		k->run.operand_count > 0 ? k->run.operands : all_texts;
	int text_count = k->run.operand_count > 0 ? k->run.operand_count : 1;
	struct admin_answers answers = { 0 };
	struct admin_listed_group *all = NULL;
	struct client_error error = { 0 };
	size_t count = 0;
	int status;

	*list_out = (struct group_list){ 0 };
	status = check_texts(k, texts, text_count);
	if (status != EXIT_GO_ON)
		return status;
	if (groups_are_patterns(texts, text_count) &&
	    admin_list_groups(k->run.client, 0,
			      k->run.options->common.step_timeout_ms, &answers,
			      &all, &count, &error) < 0) {
		run_fail(&k->run, &error);
		admin_answers_clear(&answers);
		return k->run.status;
	}
	status = fill(k, texts, text_count, all, count, list_out);
	admin_answers_clear(&answers);
	return status;
}

void groups_refused(struct kgroups *k, const struct admin_group_info *info)
{
	run_refused(&k->run, "group", info->name, info->code, info->message);
}

bool groups_word_in(const char *word, const char *words)
{
	size_t len = strlen(word);

	while (*words != '\0') {
		size_t n = strcspn(words, ",");

		if (n == len && strncasecmp(words, word, n) == 0)
			return true;
		words += n + (words[n] == ',' ? 1 : 0);
	}
	return false;
}

/* Topics and partitions */

static int by_number(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a;
	int32_t y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static bool add_range(struct topic_choice *c, int64_t low, int64_t high)
{
	if (high < low || high - low >= PARTITIONS_MAX ||
	    c->count + (size_t)(high - low) >= PARTITIONS_MAX)
		return false;
	for (; low <= high; low++)
		c->partitions[c->count++] = (int32_t)low;
	return true;
}

/* "0,2-5" */
static bool read_partitions(struct topic_choice *c, char *text)
{
	char *save = NULL;

	for (char *part = strtok_r(text, ",", &save); part != NULL;
	     part = strtok_r(NULL, ",", &save)) {
		char *dash = strchr(part, '-');
		int64_t low;
		int64_t high;

		if (dash != NULL)
			*dash = '\0';
		if (parse_int64_in(part, 0, INT32_MAX, &low) < 0 ||
		    parse_int64_in(dash == NULL ? part : dash + 1, 0, INT32_MAX,
				   &high) < 0 ||
		    !add_range(c, low, high))
			return false;
	}
	qsort(c->partitions, c->count, sizeof(*c->partitions), by_number);
	return c->count > 0;
}

static bool choice_read(struct kgroups *k, const char *text,
			struct topic_choice *c)
{
	char *copy = run_text(&k->run, slice_of(text));
	char *colon = strchr(copy, ':');

	c->topic = copy;
	if (colon == NULL)
		return copy[0] != '\0';
	*colon = '\0';
	/* As many as the text could name, for it is bounded anyway. */
	c->partitions =
		run_alloc(&k->run, PARTITIONS_MAX, sizeof(*c->partitions));
	return copy[0] != '\0' && read_partitions(c, colon + 1);
}

bool choices_read(struct kgroups *k, struct topic_choices *choices_out)
{
	const struct option_texts *texts = &k->options.topics;

	choices_out->count = texts->count;
	choices_out->items = run_alloc(&k->run, texts->count + 1,
				       sizeof(*choices_out->items));
	for (size_t i = 0; i < texts->count; i++) {
		if (choice_read(k, texts->items[i], &choices_out->items[i]))
			continue;
		message_usage(&k->run.messages,
			      "-t: '%s' is not TOPIC or TOPIC:0,2-5",
			      texts->items[i]);
		return false;
	}
	return true;
}

bool choices_have(const struct topic_choices *choices, const char *topic,
		  int32_t partition)
{
	for (size_t i = 0; i < choices->count; i++) {
		const struct topic_choice *c = &choices->items[i];

		if (strcmp(c->topic, topic) == 0 &&
		    (c->partitions == NULL ||
		     bsearch(&partition, c->partitions, c->count,
			     sizeof(*c->partitions), by_number) != NULL))
			return true;
	}
	return choices->count == 0;
}

void choices_found_nothing(struct kgroups *k,
			   const struct topic_choices *choices)
{
	if (choices->count > 0 && k->run.status == EXIT_OK)
		k->run.status =
			message_fail(&k->run.messages, EXIT_MISSING,
				     "nothing is committed where -t looks");
}
