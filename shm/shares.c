/*
 * Errors, pace and connections of a host's workers towards each node. See shares.h and layout.h.
 *
 * A worker takes a connection by raising its own count first and then adding up all rows: of two
 * that do so at once at least one sees both, so that the budget is never exceeded. A row whose
 * worker is dead is left out, as one more load tells.
 */
#include "shm/shares.h"

#include "shm/word.h"

/* A swap fails only when somebody else succeeded. */
#define SHARES_SWAPS_MAX 16

static bool shares_may_store(const tnd_map* map, uint32_t node_index)
{
    return map->base && !map->is_read_only && node_index > 0 && node_index <= map->nodes_capacity;
}

/* ---- errors ---- */

void tnd_shares_note_error(tnd_map* map, uint32_t node_index, uint64_t window)
{
    if (!shares_may_store(map, node_index)) {
        return;
    }
    tnd_word* word = &map->errors[node_index];
    uint64_t tally = tnd_word_load(word, memory_order_relaxed);
    for (int i = 0; i < SHARES_SWAPS_MAX; i++) {
        if (tnd_word_swap(TND_POINT_NODE_ERROR, word, &tally, tnd_tally_add(tally, window))) {
            return;
        }
    }
}

uint64_t tnd_shares_errors(const tnd_map* map, uint32_t node_index)
{
    return map->base && node_index <= map->nodes_capacity
               ? tnd_word_load(&map->errors[node_index], memory_order_relaxed)
               : 0;
}

/* ---- pace ---- */

uint64_t tnd_shares_take_turn(tnd_map* map, uint32_t node_index, uint64_t now_us,
                              uint64_t interval_us, uint64_t wait_us_max)
{
    if (interval_us == 0 || !shares_may_store(map, node_index)) {
        return 0;
    }
    tnd_word* word = &map->paces[node_index];
    uint64_t turn_us = tnd_word_load(word, memory_order_relaxed);
    for (int i = 0; i < SHARES_SWAPS_MAX; i++) {
        uint64_t mine_us = turn_us > now_us ? turn_us : now_us;
        uint64_t wait_us = mine_us - now_us;
        if (wait_us > TND_SHARES_WAIT_US_MAX + TND_SHARES_INTERVAL_US_MAX) {
            mine_us = now_us; /* nobody may have waited so long: damage, put right */
        } else if (wait_us > wait_us_max) {
            return UINT64_MAX;
        }
        if (tnd_word_swap(TND_POINT_NODE_PACE, word, &turn_us, mine_us + interval_us)) {
            return mine_us - now_us;
        }
    }
    return 0; /* as many others got theirs meanwhile: no harm in one more */
}

/* ---- connections ---- */

static tnd_word* links_of(const tnd_map* map, uint32_t slot, uint32_t node_index)
{
    return &map->links[slot * map->links_row_words + node_index];
}

static bool slot_is_dead(const tnd_map* map, uint32_t slot)
{
    uint64_t state = tnd_word_load(&map->slots[slot].state, memory_order_acquire);
    if ((state & TND_SLOT_PHASE_MASK) != TND_SLOT_LIVE) {
        return true;
    }
    return map->shm_id >= 0 && map->sys->ops->life_gone(map->sys->ctx, &map->slots[slot]);
}

uint32_t tnd_shares_links(const tnd_map* map, uint32_t node_index)
{
    uint64_t sum = 0;
    if (!map->base || node_index > map->nodes_capacity) {
        return 0;
    }
    for (uint32_t slot = 0; slot < map->workers_capacity; slot++) {
        uint64_t count = tnd_word_load(links_of(map, slot, node_index), memory_order_seq_cst);
        if (count > 0 && !slot_is_dead(map, slot)) {
            sum += count < TND_SHARES_LINKS_MAX ? count : TND_SHARES_LINKS_MAX;
        }
    }
    return (uint32_t)sum;
}

static bool links_may_count(const tnd_map* map, uint32_t slot, uint32_t node_index)
{
    return shares_may_store(map, node_index) && slot < map->workers_capacity;
}

/* The row's only writer: what is there is what we stored, but for damage. */
static void links_set(tnd_word* mine, uint64_t count)
{
    tnd_word_exchange(TND_POINT_NODE_LINKS, mine, count);
}

bool tnd_shares_take_link(tnd_map* map, uint32_t slot, uint32_t node_index, uint32_t max)
{
    if (!links_may_count(map, slot, node_index)) {
        return true;
    }
    tnd_word* mine = links_of(map, slot, node_index);
    uint64_t count = tnd_word_load(mine, memory_order_relaxed);
    links_set(mine, count + 1);
    if (max == 0 || count == 0 || tnd_shares_links(map, node_index) <= max) {
        return true;
    }
    links_set(mine, count);
    return false;
}

void tnd_shares_return_link(tnd_map* map, uint32_t slot, uint32_t node_index)
{
    if (!links_may_count(map, slot, node_index)) {
        return;
    }
    tnd_word* mine = links_of(map, slot, node_index);
    uint64_t count = tnd_word_load(mine, memory_order_relaxed);
    if (count > 0) {
        links_set(mine, count - 1);
    }
}

void tnd_shares_reset(tnd_map* map, uint32_t slot)
{
    for (uint32_t i = 0; i <= map->nodes_capacity; i++) {
        if (tnd_word_load(links_of(map, slot, i), memory_order_relaxed) != 0) {
            links_set(links_of(map, slot, i), 0);
        }
    }
}
