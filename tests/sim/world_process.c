/*
 * Processes of the host. Each is a program with one loop, one client and a timer on which it acts:
 * it connects, runs commands, closes. What the world does to it (kill, stop, end) comes from
 * outside, at any event, or at the n-th pass of a numbered point.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tests/sim/world.h"

const char* process_state_name(process_state state)
{
    static const char* const names[] = {"starting", "open", "closing", "closed", "dead", "gone"};
    return names[state];
}

bool process_is_alive(const process* p)
{
    return p && p->state <= PROCESS_CLOSING;
}

bool process_is_running(const process* p)
{
    return process_is_alive(p) && p->stop_us == 0;
}

process* process_of_loop(const world* w, const tnd_loop* loop)
{
    for (unsigned i = 0; i < w->slots_count; i++) {
        if (w->slots[i] && w->slots[i]->loop == loop) {
            return w->slots[i];
        }
    }
    return NULL;
}

tnd_engine* process_engine(const process* p)
{
    return process_is_alive(p) && p->as.cluster ? p->as.cluster->main : NULL;
}

uint64_t process_stopped_us(const process* p)
{
    return p->stopped_us + (p->stop_us > 0 ? world_now_us(p->w) - p->stop_us : 0);
}

/* ---- what its program does ---- */

static void configure(const world* w, as_config* config)
{
    as_config_init(config);
    for (unsigned i = 0; i < WORLD_SEED_NODES && i < w->nodes_count; i++) {
        char name[32];
        snprintf(name, sizeof(name), w->has_names ? "seed%u.test" : "127.0.0.1", i);
        as_config_add_host(config, name, (uint16_t)(WORLD_PORT + i));
    }
    config->use_shm = w->use_shm;
    config->shm_mode = w->users_count > 1 ? 0666 : 0600;
    config->shm_key = WORLD_KEY;
    config->shm_max_nodes = w->shm_nodes;
    config->shm_max_namespaces = WORLD_SHM_NAMESPACES;
    config->shm_takeover_threshold_sec = w->threshold_sec;
    config->tender_interval = w->interval_ms;
    config->conn_timeout_ms = w->conn_timeout_ms;
    config->async_max_conns_per_node = w->links_max;
    config->async_share_conns = w->share_links;
    config->async_share_depth = w->share_depth;
    config->max_socket_idle = w->socket_idle_sec;
    config->fail_if_not_connected = w->fail_if_not_connected;
}

static void on_connected(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    process* p = udata;
    if (!process_is_alive(p)) {
        return; /* a ghost */
    }
    if (err) {
        world_tell(p->w, "%s isn't connected: %d %s", p->name, err->code, err->message);
        p->retry_us = world_now_us(p->w) + 100 * MS;
    } else if (p->state == PROCESS_STARTING) {
        p->state = PROCESS_OPEN;
    }
}

static void on_closed(as_error* err, void* udata, as_event_loop* loop)
{
    (void)err;
    (void)loop;
    process* p = udata;
    if (p->state == PROCESS_CLOSING) {
        uint64_t late_us = process_stopped_us(p) + 8 * p->late_us_max + 20 * MS;
        if (world_now_us(p->w) > p->close_us + TND_ENGINE_GRACE_MS * MS + late_us) {
            world_fail(p->w, "%s took %llu us to close", p->name,
                       (unsigned long long)(world_now_us(p->w) - p->close_us));
        }
        p->state = PROCESS_CLOSED;
    }
}

static void do_connect(process* p)
{
    as_error err;
    tnd_client_world host = {
        .sys = sim_shm_sys_of(p->shm), .pid = 1000 + p->w->processes_count, .uid = p->uid};
    if (world_now_us(p->w) < p->retry_us) {
        return;
    }
    if (tnd_client_connect(&p->as, &err, &host, on_connected, p, p->events->entries)) {
        world_tell(p->w, "%s can't connect: %d %s", p->name, err.code, err.message);
        p->retry_us = world_now_us(p->w) + 100 * MS;
    }
}

static void do_close(process* p)
{
    as_error err;
    p->close_us = world_now_us(p->w);
    as_status status = aerospike_close_async(&p->as, &err, on_closed, p, p->events->entries);
    if (status == AEROSPIKE_OK && process_is_alive(p)) {
        world_tell(p->w, "%s closes with %u commands under way", p->name, p->open_count);
        p->state = PROCESS_CLOSING;
    }
}

static void do_work(process* p)
{
    as_error err;
    if (p->must_drain) {
        p->must_drain = false;
        aerospike_drain(&p->as, &err);
    }
    bool has_load = p->w->phase <= WORLD_CONVERGING;
    for (uint64_t n = has_load ? world_below(p->w, 4) : 0; n > 0 && process_is_alive(p); n--) {
        load_submit(p);
    }
}

static void on_pulse(tnd_timer* timer)
{
    process* p = timer->udata;
    tnd_timer_start_us(&p->pulse, 1 + world_below(p->w, 2 * p->w->pulse_us));
    if (p->state == PROCESS_CLOSING) {
        return;
    }
    if (p->must_close) {
        do_close(p);
    } else if (!p->as.cluster) {
        do_connect(p);
    } else {
        do_work(p);
    }
}

/* ---- birth ---- */

process* process_start(world* w, unsigned slot)
{
    assert(!w->slots[slot]);
    tnd_mem_fail(0, 0);
    process* p = calloc(1, sizeof(*p));
    if (!p) {
        abort();
    }
    p->w = w;
    p->slot = slot;
    snprintf(p->name, sizeof(p->name), "w%u.%u", slot, w->processes_count);
    p->loop = sim_loop_new(w->sim, p->name);
    p->uid = 1000 + w->processes_count % w->users_count;
    sim_loop_set_user(p->loop, p->uid, p->uid);
    p->shm = sim_shm_process_new(w->shm, p->uid);
    p->events = tnd_events_new(TND_EVENTS_FOREIGN, p->loop, 1);
    p->events->entries[0].max_commands_in_process = w->running_max;
    p->events->entries[0].max_commands_in_queue = w->queued_max;
    as_config config;
    configure(w, &config);
    aerospike_init(&p->as, &config);
    tnd_timer_init(&p->pulse, p->loop, on_pulse, p);
    tnd_timer_start_us(&p->pulse, world_below(w, 5 * MS));
    p->next = w->processes;
    w->processes = p;
    w->processes_count++;
    w->slots[slot] = p;
    w->stats->lives++;
    world_tell(w, "%s starts", p->name);
    return p;
}

/* ---- what is done to it ---- */

void process_kill(process* p)
{
    if (!process_is_alive(p)) {
        return;
    }
    world_tell(p->w, "%s is killed with %u commands under way", p->name, p->open_count);
    p->state = PROCESS_DEAD;
    p->stop_us = 0;
    sim_shm_kill(p->shm);
    sim_loop_kill(p->loop);
}

static void on_continue(world* w, uint64_t a, uint64_t b)
{
    (void)b;
    (void)w;
    process_continue((process*)(uintptr_t)a);
}

void process_stop(process* p, uint64_t for_us)
{
    if (!process_is_running(p) || sim_loop_is_stopped(p->loop)) {
        return;
    }
    world_tell(p->w, "%s is stopped for %llu ms", p->name, (unsigned long long)(for_us / MS));
    p->stop_us = world_now_us(p->w);
    sim_loop_stop(p->loop);
    world_later(p->w, for_us, on_continue, (uint64_t)(uintptr_t)p, 0);
}

void process_continue(process* p)
{
    if (process_is_alive(p) && p->stop_us > 0) {
        world_tell(p->w, "%s is continued", p->name);
        p->stopped_us = process_stopped_us(p);
        p->stop_us = 0;
        sim_loop_continue(p->loop);
    }
}

void process_on_point(world* w, tnd_point point)
{
    process* p = process_of_loop(w, sim_world_current(w->sim));
    if (!process_is_alive(p)) {
        return; /* a ghost, or the end of a process */
    }
    w->points |= 1ull << point;
    w->point_process = p;
    if (w->arm.action == ARM_NONE || w->arm.point != point || --w->arm.countdown > 0) {
        return;
    }
    arm_action action = w->arm.action;
    w->arm.action = ARM_NONE;
    if (action == ARM_KILL) {
        world_tell(w, "at %s:", tnd_point_name(point));
        w->stats->points[point]++;
        process_kill(p);
    } else if (sim_loop_can_suspend(p->loop)) {
        world_tell(w, "%s is stopped for %llu ms at %s", p->name,
                   (unsigned long long)(w->arm.stop_us / MS), tnd_point_name(point));
        w->stats->points[point]++;
        p->stop_us = world_now_us(w);
        world_later(w, w->arm.stop_us, on_continue, (uint64_t)(uintptr_t)p, 0);
        sim_loop_suspend(p->loop);
        w->points |= 1ull << point; /* its store comes now, in another step */
        w->point_process = p;
    }
}

/* ---- its end ---- */

static void on_restart(world* w, uint64_t a, uint64_t b)
{
    (void)b;
    if (!w->slots[a] && w->phase < WORLD_CLOSING) {
        process_start(w, (unsigned)a);
    }
}

/* Everything of the library's that this process had is freed; listeners are called inside. */
static void tear_down(process* p)
{
    tnd_mem_fail(0, 0);
    p->is_ending = true;
    tnd_timer_stop(&p->pulse);
    aerospike_destroy(&p->as);
    tnd_events_free(p->events);
    p->is_ending = false;
    if (p->open_count > 0) {
        world_fail(p->w, "%s has ended, %u of its commands haven't", p->name, p->open_count);
    }
    bool was_killed = p->state == PROCESS_DEAD;
    p->state = PROCESS_GONE;
    world_tell(p->w, "%s is gone", p->name);
    if (!was_killed) {
        check_process_left(p);
    }
    world* w = p->w;
    w->slots[p->slot] = NULL;
    if (w->is_restarting) {
        world_later(w, world_below(w, 2 * SECOND), on_restart, p->slot, 0);
    }
}

void process_end(process* p)
{
    if (process_is_running(p) && !sim_loop_is_suspended(p->loop)) {
        world_tell(p->w, "%s ends its loop with %u commands under way", p->name, p->open_count);
        tear_down(p);
    }
}

void process_sweep(world* w)
{
    for (unsigned i = 0; i < w->slots_count; i++) {
        process* p = w->slots[i];
        if (p && (p->state == PROCESS_CLOSED || p->state == PROCESS_DEAD)) {
            tear_down(p);
        }
    }
}
