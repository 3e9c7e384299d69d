/*
 * splitmix64: 64-bit random numbers from a seed, the same on every machine.
 */
#ifndef TENDRIL_TESTS_SIM_PRNG_H
#define TENDRIL_TESTS_SIM_PRNG_H

#include <stdint.h>

typedef struct prng {
    uint64_t state;
} prng;

static inline uint64_t prng_mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    return bits ^ (bits >> 31);
}

static inline uint64_t prng_next(prng* self)
{
    self->state += UINT64_C(0x9E3779B97F4A7C15);
    return prng_mix(self->state);
}

/* 0 .. limit - 1. The bias of the remainder doesn't matter to tests. */
static inline uint64_t prng_below(prng* self, uint64_t limit)
{
    return limit ? prng_next(self) % limit : 0;
}

#endif
