/**
 * The bins of a record, with generation and time to live: what a put sends and a get brings.
 *
 * A record has room for a fixed number of bins, given when it is made. It owns one reference of
 * each value. It is a value itself (as_record_toval()). A record that a listener gets belongs to
 * the library and dies when the listener returns, unless the policy's async_heap_rec gave it away.
 */
#pragma once

#include <aerospike/as_bin.h>
#include <aerospike/as_boolean.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_geojson.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_key.h>
#include <aerospike/as_list.h>
#include <aerospike/as_map.h>
#include <aerospike/as_rec.h>
#include <aerospike/as_string.h>
#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Times to live with a meaning of their own, for records, operations and policies. */

/** The namespace's default. */
#define AS_RECORD_DEFAULT_TTL 0
/** Never expires. */
#define AS_RECORD_NO_EXPIRE_TTL 0xFFFFFFFF
/** Keeps what the record has. */
#define AS_RECORD_NO_CHANGE_TTL 0xFFFFFFFE
/** Takes the policy's. */
#define AS_RECORD_CLIENT_DEFAULT_TTL 0xFFFFFFFD

typedef struct as_record_s {
    as_rec _;
    /** Filled in results of scans and queries only. */
    as_key key;
    /** Generation; in a write the expected one, if the policy asks for it. */
    uint16_t gen;
    /** Seconds to live; in results what remains, 0xFFFFFFFF for ever. */
    uint32_t ttl;
    as_bins bins;
} as_record;

/** Prepares `rec` with room for `nbins` bins on the caller's stack. Several statements. */
#define as_record_inita(rec, nbins)                                                                \
    as_record_init((rec), 0);                                                                      \
    (rec)->bins.entries = (as_bin*)alloca(sizeof(as_bin) * (size_t)(nbins));                       \
    (rec)->bins.capacity = (uint16_t)(nbins);

/** A record on the heap with room for `nbins` bins; NULL without memory. */
AS_EXTERN as_record* as_record_new(uint16_t nbins);

/** Prepares the caller's `rec` with `nbins` bins on the heap; NULL without memory, and for NULL. */
AS_EXTERN as_record* as_record_init(as_record* rec, uint16_t nbins);

/** Drops one reference: the last one destroys the bins and frees what is on the heap. */
AS_EXTERN void as_record_destroy(as_record* rec);

/** Number of bins; 0 for NULL. */
AS_EXTERN uint16_t as_record_numbins(const as_record* rec);

/**
 * Stores any value, one reference of which the record takes over; NULL counts as nil. Like all
 * setters: replaces a bin of that name and destroys its old value. False, and nothing is taken
 * over, if the name is NULL or longer than 15 bytes or a new bin doesn't fit the capacity.
 */
AS_EXTERN bool as_record_set(as_record* rec, const char* name, as_bin_value* value);

/** A boolean. */
AS_EXTERN bool as_record_set_bool(as_record* rec, const char* name, bool value);

/** An integer. */
AS_EXTERN bool as_record_set_int64(as_record* rec, const char* name, int64_t value);

/** A double. */
AS_EXTERN bool as_record_set_double(as_record* rec, const char* name, double value);

/** A text that is given away if `free` (malloc memory), else borrowed. */
AS_EXTERN bool as_record_set_strp(as_record* rec, const char* name, const char* value, bool free);

/** A borrowed text. */
AS_EXTERN bool as_record_set_str(as_record* rec, const char* name, const char* value);

/** A GeoJSON text that is given away if `free`, else borrowed. */
AS_EXTERN bool as_record_set_geojson_strp(as_record* rec, const char* name, const char* value,
                                          bool free);

/** A borrowed GeoJSON text. */
AS_EXTERN bool as_record_set_geojson_str(as_record* rec, const char* name, const char* value);

/** Bytes that are given away if `free`, else borrowed. */
AS_EXTERN bool as_record_set_rawp(as_record* rec, const char* name, const uint8_t* value,
                                  uint32_t size, bool free);

/** The same with a subtype. */
AS_EXTERN bool as_record_set_raw_typep(as_record* rec, const char* name, const uint8_t* value,
                                       uint32_t size, as_bytes_type type, bool free);

/** Borrowed bytes. */
AS_EXTERN bool as_record_set_raw(as_record* rec, const char* name, const uint8_t* value,
                                 uint32_t size);

/** The caller's value, one reference of which is taken over. */
AS_EXTERN bool as_record_set_integer(as_record* rec, const char* name, as_integer* value);

/** The caller's value, one reference of which is taken over. */
AS_EXTERN bool as_record_set_as_double(as_record* rec, const char* name, as_double* value);

/** The caller's value, one reference of which is taken over. */
AS_EXTERN bool as_record_set_string(as_record* rec, const char* name, as_string* value);

/** The caller's value, one reference of which is taken over. */
AS_EXTERN bool as_record_set_geojson(as_record* rec, const char* name, as_geojson* value);

/** The caller's value, one reference of which is taken over. */
AS_EXTERN bool as_record_set_bytes(as_record* rec, const char* name, as_bytes* value);

/** The caller's value, one reference of which is taken over. */
AS_EXTERN bool as_record_set_list(as_record* rec, const char* name, as_list* value);

/** The caller's value, one reference of which is taken over. */
AS_EXTERN bool as_record_set_map(as_record* rec, const char* name, as_map* value);

/** Nil: a put deletes the bin. */
AS_EXTERN bool as_record_set_nil(as_record* rec, const char* name);

/** Value of the first bin of that name, lent; NULL if there is none. */
AS_EXTERN as_bin_value* as_record_get(const as_record* rec, const char* name);

/** A boolean's value, or whether an integer isn't 0; false for anything else. */
AS_EXTERN bool as_record_get_bool(const as_record* rec, const char* name);

/** An integer's value, or `fallback`. */
AS_EXTERN int64_t as_record_get_int64(const as_record* rec, const char* name, int64_t fallback);

/** A double's value, or `fallback`. */
AS_EXTERN double as_record_get_double(const as_record* rec, const char* name, double fallback);

/** A text, lent; NULL if there is none. */
AS_EXTERN char* as_record_get_str(const as_record* rec, const char* name);

/** A GeoJSON text, lent; NULL if there is none. */
AS_EXTERN char* as_record_get_geojson_str(const as_record* rec, const char* name);

/** Value of the first bin of that name if it is of that type, lent; else NULL. */
AS_EXTERN as_integer* as_record_get_integer(const as_record* rec, const char* name);

/** Value of the first bin of that name if it is of that type, lent; else NULL. */
AS_EXTERN as_double* as_record_get_as_double(const as_record* rec, const char* name);

/** Value of the first bin of that name if it is of that type, lent; else NULL. */
AS_EXTERN as_string* as_record_get_string(const as_record* rec, const char* name);

/** Value of the first bin of that name if it is of that type, lent; else NULL. */
AS_EXTERN as_geojson* as_record_get_geojson(const as_record* rec, const char* name);

/** Value of the first bin of that name if it is of that type, lent; else NULL. */
AS_EXTERN as_bytes* as_record_get_bytes(const as_record* rec, const char* name);

/** Value of the first bin of that name if it is of that type, lent; else NULL. */
AS_EXTERN as_list* as_record_get_list(const as_record* rec, const char* name);

/** Value of the first bin of that name if it is of that type, lent; else NULL. */
AS_EXTERN as_map* as_record_get_map(const as_record* rec, const char* name);

/** Result of a server-side function in a batch, lent; NULL if it failed. */
AS_EXTERN as_val* as_record_get_udf_result(const as_record* rec);

/** Error text of a server-side function in a batch, lent; NULL if it succeeded. */
AS_EXTERN char* as_record_get_udf_error(const as_record* rec);

/** Calls `callback` for each bin in order, with the value lent; false if it stopped. */
AS_EXTERN bool as_record_foreach(const as_record* rec, as_rec_foreach_callback callback,
                                 void* udata);

/** The same object as as_val*. */
static inline as_val* as_record_toval(const as_record* rec)
{
    return (as_val*)rec;
}

/** `v` as as_record*, or NULL if it is NULL or something else. */
static inline as_record* as_record_fromval(const as_val* v)
{
    return as_util_fromval(v, AS_REC, as_record);
}

#ifdef __cplusplus
}
#endif
