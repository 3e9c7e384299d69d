/**
 * The keys and results of the convenient synchronous batch calls: one operation for many keys.
 */
#pragma once

#include <aerospike/as_key.h>
#include <aerospike/as_record.h>
#include <aerospike/as_status.h>
#include <aerospike/as_std.h>

#include <alloca.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Keys. Initialise each with as_key_init...() on as_batch_keyat(). */
typedef struct as_batch_s {
    struct {
        as_key* entries;
        uint32_t size;
        bool _free;
    } keys;
    bool _free;
} as_batch;

/** What became of one key. */
typedef struct as_batch_result_s {
    /** Points into the as_batch. */
    const as_key* key;
    /** Valid if `result` is AEROSPIKE_OK or AEROSPIKE_ERR_UDF; destroyed after the listener. */
    as_record record;
    as_status result;
    /** A write may have been applied although it failed. */
    bool in_doubt;
} as_batch_result;

/** Old name. */
typedef as_batch_result as_batch_read;

/** Room for `_size` keys on the caller's stack. Several statements. */
#define as_batch_inita(_batch, _size)                                                              \
    do {                                                                                           \
        (_batch)->_free = false;                                                                   \
        (_batch)->keys.entries = (as_key*)alloca(sizeof(as_key) * (_size));                        \
        (_batch)->keys.size = (_size);                                                             \
        (_batch)->keys._free = false;                                                              \
        memset((_batch)->keys.entries, 0, sizeof(as_key) * (_size));                               \
    } while (0)

/** Room for `size` keys on the heap; NULL without memory. */
AS_EXTERN as_batch* as_batch_new(uint32_t size);
AS_EXTERN as_batch* as_batch_init(as_batch* batch, uint32_t size);

/** Destroys the keys, and the batch if it came from as_batch_new(). NULL is allowed. */
AS_EXTERN void as_batch_destroy(as_batch* batch);

/** The place of the i-th key; NULL out of range. */
static inline as_key* as_batch_keyat(const as_batch* batch, uint32_t i)
{
    return batch && i < batch->keys.size ? &batch->keys.entries[i] : NULL;
}

#ifdef __cplusplus
}
#endif
