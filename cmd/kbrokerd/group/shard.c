/*
 * shard.c - the groups of one partition of __consumer_offsets
 *
 * A record is applied in one way only, whether it was appended just now or is
 * loaded: what memory says is what the log says.
 */
#include "shard.h"

#include <assert.h>
#include <errno.h>

#include "kbrokerd/group/group.h"
#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"
#include "wire/wire.h"

/* Changes */

void group_changes_init(struct group_changes *changes, struct arena *arena)
{
	*changes = (struct group_changes){ .arena = arena };
	changes->last = &changes->first;
}

void group_changes_add(struct group_changes *changes, int16_t type,
		       const void *key, int16_t version, const void *value)
{
	struct group_change *change =
		arena_alloc(changes->arena, sizeof(*change));

	if (change == NULL || key == NULL) {
		changes->failed = true;
		return;
	}
	*change = (struct group_change){
		.type = type,
		.version = version,
		.key = key,
		.value = value,
	};
	*changes->last = change;
	changes->last = &change->next;
	changes->count++;
}

static int apply_each(struct group_shard *shard,
		      const struct group_changes *changes, int64_t end_offset)
{
	int64_t offset = end_offset - changes->count;

	for (const struct group_change *c = changes->first; c != NULL;
	     c = c->next) {
		const struct group_record_kind *kind =
			group_record_kind(c->type);
		int rc = kind->apply(shard, c->key, c->value, c->version,
				     ++offset);

		if (rc < 0) {
			shard->broken = true;
			return rc;
		}
	}
	return 0;
}

/* Changes may have their texts from groups that go with them: groups are freed
 * when all is applied. */
static int apply(struct group_shard *shard, const struct group_changes *changes,
		 int64_t end_offset)
{
	int rc;

	shard->applying = true;
	rc = apply_each(shard, changes, end_offset);
	shard->applying = false;
	group_drop_doubtful(shard);
	return rc;
}

int group_commit(struct group_shard *shard, const struct group_changes *changes,
		 int64_t *offset_out)
{
	int64_t end_offset = 0;
	int rc = 0;

	if (changes->failed)
		return -ENOMEM;
	if (changes->count > 0) {
		rc = shard->log.append(shard->log.arg, changes, shard->wall_ms,
				       &end_offset);
		if (rc == 0)
			rc = apply(shard, changes, end_offset);
	}
	if (rc == 0 && offset_out != NULL)
		*offset_out = end_offset;
	return rc;
}

/* What clients understand best: ask again soon, or look for the coordinator. */
static const struct {
	int rc;
	int16_t code;
} commit_errors[] = {
	{ 0, WIRE_NONE },
	{ -ENOMEM, WIRE_COORDINATOR_NOT_AVAILABLE },
	{ -ENOSPC, WIRE_COORDINATOR_NOT_AVAILABLE },
	{ -EMSGSIZE, WIRE_UNKNOWN_SERVER_ERROR },
	{ -E2BIG, WIRE_UNKNOWN_SERVER_ERROR },
	{ -EOVERFLOW, WIRE_UNKNOWN_SERVER_ERROR },
};

int16_t group_commit_error(int rc)
{
	for (size_t i = 0; i < sizeof(commit_errors) / sizeof(commit_errors[0]);
	     i++) {
		if (commit_errors[i].rc == rc)
			return commit_errors[i].code;
	}
	return WIRE_NOT_COORDINATOR;
}

/* Life */

static void on_offsets_timer(struct group_shard *shard,
			     struct group_timer *timer)
{
	group_timer_set(shard, timer,
			shard->now_ms +
				shard->settings->offsets_check_interval_ms);
	group_expire_offsets(shard);
}

void group_shard_init(struct group_shard *shard, struct random *random,
		      const struct group_settings *settings,
		      const struct group_topics *topics, struct group_log log)
{
	*shard = (struct group_shard){
		.log = log,
		.random = random,
		.settings = settings,
		.topics = topics,
		.offsets_timer.fire = on_offsets_timer,
	};
}

void group_shard_clear(struct group_shard *shard)
{
	struct group *group;
	struct group *next;

	HASH_ITER(hh, shard->groups, group, next)
	group_free(group, WIRE_NOT_COORDINATOR);
	group_timer_stop(shard, &shard->offsets_timer);
	assert(shard->timers == NULL);
	arena_clear(&shard->scratch);
	shard->loaded = false;
}

/* Loading */

static int load(struct group_shard *shard, const struct group_record_kind *kind,
		struct slice key, struct slice value, int64_t offset)
{
	struct arena *arena = &shard->scratch;
	void *key_message = arena_alloc(arena, wire_desc_size(kind->key_desc));
	void *value_message =
		arena_alloc(arena, wire_desc_size(kind->value_desc));
	int16_t version = 0;
	int64_t n;

	if (key_message == NULL || value_message == NULL)
		return -ENOMEM;
	n = wire_versioned_decode(kind->key_desc, key, arena, &version,
				  key_message);
	if (n < 0)
		return (int)n;
	if (slice_is_null(value))
		value_message = NULL;
	else
		n = wire_versioned_decode(kind->value_desc, value, arena,
					  &version, value_message);
	if (n < 0)
		return (int)n;
	return kind->apply(shard, key_message, value_message, version, offset);
}

int group_shard_load(struct group_shard *shard, struct slice key,
		     struct slice value, int64_t offset)
{
	const struct group_record_kind *kind;
	int rc;

	if (slice_is_null(key) || key.len < sizeof(int16_t))
		return -EBADMSG;
	kind = group_record_kind((int16_t)get_be16(key.data));
	if (kind == NULL)
		return 0;
	rc = load(shard, kind, key, value, offset);
	arena_reset(&shard->scratch);
	return rc == -ENOTSUP ? 0 : rc;
}

void group_shard_loaded(struct group_shard *shard)
{
	struct group *group;
	struct group *next;

	arena_clear(&shard->scratch);
	shard->loaded = true;
	HASH_ITER(hh, shard->groups, group, next)
	{
		group_loaded(group);
		group_drop_if_void(group);
	}
	group_timer_set(shard, &shard->offsets_timer,
			shard->now_ms +
				shard->settings->offsets_check_interval_ms);
}

void group_shard_set_topics(struct group_shard *shard,
			    const struct group_topics *topics)
{
	struct group *group;
	struct group *next;

	shard->topics = topics;
	HASH_ITER(hh, shard->groups, group, next)
	group_topics_changed(group);
}
