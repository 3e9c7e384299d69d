/*
 * Loops of simulated processes: the seam's table under virtual time. See sim.h.
 *
 * A loop sleeps until something is due; then a turn is scheduled, which takes all that is due at
 * that moment and nothing that is asked for meanwhile:
 *
 *     io, io_again      in either order
 *     timers            after both
 *     tasks, look-ups   before, between or after
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/sim/internal.h"

#define UNIX_START_SEC 1700000000

typedef struct timer_state {
    sim_event event;
    tnd_timer* timer;
    sim_node due;
    sim_node armed;
} timer_state;

_Static_assert(sizeof(io_state) <= sizeof(((tnd_io*)0)->priv), "tnd_io.priv is too small");
_Static_assert(sizeof(timer_state) <= sizeof(((tnd_timer*)0)->priv), "tnd_timer.priv is too small");

static timer_state* timer_state_of(tnd_timer* timer)
{
    return (timer_state*)(void*)timer->priv;
}

/* The loop behind a call; calls from another process' callback are errors of the test. */
static sim_loop* loop_called(tnd_loop* loop)
{
    sim_loop* self = sim_loop_of(loop);
    assert(!self->world->current || self->world->current == self);
    return self;
}

/* ---- lists of tasks ---- */

static void tasks_init(tnd_task* head)
{
    head->next = head;
    head->prev = head;
}

static bool tasks_is_empty(const tnd_task* head)
{
    return head->next == head;
}

static void tasks_append(tnd_task* head, tnd_task* task)
{
    task->next = head;
    task->prev = head->prev;
    head->prev->next = task;
    head->prev = task;
    task->is_queued = true;
}

static void tasks_remove(tnd_task* task)
{
    task->prev->next = task->next;
    task->next->prev = task->prev;
    task->next = NULL;
    task->prev = NULL;
    task->is_queued = false;
}

static void tasks_splice(tnd_task* to, tnd_task* from)
{
    while (!tasks_is_empty(from)) {
        tnd_task* task = from->next;
        tasks_remove(task);
        tasks_append(to, task);
    }
}

static void tasks_run(sim_loop* self, tnd_task* head, const char* what)
{
    while (!self->is_dead && !tasks_is_empty(head)) {
        tnd_task* task = head->next;
        tasks_remove(task);
        sim_trace(self->world, "%s %s", self->name, what);
        task->fn(task);
    }
}

/* ---- turns ---- */

static void io_run(sim_loop* self)
{
    while (!self->is_dead && !sim_list_is_empty(&self->turn_ready)) {
        io_state* state = SIM_OWNER(io_state, ready, self->turn_ready.next);
        tnd_io* io = state->io;
        unsigned events = state->edges & io->mask;
        sim_list_remove(&state->ready);
        state->edges = 0;
        if (events) {
            sim_trace(self->world, "%s io %d events %u", self->name, io->fd, events);
            io->fn(io, events);
        }
    }
}

static void timers_run(sim_loop* self)
{
    while (!self->is_dead && !sim_list_is_empty(&self->turn_due)) {
        timer_state* state = SIM_OWNER(timer_state, due, self->turn_due.next);
        tnd_timer* timer = state->timer;
        sim_list_remove(&state->due);
        sim_list_remove(&state->armed);
        timer->is_armed = false;
        self->usage.timers_count--;
        sim_trace(self->world, "%s timer", self->name);
        timer->fn(timer);
    }
}

static void tasks_and_answers_run(sim_loop* self)
{
    tasks_run(self, &self->turn_tasks, "task");
    while (!self->is_dead && !sim_list_is_empty(&self->turn_answers)) {
        sim_name_answer(SIM_OWNER(lookup_state, node, self->turn_answers.next));
    }
}

/* A callback without cause for one descriptor. */
static void io_add_spurious(sim_loop* self)
{
    if (sim_list_is_empty(&self->ios) ||
        !sim_world_chance(self->world, self->faults.spurious_percent)) {
        return;
    }
    sim_node* node = self->ios.next;
    for (uint64_t skip = sim_world_below(self->world, self->usage.fds_count); skip > 0; skip--) {
        node = node->next;
    }
    sim_io_edge(SIM_OWNER(io_state, open, node)->io, TND_IO_READ | TND_IO_WRITE);
}

static bool loop_has_work(const sim_loop* self)
{
    return !sim_list_is_empty(&self->ready) || !sim_list_is_empty(&self->due) ||
           !sim_list_is_empty(&self->answers) || !tasks_is_empty(&self->tasks) ||
           !tasks_is_empty(&self->agains);
}

static void loop_turn(sim_loop* self)
{
    io_add_spurious(self);
    sim_list_splice(&self->turn_ready, &self->ready);
    sim_list_splice(&self->turn_due, &self->due);
    sim_list_splice(&self->turn_answers, &self->answers);
    tasks_splice(&self->turn_tasks, &self->tasks);
    tasks_splice(&self->turn_agains, &self->agains);
    uint64_t order = sim_world_below(self->world, 6);
    if (order % 3 == 0) {
        tasks_and_answers_run(self);
    }
    if (order % 2 == 0) {
        io_run(self);
        tasks_run(self, &self->turn_agains, "again");
    } else {
        tasks_run(self, &self->turn_agains, "again");
        io_run(self);
    }
    if (order % 3 == 1) {
        tasks_and_answers_run(self);
    }
    timers_run(self);
    tasks_and_answers_run(self);
}

static void fiber_turn(void* udata)
{
    loop_turn(udata);
}

/* Begins or goes on with a turn; it may be left in the middle. */
static void turn_run(sim_loop* self, bool is_new)
{
    self->last_turn_us = self->world->now_us;
    sim_loop* caller = self->world->current;
    self->world->current = self;
    bool is_over = true;
    if (!is_new) {
        is_over = sim_fiber_resume(self->fiber);
    } else if (self->is_on_fiber) {
        is_over = sim_fiber_run(self->fiber, fiber_turn, self);
    } else {
        loop_turn(self);
    }
    self->world->current = caller;
    if (is_over) {
        self->is_turning = false;
        if (loop_has_work(self)) {
            sim_loop_wake(self);
        }
    }
}

static void on_turn(sim_event* event)
{
    sim_loop* self = SIM_OWNER(sim_loop, turn, event);
    self->is_turning = true;
    self->turn_us = self->world->now_us;
    self->is_on_fiber = self->is_suspendable;
    if (self->is_on_fiber && !self->fiber) {
        self->fiber = sim_fiber_new();
    }
    turn_run(self, true);
}

static void on_resume(sim_event* event)
{
    sim_loop* self = SIM_OWNER(sim_loop, turn, event);
    self->is_suspended = false;
    turn_run(self, false);
}

void sim_loop_wake(sim_loop* self)
{
    if (self->is_dead || self->is_stopped || self->is_turning || self->turn.heap_index) {
        return;
    }
    uint64_t delay_us = 0;
    if (self->faults.wake_late_us_max > 0) {
        delay_us = sim_world_below(self->world, self->faults.wake_late_us_max + 1);
    }
    /* A turn takes time: a loop that always has something to do doesn't stop the clock. */
    if (delay_us == 0 && self->world->now_us == self->last_turn_us) {
        delay_us = 1;
    }
    sim_event_schedule(self->world, &self->turn, delay_us, on_turn);
}

/* ---- time and chance ---- */

/* As real loops: the time at which the turn began, also after a stop in the middle of it. */
static uint64_t loop_now_us(tnd_loop* loop)
{
    const sim_loop* self = loop_called(loop);
    return self->is_turning ? self->turn_us : self->world->now_us;
}

static uint64_t loop_unix_now(tnd_loop* loop)
{
    const sim_world* world = loop_called(loop)->world;
    return UNIX_START_SEC + world->now_us / 1000000 + (uint64_t)world->wall_clock_sec;
}

static uint64_t loop_random(tnd_loop* loop)
{
    return sim_world_random(loop_called(loop)->world);
}

/* ---- timers ---- */

static void on_timer_due(sim_event* event)
{
    timer_state* state = SIM_OWNER(timer_state, event, event);
    sim_loop* self = sim_loop_of(state->timer->loop);
    sim_list_append(&self->due, &state->due);
    sim_loop_wake(self);
}

static void loop_timer_stop(tnd_loop* loop, tnd_timer* timer)
{
    sim_loop* self = loop_called(loop);
    if (timer->is_armed) {
        timer_state* state = timer_state_of(timer);
        sim_event_cancel(self->world, &state->event);
        sim_list_remove(&state->due);
        sim_list_remove(&state->armed);
        timer->is_armed = false;
        self->usage.timers_count--;
    }
}

static void loop_timer_start(tnd_loop* loop, tnd_timer* timer, uint64_t delay_us)
{
    sim_loop* self = loop_called(loop);
    assert(timer->fn && timer->loop == loop);
    loop_timer_stop(loop, timer);
    if (self->is_dead) {
        return;
    }
    timer_state* state = timer_state_of(timer);
    memset(timer->priv, 0, sizeof(timer->priv));
    state->timer = timer;
    uint64_t stopped_us = self->world->now_us - loop_now_us(loop);
    delay_us -= stopped_us < delay_us ? stopped_us : delay_us;
    if (self->faults.timer_late_us_max > 0) {
        delay_us += sim_world_below(self->world, self->faults.timer_late_us_max + 1);
    }
    sim_event_schedule(self->world, &state->event, delay_us, on_timer_due);
    sim_list_append(&self->timers, &state->armed);
    timer->is_armed = true;
    self->usage.timers_count++;
}

/* ---- tasks ---- */

static void loop_task_soon(tnd_loop* loop, tnd_task* task)
{
    sim_loop* self = loop_called(loop);
    assert(task->fn && task->loop == loop);
    if (!task->is_queued && !self->is_dead) {
        tasks_append(&self->tasks, task);
        sim_loop_wake(self);
    }
}

static void loop_task_cancel(tnd_loop* loop, tnd_task* task)
{
    loop_called(loop);
    if (task->is_queued) {
        tasks_remove(task);
    }
}

/* ---- descriptors ---- */

void sim_io_edge(tnd_io* io, unsigned events)
{
    io_state* state = sim_io_state(io);
    sim_loop* self = sim_loop_of(io->loop);
    events &= io->mask;
    if (!events) {
        return;
    }
    state->edges |= events;
    if (!state->ready.next) {
        sim_list_append(&self->ready, &state->ready);
    }
    sim_loop_wake(self);
}

static void on_again(tnd_task* task)
{
    tnd_io* io = task->udata;
    io_state* state = sim_io_state(io);
    unsigned events = state->again_events;
    state->again_events = 0;
    io->fn(io, events);
}

int sim_io_open(sim_loop* self, tnd_io* io, sim_end* end, sim_listener* listener)
{
    assert(!io->is_open && io->fn);
    if (self->is_dead) {
        return -ESHUTDOWN;
    }
    if (self->usage.fds_count >= self->faults.fds_max) {
        return -EMFILE;
    }
    memset(io->priv, 0, sizeof(io->priv));
    io_state* state = sim_io_state(io);
    state->io = io;
    state->end = end;
    state->listener = listener;
    tnd_task_init(&state->again, &self->loop, on_again, io);
    sim_list_append(&self->ios, &state->open);
    self->usage.fds_count++;
    io->loop = &self->loop;
    io->fd = (int)++self->world->ids_count;
    io->mask = 0;
    io->is_open = true;
    return 0;
}

static void loop_close(tnd_loop* loop, tnd_io* io)
{
    if (!io->is_open) {
        return;
    }
    sim_loop* self = loop_called(loop);
    io_state* state = sim_io_state(io);
    sim_trace(self->world, "%s close %d", self->name, io->fd);
    sim_net_close(io);
    sim_list_remove(&state->ready);
    sim_list_remove(&state->open);
    if (state->again.is_queued) {
        tasks_remove(&state->again);
    }
    self->usage.fds_count--;
    io->is_open = false;
    io->mask = 0;
    io->fd = -1;
}

static int loop_io_watch(tnd_loop* loop, tnd_io* io, unsigned mask)
{
    if (loop_called(loop)->is_dead) {
        return -ESHUTDOWN;
    }
    assert(io->is_open && (mask & ~(TND_IO_READ | TND_IO_WRITE)) == 0);
    unsigned widened = mask & ~io->mask;
    io->mask = mask;
    if (widened) {
        sim_io_edge(io, widened & sim_net_readiness(io));
    }
    return 0;
}

static void loop_io_again(tnd_loop* loop, tnd_io* io, unsigned events)
{
    sim_loop* self = loop_called(loop);
    io_state* state = sim_io_state(io);
    if (self->is_dead) {
        return;
    }
    assert(io->is_open && events != 0);
    state->again_events |= events;
    if (!state->again.is_queued) {
        tasks_append(&self->agains, &state->again);
        sim_loop_wake(self);
    }
}

static int loop_adopt(tnd_loop* loop, tnd_io* io, int fd)
{
    (void)loop;
    (void)io;
    (void)fd;
    return -ENOSYS; /* descriptors of the kernel have no place here */
}

static void loop_ref(tnd_loop* loop)
{
    loop_called(loop)->usage.refs_count++;
}

static void loop_unref(tnd_loop* loop)
{
    loop_called(loop)->usage.refs_count--;
}

static const tnd_loop_ops loop_ops = {
    .version = TND_LOOP_VERSION,
    .name = "virtual",
    .now_us = loop_now_us,
    .unix_now = loop_unix_now,
    .random = loop_random,
    .timer_start = loop_timer_start,
    .timer_stop = loop_timer_stop,
    .task_soon = loop_task_soon,
    .task_cancel = loop_task_cancel,
    .connect = sim_net_connect,
    .connect_result = sim_net_connect_result,
    .listen = sim_net_listen,
    .accept = sim_net_accept,
    .peer = sim_net_peer,
    .adopt = loop_adopt,
    .io_watch = loop_io_watch,
    .io_again = loop_io_again,
    .read = sim_net_read,
    .writev = sim_net_writev,
    .close = loop_close,
    .ref = loop_ref,
    .unref = loop_unref,
    .lookup_start = sim_name_lookup_start,
    .lookup_cancel = sim_name_lookup_cancel,
};

/* ---- life of a process ---- */

tnd_loop* sim_loop_new(sim_world* world, const char* name)
{
    sim_loop* self = sim_alloc(sizeof(*self));
    self->loop.ops = &loop_ops;
    self->world = world;
    self->uid = 1000;
    self->gid = 1000;
    self->faults.fds_max = 1024;
    self->faults.window_bytes = 256 * 1024;
    snprintf(self->name, sizeof(self->name), "%s", name);
    sim_node* lists[] = {&self->ready,    &self->turn_ready, &self->due,
                         &self->turn_due, &self->answers,    &self->turn_answers,
                         &self->ios,      &self->timers,     &self->lookups};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        sim_list_init(lists[i]);
    }
    tnd_task* tasks[] = {&self->tasks, &self->turn_tasks, &self->agains, &self->turn_agains};
    for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        tasks_init(tasks[i]);
    }
    sim_list_append(&world->loops, &self->node);
    return &self->loop;
}

void sim_loop_free(sim_loop* self)
{
    sim_list_remove(&self->node);
    sim_fiber_free(self->fiber);
    free(self);
}

tnd_loop* sim_world_current(const sim_world* world)
{
    return world->current ? &world->current->loop : NULL;
}

sim_world* sim_loop_world(tnd_loop* loop)
{
    return sim_loop_of(loop)->world;
}

sim_faults* sim_loop_faults(tnd_loop* loop)
{
    return &sim_loop_of(loop)->faults;
}

void sim_loop_set_user(tnd_loop* loop, uint32_t uid, uint32_t gid)
{
    sim_loop_of(loop)->uid = uid;
    sim_loop_of(loop)->gid = gid;
}

static void tasks_forget(tnd_task* head)
{
    while (!tasks_is_empty(head)) {
        tasks_remove(head->next);
    }
}

void sim_loop_kill(tnd_loop* loop)
{
    sim_loop* self = sim_loop_of(loop);
    if (self->is_dead) {
        return;
    }
    sim_trace(self->world, "%s killed", self->name);
    sim_loop* caller = self->world->current;
    self->world->current = self;
    while (!sim_list_is_empty(&self->ios)) {
        loop_close(loop, SIM_OWNER(io_state, open, self->ios.next)->io);
    }
    while (!sim_list_is_empty(&self->timers)) {
        loop_timer_stop(loop, SIM_OWNER(timer_state, armed, self->timers.next)->timer);
    }
    while (!sim_list_is_empty(&self->lookups)) {
        sim_name_lookup_cancel(loop, SIM_OWNER(lookup_state, open, self->lookups.next)->lookup);
    }
    tasks_forget(&self->tasks);
    tasks_forget(&self->turn_tasks);
    sim_event_cancel(self->world, &self->turn);
    self->world->current = caller;
    self->is_dead = true;
    if (self->is_suspended) {
        self->is_suspended = false;
        turn_run(self, false); /* as a ghost */
    }
}

bool sim_loop_is_dead(tnd_loop* loop)
{
    return sim_loop_of(loop)->is_dead;
}

void sim_loop_stop(tnd_loop* loop)
{
    sim_loop* self = sim_loop_of(loop);
    assert(!self->is_turning);
    sim_trace(self->world, "%s stopped", self->name);
    self->is_stopped = true;
    sim_event_cancel(self->world, &self->turn);
}

void sim_loop_continue(tnd_loop* loop)
{
    sim_loop* self = sim_loop_of(loop);
    if (self->is_dead || !self->is_stopped) {
        return;
    }
    sim_trace(self->world, "%s continued", self->name);
    self->is_stopped = false;
    if (self->is_suspended) {
        sim_event_schedule(self->world, &self->turn, 0, on_resume);
    } else if (loop_has_work(self)) {
        sim_loop_wake(self);
    }
}

bool sim_loop_is_stopped(tnd_loop* loop)
{
    return sim_loop_of(loop)->is_stopped;
}

void sim_loop_set_suspendable(tnd_loop* loop, bool is_suspendable)
{
    sim_loop_of(loop)->is_suspendable = is_suspendable;
}

bool sim_loop_can_suspend(tnd_loop* loop)
{
    const sim_loop* self = sim_loop_of(loop);
    return self->world->current == self && self->is_on_fiber && !self->is_dead;
}

void sim_loop_suspend(tnd_loop* loop)
{
    sim_loop* self = sim_loop_of(loop);
    assert(sim_loop_can_suspend(loop));
    sim_trace(self->world, "%s stopped inside a callback", self->name);
    self->is_stopped = true;
    self->is_suspended = true;
    sim_fiber_leave(self->fiber);
}

bool sim_loop_is_suspended(tnd_loop* loop)
{
    return sim_loop_of(loop)->is_suspended;
}

sim_loop_usage sim_loop_used(tnd_loop* loop)
{
    sim_loop* self = sim_loop_of(loop);
    sim_loop_usage usage = self->usage;
    usage.tasks_count = 0;
    for (tnd_task* task = self->tasks.next; task != &self->tasks; task = task->next) {
        usage.tasks_count++;
    }
    return usage;
}
