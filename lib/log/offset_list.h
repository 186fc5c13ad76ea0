/*
 * offset_list.h - offsets that name files, gathered and sorted
 */
#ifndef LOG_OFFSET_LIST_H
#define LOG_OFFSET_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct offset_list {
	int64_t *items;
	size_t count;
	size_t capacity;
};

/* All zeroes is an empty one. */
void offset_list_clear(struct offset_list *list);

/* Returns 0 or -ENOMEM. */
int offset_list_add(struct offset_list *list, int64_t offset);

void offset_list_sort(struct offset_list *list);

/* Is offset in the sorted list? */
bool offset_list_has(const struct offset_list *list, int64_t offset);

#endif /* LOG_OFFSET_LIST_H */
