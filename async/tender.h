/*
 * The tender: polls the cluster and publishes what it learns, while its worker owns the map.
 *
 *     IDLE -> INHERIT -> SEED -> TEND <-> (all nodes lost) SEED
 *
 * INHERIT re-stamps the published map with the new term and starts from its nodes, regimes, flags
 * and generations. SEED resolves and validates seeds until one answers. TEND asks every node
 * concurrently, each with its own deadline: a hung node delays nobody else's refresh. Work is cut
 * so that no callback holds the loop longer than 1 ms; a publication of many partitions goes on in
 * the next turn.
 */
#pragma once

#include "async/resolver.h"
#include "shm/publish.h"

#include <aerospike/as_config.h>
#include <tendril/loop.h>

typedef struct tnd_tender tnd_tender;

typedef struct tnd_tender_handler {
    /* The first directory with its partition maps is published by us, or inherited and checked. */
    void (*on_published)(void* udata);

    /* All seeds were tried and none gave a usable node; the tender tries again after an interval.
     * Called each time. `err` names the last seed's failure. */
    void (*on_no_seeds)(void* udata, as_error* err);

    /* The directory changed. */
    void (*on_directory)(void* udata);

    /* A store found a higher term: the tender has stopped. The worker steps down. */
    void (*on_fenced)(void* udata);

    /* Descriptors or memory are exhausted: the worker gives the role up. */
    void (*on_exhausted)(void* udata, as_error* err);
} tnd_tender_handler;

/* Counters, for logs and tests. Times in thread CPU time. */
typedef struct tnd_tender_stats {
    uint64_t tends;           /* finished rounds */
    uint64_t callback_max_us; /* longest callback, thread CPU time (libev only) */
    uint64_t round_us;        /* the last round, from its first question to its last answer */
    uint64_t round_max_us;    /* the longest one */
    uint64_t words_published;
    uint64_t directories_published;
} tnd_tender_stats;

/* `member` owns; all pointers are borrowed for the tender's life. The first callback comes from the
 * loop. NULL when out of memory. */
tnd_tender* tnd_tender_start(tnd_loop* loop, const as_config* config, tnd_member* member,
                             tnd_resolver* resolver, const tnd_tender_handler* handler,
                             void* udata);

/* Look at these nodes now (bits as in tnd_seg_control.tend_asked; bit 0 = all). Coalesced: at most
 * one look at a node per 10 ms. */
void tnd_tender_ask(tnd_tender* tender, const uint64_t bits[(TND_NODES_MAX + 1) / 64]);

/* Measure callbacks (stats.callback_max_us), two system calls each; off at first. */
void tnd_tender_measure(tnd_tender* tender, bool is_measured);

const tnd_tender_stats* tnd_tender_get_stats(const tnd_tender* tender);

/* Close everything without a callback. Publishes nothing more. NULL is allowed. */
void tnd_tender_stop(tnd_tender* tender);
