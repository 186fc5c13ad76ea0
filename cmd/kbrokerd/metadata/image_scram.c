/*
 * image_scram.c - the SCRAM credentials of users that an image holds
 *
 * An image keeps their records as they are (image_apply.c), each by user and
 * mechanism; here they are read.
 */
#include "kbrokerd/metadata/image_scram.h"

#include <errno.h>

#include "base/buffer.h"
#include "kbrokerd/metadata/image_private.h"
#include "wire/messages.h"

struct visit {
	image_on_scram *on_credential;
	void *arg;
	struct arena scratch;
};

static int visit_kept(void *arg, void *item)
{
	const struct kept_record *kept = item;
	struct visit *v = arg;
	const void *r;

	if (kept->type != wire_desc_type_id(&user_scram_credential_record_desc))
		return 0;
	arena_reset(&v->scratch);
	r = image_kept_message(kept, &v->scratch);
	return r == NULL ? -ENOMEM : v->on_credential(v->arg, r);
}

int image_each_scram(const struct image *image, image_on_scram *on_credential,
		     void *arg)
{
	struct visit v = { .on_credential = on_credential, .arg = arg };
	int rc = trie_each(&image->kept, visit_kept, &v);

	arena_clear(&v.scratch);
	return rc;
}

int image_scram(const struct image *image, struct slice user, int8_t mechanism,
		struct arena *arena,
		const struct user_scram_credential_record **credential_out)
{
	struct kept_key k = { .type = wire_desc_type_id(
				      &user_scram_credential_record_desc) };
	const struct kept_record *kept = NULL;
	struct buffer key = { 0 };
	int rc = -ENOMEM;

	image_scram_key(&key, user, mechanism);
	if (!key.failed) {
		k.key = buffer_slice(&key);
		kept = trie_find(&image->kept, image_kept_hash(k), &k);
		rc = kept == NULL ? -ENOENT : 0;
	}
	buffer_clear(&key);
	if (rc < 0)
		return rc;
	*credential_out = image_kept_message(kept, arena);
	return *credential_out == NULL ? -ENOMEM : 0;
}
