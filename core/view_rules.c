/*
 * The rules of the view: whose claims count, who is asked for what, who is removed
 * (protocol/cluster.md 4.5 to 4.8). Questions only: nothing here changes the view.
 */
#include "core/view.h"

#include <string.h>

/* ---- what follows ---- */

uint32_t tnd_view_responding_count(const tnd_view* view)
{
    uint32_t count = 0;
    for (uint32_t id = 1; id <= view->ids_count; id++) {
        count += view->nodes[id]->state == TND_VIEW_ACTIVE && view->nodes[id]->is_heard;
    }
    return count;
}

/* Might another node answer with a better map? One that failed its last poll can't, one that isn't
 * ready knows nothing; one that wasn't asked yet might. */
static bool has_rival(const tnd_view* view, uint32_t id)
{
    for (uint32_t i = 1; i <= view->ids_count; i++) {
        const tnd_view_node* node = view->nodes[i];
        if (i != id && node->state == TND_VIEW_ACTIVE && node->failures == 0 &&
            !(node->is_heard && !node->is_ready)) {
            return true;
        }
    }
    return false;
}

bool tnd_view_is_believed(const tnd_view* view, uint32_t id)
{
    const tnd_view_node* node = view->nodes[id];
    if (node->state != TND_VIEW_ACTIVE || !node->is_heard || !node->is_ready) {
        return false;
    }
    if (!node->has_peers) {
        return false; /* it hasn't said yet whether it has any */
    }
    return node->peers_count > 0 || !has_rival(view, id);
}

unsigned tnd_view_wants(const tnd_view* view, uint32_t id)
{
    const tnd_view_node* node = view->nodes[id];
    if (node->state != TND_VIEW_ACTIVE || !node->is_heard) {
        return 0;
    }
    unsigned wants = node->is_peers_due ? TND_VIEW_WANT_PEERS : 0;
    if (node->partitions_generation != node->partitions_seen && tnd_view_is_believed(view, id)) {
        wants |= TND_VIEW_WANT_PARTITIONS;
    }
    if (node->racks_generation != node->racks_seen) {
        wants |= TND_VIEW_WANT_RACKS;
    }
    return wants;
}

static bool node_is_settled(const tnd_view* view, uint32_t id)
{
    const tnd_view_node* node = view->nodes[id];
    if (node->state == TND_VIEW_CANDIDATE) {
        return node->failures > 0 || node->is_heard;
    }
    if (node->state != TND_VIEW_ACTIVE || node->failures > 0 || node->is_fetched) {
        return true;
    }
    return node->is_heard && !node->is_peers_due && !tnd_view_is_believed(view, id);
}

bool tnd_view_is_settled(const tnd_view* view)
{
    for (uint32_t id = 1; id <= view->ids_count; id++) {
        if (!node_is_settled(view, id)) {
            return false;
        }
    }
    return tnd_view_responding_count(view) > 0;
}

/* ---- removal ---- */

typedef struct rules {
    uint32_t responding;
    bool are_lists_current; /* of every node that answers or might */
    uint64_t listed[(TND_VIEW_NODES_MAX + 1) / 64];
} rules;

static void rules_collect(const tnd_view* view, rules* ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->are_lists_current = true;
    for (uint32_t id = 1; id <= view->ids_count; id++) {
        const tnd_view_node* node = view->nodes[id];
        if (node->state != TND_VIEW_ACTIVE || node->failures > 0) {
            continue;
        }
        if (!node->is_heard || node->is_peers_due) {
            ret->are_lists_current = false;
            continue;
        }
        ret->responding++;
        for (uint32_t i = 0; i < (TND_VIEW_NODES_MAX + 1) / 64; i++) {
            ret->listed[i] |= node->peers[i];
        }
    }
}

/* The numbers are those of protocol/cluster.md 4.7. */
static bool rules_remove(const tnd_view* view, const rules* known, uint32_t id)
{
    const tnd_view_node* node = view->nodes[id];
    bool is_active = node->state == TND_VIEW_ACTIVE;
    if (!is_active && node->state != TND_VIEW_CANDIDATE) {
        return false;
    }
    if (known->responding == 0) {
        return known->are_lists_current && node->failures >= TND_VIEW_FAILURES_MAX; /* 2 */
    }
    if (!known->are_lists_current || (known->listed[id / 64] >> (id % 64) & 1)) {
        return false;
    }
    if (!is_active) {
        return true; /* named by nobody any more, and never seen */
    }
    return view->active_count > 1 && (node->failures > 0                              /* 3 */
                                      || (node->is_heard && node->slots_count == 0)); /* 4 */
}

uint32_t tnd_view_doomed(const tnd_view* view)
{
    rules known;
    rules_collect(view, &known);
    for (uint32_t id = 1; id <= view->ids_count; id++) {
        if (rules_remove(view, &known, id)) {
            return id;
        }
    }
    return 0;
}
