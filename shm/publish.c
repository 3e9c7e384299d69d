/*
 * The owner's stores. Every one is a compare-and-swap from a value that was read, never from one
 * with a higher term than ours: that is the whole fence. A higher term that the owner word doesn't
 * confirm is damage and gets overwritten.
 */
#include "shm/publish.h"

#include <assert.h>
#include <string.h>

/* Is a value with this term a successor's? Its term would be in the owner word by now. */
static bool is_fenced(const tnd_member* member, uint32_t term)
{
    return term > member->term && !tnd_owner_is_self(member);
}

/* ---- restamp -------------------------------------------------------------------------------- */

static bool restamp(tnd_member* member, tnd_word* word, tnd_point point, bool keep_zero)
{
    uint64_t found = tnd_word_load(word, memory_order_seq_cst);
    for (;;) {
        uint32_t term = (uint32_t)(found >> 32);
        if (is_fenced(member, term)) {
            return false;
        }
        if (term == member->term || (keep_zero && found == 0)) {
            return true;
        }
        uint64_t stamped = (uint64_t)member->term << 32 | (found & 0xffffffff);
        if (tnd_word_swap(point, word, &found, stamped)) {
            return true;
        }
    }
}

static bool restamp_partition(tnd_member* member, const tnd_ns_rec* ns, uint32_t partition)
{
    tnd_seg_table* table = &member->map->tables[ns->table];
    /* A regime of 0 was never stored, and a late writer can only store a higher one. */
    return restamp(member, &table->regimes[partition], TND_POINT_RESTAMP_REGIME, true) &&
           restamp(member, &table->words[partition], TND_POINT_RESTAMP_WORD, false);
}

tnd_publish tnd_publish_restamp(tnd_member* member, uint32_t* cursor, uint32_t budget)
{
    tnd_map* map = member->map;
    if (member->term == 0) {
        return TND_PUBLISH_FENCED;
    }
    if (*cursor == 0) {
        /* First the selector: from here on the set of published tables can't change under us. */
        if (!restamp(member, &map->map->selector, TND_POINT_RESTAMP_SELECTOR, false)) {
            return TND_PUBLISH_FENCED;
        }
        tnd_map_refresh(map);
    }
    uint32_t end = map->dir_selector != 0 ? map->dir.namespaces_count * TND_PARTITIONS : 0;
    for (; *cursor < end; (*cursor)++) {
        if (budget-- == 0) {
            return TND_PUBLISH_MORE;
        }
        const tnd_ns_rec* ns = &map->namespaces[*cursor / TND_PARTITIONS];
        if (!restamp_partition(member, ns, *cursor % TND_PARTITIONS)) {
            return TND_PUBLISH_FENCED;
        }
    }
    return TND_PUBLISH_OK;
}

/* ---- directory ------------------------------------------------------------------------------ */

/* Is the worker that made this claim proven gone? */
static bool claimant_is_gone(tnd_map* map, uint64_t claim)
{
    uint64_t slot_number = claim & TND_OWNER_SLOT_MASK;
    if (slot_number == 0 || slot_number > map->workers_capacity) {
        return true;
    }
    tnd_seg_slot* slot = &map->slots[slot_number - 1];
    uint64_t state = tnd_word_load(&slot->state, memory_order_seq_cst);
    return (state & TND_SLOT_PHASE_MASK) != TND_SLOT_LIVE ||
           state >> TND_SLOT_NONCE_SHIFT != claim >> TND_SLOT_NONCE_SHIFT ||
           map->sys->ops->life_gone(map->sys->ctx, slot);
}

static uint64_t claim_mark(const tnd_member* member)
{
    return member->state >> TND_SLOT_NONCE_SHIFT << TND_SLOT_NONCE_SHIFT | (member->slot + 1);
}

static bool arena_claim(tnd_member* member, uint32_t arena)
{
    tnd_word* word = &member->map->map->arena_claims[arena];
    uint64_t mine = claim_mark(member);
    uint64_t found = tnd_word_load(word, memory_order_seq_cst);
    if (found == mine) {
        return true; /* from an earlier term of ours */
    }
    if (found != 0 && !claimant_is_gone(member->map, found)) {
        return false;
    }
    return tnd_word_swap(TND_POINT_ARENA_CLAIM, word, &found, mine);
}

/* An arena may have been selected, and its claim given back, between our look at the selector and
 * our claim. From the claim on nobody else can select it: so look again. */
static bool arena_is_spare(tnd_member* member, uint32_t arena, uint64_t selector)
{
    if (tnd_word_load(&member->map->map->selector, memory_order_seq_cst) == selector) {
        return true;
    }
    uint64_t mine = claim_mark(member);
    tnd_word_swap(TND_POINT_ARENA_RELEASE, &member->map->map->arena_claims[arena], &mine, 0);
    return false;
}

/* An arena of our own that isn't selected. */
static tnd_publish arena_pick(tnd_member* member, uint64_t selector, uint32_t* ret_arena)
{
    int64_t selected = (int64_t)(selector >> 24 & 0xff) - 1;
    for (int i = 0; i < 2; i++) {
        if (member->arenas[i] >= 0 && member->arenas[i] != selected) {
            *ret_arena = (uint32_t)member->arenas[i];
            return TND_PUBLISH_OK;
        }
    }
    int place = member->arenas[0] < 0 ? 0 : 1;
    for (uint32_t i = 0; i < member->map->arenas_count; i++) {
        if ((int64_t)i != selected && arena_claim(member, i)) {
            if (!arena_is_spare(member, i, selector)) {
                return TND_PUBLISH_FENCED; /* nobody but a successor moves the selector */
            }
            member->arenas[place] = i;
            *ret_arena = i;
            return TND_PUBLISH_OK;
        }
    }
    return TND_PUBLISH_NO_ARENA;
}

static void store_words(uint8_t* to, const void* from, size_t size)
{
    const uint8_t* in = from;
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, in + i, sizeof(word));
        tnd_word_store(TND_POINT_ARENA_STORE, (tnd_word*)(to + i), word, memory_order_relaxed);
    }
}

static void arena_write(tnd_map* map, uint32_t arena, const tnd_dir_head* head,
                        const tnd_node_rec* nodes, const tnd_ns_rec* namespaces)
{
    uint8_t* to = map->arenas + arena * map->arena_bytes;
    /* A reader that copied from this arena when it was selected last sees the selector moved: it
     * must not see our stores before that move. */
    tnd_word_fence(memory_order_seq_cst);
    store_words(to, head, sizeof(*head));
    to += sizeof(*head);
    if (head->nodes_count > 0) {
        store_words(to, &nodes[1], head->nodes_count * sizeof(*nodes));
    }
    to += map->nodes_capacity * sizeof(*nodes);
    if (head->namespaces_count > 0) {
        store_words(to, namespaces, head->namespaces_count * sizeof(*namespaces));
    }
}

tnd_publish tnd_publish_directory(tnd_member* member, const tnd_dir_head* head,
                                  const tnd_node_rec* nodes, const tnd_ns_rec* namespaces)
{
    tnd_map* map = member->map;
    assert(head->nodes_count <= map->nodes_capacity);
    assert(head->namespaces_count <= map->namespaces_capacity);
    uint64_t selector = tnd_word_load(&map->map->selector, memory_order_seq_cst);
    if (member->term == 0 || is_fenced(member, (uint32_t)(selector >> 32))) {
        return TND_PUBLISH_FENCED;
    }
    uint32_t arena;
    tnd_publish picked = arena_pick(member, selector, &arena);
    if (picked != TND_PUBLISH_OK) {
        return picked;
    }
    arena_write(map, arena, head, nodes, namespaces);
    uint64_t next = TND_SELECTOR(member->term, arena, (selector + 1) & 0xffffff);
    if (!tnd_word_swap(TND_POINT_SELECT, &map->map->selector, &selector, next)) {
        return TND_PUBLISH_FENCED; /* nobody but a successor stores there */
    }
    return TND_PUBLISH_OK;
}

/* ---- partitions ----------------------------------------------------------------------------- */

static tnd_publish swap_word(tnd_member* member, tnd_word* word, uint64_t wanted, tnd_point point)
{
    uint64_t found = tnd_word_load(word, memory_order_seq_cst);
    while (found != wanted) {
        if (is_fenced(member, (uint32_t)(found >> 32))) {
            return TND_PUBLISH_FENCED;
        }
        if (tnd_word_swap(point, word, &found, wanted)) {
            break;
        }
    }
    return TND_PUBLISH_OK;
}

tnd_publish tnd_publish_word(tnd_member* member, uint32_t table, uint32_t partition,
                             const uint32_t nodes[TND_REPLICAS_MAX], uint32_t flags)
{
    assert(table < member->map->namespaces_capacity && partition < TND_PARTITIONS);
    if (member->term == 0) {
        return TND_PUBLISH_FENCED;
    }
    return swap_word(member, &member->map->tables[table].words[partition],
                     tnd_word_make(member->term, nodes, flags & TND_WORD_FLAGS_MASK),
                     TND_POINT_WORD);
}

tnd_publish tnd_publish_regime(tnd_member* member, uint32_t table, uint32_t partition,
                               uint32_t regime)
{
    assert(table < member->map->namespaces_capacity && partition < TND_PARTITIONS);
    if (member->term == 0) {
        return TND_PUBLISH_FENCED;
    }
    return swap_word(member, &member->map->tables[table].regimes[partition],
                     (uint64_t)member->term << 32 | regime, TND_POINT_REGIME);
}
