/*
 * The loop seam: the one door between Tendril and an event loop with its sockets.
 *
 * All of the library registers interest, arms timers and moves bytes through this table, so that
 * one client runs on libev, on nginx's own events, or under a simulator's virtual clock. A program
 * that owns some other loop supplies a table of its own (see tnd_loop_ops) and registers it with
 * tnd_event_set_loop() of <tendril/event.h>.
 *
 * The contract is the strictest of its implementations, so that code written against it works on
 * all of them:
 *
 *   - One thread. Every call comes from the thread that runs the loop; nothing here is reentrant
 *     from signal handlers.
 *   - Edge-triggered. A callback says that the descriptor may have become ready. The handler reads
 *     (or writes) until TND_WAIT, or calls tnd_io_again() to be called in the next turn. Whoever
 *     does neither may never be called again. A callback without cause is allowed: the operation
 *     then answers TND_WAIT. Level-triggered loops comply: interest that the handler can't satisfy
 *     (TND_IO_WRITE with nothing to write) may be reported every turn, so don't keep it.
 *   - Widening the interest mask counts as an edge: if the descriptor is ready already, the
 *     callback comes (never inside the call that widened it). Any change of the mask keeps what is
 *     due in the present turn, as far as the new mask has it. Only events of the mask are reported,
 *     except those given to tnd_io_again().
 *   - No callback ever runs inside a call of this table. After tnd_io_close(), tnd_timer_stop() or
 *     tnd_task_cancel() returned, the callback of that object doesn't run any more, even if it was
 *     due in the same turn; the object's memory may be freed at once, also inside its own callback.
 *   - When a descriptor and a timer are due in the same turn, the descriptor's callback comes
 * first: an answer that is there already is not a timeout. A callback asked for by tnd_io_again()
 * in the turn before is a descriptor's callback too. Where tasks come in between is open.
 *   - Re-arming a timer takes effect exactly; it never fires before its delay is over.
 *   - "Soon" means the next turn of the loop, never the present one, in the order of the calls.
 *   - Nothing here keeps the loop alive, except between tnd_loop_ref() and tnd_loop_unref().
 *
 * Objects (tnd_io, tnd_timer, tnd_task) are the caller's storage, zeroed before their first use;
 * their `priv` area belongs to the implementation while the object is active.
 */
#pragma once

#include <aerospike/as_std.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the table below: the value of tnd_loop_ops.version. */
#define TND_LOOP_VERSION 1

/* Results of read, write, connect and accept, beside byte counts (> 0) and -errno. */
#define TND_EOF 0          /* the peer closed its side (read only) */
#define TND_WAIT (-EAGAIN) /* would block: wait for the callback */

/* Interest masks and callback events. TND_IO_READ also reports end of file and errors. */
#define TND_IO_READ 1u
#define TND_IO_WRITE 2u

typedef struct tnd_loop tnd_loop;
typedef struct tnd_io tnd_io;
typedef struct tnd_timer tnd_timer;
typedef struct tnd_task tnd_task;
typedef struct tnd_lookup tnd_lookup;

typedef void (*tnd_io_fn)(tnd_io* io, unsigned events);
typedef void (*tnd_timer_fn)(tnd_timer* timer);
typedef void (*tnd_task_fn)(tnd_task* task);

/* A descriptor with its handler. Opened by connect, listen, accept or adopt; -1 while closed. */
struct tnd_io {
    tnd_loop* loop;
    tnd_io_fn fn;
    void* udata;
    int fd;        /* for messages only; not a number of the kernel in a simulator */
    unsigned mask; /* present interest, set by the implementation */
    bool is_open;
    uint64_t priv[16]; /* the implementation's */
};

/* A one-shot timer. */
struct tnd_timer {
    tnd_loop* loop;
    tnd_timer_fn fn;
    void* udata;
    bool is_armed; /* kept by the implementation; false when fn is called */
    uint64_t priv[14];
};

/* Work for the next turn. */
struct tnd_task {
    tnd_loop* loop;
    tnd_task_fn fn;
    void* udata;
    bool is_queued; /* kept by the implementation; false when fn is called */
    tnd_task* next;
    tnd_task* prev;
};

/* The credentials of a unix socket's peer. */
typedef struct tnd_peer {
    uint32_t uid;
    uint32_t gid;
} tnd_peer;

typedef struct tnd_loop_ops {
    uint32_t version; /* TND_LOOP_VERSION */
    const char* name; /* "libev", "nginx", "virtual"; for log lines */

    /* Readiness is reported again in each turn until it is used up. Then a handler may stop after a
     * short count of read, which saves the call that would answer TND_WAIT. False is always right.
     */
    bool reports_level;

    /* Monotonic microseconds, CLOCK_MONOTONIC where processes share a segment. May be the time at
     * which the present turn began, but not older than the last return from waiting. */
    uint64_t (*now_us)(tnd_loop* loop);

    /* Wall clock, seconds since 1970: for times to live only. */
    uint64_t (*unix_now)(tnd_loop* loop);

    /* 64 random bits, for jitter and nonces; from the seed in a simulator. */
    uint64_t (*random)(tnd_loop* loop);

    /* Arm (or re-arm) for delay_us from now; 0 = next turn. Disarm is idempotent. */
    void (*timer_start)(tnd_loop* loop, tnd_timer* timer, uint64_t delay_us);
    void (*timer_stop)(tnd_loop* loop, tnd_timer* timer);

    /* Queue for the next turn; queued already: nothing. Cancel is idempotent. */
    void (*task_soon)(tnd_loop* loop, tnd_task* task);
    void (*task_cancel)(tnd_loop* loop, tnd_task* task);

    /* Open a nonblocking close-on-exec stream socket (TCP_NODELAY for INET) and start to connect.
     * 0: under way or done; the write callback (after io_watch) or connect_result tells.
     * -errno: nothing was opened (-EMFILE, -ENFILE: out of descriptors or connection slots;
     * -EAGAIN: a unix listener's backlog is full, try again later). */
    int (*connect)(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr, socklen_t addr_len);

    /* 0: connected. TND_WAIT: not yet. Else -errno of the failed attempt; the caller closes. */
    int (*connect_result)(tnd_loop* loop, tnd_io* io);

    /* Unix stream sockets, for waking workers of one host. Listen opens (0 or -errno), the read
     * callback says that somebody may have come; accept opens `ret_io`, which has its handler
     * already, from a listening `io` (0, TND_WAIT or -errno; after -EMFILE stop watching for a
     * while). Peer answers 0 or -errno. */
    int (*listen)(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr, socklen_t addr_len,
                  int backlog);
    int (*accept)(tnd_loop* loop, tnd_io* io, tnd_io* ret_io);
    int (*peer)(tnd_loop* loop, tnd_io* io, tnd_peer* ret_peer);

    /* Watch a descriptor that stays its owner's: close then only stops watching. For c-ares. */
    int (*adopt)(tnd_loop* loop, tnd_io* io, int fd);

    /* Set the interest: TND_IO_READ, TND_IO_WRITE, both, 0. Idempotent and cheap when unchanged.
     * 0 or -errno (the loop is out of resources: the caller closes). */
    int (*io_watch)(tnd_loop* loop, tnd_io* io, unsigned mask);

    /* Call the handler with `events` in the next turn, whatever the descriptor does. */
    void (*io_again)(tnd_loop* loop, tnd_io* io, unsigned events);

    /* Count > 0, TND_EOF, TND_WAIT or -errno. Write never raises SIGPIPE; it takes what fits. Never
     * called for 0 bytes. A short count says nothing about what is left: only TND_WAIT does. */
    ssize_t (*read)(tnd_loop* loop, tnd_io* io, void* bytes, size_t size);
    ssize_t (*writev)(tnd_loop* loop, tnd_io* io, const struct iovec* iov, int iov_count);

    /* Stop watching and close. Idempotent; accepts zeroed storage. */
    void (*close)(tnd_loop* loop, tnd_io* io);

    /* Keep the loop alive while references are held: one per running command (libev: ev_ref; nginx:
     * the worker doesn't exit). A loop that never ends by itself may ignore them. */
    void (*ref)(tnd_loop* loop);
    void (*unref)(tnd_loop* loop);

    /* Resolve a host name, or NULL: the library then uses c-ares over this table. Answers through
     * lookup->fn from the loop, never inside the call, exactly once unless cancelled. */
    int (*lookup_start)(tnd_loop* loop, tnd_lookup* lookup, const char* host);
    void (*lookup_cancel)(tnd_loop* loop, tnd_lookup* lookup);
} tnd_loop_ops;

/* What an implementation embeds as its first member. */
struct tnd_loop {
    const tnd_loop_ops* ops;
};

#define TND_LOOKUP_ADDRS_MAX 16

/* One address, without a port. */
typedef struct tnd_lookup_addr {
    uint8_t family;    /* AF_INET or AF_INET6 */
    uint8_t bytes[16]; /* network order; 4 of them for AF_INET */
} tnd_lookup_addr;

/* A running name look-up. `status` 0 with at least one address, or -errno-like with `error` set. */
typedef void (*tnd_lookup_fn)(tnd_lookup* lookup);
struct tnd_lookup {
    tnd_loop* loop;
    tnd_lookup_fn fn;
    void* udata;
    int status;
    const char* error; /* static or library-owned text, valid during fn */
    uint32_t addrs_count;
    tnd_lookup_addr addrs[TND_LOOKUP_ADDRS_MAX];
    void* priv;
};

/* Thin wrappers: they fill in `loop` and keep call sites short. */

static inline uint64_t tnd_loop_now_us(tnd_loop* loop)
{
    return loop->ops->now_us(loop);
}

static inline uint64_t tnd_loop_now_ms(tnd_loop* loop)
{
    return loop->ops->now_us(loop) / 1000;
}

static inline uint64_t tnd_loop_random(tnd_loop* loop)
{
    return loop->ops->random(loop);
}

static inline void tnd_timer_init(tnd_timer* timer, tnd_loop* loop, tnd_timer_fn fn, void* udata)
{
    memset(timer, 0, sizeof(*timer));
    timer->loop = loop;
    timer->fn = fn;
    timer->udata = udata;
}

static inline void tnd_timer_start_us(tnd_timer* timer, uint64_t delay_us)
{
    timer->loop->ops->timer_start(timer->loop, timer, delay_us);
}

static inline void tnd_timer_start_ms(tnd_timer* timer, uint64_t delay_ms)
{
    timer->loop->ops->timer_start(timer->loop, timer, delay_ms * 1000);
}

static inline void tnd_timer_stop(tnd_timer* timer)
{
    if (timer->loop) {
        timer->loop->ops->timer_stop(timer->loop, timer);
    }
}

static inline void tnd_task_init(tnd_task* task, tnd_loop* loop, tnd_task_fn fn, void* udata)
{
    memset(task, 0, sizeof(*task));
    task->loop = loop;
    task->fn = fn;
    task->udata = udata;
}

static inline void tnd_task_soon(tnd_task* task)
{
    task->loop->ops->task_soon(task->loop, task);
}

static inline void tnd_task_cancel(tnd_task* task)
{
    if (task->loop) {
        task->loop->ops->task_cancel(task->loop, task);
    }
}

static inline void tnd_io_init(tnd_io* io, tnd_loop* loop, tnd_io_fn fn, void* udata)
{
    memset(io, 0, sizeof(*io));
    io->loop = loop;
    io->fn = fn;
    io->udata = udata;
    io->fd = -1;
}

static inline int tnd_io_connect(tnd_io* io, const struct sockaddr* addr, socklen_t addr_len)
{
    return io->loop->ops->connect(io->loop, io, addr, addr_len);
}

static inline int tnd_io_connect_result(tnd_io* io)
{
    return io->loop->ops->connect_result(io->loop, io);
}

static inline int tnd_io_listen(tnd_io* io, const struct sockaddr* addr, socklen_t addr_len,
                                int backlog)
{
    return io->loop->ops->listen(io->loop, io, addr, addr_len, backlog);
}

static inline int tnd_io_accept(tnd_io* io, tnd_io* ret_io)
{
    return io->loop->ops->accept(io->loop, io, ret_io);
}

static inline int tnd_io_peer(tnd_io* io, tnd_peer* ret_peer)
{
    return io->loop->ops->peer(io->loop, io, ret_peer);
}

static inline int tnd_io_adopt(tnd_io* io, int fd)
{
    return io->loop->ops->adopt(io->loop, io, fd);
}

static inline int tnd_io_watch(tnd_io* io, unsigned mask)
{
    return io->loop->ops->io_watch(io->loop, io, mask);
}

static inline void tnd_io_again(tnd_io* io, unsigned events)
{
    io->loop->ops->io_again(io->loop, io, events);
}

static inline ssize_t tnd_io_read(tnd_io* io, void* bytes, size_t size)
{
    return io->loop->ops->read(io->loop, io, bytes, size);
}

static inline ssize_t tnd_io_writev(tnd_io* io, const struct iovec* iov, int iov_count)
{
    return io->loop->ops->writev(io->loop, io, iov, iov_count);
}

static inline void tnd_io_close(tnd_io* io)
{
    if (io->loop) {
        io->loop->ops->close(io->loop, io);
    }
}

#ifdef __cplusplus
}
#endif
