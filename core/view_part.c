/*
 * Partitions of the view: claims of nodes merged into owners, and the words to publish.
 */
#include "core/view.h"

#include <assert.h>
#include <string.h>

#include "core/mem.h"
#include "core/part.h"

static void dirty_add(tnd_view_ns* ns, uint32_t partition)
{
    uint64_t bit = UINT64_C(1) << (partition % 64);
    if (!(ns->dirty[partition / 64] & bit)) {
        ns->dirty[partition / 64] |= bit;
        ns->dirty_count++;
    }
}

static void dirty_fill(tnd_view_ns* ns)
{
    memset(ns->dirty, 0xff, sizeof(ns->dirty));
    ns->dirty_count = TND_PARTITION_COUNT;
}

void tnd_view_dirty_all(tnd_view* view)
{
    for (uint32_t i = 0; i < view->namespaces_count; i++) {
        dirty_fill(view->namespaces[i]);
    }
}

bool tnd_view_has_words(const tnd_view* view)
{
    for (uint32_t i = 0; i < view->namespaces_count; i++) {
        if (view->namespaces[i]->dirty_count > 0) {
            return true;
        }
    }
    return false;
}

/* ---- namespaces ---- */

static tnd_view_ns* ns_find(const tnd_view* view, tnd_slice name, uint32_t* ret_index)
{
    for (uint32_t i = 0; i < view->namespaces_count; i++) {
        if (tnd_slice_equals_text(name, view->namespaces[i]->name)) {
            *ret_index = i;
            return view->namespaces[i];
        }
    }
    return NULL;
}

static void surplus_note(tnd_view* view, tnd_slice name)
{
    for (uint32_t i = 0; i < view->surplus_count; i++) {
        if (tnd_slice_equals_text(name, view->surplus[i])) {
            return;
        }
    }
    if (view->surplus_count < TND_VIEW_SURPLUS_MAX) {
        char* to = view->surplus[view->surplus_count++];
        memset(to, 0, TND_VIEW_NS_SIZE);
        memcpy(to, name.data, name.size);
        view->is_directory_dirty = true; /* the number of namespaces */
    }
}

static tnd_view_ns* ns_make(tnd_view* view, tnd_slice name, uint32_t* ret_index)
{
    if (name.size == 0 || name.size >= TND_VIEW_NS_SIZE) {
        return NULL;
    }
    if (view->namespaces_count == view->namespaces_capacity) {
        surplus_note(view, name);
        return NULL;
    }
    tnd_view_ns* ns = tnd_calloc(1, sizeof(*ns));
    if (!ns) {
        view->has_lacked_memory = true;
        return NULL;
    }
    memcpy(ns->name, name.data, name.size);
    ns->replicas = 1;
    /* Empty partitions too: a predecessor may have stored words here before it died. */
    dirty_fill(ns);
    *ret_index = view->namespaces_count;
    view->namespaces[view->namespaces_count++] = ns;
    return ns;
}

bool tnd_view_claim(tnd_view* view, uint32_t id, tnd_slice name, uint32_t regime, uint32_t factor,
                    tnd_view_claims* ret_claims)
{
    uint32_t index = 0;
    tnd_view_ns* ns = ns_find(view, name, &index);
    if (!ns) {
        ns = ns_make(view, name, &index);
    }
    if (!ns) {
        return false;
    }
    if (ns->replicas != factor || (regime != 0 && !ns->is_sc)) {
        ns->replicas = factor;
        ns->is_sc |= regime != 0;
        view->is_directory_dirty |= ns->is_published;
    }
    *ret_claims = (tnd_view_claims){.id = id, .ns = index, .regime = regime};
    return true;
}

/* ---- claims ---- */

static bool regimes_make(tnd_view* view, tnd_view_ns* ns)
{
    if (!ns->regimes) {
        ns->regimes = tnd_calloc(TND_PARTITION_COUNT, sizeof(*ns->regimes));
        view->has_lacked_memory |= !ns->regimes;
    }
    return ns->regimes != NULL;
}

static bool owner_is_stale(const tnd_view_ns* ns, uint32_t column, uint32_t partition)
{
    return ns->stale[partition] >> column & 1;
}

static void owner_make_stale(tnd_view* view, tnd_view_ns* ns, uint32_t column, uint32_t partition)
{
    uint32_t owner = ns->owners[column][partition];
    if (owner != 0 && !owner_is_stale(ns, column, partition)) {
        ns->stale[partition] |= (uint8_t)(1u << column);
        view->nodes[owner]->slots_count--;
    }
}

static void owner_set(tnd_view* view, tnd_view_ns* ns, uint32_t column, uint32_t partition,
                      uint32_t id)
{
    uint32_t old = ns->owners[column][partition];
    if (old == id && !owner_is_stale(ns, column, partition)) {
        return;
    }
    if (old != id && old != 0 && !owner_is_stale(ns, column, partition)) {
        /* It still claims this, as far as we know: two can't be right, so hear it again. */
        view->nodes[old]->partitions_generation = TND_VIEW_UNKNOWN;
        view->nodes[old]->slots_count--;
    }
    if (old != id) {
        dirty_add(ns, partition);
    }
    ns->owners[column][partition] = (uint16_t)id;
    ns->stale[partition] &= (uint8_t) ~(1u << column);
    view->nodes[id]->slots_count++;
}

static void claim_one(tnd_view* view, tnd_view_ns* ns, const tnd_view_claims* claims,
                      uint32_t column, uint32_t partition)
{
    uint32_t known = ns->regimes ? ns->regimes[partition] : 0;
    if (claims->regime < known) {
        view->nodes[claims->id]->has_lost = true;
        if (ns->owners[column][partition] == claims->id) {
            owner_make_stale(view, ns, column, partition);
        }
        return;
    }
    if (claims->regime > known) {
        ns->regimes[partition] = claims->regime;
        dirty_add(ns, partition);
    }
    owner_set(view, ns, column, partition, claims->id);
}

bool tnd_view_claim_column(tnd_view* view, const tnd_view_claims* claims, uint32_t column,
                           const uint8_t* bitmap)
{
    assert(column < TND_VIEW_COLUMNS && claims->ns < view->namespaces_count);
    tnd_view_ns* ns = view->namespaces[claims->ns];
    if (claims->regime != 0 && !regimes_make(view, ns)) {
        return false;
    }
    for (uint32_t partition = 0; partition < TND_PARTITION_COUNT; partition++) {
        if (bitmap && tnd_part_has(bitmap, partition)) {
            claim_one(view, ns, claims, column, partition);
        } else if (ns->owners[column][partition] == claims->id) {
            owner_make_stale(view, ns, column, partition);
        }
    }
    return true;
}

void tnd_view_claims_end(tnd_view* view, uint32_t id, int64_t generation)
{
    view->nodes[id]->partitions_generation = generation;
    view->nodes[id]->is_fetched = true;
}

/* ---- words ---- */

static bool dirty_take(tnd_view_ns* ns, uint32_t* ret_partition)
{
    if (ns->dirty_count == 0) {
        return false;
    }
    uint32_t i = 0;
    while (ns->dirty[i] == 0) {
        i++;
    }
    uint32_t bit = (uint32_t)__builtin_ctzll(ns->dirty[i]);
    ns->dirty[i] &= ns->dirty[i] - 1;
    ns->dirty_count--;
    *ret_partition = i * 64 + bit;
    return true;
}

/* A reference to a node that was removed goes; its regime goes with the last one, so that a cluster
 * that was set up anew isn't refused for ever. */
static void owners_clean(tnd_view* view, tnd_view_ns* ns, uint32_t partition)
{
    uint32_t left = 0;
    for (uint32_t c = 0; c < TND_VIEW_COLUMNS; c++) {
        uint32_t owner = ns->owners[c][partition];
        if (owner != 0 && view->nodes[owner]->state != TND_VIEW_ACTIVE) {
            owner_make_stale(view, ns, c, partition);
            ns->owners[c][partition] = 0;
            ns->stale[partition] &= (uint8_t) ~(1u << c);
        }
        left += ns->owners[c][partition] != 0;
    }
    if (left == 0 && ns->regimes) {
        ns->regimes[partition] = 0;
    }
}

bool tnd_view_take_word(tnd_view* view, tnd_view_word* ret_word)
{
    for (uint32_t n = 0; n < view->namespaces_count; n++) {
        tnd_view_ns* ns = view->namespaces[n];
        uint32_t partition;
        if (!dirty_take(ns, &partition)) {
            continue;
        }
        owners_clean(view, ns, partition);
        *ret_word = (tnd_view_word){.ns = n, .partition = partition};
        for (uint32_t c = 0; c < TND_VIEW_COLUMNS; c++) {
            uint32_t owner = ns->owners[c][partition];
            if (owner != 0) {
                ret_word->indexes[c] = view->nodes[owner]->index;
                ret_word->is_short |= ret_word->indexes[c] == 0;
            }
        }
        ret_word->regime = ns->regimes ? ns->regimes[partition] : 0;
        return true;
    }
    return false;
}

/* ---- a predecessor's partitions
 * ------------------------------------------------------------------ */

bool tnd_view_inherit_namespace(tnd_view* view, const char* name, uint32_t replicas, bool is_sc)
{
    tnd_slice text = tnd_slice_of(name, strnlen(name, TND_VIEW_NS_SIZE));
    uint32_t index;
    if (!tnd_slice_is_graphic(text) || ns_find(view, text, &index) ||
        view->namespaces_count == view->namespaces_capacity) {
        return false;
    }
    tnd_view_ns* ns = ns_make(view, text, &index);
    if (!ns) {
        return false;
    }
    ns->replicas = replicas >= 1 && replicas <= TND_PART_COLUMNS_MAX ? replicas : 1;
    ns->is_sc = is_sc;
    ns->is_published = true;
    memset(ns->dirty, 0, sizeof(ns->dirty));
    ns->dirty_count = 0;
    return true;
}

bool tnd_view_inherit_partition(tnd_view* view, uint32_t index, uint32_t partition,
                                const uint32_t indexes[TND_VIEW_COLUMNS], uint32_t regime)
{
    assert(index < view->namespaces_count && partition < TND_PARTITION_COUNT);
    tnd_view_ns* ns = view->namespaces[index];
    if (regime != 0 && !regimes_make(view, ns)) {
        return false;
    }
    if (regime != 0) {
        ns->regimes[partition] = regime;
    }
    for (uint32_t c = 0; c < TND_VIEW_COLUMNS; c++) {
        uint32_t i = indexes[c];
        if (i == 0) {
            continue;
        }
        if (i > view->slots_count || view->slots[i].state != TND_VIEW_SLOT_HELD) {
            dirty_add(ns, partition);
            continue;
        }
        /* What the predecessor knew counts as a claim until its node is heard. */
        ns->owners[c][partition] = (uint16_t)view->slots[i].id;
        view->nodes[view->slots[i].id]->slots_count++;
    }
    return true;
}
