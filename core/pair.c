/*
 * as_pair: two values.
 */
#include <aerospike/as_pair.h>

#include "core/mem.h"
#include "core/value.h"

static as_pair* pair_fill(as_pair* pair, bool on_heap, as_val* first, as_val* second)
{
    if (pair) {
        as_val_init(&pair->_, AS_PAIR, on_heap);
        pair->_1 = first;
        pair->_2 = second;
    }
    return pair;
}

as_pair* as_pair_new(as_val* _1, as_val* _2)
{
    return pair_fill(tnd_malloc(sizeof(as_pair)), true, _1, _2);
}

as_pair* as_pair_init(as_pair* pair, as_val* _1, as_val* _2)
{
    return pair_fill(pair, false, _1, _2);
}

void tnd_pair_release(as_val* v)
{
    as_pair* pair = (as_pair*)v;

    as_val_destroy(pair->_1);
    as_val_destroy(pair->_2);
    pair->_1 = NULL;
    pair->_2 = NULL;
}
