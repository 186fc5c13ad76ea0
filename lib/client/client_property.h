/*
 * client_property.h - the table of properties, for client_config.c
 */
#ifndef CLIENT_CLIENT_PROPERTY_H
#define CLIENT_CLIENT_PROPERTY_H

#include "client/client_config.h"

/* As many as there are bits for. */
enum { CLIENT_PROPERTIES_MAX = 256 };

enum field_kind {
	FIELD_TEXT,
	FIELD_BOOL,
	FIELD_NUMBER,
	FIELD_MS,
	FIELD_MS_FRACTION, /* kept in microseconds */
	FIELD_BYTES,
	FIELD_KBYTES,
	FIELD_CHOICE,      /* an int */
	FIELD_CHOICE_BOOL, /* a bool */
	FIELD_UNSUPPORTED, /* only "" is possible */
};

/* The first of several names with one value is what is printed. */
struct choice {
	const char *name;
	int value;
};

struct client_property_field {
	enum field_kind kind;
	size_t offset; /* in struct client_config */
	const struct choice *choices;
};

/* Sorted by name; a property's bit in set_bits is its index. */
extern const struct client_property client_property_table[];
extern const size_t client_property_count;

#endif /* CLIENT_CLIENT_PROPERTY_H */
