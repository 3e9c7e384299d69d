/*
 * as_val: references, and what a value does by its type; nil, booleans, integers, doubles.
 */
#include "core/value.h"

#include <stdio.h>
#include <string.h>

#include <aerospike/as_boolean.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_geojson.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_msgpack_ext.h>
#include <aerospike/as_nil.h>
#include <aerospike/as_string.h>

#include "core/mem.h"

const as_val as_nil = {.count = 0, .type = AS_NIL, .free = false};
const as_val as_cmp_inf = {.count = 0, .type = AS_CMP_INF, .free = false};
const as_val as_cmp_wildcard = {.count = 0, .type = AS_CMP_WILDCARD, .free = false};
const as_boolean as_true = {{.count = 0, .type = AS_BOOLEAN, .free = false}, .value = true};
const as_boolean as_false = {{.count = 0, .type = AS_BOOLEAN, .free = false}, .value = false};

/* --- references --- */

/* A count of 0 alone doesn't tell a constant from a value on the stack that is gone. */
static bool val_is_constant(const as_val* v)
{
    switch (v->type) {
    case AS_NIL:
    case AS_CMP_WILDCARD:
    case AS_CMP_INF:
        return true;
    case AS_BOOLEAN:
        return v == &as_true._ || v == &as_false._;
    default:
        return false;
    }
}

static void val_release(as_val* v)
{
    switch (v->type) {
    case AS_STRING:
    case AS_GEOJSON:
        tnd_text_release(v);
        break;
    case AS_BYTES:
        tnd_bytes_release(v);
        break;
    case AS_PAIR:
        tnd_pair_release(v);
        break;
    case AS_LIST:
    case AS_MAP:
    case AS_REC:
        tnd_collection_release(v);
        break;
    default:
        break;
    }
    if (v->free) {
        tnd_free(v);
    }
}

as_val* as_val_val_reserve(as_val* v)
{
    if (v && v->count > 0) {
        v->count++;
    }
    return v;
}

as_val* as_val_val_destroy(as_val* v)
{
    if (!v) {
        return NULL;
    }
    if (v->count == 0) {
        return val_is_constant(v) ? v : NULL;
    }
    if (--v->count > 0) {
        return v;
    }
    val_release(v);
    return NULL;
}

/* --- by type --- */

uint32_t tnd_value_hash(const void* bytes, size_t size)
{
    const uint8_t* p = bytes;
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ p[i]) * 16777619u;
    }
    return hash;
}

uint32_t as_val_val_hashcode(const as_val* v)
{
    switch (as_val_type(v)) {
    case AS_BOOLEAN:
        return ((const as_boolean*)v)->value;
    case AS_INTEGER:
        return (uint32_t)((const as_integer*)v)->value;
    case AS_DOUBLE:
        return tnd_value_hash(&((const as_double*)v)->value, sizeof(double));
    case AS_STRING:
    case AS_GEOJSON: {
        const char* text = ((const as_string*)v)->value;
        return tnd_value_hash(text, text ? strlen(text) : 0);
    }
    case AS_BYTES:
        return tnd_value_hash(((const as_bytes*)v)->value, ((const as_bytes*)v)->size);
    case AS_MAP:
        return 1;
    default:
        return 0;
    }
}

char* as_val_val_tostring(const as_val* v)
{
    char text[32];

    switch (as_val_type(v)) {
    case AS_NIL:
        return tnd_strdup("NIL");
    case AS_BOOLEAN:
        return tnd_strdup(((const as_boolean*)v)->value ? "true" : "false");
    case AS_INTEGER:
        snprintf(text, sizeof(text), "%" PRId64, ((const as_integer*)v)->value);
        return tnd_strdup(text);
    case AS_DOUBLE:
        snprintf(text, sizeof(text), "%.16g", ((const as_double*)v)->value);
        return tnd_strdup(text);
    case AS_STRING:
    case AS_GEOJSON:
        return tnd_text_tostring(v);
    case AS_BYTES:
        return tnd_bytes_tostring(v);
    case AS_LIST:
    case AS_MAP:
    case AS_REC:
    case AS_PAIR:
        return tnd_collection_tostring(v);
    case AS_CMP_WILDCARD:
        return tnd_strdup("*");
    case AS_CMP_INF:
        return tnd_strdup("INF");
    default:
        return NULL;
    }
}

bool as_val_tobool(const as_val* v)
{
    switch (as_val_type(v)) {
    case AS_BOOLEAN:
        return ((const as_boolean*)v)->value;
    case AS_INTEGER:
        return ((const as_integer*)v)->value != 0;
    default:
        return false;
    }
}

/* --- scalars --- */

static as_boolean* boolean_fill(as_boolean* boolean, bool free, bool value)
{
    if (boolean) {
        as_val_init(&boolean->_, AS_BOOLEAN, free);
        boolean->value = value;
    }
    return boolean;
}

as_boolean* as_boolean_init(as_boolean* boolean, bool value)
{
    return boolean_fill(boolean, false, value);
}

as_boolean* as_boolean_new(bool value)
{
    return boolean_fill(tnd_malloc(sizeof(as_boolean)), true, value);
}

static as_integer* integer_fill(as_integer* integer, bool free, int64_t value)
{
    if (integer) {
        as_val_init(&integer->_, AS_INTEGER, free);
        integer->value = value;
    }
    return integer;
}

as_integer* as_integer_init(as_integer* integer, int64_t value)
{
    return integer_fill(integer, false, value);
}

as_integer* as_integer_new(int64_t value)
{
    return integer_fill(tnd_malloc(sizeof(as_integer)), true, value);
}

static as_double* double_fill(as_double* dbl, bool free, double value)
{
    if (dbl) {
        as_val_init(&dbl->_, AS_DOUBLE, free);
        dbl->value = value;
    }
    return dbl;
}

as_double* as_double_init(as_double* dbl, double value)
{
    return double_fill(dbl, false, value);
}

as_double* as_double_new(double value)
{
    return double_fill(tnd_malloc(sizeof(as_double)), true, value);
}
