/*
 * What the workers of a host have in common towards a node beside the map: how often it failed
 * them, at what pace they connect to it, and how many connections each of them has.
 *
 * All of it is optional and none of it a lock: a compare-and-swapped tally and point in time, and a
 * row of counts per worker, which dies with its worker. Node indexes are those
 * of the map; one that is out of range, or a map that this process may only read, counts nothing.
 */
#pragma once

#include "shm/map.h"

#define TND_SHARES_INTERVAL_US_MAX 1000000u
#define TND_SHARES_WAIT_US_MAX 60000000u
#define TND_SHARES_LINKS_MAX 65535u /* of a worker; more is damage */

/* A tally counts by windows of time, which the caller numbers: the count of the present window and
 * of the one before it. Number 63..40, count before 39..20, count 19..0, which stay at their
 * highest. */
#define TND_TALLY_MAX 0xfffffu
#define TND_TALLY_WINDOW_MASK 0xffffffu

static inline uint32_t tnd_tally_window(uint64_t tally)
{
    return (uint32_t)(tally >> 40);
}

static inline uint32_t tnd_tally_now(uint64_t tally, uint64_t window)
{
    bool is_same = tnd_tally_window(tally) == (window & TND_TALLY_WINDOW_MASK);
    return is_same ? (uint32_t)tally & TND_TALLY_MAX : 0;
}

static inline uint32_t tnd_tally_before(uint64_t tally, uint64_t window)
{
    if (tnd_tally_window(tally) == (window & TND_TALLY_WINDOW_MASK)) {
        return (uint32_t)(tally >> 20) & TND_TALLY_MAX;
    }
    return tnd_tally_now(tally, window - 1);
}

/* With one more in this window. */
static inline uint64_t tnd_tally_add(uint64_t tally, uint64_t window)
{
    uint32_t now = tnd_tally_now(tally, window);
    return (window & TND_TALLY_WINDOW_MASK) << 40 |
           (uint64_t)tnd_tally_before(tally, window) << 20 | (now < TND_TALLY_MAX ? now + 1 : now);
}

/* Errors of a node that all workers met. Of many that count at once some may be lost. */
void tnd_shares_note_error(tnd_map* map, uint32_t node_index, uint64_t window);
uint64_t tnd_shares_errors(const tnd_map* map, uint32_t node_index); /* a tally */

/* The turn of a connection to be opened, when all workers together open one per `interval_us` (up
 * to TND_SHARES_INTERVAL_US_MAX): microseconds to wait for it, 0 for at once. UINT64_MAX, and no
 * turn is taken, if that would be more than `wait_us_max`. Turns that nobody used are gone: there
 * is no burst after a pause. */
uint64_t tnd_shares_take_turn(tnd_map* map, uint32_t node_index, uint64_t now_us,
                              uint64_t interval_us, uint64_t wait_us_max);

/* A connection more of the worker in `slot`, unless all living workers would have more than `max`
 * then (0: any number). Never more in all than `max`, but two that ask at once for the last one may
 * both be refused. A worker's first connection to a node is never refused: it couldn't work at all.
 * To be given back by tnd_shares_return, or by the worker's death. */
bool tnd_shares_take_link(tnd_map* map, uint32_t slot, uint32_t node_index, uint32_t max);
void tnd_shares_return_link(tnd_map* map, uint32_t slot, uint32_t node_index);

/* Connections of all living workers to a node. */
uint32_t tnd_shares_links(const tnd_map* map, uint32_t node_index);

/* An empty row, for the slot's new holder. */
void tnd_shares_reset(tnd_map* map, uint32_t slot);
