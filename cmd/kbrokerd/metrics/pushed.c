/*
 * pushed.c - what clients told of themselves, as families (KIP-714)
 */
#include "kbrokerd/metrics/pushed.h"

#include <string.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/telemetry/telemetry.h"

#define HELP "A metric that clients push"

struct writing {
	struct exposition *e;
	const char *family; /* NULL: none yet */
	enum exposition_type type;
};

static void on_sample(void *arg, const struct telemetry_sample *sample)
{
	struct writing *w = arg;
	enum exposition_type type =
		sample->is_counter ? EXPOSITION_COUNTER : EXPOSITION_GAUGE;

	if (w->family == NULL || type != w->type ||
	    strcmp(w->family, sample->metric) != 0) {
		exposition_family(w->e, sample->metric, type, HELP);
		w->family = sample->metric;
		w->type = type;
	}
	for (size_t i = 0; i < sample->label_count; i++)
		exposition_label(w->e, sample->labels[i].name,
				 sample->labels[i].value);
	exposition_double(w->e, sample->value);
}

void pushed_write(struct exposition *e, struct broker *broker)
{
	struct clock *clock = broker->clock;
	struct writing w = { .e = e };
	struct telemetry_counts counts;

	telemetry_count(broker->telemetry, &counts);
	exposition_one(e, "kbrokerd_telemetry_clients", EXPOSITION_GAUGE,
		       "Clients that push metrics", (int64_t)counts.instances);
	exposition_one(e, "kbrokerd_telemetry_series", EXPOSITION_GAUGE,
		       "Values that clients have pushed",
		       (int64_t)counts.series);
	exposition_one(e, "kbrokerd_telemetry_pushes", EXPOSITION_COUNTER,
		       "Pushes of clients' metrics", (int64_t)counts.pushes);
	exposition_one(e, "kbrokerd_telemetry_refused", EXPOSITION_COUNTER,
		       "Telemetry requests answered with an error",
		       (int64_t)counts.refused);
	exposition_one(e, "kbrokerd_telemetry_left_out", EXPOSITION_COUNTER,
		       "Pushed values for which there was no room",
		       (int64_t)counts.left_out);
	if (telemetry_each(broker->telemetry, clock->monotonic_us(clock) / 1000,
			   on_sample, &w) < 0)
		e->out->failed = true;
}
