/*
 * meters.h - what each connection moves, for a list of them
 *
 * A meter belongs to a connection and is counted on its io thread.  Adding,
 * removing and listing take a lock, counting does not.
 */
#ifndef KBROKERD_METRICS_METERS_H
#define KBROKERD_METRICS_METERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Connections beyond are served but not listed. */
enum { METERS_MAX = 20000, METER_TEXT_MAX = 96 };

struct meter;
struct meters;

/* now_us is monotonic.  NULL: out of memory. */
struct meters *meters_new(int64_t now_us);
void meters_free(struct meters *meters);

/* One more connection, by the text of its peer and its listener's name; NULL
 * when there are METERS_MAX, or no memory. */
struct meter *meters_add(struct meters *meters, const char *peer,
			 const char *listener, int64_t now_ms);
void meters_remove(struct meters *meters, struct meter *meter);

/* A request of so many bytes came in, under this name (may be null).  The
 * software's name may be NULL. */
void meter_request(struct meters *meters, struct meter *meter, size_t bytes,
		   int64_t now_ms, struct slice client_id,
		   const char *software);
void meter_answer(struct meter *meter, size_t bytes);

/* One connection, as it is now. */
struct meter_row {
	char peer[METER_TEXT_MAX];
	char client_id[METER_TEXT_MAX];
	char software[METER_TEXT_MAX];
	char listener[METER_TEXT_MAX];
	int64_t opened_ms, last_ms;
	int64_t requests, bytes_in, bytes_out;
	double requests_rate, in_rate, out_rate; /* per second */
};

/* Take new rates from what has come since the last time; now_us is
 * monotonic.  Only one thread may. */
void meters_measure(struct meters *meters, int64_t now_us);

/*
 * The busiest max of those in whose peer, client id or software filter occurs
 * (case does not matter; "" takes all), by bytes in and out a second.  Returns
 * how many rows there are; *count_out is of all connections, *matched_out of
 * those that match.
 */
size_t meters_list(struct meters *meters, const char *filter,
		   struct meter_row *rows, size_t max, size_t *count_out,
		   size_t *matched_out);

#endif /* KBROKERD_METRICS_METERS_H */
