/*
 * The only door to the segment's words. Each store names its numbered point and passes it first, so
 * that no store can be without one; each access names its memory order. In production these are the
 * plain C11 atomics. A build with TND_STEPPED hands every access to the tests' stepper, which runs
 * processes through all interleavings and lets loads be as stale as their orders allow.
 */
#pragma once

#include "shm/layout.h"
#include "shm/points.h"

#include <stdbool.h>

#ifdef TND_STEPPED
uint64_t tnd_step_load(const tnd_word* word, memory_order order);
void tnd_step_store(tnd_point point, tnd_word* word, uint64_t value, memory_order order);
bool tnd_step_swap(tnd_point point, tnd_word* word, uint64_t* found, uint64_t value);
uint64_t tnd_step_exchange(tnd_point point, tnd_word* word, uint64_t value);
uint64_t tnd_step_or(tnd_point point, tnd_word* word, uint64_t bits);
void tnd_step_fence(memory_order order);
#endif

static inline uint64_t tnd_word_load(const tnd_word* word, memory_order order)
{
#ifdef TND_STEPPED
    return tnd_step_load(word, order);
#else
    return atomic_load_explicit(word, order);
#endif
}

static inline void tnd_word_store(tnd_point point, tnd_word* word, uint64_t value,
                                  memory_order order)
{
    tnd_point_pass(point);
#ifdef TND_STEPPED
    tnd_step_store(point, word, value, order);
#else
    atomic_store_explicit(word, value, order);
#endif
}

/* Compare and swap, sequentially consistent. False: `*found` is what stands there instead. */
static inline bool tnd_word_swap(tnd_point point, tnd_word* word, uint64_t* found, uint64_t value)
{
    tnd_point_pass(point);
#ifdef TND_STEPPED
    return tnd_step_swap(point, word, found, value);
#else
    return atomic_compare_exchange_strong(word, found, value);
#endif
}

/* What stood there before, sequentially consistent; the same for the next. */
static inline uint64_t tnd_word_exchange(tnd_point point, tnd_word* word, uint64_t value)
{
    tnd_point_pass(point);
#ifdef TND_STEPPED
    return tnd_step_exchange(point, word, value);
#else
    return atomic_exchange(word, value);
#endif
}

static inline uint64_t tnd_word_or(tnd_point point, tnd_word* word, uint64_t bits)
{
    tnd_point_pass(point);
#ifdef TND_STEPPED
    return tnd_step_or(point, word, bits);
#else
    return atomic_fetch_or(word, bits);
#endif
}

static inline void tnd_word_fence(memory_order order)
{
#ifdef TND_STEPPED
    tnd_step_fence(order);
#else
    atomic_thread_fence(order);
#endif
}
