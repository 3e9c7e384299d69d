/*
 * Numeric addresses. See address.h.
 */
#include "async/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

bool tnd_address_parse(const char* host, tnd_lookup_addr* ret_addr)
{
    tnd_lookup_addr addr;
    memset(&addr, 0, sizeof(addr));
    if (inet_pton(AF_INET, host, addr.bytes) == 1) {
        addr.family = AF_INET;
    } else if (inet_pton(AF_INET6, host, addr.bytes) == 1) {
        addr.family = AF_INET6;
    } else {
        return false;
    }
    *ret_addr = addr;
    return true;
}

socklen_t tnd_address_to_sockaddr(const tnd_lookup_addr* addr, uint16_t port,
                                  struct sockaddr_storage* ret_addr)
{
    memset(ret_addr, 0, sizeof(*ret_addr));
    if (addr->family == AF_INET) {
        struct sockaddr_in* in = (struct sockaddr_in*)ret_addr;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, addr->bytes, sizeof(in->sin_addr));
        return sizeof(*in);
    }
    struct sockaddr_in6* in6 = (struct sockaddr_in6*)ret_addr;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, addr->bytes, sizeof(in6->sin6_addr));
    return sizeof(*in6);
}

bool tnd_address_from_sockaddr(const struct sockaddr* addr, tnd_lookup_addr* ret_addr)
{
    tnd_lookup_addr numeric;
    memset(&numeric, 0, sizeof(numeric));
    numeric.family = (uint8_t)addr->sa_family;
    if (addr->sa_family == AF_INET) {
        const struct sockaddr_in* in = (const struct sockaddr_in*)(const void*)addr;
        memcpy(numeric.bytes, &in->sin_addr, sizeof(in->sin_addr));
    } else if (addr->sa_family == AF_INET6) {
        const struct sockaddr_in6* in6 = (const struct sockaddr_in6*)(const void*)addr;
        memcpy(numeric.bytes, &in6->sin6_addr, sizeof(in6->sin6_addr));
    } else {
        return false;
    }
    *ret_addr = numeric;
    return true;
}

void tnd_address_format(const tnd_lookup_addr* addr, uint16_t port, char* ret_text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    inet_ntop(addr->family, addr->bytes, host, sizeof(host));
    snprintf(ret_text, size, addr->family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
}

void tnd_address_name(const struct sockaddr* addr, socklen_t addr_len, char* ret_text, size_t size)
{
    tnd_lookup_addr numeric;
    (void)addr_len;
    if (tnd_address_from_sockaddr(addr, &numeric)) {
        /* Both families have the port in the same place. */
        const struct sockaddr_in* in = (const struct sockaddr_in*)(const void*)addr;
        tnd_address_format(&numeric, ntohs(in->sin_port), ret_text, size);
    } else {
        snprintf(ret_text, size, "%s", addr->sa_family == AF_UNIX ? "unix" : "?");
    }
}
