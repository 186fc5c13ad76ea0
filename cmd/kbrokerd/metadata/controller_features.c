/*
 * controller_features.c - the levels of features change (KIP-584, KIP-778)
 *
 * One wrong level fails the whole request.  Levels of metadata.version below
 * one that brought new records cannot be had back: what those records say
 * would be lost.  The level of kraft.version is the quorum's, in records of its
 * own.
 */
#include <errno.h>

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/feature_level.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/features.h"
#include "wire/messages.h"

#define METADATA_VERSION "metadata.version"
#define ELR_VERSION      "eligible.leader.replicas.version"
#define MIN_ISR          "min.insync.replicas"

/* Eligible leader replicas are in records from this level on. */
enum { LEVEL_ELR_RECORDS = 23 };

/* The levels of metadata.version that brought new records. */
static const int16_t new_records[] = { 8, 11, 13, 14, 15, 17, 23 };

typedef struct update_features_request_feature_updates feature_update;

/* The levels as they will be, while a request is gone through. */
struct plan {
	const struct controller *c;
	const struct update_features_request *req;
	struct arena *arena;
};

/* What a feature will be when all updates before number until are made. */
static int16_t level_at(const struct plan *plan, const char *name,
			int32_t until)
{
	int16_t level = feature_level(plan->c->image, name);

	for (int32_t i = 0; i < until; i++) {
		const feature_update *u = &plan->req->feature_updates[i];

		if (slice_is(u->feature, name))
			level = u->max_version_level;
	}
	return level;
}

static const char *refuse(const struct plan *plan, const feature_update *u,
			  const char *why)
{
	return arena_printf(plan->arena,
			    "Invalid update version %d for feature %.*s. %s",
			    u->max_version_level, (int)u->feature.len,
			    (const char *)u->feature.data, why);
}

static const char *check_supported(const struct plan *plan,
				   const feature_update *u,
				   const struct feature_def *def)
{
	int32_t id = plan->c->node_id;

	if (def == NULL && u->max_version_level == 0)
		return refuse(plan, u,
			      arena_printf(plan->arena,
					   "Feature %.*s not found.",
					   (int)u->feature.len,
					   (const char *)u->feature.data));
	if (def == NULL)
		return refuse(plan, u,
			      arena_printf(plan->arena,
					   "Local controller %d does not "
					   "support this feature.",
					   id));
	if (u->max_version_level < def->min_level ||
	    u->max_version_level > def->max_level)
		return refuse(plan, u,
			      arena_printf(plan->arena,
					   "Local controller %d only supports "
					   "versions %d-%d",
					   id, def->min_level, def->max_level));
	return NULL;
}

static bool has_new_records(int16_t above, int16_t to)
{
	for (size_t i = 0; i < sizeof(new_records) / sizeof(new_records[0]);
	     i++) {
		if (new_records[i] > above && new_records[i] <= to)
			return true;
	}
	return false;
}

static const char *check_metadata_downgrade(const struct plan *plan,
					    const feature_update *u,
					    int16_t now)
{
	const char *why = "Refusing to perform the requested downgrade because "
			  "it might delete metadata information.";

	if (!has_new_records(u->max_version_level, now))
		return NULL;
	if (u->upgrade_type == WIRE_FEATURE_UPGRADE_TYPE_UNSAFE_DOWNGRADE)
		why = "Unsafe metadata downgrade is not supported in this "
		      "version.";
	return arena_printf(plan->arena,
			    "Unsupported metadata.version downgrade from %d "
			    "to %d. %s",
			    now, u->max_version_level, why);
}

static const char *check_quorum(const struct plan *plan,
				const feature_update *u, int16_t now)
{
	/* Nor does it rise by way of a downgrade. */
	if (u->max_version_level < now ||
	    (u->max_version_level > now &&
	     u->upgrade_type != WIRE_FEATURE_UPGRADE_TYPE_UPGRADE))
		return refuse(plan, u,
			      "Can't downgrade the version of this feature.");
	return NULL;
}

static const char *check_downgrade(const struct plan *plan,
				   const feature_update *u, int16_t now)
{
	if (u->max_version_level >= now)
		return NULL;
	if (u->upgrade_type == WIRE_FEATURE_UPGRADE_TYPE_UPGRADE)
		return refuse(plan, u,
			      "Can't downgrade the version of this feature "
			      "without setting the upgrade type to either safe "
			      "or unsafe downgrade.");
	return slice_is(u->feature, METADATA_VERSION)
		       ? check_metadata_downgrade(plan, u, now)
		       : NULL;
}

static const char *check_dependency(const struct plan *plan,
				    const feature_update *u, int32_t number)
{
	if (!slice_is(u->feature, ELR_VERSION) || u->max_version_level == 0 ||
	    level_at(plan, METADATA_VERSION, number) >= LEVEL_ELR_RECORDS)
		return NULL;
	return refuse(plan, u,
		      arena_printf(plan->arena,
				   "%s could not be set to %d because it "
				   "depends on metadata.version level %d",
				   ELR_VERSION, u->max_version_level,
				   LEVEL_ELR_RECORDS));
}

/* NULL: it can be. */
static const char *check_update(const struct plan *plan, int32_t number)
{
	const feature_update *u = &plan->req->feature_updates[number];
	const char *name = arena_text(plan->arena, u->feature);
	const struct feature_def *def;
	const char *text;
	int16_t now;

	if (name == NULL)
		return "out of memory";
	def = feature_def_find(name);
	if (u->max_version_level < 0)
		return refuse(plan, u,
			      "A feature version cannot be less than 0.");
	if (u->upgrade_type < WIRE_FEATURE_UPGRADE_TYPE_UPGRADE ||
	    u->upgrade_type > WIRE_FEATURE_UPGRADE_TYPE_UNSAFE_DOWNGRADE)
		return refuse(plan, u,
			      "The controller does not support the given "
			      "upgrade type.");
	text = check_supported(plan, u, def);
	if (text != NULL)
		return text;
	now = level_at(plan, name, number);
	if (strcmp(name, KRAFT_VERSION) == 0)
		return check_quorum(plan, u, now);
	text = check_downgrade(plan, u, now);
	return text == NULL ? check_dependency(plan, u, number) : text;
}

/* Records */

static void add_level(const struct controller *c, const char *name,
		      int16_t level)
{
	struct feature_level_record r;

	wire_init(&feature_level_record_desc, &r);
	r.name = slice_of(name);
	r.feature_level = level;
	record_list_add(c->records, &feature_level_record_desc, 0, &r);
}

static void add_min_isr(const struct controller *c, struct slice broker,
			const char *value)
{
	struct config_record r;

	wire_init(&config_record_desc, &r);
	r.resource_type = WIRE_CONFIG_RESOURCE_TYPE_BROKER;
	r.resource_name = broker;
	r.name = slice_of(MIN_ISR);
	r.value = value == NULL ? SLICE_NULL : slice_of(value);
	controller_add(c, &config_record_desc, &r);
}

static int drop_min_isr(void *arg, int8_t type, struct slice name)
{
	const struct controller *c = arg;

	if (type == WIRE_CONFIG_RESOURCE_TYPE_BROKER && name.len > 0 &&
	    config_set_get(image_configs(c->image, type, name), MIN_ISR) !=
		    NULL)
		add_min_isr(c, name, NULL);
	return 0;
}

/* Eligible leader replicas rest on one number for all brokers. */
static void start_elr(const struct controller *c)
{
	const struct config_set *cluster = image_configs(
		c->image, WIRE_CONFIG_RESOURCE_TYPE_BROKER, slice_of(""));
	const char *value = NULL;

	if (c->properties != NULL)
		value = properties_get(c->properties, MIN_ISR);
	if (config_set_get(cluster, MIN_ISR) == NULL)
		add_min_isr(c, slice_of(""), value == NULL ? "1" : value);
	image_each_config(c->image, drop_min_isr, (void *)c);
}

static void set_level(const struct controller *c, const char *name, int16_t now,
		      int16_t level)
{
	if (level == now)
		return;
	if (strcmp(name, KRAFT_VERSION) == 0) {
		*c->wants_voters = true;
		return;
	}
	if (now == 0 && strcmp(name, ELR_VERSION) == 0)
		start_elr(c);
	add_level(c, name, level);
}

static void apply(const struct plan *plan)
{
	for (int32_t i = 0; i < plan->req->feature_updates_count; i++) {
		const feature_update *u = &plan->req->feature_updates[i];
		const char *name = arena_text(plan->arena, u->feature);

		if (name == NULL) {
			plan->c->records->error = -ENOMEM;
			return;
		}
		set_level(plan->c, name, level_at(plan, name, i),
			  u->max_version_level);
	}
}

/* Answers */

/* Version 1 and before tell of each feature that it has changed. */
static void tell_all(const struct update_features_request *req,
		     struct update_features_response *resp, struct arena *arena)
{
	resp->results = wire_array(&update_features_response_results_desc,
				   arena, req->feature_updates_count);
	if (resp->results == NULL)
		return;
	for (int32_t i = 0; i < req->feature_updates_count; i++) {
		resp->results[i].feature = req->feature_updates[i].feature;
		/* Kafka's word for it. */
		resp->results[i].error_message = slice_of("NONE");
	}
	resp->results_count = req->feature_updates_count;
}

void controller_update_features(const struct controller *c,
				struct metadata_change *change)
{
	const struct update_features_request *req = change->request;
	struct update_features_response *resp = change->response;
	const struct plan plan = { c, req, change->arena };
	const char *text = NULL;

	resp->error_message = SLICE_NULL;
	for (int32_t i = 0; i < req->feature_updates_count && text == NULL; i++)
		text = check_update(&plan, i);
	if (text != NULL) {
		resp->error_code = WIRE_INVALID_UPDATE_VERSION;
		resp->error_message = slice_of(arena_printf(
			change->arena,
			"The update failed for all features since the "
			"following feature had an error: %s",
			text));
		return;
	}
	if (!req->validate_only)
		apply(&plan);
	if (change->version <= 1)
		tell_all(req, resp, change->arena);
}

void controller_refuse_features(struct metadata_change *change, int16_t code,
				const char *message)
{
	struct update_features_response *resp = change->response;

	resp->error_code = code;
	resp->error_message = slice_of(message);
}
