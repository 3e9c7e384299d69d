/*
 * The table of protocol/records.md 7.4.
 */
#include "async/replica.h"

#include "shm/map.h"

void tnd_replica_init_read(tnd_replica* replica, as_policy_replica policy,
                           as_policy_read_mode_sc mode_sc)
{
    *replica = (tnd_replica){
        .algorithm = policy,
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
    } else if (is_sc && replica->is_linearize &&
               replica->algorithm == AS_POLICY_REPLICA_PREFER_RACK) {
        replica->algorithm = AS_POLICY_REPLICA_SEQUENCE;
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

static uint32_t choose_in_order(tnd_replica* replica, uint64_t word, const tnd_replica_nodes* nodes)
{
    bool is_master = replica->algorithm == AS_POLICY_REPLICA_MASTER;
    uint8_t tries = is_master ? 1 : replica->count;
    uint8_t first = is_master                         ? 0
                    : replica->index < replica->count ? replica->index
                                                      : (uint8_t)(replica->index % replica->count);
    for (uint8_t i = 0; i < tries; i++) {
        uint8_t column = (uint8_t)(first + i);
        column -= column >= replica->count ? replica->count : 0;
        uint32_t node_index = tnd_word_node(word, column);
        if (node_index != 0 && nodes->is_active(nodes->udata, node_index)) {
            replica->index = column;
            return node_index;
        }
    }
    return 0;
}

#define NO_COLUMN UINT8_MAX

/* Columns by what they would do for a command, NO_COLUMN if there is none. */
typedef struct rack_choice {
    uint8_t preferred; /* on the best rack that has an active node */
    uint8_t other;     /* elsewhere */
    uint8_t last;      /* the last attempt's node once more */
} rack_choice;

/* A node's place among the racks, racks_count if it's on none of them. */
static uint32_t rack_rank(const tnd_replica_nodes* nodes, uint32_t node_index)
{
    int32_t rack = nodes->rack_of(nodes->udata, node_index);
    uint32_t rank = 0;
    while (rank < nodes->racks_count && (rack < 0 || nodes->racks[rank] != rack)) {
        rank++;
    }
    return rank;
}

static void rack_look(const tnd_replica* replica, uint64_t word, const tnd_replica_nodes* nodes,
                      rack_choice* ret)
{
    uint32_t best = nodes->racks_count;
    *ret = (rack_choice){NO_COLUMN, NO_COLUMN, NO_COLUMN};
    for (uint8_t i = 0; i < replica->count; i++) {
        uint8_t column = (uint8_t)((replica->index + i) % replica->count);
        uint32_t node_index = tnd_word_node(word, column);
        if (node_index == 0 || !nodes->is_active(nodes->udata, node_index)) {
            continue;
        }
        uint32_t rank = rack_rank(nodes, node_index);
        if (node_index == replica->last_node) {
            ret->last = column;
        } else if (rank < best) {
            best = rank;
            ret->preferred = column;
        } else if (ret->other == NO_COLUMN) {
            ret->other = column;
        }
    }
}

static uint32_t choose_by_rack(tnd_replica* replica, uint64_t word, const tnd_replica_nodes* nodes)
{
    rack_choice choice;
    rack_look(replica, word, nodes, &choice);
    uint8_t column = choice.preferred != NO_COLUMN ? choice.preferred
                     : choice.other != NO_COLUMN   ? choice.other
                                                   : choice.last;
    if (column == NO_COLUMN) {
        return 0;
    }
    replica->index = column;
    return tnd_word_node(word, column);
}

uint32_t tnd_replica_choose(tnd_replica* replica, uint64_t word, const tnd_replica_nodes* nodes)
{
    uint32_t node_index = replica->algorithm == AS_POLICY_REPLICA_PREFER_RACK
                              ? choose_by_rack(replica, word, nodes)
                              : choose_in_order(replica, word, nodes);
    replica->last_node = node_index;
    return node_index;
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
