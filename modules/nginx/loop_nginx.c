/*
 * The loop seam on nginx's events and POSIX sockets.
 *
 * A turn is one ngx_process_events_and_timers():
 *
 *     what was asked for "soon" moves from ngx_posted_next_events to ngx_posted_events
 *     wait     descriptors: handled at once, or posted behind "soon" by whoever holds accept_mutex
 *     timers   those of the seam only post themselves, to the end
 *     posted   "soon", descriptors, timers: an answer that has come is never a timeout
 *
 * Descriptors are edge-triggered where nginx can do that (epoll): both directions are watched from
 * the first interest on, the mask is ours, and nginx's `ready` flags tell at once what a wider mask
 * has missed. Elsewhere (poll, select) nginx's interest follows the mask.
 *
 * Shutting down: nginx ends a worker as soon as no timer is left that isn't cancelable. Ours all
 * are, and `hold` stands in for the references; it need only be in nginx's tree while exiting.
 */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "loop_nginx.h"

#include <assert.h>
#include <sys/eventfd.h>
#include <tendril/loop_posix.h>
#include <tendril/tasks.h>

/* Longer delays are waited for in pieces of this: epoll takes an int. */
#define LOOP_NGINX_WAIT_MS_MAX ((uint64_t)1 << 30)
/* Longer delays are cut to this (some 30 years), so that due times can't overflow. */
#define LOOP_NGINX_DELAY_US_MAX ((uint64_t)1 << 50)

typedef struct loop_nginx {
    tnd_loop loop;
    unsigned depth;               /* callbacks of ours on the stack */
    uint64_t now_us;              /* 0 or the time read in the present callback */
    tnd_task queued;              /* list heads: for the next turn, */
    tnd_task running;             /* and of the present one */
    ngx_event_t soon;             /* posted while `queued` isn't empty */
    unsigned refs;                /* by tnd_loop_ops.ref */
    ngx_event_t hold;             /* a timer that isn't cancelable: set when there are references */
    ngx_connection_t* exit_watch; /* idle, so nginx tells it that the worker is exiting */
    void (*on_exiting)(void* udata);
    void* udata;
} loop_nginx;

/* What hides in tnd_io.priv and tnd_timer.priv. */
typedef struct io_state {
    ngx_connection_t* connection;
    tnd_task again;
    unsigned again_events; /* asked for by io_again: reported whatever the mask is */
    unsigned edge_events;  /* missed by a narrower mask: reported as far as the mask has them */
    bool is_added;         /* to nginx's events, for good (edge-triggered) */
    bool is_adopted;       /* the descriptor is its owner's */
    bool is_drained;       /* the last read was short: nothing is there until nginx says so */
} io_state;

typedef struct timer_state {
    ngx_event_t event;
    uint64_t due_us;
    bool is_due; /* posted to the end of this turn */
} timer_state;

_Static_assert(sizeof(io_state) <= sizeof(((tnd_io*)0)->priv), "tnd_io.priv is too small");
_Static_assert(sizeof(timer_state) <= sizeof(((tnd_timer*)0)->priv), "tnd_timer.priv is too small");

static loop_nginx* loop_nginx_of(tnd_loop* loop)
{
    return (loop_nginx*)(void*)loop;
}

static io_state* io_state_of(tnd_io* io)
{
    return (io_state*)(void*)io->priv;
}

static timer_state* timer_state_of(tnd_timer* timer)
{
    return (timer_state*)(void*)timer->priv;
}

/* ---- callbacks: the frame around each ---- */

static void loop_nginx_enter(loop_nginx* self)
{
    self->depth++;
    self->now_us = 0;
}

static void loop_nginx_leave(loop_nginx* self)
{
    assert(self->depth > 0);
    self->depth--;
    self->now_us = 0;
}

/* Read once per callback of ours. Outside of them always afresh: nginx's own clock is coarse, and
   other modules may have been busy for long since the loop last waited. */
static uint64_t loop_nginx_now_us(tnd_loop* loop)
{
    loop_nginx* self = loop_nginx_of(loop);
    if (self->depth == 0) {
        return tnd_loop_posix_clock_us();
    }
    if (self->now_us == 0) {
        self->now_us = tnd_loop_posix_clock_us();
    }
    return self->now_us;
}

/* ---- tasks ---- */

static void loop_nginx_task_soon(tnd_loop* loop, tnd_task* task)
{
    loop_nginx* self = loop_nginx_of(loop);
    assert(task->fn);
    if (!task->is_queued) {
        task->is_queued = true;
        tnd_tasks_append(&self->queued, task);
        ngx_post_event(&self->soon, &ngx_posted_next_events);
    }
}

static void loop_nginx_task_cancel(tnd_loop* loop, tnd_task* task)
{
    (void)loop;
    if (task->is_queued) {
        task->is_queued = false;
        tnd_tasks_remove(task);
    }
}

static void on_soon(ngx_event_t* event)
{
    loop_nginx* self = event->data;
    loop_nginx_enter(self);
    tnd_tasks_splice(&self->running, &self->queued);
    while (!tnd_tasks_is_empty(&self->running)) {
        tnd_task* task = tnd_tasks_take(&self->running);
        self->now_us = 0;
        task->fn(task);
    }
    loop_nginx_leave(self);
}

/* ---- timers ---- */

static void timer_add(timer_state* state, uint64_t delay_us)
{
    uint64_t delay_ms = (delay_us + 999) / 1000;
    if (delay_ms > LOOP_NGINX_WAIT_MS_MAX) {
        delay_ms = LOOP_NGINX_WAIT_MS_MAX;
    }
    ngx_add_timer(&state->event, (ngx_msec_t)delay_ms);
}

/* nginx counts in milliseconds of a clock that may lag behind: it may be early, never too late.
   What is early is added again for the rest. */
static void timer_fire(tnd_timer* timer)
{
    timer_state* state = timer_state_of(timer);
    loop_nginx* self = loop_nginx_of(timer->loop);
    uint64_t now_us = tnd_loop_posix_clock_us();
    if (now_us < state->due_us) {
        state->is_due = false;
        timer_add(state, state->due_us - now_us);
        return;
    }
    timer->is_armed = false;
    loop_nginx_enter(self);
    self->now_us = now_us;
    timer->fn(timer);
    loop_nginx_leave(self);
}

/* First from nginx's timers, or from the next turn's beginning: then descriptors come in between.
 */
static void on_timer(ngx_event_t* event)
{
    tnd_timer* timer = event->data;
    timer_state* state = timer_state_of(timer);
    if (state->is_due) {
        timer_fire(timer);
        return;
    }
    state->is_due = true;
    ngx_post_event(event, &ngx_posted_events);
}

static void loop_nginx_timer_stop(tnd_loop* loop, tnd_timer* timer)
{
    (void)loop;
    if (!timer->is_armed) {
        return;
    }
    timer->is_armed = false;
    ngx_event_t* event = &timer_state_of(timer)->event;
    if (event->timer_set) {
        ngx_del_timer(event);
    }
    if (event->posted) {
        ngx_delete_posted_event(event);
    }
}

static void loop_nginx_timer_start(tnd_loop* loop, tnd_timer* timer, uint64_t delay_us)
{
    assert(timer->fn);
    loop_nginx_timer_stop(loop, timer); /* nginx would ignore a small change */
    timer_state* state = timer_state_of(timer);
    memset(state, 0, sizeof(*state));
    state->event.data = timer;
    state->event.handler = on_timer;
    state->event.log = ngx_cycle->log;
    state->event.cancelable = 1;
    if (delay_us > LOOP_NGINX_DELAY_US_MAX) {
        delay_us = LOOP_NGINX_DELAY_US_MAX;
    }
    timer->is_armed = true;
    if (delay_us == 0) {
        ngx_post_event(&state->event, &ngx_posted_next_events);
        return;
    }
    state->due_us = tnd_loop_posix_clock_us() + delay_us;
    timer_add(state, delay_us);
}

/* ---- descriptors: events ---- */

static void io_dispatch(tnd_io* io, unsigned events)
{
    loop_nginx* self = loop_nginx_of(io->loop);
    loop_nginx_enter(self);
    io->fn(io, events);
    loop_nginx_leave(self);
}

/* Also called by nginx with connection->close set when worker_shutdown_timeout is over: then it is
   a callback without cause, and exit_process closes. */
static void on_read(ngx_event_t* event)
{
    ngx_connection_t* connection = event->data;
    tnd_io* io = connection->data;
    if (io->mask & TND_IO_READ) {
        io_dispatch(io, TND_IO_READ);
    }
}

static void on_write(ngx_event_t* event)
{
    ngx_connection_t* connection = event->data;
    tnd_io* io = connection->data;
    if (io->mask & TND_IO_WRITE) {
        io_dispatch(io, TND_IO_WRITE);
    }
}

static void on_again(tnd_task* task)
{
    tnd_io* io = task->udata;
    io_state* state = io_state_of(io);
    unsigned events = state->again_events | (state->edge_events & io->mask);
    state->again_events = 0;
    state->edge_events = 0;
    if (events) {
        io->fn(io, events); /* within on_soon's frame */
    }
}

static void loop_nginx_io_again(tnd_loop* loop, tnd_io* io, unsigned events)
{
    io_state* state = io_state_of(io);
    assert(io->is_open && events != 0);
    state->again_events |= events;
    loop_nginx_task_soon(loop, &state->again);
}

/* ---- descriptors: interest ---- */

static bool nginx_has_edges(void)
{
    return ngx_add_conn && (ngx_event_flags & NGX_USE_CLEAR_EVENT);
}

/* Both directions at once and for good; what is ready already is reported in the next turn. */
static int io_add_edges(io_state* state)
{
    if (state->is_added) {
        return 0;
    }
    if (ngx_add_conn(state->connection) != NGX_OK) {
        return -EIO;
    }
    state->is_added = true;
    return 0;
}

static int io_follow_level(ngx_event_t* event, bool is_wanted)
{
    ngx_int_t kind = event->write ? NGX_WRITE_EVENT : NGX_READ_EVENT;
    ngx_int_t result = NGX_OK;
    if (is_wanted && !event->active) {
        result = ngx_add_event(event, kind, NGX_LEVEL_EVENT);
    } else if (!is_wanted && event->active) {
        result = ngx_del_event(event, kind, NGX_LEVEL_EVENT);
    }
    return result == NGX_OK ? 0 : -EIO;
}

static int io_follow_levels(io_state* state, unsigned mask)
{
    int result = io_follow_level(state->connection->read, mask & TND_IO_READ);
    return result < 0 ? result : io_follow_level(state->connection->write, mask & TND_IO_WRITE);
}

/* What nginx has reported while the mask didn't have it. */
static void io_note_missed(tnd_loop* loop, tnd_io* io, unsigned widened)
{
    io_state* state = io_state_of(io);
    unsigned missed = 0;
    if ((widened & TND_IO_READ) && state->connection->read->ready) {
        missed |= TND_IO_READ;
    }
    if ((widened & TND_IO_WRITE) && state->connection->write->ready) {
        missed |= TND_IO_WRITE;
    }
    if (missed) {
        state->edge_events |= missed;
        loop_nginx_task_soon(loop, &state->again);
    }
}

static int loop_nginx_io_watch(tnd_loop* loop, tnd_io* io, unsigned mask)
{
    io_state* state = io_state_of(io);
    assert(io->is_open && (mask & ~(TND_IO_READ | TND_IO_WRITE)) == 0);
    if (mask == io->mask) {
        return 0;
    }
    unsigned widened = mask & ~io->mask;
    int result = 0;
    if (!nginx_has_edges()) {
        result = io_follow_levels(state, mask);
    } else if (widened) {
        result = io_add_edges(state);
    }
    if (result < 0) {
        return result;
    }
    io->mask = mask;
    if (nginx_has_edges()) {
        io_note_missed(loop, io, widened);
    }
    return 0;
}

/* ---- descriptors: life ---- */

/* Asking nginx for a slot that isn't there costs an alert in its log. */
static bool slot_is_left(void)
{
    return ngx_cycle->free_connection_n > 0 || ngx_cycle->reusable_connections_n > 0;
}

static ngx_connection_t* connection_get(int fd)
{
    ngx_connection_t* connection = slot_is_left() ? ngx_get_connection(fd, ngx_cycle->log) : NULL;
    if (connection) {
        connection->read->log = ngx_cycle->log;
        connection->write->log = ngx_cycle->log;
        connection->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    }
    return connection;
}

/* Storage becomes an open descriptor without interest. Takes `fd`, and closes it on failure unless
   it is adopted. */
static int io_open(tnd_loop* loop, tnd_io* io, int fd, bool is_adopted)
{
    assert(!io->is_open && io->fn);
    ngx_connection_t* connection = connection_get(fd);
    if (!connection) {
        if (!is_adopted) {
            ngx_close_socket(fd);
        }
        return -EMFILE;
    }
    connection->data = io;
    connection->read->handler = on_read;
    connection->write->handler = on_write;
    memset(io->priv, 0, sizeof(io->priv));
    io_state* state = io_state_of(io);
    state->connection = connection;
    state->is_adopted = is_adopted;
    tnd_task_init(&state->again, loop, on_again, io);
    io->loop = loop;
    io->fd = fd;
    io->mask = 0;
    io->is_open = true;
    return 0;
}

/* ngx_close_connection() without closing what isn't ours. */
static void connection_let_go(io_state* state)
{
    ngx_connection_t* connection = state->connection;
    if (state->is_added) {
        ngx_del_conn(connection, 0);
    } else if (!nginx_has_edges()) {
        io_follow_levels(state, 0);
    }
    if (connection->read->posted) {
        ngx_delete_posted_event(connection->read);
    }
    if (connection->write->posted) {
        ngx_delete_posted_event(connection->write);
    }
    connection->read->closed = 1;
    connection->write->closed = 1;
    ngx_free_connection(connection);
    connection->fd = (ngx_socket_t)-1;
}

static void loop_nginx_close(tnd_loop* loop, tnd_io* io)
{
    if (!io->is_open) {
        return;
    }
    io_state* state = io_state_of(io);
    loop_nginx_task_cancel(loop, &state->again);
    if (state->is_adopted) {
        connection_let_go(state);
    } else {
        ngx_close_connection(state->connection);
    }
    io->is_open = false;
    io->mask = 0;
    io->fd = -1;
}

static int loop_nginx_connect(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr,
                              socklen_t addr_len)
{
    if (!slot_is_left()) {
        return -EMFILE;
    }
    int fd = tnd_loop_posix_connect(addr, addr_len);
    return fd < 0 ? fd : io_open(loop, io, fd, false);
}

static int loop_nginx_listen(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr,
                             socklen_t addr_len, int backlog)
{
    if (!slot_is_left()) {
        return -EMFILE;
    }
    int fd = tnd_loop_posix_listen(addr, addr_len, backlog);
    return fd < 0 ? fd : io_open(loop, io, fd, false);
}

static int loop_nginx_accept(tnd_loop* loop, tnd_io* io, tnd_io* ret_io)
{
    assert(io->is_open && !ret_io->is_open);
    if (!slot_is_left()) {
        return -EMFILE; /* before anything is accepted that would have to be closed */
    }
    int fd = tnd_loop_posix_accept(io->fd);
    if (fd == TND_WAIT) {
        io_state_of(io)->connection->read->ready = 0;
    }
    return fd < 0 ? fd : io_open(loop, ret_io, fd, false);
}

static int loop_nginx_adopt(tnd_loop* loop, tnd_io* io, int fd)
{
    assert(fd >= 0);
    return io_open(loop, io, fd, true);
}

/* A short read has emptied the socket: what comes later is an edge of its own, and so is the end
   unless it has been reported already. Asking once more would be a system call for nothing. */
static bool read_has_drained(const ngx_event_t* event, ssize_t count, size_t size)
{
#if (NGX_HAVE_EPOLLRDHUP)
    return count > 0 && (size_t)count < size && ngx_use_epoll_rdhup && !event->pending_eof;
#else
    (void)event;
    (void)count;
    (void)size;
    return false;
#endif
}

static ssize_t loop_nginx_read(tnd_loop* loop, tnd_io* io, void* bytes, size_t size)
{
    io_state* state = io_state_of(io);
    ngx_event_t* event = state->connection->read;
    if (state->is_drained && !event->ready) {
        return TND_WAIT;
    }
    ssize_t count = tnd_loop_posix_read(loop, io, bytes, size);
    state->is_drained = state->is_added && read_has_drained(event, count, size);
    if (count == TND_WAIT || state->is_drained) {
        event->ready = 0;
    }
    return count;
}

static ssize_t loop_nginx_writev(tnd_loop* loop, tnd_io* io, const struct iovec* iov, int iov_count)
{
    ssize_t count = tnd_loop_posix_writev(loop, io, iov, iov_count);
    if (count == TND_WAIT) {
        io_state_of(io)->connection->write->ready = 0;
    }
    return count;
}

/* ---- shutting down ---- */

static void hold_set(loop_nginx* self)
{
    if (!self->hold.timer_set) {
        ngx_add_timer(&self->hold, (ngx_msec_t)LOOP_NGINX_WAIT_MS_MAX);
    }
}

static void hold_drop(loop_nginx* self)
{
    if (self->hold.timer_set) {
        ngx_del_timer(&self->hold);
    }
}

static void on_hold(ngx_event_t* event)
{
    loop_nginx* self = event->data;
    if (self->refs > 0) {
        hold_set(self);
    }
}

static void loop_nginx_ref(tnd_loop* loop)
{
    loop_nginx* self = loop_nginx_of(loop);
    self->refs++;
    hold_set(self);
}

/* The timer stays where it is while the worker serves: setting it anew for each command is dear. */
static void loop_nginx_unref(tnd_loop* loop)
{
    loop_nginx* self = loop_nginx_of(loop);
    assert(self->refs > 0);
    if (--self->refs == 0 && ngx_exiting) {
        hold_drop(self);
    }
}

static void exit_watch_end(loop_nginx* self)
{
    if (self->exit_watch) {
        ngx_close_connection(self->exit_watch);
        self->exit_watch = NULL;
    }
}

/* nginx calls the read handlers of idle connections with `close` set when the worker begins to shut
   down (and of all connections when worker_shutdown_timeout is over). */
static void on_exit_watch(ngx_event_t* event)
{
    ngx_connection_t* connection = event->data;
    loop_nginx* self = connection->data;
    exit_watch_end(self);
    if (self->refs == 0) {
        hold_drop(self);
    }
    if (self->on_exiting) {
        self->on_exiting(self->udata);
    }
}

/* An event descriptor that never gets anything: nginx's arrays want a real one. */
static bool exit_watch_start(loop_nginx* self)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    self->exit_watch = connection_get(fd);
    if (!self->exit_watch) {
        ngx_close_socket(fd);
        return false;
    }
    self->exit_watch->data = self;
    self->exit_watch->read->handler = on_exit_watch;
    self->exit_watch->write->handler = on_exit_watch;
    self->exit_watch->idle = 1;
    return true;
}

/* ---- life ---- */

static const tnd_loop_ops loop_nginx_ops = {
    .version = TND_LOOP_VERSION,
    .name = "nginx",
    .now_us = loop_nginx_now_us,
    .unix_now = tnd_loop_posix_unix_now,
    .random = tnd_loop_posix_random,
    .timer_start = loop_nginx_timer_start,
    .timer_stop = loop_nginx_timer_stop,
    .task_soon = loop_nginx_task_soon,
    .task_cancel = loop_nginx_task_cancel,
    .connect = loop_nginx_connect,
    .connect_result = tnd_loop_posix_connect_result,
    .listen = loop_nginx_listen,
    .accept = loop_nginx_accept,
    .peer = tnd_loop_posix_peer,
    .adopt = loop_nginx_adopt,
    .io_watch = loop_nginx_io_watch,
    .io_again = loop_nginx_io_again,
    .read = loop_nginx_read,
    .writev = loop_nginx_writev,
    .close = loop_nginx_close,
    .ref = loop_nginx_ref,
    .unref = loop_nginx_unref,
    .lookup_start = NULL, /* c-ares through adopt */
    .lookup_cancel = NULL,
};

static void event_init(ngx_event_t* event, loop_nginx* self, ngx_event_handler_pt handler)
{
    event->data = self;
    event->handler = handler;
    event->log = ngx_cycle->log;
}

tnd_loop* tnd_loop_nginx_new(void (*on_exiting)(void* udata), void* udata)
{
    loop_nginx* self = ngx_calloc(sizeof(*self), ngx_cycle->log);
    if (!self) {
        return NULL;
    }
    self->loop.ops = &loop_nginx_ops;
    tnd_tasks_init(&self->queued);
    tnd_tasks_init(&self->running);
    event_init(&self->soon, self, on_soon);
    event_init(&self->hold, self, on_hold);
    self->on_exiting = on_exiting;
    self->udata = udata;
    if (!exit_watch_start(self)) {
        ngx_free(self);
        return NULL;
    }
    return &self->loop;
}

void tnd_loop_nginx_free(tnd_loop* loop)
{
    if (!loop) {
        return;
    }
    loop_nginx* self = loop_nginx_of(loop);
    assert(self->depth == 0);
    tnd_tasks_splice(&self->queued, &self->running);
    while (!tnd_tasks_is_empty(&self->queued)) {
        loop_nginx_task_cancel(loop, self->queued.next);
    }
    if (self->soon.posted) {
        ngx_delete_posted_event(&self->soon);
    }
    hold_drop(self);
    exit_watch_end(self);
    ngx_free(self);
}
