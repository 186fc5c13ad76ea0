/*
 * resolve.c - from a name to addresses, without stopping the loop
 *
 * getaddrinfo(3) knows all that the machine is set up for and cannot be
 * interrupted, so a thread does it.  What thread and loop share is counted:
 * whoever lets go last releases it, so that nobody waits for a dead server of
 * names.
 */
#include "net/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lookup {
	atomic_int holders;
	int done_fd; /* readable when list and gai are set */
	int family;
	char port[6];
	struct addrinfo *list;
	int gai;
	char host[];
};

struct resolve {
	struct lookup *lookup;
	struct loop_watch *watch;
	void (*on_done)(void *arg, struct addrinfo *list, int gai);
	void *arg;
};

static struct addrinfo hints_of(int family, int flags)
{
	return (struct addrinfo){ .ai_family = family,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = flags | AI_NUMERICSERV };
}

int resolve_now(const char *host, uint16_t port, int family,
		struct addrinfo **list_out)
{
	bool is_local = strcmp(host, "localhost") == 0;
	struct addrinfo hints = hints_of(family, is_local ? 0 : AI_NUMERICHOST);
	char service[6];

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, list_out) == 0)
		return 0;
	/* It means this machine even where no file says so (RFC 6761). */
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	host = family == AF_INET6 ? "::1" : "127.0.0.1";
	if (is_local && getaddrinfo(host, service, &hints, list_out) == 0)
		return 0;
	return -EAGAIN;
}

static void lookup_release(struct lookup *lookup)
{
	if (atomic_fetch_sub(&lookup->holders, 1) != 1)
		return;
	if (lookup->list != NULL)
		freeaddrinfo(lookup->list);
	if (lookup->done_fd >= 0)
		close(lookup->done_fd);
	free(lookup);
}

static void *look_up(void *arg)
{
	struct lookup *lookup = arg;
	struct addrinfo hints = hints_of(lookup->family, AI_ADDRCONFIG);
	uint64_t one = 1;

	lookup->gai =
		getaddrinfo(lookup->host, lookup->port, &hints, &lookup->list);
	if (lookup->gai != 0)
		lookup->list = NULL;
	while (write(lookup->done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	lookup_release(lookup);
	return NULL;
}

static void on_looked_up(void *arg, unsigned events)
{
	struct resolve *resolve = arg;
	struct addrinfo *list = resolve->lookup->list;

	(void)events;
	resolve->lookup->list = NULL;
	loop_watch_set(resolve->watch, 0);
	resolve->on_done(resolve->arg, list, resolve->lookup->gai);
}

static struct lookup *lookup_new(const char *host, uint16_t port, int family)
{
	size_t len = strlen(host) + 1;
	struct lookup *lookup = calloc(1, sizeof(*lookup) + len);

	if (lookup == NULL)
		return NULL;
	atomic_init(&lookup->holders, 1);
	memcpy(lookup->host, host, len);
	snprintf(lookup->port, sizeof(lookup->port), "%u", port);
	lookup->family = family;
	lookup->done_fd = eventfd(0, EFD_CLOEXEC);
	return lookup;
}

static int thread_start(struct lookup *lookup)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&lookup->holders, 1);
	rc = pthread_create(&thread, &attr, look_up, lookup);
	if (rc != 0)
		lookup_release(lookup);
	pthread_attr_destroy(&attr);
	return -rc;
}

int resolve_start(struct loop *loop, const char *host, uint16_t port,
		  int family,
		  void (*on_done)(void *arg, struct addrinfo *list, int gai),
		  void *arg, struct resolve **resolve_out)
{
	struct resolve *resolve = calloc(1, sizeof(*resolve));
	int rc = -ENOMEM;

	if (resolve == NULL)
		return -ENOMEM;
	resolve->on_done = on_done;
	resolve->arg = arg;
	resolve->lookup = lookup_new(host, port, family);
	if (resolve->lookup == NULL)
		goto fail;
	rc = -EMFILE;
	if (resolve->lookup->done_fd < 0)
		goto fail;
	rc = loop_watch_new(loop, resolve->lookup->done_fd, on_looked_up,
			    resolve, &resolve->watch);
	if (rc == 0)
		rc = loop_watch_set(resolve->watch, LOOP_READ);
	if (rc == 0)
		rc = thread_start(resolve->lookup);
	if (rc < 0)
		goto fail;
	*resolve_out = resolve;
	return 0;

fail:
	resolve_free(resolve);
	return rc;
}

void resolve_free(struct resolve *resolve)
{
	if (resolve == NULL)
		return;
	loop_watch_free(resolve->watch);
	if (resolve->lookup != NULL)
		lookup_release(resolve->lookup);
	free(resolve);
}
