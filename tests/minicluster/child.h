/*
 * A mini cluster in a forked child, for tests of processes: started, controlled through its
 * control port, ended. The child dies with the process that started it.
 */
#ifndef MC_CHILD_H
#define MC_CHILD_H

#include <sys/types.h>

#include "server.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mc_child {
    pid_t pid;
    int control_fd;
    uint16_t ports[MC_NODES_MAX]; // of the nodes at the start
    int node_count;
    char hosts[MC_NODES_MAX * 24]; // "127.0.0.1:40001,..."
} mc_child;

// Forks. config->port 0 is best: free ports. False if the child could not listen.
bool mc_child_start(mc_child* child, const mc_server_config* config);
// Sends one control line and waits for its answer, 10 s at most. False on an error, which is then
// in reply. reply may be NULL.
bool mc_child_control(mc_child* child, const char* line, char* reply, size_t size);
// A number out of `stats`: of this node ("read", "info.node", ...), or of all with node -1.
uint64_t mc_child_stat(mc_child* child, int node, const char* name);
// SIGTERM, then waits. Returns the exit status, or -1. May be called twice, and on zeroed memory.
int mc_child_stop(mc_child* child);

#ifdef __cplusplus
}
#endif

#endif
