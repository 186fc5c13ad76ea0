/*
 * change_wait.c - a change of the metadata that its maker waits for
 */
#include "kbrokerd/change_wait.h"

#include <semaphore.h>

static void on_done(struct metadata_change *change)
{
	sem_post(change->arg);
}

void change_wait(struct metadata *metadata, int16_t api_key, int16_t version,
		 const void *request, void *response, struct arena *arena)
{
	sem_t done;
	struct metadata_change change = {
		.api_key = api_key,
		.version = version,
		.request = request,
		.response = response,
		.arena = arena,
		.done = on_done,
		.arg = &done,
	};

	sem_init(&done, 0, 0);
	metadata_submit(metadata, &change);
	while (sem_wait(&done) < 0)
		continue; /* a signal came */
	sem_destroy(&done);
}
