/**
 * Text put together piece by piece, terminated at any time.
 *
 * An append that doesn't fit and may not grow (or has no memory to) copies what fits and answers
 * false.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_string_builder_s {
    char* data;
    /** Bytes of `data`, the terminator's included. */
    uint32_t capacity;
    /** Characters, without the terminator. */
    uint32_t length;
    /** The text may grow: it moves to the heap then. */
    bool resize;
    /** `data` is heap memory of the builder. */
    bool free;
} as_string_builder;

/** Room for `_capacity` bytes on the caller's stack. Several statements. */
#define as_string_builder_inita(sb, _capacity, _resize)                                            \
    as_string_builder_assign((sb), (uint32_t)(_capacity), (char*)alloca(_capacity));               \
    (sb)->resize = (_resize);

/** An empty text with `capacity` bytes on the heap; without memory its capacity is 0. */
AS_EXTERN void as_string_builder_init(as_string_builder* sb, uint32_t capacity, bool resize);

/** An empty text in the caller's buffer, which can't grow. */
AS_EXTERN void as_string_builder_assign(as_string_builder* sb, uint32_t buffer_size, char* buffer);

/** Frees the text if it is on the heap. */
AS_EXTERN void as_string_builder_destroy(as_string_builder* sb);

/** Empties the text, keeps the room. */
AS_EXTERN void as_string_builder_reset(as_string_builder* sb);

/** A C string. */
AS_EXTERN bool as_string_builder_append(as_string_builder* sb, const char* value);

/** A character. */
AS_EXTERN bool as_string_builder_append_char(as_string_builder* sb, char value);

/** Bytes in hex, two upper-case digits each and a space between two. */
AS_EXTERN bool as_string_builder_append_bytes(as_string_builder* sb, uint8_t* src, uint32_t size);

/** A decimal number. */
AS_EXTERN bool as_string_builder_append_int(as_string_builder* sb, int val);

/** A decimal number. */
AS_EXTERN bool as_string_builder_append_uint(as_string_builder* sb, uint32_t val);

/** A decimal number. */
AS_EXTERN bool as_string_builder_append_int64(as_string_builder* sb, int64_t val);

/** A decimal number. */
AS_EXTERN bool as_string_builder_append_uint64(as_string_builder* sb, uint64_t val);

/** A line feed. */
static inline bool as_string_builder_append_newline(as_string_builder* sb)
{
    return as_string_builder_append_char(sb, '\n');
}

#ifdef __cplusplus
}
#endif
