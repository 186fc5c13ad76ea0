/*
 * voters.c - who votes, as the log of the metadata says it (KIP-853)
 */
#include "kbrokerd/metadata/voters.h"

#include <errno.h>

#include "kbrokerd/metadata/record_list.h"
#include "wire/enums.h"
#include "wire/features.h"
#include "wire/messages.h"

enum { CONTROLS = 2, LEVEL = 1 };

struct saying {
	struct kraft_version_record version;
	struct voters_record voters;
	struct voters_record_voters voter;
	struct control_record controls[CONTROLS];
	struct arena arena;
};

/* The registration as a controller that the image has, or NULL. */
static const struct register_controller_record *registered(
	const struct image *image, int32_t node_id, struct arena *arena)
{
	struct slice value = image_controller(image, node_id);
	const struct wire_desc *desc;
	int16_t version;
	void *message;

	if (slice_is_null(value) ||
	    wire_metadata_decode(value, arena, &desc, &version, &message) < 0)
		return NULL;
	return message;
}

static int fill_endpoints(struct saying *s,
			  const struct register_controller_record *from)
{
	struct voters_record_voters *to = &s->voter;

	if (from == NULL || from->end_points_count == 0)
		return 0;
	to->endpoints = wire_array(&voters_record_voters_endpoints_desc,
				   &s->arena, from->end_points_count);
	if (to->endpoints == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < from->end_points_count; i++) {
		to->endpoints[i].name = from->end_points[i].name;
		to->endpoints[i].host = from->end_points[i].host;
		to->endpoints[i].port = from->end_points[i].port;
	}
	to->endpoints_count = from->end_points_count;
	return 0;
}

/* s is to be cleared, also on failure. */
static int say(struct saying *s, const struct voter *voter,
	       const struct image *image)
{
	const struct feature_def *def = feature_def_find("kraft.version");

	s->arena = (struct arena){ 0 };
	wire_init(&kraft_version_record_desc, &s->version);
	wire_init(&voters_record_desc, &s->voters);
	wire_init(&voters_record_voters_desc, &s->voter);
	s->version.kraft_version = LEVEL;
	s->voter.voter_id = voter->node_id;
	s->voter.voter_directory_id = voter->directory_id;
	s->voter.kraft_version_feature.min_supported_version = def->min_level;
	s->voter.kraft_version_feature.max_supported_version = def->max_level;
	s->voters.voters = &s->voter;
	s->voters.voters_count = 1;
	s->controls[0] = (struct control_record){
		.type = WIRE_CONTROL_RECORD_TYPE_KRAFT_VERSION,
		.desc = &kraft_version_record_desc,
		.message = &s->version,
	};
	s->controls[1] = (struct control_record){
		.type = WIRE_CONTROL_RECORD_TYPE_KRAFT_VOTERS,
		.desc = &voters_record_desc,
		.message = &s->voters,
	};
	return fill_endpoints(s, registered(image, voter->node_id, &s->arena));
}

int voters_batch(const struct voter *voter, const struct image *image,
		 int64_t base_offset, int32_t epoch, int64_t now_ms,
		 struct buffer *out)
{
	struct saying s;
	int rc = say(&s, voter, image);

	if (rc == 0)
		rc = control_batch(s.controls, CONTROLS, base_offset, epoch,
				   now_ms, out);
	arena_clear(&s.arena);
	return rc;
}

int voters_keep(const struct voter *voter, struct image *image)
{
	struct buffer value = { 0 };
	struct saying s;
	int rc = say(&s, voter, image);

	for (int i = 0; i < CONTROLS && rc == 0; i++) {
		const struct control_record *c = &s.controls[i];

		buffer_reset(&value);
		rc = wire_versioned_encode(c->desc, 0, c->message, &value);
		if (rc == 0)
			rc = image_edit_keep_control(image, c->type,
						     buffer_slice(&value));
	}
	buffer_clear(&value);
	arena_clear(&s.arena);
	return rc;
}

struct asking {
	int32_t node_id;
	bool has_others;
};

static int on_control(void *arg, int16_t type, struct slice value)
{
	struct asking *asking = arg;
	struct voters_record r;
	struct arena arena = { 0 };
	int16_t version;

	if (type == WIRE_CONTROL_RECORD_TYPE_KRAFT_VOTERS &&
	    wire_versioned_decode(&voters_record_desc, value, &arena, &version,
				  &r) >= 0)
		asking->has_others = r.voters_count != 1 ||
				     r.voters[0].voter_id != asking->node_id;
	arena_clear(&arena);
	return 0;
}

bool voters_are_others(const struct image *image, int32_t node_id)
{
	struct asking asking = { .node_id = node_id };

	image_each_control(image, on_control, &asking);
	return asking.has_others;
}
