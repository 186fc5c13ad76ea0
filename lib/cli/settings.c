/*
 * settings.c - where the properties of a run come from
 *
 * They are set one after the other in the client's config, the weakest source
 * first, so that the strongest is the one that stays.  A profile is read from
 * the same text as the top of the file, with the lines of the other blanked,
 * so that line numbers in messages are right.
 */
#include "cli/settings.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/properties.h"
#include "base/units.h"

enum { FILE_BYTES_MAX = 1 << 20, PROFILES_MAX = 100 };

struct loader {
	struct client_config *config;
	struct messages *messages;
	bool secret_warned;
	char security[200]; /* the last one of sasl and ssl: "PLACE: NAME" */
};

/* Reading files */

/* world_out: can everybody read it?  May be NULL. */
static int read_file(const char *path, struct buffer *out, bool *world_out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = buffer_read(out, fd, FILE_BYTES_MAX);
	if (world_out != NULL)
		*world_out = fstat(fd, &st) == 0 && (st.st_mode & S_IROTH) != 0;
	close(fd);
	return rc;
}

/* ${provider:what} in values */

struct expansion {
	struct loader *loader;
	const char *place; /* "-X sasl.password", for messages */
	struct buffer *out;
};

static int bad(struct expansion *e, const char *what, const char *why)
{
	return message_usage(e->loader->messages, "%s: %s: %s", e->place, what,
			     why);
}

static void cut_newline(struct buffer *out, size_t from)
{
	if (out->len > from && out->data[out->len - 1] == '\n')
		out->len--;
}

static int expand_env(struct expansion *e, const char *name)
{
	const char *value = getenv(name);

	if (value == NULL)
		return bad(e, name, "is not set in the environment");
	buffer_put_text(e->out, value);
	return EXIT_GO_ON;
}

static int expand_key(struct expansion *e, const char *path, const char *key)
{
	struct properties p = { 0 };
	const char *value;
	int line = 0;
	int status = EXIT_GO_ON;
	int rc = properties_read(&p, path, &line);

	if (rc < 0) {
		status = bad(e, path, strerror(-rc));
	} else {
		value = properties_get(&p, key);
		if (value == NULL)
			status = bad(e, path, "has no such key");
		else
			buffer_put_text(e->out, value);
	}
	properties_clear(&p);
	return status;
}

static int expand_file(struct expansion *e, char *path)
{
	size_t from = e->out->len;
	char *colon = strrchr(path, ':');
	int rc;

	if (colon != NULL) {
		*colon = '\0';
		return expand_key(e, path, colon + 1);
	}
	rc = read_file(path, e->out, NULL);
	if (rc < 0)
		return bad(e, path, strerror(-rc));
	cut_newline(e->out, from);
	return EXIT_GO_ON;
}

static int expand_cmd(struct expansion *e, const char *command)
{
	size_t from = e->out->len;
	/* NOLINTNEXTLINE(cert-env33-c): the user asks for a shell */
	FILE *pipe = popen(command, "re");
	int status;
	int rc;

	if (pipe == NULL)
		return bad(e, command, strerror(errno));
	rc = buffer_read(e->out, fileno(pipe), FILE_BYTES_MAX);
	status = pclose(pipe);
	if (rc < 0)
		return bad(e, command, strerror(-rc));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return bad(e, command, "the command failed");
	cut_newline(e->out, from);
	return EXIT_GO_ON;
}

/* inside: "env:NAME", without the braces; it may be written to. */
static int expand_one(struct expansion *e, char *inside)
{
	if (strncmp(inside, "env:", 4) == 0)
		return expand_env(e, inside + 4);
	if (strncmp(inside, "file:", 5) == 0)
		return expand_file(e, inside + 5);
	if (strncmp(inside, "cmd:", 4) == 0)
		return expand_cmd(e, inside + 4);
	return bad(e, inside, "is none of ${env:}, ${file:} and ${cmd:}");
}

/* The brace that closes the one before text, or NULL; they may be nested. */
static const char *closing_brace(const char *text)
{
	int depth = 1;

	for (; *text != '\0'; text++) {
		if (*text == '{')
			depth++;
		if (*text == '}' && --depth == 0)
			return text;
	}
	return NULL;
}

static int expand(struct expansion *e, const char *text)
{
	const char *open;

	while ((open = strstr(text, "${")) != NULL) {
		const char *close = closing_brace(open + 2);
		char *inside;
		int status;

		if (close == NULL)
			return bad(e, open, "the brace is not closed");
		buffer_put(e->out, text, (size_t)(open - text));
		inside = strndup(open + 2, (size_t)(close - open - 2));
		if (inside == NULL)
			return bad(e, open, "out of memory");
		status = expand_one(e, inside);
		free(inside);
		if (status != EXIT_GO_ON)
			return status;
		text = close + 1;
	}
	buffer_put_text(e->out, text);
	if (buffer_text(e->out) == NULL)
		return bad(e, text, "out of memory");
	if (strlen((char *)e->out->data) != e->out->len)
		return bad(e, e->place, "the value has a NUL byte in it");
	return EXIT_GO_ON;
}

/* Setting */

/* What has no effect without a security.protocol, which is a surprise. */
static bool is_security(const char *name)
{
	return strncmp(name, "sasl.", 5) == 0 || strncmp(name, "ssl.", 4) == 0;
}

static int set(struct loader *l, const char *name, const char *value,
	       const char *place)
{
	struct client_error error = { 0 };
	struct buffer text = { 0 };
	struct expansion e = { .loader = l, .place = place, .out = &text };
	int status;
	int rc;

	if (strncmp(name, "topic.", 6) == 0 && client_property(name) == NULL)
		name += 6;
	status = expand(&e, value);
	if (status == EXIT_GO_ON) {
		rc = client_config_set(l->config, name, (char *)text.data,
				       &error);
		if (rc < 0)
			status = message_usage(l->messages, "%s: %s", place,
					       error.text);
		if (rc == 1 && is_security(name))
			snprintf(l->security, sizeof(l->security), "%s: %s",
				 place, name);
		else if (rc == 1)
			message_info(l->messages, "%s: '%s' has no effect here",
				     place, name);
	}
	buffer_clear(&text);
	return status;
}

/* The file */

static void warn_of_secret(struct loader *l, const struct property *item)
{
	const struct client_property *row = client_property(item->key);

	if (l->secret_warned || row == NULL || !row->secret ||
	    strstr(item->value, "${") != NULL)
		return;
	l->secret_warned = true;
	message_warning(l->messages,
			"%s:%d: everybody can read this file, and %s in it; "
			"chmod 600 helps",
			item->origin, item->line, item->key);
}

static int set_file(struct loader *l, const struct properties *p, bool world)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct property *item = &p->items[i];
		char place[PATH_BYTES_MAX + 16];
		int status;

		snprintf(place, sizeof(place), "%s:%d", item->origin,
			 item->line);
		status = set(l, item->key, item->value, place);
		if (status != EXIT_GO_ON)
			return status;
		if (world)
			warn_of_secret(l, item);
	}
	return EXIT_GO_ON;
}

/*
 * Is the line from at to end "[name]"?  Then the name is in *name_out, which
 * is a slice of the line.
 */
static bool is_heading(const uint8_t *at, const uint8_t *end,
		       struct slice *name_out)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (end > at &&
	       (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	if (end - at < 2 || *at != '[' || end[-1] != ']')
		return false;
	*name_out = (struct slice){ at + 1, (size_t)(end - at - 2) };
	return true;
}

/*
 * Blank what is not in the section: name NULL is the top of the file.  Returns
 * whether there is such a section.
 */
static bool keep_section(struct buffer *text, const char *name)
{
	uint8_t *at = text->data;
	uint8_t *end = text->data + text->len;
	bool inside = name == NULL;
	bool found = inside;

	while (at < end) {
		uint8_t *eol = memchr(at, '\n', (size_t)(end - at));
		struct slice heading;
		bool is_head;

		if (eol == NULL)
			eol = end;
		is_head = is_heading(at, eol, &heading);
		if (is_head)
			inside = name != NULL && slice_is(heading, name);
		found = found || inside;
		if (!inside || is_head)
			memset(at, ' ', (size_t)(eol - at));
		at = eol + (eol < end);
	}
	return found;
}

static int set_section(struct loader *l, const char *path,
		       const struct buffer *file, const char *name, bool world)
{
	struct buffer text = { 0 };
	struct properties p = { 0 };
	int status = EXIT_GO_ON;
	int line = 0;
	int rc;

	buffer_put(&text, file->data, file->len);
	if (!keep_section(&text, name))
		status = message_usage(l->messages, "%s: no profile [%s] in it",
				       path, name);
	if (status == EXIT_GO_ON) {
		rc = properties_parse(&p, (char *)text.data, text.len, path,
				      &line);
		if (rc < 0)
			status = message_usage(l->messages,
					       "%s:%d: not a property line",
					       path, line);
		else
			status = set_file(l, &p, world);
	}
	properties_clear(&p);
	buffer_clear(&text);
	return status;
}

static int load_file(struct loader *l, const char *path, const char *profile)
{
	struct buffer file = { 0 };
	bool world = false;
	int status = EXIT_GO_ON;
	int rc = read_file(path, &file, &world);

	if (rc < 0) {
		buffer_clear(&file);
		return message_usage(l->messages, "cannot read '%s': %s", path,
				     strerror(-rc));
	}
	message_info(l->messages, "properties from %s", path);
	status = set_section(l, path, &file, NULL, world);
	if (status == EXIT_GO_ON && profile != NULL)
		status = set_section(l, path, &file, profile, world);
	buffer_clear(&file);
	return status;
}

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* $HOME/.config/name in path; false without a home. */
static bool in_config_dir(char *path, const char *name)
{
	const char *dir = env("XDG_CONFIG_HOME");
	const char *home = env("HOME");

	if (dir == NULL && home == NULL)
		return false;
	return snprintf(path, PATH_BYTES_MAX, "%s%s/%s",
			dir == NULL ? home : dir, dir == NULL ? "/.config" : "",
			name) < PATH_BYTES_MAX;
}

/* The file in the order of search; NULL for none.  text holds its path. */
static const char *find_file(const struct settings_source *source, char *text)
{
	const char *path = source->config_file;

	if (path == NULL)
		path = env("KAFKA_CONFIG");
	if (path != NULL)
		return strcmp(path, "none") == 0 ? NULL : path;
	if (in_config_dir(text, "kafka-tools.conf") && access(text, F_OK) == 0)
		return text;
	path = env("KCAT_CONFIG");
	if (path != NULL)
		return path;
	if (in_config_dir(text, "kcat.conf") && access(text, F_OK) == 0)
		return text;
	return NULL;
}

static int load_config_file(struct loader *l,
			    const struct settings_source *source)
{
	const char *profile = source->profile;
	char text[PATH_BYTES_MAX];
	const char *path;

	if (profile == NULL)
		profile = env("KAFKA_PROFILE");
	path = find_file(source, text);
	if (path != NULL)
		return load_file(l, path, profile);
	if (profile == NULL)
		return EXIT_GO_ON;
	return message_usage(l->messages,
			     "profile '%s' wants a config file, and there is "
			     "none",
			     profile);
}

static int set_x(struct loader *l, const char *text)
{
	const char *equal = strchr(text, '=');
	char *name;
	int status;

	if (strcmp(text, "dump") == 0)
		return EXIT_GO_ON;
	if (equal == NULL || equal == text)
		return message_usage(l->messages,
				     "-X: '%s' is not NAME=VALUE, 'list' or "
				     "'dump'",
				     text);
	name = strndup(text, (size_t)(equal - text));
	if (name == NULL)
		return message_fail(l->messages, EXIT_REFUSED, "out of memory");
	status = set(l, name, equal + 1, "-X");
	free(name);
	return status;
}

int settings_load(struct client_config *config,
		  const struct settings_source *source,
		  struct messages *messages)
{
	struct loader l = { .config = config, .messages = messages };
	const char *servers = env("KAFKA_BOOTSTRAP_SERVERS");
	int status = load_config_file(&l, source);

	if (status == EXIT_GO_ON && servers != NULL)
		status = set(&l, "bootstrap.servers", servers,
			     "KAFKA_BOOTSTRAP_SERVERS");
	for (size_t i = 0; status == EXIT_GO_ON && i < source->x_count; i++)
		status = set_x(&l, source->x[i]);
	if (status == EXIT_GO_ON && source->bootstrap != NULL)
		status = set(&l, "bootstrap.servers", source->bootstrap, "-b");
	if (status == EXIT_GO_ON && l.security[0] != '\0' &&
	    config->security_protocol == 0)
		message_warning(messages,
				"%s has no effect: security.protocol is "
				"plaintext",
				l.security);
	return status;
}

/* -X list and -X dump */

static void put_property(const struct client_property *row, struct buffer *out)
{
	size_t len = strlen(row->doc);

	if (len > 0 && row->doc[len - 1] == '.')
		len--;
	buffer_printf(out, "# %.*s", (int)len, row->doc);
	if (row->choices != NULL)
		buffer_printf(out, " (%s)", row->choices);
	else if (row->type == PROPERTY_INT)
		buffer_printf(out, " (%lld..%lld)", (long long)row->min,
			      (long long)row->max);
	if (row->alias != NULL)
		buffer_printf(out, "; also %s", row->alias);
	buffer_printf(out, "\n%s=%s\n", row->name, row->default_text);
}

void settings_list(struct buffer *out)
{
	size_t count;
	const struct client_property *rows = client_properties(&count);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].type != PROPERTY_IGNORED)
			put_property(&rows[i], out);
	}
	buffer_put_text(out, "# Known elsewhere, taken without effect:\n");
	for (size_t i = 0; i < count; i++) {
		if (rows[i].type == PROPERTY_IGNORED)
			buffer_printf(out, "# %s\n", rows[i].name);
	}
}

void settings_dump(const struct client_config *config, struct buffer *out)
{
	size_t count;
	const struct client_property *rows = client_properties(&count);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].type == PROPERTY_IGNORED)
			continue;
		buffer_printf(out, "%s=", rows[i].name);
		client_config_print(config, &rows[i], out);
		buffer_put_u8(out, '\n');
	}
}
