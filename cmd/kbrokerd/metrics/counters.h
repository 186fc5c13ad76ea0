/*
 * counters.h - what each io thread counts, and the sums of it
 *
 * A thread has counters of its own and adds without a locked instruction;
 * whoever asks sums over the threads while they go on counting.
 */
#ifndef KBROKERD_METRICS_COUNTERS_H
#define KBROKERD_METRICS_COUNTERS_H

#include <stdbool.h>

#include "kbrokerd/config.h"
#include "kbrokerd/metrics/histogram.h"

/* Keys of APIs are below; what is not belongs to no API that is served. */
enum { COUNTERS_APIS = 96, COUNTERS_ERRORS = 256, COUNTERS_REASONS = 16 };

struct counters;        /* of all threads */
struct thread_counters; /* of one */

/* NULL when out of memory. */
struct counters *counters_new(int32_t thread_count);
void counters_free(struct counters *counters);

struct thread_counters *counters_of_thread(struct counters *counters,
					   int32_t number);

/* Counting, on the thread itself. */
void counters_request(struct thread_counters *t, int16_t api, size_t bytes);
void counters_answer(struct thread_counters *t, int16_t api, size_t bytes,
		     int64_t took_us, int32_t throttle_ms);
/* An error code in an answer.  Beyond COUNTERS_ERRORS kinds they are counted
 * as UNKNOWN_SERVER_ERROR of api -1. */
void counters_error(struct thread_counters *t, int16_t api, int16_t code);
void counters_connection(struct thread_counters *t, size_t listener, bool open);
/* why is a text that lives as long as the program. */
void counters_refused(struct thread_counters *t, const char *why);

/* Reading, on any thread. */

struct api_totals {
	int64_t requests, answers;
	int64_t bytes_in, bytes_out;
	int64_t throttle_ms;
	struct histogram_copy took;
};

/* Of one API, of all threads; *out is overwritten. */
void counters_api(const struct counters *counters, int16_t api,
		  struct api_totals *out);

struct all_totals {
	int64_t requests, answers, errors, refused;
	int64_t bytes_in, bytes_out;
	int64_t opened[LISTENERS_MAX], closed[LISTENERS_MAX]; /* connections */
};
void counters_all(const struct counters *counters, struct all_totals *out);

/* Each kind of error, several times where several threads have met it. */
void counters_each_error(const struct counters *counters,
			 void (*on_error)(void *arg, int16_t api, int16_t code,
					  int64_t count),
			 void *arg);
void counters_each_refused(const struct counters *counters,
			   void (*on_reason)(void *arg, const char *why,
					     int64_t count),
			   void *arg);

#endif /* KBROKERD_METRICS_COUNTERS_H */
