/*
 * Differences between what was told and what is. See roster.h.
 */
#include "async/roster.h"

#include <string.h>

#include "core/mem.h"

static const tnd_roster_node* roster_find(const tnd_roster* roster, const char* name)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        if (strcmp(roster->nodes[i].name, name) == 0) {
            return &roster->nodes[i];
        }
    }
    return NULL;
}

static bool map_has(const tnd_map* map, const char* name)
{
    for (uint32_t i = 1; i <= map->dir.nodes_count; i++) {
        const tnd_node_rec* rec = tnd_map_node(map, i);
        if (rec && strcmp(rec->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool roster_grow(tnd_roster* roster)
{
    if (roster->count < roster->room) {
        return true;
    }
    uint32_t room = roster->room > 0 ? 2 * roster->room : 8;
    tnd_roster_node* nodes = tnd_realloc(roster->nodes, room * sizeof(*nodes));
    if (!nodes) {
        return false;
    }
    roster->nodes = nodes;
    roster->room = room;
    return true;
}

static void event_fill(tnd_roster* roster, as_cluster_event_type type, as_cluster_event* ret_event)
{
    memset(ret_event, 0, sizeof(*ret_event));
    ret_event->type = type;
    ret_event->node_name = roster->told.name;
    ret_event->node_address = roster->told.address;
}

static bool roster_add(tnd_roster* roster, const tnd_node_rec* rec)
{
    if (!roster_grow(roster)) {
        return false;
    }
    const tnd_node_addr* from = &rec->addrs[0];
    tnd_lookup_addr addr = {.family = from->family};
    memcpy(addr.bytes, from->bytes, sizeof(addr.bytes));
    memset(&roster->told, 0, sizeof(roster->told));
    memcpy(roster->told.name, rec->name, sizeof(roster->told.name));
    tnd_address_format(&addr, from->port, roster->told.address, sizeof(roster->told.address));
    roster->nodes[roster->count++] = roster->told;
    roster->is_connected = true;
    return true;
}

bool tnd_roster_next(tnd_roster* roster, const tnd_map* map, as_cluster_event* ret_event)
{
    for (uint32_t i = 1; i <= map->dir.nodes_count; i++) {
        const tnd_node_rec* rec = tnd_map_node(map, i);
        if (rec && !roster_find(roster, rec->name)) {
            bool is_added = roster_add(roster, rec);
            event_fill(roster, AS_CLUSTER_ADD_NODE, ret_event);
            return is_added;
        }
    }
    for (uint32_t i = 0; i < roster->count; i++) {
        if (!map_has(map, roster->nodes[i].name)) {
            roster->told = roster->nodes[i];
            roster->nodes[i] = roster->nodes[--roster->count];
            event_fill(roster, AS_CLUSTER_REMOVE_NODE, ret_event);
            return true;
        }
    }
    if (roster->count == 0 && roster->is_connected) {
        roster->is_connected = false;
        memset(&roster->told, 0, sizeof(roster->told));
        event_fill(roster, AS_CLUSTER_DISCONNECTED, ret_event);
        return true;
    }
    return false;
}

void tnd_roster_done(tnd_roster* roster)
{
    tnd_free(roster->nodes);
    memset(roster, 0, sizeof(*roster));
}
