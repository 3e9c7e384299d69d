/*
 * The cluster as a whole: birth, time, nodes that come and go.
 *
 * A killed node's connections end at once; the others notice after heartbeat_ms, take it off their
 * peers lists and rebalance. A started node answers with partition-generation -1 and an empty map
 * for join_ms, then joins: all rebalance.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"

void mc_cluster_changed(mc_cluster* cluster)
{
    atomic_fetch_add(&cluster->changes, 1);
}

uint32_t mc_cluster_changes(const mc_cluster* cluster)
{
    return atomic_load(&cluster->changes);
}

bool mc_namespace_add(mc_cluster* cluster, const mc_namespace_config* config)
{
    for (int i = 0; i < cluster->namespace_count; i++) {
        if (!strcmp(cluster->namespaces[i]->config.name, config->name)) {
            return false;
        }
    }
    if (cluster->namespace_count == MC_NAMESPACES_MAX) {
        return false;
    }
    mc_namespace* ns = mc_alloc(sizeof(*ns));
    ns->config = *config;
    ns->store = mc_store_new(cluster->config.threaded);
    cluster->namespaces[cluster->namespace_count++] = ns;
    mc_maps_populate(cluster, ns);
    return true;
}

// Ids look as those of real nodes: fabric port and hardware address.
mc_node* mc_node_add(mc_cluster* cluster)
{
    if (cluster->node_count == MC_NODES_MAX) {
        return NULL;
    }
    int index = cluster->node_count++;
    mc_node* node = &cluster->nodes[index];
    node->cluster = cluster;
    node->index = index;
    node->change_at_ms = MC_NEVER;
    snprintf(node->id, sizeof(node->id), "BB9%02X0011AC4202", index + 2);
    return node;
}

static void node_list(mc_node* node)
{
    node->listed = true;
    memcpy(node->listed_id, node->id, sizeof(node->listed_id));
    node->listed_port = node->port;
}

static void cluster_peers_changed(mc_cluster* cluster)
{
    for (int i = 0; i < cluster->node_count; i++) {
        if (mc_node_alive(&cluster->nodes[i])) {
            cluster->nodes[i].peers_generation++;
        }
    }
}

void mc_node_start(mc_node* node, uint64_t now_ms)
{
    node->life = MC_LIFE_STARTING;
    node->change_at_ms = now_ms + node->cluster->config.join_ms;
    node->partition_generation = -1;
    node->peers_generation = 0;
    node->rebalance_generation = 0;
    node->hung = node->blackhole = node->refusing = false;
    mc_fault_clear(node);
    mc_cluster_changed(node->cluster);
}

void mc_node_end_conns(mc_node* node, mc_ending ending, uint64_t now_ms)
{
    for (mc_conn* conn = node->conns; conn; conn = conn->next) {
        mc_conn_end(conn, ending, now_ms);
    }
    mc_cluster_changed(node->cluster);
}

void mc_node_kill(mc_node* node, uint64_t now_ms, bool noticed_at_once)
{
    node->life = MC_LIFE_DEAD;
    node->change_at_ms = MC_NEVER;
    if (node->listed) {
        node->change_at_ms = noticed_at_once ? now_ms : now_ms + node->cluster->config.heartbeat_ms;
    }
    mc_maps_forget(node->cluster, node->index);
    mc_node_end_conns(node, MC_ENDING_CLOSE, now_ms);
}

// Its own map changes at once, the others miss it as they would a dead node.
void mc_node_cut(mc_node* node, uint64_t now_ms)
{
    node->life = MC_LIFE_CUT;
    node->change_at_ms = node->listed ? now_ms + node->cluster->config.heartbeat_ms : MC_NEVER;
    node->partition_generation++;
    node->rebalance_generation++;
    node->peers_generation++;
    mc_maps_forget(node->cluster, node->index);
    mc_cluster_changed(node->cluster);
}

// It keeps its id and goes on counting its generations: its process has never ended.
void mc_node_join(mc_node* node, uint64_t now_ms)
{
    node->life = MC_LIFE_MEMBER;
    node->change_at_ms = MC_NEVER;
    node_list(node);
    mc_maps_rebalance(node->cluster, now_ms);
    cluster_peers_changed(node->cluster);
}

mc_cluster* mc_cluster_new(const mc_config* config, uint64_t now_ms)
{
    mc_cluster* cluster = mc_alloc(sizeof(*cluster));
    cluster->config = *config;
    cluster->random = config->seed;
    unsigned part[3] = {0};
    sscanf(config->build, "%u.%u.%u", &part[0], &part[1], &part[2]);
    cluster->build = part[0] << 16 | (part[1] & 255) << 8 | (part[2] & 255);
    cluster->reap_at_ms = now_ms + config->nsup_ms;
    pthread_mutex_init(&cluster->info_lock, NULL);
    for (int i = 0; i < config->nodes; i++) {
        mc_node* node = mc_node_add(cluster);
        node->life = MC_LIFE_MEMBER;
        node_list(node);
        node->peers_generation = (uint64_t)config->nodes;
        node->rebalance_generation = 1;
    }
    for (int i = 0; i < config->namespace_count; i++) {
        mc_namespace_add(cluster, &config->namespaces[i]);
    }
    cluster->cluster_key = mc_random(&cluster->random) & 0xffffffffffff;
    return cluster;
}

void mc_cluster_observe(mc_cluster* cluster, mc_observer observer, void* udata)
{
    cluster->observer = observer;
    cluster->observer_udata = udata;
}

void mc_cluster_free(mc_cluster* cluster)
{
    if (!cluster) {
        return;
    }
    for (int i = 0; i < cluster->node_count; i++) {
        while (cluster->nodes[i].conns) {
            mc_conn_free(cluster->nodes[i].conns);
        }
    }
    for (int i = 0; i < cluster->namespace_count; i++) {
        mc_store_free(cluster->namespaces[i]->store);
        free(cluster->namespaces[i]);
    }
    pthread_mutex_destroy(&cluster->info_lock);
    mc_bytes_done(&cluster->udf_base64);
    free(cluster->pending);
    free(cluster);
}

// A death is noticed, or a start finished. Returns whether the set of members changed.
static bool node_change(mc_node* node, uint64_t now_ms)
{
    if (node->change_at_ms > now_ms) {
        return false;
    }
    node->change_at_ms = MC_NEVER;
    if (node->life == MC_LIFE_STARTING) {
        node->life = MC_LIFE_MEMBER;
        node_list(node);
    } else {
        node->listed = false;
    }
    return true;
}

static uint64_t cluster_next_change(const mc_cluster* cluster, bool* ret_unnoticed)
{
    uint64_t next = MC_NEVER;
    *ret_unnoticed = false;
    for (int i = 0; i < cluster->node_count; i++) {
        const mc_node* node = &cluster->nodes[i];
        next = node->change_at_ms < next ? node->change_at_ms : next;
        *ret_unnoticed |= node->listed && !mc_node_alive(node);
    }
    return next;
}

static void cluster_reap(mc_cluster* cluster, uint64_t now_ms)
{
    if (now_ms < cluster->reap_at_ms) {
        return;
    }
    cluster->reap_at_ms = now_ms + cluster->config.nsup_ms;
    for (int i = 0; i < cluster->namespace_count; i++) {
        mc_namespace* ns = cluster->namespaces[i];
        if (!ns->config.nsup_off) {
            mc_store_reap(ns->store, mc_cluster_void_now(cluster, now_ms));
        }
    }
}

uint64_t mc_cluster_tick(mc_cluster* cluster, uint64_t now_ms)
{
    cluster_reap(cluster, now_ms);
    uint64_t next = cluster->reap_at_ms;
    if (cluster->frozen) {
        return next;
    }
    bool changed = false;
    for (int i = 0; i < cluster->node_count; i++) {
        changed |= node_change(&cluster->nodes[i], now_ms);
    }
    if (changed) {
        mc_maps_rebalance(cluster, now_ms);
        cluster_peers_changed(cluster);
    }
    bool unnoticed;
    uint64_t change = cluster_next_change(cluster, &unnoticed);
    next = change < next ? change : next;
    if (!unnoticed) { // copies don't move while a member is silent
        uint64_t step = mc_maps_step(cluster, now_ms);
        next = step < next ? step : next;
    }
    return next;
}

// ---- what others may ask about nodes ------------------------------------------------------------

int mc_node_count(const mc_cluster* cluster)
{
    return cluster->node_count;
}

mc_listening mc_node_listening(const mc_cluster* cluster, int index)
{
    const mc_node* node = &cluster->nodes[index];
    if (node->life == MC_LIFE_GONE) {
        return MC_LISTEN_GONE;
    }
    if (node->life == MC_LIFE_DEAD || node->refusing) {
        return MC_LISTEN_REFUSE;
    }
    return node->blackhole ? MC_LISTEN_BLACKHOLE : node->hung ? MC_LISTEN_STALL : MC_LISTEN_OPEN;
}

uint16_t mc_node_port(const mc_cluster* cluster, int node)
{
    return cluster->nodes[node].port;
}

void mc_node_set_port(mc_cluster* cluster, int index, uint16_t port)
{
    mc_node* node = &cluster->nodes[index];
    node->port = port;
    if (mc_node_alive(node)) {
        node->listed_port = port;
    }
}

bool mc_node_is_member(const mc_cluster* cluster, int node)
{
    return mc_node_alive(&cluster->nodes[node]);
}

void mc_node_name(const mc_cluster* cluster, int node, char ret_name[20])
{
    memcpy(ret_name, cluster->nodes[node].id, 20);
}

bool mc_cluster_is_settled(const mc_cluster* cluster)
{
    bool unnoticed;
    return cluster_next_change(cluster, &unnoticed) == MC_NEVER && !unnoticed && !cluster->frozen &&
           cluster->pending_count == 0;
}

int mc_partition_owner(const mc_cluster* cluster, const char* name, int column, int pid)
{
    for (int i = 0; i < cluster->namespace_count; i++) {
        const mc_namespace* ns = cluster->namespaces[i];
        uint16_t owner = strcmp(ns->config.name, name) ? MC_NOBODY : ns->claims[column][pid];
        if (owner != MC_NOBODY && mc_node_alive(&cluster->nodes[owner])) {
            return owner;
        }
    }
    return -1;
}
