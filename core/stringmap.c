/*
 * as_stringmap: maps with text keys.
 */
#include <aerospike/as_stringmap.h>

/* Stores a value that was made for it, or destroys it. */
static int stringmap_give(as_map* m, const char* k, as_val* v)
{
    int result = v ? as_stringmap_set(m, k, v) : -1;

    if (result != 0) {
        as_val_destroy(v);
    }
    return result;
}

int as_stringmap_set(as_map* m, const char* k, as_val* v)
{
    as_string* key = k ? as_string_new_strdup(k) : NULL;
    int result = key ? as_map_set(m, (as_val*)key, v) : -1;

    if (result != 0) {
        as_string_destroy(key);
    }
    return result;
}

int as_stringmap_set_int64(as_map* m, const char* k, int64_t v)
{
    return stringmap_give(m, k, (as_val*)as_integer_new(v));
}

int as_stringmap_set_double(as_map* m, const char* k, double v)
{
    return stringmap_give(m, k, (as_val*)as_double_new(v));
}

int as_stringmap_set_str(as_map* m, const char* k, const char* v)
{
    return stringmap_give(m, k, (as_val*)as_string_new_strdup(v));
}

as_val* as_stringmap_get(as_map* m, const char* k)
{
    as_string key;

    if (!k) {
        return NULL;
    }
    as_string_init(&key, (char*)k, false);
    return as_map_get(m, (as_val*)&key);
}
