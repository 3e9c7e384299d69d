/*
 * What the tests of the tender share: one worker that owns a private map, a mini cluster, virtual
 * time. Included by each of them; not every one needs all of it.
 */
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_config.h>
#include <aerospike/as_log.h>

#include "async/resolver.h"
#include "async/tender.h"
#include "core/mem.h"
#include "tests/sim/cluster.h"

#define PORT 3000
#define SECOND 1000000ull
#define NODES_MAX 16

/* ---- one worker that owns a private map, and a cluster ---- */

typedef struct bed {
    sim_world* world;
    tnd_loop* loop;
    sim_cluster* cluster;
    sim_cluster* other; /* a second cluster, if a test wants one */
    as_config config;
    tnd_map map;
    tnd_member member;
    tnd_resolver* resolver;
    tnd_tender* tender;
    bool is_watching; /* check at each step that no word is ever empty */
    unsigned published, directories, no_seeds, fenced, exhausted;
    as_error error;
} bed;

static char log_text[65536];

static bool on_log(as_log_level level, const char* func, const char* file, uint32_t line,
                   const char* fmt, ...)
{
    (void)func;
    (void)file;
    (void)line;
    size_t size = strlen(log_text);
    va_list args;
    va_start(args, fmt);
    if (size < sizeof(log_text) - 1024) {
        int n = snprintf(log_text + size, 16, "%s ", as_log_level_tostring(level));
        vsnprintf(log_text + size + n, 1000, fmt, args);
        strcat(log_text, "\n");
    }
    va_end(args);
    return true;
}

static unsigned log_count(const char* text)
{
    unsigned count = 0;
    for (const char* at = log_text; (at = strstr(at, text)); at++) {
        count++;
    }
    return count;
}

static void on_published(void* udata)
{
    ((bed*)udata)->published++;
}

static void on_no_seeds(void* udata, as_error* err)
{
    bed* b = udata;
    b->no_seeds++;
    as_error_copy(&b->error, err);
}

static void on_directory(void* udata)
{
    ((bed*)udata)->directories++;
}

static void on_fenced(void* udata)
{
    bed* b = udata;
    b->fenced++;
    tnd_tender_stop(b->tender);
    b->tender = NULL;
}

static void on_exhausted(void* udata, as_error* err)
{
    bed* b = udata;
    b->exhausted++;
    as_error_copy(&b->error, err);
    tnd_tender_stop(b->tender);
    b->tender = NULL;
}

static const tnd_tender_handler handler = {
    .on_published = on_published,
    .on_no_seeds = on_no_seeds,
    .on_directory = on_directory,
    .on_fenced = on_fenced,
    .on_exhausted = on_exhausted,
};

static uint64_t now_ms(const bed* b)
{
    return sim_world_now_us(b->world) / 1000;
}

static void own(bed* b)
{
    tnd_owner_view view;
    tnd_owner_look(&b->member, now_ms(b), 30000, &view);
    assert_true(tnd_owner_take(&b->member, &view, now_ms(b)));
}

static void bed_init_capacities(bed* b, uint64_t seed, uint32_t nodes, uint32_t namespaces)
{
    memset(b, 0, sizeof(*b));
    log_text[0] = '\0';
    as_log_set_callback(on_log);
    as_log_set_level(AS_LOG_LEVEL_INFO);
    b->world = sim_world_new(seed);
    b->loop = sim_loop_new(b->world, "worker");
    as_config_init(&b->config);
    tnd_map_config map_config = {
        .nodes_capacity = nodes,
        .namespaces_capacity = namespaces,
        .workers_capacity = 2,
        .identity = "test",
        .nonce = 1,
        .unix_now = 1800000000,
    };
    assert_int_equal(tnd_map_open(&b->map, &map_config, &b->error), AEROSPIKE_OK);
    assert_int_equal(tnd_member_join(&b->member, &b->map, 77, 1, 1, now_ms(b), 1), TND_JOIN_OK);
    b->resolver = tnd_resolver_new(b->loop);
    own(b);
}

static void bed_init(bed* b, uint64_t seed)
{
    bed_init_capacities(b, seed, NODES_MAX, 4);
}

static void bed_cluster(bed* b, const mc_config* config)
{
    b->cluster = sim_cluster_new(b->world, config, NULL, PORT);
}

static void bed_start(bed* b)
{
    if (!b->config.hosts) {
        as_config_add_host(&b->config, "127.0.0.1", PORT);
    }
    b->tender = tnd_tender_start(b->loop, &b->config, &b->member, b->resolver, &handler, b);
    assert_non_null(b->tender);
}

static void bed_stop(bed* b)
{
    tnd_tender_stop(b->tender);
    b->tender = NULL;
}

static void bed_done(bed* b)
{
    bed_stop(b);
    sim_loop_usage left = sim_loop_used(b->loop);
    assert_int_equal(left.fds_count, 0);
    assert_int_equal(left.timers_count, 0);
    assert_int_equal(left.tasks_count, 0);
    assert_int_equal(left.lookups_count, 0);
    tnd_resolver_free(b->resolver);
    tnd_member_leave(&b->member, true);
    tnd_map_close(&b->map);
    as_config_destroy(&b->config);
    sim_world_free(b->world);
    if (b->cluster) {
        sim_cluster_free(b->cluster);
    }
    if (b->other) {
        sim_cluster_free(b->other);
    }
    as_log_set_callback(NULL);
}

static void run_ms(bed* b, uint64_t ms)
{
    sim_world_run_for(b->world, ms * 1000);
}

static bool is_published(void* udata)
{
    return ((bed*)udata)->published > 0;
}

static void run_until_published(bed* b, uint64_t limit_ms)
{
    if (!sim_world_run_until(b->world, is_published, b, limit_ms * 1000)) {
        fail_msg("no map within %u ms\n%s", (unsigned)limit_ms, log_text);
    }
    tnd_map_refresh(&b->map);
}

/* ---- comparing the map with the cluster's truth ---- */

static int node_by_name(const bed* b, const char* name)
{
    const mc_cluster* mc = sim_cluster_mc(b->cluster);
    for (int i = 0; i < mc_node_count(mc); i++) {
        char id[20];
        mc_node_name(mc, i, id);
        if (mc_node_is_member(mc, i) && strcmp(id, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* How many (partition, column) pairs of a namespace differ from what the cluster claims. */
static unsigned map_errors(bed* b, const char* ns, uint32_t columns)
{
    tnd_map_refresh(&b->map);
    const tnd_ns_rec* record = tnd_map_namespace(&b->map, ns);
    unsigned errors = 0;
    if (!record) {
        return UINT32_MAX;
    }
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        uint64_t word = tnd_map_word(&b->map, record->table, p);
        for (uint32_t c = 0; c < columns; c++) {
            const tnd_node_rec* node = tnd_map_node(&b->map, tnd_word_node(word, c));
            int owner = mc_partition_owner(sim_cluster_mc(b->cluster), ns, (int)c, (int)p);
            errors += (node ? node_by_name(b, node->name) : -1) != owner;
        }
    }
    return errors;
}

static unsigned map_holes(bed* b, const char* ns)
{
    tnd_map_refresh(&b->map);
    const tnd_ns_rec* record = tnd_map_namespace(&b->map, ns);
    unsigned holes = 0;
    for (uint32_t p = 0; record && p < TND_PARTITIONS; p++) {
        uint64_t word = tnd_map_word(&b->map, record->table, p);
        holes += !tnd_map_node(&b->map, tnd_word_node(word, 0));
    }
    return record ? holes : UINT32_MAX;
}

static unsigned map_nodes(bed* b)
{
    unsigned count = 0;
    tnd_map_refresh(&b->map);
    for (uint32_t i = 1; i <= b->map.dir.nodes_count; i++) {
        count += b->map.nodes[i].state == TND_NODE_ACTIVE;
    }
    return count;
}

static const tnd_node_rec* map_node(bed* b, const char* name)
{
    tnd_map_refresh(&b->map);
    for (uint32_t i = 1; i <= b->map.dir.nodes_count; i++) {
        if (b->map.nodes[i].state == TND_NODE_ACTIVE && strcmp(b->map.nodes[i].name, name) == 0) {
            return &b->map.nodes[i];
        }
    }
    return NULL;
}

static void node_name(bed* b, int node, char ret_name[20])
{
    mc_node_name(sim_cluster_mc(b->cluster), node, ret_name);
}

/* ---- start ---- */

static const mc_config three_nodes = {
    .namespaces = {{.name = "test", .replication_factor = 2},
                   {.name = "bar", .replication_factor = 3}},
    .namespace_count = 2,
};

#pragma GCC diagnostic pop
