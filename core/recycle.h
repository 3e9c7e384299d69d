/*
 * Memory of one answer, kept for the next: a few malloc blocks of each size. A program that takes a
 * block for its own may free() it, and what it gives back instead may be any malloc memory.
 */
#ifndef TENDRIL_CORE_RECYCLE_H
#define TENDRIL_CORE_RECYCLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TND_RECYCLE_SIZES = 11,             /* powers of two from 64 bytes to 64 KiB */
    TND_RECYCLE_BLOCKS = 8,             /* of each, at most */
    TND_RECYCLE_BYTES_MAX = 256 * 1024, /* of all of them */
};

/* All zero is an empty one. */
typedef struct tnd_recycle {
    size_t bytes;
    uint8_t counts[TND_RECYCLE_SIZES];
    void* blocks[TND_RECYCLE_SIZES][TND_RECYCLE_BLOCKS];
} tnd_recycle;

/* malloc memory of at least `size` bytes; NULL without memory. `recycle` NULL: always new. */
void* tnd_recycle_take(tnd_recycle* recycle, size_t size);

/* Keeps or frees a block. NULL is allowed, for both. */
void tnd_recycle_give(tnd_recycle* recycle, void* block);

/* Frees what is kept. */
void tnd_recycle_done(tnd_recycle* recycle);

#ifdef __cplusplus
}
#endif

#endif
