/*
 * Info commands about the cluster: who is in it, who owns what. Honours protocol/cluster.md 2.4,
 * 2.6, 2.7, 3.2, 3.3.
 *
 * A node that starts answers with partition-generation -1, no peers, and one empty column. One that
 * is cut off has no peers and claims all that isn't strongly consistent.
 * A peers list holds what the others still take for members: the dead until they are missed.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster.h"

// Calls for each host of a comma separated list: appends `host` or `host:port`.
static void map_hosts(const char* hosts, uint16_t port, bool default_port_left_out, mc_bytes* out)
{
    bool first = true;
    while (*hosts) {
        size_t len = strcspn(hosts, ",");
        if (len) {
            mc_bytes_text(out, first ? "" : ",");
            mc_bytes_add(out, hosts, len);
            if (port != 3000 || !default_port_left_out) {
                mc_bytes_format(out, ":%u", port);
            }
            first = false;
        }
        hosts += len + (hosts[len] == ',');
    }
}

static void map_peers(const mc_conn* conn, const char* hosts, mc_bytes* out)
{
    const mc_cluster* cluster = conn->cluster;
    mc_bytes_format(out, "%llu,3000,[", (unsigned long long)conn->node->peers_generation);
    bool first = true;
    for (int i = 0; mc_node_alive(conn->node) && hosts[0] && i < cluster->node_count; i++) {
        const mc_node* peer = &cluster->nodes[i];
        if (peer == conn->node || !peer->listed) {
            continue;
        }
        mc_bytes_format(out, "%s[%s,,[", first ? "" : ",", peer->listed_id);
        map_hosts(hosts, peer->listed_port, true, out);
        mc_bytes_text(out, "]]");
        first = false;
    }
    mc_bytes_text(out, "]");
}

static void map_tls(const mc_conn* conn, bool peers, mc_bytes* out)
{
    if (conn->cluster->build >= mc_cluster_build(7, 1, 0)) {
        mc_info_error(conn->cluster, 25, "enterprise only", out);
    } else if (peers) {
        map_peers(conn, "", out);
    }
}

// ---- replicas -----------------------------------------------------------------------------------

static void map_column(const mc_conn* conn, const mc_namespace* ns, int column, mc_bytes* out)
{
    uint8_t bits[MC_PARTITIONS / 8] = {0};
    if (conn->node->life == MC_LIFE_CUT && !ns->config.strong) {
        memset(bits, 0xff, sizeof(bits));
    }
    for (int pid = 0; mc_node_alive(conn->node) && pid < MC_PARTITIONS; pid++) {
        if (ns->claims[column][pid] == conn->node->index) {
            bits[pid >> 3] |= 0x80 >> (pid & 7);
        }
    }
    mc_bytes_u8(out, ',');
    mc_bytes_base64(out, bits, sizeof(bits));
}

// The value of `max`, 0 for none. Returns false, having answered, if it is none that is allowed.
static bool map_max(const mc_conn* conn, const char* params, int* ret_max, mc_bytes* out)
{
    const char* max = params ? strstr(params, "max=") : NULL;
    *ret_max = 0;
    if (!max || conn->cluster->build < mc_cluster_build(5, 0, 0)) {
        return true;
    }
    max += 4;
    size_t len = strcspn(max, ";");
    const char* why = len == 0                          ? "missing 'max' value"
                      : len > 3                         ? "'max' value too long"
                      : strspn(max, "0123456789") < len ? "bad max"
                                                        : NULL;
    if (why) {
        mc_info_error(conn->cluster, 4, why, out);
        return false;
    }
    *ret_max = atoi(max);
    return true;
}

static void map_replicas(const mc_conn* conn, const char* params, mc_bytes* out)
{
    int max;
    if (!map_max(conn, params, &max, out)) {
        return;
    }
    for (int i = 0; i < conn->cluster->namespace_count; i++) {
        const mc_namespace* ns = conn->cluster->namespaces[i];
        bool alive = mc_node_alive(conn->node);
        int factor = alive ? ns->factor : 1;
        int columns = max > 0 && max < factor ? max : factor;
        mc_bytes_format(out, "%s%s:%u,%d", i ? ";" : "", ns->config.name, alive ? ns->regime : 0,
                        columns);
        for (int c = 0; c < columns; c++) {
            map_column(conn, ns, c, out);
        }
    }
}

// ---- racks --------------------------------------------------------------------------------------

static void map_rack_ids(const mc_conn* conn, mc_bytes* out)
{
    const mc_cluster* cluster = conn->cluster;
    if (!cluster->config.enterprise) {
        bool modern = cluster->build >= mc_cluster_build(7, 2, 0);
        mc_bytes_text(out, modern ? "ERROR:25:enterprise only" : "ERROR::enterprise-only");
        return;
    }
    for (int i = 0; i < cluster->namespace_count; i++) {
        mc_bytes_format(out, "%s%s:%d", i ? ";" : "", cluster->namespaces[i]->config.name,
                        conn->node->rack);
    }
}

static void map_cluster_name(const mc_cluster* cluster, mc_bytes* out)
{
    bool named = cluster->config.cluster_name[0];
    bool old = cluster->build < mc_cluster_build(8, 0, 0);
    mc_bytes_text(out, named ? cluster->config.cluster_name : old ? "null" : "");
}

static void map_namespaces(const mc_cluster* cluster, mc_bytes* out)
{
    for (int i = 0; i < cluster->namespace_count; i++) {
        mc_bytes_format(out, "%s%s", i ? ";" : "", cluster->namespaces[i]->config.name);
    }
}

// The deprecated list of peers: addresses only.
static void map_services(const mc_conn* conn, mc_bytes* out)
{
    bool first = true;
    for (int i = 0; mc_node_alive(conn->node) && i < conn->cluster->node_count; i++) {
        const mc_node* peer = &conn->cluster->nodes[i];
        if (peer != conn->node && peer->listed) {
            mc_bytes_text(out, first ? "" : ";");
            map_hosts(conn->cluster->config.advertise, peer->listed_port, false, out);
            first = false;
        }
    }
}

static bool map_addresses(mc_conn* conn, const char* name, mc_bytes* out)
{
    const mc_config* config = &conn->cluster->config;
    if (!strcmp(name, "peers-clear-std")) {
        map_peers(conn, config->advertise, out);
    } else if (!strcmp(name, "peers-clear-alt")) {
        map_peers(conn, config->alternate, out);
    } else if (!strcmp(name, "service-clear-std") || !strcmp(name, "service")) {
        map_hosts(config->advertise, conn->node->port, false, out);
    } else if (!strcmp(name, "service-clear-alt")) {
        map_hosts(config->alternate, conn->node->port, false, out);
    } else if (!strcmp(name, "services")) {
        map_services(conn, out);
    } else if (!strncmp(name, "peers-tls-", 10)) {
        map_tls(conn, true, out);
    } else if (!strncmp(name, "service-tls-", 12)) {
        map_tls(conn, false, out);
    } else {
        return false;
    }
    return true;
}

bool mc_info_map(mc_conn* conn, const char* name, const char* params, mc_bytes* out)
{
    const mc_node* node = conn->node;
    if (!strcmp(name, "node")) {
        mc_bytes_text(out, node->id);
    } else if (!strcmp(name, "partition-generation")) {
        mc_bytes_format(out, "%d", node->partition_generation);
    } else if (!strcmp(name, "peers-generation")) {
        mc_bytes_format(out, "%llu", (unsigned long long)node->peers_generation);
    } else if (!strcmp(name, "rebalance-generation")) {
        mc_bytes_format(out, "%llu", (unsigned long long)node->rebalance_generation);
    } else if (!strcmp(name, "replicas")) {
        map_replicas(conn, params, out);
    } else if (!strcmp(name, "namespaces")) {
        map_namespaces(conn->cluster, out);
    } else if (!strcmp(name, "cluster-name")) {
        map_cluster_name(conn->cluster, out);
    } else if (!strcmp(name, "racks") && !conn->cluster->config.enterprise) {
        mc_info_error(conn->cluster, 25, "enterprise only", out);
    } else if (!strcmp(name, "rack-ids")) {
        map_rack_ids(conn, out);
    } else {
        return map_addresses(conn, name, out);
    }
    return true;
}
