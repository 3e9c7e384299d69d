/**
 * Walks over the entries of an as_hashmap, in key order.
 */
#pragma once

#include <aerospike/as_hashmap.h>

#define as_hashmap_iterator as_orderedmap_iterator
#define as_hashmap_iterator_init as_orderedmap_iterator_init
#define as_hashmap_iterator_new as_orderedmap_iterator_new
#define as_hashmap_iterator_destroy as_orderedmap_iterator_destroy
#define as_hashmap_iterator_has_next as_orderedmap_iterator_has_next
#define as_hashmap_iterator_next as_orderedmap_iterator_next
