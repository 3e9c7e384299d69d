/*
 * Nodes of the view: who they are and what they answered. What follows from that is in
 * view_rules.c, partitions are in view_part.c.
 *
 *     FREE -> CANDIDATE -> ACTIVE -> LEAVING -> FREE
 *
 * Happy path: a peer's list proposes a name (CANDIDATE), the node at one of its addresses says that
 * name (ACTIVE, with an index as soon as there is one), it is polled.
 * Ends: a candidate that nobody lists any more is FREE at once; a node that the rules remove is
 * LEAVING until no published word names it, then its index is quarantined.
 */
#include "core/view.h"

#include <assert.h>
#include <string.h>

#include "core/mem.h"

tnd_view* tnd_view_new(uint32_t nodes_capacity, uint32_t namespaces_capacity)
{
    assert(nodes_capacity >= 1 && nodes_capacity <= TND_VIEW_INDEX_MAX);
    assert(namespaces_capacity >= 1 && namespaces_capacity <= TND_VIEW_NAMESPACES_MAX);
    tnd_view* view = tnd_calloc(1, sizeof(*view));
    if (view) {
        view->nodes_capacity = nodes_capacity;
        view->namespaces_capacity = namespaces_capacity;
    }
    return view;
}

void tnd_view_free(tnd_view* view)
{
    if (!view) {
        return;
    }
    for (uint32_t i = 0; i < view->namespaces_count; i++) {
        tnd_free(view->namespaces[i]->regimes);
        tnd_free(view->namespaces[i]);
    }
    for (uint32_t id = 1; id <= view->ids_count; id++) {
        tnd_free(view->nodes[id]);
    }
    tnd_free(view);
}

/* ---- names and ids ---- */

static bool name_equals(const char* name, tnd_slice other)
{
    return tnd_slice_equals_text(other, name);
}

/* Names are compared in a row: a list of 256 peers costs 60,000 short compares, some 100 us. */
uint32_t tnd_view_find(const tnd_view* view, tnd_slice name)
{
    for (uint32_t id = 1; id <= view->ids_count; id++) {
        if (tnd_view_is_tended(view, id) && name_equals(view->nodes[id]->name, name)) {
            return id;
        }
    }
    return 0;
}

static uint32_t id_take(tnd_view* view)
{
    for (uint32_t id = 1; id <= view->ids_count; id++) {
        if (view->nodes[id]->state == TND_VIEW_FREE) {
            return id;
        }
    }
    if (view->ids_count == TND_VIEW_NODES_MAX) {
        return 0;
    }
    tnd_view_node* node = tnd_calloc(1, sizeof(*node));
    if (!node) {
        view->has_lacked_memory = true;
        return 0;
    }
    view->nodes[++view->ids_count] = node;
    return view->ids_count;
}

static bool peers_has(const tnd_view_node* node, uint32_t id)
{
    return node->peers[id / 64] >> (id % 64) & 1;
}

/* An id that is used anew must not look listed. */
static void peers_forget(tnd_view* view, uint32_t id)
{
    for (uint32_t i = 1; i <= view->ids_count; i++) {
        view->nodes[i]->peers[id / 64] &= ~(UINT64_C(1) << (id % 64));
    }
}

static uint32_t node_make(tnd_view* view, tnd_slice name, tnd_view_state state)
{
    if (name.size == 0 || name.size >= TND_VIEW_NAME_SIZE) {
        return 0;
    }
    uint32_t id = id_take(view);
    if (id == 0) {
        return 0;
    }
    tnd_view_node* node = view->nodes[id];
    memset(node, 0, sizeof(*node));
    memcpy(node->name, name.data, name.size);
    node->state = state;
    node->is_peers_due = true;
    node->partitions_generation = TND_VIEW_UNKNOWN;
    node->partitions_seen = TND_VIEW_UNKNOWN;
    node->racks_generation = TND_VIEW_UNKNOWN;
    node->racks_seen = TND_VIEW_UNKNOWN;
    peers_forget(view, id);
    return id;
}

uint32_t tnd_view_propose(tnd_view* view, tnd_slice name)
{
    uint32_t id = tnd_view_find(view, name);
    return id != 0 ? id : node_make(view, name, TND_VIEW_CANDIDATE);
}

/* ---- addresses ---- */

bool tnd_view_addr_equals(const tnd_view_addr* a, const tnd_view_addr* b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* The place of an address, or addrs_count. */
static uint32_t addr_find(const tnd_view_node* node, const tnd_view_addr* addr)
{
    uint32_t i = 0;
    while (i < node->addrs_count && !tnd_view_addr_equals(&node->addrs[i], addr)) {
        i++;
    }
    return i;
}

/* Put an address at a place before its present one; the last one drops out of a full list. */
static void addr_put(tnd_view_node* node, const tnd_view_addr* addr, uint32_t place)
{
    tnd_view_addr moved = *addr;
    uint32_t from = addr_find(node, addr);
    if (from == node->addrs_count) {
        if (node->addrs_count < TND_VIEW_ADDRS_MAX) {
            node->addrs_count++;
        } else {
            from--;
        }
    }
    if (place <= from) {
        memmove(&node->addrs[place + 1], &node->addrs[place],
                (from - place) * sizeof(node->addrs[0]));
        node->addrs[place] = moved;
    }
}

bool tnd_view_offer(tnd_view* view, uint32_t id, const tnd_view_addr* addr)
{
    tnd_view_node* node = view->nodes[id];
    if (addr_find(node, addr) < node->addrs_count) {
        return false;
    }
    if (node->state == TND_VIEW_ACTIVE && node->failures > 0) {
        addr_put(node, addr, node->addrs_count > 0 ? 1 : 0);
        return true;
    }
    if (node->addrs_count == TND_VIEW_ADDRS_MAX) {
        return false;
    }
    node->addrs[node->addrs_count++] = *addr;
    view->is_directory_dirty |= node->index != 0;
    return true;
}

/* ---- indexes ---- */

static bool slot_fits(const tnd_view_slot* slot, const tnd_view_node* node)
{
    /* The node that held it last may have it back at any time: whatever still names the index means
     * that node. */
    return slot->state == TND_VIEW_SLOT_QUARANTINED && strcmp(slot->name, node->name) == 0;
}

static uint32_t slot_pick(const tnd_view* view, const tnd_view_node* node)
{
    uint32_t free_index = 0;
    for (uint32_t i = 1; i <= view->nodes_capacity; i++) {
        if (slot_fits(&view->slots[i], node)) {
            return i;
        }
        if (free_index == 0 && view->slots[i].state == TND_VIEW_SLOT_FREE) {
            free_index = i;
        }
    }
    return free_index;
}

static void slot_changed(tnd_view* view, uint32_t index)
{
    view->slots[index].generation++;
    view->is_directory_dirty = true;
}

static void slot_hold(tnd_view* view, uint32_t index, uint32_t id)
{
    tnd_view_slot* slot = &view->slots[index];
    slot->state = TND_VIEW_SLOT_HELD;
    slot->id = id;
    memcpy(slot->name, view->nodes[id]->name, sizeof(slot->name));
    view->nodes[id]->index = index;
    if (index > view->slots_count) {
        view->slots_count = index;
    }
}

static bool place(tnd_view* view, uint32_t id)
{
    uint32_t index = slot_pick(view, view->nodes[id]);
    if (index == 0) {
        return false;
    }
    slot_hold(view, index, id);
    slot_changed(view, index);
    return true;
}

/* ---- observations ---- */

tnd_view_admission tnd_view_admit(tnd_view* view, uint32_t id, const tnd_view_addr* addr,
                                  uint64_t build)
{
    tnd_view_node* node = view->nodes[id];
    bool is_moved = node->addrs_count == 0 || !tnd_view_addr_equals(&node->addrs[0], addr);
    bool is_changed = is_moved || node->build != build;
    addr_put(node, addr, 0);
    node->build = build;
    if (node->state == TND_VIEW_CANDIDATE) {
        node->state = TND_VIEW_ACTIVE;
        node->failures = 0;
        view->active_count++;
        view->is_directory_dirty = true; /* at least the number of nodes */
        if (!place(view, id)) {
            view->unplaced_count++;
        }
        return TND_VIEW_ADMIT_NEW;
    }
    /* A new connection may lead to a new process, whose generations look like the last one's. */
    node->is_peers_due = true;
    node->partitions_generation = TND_VIEW_UNKNOWN;
    node->racks_generation = TND_VIEW_UNKNOWN;
    if (is_changed && node->index != 0) {
        slot_changed(view, node->index);
    }
    return is_moved ? TND_VIEW_ADMIT_MOVED : TND_VIEW_ADMIT_SAME;
}

tnd_view_poll_result tnd_view_poll(tnd_view* view, uint32_t id, uint64_t peers_generation,
                                   int64_t partitions_generation)
{
    tnd_view_node* node = view->nodes[id];
    bool is_returned = node->failures > 0;
    bool is_restarted = peers_generation < node->peers_seen;
    node->is_heard = true;
    node->is_ready = partitions_generation != TND_VIEW_UNKNOWN;
    node->failures = 0;
    node->is_peers_due |= peers_generation != node->peers_seen;
    node->peers_seen = peers_generation;
    node->partitions_seen = partitions_generation;
    if (is_restarted || is_returned) {
        node->has_peers = false;
        node->is_peers_due = true;
        node->partitions_generation = TND_VIEW_UNKNOWN;
        node->racks_generation = TND_VIEW_UNKNOWN;
    }
    if (is_restarted && node->index != 0) {
        slot_changed(view, node->index);
    }
    if (is_restarted) {
        return TND_VIEW_POLL_RESTARTED;
    }
    if (!node->is_ready) {
        return TND_VIEW_POLL_NOT_READY;
    }
    return is_returned ? TND_VIEW_POLL_RETURNED : TND_VIEW_POLL_FINE;
}

void tnd_view_not_ready(tnd_view* view, uint32_t id)
{
    tnd_view_node* node = view->nodes[id];
    node->is_heard = true;
    node->is_ready = false;
    node->failures = 0;
}

void tnd_view_fail(tnd_view* view, uint32_t id)
{
    tnd_view_node* node = view->nodes[id];
    node->is_heard = false;
    node->failures++;
}

void tnd_view_peers_begin(tnd_view* view, uint32_t id)
{
    tnd_view_node* node = view->nodes[id];
    memset(node->peers, 0, sizeof(node->peers));
    node->peers_count = 0;
}

void tnd_view_peer(tnd_view* view, uint32_t id, uint32_t peer_id)
{
    tnd_view_node* node = view->nodes[id];
    if (peer_id != id && !peers_has(node, peer_id)) {
        node->peers[peer_id / 64] |= UINT64_C(1) << (peer_id % 64);
        node->peers_count++;
    }
}

void tnd_view_peers_end(tnd_view* view, uint32_t id)
{
    view->nodes[id]->has_peers = true;
    view->nodes[id]->is_peers_due = false;
}

/* ---- racks ---- */

void tnd_view_rebalanced(tnd_view* view, uint32_t id, int64_t generation)
{
    view->nodes[id]->racks_seen = generation;
}

static bool racks_are_equal(const tnd_view_node* node, const tnd_view_rack* racks, uint32_t count)
{
    return node->racks_count == count &&
           memcmp(node->racks, racks, count * sizeof(node->racks[0])) == 0;
}

void tnd_view_racks(tnd_view* view, uint32_t id, const tnd_info_racks* racks)
{
    tnd_view_node* node = view->nodes[id];
    tnd_view_rack found[TND_VIEW_NAMESPACES_MAX];
    uint32_t count = 0;
    tnd_info_racks rest = racks ? *racks : (tnd_info_racks){0};
    tnd_info_rack rack;
    memset(found, 0, sizeof(found));
    while (count < TND_VIEW_NAMESPACES_MAX && tnd_info_rack_next(&rest, &rack)) {
        memcpy(found[count].ns, rack.ns.data, rack.ns.size);
        found[count++].id = rack.id;
    }
    node->racks_generation = node->racks_seen;
    if (!racks_are_equal(node, found, count)) {
        memcpy(node->racks, found, sizeof(found));
        node->racks_count = count;
        view->is_directory_dirty |= node->index != 0;
    }
}

int32_t tnd_view_rack_of(const tnd_view* view, uint32_t id, uint32_t ns)
{
    const tnd_view_node* node = view->nodes[id];
    for (uint32_t i = 0; i < node->racks_count; i++) {
        if (strcmp(node->racks[i].ns, view->namespaces[ns]->name) == 0) {
            return node->racks[i].id;
        }
    }
    return TND_VIEW_NO_RACK;
}

void tnd_view_inherit_rack(tnd_view* view, uint32_t index, uint32_t ns, int32_t rack)
{
    const tnd_view_slot* slot = &view->slots[index];
    if (rack == TND_VIEW_NO_RACK || slot->state != TND_VIEW_SLOT_HELD) {
        return;
    }
    tnd_view_node* node = view->nodes[slot->id];
    if (node->racks_count < TND_VIEW_NAMESPACES_MAX) {
        tnd_view_rack* at = &node->racks[node->racks_count++];
        memcpy(at->ns, view->namespaces[ns]->name, sizeof(at->ns));
        at->id = rack;
    }
}

/* ---- removal ---- */

static void node_free(tnd_view* view, uint32_t id)
{
    view->nodes[id]->state = TND_VIEW_FREE;
    peers_forget(view, id);
}

static void node_remove(tnd_view* view, uint32_t id)
{
    tnd_view_node* node = view->nodes[id];
    if (node->state == TND_VIEW_CANDIDATE) {
        node_free(view, id);
        return;
    }
    node->state = TND_VIEW_LEAVING;
    node->is_heard = false;
    view->active_count--;
    view->unplaced_count -= node->index == 0;
    view->is_directory_dirty = true; /* the number of nodes */
    peers_forget(view, id);
    tnd_view_dirty_all(view);
    /* Claims that lost to a regime of the node that leaves may be right now. */
    for (uint32_t i = 1; i <= view->ids_count; i++) {
        if (view->nodes[i]->has_lost) {
            view->nodes[i]->has_lost = false;
            view->nodes[i]->partitions_generation = TND_VIEW_UNKNOWN;
        }
    }
}

bool tnd_view_renamed(tnd_view* view, uint32_t id, const tnd_view_addr* addr)
{
    tnd_view_node* node = view->nodes[id];
    uint32_t at = addr_find(node, addr);
    if (at < node->addrs_count) {
        node->addrs_count--;
        memmove(&node->addrs[at], &node->addrs[at + 1],
                (node->addrs_count - at) * sizeof(node->addrs[0]));
        if (at == 0 && node->index != 0 && node->addrs_count > 0) {
            slot_changed(view, node->index);
        }
    }
    if (node->addrs_count > 0) {
        return false;
    }
    node_remove(view, id); /* rule 1 */
    return true;
}

static void slots_settle(tnd_view* view, uint64_t now_ms)
{
    for (uint32_t i = 1; i <= view->slots_count; i++) {
        tnd_view_slot* slot = &view->slots[i];
        if (slot->state == TND_VIEW_SLOT_QUARANTINED &&
            now_ms - slot->since_ms >= TND_VIEW_QUARANTINE_MS) {
            slot->state = TND_VIEW_SLOT_FREE;
            slot->name[0] = '\0';
        }
    }
    for (uint32_t id = 1; id <= view->ids_count && view->unplaced_count > 0; id++) {
        tnd_view_node* node = view->nodes[id];
        if (node->state == TND_VIEW_ACTIVE && node->index == 0) {
            if (!place(view, id)) {
                return;
            }
            view->unplaced_count--;
            tnd_view_dirty_all(view);
        }
    }
}

uint32_t tnd_view_settle(tnd_view* view, uint64_t now_ms)
{
    uint32_t id = tnd_view_doomed(view);
    if (id != 0) {
        node_remove(view, id);
    } else {
        slots_settle(view, now_ms);
    }
    return id;
}

/* ---- a predecessor's nodes ---- */

static bool is_name(tnd_slice name)
{
    return name.size > 0 && name.size < TND_VIEW_NAME_SIZE && tnd_slice_is_graphic(name);
}

bool tnd_view_inherit_node(tnd_view* view, uint32_t index, tnd_view_slot_state slot_state,
                           uint32_t generation, const char* name, uint64_t build,
                           const tnd_view_addr* addrs, uint32_t addrs_count, uint64_t now_ms)
{
    if (index == 0 || index > view->nodes_capacity) {
        return false;
    }
    tnd_view_slot* slot = &view->slots[index];
    tnd_slice text = tnd_slice_of(name, strnlen(name, TND_VIEW_NAME_SIZE));
    slot->generation = generation;
    if (index > view->slots_count) {
        view->slots_count = index;
    }
    if (slot_state == TND_VIEW_SLOT_FREE) {
        return true;
    }
    uint32_t id = 0;
    if (slot_state == TND_VIEW_SLOT_HELD && is_name(text) && addrs_count >= 1 &&
        addrs_count <= TND_VIEW_ADDRS_MAX && tnd_view_find(view, text) == 0) {
        id = node_make(view, text, TND_VIEW_ACTIVE);
    }
    if (id == 0) {
        /* Words may name it all the same. */
        slot->state = TND_VIEW_SLOT_QUARANTINED;
        slot->since_ms = now_ms;
        if (is_name(text)) {
            memcpy(slot->name, text.data, text.size);
        }
        view->is_directory_dirty |= slot_state == TND_VIEW_SLOT_HELD;
        return slot_state == TND_VIEW_SLOT_QUARANTINED;
    }
    tnd_view_node* node = view->nodes[id];
    node->build = build;
    node->addrs_count = addrs_count;
    memcpy(node->addrs, addrs, addrs_count * sizeof(*addrs));
    slot_hold(view, index, id);
    view->active_count++;
    return true;
}

/* ---- the end of nodes that left
 * ------------------------------------------------------------------ */

void tnd_view_drained(tnd_view* view, uint64_t now_ms)
{
    for (uint32_t i = 0; i < view->namespaces_count; i++) {
        view->is_directory_dirty |= !view->namespaces[i]->is_published;
        view->namespaces[i]->is_published = true;
    }
    for (uint32_t id = 1; id <= view->ids_count; id++) {
        tnd_view_node* node = view->nodes[id];
        if (node->state != TND_VIEW_LEAVING) {
            continue;
        }
        if (node->index != 0) {
            tnd_view_slot* slot = &view->slots[node->index];
            slot->state = TND_VIEW_SLOT_QUARANTINED;
            slot->since_ms = now_ms;
            slot->id = 0;
            view->is_directory_dirty = true;
        }
        node_free(view, id);
    }
}
