/**
 * A record as a value: an interface that as_record (and nothing else here) implements by its hooks.
 */
#pragma once

#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_geojson.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_list.h>
#include <aerospike/as_map.h>
#include <aerospike/as_string.h>
#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

struct as_rec_hooks_s;

typedef struct as_rec_s {
    as_val _;
    /** The implementation's own object; the as_record itself. */
    void* data;
    const struct as_rec_hooks_s* hooks;
} as_rec;

/** Called with `nbins` names of `max_name_size` bytes each, one after the other. */
typedef void (*as_rec_bin_names_callback)(char* bin_names, uint32_t nbins, uint16_t max_name_size,
                                          void* udata);

/** Called with each bin, lent, and the caller's `udata`; false stops. */
typedef bool (*as_rec_foreach_callback)(const char* name, const as_val* value, void* udata);

/** What an implementation supplies; a hook may be NULL. `destroy` releases the content. */
typedef struct as_rec_hooks_s {
    bool (*destroy)(as_rec* rec);
    uint32_t (*hashcode)(const as_rec* rec);
    as_val* (*get)(const as_rec* rec, const char* name);
    int (*set)(const as_rec* rec, const char* name, const as_val* value);
    int (*remove)(const as_rec* rec, const char* name);
    uint32_t (*ttl)(const as_rec* rec);
    uint64_t (*last_update_time)(const as_rec* rec);
    uint16_t (*gen)(const as_rec* rec);
    uint32_t (*size)(const as_rec* rec);
    uint32_t (*memory_size)(const as_rec* rec);
    uint32_t (*device_size)(const as_rec* rec);
    as_val* (*key)(const as_rec* rec);
    const char* (*setname)(const as_rec* rec);
    uint16_t (*numbins)(const as_rec* rec);
    int (*bin_names)(const as_rec* rec, as_rec_bin_names_callback callback, void* udata);
    as_bytes* (*digest)(const as_rec* rec);
    int (*set_ttl)(const as_rec* rec, uint32_t ttl);
    int (*drop_key)(const as_rec* rec);
    bool (*foreach)(const as_rec* rec, as_rec_foreach_callback callback, void* udata);
} as_rec_hooks;

/** Prepares `rec` with one reference; `free` says that it is on the heap. */
AS_EXTERN as_rec* as_rec_cons(as_rec* rec, bool free, void* data, const as_rec_hooks* hooks);

/** Prepares the caller's `rec`. */
AS_EXTERN as_rec* as_rec_init(as_rec* rec, void* data, const as_rec_hooks* hooks);

/** A bare record on the heap; NULL without memory. */
AS_EXTERN as_rec* as_rec_new(void* data, const as_rec_hooks* hooks);

/** Drops one reference. */
static inline void as_rec_destroy(as_rec* rec)
{
    as_val_destroy(rec);
}

/** The implementation's own object. */
static inline void* as_rec_source(const as_rec* rec)
{
    return rec ? rec->data : NULL;
}

/** Value of the bin `name`, lent; NULL if there is none. */
static inline as_val* as_rec_get(const as_rec* rec, const char* name)
{
    return as_util_hook(get, NULL, rec, name);
}

/** Stores `value` in the bin `name`, taking the reference over; 0 for success. */
static inline int as_rec_set(const as_rec* rec, const char* name, const as_val* value)
{
    return as_util_hook(set, 1, rec, name, value);
}

/** Time to live in seconds. */
static inline uint32_t as_rec_ttl(const as_rec* rec)
{
    return as_util_hook(ttl, 0, rec);
}

/** Generation. */
static inline uint16_t as_rec_gen(const as_rec* rec)
{
    return as_util_hook(gen, 0, rec);
}

/** Number of bins. */
static inline uint16_t as_rec_numbins(const as_rec* rec)
{
    return as_util_hook(numbins, 0, rec);
}

/** Name of the set, lent; "" for none. */
static inline const char* as_rec_setname(const as_rec* rec)
{
    return as_util_hook(setname, NULL, rec);
}

/** Removes the bin `name`; 0 for success. */
static inline int as_rec_remove(const as_rec* rec, const char* name)
{
    return as_util_hook(remove, 1, rec, name);
}

/** Time of the last update; 0 if it isn't known. */
static inline uint64_t as_rec_last_update_time(const as_rec* rec)
{
    return as_util_hook(last_update_time, 0, rec);
}

/** Bytes; 0 if it isn't known. */
static inline uint32_t as_rec_size(const as_rec* rec)
{
    return as_util_hook(size, 0, rec);
}

/** Bytes in memory; 0 if it isn't known. */
static inline uint32_t as_rec_memory_size(const as_rec* rec)
{
    return as_util_hook(memory_size, 0, rec);
}

/** Bytes on storage; 0 if it isn't known. */
static inline uint32_t as_rec_device_size(const as_rec* rec)
{
    return as_util_hook(device_size, 0, rec);
}

/** The user key, lent; NULL if it isn't known. */
static inline as_val* as_rec_key(const as_rec* rec)
{
    return as_util_hook(key, NULL, rec);
}

/** Calls `callback` once with all names; 0 for success. */
static inline int as_rec_bin_names(const as_rec* rec, as_rec_bin_names_callback callback,
                                   void* udata)
{
    return as_util_hook(bin_names, 1, rec, callback, udata);
}

/** The digest as bytes that the caller destroys; NULL if it isn't known. */
static inline as_bytes* as_rec_digest(const as_rec* rec)
{
    return as_util_hook(digest, NULL, rec);
}

/** Sets the time to live in seconds; 0 for success. */
static inline int as_rec_set_ttl(const as_rec* rec, uint32_t ttl)
{
    return as_util_hook(set_ttl, 1, rec, ttl);
}

/** Forgets the user key; 0 for success. */
static inline int as_rec_drop_key(const as_rec* rec)
{
    return as_util_hook(drop_key, 1, rec);
}

/** Value of the bin `name` if it is of that type, lent; else NULL. */
static inline as_integer* as_rec_get_integer(const as_rec* rec, const char* name)
{
    as_val* v = as_rec_get(rec, name);
    return as_util_fromval(v, AS_INTEGER, as_integer);
}

/** as_rec_set() of that type. */
static inline int as_rec_set_integer(const as_rec* rec, const char* name, const as_integer* value)
{
    return as_rec_set(rec, name, (const as_val*)value);
}

/** Value of the bin `name` if it is of that type, lent; else NULL. */
static inline as_double* as_rec_get_as_double(const as_rec* rec, const char* name)
{
    as_val* v = as_rec_get(rec, name);
    return as_util_fromval(v, AS_DOUBLE, as_double);
}

/** as_rec_set() of that type. */
static inline int as_rec_set_as_double(const as_rec* rec, const char* name, const as_double* value)
{
    return as_rec_set(rec, name, (const as_val*)value);
}

/** Value of the bin `name` if it is of that type, lent; else NULL. */
static inline as_string* as_rec_get_string(const as_rec* rec, const char* name)
{
    as_val* v = as_rec_get(rec, name);
    return as_util_fromval(v, AS_STRING, as_string);
}

/** as_rec_set() of that type. */
static inline int as_rec_set_string(const as_rec* rec, const char* name, const as_string* value)
{
    return as_rec_set(rec, name, (const as_val*)value);
}

/** Value of the bin `name` if it is of that type, lent; else NULL. */
static inline as_geojson* as_rec_get_geojson(const as_rec* rec, const char* name)
{
    as_val* v = as_rec_get(rec, name);
    return as_util_fromval(v, AS_GEOJSON, as_geojson);
}

/** as_rec_set() of that type. */
static inline int as_rec_set_geojson(const as_rec* rec, const char* name, const as_geojson* value)
{
    return as_rec_set(rec, name, (const as_val*)value);
}

/** Value of the bin `name` if it is of that type, lent; else NULL. */
static inline as_bytes* as_rec_get_bytes(const as_rec* rec, const char* name)
{
    as_val* v = as_rec_get(rec, name);
    return as_util_fromval(v, AS_BYTES, as_bytes);
}

/** as_rec_set() of that type. */
static inline int as_rec_set_bytes(const as_rec* rec, const char* name, const as_bytes* value)
{
    return as_rec_set(rec, name, (const as_val*)value);
}

/** Value of the bin `name` if it is of that type, lent; else NULL. */
static inline as_list* as_rec_get_list(const as_rec* rec, const char* name)
{
    as_val* v = as_rec_get(rec, name);
    return as_util_fromval(v, AS_LIST, as_list);
}

/** as_rec_set() of that type. */
static inline int as_rec_set_list(const as_rec* rec, const char* name, const as_list* value)
{
    return as_rec_set(rec, name, (const as_val*)value);
}

/** Value of the bin `name` if it is of that type, lent; else NULL. */
static inline as_map* as_rec_get_map(const as_rec* rec, const char* name)
{
    as_val* v = as_rec_get(rec, name);
    return as_util_fromval(v, AS_MAP, as_map);
}

/** as_rec_set() of that type. */
static inline int as_rec_set_map(const as_rec* rec, const char* name, const as_map* value)
{
    return as_rec_set(rec, name, (const as_val*)value);
}

/** Integer of the bin `name`; 0 if it is none. */
static inline int64_t as_rec_get_int64(const as_rec* rec, const char* name)
{
    return as_integer_getorelse(as_rec_get_integer(rec, name), 0);
}

/** Double of the bin `name`; 0.0 if it is none. */
static inline double as_rec_get_double(const as_rec* rec, const char* name)
{
    return as_double_getorelse(as_rec_get_as_double(rec, name), 0.0);
}

/** Text of the bin `name`, lent; NULL if it is none. */
static inline char* as_rec_get_str(const as_rec* rec, const char* name)
{
    return as_string_getorelse(as_rec_get_string(rec, name), NULL);
}

/** GeoJSON text of the bin `name`, lent; NULL if it is none. */
static inline char* as_rec_get_geojson_str(const as_rec* rec, const char* name)
{
    return as_geojson_getorelse(as_rec_get_geojson(rec, name), NULL);
}

/** Stores an integer in the bin `name`; 0 for success. */
AS_EXTERN int as_rec_set_int64(const as_rec* rec, const char* name, int64_t value);

/** Stores a double in the bin `name`; 0 for success. */
AS_EXTERN int as_rec_set_double(const as_rec* rec, const char* name, double value);

/** Stores a copy of a text in the bin `name`; 0 for success. */
AS_EXTERN int as_rec_set_str(const as_rec* rec, const char* name, const char* value);

/** Calls `callback` for each bin; false if it stopped or there is no record. */
static inline bool as_rec_foreach(const as_rec* rec, as_rec_foreach_callback callback, void* udata)
{
    return as_util_hook(foreach, false, rec, callback, udata);
}

/** The same object as as_val*. */
static inline as_val* as_rec_toval(const as_rec* rec)
{
    return (as_val*)rec;
}

/** `v` as as_rec*, or NULL if it is NULL or something else. */
static inline as_rec* as_rec_fromval(const as_val* v)
{
    return as_util_fromval(v, AS_REC, as_rec);
}

#ifdef __cplusplus
}
#endif
