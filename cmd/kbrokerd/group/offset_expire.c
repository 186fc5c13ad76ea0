/*
 * offset_expire.c - offsets that go by themselves (KIP-211, KIP-496)
 *
 * An offset is kept for offsets.retention.minutes after
 *
 *  - the group lost its last member, where a classic group had any;
 *  - its own commit, in a group without members ever, in one of consumers that
 *    runs but no longer subscribes to the topic, and in a KIP-848 group.
 *
 * Commits of old versions may say when it goes instead.  A group without
 * offsets and members goes too, and offsets of a topic that was deleted.
 */
#include <errno.h>

#include "kbrokerd/group/offsets.h"
#include "wire/messages.h"

/* Tombstones are written in batches of so many. */
enum { CHANGES_MAX = 1000 };

/* The tombstones of one walk over the groups. */
struct sweep {
	struct group_shard *shard;
	struct arena arena;
	struct group_changes changes;
	int64_t expired;
	int rc; /* the first error: what is left is tried the next time */
};

static void sweep_init(struct sweep *s, struct group_shard *shard)
{
	*s = (struct sweep){ .shard = shard };
	group_changes_init(&s->changes, &s->arena);
}

/*
 * Commit what was gathered.  A group of which that was all may be gone after
 * it: it is called before anything of the next one is gathered.
 */
static void flush(struct sweep *s)
{
	int rc = 0;

	if (s->rc == 0 && s->changes.count > 0)
		rc = group_commit(s->shard, &s->changes, NULL);
	if (rc == 0 && s->rc == 0)
		s->shard->counters.expired += s->expired;
	else if (s->rc == 0)
		s->rc = rc;
	s->expired = 0;
	arena_reset(&s->arena);
	group_changes_init(&s->changes, &s->arena);
}

static void flush_much(struct sweep *s)
{
	if (s->changes.count >= CHANGES_MAX)
		flush(s);
}

static void sweep_clear(struct sweep *s)
{
	flush(s);
	arena_clear(&s->arena);
}

/* From when on an offset of the group ages: false when it does not. */
static bool ages(const struct group *group, int64_t *empty_since_out)
{
	*empty_since_out = -1;
	if (group->classic == NULL)
		return true;
	if (!group_has_members(group)) {
		*empty_since_out = group_empty_since(group);
		return true;
	}
	return strcmp(group_state(group), "Stable") == 0 &&
	       strcmp(group_protocol_type(group), "consumer") == 0;
}

static bool is_expired(const struct group_shard *shard,
		       const struct group_offset *o, int64_t empty_since)
{
	int64_t since = empty_since >= 0 ? empty_since : o->commit_ms;

	if (o->expire_ms >= 0)
		return shard->wall_ms >= o->expire_ms;
	return shard->wall_ms - since >= shard->settings->offsets_retention_ms;
}

/* Gather the expired ones.  Returns whether no other is left. */
static bool expire(struct sweep *s, const struct group *group)
{
	struct group_offset *o;
	struct group_offset *next;
	int64_t empty_since;
	bool none_left = true;

	if (!ages(group, &empty_since))
		return group->offsets == NULL;
	HASH_ITER(hh, group->offsets, o, next)
	{
		flush_much(s);
		if (group_offset_is_stale(s->shard, o) ||
		    (is_expired(s->shard, o, empty_since) &&
		     !group_subscribes(group, o->topic))) {
			group_offset_remove(o, group, &s->changes);
			s->expired++;
		} else {
			none_left = false;
		}
	}
	return none_left;
}

void group_expire_offsets(struct group_shard *shard)
{
	struct group *group;
	struct group *next;
	struct sweep s;

	sweep_init(&s, shard);
	HASH_ITER(hh, shard->groups, group, next)
	{
		flush_much(&s);
		if (expire(&s, group) && !group_has_members(group))
			group_delete(group, &s.changes);
	}
	sweep_clear(&s);
	HASH_ITER(hh, shard->groups, group, next)
	group_drop_if_void(group);
}

/* Deleted topics */

static bool was_deleted(const struct group_topics *before,
			const struct group_topics *now, struct slice name)
{
	struct group_topic old;
	struct group_topic new;

	if (!before->by_name(before, name, &old))
		return false;
	return !now->by_name(now, name, &new) || !uuid_equal(old.id, new.id);
}

static void forget_topics(struct sweep *s, const struct group *group,
			  const struct group_topics *before)
{
	struct group_offset *o;
	struct group_offset *next;

	HASH_ITER(hh, group->offsets, o, next)
	{
		flush_much(s);
		if (was_deleted(before, s->shard->topics, o->topic))
			group_offset_remove(o, group, &s->changes);
	}
}

void group_offsets_forget_topics(struct group_shard *shard,
				 const struct group_topics *before)
{
	struct group *group;
	struct group *next;
	struct sweep s;

	sweep_init(&s, shard);
	HASH_ITER(hh, shard->groups, group, next)
	{
		flush_much(&s);
		forget_topics(&s, group, before);
	}
	sweep_clear(&s);
}
