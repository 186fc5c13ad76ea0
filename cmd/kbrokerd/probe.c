/*
 * probe.c - can the clients of a broker reach what it tells them?
 *
 * Does what a client does, by the same code: bootstrap, Metadata, and a
 * request to each broker of the answer, all at once.
 */
#include "kbrokerd/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exit_code.h"
#include "client/client.h"
#include "kbrokerd/listener_address.h"
#include "kbrokerd/program.h"
#include "wire/messages.h"

enum { TIMEOUT_MS = 3000 };

struct probing {
	struct messages *messages;
	struct client_config config;
	struct loop *loop;
	struct client *client;
	struct client_request **asked; /* one for each node */
	size_t count;
	size_t answered;
};

static int failed(struct probing *p, const struct client_error *error)
{
	return message_fail(p->messages, (int)error->kind, "%s", error->text);
}

static int out_of_memory(struct probing *p)
{
	return message_fail(p->messages, EXIT_REFUSED, "%s", strerror(ENOMEM));
}

static int connect_to(struct probing *p, const char *address)
{
	struct client_error error = { 0 };

	if (client_config_init(&p->config) < 0 || loop_new(&p->loop) < 0)
		return out_of_memory(p);
	if (client_config_set(&p->config, "bootstrap.servers", address,
			      &error) < 0 ||
	    client_config_set(&p->config, "client.id", "kbrokerd-probe",
			      &error) < 0 ||
	    client_new(p->loop, &p->config, &p->client, &error) < 0)
		return failed(p, &error);
	return EXIT_OK;
}

/* The cluster's brokers are known after it. */
static int ask_for_brokers(struct probing *p)
{
	struct client_request *r = client_request_new(p->client, API_METADATA);
	struct metadata_request *m;
	int status = EXIT_OK;

	if (r == NULL)
		return out_of_memory(p);
	m = client_request_message(r);
	m->allow_auto_topic_creation = false;
	client_request_limit_versions(r, 1, INT16_MAX);
	if (client_call(r, CLIENT_ANY_NODE, TIMEOUT_MS) < 0)
		status = failed(p, client_request_error(r));
	client_request_free(r);
	return status;
}

static void on_answered(void *arg, struct client_request *request)
{
	struct probing *p = arg;

	(void)request;
	p->answered++;
}

static int ask_each(struct probing *p)
{
	const struct client_node *nodes = client_nodes(p->client, &p->count);
	struct api_versions_request *m;

	p->asked = calloc(p->count + 1, sizeof(struct client_request *));
	if (p->asked == NULL)
		return out_of_memory(p);
	for (size_t i = 0; i < p->count; i++) {
		p->asked[i] = client_request_new(p->client, API_API_VERSIONS);
		if (p->asked[i] == NULL)
			return out_of_memory(p);
		m = client_request_message(p->asked[i]);
		m->client_software_name = slice_of("kspool");
		m->client_software_version = slice_of(KSPOOL_VERSION);
		client_send(p->asked[i], nodes[i].id, TIMEOUT_MS, on_answered,
			    p);
	}
	while (p->answered < p->count) {
		if (loop_run_once(p->loop, -1) < 0)
			return out_of_memory(p);
	}
	return EXIT_OK;
}

static int tell(struct probing *p, bool only_itself)
{
	enum message_level level =
		only_itself ? MESSAGE_WARNING : MESSAGE_ERROR;
	const struct client_node *nodes = client_nodes(p->client, &p->count);
	int status = EXIT_OK;

	for (size_t i = 0; i < p->count; i++) {
		const struct client_error *error =
			client_request_error(p->asked[i]);
		bool is_v6 = strchr(nodes[i].host, ':') != NULL;
		bool is_ok = error->kind == CLIENT_OK;

		printf("%d\t%s%s%s:%u\t%s\n", nodes[i].id, is_v6 ? "[" : "",
		       nodes[i].host, is_v6 ? "]" : "", nodes[i].port,
		       is_ok ? "ok" : "failed");
		if (is_ok)
			continue;
		message(p->messages, level, "%s", error->text);
		if (!only_itself)
			status = EXIT_REFUSED;
	}
	if (fflush(stdout) != 0)
		return message_fail(p->messages, EXIT_REFUSED, "stdout: %s",
				    strerror(errno));
	return status;
}

static void release(struct probing *p)
{
	for (size_t i = 0; p->asked != NULL && i < p->count; i++)
		client_request_free(p->asked[i]);
	free(p->asked);
	client_free(p->client);
	loop_free(p->loop);
	client_config_clear(&p->config);
}

int probe(const char *address, bool only_itself, struct messages *messages)
{
	struct probing p = { .messages = messages };
	int status = connect_to(&p, address);

	if (status == EXIT_OK)
		status = ask_for_brokers(&p);
	if (status == EXIT_OK)
		status = ask_each(&p);
	if (status == EXIT_OK)
		status = tell(&p, only_itself);
	release(&p);
	return status;
}

int program_probe(struct program *p, const char *address)
{
	const struct listener_config *l;
	char own[512];
	int status;

	if (address != NULL)
		return probe(address, false, &p->messages);
	p->lenient = true; /* that is for the broker itself to complain of */
	status = program_check(p);
	if (status != EXIT_GO_ON)
		return status;
	l = &p->config->listeners[listener_first_for_clients(p->config)];
	listener_local_address(l, l->port, own, sizeof(own));
	return probe(own, true, &p->messages);
}
