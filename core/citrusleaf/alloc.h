/**
 * The allocator that official programs use by these names. It is the C library's: what the library
 * hands out may be released with free(), and what a program got from malloc() or strdup() may be
 * handed to the library.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** malloc(). */
static inline void* cf_malloc(size_t size)
{
    return malloc(size);
}

/** calloc(). */
static inline void* cf_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

/** realloc(). */
static inline void* cf_realloc(void* memory, size_t size)
{
    return realloc(memory, size);
}

/** A copy of a string, to be freed by the caller; NULL without memory. */
static inline char* cf_strdup(const char* text)
{
    size_t size = strlen(text) + 1;
    char* copy = (char*)malloc(size);
    return copy ? (char*)memcpy(copy, text, size) : NULL;
}

/** A copy of at most `length` bytes of a string, terminated; NULL without memory. */
static inline char* cf_strndup(const char* text, size_t length)
{
    const char* end = (const char*)memchr(text, 0, length);
    size_t copied = end ? (size_t)(end - text) : length;
    char* copy = (char*)malloc(copied + 1);

    if (copy) {
        memcpy(copy, text, copied);
        copy[copied] = 0;
    }
    return copy;
}

/** Memory that starts on a page, released with cf_free(). */
static inline void* cf_valloc(size_t size)
{
    return aligned_alloc(4096, (size + 4095) / 4096 * 4096);
}

/** free(). */
static inline void cf_free(void* memory)
{
    free(memory);
}

#ifdef __cplusplus
}
#endif
