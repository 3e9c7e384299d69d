/*
 * What must hold at each step, and what must be so again when the faults have stopped.
 */
#include <stdlib.h>
#include <string.h>

#include "async/worker.h"
#include "core/mem.h"
#include "shm/segment.h"
#include "tests/sim/world.h"

/* A follower hears of a new directory at once, or by its tick of a second. */
#define BEHIND_US_MAX (1000 * MS)
/* A follower learns of its owner's end at once. */
#define VACANT_US_MAX (250 * MS)
/* Of an owner that hangs, by its tick. */
#define EXPIRED_US_MAX (1000 * MS)
#define OFTEN_US (20 * MS)
/* Of all processes together: views, maps, buffers. */
#define BYTES_MAX (64ll << 20)

#define BIT(point) (1ull << TND_POINT_##point)

/* ---- the segment, seen from outside ---- */

typedef struct segment_parts {
    tnd_seg_control* control;
    tnd_seg_map* map;
    uint8_t* arenas;
    tnd_seg_table* tables;
    size_t arena_bytes;
} segment_parts;

static segment_parts parts_of(const world* w, uint8_t* base)
{
    tnd_seg_shape shape;
    tnd_segment_shape(w->shm_nodes, WORLD_SHM_NAMESPACES, TND_WORKERS_DEFAULT, TND_ARENAS, &shape);
    return (segment_parts){
        .control = (tnd_seg_control*)(void*)(base + TND_PAGE_BYTES),
        .map = (tnd_seg_map*)(void*)(base + shape.map_offset),
        .arenas = base + shape.arenas_offset,
        .tables = (tnd_seg_table*)(void*)(base + shape.tables_offset),
        .arena_bytes = shape.arena_bytes,
    };
}

static uint64_t hash_bytes(uint64_t hash, const void* bytes, size_t size)
{
    const uint64_t* words = bytes;
    for (size_t i = 0; i < size / 8; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    return hash;
}

static uint64_t hash_directory(const tnd_dir_head* head, const tnd_node_rec* nodes,
                               const tnd_ns_rec* namespaces)
{
    uint64_t hash = hash_bytes(1, head, sizeof(*head));
    for (uint32_t i = 0; i < head->nodes_count; i++) {
        if (nodes[i].state == TND_NODE_ACTIVE &&
            nodes[i].addrs_count > 0) { /* the others are unused */
            hash = hash_bytes(hash ^ i, &nodes[i], sizeof(*nodes));
        }
    }
    return hash_bytes(hash, namespaces, head->namespaces_count * sizeof(*namespaces));
}

/* Another segment has the key now: begin anew with what it holds. */
static bool watch_follow(world* w)
{
    segment_watch* watch = &w->watch;
    int id = sim_shm_id(w->shm, WORLD_KEY);
    uint8_t* base = sim_shm_peek(w->shm, WORLD_KEY);
    if (!base) {
        watch->base = NULL;
        return false;
    }
    if (watch->base == base && watch->id == id) {
        return true;
    }
    tnd_seg_table* tables = watch->tables;
    memset(watch, 0, sizeof(*watch));
    watch->base = base;
    watch->id = id;
    watch->tables = tables;
    memset(tables, 0, WORLD_SHM_NAMESPACES * sizeof(*tables));
    return true;
}

static void check_owner(world* w, const segment_parts* parts)
{
    segment_watch* watch = &w->watch;
    uint64_t word = atomic_load(&parts->control->owner);
    uint32_t term = (uint32_t)(word >> 32);
    if (term < watch->term) {
        world_fail(w, "the owner's term went back from %u to %u", watch->term, term);
    }
    if (term > watch->term) {
        watch->owners[term % CHECK_OWNERS_MAX] = w->point_process;
        watch->take_count = watch->tables_count;
        w->stats->takeovers++;
    }
    watch->term = term;
}

static void check_store(world* w, uint64_t before, uint64_t after, const char* what, unsigned at)
{
    uint32_t term = (uint32_t)(after >> 32);
    if (term < (uint32_t)(before >> 32)) {
        world_fail(w, "%s overwrote term %u of %s %u with its own, %u", w->point_process->name,
                   (unsigned)(before >> 32), what, at, term);
    }
    if (w->watch.owners[term % CHECK_OWNERS_MAX] != w->point_process) {
        world_fail(w, "%s stored to %s %u with term %u, which isn't its own",
                   w->point_process->name, what, at, term);
    }
}

/* A new owner's first store of another kind: it has stamped all that its predecessors published.
 * From now on none of them may get through there. */
static void note_stamped(world* w, uint64_t points)
{
    segment_watch* watch = &w->watch;
    bool is_before =
        points & BIT(OWNER_TAKE); /* stores of its last term, in the turn of the take */
    if (!is_before && (points & (BIT(WORD) | BIT(SELECT) | BIT(ARENA_STORE))) &&
        watch->owners[watch->term % CHECK_OWNERS_MAX] == w->point_process) {
        watch->stamped_term = watch->term;
        watch->stamped_count = watch->take_count;
    }
}

static void check_words(world* w, unsigned table, tnd_word* before, const tnd_word* after,
                        const char* what)
{
    if (memcmp((const void*)before, (const void*)after, TND_PARTITIONS * sizeof(*after)) == 0) {
        return;
    }
    for (unsigned i = 0; i < TND_PARTITIONS; i++) {
        uint64_t now = atomic_load(&after[i]);
        uint64_t then = atomic_load(&before[i]);
        if (now != then) {
            check_store(w, then, now, what, i);
            if (table < w->watch.stamped_count && (uint32_t)(now >> 32) < w->watch.stamped_term) {
                world_fail(w, "%s stored to %s %u with term %u after term %u had stamped it",
                           w->point_process->name, what, i, (unsigned)(now >> 32),
                           w->watch.stamped_term);
            }
            atomic_store(&before[i], now);
        }
    }
}

static void check_selector(world* w, const segment_parts* parts)
{
    segment_watch* watch = &w->watch;
    uint64_t selector = atomic_load(&parts->map->selector);
    if (selector == watch->selector) {
        return;
    }
    check_store(w, watch->selector, selector, "selector", 0);
    bool is_restamped = (selector & 0xffffffff) == (watch->selector & 0xffffffff);
    watch->selector = selector;
    if (is_restamped) {
        return;
    }
    const uint8_t* arena = parts->arenas + ((selector >> 24 & 0xff) - 1) * parts->arena_bytes;
    const tnd_dir_head* head = (const void*)arena;
    const tnd_node_rec* nodes = (const void*)(arena + sizeof(*head));
    const tnd_ns_rec* namespaces = (const void*)(nodes + w->shm_nodes);
    watch->tables_count = head->namespaces_count;
    watch->hashes[selector & 0xff] = hash_directory(head, nodes, namespaces);
    watch->hash_selectors[selector & 0xff] = selector & 0xffffffff;
}

static void check_segment(world* w)
{
    uint64_t points = w->points;
    w->points = 0;
    if (!w->use_shm || !watch_follow(w)) {
        return;
    }
    segment_parts parts = parts_of(w, w->watch.base);
    if (points & (BIT(OWNER_TAKE) | BIT(OWNER_RELEASE) | BIT(OWNER_RETIRE))) {
        check_owner(w, &parts);
    }
    if (points & (BIT(RESTAMP_SELECTOR) | BIT(SELECT))) {
        check_selector(w, &parts);
    }
    note_stamped(w, points);
    for (unsigned i = 0; i < WORLD_SHM_NAMESPACES; i++) {
        if (points & (BIT(RESTAMP_WORD) | BIT(WORD))) {
            check_words(w, i, w->watch.tables[i].words, parts.tables[i].words, "partition");
        }
        if (points & (BIT(RESTAMP_REGIME) | BIT(REGIME))) {
            check_words(w, i, w->watch.tables[i].regimes, parts.tables[i].regimes,
                        "regime of partition");
        }
    }
}

/* ---- one process' copy of the directory ---- */

static void check_copy(process* p, const tnd_map* map)
{
    const segment_watch* watch = &p->w->watch;
    uint64_t at = map->dir_selector & 0xff;
    if (map->shm_id != watch->id || map->dir_selector == 0 ||
        watch->hash_selectors[at] != map->dir_selector) {
        return; /* of a segment that was removed */
    }
    if (hash_directory(&map->dir, &map->nodes[1], map->namespaces) != watch->hashes[at]) {
        world_fail(p->w, "%s has a torn copy of directory %llx", p->name,
                   (unsigned long long)map->dir_selector);
    }
}

static void check_map(process* p)
{
    tnd_engine* engine = process_engine(p);
    if (!engine || !process_is_running(p) || !p->w->use_shm || !p->w->watch.base) {
        p->behind_us = 0;
        return;
    }
    const tnd_map* map = tnd_worker_map(engine->worker);
    if (map->dir_version != p->dir_version) {
        p->dir_version = map->dir_version;
        check_copy(p, map);
    }
    bool is_published = p->w->watch.selector & 0xff000000;
    bool is_behind = map->shm_id == p->w->watch.id && is_published && !tnd_map_is_current(map);
    uint64_t now_us = world_now_us(p->w);
    if (!is_behind) {
        p->behind_us = 0;
    } else if (p->behind_us == 0) {
        p->behind_us = now_us;
    } else if (now_us - p->behind_us > BEHIND_US_MAX + 2 * p->late_us_max + 10 * MS) {
        world_fail(p->w, "%s has had an old directory for %llu us", p->name,
                   (unsigned long long)(now_us - p->behind_us));
    }
}

/* ---- pools, limits ---- */

static void check_pool(process* p)
{
    tnd_engine* engine = process_engine(p);
    if (!engine || !process_is_running(p)) {
        return;
    }
    if (p->batch_count == 0 &&
        engine->running.count + engine->queued.count + engine->waiting.count != p->open_count) {
        world_fail(p->w, "%s has %u commands running, %u queued and %u waiting, but %u are open",
                   p->name, engine->running.count, engine->queued.count, engine->waiting.count,
                   p->open_count);
    }
    for (uint32_t i = 1; engine->pool.nodes && i <= engine->pool.nodes_capacity; i++) {
        const tnd_node* node = engine->pool.nodes[i];
        if (node && node->links_count > engine->pool.limits.links_max) {
            world_fail(p->w, "%s has %u connections to node %s, %u are allowed", p->name,
                       node->links_count, node->name, engine->pool.limits.links_max);
        }
    }
}

/* ---- somebody tends ---- */

/* Faults under which nobody may be able to. */
static bool may_be_untended(world* w)
{
    return !w->use_shm || !watch_follow(w) || w->is_enabled[FAULT_PROCESS_FDS] ||
           w->is_enabled[FAULT_MEMORY] || w->is_enabled[FAULT_PROCESS_DRAIN] ||
           w->is_enabled[FAULT_SEGMENT_REMOVE] || w->is_enabled[FAULT_SEGMENT_REFUSE];
}

/* The one who could have tended longest, and how late its loop is. */
static uint64_t first_candidate_us(world* w, uint64_t* ret_late_us)
{
    uint64_t now_us = world_now_us(w);
    uint64_t first_us = now_us;
    *ret_late_us = 0;
    for (unsigned i = 0; i < w->slots_count; i++) {
        process* p = w->slots[i];
        if (!p || !process_is_running(p) || !process_engine(p)) {
            if (p) {
                p->candidate_us = 0;
            }
            continue;
        }
        p->candidate_us = p->candidate_us ? p->candidate_us : now_us;
        if (p->candidate_us < first_us) {
            first_us = p->candidate_us;
            *ret_late_us = p->late_us_max;
        }
    }
    return first_us;
}

static void check_tended(world* w)
{
    uint64_t late_us;
    uint64_t now_us = world_now_us(w);
    uint64_t candidate_us = first_candidate_us(w, &late_us);
    if (may_be_untended(w)) {
        return;
    }
    uint64_t word = atomic_load(&parts_of(w, w->watch.base).control->owner);
    const process* owner =
        word & TND_OWNER_SLOT_MASK ? w->watch.owners[(word >> 32) % CHECK_OWNERS_MAX] : NULL;
    if (owner && process_is_running(owner)) {
        w->untended_us = 0;
        return;
    }
    if (w->untended_us == 0 || w->untended_word != word) { /* perhaps it did for a moment */
        w->untended_us = now_us;
        w->untended_word = word;
    }
    bool is_stopped = owner && process_is_alive(owner);
    uint64_t since_us = candidate_us > w->untended_us ? candidate_us : w->untended_us;
    uint64_t limit_us = 4 * late_us + 2 * OFTEN_US +
                        (is_stopped ? w->threshold_sec * SECOND + EXPIRED_US_MAX : VACANT_US_MAX);
    if (now_us - since_us > limit_us) {
        world_fail(w, "nobody has tended for %llu us: the last one, %s, is %s",
                   (unsigned long long)(now_us - since_us), owner ? owner->name : "unknown",
                   owner ? process_state_name(owner->state) : "gone");
    }
    if (!is_stopped && now_us - since_us > w->stats->vacancy_us_max) {
        w->stats->vacancy_us_max = now_us - since_us;
    }
}

void check_often(world* w)
{
    if (world_now_us(w) < w->often_us) {
        return;
    }
    w->often_us = world_now_us(w) + OFTEN_US;
    for (unsigned i = 0; i < w->slots_count; i++) {
        if (w->slots[i]) {
            check_pool(w->slots[i]);
        }
    }
    load_check_limits(w);
    check_tended(w);
    if (tnd_mem_bytes() > BYTES_MAX) {
        world_fail(w, "%lld bytes in use", (long long)tnd_mem_bytes());
    }
}

void check_step(world* w)
{
    if (w->points) {
        check_segment(w);
    }
    for (unsigned i = 0; i < w->slots_count; i++) {
        if (w->slots[i]) {
            check_map(w->slots[i]);
        }
    }
    check_often(w);
}

/* ---- after the faults ---- */

static int truth_of_node(const mc_cluster* mc, const tnd_node_rec* node)
{
    for (int i = 0; node && i < mc_node_count(mc); i++) {
        char id[20];
        mc_node_name(mc, i, id);
        if (mc_node_is_member(mc, i) && strcmp(id, node->name) == 0 &&
            mc_node_port(mc, i) == node->addrs[0].port) {
            return i;
        }
    }
    return -1;
}

static bool space_is_true(const world* w, const tnd_map* map, const char* space, char* ret_why,
                          size_t size)
{
    const mc_cluster* mc = sim_cluster_mc(w->cluster);
    const tnd_ns_rec* record = tnd_map_namespace(map, space);
    int truth[TND_WORD_NODE_MASK + 1];
    if (!record) {
        snprintf(ret_why, size, "no namespace %s", space);
        return false;
    }
    for (uint32_t i = 0; i <= TND_WORD_NODE_MASK; i++) {
        truth[i] = truth_of_node(mc, tnd_map_node(map, i));
    }
    for (uint32_t i = 0; i < TND_PARTITIONS; i++) {
        uint64_t word = tnd_map_word(map, record->table, i);
        for (uint32_t c = 0; c < TND_REPLICAS_MAX; c++) {
            int owner = mc_partition_owner(mc, space, (int)c, (int)i);
            /* What nobody claims stays with whom claimed it last. */
            if (owner >= 0 && truth[tnd_word_node(word, c)] != owner) {
                snprintf(ret_why, size, "%s partition %u column %u: node %d, should be %d", space,
                         i, c, truth[tnd_word_node(word, c)], owner);
                return false;
            }
        }
    }
    return true;
}

static bool nodes_are_true(const world* w, const tnd_map* map, char* ret_why, size_t size)
{
    const mc_cluster* mc = sim_cluster_mc(w->cluster);
    uint64_t found = 0;
    for (uint32_t i = 1; i <= map->dir.nodes_count; i++) {
        const tnd_node_rec* node = tnd_map_node(map, i);
        int truth = truth_of_node(mc, node);
        if (node && truth < 0) {
            snprintf(ret_why, size, "node %s isn't in the cluster", node->name);
            return false;
        }
        found |= node ? 1ull << truth : 0;
    }
    for (int i = 0; i < mc_node_count(mc); i++) {
        if (mc_node_is_member(mc, i) && !(found >> i & 1)) {
            char id[20];
            mc_node_name(mc, i, id);
            snprintf(ret_why, size, "node %d, %s on port %u, is missing", i, id,
                     mc_node_port(mc, i));
            return false;
        }
    }
    return true;
}

static bool process_is_converged(process* p, char* ret_why, size_t size)
{
    tnd_engine* engine = process_engine(p);
    if (!engine || p->state != PROCESS_OPEN) {
        snprintf(ret_why, size, "%s", process_state_name(p->state));
        return false;
    }
    const tnd_map* map = tnd_worker_map(engine->worker);
    if (!tnd_map_is_current(map)) {
        snprintf(ret_why, size, "its copy isn't current");
        return false;
    }
    bool is_true = nodes_are_true(p->w, map, ret_why, size);
    for (unsigned s = 0; is_true && s < WORLD_SPACES; s++) {
        is_true = space_is_true(p->w, map, world_space_name(s), ret_why, size);
    }
    return is_true;
}

bool check_converged(world* w, char* ret_why, size_t size)
{
    for (unsigned i = 0; i < w->slots_count; i++) {
        char why[160] = "no process";
        if (!w->slots[i] || !process_is_converged(w->slots[i], why, sizeof(why))) {
            snprintf(ret_why, size, "w%u: %s", i, why);
            return false;
        }
    }
    return true;
}

void check_process_left(const process* p)
{
    sim_loop_usage left = sim_loop_used(p->loop);
    if (left.fds_count || left.timers_count || left.tasks_count || left.lookups_count ||
        left.refs_count) {
        world_fail(p->w, "%s left %u descriptors, %u timers, %u tasks, %u look-ups, %d references",
                   p->name, left.fds_count, left.timers_count, left.tasks_count, left.lookups_count,
                   left.refs_count);
    }
}

void check_init(world* w)
{
    w->watch.tables = calloc(WORLD_SHM_NAMESPACES, sizeof(*w->watch.tables));
    if (!w->watch.tables) {
        abort();
    }
}

void check_done(world* w)
{
    free(w->watch.tables);
}
