/*
 * clients.c - who writes and reads a topic
 *
 * Entries are found by deed, topic, client id and host, and kept in the order
 * in which they were last seen.  A connection's use of a topic is noted once
 * in some seconds: a filter of each thread keeps the lock out of the way of
 * all other requests.
 */
#include "kbrokerd/metrics/clients.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

#include "base/hash.h"

enum {
	FILTER_SLOTS = 512,
	NOTE_AGAIN_MS = 5000,
	KEY_MAX = 1 + 1 + 256 + 2 * CLIENT_TEXT_MAX,
};

struct filter_slot {
	uint64_t hash;
	int64_t noted_ms;
};

struct client_filter {
	struct filter_slot slots[FILTER_SLOTS];
};

struct entry {
	UT_hash_handle hh;
	TAILQ_ENTRY(entry) link;
	int64_t first_ms, last_ms;
	char software[CLIENT_TEXT_MAX];
	size_t key_len;
	char key[]; /* make_key() */
};

TAILQ_HEAD(entry_list, entry);

struct clients {
	pthread_mutex_t lock;
	struct entry *by_key;
	struct entry_list seen; /* the last one at the end */
	size_t count;
};

struct clients *clients_new(void)
{
	struct clients *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	TAILQ_INIT(&c->seen);
	return c;
}

static void forget(struct clients *c, struct entry *e)
{
	HASH_DEL(c->by_key, e);
	TAILQ_REMOVE(&c->seen, e, link);
	c->count--;
	free(e);
}

void clients_free(struct clients *c)
{
	if (c == NULL)
		return;
	while (!TAILQ_EMPTY(&c->seen))
		forget(c, TAILQ_FIRST(&c->seen));
	pthread_mutex_destroy(&c->lock);
	free(c);
}

struct client_filter *client_filter_new(void)
{
	return calloc(1, sizeof(struct client_filter));
}

void client_filter_free(struct client_filter *filter)
{
	free(filter);
}

/* Seeing */

/* The name, or the id's bytes. */
static struct slice topic_bytes(struct slice name, const struct uuid *id)
{
	if (name.len > 0)
		return name;
	return (struct slice){ id->bytes, sizeof(id->bytes) };
}

static bool is_known(struct client_filter *filter, const struct client_sight *s,
		     struct slice topic)
{
	uint64_t hash = hash_bytes(topic.data, topic.len) ^
			((uint64_t)(uintptr_t)s->conn * 2 + s->deed);
	struct filter_slot *slot =
		&filter->slots[(hash ^ hash >> 20) % FILTER_SLOTS];
	int64_t since_ms = s->now_ms - slot->noted_ms;

	if (slot->hash == hash && since_ms >= 0 && since_ms < NOTE_AGAIN_MS)
		return true;
	slot->hash = hash;
	slot->noted_ms = s->now_ms;
	return false;
}

static size_t put(char *to, const void *from, size_t len, size_t max)
{
	len = len < max ? len : max;
	if (len > 0)
		memcpy(to, from, len);
	to[len] = '\0';
	return len + 1;
}

/* "host" of "host:port". */
static size_t host_len(const char *peer)
{
	const char *colon = strrchr(peer, ':');

	return colon == NULL ? strlen(peer) : (size_t)(colon - peer);
}

/* deed, topic's length, topic, client id NUL, host NUL */
static size_t make_key(char key[KEY_MAX], const struct client_sight *s,
		       struct slice topic)
{
	size_t len = 2;
	size_t topic_len = topic.len < 255 ? topic.len : 255;

	key[0] = (char)s->deed;
	key[1] = (char)(unsigned char)topic_len;
	memcpy(key + len, topic.data, topic_len);
	len += topic_len;
	len += put(key + len, s->client_id.data, s->client_id.len,
		   CLIENT_TEXT_MAX - 1);
	len += put(key + len, s->peer, host_len(s->peer), CLIENT_TEXT_MAX - 1);
	return len;
}

static struct entry *add_entry(struct clients *c, const char *key, size_t len,
			       int64_t now_ms)
{
	struct entry *e = calloc(1, sizeof(*e) + len);

	if (e == NULL)
		return NULL;
	if (c->count == CLIENTS_MAX)
		forget(c, TAILQ_FIRST(&c->seen));
	e->first_ms = now_ms;
	e->key_len = len;
	memcpy(e->key, key, len);
	HASH_ADD_KEYPTR(hh, c->by_key, e->key, len, e);
	TAILQ_INSERT_TAIL(&c->seen, e, link);
	c->count++;
	return e;
}

void clients_see(struct clients *c, struct client_filter *filter,
		 const struct client_sight *s)
{
	struct slice topic = topic_bytes(s->topic, &s->topic_id);
	char key[KEY_MAX];
	struct entry *e;
	size_t len;

	if (is_known(filter, s, topic))
		return;
	len = make_key(key, s, topic);
	pthread_mutex_lock(&c->lock);
	HASH_FIND(hh, c->by_key, key, len, e);
	if (e == NULL)
		e = add_entry(c, key, len, s->now_ms);
	if (e != NULL) {
		e->last_ms = s->now_ms;
		if (s->software != NULL)
			put(e->software, s->software, strlen(s->software),
			    CLIENT_TEXT_MAX - 1);
		TAILQ_REMOVE(&c->seen, e, link);
		TAILQ_INSERT_TAIL(&c->seen, e, link);
	}
	pthread_mutex_unlock(&c->lock);
}

/* Listing */

static bool is_of_topic(const struct entry *e, struct slice topic)
{
	return (unsigned char)e->key[1] == topic.len &&
	       memcmp(e->key + 2, topic.data, topic.len) == 0;
}

static void fill(struct client_row *row, const struct entry *e)
{
	const char *id = e->key + 2 + (unsigned char)e->key[1];
	const char *host = id + strlen(id) + 1;

	row->deed = (enum client_deed)e->key[0];
	memcpy(row->software, e->software, sizeof(row->software));
	put(row->client_id, id, strlen(id), CLIENT_TEXT_MAX - 1);
	put(row->host, host, strlen(host), CLIENT_TEXT_MAX - 1);
	row->first_ms = e->first_ms;
	row->last_ms = e->last_ms;
}

/* Seen under the topic's name and under its id is the same client. */
static bool join(struct client_row *rows, size_t n,
		 const struct client_row *row)
{
	for (size_t i = 0; i < n; i++) {
		struct client_row *r = &rows[i];

		if (r->deed != row->deed ||
		    strcmp(r->client_id, row->client_id) != 0 ||
		    strcmp(r->host, row->host) != 0)
			continue;
		if (row->first_ms < r->first_ms)
			r->first_ms = row->first_ms;
		return true;
	}
	return false;
}

size_t clients_list(struct clients *c, struct slice topic, struct uuid topic_id,
		    struct client_row *rows, size_t max)
{
	struct slice id = { topic_id.bytes, sizeof(topic_id.bytes) };
	struct client_row row;
	struct entry *e;
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	TAILQ_FOREACH_REVERSE(e, &c->seen, entry_list, link)
	{
		if (n == max)
			break;
		if (!is_of_topic(e, topic) && !is_of_topic(e, id))
			continue;
		fill(&row, e);
		if (!join(rows, n, &row))
			rows[n++] = row;
	}
	pthread_mutex_unlock(&c->lock);
	return n;
}
