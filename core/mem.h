/*
 * The library's allocator: the C library's, with a hook in front that lets a test fail any
 * allocation.
 *
 * What programs may free() (texts, results, strings of a configuration) must be malloc memory, and
 * what they got from malloc() may be given to the library; so these are plain wrappers and mix
 * freely with malloc() and free(). Every caller checks the result.
 */
#ifndef TENDRIL_CORE_MEM_H
#define TENDRIL_CORE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NULL without memory. A size of 0 gives memory that must be freed, too. */
void* tnd_malloc(size_t size);

/* Zeroed; NULL also where the product overflows. */
void* tnd_calloc(size_t count, size_t size);

/* NULL without memory; `memory` stays as it was then. */
void* tnd_realloc(void* memory, size_t size);

/* A terminated copy of a text; NULL without memory. */
char* tnd_strdup(const char* text);

/* A terminated copy of `size` bytes, which may contain any byte; NULL without memory. */
char* tnd_memdup_text(const void* bytes, size_t size);

/* NULL is allowed. */
void tnd_free(void* memory);

#ifdef TND_TESTING
/* Makes the `nth` allocation from now on (1 = the next) fail, and `count - 1` after it; nth 0 ends
   that. Restarts the count of tnd_mem_allocations(). */
void tnd_mem_fail(uint64_t nth, uint64_t count);

/* Allocations since the last tnd_mem_fail(), failed ones included. */
uint64_t tnd_mem_allocations(void);

/* Asked at each allocation, true = it fails; NULL by default. For tests that choose by who asks. */
extern bool (*tnd_mem_hook)(void);

/* Allocations that haven't been freed. Differences count: what the library frees but didn't
   allocate (or the other way round) is in it, too. */
int64_t tnd_mem_live(void);

/* Their bytes, as the C library counts them. */
int64_t tnd_mem_bytes(void);
#endif

#ifdef __cplusplus
}
#endif

#endif
