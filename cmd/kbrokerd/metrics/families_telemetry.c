/*
 * families_telemetry.c - what clients push of themselves (KIP-714), as metrics
 *
 * The telemetry bounds how many series there are.
 */
#include <string.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/metrics/families.h"
#include "kbrokerd/metrics/metrics.h"
#include "kbrokerd/telemetry/telemetry.h"

struct telling {
	struct exposition *e;
	char family[256]; /* of the sample before; "": none */
};

static void begin_family(struct telling *t,
			 const struct telemetry_sample *sample)
{
	snprintf(t->family, sizeof(t->family), "%s", sample->metric);
	exposition_family(t->e, t->family,
			  sample->is_counter ? EXPOSITION_COUNTER
					     : EXPOSITION_GAUGE,
			  "Pushed by clients (KIP-714).");
}

static void on_sample(void *arg, const struct telemetry_sample *sample)
{
	struct telling *t = arg;

	if (strlen(sample->metric) >= sizeof(t->family))
		return;
	if (strcmp(t->family, sample->metric) != 0)
		begin_family(t, sample);
	for (size_t i = 0; i < sample->label_count; i++)
		exposition_label(t->e, sample->labels[i].name,
				 sample->labels[i].value);
	exposition_double(t->e, sample->value);
}

void families_write_telemetry(struct exposition *e, const struct metrics *m)
{
	struct clock *clock = m->broker->clock;
	struct telling telling = { .e = e };
	struct telemetry_counts counts;

	if (m->broker->telemetry == NULL)
		return;
	telemetry_count(m->broker->telemetry, &counts);
	exposition_one(e, "kbrokerd_telemetry_instances", EXPOSITION_GAUGE,
		       "Clients that push metrics.", (int64_t)counts.instances);
	exposition_one(e, "kbrokerd_telemetry_pushes", EXPOSITION_COUNTER,
		       "Pushes of metrics that clients have made.",
		       (int64_t)counts.pushes);
	exposition_one(e, "kbrokerd_telemetry_refused_pushes",
		       EXPOSITION_COUNTER, "Pushes that were refused.",
		       (int64_t)counts.refused);
	exposition_one(e, "kbrokerd_telemetry_values_left_out",
		       EXPOSITION_COUNTER,
		       "Pushed values for which there was no room.",
		       (int64_t)counts.left_out);
	if (telemetry_each(m->broker->telemetry,
			   clock->monotonic_us(clock) / 1000, on_sample,
			   &telling) < 0)
		e->out->failed = true;
}
