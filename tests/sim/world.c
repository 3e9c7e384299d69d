/*
 * The life of a world: what its seed decides, its phases, its end.
 */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <aerospike/as_log.h>

#include "core/mem.h"

#define WORLD_START_US (1000 * SECOND)
#define SETTLE_US_MAX (60 * SECOND)
#define DRAIN_US_MAX (40 * SECOND) /* of commands without a limit, once nothing is in their way */
#define TOMBSTONE_US (3100 * MS)   /* connections may wait so long for late replies */
#define PROBE_US_MAX (5 * SECOND)
#define CLOSE_US_MAX (5 * SECOND)

static world* the_world; /* for hooks without an argument */

struct later {
    later* next;
    later* prev;
    world* w;
    void (*fn)(world* w, uint64_t a, uint64_t b);
    uint64_t a, b;
};

/* ---- small things ---- */

uint64_t world_now_us(const world* w)
{
    return sim_world_now_us(w->sim);
}

uint64_t world_below(world* w, uint64_t limit)
{
    return sim_world_below(w->sim, limit);
}

uint64_t world_between(world* w, uint64_t low, uint64_t high)
{
    return low + world_below(w, high - low + 1);
}

bool world_chance(world* w, unsigned percent)
{
    return sim_world_chance(w->sim, percent);
}

static void on_later(void* udata)
{
    later* self = udata;
    later copy = *self;
    if (self->prev) {
        self->prev->next = self->next;
    } else {
        self->w->laters = self->next;
    }
    if (self->next) {
        self->next->prev = self->prev;
    }
    free(self);
    copy.fn(copy.w, copy.a, copy.b);
}

void world_later(world* w, uint64_t delay_us, void (*fn)(world* w, uint64_t a, uint64_t b),
                 uint64_t a, uint64_t b)
{
    later* self = calloc(1, sizeof(*self));
    if (!self) {
        abort();
    }
    *self = (later){.w = w, .fn = fn, .a = a, .b = b, .next = w->laters};
    if (w->laters) {
        w->laters->prev = self;
    }
    w->laters = self;
    sim_world_at(w->sim, delay_us, on_later, self);
}

/* ---- the tale, and its bad end ---- */

static void tale_print(const world* w, const char* line)
{
    fprintf(stderr, "%s\n", line);
    (void)w;
}

void world_tell(world* w, const char* format, ...)
{
    char* line = w->tale[w->tale_count++ % 64];
    uint64_t now_us = w->sim ? world_now_us(w) - WORLD_START_US : 0;
    int size =
        snprintf(line, sizeof(w->tale[0]), "%4llu.%06llu ", (unsigned long long)(now_us / SECOND),
                 (unsigned long long)(now_us % SECOND));
    va_list args;
    va_start(args, format);
    vsnprintf(line + size, sizeof(w->tale[0]) - (size_t)size, format, args);
    va_end(args);
    if (w->options.is_told || w->options.is_traced) {
        tale_print(w, line);
    }
}

void world_fail(world* w, const char* format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    unsigned first = w->tale_count > 40 ? w->tale_count - 40 : 0;
    for (unsigned i = first; i < w->tale_count && !w->options.is_told; i++) {
        tale_print(w, w->tale[i % 64]);
    }
    uint64_t now_us = world_now_us(w) - WORLD_START_US;
    fprintf(stderr, "FAILED seed %llu at %llu.%06llu: %s\nreplay: sim_world --seed %llu --tell\n",
            (unsigned long long)w->seed, (unsigned long long)(now_us / SECOND),
            (unsigned long long)(now_us % SECOND), text, (unsigned long long)w->seed);
    fflush(NULL);
    _Exit(1);
}

static bool on_log(as_log_level level, const char* func, const char* file, uint32_t line,
                   const char* fmt, ...)
{
    (void)level;
    (void)func;
    (void)file;
    (void)line;
    char text[300];
    world* w = the_world;
    const process* p = process_of_loop(w, sim_world_current(w->sim));
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    world_tell(w, "%s: %s", p ? p->name : "?", text);
    return true;
}

static void on_point(tnd_point point)
{
    process_on_point(the_world, point);
}

/* ---- what the seed decides ---- */

static uint32_t one_of(world* w, const uint32_t* values, size_t count)
{
    return values[world_below(w, count)];
}

#define ONE_OF(w, ...)                                                                             \
    one_of(w, (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void decide_faults(world* w)
{
    /* Few kinds, often, or many kinds: worlds should differ. */
    unsigned percent = ONE_OF(w, 8, 25, 50, 80);
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        w->is_enabled[i] = world_chance(w, percent);
    }
    w->is_enabled[world_below(w, FAULT_COUNT)] = true;
    w->fault_gap_us = ONE_OF(w, 30, 150, 600, 2000) * MS;
}

static void decide(world* w)
{
    w->slots_count = 1 + (unsigned)world_below(w, WORLD_SLOTS_MAX - 1);
    w->nodes_count = 1 + (unsigned)world_below(w, 5);
    w->keys_count = 2 + (unsigned)world_below(w, WORLD_KEYS_MAX - 1);
    w->use_shm = world_chance(w, 88);
    w->users_count = world_chance(w, 20) ? 2 : 1;
    w->has_names = world_chance(w, 30);
    w->fail_if_not_connected = world_chance(w, 50);
    w->shm_nodes = world_chance(w, 20) ? WORLD_SHM_NODES_FEW : 128;
    w->interval_ms = ONE_OF(w, 250, 500, 1000);
    w->threshold_sec = ONE_OF(w, 1, 2, 3, 30);
    w->conn_timeout_ms = ONE_OF(w, 100, 300, 1000);
    w->links_max = ONE_OF(w, 1, 2, 4, 16, 100);
    w->running_max = (int)ONE_OF(w, 0, 0, 2, 10);
    w->queued_max = ONE_OF(w, 5, 1000);
    w->share_links = ONE_OF(w, 1, 2, 4);
    w->share_depth = ONE_OF(w, 0, 0, 1, 4);
    w->socket_idle_sec = ONE_OF(w, 0, 0, 1, 5);
    w->pulse_us = ONE_OF(w, 5, 15, 40, 100) * MS;
    w->safety_us = world_between(w, 5, 40) * SECOND;
    decide_faults(w);
}

static void decide_cluster(world* w)
{
    mc_config config = {
        .nodes = (int)w->nodes_count,
        .seed = 1 + sim_world_random(w->sim) % 1000000,
        .unix_base_ms = 1700000000ull * 1000,
        .namespace_count = WORLD_SPACES,
        .heartbeat_ms = ONE_OF(w, 300, 1800),
        .migrate_ms = ONE_OF(w, 100, 2000),
    };
    for (unsigned s = 0; s < WORLD_SPACES; s++) {
        snprintf(config.namespaces[s].name, sizeof(config.namespaces[s].name), "%s",
                 world_space_name(s));
        config.namespaces[s].record_bytes_max = 1 << 20;
        config.namespaces[s].replication_factor = 1 + (int)world_below(w, 3);
    }
    config.namespaces[1].strong = world_chance(w, 40);
    w->cluster = sim_cluster_new(w->sim, &config, NULL, WORLD_PORT);
    mc_cluster_observe(sim_cluster_mc(w->cluster), model_on_change, w);
}

/* ---- running ---- */

/* Until `done` (may be NULL) or for `limit_us`. */
static bool run_until(world* w, bool (*done)(world* w), uint64_t limit_us)
{
    uint64_t end_us = world_now_us(w) + limit_us;
    while (world_now_us(w) < end_us) {
        if (done && done(w)) {
            return true;
        }
        sim_world_step(w->sim);
        w->stats->steps++;
        check_step(w);
        process_sweep(w);
    }
    return false;
}

static bool is_settled(world* w)
{
    return mc_cluster_is_settled(sim_cluster_mc(w->cluster));
}

/* Looking costs: now and then is enough. */
static bool is_converged(world* w)
{
    static const uint64_t pause_us = 10 * MS;
    char why[160];
    if (world_now_us(w) < w->look_us) {
        return false;
    }
    w->look_us = world_now_us(w) + pause_us;
    return check_converged(w, why, sizeof(why));
}

static bool is_idle(world* w)
{
    return load_open_count(w) == 0;
}

static bool is_empty(world* w)
{
    for (unsigned i = 0; i < w->slots_count; i++) {
        if (w->slots[i]) {
            return false;
        }
    }
    return true;
}

static void phase_begin(world* w, world_phase phase)
{
    static const char* const names[] = {"safety", "settling", "converging", "probing", "closing"};
    world_tell(w, "-- %s", names[phase]);
    w->phase = phase;
}

/* Every slot has a process, none of which is about to go. */
static void fill_slots(world* w)
{
    for (unsigned i = 0; i < w->slots_count; i++) {
        if (!w->slots[i]) {
            process_start(w, i);
        }
    }
}

static void converge(world* w)
{
    uint64_t limit_us = WORLD_CONVERGE_PERIODS * w->interval_ms * MS +
                        (w->shm_nodes == WORLD_SHM_NODES_FEW ? WORLD_CONVERGE_FULL_US : 0);
    phase_begin(w, WORLD_CONVERGING);
    fill_slots(w);
    uint64_t start_us = world_now_us(w);
    if (!run_until(w, is_converged, limit_us)) {
        char why[160] = "";
        check_converged(w, why, sizeof(why));
        world_fail(w, "not converged after %u tend periods: %s", WORLD_CONVERGE_PERIODS, why);
    }
    if (w->shm_nodes == WORLD_SHM_NODES_FEW) {
        return;
    }
    uint64_t permille = (world_now_us(w) - start_us) / w->interval_ms;
    w->stats->converged++;
    w->stats->converge_permille_sum += permille;
    if (permille > w->stats->converge_permille_max) {
        w->stats->converge_permille_max = permille;
        world_tell(w, "converged after %llu/1000 periods", (unsigned long long)permille);
    }
}

static void drain(world* w)
{
    load_bound(w, world_now_us(w) + DRAIN_US_MAX - SECOND);
    if (!run_until(w, is_idle, DRAIN_US_MAX)) {
        world_fail(w, "%u commands haven't ended", load_open_count(w));
    }
    run_until(w, NULL, TOMBSTONE_US);
}

static void probe_round(world* w, bool is_write)
{
    for (unsigned i = 0; i < w->slots_count; i++) {
        for (unsigned s = 0; s < WORLD_SPACES; s++) {
            for (unsigned k = 0; k < w->keys_count; k++) {
                if (!is_write || k % w->slots_count == i) {
                    load_probe(w->slots[i], s, k, is_write);
                }
                if ((k % 2 == 1 || w->links_max == 1) && !run_until(w, is_idle, PROBE_US_MAX)) {
                    world_fail(w, "%u probes haven't ended", load_open_count(w));
                }
            }
            run_until(w, is_idle, PROBE_US_MAX);
        }
    }
}

static void close_all(world* w)
{
    phase_begin(w, WORLD_CLOSING);
    w->is_restarting = false;
    for (unsigned i = 0; i < w->slots_count; i++) {
        if (w->slots[i]) {
            w->slots[i]->must_close = true;
        }
    }
    if (!run_until(w, is_empty, CLOSE_US_MAX)) {
        world_fail(w, "not all processes have closed");
    }
    /* Who isn't its owner can't remove it. */
    if (sim_shm_count(w->shm) > 0 && w->users_count == 1) {
        world_fail(w, "%u segments are left", sim_shm_count(w->shm));
    }
    if (tnd_mem_live() != 0 || tnd_mem_bytes() != 0) {
        world_fail(w, "%lld blocks of %lld bytes are left", (long long)tnd_mem_live(),
                   (long long)tnd_mem_bytes());
    }
}

static void live(world* w)
{
    phase_begin(w, WORLD_SAFETY);
    w->is_restarting = true;
    fill_slots(w);
    fault_start(w);
    run_until(w, NULL, w->safety_us);
    fault_heal(w);
    phase_begin(w, WORLD_SETTLING);
    if (!run_until(w, is_settled, SETTLE_US_MAX)) {
        world_fail(w, "the cluster doesn't come to rest");
    }
    run_until(w, NULL, 50 * MS); /* endings that were asked for, late packets */
    converge(w);
    phase_begin(w, WORLD_PROBING);
    drain(w);
    probe_round(w, false);
    probe_round(w, true);
    probe_round(w, false);
    close_all(w);
}

/* ---- life ---- */

static void world_free(world* w)
{
    tnd_point_hook = NULL;
    as_log_set_callback(NULL);
    sim_world_free(w->sim);
    sim_cluster_free(w->cluster);
    sim_shm_free(w->shm);
    while (w->processes) {
        process* p = w->processes;
        w->processes = p->next;
        free(p);
    }
    while (w->laters) {
        later* self = w->laters;
        w->laters = self->next;
        free(self);
    }
    for (uint64_t i = 0; i < w->commands_count; i++) {
        free(w->commands[i]);
    }
    free(w->commands);
    model_done(w);
    check_done(w);
    free(w);
}

void world_run(uint64_t seed, const world_options* options, world_stats* stats)
{
    world* w = calloc(1, sizeof(*w));
    if (!w) {
        abort();
    }
    the_world = w;
    w->seed = seed;
    w->options = *options;
    w->stats = stats;
    w->sim = sim_world_new(seed);
    w->shm = sim_shm_new();
    if (options->is_traced) {
        sim_world_set_trace(w->sim, stderr);
    }
    as_log_set_callback(on_log);
    as_log_set_level(AS_LOG_LEVEL_INFO);
    tnd_point_hook = on_point;
    decide(w);
    model_init(w);
    check_init(w);
    decide_cluster(w);
    fault_init(w);
    live(w);
    stats->seeds++;
    stats->virtual_us += world_now_us(w) - WORLD_START_US;
    stats->hash = sim_world_hash(w->sim);
    world_free(w);
}
