/*
 * consumer_apply.c - records of a consumer group as they change memory
 *
 * The only way in which it changes, whether a record was decided just now or
 * is loaded.  While loading, compaction may have taken any older record: each
 * stands for itself, and their order says nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/consumer_state.h"
#include "kbrokerd/group/memory.h"

/* The group and its consumer state, made when there is none; or, for a
 * tombstone, NULL when there is none.  Returns 0 or -ENOMEM. */
static int find_group(struct group_shard *shard, struct slice id, bool make,
		      int64_t offset, struct consumer_group **out)
{
	struct group *group =
		make ? group_get(shard, id) : group_find(shard, id);

	*out = NULL;
	if (group == NULL)
		return make ? -ENOMEM : 0;
	*out = make ? consumer_get(group) : group->consumer;
	if (*out != NULL)
		group->offset = offset;
	else if (make)
		group_drop_if_void(group);
	return *out == NULL && make ? -ENOMEM : 0;
}

int consumer_apply_metadata(struct group_shard *shard, const void *key,
			    const void *value, int16_t version, int64_t offset)
{
	const struct consumer_group_metadata_key *k = key;
	const struct consumer_group_metadata_value *v = value;
	struct consumer_group *c;
	struct group *group;
	int rc = find_group(shard, k->group_id, v != NULL, offset, &c);

	(void)version;
	if (c == NULL)
		return rc;
	group = c->group;
	if (v == NULL) {
		consumer_free(group, 0);
		group_drop_if_void(group);
		return 0;
	}
	c->epoch = v->epoch;
	c->metadata_hash = v->metadata_hash;
	c->is_recorded = true;
	return 0;
}

int consumer_apply_partition_metadata(struct group_shard *shard,
				      const void *key, const void *value,
				      int16_t version, int64_t offset)
{
	const struct consumer_group_partition_metadata_key *k = key;
	struct consumer_group *c;
	int rc = find_group(shard, k->group_id, value != NULL, offset, &c);

	(void)version;
	if (c != NULL)
		c->has_partition_metadata = value != NULL;
	return rc;
}

int consumer_apply_target_metadata(struct group_shard *shard, const void *key,
				   const void *value, int16_t version,
				   int64_t offset)
{
	const struct consumer_group_target_assignment_metadata_key *k = key;
	const struct consumer_group_target_assignment_metadata_value *v = value;
	struct consumer_group *c;
	int rc = find_group(shard, k->group_id, v != NULL, offset, &c);

	(void)version;
	if (c != NULL)
		c->assignment_epoch = v == NULL ? 0 : v->assignment_epoch;
	return rc;
}

/* The member that a record is about, as find_group(). */
static int find_member(struct group_shard *shard, struct slice group_id,
		       struct slice member_id, bool make, int64_t offset,
		       struct consumer_member **out)
{
	struct consumer_group *c;
	int rc = find_group(shard, group_id, make, offset, &c);

	*out = NULL;
	if (c == NULL)
		return rc;
	*out = make ? consumer_make(c, member_id) : consumer_find(c, member_id);
	return *out == NULL && make ? -ENOMEM : 0;
}

/* Facts */

static struct slice copy_text(uint8_t **at, struct slice text)
{
	struct slice copy = { *at, text.len };

	if (slice_is_null(text))
		return text;
	if (text.len > 0)
		memcpy(*at, text.data, text.len);
	*at += text.len;
	return copy;
}

static size_t classic_size(const consumer_classic *classic)
{
	size_t size = 0;

	if (classic == NULL)
		return 0;
	for (int32_t i = 0; i < classic->supported_protocols_count; i++)
		size += sizeof(*classic->supported_protocols) +
			classic->supported_protocols[i].name.len +
			classic->supported_protocols[i].metadata.len;
	return sizeof(*classic) + size;
}

/* Structs first, texts behind: *at is aligned. */
static const consumer_classic *copy_classic(uint8_t **at,
					    const consumer_classic *classic)
{
	size_t count = (size_t)classic->supported_protocols_count;
	consumer_classic *copy = (consumer_classic *)*at;

	*at += sizeof(*copy);
	*copy = (consumer_classic){
		.session_timeout_ms = classic->session_timeout_ms,
		.supported_protocols = (void *)*at,
		.supported_protocols_count = classic->supported_protocols_count,
	};
	*at += count * sizeof(*copy->supported_protocols);
	for (size_t i = 0; i < count; i++) {
		memset(&copy->supported_protocols[i], 0,
		       sizeof(copy->supported_protocols[i]));
		copy->supported_protocols[i].name =
			copy_text(at, classic->supported_protocols[i].name);
		copy->supported_protocols[i].metadata =
			copy_text(at, classic->supported_protocols[i].metadata);
	}
	return copy;
}

typedef struct consumer_group_member_metadata_value member_value;

/* Everything but the subscription, in one piece of memory. */
static void *copy_facts(const member_value *v, struct consumer_facts *facts)
{
	size_t size = classic_size(v->classic_member_metadata) +
		      v->instance_id.len + v->rack_id.len + v->client_id.len +
		      v->client_host.len + v->server_assignor.len;
	uint8_t *memory = malloc(size + 1);
	uint8_t *at = memory;

	if (memory == NULL)
		return NULL;
	*facts = (struct consumer_facts){
		.rebalance_timeout_ms = v->rebalance_timeout_ms,
	};
	if (v->classic_member_metadata != NULL)
		facts->classic = copy_classic(&at, v->classic_member_metadata);
	facts->instance_id = copy_text(&at, v->instance_id);
	facts->rack_id = copy_text(&at, v->rack_id);
	facts->client_id = copy_text(&at, v->client_id);
	facts->client_host = copy_text(&at, v->client_host);
	facts->assignor = copy_text(&at, v->server_assignor);
	return memory;
}

static void drop_facts(struct consumer_member *member)
{
	struct consumer_group *c = member->consumer;

	if (!member->is_member)
		return;
	if (member->has_instance)
		HASH_DELETE(instance_hh, c->instances, member);
	member->has_instance = false;
	c->classic_count -= member->facts.classic != NULL;
	c->member_count--;
	member->is_member = false;
	consumer_remove_subscriber(c, member->facts.subscription);
	consumer_unsubscribe(c, member->facts.subscription);
	group_memory_free(c->group->shard, member->facts_memory);
	member->facts_memory = NULL;
	member->facts = (struct consumer_facts){ 0 };
}

/* The newest that names an instance has it. */
static int take_instance(struct consumer_member *member)
{
	struct consumer_group *c = member->consumer;
	struct slice id = member->facts.instance_id;
	struct consumer_member *other;

	if (slice_is_null(id))
		return 0;
	other = consumer_find_instance(c, id);
	if (other != NULL) {
		HASH_DELETE(instance_hh, c->instances, other);
		other->has_instance = false;
	}
	HASH_ADD_KEYPTR(instance_hh, c->instances, id.data, id.len, member);
	member->has_instance = member->instance_hh.tbl != NULL;
	return member->has_instance ? 0 : -ENOMEM;
}

static int set_facts(struct consumer_member *member, const member_value *v)
{
	struct consumer_group *c = member->consumer;
	struct consumer_subscription *subscription = consumer_subscribe(
		c, v->subscribed_topic_names, v->subscribed_topic_names_count,
		v->subscribed_topic_regex);
	struct consumer_facts facts;
	void *memory = copy_facts(v, &facts);

	if (subscription == NULL || memory == NULL ||
	    consumer_add_subscriber(c, subscription) != 0) {
		consumer_unsubscribe(c, subscription);
		free(memory);
		return -ENOMEM;
	}
	drop_facts(member);
	facts.subscription = subscription;
	member->facts = facts;
	member->facts_memory = memory;
	group_memory_add(c->group->shard, memory);
	member->is_member = true;
	c->member_count++;
	c->classic_count += facts.classic != NULL;
	return take_instance(member);
}

int consumer_apply_member(struct group_shard *shard, const void *key,
			  const void *value, int16_t version, int64_t offset)
{
	const struct consumer_group_member_metadata_key *k = key;
	struct consumer_member *member;
	int rc = find_member(shard, k->group_id, k->member_id, value != NULL,
			     offset, &member);

	(void)version;
	if (member == NULL)
		return rc;
	if (value != NULL) {
		rc = set_facts(member, value);
		if (rc != 0)
			consumer_forget_if_void(member);
		return rc;
	}
	drop_facts(member);
	consumer_stop_timers(member);
	consumer_forget_if_void(member);
	return 0;
}

/* Assignments */

static int copy_wire(const void *topics, int32_t count, struct assignment *out)
{
	struct arena arena = { 0 };
	struct assignment a;
	int rc = assignment_from_wire(&arena, topics, count, &a);

	if (rc == 0)
		rc = assignment_copy(&a, out);
	arena_clear(&arena);
	return rc;
}

int consumer_apply_target_member(struct group_shard *shard, const void *key,
				 const void *value, int16_t version,
				 int64_t offset)
{
	const struct consumer_group_target_assignment_member_key *k = key;
	const struct consumer_group_target_assignment_member_value *v = value;
	struct assignment target = { 0 };
	struct consumer_member *member;
	int rc = find_member(shard, k->group_id, k->member_id, v != NULL,
			     offset, &member);

	(void)version;
	if (member == NULL)
		return rc;
	if (v != NULL)
		rc = copy_wire(v->topic_partitions, v->topic_partitions_count,
			       &target);
	if (rc == 0) {
		consumer_set_assignment(member, &member->target, target);
		member->has_target = v != NULL;
	}
	consumer_forget_if_void(member);
	return rc;
}

typedef struct consumer_group_current_member_assignment_value progress_value;

static int copy_progress(const progress_value *v, struct consumer_progress *out)
{
	int rc;

	*out = (struct consumer_progress){
		.epoch = v->member_epoch,
		.previous_epoch = v->previous_member_epoch,
		.state = v->state,
	};
	rc = copy_wire(v->assigned_partitions, v->assigned_partitions_count,
		       &out->assigned);
	if (rc == 0)
		rc = copy_wire(v->partitions_pending_revocation,
			       v->partitions_pending_revocation_count,
			       &out->revoking);
	return rc;
}

static void drop_progress(struct consumer_member *member)
{
	static const struct assignment nothing;

	consumer_disown(member, &member->progress.assigned);
	consumer_disown(member, &member->progress.revoking);
	consumer_set_assignment(member, &member->progress.assigned, nothing);
	consumer_set_assignment(member, &member->progress.revoking, nothing);
	member->progress = (struct consumer_progress){ 0 };
	member->has_progress = false;
}

static int set_progress(struct consumer_member *member, const progress_value *v)
{
	struct consumer_progress progress;
	int rc = copy_progress(v, &progress);

	if (rc != 0) {
		assignment_clear(&progress.assigned);
		assignment_clear(&progress.revoking);
		return rc;
	}
	drop_progress(member);
	member->progress.epoch = progress.epoch;
	member->progress.previous_epoch = progress.previous_epoch;
	member->progress.state = progress.state;
	consumer_set_assignment(member, &member->progress.assigned,
				progress.assigned);
	consumer_set_assignment(member, &member->progress.revoking,
				progress.revoking);
	member->has_progress = true;
	rc = consumer_own(member, &progress.assigned);
	return rc != 0 ? rc : consumer_own(member, &progress.revoking);
}

int consumer_apply_current_member(struct group_shard *shard, const void *key,
				  const void *value, int16_t version,
				  int64_t offset)
{
	const struct consumer_group_current_member_assignment_key *k = key;
	struct consumer_member *member;
	int rc = find_member(shard, k->group_id, k->member_id, value != NULL,
			     offset, &member);

	(void)version;
	if (member == NULL)
		return rc;
	if (value != NULL)
		rc = set_progress(member, value);
	else
		drop_progress(member);
	consumer_forget_if_void(member);
	return rc;
}

/* Patterns */

int consumer_apply_regex(struct group_shard *shard, const void *key,
			 const void *value, int16_t version, int64_t offset)
{
	const struct consumer_group_regular_expression_key *k = key;
	const struct consumer_group_regular_expression_value *v = value;
	struct consumer_group *c;
	int rc = find_group(shard, k->group_id, v != NULL, offset, &c);

	(void)version;
	if (c == NULL)
		return rc;
	if (v != NULL)
		return consumer_resolve_pattern(c, k->regular_expression,
						v->topics, v->topics_count);
	consumer_unresolve_pattern(c, k->regular_expression);
	return 0;
}
