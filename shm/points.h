/*
 * The numbered points: every store into the segment stands behind one, because shm/word.h, which
 * stores, passes it, and shm/sys.c does so before each call that changes a mutex. A test build can
 * die, stop or hand over at the n-th pass of any of them (tnd_point_hook); elsewhere they cost
 * nothing.
 */
#pragma once

#include <stdint.h>

#define TND_POINTS(X)                                                                              \
    X(CREATE_GET, "segment created by the kernel")                                                 \
    X(HEADER_MAGIC, "magic")                                                                       \
    X(HEADER_LAYOUT, "layout")                                                                     \
    X(HEADER_CAPACITIES, "capacities")                                                             \
    X(HEADER_IDENTITY, "identity")                                                                 \
    X(HEADER_IDENTITY_TEXT, "identity text")                                                       \
    X(HEADER_NONCE, "nonce")                                                                       \
    X(HEADER_CREATED, "creation time")                                                             \
    X(SLOT_MUTEX_MAKE, "slot mutex made")                                                          \
    X(SLOT_MUTEX_LOCK, "slot mutex locked")                                                        \
    X(SLOT_MUTEX_ADOPT, "slot mutex of a dead holder made consistent")                             \
    X(SLOT_FACTS, "slot facts for people")                                                         \
    X(SLOT_LIVE, "slot live")                                                                      \
    X(STATS_BASE, "word of a base of counters copied")                                             \
    X(STATS_EPOCH, "base of counters complete")                                                    \
    X(SLOT_DRAINING, "slot draining")                                                              \
    X(SLOT_MUTEX_HEAL, "slot mutex restored from its holder's copy")                               \
    X(SLOT_FREE, "slot freed")                                                                     \
    X(SLOT_MUTEX_UNLOCK, "slot mutex unlocked")                                                    \
    X(SLOT_RECLAIM, "dead worker's slot freed")                                                    \
    X(HEARTBEAT, "heartbeat")                                                                      \
    X(OWNER_TAKE, "ownership taken")                                                               \
    X(OWNER_RELEASE, "ownership released")                                                         \
    X(OWNER_RETIRE, "segment retired")                                                             \
    X(OWNER_UNRETIRE, "segment in use after all")                                                  \
    X(TEND_ASK, "tend asked for")                                                                  \
    X(TEND_TAKE, "tend requests taken")                                                            \
    X(NODE_ERROR, "error of a node counted")                                                       \
    X(NODE_PACE, "connection to a node given its turn")                                            \
    X(NODE_LINKS, "worker's connections to a node counted")                                        \
    X(SEEDLESS, "no seed answered")                                                                \
    X(CHECKED, "map checked against the cluster")                                                  \
    X(FACT, "some worker logged a fact of the host")                                               \
    X(RESTAMP_SELECTOR, "selector stamped with a new term")                                        \
    X(RESTAMP_WORD, "partition word stamped with a new term")                                      \
    X(RESTAMP_REGIME, "regime stamped with a new term")                                            \
    X(ARENA_CLAIM, "arena claimed")                                                                \
    X(ARENA_RELEASE, "arena released")                                                             \
    X(ARENA_STORE, "arena word stored")                                                            \
    X(SELECT, "directory selected")                                                                \
    X(WORD, "partition word published")                                                            \
    X(REGIME, "regime published")                                                                  \
    X(REMOVE, "segment removed from the kernel")                                                   \
    X(COUNTER, "counter or gauge stored")

typedef enum tnd_point {
#define TND_POINT_ENUM(name, text) TND_POINT_##name,
    TND_POINTS(TND_POINT_ENUM)
#undef TND_POINT_ENUM
    TND_POINT_COUNT
} tnd_point;

#ifdef TND_TESTING
/* Called before the store behind `point`; NULL by default. */
extern void (*tnd_point_hook)(tnd_point point);

static inline void tnd_point_pass(tnd_point point)
{
    if (tnd_point_hook) {
        tnd_point_hook(point);
    }
}

const char* tnd_point_name(tnd_point point);
#else
static inline void tnd_point_pass(tnd_point point)
{
    (void)point;
}
#endif
