/*
 * as_val_cmp: the order in which the server sorts values (protocol/cdt-expressions.md 1.7).
 */
#include <string.h>

#include <aerospike/as_boolean.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_list.h>
#include <aerospike/as_map_iterator.h>
#include <aerospike/as_msgpack.h>
#include <aerospike/as_string.h>

#include "core/msgpack.h"

static msgpack_compare_t compare(const as_val* a, const as_val* b, uint32_t depth);

static msgpack_compare_t sign(int order)
{
    return order < 0   ? MSGPACK_COMPARE_LESS
           : order > 0 ? MSGPACK_COMPARE_GREATER
                       : MSGPACK_COMPARE_EQUAL;
}

/* Types come first. 0: can't be compared. */
static int rank_of(const as_val* v)
{
    static const uint8_t ranks[AS_VAL_T_MAX] = {
        [AS_NIL] = 1,     [AS_BOOLEAN] = 2,       [AS_INTEGER] = 3,  [AS_STRING] = 4,
        [AS_LIST] = 5,    [AS_MAP] = 6,           [AS_BYTES] = 7,    [AS_DOUBLE] = 8,
        [AS_GEOJSON] = 9, [AS_CMP_WILDCARD] = 10, [AS_CMP_INF] = 11,
    };
    as_val_t type = as_val_type(v);

    return type < AS_VAL_T_MAX ? ranks[type] : 0;
}

static msgpack_compare_t compare_bytes(const void* a, size_t a_size, const void* b, size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common > 0 ? memcmp(a, b, common) : 0;

    return sign(order != 0 ? order : (a_size > b_size) - (a_size < b_size));
}

static size_t text_size(const as_string* text)
{
    return !text->value ? 0 : text->len == SIZE_MAX ? strlen(text->value) : text->len;
}

static msgpack_compare_t compare_texts(const as_string* a, const as_string* b)
{
    return compare_bytes(a->value, text_size(a), b->value, text_size(b));
}

/* The subtype is a byte before the others. */
static msgpack_compare_t compare_blobs(const as_bytes* a, const as_bytes* b)
{
    if (a->type != b->type) {
        return sign(a->type < b->type ? -1 : 1);
    }
    return compare_bytes(a->value, a->size, b->value, b->size);
}

static msgpack_compare_t compare_lists(const as_list* a, const as_list* b, uint32_t depth)
{
    uint32_t a_size = as_list_size(a);
    uint32_t b_size = as_list_size(b);

    for (uint32_t i = 0; i < a_size && i < b_size; i++) {
        msgpack_compare_t order = compare(as_list_get(a, i), as_list_get(b, i), depth);
        if (order != MSGPACK_COMPARE_EQUAL) {
            return order;
        }
    }
    return sign((a_size > b_size) - (a_size < b_size));
}

static msgpack_compare_t compare_maps(const as_map* a, const as_map* b, uint32_t depth)
{
    uint32_t a_size = as_map_size(a);
    uint32_t b_size = as_map_size(b);
    as_map_iterator a_room, b_room;
    as_iterator* a_it = (as_iterator*)as_map_iterator_init(&a_room, a);
    as_iterator* b_it = (as_iterator*)as_map_iterator_init(&b_room, b);

    if (a_size != b_size) {
        return sign(a_size < b_size ? -1 : 1);
    }
    for (uint32_t i = 0; i < a_size; i++) {
        as_pair* x = (as_pair*)as_iterator_next(a_it);
        as_pair* y = (as_pair*)as_iterator_next(b_it);
        msgpack_compare_t order = compare(as_pair_1(x), as_pair_1(y), depth);
        if (order == MSGPACK_COMPARE_EQUAL) {
            order = compare(as_pair_2(x), as_pair_2(y), depth);
        }
        if (order != MSGPACK_COMPARE_EQUAL) {
            return order;
        }
    }
    return MSGPACK_COMPARE_EQUAL;
}

static msgpack_compare_t compare_same_type(const as_val* a, const as_val* b, uint32_t depth)
{
    switch (as_val_type(a)) {
    case AS_BOOLEAN:
        return sign((int)((const as_boolean*)a)->value - (int)((const as_boolean*)b)->value);
    case AS_INTEGER: {
        int64_t x = ((const as_integer*)a)->value;
        int64_t y = ((const as_integer*)b)->value;
        return sign((x > y) - (x < y));
    }
    case AS_DOUBLE: {
        double x = ((const as_double*)a)->value;
        double y = ((const as_double*)b)->value;
        return sign((x > y) - (x < y));
    }
    case AS_STRING:
    case AS_GEOJSON:
        return compare_texts((const as_string*)a, (const as_string*)b);
    case AS_BYTES:
        return compare_blobs((const as_bytes*)a, (const as_bytes*)b);
    case AS_LIST:
        return compare_lists((const as_list*)a, (const as_list*)b, depth + 1);
    case AS_MAP:
        return compare_maps((const as_map*)a, (const as_map*)b, depth + 1);
    default:
        return MSGPACK_COMPARE_EQUAL;
    }
}

static msgpack_compare_t compare(const as_val* a, const as_val* b, uint32_t depth)
{
    int a_rank = rank_of(a);
    int b_rank = rank_of(b);

    if (a_rank == 0 || b_rank == 0 || depth > TND_MSGPACK_DEPTH_MAX) {
        return MSGPACK_COMPARE_ERROR;
    }
    if (as_val_type(a) == AS_CMP_WILDCARD || as_val_type(b) == AS_CMP_WILDCARD) {
        return MSGPACK_COMPARE_END;
    }
    return a_rank != b_rank ? sign(a_rank - b_rank) : compare_same_type(a, b, depth);
}

msgpack_compare_t as_val_cmp(const as_val* v1, const as_val* v2)
{
    msgpack_compare_t order = compare(v1, v2, 0);

    return order == MSGPACK_COMPARE_END ? MSGPACK_COMPARE_EQUAL : order;
}
