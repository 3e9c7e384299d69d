/*
 * Membership and ownership: a worker's slot in the segment, and who tends.
 *
 * A worker joins once (claims a slot, locks its robust mutex for life) and leaves once. Ownership
 * is one compare-and-swapped word (term, slot). Death of an owner is proved by its mutex, a stopped
 * or hung owner by its heartbeat; neither is ever decided on a pid.
 */
#pragma once

#include "shm/map.h"

#define TND_MEMBER_NONE UINT32_MAX

typedef struct tnd_stats tnd_stats;

typedef struct tnd_member {
    tnd_map* map;
    uint32_t slot;     /* TND_MEMBER_NONE: no slot (read-only, or all taken): never an owner */
    uint64_t state;    /* our state word in the slot */
    uint32_t term;     /* of our ownership; 0 = not the owner */
    int64_t arenas[2]; /* arenas claimed for writing, -1 = none */
    tnd_stats* stats;  /* see stats.h; NULL: it doesn't count */
} tnd_member;

typedef enum tnd_join {
    TND_JOIN_OK,
    TND_JOIN_READ_ONLY, /* routes, but is no candidate */
    TND_JOIN_FULL,      /* every slot is taken: routes, but is no candidate */
    TND_JOIN_RETIRED,   /* the segment is being removed: close the map and open it again */
} tnd_join;

/* Claim a slot; dead workers' slots are reclaimed on the way. `nonce32` is random. */
tnd_join tnd_member_join(tnd_member* member, tnd_map* map, uint32_t nonce32, uint32_t pid,
                         uint32_t uid, uint64_t now_ms, uint64_t unix_now);

/* Release what is held: ownership, arenas, slot. When this was the last member of a segment and
 * `may_remove`, the segment is retired and removed. The map stays attached. Idempotent. */
void tnd_member_leave(tnd_member* member, bool may_remove);

/* Set or clear the mark of a member that draws back (it drains, or its loop doesn't turn): others
 * count on it no longer, and it owns only while nobody else is left. */
void tnd_member_set_draining(tnd_member* member, bool draining);

typedef enum tnd_owner_state {
    TND_OWNER_SELF,
    TND_OWNER_OTHER,   /* a living member with a fresh heartbeat */
    TND_OWNER_VACANT,  /* nobody, or released */
    TND_OWNER_DEAD,    /* its death is proved */
    TND_OWNER_EXPIRED, /* its heartbeat is older than the threshold */
    TND_OWNER_GONE,    /* the segment is retired */
} tnd_owner_state;

typedef struct tnd_owner_view {
    tnd_owner_state state;
    uint64_t word; /* as read: what a takeover swaps from */
    uint32_t term;
    uint32_t slot;   /* TND_MEMBER_NONE if vacant */
    uint64_t nonce;  /* of the owner's slot; part of its socket's name */
    uint64_t age_ms; /* of its heartbeat */
} tnd_owner_view;

/* Look. Reads the stamp before it compares with `now_ms`; a stamp ahead of now is age 0, one that
 * is ahead by more than the threshold is of a clock that has begun anew since: EXPIRED. */
void tnd_owner_look(const tnd_member* member, uint64_t now_ms, uint64_t threshold_ms,
                    tnd_owner_view* ret_view);

/* True if a member that isn't draining lives (besides `member` itself). */
bool tnd_member_has_fresh_peers(const tnd_member* member);

/* Swap the owner word from view->word to (term + 1, us). True: we own; heartbeat stored, map pages
 * writable. Only after a look that said VACANT, DEAD or EXPIRED. */
bool tnd_owner_take(tnd_member* member, const tnd_owner_view* view, uint64_t now_ms);

/* Give the role up if it is still ours: (term, nobody). The map's pages become read-only, arenas
 * that aren't selected are released. True if it was still ours. Idempotent. */
bool tnd_owner_release(tnd_member* member);

/* Store our heartbeat. False if we aren't the owner any more: step down at once. */
bool tnd_owner_beat(tnd_member* member, uint64_t now_ms);

/* Do we still own? One load. */
static inline bool tnd_owner_is_self(const tnd_member* member)
{
    uint64_t word = tnd_word_load(&member->map->control->owner, memory_order_acquire);
    return member->term != 0 && word == ((uint64_t)member->term << 32 | (member->slot + 1));
}

/* As the owner: every seed was tried and none answered. And has the present owner said so? */
void tnd_owner_tell_seedless(tnd_member* member);
bool tnd_owner_is_seedless(const tnd_map* map);

/* As the owner: the map was checked against the cluster, by us in this term, and is looked after.
 */
void tnd_owner_tell_checked(tnd_member* member, uint64_t now_ms);

/* Has an owner that had checked the map looked after it within `threshold_ms`? A map that was left
 * behind by processes that were killed hasn't been, nor one whose stamp is far ahead: its clock has
 * begun anew since. */
bool tnd_map_is_checked(const tnd_map* map, uint64_t now_ms, uint64_t threshold_ms);

/* Should this process log a fact that concerns all workers of the host? Once in `interval_ms` one
 * of them. Always if the map is private or may only be read. */
bool tnd_fact_claim(tnd_map* map, tnd_fact fact, uint64_t now_ms, uint64_t interval_ms);

/* Ask the owner to look at a node now (index 0: at all), by any process that may store. False if
 * that was asked for already. */
bool tnd_tend_ask(tnd_map* map, uint32_t node_index);

/* Take the requests: bits as in tnd_seg_control.tend_asked. True if there was any. */
bool tnd_tend_take(tnd_map* map, uint64_t ret_bits[(TND_NODES_MAX + 1) / 64]);
