/**
 * A value of raw bytes with a subtype, and a small buffer to build one in.
 *
 * `size` bytes of `capacity` are in use. Setters and appends never grow the capacity: they answer
 * false; as_bytes_ensure() grows it. The integer and double accessors copy memory in the host's
 * byte order.
 */
#pragma once

#include <aerospike/as_util.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Subtypes; the numbers are the particle types of the wire. */
typedef enum as_bytes_type_e {
    AS_BYTES_UNDEF = 0,
    AS_BYTES_INTEGER = 1,
    AS_BYTES_DOUBLE = 2,
    AS_BYTES_STRING = 3,
    AS_BYTES_BLOB = 4,
    AS_BYTES_JAVA = 7,
    AS_BYTES_CSHARP = 8,
    AS_BYTES_PYTHON = 9,
    AS_BYTES_RUBY = 10,
    AS_BYTES_PHP = 11,
    AS_BYTES_ERLANG = 12,
    AS_BYTES_VECTOR = 16,
    AS_BYTES_BOOL = 17,
    AS_BYTES_HLL = 18,
    AS_BYTES_MAP = 19,
    AS_BYTES_LIST = 20,
    AS_BYTES_GEOJSON = 23,
    AS_BYTES_TYPE_MAX = 24
} as_bytes_type;

typedef struct as_bytes_s {
    as_val _;
    /** Bytes that fit. */
    uint32_t capacity;
    /** Bytes in use. */
    uint32_t size;
    uint8_t* value;
    /** `value` is freed with the object; otherwise it is borrowed for the object's whole life. */
    bool free;
    /** AS_BYTES_BLOB unless set. */
    as_bytes_type type;
} as_bytes;

/** An empty value with its buffer on the caller's stack. Several statements. */
#define as_bytes_inita(bytes, _capacity)                                                           \
    as_bytes_init_wrap((bytes), (uint8_t*)alloca(_capacity), (_capacity), false);                  \
    (bytes)->size = 0;

/** Prepares the caller's `bytes` with a zeroed heap buffer and size 0; NULL without memory. */
AS_EXTERN as_bytes* as_bytes_init(as_bytes* bytes, uint32_t capacity);

/** Prepares the caller's `bytes` around `value`, all in use. `free` gives `value` away. */
AS_EXTERN as_bytes* as_bytes_init_wrap(as_bytes* bytes, uint8_t* value, uint32_t size, bool free);

/** as_bytes_init() on the heap; NULL without memory. */
AS_EXTERN as_bytes* as_bytes_new(uint32_t capacity);

/** as_bytes_init_wrap() on the heap; without memory NULL, and `value` stays the caller's. */
AS_EXTERN as_bytes* as_bytes_new_wrap(uint8_t* value, uint32_t size, bool free);

/** Drops one reference. */
static inline void as_bytes_destroy(as_bytes* bytes)
{
    as_val_destroy(bytes);
}

/** Bytes in use; 0 for NULL. */
static inline uint32_t as_bytes_size(const as_bytes* bytes)
{
    return bytes ? bytes->size : 0;
}

/** Bytes that fit; 0 for NULL. */
static inline uint32_t as_bytes_capacity(const as_bytes* bytes)
{
    return bytes ? bytes->capacity : 0;
}

/** Subtype; AS_BYTES_UNDEF for NULL. */
static inline as_bytes_type as_bytes_get_type(const as_bytes* bytes)
{
    return bytes ? bytes->type : AS_BYTES_UNDEF;
}

/** Changes the subtype. */
static inline void as_bytes_set_type(as_bytes* bytes, as_bytes_type type)
{
    if (bytes) {
        bytes->type = type;
    }
}

/** The memory, which stays the object's, or `fallback` for NULL. */
static inline uint8_t* as_bytes_getorelse(const as_bytes* bytes, uint8_t* fallback)
{
    return bytes ? bytes->value : fallback;
}

/** The memory, which stays the object's; NULL for NULL. */
static inline uint8_t* as_bytes_get(const as_bytes* bytes)
{
    return as_bytes_getorelse(bytes, NULL);
}

/** Old form of as_bytes_get(), with the bytes in use in `size`. */
static inline uint8_t* as_bytes_tobytes(const as_bytes* bytes, uint32_t* size)
{
    if (size) {
        *size = as_bytes_size(bytes);
    }
    return as_bytes_get(bytes);
}

/** The same object as as_val*. */
static inline as_val* as_bytes_toval(const as_bytes* b)
{
    return (as_val*)b;
}

/** `v` as as_bytes*, or NULL if it is NULL or something else. */
static inline as_bytes* as_bytes_fromval(const as_val* v)
{
    return as_util_fromval(v, AS_BYTES, as_bytes);
}

/** Copies `size` bytes from `index` on into `value`; `size`, or 0 if they aren't all in use. */
AS_EXTERN uint32_t as_bytes_copy(const as_bytes* bytes, uint32_t index, uint8_t* value,
                                 uint32_t size);

/** Reads the byte at `index`; 1, or 0 beyond the end. */
AS_EXTERN uint32_t as_bytes_get_byte(const as_bytes* bytes, uint32_t index, uint8_t* value);
/** Reads two bytes in host order; 2, or 0 beyond the end. */
AS_EXTERN uint32_t as_bytes_get_int16(const as_bytes* bytes, uint32_t index, int16_t* value);
/** Reads four bytes in host order; 4, or 0 beyond the end. */
AS_EXTERN uint32_t as_bytes_get_int32(const as_bytes* bytes, uint32_t index, int32_t* value);
/** Reads eight bytes in host order; 8, or 0 beyond the end. */
AS_EXTERN uint32_t as_bytes_get_int64(const as_bytes* bytes, uint32_t index, int64_t* value);
/** Reads a double in host order; 8, or 0 beyond the end. */
AS_EXTERN uint32_t as_bytes_get_double(const as_bytes* bytes, uint32_t index, double* value);
/**
 * Reads a number in base 128, lowest group first, high bit = more. Bytes read, or 0 if it is cut or
 * exceeds 32 bits.
 */
AS_EXTERN uint32_t as_bytes_get_var_int(const as_bytes* bytes, uint32_t index, uint32_t* value);

/** Writes `size` bytes at `index`, growing the size; false, and nothing, beyond the capacity. */
AS_EXTERN bool as_bytes_set(as_bytes* bytes, uint32_t index, const uint8_t* value, uint32_t size);

/** Writes one byte at `index`; false beyond the capacity. */
static inline bool as_bytes_set_byte(as_bytes* bytes, uint32_t index, uint8_t value)
{
    return as_bytes_set(bytes, index, &value, 1);
}

/** Writes two bytes in host order at `index`; false beyond the capacity. */
static inline bool as_bytes_set_int16(as_bytes* bytes, uint32_t index, int16_t value)
{
    return as_bytes_set(bytes, index, (const uint8_t*)&value, 2);
}

/** Writes four bytes in host order at `index`; false beyond the capacity. */
static inline bool as_bytes_set_int32(as_bytes* bytes, uint32_t index, int32_t value)
{
    return as_bytes_set(bytes, index, (const uint8_t*)&value, 4);
}

/** Writes eight bytes in host order at `index`; false beyond the capacity. */
static inline bool as_bytes_set_int64(as_bytes* bytes, uint32_t index, int64_t value)
{
    return as_bytes_set(bytes, index, (const uint8_t*)&value, 8);
}

/** Writes a double in host order at `index`; false beyond the capacity. */
static inline bool as_bytes_set_double(as_bytes* bytes, uint32_t index, double value)
{
    return as_bytes_set(bytes, index, (const uint8_t*)&value, 8);
}

/**
 * Writes a number in base 128 (see as_bytes_get_var_int()) at `index` without changing the size.
 * Bytes written, or 0 if it doesn't fit the capacity.
 */
AS_EXTERN uint32_t as_bytes_set_var_int(const as_bytes* bytes, uint32_t index, uint32_t value);

/** Writes `size` bytes behind those in use; false, and nothing, beyond the capacity. */
AS_EXTERN bool as_bytes_append(as_bytes* bytes, const uint8_t* value, uint32_t size);

/** Appends one byte; false when full. */
static inline bool as_bytes_append_byte(as_bytes* bytes, uint8_t value)
{
    return as_bytes_append(bytes, &value, 1);
}

/** Appends two bytes in host order; false when full. */
static inline bool as_bytes_append_int16(as_bytes* bytes, int16_t value)
{
    return as_bytes_append(bytes, (const uint8_t*)&value, 2);
}

/** Appends four bytes in host order; false when full. */
static inline bool as_bytes_append_int32(as_bytes* bytes, int32_t value)
{
    return as_bytes_append(bytes, (const uint8_t*)&value, 4);
}

/** Appends eight bytes in host order; false when full. */
static inline bool as_bytes_append_int64(as_bytes* bytes, int64_t value)
{
    return as_bytes_append(bytes, (const uint8_t*)&value, 8);
}

/** Appends a double in host order; false when full. */
static inline bool as_bytes_append_double(as_bytes* bytes, double value)
{
    return as_bytes_append(bytes, (const uint8_t*)&value, 8);
}

/** Drops `n` bytes at the end; false, and nothing, if fewer are in use. */
AS_EXTERN bool as_bytes_truncate(as_bytes* bytes, uint32_t n);

/**
 * Sees to a capacity of at least `capacity`. Grows only if `resize`; a stack or borrowed buffer
 * becomes a heap copy then. False if it doesn't fit, may not grow, or there is no memory.
 */
AS_EXTERN bool as_bytes_ensure(as_bytes* bytes, uint32_t capacity, bool resize);

/** Bytes as upper-case hex into `str_size` bytes at `str`, always terminated; false if cut. */
AS_EXTERN bool as_bytes_to_string(const uint8_t* bytes, uint32_t bytes_size, char* str,
                                  uint32_t str_size);

/** The same behind "0x". */
AS_EXTERN bool as_bytes_to_string_with_prefix(const uint8_t* bytes, uint32_t bytes_size, char* str,
                                              uint32_t str_size);

/**
 * Hex text, "0x" in front allowed, into at most `bytes_size` bytes. Number of bytes, or -1 for an
 * odd number of digits, another character, or too many.
 */
AS_EXTERN int as_bytes_from_string(uint8_t* bytes, uint32_t bytes_size, const char* str);

#ifdef __cplusplus
}
#endif
