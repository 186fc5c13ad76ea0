/*
 * address.h - where something listens, as people write it
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdint.h>

/*
 * Part "host", "host:port", "[v6]:port", "[v6]" or a bare IPv6 address in
 * place: host_out points into text.  Without a port it is port_default.
 * Returns 0, or -EINVAL: there is no host, or the port is none of 1 to 65535.
 */
int address_split(char *text, uint16_t port_default, const char **host_out,
		  uint16_t *port_out);

#endif /* BASE_ADDRESS_H */
