/*
 * offset_list.c - offsets that name files, gathered and sorted
 */
#include "log/offset_list.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 8 };

void offset_list_clear(struct offset_list *list)
{
	free(list->items);
	*list = (struct offset_list){ 0 };
}

int offset_list_add(struct offset_list *list, int64_t offset)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? FIRST_CAPACITY
						      : 2 * list->capacity;
		int64_t *items =
			realloc(list->items, capacity * sizeof(*items));

		if (items == NULL)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = offset;
	return 0;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

void offset_list_sort(struct offset_list *list)
{
	if (list->count > 0)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}

bool offset_list_has(const struct offset_list *list, int64_t offset)
{
	return list->count > 0 && bsearch(&offset, list->items, list->count,
					  sizeof(offset), compare) != NULL;
}
