/*
 * Partition maps: who should own a partition, who claims it meanwhile, and how data move.
 *
 * Every node's rank for a partition is a hash of both (a succession list), so that a node that
 * dies or returns moves only its own share. After a change of membership:
 *   - column 0 is claimed by the working master: the first of the list if it has a full copy, else
 *     the former master, else any holder;
 *   - column c by its target once that has a copy; until then by the working master, which so
 *     claims several columns of one partition (protocol/cluster.md 3.2);
 *   - each step of a migration gives one target its copy and raises the generations of the nodes
 *     that take part.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster.h"

static bool set_has(const mc_set* set, int node)
{
    return set->words[node / 64] >> (node % 64) & 1;
}

static void set_add(mc_set* set, int node)
{
    set->words[node / 64] |= (uint64_t)1 << (node % 64);
}

static void set_remove(mc_set* set, int node)
{
    set->words[node / 64] &= ~((uint64_t)1 << (node % 64));
}

static int set_count(const mc_set* set)
{
    int count = 0;
    for (int i = 0; i < MC_NODES_MAX / 64; i++) {
        count += __builtin_popcountll(set->words[i]);
    }
    return count;
}

// The first node that is in both; MC_NOBODY if there is none.
static uint16_t set_first_common(const mc_set* a, const mc_set* b)
{
    for (int i = 0; i < MC_NODES_MAX / 64; i++) {
        uint64_t common = a->words[i] & b->words[i];
        if (common) {
            return (uint16_t)(64 * i + __builtin_ctzll(common));
        }
    }
    return MC_NOBODY;
}

static bool set_meets(const mc_set* a, const mc_set* b)
{
    return set_first_common(a, b) != MC_NOBODY;
}

static mc_set maps_members(mc_cluster* cluster)
{
    mc_set members = {{0}};
    for (int i = 0; i < cluster->node_count; i++) {
        cluster->numbers[i] = strtoull(cluster->nodes[i].id, NULL, 16);
        if (mc_node_alive(&cluster->nodes[i])) {
            set_add(&members, i);
        }
    }
    return members;
}

static uint64_t maps_rank(const mc_cluster* cluster, int node, int pid)
{
    return mc_hash(mc_hash(cluster->numbers[node], cluster->salt), (uint64_t)pid);
}

// The succession list's head: the `factor` members of highest rank, in order.
static void maps_choose(const mc_cluster* cluster, mc_namespace* ns, int pid, const mc_set* members)
{
    uint64_t ranks[MC_COLUMNS_MAX];
    int have = 0;
    for (int node = 0; node < cluster->node_count; node++) {
        if (!set_has(members, node)) {
            continue;
        }
        uint64_t rank = maps_rank(cluster, node, pid);
        int at = have;
        while (at > 0 && ranks[at - 1] < rank) {
            at--;
        }
        if (at >= ns->factor) {
            continue;
        }
        int last = have < ns->factor ? have++ : ns->factor - 1;
        for (int i = last; i > at; i--) {
            ranks[i] = ranks[i - 1];
            ns->targets[i][pid] = ns->targets[i - 1][pid];
        }
        ranks[at] = rank;
        ns->targets[at][pid] = (uint16_t)node;
    }
}

static bool maps_holds(const mc_namespace* ns, int pid, int node)
{
    return node != MC_NOBODY && set_has(&ns->holders[pid], node);
}

static bool maps_complete(const mc_namespace* ns, int pid)
{
    for (int c = 0; c < ns->factor; c++) {
        if (!maps_holds(ns, pid, ns->targets[c][pid])) {
            return false;
        }
    }
    return true;
}

static uint16_t maps_working_master(const mc_namespace* ns, int pid, const mc_set* members)
{
    if (maps_holds(ns, pid, ns->targets[0][pid])) {
        return ns->targets[0][pid];
    }
    for (int c = 0; c < MC_COLUMNS_MAX; c++) {
        uint16_t former = ns->claims[c][pid];
        if (maps_holds(ns, pid, former) && set_has(members, former)) {
            return former;
        }
    }
    return set_first_common(&ns->holders[pid], members);
}

// Sets the claims of one partition from targets and holders.
static void maps_claim(mc_namespace* ns, int pid, const mc_set* members)
{
    if (!set_meets(&ns->holders[pid], members)) {
        for (int c = 0; c < MC_COLUMNS_MAX; c++) {
            ns->claims[c][pid] = MC_NOBODY;
        }
        return;
    }
    uint16_t master = maps_working_master(ns, pid, members);
    for (int c = 0; c < MC_COLUMNS_MAX; c++) {
        uint16_t target = c < ns->factor ? ns->targets[c][pid] : MC_NOBODY;
        bool ready = c > 0 && target != master && maps_holds(ns, pid, target);
        ns->claims[c][pid] = c >= ns->factor ? MC_NOBODY : ready ? target : master;
    }
}

static mc_set maps_all_targets(const mc_namespace* ns, int pid)
{
    mc_set all = {{0}};
    for (int c = 0; c < ns->factor; c++) {
        set_add(&all, ns->targets[c][pid]);
    }
    return all;
}

static void maps_factor(mc_namespace* ns, const mc_set* members)
{
    int count = set_count(members);
    int factor = ns->config.replication_factor;
    ns->factor = factor < count ? factor : count ? count : 1;
}

void mc_maps_populate(mc_cluster* cluster, mc_namespace* ns)
{
    mc_set members = maps_members(cluster);
    memset(ns->claims, MC_NOBODY, sizeof(ns->claims));
    maps_factor(ns, &members);
    for (int pid = 0; set_count(&members) > 0 && pid < MC_PARTITIONS; pid++) {
        maps_choose(cluster, ns, pid, &members);
        ns->holders[pid] = maps_all_targets(ns, pid);
        maps_claim(ns, pid, &members);
    }
    ns->regime = ns->config.strong ? 1 : 0;
}

static void maps_rebalance_partition(mc_cluster* cluster, int n, int pid, const mc_set* members)
{
    mc_namespace* ns = cluster->namespaces[n];
    maps_choose(cluster, ns, pid, members);
    if (!set_meets(&ns->holders[pid], members) && !ns->config.strong) {
        // The last copy is gone: an empty partition is complete wherever it should be.
        mc_store_drop_partition(ns->store, pid);
        if (cluster->observer) {
            mc_change change = {.ns = ns->config.name, .pid = pid};
            cluster->observer(cluster->observer_udata, &change);
        }
        ns->holders[pid] = maps_all_targets(ns, pid);
    }
    maps_claim(ns, pid, members);
    bool movable = set_meets(&ns->holders[pid], members);
    for (int c = 0; movable && c < ns->factor; c++) {
        if (!maps_holds(ns, pid, ns->targets[c][pid])) {
            cluster->pending[cluster->pending_count++] = (uint32_t)(n << 16 | pid);
            cluster->steps_total++;
        }
    }
}

void mc_maps_rebalance(mc_cluster* cluster, uint64_t now_ms)
{
    mc_set members = maps_members(cluster);
    size_t most = (size_t)cluster->namespace_count * MC_PARTITIONS * MC_COLUMNS_MAX;
    free(cluster->pending);
    cluster->pending = mc_alloc(most * sizeof(*cluster->pending));
    cluster->pending_count = cluster->steps_total = cluster->steps_done = 0;
    for (int n = 0; set_count(&members) > 0 && n < cluster->namespace_count; n++) {
        mc_namespace* ns = cluster->namespaces[n];
        maps_factor(ns, &members);
        ns->regime += ns->config.strong ? 1 : 0;
        for (int pid = 0; pid < MC_PARTITIONS; pid++) {
            maps_rebalance_partition(cluster, n, pid, &members);
        }
    }
    for (int i = 0; i < cluster->node_count; i++) {
        mc_node* node = &cluster->nodes[i];
        if (mc_node_alive(node)) {
            node->partition_generation++;
            node->rebalance_generation++;
        }
    }
    cluster->cluster_key = mc_random(&cluster->random) & 0xffffffffffff;
    cluster->migrate_from_ms = now_ms;
    cluster->migrate_for_ms = cluster->config.migrate_ms;
    mc_cluster_changed(cluster);
}

// One hand-over: the next target without a copy gets one.
static void maps_hand_over(mc_cluster* cluster, mc_namespace* ns, int pid, const mc_set* members)
{
    if (!set_meets(&ns->holders[pid], members)) {
        return;
    }
    uint16_t giver = ns->claims[0][pid];
    uint16_t taker = MC_NOBODY;
    for (int c = ns->factor - 1; c >= 0; c--) {
        if (!maps_holds(ns, pid, ns->targets[c][pid])) {
            taker = ns->targets[c][pid];
        }
    }
    if (taker == MC_NOBODY) {
        return;
    }
    set_add(&ns->holders[pid], taker);
    maps_claim(ns, pid, members);
    if (maps_complete(ns, pid)) {
        mc_set all = maps_all_targets(ns, pid);
        for (int node = 0; ns->config.strong && node < cluster->node_count; node++) {
            if (maps_holds(ns, pid, node) && !set_has(members, node)) {
                set_add(&all, node); // absent, and with data that nobody may forget
            }
        }
        ns->holders[pid] = all;
        maps_claim(ns, pid, members);
    }
    cluster->nodes[taker].partition_generation++;
    if (giver != MC_NOBODY && giver != taker) {
        cluster->nodes[giver].partition_generation++;
    }
}

uint64_t mc_maps_step(mc_cluster* cluster, uint64_t now_ms)
{
    if (!cluster->pending_count) {
        return MC_NEVER;
    }
    uint64_t gone = now_ms - cluster->migrate_from_ms;
    uint64_t total = (uint64_t)cluster->steps_total;
    uint64_t for_ms = cluster->migrate_for_ms;
    uint64_t due = gone >= for_ms ? total : total * gone / for_ms;
    mc_set members = maps_members(cluster);
    while (cluster->pending_count && (uint64_t)cluster->steps_done < due) {
        uint64_t r = mc_random(&cluster->random) % (uint64_t)cluster->pending_count;
        uint32_t item = cluster->pending[r];
        cluster->pending[r] = cluster->pending[--cluster->pending_count];
        maps_hand_over(cluster, cluster->namespaces[item >> 16], (int)(item & 0xffff), &members);
        cluster->steps_done++;
    }
    if (!cluster->pending_count) {
        return MC_NEVER;
    }
    uint64_t next = cluster->migrate_from_ms + ((uint64_t)cluster->steps_done + 1) * for_ms / total;
    return next > now_ms ? next : now_ms + 1;
}

void mc_maps_forget(mc_cluster* cluster, int node)
{
    for (int n = 0; n < cluster->namespace_count; n++) {
        mc_namespace* ns = cluster->namespaces[n];
        for (int pid = 0; !ns->config.strong && pid < MC_PARTITIONS; pid++) {
            set_remove(&ns->holders[pid], node);
        }
    }
}

static bool maps_is_dead(const mc_cluster* cluster, uint16_t node)
{
    return node != MC_NOBODY && !mc_node_alive(&cluster->nodes[node]);
}

mc_route mc_maps_route(const mc_node* node, const mc_namespace* ns, int pid, bool write,
                       bool master_only)
{
    const mc_cluster* cluster = node->cluster;
    uint16_t master = ns->claims[0][pid];
    if (node->life == MC_LIFE_CUT) {
        return ns->config.strong ? MC_ROUTE_UNAVAILABLE : MC_ROUTE_HERE;
    }
    if (node->partition_generation < 0 || master == MC_NOBODY) {
        return MC_ROUTE_UNAVAILABLE;
    }
    if (!write && !ns->config.strong && maps_holds(ns, pid, node->index)) {
        return MC_ROUTE_HERE;
    }
    if (maps_is_dead(cluster, master)) {
        return MC_ROUTE_WAIT_MASTER;
    }
    for (int c = 1; write && !master_only && c < ns->factor; c++) {
        if (maps_is_dead(cluster, ns->claims[c][pid])) {
            return MC_ROUTE_WAIT_COPY;
        }
    }
    return master == node->index ? MC_ROUTE_HERE : MC_ROUTE_PROXY;
}
