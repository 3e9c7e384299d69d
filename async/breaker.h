/*
 * The circuit breaker of one node (protocol/records.md 7.3, cluster.md 4.10): a node that fails too
 * often within a window is left alone for the rest of it.
 *
 * Arithmetic only. Errors are counted in a tally (shm/shares.h), which is this process's own or
 * that of all processes of the host. Windows are the same for all of them: multiples of their
 * length on one clock.
 *
 * After a window with more errors than the limit the limit is halved, to 1 at the least; after a
 * good one it is doubled, up to the configured one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct tnd_breaker {
    uint32_t limit_max; /* 0: never opens */
    uint32_t limit;     /* 1 .. limit_max */
    uint64_t window_ms; /* length */
    uint64_t window;    /* the last one that was looked at: time / length */
} tnd_breaker;

void tnd_breaker_init(tnd_breaker* breaker, uint32_t limit_max, uint64_t window_ms,
                      uint64_t now_ms);

/* Closed, whatever the time is: nothing went wrong lately, and nothing is remembered. */
static inline bool tnd_breaker_is_calm(const tnd_breaker* breaker, uint64_t tally)
{
    return tally == 0 && breaker->limit == breaker->limit_max;
}

/* Have there been more errors in the present window than the limit? */
bool tnd_breaker_is_open(tnd_breaker* breaker, uint64_t tally, uint64_t now_ms);

/* For tnd_tally_add and its like. */
static inline uint64_t tnd_breaker_window(const tnd_breaker* breaker, uint64_t now_ms)
{
    return now_ms / breaker->window_ms;
}
