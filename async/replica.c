/*
 * The table of protocol/records.md 7.4.
 */
#include "async/replica.h"

#include "shm/map.h"

void tnd_replica_init_read(tnd_replica* replica, as_policy_replica policy,
                           as_policy_read_mode_sc mode_sc)
{
    bool is_rack = policy == AS_POLICY_REPLICA_PREFER_RACK;
    *replica = (tnd_replica){
        .algorithm = is_rack ? AS_POLICY_REPLICA_SEQUENCE : policy,
        .count = 1,
        .is_read = true,
        .is_linearize = mode_sc == AS_POLICY_READ_MODE_SC_LINEARIZE,
    };
}

void tnd_replica_init_write(tnd_replica* replica, as_policy_replica policy)
{
    bool is_kept = policy == AS_POLICY_REPLICA_MASTER || policy == AS_POLICY_REPLICA_RANDOM;
    *replica = (tnd_replica){
        .algorithm = is_kept ? policy : AS_POLICY_REPLICA_SEQUENCE,
        .count = 1,
    };
}

void tnd_replica_set_namespace(tnd_replica* replica, uint32_t replicas, bool is_sc,
                               as_policy_read_mode_sc mode_sc, tnd_replica_turns* turns,
                               bool is_first)
{
    replica->count = replicas < 1                  ? 1
                     : replicas > TND_REPLICAS_MAX ? TND_REPLICAS_MAX
                                                   : (uint8_t)replicas;
    /* Sessions need what the master has seen. */
    if (replica->is_read && is_sc && mode_sc == AS_POLICY_READ_MODE_SC_SESSION) {
        replica->algorithm = AS_POLICY_REPLICA_MASTER;
        replica->index = 0;
    }
    if (!is_first) {
        return;
    }
    if (replica->algorithm == AS_POLICY_REPLICA_ANY) {
        replica->index = (uint8_t)(turns->any++ % replica->count);
    } else if (replica->algorithm == AS_POLICY_REPLICA_RANDOM) {
        replica->index = (uint8_t)(turns->random++ % replica->count);
    }
}

uint32_t tnd_replica_choose(tnd_replica* replica, uint64_t word,
                            bool (*is_active)(void* udata, uint32_t node_index), void* udata)
{
    bool is_master = replica->algorithm == AS_POLICY_REPLICA_MASTER;
    uint8_t tries = is_master ? 1 : replica->count;
    for (uint8_t i = 0; i < tries; i++) {
        uint8_t column = is_master ? 0 : (uint8_t)((replica->index + i) % replica->count);
        uint32_t node_index = tnd_word_node(word, column);
        if (node_index != 0 && is_active(udata, node_index)) {
            replica->index = column;
            return node_index;
        }
    }
    return 0;
}

bool tnd_replica_move(tnd_replica* replica, tnd_replica_cause cause)
{
    if (replica->algorithm == AS_POLICY_REPLICA_MASTER) {
        return false;
    }
    /* A timeout doesn't suggest that the master moved: a write, or a read that must be in order,
       stays with it. */
    if (cause == TND_REPLICA_TIMEOUT && (!replica->is_read || replica->is_linearize)) {
        return false;
    }
    replica->index = (uint8_t)((replica->index + 1) % replica->count);
    return replica->count > 1;
}
