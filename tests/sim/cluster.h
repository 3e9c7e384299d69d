/*
 * The mini cluster in a simulated world: its nodes listen in the world's network and live by its
 * clock.
 *
 * Node i listens on `port` + i (or the port that a control line gives it) at every one of the given
 * addresses. Control lines are those of the mini cluster (tests/minicluster/README.md).
 */
#ifndef TENDRIL_TESTS_SIM_CLUSTER_H
#define TENDRIL_TESTS_SIM_CLUSTER_H

#include "tests/minicluster/mc.h"
#include "tests/sim/net.h"

typedef struct sim_cluster sim_cluster;

/* `config` need not be complete. `hosts` are numeric addresses joined by commas, without brackets;
 * NULL = 127.0.0.1. Lives until sim_cluster_free(), which comes after sim_world_free(). */
sim_cluster* sim_cluster_new(sim_world* world, const mc_config* config, const char* hosts,
                             uint16_t port);
void sim_cluster_free(sim_cluster* cluster);

mc_cluster* sim_cluster_mc(sim_cluster* cluster);

/* Runs a control line; one that is refused aborts. */
void sim_cluster_control(sim_cluster* cluster, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same; false if it is refused, the answer's text in `ret_reply`. */
bool sim_cluster_try(sim_cluster* cluster, const char* line, char* ret_reply, size_t size);

/* mc_node_stat(). */
uint64_t sim_cluster_stat(sim_cluster* cluster, int node, const char* name);

#endif
