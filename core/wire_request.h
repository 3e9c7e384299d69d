/*
 * What the encoders of requests share. Nobody else includes this.
 *
 * An encoder describes its command as a tnd_request (header bits and a list of operations), and
 * tnd_request_encode turns any of them into bytes in two walks: the first checks every operation
 * and adds up the exact size, the second appends into a buffer that has grown once. A batch is made
 * of rows, which are such requests without frame, digest and timeout.
 */
#pragma once

#include "core/wire.h"

/* protocol/records.md 1.4 */
enum {
    INFO1_READ = 0x01,
    INFO1_GET_ALL = 0x02,
    INFO1_GET_NO_BINS = 0x20,
    INFO1_AP_READ_ALL = 0x40,
    INFO1_COMPRESS_RESPONSE = 0x80,

    INFO2_WRITE = 0x01,
    INFO2_DELETE = 0x02,
    INFO2_GENERATION = 0x04,
    INFO2_GENERATION_GT = 0x08,
    INFO2_DURABLE_DELETE = 0x10,
    INFO2_CREATE_ONLY = 0x20,
    INFO2_RESPOND_ALL_OPS = 0x80,

    INFO3_COMMIT_MASTER = 0x02,
    INFO3_UPDATE_ONLY = 0x08,
    INFO3_CREATE_OR_REPLACE = 0x10,
    INFO3_REPLACE_ONLY = 0x20,
    INFO3_SC_READ_TYPE = 0x40,
    INFO3_SC_READ_RELAX = 0x80,

    INFO4_ON_LOCKING_ONLY = 0x10,
    INFO4_ERROR_VERBOSITY_SHIFT = 5,
};

#define TND_FIELD_KEY 2 /* the user key */

/* What follows the digest of a batch's row (protocol/records.md 9.3). */
enum {
    TND_ROW_INFO = 0x02,
    TND_ROW_GENERATION = 0x04,
    TND_ROW_TTL = 0x08,
    TND_ROW_INFO4 = 0x10,
};

/* A value as it goes over the wire: type, prefix, bytes. Borrows from the as_val or points at
 * `number`. */
typedef struct tnd_wire_value {
    uint8_t type;
    uint8_t number[8]; /* scalars, big-endian */
    size_t prefix_size;
    const void* bytes; /* NULL: the first `size` bytes of `number` */
    size_t size;
    const as_val* packed; /* a list or map, `size` bytes of msgpack when it is appended */
} tnd_wire_value;

/* The operations of a request, from one of four sources. */
typedef struct tnd_request_ops {
    uint32_t count;
    const tnd_wire_op* ops;
    const as_binop* binops;
    const as_bin* bins;
    const char* const* names;
} tnd_request_ops;

/* Everything that distinguishes one request from another. */
typedef struct tnd_request {
    const as_key* key;
    bool has_user_key; /* field 2 wanted by the policy and possible with this key */
    uint8_t info1, info2, info3, info4;
    uint32_t generation;
    uint32_t ttl;
    uint32_t timeout_ms;
    tnd_request_ops list;
    const tnd_wire_udf* udf;  /* NULL: none */
    const as_exp* filter;     /* NULL: none; of whole messages the encoder sets it */
    size_t ns_size, set_size; /* of the key's names, set by the encoder */
} tnd_request;

/* The whole message, frame included; see wire.h for what encoders have in common. */
as_status tnd_request_encode(tnd_buf* buf, as_error* err, tnd_request* req,
                             const as_policy_base* base, as_policy_key key_policy);

/* Appends the request as what a full row of a batch has behind its digest: from the row flags on
 * (protocol/records.md 9.3). Without digest and timeout. On failure the buffer is as before. */
as_status tnd_request_append_row(tnd_buf* buf, as_error* err, tnd_request* req,
                                 as_policy_key key_policy);

/* Policies to bits (protocol/records.md 5.4, 7.2). */
void tnd_request_set_read_modes(tnd_request* req, as_policy_read_mode_ap ap,
                                as_policy_read_mode_sc sc);
void tnd_request_set_generation(tnd_request* req, as_policy_gen policy, uint16_t generation);
void tnd_request_set_exists(tnd_request* req, as_policy_exists policy);
void tnd_request_set_commit(tnd_request* req, as_policy_commit_level commit, bool durable_delete);

/* The answer may come compressed, if the policy wants that. */
static inline void tnd_request_set_compress(tnd_request* req, const as_policy_base* base)
{
    req->info1 |= base->compress ? INFO1_COMPRESS_RESPONSE : 0;
}

/* A record's time to live, or the policy's where the record leaves it to that. */
uint32_t tnd_request_ttl(uint32_t record_ttl, uint32_t policy_ttl);

/* Bits, ttl and generation of a list of operations. Refuses what a server would answer wrongly or
 * not at all. */
as_status tnd_request_set_operations(tnd_request* req, as_error* err, const tnd_wire_ops* ops,
                                     const as_policy_operate* policy);

/* Room for a message, or the error that there is none. */
as_status tnd_request_reserve(tnd_buf* buf, as_error* err, uint64_t body_bytes);

bool tnd_request_op_writes(tnd_wire_op_code code);
bool tnd_request_op_reads_all(const tnd_wire_op* op);
