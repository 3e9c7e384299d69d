// The parts of the socket driver: server.c (rounds), server_client.c, server_listen.c,
// server_control.c.
#ifndef MC_SERVER_INTERNAL_H
#define MC_SERVER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "bytes.h"
#include "server.h"

enum {
    SERVER_THREADS_MAX = 8,
    SERVER_FILLERS = 4,
    SERVER_STALL_MS = 10000
};

// What an epoll event is about; the first member of each source.
typedef enum server_kind {
    SERVER_WAKE,
    SERVER_WATCH,
    SERVER_LISTENER,
    SERVER_CLIENT,
    SERVER_CONTROL_LISTENER,
    SERVER_CONTROL
} server_kind;

typedef struct server_source {
    server_kind kind;
    int fd; // -1: none
} server_source;

typedef struct server_worker server_worker;

typedef struct server_client {
    server_source source;
    mc_conn* conn;
    server_worker* worker;
    struct server_client* prev;
    struct server_client* next;
    uint32_t interest;   // epoll events asked for
    bool timed;          // in worker->timed
    uint64_t stalled_ms; // when the peer stopped reading; 0 it didn't
} server_client;

struct server_worker {
    mc_server* server;
    int epoll_fd;
    server_source wake;
    server_client* clients;
    pthread_mutex_t lock;  // clients and timed, which the accepting thread touches
    server_client** timed; // clients with a deadline
    int timed_count;
    int timed_cap;
    uint32_t changes_seen;
    pthread_t thread;
    uint8_t* buffer;
};

typedef struct server_listener {
    server_source source;
    int node;
} server_listener;

typedef struct server_node {
    server_listener listeners[2]; // IPv4, IPv6
    mc_listening state;
    uint16_t port;
    int fillers[SERVER_FILLERS]; // connections that keep a black hole's queue full
} server_node;

typedef struct server_control {
    server_source source;
    mc_bytes in;
    struct server_control* next;
} server_control;

struct mc_server {
    mc_server_config config;
    mc_cluster* cluster;
    int epoll_fd;
    server_source wake;
    server_source watch;
    server_source control_listener;
    uint16_t control_port;
    server_control* controls;
    server_node nodes[MC_NODES_MAX];
    server_worker workers[SERVER_THREADS_MAX];
    int worker_count;
    int next_worker;
    uint32_t changes_seen;
    uint64_t tick_at_ms;
    atomic_bool stopping;
    pthread_rwlock_t lock; // fast mode: read for work on connections, write for all else
};

enum {
    SERVER_BUFFER = 64 * 1024
};

void server_watch_fd(int epoll_fd, server_source* source, uint32_t events);
void server_lock_read(mc_server* server);
void server_lock_write(mc_server* server);
void server_unlock(mc_server* server);
// Ticks, opens and closes listeners, wakes the workers: after anything that changed the cluster.
void server_settle(mc_server* server);

// server_listen.c
bool server_listen_sync(mc_server* server, int node);
void server_listen_close(mc_server* server);
void server_accept(mc_server* server, server_listener* listener);
bool server_bind(int* ret_fd, bool ipv6, uint16_t port, uint16_t* ret_port);

// server_client.c
void server_client_open(server_worker* worker, int fd, mc_conn* conn);
void server_client_event(server_client* client, uint32_t events);
void server_worker_close(server_worker* worker);
// All clients whose time has come, or all if the cluster changed.
void server_worker_due(server_worker* worker);
int server_worker_timeout_ms(server_worker* worker);

// server_control.c
bool server_control_open(mc_server* server);
void server_control_accept(mc_server* server);
void server_control_event(mc_server* server, server_control* control);
void server_control_close(mc_server* server);

#endif
