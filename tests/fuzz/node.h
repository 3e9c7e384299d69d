/*
 * A node of a database in a simulated world, as simple as can be: it alone has namespace "test",
 * answers info requests from a table, and leaves everything else to the target.
 */
#ifndef TENDRIL_TESTS_FUZZ_NODE_H
#define TENDRIL_TESTS_FUZZ_NODE_H

#include "tests/sim/net.h"

#define FUZZ_NODE_HOST "127.0.0.1"
#define FUZZ_NODE_PORT 3000

typedef struct fuzz_node fuzz_node;

typedef struct fuzz_node_handler {
    /* Text that stands before the table's answer to the n-th info request (from 0), so that what it
     * says wins; may be NULL. `*ret_is_raw`: these bytes are all that is sent, header included. */
    const uint8_t* (*info)(void* udata, unsigned n, size_t* ret_size, bool* ret_is_raw);

    /* The n-th message came, whole; may be NULL. */
    void (*message)(void* udata, sim_peer* peer, unsigned n);
} fuzz_node_handler;

/* `handler` is borrowed. Freed after the world. */
fuzz_node* fuzz_node_new(sim_world* world, const fuzz_node_handler* handler, void* udata);
void fuzz_node_free(fuzz_node* node);

/* A reply without bins. */
void fuzz_node_reply(sim_peer* peer, uint8_t result);

#endif
