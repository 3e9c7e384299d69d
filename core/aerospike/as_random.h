/**
 * Pseudo-random numbers, fast and not for secrets. A generator seeds itself from the kernel at its
 * first use.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_random_s {
    uint64_t seed0;
    uint64_t seed1;
    bool initialized;
} as_random;

/** Seeds the generator. */
AS_EXTERN void as_random_init(as_random* random);

/** This thread's generator, seeded. */
AS_EXTERN as_random* as_random_instance(void);

/** The next number of a generator. */
AS_EXTERN uint64_t as_random_next_uint64(as_random* random);

/** The next number of a generator. */
static inline uint32_t as_random_next_uint32(as_random* random)
{
    return (uint32_t)(as_random_next_uint64(random) >> 32);
}

/** A number of this thread's generator. */
static inline uint64_t as_random_get_uint64(void)
{
    return as_random_next_uint64(as_random_instance());
}

/** A number of this thread's generator. */
static inline uint32_t as_random_get_uint32(void)
{
    return as_random_next_uint32(as_random_instance());
}

/** Fills `len` bytes. */
AS_EXTERN void as_random_next_bytes(as_random* random, uint8_t* bytes, uint32_t len);

/** Fills `len` bytes with a text of letters and digits, terminated: `len` - 1 characters. */
AS_EXTERN void as_random_next_str(as_random* random, char* str, uint32_t len);

/** as_random_next_bytes() of this thread's generator. */
static inline void as_random_get_bytes(uint8_t* bytes, uint32_t len)
{
    as_random_next_bytes(as_random_instance(), bytes, len);
}

/** as_random_next_str() of this thread's generator. */
static inline void as_random_get_str(char* str, uint32_t len)
{
    as_random_next_str(as_random_instance(), str, len);
}

#ifdef __cplusplus
}
#endif
