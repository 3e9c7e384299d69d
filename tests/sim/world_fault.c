/*
 * Faults of the cluster and of the paths to it, and the schedule of all. Each function does one of
 * its kind to somebody at random, most for a while. The seed enables some of the kinds and sets
 * their pace, so that worlds differ in what they are about.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tests/sim/world_fault.h"

/* ---- whom it hits, and for how long ---- */

bool world_control(world* w, const char* format, ...)
{
    char line[160];
    char reply[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    world_tell(w, "cluster: %s", line);
    bool is_done = sim_cluster_try(w->cluster, line, reply, sizeof(reply));
    if (!is_done) {
        world_tell(w, "cluster: refused: %s", reply);
    }
    return is_done;
}

static unsigned living_nodes(const world* w)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MC_NODES_MAX; i++) {
        count += w->nodes[i].is_used && !w->nodes[i].is_dead;
    }
    return count;
}

static unsigned used_nodes(const world* w)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MC_NODES_MAX; i++) {
        count += w->nodes[i].is_used;
    }
    return count;
}

/* A living node, from `first` on; MC_NODES_MAX if there is none. */
static unsigned any_node(world* w, unsigned first)
{
    unsigned found = MC_NODES_MAX;
    uint64_t seen = 0;
    for (unsigned i = first; i < MC_NODES_MAX; i++) {
        if (w->nodes[i].is_used && !w->nodes[i].is_dead && world_below(w, ++seen) == 0) {
            found = i;
        }
    }
    return found;
}

process* fault_any_process(world* w)
{
    process* found = NULL;
    uint64_t seen = 0;
    for (unsigned i = 0; i < w->slots_count; i++) {
        if (process_is_running(w->slots[i]) && world_below(w, ++seen) == 0) {
            found = w->slots[i];
        }
    }
    return found;
}

/* Mostly short, sometimes long. */
uint64_t fault_while_us(world* w)
{
    static const uint64_t limits_ms[] = {50, 300, 2000, 8000};
    return (1 + world_below(w, limits_ms[world_below(w, 4)])) * MS;
}

/* ---- nodes that come and go ---- */

static void on_node_back(world* w, uint64_t node, uint64_t how)
{
    if (!w->nodes[node].is_used || !w->nodes[node].is_dead) {
        return;
    }
    char more[48] = "";
    if (how == 1) {
        snprintf(more, sizeof(more), " id=BB9%06llX", (unsigned long long)world_below(w, 1 << 24));
    } else if (how == 2) {
        snprintf(more, sizeof(more), " port=%u", w->port_next++);
    }
    if (world_control(w, "restart %u%s", (unsigned)node, more)) {
        w->nodes[node].is_dead = false;
    }
}

/* `how`: 0 as it was, 1 with another id, 2 on another port. */
static bool node_down(world* w, uint64_t how, uint64_t delay_us)
{
    unsigned node = any_node(w, how == 2 ? WORLD_SEED_NODES : 0);
    if (node == MC_NODES_MAX || living_nodes(w) < 2) {
        return false;
    }
    if (!world_control(w, "kill %u%s", node, world_chance(w, 30) ? " noticed" : "")) {
        return false;
    }
    w->nodes[node].is_dead = true;
    w->nodes[node].is_cut = false;
    world_later(w, delay_us, on_node_back, node, how);
    return true;
}

static bool node_kill(world* w)
{
    return node_down(w, 0, fault_while_us(w) + fault_while_us(w));
}

static bool node_restart(world* w)
{
    return node_down(w, 0, world_below(w, 20 * MS));
}

static bool node_rename(world* w)
{
    return node_down(w, 1, fault_while_us(w));
}

static bool node_move(world* w)
{
    return node_down(w, 2, fault_while_us(w));
}

static bool node_add(world* w)
{
    if (used_nodes(w) >= WORLD_NODES_MAX) {
        return false;
    }
    if (!world_control(w, "add port=%u", w->port_next++)) {
        return false;
    }
    int after = mc_node_count(sim_cluster_mc(w->cluster));
    for (int i = 0; i < after; i++) {
        bool is_new = !w->nodes[i].is_used;
        bool is_there = mc_node_listening(sim_cluster_mc(w->cluster), i) != MC_LISTEN_GONE;
        if (is_new && is_there) {
            w->nodes[i] = (node_state){.is_used = true};
        }
    }
    return true;
}

static bool node_remove(world* w)
{
    unsigned node = any_node(w, WORLD_SEED_NODES);
    if (node == MC_NODES_MAX || living_nodes(w) < 3 || !world_control(w, "remove %u", node)) {
        return false;
    }
    w->nodes[node] = (node_state){0};
    return true;
}

static bool migrate(world* w)
{
    return world_control(w, "migrate %u", (unsigned)world_between(w, 50, 4000));
}

static void on_thaw(world* w, uint64_t a, uint64_t b)
{
    (void)a;
    (void)b;
    world_control(w, "freeze-map off");
}

static bool freeze(world* w)
{
    world_later(w, fault_while_us(w), on_thaw, 0, 0);
    return world_control(w, "freeze-map");
}

static void on_heal_cut(world* w, uint64_t node, uint64_t b)
{
    (void)b;
    if (w->nodes[node].is_cut) {
        w->nodes[node].is_cut = false;
        world_control(w, "join %u", (unsigned)node);
    }
}

static bool node_cut(world* w)
{
    unsigned node = any_node(w, 0);
    if (node == MC_NODES_MAX || living_nodes(w) < 2 || w->nodes[node].is_cut ||
        !world_control(w, "cut %u", node)) {
        return false;
    }
    w->nodes[node].is_cut = true;
    world_later(w, fault_while_us(w) + fault_while_us(w), on_heal_cut, node, 0);
    return true;
}

/* ---- nodes that hang ---- */

static void on_node_cont(world* w, uint64_t node, uint64_t b)
{
    (void)b;
    if (w->nodes[node].is_used) {
        world_control(w, "cont %u", (unsigned)node);
    }
}

static bool node_hang(world* w, const char* verb)
{
    unsigned node = any_node(w, 0);
    if (node == MC_NODES_MAX || !world_control(w, "%s %u", verb, node)) {
        return false;
    }
    world_later(w, fault_while_us(w), on_node_cont, node, 0);
    return true;
}

static bool node_stop(world* w)
{
    return node_hang(w, "stop");
}

static bool node_drop(world* w)
{
    return node_hang(w, "drop");
}

static bool node_refuse(world* w)
{
    return node_hang(w, "refuse");
}

/* ---- answers ---- */

static bool node_line(world* w, const char* format)
{
    unsigned node = any_node(w, 0);
    char line[96];
    char count[16];
    if (node == MC_NODES_MAX) {
        return false;
    }
    snprintf(count, sizeof(count), "%u", 1 + (unsigned)world_below(w, 6));
    snprintf(line, sizeof(line), format, node, count);
    return world_control(w, "%s", line);
}

static bool any_line(world* w, const char* const* formats, size_t count)
{
    return node_line(w, formats[world_below(w, count)]);
}

#define ANY_LINE(...)                                                                              \
    static const char* const formats[] = {__VA_ARGS__};                                            \
    return any_line(w, formats, sizeof(formats) / sizeof(formats[0]))

static bool node_slow(world* w)
{
    ANY_LINE("slow %u 20 %s", "slow %u 150 %s", "slow %u 700 %s", "slow %u 3000 %s");
}

static bool node_split(world* w)
{
    ANY_LINE("split %u %s", "split %u %s gap=1", "split %u %s gap=3");
}

static bool answer(world* w)
{
    ANY_LINE("answer %u 9 %s", "answer %u 9 %s applied", "answer %u 11 %s", "answer %u 14 %s",
             "answer %u 18 %s", "answer %u 22 %s");
}

static bool answer_info(world* w)
{
    ANY_LINE("answer %u 4 %s on=info", "answer %u 11 %s on=info");
}

static bool garbage(world* w)
{
    ANY_LINE("garbage %u version %s", "garbage %u type %s", "garbage %u oversize %s",
             "garbage %u huge %s", "garbage %u empty %s", "garbage %u short %s",
             "garbage %u truncated %s", "garbage %u header %s", "garbage %u counts %s",
             "garbage %u entry %s", "garbage %u field %s", "garbage %u trailing %s",
             "garbage %u random %s");
}

static bool garbage_info(world* w)
{
    ANY_LINE("garbage %u version %s on=info", "garbage %u oversize %s on=info",
             "garbage %u huge %s on=info", "garbage %u empty %s on=info",
             "garbage %u short %s on=info", "garbage %u truncated %s on=info",
             "garbage %u header %s on=info", "garbage %u trailing %s on=info",
             "garbage %u random %s on=info");
}

/* Nobody could tell an answer that comes twice from the next one's where connections are shared, or
 * where the second one comes late. */
static bool other(world* w)
{
    bool is_whole = !w->is_enabled[FAULT_NODE_SPLIT] && !w->is_enabled[FAULT_PATH_SPLIT] &&
                    !w->is_enabled[FAULT_PROCESS_SHORT];
    if (w->share_depth == 1 && is_whole && world_chance(w, 30)) {
        return node_line(w, "other %u twice %s");
    }
    ANY_LINE("other %u record %s", "other %u info %s", "other %u admin %s", "other %u batch %s");
}

static bool other_info(world* w)
{
    ANY_LINE("other %u record %s on=info", "other %u info %s on=info", "other %u admin %s on=info",
             "other %u twice %s on=info");
}

static bool mute(world* w)
{
    ANY_LINE("mute %u %s", "mute %u %s applied");
}

static bool mute_info(world* w)
{
    ANY_LINE("mute %u %s on=info");
}

static bool ending(world* w)
{
    ANY_LINE("reset %u %s", "reset %u %s applied", "close %u %s", "close %u %s applied",
             "halfclose %u %s", "halfclose %u %s applied", "reset %u %s on=info",
             "close %u %s on=info", "halfclose %u %s on=info");
}

static bool ending_all(world* w)
{
    ANY_LINE("reset %u", "close %u", "halfclose %u");
}

/* ---- paths: one process to one node ---- */

static sim_link* path(world* w, tnd_loop* loop, unsigned node)
{
    struct sockaddr_storage addr;
    uint16_t port = mc_node_port(sim_cluster_mc(w->cluster), (int)node);
    socklen_t size = sim_addr_inet(&addr, "127.0.0.1", port);
    return sim_net_link(w->sim, loop, (struct sockaddr*)&addr, size);
}

/* One process' path to a node, or everybody's. */
static sim_link* any_path(world* w, unsigned* ret_node)
{
    process* p = fault_any_process(w);
    *ret_node = any_node(w, 0);
    if (!p || *ret_node == MC_NODES_MAX) {
        return NULL;
    }
    return path(w, world_chance(w, 70) ? p->loop : NULL, *ret_node);
}

static bool latency(world* w)
{
    static const uint64_t limits_us[] = {200, 2000, 30000, 300000};
    unsigned node;
    sim_link* link = any_path(w, &node);
    if (!link) {
        return false;
    }
    link->latency_us_max = 50 + world_below(w, limits_us[world_below(w, 4)]);
    link->latency_us_min = world_below(w, link->latency_us_max);
    world_tell(w, "path to node %u: %llu to %llu us", node,
               (unsigned long long)link->latency_us_min, (unsigned long long)link->latency_us_max);
    return true;
}

static void on_path_clear(world* w, uint64_t link_address, uint64_t what)
{
    sim_link* link = (sim_link*)(uintptr_t)link_address;
    if (what == 0) {
        sim_link_set_black_hole(w->sim, link, false);
    } else if (what == 1) {
        link->is_refusing = false;
    } else {
        link->split_percent = 0;
    }
}

static bool path_hole(world* w)
{
    unsigned node;
    sim_link* link = any_path(w, &node);
    if (!link || link->is_black_hole) {
        return false;
    }
    world_tell(w, "a path to node %u is a black hole", node);
    sim_link_set_black_hole(w->sim, link, true);
    world_later(w, fault_while_us(w), on_path_clear, (uint64_t)(uintptr_t)link, 0);
    return true;
}

static bool path_refuse(world* w)
{
    unsigned node;
    sim_link* link = any_path(w, &node);
    if (!link) {
        return false;
    }
    world_tell(w, "a path to node %u refuses", node);
    link->is_refusing = true;
    world_later(w, fault_while_us(w), on_path_clear, (uint64_t)(uintptr_t)link, 1);
    return true;
}

static bool path_split(world* w)
{
    unsigned node;
    sim_link* link = any_path(w, &node);
    if (!link) {
        return false;
    }
    link->split_percent = 1 + (unsigned)world_below(w, 80);
    world_tell(w, "a path to node %u cuts %u %% of packets", node, link->split_percent);
    world_later(w, fault_while_us(w), on_path_clear, (uint64_t)(uintptr_t)link, 2);
    return true;
}

/* Paths of one process are clogged one after the other, then cleared in another order. */
static void on_clog(world* w, uint64_t link_address, uint64_t for_us)
{
    if (w->phase == WORLD_SAFETY) {
        sim_link_set_black_hole(w->sim, (sim_link*)(uintptr_t)link_address, true);
        world_later(w, for_us, on_path_clear, link_address, 0);
    }
}

static bool swizzle(world* w)
{
    process* p = fault_any_process(w);
    if (!p) {
        return false;
    }
    uint64_t span_us = fault_while_us(w);
    world_tell(w, "paths of %s are swizzle-clogged for %llu ms", p->name,
               (unsigned long long)(span_us / MS));
    for (unsigned i = 0; i < MC_NODES_MAX; i++) {
        if (w->nodes[i].is_used && !w->nodes[i].is_dead && world_chance(w, 70)) {
            uint64_t start_us = world_below(w, span_us / 2 + 1);
            uint64_t end_us = span_us / 2 + world_below(w, span_us / 2 + 1);
            world_later(w, start_us, on_clog, (uint64_t)(uintptr_t)path(w, p->loop, i),
                        end_us - start_us + 1);
        }
    }
    return true;
}

/* ---- the schedule ---- */

/* Those that aren't here are the host's. */
static const fault_fn fault_fns[FAULT_COUNT] = {
    [FAULT_NODE_KILL] = node_kill,
    [FAULT_NODE_RESTART] = node_restart,
    [FAULT_NODE_RENAME] = node_rename,
    [FAULT_NODE_MOVE] = node_move,
    [FAULT_NODE_ADD] = node_add,
    [FAULT_NODE_REMOVE] = node_remove,
    [FAULT_MIGRATE] = migrate,
    [FAULT_FREEZE] = freeze,
    [FAULT_NODE_CUT] = node_cut,
    [FAULT_NODE_STOP] = node_stop,
    [FAULT_NODE_DROP] = node_drop,
    [FAULT_NODE_REFUSE] = node_refuse,
    [FAULT_NODE_SLOW] = node_slow,
    [FAULT_NODE_SPLIT] = node_split,
    [FAULT_ANSWER] = answer,
    [FAULT_ANSWER_INFO] = answer_info,
    [FAULT_GARBAGE] = garbage,
    [FAULT_GARBAGE_INFO] = garbage_info,
    [FAULT_OTHER] = other,
    [FAULT_OTHER_INFO] = other_info,
    [FAULT_MUTE] = mute,
    [FAULT_MUTE_INFO] = mute_info,
    [FAULT_ENDING] = ending,
    [FAULT_ENDING_ALL] = ending_all,
    [FAULT_LATENCY] = latency,
    [FAULT_PATH_HOLE] = path_hole,
    [FAULT_PATH_REFUSE] = path_refuse,
    [FAULT_PATH_SPLIT] = path_split,
    [FAULT_SWIZZLE] = swizzle,
};

const char* world_fault_text(world_fault fault)
{
    static const char* const texts[] = {
#define WORLD_FAULT_TEXT(name, text) text,
        WORLD_FAULTS(WORLD_FAULT_TEXT)
#undef WORLD_FAULT_TEXT
    };
    return texts[fault];
}

static bool fault_run(world* w, world_fault kind)
{
    fault_fn fn = fault_fns[kind] ? fault_fns[kind] : fault_of_host(kind);
    return fn(w);
}

static void on_fault(world* w, uint64_t a, uint64_t b)
{
    (void)a;
    (void)b;
    if (w->phase != WORLD_SAFETY) {
        return;
    }
    fault_start(w);
    unsigned kind = (unsigned)world_below(w, FAULT_COUNT);
    for (unsigned i = 0; i < FAULT_COUNT && !w->is_enabled[kind]; i++) {
        kind = (kind + 1) % FAULT_COUNT;
    }
    if (w->is_enabled[kind] && fault_run(w, kind)) {
        w->stats->faults[kind]++;
    }
}

void fault_start(world* w)
{
    world_later(w, 1 + world_below(w, 2 * w->fault_gap_us), on_fault, 0, 0);
}

void fault_init(world* w)
{
    fault_names_set(w, 0, 500);
    for (unsigned i = 0; i < w->nodes_count; i++) {
        w->nodes[i].is_used = true;
    }
    w->port_next = WORLD_PORT + 100;
}

static void heal_process(process* p)
{
    sim_faults* faults = sim_loop_faults(p->loop);
    process_continue(p);
    *faults = (sim_faults){.fds_max = 1024, .window_bytes = 256 * 1024};
    p->must_drain = false;
}

static void heal_link(sim_link* link, void* udata)
{
    world* w = udata;
    link->latency_us_min = link->latency_us_max = 50;
    link->split_percent = 0;
    link->is_refusing = false;
    sim_link_set_black_hole(w->sim, link, false);
}

void fault_heal(world* w)
{
    tnd_mem_fail(0, 0);
    w->arm.action = ARM_NONE;
    sim_shm_refuse(w->shm, 0, 0);
    fault_names_set(w, 0, 500);
    sim_net_each_link(w->sim, heal_link, w);
    world_control(w, "clear");
    world_control(w, "freeze-map off");
    for (unsigned i = 0; i < MC_NODES_MAX; i++) {
        on_node_back(w, i, 0);
        on_heal_cut(w, i, 0);
    }
    for (unsigned i = 0; i < w->slots_count; i++) {
        if (w->slots[i]) {
            heal_process(w->slots[i]);
        }
    }
}
