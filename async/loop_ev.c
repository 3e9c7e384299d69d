/*
 * The loop seam on libev and POSIX sockets; the only file of the library that includes ev.h.
 *
 * A turn is one iteration of ev_run():
 *
 *     prepare: what was asked for "soon" (tasks and io_again, one queue, in order of the calls)
 *     wait     not at all while that queue holds something (an idle watcher sees to it)
 *     io       default priority
 *     timers   lowest priority: an answer that has come is never a timeout
 *
 * libev is level-triggered, which is more than the contract's edges: a callback without cause is
 * allowed, and readiness is reported again until the handler has drained it.
 *
 * Every watcher is unreferenced right after its start and referenced again right before its stop,
 * so that the loop's count of active watchers is always the application's.
 */
#include "async/loop_ev.h"

#include "async/fork.h"
#include "core/mem.h"

#include <assert.h>
#include <ev.h>
#include <tendril/loop_posix.h>
#include <tendril/tasks.h>
#include <unistd.h>

/* Longer delays are cut to this (some 30 years), so that due times can't overflow. */
#define LOOP_EV_DELAY_US_MAX ((uint64_t)1 << 50)

typedef struct loop_ev {
    tnd_loop loop;
    struct ev_loop* ev;
    bool is_owner;       /* of the ev_loop */
    bool is_freed;       /* freed inside a callback: memory goes when the callback is over */
    unsigned depth;      /* callbacks of ours on the stack */
    unsigned runs_count; /* tnd_loop_ev_run() on the stack */
    uint64_t now_us;     /* 0 or the time read in the present turn */
    uint32_t fork_generation;
    ev_prepare prepare;
    ev_check check;  /* the loop has waited */
    ev_idle idle;    /* active while `queued` isn't empty: forbids waiting */
    tnd_task queued; /* list heads */
    tnd_task running;
} loop_ev;

/* What hides in tnd_io.priv and tnd_timer.priv. */
typedef struct io_state {
    ev_io watcher;
    tnd_task again;
    unsigned again_events;
    bool is_set; /* libev has been told the descriptor */
    bool is_started;
    bool is_adopted; /* the descriptor is its owner's */
    bool is_lost;    /* epoll refused the descriptor: nothing would ever be reported */
} io_state;

typedef struct timer_state {
    ev_timer watcher;
    uint64_t due_us;
} timer_state;

_Static_assert(sizeof(io_state) <= sizeof(((tnd_io*)0)->priv), "tnd_io.priv is too small");
_Static_assert(sizeof(timer_state) <= sizeof(((tnd_timer*)0)->priv), "tnd_timer.priv is too small");

static loop_ev* loop_ev_of(tnd_loop* loop)
{
    return (loop_ev*)(void*)loop;
}

static io_state* io_state_of(tnd_io* io)
{
    return (io_state*)(void*)io->priv;
}

static timer_state* timer_state_of(tnd_timer* timer)
{
    return (timer_state*)(void*)timer->priv;
}

/* ---- time ---- */

/* Read once per turn, in the first callback of ours that wants it after the loop has waited.
   Outside of callbacks always afresh: the application may have been busy for long since then. */
static uint64_t loop_ev_now_us(tnd_loop* loop)
{
    loop_ev* self = loop_ev_of(loop);
    if (self->depth == 0) {
        return tnd_loop_posix_clock_us();
    }
    if (self->now_us == 0) {
        self->now_us = tnd_loop_posix_clock_us();
    }
    return self->now_us;
}

/* ---- callbacks: the frame around each ---- */

/* A forked child that runs its parent's loop: what hangs on it is the parent's, sockets and segment
 * included. None of it is called; what would be called again and again is stopped. */
static bool loop_ev_is_forked(const loop_ev* self)
{
    return tnd_fork_is_crossed(self->fork_generation);
}

static void loop_ev_enter(loop_ev* self)
{
    self->depth++;
}

static void loop_ev_leave(loop_ev* self)
{
    assert(self->depth > 0);
    if (--self->depth == 0 && self->is_freed) {
        tnd_free(self);
    }
}

/* ---- tasks ---- */

static void loop_ev_forbid_waiting(loop_ev* self)
{
    if (!ev_is_active(&self->idle)) {
        ev_idle_start(self->ev, &self->idle);
        ev_unref(self->ev);
    }
}

static void loop_ev_allow_waiting(loop_ev* self)
{
    if (ev_is_active(&self->idle)) {
        ev_ref(self->ev);
        ev_idle_stop(self->ev, &self->idle);
    }
}

static void loop_ev_task_soon(tnd_loop* loop, tnd_task* task)
{
    loop_ev* self = loop_ev_of(loop);
    assert(task->fn && !self->is_freed);
    if (!task->is_queued) {
        task->is_queued = true;
        tnd_tasks_append(&self->queued, task);
        loop_ev_forbid_waiting(self);
    }
}

static void loop_ev_task_cancel(tnd_loop* loop, tnd_task* task)
{
    (void)loop;
    if (task->is_queued) {
        task->is_queued = false;
        tnd_tasks_remove(task);
    }
}

/* The tasks of this turn: those queued before it. What they queue is the next turn's. A nested run
   of the loop goes on with the same list, so that nothing waits for the outer one to end. */
static void loop_ev_drain(loop_ev* self)
{
    tnd_tasks_splice(&self->running, &self->queued);
    loop_ev_allow_waiting(self);
    if (self->runs_count > 0 && !tnd_tasks_is_empty(&self->running)) {
        /* What tnd_loop_ev_run() waits for may be done by one of these: it must get to look. */
        loop_ev_forbid_waiting(self);
    }
    while (!self->is_freed && !tnd_tasks_is_empty(&self->running)) {
        tnd_task* task = tnd_tasks_take(&self->running);
        task->fn(task);
    }
}

static void on_prepare(struct ev_loop* ev, ev_prepare* watcher, int revents)
{
    (void)ev;
    (void)revents;
    loop_ev* self = watcher->data;
    if (loop_ev_is_forked(self)) {
        if (ev_is_active(&self->idle)) {
            ev_ref(self->ev);
            ev_idle_stop(self->ev, &self->idle);
        }
        return;
    }
    loop_ev_enter(self);
    loop_ev_drain(self);
    loop_ev_leave(self);
}

static void on_check(struct ev_loop* ev, ev_check* watcher, int revents)
{
    (void)ev;
    (void)revents;
    ((loop_ev*)watcher->data)->now_us = 0;
}

static void on_idle(struct ev_loop* ev, ev_idle* watcher, int revents)
{
    /* Nothing to do: that it is active keeps the loop from waiting. */
    (void)ev;
    (void)watcher;
    (void)revents;
}

/* ---- timers ---- */

static void timer_arm(loop_ev* self, tnd_timer* timer, uint64_t delay_us)
{
    timer_state* state = timer_state_of(timer);
    ev_timer_set(&state->watcher, (double)delay_us * 1e-6, 0.);
    ev_timer_start(self->ev, &state->watcher);
    ev_unref(self->ev);
}

/* libev counts from the time it last looked at the clock, which may be long ago: it may be early,
   never late. What is early is armed again for the rest. */
static void on_timer(struct ev_loop* ev, ev_timer* watcher, int revents)
{
    (void)ev;
    (void)revents;
    tnd_timer* timer = watcher->data;
    timer_state* state = timer_state_of(timer);
    loop_ev* self = loop_ev_of(timer->loop);
    ev_ref(self->ev); /* libev has stopped it */
    if (loop_ev_is_forked(self)) {
        return;
    }
    uint64_t now_us = tnd_loop_posix_clock_us();
    if (now_us < state->due_us) {
        timer_arm(self, timer, state->due_us - now_us);
        return;
    }
    timer->is_armed = false;
    loop_ev_enter(self);
    self->now_us = now_us;
    timer->fn(timer);
    loop_ev_leave(self);
}

static void loop_ev_timer_stop(tnd_loop* loop, tnd_timer* timer)
{
    loop_ev* self = loop_ev_of(loop);
    if (timer->is_armed) {
        timer->is_armed = false;
        ev_ref(self->ev);
        ev_timer_stop(self->ev, &timer_state_of(timer)->watcher);
    }
}

static void loop_ev_timer_start(tnd_loop* loop, tnd_timer* timer, uint64_t delay_us)
{
    loop_ev* self = loop_ev_of(loop);
    assert(timer->fn && !self->is_freed);
    loop_ev_timer_stop(loop, timer);
    timer_state* state = timer_state_of(timer);
    ev_init(&state->watcher, on_timer);
    ev_set_priority(&state->watcher, EV_MINPRI);
    state->watcher.data = timer;
    if (delay_us > LOOP_EV_DELAY_US_MAX) {
        delay_us = LOOP_EV_DELAY_US_MAX;
    }
    /* Not the cached time: the present callback may have taken long. */
    state->due_us = tnd_loop_posix_clock_us() + delay_us;
    timer->is_armed = true;
    timer_arm(self, timer, delay_us);
}

/* ---- descriptors: interest ---- */

static void io_dispatch(tnd_io* io, unsigned events)
{
    loop_ev* self = loop_ev_of(io->loop);
    loop_ev_enter(self);
    io->fn(io, events);
    loop_ev_leave(self);
}

static void on_io(struct ev_loop* ev, ev_io* watcher, int revents)
{
    tnd_io* io = watcher->data;
    unsigned events = 0;
    if (loop_ev_is_forked(loop_ev_of(io->loop))) {
        ev_ref(ev);
        ev_io_stop(ev, watcher);
        return;
    }
    if (revents & EV_ERROR) {
        /* libev stopped watching for good. The reads and writes that follow tell the handler. */
        io_state_of(io)->is_lost = true;
        events = io->mask;
    }
    events |= (revents & EV_READ ? TND_IO_READ : 0) | (revents & EV_WRITE ? TND_IO_WRITE : 0);
    events &= io->mask;
    if (events) {
        io_dispatch(io, events);
    }
}

static void on_again(tnd_task* task)
{
    tnd_io* io = task->udata;
    io_state* state = io_state_of(io);
    unsigned events = state->again_events;
    state->again_events = 0;
    io_dispatch(io, events);
}

/* Storage becomes an open descriptor without interest. */
static void io_opened(tnd_loop* loop, tnd_io* io, int fd, bool is_adopted)
{
    assert(!io->is_open && io->fn);
    memset(io->priv, 0, sizeof(io->priv));
    io_state* state = io_state_of(io);
    state->is_adopted = is_adopted;
    ev_init(&state->watcher, on_io);
    state->watcher.data = io;
    tnd_task_init(&state->again, loop, on_again, io);
    io->loop = loop;
    io->fd = fd;
    io->mask = 0;
    io->is_open = true;
}

/* Returns the events that were due in this turn but not yet delivered. */
static int io_unwatch(loop_ev* self, tnd_io* io)
{
    io_state* state = io_state_of(io);
    int pending = 0;
    if (state->is_started) {
        state->is_started = false;
        pending = ev_clear_pending(self->ev, &state->watcher);
        ev_ref(self->ev);
        ev_io_stop(self->ev, &state->watcher);
    }
    return pending;
}

/* The first time libev learns of the descriptor; later of the mask alone, so that a mask that is
   changed and changed back within a turn costs no system call. */
static void io_set_events(io_state* state, int fd, int events)
{
    if (!state->is_set) {
        state->is_set = true;
        ev_io_set(&state->watcher, fd, events);
        return;
    }
#ifdef ev_io_modify
    state->watcher.events = (state->watcher.events & EV__IOFDSET) | events;
#else
    ev_io_set(&state->watcher, fd, events); /* before libev 4.33 */
#endif
}

static int loop_ev_io_watch(tnd_loop* loop, tnd_io* io, unsigned mask)
{
    loop_ev* self = loop_ev_of(loop);
    io_state* state = io_state_of(io);
    assert(io->is_open && (mask & ~(TND_IO_READ | TND_IO_WRITE)) == 0);
    if (mask == io->mask) {
        return 0;
    }
    int pending = io_unwatch(self, io);
    io->mask = mask;
    if (mask == 0) {
        return 0;
    }
    int events = (mask & TND_IO_READ ? EV_READ : 0) | (mask & TND_IO_WRITE ? EV_WRITE : 0);
    io_set_events(state, io->fd, events);
    ev_io_start(self->ev, &state->watcher);
    ev_unref(self->ev);
    state->is_started = true;
    if (pending & (events | EV_ERROR)) {
        /* Due in this very turn: it must still come before the turn's timers. */
        ev_feed_event(self->ev, &state->watcher, pending);
    }
    return 0;
}

static void loop_ev_io_again(tnd_loop* loop, tnd_io* io, unsigned events)
{
    io_state* state = io_state_of(io);
    assert(io->is_open && events != 0);
    state->again_events |= events;
    loop_ev_task_soon(loop, &state->again);
}

static void loop_ev_close(tnd_loop* loop, tnd_io* io)
{
    if (!io->is_open) {
        return;
    }
    io_state* state = io_state_of(io);
    io_unwatch(loop_ev_of(loop), io);
    loop_ev_task_cancel(loop, &state->again);
    if (!state->is_adopted) {
        close(io->fd);
    }
    io->is_open = false;
    io->mask = 0;
    io->fd = -1;
}

/* ---- descriptors: sockets ---- */

static int loop_ev_connect(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr,
                           socklen_t addr_len)
{
    int fd = tnd_loop_posix_connect(addr, addr_len);
    if (fd < 0) {
        return fd;
    }
    io_opened(loop, io, fd, false);
    return 0;
}

static int loop_ev_listen(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr,
                          socklen_t addr_len, int backlog)
{
    int fd = tnd_loop_posix_listen(addr, addr_len, backlog);
    if (fd < 0) {
        return fd;
    }
    io_opened(loop, io, fd, false);
    return 0;
}

static int loop_ev_accept(tnd_loop* loop, tnd_io* io, tnd_io* ret_io)
{
    assert(io->is_open && !ret_io->is_open);
    int fd = tnd_loop_posix_accept(io->fd);
    if (fd < 0) {
        return fd;
    }
    io_opened(loop, ret_io, fd, false);
    return 0;
}

static int loop_ev_adopt(tnd_loop* loop, tnd_io* io, int fd)
{
    assert(fd >= 0);
    io_opened(loop, io, fd, true);
    return 0;
}

static ssize_t loop_ev_read(tnd_loop* loop, tnd_io* io, void* bytes, size_t size)
{
    return io_state_of(io)->is_lost ? -EIO : tnd_loop_posix_read(loop, io, bytes, size);
}

static ssize_t loop_ev_writev(tnd_loop* loop, tnd_io* io, const struct iovec* iov, int iov_count)
{
    return io_state_of(io)->is_lost ? -EIO : tnd_loop_posix_writev(loop, io, iov, iov_count);
}

/* ---- life ---- */

static void loop_ev_ref(tnd_loop* loop)
{
    ev_ref(loop_ev_of(loop)->ev);
}

static void loop_ev_unref(tnd_loop* loop)
{
    ev_unref(loop_ev_of(loop)->ev);
}

static const tnd_loop_ops loop_ev_ops = {
    .version = TND_LOOP_VERSION,
    .name = "libev",
    .reports_level = true,
    .now_us = loop_ev_now_us,
    .unix_now = tnd_loop_posix_unix_now,
    .random = tnd_loop_posix_random,
    .timer_start = loop_ev_timer_start,
    .timer_stop = loop_ev_timer_stop,
    .task_soon = loop_ev_task_soon,
    .task_cancel = loop_ev_task_cancel,
    .connect = loop_ev_connect,
    .connect_result = tnd_loop_posix_connect_result,
    .listen = loop_ev_listen,
    .accept = loop_ev_accept,
    .peer = tnd_loop_posix_peer,
    .adopt = loop_ev_adopt,
    .io_watch = loop_ev_io_watch,
    .io_again = loop_ev_io_again,
    .read = loop_ev_read,
    .writev = loop_ev_writev,
    .close = loop_ev_close,
    .ref = loop_ev_ref,
    .unref = loop_ev_unref,
};

tnd_loop* tnd_loop_ev_new(struct ev_loop* loop)
{
    assert(loop);
    loop_ev* self = tnd_calloc(1, sizeof(*self));
    if (!self) {
        return NULL;
    }
    self->loop.ops = &loop_ev_ops;
    self->ev = loop;
    self->fork_generation = tnd_fork_generation();
    tnd_tasks_init(&self->queued);
    tnd_tasks_init(&self->running);
    /* After the application's own prepare watchers, so that what they submit isn't a turn late. */
    ev_prepare_init(&self->prepare, on_prepare);
    ev_set_priority(&self->prepare, EV_MINPRI);
    self->prepare.data = self;
    ev_prepare_start(loop, &self->prepare);
    ev_unref(loop);
    /* Before everything that might ask for the time. */
    ev_check_init(&self->check, on_check);
    ev_set_priority(&self->check, EV_MAXPRI);
    self->check.data = self;
    ev_check_start(loop, &self->check);
    ev_unref(loop);
    /* Lowest priority: idle watchers of the application go on as if it weren't there. */
    ev_idle_init(&self->idle, on_idle);
    ev_set_priority(&self->idle, EV_MINPRI);
    return &self->loop;
}

tnd_loop* tnd_loop_ev_create(void)
{
    unsigned flags = EVFLAG_AUTO | EVFLAG_NOENV | EVFLAG_NOSIGMASK | EVFLAG_NOINOTIFY;
#if EV_VERSION_MAJOR > 4 || EV_VERSION_MINOR >= 33
    flags |= EVFLAG_NOTIMERFD;
#endif
    struct ev_loop* loop = ev_loop_new(flags);
    if (!loop) {
        return NULL;
    }
    tnd_loop* self = tnd_loop_ev_new(loop);
    if (!self) {
        ev_loop_destroy(loop);
        return NULL;
    }
    loop_ev_of(self)->is_owner = true;
    return self;
}

void tnd_loop_ev_free(tnd_loop* loop)
{
    if (!loop) {
        return;
    }
    loop_ev* self = loop_ev_of(loop);
    assert(!self->is_freed);
    tnd_tasks_splice(&self->queued, &self->running);
    while (!tnd_tasks_is_empty(&self->queued)) {
        loop_ev_task_cancel(loop, self->queued.next);
    }
    loop_ev_allow_waiting(self);
    ev_ref(self->ev);
    ev_prepare_stop(self->ev, &self->prepare);
    ev_ref(self->ev);
    ev_check_stop(self->ev, &self->check);
    if (self->is_owner) {
        assert(ev_depth(self->ev) == 0);
        ev_loop_destroy(self->ev);
    }
    self->is_freed = true;
    if (self->depth == 0) {
        tnd_free(self);
    }
}

struct ev_loop* tnd_loop_ev_raw(tnd_loop* loop)
{
    return loop_ev_of(loop)->ev;
}

void tnd_loop_ev_run(tnd_loop* loop, bool (*done)(void* udata), void* udata)
{
    loop_ev* self = loop_ev_of(loop);
    self->runs_count++;
    ev_ref(self->ev); /* else a loop without other watchers spins instead of waiting */
    while (!done(udata)) {
        ev_run(self->ev, EVRUN_ONCE);
    }
    ev_unref(self->ev);
    self->runs_count--;
}

bool tnd_loop_ev_is_running(const tnd_loop* loop)
{
    return ev_depth(((const loop_ev*)(const void*)loop)->ev) > 0;
}

void tnd_loop_ev_break(tnd_loop* loop)
{
    ev_break(loop_ev_of(loop)->ev, EVBREAK_ALL);
}
