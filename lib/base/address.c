/*
 * address.c - where something listens, as people write it
 */
#include "base/address.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"

int address_split(char *text, uint16_t port_default, const char **host_out,
		  uint16_t *port_out)
{
	char *colon = strrchr(text, ':');
	int64_t port = port_default;

	*host_out = text;
	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -EINVAL;
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
		*host_out = text + 1;
	} else if (colon != NULL && strchr(text, ':') != colon) {
		colon = NULL; /* a bare IPv6 address */
	}
	if (colon != NULL) {
		*colon = '\0';
		if (parse_int64_in(colon + 1, 1, UINT16_MAX, &port) < 0)
			return -EINVAL;
	}
	*port_out = (uint16_t)port;
	return (*host_out)[0] == '\0' ? -EINVAL : 0;
}
