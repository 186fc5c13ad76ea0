/*
 * classic_member.c - a member of a classic group
 *
 * Its ids never change: a static member that comes back under a new id is a
 * new member in the place of the old (KIP-345).
 */
#include "classic_group.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/memory.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

/* Texts */

int classic_text_copy(struct slice s, struct slice *copy_out)
{
	uint8_t *bytes = NULL;

	if (s.len > 0) {
		bytes = malloc(s.len + 1);
		if (bytes == NULL)
			return -ENOMEM;
		memcpy(bytes, s.data, s.len);
		bytes[s.len] = '\0';
	}
	*copy_out = (struct slice){ bytes, s.len };
	return 0;
}

void classic_text_set(struct group *group, struct slice *text,
		      struct slice copy)
{
	group_memory_free(group->shard, (void *)text->data);
	*text = copy;
	group_memory_add(group->shard, copy.data);
}

/* Copy s to where *at points, and move that on; null stays null. */
static struct slice place(uint8_t **at, struct slice s)
{
	struct slice copy = { *at, s.len };

	if (slice_is_null(s))
		return SLICE_NULL;
	if (s.len > 0)
		memcpy(*at, s.data, s.len);
	*at += s.len;
	return copy;
}

/* Protocols */

static bool has(const struct classic_protocols *own, struct slice name)
{
	for (int32_t i = 0; i < own->count; i++) {
		if (slice_equal(own->items[i].name, name))
			return true;
	}
	return false;
}

struct classic_protocols *classic_protocols_new(
	const struct join_group_request_protocols *protocols, int32_t count)
{
	size_t head = sizeof(struct classic_protocols) +
		      (size_t)count * sizeof(struct classic_protocol);
	size_t bytes = 0;
	struct classic_protocols *own;
	uint8_t *at;

	for (int32_t i = 0; i < count; i++)
		bytes += protocols[i].name.len + protocols[i].metadata.len;
	own = malloc(head + bytes);
	if (own == NULL)
		return NULL;
	own->count = 0;
	at = (uint8_t *)own + head;
	for (int32_t i = 0; i < count; i++) {
		if (has(own, protocols[i].name))
			continue;
		own->items[own->count].name = place(&at, protocols[i].name);
		own->items[own->count++].metadata =
			place(&at, protocols[i].metadata);
	}
	return own;
}

bool classic_protocols_equal(
	const struct classic_protocols *own,
	const struct join_group_request_protocols *protocols, int32_t count)
{
	if (own->count != count)
		return false;
	for (int32_t i = 0; i < count; i++) {
		if (!slice_equal(own->items[i].name, protocols[i].name) ||
		    !slice_equal(own->items[i].metadata, protocols[i].metadata))
			return false;
	}
	return true;
}

struct slice classic_member_metadata(const struct classic_member *member,
				     struct slice protocol)
{
	const struct classic_protocols *own = member->protocols;

	for (int32_t i = 0; i < own->count; i++) {
		if (slice_equal(own->items[i].name, protocol))
			return own->items[i].metadata;
	}
	return slice_of("");
}

/* How many members can do what */

static struct classic_support *find_support(struct classic_group *classic,
					    struct slice name)
{
	struct classic_support *support;

	HASH_FIND(hh, classic->support, name.data, name.len, support);
	return support;
}

static struct classic_support *make_support(struct classic_group *classic,
					    struct slice name)
{
	struct classic_support *support = find_support(classic, name);
	uint8_t *at;

	if (support != NULL)
		return support;
	support = calloc(1, sizeof(*support) + name.len);
	if (support == NULL)
		return NULL;
	at = (uint8_t *)(support + 1);
	support->name = place(&at, name);
	HASH_ADD_KEYPTR(hh, classic->support, support->name.data,
			support->name.len, support);
	if (support->hh.tbl == NULL) {
		free(support);
		return NULL;
	}
	group_memory_add(classic->group->shard, support);
	return support;
}

/* The first count of them are no longer supported. */
static void withdraw(struct classic_group *classic,
		     const struct classic_protocols *protocols, int32_t count)
{
	for (int32_t i = 0; i < count; i++) {
		struct classic_support *support =
			find_support(classic, protocols->items[i].name);

		assert(support != NULL);
		if (--support->count > 0)
			continue;
		HASH_DELETE(hh, classic->support, support);
		group_memory_free(classic->group->shard, support);
	}
}

static int support_all(struct classic_group *classic,
		       const struct classic_protocols *protocols)
{
	for (int32_t i = 0; i < protocols->count; i++) {
		struct classic_support *support =
			make_support(classic, protocols->items[i].name);

		if (support == NULL) {
			withdraw(classic, protocols, i);
			return -ENOMEM;
		}
		support->count++;
	}
	return 0;
}

int classic_member_set_protocols(struct classic_member *member,
				 struct classic_protocols *protocols)
{
	struct classic_group *classic = member->group->classic;

	if (protocols == NULL)
		return -ENOMEM;
	if (support_all(classic, protocols) < 0) {
		free(protocols);
		return -ENOMEM;
	}
	withdraw(classic, member->protocols, member->protocols->count);
	group_memory_free(member->group->shard, member->protocols);
	member->protocols = protocols;
	group_memory_add(member->group->shard, protocols);
	return 0;
}

/* Life */

static void on_session_over(struct group_shard *shard,
			    struct group_timer *timer)
{
	struct classic_member *member =
		(struct classic_member *)((char *)timer -
					  offsetof(struct classic_member,
						   session));

	(void)shard;
	classic_rebalance_expire(member);
}

struct classic_member *classic_member_new(
	struct group *group, const struct classic_member_facts *facts,
	struct classic_protocols *protocols)
{
	struct classic_member *member;
	uint8_t *at;

	if (protocols == NULL)
		return NULL;
	member = calloc(
		1, sizeof(*member) + facts->id.len + facts->instance_id.len +
			   facts->client_id.len + facts->client_host.len);
	if (member == NULL) {
		free(protocols);
		return NULL;
	}
	at = (uint8_t *)(member + 1);
	member->group = group;
	member->id = place(&at, facts->id);
	member->instance_id = place(&at, facts->instance_id);
	member->client_id = place(&at, facts->client_id);
	member->client_host = place(&at, facts->client_host);
	member->rebalance_timeout_ms = facts->rebalance_timeout_ms;
	member->session_timeout_ms = facts->session_timeout_ms;
	member->protocols = protocols;
	member->session.fire = on_session_over;
	group_memory_add(group->shard, member);
	group_memory_add(group->shard, protocols);
	return member;
}

void classic_member_free(struct classic_member *member)
{
	if (member == NULL)
		return;
	assert(member->join == NULL);
	assert(member->sync == NULL);
	group_timer_stop(member->group->shard, &member->session);
	classic_text_set(member->group, &member->assignment, SLICE_NULL);
	group_memory_free(member->group->shard, member->protocols);
	group_memory_free(member->group->shard, member);
}

struct classic_member *classic_member_find(const struct classic_group *classic,
					   struct slice id)
{
	struct classic_member *member = NULL;

	if (!slice_is_null(id))
		HASH_FIND(hh, classic->members, id.data, id.len, member);
	return member;
}

static struct classic_static *find_static(const struct classic_group *classic,
					  struct slice instance_id)
{
	struct classic_static *found = NULL;

	if (!slice_is_null(instance_id))
		HASH_FIND(hh, classic->statics, instance_id.data,
			  instance_id.len, found);
	return found;
}

struct classic_member *classic_member_find_static(
	const struct classic_group *classic, struct slice instance_id)
{
	struct classic_static *found = find_static(classic, instance_id);

	return found == NULL ? NULL : found->member;
}

int16_t classic_member_check(const struct classic_group *classic,
			     struct slice id, struct slice instance_id)
{
	if (!slice_is_null(instance_id)) {
		const struct classic_member *member =
			classic_member_find_static(classic, instance_id);

		if (member == NULL)
			return WIRE_UNKNOWN_MEMBER_ID;
		if (!slice_equal(member->id, id))
			return WIRE_FENCED_INSTANCE_ID;
	}
	return classic_member_find(classic, id) == NULL ? WIRE_UNKNOWN_MEMBER_ID
							: WIRE_NONE;
}

/* In the group and out of it */

/* The member's instance id is taken; it is in the table. */
static int add_static(struct classic_member *member)
{
	struct classic_group *classic = member->group->classic;
	struct classic_static *added;
	uint8_t *at;

	if (slice_is_null(member->instance_id))
		return 0;
	added = calloc(1, sizeof(*added) + member->instance_id.len);
	if (added == NULL)
		return -ENOMEM;
	at = (uint8_t *)(added + 1);
	added->instance_id = place(&at, member->instance_id);
	added->member = member;
	HASH_ADD_KEYPTR(hh, classic->statics, added->instance_id.data,
			added->instance_id.len, added);
	if (added->hh.tbl == NULL) {
		free(added);
		return -ENOMEM;
	}
	group_memory_add(member->group->shard, added);
	return 0;
}

static void remove_static(struct classic_member *member)
{
	struct classic_group *classic = member->group->classic;
	struct classic_static *found =
		find_static(classic, member->instance_id);

	if (found == NULL || found->member != member)
		return;
	HASH_DELETE(hh, classic->statics, found);
	group_memory_free(member->group->shard, found);
}

/* Into the table of members, and its protocols are counted. */
static int enter(struct classic_member *member)
{
	struct classic_group *classic = member->group->classic;

	if (support_all(classic, member->protocols) < 0)
		return -ENOMEM;
	HASH_ADD_KEYPTR(hh, classic->members, member->id.data, member->id.len,
			member);
	if (member->hh.tbl != NULL)
		return 0;
	withdraw(classic, member->protocols, member->protocols->count);
	return -ENOMEM;
}

static void go(struct classic_member *member)
{
	struct classic_group *classic = member->group->classic;

	HASH_DELETE(hh, classic->members, member);
	withdraw(classic, member->protocols, member->protocols->count);
	classic->joined -= member->awaits_join;
	classic->owing -= member->owes_sync;
}

int classic_member_add(struct classic_member *member,
		       struct slice protocol_type)
{
	struct classic_group *classic = member->group->classic;
	struct slice type = SLICE_NULL;

	assert(find_static(classic, member->instance_id) == NULL);
	if (classic->members == NULL &&
	    classic_text_copy(protocol_type, &type) < 0)
		return -ENOMEM;
	if (add_static(member) < 0)
		goto fail;
	if (enter(member) < 0) {
		remove_static(member);
		goto fail;
	}
	if (!slice_is_null(type))
		classic_text_set(member->group, &classic->protocol_type, type);
	if (classic->leader == NULL)
		classic->leader = member;
	return 0;

fail:
	free((void *)type.data);
	return -ENOMEM;
}

static void answer_all(struct classic_member *member, int16_t error,
		       struct slice id)
{
	struct group_ask *join = member->join;
	struct group_ask *sync = member->sync;

	if (join != NULL)
		classic_answer_join_error(join, error, id);
	if (sync != NULL)
		classic_answer_sync_error(sync, error);
}

int classic_member_replace(struct classic_member *old,
			   struct classic_member *with)
{
	struct classic_group *classic = old->group->classic;

	assert(slice_equal(old->instance_id, with->instance_id));
	if (enter(with) < 0)
		return -ENOMEM;
	answer_all(old, WIRE_FENCED_INSTANCE_ID, old->id);
	with->assignment = old->assignment;
	old->assignment = SLICE_NULL;
	find_static(classic, with->instance_id)->member = with;
	if (classic->leader == old)
		classic->leader = with;
	go(old);
	classic_member_free(old);
	return 0;
}

void classic_member_remove(struct classic_member *member, int16_t error)
{
	struct classic_group *classic = member->group->classic;

	/* Unknown members shall ask for a new id; else theirs is as good. */
	answer_all(member, error,
		   error == WIRE_UNKNOWN_MEMBER_ID ? slice_of("") : member->id);
	remove_static(member);
	go(member);
	if (classic->leader == member)
		classic->leader = classic->members;
	classic_member_free(member);
}

int classic_member_set_assignment(struct classic_member *member,
				  struct slice assignment)
{
	struct slice copy;

	if (classic_text_copy(assignment, &copy) < 0)
		return -ENOMEM;
	classic_text_set(member->group, &member->assignment, copy);
	return 0;
}

/* Waiting */

void classic_member_expect(struct classic_member *member, int64_t ms)
{
	struct group_shard *shard = member->group->shard;

	group_timer_set(shard, &member->session, shard->now_ms + ms);
}

void classic_member_await_join(struct classic_member *member,
			       struct group_ask *ask)
{
	struct group_ask *older = member->join;

	if (older != NULL)
		classic_answer_join_error(older, WIRE_REBALANCE_IN_PROGRESS,
					  member->id);
	group_ask_hang(ask, &member->join);
	member->group->classic->joined += !member->awaits_join;
	member->awaits_join = true;
}

void classic_member_await_sync(struct classic_member *member,
			       struct group_ask *ask)
{
	struct group_ask *older = member->sync;

	if (older != NULL)
		classic_answer_sync_error(older, WIRE_REBALANCE_IN_PROGRESS);
	group_ask_hang(ask, &member->sync);
	member->awaits_sync = true;
}

/* Pending members */

static void on_pending_over(struct group_shard *shard,
			    struct group_timer *timer)
{
	struct classic_pending *pending =
		(struct classic_pending *)((char *)timer -
					   offsetof(struct classic_pending,
						    session));

	(void)shard;
	classic_rebalance_expire_pending(pending);
}

struct classic_pending *classic_pending_find(
	const struct classic_group *classic, struct slice id)
{
	struct classic_pending *pending;

	HASH_FIND(hh, classic->pending, id.data, id.len, pending);
	return pending;
}

int classic_pending_add(struct group *group, struct slice id,
			int64_t session_timeout_ms)
{
	struct classic_pending *pending = calloc(1, sizeof(*pending) + id.len);
	uint8_t *at;

	if (pending == NULL)
		return -ENOMEM;
	at = (uint8_t *)(pending + 1);
	pending->group = group;
	pending->id = place(&at, id);
	pending->session.fire = on_pending_over;
	HASH_ADD_KEYPTR(hh, group->classic->pending, pending->id.data,
			pending->id.len, pending);
	if (pending->hh.tbl == NULL) {
		free(pending);
		return -ENOMEM;
	}
	group_memory_add(group->shard, pending);
	group_timer_set(group->shard, &pending->session,
			group->shard->now_ms + session_timeout_ms);
	return 0;
}

void classic_pending_remove(struct classic_pending *pending)
{
	HASH_DELETE(hh, pending->group->classic->pending, pending);
	group_timer_stop(pending->group->shard, &pending->session);
	group_memory_free(pending->group->shard, pending);
}
