/*
 * change_wait.h - a change of the metadata that its maker waits for
 */
#ifndef KBROKERD_CHANGE_WAIT_H
#define KBROKERD_CHANGE_WAIT_H

#include "kbrokerd/metadata/metadata.h"

/*
 * Have the controller decide about request, a message of that API and version,
 * and wait until what it decided is committed.  response is the API's struct,
 * filled from arena.  On any thread but the metadata's, while that runs.
 */
void change_wait(struct metadata *metadata, int16_t api_key, int16_t version,
		 const void *request, void *response, struct arena *arena);

#endif /* KBROKERD_CHANGE_WAIT_H */
