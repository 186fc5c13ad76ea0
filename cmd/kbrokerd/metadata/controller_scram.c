/*
 * controller_scram.c - SCRAM credentials change (AlterUserScramCredentials)
 *
 * Of a user one credential can change at a time; what is wrong with one user
 * stops no other.  A client sends the salted password, from which the keys
 * are made that are kept (RFC 5802); it goes no further than this file.
 */
#include <errno.h>
#include <string.h>

#include "base/digest.h"
#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/image_scram.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* As Kafka has them, for each mechanism. */
enum { ITERATIONS_MIN = 4096, ITERATIONS_MAX = 16384 };

typedef struct alter_user_scram_credentials_request_upsertions upsertion;

static const struct controller_error none = { WIRE_NONE, NULL };

/* What a request asks for one user: deletions first, then the others. */
struct scram_edit {
	struct slice user;
	int8_t mechanism;
	const upsertion *set; /* NULL: the credential is to go */
	enum name_mark mark;  /* NAME_AGAIN: answered with the first */
	struct controller_error error;
};

static struct controller_error unacceptable(const char *text)
{
	return (struct controller_error){ WIRE_UNACCEPTABLE_CREDENTIAL, text };
}

static bool failed(struct controller_error e)
{
	return e.code != WIRE_NONE;
}

static size_t count_edits(
	const struct alter_user_scram_credentials_request *req)
{
	return (size_t)req->deletions_count + (size_t)req->upsertions_count;
}

/* What is asked for, count_edits() of them, or NULL. */
static struct scram_edit *read_edits(
	const struct alter_user_scram_credentials_request *req,
	struct arena *arena)
{
	size_t count = count_edits(req);
	struct scram_edit *edits = arena_calloc(arena, count, sizeof(*edits));
	struct slice *names = arena_calloc(arena, count, sizeof(*names));
	enum name_mark *marks;
	size_t n = 0;

	if (edits == NULL || names == NULL)
		return NULL;
	for (int32_t i = 0; i < req->deletions_count; i++, n++) {
		edits[n].user = req->deletions[i].name;
		edits[n].mechanism = req->deletions[i].mechanism;
	}
	for (int32_t i = 0; i < req->upsertions_count; i++, n++) {
		edits[n].user = req->upsertions[i].name;
		edits[n].mechanism = req->upsertions[i].mechanism;
		edits[n].set = &req->upsertions[i];
	}
	for (size_t i = 0; i < count; i++)
		names[i] = edits[i].user;
	marks = controller_mark_names(names, count, arena);
	for (size_t i = 0; marks != NULL && i < count; i++)
		edits[i].mark = marks[i];
	return marks == NULL ? NULL : edits;
}

static struct controller_error check_deletion(const struct controller *c,
					      const struct scram_edit *edit,
					      struct arena *arena)
{
	const struct user_scram_credential_record *found;
	int rc = image_scram(c->image, edit->user, edit->mechanism, arena,
			     &found);

	if (rc == -ENOMEM)
		c->records->error = rc;
	if (rc == 0)
		return none;
	return (struct controller_error){
		WIRE_RESOURCE_NOT_FOUND,
		"Attempt to delete a user credential that does not exist"
	};
}

static struct controller_error check(const struct controller *c,
				     const struct scram_edit *edit,
				     struct arena *arena)
{
	if (image_feature(c->image, "metadata.version") < SCRAM_METADATA_LEVEL)
		return (struct controller_error){
			WIRE_UNSUPPORTED_VERSION,
			"The current metadata.version does not support SCRAM"
		};
	if (edit->user.len == 0)
		return unacceptable("Username must not be empty");
	if (edit->mechanism < SCRAM_MECHANISM_FIRST ||
	    edit->mechanism > SCRAM_MECHANISM_LAST)
		return (struct controller_error){
			WIRE_UNSUPPORTED_SASL_MECHANISM,
			"Unknown SCRAM mechanism"
		};
	if (edit->set == NULL)
		return check_deletion(c, edit, arena);
	if (edit->set->iterations < ITERATIONS_MIN)
		return unacceptable("Too few iterations");
	if (edit->set->iterations > ITERATIONS_MAX)
		return unacceptable("Too many iterations");
	return none;
}

/* The first thing that is wrong, in the order in which Kafka looks. */
static struct controller_error check_all(const struct controller *c,
					 const struct scram_edit *edit,
					 struct arena *arena)
{
	struct controller_error e = check(c, edit, arena);

	if (failed(e))
		return e;
	if (edit->mark == NAME_FIRST_OF_SEVERAL)
		return (struct controller_error){
			WIRE_DUPLICATE_RESOURCE,
			"A user credential cannot be altered twice in the "
			"same request"
		};
	if (edit->set != NULL && edit->set->salted_password.len == 0)
		return (struct controller_error){
			WIRE_UNKNOWN_SERVER_ERROR,
			"The salted password must not be empty"
		};
	return none;
}

static void add_set(const struct controller *c, const upsertion *set)
{
	enum digest digest =
		set->mechanism == WIRE_SCRAM_MECHANISM_SCRAM_SHA_256
			? DIGEST_SHA256
			: DIGEST_SHA512;
	size_t size = digest_size(digest);
	uint8_t client_key[DIGEST_SIZE_MAX];
	uint8_t stored_key[DIGEST_SIZE_MAX];
	uint8_t server_key[DIGEST_SIZE_MAX];
	struct user_scram_credential_record r;

	digest_hmac(digest, set->salted_password, slice_of("Client Key"),
		    client_key);
	digest_hash(digest, (struct slice){ client_key, size }, stored_key);
	digest_hmac(digest, set->salted_password, slice_of("Server Key"),
		    server_key);
	/* Whoever has this can log in. */
	explicit_bzero(client_key, sizeof(client_key));
	wire_init(&user_scram_credential_record_desc, &r);
	r.name = set->name;
	r.mechanism = set->mechanism;
	r.salt = set->salt;
	r.stored_key = (struct slice){ stored_key, size };
	r.server_key = (struct slice){ server_key, size };
	r.iterations = set->iterations;
	controller_add(c, &user_scram_credential_record_desc, &r);
}

static void add_removal(const struct controller *c,
			const struct scram_edit *edit)
{
	struct remove_user_scram_credential_record r;

	wire_init(&remove_user_scram_credential_record_desc, &r);
	r.name = edit->user;
	r.mechanism = edit->mechanism;
	controller_add(c, &remove_user_scram_credential_record_desc, &r);
}

static void add_rows(struct alter_user_scram_credentials_response *to,
		     const struct scram_edit *edits, size_t count,
		     bool with_errors)
{
	for (size_t i = 0; i < count; i++) {
		struct alter_user_scram_credentials_response_results *row;

		if (edits[i].mark == NAME_AGAIN ||
		    failed(edits[i].error) != with_errors)
			continue;
		row = &to->results[to->results_count++];
		row->user = edits[i].user;
		row->error_code = edits[i].error.code;
		row->error_message = slice_of(edits[i].error.text);
	}
}

/* What went well, then what did not. */
static void answer(struct metadata_change *change,
		   const struct scram_edit *edits, size_t count)
{
	struct alter_user_scram_credentials_response *to = change->response;

	to->results =
		wire_array(&alter_user_scram_credentials_response_results_desc,
			   change->arena, (int32_t)count);
	if (to->results == NULL)
		return;
	add_rows(to, edits, count, false);
	add_rows(to, edits, count, true);
}

void controller_alter_scram(const struct controller *c,
			    struct metadata_change *change)
{
	const struct alter_user_scram_credentials_request *req =
		change->request;
	struct scram_edit *edits = read_edits(req, change->arena);
	size_t count = count_edits(req);

	if (edits == NULL) {
		c->records->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (edits[i].mark == NAME_AGAIN)
			continue;
		edits[i].error = check_all(c, &edits[i], change->arena);
		if (failed(edits[i].error))
			continue;
		if (edits[i].set != NULL)
			add_set(c, edits[i].set);
		else
			add_removal(c, &edits[i]);
	}
	answer(change, edits, count);
}

void controller_refuse_scram(struct metadata_change *change, int16_t code,
			     const char *message)
{
	const struct alter_user_scram_credentials_request *req =
		change->request;
	struct scram_edit *edits = read_edits(req, change->arena);
	size_t count = edits == NULL ? 0 : count_edits(req);

	for (size_t i = 0; i < count; i++)
		edits[i].error = (struct controller_error){ code, message };
	answer(change, edits, count);
}
