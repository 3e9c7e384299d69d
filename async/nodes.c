/*
 * Nodes that programs hold.
 */
#include "async/info.h"

#include <stdio.h>
#include <string.h>

#include "async/address.h"
#include "async/client.h"
#include "core/mem.h"

static as_node* node_of(const tnd_node_rec* rec)
{
    as_node* node = tnd_calloc(1, sizeof(*node));
    if (!node) {
        return NULL;
    }
    snprintf(node->name, sizeof(node->name), "%.*s", (int)sizeof(node->name) - 1, rec->name);
    node->version = (as_version){(uint16_t)(rec->build >> 24), (uint16_t)(rec->build >> 16 & 0xff),
                                 (uint16_t)(rec->build >> 8 & 0xff), (uint16_t)(rec->build & 0xff)};
    node->ref_count = 1;
    tnd_lookup_addr addr = {.family = rec->addrs[0].family};
    memcpy(addr.bytes, rec->addrs[0].bytes, sizeof(addr.bytes));
    tnd_address_format(&addr, rec->addrs[0].port, node->address, sizeof(node->address));
    return node;
}

as_nodes* tnd_nodes_new(tnd_map* map)
{
    tnd_map_refresh(map);
    as_nodes* nodes =
        tnd_calloc(1, sizeof(*nodes) + map->dir.nodes_count * sizeof(nodes->array[0]));
    if (!nodes) {
        return NULL;
    }
    nodes->ref_count = 1;
    for (uint32_t i = 1; i <= map->dir.nodes_count; i++) {
        const tnd_node_rec* rec = tnd_map_node(map, i);
        as_node* node = rec ? node_of(rec) : NULL;
        if (rec && !node) {
            as_nodes_release(nodes);
            return NULL;
        }
        if (node) {
            nodes->array[nodes->size++] = node;
        }
    }
    return nodes;
}

as_nodes* as_nodes_reserve(as_cluster* cluster)
{
    tnd_engine* engine = !cluster ? NULL : cluster->main ? cluster->main : cluster->sync;
    return engine ? tnd_nodes_new(tnd_worker_map(engine->worker)) : NULL;
}

void as_nodes_release(as_nodes* nodes)
{
    if (nodes && --nodes->ref_count == 0) {
        for (uint32_t i = 0; i < nodes->size; i++) {
            as_node_release(nodes->array[i]);
        }
        tnd_free(nodes);
    }
}

void as_node_reserve(as_node* node)
{
    node->ref_count++;
}

void as_node_release(as_node* node)
{
    if (node && --node->ref_count == 0) {
        tnd_free(node);
    }
}

/* One of them with a reference of its own; the others go. */
static as_node* nodes_keep(as_nodes* nodes, uint32_t index)
{
    as_node* node = nodes && index < nodes->size ? nodes->array[index] : NULL;
    if (node) {
        as_node_reserve(node);
    }
    as_nodes_release(nodes);
    return node;
}

as_node* as_node_get_random(as_cluster* cluster)
{
    tnd_engine* engine = !cluster ? NULL : cluster->main ? cluster->main : cluster->sync;
    as_nodes* nodes = as_nodes_reserve(cluster);
    if (!nodes || nodes->size == 0) {
        as_nodes_release(nodes);
        return NULL;
    }
    return nodes_keep(nodes, (uint32_t)(tnd_loop_random(engine->loop) % nodes->size));
}

as_node* as_node_get_by_name(as_cluster* cluster, const char* name)
{
    as_nodes* nodes = name ? as_nodes_reserve(cluster) : NULL;
    uint32_t i = 0;
    while (nodes && i < nodes->size && strcmp(nodes->array[i]->name, name) != 0) {
        i++;
    }
    return nodes_keep(nodes, i);
}
