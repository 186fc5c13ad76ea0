/*
 * advertised.c - where clients are told to find this broker
 *
 * A sequence lock for each listener: the writer makes the version odd, writes
 * the words, makes it even again; a reader that saw it odd or changed reads
 * again.  Words are released and acquired one by one, so that no word of a
 * later version is seen under an earlier number.
 */
#include "kbrokerd/advertised.h"

#include <string.h>

enum { HOST_BYTES = 256 };

_Static_assert(HOST_BYTES + sizeof(uint64_t) ==
		       ADVERTISED_WORDS * sizeof(uint64_t),
	       "a host and a port fill the words");

static void write_address(struct advertised_address *to, const char *host,
			  int32_t port)
{
	uint32_t version =
		atomic_load_explicit(&to->version, memory_order_relaxed);
	uint64_t words[ADVERTISED_WORDS] = { 0 };

	memcpy(words, host, strlen(host));
	words[ADVERTISED_WORDS - 1] = (uint64_t)port;
	atomic_store_explicit(&to->version, version + 1, memory_order_relaxed);
	for (size_t i = 0; i < ADVERTISED_WORDS; i++)
		atomic_store_explicit(&to->words[i], words[i],
				      memory_order_release);
	atomic_store_explicit(&to->version, version + 2, memory_order_release);
}

/* Returns false when it was being changed. */
static bool try_read(const struct advertised_address *from,
		     uint64_t words[ADVERTISED_WORDS])
{
	uint32_t version =
		atomic_load_explicit(&from->version, memory_order_acquire);

	for (size_t i = 0; i < ADVERTISED_WORDS; i++)
		words[i] = atomic_load_explicit(&from->words[i],
						memory_order_acquire);
	return version % 2 == 0 &&
	       atomic_load_explicit(&from->version, memory_order_relaxed) ==
		       version;
}

bool advertised_get(const struct advertised *a, size_t listener,
		    char host[HOST_BYTES], int32_t *port_out)
{
	const struct advertised_address *from = &a->addresses[listener];
	uint64_t words[ADVERTISED_WORDS];

	while (!try_read(from, words))
		continue;
	memcpy(host, words, HOST_BYTES);
	*port_out = (int32_t)words[ADVERTISED_WORDS - 1];
	return host[0] != '\0';
}

int advertised_set(struct advertised *a, const struct config *config,
		   const char *text, char *error, size_t error_size)
{
	struct listener_config told[LISTENERS_MAX];
	int rc = config_parse_advertised(config, text, told, error, error_size);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < config->listener_count; i++)
		write_address(&a->addresses[i], told[i].advertised_host,
			      told[i].advertised_port);
	return 0;
}
