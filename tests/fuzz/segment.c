/*
 * The shared segment. The input is a list of patches to a segment that was published as it should
 * be, or to zeroed memory; a process then attaches, routes, joins, takes the role if it may,
 * stamps, inherits and publishes, counts, and leaves; and another looks into it from outside.
 * Promises: whatever the memory holds, that process
 * gets an error or a map within bounds, and never crashes; a damaged map that it owns becomes
 * usable.
 *
 *     byte 0         what to start from, and what the kernel says (flags below)
 *     then           part of the segment (1), offset into it (2), length (1), bytes
 */
#include <string.h>
#include <sys/mman.h>

#include "async/tender.h"
#include "shm/inspect_int.h"
#include "shm/publish.h"
#include "shm/segment.h"
#include "shm/stats.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include "tests/sim/sim.h"

enum {
    NODES = 4,
    NAMESPACES = 2,
    WORKERS = 3,
    NOW_MS = 1000000, /* where virtual time begins */
    THRESHOLD_MS = 30000,
    GUARD_BYTES = 4 << 20
};

enum {
    FROM_ZERO = 1,
    OTHERS_ARE_GONE = 2, /* their mutexes are free */
    IS_READ_ONLY = 4,
    IS_TENDED = 8 /* by us, if we may own */
};

static struct {
    uint8_t* memory;
    uint8_t* valid; /* the published segment */
    size_t size;
    size_t parts[8]; /* where they begin */
    uint8_t flags;
    const tnd_seg_slot* theirs; /* of a process that lives, unless OTHERS_ARE_GONE */
    const tnd_seg_slot* ours;
    bool is_removed;
} kernel;

/* ---- a kernel with one segment ---- */

static int kernel_create(void* ctx, int key, size_t size, uint32_t mode)
{
    (void)ctx;
    (void)key;
    (void)mode;
    (void)size;
    return -ENOSPC;
}

static int kernel_find(void* ctx, int key)
{
    (void)ctx;
    (void)key;
    return kernel.is_removed ? -ENOENT : 7;
}

static void* kernel_attach(void* ctx, int id, bool read_only, int* ret_error)
{
    (void)ctx;
    (void)id;
    *ret_error = EACCES;
    return (kernel.flags & IS_READ_ONLY) && !read_only ? NULL : kernel.memory;
}

static void kernel_detach(void* ctx, void* base)
{
    (void)ctx;
    must(base == kernel.memory);
}

static int kernel_stat(void* ctx, int id, tnd_shm_stat* ret_stat)
{
    (void)ctx;
    (void)id;
    *ret_stat = (tnd_shm_stat){
        .size = kernel.size, .mode = 0600, .attached = 2, .is_removed = kernel.is_removed};
    return 0;
}

static int kernel_remove(void* ctx, int id)
{
    (void)ctx;
    (void)id;
    kernel.is_removed = true;
    return 0;
}

static void kernel_protect(void* ctx, void* start, size_t size, bool writable)
{
    (void)ctx;
    (void)writable;
    const uint8_t* at = start;
    must(at >= kernel.memory && size <= kernel.size);
    must(at + size == kernel.memory + kernel.size);
}

static bool is_theirs(const tnd_seg_slot* slot)
{
    return slot == kernel.theirs && !(kernel.flags & OTHERS_ARE_GONE);
}

static int kernel_life_start(void* ctx, tnd_seg_slot* slot)
{
    (void)ctx;
    if (is_theirs(slot)) {
        return EBUSY;
    }
    kernel.ours = slot;
    return 0;
}

static bool kernel_life_end(void* ctx, tnd_seg_slot* slot)
{
    (void)ctx;
    must(slot == kernel.ours);
    kernel.ours = NULL;
    return true;
}

static bool kernel_life_gone(void* ctx, tnd_seg_slot* slot)
{
    (void)ctx;
    const uint8_t* at = (const uint8_t*)slot;
    must(at >= kernel.memory && at + sizeof(*slot) <= kernel.memory + kernel.size);
    return slot != kernel.ours && !is_theirs(slot);
}

static const tnd_shm_ops kernel_ops = {
    .create = kernel_create,
    .find = kernel_find,
    .attach = kernel_attach,
    .detach = kernel_detach,
    .stat = kernel_stat,
    .remove = kernel_remove,
    .protect = kernel_protect,
    .life_start = kernel_life_start,
    .life_end = kernel_life_end,
    .life_gone = kernel_life_gone,
};

static const tnd_shm_sys kernel_sys = {.ops = &kernel_ops};

/* ---- a segment as it should be ---- */

static as_status open_map(tnd_map* map, as_error* err)
{
    const tnd_map_config config = {
        .use_shm = true,
        .key = 1,
        .mode = 0600,
        .nodes_capacity = NODES,
        .namespaces_capacity = NAMESPACES,
        .workers_capacity = WORKERS,
        .identity = "cluster_name=fuzz",
        .nonce = 0x1122334455667788,
        .unix_now = 1800000000,
        .sys = &kernel_sys,
    };
    return tnd_map_open(map, &config, as_error_init(err));
}

static void publish_valid(tnd_member* member)
{
    tnd_dir_head head = {.published_ms = NOW_MS, .nodes_count = 3, .namespaces_count = NAMESPACES};
    tnd_node_rec nodes[NODES + 1] = {{0}};
    tnd_ns_rec namespaces[NAMESPACES] = {{.name = "test", .table = 0, .replicas = 2},
                                         {.name = "bar", .table = 1, .replicas = 3, .flags = 1}};
    for (uint32_t i = 1; i <= head.nodes_count; i++) {
        nodes[i] = (tnd_node_rec){.state = TND_NODE_ACTIVE,
                                  .generation = 100 + i,
                                  .addrs_count = 1,
                                  .addrs = {{.family = TND_FAMILY_INET,
                                             .port = (uint16_t)(3000 + i),
                                             .bytes = {127, 0, 0, 1}}}};
        snprintf(nodes[i].name, sizeof(nodes[i].name), "BB90%u", i);
    }
    must(tnd_publish_directory(member, &head, nodes, namespaces) == TND_PUBLISH_OK);
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        uint32_t owners[TND_REPLICAS_MAX] = {1 + p % 3, 1 + (p + 1) % 3, 1 + (p + 2) % 3};
        must(tnd_publish_regime(member, 1, p, 5) == TND_PUBLISH_OK);
        must(tnd_publish_word(member, 0, p, owners, 0) == TND_PUBLISH_OK);
        must(tnd_publish_word(member, 1, p, owners, 0) == TND_PUBLISH_OK);
    }
}

static void kernel_init(void)
{
    tnd_map map;
    tnd_member member;
    tnd_owner_view view;
    as_error err;
    tnd_seg_shape shape;
    tnd_segment_shape(NODES, NAMESPACES, WORKERS, TND_ARENAS, &shape);
    kernel.size = shape.size;
    const size_t parts[] = {0,
                            TND_PAGE_BYTES,
                            shape.slots_offset,
                            shape.shares_offset,
                            shape.stats_offset,
                            shape.map_offset,
                            shape.arenas_offset,
                            shape.tables_offset};
    memcpy(kernel.parts, parts, sizeof(parts));
    /* What lies behind it can't be read. */
    kernel.memory =
        mmap(NULL, kernel.size + GUARD_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(kernel.memory != MAP_FAILED);
    must(mprotect(kernel.memory, kernel.size, PROT_READ | PROT_WRITE) == 0);
    kernel.valid = malloc(kernel.size);
    must(kernel.valid);
    must(open_map(&map, &err) == AEROSPIKE_OK);
    must(tnd_member_join(&member, &map, 1, 1, 1, NOW_MS, 1) == TND_JOIN_OK);
    tnd_owner_look(&member, NOW_MS, THRESHOLD_MS, &view);
    must(tnd_owner_take(&member, &view, NOW_MS));
    publish_valid(&member);
    memcpy(kernel.valid, kernel.memory, kernel.size); /* as its owner's death would leave it */
    kernel.theirs = kernel.ours;
    tnd_map_close(&map);
}

static void kernel_load(fuzz_script* script)
{
    kernel.flags = fuzz_script_byte(script);
    kernel.ours = NULL;
    kernel.is_removed = false;
    if (kernel.flags & FROM_ZERO) {
        memset(kernel.memory, 0, kernel.size);
    } else {
        memcpy(kernel.memory, kernel.valid, kernel.size);
    }
    while (!fuzz_script_is_over(script)) {
        size_t offset = kernel.parts[fuzz_script_byte(script) % 8];
        offset = (offset + fuzz_script_number(script, 2)) % kernel.size;
        size_t size;
        const uint8_t* bytes = fuzz_script_bytes(script, fuzz_script_byte(script), &size);
        size = size < kernel.size - offset ? size : kernel.size - offset;
        if (size > 0) {
            memcpy(kernel.memory + offset, bytes, size);
        }
    }
}

/* ---- what a process does with it ---- */

static void check_directory(const tnd_map* map)
{
    must(map->dir.nodes_count <= NODES && map->dir.namespaces_count <= NAMESPACES);
    for (uint32_t i = 0; i <= TND_NODES_MAX; i++) {
        const tnd_node_rec* node = tnd_map_node(map, i);
        if (node) {
            must(i >= 1 && i <= NODES);
            must(node->addrs_count >= 1 && node->addrs_count <= TND_NODE_ADDRS_MAX);
            must(memchr(node->name, 0, sizeof(node->name)));
            must(memchr(node->tls_name, 0, sizeof(node->tls_name)));
        }
    }
}

static void check_routes(tnd_map* map)
{
    for (uint32_t i = 0; i < map->dir.namespaces_count; i++) {
        const tnd_ns_rec* ns = &map->namespaces[i];
        must(memchr(ns->name, 0, sizeof(ns->name)));
        must(ns->table < NAMESPACES && ns->replicas >= 1 && ns->replicas <= TND_REPLICAS_MAX);
        must(ns->name[0] == '\0' || tnd_map_namespace(map, ns->name));
        for (uint32_t p = 0; p < TND_PARTITIONS; p += 64) {
            uint64_t word = tnd_map_word(map, ns->table, p);
            for (uint32_t c = 0; c < TND_REPLICAS_MAX; c++) {
                tnd_map_node(map, tnd_word_node(word, c));
            }
        }
    }
    must(!tnd_map_namespace(map, "no such namespace"));
}

static void check_map(tnd_map* map)
{
    tnd_map_refresh(map);
    tnd_map_is_current(map);
    tnd_map_is_removed(map);
    check_directory(map);
    check_routes(map);
}

static void on_event(void* udata)
{
    (void)udata;
}

static void on_event_error(void* udata, as_error* err)
{
    (void)udata;
    must(err->message[0] != '\0');
}

static const tnd_tender_handler tender_handler = {
    .on_published = on_event,
    .on_no_seeds = on_event_error,
    .on_directory = on_event,
    .on_fenced = on_event,
    .on_exhausted = on_event_error,
};

/* What the memory held goes through the view and comes out again; no node answers. */
static void tend(tnd_member* member)
{
    sim_world* world = sim_world_new(1);
    tnd_loop* loop = sim_loop_new(world, "worker");
    as_config config;
    as_config_init(&config);
    as_config_add_host(&config, "127.0.0.1", 3000);
    tnd_resolver* resolver = tnd_resolver_new(loop);
    tnd_tender* tender = tnd_tender_start(loop, &config, member, resolver, &tender_handler, NULL);
    must(tender);
    sim_world_run_for(world, 6000000); /* all nodes are given up */
    check_map(member->map);
    tnd_tender_stop(tender);
    tnd_resolver_free(resolver);
    sim_loop_usage left = sim_loop_used(loop);
    must(left.fds_count == 0 && left.timers_count == 0 && left.tasks_count == 0);
    as_config_destroy(&config);
    sim_world_free(world);
}

/* An owner makes a damaged map right: what is published after it has stamped all is what is read.
 */
static void own(tnd_member* member)
{
    uint32_t cursor = 0;
    tnd_publish outcome;
    while ((outcome = tnd_publish_restamp(member, &cursor, 1000)) == TND_PUBLISH_MORE) {}
    must(outcome == TND_PUBLISH_OK);
    check_map(member->map);
    if (kernel.flags & IS_TENDED) {
        tend(member);
    }
    tnd_dir_head head = {.nodes_count = 1, .namespaces_count = 1};
    tnd_node_rec nodes[2] = {{0},
                             {.state = TND_NODE_ACTIVE,
                              .addrs_count = 1,
                              .addrs = {{.family = TND_FAMILY_INET, .port = 1}},
                              .name = "A1"}};
    tnd_ns_rec namespaces[1] = {{.name = "test", .replicas = 1}};
    uint32_t owners[TND_REPLICAS_MAX] = {1, 0, 0};
    outcome = tnd_publish_directory(member, &head, nodes, namespaces);
    if (outcome == TND_PUBLISH_NO_ARENA) {
        return; /* claims of workers that may live */
    }
    must(outcome == TND_PUBLISH_OK);
    must(tnd_publish_word(member, 0, 9, owners, 0) == TND_PUBLISH_OK);
    must(tnd_map_refresh(member->map) && tnd_map_namespace(member->map, "test"));
    must(strcmp(tnd_map_node(member->map, 1)->name, "A1") == 0);
    must(tnd_word_node(tnd_map_word(member->map, 0, 9), 0) == 1);
}

/* What it holds at first only makes the figures senseless. */
static void count(tnd_member* member)
{
    tnd_stats* stats = member->stats;
    tnd_host_counters host;
    tnd_stats_command(stats, TND_COMMAND_READ, AEROSPIKE_OK, false, 100);
    tnd_stats_timeout(stats, TND_TIMEOUT_REPLY, NODES);
    must(tnd_stats_read_host(member->map, NOW_MS + 1000, &host));
    must(host.workers_count <= WORKERS && host.live_count <= host.workers_count);
    if (stats->is_shared) {
        tnd_counters own;
        tnd_gauges gauges;
        tnd_stats_read_own(stats, &own, &gauges);
        must(own.commands[TND_COMMAND_READ][TND_RESULT_OK] == 1 &&
             own.timeouts[TND_TIMEOUT_REPLY] == 1);
        must(tnd_histogram_count(&own.latency[TND_LATENCY_READ]) == 1);
    }
    tnd_host_counters_done(&host);
}

static void live(tnd_map* map)
{
    tnd_member member;
    tnd_stats stats = {.at = NULL};
    tnd_owner_view view;
    uint64_t bits[(TND_NODES_MAX + 1) / 64];
    tnd_join join = tnd_member_join(&member, map, 42, 2, 1, NOW_MS + 1000, 1);
    must((join == TND_JOIN_OK) == (member.slot < WORKERS));
    must(!(kernel.flags & IS_READ_ONLY) || join == TND_JOIN_READ_ONLY);
    tnd_stats_attach(&stats, &member);
    count(&member);
    tnd_owner_is_seedless(map);
    tnd_owner_look(&member, NOW_MS + 1000, THRESHOLD_MS, &view);
    must(view.slot == TND_MEMBER_NONE || view.slot < WORKERS);
    tnd_member_has_fresh_peers(&member);
    tnd_tend_ask(map, 3);
    if (view.state == TND_OWNER_VACANT || view.state == TND_OWNER_DEAD ||
        view.state == TND_OWNER_EXPIRED) {
        if (tnd_owner_take(&member, &view, NOW_MS + 1000)) {
            must(tnd_owner_is_self(&member) && tnd_owner_beat(&member, NOW_MS + 1001));
            own(&member);
            tnd_tend_take(map, bits);
        }
    }
    tnd_member_leave(&member, true);
    tnd_stats_done(&stats);
    must(!kernel.ours);
}

static void check_text(const char* text, size_t size)
{
    must(memchr(text, 0, size));
    for (; *text; text++) {
        must(*text >= 0x20 && *text <= 0x7e);
    }
}

static void look_from_outside(void)
{
    tnd_inspection seen;
    as_error err;
    if (tnd_inspect_read_sys(&kernel_sys, 7, NOW_MS, &seen, as_error_init(&err)) != AEROSPIKE_OK) {
        must(err.message[0] != '\0');
        return;
    }
    must(seen.is_readable || seen.problems_count > 0);
    for (uint32_t i = 0; i < seen.problems_count; i++) {
        check_text(seen.problems[i], sizeof(seen.problems[i]));
    }
    check_text(seen.identity, sizeof(seen.identity));
    check_text(seen.cluster_name, sizeof(seen.cluster_name));
    for (uint32_t i = 0; i < seen.nodes_count; i++) {
        check_text(seen.nodes[i].name, sizeof(seen.nodes[i].name));
        must(seen.nodes[i].index >= 1 && seen.nodes[i].index <= NODES);
    }
    for (uint32_t i = 0; i < seen.namespaces_count; i++) {
        check_text(seen.namespaces[i].name, sizeof(seen.namespaces[i].name));
        for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
            must(seen.namespaces[i].owners[p][0] <= NODES);
        }
    }
    tnd_inspect_done(&seen);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    tnd_map map;
    as_error err;
    fuzz_script script = {.at = data, .left = size};
    if (!kernel.memory) {
        kernel_init();
    }
    kernel_load(&script);
    look_from_outside();
    if (open_map(&map, &err) != AEROSPIKE_OK) {
        must(err.code != AEROSPIKE_OK && err.message[0] != '\0');
        return 0;
    }
    check_map(&map);
    live(&map);
    tnd_map_close(&map);
    return 0;
}
