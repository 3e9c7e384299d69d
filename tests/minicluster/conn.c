/*
 * One connection: frames in, answers out, one request at a time and in order.
 *
 * Happy path: bytes -> complete frame -> answer in `out` -> sent -> next frame.
 * Instead of that:
 *   - a bad frame header, a hang-up: dropped, closed by the reaper at the next full reap_ms;
 *   - a request whose partition has no living owner: parked until it has one or its time is over;
 *   - fault `slow`: answered, held back until later; `split`: sent byte by byte;
 *   - faults `reset`, `close`, `halfclose`, `mute`, `garbage`, `other`, `answer`: see fault.c;
 *   - a hung node: bytes are kept; a black hole: bytes are thrown away, and the connection stays
 *     silent, as after `mute`: a stream has no gaps.
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"

enum {
    CONN_FRAME = 8,
    CONN_BODY_MAX = 128 << 20,
    CONN_TYPE_INFO = 1,
    CONN_TYPE_ADMIN = 2,
    CONN_TYPE_MESSAGE = 3,
    CONN_TYPE_COMPRESSED = 4,
    CONN_TYPE_XDR = 5,
    CONN_COMPRESS_ANSWER = 0x80 // of info1
};

mc_conn* mc_cluster_accept(mc_cluster* cluster, int index, uint64_t now_ms)
{
    (void)now_ms;
    mc_node* node = &cluster->nodes[index];
    if (mc_node_listening(cluster, index) != MC_LISTEN_OPEN) {
        return NULL;
    }
    mc_conn* conn = mc_alloc(sizeof(*conn));
    conn->cluster = cluster;
    conn->node = node;
    conn->next = node->conns;
    conn->ending_at_ms = MC_NEVER;
    if (node->conns) {
        node->conns->prev = conn;
    }
    node->conns = conn;
    mc_count(&node->opened);
    return conn;
}

void mc_conn_free(mc_conn* conn)
{
    if (!conn) {
        return;
    }
    if (conn->prev) {
        conn->prev->next = conn->next;
    } else {
        conn->node->conns = conn->next;
    }
    if (conn->next) {
        conn->next->prev = conn->prev;
    }
    mc_count(&conn->node->closed);
    mc_bytes_done(&conn->in);
    mc_bytes_done(&conn->out);
    free(conn);
}

// ---- endings ------------------------------------------------------------------------------------

void mc_conn_end(mc_conn* conn, mc_ending ending, uint64_t at_ms)
{
    conn->ending = ending;
    conn->ending_at_ms = at_ms;
    conn->dropped |= ending != MC_ENDING_HALF_CLOSE;
}

void mc_conn_drop(mc_conn* conn, uint64_t now_ms)
{
    uint64_t reap_ms = conn->cluster->config.reap_ms;
    mc_conn_end(conn, MC_ENDING_CLOSE, (now_ms / reap_ms + 1) * reap_ms);
}

void mc_conn_hangup(mc_conn* conn, uint64_t now_ms)
{
    if (conn->ending != MC_ENDING_CLOSE) {
        mc_conn_drop(conn, now_ms);
    }
}

mc_ending mc_conn_ending(mc_conn* conn, uint64_t now_ms)
{
    mc_ending ending = conn->ending;
    bool flushed = conn->ending_at_ms == MC_NEVER && !mc_conn_pending(conn);
    if (ending == MC_ENDING_NONE || (now_ms < conn->ending_at_ms && !flushed)) {
        return MC_ENDING_NONE;
    }
    if (ending == MC_ENDING_HALF_CLOSE) {
        conn->half_closed = true;
        conn->ending = MC_ENDING_NONE;
        conn->ending_at_ms = MC_NEVER;
    }
    return ending;
}

// ---- output -------------------------------------------------------------------------------------

size_t mc_conn_pending(const mc_conn* conn)
{
    return conn->out.len - conn->out_sent;
}

size_t mc_conn_output(const mc_conn* conn, uint64_t now_ms, const uint8_t** ret_bytes)
{
    *ret_bytes = conn->out.data + conn->out_sent;
    if (now_ms < conn->hold_ms || conn->half_closed || conn->node->hung || conn->node->blackhole) {
        return 0;
    }
    size_t pending = mc_conn_pending(conn);
    return conn->split && pending ? 1 : pending;
}

void mc_conn_sent(mc_conn* conn, size_t len, uint64_t now_ms)
{
    conn->out_sent += len;
    conn->hold_ms = conn->split ? now_ms + conn->split_gap_ms : 0;
    if (!mc_conn_pending(conn)) {
        conn->out_sent = 0;
        conn->split = 0;
        mc_bytes_drop(&conn->out, conn->out.len);
    }
}

// ---- requests -----------------------------------------------------------------------------------

// Result of trying one request.
typedef enum conn_result {
    CONN_DONE,
    CONN_WAIT // parked
} conn_result;

static unsigned conn_scope(unsigned type)
{
    return type == CONN_TYPE_INFO    ? MC_SCOPE_INFO
           : type == CONN_TYPE_ADMIN ? MC_SCOPE_ADMIN
                                     : MC_SCOPE_RECORD;
}

static conn_result conn_answer_message(mc_conn* conn, const uint8_t* body, size_t len,
                                       uint64_t now_ms)
{
    uint32_t timeout_ms = 0;
    size_t begin = conn->out.len;
    bool last = conn->park_ms && now_ms >= conn->park_ms;
    if (mc_message_answer(conn, body, len, now_ms, last, &timeout_ms)) {
        conn->park_ms = 0;
        if (len > 1 && body[1] & CONN_COMPRESS_ANSWER && conn->cluster->config.enterprise) {
            mc_deflate_answer(&conn->out, begin);
        }
        return CONN_DONE;
    }
    if (!conn->park_ms) {
        conn->park_ms = now_ms + (timeout_ms ? timeout_ms : MC_SERVER_TIMEOUT_MS);
    }
    return CONN_WAIT;
}

static conn_result conn_answer_compressed(mc_conn* conn, const uint8_t* body, size_t len,
                                          uint64_t now_ms)
{
    if (!conn->cluster->config.enterprise) {
        mc_message_reply(&conn->out, 25, 0, 0);
        return CONN_DONE;
    }
    mc_bytes message = {0};
    conn_result result = CONN_DONE;
    if (mc_inflate(body, len, &message)) {
        result =
            conn_answer_message(conn, message.data + CONN_FRAME, message.len - CONN_FRAME, now_ms);
    } else {
        mc_message_reply(&conn->out, 4, 0, 0);
    }
    mc_bytes_done(&message);
    return result;
}

static conn_result conn_answer(mc_conn* conn, unsigned type, const uint8_t* body, size_t len,
                               uint64_t now_ms)
{
    switch (type) {
    case CONN_TYPE_INFO:
        if (len == 0 && conn->more) {
            mc_conn_end(conn, MC_ENDING_RESET, now_ms);
        } else {
            mc_info_answer(conn, body, len, now_ms);
        }
        return CONN_DONE;
    case CONN_TYPE_ADMIN:
        mc_admin_answer(conn, body, len);
        return CONN_DONE;
    case CONN_TYPE_COMPRESSED:
        return conn_answer_compressed(conn, body, len, now_ms);
    case CONN_TYPE_XDR: // the real one falls silent
        conn->dropped = true;
        return CONN_DONE;
    default:
        if (len == 0 && conn->more) {
            mc_conn_end(conn, MC_ENDING_RESET, now_ms);
            return CONN_DONE;
        }
        return conn_answer_message(conn, body, len, now_ms);
    }
}

// Takes a hit of a fault that is set to come before (or after) the request is executed.
static mc_fault* conn_fault(mc_conn* conn, mc_fault_kind kind, unsigned scope, bool applied)
{
    return conn->node->faults[kind].applied == applied ? mc_fault_take(conn->node, kind, scope)
                                                       : NULL;
}

// Faults that take the answer's place. Returns true if one did.
static bool conn_fault_instead(mc_conn* conn, unsigned scope, bool is_batch, bool applied,
                               size_t begin, uint64_t now_ms)
{
    mc_fault* fault = conn_fault(conn, MC_FAULT_ANSWER, scope, applied);
    if (fault) {
        conn->out.len = begin;
        if (scope == MC_SCOPE_INFO) {
            size_t frame = mc_frame_begin(&conn->out, CONN_TYPE_INFO);
            mc_bytes_format(&conn->out, "ERROR:%d:fault\n", fault->arg);
            mc_frame_end(&conn->out, frame);
        } else if (is_batch) {
            mc_message_trailer(&conn->out, fault->arg);
        } else {
            mc_message_reply(&conn->out, fault->arg, 0, 0);
        }
        return true;
    }
    static const struct {
        mc_fault_kind kind;
        mc_ending ending;
    } ends[] = {{MC_FAULT_RESET, MC_ENDING_RESET},
                {MC_FAULT_CLOSE, MC_ENDING_CLOSE},
                {MC_FAULT_HALFCLOSE, MC_ENDING_HALF_CLOSE},
                {MC_FAULT_MUTE, MC_ENDING_NONE}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (conn_fault(conn, ends[i].kind, scope, applied)) {
            bool at_once = ends[i].ending == MC_ENDING_RESET;
            conn->out.len = begin;
            if (ends[i].ending != MC_ENDING_NONE) {
                mc_conn_end(conn, ends[i].ending, at_once ? now_ms : MC_NEVER);
            } else {
                conn->dropped = true; // answers come in order: after a missing one comes none
            }
            return true;
        }
    }
    return false;
}

static void conn_fault_spoil(mc_conn* conn, unsigned scope, size_t begin, uint64_t now_ms)
{
    mc_node* node = conn->node;
    mc_fault* fault;
    if ((fault = mc_fault_take(node, MC_FAULT_GARBAGE, scope))) {
        if (mc_fault_garbage(conn, begin, fault->arg)) {
            mc_conn_end(conn, MC_ENDING_CLOSE, MC_NEVER);
        }
    } else if ((fault = mc_fault_take(node, MC_FAULT_OTHER, scope))) {
        mc_fault_other(conn, begin, fault->arg);
    }
    if ((fault = mc_fault_take(node, MC_FAULT_SLOW, scope))) {
        conn->hold_ms = now_ms + (uint64_t)fault->arg;
    }
    if ((fault = mc_fault_take(node, MC_FAULT_SPLIT, scope))) {
        conn->split = 1;
        conn->split_gap_ms = (uint32_t)fault->arg;
    }
}

static conn_result conn_request(mc_conn* conn, unsigned type, const uint8_t* body, size_t len,
                                uint64_t now_ms)
{
    size_t begin = conn->out.len;
    unsigned scope = conn_scope(type);
    bool is_batch = scope == MC_SCOPE_RECORD && len > 1 && body[1] & MC_INFO1_BATCH;
    bool faults = mc_fault_is_set(conn->node);
    if (faults && !conn->park_ms &&
        conn_fault_instead(conn, scope, is_batch, false, begin, now_ms)) {
        return CONN_DONE;
    }
    if (conn_answer(conn, type, body, len, now_ms) == CONN_WAIT) {
        conn->out.len = begin;
        return CONN_WAIT;
    }
    if (faults && !conn_fault_instead(conn, scope, is_batch, true, begin, now_ms)) {
        conn_fault_spoil(conn, scope, begin, now_ms);
    }
    return CONN_DONE;
}

// Whether a real node would go on with these eight bytes (protocol/cluster.md 1.3).
static bool conn_header_is_good(const uint8_t* header)
{
    unsigned version = header[0];
    unsigned type = header[1];
    return (version == 2 || (version == 0 && type == CONN_TYPE_ADMIN)) && type >= CONN_TYPE_INFO &&
           type <= CONN_TYPE_XDR && mc_be_get(header + 2, 6) <= CONN_BODY_MAX;
}

static bool conn_may_run(const mc_conn* conn, uint64_t now_ms)
{
    return !conn->dropped && !conn->node->hung && now_ms >= conn->hold_ms && !conn->split &&
           conn->ending == MC_ENDING_NONE && mc_conn_pending(conn) < MC_OUTPUT_MAX;
}

// Answers requests at the front of these bytes. Returns how many bytes are done with.
static size_t conn_run(mc_conn* conn, const uint8_t* bytes, size_t len, uint64_t now_ms)
{
    if (conn->node->blackhole || conn->half_closed) {
        conn->dropped |= len > 0; // no stream goes on behind a gap
        return len;
    }
    size_t done = 0;
    while (len - done >= CONN_FRAME && conn_may_run(conn, now_ms)) {
        const uint8_t* header = bytes + done;
        if (!conn_header_is_good(header)) {
            conn->requests++;
            mc_conn_drop(conn, now_ms);
            break;
        }
        size_t size = (size_t)mc_be_get(header + 2, 6);
        if (len - done - CONN_FRAME < size) {
            break;
        }
        conn->more |= len - done - CONN_FRAME > size;
        if (conn_request(conn, header[1], header + CONN_FRAME, size, now_ms) == CONN_WAIT) {
            break;
        }
        conn->more = false;
        conn->requests++;
        done += CONN_FRAME + size;
    }
    return conn->dropped ? len : done;
}

void mc_conn_input(mc_conn* conn, const void* bytes, size_t len, uint64_t now_ms)
{
    if (conn->in.len) {
        mc_bytes_add(&conn->in, bytes, len);
        mc_conn_step(conn, now_ms);
        return;
    }
    size_t done = conn_run(conn, bytes, len, now_ms);
    mc_bytes_add(&conn->in, (const uint8_t*)bytes + done, len - done);
}

void mc_conn_step(mc_conn* conn, uint64_t now_ms)
{
    size_t done = conn_run(conn, conn->in.data, conn->in.len, now_ms);
    if (done) {
        mc_bytes_drop(&conn->in, done);
    }
}

uint64_t mc_conn_requests(const mc_conn* conn)
{
    return conn->requests;
}

void mc_conn_set_more(mc_conn* conn, bool more)
{
    conn->more = more;
}

size_t mc_conn_want(const mc_conn* conn)
{
    size_t have = conn->in.len;
    if (conn->node->blackhole || conn->half_closed) {
        return 4096;
    }
    if (conn->node->hung || conn->park_ms || mc_conn_pending(conn)) {
        return 0;
    }
    if (conn->dropped) {
        return conn->ending == MC_ENDING_NONE ? 4096 : 0;
    }
    if (have < CONN_FRAME) {
        return CONN_FRAME - have;
    }
    size_t all = CONN_FRAME + (size_t)mc_be_get(conn->in.data + 2, 6);
    return have < all ? all - have : 0;
}

uint64_t mc_conn_deadline(const mc_conn* conn)
{
    uint64_t at = MC_NEVER;
    if (conn->ending != MC_ENDING_NONE) {
        at = mc_conn_pending(conn) || conn->ending_at_ms != MC_NEVER ? conn->ending_at_ms : 0;
    }
    if (mc_conn_pending(conn) && conn->hold_ms < at && !conn->half_closed && !conn->node->hung &&
        (conn->hold_ms || conn->split)) {
        at = conn->hold_ms;
    }
    return conn->park_ms && conn->park_ms < at ? conn->park_ms : at;
}
