/*
 * regex.c - patterns of topics in bounded time
 *
 * PCRE2 does the work.  It is told to call back before each item of the
 * pattern that it tries: that is what a step is.  What RE2/J does not know is
 * found by reading the pattern once before.
 */
#include "kbrokerd/group/regex.h"

#include <errno.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
	/* Of one name; steps are counted beside. */
	MATCH_LIMIT = 1000000,
	DEPTH_LIMIT = 100000,
	HEAP_KIB = 1024,
	REPEAT_MAX = 1000, /* as RE2/J */
};

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits;
	pcre2_match_data *found;
	int64_t steps; /* left */
	bool is_exhausted;
};

/* What RE2/J has of what may follow a backslash, but for octal, \x, \p, \Q. */
static bool is_known_escape(uint8_t c)
{
	static const char letters[] = "AbBCdDsSwWzaftnrvxpPQE";

	if (c >= 0x80)
		return false;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return strchr(letters, c) != NULL;
	/* \8 is nothing, \1 to \7 would refer back; \0 is octal. */
	return !(c >= '1' && c <= '9');
}

struct reader {
	struct slice text;
	size_t at;
	bool in_class;
};

static int peek(const struct reader *r, size_t ahead)
{
	return r->at + ahead < r->text.len ? r->text.data[r->at + ahead] : -1;
}

static const char *read_escape(struct reader *r)
{
	int c = peek(r, 1);

	if (c < 0)
		return "trailing backslash at end of expression";
	/* Octal: two more digits make \1 one. */
	if (c >= '1' && c <= '7' && peek(r, 2) >= '0' && peek(r, 2) <= '7') {
		r->at += 3;
		return NULL;
	}
	if (!is_known_escape((uint8_t)c))
		return "invalid escape sequence";
	r->at += 2;
	if (c != 'Q')
		return NULL;
	while (r->at < r->text.len &&
	       !(peek(r, 0) == '\\' && peek(r, 1) == 'E'))
		r->at++;
	return NULL;
}

/* Behind "(?": a name, flags, or a colon. */
static const char *read_group(struct reader *r)
{
	size_t ahead = 2;

	if (peek(r, 1) == '*')
		return "missing argument to repetition operator: `*`";
	if (peek(r, 1) != '?')
		return NULL;
	if (peek(r, 2) == 'P' && peek(r, 3) == '<')
		return NULL;
	if (peek(r, 2) == '<' && peek(r, 3) != '=' && peek(r, 3) != '!')
		return NULL;
	while (peek(r, ahead) > 0 && strchr("imsU-", peek(r, ahead)) != NULL)
		ahead++;
	if (peek(r, ahead) == ':' || (peek(r, ahead) == ')' && ahead > 2))
		return NULL;
	return "invalid or unsupported Perl syntax";
}

/* "{n,m}" at the reader: its length, or 0 when it is just a brace. */
static size_t repeat_length(const struct reader *r, int *most_out)
{
	size_t ahead = 1;
	int number = 0;
	int digits = 0;
	int commas = 0;

	*most_out = 0;
	for (;; ahead++) {
		int c = peek(r, ahead);

		if (c >= '0' && c <= '9' && number <= REPEAT_MAX) {
			number = number * 10 + (c - '0');
			digits++;
		} else if (c >= '0' && c <= '9') {
			continue;
		} else if ((c == ',' && commas == 0 && digits > 0) ||
			   c == '}') {
			*most_out = number > *most_out ? number : *most_out;
			number = 0;
			commas++;
			if (c == '}')
				return digits > 0 ? ahead + 1 : 0;
		} else {
			return 0;
		}
	}
}

/* One of * + ? {n,m}: not two in a row, but a ? that makes it lazy. */
static const char *read_repeat(struct reader *r, size_t length)
{
	int most;

	r->at += length;
	if (peek(r, 0) == '?')
		r->at++;
	if (peek(r, 0) == '*' || peek(r, 0) == '+' || peek(r, 0) == '?' ||
	    (peek(r, 0) == '{' && repeat_length(r, &most) > 0))
		return "invalid nested repetition operator";
	return NULL;
}

static const char *read_class(struct reader *r)
{
	if (peek(r, 0) == '[' && peek(r, 1) == ':') {
		r->at += 2;
	} else if (peek(r, 0) == ']') {
		r->in_class = false;
		r->at++;
	} else {
		r->at++;
	}
	return NULL;
}

static void open_class(struct reader *r)
{
	r->in_class = true;
	r->at++;
	if (peek(r, 0) == '^')
		r->at++;
	if (peek(r, 0) == ']')
		r->at++;
}

/* Read one item; returns what is wrong with it for RE2/J. */
static const char *read_item(struct reader *r)
{
	const char *wrong;
	int most = 0;
	size_t length;

	switch (peek(r, 0)) {
	case '\\':
		return read_escape(r);
	case '[':
		if (r->in_class)
			return read_class(r);
		open_class(r);
		return NULL;
	default:
		break;
	}
	if (r->in_class)
		return read_class(r);
	switch (peek(r, 0)) {
	case '(':
		wrong = read_group(r);
		r->at += peek(r, 1) == '?' ? 2 : 1;
		return wrong;
	case '*':
	case '+':
	case '?':
		return read_repeat(r, 1);
	case '{':
		length = repeat_length(r, &most);
		if (most > REPEAT_MAX)
			return "bad repetition operator";
		if (length > 0)
			return read_repeat(r, length);
		break;
	default:
		break;
	}
	r->at++;
	return NULL;
}

static const char *find_fault(struct slice pattern)
{
	struct reader r = { .text = pattern };
	const char *wrong = NULL;

	while (wrong == NULL && r.at < pattern.len)
		wrong = read_item(&r);
	return wrong;
}

static int on_step(pcre2_callout_block *block, void *arg)
{
	struct regex *regex = arg;

	(void)block;
	if (regex->steps > 0) {
		regex->steps--;
		return 0;
	}
	regex->is_exhausted = true;
	return PCRE2_ERROR_CALLOUT;
}

static const char *fault_text(struct arena *arena, int error)
{
	char text[128];
	const char *copy;

	if (pcre2_get_error_message(error, (uint8_t *)text, sizeof(text)) < 0)
		return "not a regular expression";
	copy = arena_printf(arena, "%s", text);
	return copy == NULL ? "not a regular expression" : copy;
}

static int compile(struct regex *regex, struct slice pattern,
		   struct arena *arena, const char **error_out)
{
	size_t error_at;
	int error;

	regex->code = pcre2_compile(pattern.data, pattern.len,
				    PCRE2_ANCHORED | PCRE2_ENDANCHORED |
					    PCRE2_AUTO_CALLOUT |
					    PCRE2_NEVER_BACKSLASH_C |
					    PCRE2_UTF | PCRE2_DOLLAR_ENDONLY,
				    &error, &error_at, NULL);
	if (regex->code == NULL && error == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	if (regex->code == NULL) {
		*error_out = fault_text(arena, error);
		return -EINVAL;
	}
	regex->limits = pcre2_match_context_create(NULL);
	regex->found = pcre2_match_data_create(1, NULL);
	if (regex->limits == NULL || regex->found == NULL)
		return -ENOMEM;
	pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(regex->limits, HEAP_KIB);
	pcre2_set_callout(regex->limits, on_step, regex);
	return 0;
}

int regex_new(struct slice pattern, struct arena *arena,
	      struct regex **regex_out, const char **error_out)
{
	struct regex *regex;
	int rc;

	*regex_out = NULL;
	if (pattern.len > REGEX_BYTES_MAX) {
		*error_out = "expression too large";
		return -EINVAL;
	}
	*error_out = find_fault(pattern);
	if (*error_out != NULL)
		return -EINVAL;
	regex = calloc(1, sizeof(*regex));
	if (regex == NULL)
		return -ENOMEM;
	rc = compile(regex, pattern, arena, error_out);
	if (rc != 0) {
		regex_free(regex);
		return rc;
	}
	*regex_out = regex;
	return 0;
}

void regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_match_data_free(regex->found);
	pcre2_match_context_free(regex->limits);
	pcre2_code_free(regex->code);
	free(regex);
}

void regex_allow(struct regex *regex, int64_t steps)
{
	regex->steps = steps;
}

int64_t regex_steps_left(const struct regex *regex)
{
	return regex->steps;
}

bool regex_matches(struct regex *regex, struct slice name)
{
	const uint8_t *text = name.len == 0 ? (const uint8_t *)"" : name.data;
	int rc;

	if (regex->steps < REGEX_STEPS_PER_TRY)
		regex->is_exhausted = true;
	if (regex->is_exhausted)
		return false;
	regex->steps -= REGEX_STEPS_PER_TRY;
	rc = pcre2_match(regex->code, text, name.len, 0, 0, regex->found,
			 regex->limits);
	/* A limit, or a callback that stopped it; 0: more groups than room. */
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		regex->is_exhausted = true;
	return rc >= 0;
}

bool regex_is_exhausted(const struct regex *regex)
{
	return regex->is_exhausted;
}
