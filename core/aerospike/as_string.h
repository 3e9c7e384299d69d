/**
 * A text value: terminated, in whatever encoding the program uses (the server expects UTF-8).
 */
#pragma once

#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_string_s {
    as_val _;
    /** `value` is freed with the object; otherwise it is borrowed for the object's whole life. */
    bool free;
    /** Terminated text. */
    char* value;
    /** Bytes without the terminator; SIZE_MAX until computed. */
    size_t len;
} as_string;

/** Prepares the caller's `string` around `value`. `free` gives `value` (malloc memory) away. */
AS_EXTERN as_string* as_string_init(as_string* string, char* value, bool free);

/** The same with a length that is trusted. */
AS_EXTERN as_string* as_string_init_wlen(as_string* string, char* value, size_t len, bool free);

/** A new one on the heap around `value`; without memory NULL, and `value` stays the caller's. */
AS_EXTERN as_string* as_string_new(char* value, bool free);

/** The same with a length that is trusted. */
AS_EXTERN as_string* as_string_new_wlen(char* value, size_t len, bool free);

/** A new one on the heap with a copy of `value`; NULL without memory. */
AS_EXTERN as_string* as_string_new_strdup(const char* value);

/** Drops one reference. */
static inline void as_string_destroy(as_string* string)
{
    as_val_destroy(string);
}

/** Length in bytes, computed once; 0 for NULL. */
AS_EXTERN size_t as_string_len(as_string* string);

/** The text, which stays the object's, or `fallback` for NULL. */
static inline char* as_string_getorelse(const as_string* string, char* fallback)
{
    return string ? string->value : fallback;
}

/** The text, which stays the object's; NULL for NULL. */
static inline char* as_string_get(const as_string* string)
{
    return as_string_getorelse(string, NULL);
}

/** Old name of as_string_get(). */
static inline char* as_string_tostring(const as_string* string)
{
    return as_string_get(string);
}

/** The same object as as_val*. */
static inline as_val* as_string_toval(const as_string* string)
{
    return (as_val*)string;
}

/** `v` as as_string*, or NULL if it is NULL or something else. */
static inline as_string* as_string_fromval(const as_val* v)
{
    return as_util_fromval(v, AS_STRING, as_string);
}

/**
 * Puts the last component of `path` into `filename`, which the caller destroys, and returns its
 * text: "." for an empty or NULL path, trailing slashes dropped, "/" for slashes only.
 */
AS_EXTERN const char* as_basename(as_string* filename, const char* path);

/**
 * Copies `src` into the `size` bytes at `trg`, always terminated; NULL counts as "". True if it was
 * cut.
 */
AS_EXTERN bool as_strncpy(char* trg, const char* src, int size);

#ifdef __cplusplus
}
#endif
