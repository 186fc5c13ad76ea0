/*
 * trace.c - kbrokerd --trace: what is asked and answered, as lines of JSON
 *
 * Lines are made on the io threads and put in one bounded buffer; a thread
 * writes it out.  When the file is slower than the broker, lines are lost and
 * counted: the broker never waits for it.
 *
 * What on_answer needs of a request's beginning is kept in a table, since the
 * client id is gone by then; a request that is filtered out has no entry.
 */
#include "kbrokerd/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/json_writer.h"
#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/request.h"
#include "kbrokerd/trace_secrets.h"
#include "log/log.h"

enum {
	BODY_BYTES_MAX = 1 << 20,   /* as JSON; a longer one is left out */
	QUEUED_BYTES_MAX = 8 << 20, /* lines that wait to be written */
	RECORD_BYTES_MAX = 256 << 10,
	CLOSE_PATIENCE_MS = 2000,
	APIS_MAX = 128,
};

struct asked {
	const struct request *req; /* the key */
	char *client;              /* NULL: it told none */
	UT_hash_handle hh;
};

struct trace {
	struct server_observer observer;
	struct wire_json_rules rules;
	bool api_wanted[APIS_MAX];
	char *client; /* a glob, or NULL */
	int fd;
	bool own_fd;
	const char *file; /* that it is of; the caller's */
	size_t write_max; /* so many bytes do not block after POLLOUT */

	pthread_t writer;
	pthread_mutex_t lock;
	pthread_cond_t on_change;
	struct buffer queued; /* all below is locked */
	uint64_t lost;
	bool failing; /* the last ones could not be written */
	bool closing;
	int64_t give_up_us; /* monotonic; once it is closing */
	struct asked *asked;
};

/* Lines */

static void put_time(struct json_writer *w)
{
	struct timespec now;
	struct tm tm;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, now.tv_nsec / 1000);
	json_member_text(w, "time", text);
}

static void begin_line(struct json_writer *w, const char *kind,
		       const char *peer)
{
	json_put_open(w, '{');
	put_time(w);
	json_member_text(w, "kind", kind);
	json_member_text(w, "peer", peer);
}

/* The line goes to the writer, or is lost. */
static void end_line(struct trace *t, struct json_writer *w)
{
	struct buffer *line = w->out;

	json_put_close(w, '}');
	buffer_put_u8(line, '\n');
	pthread_mutex_lock(&t->lock);
	if (line->failed || t->queued.len + line->len > QUEUED_BYTES_MAX)
		t->lost++;
	else
		buffer_put(&t->queued, line->data, line->len);
	pthread_cond_signal(&t->on_change);
	pthread_mutex_unlock(&t->lock);
	buffer_clear(line);
}

static void put_request(struct json_writer *w, const struct request *req,
			const char *client)
{
	json_member_text(w, "client", client);
	json_member_text(w, "api", req->wire->name);
	json_member_int(w, "version", req->version);
	json_member_int(w, "correlation", req->correlation_id);
}

static void put_body(const struct trace *t, struct json_writer *w,
		     const struct wire_desc *desc, int16_t version,
		     const void *message)
{
	struct wire_json_rules rules = t->rules;
	size_t before;
	int rc;

	json_put_key(w, "body");
	before = w->out->len;
	rules.bytes_max = before + BODY_BYTES_MAX;
	rc = message == NULL ? -ENODATA
			     : wire_print_json_by(&rules, desc, version,
						  message, w->out);
	w->comma = true;
	if (rc == 0)
		return;
	w->out->len = before;
	w->comma = false;
	json_put_null(w);
	json_member_text(w, "omitted",
			 rc == -ENODATA ? "there is none" : "too long");
}

/* What is looked at */

static bool is_wanted(const struct trace *t, const struct request *req,
		      const char *client)
{
	if (!t->api_wanted[req->wire->key])
		return false;
	return t->client == NULL ||
	       fnmatch(t->client, client == NULL ? "" : client, 0) == 0;
}

static void remember(struct trace *t, const struct request *req, char *client)
{
	struct asked *asked = malloc(sizeof(*asked));

	if (asked == NULL) {
		free(client);
		return;
	}
	asked->req = req;
	asked->client = client;
	pthread_mutex_lock(&t->lock);
	HASH_ADD_PTR(t->asked, req, asked);
	pthread_mutex_unlock(&t->lock);
}

static struct asked *recall(struct trace *t, const struct request *req)
{
	struct asked *asked;

	pthread_mutex_lock(&t->lock);
	HASH_FIND_PTR(t->asked, &req, asked);
	if (asked != NULL)
		HASH_DEL(t->asked, asked);
	pthread_mutex_unlock(&t->lock);
	return asked;
}

static void on_request(void *arg, const struct request *req, struct slice frame)
{
	struct trace *t = arg;
	struct buffer line = { 0 };
	struct json_writer w = json_writer(&line);
	char *client = req->client_id.data == NULL
			       ? NULL
			       : strndup((const char *)req->client_id.data,
					 req->client_id.len);

	if (!is_wanted(t, req, client)) {
		free(client);
		return;
	}
	begin_line(&w, "request", request_peer(req));
	put_request(&w, req, client);
	json_member_int(&w, "bytes", (int64_t)frame.len);
	put_body(t, &w, req->wire->request, req->version, req->message);
	end_line(t, &w);
	remember(t, req, client);
}

static void on_answer(void *arg, const struct request *req, const void *message,
		      size_t bytes)
{
	struct trace *t = arg;
	struct buffer line = { 0 };
	struct json_writer w = json_writer(&line);
	struct asked *asked = recall(t, req);

	if (asked == NULL)
		return;
	begin_line(&w, "response", request_peer(req));
	put_request(&w, req, asked->client);
	json_member_int(&w, "us", req->answered_us - req->received_us);
	json_member_int(&w, "bytes", (int64_t)bytes);
	put_body(t, &w, req->wire->response, req->version, message);
	end_line(t, &w);
	free(asked->client);
	free(asked);
}

static const char *peer_of(const struct conn *conn)
{
	/* The text is made when it is asked for, on the connection's thread. */
	return conn_peer((struct conn *)conn);
}

static void on_connection(void *arg, const struct conn *conn, bool open)
{
	struct trace *t = arg;
	struct buffer line = { 0 };
	struct json_writer w = json_writer(&line);

	begin_line(&w, open ? "connected" : "closed", peer_of(conn));
	end_line(t, &w);
}

static void on_refused(void *arg, const struct conn *conn, const char *why,
		       int16_t api_key)
{
	struct trace *t = arg;
	struct buffer line = { 0 };
	struct json_writer w = json_writer(&line);
	const struct wire_api *api = wire_api(api_key);

	begin_line(&w, "refused", peer_of(conn));
	if (api != NULL)
		json_member_text(&w, "api", api->name);
	else if (api_key >= 0)
		json_member_int(&w, "api_key", api_key);
	json_member_text(&w, "why", why);
	end_line(t, &w);
}

/* Records */

static int read_records(void *arg, const struct wire_records *records,
			struct buffer *bytes)
{
	const struct log_slice *slice = records->file;
	uint8_t *to;
	ssize_t n;

	(void)arg;
	if (records->len > RECORD_BYTES_MAX)
		return -EMSGSIZE;
	if (slice == NULL) {
		buffer_put(bytes, records->data, records->len);
		return bytes->failed ? -ENOMEM : 0;
	}
	to = buffer_grow(bytes, records->len);
	if (to == NULL)
		return -ENOMEM;
	n = pread(slice->fd, to, records->len, records->position);
	return n == (ssize_t)records->len ? 0 : -EIO;
}

/* The writer */

/* May the writer go on waiting for the file? */
static bool is_patient(struct trace *t)
{
	struct clock *clock = clock_system();
	bool patient;

	pthread_mutex_lock(&t->lock);
	patient = !t->closing || clock->monotonic_us(clock) < t->give_up_us;
	pthread_mutex_unlock(&t->lock);
	return patient;
}

static bool is_writable(struct trace *t)
{
	struct pollfd fd = { .fd = t->fd, .events = POLLOUT };

	while (poll(&fd, 1, 100) <= 0) {
		if (!is_patient(t))
			return false;
	}
	return true;
}

/* Returns false if it could not be written. */
static bool write_all(struct trace *t, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t part = len < t->write_max ? len : t->write_max;
		ssize_t n;

		if (!is_writable(t))
			return false;
		n = write(t->fd, data, part);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static void put_lost(struct buffer *out, uint64_t lost)
{
	struct json_writer w = json_writer(out);

	if (lost == 0)
		return;
	json_put_open(&w, '{');
	put_time(&w);
	json_member_text(&w, "kind", "lost");
	json_member_int(&w, "count", (int64_t)lost);
	json_put_close(&w, '}');
	buffer_put_u8(out, '\n');
}

/* Wait for lines and take all there are.  Returns false at the end. */
static bool take_lines(struct trace *t, struct buffer *lines)
{
	pthread_mutex_lock(&t->lock);
	/* What was lost is told with the next line, if that can be written. */
	while (t->queued.len == 0 && (t->lost == 0 || t->failing) &&
	       !t->closing)
		pthread_cond_wait(&t->on_change, &t->lock);
	*lines = t->queued;
	t->queued = (struct buffer){ 0 };
	put_lost(lines, t->lost);
	t->lost = 0;
	pthread_mutex_unlock(&t->lock);
	return lines->len > 0;
}

static uint64_t count_lines(const struct buffer *lines)
{
	uint64_t count = 0;

	for (size_t i = 0; i < lines->len; i++)
		count += lines->data[i] == '\n';
	return count;
}

static void *write_lines(void *arg)
{
	struct trace *t = arg;
	struct buffer lines;

	while (take_lines(t, &lines)) {
		bool written = write_all(t, lines.data, lines.len);

		pthread_mutex_lock(&t->lock);
		t->failing = !written;
		if (!written && !t->closing)
			t->lost += count_lines(&lines);
		pthread_mutex_unlock(&t->lock);
		buffer_clear(&lines);
	}
	return NULL;
}

/* Life */

static int want_apis(struct trace *t, const char *list, char *error,
		     size_t error_size)
{
	const struct wire_api *apis;
	const char *names[APIS_MAX];
	size_t count;

	apis = wire_apis(&count);
	for (size_t i = 0; i < count; i++) {
		names[i] = apis[i].name;
		t->api_wanted[i] = list == NULL;
	}
	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, ",");
		char name[64];
		size_t i = 0;

		snprintf(name, sizeof(name), "%.*s", (int)len, list);
		while (i < count && strcasecmp(names[i], name) != 0)
			i++;
		if (i == count) {
			const char *near = nearest_name(name, names, count);

			snprintf(error, error_size, "'%s' is not an API%s%s%s",
				 name, near == NULL ? "" : "; did you mean ",
				 near == NULL ? "" : near,
				 near == NULL ? "" : "?");
			return -EINVAL;
		}
		t->api_wanted[i] = true;
		list += len + (list[len] == ',');
	}
	return 0;
}

static int open_for_append(const char *file)
{
	return open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
		    0600);
}

static int open_file(struct trace *t, const char *file, char *error,
		     size_t error_size)
{
	struct stat st;

	t->fd = STDERR_FILENO;
	t->own_fd = file != NULL;
	t->file = file;
	if (file != NULL)
		t->fd = open_for_append(file);
	if (t->fd < 0) {
		snprintf(error, error_size, "%s: %s", file, strerror(errno));
		return -errno;
	}
	t->write_max = fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode) ? SSIZE_MAX
								     : PIPE_BUF;
	return 0;
}

int trace_reopen(struct trace *t)
{
	int rc = 0;
	int fd;

	if (t == NULL || !t->own_fd)
		return 0;
	fd = open_for_append(t->file);
	if (fd < 0)
		return -errno;
	/* Whoever writes right now goes on in either. */
	if (dup3(fd, t->fd, O_CLOEXEC) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static void release(struct trace *t)
{
	struct asked *asked;
	struct asked *next;

	HASH_ITER(hh, t->asked, asked, next)
	{
		HASH_DEL(t->asked, asked);
		free(asked->client);
		free(asked);
	}
	if (t->own_fd && t->fd >= 0)
		close(t->fd);
	buffer_clear(&t->queued);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->on_change);
	free(t->client);
	free(t);
}

static int start(struct trace *t, const struct trace_params *params,
		 char *error, size_t error_size)
{
	int rc = want_apis(t, params->apis, error, error_size);

	if (rc == 0)
		rc = open_file(t, params->file, error, error_size);
	if (rc < 0)
		return rc;
	if (params->client != NULL)
		t->client = strdup(params->client);
	rc = -pthread_create(&t->writer, NULL, write_lines, t);
	if (rc < 0)
		snprintf(error, error_size, "%s", strerror(-rc));
	return rc;
}

int trace_open(const struct trace_params *params, struct trace **trace_out,
	       char *error, size_t error_size)
{
	struct trace *t = calloc(1, sizeof(*t));
	int rc;

	snprintf(error, error_size, "out of memory");
	if (t == NULL)
		return -ENOMEM;
	t->fd = -1;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->on_change, NULL);
	t->rules.is_secret = trace_is_secret;
	t->rules.read_records = params->records ? read_records : NULL;
	t->observer = (struct server_observer){
		.arg = t,
		.on_request = on_request,
		.on_answer = on_answer,
		.on_connection = on_connection,
		.on_refused = on_refused,
	};
	rc = start(t, params, error, error_size);
	if (rc < 0) {
		release(t);
		return rc;
	}
	*trace_out = t;
	return 0;
}

const struct server_observer *trace_observer(const struct trace *trace)
{
	return &trace->observer;
}

void trace_close(struct trace *t)
{
	struct clock *clock = clock_system();

	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->closing = true;
	t->give_up_us = clock->monotonic_us(clock) + CLOSE_PATIENCE_MS * 1000L;
	pthread_cond_signal(&t->on_change);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->writer, NULL);
	release(t);
}
