/*
 * config_view.h - one resource while DescribeConfigs describes it
 */
#ifndef KBROKERD_API_CONFIG_VIEW_H
#define KBROKERD_API_CONFIG_VIEW_H

#include "kbrokerd/metadata/topic_config.h"
#include "kbrokerd/server/request.h"
#include "wire/messages.h"

struct config_view {
	struct request *req;
	const struct describe_configs_request *request;
	const struct describe_configs_request_resources *resource;
	struct describe_configs_response_results *result;
	const struct image *image;
	struct config_sources sources;
	char node_id[16];   /* as text */
	struct slice *keys; /* that are asked for: sorted, each once */
	size_t key_count;   /* 0: all */
	size_t described;   /* entries that room was made for, of all */
};

/* Take over which keys of v->resource are asked for.  Returns 0 or -ENOMEM. */
int view_read_keys(struct config_view *v);

/* There is nothing to describe, and this is why. */
void view_fail(struct config_view *v, int16_t error_code, const char *text);

/* Is the key asked for?  None named is all. */
bool view_wants(const struct config_view *v, const char *name);

/* Room for so many entries; *count is 0 when out of memory, and when the
 * request asks for too much: v has been failed then. */
void view_make_room(struct config_view *v, size_t *count);

/* The same for all keys of a scope, which are returned. */
const struct config_def *view_make_room_for(struct config_view *v,
					    enum config_scope scope,
					    size_t *count_out);

/* An entry for def, whose value comes from the first of synonyms; there is
 * room. */
void view_add(struct config_view *v, const struct config_def *def,
	      const char *value, const struct config_synonym_value *synonyms,
	      size_t count);

/* The synonyms of an entry, all of def's type. */
void view_add_synonyms(struct config_view *v,
		       struct describe_configs_response_results_configs *c,
		       const struct config_def *def,
		       const struct config_synonym_value *synonyms,
		       size_t count);

/* In config_view_broker.c: what this broker is set to, and what is set for
 * all brokers. */
void view_node(struct config_view *v);
void view_all_nodes(struct config_view *v);

#endif /* KBROKERD_API_CONFIG_VIEW_H */
