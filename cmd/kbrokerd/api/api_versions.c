/*
 * api_versions.c - ApiVersions: what this broker serves and can do
 *
 * A version that is not known never comes here: dispatch.c answers it.
 */
#include <ctype.h>

#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/feature_level.h"
#include "wire/error_codes.h"
#include "wire/features.h"
#include "wire/messages.h"

/* Letters and digits, with - and . between them (KIP-511). */
static bool is_software_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		bool inner = i > 0 && i + 1 < name.len;
		uint8_t c = name.data[i];

		if (!isalnum(c) && !(inner && (c == '-' || c == '.')))
			return false;
	}
	return name.len > 0;
}

static void fill_keys(struct request *req, struct api_versions_response *to)
{
	bool controller = request_on_controller_listener(req);
	size_t count;
	const struct api *rows = api_rows(&count);

	to->api_keys = wire_array(&api_versions_response_api_keys_desc,
				  &req->arena, (int32_t)count);
	for (size_t i = 0; to->api_keys != NULL && i < count; i++) {
		const struct wire_api *wire = wire_api(rows[i].key);
		struct api_versions_response_api_keys *key =
			&to->api_keys[to->api_keys_count];

		if (controller ? !wire->on_controller : !wire->on_broker)
			continue;
		key->api_key = rows[i].key;
		key->min_version = wire->min_version;
		if (rows[i].advertised_min >= 0)
			key->min_version = rows[i].advertised_min;
		key->max_version = wire->max_version;
		to->api_keys_count++;
	}
}

/* Version 3 cannot say a lowest level of 0: such features are left out. */
static void fill_supported(struct request *req,
			   struct api_versions_response *to)
{
	size_t count;
	const struct feature_def *defs = feature_defs(&count);

	to->supported_features =
		wire_array(&api_versions_response_supported_features_desc,
			   &req->arena, (int32_t)count);
	for (size_t i = 0; to->supported_features != NULL && i < count; i++) {
		struct api_versions_response_supported_features *feature =
			&to->supported_features[to->supported_features_count];

		if (defs[i].min_level == 0 && req->version < 4)
			continue;
		feature->name = slice_of(defs[i].name);
		feature->min_version = defs[i].min_level;
		feature->max_version = defs[i].max_level;
		to->supported_features_count++;
	}
}

static void fill_finalized(struct request *req, const struct image *image,
			   struct api_versions_response *to)
{
	size_t count;
	const struct feature_def *defs = feature_defs(&count);

	to->finalized_features_epoch = image_offset(image);
	to->finalized_features =
		wire_array(&api_versions_response_finalized_features_desc,
			   &req->arena, (int32_t)count);
	for (size_t i = 0; to->finalized_features != NULL && i < count; i++) {
		struct api_versions_response_finalized_features *feature =
			&to->finalized_features[to->finalized_features_count];
		int16_t level = feature_level(image, defs[i].name);

		if (level == 0)
			continue;
		feature->name = slice_of(defs[i].name);
		feature->max_version_level = level;
		feature->min_version_level = level;
		to->finalized_features_count++;
	}
}

void api_api_versions(struct request *req)
{
	const struct api_versions_request *request = req->message;
	struct api_versions_response response;
	const struct image *image;

	wire_init(&api_versions_response_desc, &response);
	if (req->version >= 3 &&
	    (!is_software_name(request->client_software_name) ||
	     !is_software_name(request->client_software_version))) {
		response.error_code = WIRE_INVALID_REQUEST;
		request_reply(req, &response);
		return;
	}
	if (req->version >= 3)
		request_set_client_software(req, request->client_software_name,
					    request->client_software_version);
	fill_keys(req, &response);
	image = metadata_image(req->broker->metadata);
	if (req->version >= 3) {
		fill_supported(req, &response);
		fill_finalized(req, image, &response);
	}
	request_reply(req, &response);
	image_release(image);
}
