/**
 * Room for an iterator over any list: cast a pointer to it to as_iterator*.
 */
#pragma once

#include <aerospike/as_arraylist_iterator.h>

typedef union as_list_iterator_u {
    as_arraylist_iterator arraylist;
} as_list_iterator;
