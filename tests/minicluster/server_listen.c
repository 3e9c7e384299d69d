/*
 * Listeners. A node that doesn't listen (dead, `refuse`) keeps its port bound, so that nobody else
 * gets it meanwhile. A black hole is a queue of length 0 that we fill ourselves: the kernel then
 * leaves further connects without an answer.
 */
#include "server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static socklen_t listen_address(struct sockaddr_storage* ret, bool ipv6, uint16_t port)
{
    memset(ret, 0, sizeof(*ret));
    if (ipv6) {
        struct sockaddr_in6* in6 = (struct sockaddr_in6*)ret;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        in6->sin6_addr = in6addr_loopback;
        return sizeof(*in6);
    }
    struct sockaddr_in* in = (struct sockaddr_in*)ret;
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof(*in);
}

static int listen_socket(bool ipv6)
{
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(ipv6 ? AF_INET6 : AF_INET, type, 0);
    int on = 1;
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (ipv6) {
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        }
    }
    return fd;
}

bool server_bind(int* ret_fd, bool ipv6, uint16_t port, uint16_t* ret_port)
{
    struct sockaddr_storage address;
    socklen_t len = listen_address(&address, ipv6, port);
    int fd = listen_socket(ipv6);
    if (fd < 0) {
        return false;
    }
    if (bind(fd, (struct sockaddr*)&address, len) ||
        getsockname(fd, (struct sockaddr*)&address, &len)) {
        int error = errno;
        close(fd);
        errno = error;
        return false;
    }
    // The port is at the same place in both kinds of address.
    *ret_port = ntohs(((struct sockaddr_in*)&address)->sin_port);
    *ret_fd = fd;
    return true;
}

static void listen_drop(server_node* node)
{
    for (int i = 0; i < 2; i++) {
        if (node->listeners[i].source.fd >= 0) {
            close(node->listeners[i].source.fd);
            node->listeners[i].source.fd = -1;
        }
    }
}

static void listen_unfill(server_node* node)
{
    for (int i = 0; i < SERVER_FILLERS; i++) {
        if (node->fillers[i] > 0) {
            close(node->fillers[i]);
            node->fillers[i] = 0;
        }
    }
}

static void listen_fill(server_node* node)
{
    struct sockaddr_storage address;
    socklen_t len = listen_address(&address, false, node->port);
    for (int i = 0; i < SERVER_FILLERS; i++) {
        node->fillers[i] = listen_socket(false);
        if (node->fillers[i] > 0) {
            connect(node->fillers[i], (struct sockaddr*)&address, len);
        }
    }
}

static bool listen_bind(mc_server* server, int index, uint16_t port)
{
    server_node* node = &server->nodes[index];
    const mc_config* config = &server->config.cluster;
    bool ipv6 = strstr(config->advertise, "::1") || strstr(config->alternate, "::1");
    listen_drop(node);
    for (int try = 0; try < 10; try++) {
        for (int i = 0; i < 2; i++) {
            node->listeners[i].source.kind = SERVER_LISTENER;
            node->listeners[i].node = index;
        }
        if (!server_bind(&node->listeners[0].source.fd, false, port, &node->port)) {
            return false;
        }
        uint16_t same;
        if (!ipv6 || server_bind(&node->listeners[1].source.fd, true, node->port, &same)) {
            return true;
        }
        listen_drop(node);
    }
    return false;
}

static void listen_start(mc_server* server, server_listener* listener, mc_listening state)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener->source};
    if (listener->source.fd < 0) {
        return;
    }
    listen(listener->source.fd, state == MC_LISTEN_BLACKHOLE ? 0 : 1024);
    int operation = state == MC_LISTEN_OPEN ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
    epoll_ctl(server->epoll_fd, operation, listener->source.fd, &event);
}

bool server_listen_sync(mc_server* server, int index)
{
    server_node* node = &server->nodes[index];
    mc_listening state = mc_node_listening(server->cluster, index);
    uint16_t port = mc_node_port(server->cluster, index);
    bool moved = state != MC_LISTEN_GONE && (port != node->port || port == 0);
    if (state == node->state && !moved) {
        return true;
    }
    listen_unfill(node);
    bool bound = node->listeners[0].source.fd >= 0;
    if (state == MC_LISTEN_GONE) {
        listen_drop(node);
    } else if (!bound || moved || state == MC_LISTEN_REFUSE) {
        if (!listen_bind(server, index, port)) {
            return false;
        }
        mc_node_set_port(server->cluster, index, node->port);
    }
    node->state = state;
    if (state != MC_LISTEN_GONE && state != MC_LISTEN_REFUSE) {
        listen_start(server, &node->listeners[0], state);
        listen_start(server, &node->listeners[1], state);
    }
    if (state == MC_LISTEN_BLACKHOLE) {
        listen_fill(node);
    }
    return true;
}

void server_listen_close(mc_server* server)
{
    for (int i = 0; i < MC_NODES_MAX; i++) {
        listen_unfill(&server->nodes[i]);
        listen_drop(&server->nodes[i]);
    }
}

void server_accept(mc_server* server, server_listener* listener)
{
    int on = 1;
    // A fault set in the same round takes effect at once: what queues in a black hole stays there.
    while (server->nodes[listener->node].state == MC_LISTEN_OPEN) {
        int fd = accept4(listener->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        server_lock_write(server);
        mc_conn* conn = mc_cluster_accept(server->cluster, listener->node, mc_server_now_ms());
        server_unlock(server);
        if (!conn) {
            close(fd);
            continue;
        }
        server->next_worker = (server->next_worker + 1) % server->worker_count;
        server_client_open(&server->workers[server->next_worker], fd, conn);
    }
}
