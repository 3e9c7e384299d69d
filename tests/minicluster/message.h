/*
 * A record request (type 3): its header and fields, and a walk over its operations. Nothing is
 * copied, all points into the body.
 */
#ifndef MC_MESSAGE_H
#define MC_MESSAGE_H

#include <string.h>

#include "cluster.h"

// Result codes that this cluster gives (protocol/records.md 6.3).
enum {
    MC_OK = 0,
    MC_UNKNOWN = 1,
    MC_NOT_FOUND = 2,
    MC_GENERATION = 3,
    MC_PARAMETER = 4,
    MC_EXISTS = 5,
    MC_TIMEOUT = 9,
    MC_UNAVAILABLE = 11,
    MC_INCOMPATIBLE = 12,
    MC_TOO_BIG = 13,
    MC_UNSUPPORTED = 16,
    MC_KEY_MISMATCH = 19,
    MC_NAMESPACE = 20,
    MC_BIN_NAME = 21,
    MC_FORBIDDEN = 22,
    MC_ENTERPRISE_ONLY = 25,
    MC_FILTERED_OUT = 27,
    MC_UDF = 100,
    MC_BATCH_DISABLED = 150,
    MC_INVALID_GEOJSON = 160
};

enum {
    MC_INFO1_READ = 0x01,
    MC_INFO1_GET_ALL = 0x02,
    MC_INFO1_BATCH = 0x08,
    MC_INFO1_GET_NO_BINS = 0x20,
    MC_INFO1_COMPRESS = 0x80,
    MC_INFO2_WRITE = 0x01,
    MC_INFO2_DELETE = 0x02,
    MC_INFO2_GENERATION = 0x04,
    MC_INFO2_GENERATION_GT = 0x08,
    MC_INFO2_DURABLE_DELETE = 0x10,
    MC_INFO2_CREATE_ONLY = 0x20,
    MC_INFO2_RESPOND_ALL = 0x80,
    MC_INFO3_LAST = 0x01,
    MC_INFO3_COMMIT_MASTER = 0x02,
    MC_INFO3_UPDATE_ONLY = 0x08,
    MC_INFO3_CREATE_OR_REPLACE = 0x10,
    MC_INFO3_REPLACE_ONLY = 0x20,
    MC_INFO3_SC_READ_TYPE = 0x40,
    MC_INFO3_SC_READ_RELAX = 0x80
};

enum {
    MC_OP_READ = 1,
    MC_OP_WRITE = 2,
    MC_OP_CDT_READ = 3,
    MC_OP_CDT_MODIFY = 4,
    MC_OP_INCR = 5,
    MC_OP_EXP_READ = 7,
    MC_OP_EXP_MODIFY = 8,
    MC_OP_APPEND = 9,
    MC_OP_PREPEND = 10,
    MC_OP_TOUCH = 11,
    MC_OP_BITS_READ = 12,
    MC_OP_BITS_MODIFY = 13,
    MC_OP_DELETE_ALL = 14,
    MC_OP_HLL_READ = 15,
    MC_OP_HLL_MODIFY = 16
};

typedef struct mc_slice {
    const uint8_t* data; // NULL: the field is absent
    uint32_t len;
} mc_slice;

typedef struct mc_op {
    uint8_t op;
    uint8_t type;
    uint8_t name_len;
    const uint8_t* name;
    const uint8_t* value;
    uint32_t len;
} mc_op;

typedef struct mc_message {
    uint8_t info1, info2, info3, info4;
    uint32_t generation, ttl, timeout_ms;
    mc_slice ns, set, key, digest, txn, batch, filter;
    mc_slice udf, udf_function, udf_args; // udf: the package
    const uint8_t* ops;
    const uint8_t* end;
    uint32_t op_count;
} mc_message;

// A command that found its namespace and may run now.
typedef struct mc_command {
    mc_conn* conn;
    const mc_message* m;
    mc_namespace* space;
    uint64_t now_ms;
    uint32_t void_now;
    int pid;
    mc_bytes* out;
    size_t begin;     // of the reply in out
    uint32_t entries; // in the reply
} mc_command;

// Checks the structure. Returns a result code.
int mc_message_parse(mc_message* m, const uint8_t* body, size_t len);
// Takes so many fields and operations from *at, which is moved behind them. False if they don't
// fit.
bool mc_message_body(mc_message* m, const uint8_t** at, const uint8_t* end, uint32_t fields,
                     uint32_t ops);
// Walks the operations: *at starts as m->ops. False at the end.
bool mc_message_op(const mc_message* m, const uint8_t** at, mc_op* ret_op);

static inline bool mc_bin_name_is_good(const mc_op* op)
{
    return op->name_len <= 15 && !memchr(op->name, 0, op->name_len);
}

static inline uint32_t mc_entry_size(const uint8_t* entry)
{
    return 4 + (uint32_t)mc_be_get(entry, 4);
}

// The reply under way: begins empty, gets entries, is finished with a result. An unsuccessful
// result drops the entries, but for that of a UDF.
void mc_reply_entry(mc_command* c, unsigned op, unsigned type, const uint8_t* name,
                    unsigned name_len, const uint8_t* value, uint32_t len);
// The answer of an operation on a list or map; NULL is nil.
struct mc_item;
void mc_reply_answer(mc_command* c, const mc_op* op, const struct mc_item* answer);
void mc_reply_finish(mc_command* c, int result, uint32_t generation, uint32_t void_time);

// The record was written (record) or removed (NULL): the cluster's observer hears of it.
void mc_command_tell(const mc_command* c, const mc_record* record);

// filter.c: whether the command may go on with this record: 0, 27, or 4 for a filter that isn't
// understood. Without a record only the filter's form is judged.
int mc_filter(mc_slice filter, const mc_record* record);

// Answers a command with a frame of its own: by this result, or if that is MC_OK by executing it.
// False: it waits for an owner, and nothing was answered (out has a begun frame).
bool mc_command_answer(mc_command* c, int result, bool last);

// Would the command wait for an owner of its partition?
bool mc_message_waits(mc_conn* conn, const mc_message* m);

// The end of a stream of answers.
void mc_message_trailer(mc_bytes* out, int result);

// batch.c: all rows. False: one of them waits, and nothing was answered or executed.
bool mc_batch_answer(mc_conn* conn, const mc_message* m, uint64_t now_ms, bool last);

// read.c, remove.c, udf.c, write.c: each finishes the reply.
void mc_read(mc_command* c);
void mc_remove(mc_command* c);
void mc_udf(mc_command* c);
void mc_write(mc_command* c);

// Results for a record that was found: set names and stored keys (records.md 3.3, 5.7).
int mc_check_set(const mc_message* m, const mc_record* record, bool strict);
int mc_check_key(const mc_message* m, const mc_record* record);

// value.c: the result of storing this value, and the value as it is stored.
int mc_value_check(unsigned type, const uint8_t* value, uint32_t len);
bool mc_value_is_blob(unsigned type);
// Appends to out what is stored for a value that passed the check.
void mc_value_normalize(mc_bytes* out, unsigned type, const uint8_t* value, uint32_t len);

#endif
