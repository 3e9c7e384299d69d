/* Faults of the processes and of what they share on their host. See world_fault.c. */
#include <errno.h>
#include <stdlib.h>

#include "core/mem.h"
#include "tests/sim/world_fault.h"

/* ---- processes ---- */

static bool process_fault_kill(world* w)
{
    process* p = fault_any_process(w);
    if (p) {
        process_kill(p);
    }
    return p;
}

static bool process_fault_stop(world* w)
{
    process* p = fault_any_process(w);
    if (p) {
        bool is_long = w->threshold_sec < 10 && world_chance(w, 40); /* for a takeover */
        process_stop(p, fault_while_us(w) + (is_long ? (w->threshold_sec + 2) * SECOND : 0));
    }
    return p;
}

/* Points that are passed thousands of times in a row are hit anywhere in between. */
static bool arm(world* w, arm_action action)
{
    if (w->arm.action != ARM_NONE && world_chance(w, 70)) {
        return false; /* the last one hasn't been reached yet */
    }
    /* Those that readers see, half of the time. */
    static const tnd_point shown[] = {TND_POINT_WORD,         TND_POINT_SELECT,
                                      TND_POINT_RESTAMP_WORD, TND_POINT_RESTAMP_SELECTOR,
                                      TND_POINT_ARENA_STORE,  TND_POINT_OWNER_TAKE,
                                      TND_POINT_HEARTBEAT,    TND_POINT_REGIME};
    tnd_point point = world_chance(w, 50) ? shown[world_below(w, sizeof(shown) / sizeof(shown[0]))]
                                          : (tnd_point)world_below(w, TND_POINT_COUNT);
    bool is_frequent = point == TND_POINT_RESTAMP_WORD || point == TND_POINT_WORD ||
                       point == TND_POINT_ARENA_STORE || point == TND_POINT_RESTAMP_REGIME ||
                       point == TND_POINT_REGIME;
    w->arm = (world_arm){.action = action,
                         .point = point,
                         .countdown = 1 + world_below(w, is_frequent ? 3000 : 4),
                         .stop_us = world_chance(w, 50) && w->threshold_sec < 10
                                        ? (w->threshold_sec + 1) * SECOND + fault_while_us(w)
                                        : fault_while_us(w)};
    for (unsigned i = 0; i < w->slots_count; i++) {
        if (w->slots[i]) {
            sim_loop_set_suspendable(w->slots[i]->loop, action == ARM_STOP);
        }
    }
    return true;
}

static bool point_kill(world* w)
{
    return arm(w, ARM_KILL);
}

static bool point_stop(world* w)
{
    return arm(w, ARM_STOP);
}

static bool process_fault_close(world* w)
{
    process* p = fault_any_process(w);
    if (p) {
        p->must_close = true;
    }
    return p;
}

static void on_drained(world* w, uint64_t a, uint64_t b)
{
    (void)b;
    /* By then all may have been told to close: that stands. */
    ((process*)(uintptr_t)a)->must_close |= w->phase == WORLD_SAFETY;
}

static bool process_fault_drain(world* w)
{
    process* p = fault_any_process(w);
    if (!p) {
        return false;
    }
    world_tell(w, "%s drains", p->name);
    p->must_drain = true;
    world_later(w, fault_while_us(w), on_drained, (uint64_t)(uintptr_t)p, 0);
    return true;
}

static bool process_fault_end(world* w)
{
    process* p = fault_any_process(w);
    if (p) {
        process_end(p);
    }
    return p;
}

static bool process_fault_late(world* w)
{
    process* p = fault_any_process(w);
    if (!p) {
        return false;
    }
    sim_faults* faults = sim_loop_faults(p->loop);
    faults->wake_late_us_max = world_chance(w, 50) ? world_below(w, 20 * MS) : 0;
    faults->timer_late_us_max = world_chance(w, 50) ? world_below(w, 20 * MS) : 0;
    uint64_t late_us = faults->wake_late_us_max + faults->timer_late_us_max;
    p->late_us_max = late_us > p->late_us_max ? late_us : p->late_us_max;
    return true;
}

static bool process_fault_short(world* w)
{
    process* p = fault_any_process(w);
    if (!p) {
        return false;
    }
    sim_faults* faults = sim_loop_faults(p->loop);
    faults->short_read_percent = (unsigned)world_below(w, 60);
    faults->short_write_percent = (unsigned)world_below(w, 60);
    faults->spurious_percent = (unsigned)world_below(w, 20);
    faults->window_bytes = world_chance(w, 50) ? 1 + (size_t)world_below(w, 4096) : 256 * 1024;
    return true;
}

static void on_fds_back(world* w, uint64_t a, uint64_t b)
{
    (void)w;
    (void)b;
    sim_loop_faults(((process*)(uintptr_t)a)->loop)->fds_max = 1024;
}

static bool process_fault_fds(world* w)
{
    process* p = fault_any_process(w);
    if (!p) {
        return false;
    }
    unsigned open = sim_loop_used(p->loop).fds_count;
    sim_loop_faults(p->loop)->fds_max = (unsigned)world_below(w, open + 3);
    world_tell(w, "%s has no more descriptors", p->name);
    world_later(w, fault_while_us(w), on_fds_back, (uint64_t)(uintptr_t)p, 0);
    return true;
}

/* ---- the host ---- */

static bool segment_remove(world* w)
{
    bool was_there = w->use_shm && sim_shm_remove(w->shm, WORLD_KEY);
    if (was_there) {
        world_tell(w, "the segment is removed");
    }
    return was_there;
}

static bool segment_refuse(world* w)
{
    static const int errors[] = {ENOSPC, ENOMEM, EACCES};
    sim_shm_refuse(w->shm, errors[world_below(w, 3)], 1 + (unsigned)world_below(w, 4));
    return w->use_shm;
}

static bool memory(world* w)
{
    tnd_mem_fail(1 + world_below(w, 60), 1 + world_below(w, 5));
    return true;
}

static bool wall_clock(world* w)
{
    static const int64_t jumps_sec[] = {-86400, -3600, -1, 1, 7200, 31536000};
    int64_t jump_sec = jumps_sec[world_below(w, 6)];
    world_tell(w, "the wall clock is set off by %lld s", (long long)jump_sec);
    sim_world_jump_wall_clock(w->sim, jump_sec);
    return true;
}

void fault_names_set(world* w, int status, uint64_t delay_us)
{
    static const char* const good[] = {"127.0.0.1", NULL};
    for (unsigned i = 0; i < WORLD_SEED_NODES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "seed%u.test", i);
        sim_name_set(w->sim, name, status, status == 0 ? good : NULL, delay_us);
    }
}

static void on_names_back(world* w, uint64_t a, uint64_t b)
{
    (void)a;
    (void)b;
    fault_names_set(w, 0, 500);
}

static bool names(world* w)
{
    static const uint64_t delays_us[] = {500, 300 * MS, 3 * SECOND, SIM_NEVER};
    uint64_t kind = world_below(w, 4);
    if (!w->has_names) {
        return false;
    }
    world_tell(w, "names %s", kind == 0 ? "fail" : "are slow");
    fault_names_set(w, kind == 0 ? -ENOENT : 0, delays_us[kind]);
    world_later(w, fault_while_us(w), on_names_back, 0, 0);
    return true;
}

fault_fn fault_of_host(world_fault kind)
{
    static const fault_fn fns[FAULT_COUNT] = {
        [FAULT_PROCESS_KILL] = process_fault_kill,
        [FAULT_POINT_KILL] = point_kill,
        [FAULT_PROCESS_STOP] = process_fault_stop,
        [FAULT_POINT_STOP] = point_stop,
        [FAULT_PROCESS_CLOSE] = process_fault_close,
        [FAULT_PROCESS_DRAIN] = process_fault_drain,
        [FAULT_PROCESS_END] = process_fault_end,
        [FAULT_PROCESS_LATE] = process_fault_late,
        [FAULT_PROCESS_SHORT] = process_fault_short,
        [FAULT_PROCESS_FDS] = process_fault_fds,
        [FAULT_SEGMENT_REMOVE] = segment_remove,
        [FAULT_SEGMENT_REFUSE] = segment_refuse,
        [FAULT_MEMORY] = memory,
        [FAULT_WALL_CLOCK] = wall_clock,
        [FAULT_NAMES] = names,
    };
    return fns[kind];
}
