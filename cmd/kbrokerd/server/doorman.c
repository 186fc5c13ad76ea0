/*
 * doorman.c - who may come in: connections of each address, new ones a second
 *
 * Addresses are counted as IPv6 has them, so that one is the same whichever
 * socket it came in by.
 */
#include "kbrokerd/server/doorman.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/units.h"
#include "kbrokerd/quota/quotas.h"
#include "kbrokerd/server/conn.h"

struct door_count {
	struct door_count *next;
	struct in6_addr address;
	int32_t count;
};

struct door_override {
	struct in6_addr address;
	int32_t most;
};

enum { NO_LIMIT = INT32_MAX };

static struct in6_addr mapped(struct in_addr v4)
{
	struct in6_addr v6 = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(v6.s6_addr + 12, &v4, sizeof(v4));
	return v6;
}

/* false: it has no address. */
static bool address_of(const union peer_address *peer, struct in6_addr *out)
{
	if (peer->any.sa_family == AF_INET)
		*out = mapped(peer->v4.sin_addr);
	else if (peer->any.sa_family == AF_INET6)
		*out = peer->v6.sin6_addr;
	else
		return false;
	return true;
}

static bool parse_address(const char *text, struct in6_addr *out)
{
	struct in_addr v4;

	if (strcmp(text, "localhost") == 0)
		text = "127.0.0.1";
	if (inet_pton(AF_INET, text, &v4) == 1) {
		*out = mapped(v4);
		return true;
	}
	return inet_pton(AF_INET6, text, out) == 1;
}

/* Limits */

void doorman_init(struct doorman *d)
{
	*d = (struct doorman){ .per_address = NO_LIMIT,
			       .creation_rate = NO_LIMIT };
	pthread_mutex_init(&d->lock, NULL);
}

void doorman_clear(struct doorman *d)
{
	for (size_t i = 0; i < DOOR_BUCKETS; i++) {
		while (d->buckets[i] != NULL) {
			struct door_count *c = d->buckets[i];

			d->buckets[i] = c->next;
			free(c);
		}
	}
	free(d->overrides);
	free(d->rate);
	pthread_mutex_destroy(&d->lock);
}

/* One of "ADDRESS:COUNT,...". */
static bool read_override(const char *text, size_t len,
			  struct door_override *to)
{
	char item[INET6_ADDRSTRLEN + 16];
	char *colon;
	int64_t most;

	if (len >= sizeof(item))
		return false;
	memcpy(item, text, len);
	item[len] = '\0';
	colon = strrchr(item, ':');
	if (colon == NULL || parse_int64_in(colon + 1, 0, NO_LIMIT, &most) < 0)
		return false;
	*colon = '\0';
	to->most = (int32_t)most;
	return parse_address(item + strspn(item, " "), &to->address);
}

static int read_overrides(const char *text, struct door_override **out,
			  size_t *count_out)
{
	size_t most = 1;
	size_t count = 0;
	struct door_override *all;

	for (const char *at = text; *at != '\0'; at++)
		most += *at == ',';
	all = calloc(most, sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	while (*text != '\0') {
		size_t len = strcspn(text, ",");

		if (read_override(text, len, &all[count]))
			count++;
		text += len + (text[len] == ',');
	}
	*out = all;
	*count_out = count;
	return 0;
}

int doorman_set(struct doorman *d, const struct door_limits *limits)
{
	struct door_override *overrides;
	struct rate *rate = NULL;
	size_t count;

	if (read_overrides(limits->overrides, &overrides, &count) < 0)
		return -ENOMEM;
	if (limits->creation_rate != NO_LIMIT) {
		rate = calloc(1, rate_size(&limits->windows));
		if (rate == NULL) {
			free(overrides);
			return -ENOMEM;
		}
	}
	pthread_mutex_lock(&d->lock);
	free(d->overrides);
	d->overrides = overrides;
	d->override_count = count;
	d->per_address = limits->per_address;
	if (limits->creation_rate != d->creation_rate || d->windows.ms == 0) {
		free(d->rate);
		d->windows = limits->windows; /* the rate has its size */
		d->rate = rate;
		rate = NULL;
	}
	d->creation_rate = limits->creation_rate;
	pthread_mutex_unlock(&d->lock);
	free(rate);
	return 0;
}

static int32_t most_of(const struct doorman *d, const struct in6_addr *address)
{
	for (size_t i = 0; i < d->override_count; i++) {
		if (IN6_ARE_ADDR_EQUAL(&d->overrides[i].address, address))
			return d->overrides[i].most;
	}
	return d->per_address;
}

/* Counts */

static struct door_count **find(struct doorman *d,
				const struct in6_addr *address)
{
	size_t bucket = hash_bytes(address, sizeof(*address)) % DOOR_BUCKETS;
	struct door_count **at = &d->buckets[bucket];

	while (*at != NULL && !IN6_ARE_ADDR_EQUAL(&(*at)->address, address))
		at = &(*at)->next;
	return at;
}

/* Count one more; false when it is one too many. */
static bool enter(struct doorman *d, const struct in6_addr *address)
{
	struct door_count **at = find(d, address);

	if (*at != NULL && (*at)->count >= most_of(d, address))
		return false;
	if (*at == NULL && most_of(d, address) == 0)
		return false;
	if (*at == NULL) {
		*at = calloc(1, sizeof(**at));
		if (*at == NULL)
			return false;
		(*at)->address = *address;
	}
	(*at)->count++;
	return true;
}

static void leave(struct doorman *d, const struct in6_addr *address)
{
	struct door_count **at = find(d, address);
	struct door_count *c = *at;

	assert(c != NULL && c->count > 0);
	if (--c->count > 0)
		return;
	*at = c->next;
	free(c);
}

static bool is_within_quota(struct quotas *quotas,
			    const struct in6_addr *address, int64_t now_ms)
{
	char text[INET6_ADDRSTRLEN];

	if (!quotas_has(quotas, QUOTA_CONNECTION))
		return true;
	if (IN6_IS_ADDR_V4MAPPED(address))
		inet_ntop(AF_INET, address->s6_addr + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, address, text, sizeof(text));
	return quotas_admit(quotas, text, now_ms);
}

bool doorman_admit(struct doorman *d, const union peer_address *peer,
		   struct quotas *quotas, int64_t now_ms, const char **why_out)
{
	struct in6_addr address;
	bool entered;

	if (!address_of(peer, &address))
		return true;
	*why_out = "connection_creation_rate of its address";
	if (!is_within_quota(quotas, &address, now_ms))
		return false;
	*why_out = "max.connections.per.ip";
	pthread_mutex_lock(&d->lock);
	entered = enter(d, &address);
	if (d->rate != NULL)
		rate_record(d->rate, &d->windows, 1, now_ms);
	pthread_mutex_unlock(&d->lock);
	return entered;
}

void doorman_leave(struct doorman *d, const union peer_address *peer)
{
	struct in6_addr address;

	if (!address_of(peer, &address))
		return;
	pthread_mutex_lock(&d->lock);
	leave(d, &address);
	pthread_mutex_unlock(&d->lock);
}

int64_t doorman_wait_ms(struct doorman *d, int64_t now_ms)
{
	int64_t ms = 0;

	pthread_mutex_lock(&d->lock);
	if (d->rate != NULL)
		ms = rate_excess_ms(d->rate, &d->windows, d->creation_rate,
				    now_ms);
	if (ms > d->windows.ms)
		ms = d->windows.ms; /* as Kafka */
	pthread_mutex_unlock(&d->lock);
	return ms;
}
