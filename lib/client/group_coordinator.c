/*
 * group_coordinator.c - which broker coordinates the group, and what it speaks
 */
#include <assert.h>

#include "client/group_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { KEY_TYPE_GROUP = 0, METADATA_WITHOUT_TOPICS = 1 };

struct found {
	int16_t code;
	struct slice text;
	int32_t node;
};

static struct found look(const struct client_request *request,
			 const struct find_coordinator_response *answer)
{
	if (client_request_version(request) < 4)
		return (struct found){ answer->error_code,
				       answer->error_message, answer->node_id };
	if (answer->coordinators_count < 1)
		return (struct found){ WIRE_COORDINATOR_NOT_AVAILABLE,
				       SLICE_NULL, -1 };
	return (struct found){ answer->coordinators->error_code,
			       answer->coordinators->error_message,
			       answer->coordinators->node_id };
}

static void on_found(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	struct found found;
	const char *text;

	assert(request == m->request);
	m->request = NULL;
	if (group_has_answer(m, request)) {
		found = look(request, client_request_answer(request));
		/* Its address comes with the metadata. */
		if (found.code == WIRE_NONE &&
		    client_node(m->client, found.node) == NULL) {
			m->needs_nodes = true;
			found.code = WIRE_COORDINATOR_NOT_AVAILABLE;
		}
		if (found.code != WIRE_NONE)
			group_take_code(m, found.code, "FindCoordinator");
		m->coordinator = found.node;
		text = arena_text(client_request_arena(request), found.text);
		member_found(&m->core, found.code, text, loop_now_ms(m->loop));
	}
	client_request_free(request);
	group_pump(m);
}

static void ask(struct group_member *m)
{
	struct find_coordinator_request *q;
	struct slice *key;

	m->request = client_request_new(m->client, API_FIND_COORDINATOR);
	if (m->request == NULL) {
		group_no_memory(m);
		return;
	}
	q = client_request_message(m->request);
	key = arena_alloc(client_request_arena(m->request), sizeof(*key));
	if (key == NULL) {
		group_no_memory(m);
		return;
	}
	*key = slice_of(m->config->group_id);
	q->key = *key;
	q->key_type = KEY_TYPE_GROUP;
	q->coordinator_keys = key;
	q->coordinator_keys_count = 1;
	client_send(m->request, CLIENT_ANY_NODE, group_timeout_ms(m), on_found,
		    m);
}

static void on_nodes(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	bool is_there = group_has_answer(m, request);

	m->request = NULL;
	client_request_free(request);
	if (is_there) {
		m->needs_nodes = false;
		ask(m);
	}
	group_pump(m);
}

/* The addresses of the brokers, then the coordinator among them. */
void group_find(struct group_member *m)
{
	size_t count;

	client_nodes(m->client, &count);
	if (count > 0 && !m->needs_nodes) {
		ask(m);
		return;
	}
	m->request = client_request_new(m->client, API_METADATA);
	if (m->request == NULL) {
		group_no_memory(m);
		return;
	}
	client_request_limit_versions(m->request, METADATA_WITHOUT_TOPICS,
				      INT16_MAX);
	((struct metadata_request *)client_request_message(m->request))
		->allow_auto_topic_creation = false;
	client_send(m->request, CLIENT_ANY_NODE, group_timeout_ms(m), on_nodes,
		    m);
}

/*
 * The protocol: that of the members there are; else the newer one, unless an
 * assignor is wanted that only runs in clients.
 */

static bool is_live_classic(const struct describe_groups_response *answer)
{
	return answer->groups_count > 0 &&
	       answer->groups->error_code == WIRE_NONE &&
	       answer->groups->members_count > 0;
}

static bool wants_own_assignor(const struct client_config *config)
{
	return client_config_was_set(config, "partition.assignment.strategy") &&
	       config->group_remote_assignor[0] == '\0';
}

static bool can_consumer(const struct group_member *m)
{
	int version = client_api_version(m->client, m->coordinator,
					 API_CONSUMER_GROUP_HEARTBEAT);

	/* Patterns came with version 1. */
	return version >= (m->topics.regex != NULL ? 1 : 0) &&
	       !wants_own_assignor(m->config);
}

static void on_described(void *arg, struct client_request *request)
{
	struct group_member *m = arg;

	assert(request == m->request);
	m->request = NULL;
	if (group_has_answer(m, request)) {
		bool is_classic =
			is_live_classic(client_request_answer(request)) ||
			!can_consumer(m);

		m->core.may_fall_back = !is_classic;
		member_chosen(&m->core,
			      is_classic ? &member_classic : &member_consumer);
	}
	client_request_free(request);
	group_pump(m);
}

void group_choose(struct group_member *m)
{
	struct describe_groups_request *q;

	m->request = client_request_new(m->client, API_DESCRIBE_GROUPS);
	if (m->request == NULL) {
		group_no_memory(m);
		return;
	}
	q = client_request_message(m->request);
	q->groups = arena_alloc(client_request_arena(m->request),
				sizeof(*q->groups));
	if (q->groups == NULL) {
		group_no_memory(m);
		return;
	}
	*q->groups = slice_of(m->config->group_id);
	q->groups_count = 1;
	client_send(m->request, m->coordinator, group_timeout_ms(m),
		    on_described, m);
}
