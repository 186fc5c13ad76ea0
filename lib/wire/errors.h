/*
 * errors.h - Kafka's error codes, one table (schema/errors.def)
 *
 * The codes themselves are generated: WIRE_NONE, WIRE_UNKNOWN_SERVER_ERROR,
 * WIRE_OFFSET_OUT_OF_RANGE ... in "wire/error_codes.h".
 */
#ifndef WIRE_ERRORS_H
#define WIRE_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/error_codes.h"

/* "OFFSET_OUT_OF_RANGE"; "UNKNOWN_ERROR_<n>" style text for no known code is
 * left to the caller: NULL then. */
const char *wire_error_name(int16_t code);

/* What errors.def says of it, or NULL. */
const char *wire_error_text(int16_t code);

bool wire_error_is_retriable(int16_t code);
bool wire_error_is_fatal(int16_t code);

#endif /* WIRE_ERRORS_H */
