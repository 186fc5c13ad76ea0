/*
 * assignor_range.c - who reads what: a run of each topic's partitions each
 *
 * Where racks tell something (KIP-881), partitions go to near members first:
 * topics that the same members read and that have as many partitions stay
 * together, one member having the same partitions of all of them; others each
 * for itself.  Shares are what they are without racks; what has found nobody
 * near goes round as if there were none.  The decisions are those of the Java
 * client, one by one.
 */
#include <errno.h>
#include <stdlib.h>

#include "client/assignor.h"

struct range_share {
	struct assignor_member *member;
	int32_t given;
};

struct range_topic {
	const struct assignor_topic *topic;
	struct range_share *shares; /* of those who want it, in their order */
	size_t share_count;
	bool *is_given; /* each partition */
	int32_t first;  /* that is not given; those before are */
	int32_t each;
	int32_t extra; /* members who get one more */
	bool uses_racks;
	bool is_matched; /* to racks, as far as that goes */
};

static void range_topic_clear(struct range_topic *r)
{
	free(r->shares);
	free(r->is_given);
	*r = (struct range_topic){ 0 };
}

static int range_topic_init(struct range_topic *r,
			    const struct assignor_topic *topic,
			    struct assignor_member **refs, size_t count)
{
	size_t wanting = 0;

	*r = (struct range_topic){ .topic = topic };
	for (size_t i = 0; i < count; i++)
		wanting += assignor_subscribes(refs[i], topic->name);
	r->shares = calloc(wanting + 1, sizeof(*r->shares));
	r->is_given = calloc((size_t)topic->partition_count + 1,
			     sizeof(*r->is_given));
	if (r->shares == NULL || r->is_given == NULL) {
		range_topic_clear(r);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		if (assignor_subscribes(refs[i], topic->name))
			r->shares[r->share_count++].member = refs[i];
	}
	if (wanting > 0) {
		r->each = topic->partition_count / (int32_t)wanting;
		r->extra = topic->partition_count % (int32_t)wanting;
	}
	return 0;
}

/* May that member have one more? */
static bool has_room(const struct range_topic *r, size_t share)
{
	return r->shares[share].given < r->each + (r->extra > 0);
}

static bool is_near(const struct range_topic *r, size_t share,
		    int32_t partition)
{
	return assignor_is_near(r->shares[share].member, r->topic, partition);
}

static void take(struct range_topic *r, size_t share, int32_t partition)
{
	assignor_give(r->shares[share].member, r->topic->name, partition);
	r->shares[share].given++;
	if (r->shares[share].given > r->each)
		r->extra--;
	r->is_given[partition] = true;
	while (r->first < r->topic->partition_count && r->is_given[r->first])
		r->first++;
}

static void take_runs(struct range_topic *r, bool only_near)
{
	for (size_t i = 0; i < r->share_count; i++) {
		for (int32_t p = r->first;
		     p < r->topic->partition_count && has_room(r, i); p++) {
			if (!r->is_given[p] && (!only_near || is_near(r, i, p)))
				take(r, i, p);
		}
	}
}

/* The same members and as many partitions? */
static bool is_alike(const struct range_topic *a, const struct range_topic *b)
{
	if (a->topic->partition_count != b->topic->partition_count ||
	    a->share_count != b->share_count)
		return false;
	for (size_t i = 0; i < a->share_count; i++) {
		if (a->shares[i].member != b->shares[i].member)
			return false;
	}
	return true;
}

/* Is it near in all those topics, and has it room in all? */
static bool suits_all(struct range_topic *const *together, size_t count,
		      size_t share, int32_t partition)
{
	for (size_t t = 0; t < count; t++) {
		if (!has_room(together[t], share) ||
		    !is_near(together[t], share, partition))
			return false;
	}
	return true;
}

static void take_together(struct range_topic *const *together, size_t count)
{
	for (int32_t p = 0; p < together[0]->topic->partition_count; p++) {
		size_t i = 0;

		while (i < together[0]->share_count &&
		       !suits_all(together, count, i, p))
			i++;
		for (size_t t = 0; t < count && i < together[0]->share_count;
		     t++)
			take(together[t], i, p);
	}
}

static bool names_rack(const struct assignor_member *member)
{
	return member->rack != NULL && member->rack[0] != '\0';
}

/* Nobody who wants it names a rack: it goes round as ever. */
static bool has_racks(const struct range_topic *r)
{
	for (size_t i = 0; i < r->share_count; i++) {
		if (names_rack(r->shares[i].member))
			return true;
	}
	return false;
}

static int match_racks(struct range_topic *topics, size_t count)
{
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	struct range_topic **together = calloc(count + 1, sizeof(*together));

	if (together == NULL)
		return -ENOMEM;
	for (size_t t = 0; t < count; t++) {
		size_t found = 0;

		if (topics[t].is_matched || !has_racks(&topics[t]))
			continue;
		for (size_t o = t; o < count; o++) {
			if (is_alike(&topics[t], &topics[o]))
				together[found++] = &topics[o];
		}
		for (size_t o = 0; o < found; o++)
			together[o]->is_matched = true;
		if (found > 1)
			take_together(together, found);
		else if (topics[t].uses_racks)
			take_runs(&topics[t], true);
	}
	free(together);
	return 0;
}

/* Do racks tell anything of any topic?  scratch has room for all members. */
static bool look_for_racks(struct range_topic *topics, size_t count,
			   struct assignor_member **scratch)
{
	bool any = false;

	for (size_t t = 0; t < count; t++) {
		for (size_t i = 0; i < topics[t].share_count; i++)
			scratch[i] = topics[t].shares[i].member;
		topics[t].uses_racks = assignor_uses_racks(
			topics[t].topic, 1, scratch, topics[t].share_count);
		any |= topics[t].uses_racks;
	}
	return any;
}

/* All topics at once, since they look at each other. */
static int assign_with_racks(const struct assignor_topic *topics,
			     size_t topic_count, struct assignor_member **refs,
			     size_t member_count)
{
	struct range_topic *ranges = calloc(topic_count + 1, sizeof(*ranges));
	int rc = ranges == NULL ? -ENOMEM : 0;

	for (size_t t = 0; t < topic_count && rc == 0; t++)
		rc = range_topic_init(&ranges[t], &topics[t], refs,
				      member_count);
	if (rc == 0 && look_for_racks(ranges, topic_count, refs))
		rc = match_racks(ranges, topic_count);
	for (size_t t = 0; t < topic_count && ranges != NULL; t++) {
		if (rc == 0)
			take_runs(&ranges[t], false);
		range_topic_clear(&ranges[t]);
	}
	free(ranges);
	return rc;
}

static int assign_without(const struct assignor_topic *topics,
			  size_t topic_count, struct assignor_member **refs,
			  size_t member_count)
{
	int rc = 0;

	for (size_t t = 0; t < topic_count && rc == 0; t++) {
		struct range_topic r;

		rc = range_topic_init(&r, &topics[t], refs, member_count);
		if (rc == 0)
			take_runs(&r, false);
		range_topic_clear(&r);
	}
	return rc;
}

int assignor_assign_range(const struct assignor_topic *topics,
			  size_t topic_count, struct assignor_member *members,
			  size_t member_count)
{
	struct assignor_member **refs =
		assignor_in_order(members, member_count);
	bool has_rack = false;
	int rc;

	if (refs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < member_count; i++)
		has_rack |= names_rack(&members[i]);
	rc = has_rack ? assign_with_racks(topics, topic_count, refs,
					  member_count)
		      : assign_without(topics, topic_count, refs, member_count);
	free(refs);
	return rc == 0 ? assignor_finish(members, member_count) : rc;
}
