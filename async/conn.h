/*
 * One connection to a database node: connect, (TLS, login later,) write requests, read whole
 * frames.
 *
 * It knows the 8-byte frame and nothing above it: what a frame means, how long one waits for it and
 * whose it is are the business of the handler (the tender's node, or a node's pool of connections).
 * It owns its socket and buffers, never a timer. A zeroed or closed connection holds no resource.
 *
 *     CLOSED -> CONNECTING -> (TLS -> LOGIN ->) RUNNING -> CLOSED
 *
 * Happy path: tnd_conn_open, on_open, tnd_conn_send, on_frame, ..., tnd_conn_close.
 * Failure: at any state on_fail is called once, from the loop, with the connection closed already.
 * Handlers may send, close or free the connection inside any callback; nothing is called
 * afterwards.
 */
#pragma once

#include "core/buf.h"
#include <aerospike/as_error.h>
#include <tendril/loop.h>

#define TND_CONN_ADDRESS_SIZE 64

typedef enum tnd_conn_state {
    TND_CONN_CLOSED = 0, /* no socket */
    TND_CONN_CONNECTING, /* waiting for the socket to connect */
    TND_CONN_TLS,        /* handshake */
    TND_CONN_LOGIN,      /* authentication exchange */
    TND_CONN_RUNNING,    /* requests and replies */
} tnd_conn_state;

typedef struct tnd_conn tnd_conn;

typedef struct tnd_conn_handler {
    /* RUNNING reached: requests may be sent. Never inside tnd_conn_open. */
    void (*on_open)(tnd_conn* conn);

    /* One whole frame: `type` and the `size` bytes of its body, valid during the call. */
    void (*on_frame)(tnd_conn* conn, uint8_t type, const uint8_t* body, size_t size);

    /* Everything queued so far was taken by the kernel, after it had been refused at first. May be
     * NULL. */
    void (*on_drain)(tnd_conn* conn);

    /* The end: connect failed, peer closed, read or write error, invalid frame. `err` has status
     * AEROSPIKE_ERR_ASYNC_CONNECTION (socket) or AEROSPIKE_ERR_CLIENT (framing) and names the
     * address and the state in which it happened. */
    void (*on_fail)(tnd_conn* conn, as_error* err);
} tnd_conn_handler;

struct tnd_conn {
    tnd_io io;
    tnd_conn_state state;
    const tnd_conn_handler* handler;
    void* udata;
    size_t body_max_bytes; /* longer frames are a framing error */
    tnd_buf out;           /* bytes that the kernel hasn't been given, or hasn't taken yet */
    size_t out_pos;
    bool is_blocked;       /* the kernel refused some of them: they wait for the write callback */
    tnd_buf in;            /* a partial frame, kept between reads; freed when idle and large */
    uint64_t queued_bytes; /* all bytes ever given to tnd_conn_send and tnd_conn_queue */
    uint64_t sent_bytes;   /* of these, taken by the kernel: a request is out completely when
                            * this reaches queued_bytes as it was after its send */
    uint64_t received_bytes;
    int error;   /* errno of a failed send, to be reported from the loop, or of a failed
                  * tnd_conn_open; 0 = none */
    bool* freed; /* set while a callback runs, to see that the connection is gone */
    char address[TND_CONN_ADDRESS_SIZE]; /* "127.0.0.1:3000", "[::1]:3000"; for messages */
};

/* Open towards `addr`. AEROSPIKE_OK: on_open or on_fail follows, from the loop. Else `err` is set
 * (AEROSPIKE_ERR_ASYNC_CONNECTION) and nothing was opened. `handler` and `udata` are borrowed. */
as_status tnd_conn_open(tnd_conn* conn, tnd_loop* loop, const struct sockaddr* addr,
                        socklen_t addr_len, size_t body_max_bytes, const tnd_conn_handler* handler,
                        void* udata, as_error* err);

/* Send bytes: written at once if nothing is queued, the rest copied and written when the socket
 * allows. Only in state RUNNING. A socket error or lack of memory is reported through on_fail, from
 * the loop, never inside this call. */
void tnd_conn_send(tnd_conn* conn, const uint8_t* bytes, size_t size);

/* The same, but what is small only waits for tnd_conn_flush, so that the requests of a turn go out
 * in one system call. True if there is something to be flushed. */
bool tnd_conn_queue(tnd_conn* conn, const uint8_t* bytes, size_t size);

/* Writes what was queued. A no-operation where nothing is, or where the write callback will do it.
 */
void tnd_conn_flush(tnd_conn* conn);

/* Close without a callback and release all memory but the struct itself. Idempotent, accepts zeroed
 * storage, allowed inside any callback. */
void tnd_conn_close(tnd_conn* conn);

/* "CONNECTING" and so on; for log lines. */
const char* tnd_conn_state_name(tnd_conn_state state);

static inline bool tnd_conn_is_drained(const tnd_conn* conn)
{
    return conn->sent_bytes == conn->queued_bytes;
}
