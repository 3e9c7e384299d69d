/*
 * The allocator: wrappers around the C library's, and the fault hook of the tests.
 */
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

#ifdef TND_TESTING

#include <malloc.h>
#include <stdatomic.h>

/* Atomic because threads of a test may allocate at once; what counts is the loop's thread. */
static _Atomic uint64_t mem_seen;
static _Atomic uint64_t mem_fail_first;
static _Atomic uint64_t mem_fail_count;
static _Atomic int64_t mem_live;
static _Atomic int64_t mem_bytes;

bool (*tnd_mem_hook)(void) = NULL;

void tnd_mem_fail(uint64_t nth, uint64_t count)
{
    mem_fail_first = nth;
    mem_fail_count = count;
    mem_seen = 0;
}

uint64_t tnd_mem_allocations(void)
{
    return mem_seen;
}

int64_t tnd_mem_live(void)
{
    return mem_live;
}

int64_t tnd_mem_bytes(void)
{
    return mem_bytes;
}

static bool mem_refuses(void)
{
    uint64_t nth = ++mem_seen;
    uint64_t first = mem_fail_first;

    return (first > 0 && nth >= first && nth - first < mem_fail_count) ||
           (tnd_mem_hook && tnd_mem_hook());
}

/* Something new came, or something went. */
static void* mem_count(void* memory)
{
    mem_live += memory != NULL;
    mem_bytes += (int64_t)malloc_usable_size(memory);
    return memory;
}

static void mem_uncount(void* memory)
{
    mem_live -= memory != NULL;
    mem_bytes -= (int64_t)malloc_usable_size(memory);
}

#else

static bool mem_refuses(void)
{
    return false;
}

static void* mem_count(void* memory)
{
    return memory;
}

static void mem_uncount(void* memory)
{
    (void)memory;
}

#endif

void* tnd_malloc(size_t size)
{
    return mem_refuses() ? NULL : mem_count(malloc(size > 0 ? size : 1));
}

void* tnd_calloc(size_t count, size_t size)
{
    return mem_refuses() ? NULL : mem_count(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void* tnd_realloc(void* memory, size_t size)
{
    if (mem_refuses()) {
        return NULL;
    }
    mem_uncount(memory);
    void* grown = realloc(memory, size > 0 ? size : 1);
    mem_count(grown ? grown : memory);
    return grown;
}

char* tnd_strdup(const char* text)
{
    return tnd_memdup_text(text, strlen(text));
}

char* tnd_memdup_text(const void* bytes, size_t size)
{
    char* copy = size < SIZE_MAX ? tnd_malloc(size + 1) : NULL;

    if (!copy) {
        return NULL;
    }
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    copy[size] = '\0';
    return copy;
}

void tnd_free(void* memory)
{
    mem_uncount(memory);
    free(memory);
}
