/**
 * Walks over the elements of an as_arraylist.
 */
#pragma once

#include <aerospike/as_arraylist.h>
#include <aerospike/as_iterator.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_arraylist_iterator_s {
    as_iterator _;
    const as_arraylist* list;
    /** Index of the next element. */
    uint32_t pos;
} as_arraylist_iterator;

/** Prepares the caller's `iterator`, before the first element. */
AS_EXTERN as_arraylist_iterator* as_arraylist_iterator_init(as_arraylist_iterator* iterator,
                                                            const as_arraylist* list);

/** An iterator on the heap, before the first element; NULL without memory. */
AS_EXTERN as_arraylist_iterator* as_arraylist_iterator_new(const as_arraylist* list);

/** Ends the iteration and frees the struct if it is on the heap. */
AS_EXTERN void as_arraylist_iterator_destroy(as_arraylist_iterator* iterator);

/** Whether as_arraylist_iterator_next() has another element. */
AS_EXTERN bool as_arraylist_iterator_has_next(const as_arraylist_iterator* iterator);

/** The next element, lent; NULL after the last one. */
AS_EXTERN const as_val* as_arraylist_iterator_next(as_arraylist_iterator* iterator);

#ifdef __cplusplus
}
#endif
