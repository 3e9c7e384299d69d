/*
 * as_record_iterator: over the bins of a record.
 */
#include <aerospike/as_record_iterator.h>

#include "core/mem.h"

static as_record_iterator* iterator_fill(as_record_iterator* iterator, bool on_heap,
                                         const as_record* record)
{
    if (iterator) {
        iterator->_free = on_heap;
        iterator->record = record;
        iterator->pos = 0;
    }
    return iterator;
}

as_record_iterator* as_record_iterator_new(const as_record* record)
{
    return iterator_fill(tnd_malloc(sizeof(as_record_iterator)), true, record);
}

as_record_iterator* as_record_iterator_init(as_record_iterator* iterator, const as_record* record)
{
    return iterator_fill(iterator, false, record);
}

void as_record_iterator_destroy(as_record_iterator* iterator)
{
    if (iterator && iterator->_free) {
        tnd_free(iterator);
    }
}

bool as_record_iterator_has_next(const as_record_iterator* iterator)
{
    return iterator && iterator->pos < as_record_numbins(iterator->record);
}

as_bin* as_record_iterator_next(as_record_iterator* iterator)
{
    if (!as_record_iterator_has_next(iterator)) {
        return NULL;
    }
    return &iterator->record->bins.entries[iterator->pos++];
}
