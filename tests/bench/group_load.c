/*
 * group_load.c - drives a group coordinator and says what that cost it
 *
 *	group_load classic  -b HOST:PORT -P PID [-n MEMBERS] [-t TOPIC]
 *	                    [-i HEARTBEAT_MS] [-s SECONDS] [-g GROUPS]
 *	group_load consumer ... the same, by KIP-848
 *	group_load ask      ... ApiVersions in place of heartbeats
 *	group_load commit   -b HOST:PORT -P PID [-n REQUESTS] [-g GROUPS]
 *
 * classic and consumer: so many members, a connection each and dealt to the
 *groups, subscribe to the topic, whose partitions there are already; a group is
 *stable once every member has its part in one generation (or epoch) and all
 *parts together are the topic.  Then they go on with heartbeats, spread evenly,
 *for SECONDS. commit: OffsetCommit of ten partitions each, 5 in flight, for a
 *group, or one after another for many.  Prints one JSON object; exits with 1
 *when the broker answers with an error that a client would not expect.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "wire/errors.h"
#include "wire/messages.h"
#include "wire/wire.h"

enum {
	METADATA = 3,
	OFFSET_COMMIT = 8,
	FIND_COORDINATOR = 10,
	JOIN = 11,
	HEARTBEAT = 12,
	SYNC = 14,
	API_VERSIONS = 18,
	CONSUMER_HEARTBEAT = 68,

	ID_BYTES = 128,
	FRAME_BYTES_MAX = 64 << 20,
	EVENTS = 256,
	COMMIT_PARTITIONS = 10,
	COMMITS_IN_FLIGHT = 5,
};
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

static struct {
	char host[128], port[16];
	const char *mode, *topic;
	int pid, count, groups, interval_ms, seconds;
} options = {
	.topic = "group-load",
	.count = 1000,
	.groups = 1,
	.interval_ms = 3000,
	.seconds = 10,
};

struct member {
	int fd;
	char group[32];
	int16_t asked; /* the API that an answer is awaited from, or -1 */
	char id[ID_BYTES];
	int32_t generation; /* or epoch; -1: none */
	int32_t parts;      /* partitions that it has */
	bool settled;       /* it has its part in that generation */
	int64_t due_ns;     /* its next heartbeat */
	bool queued;
	TAILQ_ENTRY(member) in_due;
	struct buffer in, owned;
};

static struct {
	struct member *members;
	TAILQ_HEAD(, member) due;
	int epoll;
	int32_t partitions;
	struct uuid topic_id;
	int64_t requests, rounds;
	struct arena arena;
} load = { .due = TAILQ_HEAD_INITIALIZER(load.due) };

__attribute__((format(printf, 1, 2), noreturn)) static void fail(
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("group_load: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Processor time that the broker has had, nanoseconds. */
static int64_t broker_cpu_ns(void)
{
	char path[600];
	struct dirent *entry;
	int64_t total = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", options.pid);
	dir = opendir(path);
	if (dir == NULL)
		fail("no process %d", options.pid);
	while ((entry = readdir(dir)) != NULL) {
		long long ns = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat",
			 options.pid, entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (file == NULL)
			continue;
		if (fscanf(file, "%lld", &ns) == 1)
			total += ns;
		fclose(file);
	}
	closedir(dir);
	return total;
}

/* Frames */

static int dial(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int one = 1, fd;

	if (getaddrinfo(options.host, options.port, &hints, &found) != 0)
		fail("no address for %s", options.host);
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		fail("cannot connect to %s:%s: %s", options.host, options.port,
		     strerror(errno));
	freeaddrinfo(found);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* The newest version but that of topic ids where names do. */
static int16_t version_of(int16_t key)
{
	static const struct {
		int16_t key, version;
	} versions[] = {
		{ METADATA, 12 },        { OFFSET_COMMIT, 8 },
		{ FIND_COORDINATOR, 4 }, { JOIN, 9 },
		{ HEARTBEAT, 4 },        { SYNC, 5 },
		{ API_VERSIONS, 0 },     { CONSUMER_HEARTBEAT, 0 },
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].key == key)
			return versions[i].version;
	return -1;
}

static void put_request(struct buffer *b, int16_t key, const void *message)
{
	const struct wire_api *api = wire_api(key);
	int16_t version = version_of(key);
	struct request_header header;
	size_t at = b->len;

	wire_init(&request_header_desc, &header);
	header.request_api_key = key;
	header.request_api_version = version;
	header.client_id = slice_of("group-load");
	buffer_put_be32(b, 0);
	if (wire_encode(&request_header_desc,
			wire_request_header_version(api, version), &header, b,
			NULL) < 0 ||
	    wire_encode(api->request, version, message, b, NULL) < 0)
		fail("cannot encode %s", api->name);
	put_be32(b->data + at, (uint32_t)(b->len - at - 4));
}

static void send_request(int fd, int16_t key, const void *message)
{
	struct buffer b = { 0 };

	put_request(&b, key, message);
	for (size_t at = 0; at < b.len;) {
		ssize_t n = write(fd, b.data + at, b.len - at);

		if (n <= 0)
			fail("cannot send: %s", strerror(errno));
		at += (size_t)n;
	}
	buffer_clear(&b);
	load.requests++;
}

static void decode(int16_t key, struct slice frame, void *response)
{
	const struct wire_api *api = wire_api(key);
	int16_t version = version_of(key);
	size_t skip = wire_response_header_version(api, version) == 1 ? 5 : 4;

	frame.data += skip;
	frame.len -= skip;
	if (wire_decode(api->response, version, frame, &load.arena, response) <
	    0)
		fail("cannot decode %s", api->name);
}

/* Read what is there; returns true with a whole frame, behind its size. */
static bool read_frame(int fd, struct buffer *in, bool wait,
		       struct slice *frame_out)
{
	for (;;) {
		size_t have = in->len;
		size_t want = have < 4 ? 4 : 4 + (size_t)get_be32(in->data);
		uint8_t *to;
		ssize_t n;

		if (have >= 4 && have == want) {
			*frame_out = (struct slice){ in->data + 4, want - 4 };
			return true;
		}
		if (want > FRAME_BYTES_MAX)
			fail("a frame of %zu bytes", want);
		to = buffer_reserve(in, want - have);
		if (to == NULL)
			fail("out of memory");
		n = recv(fd, to, want - have, wait ? 0 : MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0)
			fail("the broker closed a connection");
		buffer_commit(in, (size_t)n);
	}
}

static void call(int fd, int16_t key, const void *request, struct buffer *in,
		 void *response)
{
	struct slice frame;

	send_request(fd, key, request);
	buffer_reset(in);
	read_frame(fd, in, true, &frame);
	decode(key, frame, response);
}

/* Before it begins */

/* Ask for a member that there is not until the coordinator knows its groups. */
static void await_loaded(int fd, struct buffer *in, struct slice group)
{
	struct heartbeat_request request;
	struct heartbeat_response response;

	wire_init(&heartbeat_request_desc, &request);
	request.group_id = group;
	request.member_id = slice_of("nobody");
	do
		call(fd, HEARTBEAT, &request, in, &response);
	while (response.error_code == WIRE_COORDINATOR_LOAD_IN_PROGRESS ||
	       response.error_code == WIRE_NOT_COORDINATOR);
}

static void find_coordinator(int fd, struct buffer *in, int number)
{
	char name[32];
	struct slice group;
	struct find_coordinator_response response;
	struct find_coordinator_request request;

	snprintf(name, sizeof(name), "group-load-%d", number);
	group = slice_of(name);
	wire_init(&find_coordinator_request_desc, &request);
	request.coordinator_keys = &group;
	request.coordinator_keys_count = 1;
	do
		call(fd, FIND_COORDINATOR, &request, in, &response);
	while (response.coordinators[0].error_code != WIRE_NONE);
	await_loaded(fd, in, group);
}

static void find_topic(int fd, struct buffer *in)
{
	struct metadata_request_topics topic;
	struct metadata_request request;
	struct metadata_response response;

	wire_init(&metadata_request_desc, &request);
	wire_init(&metadata_request_topics_desc, &topic);
	topic.name = slice_of(options.topic);
	request.topics = &topic;
	request.topics_count = 1;
	call(fd, METADATA, &request, in, &response);
	if (response.topics[0].error_code != WIRE_NONE)
		fail("topic %s: %s", options.topic,
		     wire_error_name(response.topics[0].error_code));
	load.partitions = response.topics[0].partitions_count;
	load.topic_id = response.topics[0].topic_id;
}

/* Members */

static void ask(struct member *m, int16_t key, const void *message)
{
	if (m->asked >= 0)
		fail("a second request at once");
	m->asked = key;
	send_request(m->fd, key, message);
}

static void expect(struct member *m, int64_t at_ns)
{
	if (m->queued)
		TAILQ_REMOVE(&load.due, m, in_due);
	m->queued = true;
	m->due_ns = at_ns;
	TAILQ_INSERT_TAIL(&load.due, m, in_due);
}

static void expect_next(struct member *m)
{
	expect(m, now_ns() + options.interval_ms * NS_PER_MS);
}

/* The classic protocol */

static void join(struct member *m)
{
	struct consumer_protocol_subscription subscription;
	struct join_group_request_protocols protocol;
	struct slice topic = slice_of(options.topic);
	struct join_group_request request;
	struct buffer b = { 0 };

	m->settled = false;
	wire_init(&consumer_protocol_subscription_desc, &subscription);
	subscription.topics = &topic;
	subscription.topics_count = 1;
	if (wire_versioned_encode(&consumer_protocol_subscription_desc, 1,
				  &subscription, &b) < 0)
		fail("cannot encode a subscription");
	wire_init(&join_group_request_protocols_desc, &protocol);
	protocol.name = slice_of("range");
	protocol.metadata = buffer_slice(&b);
	wire_init(&join_group_request_desc, &request);
	request.group_id = slice_of(m->group);
	request.session_timeout_ms = 60000;
	request.rebalance_timeout_ms = 300000;
	request.member_id = slice_of(m->id);
	request.protocol_type = slice_of("consumer");
	request.protocols = &protocol;
	request.protocols_count = 1;
	ask(m, JOIN, &request);
	buffer_clear(&b);
}

/* Partitions from on, count of them, as a ConsumerProtocolAssignment. */
static struct slice encode_part(int32_t from, int32_t count)
{
	struct consumer_protocol_assignment_assigned_partitions row;
	struct consumer_protocol_assignment assignment;
	struct buffer b = { 0 };
	struct slice out;

	wire_init(&consumer_protocol_assignment_desc, &assignment);
	wire_init(&consumer_protocol_assignment_assigned_partitions_desc, &row);
	row.topic = slice_of(options.topic);
	row.partitions =
		arena_calloc(&load.arena, (size_t)count + 1, sizeof(int32_t));
	for (int32_t i = 0; i < count; i++)
		row.partitions[i] = from + i;
	row.partitions_count = count;
	assignment.assigned_partitions = &row;
	assignment.assigned_partitions_count = count > 0;
	if (wire_versioned_encode(&consumer_protocol_assignment_desc, 1,
				  &assignment, &b) < 0)
		fail("cannot encode an assignment");
	out = arena_copy(&load.arena, buffer_slice(&b));
	buffer_clear(&b);
	return out;
}

/* As the range assignor of one topic does. */
static void assign(const struct join_group_response *joined,
		   struct sync_group_request *request)
{
	int32_t count = joined->members_count;
	int32_t at = 0;

	request->assignments = wire_array(&sync_group_request_assignments_desc,
					  &load.arena, count);
	request->assignments_count = count;
	for (int32_t i = 0; i < count; i++) {
		int32_t part =
			load.partitions / count + (i < load.partitions % count);

		request->assignments[i].member_id =
			joined->members[i].member_id;
		request->assignments[i].assignment = encode_part(at, part);
		at += part;
	}
}

static void on_join(struct member *m, struct slice frame)
{
	struct join_group_response response;
	struct sync_group_request request;

	decode(JOIN, frame, &response);
	snprintf(m->id, sizeof(m->id), "%.*s", (int)response.member_id.len,
		 (const char *)response.member_id.data);
	if (response.error_code == WIRE_MEMBER_ID_REQUIRED) {
		join(m);
		return;
	}
	if (response.error_code != WIRE_NONE)
		fail("JoinGroup: %s", wire_error_name(response.error_code));
	m->generation = response.generation_id;
	wire_init(&sync_group_request_desc, &request);
	request.group_id = slice_of(m->group);
	request.generation_id = m->generation;
	request.member_id = slice_of(m->id);
	request.protocol_type = slice_of("consumer");
	request.protocol_name = slice_of("range");
	if (slice_equal(response.leader, response.member_id)) {
		load.rounds++;
		assign(&response, &request);
	}
	ask(m, SYNC, &request);
}

static void on_sync(struct member *m, struct slice frame)
{
	struct consumer_protocol_assignment assignment;
	struct sync_group_response response;
	int16_t version;

	decode(SYNC, frame, &response);
	if (response.error_code == WIRE_REBALANCE_IN_PROGRESS) {
		join(m);
		return;
	}
	if (response.error_code != WIRE_NONE)
		fail("SyncGroup: %s", wire_error_name(response.error_code));
	if (wire_versioned_decode(&consumer_protocol_assignment_desc,
				  response.assignment, &load.arena, &version,
				  &assignment) < 0)
		fail("cannot decode an assignment");
	m->parts = assignment.assigned_partitions_count == 0
			   ? 0
			   : assignment.assigned_partitions[0].partitions_count;
	m->settled = true;
	expect_next(m);
}

static void beat_classic(struct member *m)
{
	struct heartbeat_request request;

	wire_init(&heartbeat_request_desc, &request);
	request.group_id = slice_of(m->group);
	request.generation_id = m->generation;
	request.member_id = slice_of(m->id);
	ask(m, HEARTBEAT, &request);
}

static void on_heartbeat(struct member *m, struct slice frame)
{
	struct heartbeat_response response;

	decode(HEARTBEAT, frame, &response);
	if (response.error_code == WIRE_REBALANCE_IN_PROGRESS)
		join(m);
	else if (response.error_code != WIRE_NONE)
		fail("Heartbeat: %s", wire_error_name(response.error_code));
}

/* KIP-848 */

/* With owned: what it has now is told, as after each new assignment. */
static void beat_consumer(struct member *m, bool owned)
{
	struct consumer_group_heartbeat_request_topic_partitions part;
	struct consumer_group_heartbeat_request request;
	struct slice topic = slice_of(options.topic);

	wire_init(&consumer_group_heartbeat_request_desc, &request);
	wire_init(&consumer_group_heartbeat_request_topic_partitions_desc,
		  &part);
	request.group_id = slice_of(m->group);
	request.member_id = slice_of(m->id);
	request.member_epoch = m->generation < 0 ? 0 : m->generation;
	request.topic_partitions_count = -1;
	request.subscribed_topic_names_count = -1;
	if (m->generation < 0) {
		request.rebalance_timeout_ms = 300000;
		request.subscribed_topic_names = &topic;
		request.subscribed_topic_names_count = 1;
		owned = true;
	}
	if (owned) {
		part.topic_id = load.topic_id;
		part.partitions = (int32_t *)(void *)m->owned.data;
		part.partitions_count = m->parts;
		request.topic_partitions = &part;
		request.topic_partitions_count = m->parts > 0;
	}
	ask(m, CONSUMER_HEARTBEAT, &request);
}

static void on_consumer_heartbeat(struct member *m, struct slice frame)
{
	struct consumer_group_heartbeat_response response;
	const struct consumer_group_heartbeat_response_assignment *given;

	decode(CONSUMER_HEARTBEAT, frame, &response);
	if (response.error_code != WIRE_NONE)
		fail("ConsumerGroupHeartbeat: %s: %.*s",
		     wire_error_name(response.error_code),
		     (int)response.error_message.len,
		     (const char *)response.error_message.data);
	snprintf(m->id, sizeof(m->id), "%.*s", (int)response.member_id.len,
		 (const char *)response.member_id.data);
	m->generation = response.member_epoch;
	m->settled = true;
	options.interval_ms = response.heartbeat_interval_ms;
	given = response.assignment;
	if (given == NULL) {
		expect_next(m);
		return;
	}
	load.rounds++;
	buffer_reset(&m->owned);
	m->parts = 0;
	if (given->topic_partitions_count > 0) {
		m->parts = given->topic_partitions[0].partitions_count;
		buffer_put(&m->owned, given->topic_partitions[0].partitions,
			   (size_t)m->parts * sizeof(int32_t));
	}
	/* What was to be given up is, and what is new is told, at once. */
	beat_consumer(m, true);
}

/* All of them */

static void beat(struct member *m)
{
	struct api_versions_request request;

	expect_next(m);
	if (m->asked >= 0)
		return; /* a join or a slow answer is under way */
	if (strcmp(options.mode, "classic") == 0) {
		beat_classic(m);
	} else if (strcmp(options.mode, "consumer") == 0) {
		beat_consumer(m, false);
	} else {
		wire_init(&api_versions_request_desc, &request);
		ask(m, API_VERSIONS, &request);
	}
}

static void on_frame(struct member *m, struct slice frame)
{
	int16_t asked = m->asked;

	m->asked = -1;
	if (asked == JOIN)
		on_join(m, frame);
	else if (asked == SYNC)
		on_sync(m, frame);
	else if (asked == HEARTBEAT)
		on_heartbeat(m, frame);
	else if (asked == CONSUMER_HEARTBEAT)
		on_consumer_heartbeat(m, frame);
	arena_reset(&load.arena);
}

static void on_readable(struct member *m)
{
	struct slice frame;
	struct buffer in = m->in;

	if (!read_frame(m->fd, &m->in, false, &frame))
		return;
	/* The handler may send and be answered: the frame is its own. */
	in = m->in;
	m->in = (struct buffer){ 0 };
	on_frame(m, frame);
	buffer_clear(&in);
}

static void turn(int64_t until_ns)
{
	struct epoll_event events[EVENTS];
	struct member *first = TAILQ_FIRST(&load.due);
	int64_t next_ns = first != NULL && first->due_ns < until_ns
				  ? first->due_ns
				  : until_ns;
	int64_t left_ns = next_ns - now_ns();
	int n = epoll_wait(load.epoll, events, EVENTS,
			   left_ns <= 0 ? 0 : (int)(left_ns / NS_PER_MS) + 1);

	for (int i = 0; i < n; i++)
		on_readable(events[i].data.ptr);
	while ((first = TAILQ_FIRST(&load.due)) != NULL &&
	       first->due_ns <= now_ns())
		beat(first);
}

static bool is_group_stable(int group)
{
	int32_t parts = 0;

	for (int i = group; i < options.count; i += options.groups) {
		const struct member *m = &load.members[i];

		if (!m->settled ||
		    m->generation != load.members[group].generation)
			return false;
		parts += m->parts;
	}
	return parts == load.partitions;
}

static bool is_stable(void)
{
	for (int i = 0; i < options.groups; i++) {
		if (!is_group_stable(i))
			return false;
	}
	return true;
}

static void dial_all(void)
{
	load.members = calloc((size_t)options.count, sizeof(struct member));
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < options.count; i++) {
		struct member *m = &load.members[i];
		struct epoll_event event = { EPOLLIN, { .ptr = m } };

		snprintf(m->group, sizeof(m->group), "group-load-%d",
			 i % options.groups);
		m->asked = -1;
		m->generation = -1;
		m->fd = dial();
		epoll_ctl(load.epoll, EPOLL_CTL_ADD, m->fd, &event);
	}
}

/* Seconds until the group is stable, its last change included. */
static double form_group(void)
{
	int64_t begin_ns = now_ns();
	int64_t limit_ns = begin_ns + 300 * NS_PER_S;

	for (int i = 0; i < options.count; i++) {
		if (strcmp(options.mode, "classic") == 0)
			join(&load.members[i]);
		else
			beat_consumer(&load.members[i], true);
		turn(0);
	}
	while (!is_stable()) {
		if (now_ns() > limit_ns)
			fail("the group is not stable after 300 s");
		turn(now_ns() + 10 * NS_PER_MS);
	}
	return (double)(now_ns() - begin_ns) / 1e9;
}

static void spread_heartbeats(void)
{
	int64_t begin_ns = now_ns();

	for (int i = 0; i < options.count; i++)
		expect(&load.members[i],
		       begin_ns + (int64_t)i * options.interval_ms * NS_PER_MS /
					  options.count);
}

static void run_members(void)
{
	double stable_s = 0;
	int64_t cpu_ns, formed_ns, requests, until_ns;
	struct buffer in = { 0 };
	bool group = strcmp(options.mode, "ask") != 0;
	int fd = dial();

	if (group) {
		for (int i = 0; i < options.groups; i++)
			find_coordinator(fd, &in, i);
		find_topic(fd, &in);
	}
	dial_all();
	cpu_ns = broker_cpu_ns();
	if (group)
		stable_s = form_group();
	formed_ns = broker_cpu_ns() - cpu_ns;
	spread_heartbeats();
	turn(now_ns());
	cpu_ns = broker_cpu_ns();
	requests = load.requests;
	until_ns = now_ns() + options.seconds * NS_PER_S;
	while (now_ns() < until_ns)
		turn(until_ns);
	cpu_ns = broker_cpu_ns() - cpu_ns;
	requests = load.requests - requests;
	printf("{\"members\":%d,\"stable_s\":%.3f,\"form_cpu_s\":%.4f,"
	       "\"rounds\":%lld,\"beats\":%lld,\"beat_cpu_us\":%.2f,"
	       "\"still_stable\":%s}\n",
	       options.count, stable_s, (double)formed_ns / 1e9,
	       (long long)load.rounds, (long long)requests,
	       (double)cpu_ns / 1e3 / (double)(requests > 0 ? requests : 1),
	       !group || is_stable() ? "true" : "false");
	buffer_clear(&in);
}

/* Commits */

static void put_commit(struct buffer *b, int group, int64_t offset)
{
	struct offset_commit_request_topics_partitions rows[COMMIT_PARTITIONS];
	struct offset_commit_request_topics topic;
	struct offset_commit_request request;
	char name[32];

	wire_init(&offset_commit_request_desc, &request);
	wire_init(&offset_commit_request_topics_desc, &topic);
	for (int i = 0; i < COMMIT_PARTITIONS; i++) {
		wire_init(&offset_commit_request_topics_partitions_desc,
			  &rows[i]);
		rows[i].partition_index = i;
		rows[i].committed_offset = offset;
	}
	snprintf(name, sizeof(name), "group-load-%d", group);
	request.group_id = slice_of(name);
	request.topics = &topic;
	request.topics_count = 1;
	topic.name = slice_of(options.topic);
	topic.partitions = rows;
	topic.partitions_count = COMMIT_PARTITIONS;
	put_request(b, OFFSET_COMMIT, &request);
}

static void check_commit(struct slice frame)
{
	struct offset_commit_response response;

	decode(OFFSET_COMMIT, frame, &response);
	for (int i = 0; i < response.topics[0].partitions_count; i++) {
		int16_t error = response.topics[0].partitions[i].error_code;

		if (error != WIRE_NONE)
			fail("OffsetCommit: %s", wire_error_name(error));
	}
	arena_reset(&load.arena);
}

static void run_commits(void)
{
	struct buffer in = { 0 }, out = { 0 };
	int sent = 0, answered = 0, fd = dial();
	int64_t begin_ns, cpu_ns, took_ns;
	struct slice frame;

	for (int i = 0; i < options.groups; i++)
		find_coordinator(fd, &in, i);
	begin_ns = now_ns();
	cpu_ns = broker_cpu_ns();
	while (answered < options.count) {
		while (sent < options.count &&
		       sent - answered < COMMITS_IN_FLIGHT) {
			buffer_reset(&out);
			put_commit(&out, sent % options.groups, sent);
			if (write(fd, out.data, out.len) != (ssize_t)out.len)
				fail("cannot send");
			sent++;
		}
		buffer_reset(&in);
		read_frame(fd, &in, true, &frame);
		check_commit(frame);
		answered++;
	}
	took_ns = now_ns() - begin_ns;
	cpu_ns = broker_cpu_ns() - cpu_ns;
	printf("{\"commits\":%d,\"seconds\":%.3f,\"offsets_per_s\":%.0f,"
	       "\"cpu_us_per_offset\":%.3f}\n",
	       answered, (double)took_ns / 1e9,
	       (double)answered * COMMIT_PARTITIONS * 1e9 / (double)took_ns,
	       (double)cpu_ns / 1e3 / answered / COMMIT_PARTITIONS);
}

static void set_address(char *text)
{
	char *colon = strrchr(text, ':');

	if (colon == NULL)
		fail("%s is not HOST:PORT", text);
	snprintf(options.host, sizeof(options.host), "%.*s",
		 (int)(colon - text), text);
	snprintf(options.port, sizeof(options.port), "%s", colon + 1);
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	int c;

	if (argc < 2)
		fail("classic, consumer, ask or commit?");
	options.mode = argv[1];
	while ((c = getopt(argc - 1, argv + 1, "b:P:n:t:i:s:g:")) != -1) {
		if (c == 'b')
			set_address(optarg);
		else if (c == 'P')
			options.pid = atoi(optarg);
		else if (c == 'n')
			options.count = atoi(optarg);
		else if (c == 't')
			options.topic = optarg;
		else if (c == 'i')
			options.interval_ms = atoi(optarg);
		else if (c == 's')
			options.seconds = atoi(optarg);
		else if (c == 'g')
			options.groups = atoi(optarg);
		else
			return 2;
	}
	raise_file_limit();
	if (strcmp(options.mode, "commit") == 0)
		run_commits();
	else
		run_members();
	return 0;
}
