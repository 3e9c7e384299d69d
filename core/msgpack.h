/*
 * Values as msgpack in the server's dialect (protocol/cdt-expressions.md 1): texts and bytes carry
 * a type byte, and an extension in the first place says how a list or map is ordered.
 *
 * Neither direction recurses, and both stop at TND_MSGPACK_DEPTH_MAX levels, so that what comes out
 * of the decoder can be destroyed, compared and printed by functions that do.
 */
#ifndef TENDRIL_CORE_MSGPACK_H
#define TENDRIL_CORE_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aerospike/as_val.h>

#include "core/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TND_MSGPACK_DEPTH_MAX = 256, /* lists and maps within each other */
    TND_MSGPACK_HEAD_BYTES_MAX = 9,
    /* What a value takes in memory at most, beside the bytes of a text or blob. One of a single
       byte on the wire can be an empty map. */
    TND_MSGPACK_VALUE_BYTES_MAX = 96,
};

/* --- pieces: each writes at most TND_MSGPACK_HEAD_BYTES_MAX bytes and returns their number --- */

size_t tnd_msgpack_int(uint8_t* ret_bytes, int64_t value);
size_t tnd_msgpack_uint(uint8_t* ret_bytes, uint64_t value);
size_t tnd_msgpack_list_head(uint8_t* ret_bytes, uint32_t count);
size_t tnd_msgpack_map_head(uint8_t* ret_bytes, uint32_t count);
size_t tnd_msgpack_str_head(uint8_t* ret_bytes, uint32_t size); /* the type byte counts */
size_t tnd_msgpack_ext_head(uint8_t* ret_bytes, uint32_t size, uint8_t type);

void tnd_msgpack_append_int(tnd_buf* buf, int64_t value);
void tnd_msgpack_append_uint(tnd_buf* buf, uint64_t value);
void tnd_msgpack_append_list_head(tnd_buf* buf, uint32_t count);

/* --- values --- */

/* The size of a value's form; NULL counts as nil. False with a static text when it has none: a
   record, bytes of a type that elements can't have, a key that isn't integer, text or blob, too
   many levels; and as_cmp_inf and as_cmp_wildcard unless `may_compare`. */
bool tnd_msgpack_size(const as_val* val, bool may_compare, uint64_t* ret_bytes,
                      const char** ret_reason);

/* Appends a value that tnd_msgpack_size() has accepted. */
void tnd_msgpack_append(tnd_buf* buf, const as_val* val);

typedef enum {
    TND_MSGPACK_OK,
    TND_MSGPACK_BAD,         /* cut, left over bytes, or no msgpack */
    TND_MSGPACK_UNSUPPORTED, /* sound, but a program's values can't be like that: too many levels,
                                or a key that isn't integer, text or blob */
    TND_MSGPACK_NO_MEMORY,
} tnd_msgpack_outcome;

/* Makes a value on the heap of all `size` bytes. What's in them is checked before anything is
   allocated. A list or map has its flags; a map whose flags keep an order of its own (0x08) becomes
   a list of keys and values. An extension in another place becomes nil, but for the two that
   compare. On failure nothing is made. */
tnd_msgpack_outcome tnd_msgpack_unpack(const void* bytes, size_t size, as_val** ret_val);

/* The same with at most `*values_left` values, the elements, keys and values of all levels counted
   each: TND_MSGPACK_UNSUPPORTED if there are more, else they are taken off. */
tnd_msgpack_outcome tnd_msgpack_unpack_within(const void* bytes, size_t size, uint64_t* values_left,
                                              as_val** ret_val);

/* The same with the next value at the cursor, which isn't moved on failure. */
tnd_msgpack_outcome tnd_msgpack_fetch(tnd_cursor* cursor, as_val** ret_val);

/* False for the one shape of a list that a server doesn't survive as a bin's value: marked as
   having a persistent index, but not as ordered (protocol/cdt-expressions.md 15). */
bool tnd_msgpack_list_is_safe(const void* bytes, size_t size);

/* Moves over the next value; false, without moving, if it isn't sound. */
bool tnd_msgpack_skip(tnd_cursor* cursor);

/* The same; `*ret_values` is how many values it is made of, itself included. */
bool tnd_msgpack_measure(tnd_cursor* cursor, uint64_t* ret_values);

#ifdef __cplusplus
}
#endif

#endif
