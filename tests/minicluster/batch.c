/*
 * Batches (protocol/records.md 9): rows are executed one after the other, as an inline batch is,
 * and answered in blocks of 128 KiB.
 *
 * A defective row ends the batch with code 4 and without any answer, though the rows before it have
 * been executed. The rows behind a row error are executed in any case; whether they are answered is
 * for the flags to say.
 */
#include <string.h>

#include "message.h"

enum {
    BATCH_HEAD = 5,           // rows, flags
    BATCH_ROW_HEAD = 25,      // index, digest, row flags
    BATCH_BLOCK = 128 * 1024, // of answers
    BATCH_DIGEST = 20,

    BATCH_RESPOND_ALL = 0x04,
    BATCH_LAST_ERROR = 0x08,

    ROW_REPEAT = 0x01,
    ROW_INFO = 0x02,
    ROW_GENERATION = 0x04,
    ROW_TTL = 0x08,
    ROW_INFO4 = 0x10
};

typedef struct batch {
    mc_conn* conn;
    const mc_message* head;
    const uint8_t* at;
    const uint8_t* end;
    mc_message row; // the last one that wasn't a repetition
    bool has_row;
    uint32_t index;
} batch;

// ---- rows ---------------------------------------------------------------------------------------

static bool row_take(batch* b, uint64_t* ret_value, int width)
{
    if (b->end - b->at < width) {
        return false;
    }
    *ret_value = mc_be_get(b->at, width);
    b->at += width;
    return true;
}

// What stands between the row flags and the fields.
static bool row_head(batch* b, unsigned flags, uint32_t* ret_fields, uint32_t* ret_ops)
{
    uint64_t value = 0;
    bool good = row_take(b, &value, 1);
    b->row.info1 = (uint8_t)value;
    if (good && flags & ROW_INFO) {
        good = row_take(b, &value, 2);
        b->row.info2 = (uint8_t)(value >> 8);
        b->row.info3 = (uint8_t)value;
    }
    if (good && flags & ROW_INFO4) {
        good = row_take(b, &value, 1);
        b->row.info4 = (uint8_t)value;
    }
    if (good && flags & ROW_GENERATION) {
        good = row_take(b, &value, 2);
        b->row.generation = (uint32_t)value;
    }
    if (good && flags & ROW_TTL) {
        good = row_take(b, &value, 4);
        b->row.ttl = (uint32_t)value;
    }
    good = good && row_take(b, &value, 2);
    *ret_fields = value ? (uint32_t)value : 1; // 0 of old clients
    good = good && row_take(b, &value, 2);
    *ret_ops = (uint32_t)value;
    return good;
}

// The next row. False: it is defective.
static bool row_next(batch* b)
{
    if (b->end - b->at < BATCH_ROW_HEAD) {
        return false;
    }
    mc_slice digest = {b->at + 4, BATCH_DIGEST};
    unsigned flags = b->at[4 + BATCH_DIGEST];
    b->index = (uint32_t)mc_be_get(b->at, 4);
    b->at += BATCH_ROW_HEAD;
    if (flags & ROW_REPEAT) {
        b->row.digest = digest;
        return b->has_row && flags == ROW_REPEAT && !b->row.key.data;
    }
    memset(&b->row, 0, sizeof(b->row));
    uint32_t fields, ops;
    if (!row_head(b, flags, &fields, &ops)) {
        return false;
    }
    bool ns_first = b->end - b->at >= 5 && b->at[4] == 0;
    if (!ns_first || !mc_message_body(&b->row, &b->at, b->end, fields, ops)) {
        return false;
    }
    b->has_row = true;
    b->row.digest = digest;
    b->row.timeout_ms = b->head->timeout_ms;
    b->row.info3 &= (uint8_t)~MC_INFO3_COMMIT_MASTER; // ignored in batches
    if (!b->row.filter.data) {
        b->row.filter = b->head->filter;
    }
    return true;
}

static void batch_begin(batch* b, mc_conn* conn, const mc_message* head)
{
    memset(b, 0, sizeof(*b));
    b->conn = conn;
    b->head = head;
    b->at = head->batch.data + BATCH_HEAD;
    b->end = head->batch.data + head->batch.len;
}

static bool batch_waits(mc_conn* conn, const mc_message* head, uint32_t rows)
{
    batch b;
    batch_begin(&b, conn, head);
    for (uint32_t i = 0; i < rows && row_next(&b); i++) {
        if (mc_message_waits(conn, &b.row)) {
            return true;
        }
    }
    return false;
}

// ---- answers ------------------------------------------------------------------------------------

// Rows in blocks: a block is sent when the next answer doesn't fit.
typedef struct blocks {
    mc_bytes* out;
    mc_bytes block;
} blocks;

static void block_send(blocks* s)
{
    if (s->block.len) {
        size_t begin = mc_frame_begin(s->out, 3);
        mc_bytes_add(s->out, s->block.data, s->block.len);
        mc_frame_end(s->out, begin);
        s->block.len = 0;
    }
}

// An answer with its frame.
static void block_add(blocks* s, mc_bytes* answer, uint32_t index)
{
    mc_be_set(answer->data + 8 + 14, index, 4);
    if (s->block.len + answer->len - 8 > BATCH_BLOCK) {
        block_send(s);
    }
    mc_bytes_add(&s->block, answer->data + 8, answer->len - 8);
}

static bool is_row_error(int result)
{
    return result != MC_OK && result != MC_NOT_FOUND && result != MC_FILTERED_OUT;
}

bool mc_batch_answer(mc_conn* conn, const mc_message* m, uint64_t now_ms, bool last)
{
    uint32_t rows = m->batch.len >= BATCH_HEAD ? (uint32_t)mc_be_get(m->batch.data, 4) : 0;
    unsigned flags = m->batch.len >= BATCH_HEAD ? m->batch.data[4] : 0;
    if (rows == 0) {
        mc_message_trailer(&conn->out, MC_PARAMETER);
        return true;
    }
    if (!last && batch_waits(conn, m, rows)) {
        return false;
    }
    batch b;
    blocks sent = {.out = &conn->out};
    mc_bytes answer = {0};
    size_t begin = conn->out.len;
    int result = MC_OK;
    bool is_sound = true;
    batch_begin(&b, conn, m);
    for (uint32_t i = 0; i < rows; i++) {
        if (!row_next(&b)) {
            is_sound = false;
            break;
        }
        mc_command c = {.conn = conn, .m = &b.row, .now_ms = now_ms, .out = &answer};
        answer.len = 0;
        mc_command_answer(&c, MC_OK, true);
        int row_result = answer.data[8 + 5];
        if (row_result == MC_NAMESPACE) {
            is_sound = false;
            break;
        }
        if (result == MC_OK) {
            block_add(&sent, &answer, b.index);
        }
        if (is_row_error(row_result) && !(flags & BATCH_RESPOND_ALL) && result == MC_OK) {
            result = row_result;
            if (!(flags & BATCH_LAST_ERROR)) {
                sent.block.len = 0;
            }
        }
    }
    if (is_sound) {
        block_send(&sent);
    } else {
        conn->out.len = begin;
    }
    mc_message_trailer(&conn->out, is_sound ? result : MC_PARAMETER);
    mc_bytes_done(&sent.block);
    mc_bytes_done(&answer);
    return true;
}
