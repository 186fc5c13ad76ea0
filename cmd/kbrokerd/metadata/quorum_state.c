/*
 * quorum_state.c - the file quorum-state in the metadata log's directory
 */
#include "quorum_state.h"

#include <errno.h>
#include <jansson.h>

static int read_int(const json_t *object, const char *key, int64_t low,
		    int64_t high, int32_t *out)
{
	const json_t *value = json_object_get(object, key);
	json_int_t number;

	if (!json_is_integer(value))
		return -EBADMSG;
	number = json_integer_value(value);
	if (number < low || number > high)
		return -EBADMSG;
	*out = (int32_t)number;
	return 0;
}

static int read_voters(const json_t *root, struct quorum_state *out)
{
	const json_t *voters = json_object_get(root, "currentVoters");
	size_t count = json_array_size(voters);

	if (count > QUORUM_VOTERS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++) {
		if (read_int(json_array_get(voters, i), "voterId", 0, INT32_MAX,
			     &out->voters[i]) < 0)
			return -EBADMSG;
	}
	out->voter_count = count;
	return 0;
}

static int read_root(const json_t *root, struct quorum_state *out)
{
	const char *directory =
		json_string_value(json_object_get(root, "votedDirectoryId"));
	int32_t version;

	if (read_int(root, "data_version", 0, 1, &version) < 0 ||
	    read_int(root, "leaderId", -1, INT32_MAX, &out->leader_id) < 0 ||
	    read_int(root, "leaderEpoch", -1, INT32_MAX, &out->leader_epoch) <
		    0 ||
	    read_int(root, "votedId", -1, INT32_MAX, &out->voted_id) < 0)
		return -EBADMSG;
	out->version = (int16_t)version;
	if (directory != NULL)
		uuid_parse(slice_of(directory), &out->voted_directory_id);
	return version == 0 ? read_voters(root, out) : 0;
}

int quorum_state_parse(const char *text, size_t len, struct quorum_state *out)
{
	json_t *root = json_loadb(text, len, 0, NULL);
	int rc;

	*out = (struct quorum_state){ 0 };
	rc = root == NULL ? -EBADMSG : read_root(root, out);
	json_decref(root);
	return rc;
}

void quorum_state_format(const struct quorum_state *state, struct buffer *text)
{
	char directory[UUID_TEXT_LEN + 1];

	if (state->version > 0) {
		uuid_format(state->voted_directory_id, directory);
		buffer_printf(text,
			      "{\"leaderId\":%d,\"leaderEpoch\":%d,"
			      "\"votedId\":%d,\"votedDirectoryId\":\"%s\","
			      "\"data_version\":1}",
			      state->leader_id, state->leader_epoch,
			      state->voted_id, directory);
		return;
	}
	buffer_printf(text,
		      "{\"clusterId\":\"\",\"leaderId\":%d,\"leaderEpoch\":%d,"
		      "\"votedId\":%d,\"appliedOffset\":0,\"currentVoters\":[",
		      state->leader_id, state->leader_epoch, state->voted_id);
	for (size_t i = 0; i < state->voter_count; i++)
		buffer_printf(text, "%s{\"voterId\":%d}", i == 0 ? "" : ",",
			      state->voters[i]);
	buffer_put_text(text, "],\"data_version\":0}");
}
