/*
 * feature_level.c - at which level a feature is finalized
 */
#include "feature_level.h"

#include <string.h>

#include "base/arena.h"
#include "kbrokerd/metadata/image_edit.h"
#include "wire/enums.h"
#include "wire/messages.h"

static int on_control(void *arg, int16_t type, struct slice value)
{
	int16_t *level = arg;
	struct kraft_version_record r;
	struct arena arena = { 0 };
	int16_t version;

	if (type == WIRE_CONTROL_RECORD_TYPE_KRAFT_VERSION &&
	    wire_versioned_decode(&kraft_version_record_desc, value, &arena,
				  &version, &r) >= 0)
		*level = r.kraft_version;
	arena_clear(&arena);
	return 0;
}

int16_t feature_level(const struct image *image, const char *name)
{
	int16_t level = 0;

	if (strcmp(name, KRAFT_VERSION) != 0)
		return image_feature(image, name);
	image_each_control(image, on_control, &level);
	return level;
}
