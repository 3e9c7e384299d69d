/**
 * Which record: namespace, set, and user key or digest.
 *
 * A user key of the initialisers lives inside the struct and `valuep` points there, so a key must
 * not be copied by assignment. Commands take a const key but compute its digest into it.
 */
#pragma once

#include <aerospike/as_bytes.h>
#include <aerospike/as_error.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_status.h>
#include <aerospike/as_string.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a digest (RIPEMD-160). */
#define AS_DIGEST_VALUE_SIZE 20
/** Bytes of a namespace's name with its terminator. */
#define AS_NAMESPACE_MAX_SIZE 32
/** Most bytes of a namespace's name. */
#define AS_NAMESPACE_MAX_LEN (AS_NAMESPACE_MAX_SIZE - 1)
/** Bytes of a set's name with its terminator. */
#define AS_SET_MAX_SIZE 64
/** Most bytes of a set's name. */
#define AS_SET_MAX_LEN (AS_SET_MAX_SIZE - 1)

typedef char as_namespace[AS_NAMESPACE_MAX_SIZE];
typedef char as_set[AS_SET_MAX_SIZE];
typedef uint8_t as_digest_value[AS_DIGEST_VALUE_SIZE];

typedef struct as_digest_s {
    /** `value` has been computed or given. */
    bool init;
    as_digest_value value;
} as_digest;

/** Storage for the user key; the type of the value inside decides. */
typedef union as_key_value_u {
    as_integer integer;
    as_string string;
    as_bytes bytes;
} as_key_value;

typedef struct as_key_s {
    /** The struct is on the heap. */
    bool _free;
    as_namespace ns;
    /** "" for no set. */
    as_set set;
    as_key_value value;
    /** The user key: `value` above, the caller's value, or NULL where only the digest is known. */
    as_key_value* valuep;
    as_digest digest;
} as_key;

/**
 * Prepares the caller's `key` with a text that is borrowed until the key is destroyed. Like all
 * initialisers: NULL if the namespace has more than 31 or the set more than 63 bytes, or if `key`,
 * `ns` or the value is NULL; the key is unusable then, but may be destroyed. A NULL `set` is "".
 */
AS_EXTERN as_key* as_key_init(as_key* key, const char* ns, const char* set, const char* value);

/** With an integer. Such a key needs no destroy. */
AS_EXTERN as_key* as_key_init_int64(as_key* key, const char* ns, const char* set, int64_t value);

/** With a text that is given away if `free` (malloc memory), else borrowed. */
AS_EXTERN as_key* as_key_init_strp(as_key* key, const char* ns, const char* set, const char* value,
                                   bool free);

/** The same as as_key_init(). */
AS_EXTERN as_key* as_key_init_str(as_key* key, const char* ns, const char* set, const char* value);

/** With bytes that are given away if `free`, else borrowed. */
AS_EXTERN as_key* as_key_init_rawp(as_key* key, const char* ns, const char* set,
                                   const uint8_t* value, uint32_t size, bool free);

/** With borrowed bytes. */
AS_EXTERN as_key* as_key_init_raw(as_key* key, const char* ns, const char* set,
                                  const uint8_t* value, uint32_t size);

/** With a digest of AS_DIGEST_VALUE_SIZE bytes, which is copied, and no user key. */
AS_EXTERN as_key* as_key_init_digest(as_key* key, const char* ns, const char* set,
                                     const uint8_t* digest);

/** With any integer, double, string or bytes value, one reference of which is taken over. */
AS_EXTERN as_key* as_key_init_value(as_key* key, const char* ns, const char* set,
                                    const as_key_value* value);

/**
 * The same on the heap, to be ended by as_key_destroy(). NULL without memory and where the
 * initialiser fails; what was to be given away stays the caller's then.
 */
AS_EXTERN as_key* as_key_new(const char* ns, const char* set, const char* value);
/** as_key_init_int64() on the heap. */
AS_EXTERN as_key* as_key_new_int64(const char* ns, const char* set, int64_t value);
/** as_key_init_strp() on the heap. */
AS_EXTERN as_key* as_key_new_strp(const char* ns, const char* set, const char* value, bool free);
/** as_key_init_str() on the heap. */
AS_EXTERN as_key* as_key_new_str(const char* ns, const char* set, const char* value);
/** as_key_init_rawp() on the heap. */
AS_EXTERN as_key* as_key_new_rawp(const char* ns, const char* set, const uint8_t* value,
                                  uint32_t size, bool free);
/** as_key_init_raw() on the heap. */
AS_EXTERN as_key* as_key_new_raw(const char* ns, const char* set, const uint8_t* value,
                                 uint32_t size);
/** as_key_init_digest() on the heap. */
AS_EXTERN as_key* as_key_new_digest(const char* ns, const char* set, const uint8_t* digest);
/** as_key_init_value() on the heap. */
AS_EXTERN as_key* as_key_new_value(const char* ns, const char* set, const as_key_value* value);

/** Drops the reference to the user key and frees the struct if it is on the heap. */
AS_EXTERN void as_key_destroy(as_key* key);

/** The digest, computed once; NULL, and a log line, for a value that can't be a key. */
AS_EXTERN as_digest* as_key_digest(as_key* key);

/**
 * Sees to the digest: AEROSPIKE_OK, or AEROSPIKE_ERR_PARAM "Invalid key type" unless the value is
 * an integer, double, string or bytes.
 */
AS_EXTERN as_status as_key_set_digest(as_error* err, as_key* key);

#ifdef __cplusplus
}
#endif
