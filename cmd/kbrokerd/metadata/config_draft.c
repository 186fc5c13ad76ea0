/*
 * config_draft.c - a resource's configuration while it is being changed
 */
#include "config_draft.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/buffer.h"

int config_draft_init(struct config_draft *draft, const struct config_set *from,
		      size_t more, struct arena *arena)
{
	size_t count = from == NULL ? 0 : from->count;

	draft->entries =
		arena_calloc(arena, count + more, sizeof(*draft->entries));
	if (draft->entries == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(draft->entries, from->entries,
		       count * sizeof(*draft->entries));
	draft->count = count;
	return 0;
}

struct config_set config_draft_view(const struct config_draft *draft)
{
	return (struct config_set){ draft->count, draft->entries };
}

const char *config_draft_get(const struct config_draft *draft, const char *name)
{
	const struct config_set set = config_draft_view(draft);

	return config_set_get(&set, name);
}

void config_draft_put(struct config_draft *draft, const char *name,
		      const char *value)
{
	struct config_entry *e = draft->entries;
	size_t i = 0;
	bool found;

	while (i < draft->count && strcmp(e[i].name, name) < 0)
		i++;
	found = i < draft->count && strcmp(e[i].name, name) == 0;
	if (value != NULL && !found) {
		memmove(e + i + 1, e + i, (draft->count - i) * sizeof(*e));
		draft->count++;
	} else if (value == NULL && found) {
		draft->count--;
		memmove(e + i, e + i + 1, (draft->count - i) * sizeof(*e));
	}
	if (value != NULL)
		e[i] = (struct config_entry){ name, value };
}

/* Lists of words with commas between them */

/* The next word of *list, without blanks around it; false at the end. */
static bool next_word(const char **list, struct slice *word_out)
{
	const char *start = *list;
	size_t len = strcspn(start, ",");

	if (*start == '\0')
		return false;
	*list = start + len + (start[len] == ',');
	while (len > 0 && isspace((unsigned char)start[len - 1]))
		len--;
	while (len > 0 && isspace((unsigned char)*start)) {
		start++;
		len--;
	}
	*word_out = (struct slice){ (const uint8_t *)start, len };
	return true;
}

static bool list_has(const char *list, struct slice word)
{
	struct slice other;

	while (next_word(&list, &other)) {
		if (slice_equal(other, word))
			return true;
	}
	return false;
}

/* Does a list have the word before the place that it was taken from? */
static bool had_before(const char *list, struct slice word)
{
	struct slice other;

	while (next_word(&list, &other) && other.data != word.data) {
		if (slice_equal(other, word))
			return true;
	}
	return false;
}

/* Append the words of from that are not in other, each once. */
static void put_words(struct buffer *to, const char *from, const char *other)
{
	const char *at = from;
	struct slice word;

	while (next_word(&at, &word)) {
		if (word.len == 0 || list_has(other, word) ||
		    had_before(from, word))
			continue;
		if (to->len > 0)
			buffer_put_u8(to, ',');
		buffer_put(to, word.data, word.len);
	}
}

static const char *take_text(struct buffer *list, struct arena *arena)
{
	char *text = NULL;

	if (!list->failed)
		text = arena_text(arena, list->len == 0 ? slice_of("")
							: buffer_slice(list));
	buffer_clear(list);
	return text;
}

const char *config_list_append(const char *list, const char *other,
			       struct arena *arena)
{
	struct buffer words = { 0 };

	put_words(&words, list, "");
	put_words(&words, other, list);
	return take_text(&words, arena);
}

const char *config_list_subtract(const char *list, const char *other,
				 struct arena *arena)
{
	struct buffer words = { 0 };

	put_words(&words, list, other);
	return take_text(&words, arena);
}
