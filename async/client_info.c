/*
 * What a program may ask beyond the official interface. See <tendril/client.h>.
 */
#include <tendril/client.h>

#include "async/cmd.h"
#include "core/config.h"

as_status aerospike_config_check(const as_config* config, as_error* err)
{
    as_config copy = *config; /* connecting sets some fields right, too */
    as_config_massage_error_rate(&copy);
    as_error_reset(err);
    return tnd_config_check(&copy, err);
}

bool aerospike_command_info(as_command_info* ret_info)
{
    const tnd_cmd* cmd = tnd_cmd_ending();
    memset(ret_info, 0, sizeof(*ret_info));
    if (!cmd) {
        return false;
    }
    const tnd_pool* pool = &cmd->engine->pool;
    const tnd_node* node = cmd->node_index > 0 && cmd->node_index <= pool->nodes_capacity
                               ? pool->nodes[cmd->node_index]
                               : NULL;
    if (node) {
        snprintf(ret_info->node, sizeof(ret_info->node), "%s", node->name);
    }
    uint64_t now_us = tnd_loop_now_us(cmd->engine->loop);
    ret_info->attempts = cmd->attempt;
    ret_info->total_us = now_us - cmd->start_us;
    ret_info->queue_us =
        (cmd->active_us > cmd->start_us ? cmd->active_us : cmd->start_us) - cmd->start_us;
    ret_info->request_bytes = cmd->buf.size;
    return true;
}
