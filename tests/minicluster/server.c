/*
 * The rounds of the socket driver. In faithful mode the main thread is the only worker and both
 * share one epoll; in fast mode the main thread accepts, ticks and takes control lines.
 */
#include "server_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static uint64_t server_clock_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t mc_server_now_ms(void)
{
    return server_clock_ms(CLOCK_MONOTONIC);
}

void server_watch_fd(int epoll_fd, server_source* source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, source->fd, &event);
}

void server_lock_read(mc_server* server)
{
    if (server->config.fast) {
        pthread_rwlock_rdlock(&server->lock);
    }
}

void server_lock_write(mc_server* server)
{
    if (server->config.fast) {
        pthread_rwlock_wrlock(&server->lock);
    }
}

void server_unlock(mc_server* server)
{
    if (server->config.fast) {
        pthread_rwlock_unlock(&server->lock);
    }
}

static void server_wake(server_source* wake)
{
    uint64_t one = 1;
    ssize_t ignored = write(wake->fd, &one, sizeof(one));
    (void)ignored;
}

static void server_drain(server_source* wake)
{
    uint64_t count;
    ssize_t ignored = read(wake->fd, &count, sizeof(count));
    (void)ignored;
}

void server_settle(mc_server* server)
{
    uint64_t now_ms = mc_server_now_ms();
    server_lock_write(server);
    server->tick_at_ms = mc_cluster_tick(server->cluster, now_ms);
    uint32_t changes = mc_cluster_changes(server->cluster);
    bool changed = changes != server->changes_seen;
    server->changes_seen = changes;
    for (int i = 0; changed && i < mc_node_count(server->cluster); i++) {
        server_listen_sync(server, i);
    }
    server_unlock(server);
    for (int i = 0; changed && server->config.fast && i < server->worker_count; i++) {
        server_wake(&server->workers[i].wake);
    }
}

// ---- workers ------------------------------------------------------------------------------------

static void server_dispatch(mc_server* server, server_source* source, uint32_t events)
{
    switch (source->kind) {
    case SERVER_WAKE:
        server_drain(source);
        break;
    case SERVER_WATCH: {
        char byte[64];
        if (read(source->fd, byte, sizeof(byte)) <= 0) {
            mc_server_stop(server);
        }
        break;
    }
    case SERVER_LISTENER:
        server_accept(server, (server_listener*)source);
        break;
    case SERVER_CLIENT:
        server_client_event((server_client*)source, events);
        break;
    case SERVER_CONTROL_LISTENER:
        server_control_accept(server);
        break;
    case SERVER_CONTROL:
        server_control_event(server, (server_control*)source);
        break;
    }
}

// Clients and controls may be closed while a batch of events is worked off: each closes only
// itself, and an epoll reports it once per batch.
static void server_poll(mc_server* server, int epoll_fd, int timeout_ms)
{
    struct epoll_event events[128];
    int count = epoll_wait(epoll_fd, events, 128, timeout_ms);
    for (int i = 0; i < count; i++) {
        server_dispatch(server, events[i].data.ptr, events[i].events);
    }
}

static void* server_worker_main(void* arg)
{
    server_worker* worker = arg;
    while (!atomic_load(&worker->server->stopping)) {
        server_poll(worker->server, worker->epoll_fd, server_worker_timeout_ms(worker));
        server_worker_due(worker);
    }
    return NULL;
}

static void server_source_wake(server_source* source, int epoll_fd)
{
    source->kind = SERVER_WAKE;
    source->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    server_watch_fd(epoll_fd, source, EPOLLIN);
}

static void server_workers_open(mc_server* server)
{
    int processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int threads = server->config.threads ? server->config.threads : processors;
    threads = threads < 1 ? 1 : threads > SERVER_THREADS_MAX ? SERVER_THREADS_MAX : threads;
    server->worker_count = server->config.fast ? threads : 1;
    for (int i = 0; i < server->worker_count; i++) {
        server_worker* worker = &server->workers[i];
        worker->server = server;
        worker->buffer = mc_alloc(SERVER_BUFFER);
        pthread_mutex_init(&worker->lock, NULL);
        worker->changes_seen = mc_cluster_changes(server->cluster);
        if (!server->config.fast) {
            worker->epoll_fd = server->epoll_fd;
            worker->wake.fd = -1;
            continue;
        }
        worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        server_source_wake(&worker->wake, worker->epoll_fd);
        if (pthread_create(&worker->thread, NULL, server_worker_main, worker)) {
            perror("minicluster: pthread_create");
            abort();
        }
    }
}

// ---- life ---------------------------------------------------------------------------------------

static bool server_listen_all(mc_server* server, char* why, size_t why_size)
{
    for (int i = 0; i < mc_node_count(server->cluster); i++) {
        uint16_t port = server->config.port;
        mc_node_set_port(server->cluster, i, port ? (uint16_t)(port + i) : 0);
        if (!server_listen_sync(server, i)) {
            snprintf(why, why_size, "can't listen on port %u: %s", (unsigned)(port ? port + i : 0),
                     strerror(errno));
            return false;
        }
    }
    if (server->config.control && !server_control_open(server)) {
        snprintf(why, why_size, "can't listen on the control port: %s", strerror(errno));
        return false;
    }
    return true;
}

mc_server* mc_server_open(const mc_server_config* config, char* why, size_t why_size)
{
    mc_server* server = mc_alloc(sizeof(*server));
    server->config = *config;
    mc_config* cluster = &server->config.cluster;
    const char* reason = "";
    if (!mc_config_complete(cluster, &reason)) {
        snprintf(why, why_size, "%s", reason);
        free(server);
        return NULL;
    }
    uint64_t now_ms = mc_server_now_ms();
    cluster->unix_base_ms = server_clock_ms(CLOCK_REALTIME) - now_ms;
    cluster->threaded = config->fast;
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&server->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    server->cluster = mc_cluster_new(cluster, now_ms);
    server->changes_seen = mc_cluster_changes(server->cluster);
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server_source_wake(&server->wake, server->epoll_fd);
    server->control_listener.fd = server->watch.fd = -1;
    for (int i = 0; i < MC_NODES_MAX; i++) {
        server->nodes[i].state = MC_LISTEN_GONE;
        server->nodes[i].listeners[0].source.fd = server->nodes[i].listeners[1].source.fd = -1;
    }
    server_workers_open(server);
    if (!server_listen_all(server, why, why_size)) {
        mc_server_close(server);
        return NULL;
    }
    if (config->watch_stdin || config->watch_fd > 0) {
        server->watch = (server_source){SERVER_WATCH, config->watch_stdin ? 0 : config->watch_fd};
        server_watch_fd(server->epoll_fd, &server->watch, EPOLLIN);
    }
    return server;
}

void mc_server_stop(mc_server* server)
{
    atomic_store(&server->stopping, true);
    server_wake(&server->wake);
}

void mc_server_close(mc_server* server)
{
    if (!server) {
        return;
    }
    mc_server_stop(server);
    for (int i = 0; i < server->worker_count; i++) {
        server_worker* worker = &server->workers[i];
        if (server->config.fast) {
            server_wake(&worker->wake);
            pthread_join(worker->thread, NULL);
        }
        server_worker_close(worker);
        if (server->config.fast) {
            close(worker->wake.fd);
            close(worker->epoll_fd);
        }
        pthread_mutex_destroy(&worker->lock);
        free(worker->timed);
        free(worker->buffer);
    }
    server_control_close(server);
    server_listen_close(server);
    close(server->wake.fd);
    close(server->epoll_fd);
    mc_cluster_free(server->cluster);
    pthread_rwlock_destroy(&server->lock);
    free(server);
}

bool mc_server_step(mc_server* server, int timeout_ms)
{
    uint64_t now_ms = mc_server_now_ms();
    int wait_ms = timeout_ms;
    if (server->tick_at_ms != MC_NEVER) {
        uint64_t left = server->tick_at_ms > now_ms ? server->tick_at_ms - now_ms : 0;
        if (wait_ms < 0 || left < (uint64_t)wait_ms) {
            wait_ms = left > 60000 ? 60000 : (int)left;
        }
    }
    if (!server->config.fast) {
        int client_ms = server_worker_timeout_ms(&server->workers[0]);
        wait_ms = client_ms >= 0 && (wait_ms < 0 || client_ms < wait_ms) ? client_ms : wait_ms;
    }
    server_poll(server, server->epoll_fd, wait_ms);
    if (mc_server_now_ms() >= server->tick_at_ms) {
        server_settle(server);
    }
    if (!server->config.fast) {
        server_worker_due(&server->workers[0]);
    }
    return !atomic_load(&server->stopping);
}

void mc_server_run(mc_server* server)
{
    while (mc_server_step(server, -1)) {}
}

mc_cluster* mc_server_cluster(mc_server* server)
{
    return server->cluster;
}

uint16_t mc_server_control_port(const mc_server* server)
{
    return server->control_port;
}

void mc_server_hosts(const mc_server* server, char* ret_hosts, size_t size)
{
    size_t len = 0;
    ret_hosts[0] = 0;
    for (int i = 0; i < mc_node_count(server->cluster) && len < size; i++) {
        if (mc_node_listening(server->cluster, i) != MC_LISTEN_GONE) {
            len += (size_t)snprintf(ret_hosts + len, size - len, "%s127.0.0.1:%u", len ? "," : "",
                                    mc_node_port(server->cluster, i));
        }
    }
}
