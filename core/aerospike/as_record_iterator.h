/**
 * Walks over the bins of a record, which must live and keep its bins meanwhile.
 */
#pragma once

#include <aerospike/as_record.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_record_iterator_s {
    /** The struct is on the heap. */
    bool _free;
    const as_record* record;
    /** Index of the next bin. */
    uint32_t pos;
} as_record_iterator;

/** An iterator on the heap, before the first bin; NULL without memory. */
AS_EXTERN as_record_iterator* as_record_iterator_new(const as_record* record);

/** Prepares the caller's `iterator`, before the first bin. */
AS_EXTERN as_record_iterator* as_record_iterator_init(as_record_iterator* iterator,
                                                      const as_record* record);

/** Ends the iteration and frees the struct if it is on the heap. */
AS_EXTERN void as_record_iterator_destroy(as_record_iterator* iterator);

/** Whether as_record_iterator_next() has another bin. */
AS_EXTERN bool as_record_iterator_has_next(const as_record_iterator* iterator);

/** The next bin, which stays the record's; NULL after the last one. */
AS_EXTERN as_bin* as_record_iterator_next(as_record_iterator* iterator);

#ifdef __cplusplus
}
#endif
