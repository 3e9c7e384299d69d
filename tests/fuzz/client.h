/*
 * A whole client in a simulated world, connected to one simulated node.
 */
#ifndef TENDRIL_TESTS_FUZZ_CLIENT_H
#define TENDRIL_TESTS_FUZZ_CLIENT_H

#include <aerospike/aerospike.h>

#include "async/client.h"
#include "tests/fuzz/node.h"

enum {
    FUZZ_SECOND_US = 1000000
};

typedef struct fuzz_client {
    sim_world* world;
    tnd_loop* loop;
    fuzz_node* node;
    tnd_events* events;
    aerospike as;
    bool is_told; /* connected, or closed */
} fuzz_client;

/* `in_pieces`: what the node sends arrives and is read in pieces of any size. */
void fuzz_client_open(fuzz_client* client, const fuzz_node_handler* handler, void* udata,
                      bool in_pieces);

/* Closes and frees all. Breaks where the client left anything in the loop. */
void fuzz_client_close(fuzz_client* client);

#endif
