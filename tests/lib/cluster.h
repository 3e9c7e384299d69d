/*
 * A cluster for a test: a mini cluster in a process of its own, or the real one that
 * AEROSPIKE_HOSTS names.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct test_cluster test_cluster;

/* Starts the mini cluster with these options (NULL ends them) on free ports, with a control port;
 * or takes AEROSPIKE_HOSTS. NULL, with a line on stderr, when it doesn't come up. It ends with us.
 */
test_cluster* test_cluster_start(const char* option, ...);
void test_cluster_stop(test_cluster* cluster);

/* "127.0.0.1:3000,...". */
const char* test_cluster_hosts(const test_cluster* cluster);

/* The first of them, apart. */
void test_cluster_first(const test_cluster* cluster, char* ret_name, size_t name_size,
                        char* ret_port, size_t port_size);

/* Not ours: no faults can be had, but for what AEROSPIKE_CONTROL offers. */
bool test_cluster_is_real(const test_cluster* cluster);

/* A line on the control port (tests/minicluster/README.md). False if it was refused. On a real
 * cluster the command in AEROSPIKE_CONTROL is run with the line's words ("kill 1", "restart 1");
 * without it every line is refused. The answer's lines are in test_cluster_answer() until the next
 * call. */
bool test_cluster_control(test_cluster* cluster, const char* line);
const char* test_cluster_answer(const test_cluster* cluster);

/* A counter of `stats`, summed over the nodes. */
unsigned long test_cluster_stat(test_cluster* cluster, const char* name);
