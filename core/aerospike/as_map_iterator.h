/**
 * Room for an iterator over any map: cast a pointer to it to as_iterator*.
 */
#pragma once

#include <aerospike/as_orderedmap.h>

typedef union as_map_iterator_u {
    as_orderedmap_iterator orderedmap;
} as_map_iterator;
