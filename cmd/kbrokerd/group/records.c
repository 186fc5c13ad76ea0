/*
 * records.c - the types of records that the coordinator keeps, a row each
 */
#include "kbrokerd/group/classic.h"
#include "kbrokerd/group/consumer.h"
#include "kbrokerd/group/offsets.h"
#include "kbrokerd/group/shard.h"
#include "wire/messages.h"

/* By rising type. */
static const struct group_record_kind kinds[] = {
	{ RECORD_OFFSET_COMMIT_LEGACY, &legacy_offset_commit_key_desc,
	  &legacy_offset_commit_value_desc, group_offset_apply_legacy },
	{ RECORD_OFFSET_COMMIT, &offset_commit_key_desc,
	  &offset_commit_value_desc, group_offset_apply },
	{ RECORD_GROUP_METADATA, &group_metadata_key_desc,
	  &group_metadata_value_desc, classic_apply },
	{ RECORD_CONSUMER_METADATA, &consumer_group_metadata_key_desc,
	  &consumer_group_metadata_value_desc, consumer_apply_metadata },
	{ RECORD_CONSUMER_PARTITION_METADATA,
	  &consumer_group_partition_metadata_key_desc,
	  &consumer_group_partition_metadata_value_desc,
	  consumer_apply_partition_metadata },
	{ RECORD_CONSUMER_MEMBER, &consumer_group_member_metadata_key_desc,
	  &consumer_group_member_metadata_value_desc, consumer_apply_member },
	{ RECORD_CONSUMER_TARGET_METADATA,
	  &consumer_group_target_assignment_metadata_key_desc,
	  &consumer_group_target_assignment_metadata_value_desc,
	  consumer_apply_target_metadata },
	{ RECORD_CONSUMER_TARGET_MEMBER,
	  &consumer_group_target_assignment_member_key_desc,
	  &consumer_group_target_assignment_member_value_desc,
	  consumer_apply_target_member },
	{ RECORD_CONSUMER_CURRENT_MEMBER,
	  &consumer_group_current_member_assignment_key_desc,
	  &consumer_group_current_member_assignment_value_desc,
	  consumer_apply_current_member },
	{ RECORD_CONSUMER_REGEX, &consumer_group_regular_expression_key_desc,
	  &consumer_group_regular_expression_value_desc, consumer_apply_regex },
};

const struct group_record_kind *group_record_kind(int16_t type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type == type)
			return &kinds[i];
	}
	return NULL;
}
