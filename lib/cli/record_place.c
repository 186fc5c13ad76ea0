/*
 * record_place.c - where a record that is printed came from
 */
#include "cli/record_place.h"

const char *timestamp_kind_name(enum timestamp_kind kind)
{
	switch (kind) {
	case TIMESTAMP_CREATE:
		return "create";
	case TIMESTAMP_LOG_APPEND:
		return "logappend";
	case TIMESTAMP_NONE:
		break;
	}
	return "none";
}
