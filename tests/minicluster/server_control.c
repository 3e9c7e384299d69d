/*
 * The control port: lines in; the answer's lines and a last one, `ok` or `error: why`, out. What
 * the cluster does is control.c's; here are `quit` and `ports`.
 */
#include "server_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONTROL_LINE_MAX = 1024,
    CONTROL_REPLY = 256 * 1024
};

bool server_control_open(mc_server* server)
{
    server_source* source = &server->control_listener;
    source->kind = SERVER_CONTROL_LISTENER;
    if (!server_bind(&source->fd, false, server->config.control_port, &server->control_port) ||
        listen(source->fd, 16)) {
        return false;
    }
    server_watch_fd(server->epoll_fd, source, EPOLLIN);
    return true;
}

void server_control_accept(mc_server* server)
{
    int fd = accept4(server->control_listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    server_control* control = mc_alloc(sizeof(*control));
    control->source = (server_source){SERVER_CONTROL, fd};
    control->next = server->controls;
    server->controls = control;
    server_watch_fd(server->epoll_fd, &control->source, EPOLLIN);
}

static void control_free(mc_server* server, server_control* control)
{
    server_control** at = &server->controls;
    while (*at != control) {
        at = &(*at)->next;
    }
    *at = control->next;
    close(control->source.fd);
    mc_bytes_done(&control->in);
    free(control);
}

void server_control_close(mc_server* server)
{
    while (server->controls) {
        control_free(server, server->controls);
    }
    if (server->control_listener.fd >= 0) {
        close(server->control_listener.fd);
    }
}

static void control_ports(mc_server* server, char* reply, size_t size)
{
    size_t len = 0;
    for (int i = 0; i < mc_node_count(server->cluster) && len < size; i++) {
        if (mc_node_listening(server->cluster, i) != MC_LISTEN_GONE) {
            len += (size_t)snprintf(reply + len, size - len, "node=%d port=%u\n", i,
                                    mc_node_port(server->cluster, i));
        }
    }
}

bool mc_server_control(mc_server* server, const char* line, char* reply, size_t size)
{
    bool ok = true;
    reply[0] = 0;
    if (!strncmp(line, "quit", 4)) {
        mc_server_stop(server);
    } else if (!strncmp(line, "ports", 5)) {
        control_ports(server, reply, size);
    } else {
        server_lock_write(server);
        ok = mc_control(server->cluster, line, mc_server_now_ms(), reply, size);
        server_unlock(server);
        server_settle(server);
    }
    return ok;
}

// A peer that doesn't read its answers loses them: this port is for tests on this host.
static void control_line(mc_server* server, server_control* control, const char* line)
{
    char* reply = mc_alloc(CONTROL_REPLY);
    bool ok = mc_server_control(server, line, reply, CONTROL_REPLY - 64);
    size_t len = strlen(reply);
    char* text = mc_alloc(len + 32);
    int n = ok ? snprintf(text, len + 32, "%sok\n", reply)
               : snprintf(text, len + 32, "error: %s\n", reply);
    ssize_t ignored = send(control->source.fd, text, (size_t)n, MSG_NOSIGNAL);
    (void)ignored;
    free(text);
    free(reply);
}

void server_control_event(mc_server* server, server_control* control)
{
    uint8_t* room = mc_bytes_room(&control->in, CONTROL_LINE_MAX);
    ssize_t got = recv(control->source.fd, room, CONTROL_LINE_MAX, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0 || control->in.len > CONTROL_LINE_MAX) {
        control_free(server, control);
        return;
    }
    control->in.len += (size_t)got;
    uint8_t* lf;
    while (control->in.len && (lf = memchr(control->in.data, '\n', control->in.len))) {
        *lf = 0;
        control_line(server, control, (char*)control->in.data);
        mc_bytes_drop(&control->in, (size_t)(lf - control->in.data) + 1);
    }
}
