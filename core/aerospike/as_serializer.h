/**
 * Values to bytes and back: an interface whose one implementation is as_msgpack_serializer.h.
 */
#pragma once

#include <aerospike/as_buffer.h>
#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

struct as_serializer_hooks_s;

typedef struct as_serializer_s {
    /** The struct is on the heap. */
    bool free;
    const struct as_serializer_hooks_s* hooks;
} as_serializer;

/** What an implementation supplies; a hook may be NULL. */
typedef struct as_serializer_hooks_s {
    void (*destroy)(as_serializer* serializer);
    int (*serialize)(as_serializer* serializer, as_val* val, as_buffer* buffer);
    int32_t (*serialize_presized)(as_serializer* serializer, const as_val* val, uint8_t* buf);
    int (*deserialize)(as_serializer* serializer, as_buffer* buffer, as_val** val);
    uint32_t (*serialize_getsize)(as_serializer* serializer, as_val* val);
} as_serializer_hooks;

/** Prepares a serializer; `free` says that it is on the heap. */
static inline as_serializer* as_serializer_cons(as_serializer* serializer, bool free,
                                                const as_serializer_hooks* hooks)
{
    if (serializer) {
        serializer->free = free;
        serializer->hooks = hooks;
    }
    return serializer;
}

/** Prepares the caller's serializer. */
static inline as_serializer* as_serializer_init(as_serializer* serializer,
                                                const as_serializer_hooks* hooks)
{
    return as_serializer_cons(serializer, false, hooks);
}

/** A serializer on the heap; NULL without memory. */
static inline as_serializer* as_serializer_new(const as_serializer_hooks* hooks)
{
    return as_serializer_cons((as_serializer*)malloc(sizeof(as_serializer)), true, hooks);
}

/** Frees what is on the heap. */
AS_EXTERN void as_serializer_destroy(as_serializer* serializer);

/** Fills `buffer`, which was initialised, with the bytes of `val`; the caller destroys it. 0, or
 * another number for a value that can't be serialized, and without memory. */
static inline int as_serializer_serialize(as_serializer* serializer, as_val* val, as_buffer* buffer)
{
    return as_util_hook(serialize, 1, serializer, val, buffer);
}

/** Writes the bytes of `val` to `buf`, which has as_serializer_serialize_getsize() bytes. Their
 * number, or -1. */
static inline int32_t as_serializer_serialize_presized(as_serializer* serializer, const as_val* val,
                                                       uint8_t* buf)
{
    return as_util_hook(serialize_presized, -1, serializer, val, buf);
}

/** Makes a value on the heap of the bytes in `buffer`; the caller destroys it. 0, or another
 * number for bytes that aren't exactly one value, and without memory. */
static inline int as_serializer_deserialize(as_serializer* serializer, as_buffer* buffer,
                                            as_val** val)
{
    return as_util_hook(deserialize, 1, serializer, buffer, val);
}

/** Number of bytes that `val` takes; 0 if it can't be serialized. */
static inline uint32_t as_serializer_serialize_getsize(as_serializer* serializer, as_val* val)
{
    return as_util_hook(serialize_getsize, 0, serializer, val);
}

#ifdef __cplusplus
}
#endif
