/*
 * Batches (protocol/records.md 9): many commands, each on a record of its own, in one message to a
 * node, and a stream of answers in any order.
 *
 * A row is encoded once (tnd_wire_row_*), without its place and digest, so that rows that ask the
 * same of several keys are the same bytes: whoever makes messages out of them sends such a row once
 * and repeats it for the next keys. A message is put together from rows whenever it is sent, also
 * when rows of a failed message go to other nodes: the program's operations and policies aren't
 * needed any more then.
 */
#ifndef TENDRIL_CORE_WIRE_BATCH_H
#define TENDRIL_CORE_WIRE_BATCH_H

#include "core/wire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- rows --- */

/* What a read asks for: the first of these that is set, or generation and ttl alone. */
typedef struct tnd_wire_row_bins {
    const tnd_wire_ops* ops; /* reads only */
    const char* const* names;
    uint32_t names_count;
    bool wants_all;
} tnd_wire_row_bins;

/* Each appends one row to `rows`, or fails with `err` set and leaves `rows` as it was: the statuses
   of wire.h. The key's digest is computed if it has none yet. `usual` is the filter of rows whose
   policy has none, or NULL. */

as_status tnd_wire_row_read(tnd_buf* rows, as_error* err, const as_key* key,
                            const tnd_wire_row_bins* bins, const as_policy_batch_read* policy,
                            const as_exp* usual);

/* AEROSPIKE_ERR_PARAM too for operations that only read: as a write they would touch the record. */
as_status tnd_wire_row_write(tnd_buf* rows, as_error* err, const as_key* key,
                             const tnd_wire_ops* ops, const as_policy_batch_write* policy,
                             const as_exp* usual);

as_status tnd_wire_row_apply(tnd_buf* rows, as_error* err, const as_key* key,
                             const tnd_wire_udf* udf, const as_policy_batch_apply* policy,
                             const as_exp* usual);

as_status tnd_wire_row_remove(tnd_buf* rows, as_error* err, const as_key* key,
                              const as_policy_batch_remove* policy, const as_exp* usual);

/* --- messages --- */

enum {
    TND_WIRE_BATCH_INLINE = 0x01,     /* the server may work in the receiving thread: memory */
    TND_WIRE_BATCH_INLINE_SSD = 0x02, /* device */
    TND_WIRE_BATCH_RESPOND_ALL = 0x04,
    TND_WIRE_BATCH_LAST_ERROR = 0x08, /* else: the failing row comes, the later ones don't */
    TND_WIRE_BATCH_COMPRESS =
        0x100, /* answers may come compressed: said elsewhere in the message */
};

enum {
    TND_WIRE_BATCH_HEAD_BYTES = TND_WIRE_FRAME_BYTES + TND_WIRE_HEADER_BYTES + 10,
    TND_WIRE_ROW_KEY_BYTES = 24, /* place and digest, before the row */
};

/* Begins a message in an empty buffer. */
void tnd_wire_batch_begin(tnd_buf* buf, unsigned flags, uint32_t timeout_ms);

/* Adds a row of `size` bytes for this key. `index` comes back with the answer. `repeats`: it is
 * byte for byte the row added before, which carries no user key. */
void tnd_wire_batch_add(tnd_buf* buf, uint32_t index, const uint8_t* digest, const uint8_t* row,
                        size_t size, bool repeats);

/* Completes the message of so many rows. AEROSPIKE_ERR_CLIENT without memory,
 * AEROSPIKE_ERR_RECORD_TOO_BIG beyond 128 MiB; the buffer is empty then. */
as_status tnd_wire_batch_end(tnd_buf* buf, uint32_t rows_count, as_error* err);

/* Whether a row carries its user key, after which the server refuses a repetition. */
bool tnd_wire_row_has_key(const uint8_t* row, size_t size);

/* --- answers --- */

/* Takes the next message out of a frame's body, checked as by tnd_wire_reply_open. False at the end
 * (`*ret_reason` NULL) or at bytes that make no sense (static text). */
bool tnd_wire_batch_next(tnd_cursor* body, tnd_wire_reply* ret_reply, const char** ret_reason);

/* The trailer: its result is the whole message's, nothing follows. */
bool tnd_wire_reply_is_last(const tnd_wire_reply* reply);

#ifdef __cplusplus
}
#endif

#endif
