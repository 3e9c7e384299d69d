/*
 * Which node gets an attempt: the partition's word from the map, the replica that is due, the local
 * node object behind it.
 */
#include "async/cmd_int.h"

static as_status route_no_namespace(const tnd_map* map, const char* ns, as_error* err)
{
    if (map->dir.namespaces_needed > map->namespaces_capacity) {
        return as_error_setallv(err, AEROSPIKE_ERR_NAMESPACE_NOT_FOUND, __func__, __FILE__,
                                __LINE__,
                                "Namespace %s isn't in the shared memory: the cluster has %u "
                                "namespaces, shm_max_namespaces is %u and must be at least that",
                                ns, map->dir.namespaces_needed, map->namespaces_capacity);
    }
    return as_error_setallv(err, AEROSPIKE_ERR_NAMESPACE_NOT_FOUND, __func__, __FILE__, __LINE__,
                            "Invalid namespace: %s", ns);
}

static as_status route_no_node(const tnd_map* map, const tnd_cmd* cmd, uint64_t word, as_error* err)
{
    if ((tnd_word_flags(word) & TND_PART_OVERFLOW) && map->dir.nodes_needed > map->nodes_capacity) {
        return as_error_setallv(err, AEROSPIKE_ERR_INVALID_NODE, __func__, __FILE__, __LINE__,
                                "The node of partition %u of %s isn't in the shared memory: the "
                                "cluster has %u nodes, shm_max_nodes is %u and must be at least "
                                "that",
                                cmd->partition, cmd->ns, map->dir.nodes_needed,
                                map->nodes_capacity);
    }
    return as_error_setallv(err, AEROSPIKE_ERR_INVALID_NODE, __func__, __FILE__, __LINE__,
                            "No node for partition %u of %s", cmd->partition, cmd->ns);
}

typedef struct route_context {
    tnd_pool* pool;
    tnd_map* map;
    const tnd_ns_rec* ns;
} route_context;

static bool route_is_active(void* udata, uint32_t node_index)
{
    route_context* context = udata;
    return tnd_pool_node(context->pool, context->map, node_index) != NULL;
}

static int32_t route_rack_of(void* udata, uint32_t node_index)
{
    const route_context* context = udata;
    const tnd_node_rec* node = tnd_map_node(context->map, node_index);
    return node ? node->rack_ids[context->ns - context->map->namespaces] : -1;
}

static tnd_node* route_choose(tnd_cmd* cmd, uint64_t word, route_context* context, as_error* err)
{
    const tnd_replica_nodes nodes = {
        .udata = context,
        .is_active = route_is_active,
        .rack_of = route_rack_of,
        .racks = cmd->engine->racks,
        .racks_count = cmd->engine->racks_count,
    };
    cmd->node_index = tnd_replica_choose(&cmd->replica, word, &nodes);
    if (cmd->node_index == 0) {
        route_no_node(context->map, cmd, word, err);
        return NULL;
    }
    return tnd_pool_node(context->pool, context->map, cmd->node_index);
}

tnd_node* tnd_cmd_route(tnd_cmd* cmd, as_error* err)
{
    route_context context = {.pool = &cmd->engine->pool,
                             .map = tnd_worker_map(cmd->engine->worker)};
    uint64_t word = cmd->route_word;
    const tnd_ns_rec* ns = cmd->route_ns;
    cmd->route_ns = NULL;
    if (!ns) {
        ns = tnd_map_route(context.map, cmd->ns, cmd->partition, &word);
    }
    if (!ns) {
        route_no_namespace(context.map, cmd->ns, err);
        return NULL;
    }
    cmd->is_sc = ns->flags & TND_NS_SC;
    tnd_replica_set_namespace(&cmd->replica, ns->replicas, cmd->is_sc, cmd->read_mode_sc,
                              &cmd->engine->turns, cmd->attempt == 1);
    cmd->node_index = tnd_replica_first(&cmd->replica, word);
    tnd_node* node =
        cmd->node_index > 0 ? tnd_pool_node(context.pool, context.map, cmd->node_index) : NULL;
    if (node) {
        cmd->replica.last_node = cmd->node_index;
        return node;
    }
    context.ns = ns;
    return route_choose(cmd, word, &context, err);
}

as_status tnd_cmd_check_namespace(tnd_cmd* cmd, as_error* err)
{
    tnd_map* map = tnd_worker_map(cmd->engine->worker);
    cmd->route_ns = tnd_map_route(map, cmd->ns, cmd->partition, &cmd->route_word);
    return cmd->route_ns ? AEROSPIKE_OK : route_no_namespace(map, cmd->ns, err);
}

tnd_node* tnd_cmd_route_key(tnd_cmd* cmd, const char* ns, uint32_t partition, as_error* err)
{
    tnd_map_pad_name(cmd->ns, ns);
    cmd->partition = partition;
    return tnd_cmd_route(cmd, err);
}
