/*
 * The mini cluster on loopback sockets: what the program `minicluster` runs, and what tests run in
 * their own process or in a forked child (child.h).
 *
 * Faithful (the default): one thread; per connection and readiness one request is read and
 * answered, never a byte ahead, as a real node does. Fast: everything is read, answers go out in
 * batches, and `threads` threads share the connections.
 *
 * Not thread-safe but for mc_server_stop(), which may also be called from a signal handler.
 */
#ifndef MC_SERVER_H
#define MC_SERVER_H

#include "mc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mc_server mc_server;

typedef struct mc_server_config {
    mc_config cluster;
    uint16_t port;         // of node 0, the others follow; 0: each node picks a free one
    bool control;          // open a control port
    uint16_t control_port; // 0 picks one
    bool fast;
    int threads;  // of fast mode; 0: one per processor, at most 8
    int watch_fd; // the server stops at the end of this file; 0 or less: none (see stdin)
    bool watch_stdin;
} mc_server_config;

// Listens. NULL, and the reason in why, if it can't. The config need not be complete.
mc_server* mc_server_open(const mc_server_config* config, char* why, size_t why_size);
void mc_server_close(mc_server* server);

// Runs until mc_server_stop(), `quit` on the control port, or the end of the watched file.
void mc_server_run(mc_server* server);
// One round: waits at most timeout_ms (-1: until something happens). False once it should stop.
bool mc_server_step(mc_server* server, int timeout_ms);
void mc_server_stop(mc_server* server);

mc_cluster* mc_server_cluster(mc_server* server);
uint64_t mc_server_now_ms(void); // the clock that the cluster is driven by
// As mc_control(), and `quit` and `ports`.
bool mc_server_control(mc_server* server, const char* line, char* reply, size_t size);
uint16_t mc_server_control_port(const mc_server* server); // 0 if there is none
// "127.0.0.1:3000,127.0.0.1:3001": the nodes' addresses, as seeds want them.
void mc_server_hosts(const mc_server* server, char* ret_hosts, size_t size);

#ifdef __cplusplus
}
#endif

#endif
