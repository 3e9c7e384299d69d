/* Addresses of the in-memory network. See net.h. */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "tests/sim/net.h"

socklen_t sim_addr_inet(struct sockaddr_storage* ret_addr, const char* host, uint16_t port)
{
    memset(ret_addr, 0, sizeof(*ret_addr));
    struct sockaddr_in* in = (struct sockaddr_in*)ret_addr;
    if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        return sizeof(*in);
    }
    struct sockaddr_in6* in6 = (struct sockaddr_in6*)ret_addr;
    memset(ret_addr, 0, sizeof(*ret_addr));
    int parsed = inet_pton(AF_INET6, host, &in6->sin6_addr);
    assert(parsed == 1);
    (void)parsed;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    return sizeof(*in6);
}

socklen_t sim_addr_unix(struct sockaddr_storage* ret_addr, const char* name)
{
    memset(ret_addr, 0, sizeof(*ret_addr));
    struct sockaddr_un* un = (struct sockaddr_un*)ret_addr;
    un->sun_family = AF_UNIX;
    snprintf(un->sun_path + 1, sizeof(un->sun_path) - 1, "%s", name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(un->sun_path + 1));
}
