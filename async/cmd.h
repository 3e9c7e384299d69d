/*
 * One command on one record: encoded once, tried on one replica after the other, ended once.
 *
 *     (QUEUED ->)                               QUEUED: for its turn on the event loop's entry
 *     MAP ----> OPENING -> SENT -> (END)         MAP: no map yet
 *      |         ^  |       |                    PAUSED: before a retry, or for the loop's next
 * turn
 *      +-> ...   PAUSED <---+                    FAILED: the listener's turn is the loop's next
 *
 * Filled in by its maker between tnd_cmd_new and tnd_cmd_start: what comes before `phase`.
 */
#pragma once

#include "async/delay.h"
#include "async/engine.h"
#include "async/lent.h"
#include "core/buf.h"
#include "core/wire.h"
#include <aerospike/as_key.h>
#include <aerospike/as_listener.h>

/* What a command's answer is made of, and which listener gets it. */
typedef enum tnd_cmd_result {
    TND_CMD_RECORD, /* bins */
    TND_CMD_LENT,   /* bins in place */
    TND_CMD_HEADER, /* a record with generation and ttl alone */
    TND_CMD_STATUS, /* nothing */
    TND_CMD_VALUE,  /* what a UDF has returned */
    TND_CMD_MANY,   /* records of a batch: see tnd_cmd_many */
    TND_CMD_TEXT,   /* of an info request: likewise */
} tnd_cmd_result;

/* What commands do in their own way that aren't about one record. These functions may not end the
 * command. */
typedef struct tnd_cmd_many {
    /* The node of the next attempt, with cmd->node_index, and the request for it in cmd->buf; NULL
     * with `err` set. `timeout_ms` is for the server. */
    tnd_node* (*route)(tnd_cmd* cmd, uint32_t timeout_ms, as_error* err);

    /* One record's answer; NULL, or why it can't be one. */
    const char* (*on_row)(tnd_cmd* cmd, tnd_wire_reply* reply);

    /* The end of the stream; NULL, or why that can't be. */
    const char* (*on_last)(tnd_cmd* cmd);

    /* Is there more to ask this node for? After on_last. */
    bool (*has_more)(tnd_cmd* cmd);

    /* Instead of these three: an info answer. NULL, with cmd->err set if the server refuses; or why
     * that can't be. */
    const char* (*on_text)(tnd_cmd* cmd, const uint8_t* body, size_t size);

    /* An attempt has failed whose request may have been executed. */
    void (*on_unknown)(tnd_cmd* cmd);

    /* In the place of the listener. */
    void (*on_end)(tnd_cmd* cmd, as_error* err);
} tnd_cmd_many;

typedef enum tnd_cmd_phase {
    TND_CMD_NEW = 0,
    TND_CMD_QUEUED,
    TND_CMD_MAP,
    TND_CMD_OPENING,
    TND_CMD_SENT,
    TND_CMD_PAUSED,
    TND_CMD_FAILED,
    TND_CMD_ENDED,
} tnd_cmd_phase;

struct tnd_cmd {
    /* Kept from one command to the next. */
    tnd_engine* engine;
    tnd_buf buf;   /* the request */
    tnd_task task; /* PAUSED without a pause, FAILED */

    /* The maker's. */
    as_event_loop* entry;
    union {
        as_async_record_listener record;
        as_async_write_listener write;
        as_async_value_listener value;
        tnd_lent_listener lent;
    } listener;
    void* udata;

    /* Zeroes at first. What comes before `phase` is the maker's, too. */
    tnd_cmd_result result;
    tnd_command_kind kind;   /* for the counters; READ is right for what doesn't change anything */
    bool is_heap_record;     /* the listener's record is the program's */
    bool keeps_packed;       /* lists and maps come as bytes */
    bool may_inflate;        /* the answer may come compressed */
    bool is_compressed;      /* the present attempt's request was */
    bool ends_early;         /* many: an error ends the answers, not what is executed */
    uint32_t compress_above; /* the request is compressed from one byte more on; 0: never */
    uint32_t first_pause_ms; /* before the first attempt */
    as_pipe_listener
        pipe; /* called once the request was sent; NULL: nobody waits for that (any more) */
    const tnd_cmd_many* many; /* with TND_CMD_MANY and TND_CMD_TEXT */
    void* part;               /* its own */
    as_policy_read_mode_sc read_mode_sc;
    tnd_replica replica;

    tnd_cmd_phase phase;
    bool is_piped;          /* a pipe listener was given */
    bool is_pipe_due;       /* sent, and `pipe` hasn't been called */
    bool is_late;           /* it had to wait before its first attempt */
    bool is_inside;         /* the call that started it hasn't returned yet */
    bool is_sc;             /* the namespace, as of the last attempt */
    uint32_t attempt;       /* the present one, 1 is the first */
    uint32_t unknown_count; /* earlier attempts that were out completely and have an unknown fate */
    uint32_t node_index;    /* of the present attempt */
    uint64_t deadline_us;   /* 0: none */
    tnd_link* link;         /* OPENING, SENT */
    const tnd_ns_rec* route_ns; /* found when it was accepted, with the partition's word, for a
                                   first attempt in the same call */

    /* Nobody reads these before they are set. */
    tnd_cmd* next; /* in one of the engine's lists */
    tnd_cmd* prev;
    uint64_t route_word;
    as_namespace ns; /* zeroes to the end */
    uint32_t partition;
    uint32_t max_retries;   /* attempts beyond the first */
    uint32_t connect_ms;    /* 0: covered by the other limits */
    uint32_t socket_ms;     /* 0: none */
    uint32_t total_ms;      /* 0: none */
    uint32_t delay_ms;      /* how long a link is kept for a late reply */
    uint32_t sleep_ms;      /* before a retry */
    uint32_t seat;          /* on the link */
    uint64_t start_us;      /* of the call that submitted it */
    uint64_t active_us;     /* start of the attempt, or when bytes were seen last */
    uint64_t received_mark; /* of link->conn.received_bytes, at active_us */
    tnd_delayed delayed;    /* its turn */
    tnd_timeout timeout;    /* one per command; see tnd_cmd_arm for what it stands for */
    as_error err;           /* of the last attempt */
};

extern const tnd_link_handler tnd_cmd_link_handler;

/* Recycled or new, with an empty buffer; NULL without memory. */
tnd_cmd* tnd_cmd_new(tnd_engine* engine, as_event_loop* entry);

/* Instead of tnd_cmd_start. */
void tnd_cmd_discard(tnd_cmd* cmd);

/* What the server is told (protocol/records.md 1.8). */
uint32_t tnd_cmd_server_timeout(uint32_t socket_ms, uint32_t total_ms);

/* Accepts: AEROSPIKE_OK, and the listener is called once from the loop, unless the process ends. Or
 * refuses, with `err` set and the command discarded: AEROSPIKE_ERR_NAMESPACE_NOT_FOUND,
 * AEROSPIKE_ERR_ASYNC_QUEUE_FULL (too many wait for the first map). The first attempt is made
 * inside. `key` has its digest. */
as_status tnd_cmd_start(tnd_cmd* cmd, const as_key* key, const as_policy_base* base, as_error* err);

/* The same for a command on many records; never refused for its namespace. */
as_status tnd_cmd_start_many(tnd_cmd* cmd, const as_policy_base* base, as_error* err);

/* Another part of one that is being routed: it starts in the loop's next turn, with what is left of
 * the same limits, at the same attempt. */
void tnd_cmd_start_part(tnd_cmd* cmd, const tnd_cmd* parent);

/* cmd->node_index and its node for a key of this namespace and partition, as the next attempt would
 * choose it; NULL with `err` set. */
tnd_node* tnd_cmd_route_key(tnd_cmd* cmd, const char* ns, uint32_t partition, as_error* err);

/* A running command's leave to run (see delay.h) passes to another part of the same. */
void tnd_cmd_hand_turn(tnd_cmd* from, tnd_cmd* to);

/* The engine's timer: limits are due. */
void tnd_cmd_on_timeouts(tnd_timer* timer);

/* The command whose listener is being called in this thread; NULL: none. */
const tnd_cmd* tnd_cmd_ending(void);

/* The engine's business: start those that wait for the first map; end those of them that have no
 * deadline; end all; free recycled ones. Listeners are called inside. */
void tnd_cmd_start_waiting(tnd_engine* engine);
void tnd_cmd_fail_waiting(tnd_engine* engine);
void tnd_cmd_abort_all(tnd_engine* engine, as_status status, const char* text);
void tnd_cmd_free_spare(tnd_engine* engine);
