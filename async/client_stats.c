/*
 * A client's counters, and its host's: our own interface, and the official one on top of the same
 * figures.
 */
#include "async/client_int.h"

#include <aerospike/aerospike_stats.h>
#include <stdio.h>
#include <tendril/stats.h>

#include "core/mem.h"

static void engine_add(const tnd_engine* engine, tnd_counters* counters, tnd_gauges* gauges)
{
    tnd_counters more;
    tnd_gauges present;
    if (!engine || !engine->stats) {
        return;
    }
    tnd_stats_read_own(engine->stats, &more, &present);
    tnd_counters_add(counters, &more);
    tnd_stats_sum_gauges(gauges, &present);
}

as_status aerospike_worker_counters(aerospike* as, as_error* err, tnd_counters* ret_counters,
                                    tnd_gauges* ret_gauges)
{
    as_error_reset(err);
    as_cluster* client = tnd_client_of(as, err);
    if (!client) {
        return err->code;
    }
    memset(ret_counters, 0, sizeof(*ret_counters));
    memset(ret_gauges, 0, sizeof(*ret_gauges));
    engine_add(client->main, ret_counters, ret_gauges);
    engine_add(client->sync, ret_counters, ret_gauges);
    return AEROSPIKE_OK;
}

as_status aerospike_host_counters(aerospike* as, as_error* err, tnd_host_counters* ret_host)
{
    as_error_reset(err);
    as_cluster* client = tnd_client_of(as, err);
    if (!client) {
        return err->code;
    }
    tnd_engine* engine = client->main ? client->main : client->sync;
    if (!engine || !engine->worker) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "The client has no event loop and has made no call yet");
    }
    return tnd_worker_read_host(engine->worker, ret_host)
               ? AEROSPIKE_OK
               : as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
}

/* ---- the official interface: figures ---- */

void as_conn_stats_init(as_conn_stats* stats)
{
    memset(stats, 0, sizeof(*stats));
}

/* Where the node of this name is in an engine's map, and which one it is there. */
static const tnd_node_rec* node_find(const tnd_map* map, const char* name, uint32_t* ret_index)
{
    for (uint32_t i = 1; i <= map->dir.nodes_count; i++) {
        const tnd_node_rec* rec = tnd_map_node(map, i);
        if (rec && strncmp(rec->name, name, AS_NODE_NAME_SIZE - 1) == 0) {
            *ret_index = i;
            return rec;
        }
    }
    return NULL;
}

static void node_add(const tnd_engine* engine, const as_node* node, as_conn_stats* conns,
                     as_node_stats* stats)
{
    tnd_node_counters c;
    uint32_t index;
    if (!engine || !engine->stats || !engine->worker) {
        return;
    }
    const tnd_node_rec* rec = node_find(tnd_worker_map(engine->worker), node->name, &index);
    if (!rec) {
        return;
    }
    tnd_stats_read_node(engine->stats, index, rec->generation, &c);
    conns->in_use = (uint32_t)c.connections_in_use;
    conns->in_pool = (uint32_t)(c.connections_open - c.connections_in_use);
    conns->opened = (uint32_t)c.connections_opened;
    conns->closed = (uint32_t)c.connections_closed;
    conns->recovered = (uint32_t)c.late_replies;
    conns->aborted = (uint32_t)c.late_missing;
    stats->error_count += c.errors;
    stats->timeout_count += c.timeouts;
    stats->key_busy_count += c.key_busy;
}

/* The reference in `node` becomes the statistics'. */
static void node_stats_fill(as_cluster* client, as_node* node, as_node_stats* stats)
{
    memset(stats, 0, sizeof(*stats));
    stats->node = node;
    node_add(client->sync, node, &stats->sync, stats);
    node_add(client->main, node, &stats->async, stats);
}

void aerospike_event_loop_stats(as_event_loop* event_loop, as_event_loop_stats* stats)
{
    stats->process_size = as_event_loop_get_process_size(event_loop);
    stats->queue_size = as_event_loop_get_queue_size(event_loop);
}

static void stats_fill_nodes(as_cluster* client, as_cluster_stats* stats)
{
    as_nodes* nodes = as_nodes_reserve(client);
    if (!nodes) {
        return;
    }
    stats->nodes = tnd_calloc(nodes->size + 1, sizeof(*stats->nodes));
    for (uint32_t i = 0; i < nodes->size && stats->nodes; i++) {
        as_node_reserve(nodes->array[i]);
        node_stats_fill(client, nodes->array[i], &stats->nodes[stats->nodes_size++]);
    }
    as_nodes_release(nodes);
}

static void stats_fill_event_loops(const as_cluster* client, as_cluster_stats* stats)
{
    tnd_events* events = client->main ? client->main->events : NULL;
    if (!events || events->size == 0) {
        return;
    }
    stats->event_loops = tnd_calloc(events->size, sizeof(*stats->event_loops));
    for (uint32_t i = 0; i < events->size && stats->event_loops; i++) {
        aerospike_event_loop_stats(&events->entries[i], &stats->event_loops[i]);
        stats->event_loops_size++;
    }
}

void aerospike_cluster_stats(as_cluster* cluster, as_cluster_stats* stats)
{
    tnd_counters counters = {.retries = 0};
    tnd_gauges gauges = {.connections_open = 0};
    as_error err;
    memset(stats, 0, sizeof(*stats));
    if (tnd_client_check_fork(cluster, as_error_init(&err)) != AEROSPIKE_OK) {
        return;
    }
    engine_add(cluster->main, &counters, &gauges);
    engine_add(cluster->sync, &counters, &gauges);
    stats->retry_count = counters.retries;
    stats->recover_queue_size = (uint32_t)gauges.connections_draining;
    stats_fill_nodes(cluster, stats);
    stats_fill_event_loops(cluster, stats);
}

void aerospike_stats(aerospike* as, as_cluster_stats* stats)
{
    memset(stats, 0, sizeof(*stats));
    if (as->cluster) {
        aerospike_cluster_stats(as->cluster, stats);
    }
}

void aerospike_stats_destroy(as_cluster_stats* stats)
{
    for (uint32_t i = 0; i < stats->nodes_size; i++) {
        as_node_release(stats->nodes[i].node);
    }
    tnd_free(stats->nodes);
    tnd_free(stats->event_loops);
    memset(stats, 0, sizeof(*stats));
}

/* ---- the official interface: in words ---- */

static void conns_write(tnd_buf* buf, const char* name, const as_conn_stats* conns)
{
    char text[160];
    snprintf(text, sizeof(text), " %s(%u,%u,%u,%u,%u,%u)", name, conns->in_pool, conns->in_use,
             conns->opened, conns->closed, conns->recovered, conns->aborted);
    tnd_buf_append_bytes(buf, text, strlen(text));
}

static void node_write(tnd_buf* buf, const as_node_stats* node)
{
    char text[256];
    snprintf(text, sizeof(text), "%s %s", node->node->name, as_node_get_address_string(node->node));
    tnd_buf_append_bytes(buf, text, strlen(text));
    conns_write(buf, "sync", &node->sync);
    conns_write(buf, "async", &node->async);
    conns_write(buf, "pipeline", &node->pipeline);
    snprintf(text, sizeof(text),
             " errors(%" PRIu64 ") timeouts(%" PRIu64 ") key_busy(%" PRIu64 ")\n",
             node->error_count, node->timeout_count, node->key_busy_count);
    tnd_buf_append_bytes(buf, text, strlen(text));
}

char* aerospike_stats_to_string(as_cluster_stats* stats)
{
    static const char head[] =
        "nodes: connections(in_pool,in_use,opened,closed,recovered,aborted)\n";
    char text[160];
    tnd_buf buf;
    tnd_buf_init(&buf, 1024 * 1024);
    tnd_buf_append_bytes(&buf, head, sizeof(head) - 1);
    for (uint32_t i = 0; i < stats->nodes_size; i++) {
        node_write(&buf, &stats->nodes[i]);
    }
    for (uint32_t i = 0; i < stats->event_loops_size; i++) {
        snprintf(text, sizeof(text), "event loop %u: running %d, queued %u\n", i,
                 stats->event_loops[i].process_size, stats->event_loops[i].queue_size);
        tnd_buf_append_bytes(&buf, text, strlen(text));
    }
    snprintf(text, sizeof(text), "retries: %" PRIu64 ", recovering: %u\n", stats->retry_count,
             stats->recover_queue_size);
    tnd_buf_append_bytes(&buf, text, strlen(text));
    char* words = tnd_buf_is_ok(&buf) ? tnd_memdup_text(buf.data, buf.size) : NULL;
    tnd_buf_done(&buf);
    return words;
}
