/*
 * Which node of a partition gets which attempt of a command (protocol/records.md 7.4). Arithmetic
 * only: the partition's word comes in, a node index comes out.
 *
 * Unlike the official client the turns of ANY and RANDOM are taken modulo the number of replicas,
 * so that each replica gets its share whatever that number is.
 */
#pragma once

#include "shm/map.h"

#include <aerospike/as_policy.h>
#include <aerospike/as_std.h>

/* Why an attempt is repeated. */
typedef enum tnd_replica_cause {
    TND_REPLICA_CONNECTION, /* connect, read or write failed, or the node refuses work: 11, 18 */
    TND_REPLICA_TIMEOUT,    /* client or server timeout, -7: no hint that the partition moved */
} tnd_replica_cause;

typedef struct tnd_replica {
    as_policy_replica algorithm; /* in effect: MASTER, or anything else for "the next one" */
    uint8_t index;               /* where the next choice starts; taken modulo `count` */
    uint8_t count;               /* replicas, 1 .. TND_REPLICAS_MAX */
    bool is_read;
    bool is_linearize;
    uint32_t last_node; /* of the previous attempt, 0 at the first */
} tnd_replica;

/* What is known of the nodes that a partition's word names. */
typedef struct tnd_replica_nodes {
    void* udata;
    bool (*is_active)(void* udata, uint32_t node_index);
    int32_t (*rack_of)(void* udata, uint32_t node_index); /* negative: unknown */
    const int* racks; /* in order of preference; may be NULL if there are none */
    uint32_t racks_count;
} tnd_replica_nodes;

/* Turns of ANY and RANDOM, shared by the commands of a client. */
typedef struct tnd_replica_turns {
    uint32_t any;
    uint32_t random;
} tnd_replica_turns;

/* For a read of a namespace. */
void tnd_replica_init_read(tnd_replica* replica, as_policy_replica policy,
                           as_policy_read_mode_sc mode_sc);

/* For a write: MASTER and RANDOM stay, everything else is SEQUENCE. */
void tnd_replica_init_write(tnd_replica* replica, as_policy_replica policy);

/* What the namespace adds, before each attempt: `replicas` of its replication factor, and whether
 * it is strongly consistent. Takes a turn at the first attempt. */
void tnd_replica_set_namespace(tnd_replica* replica, uint32_t replicas, bool is_sc,
                               as_policy_read_mode_sc mode_sc, tnd_replica_turns* turns,
                               bool is_first);

/* The node index of a partition word for this attempt, 0 if there is none that is active. Moves the
 * index past replicas that are missing; with PREFER_RACK, to the replica that was chosen: one on
 * the first rack that has any, but not the last attempt's node, else one elsewhere, else that node.
 */
uint32_t tnd_replica_choose(tnd_replica* replica, uint64_t word, const tnd_replica_nodes* nodes);

/* Where tnd_replica_choose looks first, if it goes in order: 0 if there is no node, or it doesn't.
 */
static inline uint32_t tnd_replica_first(const tnd_replica* replica, uint64_t word)
{
    bool is_here = replica->algorithm != AS_POLICY_REPLICA_PREFER_RACK &&
                   (replica->algorithm != AS_POLICY_REPLICA_MASTER || replica->index == 0) &&
                   replica->index < replica->count;
    return is_here ? tnd_word_node(word, replica->index) : 0;
}

/* Moves on, or stays, before a retry. True if the next choice starts at another replica. */
bool tnd_replica_move(tnd_replica* replica, tnd_replica_cause cause);
