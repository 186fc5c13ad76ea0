/*
 * groups.h - the groups and partitions that a command line names
 */
#ifndef KGROUPS_GROUPS_H
#define KGROUPS_GROUPS_H

#include "client/admin_groups.h"
#include "kgroups/kgroups.h"

/* Names, sorted; as long as the run. */
struct group_list {
	const char **items;
	const char **types; /* of each, NULL: not known; or NULL: of none */
	size_t count;
};

/*
 * The operands: names as they are, whether there is such a group or not, and
 * for a glob or ~REGEX the groups that match; all of them without operands.
 * Only groups that commit offsets match.  A pattern without a match is said
 * and counted.  Returns EXIT_GO_ON, or a status when nothing could be asked.
 */
int groups_find(struct kgroups *k, struct group_list *list_out);

/* Is one of the texts a glob or ~REGEX? */
bool groups_are_patterns(char *const *texts, int count);

/* Say and count that there is no such group, or why it cannot be told. */
void groups_refused(struct kgroups *k, const struct admin_group_info *info);

/* Is the word ("empty", in any case) among those of "empty,stable"? */
bool groups_word_in(const char *word, const char *words);

/* -t TOPIC[:0,2-5] */
struct topic_choice {
	const char *topic;
	int32_t *partitions; /* sorted; NULL: all of them */
	size_t count;
};

struct topic_choices {
	struct topic_choice *items;
	size_t count;
};

/* Of the options; a usage error is said, false. */
bool choices_read(struct kgroups *k, struct topic_choices *choices_out);

/* Does one of the choices have the partition?  Without any: yes. */
bool choices_have(const struct topic_choices *choices, const char *topic,
		  int32_t partition);

/* Say that there is nothing where -t looks; unless all was asked for, or
 * something has failed already. */
void choices_found_nothing(struct kgroups *k,
			   const struct topic_choices *choices);

#endif /* KGROUPS_GROUPS_H */
