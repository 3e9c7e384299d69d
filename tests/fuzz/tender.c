/*
 * What nodes answer to info requests, through the tender into the map. The input is cut at zero
 * bytes; the n-th piece of the first ten stands before a true answer to the n-th request, so that
 * what it says wins. A piece that begins with byte 2 is sent as it is, instead of a frame.
 * Promises: the map stays within bounds at any time, no word names a node that the directory
 * doesn't know, nothing is left.
 */
#include <string.h>

#include "async/tender.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/node.h"

enum {
    NODES = 6,
    NAMESPACES = 2,
    SECOND = 1000000,
    SLICES = 50,
    LIES_MAX = 10 /* so that there is time for the truth */
};

static struct {
    sim_world* world;
    tnd_loop* loop;
    tnd_map map;
    tnd_member member;
    tnd_tender* tender;
    const uint8_t* input;
    size_t size;
} bed;

static const uint8_t* on_info(void* udata, unsigned n, size_t* ret_size, bool* ret_is_raw)
{
    (void)udata;
    const uint8_t* at = bed.input;
    size_t left = bed.size;
    bool is_late = n >= LIES_MAX;
    const uint8_t* end;
    for (; n > 0 && left > 0 && (end = memchr(at, 0, left)) != NULL; n--) {
        left -= (size_t)(end + 1 - at);
        at = end + 1;
    }
    if (is_late || n > 0 || left == 0) {
        return NULL; /* from here on the truth */
    }
    end = memchr(at, 0, left);
    *ret_size = end ? (size_t)(end - at) : left;
    *ret_is_raw = *ret_size > 0 && *at == 2;
    return at;
}

static const fuzz_node_handler node_handler = {.info = on_info};

/* ---- the tender ---- */

static void on_event(void* udata)
{
    (void)udata;
}

static void on_no_seeds(void* udata, as_error* err)
{
    (void)udata;
    must(err->code != AEROSPIKE_OK && err->message[0] != '\0');
}

static void on_impossible(void* udata)
{
    (void)udata;
    must(!"nobody else stores into the map");
}

static void on_exhausted(void* udata, as_error* err)
{
    (void)err;
    on_impossible(udata);
}

static const tnd_tender_handler tender_handler = {
    .on_published = on_event,
    .on_no_seeds = on_no_seeds,
    .on_directory = on_event,
    .on_fenced = on_impossible,
    .on_exhausted = on_exhausted,
};

/* Every 41st from there on. */
static void check_words(const tnd_map* map, const tnd_ns_rec* ns, uint32_t first)
{
    for (uint32_t p = first; p < TND_PARTITIONS; p += 41) {
        uint64_t word = tnd_map_word(map, ns->table, p);
        for (uint32_t c = 0; c < TND_REPLICAS_MAX; c++) {
            uint32_t index = tnd_word_node(word, c);
            must(index == 0 || tnd_map_node(map, index));
        }
    }
}

static void check_map(tnd_map* map, uint32_t first)
{
    tnd_map_refresh(map);
    must(map->dir.nodes_count <= NODES && map->dir.namespaces_count <= NAMESPACES);
    for (uint32_t i = 0; i < map->dir.namespaces_count; i++) {
        const tnd_ns_rec* ns = &map->namespaces[i];
        must(ns->name[0] != '\0' && ns->table == i);
        check_words(map, ns, first);
    }
}

/* The tender must find back to the truth, whatever it was told. */
static void check_truth(tnd_map* map)
{
    const tnd_ns_rec* ns = tnd_map_namespace(map, "test");
    if (!ns) {
        must(map->dir.namespaces_count == NAMESPACES); /* others took the room */
        return;
    }
    uint32_t index = tnd_word_node(tnd_map_word(map, ns->table, 77), 0);
    const tnd_node_rec* node = tnd_map_node(map, index);
    must(node && strcmp(node->name, "BB9020011AC4202") == 0);
}

static void run(void)
{
    as_config config;
    as_config_init(&config);
    as_config_add_host(&config, FUZZ_NODE_HOST, FUZZ_NODE_PORT);
    tnd_resolver* resolver = tnd_resolver_new(bed.loop);
    bed.tender = tnd_tender_start(bed.loop, &config, &bed.member, resolver, &tender_handler, NULL);
    must(bed.tender);
    for (int i = 0; i < SLICES; i++) {
        sim_world_run_for(bed.world, i < SLICES / 2 ? 200 : SECOND);
        check_map(&bed.map, (uint32_t)i);
    }
    check_map(&bed.map, 0);
    check_truth(&bed.map);
    tnd_tender_stop(bed.tender);
    tnd_resolver_free(resolver);
    as_config_destroy(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const tnd_map_config map_config = {
        .nodes_capacity = NODES,
        .namespaces_capacity = NAMESPACES,
        .workers_capacity = 1,
        .identity = "fuzz",
        .nonce = 1,
        .unix_now = 1800000000,
    };
    as_error err;
    tnd_owner_view view;
    bed.input = data;
    bed.size = size;
    bed.world = sim_world_new(1);
    bed.loop = sim_loop_new(bed.world, "worker");
    fuzz_node* node = fuzz_node_new(bed.world, &node_handler, NULL);
    must(tnd_map_open(&bed.map, &map_config, as_error_init(&err)) == AEROSPIKE_OK);
    must(tnd_member_join(&bed.member, &bed.map, 1, 1, 1, 1000000, 1) == TND_JOIN_OK);
    tnd_owner_look(&bed.member, 1000000, 30000, &view);
    must(tnd_owner_take(&bed.member, &view, 1000000));
    run();
    sim_loop_usage left = sim_loop_used(bed.loop);
    must(left.fds_count == 0 && left.timers_count == 0 && left.tasks_count == 0);
    must(left.lookups_count == 0);
    tnd_member_leave(&bed.member, false);
    tnd_map_close(&bed.map);
    sim_world_free(bed.world);
    fuzz_node_free(node);
    return 0;
}
