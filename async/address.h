/*
 * Numeric addresses: text, the seam's tnd_lookup_addr, and sockaddr.
 */
#pragma once

#include <tendril/loop.h>

/* Enough for every text that tnd_address_format and tnd_address_name make. */
#define TND_ADDRESS_TEXT_SIZE 64

/* A numeric IPv4 or IPv6 address (without brackets); false if `host` is none. */
bool tnd_address_parse(const char* host, tnd_lookup_addr* ret_addr);

/* As sockaddr for connect; the length is returned. */
socklen_t tnd_address_to_sockaddr(const tnd_lookup_addr* addr, uint16_t port,
                                  struct sockaddr_storage* ret_addr);

/* From a sockaddr; the port is dropped. False (and nothing written) for other families. */
bool tnd_address_from_sockaddr(const struct sockaddr* addr, tnd_lookup_addr* ret_addr);

/* "10.1.2.3:3000", "[::1]:3000"; bounded and terminated. */
void tnd_address_format(const tnd_lookup_addr* addr, uint16_t port, char* ret_text, size_t size);

/* The same for a sockaddr; "unix" for a unix socket, "?" for anything else. */
void tnd_address_name(const struct sockaddr* addr, socklen_t addr_len, char* ret_text, size_t size);
