/*
 * records.c - the types of records that the coordinator keeps, a row each
 */
#include "kbrokerd/group/classic.h"
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
	/* consumer.c's 3 to 8 and 16: their rows come here together with these
	 * files. */
};

const struct group_record_kind *group_record_kind(int16_t type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type == type)
			return &kinds[i];
	}
	return NULL;
}
