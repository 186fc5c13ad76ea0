/*
 * least.c - the least that a broker can do, to measure brokers against
 *
 *	least [-S] DIRECTORY     prints its port, serves until killed
 *
 * It answers what tests/bench/load.c asks (and nothing else) and does for a
 * record only what no broker can leave out: read it from the socket, check
 * its CRC-32C, write it to a file, answer; sendfile(2) it to who fetches.
 * With -S each produce is synced before its answer.  One thread, no defence,
 * no recovery, no index on disk: a measure, not a broker.
 *
 * Produce 9 and Fetch 12 are read by hand, one partition a topic in the first
 * case; what is asked once in a run goes through lib/wire.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "record/batch.h"
#include "wire/errors.h"
#include "wire/messages.h"
#include "wire/wire.h"

enum {
	TOPICS_MAX = 4096,
	RECEIVE_BYTES = 320 << 10, /* fits the second-level cache */
	SPARE_MAX = 64,
	RANGES_MAX = 4096,
};

struct batch_at {
	int64_t base_offset, position;
};

struct partition {
	int fd; /* -1 until the first batch */
	int64_t end_offset, size;
	struct batch_at *batches;
	size_t count, capacity;
};

struct topic {
	char name[256];
	int32_t partition_count;
	struct partition *partitions;
};

/* What is to be sent: bytes of the connection's answers, or of a file. */
struct range {
	int fd; /* -1: the answers */
	int64_t from;
	size_t len;
};

struct conn {
	int fd;
	uint8_t *in;
	size_t in_len, in_capacity;
	struct buffer out;
	struct range ranges[RANGES_MAX];
	size_t range_first, range_count;
	size_t sent_upto; /* of out: bytes that ranges name already */
	bool blocked;
	struct buffer parked; /* a fetch that waits; empty: none */
	int64_t parked_until_ms;
	struct conn *next;
};

static struct topic topics[TOPICS_MAX];
static int32_t topic_count;
static struct conn *conns;
static uint8_t *spare[SPARE_MAX];
static size_t spare_count;
static const char *directory;
static bool sync_each, appended;
static int32_t port;
static int poll_fd;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Topics */

static struct topic *find_topic(struct slice name)
{
	for (int32_t i = topic_count; i-- > 0;) {
		if (slice_is(name, topics[i].name))
			return &topics[i];
	}
	return NULL;
}

static int16_t add_topic(struct slice name, int32_t partition_count)
{
	struct topic *topic = &topics[topic_count];

	if (find_topic(name) != NULL || topic_count == TOPICS_MAX ||
	    name.len >= sizeof(topic->name) || partition_count < 1)
		return WIRE_INVALID_REQUEST;
	topic_count++;
	memcpy(topic->name, name.data, name.len);
	topic->partition_count = partition_count;
	topic->partitions =
		calloc((size_t)partition_count, sizeof(*topic->partitions));
	for (int32_t i = 0; i < partition_count; i++)
		topic->partitions[i].fd = -1;
	return WIRE_NONE;
}

static struct partition *find_partition(struct topic *topic, int32_t index)
{
	if (topic == NULL || index < 0 || index >= topic->partition_count)
		return NULL;
	return &topic->partitions[index];
}

static void open_partition(struct topic *topic, struct partition *p)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%d-%d.log", directory,
		 (int)(topic - topics), (int)(p - topic->partitions));
	p->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0644);
	if (p->fd < 0)
		die(path);
}

static int16_t append(struct topic *topic, struct partition *p,
		      struct slice records, int64_t *base_offset_out)
{
	uint8_t *batch = (uint8_t *)(uintptr_t)records.data;

	if (p == NULL)
		return WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	if (records.len < BATCH_HEADER_BYTES ||
	    crc32c(batch + BATCH_CRC_FROM, records.len - BATCH_CRC_FROM) !=
		    get_be32(batch + BATCH_CRC))
		return WIRE_CORRUPT_MESSAGE;
	if (p->fd < 0)
		open_partition(topic, p);
	put_be64(batch, (uint64_t)p->end_offset);
	if (write(p->fd, batch, records.len) != (ssize_t)records.len ||
	    (sync_each && fdatasync(p->fd) < 0))
		die("write");
	if (p->count == p->capacity) {
		p->capacity = p->capacity * 2 + 64;
		p->batches =
			realloc(p->batches, p->capacity * sizeof(*p->batches));
	}
	p->batches[p->count++] = (struct batch_at){ p->end_offset, p->size };
	*base_offset_out = p->end_offset;
	p->end_offset += get_be32(batch + BATCH_LAST_OFFSET_DELTA) + 1;
	p->size += (int64_t)records.len;
	appended = true;
	return WIRE_NONE;
}

/* Whole batches from the one that holds offset on, of up to max bytes but at
 * least one. */
static struct range find_range(const struct partition *p, int64_t offset,
			       int64_t max)
{
	size_t low = 0, high = p->count, end;
	int64_t from, to;

	if (offset >= p->end_offset || p->count == 0)
		return (struct range){ p->fd, 0, 0 };
	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (p->batches[middle].base_offset <= offset)
			low = middle;
		else
			high = middle;
	}
	from = p->batches[low].position;
	if (p->size - from <= max)
		return (struct range){ p->fd, from, (size_t)(p->size - from) };
	for (end = low + 1; p->batches[end].position - from <= max;)
		end++;
	if (end > low + 1)
		end--;
	to = p->batches[end].position;
	return (struct range){ p->fd, from, (size_t)(to - from) };
}

/* Answers */

static void add_range(struct conn *c, struct range range)
{
	if (c->range_count == RANGES_MAX) {
		fprintf(stderr, "least: too many ranges in flight\n");
		exit(1);
	}
	c->ranges[c->range_count++] = range;
}

static void queue_bytes(struct conn *c)
{
	if (c->out.len == c->sent_upto)
		return;
	add_range(c, (struct range){ -1, (int64_t)c->sent_upto,
				     c->out.len - c->sent_upto });
	c->sent_upto = c->out.len;
}

static void watch(struct conn *c, bool blocked)
{
	struct epoll_event event = {
		.events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN,
		.data.ptr = c,
	};

	if (c->blocked != blocked)
		epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event);
	c->blocked = blocked;
}

/* Send what the socket takes: 0, or -1 when the peer has gone. */
static int flush(struct conn *c)
{
	while (c->range_first < c->range_count) {
		struct range *r = &c->ranges[c->range_first];
		int more = c->range_first + 1 < c->range_count ? MSG_MORE : 0;
		off_t from = r->from;
		ssize_t n;

		if (r->fd < 0)
			n = send(c->fd, c->out.data + from, r->len,
				 MSG_NOSIGNAL | MSG_DONTWAIT | more);
		else
			n = sendfile(c->fd, r->fd, &from, r->len);
		if (n < 0 && errno == EAGAIN) {
			watch(c, true);
			return 0;
		}
		if (n <= 0)
			return -1;
		r->from += n;
		r->len -= (size_t)n;
		c->range_first += r->len == 0;
	}
	c->range_first = c->range_count = c->sent_upto = c->out.len = 0;
	watch(c, false);
	return 0;
}

/* A cursor over a request that its sender made well. */
struct cursor {
	const uint8_t *at, *end;
};

static const uint8_t *take(struct cursor *c, size_t len)
{
	const uint8_t *at = c->at;

	if ((size_t)(c->end - c->at) < len) {
		fprintf(stderr, "least: a request is cut off\n");
		exit(1);
	}
	c->at += len;
	return at;
}

static uint64_t take_uvarint(struct cursor *c)
{
	uint64_t value = 0;
	size_t n = uvarint_get(c->at, (size_t)(c->end - c->at), &value);

	take(c, n == 0 ? SIZE_MAX / 2 : n);
	return value;
}

static struct slice take_compact(struct cursor *c)
{
	uint64_t len = take_uvarint(c);

	if (len == 0)
		return SLICE_NULL;
	return (struct slice){ take(c, (size_t)len - 1), (size_t)len - 1 };
}

static size_t begin_answer(struct conn *c, uint32_t correlation_id,
			   bool flexible)
{
	size_t at = c->out.len;

	buffer_put_be32(&c->out, 0);
	buffer_put_be32(&c->out, correlation_id);
	if (flexible)
		buffer_put_u8(&c->out, 0);
	return at;
}

static void end_answer(struct conn *c, size_t at, size_t file_bytes)
{
	put_be32(c->out.data + at,
		 (uint32_t)(c->out.len - at - 4 + file_bytes));
}

static void put_compact(struct buffer *b, struct slice s)
{
	buffer_put_uvarint(b, s.len + 1);
	buffer_put(b, s.data, s.len);
}

static void on_produce(struct conn *c, struct cursor r, uint32_t correlation_id)
{
	struct topic *topic;
	struct slice name, records;
	int64_t base_offset = -1;
	uint16_t acks;
	int32_t index;
	int16_t error;
	size_t at;

	take_compact(&r); /* transactional id */
	acks = get_be16(take(&r, 6));
	take_uvarint(&r); /* one topic */
	name = take_compact(&r);
	take_uvarint(&r); /* one partition */
	index = (int32_t)get_be32(take(&r, 4));
	records = take_compact(&r);
	topic = find_topic(name);
	error = append(topic, find_partition(topic, index), records,
		       &base_offset);
	if (acks == 0)
		return;
	at = begin_answer(c, correlation_id, true);
	buffer_put_u8(&c->out, 2);
	put_compact(&c->out, name);
	buffer_put_u8(&c->out, 2);
	buffer_put_be32(&c->out, (uint32_t)index);
	buffer_put_be16(&c->out, (uint16_t)error);
	buffer_put_be64(&c->out, (uint64_t)base_offset);
	buffer_put_be64(&c->out, UINT64_MAX); /* log append time */
	buffer_put_be64(&c->out, 0);          /* log start offset */
	buffer_put(&c->out, "\1\0\0\0", 4);   /* no errors, text or tags */
	buffer_put_be32(&c->out, 0);          /* throttle */
	buffer_put_u8(&c->out, 0);
	end_answer(c, at, 0);
}

/* false: nothing to give yet, and nothing was queued. */
static bool on_fetch(struct conn *c, struct cursor r, uint32_t correlation_id,
		     bool may_wait, int64_t *wait_ms_out)
{
	size_t at, out_len = c->out.len, ranges = c->range_count;
	size_t upto = c->sent_upto, total = 0;
	struct topic *topic;
	struct slice name;
	uint64_t count;
	int64_t left;

	take(&r, 4); /* replica id is gone in 15, still in 12 */
	*wait_ms_out = (int32_t)get_be32(take(&r, 4));
	take(&r, 4);
	left = (int32_t)get_be32(take(&r, 4));
	take(&r, 9);      /* isolation, session */
	take_uvarint(&r); /* one topic */
	name = take_compact(&r);
	topic = find_topic(name);
	count = take_uvarint(&r);

	at = begin_answer(c, correlation_id, true);
	buffer_put_be32(&c->out, 0); /* throttle */
	buffer_put_be16(&c->out, 0);
	buffer_put_be32(&c->out, 0); /* no session */
	buffer_put_u8(&c->out, 2);
	put_compact(&c->out, name);
	buffer_put_uvarint(&c->out, count);
	for (; count > 1; count--) {
		uint32_t index = get_be32(take(&r, 4));
		struct partition *p = find_partition(topic, (int32_t)index);
		int64_t offset, max;
		struct range range = { -1, 0, 0 };

		take(&r, 4);
		offset = (int64_t)get_be64(take(&r, 8));
		take(&r, 12); /* last epoch, log start */
		max = (int32_t)get_be32(take(&r, 4));
		take(&r, 1);
		if (p != NULL && left > 0)
			range = find_range(p, offset, max < left ? max : left);
		left -= (int64_t)range.len;
		buffer_put_be32(&c->out, index);
		buffer_put_be16(&c->out,
				p == NULL ? WIRE_UNKNOWN_TOPIC_OR_PARTITION
					  : WIRE_NONE);
		for (int i = 0; i < 2; i++)
			buffer_put_be64(&c->out,
					p == NULL ? 0
						  : (uint64_t)p->end_offset);
		buffer_put_be64(&c->out, 0);
		buffer_put_u8(&c->out, 0); /* aborted transactions: null */
		buffer_put_be32(&c->out, UINT32_MAX);
		buffer_put_uvarint(&c->out, range.len + 1);
		if (range.len > 0) {
			queue_bytes(c);
			add_range(c, range);
			total += range.len;
		}
		buffer_put_u8(&c->out, 0);
	}
	buffer_put(&c->out, "\0\0", 2);
	if (total == 0 && may_wait && *wait_ms_out > 0) {
		c->out.len = out_len;
		c->range_count = ranges;
		c->sent_upto = upto;
		return false;
	}
	end_answer(c, at, total);
	queue_bytes(c);
	return true;
}

/* What a run asks once: through the codec. */

static void answer_rare(struct conn *c, const struct wire_api *api,
			int16_t version, uint32_t correlation_id,
			const void *message)
{
	bool flexible = wire_response_header_version(api, version) == 1;
	size_t at = begin_answer(c, correlation_id, flexible);

	if (wire_encode(api->response, version, message, &c->out, NULL) < 0)
		die("encode");
	end_answer(c, at, 0);
}

static void fill_versions(struct api_versions_response *r, struct arena *arena)
{
	static const int16_t known[][2] = {
		{ 0, 9 }, { 1, 12 }, { 2, 6 }, { 3, 9 }, { 18, 3 }, { 19, 5 },
	};
	size_t count = sizeof(known) / sizeof(known[0]);

	r->api_keys_count = (int32_t)count;
	r->api_keys = wire_array(&api_versions_response_api_keys_desc, arena,
				 r->api_keys_count);
	for (size_t i = 0; i < count; i++) {
		r->api_keys[i].api_key = known[i][0];
		r->api_keys[i].min_version = known[i][1];
		r->api_keys[i].max_version = known[i][1];
	}
}

static void fill_topic(struct metadata_response_topics *t,
		       const struct topic *topic, struct slice name,
		       struct arena *arena)
{
	static int32_t me = 1;

	t->name = name;
	t->error_code = topic == NULL ? WIRE_UNKNOWN_TOPIC_OR_PARTITION : 0;
	if (topic == NULL)
		return;
	t->partitions_count = topic->partition_count;
	t->partitions = wire_array(&metadata_response_topics_partitions_desc,
				   arena, t->partitions_count);
	for (int32_t i = 0; i < topic->partition_count; i++) {
		t->partitions[i].partition_index = i;
		t->partitions[i].leader_id = me;
		t->partitions[i].replica_nodes = &me;
		t->partitions[i].replica_nodes_count = 1;
		t->partitions[i].isr_nodes = &me;
		t->partitions[i].isr_nodes_count = 1;
	}
}

static void fill_metadata(const struct metadata_request *q,
			  struct metadata_response *r, struct arena *arena)
{
	r->brokers_count = 1;
	r->brokers = wire_array(&metadata_response_brokers_desc, arena, 1);
	r->brokers[0].node_id = 1;
	r->brokers[0].host = slice_of("127.0.0.1");
	r->brokers[0].port = port;
	r->controller_id = 1;
	r->topics_count = q->topics_count < 0 ? topic_count : q->topics_count;
	r->topics = wire_array(&metadata_response_topics_desc, arena,
			       r->topics_count);
	for (int32_t i = 0; i < r->topics_count; i++) {
		struct slice name = q->topics_count < 0
					    ? slice_of(topics[i].name)
					    : q->topics[i].name;

		fill_topic(&r->topics[i], find_topic(name), name, arena);
	}
}

static void fill_created(const struct create_topics_request *q,
			 struct create_topics_response *r, struct arena *arena)
{
	r->topics_count = q->topics_count;
	r->topics = wire_array(&create_topics_response_topics_desc, arena,
			       r->topics_count);
	for (int32_t i = 0; i < r->topics_count; i++) {
		r->topics[i].name = q->topics[i].name;
		r->topics[i].error_code = add_topic(
			q->topics[i].name, q->topics[i].num_partitions);
	}
}

static void fill_offsets(const struct list_offsets_request *q,
			 struct list_offsets_response *r, struct arena *arena)
{
	r->topics_count = q->topics_count;
	r->topics = wire_array(&list_offsets_response_topics_desc, arena,
			       r->topics_count);
	for (int32_t i = 0; i < r->topics_count; i++) {
		struct topic *topic = find_topic(q->topics[i].name);
		int32_t count = q->topics[i].partitions_count;

		r->topics[i].name = q->topics[i].name;
		r->topics[i].partitions_count = count;
		r->topics[i].partitions = wire_array(
			&list_offsets_response_topics_partitions_desc, arena,
			count);
		for (int32_t n = 0; n < count; n++) {
			int32_t index =
				q->topics[i].partitions[n].partition_index;
			struct partition *p = find_partition(topic, index);

			r->topics[i].partitions[n].partition_index = index;
			r->topics[i].partitions[n].offset =
				p == NULL || q->topics[i].partitions[n]
								.timestamp == -2
					? 0
					: p->end_offset;
		}
	}
}

static void on_rare(struct conn *c, int16_t key, int16_t version,
		    struct cursor r, uint32_t correlation_id)
{
	union {
		struct api_versions_request versions;
		struct metadata_request metadata;
		struct create_topics_request create;
		struct list_offsets_request offsets;
	} q;
	union {
		struct api_versions_response versions;
		struct metadata_response metadata;
		struct create_topics_response create;
		struct list_offsets_response offsets;
	} a;
	const struct wire_api *api = wire_api(key);
	struct slice body = { r.at, (size_t)(r.end - r.at) };
	struct arena arena = { 0 };

	if (api == NULL ||
	    wire_decode(api->request, version, body, &arena, &q) < 0) {
		fprintf(stderr, "least: api %d is not for it\n", key);
		exit(1);
	}
	wire_init(api->response, &a);
	if (key == 18)
		fill_versions(&a.versions, &arena);
	else if (key == 3)
		fill_metadata(&q.metadata, &a.metadata, &arena);
	else if (key == 19)
		fill_created(&q.create, &a.create, &arena);
	else if (key == 2)
		fill_offsets(&q.offsets, &a.offsets, &arena);
	answer_rare(c, api, version, correlation_id, &a);
	arena_clear(&arena);
}

static void park(struct conn *c, struct slice frame, int64_t wait_ms)
{
	if (frame.data == c->parked.data)
		return; /* waits on */
	buffer_reset(&c->parked);
	buffer_put(&c->parked, frame.data, frame.len);
	c->parked_until_ms = now_ms() + wait_ms;
}

static void on_frame(struct conn *c, struct slice frame, bool may_wait)
{
	struct cursor r = { frame.data, frame.data + frame.len };
	int16_t key = (int16_t)get_be16(take(&r, 2));
	int16_t version = (int16_t)get_be16(take(&r, 2));
	uint32_t correlation_id = get_be32(take(&r, 4));
	uint16_t client_id = get_be16(take(&r, 2));
	int64_t wait_ms;

	take(&r, client_id == UINT16_MAX ? 0 : client_id);
	if (wire_request_header_version(wire_api(key), version) == 2)
		take_uvarint(&r);
	if (key == 0)
		on_produce(c, r, correlation_id);
	else if (key != 1)
		on_rare(c, key, version, r, correlation_id);
	else if (!on_fetch(c, r, correlation_id, may_wait, &wait_ms))
		park(c, frame, wait_ms);
	else if (frame.data == c->parked.data)
		buffer_reset(&c->parked);
}

/* Connections */

static void drop(struct conn *c)
{
	struct conn **at = &conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	close(c->fd);
	free(c->in);
	buffer_clear(&c->out);
	buffer_clear(&c->parked);
	free(c);
}

static void give_back(struct conn *c)
{
	if (c->in_capacity == RECEIVE_BYTES && spare_count < SPARE_MAX)
		spare[spare_count++] = c->in;
	else
		free(c->in);
	c->in = NULL;
}

static void take_frames(struct conn *c)
{
	size_t at = 0;

	while (c->in_len - at >= 4) {
		size_t len = get_be32(c->in + at);

		if (c->in_len - at - 4 < len) {
			if (len + 4 > c->in_capacity) {
				c->in_capacity = len + 4;
				c->in = realloc(c->in, c->in_capacity);
			}
			break;
		}
		on_frame(c, (struct slice){ c->in + at + 4, len }, true);
		at += len + 4;
	}
	c->in_len -= at;
	if (at > 0 && c->in_len > 0)
		memmove(c->in, c->in + at, c->in_len);
}

/* -1: the peer has gone. */
static int on_readable(struct conn *c)
{
	ssize_t n;

	if (c->in == NULL) {
		c->in_capacity = RECEIVE_BYTES;
		c->in = spare_count > 0 ? spare[--spare_count]
					: malloc(RECEIVE_BYTES);
	}
	n = recv(c->fd, c->in + c->in_len, c->in_capacity - c->in_len,
		 MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		return -1;
	c->in_len += n < 0 ? 0 : (size_t)n;
	take_frames(c);
	if (c->in_len == 0)
		give_back(c);
	queue_bytes(c);
	return c->blocked ? 0 : flush(c);
}

static void answer_parked(void)
{
	struct conn *next;
	int64_t now = now_ms();

	appended = false;
	for (struct conn *c = conns; c != NULL; c = next) {
		next = c->next;
		if (c->parked.len == 0)
			continue;
		on_frame(c, buffer_slice(&c->parked), now < c->parked_until_ms);
		if (c->range_count > 0 && !c->blocked && flush(c) < 0)
			drop(c);
	}
}

static void on_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN };
	struct conn *c;
	int one = 1;

	if (fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	c->fd = fd;
	c->next = conns;
	conns = c;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	event.data.ptr = c;
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int listen_anywhere(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 ||
	    listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		die("listen");
	port = ntohs(address.sin_port);
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[64];
	int listener;

	sync_each = argc > 1 && strcmp(argv[1], "-S") == 0;
	directory = argv[argc - 1];
	if (argc != (sync_each ? 3 : 2)) {
		fprintf(stderr, "usage: least [-S] DIRECTORY\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	listener = listen_anywhere();
	printf("%d\n", port);
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(poll_fd, events, 64, 100);

		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c == NULL)
				on_accept(listener);
			else if ((c->blocked && flush(c) < 0) ||
				 ((events[i].events & ~(uint32_t)EPOLLOUT) !=
					  0 &&
				  on_readable(c) < 0))
				drop(c);
		}
		if (n == 0 || appended)
			answer_parked();
	}
}
