/**
 * Iterators over values: what those of lists and maps have in common. A pointer to any of them may
 * be cast to as_iterator*. The container must live and stay unchanged meanwhile.
 */
#pragma once

#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

struct as_iterator_hooks_s;

typedef struct as_iterator_s {
    /** The struct is on the heap. */
    bool free;
    /** The implementation's own. */
    void* data;
    const struct as_iterator_hooks_s* hooks;
} as_iterator;

/** What an implementation supplies; a hook may be NULL. */
typedef struct as_iterator_hooks_s {
    bool (*destroy)(as_iterator* iterator);
    bool (*has_next)(const as_iterator* iterator);
    const as_val* (*next)(as_iterator* iterator);
} as_iterator_hooks;

/** Prepares an iterator; `free` says that it is on the heap. */
static inline as_iterator* as_iterator_init(as_iterator* iterator, bool free, void* data,
                                            const as_iterator_hooks* hooks)
{
    if (iterator) {
        iterator->free = free;
        iterator->data = data;
        iterator->hooks = hooks;
    }
    return iterator;
}

/** Ends the iteration, and frees the struct if it is on the heap. */
AS_EXTERN void as_iterator_destroy(as_iterator* iterator);

/** Whether as_iterator_next() has another value. */
static inline bool as_iterator_has_next(const as_iterator* iterator)
{
    return as_util_hook(has_next, false, iterator);
}

/** The next value, lent; of maps a pair that lives until the next call. NULL after the last one. */
static inline const as_val* as_iterator_next(as_iterator* iterator)
{
    return as_util_hook(next, NULL, iterator);
}

#ifdef __cplusplus
}
#endif
