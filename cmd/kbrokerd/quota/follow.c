/*
 * follow.c - the broker's quotas follow its metadata
 *
 * They are read anew when any of them may have changed.  When there is no
 * memory for that the old ones stay.
 */
#include "kbrokerd/quota/follow.h"

#include <errno.h>

#include "kbrokerd/config.h"
#include "kbrokerd/metadata/metadata.h"
#include "kbrokerd/quota/quotas.h"

enum { WINDOWS_MAX = 3600, MS_A_SECOND = 1000 };

static struct rate_windows windows_of(const struct config *config,
				      const char *count_key,
				      const char *seconds_key)
{
	int64_t count = config_int(config, count_key);

	return (struct rate_windows){
		.count = (int32_t)(count < WINDOWS_MAX ? count : WINDOWS_MAX),
		.ms = config_int(config, seconds_key) * MS_A_SECOND,
	};
}

static void take(struct quotas *q, const struct image *image)
{
	struct quota_limits *limits = quota_limits_of(image);

	if (limits != NULL)
		quotas_set(q, limits);
}

static void on_image(void *arg, const struct image *before,
		     const struct image *after)
{
	if (image_quotas_may_differ(before, after))
		take(arg, after);
}

int quotas_follow(struct metadata *metadata, const struct config *config,
		  struct quotas **quotas_out)
{
	const struct quotas_params params = {
		.windows = windows_of(config, "quota.window.num",
				      "quota.window.size.seconds"),
		.mutation_windows =
			windows_of(config, "controller.quota.window.num",
				   "controller.quota.window.size.seconds"),
	};
	const struct image *image;

	*quotas_out = quotas_new(&params);
	if (*quotas_out == NULL)
		return -ENOMEM;
	metadata_listen(metadata, on_image, *quotas_out);
	image = metadata_image(metadata);
	take(*quotas_out, image);
	image_release(image);
	return 0;
}
