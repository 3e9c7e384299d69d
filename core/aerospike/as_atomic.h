/**
 * Atomic numbers and a spin lock, for programs that share counters between threads. The library
 * itself has no threads and no use for them.
 *
 * For each TYPE of uint8, uint16, uint32, uint64, int32 and int64:
 *
 *     as_load_TYPE(p)           the number
 *     as_store_TYPE(p, n)       sets it
 *     as_add_TYPE(p, n)         adds to it
 *     as_aaf_TYPE(p, n)         adds to it and gives the sum
 *     as_faa_TYPE(p, n)         adds to it and gives what it was
 *     as_incr_TYPE(p)           adds 1
 *     as_decr_TYPE(p)           subtracts 1
 *     as_cas_TYPE(p, old, new)  sets it to `new` if it is `old`; whether it was
 *
 * All are sequentially consistent.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AS_ATOMIC_(name, type)                                                                     \
    static inline type as_load_##name(const type* p)                                               \
    {                                                                                              \
        return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                               \
    }                                                                                              \
    static inline void as_store_##name(type* p, type n)                                            \
    {                                                                                              \
        __atomic_store_n(p, n, __ATOMIC_SEQ_CST);                                                  \
    }                                                                                              \
    static inline type as_aaf_##name(type* p, type n)                                              \
    {                                                                                              \
        return __atomic_add_fetch(p, n, __ATOMIC_SEQ_CST);                                         \
    }                                                                                              \
    static inline type as_faa_##name(type* p, type n)                                              \
    {                                                                                              \
        return __atomic_fetch_add(p, n, __ATOMIC_SEQ_CST);                                         \
    }                                                                                              \
    static inline void as_add_##name(type* p, type n)                                              \
    {                                                                                              \
        as_aaf_##name(p, n);                                                                       \
    }                                                                                              \
    static inline void as_incr_##name(type* p)                                                     \
    {                                                                                              \
        as_aaf_##name(p, 1);                                                                       \
    }                                                                                              \
    static inline void as_decr_##name(type* p)                                                     \
    {                                                                                              \
        __atomic_sub_fetch(p, 1, __ATOMIC_SEQ_CST);                                                \
    }                                                                                              \
    static inline bool as_cas_##name(type* p, type old_value, type new_value)                      \
    {                                                                                              \
        return __atomic_compare_exchange_n(p, &old_value, new_value, false, __ATOMIC_SEQ_CST,      \
                                           __ATOMIC_SEQ_CST);                                      \
    }

AS_ATOMIC_(uint8, uint8_t)
AS_ATOMIC_(uint16, uint16_t)
AS_ATOMIC_(uint32, uint32_t)
AS_ATOMIC_(uint64, uint64_t)
AS_ATOMIC_(int32, int32_t)
AS_ATOMIC_(int64, int64_t)

#undef AS_ATOMIC_

/** A lock that burns time while it is held by another thread: for a few instructions only. */
typedef struct as_spinlock_s {
    /** 1 while it is held. */
    uint32_t lock;
} as_spinlock;

/** Makes a lock that nobody holds. */
static inline void as_spinlock_init(as_spinlock* spinlock)
{
    as_store_uint32(&spinlock->lock, 0);
}

/** Takes the lock, spinning until it is free. */
static inline void as_spinlock_lock(as_spinlock* spinlock)
{
    while (!as_cas_uint32(&spinlock->lock, 0, 1)) {}
}

/** Gives the lock back. */
static inline void as_spinlock_unlock(as_spinlock* spinlock)
{
    as_store_uint32(&spinlock->lock, 0);
}

#ifdef __cplusplus
}
#endif
