/*
 * listener_address.h - where a listener is, as hosts tell it
 */
#ifndef KBROKERD_LISTENER_ADDRESS_H
#define KBROKERD_LISTENER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct listener_config;

/* Every address of the machine: no host that anybody could connect to. */
bool host_is_wildcard(const char *host);

/* Can it be reached from this machine only? */
bool listener_is_of_this_machine(const struct listener_config *listener);

/* The first listener that is for clients, if there is one: its number. */
size_t listener_first_for_clients(const struct config *config);

/* What clients on this machine connect to, HOST:PORT or unix:PATH. */
void listener_local_address(const struct listener_config *listener,
			    int32_t port, char *text, size_t size);

#endif /* KBROKERD_LISTENER_ADDRESS_H */
