/*
 * scram.c - DescribeUserScramCredentials, AlterUserScramCredentials
 *
 * Which mechanisms a user can log in by is told, never with what.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/api/change.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/image_scram.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

typedef struct describe_user_scram_credentials_response_results result;
typedef struct describe_user_scram_credentials_response_results_credential_infos
	info;

struct names {
	struct arena *arena;
	struct slice *at; /* NULL: only counted */
	size_t count;
};

static int add_name(void *arg, const struct user_scram_credential_record *r)
{
	struct names *names = arg;
	size_t i = names->count++;

	if (names->at == NULL)
		return 0;
	names->at[i] = arena_copy(names->arena, r->name);
	return slice_is_null(names->at[i]) ? -ENOMEM : 0;
}

/* Those of all credentials; a user is named once for each. */
static int all_names(const struct image *image, struct names *names)
{
	int rc = image_each_scram(image, add_name, names);

	if (rc < 0)
		return rc;
	names->at =
		arena_calloc(names->arena, names->count, sizeof(*names->at));
	names->count = 0;
	return names->at == NULL ? -ENOMEM
				 : image_each_scram(image, add_name, names);
}

static int wanted_names(const struct describe_user_scram_credentials_request *r,
			struct names *names)
{
	names->count = (size_t)r->users_count;
	names->at =
		arena_calloc(names->arena, names->count, sizeof(*names->at));
	for (size_t i = 0; names->at != NULL && i < names->count; i++)
		names->at[i] = r->users[i].name;
	return names->at == NULL ? -ENOMEM : 0;
}

static int fill_infos(result *to, const struct image *image,
		      struct arena *arena)
{
	to->credential_infos = wire_array(
		&describe_user_scram_credentials_response_results_credential_infos_desc,
		arena, SCRAM_MECHANISM_LAST);
	if (to->credential_infos == NULL)
		return -ENOMEM;
	for (int m = SCRAM_MECHANISM_FIRST; m <= SCRAM_MECHANISM_LAST; m++) {
		const struct user_scram_credential_record *r;
		info *row = &to->credential_infos[to->credential_infos_count];
		int rc = image_scram(image, to->user, (int8_t)m, arena, &r);

		if (rc == -ENOENT)
			continue;
		if (rc < 0)
			return rc;
		row->mechanism = (int8_t)m;
		row->iterations = r->iterations;
		to->credential_infos_count++;
	}
	return 0;
}

static int refuse(result *to, int16_t code, const char *text,
		  struct arena *arena)
{
	to->error_code = code;
	to->error_message = slice_of(arena_printf(arena, "%s: %.*s", text,
						  (int)to->user.len,
						  (const char *)to->user.data));
	return slice_is_null(to->error_message) ? -ENOMEM : 0;
}

static int fill_result(result *to, bool is_twice, const struct image *image,
		       struct arena *arena)
{
	int rc;

	if (is_twice)
		return refuse(to, WIRE_DUPLICATE_RESOURCE,
			      "Cannot describe SCRAM credentials for the same "
			      "user twice in a single request",
			      arena);
	rc = fill_infos(to, image, arena);
	if (rc < 0 || to->credential_infos_count > 0)
		return rc;
	return refuse(to, WIRE_RESOURCE_NOT_FOUND,
		      "Attempt to describe a user credential that does not "
		      "exist",
		      arena);
}

static int order_of_results(const void *a, const void *b)
{
	struct slice x = ((const result *)a)->user;
	struct slice y = ((const result *)b)->user;
	int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);

	return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static int describe(const struct describe_user_scram_credentials_request *req,
		    const struct image *image, struct arena *arena,
		    struct describe_user_scram_credentials_response *to)
{
	bool all = req->users_count <= 0; /* null is -1 */
	struct names names = { .arena = arena };
	int rc = all ? all_names(image, &names) : wanted_names(req, &names);
	enum name_mark *marks;

	if (rc < 0)
		return rc;
	marks = controller_mark_names(names.at, names.count, arena);
	to->results = wire_array(
		&describe_user_scram_credentials_response_results_desc, arena,
		(int32_t)names.count);
	if (marks == NULL || to->results == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < names.count && rc == 0; i++) {
		result *row = &to->results[to->results_count];

		if (marks[i] == NAME_AGAIN)
			continue;
		row->user = names.at[i];
		to->results_count++;
		rc = fill_result(row, !all && marks[i] == NAME_FIRST_OF_SEVERAL,
				 image, arena);
	}
	qsort(to->results, (size_t)to->results_count, sizeof(*to->results),
	      order_of_results);
	return rc;
}

void api_describe_user_scram_credentials(struct request *req)
{
	const struct image *image = metadata_image(req->broker->metadata);
	struct describe_user_scram_credentials_response response;
	int rc;

	wire_init(&describe_user_scram_credentials_response_desc, &response);
	rc = describe(req->message, image, &req->arena, &response);
	image_release(image);
	if (rc < 0)
		request_close(req, "out of memory");
	else
		request_reply(req, &response);
}

void api_alter_user_scram_credentials(struct request *req)
{
	change_submit(req, NULL);
}
