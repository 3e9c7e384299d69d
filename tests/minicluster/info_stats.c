/*
 * Info commands about what happened: `statistics` (service counters, and ours for tests, which
 * begin with mc_), `namespace/<name>`, `cluster-stable`, and the same counters for C tests.
 */
#include <stdio.h>
#include <string.h>

#include "cluster.h"

static unsigned long long stat_get(const atomic_uint_least64_t* counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static int stats_members(const mc_cluster* cluster)
{
    int count = 0;
    for (int i = 0; i < cluster->node_count; i++) {
        count += mc_node_alive(&cluster->nodes[i]);
    }
    return count;
}

static void stats_service(const mc_conn* conn, mc_bytes* out)
{
    const mc_node* node = conn->node;
    unsigned long long opened = stat_get(&node->opened);
    unsigned long long closed = stat_get(&node->closed);
    mc_bytes_format(out, "cluster_size=%d;cluster_key=%llX", stats_members(conn->cluster),
                    (unsigned long long)conn->cluster->cluster_key);
    mc_bytes_format(out, ";client_connections=%llu", opened - closed);
    mc_bytes_format(out, ";client_connections_opened=%llu;client_connections_closed=%llu", opened,
                    closed);
    mc_bytes_format(out, ";reaped_fds=0;info_complete=%llu;info_timeout=0",
                    stat_get(&node->info_done));
    mc_bytes_format(out, ";deprecated_requests=%llu", stat_get(&node->deprecated));
    mc_bytes_format(out, ";client_proxy_complete=%llu", stat_get(&node->proxied));
    mc_bytes_format(out, ";mc_read=%llu;mc_write=%llu;mc_delete=%llu", stat_get(&node->reads),
                    stat_get(&node->writes), stat_get(&node->deletes));
    mc_bytes_format(out, ";mc_errors=%llu;mc_timeouts=%llu", stat_get(&node->errors),
                    stat_get(&node->timeouts));
    for (int i = 0; i < node->info_count; i++) {
        mc_bytes_format(out, ";mc_info_%s=%llu", node->infos[i].name,
                        (unsigned long long)node->infos[i].count);
    }
}

static void stats_namespace(const mc_conn* conn, const char* name, mc_bytes* out)
{
    for (int i = 0; i < conn->cluster->namespace_count; i++) {
        const mc_namespace* ns = conn->cluster->namespaces[i];
        if (!strcmp(ns->config.name, name)) {
            uint64_t tombstones;
            mc_store_count_tombstones(ns->store, &tombstones);
            mc_bytes_format(out, "ns_cluster_size=%d;effective_replication_factor=%d",
                            stats_members(conn->cluster), ns->factor);
            mc_bytes_format(out, ";objects=%llu;tombstones=%llu",
                            (unsigned long long)(mc_store_count(ns->store) - tombstones),
                            (unsigned long long)tombstones);
            mc_bytes_format(out, ";client_proxy_complete=%llu;client_proxy_error=0",
                            stat_get(&ns->proxied));
            mc_bytes_format(out, ";migrate_partitions_remaining=%d", conn->cluster->pending_count);
            mc_bytes_format(out, ";strong-consistency=%s", ns->config.strong ? "true" : "false");
            return;
        }
    }
    mc_bytes_text(out, "type=unknown");
}

bool mc_info_stats(mc_conn* conn, const char* name, const char* params, mc_bytes* out)
{
    if (!strcmp(name, "statistics")) {
        stats_service(conn, out);
    } else if (!strcmp(name, "namespace") && params && params[0] == '/') {
        stats_namespace(conn, params + 1, out);
    } else if (!strcmp(name, "cluster-stable")) {
        bool ignore = params && strstr(params, "ignore-migrations=true");
        if (conn->cluster->pending_count && !ignore) {
            mc_info_error(conn->cluster, 7, "unstable-cluster", out);
        } else {
            mc_bytes_format(out, "%llX", (unsigned long long)conn->cluster->cluster_key);
        }
    } else {
        return false;
    }
    return true;
}

static uint64_t stats_info(mc_node* node, const char* name)
{
    uint64_t count = 0;
    pthread_mutex_lock(&node->cluster->info_lock);
    for (int i = 0; i < node->info_count; i++) {
        if (!strcmp(node->infos[i].name, name)) {
            count = node->infos[i].count;
        }
    }
    pthread_mutex_unlock(&node->cluster->info_lock);
    return count;
}

uint64_t mc_node_stat(mc_cluster* cluster, int index, const char* name)
{
    mc_node* node = &cluster->nodes[index];
    const struct {
        const char* name;
        atomic_uint_least64_t* counter;
    } counters[] = {{"read", &node->reads},     {"write", &node->writes},
                    {"delete", &node->deletes}, {"proxy", &node->proxied},
                    {"errors", &node->errors},  {"timeouts", &node->timeouts},
                    {"info", &node->info_done}, {"deprecated", &node->deprecated},
                    {"opened", &node->opened},  {"closed", &node->closed}};
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        if (!strcmp(counters[i].name, name)) {
            return stat_get(counters[i].counter);
        }
    }
    if (!strcmp(name, "connections")) {
        return stat_get(&node->opened) - stat_get(&node->closed);
    }
    return strncmp(name, "info.", 5) ? 0 : stats_info(node, name + 5);
}
