/*
 * Record messages (protocol/records.md): complete requests out of keys, policies and values, and
 * replies back into records. Pure: bytes in, bytes out, the time is an argument.
 *
 * Encoders reset the buffer and leave exactly one message in it, the 8-byte frame included, ready
 * to be written and to be written again; or they fail, fill `err`, and leave it empty. They compute
 * the key's digest if it has none yet (the one thing that they change in a key).
 *
 * A reply is first framed (tnd_wire_frame: how many bytes?), then opened (tnd_wire_reply_open:
 * every count and length of it is checked, and that it ends exactly where the frame does), then its
 * entries are looked at in place or copied into an as_record. One request has one reply frame;
 * replies carry no request identifier.
 */
#ifndef TENDRIL_CORE_WIRE_H
#define TENDRIL_CORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aerospike/as_error.h>
#include <aerospike/as_key.h>
#include <aerospike/as_list.h>
#include <aerospike/as_operations.h>
#include <aerospike/as_policy.h>
#include <aerospike/as_record.h>

#include "core/buf.h"
#include "core/recycle.h"
#include "core/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TND_WIRE_VERSION = 2,
    TND_WIRE_FRAME_BYTES = 8,
    TND_WIRE_HEADER_BYTES = 22, /* of a record message, behind the frame */
    TND_WIRE_ADMIN_BYTES_MIN = 16,
    TND_WIRE_BODY_BYTES_MAX =
        128 * 1024 * 1024, /* accepted by servers; one more is a closed connection */
    TND_WIRE_INFO_BODY_BYTES_MAX = 512 * 1024, /* ample for tending, protocol/cluster.md 3.4 */
    TND_WIRE_BIN_NAME_CHARS_MAX = 15,
    TND_WIRE_OPS_MAX = 32768, /* per message */
};

/* Frame types. */
enum {
    TND_WIRE_INFO = 1,
    TND_WIRE_ADMIN = 2,
    TND_WIRE_MESSAGE = 3,
    TND_WIRE_COMPRESSED = 4,
};

/* Operation codes as they go over the wire. */
typedef enum {
    TND_WIRE_OP_READ = 1,
    TND_WIRE_OP_WRITE = 2,
    TND_WIRE_OP_CDT_READ = 3,
    TND_WIRE_OP_CDT_MODIFY = 4,
    TND_WIRE_OP_INCR = 5,
    TND_WIRE_OP_EXP_READ = 7,
    TND_WIRE_OP_EXP_MODIFY = 8,
    TND_WIRE_OP_APPEND = 9,
    TND_WIRE_OP_PREPEND = 10,
    TND_WIRE_OP_TOUCH = 11,
    TND_WIRE_OP_BITS_READ = 12,
    TND_WIRE_OP_BITS_MODIFY = 13,
    TND_WIRE_OP_DELETE_ALL = 14,
    TND_WIRE_OP_HLL_READ = 15,
    TND_WIRE_OP_HLL_MODIFY = 16,
} tnd_wire_op_code;

/* Particle types; as_bytes_type has the same numbers. */
enum {
    TND_WIRE_NULL = 0,
    TND_WIRE_INTEGER = 1,
    TND_WIRE_DOUBLE = 2,
    TND_WIRE_STRING = 3,
    TND_WIRE_BLOB = 4,
    TND_WIRE_BOOL = 17,
    TND_WIRE_MAP = 19,
    TND_WIRE_LIST = 20,
    TND_WIRE_GEOJSON = 23,
};

/* --- requests --- */

/* Every encoder: `timeout_ms` is the server's timeout (transaction_ttl; 0 = the server's own
   default of 1000 ms, which a caller without a limit doesn't want). A transaction is refused with
   AEROSPIKE_ERR_PARAM rather than ignored. With base.compress the answer may come compressed; the
   message itself is compressed by tnd_compress when it is sent. Failures: AEROSPIKE_ERR_PARAM for
   what can't be said on the wire, AEROSPIKE_ERR_RECORD_TOO_BIG for a body over 128 MiB or over the
   buffer's limit, AEROSPIKE_ERR_CLIENT without memory. */

as_status tnd_wire_get(tnd_buf* buf, as_error* err, const as_key* key, const as_policy_read* policy,
                       uint32_t timeout_ms);

/* Names are borrowed for the call; at least one, none empty, each at most 15 bytes. */
as_status tnd_wire_select(tnd_buf* buf, as_error* err, const as_key* key, const char* const* names,
                          uint32_t names_count, const as_policy_read* policy, uint32_t timeout_ms);

as_status tnd_wire_exists(tnd_buf* buf, as_error* err, const as_key* key,
                          const as_policy_read* policy, uint32_t timeout_ms);

/* Generation and ttl come from the record. A list or map may also be given as as_bytes of type
   AS_BYTES_LIST or AS_BYTES_MAP that hold its msgpack form. A record without bins is
   encoded: the server answers 4, as programs expect. */
as_status tnd_wire_put(tnd_buf* buf, as_error* err, const as_key* key, const as_record* record,
                       const as_policy_write* policy, uint32_t timeout_ms);

as_status tnd_wire_remove(tnd_buf* buf, as_error* err, const as_key* key,
                          const as_policy_remove* policy, uint32_t timeout_ms);

/* One operation of an operate command. */
typedef struct tnd_wire_op {
    tnd_wire_op_code code;
    const char* name; /* borrowed; "" for TOUCH, DELETE_ALL and for the READ of all bins */
    const as_val*
        value; /* borrowed; NULL where the operation has none. CDT, bit, HLL and expression
                  operations: as_bytes of type BLOB with the msgpack arguments */
} tnd_wire_op;

typedef struct tnd_wire_ops {
    const tnd_wire_op* entries;
    const as_binop* binops; /* where `entries` is NULL: a program's operations, borrowed */
    uint32_t count;         /* 1 .. TND_WIRE_OPS_MAX */
    uint32_t ttl;           /* as as_record.ttl */
    uint16_t gen;           /* expected generation, where the policy compares it */
    bool has_map_ops;       /* a CDT operation is a map's: an answer per operation is wanted */
} tnd_wire_ops;

/* A program's operations as the encoder takes them. Borrows; NULL has none. */
tnd_wire_ops tnd_wire_ops_of(const as_operations* operations);

/* One of a program's operations. An operator that the wire doesn't have gets code 0, which the
   encoder refuses. */
tnd_wire_op tnd_wire_op_of(const as_binop* binop);

/* Refuses a read-all beside CDT, bit, HLL or expression reads in a list that writes nothing: the
   server would ignore these without a word. */
as_status tnd_wire_operate(tnd_buf* buf, as_error* err, const as_key* key, const tnd_wire_ops* ops,
                           const as_policy_operate* policy, uint32_t timeout_ms);

/* Whether any operation modifies the record: such a command is a write for retries and in-doubt. */
bool tnd_wire_ops_write(const tnd_wire_ops* ops);

/* A function of a registered module, applied to one record (protocol/records.md 5.10). */
typedef struct tnd_wire_udf {
    const char* module;     /* borrowed, 1 to 127 bytes, without the file's extension */
    const char* function;   /* likewise */
    const as_list* arglist; /* borrowed; NULL: no arguments */
} tnd_wire_udf;

/* The answer's one entry is SUCCESS with the function's value, or (result 100) FAILURE. */
as_status tnd_wire_apply(tnd_buf* buf, as_error* err, const as_key* key, const tnd_wire_udf* udf,
                         const as_policy_apply* policy, uint32_t timeout_ms);

/* Rewrites the server's timeout of the encoded message, for a further attempt. */
void tnd_wire_set_timeout(tnd_buf* buf, uint32_t timeout_ms);

/* --- replies --- */

typedef enum {
    TND_WIRE_WAIT,  /* more bytes are needed */
    TND_WIRE_READY, /* complete */
    TND_WIRE_BAD,   /* never to be understood: the connection is worthless */
} tnd_wire_outcome;

typedef struct tnd_wire_frame_info {
    size_t body_bytes;  /* READY: size of the body behind the 8 bytes of the frame */
    size_t total_bytes; /* WAIT: the smallest count worth calling with again (8, or the whole frame
                           once its size is known); READY: frame and body, what the next reply
                           starts behind */
    const char* reason; /* BAD: static text */
} tnd_wire_frame_info;

/* Looks at `size` bytes from the start of a frame. It may be called with any prefix: what is bad is
   found with the first byte that shows it. Bodies over `body_bytes_max`, of a message under 22
   bytes or of an admin reply under 16 are bad; an empty info body is for the caller to judge. */
tnd_wire_outcome tnd_wire_frame(const uint8_t* bytes, size_t size, uint8_t expected_type,
                                size_t body_bytes_max, tnd_wire_frame_info* ret_info);

enum {
    /* Elements, keys and values in the lists and maps of a record, all levels together. A record is
       8 MiB at most, and each of them a byte at least: only an answer that has a bin several times
       can have more. So a record takes TND_MSGPACK_VALUE_BYTES_MAX times this in memory at most,
       and the bytes that came. */
    TND_WIRE_VALUES_MAX = 8 * 1024 * 1024,
};

/* A checked reply. Borrows the body. */
typedef struct tnd_wire_reply {
    uint8_t result; /* 0 or a server's code; judge by it alone, never by the generation */
    uint8_t info3;
    uint32_t generation;
    uint32_t void_time;   /* seconds since 2010-01-01T00:00:00Z; 0 = never expires. Not a ttl */
    uint32_t batch_index; /* transaction_ttl; meaningful in batches only */
    uint16_t ops_count;
    uint16_t ops_left;
    bool keeps_packed; /* set by the caller: lists and maps come as bytes (deserialize false) */
    tnd_cursor ops;    /* from the next entry on */
} tnd_wire_reply;

/* The namespace of a request on one record, in place: its first field. */
static inline tnd_slice tnd_wire_request_namespace(const tnd_buf* request)
{
    const uint8_t* field = request->data + TND_WIRE_FRAME_BYTES + TND_WIRE_HEADER_BYTES;
    return (tnd_slice){(const char*)field + 5, tnd_be32_get(field) - 1};
}

/* Decodes the header and checks everything behind it. False: `*ret_reason` is static text, and the
   connection that it came from isn't to be trusted. */
bool tnd_wire_reply_open(tnd_wire_reply* reply, const uint8_t* body, size_t size,
                         const char** ret_reason);

/* Whether the reply can be this request's: a request that names bins gets no others. Replies name
   no request, and to one that asks for all bins any record looks right. */
bool tnd_wire_reply_answers(const tnd_wire_reply* reply, const tnd_buf* request);

/* Takes one message out of a body that may have more: a batch's. `body` stands behind it then. */
bool tnd_wire_reply_take(tnd_wire_reply* reply, tnd_cursor* body, const char** ret_reason);

/* An entry in place. Names are labels: they may repeat and may be empty. */
typedef struct tnd_wire_entry {
    uint8_t op;
    uint8_t type;   /* particle type */
    tnd_slice name; /* at most 15 bytes */
    tnd_slice value;
} tnd_wire_entry;

/* Lends the next entry in the server's order; false after the last one. Copy the reply to iterate
   twice. */
bool tnd_wire_op_next(tnd_wire_reply* reply, tnd_wire_entry* ret_entry);

/* The text of the entry FAILURE that explains result 100. False if there is none. */
bool tnd_wire_failure(const tnd_wire_reply* reply, tnd_slice* ret_text);

/* Seconds of life left at `unix_now_sec`: 0xFFFFFFFF for a record that never expires, at least 1
   else (protocol/records.md 1.7). */
uint32_t tnd_wire_ttl(uint32_t void_time, uint64_t unix_now_sec);

/* Copies generation, ttl and all entries into `record`, which is initialised, empty
   (as_record_init(rec, 0) or as_record_new(0)) and the caller's; as_record_destroy releases what it
   gets here: one block for the bins and one per string, geojson or bytes value, so that a listener
   may keep the char* of a string by setting its `free` to false. Strings are NUL-terminated. Lists
   and maps are as_list and as_map; they come as as_bytes of their type, with the bytes as sent, if
   reply->keeps_packed, or if they are sound but can't be had as values (nested too deep, a key of
   another type than integer, text or blob, more than TND_WIRE_VALUES_MAX together with those of the
   bins before). Types unknown to us are as_bytes, too; GeoJSON comes
   without its cells. Blocks come from `recycle`, NULL: new ones. Fails with AEROSPIKE_ERR_CLIENT (a
   value that contradicts its type, or no memory) and then leaves the record as it was. */
as_status tnd_wire_record(const tnd_wire_reply* reply, uint64_t unix_now_sec, as_record* record,
                          tnd_recycle* recycle, as_error* err);

/* as_record_destroy for such a record, whose memory is kept for the next; whatever was done to it
   meanwhile. */
void tnd_wire_record_done(as_record* record, tnd_recycle* recycle);

/* A UDF's return value out of its answer: on the heap, the caller's, to be released by
   as_val_destroy(). AEROSPIKE_ERR_CLIENT: no such value, or no memory. */
as_status tnd_wire_udf_value(const tnd_wire_reply* reply, as_val** ret_val, as_error* err);

#ifdef __cplusplus
}
#endif

#endif
