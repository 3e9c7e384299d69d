/*
 * One connection to a database node. See conn.h for the contract.
 *
 *     CLOSED -> CONNECTING -> (TLS -> LOGIN ->) RUNNING -> CLOSED
 *
 * Happy path
 *   - tnd_conn_open: the socket connects; its write callback says when it's done.
 *   - conn_connecting: RUNNING, on_open.
 *   - tnd_conn_send: written at once; what the kernel refuses waits in `out` for the write
 * callback.
 *   - conn_read: bytes arrive in a buffer shared by all connections of the thread and are framed in
 *     place; only a frame cut off by the end of a read is copied, to `in`.
 *
 * Possible failures, all of which end in conn_fail, the one road to on_fail
 *   - refused, unreachable, reset: the connect result, a read or a write says so.
 *   - the peer closed: end of file, between frames or within one.
 *   - a frame of another version or type, or too long: nothing after it can be trusted.
 *   - a failed send: noted in `error` and reported from the loop, after the replies that are there.
 */
#include "async/conn.h"

#include <assert.h>
#include <stdio.h>

#include "async/address.h"
#include "core/mem.h"

#define FRAME_BYTES 8
#define FRAME_BODY_MASK 0xffffffffffff /* behind version and type */
#define FRAME_VERSION 2
#define FRAME_TYPE_MIN 1 /* info */
#define FRAME_TYPE_MAX 4 /* compressed message */

/* One read. */
#define CONN_READ_BYTES (64 * 1024)
/* Reads per wake-up; then others have their turn. */
#define CONN_READS_MAX 4
/* Buffers up to this size are kept when they are empty. */
#define CONN_KEEP_BYTES (16 * 1024)
/* Requests that may wait for a slow socket: twice the longest possible one. */
#define CONN_OUT_BYTES_MAX ((size_t)256 * 1024 * 1024)

typedef enum conn_outcome {
    CONN_WAIT,  /* nothing more to do until the next callback */
    CONN_AGAIN, /* more may be there */
    CONN_GONE,  /* failed or closed by its handler: the struct may be freed memory */
} conn_outcome;

/* Where the threads' connections read to. A handler that runs another loop inside its callback (a
   synchronous call does) finds it in use and gets memory of its own. */
static _Thread_local uint8_t conn_shared[CONN_READ_BYTES];
static _Thread_local bool conn_shared_is_used;

/* ---- states ---- */

static const char* const conn_state_names[] = {
    [TND_CONN_CLOSED] = "CLOSED", [TND_CONN_CONNECTING] = "CONNECTING", [TND_CONN_TLS] = "TLS",
    [TND_CONN_LOGIN] = "LOGIN",   [TND_CONN_RUNNING] = "RUNNING",
};

#define CONN_MAY(state) (1u << (state))

/* The states that may follow each. */
static const unsigned conn_next_states[] = {
    [TND_CONN_CLOSED] = CONN_MAY(TND_CONN_CONNECTING),
    [TND_CONN_CONNECTING] = CONN_MAY(TND_CONN_TLS) | CONN_MAY(TND_CONN_LOGIN) |
                            CONN_MAY(TND_CONN_RUNNING) | CONN_MAY(TND_CONN_CLOSED),
    [TND_CONN_TLS] =
        CONN_MAY(TND_CONN_LOGIN) | CONN_MAY(TND_CONN_RUNNING) | CONN_MAY(TND_CONN_CLOSED),
    [TND_CONN_LOGIN] = CONN_MAY(TND_CONN_RUNNING) | CONN_MAY(TND_CONN_CLOSED),
    [TND_CONN_RUNNING] = CONN_MAY(TND_CONN_CLOSED),
};

const char* tnd_conn_state_name(tnd_conn_state state)
{
    return conn_state_names[state];
}

static void conn_set_state(tnd_conn* conn, tnd_conn_state state)
{
    assert(conn_next_states[conn->state] & CONN_MAY(state));
    (void)conn_next_states; /* without assertions */
    conn->state = state;
}

/* What the state waits for. Interest in writing only while something is refused, for a loop may
   report it every turn. */
static unsigned conn_wants(const tnd_conn* conn)
{
    switch (conn->state) {
    case TND_CONN_CLOSED:
        return 0;
    case TND_CONN_CONNECTING:
        return TND_IO_WRITE;
    case TND_CONN_TLS:
    case TND_CONN_LOGIN:
    case TND_CONN_RUNNING:
        return conn->is_blocked ? TND_IO_READ | TND_IO_WRITE : TND_IO_READ;
    }
    return 0;
}

/* 0 or errno. */
static int conn_watch(tnd_conn* conn)
{
    return -tnd_io_watch(&conn->io, conn_wants(conn));
}

/* ---- the end ---- */

/* Empties a buffer; keeps its memory if that is small. */
static void buf_recycle(tnd_buf* buf)
{
    if (buf->capacity > CONN_KEEP_BYTES) {
        tnd_buf_done(buf);
    } else {
        tnd_buf_reset(buf);
    }
}

void tnd_conn_close(tnd_conn* conn)
{
    if (conn->state == TND_CONN_CLOSED) {
        return;
    }
    conn_set_state(conn, TND_CONN_CLOSED);
    tnd_io_close(&conn->io);
    tnd_buf_done(&conn->out);
    tnd_buf_done(&conn->in);
    conn->out_pos = 0;
    conn->is_blocked = false;
    conn->error = 0;
    if (conn->freed) {
        *conn->freed = true;
        conn->freed = NULL;
    }
}

static conn_outcome conn_fail(tnd_conn* conn, as_status status, const char* reason)
{
    const tnd_conn_handler* handler = conn->handler;
    as_error err;
    as_error_init(&err);
    as_error_setallv(&err, status, __func__, __FILE__, __LINE__,
                     "Connection to %s failed in %s: %s", conn->address,
                     tnd_conn_state_name(conn->state), reason);
    tnd_conn_close(conn);
    handler->on_fail(conn, &err);
    return CONN_GONE;
}

static conn_outcome conn_fail_errno(tnd_conn* conn, int error)
{
    const char* reason = strerrordesc_np(error);
    return conn_fail(conn, AEROSPIKE_ERR_ASYNC_CONNECTION, reason ? reason : "unknown error");
}

/* ---- callbacks: the handler may close or free the connection in each ---- */

typedef struct conn_pin {
    bool is_gone;
    bool* outer; /* of a callback further out on the stack, when a loop runs inside a handler */
} conn_pin;

static void conn_pin_set(tnd_conn* conn, conn_pin* pin)
{
    pin->is_gone = false;
    pin->outer = conn->freed;
    conn->freed = &pin->is_gone;
}

static conn_outcome conn_pin_clear(tnd_conn* conn, conn_pin* pin)
{
    if (!pin->is_gone) {
        conn->freed = pin->outer;
        return CONN_AGAIN;
    }
    if (pin->outer) {
        *pin->outer = true;
    }
    return CONN_GONE;
}

static conn_outcome conn_call(tnd_conn* conn, void (*fn)(tnd_conn* conn))
{
    conn_pin pin;
    conn_pin_set(conn, &pin);
    fn(conn);
    return conn_pin_clear(conn, &pin);
}

/* `frame`: the whole frame. */
static conn_outcome conn_call_frame(tnd_conn* conn, const uint8_t* frame, size_t size)
{
    conn_pin pin;
    conn_pin_set(conn, &pin);
    conn->handler->on_frame(conn, frame[1], frame + FRAME_BYTES, size - FRAME_BYTES);
    return conn_pin_clear(conn, &pin);
}

/* ---- reading ---- */

/* Judges a prefix (at least one byte) of a frame. NULL: good so far, and `ret_total` is the size of
   the frame, or of its header while that isn't complete. Else the reason why it is bad. */
static const char* frame_check(const uint8_t* bytes, size_t size, size_t body_max_bytes,
                               size_t* ret_total)
{
    *ret_total = FRAME_BYTES;
    if (bytes[0] != FRAME_VERSION) {
        return "frame of an unknown version";
    }
    if (size > 1 && (bytes[1] < FRAME_TYPE_MIN || bytes[1] > FRAME_TYPE_MAX)) {
        return "frame of an unknown type";
    }
    if (size < FRAME_BYTES) {
        return NULL;
    }
    uint64_t body_bytes = tnd_be64_get(bytes) & FRAME_BODY_MASK;
    if (body_bytes > body_max_bytes) {
        return "frame too long";
    }
    *ret_total += (size_t)body_bytes;
    return NULL;
}

/* Hands over the frame in `in`. The bytes stay valid during the call even if the handler closes the
   connection, so they are taken out of it first. */
static conn_outcome conn_deliver_in(tnd_conn* conn)
{
    tnd_buf frame = conn->in;
    tnd_buf_init(&conn->in, frame.limit);
    conn_outcome outcome = conn_call_frame(conn, frame.data, frame.size);
    if (outcome == CONN_GONE || conn->in.capacity > 0) {
        tnd_buf_done(&frame);
    } else {
        buf_recycle(&frame);
        conn->in = frame;
    }
    return outcome;
}

/* Takes from `bytes` what the partial frame in `in` still lacks. `in` grows as bytes arrive, not by
   what the peer announces. */
static conn_outcome conn_feed_in(tnd_conn* conn, const uint8_t* bytes, size_t size, size_t total,
                                 size_t* ret_taken)
{
    size_t taken = total - conn->in.size < size ? total - conn->in.size : size;
    tnd_buf_append_bytes(&conn->in, bytes, taken);
    if (!tnd_buf_is_ok(&conn->in)) {
        return conn_fail_errno(conn, ENOMEM);
    }
    *ret_taken = taken;
    const char* bad = frame_check(conn->in.data, conn->in.size, conn->body_max_bytes, &total);
    if (bad) {
        return conn_fail(conn, AEROSPIKE_ERR_CLIENT, bad);
    }
    return conn->in.size == total ? conn_deliver_in(conn) : CONN_AGAIN;
}

/* Cuts what was read into frames. */
static conn_outcome conn_feed(tnd_conn* conn, const uint8_t* bytes, size_t size)
{
    conn_outcome outcome = CONN_AGAIN;
    while (size > 0 && outcome == CONN_AGAIN) {
        bool is_partial = conn->in.size > 0;
        size_t total;
        const char* bad =
            frame_check(is_partial ? conn->in.data : bytes, is_partial ? conn->in.size : size,
                        conn->body_max_bytes, &total);
        if (bad) {
            return conn_fail(conn, AEROSPIKE_ERR_CLIENT, bad);
        }
        size_t taken = total;
        if (!is_partial && size >= total) {
            outcome = conn_call_frame(conn, bytes, total);
        } else {
            outcome = conn_feed_in(conn, bytes, size, total, &taken);
        }
        bytes += taken;
        size -= taken;
    }
    return outcome;
}

/* CONN_AGAIN: the reads of this wake-up are used up. */
static conn_outcome conn_read_into(tnd_conn* conn, uint8_t* buffer)
{
    for (int i = 0; i < CONN_READS_MAX; i++) {
        ssize_t count = tnd_io_read(&conn->io, buffer, CONN_READ_BYTES);
        if (count == TND_WAIT) {
            return CONN_WAIT;
        }
        if (count == TND_EOF) {
            return conn_fail(conn, AEROSPIKE_ERR_ASYNC_CONNECTION,
                             conn->in.size > 0 ? "closed by the peer within a frame"
                                               : "closed by the peer");
        }
        if (count < 0) {
            return conn_fail_errno(conn, (int)-count);
        }
        conn->received_bytes += (uint64_t)count;
        if (conn_feed(conn, buffer, (size_t)count) == CONN_GONE) {
            return CONN_GONE;
        }
        if (count < CONN_READ_BYTES && conn->io.loop->ops->reports_level) {
            return CONN_WAIT; /* what is left, or comes meanwhile, is reported again */
        }
    }
    return CONN_AGAIN;
}

static conn_outcome conn_read(tnd_conn* conn)
{
    if (!conn_shared_is_used) {
        conn_shared_is_used = true;
        conn_outcome outcome = conn_read_into(conn, conn_shared);
        conn_shared_is_used = false;
        return outcome;
    }
    uint8_t* buffer = tnd_malloc(CONN_READ_BYTES);
    if (!buffer) {
        return conn_fail_errno(conn, ENOMEM);
    }
    conn_outcome outcome = conn_read_into(conn, buffer);
    tnd_free(buffer);
    return outcome;
}

/* ---- writing ---- */

/* Count, TND_WAIT or -errno. */
static ssize_t conn_writev(tnd_conn* conn, const struct iovec* iov, int iov_count)
{
    ssize_t count = tnd_io_writev(&conn->io, iov, iov_count);
    if (count > 0) {
        conn->sent_bytes += (uint64_t)count;
    }
    return count;
}

/* To be reported from the loop: the caller is in the midst of something. */
static void conn_fail_later(tnd_conn* conn, int error)
{
    if (!conn->error) {
        conn->error = error;
        tnd_io_again(&conn->io, TND_IO_READ);
    }
}

static void conn_watch_or_fail_later(tnd_conn* conn)
{
    int error = conn_watch(conn);
    if (error) {
        conn_fail_later(conn, error);
    }
}

/* All of `out` is with the kernel. */
static void conn_out_done(tnd_conn* conn)
{
    buf_recycle(&conn->out);
    conn->out_pos = 0;
}

/* Writes `out` until it is empty or the kernel refuses; false without progress to report. */
static bool conn_write_out(tnd_conn* conn)
{
    while (conn->out_pos < conn->out.size) {
        struct iovec iov = {.iov_base = conn->out.data + conn->out_pos,
                            .iov_len = conn->out.size - conn->out_pos};
        ssize_t count = conn_writev(conn, &iov, 1);
        if (count < 0) {
            conn->is_blocked = count == TND_WAIT;
            if (!conn->is_blocked) {
                conn_fail_later(conn, (int)-count);
            }
            return false;
        }
        conn->out_pos += (size_t)count;
    }
    conn_out_done(conn);
    return true;
}

/* The write callback: goes on where the kernel refused. */
static conn_outcome conn_unblock(tnd_conn* conn)
{
    if (!conn->is_blocked) {
        return CONN_WAIT;
    }
    if (!conn_write_out(conn)) {
        return CONN_WAIT;
    }
    conn->is_blocked = false;
    int error = conn_watch(conn);
    if (error) {
        return conn_fail_errno(conn, error);
    }
    return conn->handler->on_drain ? conn_call(conn, conn->handler->on_drain) : CONN_AGAIN;
}

/* Copies to `out`. */
static void conn_enqueue(tnd_conn* conn, const uint8_t* bytes, size_t size)
{
    if (conn->out_pos > conn->out.size / 2) {
        /* The larger part is gone already: move the rest down instead of growing. */
        memmove(conn->out.data, conn->out.data + conn->out_pos, conn->out.size - conn->out_pos);
        conn->out.size -= conn->out_pos;
        conn->out_pos = 0;
    }
    tnd_buf_append_bytes(&conn->out, bytes, size);
    if (!tnd_buf_is_ok(&conn->out)) {
        conn_fail_later(conn, ENOMEM);
    }
}

/* What is left after a write that took `count` bytes of `out` and `bytes`. */
static void conn_keep_rest(tnd_conn* conn, size_t count, const uint8_t* bytes, size_t size)
{
    size_t waiting = conn->out.size - conn->out_pos;
    size_t of_out = count < waiting ? count : waiting;
    size_t of_bytes = count - of_out;
    conn->out_pos += of_out;
    if (of_bytes == size) {
        conn_out_done(conn);
        return;
    }
    if (of_out == waiting) {
        conn_out_done(conn);
    }
    conn_enqueue(conn, bytes + of_bytes, size - of_bytes);
    conn->is_blocked = true;
    conn_watch_or_fail_later(conn);
}

void tnd_conn_send(tnd_conn* conn, const uint8_t* bytes, size_t size)
{
    assert(conn->state == TND_CONN_RUNNING && size > 0);
    conn->queued_bytes += size;
    if (conn->error) {
        return;
    }
    if (conn->is_blocked) {
        conn_enqueue(conn, bytes, size);
        return;
    }
    bool has_out = conn->out.size > conn->out_pos;
    struct iovec iov[2] = {{.iov_base = has_out ? conn->out.data + conn->out_pos : NULL,
                            .iov_len = conn->out.size - conn->out_pos},
                           {.iov_base = (void*)(uintptr_t)bytes, .iov_len = size}};
    ssize_t count = conn_writev(conn, has_out ? iov : iov + 1, has_out ? 2 : 1);
    if (count < 0 && count != TND_WAIT) {
        conn_fail_later(conn, (int)-count);
        return;
    }
    conn_keep_rest(conn, count > 0 ? (size_t)count : 0, bytes, size);
}

bool tnd_conn_queue(tnd_conn* conn, const uint8_t* bytes, size_t size)
{
    if (conn->error || conn->is_blocked || conn->out.size + size > CONN_KEEP_BYTES) {
        tnd_conn_send(conn, bytes, size);
        return false;
    }
    conn->queued_bytes += size;
    conn_enqueue(conn, bytes, size);
    return true;
}

void tnd_conn_flush(tnd_conn* conn)
{
    if (conn->state == TND_CONN_RUNNING && !conn->error && !conn->is_blocked &&
        !conn_write_out(conn)) {
        conn_watch_or_fail_later(conn);
    }
}

/* ---- one step per state ---- */

static conn_outcome conn_connecting(tnd_conn* conn)
{
    int result = tnd_io_connect_result(&conn->io);
    if (result == TND_WAIT) {
        return CONN_WAIT;
    }
    if (result < 0) {
        return conn_fail_errno(conn, -result);
    }
    conn_set_state(conn, TND_CONN_RUNNING);
    int error = conn_watch(conn);
    if (error) {
        return conn_fail_errno(conn, error);
    }
    return conn_call(conn, conn->handler->on_open);
}

static conn_outcome conn_running(tnd_conn* conn, unsigned events)
{
    if ((events & TND_IO_WRITE) && !conn->error && conn_unblock(conn) == CONN_GONE) {
        return CONN_GONE;
    }
    if (events & TND_IO_READ) {
        switch (conn_read(conn)) {
        case CONN_GONE:
            return CONN_GONE;
        case CONN_AGAIN:
            tnd_io_again(&conn->io, TND_IO_READ);
            return CONN_AGAIN;
        case CONN_WAIT:
            break;
        }
        /* Replies that came before the failure have been delivered. */
        if (conn->error) {
            return conn_fail_errno(conn, conn->error);
        }
    }
    return CONN_WAIT;
}

static void on_conn_io(tnd_io* io, unsigned events)
{
    tnd_conn* conn = io->udata;
    switch (conn->state) {
    case TND_CONN_CONNECTING:
        conn_connecting(conn);
        return;
    case TND_CONN_RUNNING:
        conn_running(conn, events);
        return;
    case TND_CONN_CLOSED:
    case TND_CONN_TLS:
    case TND_CONN_LOGIN:
        break;
    }
    assert(!"a callback in a state that has no socket");
}

as_status tnd_conn_open(tnd_conn* conn, tnd_loop* loop, const struct sockaddr* addr,
                        socklen_t addr_len, size_t body_max_bytes, const tnd_conn_handler* handler,
                        void* udata, as_error* err)
{
    assert(conn->state == TND_CONN_CLOSED && handler->on_open && handler->on_frame &&
           handler->on_fail);
    memset(conn, 0, sizeof(*conn));
    conn->handler = handler;
    conn->udata = udata;
    conn->body_max_bytes = body_max_bytes;
    tnd_buf_init(&conn->out, CONN_OUT_BYTES_MAX);
    tnd_buf_init(&conn->in, FRAME_BYTES + body_max_bytes);
    tnd_address_name(addr, addr_len, conn->address, sizeof(conn->address));
    tnd_io_init(&conn->io, loop, on_conn_io, conn);

    int error = -tnd_io_connect(&conn->io, addr, addr_len);
    if (!error) {
        conn_set_state(conn, TND_CONN_CONNECTING);
        error = conn_watch(conn);
    }
    if (error) {
        tnd_conn_close(conn);
        conn->error = error;
        const char* reason = strerrordesc_np(error);
        return as_error_setallv(err, AEROSPIKE_ERR_ASYNC_CONNECTION, __func__, __FILE__, __LINE__,
                                "Connection to %s can't be opened: %s", conn->address,
                                reason ? reason : "unknown error");
    }
    return AEROSPIKE_OK;
}
