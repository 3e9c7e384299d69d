/**
 * Single pieces of msgpack, and the order in which the server sorts values.
 */
#pragma once

#include <aerospike/as_msgpack_ext.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

struct as_packer_buffer;

/** Where the as_pack_* functions put their bytes. */
typedef struct as_packer {
    /** Unused. */
    struct as_packer_buffer* head;
    /** Unused. */
    struct as_packer_buffer* tail;
    /** The caller's; NULL: nothing is written, only `offset` advances. */
    unsigned char* buffer;
    /** Bytes so far. */
    uint32_t offset;
    /** Bytes of `buffer`. */
    uint32_t capacity;
} as_packer;

typedef enum msgpack_compare_e {
    /** A value is missing, can't be compared, or nests too deep. */
    MSGPACK_COMPARE_ERROR = -2,
    /** A wildcard ended the comparison. */
    MSGPACK_COMPARE_END = -1,
    MSGPACK_COMPARE_LESS = 0,
    MSGPACK_COMPARE_EQUAL = 1,
    MSGPACK_COMPARE_GREATER = 2
} msgpack_compare_t;

/* Each appends to the packer: 0, or -1 when its capacity is used up. */

/** Nil. */
AS_EXTERN int as_pack_nil(as_packer* pk);

/** An integer in its shortest form. */
AS_EXTERN int as_pack_int64(as_packer* pk, int64_t val);

/** Head of a list of `ele_count` elements. */
AS_EXTERN int as_pack_list_header(as_packer* pk, uint32_t ele_count);

/** Head of a map of `ele_count` entries. */
AS_EXTERN int as_pack_map_header(as_packer* pk, uint32_t ele_count);

/** Head of an extension of `content_size` bytes. */
AS_EXTERN int as_pack_ext_header(as_packer* pk, uint32_t content_size, uint8_t type);

/** Bytes as they are. */
AS_EXTERN int as_pack_append(as_packer* pk, const unsigned char* buf, uint32_t sz);

/** The order of two values as the server sorts them; a wildcard is equal to anything. */
AS_EXTERN msgpack_compare_t as_val_cmp(const as_val* v1, const as_val* v2);

#ifdef __cplusplus
}
#endif
