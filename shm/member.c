/*
 * Membership and ownership.
 *
 * The slot's life:  FREE -> LIVE -> FREE. Locking its mutex is what claims a slot: there is no
 * moment in which a worker that dies leaves anything that the kernel doesn't release. A LIVE slot
 * whose mutex nobody holds is a dead worker's and is freed before it is claimed, so that nobody
 * takes the next holder's life for its last one's.
 *
 * The owner word is the fence: whoever swaps it to (term + 1, own slot) owns. The heartbeat is
 * stored before that swap, so that no follower ever sees a new owner with an old heartbeat.
 */
#include "shm/member.h"

#include <string.h>

#include "shm/segment.h"
#include "shm/shares.h"

#define OWNER_WORD(term, slot) ((uint64_t)(term) << 32 | ((uint64_t)(slot) + 1))

static uint64_t slot_nonce(uint64_t state)
{
    return state >> TND_SLOT_NONCE_SHIFT;
}

static tnd_slot_phase slot_phase(uint64_t state)
{
    return (tnd_slot_phase)(state & TND_SLOT_PHASE_MASK);
}

/* May this slot be claimed? A dead worker's is freed on the way. */
static bool slot_is_free(tnd_map* map, tnd_seg_slot* slot)
{
    uint64_t state = tnd_word_load(&slot->state, memory_order_seq_cst);
    if (state == 0) {
        return true;
    }
    return map->shm_id >= 0 && map->sys->ops->life_gone(map->sys->ctx, slot) &&
           tnd_word_swap(TND_POINT_SLOT_RECLAIM, &slot->state, &state, 0);
}

typedef struct slot_facts {
    uint64_t nonce48;
    uint32_t pid, uid;
    uint64_t now_ms;
    uint64_t unix_now;
} slot_facts;

/* Before the slot goes live: whoever finds it live finds no heartbeat of an earlier holder. */
static void slot_tell(tnd_seg_slot* slot, const slot_facts* facts)
{
    const struct {
        tnd_word* word;
        uint64_t value;
    } words[] = {
        {&slot->heartbeat_ms, 0},
        {&slot->claimed_ms, facts->now_ms},
        {&slot->pid_uid, (uint64_t)facts->pid << 32 | facts->uid},
        {&slot->started_unix, facts->unix_now},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        tnd_word_store(TND_POINT_SLOT_FACTS, words[i].word, words[i].value, memory_order_relaxed);
    }
}

static bool slot_claim(tnd_member* member, uint32_t index, const slot_facts* facts)
{
    tnd_map* map = member->map;
    tnd_seg_slot* slot = &map->slots[index];
    if (!slot_is_free(map, slot)) {
        return false;
    }
    /* Private memory has nobody to prove anything to. */
    bool has_proof = map->shm_id >= 0;
    if (has_proof && map->sys->ops->life_start(map->sys->ctx, slot) != 0) {
        return false; /* somebody was faster, or it is damaged */
    }
    slot_tell(slot, facts);
    tnd_shares_reset(map, index);
    uint64_t state = 0;
    uint64_t live = facts->nonce48 << TND_SLOT_NONCE_SHIFT | TND_SLOT_LIVE;
    if (!tnd_word_swap(TND_POINT_SLOT_LIVE, &slot->state, &state, live)) {
        if (has_proof) { /* damage: nobody else goes live without the mutex */
            map->sys->ops->life_end(map->sys->ctx, slot);
        }
        return false;
    }
    member->slot = index;
    member->state = live;
    return true;
}

/* The mutex first: once the state is 0 the slot is somebody else's, mutex and all. From the unlock
 * on it looks like a dead worker's, and others may free it before we do. */
static void slot_free(tnd_member* member)
{
    tnd_map* map = member->map;
    tnd_seg_slot* slot = &map->slots[member->slot];
    if (map->shm_id < 0 || map->sys->ops->life_end(map->sys->ctx, slot)) {
        uint64_t state = tnd_word_load(&slot->state, memory_order_seq_cst);
        while (slot_nonce(state) == slot_nonce(member->state) &&
               !tnd_word_swap(TND_POINT_SLOT_FREE, &slot->state, &state, 0)) {}
    } else {
        /* Another thread's: the kernel knows that thread as its holder, and goes by its memory. */
        tnd_member_set_draining(member, true);
        map->is_held = true;
    }
    member->slot = TND_MEMBER_NONE;
    member->state = 0;
}

tnd_join tnd_member_join(tnd_member* member, tnd_map* map, uint32_t nonce32, uint32_t pid,
                         uint32_t uid, uint64_t now_ms, uint64_t unix_now)
{
    memset(member, 0, sizeof(*member));
    member->map = map;
    member->slot = TND_MEMBER_NONE;
    member->arenas[0] = member->arenas[1] = -1;
    if (map->is_read_only) {
        return TND_JOIN_READ_ONLY;
    }
    const slot_facts facts = {
        /* Seconds make a nonce that repeats even less likely. */
        .nonce48 = (now_ms / 1000 & 0xffff) << 32 | (nonce32 ? nonce32 : 1),
        .pid = pid,
        .uid = uid,
        .now_ms = now_ms,
        .unix_now = unix_now,
    };
    for (uint32_t i = 0; i < map->workers_capacity && member->slot == TND_MEMBER_NONE; i++) {
        slot_claim(member, i, &facts);
    }
    if (member->slot == TND_MEMBER_NONE) {
        return TND_JOIN_FULL;
    }
    /* The remover marks first and looks at the attach count then; we attached first and look at the
     * mark now: one of us sees the other. */
    if (tnd_map_is_removed(map)) {
        slot_free(member);
        return TND_JOIN_RETIRED;
    }
    return TND_JOIN_OK;
}

void tnd_member_leave(tnd_member* member, bool may_remove)
{
    if (!member->map) {
        return;
    }
    tnd_owner_release(member);
    if (may_remove) {
        tnd_segment_remove_if_last(member->map);
    }
    if (member->slot != TND_MEMBER_NONE) {
        slot_free(member);
    }
    member->map = NULL;
}

void tnd_member_set_draining(tnd_member* member, bool draining)
{
    if (member->slot == TND_MEMBER_NONE) {
        return;
    }
    tnd_word* word = &member->map->slots[member->slot].state;
    uint64_t state = tnd_word_load(word, memory_order_seq_cst);
    while (slot_nonce(state) == slot_nonce(member->state)) { /* else it isn't ours any more */
        uint64_t marked = draining ? state | TND_SLOT_DRAINING : state & ~TND_SLOT_DRAINING;
        if (tnd_word_swap(TND_POINT_SLOT_DRAINING, word, &state, marked)) {
            break;
        }
    }
}

bool tnd_member_has_fresh_peers(const tnd_member* member)
{
    tnd_map* map = member->map;
    for (uint32_t i = 0; i < map->workers_capacity; i++) {
        uint64_t state = tnd_word_load(&map->slots[i].state, memory_order_seq_cst);
        if (i != member->slot && slot_phase(state) == TND_SLOT_LIVE &&
            !(state & TND_SLOT_DRAINING) &&
            !map->sys->ops->life_gone(map->sys->ctx, &map->slots[i])) {
            return true;
        }
    }
    return false;
}

/* ---- ownership ------------------------------------------------------------------------------ */

/* Stamps of CLOCK_MONOTONIC may be a little ahead of a loop's idea of now. */
static bool stamp_is_fresh(uint64_t stamp_ms, uint64_t now_ms, uint64_t threshold_ms)
{
    return stamp_ms > now_ms ? stamp_ms - now_ms <= threshold_ms
                             : now_ms - stamp_ms <= threshold_ms;
}

static tnd_owner_state owner_judge(const tnd_member* member, uint64_t now_ms, uint64_t threshold_ms,
                                   tnd_owner_view* view)
{
    tnd_map* map = member->map;
    if (view->word & TND_OWNER_RETIRED) {
        return TND_OWNER_GONE;
    }
    uint64_t owner = view->word & TND_OWNER_SLOT_MASK;
    if (owner == 0 || owner > map->workers_capacity) {
        return TND_OWNER_VACANT; /* beyond the capacity: damaged, to be replaced */
    }
    view->slot = (uint32_t)owner - 1;
    tnd_seg_slot* slot = &map->slots[view->slot];
    uint64_t state = tnd_word_load(&slot->state, memory_order_seq_cst);
    if (view->slot == member->slot) {
        if (view->term == member->term && member->term != 0) {
            return TND_OWNER_SELF;
        }
        if (slot_nonce(state) == slot_nonce(member->state)) {
            return TND_OWNER_DEAD; /* under another term: the slot's last holder died owning */
        }
    }
    uint64_t heartbeat_ms = tnd_word_load(&slot->heartbeat_ms, memory_order_seq_cst);
    view->nonce = slot_nonce(state);
    if (slot_phase(state) != TND_SLOT_LIVE || map->sys->ops->life_gone(map->sys->ctx, slot)) {
        return TND_OWNER_DEAD;
    }
    if (heartbeat_ms == 0) {
        return TND_OWNER_DEAD; /* its slot is another's by now, who hasn't owned yet */
    }
    view->age_ms = now_ms > heartbeat_ms ? now_ms - heartbeat_ms : 0;
    return stamp_is_fresh(heartbeat_ms, now_ms, threshold_ms) ? TND_OWNER_OTHER : TND_OWNER_EXPIRED;
}

void tnd_owner_look(const tnd_member* member, uint64_t now_ms, uint64_t threshold_ms,
                    tnd_owner_view* ret_view)
{
    memset(ret_view, 0, sizeof(*ret_view));
    ret_view->word = tnd_word_load(&member->map->control->owner, memory_order_seq_cst);
    ret_view->term = (uint32_t)(ret_view->word >> 32);
    ret_view->slot = TND_MEMBER_NONE;
    ret_view->state = owner_judge(member, now_ms, threshold_ms, ret_view);
}

static void map_protect(tnd_map* map, bool writable)
{
    if (map->shm_id >= 0) {
        map->sys->ops->protect(map->sys->ctx, map->map, map->size - map->shared_bytes, writable);
    }
    map->is_writable = writable;
}

bool tnd_owner_take(tnd_member* member, const tnd_owner_view* view, uint64_t now_ms)
{
    if (member->slot == TND_MEMBER_NONE || member->term != 0) {
        return false;
    }
    tnd_map* map = member->map;
    uint32_t term = view->term + 1 != 0 ? view->term + 1 : 1;
    tnd_word_store(TND_POINT_HEARTBEAT, &map->slots[member->slot].heartbeat_ms, now_ms,
                   memory_order_seq_cst);
    uint64_t word = view->word;
    if (!tnd_word_swap(TND_POINT_OWNER_TAKE, &map->control->owner, &word,
                       OWNER_WORD(term, member->slot))) {
        return false;
    }
    member->term = term;
    map_protect(map, true);
    return true;
}

static uint64_t claim_mark(const tnd_member* member)
{
    return slot_nonce(member->state) << TND_SLOT_NONCE_SHIFT | (member->slot + 1);
}

/* The selected arena is protected by being selected: its claim can go as well. */
static void arenas_release(tnd_member* member)
{
    for (int i = 0; i < 2; i++) {
        if (member->arenas[i] >= 0) {
            uint64_t mine = claim_mark(member);
            tnd_word_swap(TND_POINT_ARENA_RELEASE,
                          &member->map->map->arena_claims[member->arenas[i]], &mine, 0);
            member->arenas[i] = -1;
        }
    }
}

bool tnd_owner_release(tnd_member* member)
{
    if (!member->map || member->term == 0) {
        return false;
    }
    tnd_map* map = member->map;
    arenas_release(member);
    map_protect(map, false);
    uint64_t word = OWNER_WORD(member->term, member->slot);
    bool ours = tnd_word_swap(TND_POINT_OWNER_RELEASE, &map->control->owner, &word,
                              (uint64_t)member->term << 32);
    member->term = 0;
    return ours;
}

bool tnd_owner_beat(tnd_member* member, uint64_t now_ms)
{
    if (!tnd_owner_is_self(member)) {
        return false;
    }
    tnd_word_store(TND_POINT_HEARTBEAT, &member->map->slots[member->slot].heartbeat_ms, now_ms,
                   memory_order_release);
    return true;
}

void tnd_owner_tell_seedless(tnd_member* member)
{
    if (tnd_owner_is_self(member)) {
        tnd_word_store(TND_POINT_SEEDLESS, &member->map->control->seedless_term, member->term,
                       memory_order_seq_cst);
    }
}

bool tnd_owner_is_seedless(const tnd_map* map)
{
    uint64_t seedless = tnd_word_load(&map->control->seedless_term, memory_order_seq_cst);
    return seedless != 0 &&
           seedless == tnd_word_load(&map->control->owner, memory_order_seq_cst) >> 32;
}

void tnd_owner_tell_checked(tnd_member* member, uint64_t now_ms)
{
    if (tnd_owner_is_self(member)) {
        tnd_word_store(TND_POINT_CHECKED, &member->map->control->checked_ms, now_ms,
                       memory_order_release);
    }
}

bool tnd_map_is_checked(const tnd_map* map, uint64_t now_ms, uint64_t threshold_ms)
{
    uint64_t checked_ms = tnd_word_load(&map->control->checked_ms, memory_order_acquire);
    return checked_ms != 0 && stamp_is_fresh(checked_ms, now_ms, threshold_ms);
}

bool tnd_fact_claim(tnd_map* map, tnd_fact fact, uint64_t now_ms, uint64_t interval_ms)
{
    if (map->shm_id < 0 || map->is_read_only) {
        return true;
    }
    tnd_word* word = &map->control->told_ms[fact];
    uint64_t told_ms = tnd_word_load(word, memory_order_relaxed);
    if (told_ms != 0 && stamp_is_fresh(told_ms, now_ms, interval_ms)) {
        return false;
    }
    return tnd_word_swap(TND_POINT_FACT, word, &told_ms, now_ms != 0 ? now_ms : 1);
}

/* ---- requests to the tender ----------------------------------------------------------------- */

bool tnd_tend_ask(tnd_map* map, uint32_t node_index)
{
    if (map->is_read_only || node_index > TND_NODES_MAX) {
        return false;
    }
    tnd_word* word = &map->control->tend_asked[node_index / 64];
    uint64_t bit = 1ULL << (node_index % 64);
    if (tnd_word_load(word, memory_order_relaxed) & bit) {
        return false;
    }
    return (tnd_word_or(TND_POINT_TEND_ASK, word, bit) & bit) == 0;
}

bool tnd_tend_take(tnd_map* map, uint64_t ret_bits[(TND_NODES_MAX + 1) / 64])
{
    bool any = false;
    for (size_t i = 0; i < (TND_NODES_MAX + 1) / 64; i++) {
        ret_bits[i] = 0;
        if (tnd_word_load(&map->control->tend_asked[i], memory_order_relaxed) != 0) {
            ret_bits[i] = tnd_word_exchange(TND_POINT_TEND_TAKE, &map->control->tend_asked[i], 0);
            any = any || ret_bits[i] != 0;
        }
    }
    return any;
}
