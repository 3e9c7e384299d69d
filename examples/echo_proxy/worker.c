/*
 * A worker: one process, one thread, one event loop, one client of the cluster.
 *
 * It connects to the cluster, serves once it knows where the data is, and drains when the master
 * tells it to, or dies: it closes its listening socket, gives up the tending role at once (so that
 * another worker has it while this one finishes), answers what its clients have sent, closes the
 * cluster and ends. Nothing here waits but the loop.
 */
#include "echo_proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_PAUSE_SEC 0.1
#define START_LIMIT_SEC 3. /* then it serves without knowing where the data is */

/* ---- end ------------------------------------------------------------------------------------ */

static void on_closed(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)err, (void)event_loop;
    echo_worker* self = udata;
    as_event_close_loops();
    ev_break(self->loop, EVBREAK_ALL);
}

static void worker_close_cluster(echo_worker* self)
{
    if (self->is_closing) {
        return;
    }
    self->is_closing = true;
    as_error err;
    if (aerospike_close_async(&self->as, &err, on_closed, self, self->event_loop) != AEROSPIKE_OK) {
        log_line("close: %s", err.message);
        on_closed(NULL, self, self->event_loop);
    }
}

void worker_note_client_gone(echo_worker* self)
{
    self->clients_count--;
    if (self->is_draining && self->clients_count == 0) {
        worker_close_cluster(self);
    }
}

static void on_drain_timeout(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)loop, (void)events;
    echo_worker* self = timer->data;
    log_line("still %u connections: closed", self->clients_count);
    for (echo_client *client = TAILQ_FIRST(&self->clients), *next; client; client = next) {
        next = client_next(client);
        client_close(client);
    }
    worker_close_cluster(self); /* ends the lines that are still at the cluster */
}

static void worker_drain(echo_worker* self, const char* why)
{
    if (self->is_draining) {
        return;
    }
    self->is_draining = true;
    log_line("draining: %s; %u connections", why, self->clients_count);
    ev_io_stop(self->loop, &self->accept_io);
    ev_timer_stop(self->loop, &self->accept_pause);
    ev_timer_stop(self->loop, &self->start_timeout);
    close(self->listen_fd);
    as_error err;
    if (aerospike_drain(&self->as, &err) != AEROSPIKE_OK) {
        log_line("drain: %s", err.message);
    }
    ev_timer_start(self->loop, &self->drain_timeout);
    for (echo_client *client = TAILQ_FIRST(&self->clients), *next; client; client = next) {
        next = client_next(client);
        client_drain(client);
    }
    if (self->clients_count == 0) {
        worker_close_cluster(self);
    }
}

static void on_term(struct ev_loop* loop, ev_signal* signal, int events)
{
    (void)loop, (void)events;
    worker_drain(signal->data, "told to end");
}

static void on_master_gone(struct ev_loop* loop, ev_io* io, int events)
{
    (void)events;
    ev_io_stop(loop, io);
    worker_drain(io->data, "the master is gone");
}

/* ---- service -------------------------------------------------------------------------------- */

static void on_accept_resume(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)events;
    echo_worker* self = timer->data;
    ev_io_start(loop, &self->accept_io);
}

static void worker_pause_accepting(echo_worker* self)
{
    log_line("%u connections: no more for now", self->clients_count);
    ev_io_stop(self->loop, &self->accept_io); /* or the loop would spin: it stays readable */
    ev_timer_set(&self->accept_pause, ACCEPT_PAUSE_SEC, 0.);
    ev_timer_start(self->loop, &self->accept_pause);
}

/* One connection a turn: the other workers, awake now too, get theirs. */
static void on_accept(struct ev_loop* loop, ev_io* io, int events)
{
    (void)loop, (void)events;
    echo_worker* self = io->data;
    if (self->clients_count >= CLIENTS_MAX) {
        worker_pause_accepting(self);
        return;
    }
    int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        client_open(self, fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        worker_pause_accepting(self);
    } /* else another worker was faster, or the peer is gone already */
}

static void on_flush(struct ev_loop* loop, ev_prepare* prepare, int events)
{
    (void)loop, (void)events;
    client_flush_all(prepare->data);
}

static void worker_serve(echo_worker* self)
{
    if (self->is_serving || self->is_draining) {
        return;
    }
    self->is_serving = true;
    ev_timer_stop(self->loop, &self->start_timeout);
    ev_io_start(self->loop, &self->accept_io);
    if (write(self->master_fd, "R", 1) != 1) {
        log_line("can't tell the master: %s", strerror(errno));
    }
}

static void on_connected(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    echo_worker* self = udata;
    if (err && !self->is_draining) {
        log_line("connect: %s", err->message);
    }
    worker_serve(self);
}

/* The cluster doesn't answer: clients get errors until it does, which beats no answer. */
static void on_start_timeout(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)loop, (void)events;
    log_line("no cluster yet");
    worker_serve(timer->data);
}

static bool worker_connect(echo_worker* self)
{
    const echo_options* options = self->options;
    as_config config;
    as_config_init(&config);
    as_config_add_hosts(&config, options->hosts, 3000);
    config.fail_if_not_connected =
        false; /* a server that starts before its database waits for it */
    config.use_shm = true;
    config.shm_key = options->shm_key;
    config.shm_takeover_threshold_sec = options->takeover_threshold_sec;
    config.async_max_conns_per_node = LINES_MAX + 16; /* with those of lines that timed out */
    store_configure(&config);
    aerospike_init(&self->as, &config);

    as_error err;
    if (aerospike_connect_async(&self->as, &err, on_connected, self, self->event_loop) !=
        AEROSPIKE_OK) {
        log_line("connect: %s", err.message);
        return false;
    }
    return true;
}

static void worker_watch(echo_worker* self)
{
    ev_io_init(&self->accept_io, on_accept, self->listen_fd, EV_READ);
    ev_io_init(&self->master_io, on_master_gone, self->master_fd, EV_READ);
    ev_signal_init(&self->term_signal, on_term, SIGTERM);
    ev_signal_init(&self->int_signal, on_term, SIGINT);
    ev_prepare_init(&self->flush, on_flush);
    ev_timer_init(&self->accept_pause, on_accept_resume, ACCEPT_PAUSE_SEC, 0.);
    ev_timer_init(&self->start_timeout, on_start_timeout, START_LIMIT_SEC, 0.);
    ev_timer_init(&self->drain_timeout, on_drain_timeout, DRAIN_LIMIT_MS / 1e3, 0.);
    self->accept_io.data = self->master_io.data = self;
    self->term_signal.data = self->int_signal.data = self;
    self->flush.data = self->accept_pause.data = self;
    self->start_timeout.data = self->drain_timeout.data = self;
    ev_io_start(self->loop, &self->master_io);
    ev_signal_start(self->loop, &self->term_signal);
    ev_signal_start(self->loop, &self->int_signal);
    ev_prepare_start(self->loop, &self->flush);
    ev_timer_start(self->loop, &self->start_timeout);
}

static void worker_unwatch(echo_worker* self)
{
    ev_io_stop(self->loop, &self->accept_io);
    ev_io_stop(self->loop, &self->master_io);
    ev_signal_stop(self->loop, &self->term_signal);
    ev_signal_stop(self->loop, &self->int_signal);
    ev_prepare_stop(self->loop, &self->flush);
    ev_timer_stop(self->loop, &self->accept_pause);
    ev_timer_stop(self->loop, &self->start_timeout);
    ev_timer_stop(self->loop, &self->drain_timeout);
}

int worker_run(const echo_options* options, int listen_fd, int master_fd)
{
    echo_worker* self = calloc(1, sizeof(*self));
    /* A loop of our own, made after the fork; never the default loop, which is everybody's. */
    struct ev_loop* loop = ev_loop_new(EVFLAG_NOENV);
    if (!self || !loop || getrandom(&self->tag, sizeof(self->tag), 0) != sizeof(self->tag)) {
        log_line("can't start: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    log_begin(options->is_verbose);
    self->options = options;
    self->listen_fd = listen_fd;
    self->master_fd = master_fd;
    self->loop = loop;
    TAILQ_INIT(&self->clients);
    TAILQ_INIT(&self->unflushed);
    TAILQ_INIT(&self->waiting);
    worker_watch(self);

    as_event_set_external_loop_capacity(1);
    self->event_loop = as_event_set_external_loop(loop);
    if (self->event_loop && worker_connect(self)) {
        ev_run(loop, 0);
    } else {
        self->exit_status = EXIT_FAILURE;
        as_event_close_loops();
    }

    aerospike_destroy(&self->as);
    as_event_destroy_loops();
    worker_unwatch(self);
    ev_loop_destroy(loop);
    int status = self->exit_status;
    free(self);
    return status;
}
