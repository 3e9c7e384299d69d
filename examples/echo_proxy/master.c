/*
 * The master: listens, forks workers, replaces those that die, and passes signals on.
 *
 *     SIGHUP            a new generation of workers starts; when all of it serves, the old drains
 *     SIGTERM, SIGINT   all workers drain, then the master ends; the second one ends at once
 *
 * It never touches the cluster: no client, no loop, no thread lives here, so there is nothing that
 * a fork could tear apart, and nothing to fail. It waits in ppoll() only, where signals come in.
 *
 * All workers accept from the one socket that they inherit. With a socket of its own for each
 * (SO_REUSEPORT) the kernel would spread connections more evenly, but those that wait in the queue
 * of a worker that dies or drains would be reset; in a shared queue they are the next worker's.
 */
#include "echo_proxy.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN_MAX (WORKERS_MAX * 4) /* the present generation, and some that drain */
#define LIFE_SHORT_MS 1000             /* who dies younger is replaced with a delay */
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define NEVER UINT64_MAX

typedef struct echo_child {
    pid_t pid;
    int fd; /* the worker writes a byte when it serves; it sees our end close when we die */
    unsigned generation;
    uint64_t started_ms;
    uint64_t kill_at_ms; /* after SIGTERM; NEVER before */
    bool is_ready;
} echo_child;

typedef struct echo_master {
    const echo_options* options;
    int listen_fd;
    echo_child children[CHILDREN_MAX];
    unsigned children_count;
    unsigned generation;
    uint64_t spawn_at_ms; /* not before; 0 = at once */
    unsigned backoff_ms;
    bool is_ending;
} echo_master;

static const int signals_taken[] = {SIGCHLD, SIGHUP, SIGTERM, SIGINT};
#define SIGNALS_COUNT (sizeof(signals_taken) / sizeof(signals_taken[0]))

static volatile sig_atomic_t hups_count;
static volatile sig_atomic_t terms_count;

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- signals: blocked but for the wait, so that none is missed ------------------------------ */

static void on_signal(int number)
{
    if (number == SIGHUP) {
        hups_count = 1;
    } else if (number != SIGCHLD) {
        terms_count = terms_count + 1;
    }
}

static void signals_take(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        sigaction(signals_taken[i], &action, NULL);
        sigaddset(&set, signals_taken[i]);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* Whoever read our log lines may be gone: that mustn't end us, nor the workers. */
    signal(SIGPIPE, SIG_IGN);
}

/* In a worker: as if the master had never been. Its loop takes what it wants. */
static void signals_give_back(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        action.sa_handler = signals_taken[i] == SIGHUP ? SIG_IGN : SIG_DFL;
        sigaction(signals_taken[i], &action, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- workers -------------------------------------------------------------------------------- */

static void child_become_worker(echo_master* self, int fd)
{
    for (unsigned i = 0; i < self->children_count; i++) {
        close(self->children[i].fd); /* or the others wouldn't see the master die */
    }
    signals_give_back();
    exit(worker_run(self->options, self->listen_fd, fd));
}

static bool master_spawn(echo_master* self)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        return false;
    }
    pid_t pid = fork();
    if (pid < 0) {
        close(pair[0]);
        close(pair[1]);
        return false;
    }
    if (pid == 0) {
        close(pair[0]);
        child_become_worker(self, pair[1]);
    }
    close(pair[1]);
    self->children[self->children_count++] = (echo_child){.pid = pid,
                                                          .fd = pair[0],
                                                          .generation = self->generation,
                                                          .started_ms = now_ms(),
                                                          .kill_at_ms = NEVER};
    log_line("worker %d started", (int)pid);
    return true;
}

static void child_tell_to_end(echo_child* child)
{
    if (child->kill_at_ms == NEVER) {
        kill(child->pid, SIGTERM); /* not waited for yet, so the pid is its */
        child->kill_at_ms = now_ms() + DRAIN_LIMIT_MS + 5000;
    }
}

static void master_back_off(echo_master* self)
{
    self->backoff_ms *= 2;
    if (self->backoff_ms < BACKOFF_MIN_MS) {
        self->backoff_ms = BACKOFF_MIN_MS;
    } else if (self->backoff_ms > BACKOFF_MAX_MS) {
        self->backoff_ms = BACKOFF_MAX_MS;
    }
    self->spawn_at_ms = now_ms() + self->backoff_ms;
}

static void log_end(const echo_child* child, int status)
{
    if (WIFSIGNALED(status)) {
        log_line("worker %d was killed by signal %d", (int)child->pid, WTERMSIG(status));
    } else {
        log_line("worker %d ended with status %d", (int)child->pid, WEXITSTATUS(status));
    }
}

static void master_reap(echo_master* self)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned i = 0;
        while (i < self->children_count && self->children[i].pid != pid) {
            i++;
        }
        if (i == self->children_count) {
            continue;
        }
        echo_child gone = self->children[i];
        self->children[i] = self->children[--self->children_count];
        close(gone.fd);
        log_end(&gone, status);
        if (gone.kill_at_ms != NEVER) {
            continue; /* it was told to */
        }
        if (!gone.is_ready || now_ms() - gone.started_ms < LIFE_SHORT_MS) {
            master_back_off(self);
        } else {
            self->backoff_ms = 0;
        }
    }
}

static unsigned master_count(const echo_master* self, bool is_ready_only)
{
    unsigned count = 0;
    for (unsigned i = 0; i < self->children_count; i++) {
        const echo_child* child = &self->children[i];
        count += child->generation == self->generation && child->kill_at_ms == NEVER &&
                 (child->is_ready || !is_ready_only);
    }
    return count;
}

/* As many workers of the present generation as there should be; then the old ones may go. */
static void master_keep_up(echo_master* self)
{
    unsigned wanted = self->options->workers_count;
    while (master_count(self, false) < wanted && now_ms() >= self->spawn_at_ms &&
           self->children_count < CHILDREN_MAX) {
        if (!master_spawn(self)) {
            log_line("can't start a worker: %s", strerror(errno));
            master_back_off(self);
        }
    }
    if (master_count(self, true) < wanted) {
        return;
    }
    for (unsigned i = 0; i < self->children_count; i++) {
        if (self->children[i].generation != self->generation) {
            child_tell_to_end(&self->children[i]);
        }
    }
}

/* ---- signals at work ------------------------------------------------------------------------ */

/* A server with a configuration file would read it here, before the workers that use it start. */
static void master_reload(echo_master* self)
{
    if (self->children_count + self->options->workers_count > CHILDREN_MAX) {
        log_line("reload refused: too many old workers are still draining");
        return;
    }
    log_line("reload: new workers start, then the old ones drain");
    self->generation++;
    self->backoff_ms = 0;
    self->spawn_at_ms = 0;
}

static void master_end(echo_master* self)
{
    log_line("ending: workers drain");
    self->is_ending = true;
    close(self->listen_fd);
    self->listen_fd = -1;
    for (unsigned i = 0; i < self->children_count; i++) {
        child_tell_to_end(&self->children[i]);
    }
}

static void master_kill_late(echo_master* self)
{
    uint64_t now = now_ms();
    for (unsigned i = 0; i < self->children_count; i++) {
        echo_child* child = &self->children[i];
        if (child->kill_at_ms <= now || terms_count > 1) {
            log_line("worker %d doesn't end: killed", (int)child->pid);
            kill(child->pid, SIGKILL);
            child->kill_at_ms = now + 5000;
        }
    }
}

/* ---- waiting -------------------------------------------------------------------------------- */

static uint64_t master_deadline(const echo_master* self)
{
    uint64_t deadline = NEVER;
    if (!self->is_ending && master_count(self, false) < self->options->workers_count) {
        deadline = self->spawn_at_ms;
    }
    for (unsigned i = 0; i < self->children_count; i++) {
        if (self->children[i].kill_at_ms < deadline) {
            deadline = self->children[i].kill_at_ms;
        }
    }
    return deadline;
}

static void master_wait(echo_master* self)
{
    struct pollfd polls[CHILDREN_MAX];
    echo_child* polled[CHILDREN_MAX];
    nfds_t count = 0;
    for (unsigned i = 0; i < self->children_count; i++) {
        if (!self->children[i].is_ready) {
            polls[count] = (struct pollfd){.fd = self->children[i].fd, .events = POLLIN};
            polled[count++] = &self->children[i];
        }
    }
    uint64_t deadline = master_deadline(self), now = now_ms();
    uint64_t wait_ms = deadline > now ? deadline - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(wait_ms / 1000),
                               .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    sigset_t none;
    sigemptyset(&none);
    if (ppoll(polls, count, deadline == NEVER ? NULL : &timeout, &none) <= 0) {
        return;
    }
    for (nfds_t i = 0; i < count; i++) {
        char byte;
        if (polls[i].revents & POLLIN && read(polls[i].fd, &byte, 1) == 1) {
            polled[i]->is_ready = true;
            log_line("worker %d serves", (int)polled[i]->pid);
        }
    }
}

/* ---- listening ------------------------------------------------------------------------------ */

static int listen_on(const struct addrinfo* address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd >= 0 &&
        (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
         bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void log_listening(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    char host[64], port[8];
    if (getsockname(fd, (struct sockaddr*)&address, &length) == 0 &&
        getnameinfo((struct sockaddr*)&address, length, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        log_line("listening on %s port %s", host, port);
    }
}

static int master_listen(const echo_options* options)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo* addresses;
    int error = getaddrinfo(options->listen_host, options->listen_port, &hints, &addresses);
    if (error) {
        log_line("can't listen on %s port %s: %s", options->listen_host, options->listen_port,
                 gai_strerror(error));
        return -1;
    }
    int fd = listen_on(addresses);
    if (fd < 0) {
        log_line("can't listen on %s port %s: %s", options->listen_host, options->listen_port,
                 strerror(errno));
    } else {
        log_listening(fd);
    }
    freeaddrinfo(addresses);
    return fd;
}

int master_run(const echo_options* options)
{
    static echo_master self; /* too big for some stacks */
    self.options = options;
    self.listen_fd = master_listen(options);
    if (self.listen_fd < 0) {
        return EXIT_FAILURE;
    }
    signals_take();
    for (;;) {
        master_reap(&self);
        if (terms_count && !self.is_ending) {
            master_end(&self);
        }
        if (self.is_ending && self.children_count == 0) {
            break;
        }
        if (hups_count && !self.is_ending) {
            hups_count = 0;
            master_reload(&self);
        }
        if (!self.is_ending) {
            master_keep_up(&self);
        }
        master_kill_late(&self);
        master_wait(&self);
    }
    log_line("ended");
    return EXIT_SUCCESS;
}
